"""Parses the lines of a text table into columns, each block by the fastest of four parsers that can read it.

All four round correctly. Blocks of plain numbers are read by pyarrow, if they are long and it is installed, else by
`plain_numbers`, which takes half as long again. NumPy's `loadtxt`, about four times slower than that, reads blocks
without quotes; it is not given quotes because it accepts ones that are misplaced or never closed. `csv`, slower again
by a factor of two to three, reads all other blocks, and those in which NumPy finds a cell that is not a number; after
that NumPy reads the columns of such cells as text. (`python tests/benchmarks/bench_csv.py` measures all four.)
"""

import math
from contextlib import suppress
from importlib import import_module
from itertools import chain, groupby
from typing import Any

import numpy as np

from bpcli import csv_lines
from bpcli.datasets.cells import Floats, point_for_comma, to_numbers
from bpcli.datasets.readers.plain_numbers import plain_numbers
from bpcli.datasets.readers.text_file import Lines
from bpcli.memory import is_tight

LONG = 1 << 19
"""For a block of fewer characters, importing pyarrow takes longer than it saves."""

LONG_COLUMN = 1000
"""With fewer characters per column in a block, pyarrow is slower than the others: it has a cost per column."""

SHORT = 1 << 13
"""A block of fewer characters is left to NumPy's `loadtxt`: operations on whole arrays have a cost by themselves."""

_DIGITS = b"0123456789+-.eE\r\n"


def numbers_of(column: Any) -> Any:
    """The numbers of a pyarrow column without missing cells.

    pyarrow's own `to_numpy` imports pandas if it is installed, which takes as long as reading 50 MB.
    """
    parts = [np.from_dlpack(chunk) for chunk in getattr(column, "chunks", [column]) if len(chunk)]
    if not parts:
        return column.to_numpy()
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


class NotATableError(Exception):
    """A block that can't be part of the table; `Records._first_mistake` finds where and why."""


