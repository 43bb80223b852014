"""Sample weights, by which some rows count for more than others: from a column of the data, by class, or both."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.cells import no_number
from bpcli.datasets.preparation.labels import Class, class_text, code_of
from bpcli.datasets.share import in_any_process
from bpcli.datasets.table import Table
from bpcli.errors import DataError, UsageError, meant, several
from bpcli.text.notation import number

Array = NDArray[Any]


def column_weights(table: Table, column: str, rows: Array) -> Array:
    """The weights of `rows` from a column, (N,); DataError with the place of a weight that is not a number ≥ 0."""
    if not table.is_numeric(column):
        row, cell = table.first_not_numeric(column)
        raise DataError(f"{table.where(row, column)}: {no_number(cell)}, and {column} is data.weight")
    weights = np.asarray(table.numeric(column), np.float64)[rows]
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        at = int(wrong[0])
        what = "missing" if np.isnan(weights[at]) else number(weights[at])
        raise DataError(
            f"{table.where(int(rows[at]), column)}: the weight is {what}; a weight is a finite number of at least 0"
        )
    if not in_any_process(table.share, weights.any()):
        raise DataError(
            f"{table.path}: column {column}: every training row has the weight 0; there is nothing to learn"
        )
    return weights


def class_weights(
    given: str | Mapping[str, float], classes: Sequence[Class], y: Array, weights: Array | None = None
) -> Array:
    """The weight of each class, (K,): those `given` by name, 1 for others; or, for the word balanced, S/(K·S_k).

    S_k is the number of rows of class k in `y` (N,), or the sum of their `weights`, and S = Σ S_k: all classes then
    count the same (King & Zeng 2001, Logistic regression in rare events data). UsageError for a name that is no class.
    """
    K = len(classes)
    if isinstance(given, str):
        sums = np.bincount(y, weights, minlength=K)
        with np.errstate(divide="ignore"):
            return np.where(sums > 0, sums.sum() / (K * sums), 0.0)
    result = np.ones(K)
    for name, weight in given.items():
        code = code_of(name, classes)
        if code is None:
            names = [class_text(c) for c in classes]
            hint = meant(name, names, f"the classes are {several(names)}")
            raise UsageError(f"training.class_weight: the training rows have no class {name}", hint)
        result[code] = weight
    return result


def sample_weights(y: Array, of_rows: Array | None, of_classes: Array | None) -> Array | None:
    """The weight of each row, (N,): its own times that of its class, scaled to a mean of 1; None without weights."""
    if of_rows is None and of_classes is None:
        return None
    weights = np.ones(len(y)) if of_rows is None else of_rows / np.max(of_rows)
    if of_classes is not None:
        weights = weights * (of_classes / np.max(of_classes))[y]
    return np.asarray(weights / np.mean(weights))
