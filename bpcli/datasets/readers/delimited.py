"""Reads text tables: any delimiter, encoding and newline, quoted cells, with or without a header.

A file is read once, in blocks of lines, which `cell_parsers` turns into columns.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from bpcli.datasets.cells import Floats, is_number
from bpcli.datasets.dialect import AUTO, USUAL, Dialect
from bpcli.datasets.readers.cell_parsers import Columns, NotATableError
from bpcli.datasets.readers.delimiters import delimiter_in_words
from bpcli.datasets.readers.first_row import Sign, are_counted, are_row, looks_like_row, sign_of
from bpcli.datasets.readers.headers import header_again, named, title_above
from bpcli.datasets.readers.records import Records, without_gap
from bpcli.datasets.readers.text_file import (
    Lines,
    OtherEncodingError,
    Utf8Lines,
    decoded,
    in_lines,
    not_text,
)
from bpcli.datasets.table import Table
from bpcli.errors import DataError, NoRowsError, OpenReadingError, several

_BLOCK = 1 << 20
"""Characters of a block: so many that the cost per block does not matter, and few compared with a table in memory."""

_COLUMNS = 10_000
"""Wider tables are read in blocks larger by width/`_COLUMNS`, because each column of a block is an array by itself."""


def read_delimited(
    path: Path,
    stream: BinaryIO | None = None,
    dialect: Dialect = USUAL,
    delimiter: str = ",",
    gone: tuple[int, int] = (0, 0),
) -> Table:
    """The table in the file `path` (or in `stream`); `delimiter` is the usual one of the format. DataError as
    `read_files`.

    `gone` = (k, m), for the line numbers in messages: m lines that are no longer there came after the first k.
    """
    return Delimited(path, stream, dialect, delimiter, gone).table()


def delimited_blocks(path: Path, dialect: Dialect = USUAL, delimiter: str = ",") -> Iterator[Table]:
    """Yield the rows of the file `path` as tables of one block each. DataError as `read_files`."""
    source, done = Delimited(path, None, dialect, delimiter), 0
    try:
        for block in source.blocks():
            yield block
            done += 1
    except OtherEncodingError:  # the blocks before it were ASCII, so they are the same in the other encoding
        yield from islice(source.blocks(), done, None)


class Delimited(Records):
    """A delimited file as a table; the file is read again for columns that turn out to be text."""

    _header_lines = 0
    _unnamed: Sequence[int] = ()  # places of columns that have no name

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
        """The table with the dialect that was detected and notes on anything unusual in the file."""
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
            if len(numbers) > len(numeric) / 2 and not are_counted(self._as_written(table.names)):
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
            columns = self._columns(expected=self._text.size)
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
        signs: dict[str, Sign] = {}
        with self._lines() as text:
            place, names = self._names(text)
            written = dict(zip(names, self._as_written(names), strict=True))
            try:
                while lines := text.readlines(_block(len(names))):
                    columns = before = self._columns(before)
                    columns.add(lines, text)
                    if columns.rows:
                        block = self._block(place, names, columns, lines, first)
                        for name in names if self._named and self._dialect.header == AUTO else ():
                            sign = sign_of(written[name], block.column(name), self._dialect.decimal)
                            signs[name] = signs[name].merged(sign) if name in signs else sign
                        yield block
                    first += columns.rows
            except (csv.Error, NotATableError) as error:
                raise self._first_mistake() from error
        if not first:
            raise self._no_rows()
        if signs and are_row([*written.values()], [*signs.values()], self._dialect.decimal):
            raise self._like_row(place, names)

    def _columns(self, before: "Columns | None" = None, expected: int = 0) -> "Columns":
        width = self.form.width + self.form.trailing
        return Columns(width, self._delimiter, before, self._dialect.decimal, expected)

    def _block(self, place: str, names: list[str], columns: "Columns", lines: list[str], first: int) -> Table:
        positions = {name: j for j, name in enumerate(names)}
        found_columns = columns.finished()[: len(names)]
        self._check_names(place, names, found_columns, first)
        whole = dict(zip(names, found_columns, strict=True))

        def unstripped(name: str) -> list[str]:
            j, found = positions[name], columns.cells
            if found is None or not any('"' in line for line in lines):  # without a quote, so that a line is a record
                return without_gap(j, [record[j] for record in self._reader(lines, False) if record])
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

    def _without_rows(self, names: Sequence[str]) -> list[Floats | list[str]]:
        """The columns of a table without rows; here an error, but a part of a file may have none."""
        raise self._no_rows()

    def _no_rows(self) -> NoRowsError:
        return NoRowsError(f"{self.path} has a header but no rows" if self._named else f"{self.path} has no rows")

    def _names(self, text: Lines) -> tuple[str, list[str]]:
        """The place of the header, for messages, and the names in it; `text` is read up to the end of the header.

        Without a header nothing is read, and the names are x1, x2, …
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
            del names[-1]  # the empty name after a delimiter at the end of the line
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
        return looks_like_row(self._as_written(names), columns, self._dialect.decimal)

    def _as_written(self, names: Sequence[str]) -> list[str]:
        """The names, empty where the file has none."""
        return ["" if j in self._unnamed else name for j, name in enumerate(names)]

    def _check_names(self, where: str, names: Sequence[str], columns: Sequence[Any], first: int = 0) -> None:
        """DataError if a name occurs twice, names are quoted, look like a row, or stand again among the rows.

        `columns` are the rows from number `first` on.
        """
        if not self._named:
            return
        again = header_again(names, columns) if self._dialect.header == AUTO and len(names) == len(columns) else None
        if again is not None:
            line = self.line_of(again + first)
            raise DataError(
                f"{self.path}:{line}: the header again: {several(names, 6)}",
                f"take the line out: sed {line}d FILE > NEW",
            )
        if first:
            return
        if all(len(name) > 2 and name[0] == name[-1] == "'" for name in names):
            raise DataError(
                f"{where}: names in single quotes, which quote nothing in CSV: {several(names, 6)}",
                """pandas.read_csv(FILE, quotechar="'").to_csv(…, index=False) writes it without""",
            )
        if len(names) != len(columns):  # NumPy takes some characters for the end of a line that `csv` does not
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


def _read_all(columns: Columns, lines: Lines, size: int) -> None:
    """Add all lines to the columns, a block at a time."""
    if isinstance(lines, Utf8Lines):
        while content := lines.block(size):
            if not columns.add_plain(content):
                columns.add(in_lines(content), lines)
    else:
        while block := lines.readlines(size):
            columns.add(block, lines)


def _block(width: int) -> int:
    """The characters of a block of a table of this width."""
    return _BLOCK * max(1, min(32, width // _COLUMNS))
