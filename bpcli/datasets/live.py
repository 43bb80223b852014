"""Rows that come through a pipe while their writer waits: each part that arrives becomes a table, to be answered.

The first line that is neither blank nor a comment gives delimiter, encoding and names. It is put in front of each
later part, so that a part is read as a file would be.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO, StringIO
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TypeVar

from bpcli import csv_lines
from bpcli.datasets.dialect import AUTO, WHITESPACE, Dialect
from bpcli.datasets.meaning import with_dialect
from bpcli.datasets.readers.delimited import read_delimited
from bpcli.datasets.readers.text_file import MappedLines, text_as_it_comes
from bpcli.datasets.table import Table
from bpcli.errors import DataError
from bpcli.sources import is_live, is_packed

T = TypeVar("T")

_SEPARATOR = ("sep=", '"sep=')  # how a first line begins by which spreadsheets name the delimiter


def live_rows(path: Path, stream: BinaryIO, dialect: Dialect) -> "LiveRows | None":
    """The rows of a stream of text whose writer may wait for answers; None for other streams and compressed ones."""
    return LiveRows(path, stream, dialect, ",") if is_live(stream) and not is_packed(stream) else None


class LiveRows:
    """The rows of a pipe of text; `head` is a table of the header only, for the names and the dialect.

    The decimal mark is a point unless the dialect gives it. DataError for a pipe without a line, or without names.
    """

    def __init__(self, path: Path, stream: BinaryIO, dialect: Dialect, usual: str) -> None:
        named = "no" if dialect.header == "no" else "yes"
        decimal = "." if dialect.decimal == AUTO else dialect.decimal
        self._path, self._dialect = path, replace(dialect, header=named, decimal=decimal)
        self._parts = text_as_it_comes(path, stream)
        self._rest: list[str] = []  # lines that have arrived and are not answered yet
        self._start: list[str] = []  # the lines up to the header, which are put in front of each part
        self._gone = 0  # how many lines below the header have been answered
        first = self._first_lines()
        self.head = read_delimited(path, BytesIO("".join([*self._start, first[-1]]).encode()), self._dialect, usual)
        self._dialect = replace(self._dialect, delimiter=self.head.dialect.delimiter)
        self._names: list[str] = []
        self._rest = self._rest if self._start else [*first, *self._rest]

    @property
    def _delimiter(self) -> str:
        return " " if self._dialect.delimiter == WHITESPACE else self._dialect.delimiter

    def _first_lines(self) -> list[str]:
        """The lines up to the first that is neither blank nor a comment; if it is a header, `_start` keeps them."""
        lines: list[str] = []
        for part in self._parts:
            new = list(StringIO(part, newline=""))
            for number, line in enumerate(new, 1):
                lines.append(line)
                comment = (*_SEPARATOR, *([self._dialect.comment] if self._dialect.comment else []))
                if line.strip() and not line.lstrip(" \t").startswith(comment):
                    if not line.endswith(("\n", "\r")):
                        lines[-1] += "\n"
                    self._rest = new[number:]
                    if self._dialect.header != "no":
                        self._start = lines
                    return lines
        raise DataError(f"{self._path} is empty: expected a header with the names of the columns, then rows")

    def each(self, use: Callable[[Table], T]) -> Iterator[T]:
        """Yield `use(table)` for each table of rows; rows before a bad one are yielded before its DataError."""
        for lines in self._records():
            yield from self._used(lines, use)
            self._gone += len(lines)
        if not self._names:
            raise DataError(f"{self._path} has a header but no rows" if self._start else f"{self._path} has no rows")

    def _used(self, lines: list[str], use: Callable[[Table], T], before: int = 0) -> Iterator[T]:
        if not any(line.strip() for line in self._mapped(lines)):
            return
        try:
            made = use(self._table(lines, before))
        except DataError:
            middle = self._whole(lines[: len(lines) // 2])
            if not middle:  # a record goes beyond the middle: cut behind the first record
                middle = next((k for k in range(1, len(lines)) if self._whole(lines[:k]) == k), 0)
            if not middle:
                raise
            yield from self._used(lines[:middle], use, before)
            yield from self._used(lines[middle:], use, before + middle)
            return
        yield made

    def _table(self, lines: list[str], before: int) -> Table:
        content = BytesIO("".join([*self._start, *lines]).encode())
        gone = len(self._start), self._gone + before
        table = with_dialect(read_delimited(self._path, content, self._dialect, gone=gone), self._dialect)
        if not self._names:
            self._names = list(table.names)
            if self._start and len(self._names) > len(self.head.names):  # R's row names, which all parts have
                self._start[-1] = f'""{self._delimiter}{self._start[-1]}'
        if list(table.names) != self._names:
            found = len(table.names) - len(self._names)
            raise DataError(f"{table.where(0)}: {abs(found)} cells {'more' if found > 0 else 'less'} than before")
        return table

    def _records(self) -> Iterator[list[str]]:
        """Yield the lines of the whole records that have arrived."""
        waiting: list[str] = []
        for part in chain(["".join(self._rest)], self._parts):
            waiting += StringIO(part, newline="")
            whole = self._whole(waiting)
            if whole:
                yield waiting[:whole]
                waiting = waiting[whole:]
        if waiting:
            yield waiting

    def _whole(self, lines: list[str]) -> int:
        """How many of the lines make whole records: a quoted cell may go on in the next line."""
        if not any('"' in line for line in lines):
            return len(lines)
        reader = csv_lines.reader(self._mapped(lines), delimiter=self._delimiter, strict=True, skipinitialspace=True)
        whole = 0
        try:
            for _ in reader:
                whole = reader.line_num
        except csv.Error as error:
            return whole if "end of data" in str(error) else len(lines)
        return whole

    def _mapped(self, lines: list[str]) -> Iterator[str]:
        if self._dialect.comment is None:
            return iter(lines)
        return iter(MappedLines(StringIO("".join(lines), newline=""), self._dialect.comment, False))
