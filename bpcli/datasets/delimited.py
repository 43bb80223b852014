"""Reads CSV and TSV: a header, quoted fields, any newline, UTF-8, gzip; numbers by NumPy's own C parser."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import numpy as np

from bpcli.datasets.table import MISSING, Table, to_column
from bpcli.errors import DataError

_SAMPLE = 200  # records that are looked at to tell numeric columns from text

csv.field_size_limit(2**31 - 1)  # a cell may be long; the whole file is read anyway


def read_delimited(path: Path, delimiter: str, stream: BinaryIO | None = None) -> Table:
    """The table in the file `path` (or in `stream`); `delimiter` separates its cells. DataError as `read_table`."""
    source = _Source(path, delimiter, stream)
    names, skip, sample = source.start()
    if not sample:
        raise DataError(f"{path} has a header but no rows")
    width = len(names)
    # A column whose first cells are numbers is read as such; if a later one is not, all columns are read as text.
    kinds = [all(_is_plain_number(row[j]) for row in sample) for j in range(width)]
    loaded = source.load(skip, kinds)
    if loaded is None:
        loaded = source.load(skip, [False] * width)
    if loaded is None:
        raise source.ragged(width)
    plain = loaded.dtype == np.float64
    columns = {name: _column(loaded[:, j] if plain else loaded[f"f{j}"]) for j, name in enumerate(names)}
    positions = {name: j for j, name in enumerate(names)}
    return Table(path, columns, len(loaded), source.line_of, lambda name: source.cells(positions[name]))


def _column(values: Any) -> Any:
    if values.dtype == object:
        return to_column(values.tolist())
    # The C parser reads inf and nan as numbers: inf is not one for us, nan is a missing cell, and stays NaN.
    if np.isinf(values).any():
        return [str(v) for v in values.tolist()]
    return np.ascontiguousarray(values)


def _is_plain_number(cell: str) -> bool:
    if cell.strip() in MISSING:
        return False
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


class _Source:
    """A delimited file that can be read again from its start, which only errors and `cells` do."""

    def __init__(self, path: Path, delimiter: str, stream: BinaryIO | None) -> None:
        self.path, self.delimiter = path, delimiter
        self._bytes = None if stream is None else stream.read()

    def _raw(self) -> Any:
        return io.BytesIO(self._bytes) if self._bytes is not None else open(self.path, "rb")

    def _open(self) -> TextIO:
        with self._raw() as raw:
            start = raw.read(4)
        if start[:4] == b"PK\x03\x04":
            raise DataError(f"{self.path} is a zip archive or a spreadsheet, not text", "export it as CSV")
        if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DataError(f"{self.path} is UTF-16", "save it as UTF-8: iconv -f UTF-16 -t UTF-8")
        if start[:2] == b"\x1f\x8b":
            raw = gzip.open(self.path if self._bytes is None else io.BytesIO(self._bytes))
        else:
            raw = self._raw()
        return io.TextIOWrapper(raw, encoding="utf-8-sig")  # any newline becomes \n

    def _guard(self, error: Exception) -> DataError:
        if isinstance(error, UnicodeDecodeError):
            # The decoder counts from the block it was given, so the line is found by looking for it.
            line = self._undecodable_line()
            return DataError(f"{self.path}:{line}: not UTF-8", "save it as UTF-8: iconv -f ISO-8859-1 -t UTF-8")
        if isinstance(error, gzip.BadGzipFile | EOFError | zlib.error):
            return DataError(f"{self.path} is a damaged gzip file: {error}")
        if isinstance(error, OSError):
            return DataError(f"{self.path} can't be read: {error.strerror or error}")
        return DataError(f"{self.path}: {error}")

    def _undecodable_line(self) -> int:
        with self._open() as text:
            for number, line in enumerate(text.buffer, 1):
                try:
                    line.decode()
                except UnicodeDecodeError:
                    return number
            return 1

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """(line on which it begins, cells) of each record that is not blank, from the header on."""
        try:
            with self._open() as text:
                reader = csv.reader(text, delimiter=self.delimiter, strict=True)
                begin = 1
                for record in reader:
                    if record:
                        yield begin, record
                    begin = reader.line_num + 1
        except csv.Error as error:
            what = "a quote that is not closed" if "end of data" in str(error) else str(error)
            raise DataError(f"{self.path}:{begin}: {what}") from error
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise self._guard(error) from error

    def start(self) -> tuple[list[str], int, list[list[str]]]:
        """The names, the lines up to the end of the header, and the first records."""
        records = self.records()
        first = next(records, None)
        if first is None:
            raise DataError(f"{self.path} is empty: expected a header with the names of the columns, then rows")
        line, header = first
        names = [name.strip() for name in header]
        self._check_header(line, names)
        sample = []
        for at, record in records:
            if len(record) != len(names):
                raise self._ragged(at, record, len(names))
            sample.append(record)
            if len(sample) == _SAMPLE:
                break
        return names, line - 1 + 1 + sum(cell.count("\n") for cell in header), sample

    def _check_header(self, line: int, names: list[str]) -> None:
        where = f"{self.path}:{line}"
        if all(_is_plain_number(name) for name in names):
            raise DataError(
                f"{where}: the first line is all numbers, but it should name the columns",
                f"put a line such as {self.delimiter.join(f'x{j + 1}' for j in range(min(3, len(names))))} in front",
            )
        if len(names) == 1:
            for other, word in ((";", "semicolons"), ("\t", "tabs"), (",", "commas")):
                if other in names[0] and other != self.delimiter:
                    hint = {"\t": "data.format: tsv", ",": "data.format: csv"}.get(other, "save it with commas")
                    raise DataError(f"{where}: the columns seem to be separated by {word}", hint)
        seen: dict[str, int] = {}
        for position, name in enumerate(names, 1):
            if not name:
                raise DataError(f"{where}: column {position} has no name")
            if name in seen:
                raise DataError(f"{where}: columns {seen[name]} and {position} are both named {name}")
            seen[name] = position

    def load(self, skip: int, numeric: list[bool]) -> Any:
        """The cells by NumPy: (N, columns) if all are numeric, else a record array; None where they do not fit."""
        kind: Any = np.float64
        if not all(numeric):
            kind = np.dtype([(f"f{j}", np.float64 if n else object) for j, n in enumerate(numeric)])
        try:
            with self._open() as text:
                for _ in range(skip):
                    next(text)
                loaded = np.loadtxt(
                    text,
                    kind,
                    comments=None,
                    delimiter=self.delimiter,
                    quotechar='"',
                    ndmin=1 if kind is not np.float64 else 2,
                )
        except ValueError as error:
            if isinstance(error, UnicodeDecodeError):
                raise self._guard(error) from error
            return None
        except (OSError, EOFError, zlib.error) as error:
            raise self._guard(error) from error
        return None if kind is np.float64 and loaded.size and loaded.shape[1] != len(numeric) else loaded

    def ragged(self, width: int) -> DataError:
        """The error of the first record that has not `width` cells."""
        for line, record in self.records():
            if len(record) != width:
                return self._ragged(line, record, width)
        return DataError(f"{self.path} can't be read as a table")

    def _ragged(self, line: int, record: list[str], width: int) -> DataError:
        return DataError(f"{self.path}:{line}: expected {width} cells as in the header, found {len(record)}")

    def line_of(self, row: int) -> int | None:
        """The line on which row `row`, counted from 0 behind the header, begins."""
        return next((line for index, (line, _) in enumerate(self.records(), -1) if index == row), None)

    def cells(self, position: int) -> list[str]:
        """The cells of one column as they stand, stripped."""
        return [record[position].strip() for _, record in self.records()][1:]
