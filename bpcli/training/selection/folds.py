"""The folds of cross-validation: the rows that are held out in turn, and those that early stopping watches."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.fitting import fit_preparation, rows_dropped
from bpcli.datasets.preparation.labels import class_text, classes_of, label_codes
from bpcli.datasets.preparation.splits import split_rows
from bpcli.datasets.table import Table
from bpcli.errors import DataError, UsageError
from bpcli.formulas.choices import Task
from bpcli.formulas.layers import task_of
from bpcli.training.config.loading import Config
from bpcli.training.descent.stopping import stopping_of
from bpcli.training.named_data import preparation_options, split
from bpcli.training.setup import streams

Array = NDArray[Any]

HELD_OUT = "test"
"""The part of a fold on which its model is measured."""

FOR_STOPPING = 0.2
"""The fraction of a fold's training rows that early stopping watches, if the config gives none."""

_STREAM = 3  # the number of the random stream, after those of the splits, the start and the shuffling


def fold_numbers(rows: int, folds: int, classes: Array | None, rng: np.random.Generator) -> Array:
    """The fold of each row, (rows,), from 0. The sizes of folds differ by at most one row, in total and in each class.

    `classes` (rows,) are class numbers; without them the folds are not stratified.
    """
    order = rng.permutation(rows)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    found = np.empty(rows, np.intp)
    found[order] = np.arange(rows) % folds
    return found


def folds_of(config: Config, table: Table, folds: int, repeat: int) -> list[dict[str, Array]]:
    """The rows of each fold by part; the rows of `test`, and those dropped for missing cells, are left out.

    The folds depend only on the seed, the rows and the number of the `repeat`. UsageError for fewer than two folds, or
    more than rows; DataError for data that does not fit, or if a class has too few rows to be in every fold.
    """
    if folds < 2:
        raise UsageError(f"folds is {folds}: expected 2 or more", names=("folds",))
    options = preparation_options(config)
    parts = split(config, table, streams(config)[0])
    rows = np.sort(np.concatenate([part for name, part in parts.items() if name != "test"]))
    rows = rows[~rows_dropped(table, options)[rows]]
    fit_preparation(table, options, rows)  # raises errors that every fold would raise
    if folds > len(rows):
        raise UsageError(f"folds is {folds}, more than the {len(rows)} rows there are", names=("folds",))
    codes = None
    if task_of(config.model.type, config.loss) is not Task.REGRESSION:
        codes = label_codes(table, options.target)
        _refuse_few(table, options.target, rows, codes, folds)
    seeds = np.random.SeedSequence(config.training.seed, spawn_key=(_STREAM, repeat)).spawn(folds + 1)
    numbers = fold_numbers(len(rows), folds, None if codes is None else codes[rows], np.random.default_rng(seeds[0]))
    found = []
    for k in range(folds):
        part = {"train": rows[numbers != k], HELD_OUT: rows[numbers == k]}
        if stopping_of(config.training.early_stopping, config.training.epochs) is not None:
            part |= _for_stopping(config, part["train"], codes, np.random.default_rng(seeds[k + 1]))
        found.append(part)
    return found


def _for_stopping(config: Config, rows: Array, codes: Array | None, rng: np.random.Generator) -> dict[str, Array]:
    """A fold's training rows, split into those to train on and those that early stopping watches."""
    given = config.data.validation
    fraction = given if isinstance(given, float) else FOR_STOPPING
    train, validation, _ = split_rows(len(rows), fraction, None, None if codes is None else codes[rows], rng)
    return {"train": rows[train], "validation": rows[validation]}


def _refuse_few(table: Table, target: str, rows: Array, codes: Array, folds: int) -> None:
    """DataError if a class has fewer rows than there are folds."""
    counts = np.bincount(codes[rows])
    few = min((int(count), code) for code, count in enumerate(counts) if count)
    if few[0] < folds:
        (name,) = classes_of(table, target, rows[codes[rows] == few[1]][:1])
        raise DataError(
            f"{table.path}: class {class_text(name)} of {target} has {few[0]} {'row' if few[0] == 1 else 'rows'}, too "
            f"few to be in each of {folds} parts",
            f"folds {few[0]}" if few[0] > 1 else "more rows of it, or without it",
            names=("folds",),
        )
