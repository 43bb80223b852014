"""The records of a text table: how lines are split into cells, and the errors for records unlike the others."""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from bpcli import csv_lines
from bpcli.datasets.dialect import AUTO, WHITESPACE, Dialect
from bpcli.datasets.readers.delimiters import Form, delimiter_in_words, find_form
from bpcli.datasets.readers.headers import FIXED_WIDTH, comment, is_mark, title_above, uncut
from bpcli.datasets.readers.text_file import Lines, MappedLines, TextFile, not_text
from bpcli.errors import DataError, several

_START = 1 << 14
"""Characters from which the delimiter is detected."""

_SAID = re.compile(r'"?sep=(.)"?[\r\n]*\Z')
_SEPARATOR = ("sep=", '"sep=')


class Records:
    """The records of a delimited file, which is read again to find the line of an error, or for cells as text."""

    def __init__(
        self, path: Path, stream: BinaryIO | None, dialect: Dialect, usual: str, gone: tuple[int, int] = (0, 0)
    ) -> None:
        self.path, self._dialect, self._usual = path, dialect, dialect.likely or usual
        self._gone = gone
        self._text = TextFile(path, stream)
        self._comment: str | tuple[str, ...] | None = dialect.comment

    @cached_property
    def form(self) -> Form:
        """How the lines are split into cells."""
        with self._text.opened() as text:
            lines: Lines = text if self._comment is None else MappedLines(text, self._comment, False)
            first = lines.readlines(_START)
            delimiter = self._dialect.delimiter
            if first and (said := _SAID.match(first[0])):  # a spreadsheet says what it has written
                delimiter = said[1] if delimiter == AUTO else delimiter
                self._comment, first[0] = (*_SEPARATOR, *(self._comment or ())), "\n"
            first += islice(lines, 2)  # at least three lines, even if they are very long
            whole = next(iter(lines), None) is None
        form = find_form(self.path, first, whole, delimiter, self._usual)
        self._first = first
        if form.width == 1:
            self._refuse_one_column(first, whole)
        if self._named or not (form.trailing or form.row_names):
            return form
        return Form(form.delimiter, form.width + (1 if form.trailing else -1))

    def _refuse_one_column(self, lines: list[str], whole: bool) -> None:
        """DataError if a table of one column is one of several columns, below a title or with another delimiter."""
        if self._dialect.delimiter != AUTO:
            other = find_form(self.path, lines, whole, AUTO, self._usual)
            if other.width > 1:
                shown = delimiter_in_words(self._dialect.delimiter)
                raise DataError(
                    f"{self.path}: with {shown} between cells (data.delimiter) there is one column, with "
                    f"{delimiter_in_words(other.delimiter)} {other.width}",
                    "data.delimiter: auto",
                )
        elif self._named and (error := title_above(self.path, lines, self._usual) or uncut(self.path, lines)):
            raise error

    @property
    def _named(self) -> bool:
        return self._dialect.header != "no"

    @property
    def _above(self) -> int:
        """The number of records above the first row: 1 for a header."""
        return int(self._named)

    @cached_property
    def _delimiter(self) -> str:
        return "\t" if self.form.delimiter == WHITESPACE else self.form.delimiter

    def line_of(self, row: int) -> int | None:
        """The line on which a row begins; rows are counted from 0 after the header."""
        return next((line for index, (line, _) in enumerate(self._records(), -self._named) if index == row), None)

    def cells(self, positions: Sequence[int]) -> list[list[str]]:
        """The cells of the columns at these positions, as text without blanks around it."""
        cells: list[list[str]] = [[] for _ in positions]
        records = self._records() if positions else iter(())
        for _, record in islice(records, self._above, None):
            for column, position in zip(cells, positions, strict=True):
                column.append(record[position].strip())
        return cells

    def as_they_stand(self, position: int) -> list[str]:
        """The cells of a column with the blanks around them."""
        cells: list[str] = []
        for _, record in islice(self._records(False), self._above, None):
            if len(record) <= position or any(cell[:1] == " " and cell.lstrip(" ")[:1] == '"' for cell in record):
                # A blank before a quote is part of the delimiter.
                return [record[position] for _, record in islice(self._records(), self._above, None)]
            cells.append(record[position])
        return without_gap(position, cells)

    @contextmanager
    def _lines(self, in_blocks: bool = False) -> Iterator[Lines]:
        """The lines of the file without comments, blanks as tabs; with `in_blocks` as `Utf8Lines` if possible."""
        blanks, comment = self.form.delimiter == WHITESPACE, self._comment
        mapped = blanks or comment is not None
        with self._text.opened_in_blocks() if in_blocks and not mapped else self._text.opened() as text:
            yield MappedLines(text, comment, blanks) if mapped else text

    def _reader(self, lines: Any, skip: bool = True) -> Any:
        return csv_lines.reader(lines, delimiter=self._delimiter, strict=True, skipinitialspace=skip)

    def _records(self, skip: bool = True) -> Iterator[tuple[int, list[str]]]:
        """Yield (first line, cells) of each record that is not blank, from the header on."""
        start, gone = self._gone
        begin = 1 if start else 1 + gone
        with self._lines() as text:
            reader = self._reader(text, skip)
            try:
                for record in reader:
                    if record:
                        yield begin, record
                    begin = reader.line_num + 1 + gone * (reader.line_num >= start)
            except csv.Error as error:
                what = "a quote that is not closed" if "end of data" in str(error) else str(error)
                hint = 'a quote inside a quoted cell is doubled: ""'
                if self._dialect.delimiter != AUTO:
                    hint += f"; or data.delimiter is not {self._dialect.delimiter!r}: auto finds it"
                raise DataError(f"{self.path}:{begin}: {what}", hint) from error

    def _first_mistake(self) -> DataError:
        """The error for the first record that can't be read or has another number of cells than the first."""
        width, first = self.form.width + self.form.trailing, ""
        for line, record in self._records():
            expected = width - (self.form.row_names and self._named and not first)
            if len(record) != expected:
                like = "in the header" if self._named else "the first row has"
                found = len(record) if len(record) > 1 else f"1: {several(record)}"
                message = f"{self.path}:{line}: expected {expected} cells as {like}, found {found}"
                mark = next((start for start in (first, record[0]) if is_mark(start)), "")
                return self._other_width(message, mark, len(record) > expected)
            if any("\0" in cell for cell in record):
                return not_text(f"{self.path}:{line}")
            first = first or record[0] or " "
        return DataError(f"{self.path} can't be read as a table")

    def _other_width(self, message: str, start: str, longer: bool) -> DataError:
        """The error for a record of another length, with its likely cause; `start` begins a possible comment."""
        if start and start[0] != self._dialect.comment:
            return comment(self.path, message, start[0])
        if self._named and (title := title_above(self.path, self._first, self._usual)):
            return title
        if self._dialect.delimiter != AUTO and not self._gone[0]:
            return DataError(message, "data.delimiter: auto finds what separates")
        if self.form.delimiter == WHITESPACE:
            return DataError(message, f"a cell with blanks in it stands in quotes; {FIXED_WIDTH}")
        quoted = f"a cell with {delimiter_in_words(self.form.delimiter)} in it stands in quotes"
        line = message.removeprefix(f"{self.path}:").partition(":")[0]
        out = f"mend the line, or take it out if it is no row: sed {line}d FILE > NEW"
        return DataError(message, quoted if longer else out)


def without_gap(position: int, cells: list[str]) -> list[str]:
    """The cells of a column; if each begins with a blank, that follows the delimiter and is removed."""
    return [cell[1:] for cell in cells] if position and all(cell[:1] == " " for cell in cells) else cells
