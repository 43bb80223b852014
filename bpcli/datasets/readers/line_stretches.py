"""Reads stretches of lines of text tables, from one byte of the file to another, without reading the others."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bpcli.datasets.cells import Floats, is_number
from bpcli.datasets.dialect import AUTO, WHITESPACE, Dialect
from bpcli.datasets.readers.delimited import Delimited
from bpcli.datasets.readers.first_row import sign_of
from bpcli.datasets.readers.libsvm import read_lines
from bpcli.datasets.readers.text_file import Lines, TextFile, encoding_of
from bpcli.datasets.sharing import Stretches
from bpcli.datasets.table import Table
from bpcli.errors import DataError
from bpcli.sources import Source, Stretch

_BLOCK = 1 << 20  # bytes that are searched at once
_START = 4096  # bytes from which the encoding is detected
_MARK = 3  # bytes of the byte order mark of UTF-8


def delimited_stretches(path: Path, dialect: Dialect, delimiter: str = ",") -> Stretches | None:
    """The stretches of a text table; None unless it is UTF-8, not compressed, and no name is a number."""
    with Source(path).opened() as file:
        encoding = encoding_of(file.peek(_START)[:_START])
        if file.packed or not encoding.startswith("utf-8"):
            return None
    whole = _Whole(path, None, dialect, delimiter)
    place, names = whole.header()
    if dialect.header == AUTO and any(map(is_number, names)):
        return None  # a note on such names depends on all rows
    return _TableRanges(path, whole, place, names, encoding)


def libsvm_stretches(path: Path) -> Stretches | None:
    """The stretches of a LIBSVM file; None if it is compressed."""
    with Source(path).opened() as file:
        return None if file.packed else _SparseRanges(path)


class _Whole(Delimited):
    """A whole text table, of which only the header is read here."""

    def header(self) -> tuple[str, list[str]]:
        """The place of the header and the names of the columns."""
        with self._lines() as lines:
            return self._names(lines)

    def above(self, encoding: str) -> int:
        """The number of bytes up to the end of the header."""
        if not self._named:
            return 0
        with self._text.opened() as text:
            lines = [line for line, _ in zip(text, range(self._header_lines), strict=False)]
        mark = _MARK if encoding == "utf-8-sig" else 0
        return mark + sum(len(line.encode()) for line in lines)

    def part(self, start: int, stop: int, place: str, names: list[str], encoding: str) -> "_Part":
        """The lines between two bytes, as a table of their own."""
        return _Part(self, start, stop, (place, names), encoding)

    @property
    def maps_lines(self) -> bool:
        """Whether lines are changed before they are read: blanks or comments are replaced."""
        return self.form.delimiter == WHITESPACE or self._comment is not None

    def could_be_row(self, table: Table) -> list[bool]:
        """Whether each name could be a cell of its column.

        A name over text always could, as long as some other name could be a cell or stands over a column without text.
        """
        if not self._named or self._dialect.header != AUTO or not table.rows:
            return [False] * len(table.names)
        signs = [
            sign_of(written, table.column(name), self._dialect.decimal)
            for name, written in zip(table.names, self._as_written(table.names), strict=True)
        ]
        doubtful = any(sign.could_be or not sign.is_text for sign in signs)
        return [sign.could_be or (sign.is_text and doubtful) for sign in signs]


class _Part(_Whole):
    """A stretch of the lines of a file; the first stretch includes the header."""

    def __init__(self, whole: _Whole, start: int, stop: int, header: tuple[str, list[str]], encoding: str) -> None:
        super().__init__(whole.path, None, whole._dialect, whole._usual)
        self.form, self._first, self._comment, self._unnamed = whole.form, whole._first, whole._comment, whole._unnamed
        self._has_header, self._header = start == 0 < stop and whole._named, header
        self._text = TextFile(self.path, None, Stretch(self.path, start, stop), encoding)

    @property
    def _above(self) -> int:
        return int(self._has_header)

    def line_of(self, row: int) -> int | None:
        """None: the lines before this stretch were not counted."""
        return None

    def _names(self, text: Lines) -> tuple[str, list[str]]:
        return super()._names(text) if self._has_header else self._header

    def _without_rows(self, names: Sequence[str]) -> list[Floats | list[str]]:
        return [np.empty(0) for _ in names]

    def _looks_like_row(self, names: Sequence[str], columns: Sequence[object]) -> bool:
        return False  # decided by all stretches together, in `read_stretch`


class _Ranges:
    """Stretches of a text file in bytes; a stretch begins at a line that does not begin inside a quoted cell."""

    def __init__(self, path: Path, above: int = 0) -> None:
        self._path, self._above, self.size = path, above, path.stat().st_size

    def begin(self, place: int, quoted: bool) -> int:
        """The first place ≥ `place`, after the header, at which a line begins outside quotes."""
        if place in (0, self.size):
            return place
        if place <= self._above:
            return self._above
        at, first = place - 1, 1  # from the byte before, at which `quoted` holds: it may be the newline
        for block in self._blocks(at, self.size):
            if first and block[:1] == b"\n" and not quoted:
                return place
            while (end := block.find(b"\n", first)) >= 0:
                quoted ^= block.count(b'"', first, end) % 2 == 1
                if not quoted:
                    return at + end + 1
                first = end + 1
            quoted ^= block.count(b'"', first) % 2 == 1
            at, first = at + len(block), 0
        return self.size

    def _blocks(self, start: int, stop: int) -> Iterator[bytes]:
        with Stretch(self._path, start, stop).opened() as file:
            while block := file.read(_BLOCK):
                yield block


class _TableRanges(_Ranges):
    """The stretches of a text table."""

    def __init__(self, path: Path, whole: _Whole, place: str, names: list[str], encoding: str) -> None:
        super().__init__(path, whole.above(encoding))
        self._whole, self._header, self._encoding = whole, (place, names), encoding

    def quotes(self, start: int, stop: int) -> int:
        """The number of quotes between two places; DataError if some may be inside comments."""
        found = sum(block.count(b'"') for block in self._blocks(start, stop))
        if found and self._whole.maps_lines:
            raise DataError(f"{self._path}: quotes beside comments or blanks between cells")
        return found

    def read(self, start: int, stop: int) -> Table:
        """The rows in some lines."""
        return self._whole.part(start, stop, *self._header, self._encoding).table()

    def doubts(self, table: Table) -> Sequence[bool]:
        """For each column name, whether it could be a cell of its column."""
        return self._whole.could_be_row(table)


class _SparseRanges(_Ranges):
    """The stretches of a LIBSVM file, which has no quoted cells and no header."""

    def quotes(self, start: int, stop: int) -> int:
        """0."""
        return 0

    def read(self, start: int, stop: int) -> Table:
        """The rows in some lines."""
        return read_lines(self._path, start, stop)

    def doubts(self, table: Table) -> Sequence[bool]:
        """No doubts, as there is no header."""
        return (False,)