class Columns:
    """The columns of a table as its blocks are added: numeric until a cell is neither a number nor missing.

    If a text of `expected` bytes is of plain numbers, its columns are written where they stay: memory that is new to a
    process costs as much as a copy.
    """

    def __init__(
        self, width: int, delimiter: str, before: "Columns | None" = None, decimal: str = ".", expected: int = 0
    ) -> None:
        self.rows = 0
        self._expected, self._room = expected, list[Floats]()  # room for columns, filled up to `rows`
        self.cells: list[Any] | None = None  # the cells of the last block, if `csv` read it
        self._delimiter, self._comma = delimiter, decimal == ","
        self._parts: list[list[Any]] = [[] for _ in range(width)]
        self._text: set[int] = set() if before is None else before._text  # columns of text from their first block on
        self._late: set[int] = set()  # columns of text whose first blocks were read as numbers
        self._gaps: set[int] = set() if before is None else before._gaps  # numeric, with cells NumPy does not read
        self._dtype: Any = None
        self._tight: bool = is_tight() if before is None else before._tight

    def add(self, lines: list[str], rest: Lines) -> None:
        """Append a block, and from `rest` the lines up to the end of its last quoted cell.

        csv.Error or NotATableError if it can't be read.
        """
        block = "".join(lines)
        if "\0" in block:
            raise NotATableError
        if block.isascii() and self.add_plain(block.encode()):
            return
        columns = None
        plain = not (self._comma and "." in block)  # with decimal commas, a cell with a point is not a number
        if plain and '"' not in block:
            columns = self._by_numpy(lines)
        self.cells = None
        if columns is None:
            columns = self.cells = self._by_csv(lines, rest)
        if not columns:
            return
        self._leave_room()
        self.rows += len(columns[0])
        for j, column in enumerate(columns):
            self._append(j, column)

    def add_plain(self, block: bytes) -> bool:
        """Append a block if it is not short and has only plain numbers; returns whether it was."""
        if self._text_or_gaps or len(block) < SHORT or (self._comma and b"." in block):
            return False
        columns = self._by_arrow(block) if self._is_long(len(block)) else None
        if columns is None:
            columns = self._by_arrays(block)
        if columns is None:
            return False
        self.cells = None
        if not self.rows and self._expected and not self._tight:
            rows = math.ceil(1.02 * len(columns[0]) * self._expected / len(block))
            with suppress(MemoryError):
                self._room = [np.empty(rows) for _ in columns]
        end = self.rows + len(columns[0])
        if self._room and end <= len(self._room[0]):
            for room, column in zip(self._room, columns, strict=True):
                room[self.rows : end] = column
        else:
            self._leave_room()
            for parts, column in zip(self._parts, columns, strict=True):
                parts.append(column)
        self.rows = end
        return True

    def _leave_room(self) -> None:
        """Go on with parts, the first of which is what the room has."""
        for parts, room in zip(self._parts, self._room, strict=bool(self._room)):
            parts.append(room[: self.rows])
        self._room = []

    def _is_long(self, size: int) -> bool:
        """Whether a block of `size` characters is worth trying with pyarrow."""
        return not self._tight and size >= max(LONG, LONG_COLUMN * len(self._parts))

    def finished(self) -> list[Floats | list[str] | None]:
        """The complete columns; None for one whose cells have to be read again, as text."""
        self._leave_room()
        finished: list[Floats | list[str] | None] = []
        for j, parts in enumerate(self._parts):
            if j in self._late:
                finished.append(None)
            elif j in self._text:
                finished.append([cell.strip() for cell in chain.from_iterable(parts)])
            else:
                finished.append(parts[0] if len(parts) == 1 else np.concatenate(parts))
            parts.clear()
        return finished

    def _append(self, j: int, column: Any) -> None:
        if j in self._late:
            return
        if j not in self._text and not isinstance(column, np.ndarray):
            numbers = to_numbers([point_for_comma(cell) for cell in column] if self._comma else column)
            if numbers is not None:
                column = numbers
                if j not in self._gaps and (self._comma or np.isnan(numbers).any()):
                    self._gaps.add(j)
                    self._dtype = None
            else:
                (self._late if self._parts[j] else self._text).add(j)
                self._dtype = None
        self._parts[j].append(column)

    def _by_numpy(self, lines: list[str]) -> list[Any] | None:
        """The columns of a block without quotes; None if a cell is not a number, or a row has another length."""
        if not any(line.strip("\r\n") for line in lines):
            return []
        if self._dtype is None:
            self._dtype = self._record()
        try:
            loaded = np.loadtxt(lines, self._dtype, comments=None, delimiter=self._delimiter, ndmin=1)
        except ValueError:
            return None
        columns: list[Any] = []
        for name in self._dtype.names:
            field = loaded[name]
            if field.dtype == object:
                columns += field.T.tolist()
            elif np.isinf(field).any():  # a number to NumPy's parser, but not in a table
                return None
            else:
                columns += list(field.T)
        return columns

    @property
    def _text_or_gaps(self) -> set[int]:
        return self._text | self._late | self._gaps

    def _by_arrow(self, content: bytes) -> list[Any] | None:
        """The columns of a block of plain numbers; None for any other, and without pyarrow."""
        try:
            pa: Any = import_module("pyarrow")
            arrow: Any = import_module("pyarrow.csv")
        except ImportError:
            return None
        if content.translate(None, _DIGITS + self._delimiter.encode()):
            return None
        names = [str(j) for j in range(len(self._parts))]
        try:
            table = arrow.read_csv(
                pa.py_buffer(content),
                arrow.ReadOptions(column_names=names, block_size=len(content) + 1),
                arrow.ParseOptions(delimiter=self._delimiter, quote_char=False),
                arrow.ConvertOptions(column_types=dict.fromkeys(names, pa.float64()), null_values=[]),
            )
        except pa.ArrowException:  # also if it can't start a thread
            return None
        columns = list(map(numbers_of, table.columns))
        return columns if all(np.isfinite(column).all() for column in columns) else None

    def _by_arrays(self, content: bytes) -> list[Any] | None:
        """As `_by_arrow`, by NumPy's operations on arrays."""
        rows = plain_numbers(content, self._delimiter, len(self._parts))
        return None if rows is None else list(np.ascontiguousarray(rows.T))

    def _record(self) -> Any:
        """The dtype for np.loadtxt: a field for each run of neighbouring columns of one kind, numbers or text."""
        cells = self._text_or_gaps
        runs = groupby(range(len(self._parts)), lambda j: j in cells)
        kinds = [(object if is_cells else np.float64, (len(list(run)),)) for is_cells, run in runs]
        return np.dtype([(str(i), kind, shape) for i, (kind, shape) in enumerate(kinds)])

    def _by_csv(self, lines: list[str], rest: Lines) -> list[Any]:
        records = []
        reader = csv_lines.reader(chain(lines, rest), delimiter=self._delimiter, strict=True, skipinitialspace=True)
        for record in reader:
            if record:
                records.append(record)
            if reader.line_num >= len(lines):
                break
        if any(len(record) != len(self._parts) for record in records):
            raise NotATableError
        return list(zip(*records, strict=True))
