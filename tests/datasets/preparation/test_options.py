"""The options of a preparation are those that a config gives, and their defaults are the config's."""

import dataclasses

from bpcli.datasets.preparation.options import PreparationOptions
from bpcli.training.config.keys import KEYS


def test_the_defaults_are_those_of_the_config():
    for entry in dataclasses.fields(PreparationOptions):
        key = KEYS.get(f"data.{entry.name}")
        if key is not None and entry.default is not dataclasses.MISSING:
            assert entry.default == key.default, entry.name
