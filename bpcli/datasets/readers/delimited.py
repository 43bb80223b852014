"""Reads CSV and TSV: a header, quoted fields, any newline, UTF-8, gzip; numbers by NumPy's own C parser.

A file is read once, in blocks of lines, each by the fastest of three parsers that can: all round correctly. pyarrow,
where it is installed, reads long blocks of digits alone. NumPy, which takes about four times as long, reads blocks
without quotes, as it forgives a quote that is misplaced or never closed. `csv`, two to three times slower still, reads
the others, and a block in which NumPy finds a cell that is no number; from then on NumPy takes the columns of such
cells as text. (`python tests/benchmarks/bench_csv.py` measures all three.)
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import chain, groupby
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import numpy as np

from bpcli.datasets.table import Floats, Table, is_number, to_numbers
from bpcli.errors import DataError
from bpcli.sources import LONGEST_LINE, Source

_BLOCK = 1 << 20
"""Characters of a block: enough that the cost of a call does not count, and few compared with a table in memory."""

_LONG = _BLOCK // 2
"""A block of fewer characters is not worth the time to import pyarrow."""

_NUL = "a NUL byte, so this is not text in UTF-8"

_DIGITS = b"0123456789+-.eE\r\n"

csv.field_size_limit(LONGEST_LINE)


def read_delimited(path: Path, stream: BinaryIO | None = None, delimiter: str = ",") -> Table:
    """The table in the file `path` (or in `stream`); `delimiter` separates its cells. DataError as `read_table`."""
    source = _Source(path, delimiter, stream)
    names, columns, rows = source.read()
    positions = {name: j for j, name in enumerate(names)}
    return Table(
        path,
        dict(zip(names, columns, strict=True)),
        rows,
        source.line_of,
        lambda name: source.cells([positions[name]])[0],
    )


def delimited_blocks(path: Path, delimiter: str = ",") -> Iterator[Table]:
    """The rows of the file `path` as one table after another, in memory of a block each. DataError as `read_table`."""
    yield from _Source(path, delimiter, None).blocks()


class _Source:
    """A delimited file; it is read again for the line of an error, and for a column that turns out to be text."""

    def __init__(self, path: Path, delimiter: str, stream: BinaryIO | None) -> None:
        self.path, self.delimiter = path, delimiter
        self._source = Source(path, stream)

    def read(self) -> tuple[list[str], list[Floats | list[str]], int]:
        """The names, the columns and the number of rows."""
        with self._text() as text:
            names = self._header(text)
            columns = _Columns(len(names), self.delimiter)
            try:
                while lines := text.readlines(_BLOCK):
                    columns.add(lines, text)
            except (csv.Error, _NotATableError) as error:
                raise self._first_mistake(len(names)) from error
        if not columns.rows:
            raise DataError(f"{self.path} has a header but no rows")
        found = columns.finished()
        again = [j for j, column in enumerate(found) if column is None]
        for j, cells in zip(again, self.cells(again), strict=True):
            found[j] = cells
        return names, [column for column in found if column is not None], columns.rows

    def blocks(self) -> Iterator[Table]:
        """The rows as one table after another; a column that was text in one is text in all later ones."""
        first, before = 0, None
        with self._text() as text:
            names = self._header(text)
            try:
                while lines := text.readlines(_BLOCK):
                    columns = before = _Columns(len(names), self.delimiter, before)
                    columns.add(lines, text)
                    if columns.rows:
                        yield self._block(names, columns, lines, first)
                    first += columns.rows
            except (csv.Error, _NotATableError) as error:
                raise self._first_mistake(len(names)) from error
        if not first:
            raise DataError(f"{self.path} has a header but no rows")

    def _block(self, names: list[str], columns: "_Columns", lines: list[str], first: int) -> Table:
        positions = {name: j for j, name in enumerate(names)}
        whole = dict(zip(names, columns.finished(), strict=True))

        def cells(name: str) -> list[str]:
            found = columns.cells
            if found is None:  # without a quote, so that a line is a record
                records = csv.reader(lines, delimiter=self.delimiter, strict=True)
                return [record[positions[name]].strip() for record in records if record]
            return [cell.strip() for cell in found[positions[name]]]

        return Table(
            self.path,
            {name: column for name, column in whole.items() if column is not None},
            columns.rows,
            lambda row: self.line_of(first + row),
            cells,
            first,
        )

    def line_of(self, row: int) -> int | None:
        """The line on which row `row`, counted from 0 behind the header, begins."""
        return next((line for index, (line, _) in enumerate(self._records(), -1) if index == row), None)

    def cells(self, positions: Sequence[int]) -> list[list[str]]:
        """The cells of some columns as they stand, stripped."""
        cells: list[list[str]] = [[] for _ in positions]
        records = self._records() if positions else iter(())
        next(records, None)
        for _, record in records:
            for column, position in zip(cells, positions, strict=True):
                column.append(record[position].strip())
        return cells

    @contextmanager
    def _text(self) -> Iterator[TextIO]:
        """The file, unpacked and decoded; what goes wrong with either is a DataError."""
        try:
            with self._open() as text:
                yield text
        except UnicodeDecodeError as error:
            # The decoder counts from the block it was given, so the line is found by looking for it.
            where = f"{self.path}:{self._undecodable_line()}"
            raise DataError(f"{where}: not UTF-8", "save it as UTF-8: iconv -f WINDOWS-1252 -t UTF-8") from error

    def _open(self, errors: str = "strict") -> TextIO:
        content = self._source.opened()
        content.watch_lines()
        first = content.peek()
        start = first[:4]
        if start == b"PK\x03\x04":
            raise DataError(f"{self.path} is a zip archive or a spreadsheet, not text", "export it as CSV")
        if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DataError(f"{self.path} is UTF-16", "save it as UTF-8: iconv -f UTF-16 -t UTF-8")
        if b"\0" in first and b"\n" not in first:  # told before its first line ends, which it may never do
            raise DataError(f"{self.path}:1: {_NUL}")
        # Newlines stay what they are: `csv` and NumPy know all three, and a quoted one belongs to its cell.
        return io.TextIOWrapper(content, encoding="utf-8-sig", errors=errors, newline="")

    def _undecodable_line(self) -> int:
        with self._open(errors="surrogateescape") as text:
            return next(n for n, line in enumerate(text, 1) if any("\udc80" <= c <= "\udcff" for c in line))

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """(line on which it begins, cells) of each record that is not blank, from the header on."""
        begin = 1
        with self._text() as text:
            reader = csv.reader(text, delimiter=self.delimiter, strict=True)
            try:
                for record in reader:
                    if record:
                        yield begin, record
                    begin = reader.line_num + 1
            except csv.Error as error:
                what = "a quote that is not closed" if "end of data" in str(error) else str(error)
                raise DataError(
                    f"{self.path}:{begin}: {what}", 'a quote inside a quoted cell is doubled: ""'
                ) from error

    def _first_mistake(self, width: int) -> DataError:
        """The error of the first record that is none or has not `width` cells."""
        for line, record in self._records():
            if len(record) != width:
                return DataError(f"{self.path}:{line}: expected {width} cells as in the header, found {len(record)}")
            if any("\0" in cell for cell in record):
                return DataError(f"{self.path}:{line}: {_NUL}")
        return DataError(f"{self.path} can't be read as a table")

    def _header(self, text: TextIO) -> list[str]:
        """The names in the first line that is not blank; `text` then stands behind it."""
        reader = csv.reader(text, delimiter=self.delimiter, strict=True)
        before = 0
        try:
            for header in reader:
                if header:
                    break
                before = reader.line_num
            else:
                raise DataError(f"{self.path} is empty: expected a header with the names of the columns, then rows")
        except csv.Error as error:
            raise self._first_mistake(0) from error
        names = [name.strip() for name in header]
        self._check_header(f"{self.path}:{before + 1}", names)
        return names

    def _check_header(self, where: str, names: list[str]) -> None:
        if any("\0" in name for name in names):
            raise DataError(f"{where}: {_NUL}")
        if all(is_number(name) for name in names):
            example = self.delimiter.join(f"x{j}" for j in range(1, min(3, len(names)) + 1))
            raise DataError(
                f"{where}: the first line is all numbers, but it should name the columns",
                f"put a line such as {example} in front",
            )
        if len(names) == 1:
            for other, word in ((";", "semicolons"), ("\t", "tabs"), (",", "commas")):
                if other in names[0] and other != self.delimiter:
                    hint = {"\t": "data.format: tsv", ",": "data.format: csv"}.get(other, "save it with commas")
                    raise DataError(f"{where}: the columns seem to be separated by {word}", hint)
        seen: dict[str, int] = {}
        for position, name in enumerate(names, 1):
            if not name:
                index = "name it id, or write the file without row numbers: pandas' to_csv(index=False)"
                raise DataError(f"{where}: column {position} has no name", index if position == 1 else "")
            if name in seen:
                hint = "should the file begin with a header?" if is_number(name) else ""
                raise DataError(f"{where}: columns {seen[name]} and {position} are both named {name}", hint)
            seen[name] = position


class _NotATableError(Exception):
    """A block that can't be part of the table; `_first_mistake` says where and why."""


