"""Validates a config and the data that it names, and reports all mistakes at once."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from bpcli.datasets.reading import read_files
from bpcli.errors import BpcliError, ConfigError, DataError, together
from bpcli.training.config.loading import Config, load_config
from bpcli.training.named_data import files_of
from bpcli.training.setup import prepare
from bpcli.training.trainer import Training


def validated(path: str | os.PathLike[str], settings: Sequence[str] = (), option: str = "") -> Training:
    """The training that a config describes, ready to run; arguments as `load_config`.

    Raises one error with every mistake of the config and the data. If the config has mistakes, the data is checked as
    if the keys at fault had been left out.
    """
    mistakes: list[BpcliError] = []
    try:
        config: Config | None = load_config(path, settings, option)
    except ConfigError as error:
        mistakes += [error, *map(DataError, error.lost)]
        config = error.rest
    if config is not None:
        try:
            training = prepare(config)
        except BpcliError as error:
            mistakes += [error, *_unreadable(config)]
        else:
            if not mistakes:
                return training
    raise together(mistakes)


def _unreadable(config: Config) -> Iterator[BpcliError]:
    """Yield the errors of the data files that can't be read."""
    data = config.data
    for paths in (data.path, data.target_path, data.validation, data.test):
        if isinstance(paths, Path | tuple):
            try:
                read_files(files_of(config, paths))
            except BpcliError as error:
                yield error
