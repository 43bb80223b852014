"""A table of named columns, as the readers return it; a column is numeric if every cell is a number, else text.

Numbers are doubles, true and false are 1 and 0. Labels and ids, which may be whole numbers beyond the exact doubles,
are read by `exact` or as text.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.cells import (
    DASH,
    EXACT,
    MISSING,
    Floats,
    as_written,
    exact_number,
    is_number,
    no_number,
    point_for_comma,
    to_booleans,
)
from bpcli.datasets.dense import Dense
from bpcli.datasets.dialect import USUAL
from bpcli.datasets.share import WHOLE, Gathering, in_all_processes
from bpcli.errors import DataError, UsageError, meant, nearest, several
from bpcli.text.notation import number

Column = NDArray[Any] | list[str]
"""A column: finite real numbers or booleans, NaN where a cell is missing; or cells of text."""


class Table:
    """Columns by name. A column is numeric if each cell is a finite number or missing; a missing cell is NaN.

    A column is boolean if its type in the file is, or if each cell is true or false, in any case, or missing; it is
    then numeric as well, with 1 and 0.
    """

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, Column],
        rows: int,
        line_of: Callable[[int], int | None],
        cells: Callable[[str], list[str]],
        first_row: int = 0,
        quoted: Collection[str] = (),
    ) -> None:
        self.path = path
        self.quoted = quoted  # columns whose type in the file is text, whatever their cells look like
        self.first_row = first_row  # the number of this table's first row in a longer one, for messages
        self.rows = rows
        self._columns = dict(columns)
        self._line_of = line_of
        self._cells = cells
        self._elsewhere: dict[str | None, Callable[[int], str]] = {}  # the place of a row, for columns of other files
        self._read_again: dict[str, list[str]] = {}  # the cells of numeric columns as text
        self.place: Callable[[int], str] | None = None  # the place of a row, if the rows are not those of one file
        self.formatted: set[str] = set()  # columns of formatted numbers, such as $1,234.50
        self.written = False  # whether numbers are written as text in the file
        self.unusual: list[str] = []  # anything unusual about how the file is written, for a note
        self.own_target: str | None = None  # the column that the file itself names as the target
        self.dialect = USUAL  # as it was detected
        self.missing_words: dict[str, frozenset[str]] = {}  # of the columns with words of their own
        self._truths: dict[str, Floats | None] = {}  # columns of text as booleans
        self.unstripped: Callable[[str], list[str]] | None = None  # the cells of a column with the blanks around them
        self._in_doubles: dict[str, bool] = {}
        self.share: Gathering = WHOLE  # the processes that have the other rows
        self._are_boolean: dict[str, bool] = {}  # whether a column is boolean in all shares
        self.dense: Dense | None = None  # the numeric columns, if they are one array

    @property
    def names(self) -> Sequence[str]:
        """The names of the columns, in the order of the file."""
        return list(self._columns)

    @property
    def notes(self) -> list[str]:
        """A note on how the file was read, if that is unusual."""
        return [f"{self.path}: read with {', '.join(self.unusual)}"] if self.unusual else []

    def is_numeric(self, name: str) -> bool:
        """Whether the column holds numbers and missing cells only, or booleans and missing cells only."""
        return not isinstance(self._columns[name], list) or self._as_booleans(name) is not None

    @property
    def own_columns(self) -> Collection[str]:
        """The names of the columns that are not features of a sparse matrix."""
        return self._columns.keys()

    def column(self, name: str) -> Column:
        """A column as it is stored: an array of numbers, or a list of cells."""
        return self._columns[name]

    def is_boolean(self, name: str) -> bool:
        """Whether the column holds booleans and missing cells only, and at least one boolean."""
        if name in self._are_boolean:
            return self._are_boolean[name]
        column = self._columns[name]
        if not isinstance(column, list):
            return column.dtype.kind == "b"
        truths = self._as_booleans(name)
        return truths is not None and not bool(np.isnan(truths).all())

    def _as_booleans(self, name: str) -> Floats | None:
        """A column of text as 1, 0 and NaN; None if it is not boolean."""
        column = self._columns[name]
        if name not in self._truths and isinstance(column, list):
            self._truths[name] = to_booleans(column, self.words(name))
        return self._truths[name]

    def numeric(self, name: str) -> Floats:
        """The numbers of a numeric column, (N,); NaN where a cell is missing."""
        column = self._columns[name]
        if self.dense is not None:
            if self.is_whole(name) and (values := self.dense.column(name)) is not None:
                return values
            self.dense.refuse_cut()
        with np.errstate(invalid="ignore"):  # a signalling NaN is a missing cell like any NaN
            return np.asarray(self._as_booleans(name) if isinstance(column, list) else column, np.float64)

    def agree(self, share: Gathering) -> None:
        """Give each column of this process's share the type that it has in the whole table.

        A column is text if it is text in any share, and boolean if it is boolean in every share that has rows.
        """
        self.share = share
        self._are_boolean.clear()
        self._truths.clear()
        names = [*self._columns]
        for name, *of_shares in zip(names, *share.gathered([*map(self._kind, names)]), strict=True):
            is_text = "text" in of_shares or {"boolean", "gaps"} <= {*of_shares}
            if is_text and not isinstance(self._columns[name], list):
                self.redefine(name, self.text(name))
        kinds = share.gathered(
            [(not self.rows or self._could_be_boolean(n), self.rows > 0 and self.is_boolean(n)) for n in names]
        )
        for name, *of_shares in zip(names, *kinds, strict=True):
            could_be, are = zip(*of_shares, strict=True)
            self._are_boolean[name] = all(could_be) and any(are)
            if not all(could_be) and isinstance(self._columns[name], list):
                self._truths[name] = None
        if self.dense is not None:
            self.dense.whole.intersection_update(*share.gathered(self.dense.whole))

    def _kind(self, name: str) -> str:
        """The type of a column by the rows of this share: text, boolean, number, `gaps` if all are missing, or none."""
        column = self._columns[name]
        if isinstance(column, list):
            return "text"
        if not self.rows:
            return ""
        return "boolean" if column.dtype.kind == "b" else "gaps" if self.missing(name).all() else "number"

    def _could_be_boolean(self, name: str) -> bool:
        """Whether the column holds booleans and missing cells only."""
        column = self._columns[name]
        return self._as_booleans(name) is not None if isinstance(column, list) else column.dtype.kind == "b"

    def all_missing(self, name: str) -> bool:
        """Whether every cell of a column is missing, in all shares."""
        return in_all_processes(self.share, self.missing(name).all())

    def distinct(self, name: str) -> list[str]:
        """The different cells of any column, in the order in which they occur, in all shares."""
        return [*dict.fromkeys(chain.from_iterable(self.share.gathered([*dict.fromkeys(self.text(name))])))]

    def exact(self, name: str) -> list[int | float]:
        """The numbers of a numeric column, whole ones of any length exactly, as int; NaN where a cell is missing."""
        numbers = self.numeric(name)
        if name in self.formatted or self.in_doubles(name):
            return [*map(float, numbers)]
        cells = zip(self.text(name), np.isnan(numbers), strict=True)
        return [math.nan if gap else exact_number(self._plain(cell)) for cell, gap in cells]

    def in_doubles(self, name: str) -> bool:
        """Whether no number of a numeric column is larger than `EXACT`, so that doubles hold whole ones exactly."""
        if name not in self._in_doubles:
            numbers = self.numeric(name)
            most = np.fmax.reduce(numbers, initial=0.0), -np.fmin.reduce(numbers, initial=0.0)
            self._in_doubles[name] = in_all_processes(self.share, max(most) <= EXACT)
        return self._in_doubles[name]

    def is_whole(self, name: str) -> bool:
        """Whether each cell of the column is already known to be a finite number."""
        return self.dense is not None and name in self.dense.whole

    def text(self, name: str) -> list[str]:
        """The cells of any column as they are in the file, without white space around them."""
        column = self._columns[name]
        if isinstance(column, list):
            return column
        if name not in self._read_again:
            self._read_again[name] = self._cells(name)
        return self._read_again[name]

    def as_they_stand(self, name: str) -> list[str]:
        """The cells of any column as they are in the file, with the white space around them."""
        return self.text(name) if self.unstripped is None else self.unstripped(name)

    def number_gaps(self, name: str) -> frozenset[str]:
        """The cells that count as missing in a column of numbers: its missing words, and usually a dash."""
        return self.words(name) if name in self.missing_words else MISSING | {DASH}

    def redefine(self, name: str, column: Column) -> None:
        """Replace the values of a column; its cells as text stay those of the file."""
        self._read_again[name] = self.text(name)
        self._columns[name] = column
        self._truths.pop(name, None)
        self._in_doubles.pop(name, None)
        self._are_boolean.pop(name, None)
        if self.dense is not None:
            self.dense.whole.discard(name)

    def words(self, name: str) -> frozenset[str]:
        """The cells of a column of text that count as missing."""
        return self.missing_words.get(name, MISSING)

    def values(self, name: str) -> list[str | int | float | bool | None]:
        """The values of a column, None where one is missing: numbers or booleans if that loses nothing, else text.

        It loses nothing if each cell is what such a value prints as (`7` or `7.0`, not `007` or `1e5`) and the type of
        the column in the file is not text.
        """
        gaps = self.missing(name)
        stand = [None if gap else cell for cell, gap in zip(self.as_they_stand(name), gaps, strict=True)]
        if name in self.quoted or name in self.formatted or not self.is_numeric(name):
            return [*stand]
        cells = [None if cell is None else cell.strip() for cell in stand]
        if self.is_boolean(name):
            plain = {"true": True, "false": False, None: None}
            return [*stand] if {*cells} - plain.keys() else [plain[cell] for cell in cells]
        numbers = [None if cell is None else as_written(self._plain(cell)) for cell in cells]
        same = all(cell is None or number(x) == cell for cell, x in zip(cells, numbers, strict=True))
        return [*numbers] if same else [*stand]

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Whether each cell of a column is missing, (N,)."""
        column = self._columns[name]
        if self.is_whole(name):
            return np.zeros(self.rows, bool)
        if isinstance(column, list):
            words = self.words(name)
            return np.fromiter((cell in words for cell in column), bool, len(column))
        return np.isnan(column)

    def where(self, row: int, name: str | None = None) -> str:
        """The place of a row, counted from 0, for messages: `cells.csv:7: column radius`."""
        if name in self._elsewhere:
            return self._elsewhere[name](row)
        place = self.own_place(row, self.first_row) if self.place is None else self.place(row)
        return f"{place}: column {name}" if name else place

    def own_place(self, row: int, first_row: int) -> str:
        """The place of a row of this table in its file, where the table begins with row `first_row`."""
        line = self._line_of(row)
        return f"{self.path}:{line}" if line is not None else f"{self.path}, row {first_row + row + 1}"

    def first_not_numeric(self, name: str) -> tuple[int, str]:
        """(row, cell) of the first cell that is neither a number nor missing; (0, "") if this share has none."""
        words, cells = self.number_gaps(name), enumerate(self.text(name))
        return next(((row, cell) for row, cell in cells if cell not in words and not self.reads(cell)), (0, ""))

    def reads(self, cell: str) -> bool:
        """Whether a cell is a number with the decimal mark of the table."""
        return is_number(self._plain(cell))

    def _plain(self, cell: str) -> str:
        """A cell with a decimal point in place of the table's decimal mark."""
        return point_for_comma(cell) if self.dialect.decimal == "," else cell

    def with_column(self, name: str, other: "Table", source: str) -> "Table":
        """This table with the column `source` of `other`, which has as many rows, as its column `name`."""
        columns = {**self._columns, name: other._columns[source]}
        joined = Table(
            self.path,
            columns,
            self.rows,
            self._line_of,
            lambda n: other.text(source) if n == name else self._cells(n),
            quoted={*self.quoted, *([name] if source in other.quoted else [])},
        )
        joined._elsewhere = {**self._elsewhere, name: lambda row: other.where(row, source)}
        joined.place = self.place
        joined.unstripped = lambda n: other.as_they_stand(source) if n == name else self.as_they_stand(n)
        joined.dense = self.dense if name not in self._columns else None
        joined.unusual, joined.dialect = self.unusual, self.dialect
        joined.missing_words = {**self.missing_words, name: other.words(source)}
        return joined

    def require(self, names: Iterable[str]) -> None:
        """DataError if a column is not there, with the nearest name."""
        needed = dict.fromkeys(names)
        missing = [name for name in needed if name not in self._columns]
        if missing:
            others = [name for name in self._columns if name not in needed]
            close = dict.fromkeys(filter(None, (nearest(name, others) for name in missing[:12])))
            hint = f"did you mean {', '.join(close)}?" if close else f"its columns are {several(self.names)}"
            if len(self.names) == 1 < len(missing):
                hint = f"its only column is {self.names[0]}: is it the file of the target?"
            raise DataError(f"{self.path} has no column {several(missing)}", hint)


