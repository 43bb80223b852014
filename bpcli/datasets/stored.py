"""Tables larger than memory: copied once to a file of columns, and read from there piece by piece.

The file holds blocks of rows, and each block its columns one after another; a cell of text is stored as its number
among the column's distinct cells. The copy is kept next to the runs, in `.cache`, until its source changes. Each column
of a block has a checksum; if one does not match, the copy is removed, with an error, and made again the next time.
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
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.cells import DASH, Floats, to_booleans, to_numbers
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
from bpcli.files import own_folder, write_new, writing

Array = NDArray[Any]
Progress = Callable[[int, int], None]
"""Called with (bytes converted so far, bytes in all) while a file is converted."""

_FORMAT = 5  # goes up when an older version of bpcli could misread a newer copy
_M_MMAP_THRESHOLD = -3  # from malloc.h
_MIB = 1 << 20
_NUMBERS, _ABOUT = "columns.bin", "about.json"


class StoredTable(Table):
    """A table whose columns are in a file, from which they are read one at a time, or block by block."""

    def __init__(self, path: Path, folder: Path, about: dict[str, Any], line_of: Callable[[int], int | None]) -> None:
        self._about, self._positions = about, {name: j for j, name in enumerate(about["names"])}
        try:
            self._file = (folder / _NUMBERS).open("rb")
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
    about = _about(folder)
    if about is None:
        with writing(cache):
            for old in (*cache.glob(f"*-{place}-*"), *filter(_is_left, cache.glob(".partial-*"))):
                shutil.rmtree(old, ignore_errors=True)  # copies from before a change, or of a killed process
            partial = Path(tempfile.mkdtemp(prefix=f".partial-{os.getpid()}-", dir=cache))
        try:
            about = _convert(files, as_text, partial, progress)
            with writing(folder):
                text = json.dumps(about)
                write_new(partial / _ABOUT, json.dumps({"sum": zlib.crc32(text.encode()), "about": text}).encode())
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


def _about(folder: Path) -> dict[str, Any] | None:
    """The description of a copy; None if there is no copy, or it has changed since it was written."""
    try:
        kept = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        if zlib.crc32(kept["about"].encode()) != kept["sum"]:
            return None
        about: dict[str, Any] = json.loads(kept["about"])
        return about if _is_sound(about, (folder / _NUMBERS).stat().st_size) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _is_sound(about: dict[str, Any], size: int) -> bool:
    """Whether the parts of a description have the right types, and fit each other and the `size` of the columns file.

    KeyError, TypeError, ValueError or AttributeError if parts are missing or of another structure.
    """
    names, texts, dialect = about["names"], about["texts"], about["dialect"]
    at = rows = 0
    for start, count, sums in about["blocks"]:
        if not _is_counted([start, count, *sums], len(names) + 2) or start != at or not count:
            return False
        at, rows = at + 8 * count * len(names), rows + count
    words = [names, about["unusual"], [*texts], *texts.values(), [*dialect], [v for v in dialect.values() if v]]
    return (
        (at, rows) == (size, about["rows"])
        and all(isinstance(of, list) and all(isinstance(word, str) for word in of) for of in words)
        and len({*names}) == len(names)
        and {*texts} <= {*names}
        and {*dialect} <= {field.name for field in fields(Dialect)}
        and about["own_target"] in (None, *names)
        and isinstance(about["written"], bool)
    )


def _is_counted(values: Sequence[Any], count: int) -> bool:
    """Whether these are `count` whole numbers ≥ 0."""
    return len(values) == count and all(type(value) is int and value >= 0 for value in values)


def _convert(files: Files, as_text: Sequence[str | None], folder: Path, progress: Progress | None) -> dict[str, Any]:
    """Write the columns of the files and return their description; starts again if a column of numbers becomes text."""
    text = set(as_text)
    while True:
        with writing(folder):
            file = (folder / _NUMBERS).open("wb")
        with file:
            about = _write_blocks(files, text, file, progress)
        if about is not None:
            return about


def _write_blocks(
    files: Files, text: set[str | None], file: BinaryIO, progress: Progress | None
) -> dict[str, Any] | None:
    """One pass over the files: the description of the copy.

    None if a column that was already written as numbers turned out to be text; it is then added to `text`.
    """
    names: Sequence[str] = []
    codes: dict[str, dict[str, int]] = {}
    blocks: list[tuple[int, int, list[int]]] = []
    at = rows = 0
    size = sum(path.stat().st_size for path in files.paths)
    guess = 0.0  # bytes of the file per row, estimated from the first block
    for block in read_blocks(files):
        names = names or block.names
        text |= {block.own_target} if None in text else set()
        late = {name for name in names if name not in text and (block.is_boolean(name) or not block.is_numeric(name))}
        text |= late
        if late and rows:
            return None
        sums = []
        with writing(folder_of(file)):
            for name in names:
                numbers = _coded(block.text(name), codes.setdefault(name, {})) if name in text else block.numeric(name)
                content = np.ascontiguousarray(numbers, np.float64).data
                file.write(content)
                sums.append(zlib.crc32(content))
        blocks.append((at, block.rows, sums))
        at, rows = at + 8 * block.rows * len(names), rows + block.rows
        if progress is not None:
            guess = guess or files.reader(files.paths[0]).block_bytes / block.rows
            progress(min(size, int(rows * guess)), size)
    with writing(folder_of(file)):
        file.flush()
        os.fsync(file.fileno())
    texts = {name: list(cells) for name, cells in codes.items()}
    dialect = {name: value for name, value in asdict(block.dialect).items() if value is None or isinstance(value, str)}
    how = {"dialect": dialect, "unusual": block.unusual, "written": block.written}
    own = {"own_target": block.own_target}
    return {"names": names, "rows": rows, "blocks": blocks, "texts": texts, **how, **own}


def folder_of(file: BinaryIO) -> Path:
    """The folder of an open file."""
    return Path(file.name).parent


def _coded(cells: Sequence[str], codes: dict[str, int]) -> Array:
    """The number of each cell among the distinct cells `codes`, to which new ones are added."""
    return np.fromiter((codes.setdefault(cell, len(codes)) for cell in cells), np.float64, len(cells))
