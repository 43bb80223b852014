"""Tables from Python's data: columns by name, or an array of numbers, as if they had been read from a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.datasets.table import Column, Table, to_numbers
from bpcli.errors import DataError, several
from bpcli.text.notation import number


def table_of(data: Any, names: Sequence[str]) -> Table:
    """The table of a mapping or data frame of columns by name, or of an array (N, n) whose columns are `names`.

    Gaps are NaN, None or one of the words that a file may have for them. DataError, with the row and the column, for
    what is no table, or a number that is not finite.
    """
    if isinstance(data, Mapping) or (hasattr(data, "keys") and hasattr(data, "__getitem__")):
        columns = {str(name): np.asarray(data[name]) for name in data.keys()}  # noqa: SIM118 - a frame iterates otherwise
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
