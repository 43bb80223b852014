"""Fits a preparation to the training rows: categories, fills, means, scales and classes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.columns import Column
from bpcli.datasets.preparation.fitted import Preparation
from bpcli.datasets.preparation.gaps import FILLS, dropped, fits_text, strategy_of, target_strategy
from bpcli.datasets.preparation.labels import fit_classes
from bpcli.datasets.preparation.options import DROP, PreparationOptions
from bpcli.datasets.preparation.problems import first_gap, refuse_unusable, without_values
from bpcli.datasets.preparation.statistics import mean_and_sigma, moments, whole_blocks
from bpcli.datasets.share import in_all_processes, in_any_process, total
from bpcli.datasets.sparse import Numbered, SparseTable
from bpcli.datasets.table import Table
from bpcli.errors import DataError, UsageError, together
from bpcli.text.natural_order import natural_key

Array = NDArray[Any]

_MANY = 1 << 20
_TOGETHER = 8  # columns whose mean and σ are computed in one pass, so that their blocks stay in the cache
_MOSTLY_UNUSED = 8
"""If less than one in this many numbered features occurs, only those that occur get weights."""


def fit_preparation(table: Table, options: PreparationOptions, rows: Array) -> Preparation:
    """Learn categories, fills, mean and σ, and the classes from `rows` of `table`.

    DataError that names every column that can't be used as it is, with file and line, and what would help;
    UsageError for options that do not fit the table.
    """
    if isinstance(table, SparseTable):
        return _fit_sparse(table, options, rows)
    names = _feature_columns(table, options)
    strategies = {name: strategy_of(options, name) for name in names}
    drops_target = target_strategy(options) == DROP
    drop = rows_dropped(table, options)
    _refuse_unfit(table, options, strategies, drop, rows)
    kept = rows[~drop[rows]] if drop.any() else rows
    if not total(table.share, len(kept)):
        raise DataError(f"{table.path}: data.missing: drop leaves no row to train on")
    whole = [name for name in names if table.is_whole(name) and name not in options.categorical]
    known = dict(zip(whole, _moments_of(table, whole, kept), strict=True)) if whole and options.standardize else {}
    fitted = [_fit_column(table, name, strategies[name], options, kept, known.get(name)) for name in names]
    classes = fit_classes(table, options.target, options.task, options.loss, options.positive, kept)
    return Preparation(
        options.target,
        options.task,
        drops_target,
        tuple(column for column, _, _ in fitted),
        classes,
        tuple(m for _, means, _ in fitted for m in means) if options.standardize else None,
        tuple(s for _, _, scales in fitted for s in scales)
        if options.standardize or options.scale is not None
        else None,
        labels=options.labels,
    )


def rows_dropped(table: Table, options: PreparationOptions) -> Array:
    """Whether each row is dropped because of a missing cell, (N,)."""
    names = [] if isinstance(table, SparseTable) else _feature_columns(table, options)
    strategies = {name: strategy_of(options, name) for name in names}
    return dropped(table, strategies, options.target if target_strategy(options) == DROP else None)


def _refuse_unfit(
    table: Table, options: PreparationOptions, strategies: Mapping[str, str], drop: Array, rows: Array
) -> None:
    """One error for all columns, the target among them, that can't be used as they are."""
    try:
        refuse_unusable(table, options, strategies, drop)
    except DataError as error:
        if table.share.size > 1:
            raise  # the other processes would wait in `fit_classes`, as they do not raise this error
        found = [error]
        labelled = rows[~(drop | table.missing(options.target))[rows]]
        if len(labelled):
            try:
                fit_classes(table, options.target, options.task, options.loss, options.positive, labelled)
            except DataError as other:
                found.append(other)
        raise together(found) from error


def _fit_sparse(table: SparseTable, options: PreparationOptions, rows: Array) -> Preparation:
    """The preparation of a sparse table, classes and features, whose zeros are not written out."""
    if options.standardize:
        raise UsageError(
            f"data.standardize: it subtracts the mean, so that no 0 of the sparse {table.path} would stay 0",
            "data.scale: NUMBER divides all features by one number; or give the data in another format",
        )
    if options.categorical:
        raise UsageError(f"data.categorical: the features of {table.path} are numbers, and sparse", "leave it out")
    of_columns = {} if isinstance(options.missing, str) else options.missing
    table.require([options.target, *(options.features or ()), *options.exclude, *of_columns])
    features = table.features
    if options.features is None and len(features) > _MANY:
        used = np.unique(np.concatenate(table.share.exchanged([np.unique(table.matrix.indices)] * table.share.size)))
        if len(features) > _MOSTLY_UNUSED * len(used):  # the weights of the others would take memory and never change
            features = Numbered(features.first, features.stop, tuple(used.tolist()))
    if options.features is not None or options.exclude:
        out = {options.target, *options.exclude}
        names = features if options.features is None else options.features
        features = Numbered(features.first, features.stop, tuple(int(name[1:]) for name in names if name not in out))
    if not len(features):
        raise DataError(f"{table.path} has no feature left to learn from")
    missing, drops = table.missing(options.target), target_strategy(options) == DROP
    if missing.any() and not drops:
        raise DataError(first_gap(table, options.target, missing, "target"), "data.missing: drop")
    kept = rows[~missing[rows]]
    if not total(table.share, len(kept)):
        raise DataError(f"{table.path}: data.missing: drop leaves no row to train on")
    classes = fit_classes(table, options.target, options.task, options.loss, options.positive, kept)
    scale = None if options.scale is None else (options.scale,) * len(features)
    return Preparation(options.target, options.task, drops, (), classes, None, scale, features, options.labels)


