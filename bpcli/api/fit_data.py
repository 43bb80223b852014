"""What an estimator is fitted to, checked in scikit-learn's words: the target, classes, weights, sparse matrices."""

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.api.in_python import FitDataError, ParameterError
from bpcli.api.models import DataWarning
from bpcli.datasets.from_python import as_array, frame_columns, is_frame, is_gap
from bpcli.datasets.sparse import Numbered, SparseTable, sparse_table
from bpcli.errors import several
from bpcli.text.notation import number

Array = NDArray[Any]


def is_named(X: Any) -> bool:
    """Whether X has columns with names: a data frame or a mapping, all of whose names are texts."""
    if not is_frame(X):
        return False
    names = getattr(X, "column_names", getattr(X, "columns", None))
    texts = [isinstance(name, str) for name in (frame_columns(X) if names is None else names)]
    if any(texts) and not all(texts):
        raise TypeError("Feature names are only supported if all input features have string names")
    return all(texts)


def target_of(given: Any, rows: int) -> Array:
    """y as an array (N,) without gaps."""
    if given is None:
        raise FitDataError("this estimator requires y to be passed, but the target y is None")
    y: Array = as_array(given)
    if y.dtype.kind == "c":
        raise FitDataError("Complex data not supported: y has complex numbers")
    if y.ndim == 2 and y.shape[1] == 1:
        kind = from_sklearn("DataConversionWarning", DataWarning)
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected: y.ravel() is taken", kind, stacklevel=3
        )
        y = y[:, 0]
    if y.ndim != 1:
        raise FitDataError(f"y should be a 1d array, got an array of shape {y.shape} instead.")
    if len(y) != rows:
        raise FitDataError(f"X has {rows} rows and y has {len(y)}: each row needs its target")
    if y.dtype.kind == "O" and any(map(is_gap, y)):
        raise FitDataError(f"Input y contains NaN: row {[*map(is_gap, y)].index(True) + 1} has no target")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        what = "NaN" if np.isnan(y).any() else "infinity or a value too large for dtype('float64')"
        raise FitDataError(f"Input y contains {what}.")
    return y


def coded(y: Array, of_two: bool) -> tuple[Array, Array]:
    """The classes of y in order, and the number of each row's; FitDataError for fewer than two, or not `of_two`."""
    if y.dtype.kind == "f" and (y != np.trunc(y)).any():
        raise FitDataError("Unknown label type: continuous: y has numbers with a fraction, and these are no classes")
    try:
        classes, codes = np.unique(y, return_inverse=True)
    except TypeError as error:
        raise FitDataError(f"Unknown label type: unknown: the labels of y can't be ordered: {error}") from error
    if len(classes) < 2:
        raise FitDataError(f"y has one class: every row is {classes[0]}, and there is nothing to learn")
    if of_two and len(classes) > 2:
        raise FitDataError(
            "Only binary classification is supported. The type of the target is multiclass.",
            "Softmax() takes more than two classes",
        )
    return classes, codes.astype(np.float64)


def coded_weights(by_class: Mapping[Any, float], classes: Array) -> dict[str, float]:
    """Weights by the number of the class; ParameterError for an unknown class."""
    numbers = {label: str(k) for k, label in enumerate(classes.tolist())}
    if unknown := [label for label in by_class if label not in numbers]:
        raise ParameterError([f"class_weight: {unknown[0]!r} is none of the classes, {several(map(str, numbers))}"])
    return {numbers[label]: weight for label, weight in by_class.items()}


def weights_of(given: Any, rows: int) -> Array:
    """The weights of the rows (N,), as numbers; a number is that of each row."""
    try:
        weights: Array = np.asarray(given, np.float64)
    except (TypeError, ValueError) as error:
        raise FitDataError(f"sample_weight: expected a number for each of {rows} rows") from error
    weights = np.full(rows, float(weights)) if weights.ndim == 0 else weights
    if weights.shape != (rows,):
        raise FitDataError(f"sample_weight: expected a number for each of {rows} rows, found the shape {weights.shape}")
    if (wrong := ~(np.isfinite(weights) & (weights >= 0))).any():
        row = int(np.argmax(wrong))
        raise FitDataError(
            f"sample_weight: row {row + 1} has {number(float(weights[row]))}; a weight is a finite number of at least 0"
        )
    if rows and not weights.any():
        raise FitDataError("Sample weights must contain at least one non-zero number.")
    return weights


def sparse_table_of(X: Any) -> SparseTable:
    """A sparse matrix as a table; FitDataError for complex numbers, NaN and infinity."""
    if X.dtype.kind == "c":
        raise FitDataError("Complex data not supported: X has complex numbers")
    if not np.isfinite(X.data).all():
        raise FitDataError("Input X contains NaN or infinity, and a sparse matrix is taken without gaps")
    return sparse_table(Path("X"), X, Numbered(1, X.shape[1] + 1))


def from_sklearn(name: str, other: type[Any]) -> type[Any]:
    """scikit-learn's own error or warning if it is imported, so that it can be caught as such; else `other`."""
    exceptions = sys.modules.get("sklearn.exceptions")
    return other if exceptions is None else getattr(exceptions, name)