class _Columns:
    """The columns while the blocks come in: numbers, until a cell is neither a number nor missing."""

    def __init__(self, width: int, delimiter: str, before: "_Columns | None" = None) -> None:
        self.rows = 0
        self.cells: list[Any] | None = None  # of the last block, where `csv` read it
        self._delimiter = delimiter
        self._parts: list[list[Any]] = [[] for _ in range(width)]
        self._text: set[int] = set() if before is None else before._text  # these are text from their first cell
        self._late: set[int] = set()  # text as well, but their first cells were read as numbers
        self._gaps: set[int] = set() if before is None else before._gaps  # NumPy's parser does not know them
        self._dtype: Any = None

    def add(self, lines: list[str], rest: TextIO) -> None:
        """Append a block, and from `rest` the lines up to the end of its last quote; csv.Error or _NotATableError."""
        block = "".join(lines)
        if "\0" in block:
            raise _NotATableError
        columns = self._by_arrow(block) if len(block) >= _LONG and not self._text_or_gaps else None
        if columns is None and '"' not in block:
            columns = self._by_numpy(lines)
        self.cells = None
        if columns is None:
            columns = self.cells = self._by_csv(lines, rest)
        if not columns:
            return
        self.rows += len(columns[0])
        for j, column in enumerate(columns):
            self._append(j, column)

    def finished(self) -> list[Floats | list[str] | None]:
        """Each complete column; None if its cells have to be read again."""
        finished: list[Floats | list[str] | None] = []
        for j, parts in enumerate(self._parts):
            if j in self._late:
                finished.append(None)
            elif j in self._text:
                finished.append([cell.strip() for cell in chain.from_iterable(parts)])
            else:
                finished.append(np.concatenate(parts))
            parts.clear()
        return finished

    def _append(self, j: int, column: Any) -> None:
        if j in self._late:
            return
        if j not in self._text and not isinstance(column, np.ndarray):
            numbers = to_numbers(column)
            if numbers is not None:
                column = numbers
                if j not in self._gaps and np.isnan(numbers).any():
                    self._gaps.add(j)
                    self._dtype = None
            else:
                (self._late if self._parts[j] else self._text).add(j)
                self._dtype = None
        self._parts[j].append(column)

    def _by_numpy(self, lines: list[str]) -> list[Any] | None:
        """The columns of a block without quotes; None if a cell is no number, or a row of another length."""
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
            elif np.isinf(field).any():  # a number for the parser, but not for us
                return None
            else:
                columns += list(field.T)
        return columns

    @property
    def _text_or_gaps(self) -> set[int]:
        return self._text | self._late | self._gaps

    def _by_arrow(self, block: str) -> list[Any] | None:
        """The columns of a block of plain numbers; None for any other, and without pyarrow."""
        plain = block.isascii() and not (content := block.encode()).translate(None, _DIGITS + self._delimiter.encode())
        if not plain:
            return None
        try:
            pa: Any = import_module("pyarrow")
            arrow: Any = import_module("pyarrow.csv")
        except ImportError:
            return None
        names = [str(j) for j in range(len(self._parts))]
        try:
            table = arrow.read_csv(
                pa.py_buffer(content),
                arrow.ReadOptions(column_names=names, block_size=len(content) + 1),
                arrow.ParseOptions(delimiter=self._delimiter, quote_char=False),
                arrow.ConvertOptions(column_types=dict.fromkeys(names, pa.float64()), null_values=[]),
            )
        except pa.ArrowInvalid:
            return None
        columns = [column.to_numpy() for column in table.columns]
        return columns if all(np.isfinite(column).all() for column in columns) else None

    def _record(self) -> Any:
        """The record that NumPy is to read: a field for each run of columns of one kind, numbers or cells."""
        cells = self._text_or_gaps
        runs = groupby(range(len(self._parts)), lambda j: j in cells)
        kinds = [(object if is_cells else np.float64, (len(list(run)),)) for is_cells, run in runs]
        return np.dtype([(str(i), kind, shape) for i, (kind, shape) in enumerate(kinds)])

    def _by_csv(self, lines: list[str], rest: TextIO) -> list[Any]:
        records = []
        reader = csv.reader(chain(lines, rest), delimiter=self._delimiter, strict=True)
        for record in reader:
            if record:
                records.append(record)
            if reader.line_num >= len(lines):
                break
        if any(len(record) != len(self._parts) for record in records):
            raise _NotATableError
        return list(zip(*records, strict=True))
