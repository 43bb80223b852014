"""A table of named columns, as the readers return it: of numbers if every cell is one, else of text.

Numbers are doubles, true and false are 1 and 0; what has to be told apart exactly (labels, ids) is asked for by
`exact`, or as text.
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
    point_for_comma,
    to_booleans,
)
from bpcli.datasets.dense import Dense
from bpcli.datasets.dialect import USUAL
from bpcli.datasets.share import WHOLE, Gathering, merged_all
from bpcli.errors import DataError, UsageError, meant, nearest, several
from bpcli.text.notation import number

Column = NDArray[Any] | list[str]
"""A column: finite real numbers or booleans, NaN where a cell is missing; or cells of text."""


class Table:
    """Columns by name. A column is numeric if each cell is a finite number or missing, which is then NaN.

    It is boolean if its type is, or if all its cells that are not missing are true or false, in any case; it is then
    numeric too, of 1 and 0.
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
        self.quoted = quoted  # columns that are text by their type, whatever their cells look like
        self.first_row = first_row  # of a part of a longer table: messages count rows from its start
        self.rows = rows
        self._columns = dict(columns)
        self._line_of = line_of
        self._cells = cells
        self._elsewhere: dict[str | None, Callable[[int], str]] = {}  # of a row, in columns of other files
        self._read_again: dict[str, list[str]] = {}
        self.place: Callable[[int], str] | None = None  # of a row, where the rows are not those of one file
        self.dressed: set[str] = set()  # columns whose cells are not numbers as they stand
        self.written = False  # whether the cells of numbers are text in the file too
        self.unusual: list[str] = []  # of how the file is written
        self.own_target: str | None = None  # the column that is the target by the format
        self.dialect = USUAL  # as it was found
        self.missing_words: dict[str, frozenset[str]] = {}  # of columns with words of their own
        self._truths: dict[str, Floats | None] = {}  # columns of text as booleans
        self.unstripped: Callable[[str], list[str]] | None = None  # the cells of a column with the blanks around them
        self._in_doubles: dict[str, bool] = {}
        self.share: Gathering = WHOLE  # the processes that have the other rows
        self._are_boolean: dict[str, bool] = {}  # columns in all shares
        self.dense: Dense | None = None  # the columns of numbers, where they lie side by side

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
        """The names of the columns that are kept one by one."""
        return self._columns.keys()

    def column(self, name: str) -> Column:
        """A column as it is kept."""
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
        with np.errstate(invalid="ignore"):  # a NaN that signals is one like others
            return np.asarray(self._as_booleans(name) if isinstance(column, list) else column, np.float64)

    def agree(self, share: Gathering) -> None:
        """Give each column of this share of a table the type that it has in the whole table.

        It is text if it is text in any share, and boolean if it is boolean in every share that has rows.
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
        """What a column is by itself."""
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
        """Whether every cell of a column is missing."""
        return merged_all(self.share, self.missing(name).all())

    def distinct(self, name: str) -> list[str]:
        """The different cells of any column, in the order in which they occur."""
        return [*dict.fromkeys(chain.from_iterable(self.share.gathered([*dict.fromkeys(self.text(name))])))]

    def exact(self, name: str) -> list[int | float]:
        """The numbers of a numeric column, whole ones exactly, however long; NaN where a cell is missing."""
        numbers = self.numeric(name)
        if name in self.dressed or self.in_doubles(name):
            return [*map(float, numbers)]
        cells = zip(self.text(name), np.isnan(numbers), strict=True)
        return [math.nan if gap else exact_number(self._plain(cell)) for cell, gap in cells]

    def in_doubles(self, name: str) -> bool:
        """Whether doubles tell all whole numbers of a numeric column apart."""
        if name not in self._in_doubles:
            numbers = self.numeric(name)
            most = np.fmax.reduce(numbers, initial=0.0), -np.fmin.reduce(numbers, initial=0.0)
            self._in_doubles[name] = merged_all(self.share, max(most) <= EXACT)
        return self._in_doubles[name]

    def is_whole(self, name: str) -> bool:
        """Whether each cell of the column is known to be a finite number; the cells are not looked at again."""
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
        """The cells that count as missing in a column if it is one of numbers."""
        return self.words(name) if name in self.missing_words else MISSING | {DASH}

    def redefine(self, name: str, column: Column) -> None:
        """Let the cells of a column, which stay as they are in the file, mean something else."""
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
        """The cells as they stand, a gap as None: as numbers or booleans only if each, written as such, is the cell
        itself (`7` or `7.0`, not `007` or `1e5`), and the column's type is not text."""
        gaps = self.missing(name)
        stand = [None if gap else cell for cell, gap in zip(self.as_they_stand(name), gaps, strict=True)]
        if name in self.quoted or name in self.dressed or not self.is_numeric(name):
            return [*stand]
        cells = [None if cell is None else cell.strip() for cell in stand]
        if self.is_boolean(name):
            plain = {"true": True, "false": False, None: None}
            return [*stand] if {*cells} - plain.keys() else [plain[cell] for cell in cells]
        numbers = [None if cell is None else as_written(self._plain(cell)) for cell in cells]
        same = all(cell is None or number(x) == cell for cell, x in zip(cells, numbers, strict=True))
        return [*numbers] if same else [*stand]

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Where the cells of a column are missing, (N,)."""
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
        """The place of a row in the file, of which the first is `first_row`."""
        line = self._line_of(row)
        return f"{self.path}:{line}" if line is not None else f"{self.path}, row {first_row + row + 1}"

    def first_not_numeric(self, name: str) -> tuple[int, str]:
        """(row, cell) of the first cell that is neither a number nor missing, in a column that is not numeric; in a
        share without such a cell (0, "")."""
        words, cells = self.number_gaps(name), enumerate(self.text(name))
        return next(((row, cell) for row, cell in cells if cell not in words and not self.reads(cell)), (0, ""))

    def reads(self, cell: str) -> bool:
        """Whether a cell is a number, as the table writes them."""
        return is_number(self._plain(cell))

    def _plain(self, cell: str) -> str:
        """A cell that may be a number, with a decimal point."""
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
        missing = [name for name in names if name not in self._columns]
        if missing:
            close = dict.fromkeys(filter(None, (nearest(name, self._columns) for name in missing[:12])))
            hint = f"did you mean {', '.join(close)}?" if close else f"its columns are {several(self.names)}"
            if len(self.names) == 1 < len(missing):
                hint = f"its only column is {self.names[0]}: is it the file of the target?"
            raise DataError(f"{self.path} has no column {several(missing)}", hint)


def no_longer_numeric(table: Table, name: str) -> str:
    """What is the matter with a column that was one of numbers in training, and is not now."""
    row, cell = table.first_not_numeric(name)
    fault = f"{table.where(row, name)}: {cell!r} is not a number, as it was in training"
    for mark, other, otherwise in ((",", "comma", cell), (".", "point", point_for_comma(cell))):
        if table.dialect.decimal == mark and is_number(otherwise):
            fault += f", where numbers were written with a decimal {other}"
    return fault


def only_column(other: Table, table: Table) -> str:
    """A name in `table` for the only column of the file that its target is in; DataError if that has several."""
    if len(other.names) > 1:
        refuse_exchanged(table, other)
        raise DataError(
            f"{other.path} has the columns {several(other.names)}", "data.target: NAME says which is the target"
        )
    return next(name for name in (other.names[0], "y", "target", "label") if name not in table.names)


def refuse_exchanged(table: Table, other: Table) -> None:
    """DataError where the file of the features has a single column, and that of the target many."""
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
