"""Tables from Python's data: columns by name, or an array of numbers, as if they had been read from a file."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.datasets.table import Column, Table, to_numbers
from bpcli.errors import DataError, MissingExtraError, several
from bpcli.text.notation import number


def is_frame(data: Any) -> bool:
    """Whether data has columns by name: a mapping, or a data frame of any library; DataError for a lazy one."""
    if hasattr(type(data), "collect") and hasattr(type(data), "lazy") and not hasattr(type(data), _EXCHANGES[0]):
        raise DataError(f"X is a {type(data).__name__}, whose rows are not computed yet", "X.collect()")
    named = hasattr(data, "__getitem__") and (hasattr(data, "keys") or hasattr(data, "columns"))
    return named or any(hasattr(data, way) for way in _EXCHANGES)


_EXCHANGES = ("__arrow_c_stream__", "__dataframe__")
"""What data frames have to hand on their columns: Arrow's PyCapsule interface, and the interchange protocol."""


def frame_columns(frame: Any) -> dict[Any, Any]:
    """The columns of a mapping or data frame by name, each an array (N,); no library of frames is imported for it.

    Frames that only hand on their columns, as by `__arrow_c_stream__`, need the extra arrow.
    """
    if hasattr(frame, "keys") and hasattr(frame, "__getitem__"):
        names = frame.keys()  # a frame may iterate otherwise
        return {name: np.asarray(frame[name]) for name in names}
    names = getattr(frame, "column_names", getattr(frame, "columns", None))  # as of Arrow, or of Polars
    if names is not None and all(isinstance(name, str) for name in names):
        return {name: np.asarray(frame[name]) for name in names}
    try:
        pyarrow: Any = import_module("pyarrow")
        interchange: Any = import_module("pyarrow.interchange")
    except ImportError as error:
        raise MissingExtraError("arrow", "pyarrow", f"a {type(frame).__name__}") from error
    table = pyarrow.table(frame) if hasattr(frame, _EXCHANGES[0]) else interchange.from_dataframe(frame)
    return {name: table[name].to_numpy() for name in table.column_names}


def table_of(data: Any, names: Sequence[str]) -> Table:
    """The table of a mapping or data frame of columns by name, or of an array (N, n) whose columns are `names`.

    Gaps are NaN, None or one of the words that a file may have for them. DataError, with the row and the column, for
    what is no table, or a number that is not finite.
    """
    if is_frame(data):
        columns = {str(name): column for name, column in frame_columns(data).items()}
    else:
        columns = _of_array(np.asarray(data), names)
    sizes = {name: column.shape for name, column in columns.items()}
    for name, shape in sizes.items():
        if len(shape) != 1 or shape != next(iter(sizes.values())):
            raise DataError(f"X: column {name} has the shape {shape}; expected one cell for each row of all columns")
    rows = next(iter(sizes.values()), (0,))[0]
    read = {name: _column(name, column) for name, column in columns.items()}
    return Table(Path("X"), read, rows, lambda _: None, lambda name: [_cell(value) for value in columns[name].tolist()])


def _of_array(X: Any, names: Sequence[str]) -> dict[str, Any]:
    if X.ndim != 2 or X.shape[1] != len(names):
        raise DataError(
            f"X: expected rows of {len(names)} columns ({several(names)}), found an array of shape {X.shape}",
            "a mapping of columns by name may have them in any order, and others beside them",
        )
    return {name: X[:, k] for k, name in enumerate(names)}


def _column(name: str, column: Any) -> Column:
    """A column as numbers, NaN where a cell is missing, or as text where one is neither."""
    if column.dtype.kind in "fiub":
        if np.isinf(column).any():
            row = int(np.argmax(np.isinf(column)))
            raise DataError(f"X, row {row + 1}: column {name}: {number(column[row])} is not a finite number")
        return np.asarray(column)
    cells = [_cell(value) for value in column.tolist()]
    numbers_or_none = to_numbers(cells)
    return cells if numbers_or_none is None else numbers_or_none


def _cell(value: Any) -> str:
    """A value as the cell of a file."""
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:  # pandas' gaps compare as gaps
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return number(value) if isinstance(value, int | float) else str(value).strip()
