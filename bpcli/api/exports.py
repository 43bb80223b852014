"""A trained model for other programs: its weights, or code that does what `predict` does."""

import os
from collections.abc import Sequence
from pathlib import Path

from bpcli.api.arguments import each_text
from bpcli.api.predictions import prediction_names, predictions
from bpcli.errors import UsageError, meant, several
from bpcli.exporting.exported_model import exported
from bpcli.exporting.targets import EXPORTS
from bpcli.training.run import load_model

TABLE = "data"


def export(model: str | os.PathLike[str], to: str, *, table: str = TABLE, keep: Sequence[str] = ()) -> bytes:
    """The model of a run in another language, preparation included, as the content of a file.

    `to` is a row of `EXPORTS`. `table` is the one that SQL reads, and `keep` are its columns to give in front of
    the prediction. UsageError for a model that the format can't express, DataError for one that can't be read.
    """
    if to not in EXPORTS:
        raise UsageError(f"a model can't be exported as {to}", meant(to, EXPORTS, f"to {several(EXPORTS)}"))
    loaded = load_model(Path(model))
    found = exported(loaded, prediction_names(loaded), predictions)
    return EXPORTS[to].write(loaded, found, table, each_text(keep))
