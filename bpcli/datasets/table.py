"""A table of named columns, as the readers return it: numbers where every cell is one, else text."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import DataError, UsageError, nearest

MISSING = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "None", "?"})
"""The cells that count as missing."""

Floats = NDArray[np.float64]


class Table:
    """Columns by name. A column is numeric if each cell is a finite number or missing, which is then NaN."""

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, Floats | list[str]],
        rows: int,
        line_of: Callable[[int], int | None],
        cells: Callable[[str], list[str]],
    ) -> None:
        self.path = path
        self.rows = rows
        self._columns = dict(columns)
        self._line_of = line_of
        self._cells = cells

    @property
    def names(self) -> list[str]:
        """The names of the columns, in the order of the file."""
        return list(self._columns)

    def is_numeric(self, name: str) -> bool:
        """Whether the column holds numbers and missing cells only."""
        return not isinstance(self._columns[name], list)

    def numeric(self, name: str) -> Floats:
        """The numbers of a numeric column, (N,); NaN where a cell is missing."""
        column = self._columns[name]
        assert not isinstance(column, list), name
        return column

    def text(self, name: str) -> list[str]:
        """The cells of any column as they stand, without white space around them."""
        column = self._columns[name]
        return column if isinstance(column, list) else self._cells(name)

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Where the cells of a column are missing, (N,)."""
        column = self._columns[name]
        if isinstance(column, list):
            return np.fromiter((cell in MISSING for cell in column), bool, len(column))
        return np.isnan(column)

    def where(self, row: int, name: str | None = None) -> str:
        """The place of a row, counted from 0, for messages: `cells.csv:7: column radius`."""
        line = self._line_of(row)
        place = f"{self.path}:{line}" if line is not None else f"{self.path}, row {row + 1}"
        return f"{place}: column {name}" if name else place

    def first_not_numeric(self, name: str) -> tuple[int, str]:
        """(row, cell) of the first cell that is neither a number nor missing, in a column that is not numeric."""
        return next((row, cell) for row, cell in enumerate(self.text(name)) if isinstance(to_column([cell, "0"]), list))

    def with_column(self, name: str, other: "Table", source: str) -> "Table":
        """This table with the column `source` of `other`, which has as many rows, as its column `name`."""
        columns = {**self._columns, name: other._columns[source]}
        return Table(
            self.path,
            columns,
            self.rows,
            self._line_of,
            lambda n: other._cells(source) if n == name else self._cells(n),
        )

    def require(self, names: Iterable[str]) -> None:
        """DataError if a column is not there, with the nearest name."""
        missing = [name for name in names if name not in self._columns]
        if missing:
            close = nearest(missing[0], self._columns)
            shown = ", ".join(self.names[:12]) + (" …" if len(self.names) > 12 else "")
            raise DataError(
                f"{self.path} has no column {', '.join(missing)}",
                f"did you mean {close}?" if close else f"its columns are {shown}",
            )


def to_column(cells: Sequence[str]) -> Floats | list[str]:
    """Numbers if every cell that is not missing is a finite number and one is, else the cells stripped."""
    stripped = [cell.strip() for cell in cells]
    present = [cell for cell in stripped if cell not in MISSING]
    try:
        numbers = [float(cell) for cell in present]
    except ValueError:
        return stripped
    # Python reads 1_000 and digits of other scripts too; a file that has them means text.
    if any("_" in cell or not cell.isascii() for cell in present) or not all(np.isfinite(numbers)):
        return stripped
    column = np.full(len(stripped), np.nan)
    if len(present) == len(stripped):
        column[:] = numbers
    elif present:
        column[[cell not in MISSING for cell in stripped]] = numbers
    return column


def read_table(path: Path, format_: str = "auto", stream: BinaryIO | None = None) -> Table:
    """The table in the file `path`, or in `stream`, of which `path` is then only the name for messages.

    `format_` is a key of `READERS`, or `auto`: by the extension, behind which `.gz` is allowed. DataError if the file
    can't be read or is not a table.
    """
    from bpcli.datasets.delimited import read_delimited

    if stream is None:
        check_file(path)
    name = _format_of(path, format_)
    return read_delimited(path, READERS[name], stream)


READERS = {"csv": ",", "tsv": "\t"}
"""The formats and what separates their cells."""

_EXTENSIONS = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".txt": "csv"}


def _format_of(path: Path, format_: str) -> str:
    if format_ != "auto":
        return format_
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix not in _EXTENSIONS:
        raise DataError(
            f"{path}: the format of a {suffix or 'nameless'} file is not known",
            f"data.format: one of {', '.join(READERS)}",
        )
    return _EXTENSIONS[suffix]


def check_file(path: Path) -> None:
    """DataError if `path` is not a file that can be read; offers the nearest name in its folder."""
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a file")
    if not path.exists():
        siblings = os.listdir(path.parent) if path.parent.is_dir() else []
        close = nearest(path.name, siblings)
        raise DataError(f"{path} does not exist", f"did you mean {path.parent / close}?" if close else "")


def with_target(table: Table, other: Table, target: str) -> Table:
    """`table` with the target out of a file of its own: its column `target`, or its only column."""
    if target in other.names:
        source = target
    elif len(other.names) == 1:
        source = other.names[0]
    else:
        close = nearest(target, other.names)
        raise DataError(
            f"{other.path} has no column {target}",
            f"did you mean {close}?" if close else f"its columns are {', '.join(other.names)}",
        )
    if other.rows != table.rows:
        raise DataError(f"{other.path} has {other.rows} rows, {table.path} has {table.rows}: each row needs its target")
    if target in table.names:
        raise UsageError(f"{table.path} has a column {target} itself, so the target can't come from {other.path}")
    return table.with_column(target, other, source)
