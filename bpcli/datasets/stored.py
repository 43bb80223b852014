"""Tables larger than memory: copied once to a file of columns, and read from there piece by piece.

The copy is kept next to the runs, in `.cache`, until its source changes. If a checksum of it does not match, it is
removed, with an error, and made again the next time.
"""

import contextlib
import ctypes
import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets import column_file
from bpcli.datasets.cells import DASH, Floats, to_booleans, to_numbers
from bpcli.datasets.column_file import Progress
from bpcli.datasets.dialect import AUTO, USUAL, Dialect
from bpcli.datasets.formatted_numbers import Style, read_styled
from bpcli.datasets.meaning import (
    decided_numbers,
    has_decimal_commas,
    is_open,
    refuse_thousands,
    with_one_decimal,
    words_of,
)
from bpcli.datasets.reading import Files, read_blocks
from bpcli.datasets.table import Table
from bpcli.errors import DataError
from bpcli.files import own_folder, writing

Array = NDArray[Any]

_FORMAT = 5  # goes up when an older version of bpcli could misread a newer copy
_M_MMAP_THRESHOLD = -3  # from malloc.h
_MIB = 1 << 20


class StoredTable(Table):
    """A table whose columns are in a file, from which they are read one at a time, or block by block."""

    def __init__(self, path: Path, folder: Path, about: dict[str, Any], line_of: Callable[[int], int | None]) -> None:
        self._about, self._positions = about, {name: j for j, name in enumerate(about["names"])}
        try:
            self._file = (folder / column_file.COLUMNS).open("rb")
        except OSError as error:
            raise DataError(f"{folder}: the copy of {path} can't be read: {error.strerror or error}") from error
        self._starts: list[tuple[int, int, list[int]]] = about["blocks"]  # place in the file, rows, checksums
        super().__init__(path, {}, about["rows"], line_of, self.text)
        self.written, self.own_target = about["written"], about["own_target"]
        self.dialect, self.unusual = Dialect(**about["dialect"]), about["unusual"]
        self.styles: Mapping[str, Style] = {}  # of the columns of formatted numbers that are kept as text
        self._kept: tuple[str, Array] = ("", np.empty(0))  # the column that was read last

    def __del__(self) -> None:
        if hasattr(self, "_file"):  # it could be opened
            self._file.close()

    @property
    def names(self) -> list[str]:
        """The names of the columns, in the order of the file, then those of columns from other files."""
        return [*(name for name in self._positions if name not in self._columns), *self._columns]

    def is_numeric(self, name: str) -> bool:
        """Whether the column holds numbers and missing cells only."""
        if name in self._columns or name not in self._about["texts"]:
            return name not in self._columns or super().is_numeric(name)
        return self._values(name) is not None

    def is_boolean(self, name: str) -> bool:
        """Whether the column holds booleans and missing cells only, and at least one boolean."""
        if name in self._columns:
            return super().is_boolean(name)
        cells = self._about["texts"].get(name, [])
        return not {*cells} <= self.words(name) and to_booleans(cells, self.words(name)) is not None

    def _values(self, name: str) -> Floats | None:
        """The number of each distinct cell of a column of text; None if one is no number and no boolean."""
        if name not in self._truths:
            cells = self._about["texts"][name]
            if name in self.styles:
                gaps, style = self.words(name) | {DASH}, self.styles[name]
                read = (None if cell in gaps else read_styled(cell, style) for cell in cells)
                numbers: Floats | None = np.array([np.nan if value is None else value for value in read])
            else:
                numbers = to_numbers([*map(self._plain, cells)], self.number_gaps(name))
            self._truths[name] = to_booleans(cells, self.words(name)) if numbers is None else numbers
        return self._truths[name]

    def numeric(self, name: str) -> Floats:
        """The numbers of a numeric column, (N,); NaN where a cell is missing."""
        return super().numeric(name) if name in self._columns else self._as_numbers(name, self._column(name))

    def text(self, name: str) -> list[str]:
        """The cells of a column that is kept as text."""
        if name in self._columns:
            return super().text(name)
        return self._as_text(name, self._column(name))

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Whether each cell of a column is missing, (N,)."""
        if name in self._columns:
            return super().missing(name)
        numbers = self._column(name)
        if self.is_numeric(name):
            return np.isnan(self._as_numbers(name, numbers))
        gaps = [code for code, cell in enumerate(self._about["texts"][name]) if cell in self.words(name)]
        return np.isin(numbers, gaps)

    def with_column(self, name: str, other: Table, source: str) -> Table:
        """This table with the column `source` of `other`, which has as many rows, as its column `name`."""
        self._columns[name] = other.numeric(source) if other.is_numeric(source) else other.text(source)
        self._elsewhere[name] = lambda row: other.where(row, source)
        self.missing_words[name] = other.words(source)
        return self

    def require(self, names: Any) -> None:
        """DataError if a column is not there, with the nearest name."""
        names = list(names)
        if any(name not in self._positions and name not in self._columns for name in names):
            Table(self.path, dict.fromkeys(self.names, np.empty(0)), 0, self._line_of, lambda _: []).require(names)

    def blocks(self) -> Iterator[Table]:
        """Yield the rows as one table after another."""
        first = 0
        for at, rows, sums in self._starts:
            numbers = self._read(at, rows, sums)
            codes = {name: numbers[j] for name, j in self._positions.items() if name not in self._columns}
            columns: dict[str, Any] = {
                name: self._as_text(name, code)
                if not self.is_numeric(name) or self.is_boolean(name)
                else self._as_numbers(name, code)
                for name, code in codes.items()
            }
            columns |= {name: column[first : first + rows] for name, column in self._columns.items()}
            block = Table(self.path, columns, rows, self._line_of, self._cells_of(codes), first)
            block.missing_words, block.dialect, block.formatted = self.missing_words, self.dialect, self.formatted
            block.place = _from(self.where, first)
            block._elsewhere = {name: _from(where, first) for name, where in self._elsewhere.items()}
            yield block
            first += rows

    def _column(self, name: str) -> Array:
        if self._kept[0] != name:
            j = self._positions[name]
            parts = [self._read(at + 8 * rows * j, rows, sums[j : j + 1]) for at, rows, sums in self._starts]
            self._kept = (name, np.concatenate(parts, axis=None))
        return self._kept[1]

    def _as_numbers(self, name: str, codes: Array) -> Floats:
        values = self._values(name) if name in self._about["texts"] else None
        return codes if values is None else values[self._as_places(codes, len(values))]

    def _cells_of(self, codes: Mapping[str, Array]) -> Callable[[str], list[str]]:
        return lambda name: self._as_text(name, codes[name])

    def _as_text(self, name: str, codes: Array) -> list[str]:
        cells = self._about["texts"][name]
        return [cells[code] for code in self._as_places(codes, len(cells)).tolist()]

    def _as_places(self, codes: Array, count: int) -> Array:
        """The codes as indices below `count`; an error for a code that is none."""
        if not ((codes >= 0) & (codes < count) & (codes == np.floor(codes))).all():
            raise self._changed()
        return codes.astype(np.intp)

    def _read(self, at: int, rows: int, sums: Sequence[int]) -> Array:
        """The columns at the place `at` of the file, one for each checksum, (columns, rows)."""
        size = 8 * rows * len(sums)
        content = os.pread(self._file.fileno(), size, at)
        while len(content) < size and (more := os.pread(self._file.fileno(), size - len(content), at + len(content))):
            content += more
        whole = memoryview(content)
        if len(whole) < size or [*sums] != [zlib.crc32(whole[k : k + 8 * rows]) for k in range(0, size, 8 * rows)]:
            raise self._changed()
        return np.frombuffer(content).reshape(len(sums), rows)

    def _changed(self) -> DataError:
        """Remove the copy, which has changed since it was written; returns the error to raise."""
        folder = Path(self._file.name).parent
        shutil.rmtree(folder, ignore_errors=True)
        return DataError(
            f"{folder}: the copy of {self.path} has changed since it was written, and is removed",
            "the same command again: the copy is made anew",
        )


def _from(where: Callable[[int], str], first: int) -> Callable[[int], str]:
    return lambda row: where(first + row)


def stored(files: Files, as_text: Sequence[str | None], cache: Path, progress: Progress | None = None) -> StoredTable:
    """The table in the files, from its copy in `cache`, which is made if there is none.

    `as_text`: columns whose cells are kept as text; None stands for the target that the files name. Errors as
    `read_files`; DataError if the copy can't be written, of which nothing is then left.
    """
    dialect = files.dialect
    open_numbers = dialect.numbers if is_open(dialect) else ()

    def read(**known: Any) -> StoredTable:
        text = (*as_text, *([] if "numbers" in known else open_numbers))
        return _stored(
            replace(files, dialect=replace(dialect, **({"numbers": ()} if open_numbers else {}) | known)),
            text,
            cache,
            progress,
        )

    decimal = "." if dialect.decimal == AUTO else dialect.decimal
    table = read(decimal=decimal)
    if table.dialect.decimal == "." and dialect.decimal == AUTO and has_decimal_commas(table, dialect):
        table = with_one_decimal(table, read(decimal=","), dialect)
    found = table.dialect if table.dialect != USUAL else dialect
    found = decided_numbers(
        table, replace(found, missing_words=dialect.missing_words, numbers=dialect.numbers), dialect.decimal
    )
    written = replace(files, dialect=table.dialect)
    refuse_thousands(table, replace(dialect, numbers=found.numbers), lambda: read_blocks(written))
    if open_numbers:
        unusual, table = table.unusual, read(decimal=found.decimal, numbers=found.numbers)
        table.unusual = unusual
    table.dialect = found
    return table


def _stored(files: Files, as_text: Sequence[str | None], cache: Path, progress: Progress | None = None) -> StoredTable:
    """`stored` with a dialect of which only the delimiter and the header are still to be detected."""
    _return_freed_memory()
    own_folder(cache)
    whole = "\n".join(str(path.absolute()) for path in files.paths)
    # st_ctime_ns can't be set by a program: a new file may have been given the size and the time of the old one.
    status = [(s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for s in map(os.stat, files.paths)]
    key = json.dumps([whole, status, files.format, asdict(files.dialect), sorted(as_text, key=str), _FORMAT])
    place, digest = (hashlib.blake2b(text.encode(), digest_size=8).hexdigest() for text in (whole, key))
    folder = cache / f"{files.paths[0].name}-{place}-{digest}"
    about = column_file.description(folder)
    if about is None:
        with writing(cache):
            for old in (*cache.glob(f"*-{place}-*"), *filter(_is_left, cache.glob(".partial-*"))):
                shutil.rmtree(old, ignore_errors=True)  # copies from before a change, or of a killed process
            partial = Path(tempfile.mkdtemp(prefix=f".partial-{os.getpid()}-", dir=cache))
        try:
            about = column_file.write(files, as_text, partial, progress)
            with writing(folder):
                os.replace(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    table = StoredTable(files.paths[0], folder, about, lambda _: None)
    words = {name: words_of(files.dialect, name) for name in table.names}
    table.missing_words = {name: found for name, found in words.items() if found is not None}
    numbers = files.dialect.numbers
    if isinstance(numbers, Mapping) and not is_open(files.dialect):
        table.styles = {name: Style(**style) for name, style in numbers.items() if name in about["texts"]}
        table.formatted = {*table.styles}
    table.place = _Places(files).of
    return table


def _is_left(partial: Path) -> bool:
    """Whether the process that was writing this folder has ended, so that the folder is a leftover."""
    try:
        os.kill(int(partial.name.split("-")[1]), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OSError):
        return False
    return False


def _return_freed_memory() -> None:
    """Make the C library return large blocks to the system when they are freed.

    glibc raises its threshold after the first one and then keeps them (mallopt(3), M_MMAP_THRESHOLD).
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MIB)


class _Places:
    """The places of rows in their files, found by reading the files again."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def of(self, row: int) -> str:
        """The file of a row, and its line, or its number where rows have no lines."""
        return next(b.where(row - b.first_row) for b in read_blocks(self._files) if row < b.first_row + b.rows)
