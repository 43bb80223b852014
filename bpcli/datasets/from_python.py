"""Tables from Python's data: a mapping or data frame of columns, or an array, with the values a file would give."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.datasets.cells import EXACT, to_numbers
from bpcli.datasets.table import Column, Table
from bpcli.errors import DataError, MissingExtraError, several
from bpcli.text.notation import number


def is_frame(data: Any) -> bool:
    """Whether data has columns by name: a mapping, or a data frame of any library; DataError for a lazy one."""
    if hasattr(type(data), "collect") and hasattr(type(data), "lazy") and not hasattr(type(data), _EXCHANGES[0]):
        raise DataError(f"X is a {type(data).__name__}, whose rows are not computed yet", "X.collect()")
    named = hasattr(data, "__getitem__") and (hasattr(data, "keys") or hasattr(data, "columns"))
    return named or any(hasattr(data, way) for way in _EXCHANGES)


_EXCHANGES = ("__arrow_c_stream__", "__dataframe__")
"""The methods by which data frames export their columns: Arrow's PyCapsule interface, the interchange protocol."""


def frame_columns(frame: Any) -> dict[Any, Any]:
    """The columns of a mapping or data frame by name, each an array (N,), without importing the library of the frame.

    Frames whose columns can only be had by an export method, such as `__arrow_c_stream__`, need the extra arrow.
    """
    if hasattr(frame, "to_frame"):
        raise DataError(f"X is a {type(frame).__name__}, which is one column: expected a table", "X.to_frame()")
    if hasattr(frame, "keys") and hasattr(frame, "__getitem__"):
        return _by_name([*frame.keys()], frame)  # iterating over a frame itself may give something else
    names = getattr(frame, "column_names", getattr(frame, "columns", None))  # of Arrow, or of Polars
    if names is not None and all(isinstance(name, str) for name in names):
        return _by_name([*names], frame)
    try:
        pyarrow: Any = import_module("pyarrow")
        interchange: Any = import_module("pyarrow.interchange")
    except ImportError as error:
        raise MissingExtraError("arrow", "pyarrow", f"a {type(frame).__name__}") from error
    table = pyarrow.table(frame) if hasattr(frame, _EXCHANGES[0]) else interchange.from_dataframe(frame)
    return _by_name(table.column_names, table)


def _by_name(names: Sequence[Any], frame: Any) -> dict[Any, Any]:
    texts = [str(name) for name in names]
    if twice := next((text for k, text in enumerate(texts) if text in texts[:k]), None):
        raise DataError(f"X: two columns are named {twice}: each needs a name of its own")
    return {name: as_array(frame[name]) for name in names}


def as_array(data: Any) -> Any:
    """`data` as an array: masked entries are missing, and large whole numbers beside missing ones are kept exactly.

    DataError for rows of different lengths.
    """
    if isinstance(data, np.ma.MaskedArray):
        hidden: Any = np.ma.getmaskarray(data)
        if data.dtype.kind == "f" or not hidden.any():
            return np.where(hidden, np.nan, data.data) if hidden.any() else data.data
        return np.where(hidden, np.array(None), data.data.astype(object))
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise DataError(f"a {type(data).__name__} has rows that make no array: {error}") from error
    if array is data or array.dtype.kind != "f" or array.ndim != 1 or not np.isnan(array).any():
        return array
    listing = next((getattr(data, way) for way in ("to_pylist", "to_list") if hasattr(data, way)), None)
    if listing is None or not np.any(np.abs(array) > EXACT):
        return array
    cells = listing()
    return np.array(cells, object) if any(isinstance(cell, int) for cell in cells) else array


def table_of(data: Any, names: Sequence[str]) -> Table:
    """The table of a mapping or data frame of columns by name, or of an array (N, n) whose columns are `names`.

    Missing cells are NaN, None or one of a file's missing words. DataError if the data is not a table, or, with the
    row and the column, for a number that is not finite.
    """
    if is_frame(data):
        columns = {str(name): column for name, column in frame_columns(data).items()}
    else:
        columns = _of_array(as_array(data), names)
    sizes = {name: column.shape for name, column in columns.items()}
    for name, shape in sizes.items():
        if len(shape) != 1 or shape != next(iter(sizes.values())):
            raise DataError(f"X: column {name} has the shape {shape}; expected one cell for each row of all columns")
    rows = next(iter(sizes.values()), (0,))[0]
    read = {name: _column(name, column) for name, column in columns.items()}
    return Table(Path("X"), read, rows, lambda _: None, lambda name: _cells(columns[name]))


def _of_array(X: Any, names: Sequence[str]) -> dict[str, Any]:
    if X.ndim != 2 or X.shape[1] != len(names):
        raise DataError(
            f"X: expected rows of {len(names)} columns ({several(names)}), found an array of shape {X.shape}",
            "a mapping of columns by name may have them in any order, and others beside them",
        )
    return {name: X[:, k] for k, name in enumerate(names)}


def _column(name: str, column: Any) -> Column:
    """A column as numbers with NaN for missing cells, or as text if a cell is neither."""
    if column.dtype.kind in "fiub":
        if np.isinf(column).any():
            row = int(np.argmax(np.isinf(column)))
            raise DataError(f"X, row {row + 1}: column {name}: {number(column[row])} is not a finite number")
        return np.asarray(column)
    cells = _cells(column)
    numbers_or_none = to_numbers(cells)
    return cells if numbers_or_none is None else numbers_or_none


def _cells(column: Any) -> list[str]:
    """A column as cells of a file; times in nanoseconds are written in microseconds where that loses nothing."""
    if column.dtype.kind in "mM" and np.datetime_data(column.dtype)[0] == "ns":
        coarse = column.astype(f"{column.dtype.kind}8[us]")
        if np.array_equal(coarse.astype(column.dtype), column, equal_nan=True):
            column = coarse
        else:
            column = np.char.replace(column.astype(str), "T", " ")
    return [_cell(value) for value in column.tolist()]


def is_gap(value: Any) -> bool:
    """Whether a value stands for a missing one in Python's libraries: None, NaN, NA, NaT."""
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def _cell(value: Any) -> str:
    """A value as it would be written in a cell of a file."""
    if is_gap(value):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    return number(value) if isinstance(value, int | float) else str(value).strip()