def _feature_columns(table: Table, options: PreparationOptions) -> list[str]:
    """The columns to learn from; DataError or UsageError for options that do not fit the table or each other."""
    of_columns = {} if isinstance(options.missing, str) else options.missing
    table.require([options.target, *(options.features or ()), *options.exclude, *options.categorical, *of_columns])
    out = {options.target, *options.exclude}
    chosen = [name for name in (table.names if options.features is None else options.features) if name not in out]
    if not chosen:
        raise DataError(f"{table.path} has no column left to learn from beside the target {options.target}")
    problems = []
    for name, strategy in of_columns.items():
        if name == options.target:
            if strategy in FILLS:
                problems.append(f"data.missing: {name} is the target, which is never filled: drop or error")
        elif name not in chosen:
            problems.append(f"data.missing: {name} is not among the features")
        elif name in options.categorical and not fits_text(strategy):
            problems.append(f"data.missing: {name} is categorical and has no {strategy}: most_frequent, drop or error")
    if problems:
        raise UsageError("\n  ".join(problems))
    return chosen


def _moments_of(table: Table, names: Sequence[str], rows: Array) -> list[tuple[float, float]]:
    """Mean and σ of columns without missing cells in `table.dense`, block by block, a few columns at a time."""
    dense, every = table.dense, len(rows) == table.rows
    assert dense is not None

    def taken(columns: Sequence[str], places: slice) -> Array:
        return np.ascontiguousarray(dense.rows(columns, places if every else rows[places]).T)

    found: list[tuple[float, float]] = []
    for first in range(0, len(names), _TOGETHER):
        columns = names[first : first + _TOGETHER]
        blocks = whole_blocks(partial(taken, columns), len(rows), table.share)
        means, sigmas = moments(blocks, table.share)
        found += zip(means.tolist(), sigmas.tolist(), strict=True)
    return found


def _fit_column(
    table: Table,
    name: str,
    strategy: str,
    options: PreparationOptions,
    rows: Array,
    known: tuple[float, float] | None = None,
) -> tuple[Column, Sequence[float], Sequence[float]]:
    """A column fitted to `rows`, with the mean and the scale of each of its features; `known`: (mean, σ), if known."""
    if name in options.categorical:
        cells, filled = table.text(name), rows[~table.missing(name)[rows]]
        if table.is_boolean(name):
            cells = [cell.lower() for cell in cells]
        found = Counter(map(cells.__getitem__, filled.tolist()))
        counts = sum(table.share.gathered(found), Counter[str]())
        if not counts:
            raise without_values(table, name, options)
        categories = tuple(sorted(counts, key=natural_key))
        fill = max(categories, key=counts.__getitem__) if strategy in FILLS else None
        # One-hot features are not scaled.
        return Column(name, categories, strategy, fill), [0.0] * len(categories), [1.0] * len(categories)
    if table.is_whole(name) and strategy not in FILLS and (known or not options.standardize):
        center, sigma = known or (0.0, 1.0 if options.scale is None else options.scale)
        return Column(name, None, strategy, None), [center], [sigma or 1.0]
    values = table.numeric(name)[rows]
    gaps = np.isnan(values)
    if in_all_processes(table.share, gaps.all()):
        raise without_values(table, name, options)
    filling = FILLS[strategy].value(values[~gaps], table.share) if strategy in FILLS else None
    column = Column(name, None, strategy, filling, table.is_boolean(name))
    if not options.standardize:
        return column, [0.0], [1.0 if options.scale is None else options.scale]
    if in_any_process(table.share, gaps.any()):
        values = values[~gaps] if filling is None else np.where(gaps, filling, values)
    center, sigma = mean_and_sigma(values, table.share)
    return column, [center], [sigma or 1.0]