def no_longer_numeric(table: Table, name: str) -> str:
    """The message for a column that was numeric in training and is not now."""
    row, cell = table.first_not_numeric(name)
    fault = f"{table.where(row, name)}: {no_number(cell)}"
    fault += ", as it was in training" if "not a number" in fault else ""
    for mark, other, otherwise in ((",", "comma", cell), (".", "point", point_for_comma(cell))):
        if table.dialect.decimal == mark and is_number(otherwise):
            fault += f", where numbers were written with a decimal {other}"
    return fault


def only_column(other: Table, table: Table) -> str:
    """The name under which `table` gets the only column of `other`, the target's file; DataError if it has several."""
    if len(other.names) > 1:
        refuse_exchanged(table, other)
        raise DataError(
            f"{other.path} has the columns {several(other.names)}", "data.target: NAME says which is the target"
        )
    return next(name for name in (other.names[0], "y", "target", "label") if name not in table.names)


def refuse_exchanged(table: Table, other: Table) -> None:
    """DataError if the file of the features has one column and that of the target several."""
    if len(table.names) == 1 < len(other.names):
        raise DataError(
            f"{table.path}, which should hold the features, has a single column, and {other.path}, which should hold "
            f"the target, has {len(other.names)}",
            "exchange the two files",
        )


def with_target(table: Table, other: Table, target: str) -> Table:
    """`table` with the target from another file: its column `target`, or its only column."""
    if target in other.names:
        source = target
    elif len(other.names) == 1:
        source = other.names[0]
    else:
        refuse_exchanged(table, other)
        raise DataError(
            f"{other.path} has {len(other.names)} columns and none named {target}",
            meant(target, other.names, f"its columns are {several(other.names)}"),
        )
    if other.rows != table.rows:
        raise DataError(f"{other.path} has {other.rows} rows, {table.path} has {table.rows}: each row needs its target")
    if target in table.names:
        raise UsageError(f"{table.path} has a column {target} itself, so the target can't come from {other.path}")
    return table.with_column(target, other, source)
