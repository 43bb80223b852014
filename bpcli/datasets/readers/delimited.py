"""Reads tables of text: any delimiter, encoding and newline, quoted cells, with or without a header.

A file is read once, in blocks of lines; `cell_parsers` makes columns of them.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from bpcli.datasets.dialect import AUTO, USUAL, WHITESPACE, Dialect
from bpcli.datasets.readers.cell_parsers import Columns, NotATableError
from bpcli.datasets.readers.delimiters import Form, delimiter_in_words, find_form
from bpcli.datasets.readers.headers import (
    FIXED_WIDTH,
    are_counted,
    comment,
    could_be_cell,
    header_again,
    is_mark,
    looks_like_row,
    named,
    title_above,
    uncut,
)
from bpcli.datasets.readers.text_file import (
    Lines,
    MappedLines,
    OtherEncodingError,
    TextFile,
    Utf8Lines,
    decoded,
    in_lines,
    not_text,
)
from bpcli.datasets.table import Floats, Table, is_number
from bpcli.errors import DataError, OpenReadingError, several
from bpcli.sources import LONGEST_LINE

_BLOCK = 1 << 20
"""Characters of a block: enough that the cost of a call does not count, and few compared with a table in memory."""

_START = 1 << 14
"""Characters by which the delimiter is found."""

_COLUMNS = 10_000
"""For so many columns more a block is larger, as each column of each block takes memory of its own."""

_SAID = re.compile(r'"?sep=(.)"?[\r\n]*\Z')
_SEPARATOR = ("sep=", '"sep=')

csv.field_size_limit(LONGEST_LINE)


def read_delimited(
    path: Path,
    stream: BinaryIO | None = None,
    dialect: Dialect = USUAL,
    delimiter: str = ",",
    gone: tuple[int, int] = (0, 0),
) -> Table:
    """The table in the file `path` (or in `stream`), of which `delimiter` is usual. DataError as `read_table`.

    Behind the first of its lines, so many as `gone` says, so many others have been that are not there any more.
    """
    return Delimited(path, stream, dialect, delimiter, gone).table()


def delimited_blocks(path: Path, dialect: Dialect = USUAL, delimiter: str = ",") -> Iterator[Table]:
    """The rows of the file `path` as one table after another, in memory of a block each. DataError as `read_table`."""
    source, done = Delimited(path, None, dialect, delimiter), 0
    try:
        for block in source.blocks():
            yield block
            done += 1
    except OtherEncodingError:  # all before it was ASCII, and so the same blocks
        yield from islice(source.blocks(), done, None)


class Delimited:
    """A delimited file; it is read again for the line of an error, and for a column that turns out to be text."""

    def __init__(
        self, path: Path, stream: BinaryIO | None, dialect: Dialect, usual: str, gone: tuple[int, int] = (0, 0)
    ) -> None:
        self.path, self._dialect, self._usual = path, dialect, dialect.likely or usual
        self._gone = gone
        self._text = TextFile(path, stream)
        self._comment: str | tuple[str, ...] | None = dialect.comment
        self._header_lines = 0
        self._unnamed: list[int] = []  # the places of columns that have no name

    @cached_property
    def form(self) -> Form:
        """How the lines are cut."""
        with self._text.opened() as text:
            lines: Lines = text if self._comment is None else MappedLines(text, self._comment, False)
            first = lines.readlines(_START)
            delimiter = self._dialect.delimiter
            if first and (said := _SAID.match(first[0])):  # a spreadsheet says what it has written
                delimiter = said[1] if delimiter == AUTO else delimiter
                self._comment, first[0] = (*_SEPARATOR, *(self._comment or ())), "\n"
            first += islice(lines, 2)  # of very long lines, too, some are looked at
            whole = next(iter(lines), None) is None
        form = find_form(self.path, first, whole, delimiter, self._usual)
        self._first = first
        if form.width == 1:
            self._refuse_one_column(first, whole)
        if self._named or not (form.trailing or form.row_names):
            return form
        return Form(form.delimiter, form.width + (1 if form.trailing else -1))

    def _refuse_one_column(self, lines: list[str], whole: bool) -> None:
        """DataError where lines of one cell are another table: below a title, or with another delimiter."""
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
        """The records above the first row."""
        return int(self._named)

    @cached_property
    def _delimiter(self) -> str:
        return "\t" if self.form.delimiter == WHITESPACE else self.form.delimiter

    def table(self) -> Table:
        """All rows."""
        names, columns, rows = decoded(self.read)
        positions = {name: j for j, name in enumerate(names)}
        table = Table(
            self.path,
            dict(zip(names, columns, strict=True)),
            rows,
            self.line_of,
            lambda name: self.cells([positions[name]])[0],
        )
        table.unstripped = lambda name: self.as_they_stand(positions[name])
        return self.noted(table)

    def noted(self, table: Table) -> Table:
        """A table of this file, which says what is unusual about it."""
        table.written = True
        unusual = self._dialect.delimiter == AUTO and self.form.delimiter != self._usual
        table.unusual = [f"{delimiter_in_words(self.form.delimiter)} between cells"] if unusual else []
        if self._text.encoding_in_words:
            table.unusual.append(f"text in {self._text.encoding_in_words}")
        if self._unnamed:
            why = " (the header is one name short: row names, as R writes them)" if self.form.row_names else ""
            table.unusual.append(f"{several(table.names[j] for j in self._unnamed)} for a column without a name{why}")
        if self._dialect.header == AUTO:
            numeric = [name for name in table.names if table.is_numeric(name)]
            numbers = [name for name in numeric if is_number(name)]
            if len(numbers) > len(numeric) / 2 and not are_counted(table.names):
                table.unusual.append(
                    f"names from the first line, such as {numbers[0]} (data.header: no if it is a row)"
                )
        table.dialect = replace(
            self._dialect,
            delimiter=self.form.delimiter,
            header="yes" if self._named else "no",
            decimal="," if self._dialect.decimal == "," else ".",
        )
        return table

    def read(self) -> tuple[list[str], list[Floats | list[str]], int]:
        """The names, the columns and the number of rows."""
        with self._lines(in_blocks=True) as lines:
            place, names = self._names(lines)
            columns = self._columns()
            try:
                _read_all(columns, lines, _block(len(names)))
            except (csv.Error, NotATableError) as error:
                raise self._first_mistake() from error
        if not columns.rows:
            return names, self._without_rows(names), 0
        found = columns.finished()
        again = [j for j, column in enumerate(found) if column is None]
        for j, cells in zip(again, self.cells(again), strict=True):
            found[j] = cells
        whole = [column for column in found if column is not None][: len(names)]
        self._check_names(place, names, whole)
        return names, whole, columns.rows

    def blocks(self) -> Iterator[Table]:
        """The rows as one table after another; a column that was text in one is text in all later ones."""
        first, before = 0, None
        stand: dict[str, bool] = {}  # whether each name could be a cell of its column, of numbers or of text
        texts: set[str] = set()
        with self._lines() as text:
            place, names = self._names(text)
            try:
                while lines := text.readlines(_block(len(names))):
                    columns = before = self._columns(before)
                    columns.add(lines, text)
                    if columns.rows:
                        block = self._block(place, names, columns, lines, first)
                        for name in names if self._named and self._dialect.header == AUTO else ():
                            column = block.column(name)
                            stand[name] = stand.get(name, False) or could_be_cell(name, column, self._dialect.decimal)
                            texts |= {name} if isinstance(column, list) else set()
                        yield block
                    first += columns.rows
            except (csv.Error, NotATableError) as error:
                raise self._first_mistake() from error
        if not first:
            raise self._no_rows()
        if stand and all(stand.values()) and (texts or not are_counted(names)):
            raise self._like_row(place, names)

    def _columns(self, before: "Columns | None" = None) -> "Columns":
        return Columns(self.form.width + self.form.trailing, self._delimiter, before, self._dialect.decimal)

    def _block(self, place: str, names: list[str], columns: "Columns", lines: list[str], first: int) -> Table:
        positions = {name: j for j, name in enumerate(names)}
        whole = dict(zip(names, columns.finished(), strict=False))
        self._check_names(place, names, list(whole.values()), first)

        def unstripped(name: str) -> list[str]:
            j, found = positions[name], columns.cells
            if found is None or not any('"' in line for line in lines):  # without a quote, so that a line is a record
                return _without_gap(j, [record[j] for record in self._reader(lines, False) if record])
            return [*found[j]]

        table = Table(
            self.path,
            {name: column for name, column in whole.items() if column is not None},
            columns.rows,
            lambda row: self.line_of(first + row),
            lambda name: [cell.strip() for cell in unstripped(name)],
            first,
        )
        table.unstripped = unstripped
        return self.noted(table)

    def line_of(self, row: int) -> int | None:
        """The line on which row `row`, counted from 0 behind the header, begins."""
        return next((line for index, (line, _) in enumerate(self._records(), -self._named) if index == row), None)

    def cells(self, positions: Sequence[int]) -> list[list[str]]:
        """The cells of some columns as they stand, stripped."""
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
                # A blank before a quote belongs to the delimiter.
                return [record[position] for _, record in islice(self._records(), self._above, None)]
            cells.append(record[position])
        return _without_gap(position, cells)

    @contextmanager
    def _lines(self, in_blocks: bool = False) -> Iterator[Lines]:
        """The lines of the file, as `csv` and NumPy can read them, or as `Utf8Lines` if that is possible."""
        blanks, comment = self.form.delimiter == WHITESPACE, self._comment
        mapped = blanks or comment is not None
        with self._text.opened_in_blocks() if in_blocks and not mapped else self._text.opened() as text:
            yield MappedLines(text, comment, blanks) if mapped else text

    def _reader(self, lines: Any, skip: bool = True) -> Any:
        return csv.reader(lines, delimiter=self._delimiter, strict=True, skipinitialspace=skip)

    def _records(self, skip: bool = True) -> Iterator[tuple[int, list[str]]]:
        """(line on which it begins, cells) of each record that is not blank, from the header on."""
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
        """The error of the first record that is none or has another number of cells than the first."""
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
        """The error for a record of another length, and what may be the matter; `start` begins a possible comment."""
        if start and start[0] != self._dialect.comment:
            return comment(self.path, message, start[0])
        if self._named and (title := title_above(self.path, self._first, self._usual)):
            return title
        if self._dialect.delimiter != AUTO and not self._gone[0]:
            return DataError(message, "data.delimiter: auto finds what separates")
        if self.form.delimiter == WHITESPACE:
            return DataError(message, f"a cell with blanks in it stands in quotes; {FIXED_WIDTH}")
        quoted = f"a cell with {delimiter_in_words(self.form.delimiter)} in it stands in quotes"
        return DataError(message, quoted if longer else "mend the line, or take it out if it is no row")

    def _without_rows(self, names: Sequence[str]) -> list[Floats | list[str]]:
        """The columns of a table without rows: none is one."""
        raise self._no_rows()

    def _no_rows(self) -> DataError:
        return DataError(f"{self.path} has a header but no rows" if self._named else f"{self.path} has no rows")

    def _names(self, text: Lines) -> tuple[str, list[str]]:
        """The place of the first line that is not blank, and the names in it, behind which `text` then stands.

        Without a header `text` stays where it is, and the names are x1, x2, …
        """
        if not self._named:
            return str(self.path), [f"x{j}" for j in range(1, self.form.width + 1)]
        reader = self._reader(text)
        before = 0
        try:
            for header in reader:
                if header:
                    break
                before = reader.line_num
            else:
                raise DataError(f"{self.path} is empty: expected a header with the names of the columns, then rows")
        except csv.Error as error:
            raise self._first_mistake() from error
        self._header_lines = reader.line_num
        place, names = f"{self.path}:{before + 1}", [name.strip() for name in header]
        if any("\0" in name for name in names):
            raise not_text(place)
        if len(names) > self.form.width and not names[-1]:
            del names[-1]  # what stands behind a delimiter at the end
        if self.form.row_names:
            names.insert(0, "")
        if 2 * names.count("") >= len(names) > 1 and (title := title_above(self.path, self._first, self._usual)):
            raise title
        self._unnamed = [j for j, name in enumerate(names) if not name]
        return place, named(names)

    def _like_row(self, where: str, names: Sequence[str]) -> DataError:
        """The error for names that look like a row of data."""
        shown = several(names, 6)
        return OpenReadingError(
            f"{where}: the first line could be data, or names that look like it: {shown}",
            "data.header: no if it is a row (the columns are x1, x2, …), data.header: yes if these are the names",
            {"header": "no"},
            f"{where}: read as a row, not as names: {shown}; columns are x1, x2, … (data.header: no, else yes)",
        )

    def _looks_like_row(self, names: Sequence[str], columns: Sequence[Any]) -> bool:
        return looks_like_row(names, columns, self._dialect.decimal)

    def _check_names(self, where: str, names: Sequence[str], columns: Sequence[Any], first: int = 0) -> None:
        """DataError if names are missing or twice, or look like a row of the columns under them from row `first` on."""
        if not self._named:
            return
        again = header_again(names, columns) if self._dialect.header == AUTO and len(names) == len(columns) else None
        if again is not None:
            line = self.line_of(again + first)
            raise DataError(f"{self.path}:{line}: the header again: {several(names, 6)}", "take the line out")
        if first:
            return
        if all(len(name) > 2 and name[0] == name[-1] == "'" for name in names):
            raise DataError(
                f"{where}: names in single quotes, which quote nothing in CSV: {several(names, 6)}",
                """pandas.read_csv(FILE, quotechar="'").to_csv(…, index=False) writes it without""",
            )
        if len(names) != len(columns):  # NumPy ends a line where `csv` does not
            raise DataError(f"{where}: {len(names)} names for {len(columns)} columns")
        if self._dialect.header == AUTO and self._looks_like_row(names, columns):
            raise self._like_row(where, names)
        seen: dict[str, int] = {}
        for position, name in enumerate(names, 1):
            if name in seen:
                raise DataError(
                    f"{where}: columns {seen[name]} and {position} are both named {name}",
                    "name them apart, as pandas.read_csv(FILE).to_csv(…, index=False) does",
                )
            seen[name] = position


def _without_gap(position: int, cells: list[str]) -> list[str]:
    """The cells of a column; where a blank follows each delimiter before them, it is a part of that."""
    return [cell[1:] for cell in cells] if position and all(cell[:1] == " " for cell in cells) else cells


def _read_all(columns: Columns, lines: Lines, size: int) -> None:
    """Give the columns all the lines, a block at a time."""
    if isinstance(lines, Utf8Lines):
        while content := lines.block(size):
            if not columns.add_plain(content):
                columns.add(in_lines(content), lines)
    else:
        while block := lines.readlines(size):
            columns.add(block, lines)


def _block(width: int) -> int:
    """Characters that are read at once."""
    return _BLOCK * max(1, min(32, width // _COLUMNS))
