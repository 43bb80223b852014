"""Reads and writes files of many points, CSV with a header or `.npy`, block by block, in constant memory."""

import contextlib
import io
import re
import warnings
from collections.abc import Iterable, Iterator
from itertools import chain, compress, count
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from bpcli import csv_lines
from bpcli.datasets.cells import is_number, point_for_comma
from bpcli.datasets.readers.arrays import npy_header
from bpcli.datasets.readers.text_file import encoding_of, text_as_it_comes
from bpcli.errors import DataError
from bpcli.files import write_atomically
from bpcli.memory import check_memory
from bpcli.paths import check_file
from bpcli.sources import Reader, Source, first_bytes, is_live, is_packed, read_exactly

Array = NDArray[Any]

_START = 1 << 12  # bytes from which the encoding is detected
_BLOCK_CELLS = 1 << 20  # most numbers of a block (8 MB): it has fewer rows if they are wide


class Points(NamedTuple):
    """`names` from the header, None for `.npy`; `blocks` yields arrays (rows, width).

    For a pipe whose writer may wait, it also yields None when no more has arrived, so that the rows can be answered.
    """

    names: list[str] | None
    width: int
    blocks: Iterator[Array | None]


def read_points(path: Path, rows: int, stream: BinaryIO | None = None) -> Points:
    """The points in the file `path`, or in `stream`, of which `path` is then the name; at most `rows` at a time.

    A file is `.npy` by its extension, a stream by its first byte, which no text begins with. DataError if it can't be
    read, a cell is not a number, or a row has another number of cells than the header.
    """
    if stream is None:
        check_file(path)
    elif is_live(stream) and first_bytes(stream, 1) not in (npy.MAGIC_PREFIX[:1], b"") and not is_packed(stream):
        return _live(path, stream, rows)
    file = Source(path, stream, once=True).opened()
    binary = path.suffix.lower() == ".npy" if stream is None else file.peek(1)[:1] == npy.MAGIC_PREFIX[:1]
    try:
        return _npy(path, file, rows) if binary else _csv(path, file, rows)
    except DataError:
        file.close()
        raise


# .npy


def _npy(path: Path, stream: Reader, rows: int) -> Points:
    shape, by_columns, dtype = npy_header(str(path), stream)
    if dtype.kind not in "fiu" or len(shape) not in (1, 2):
        raise DataError(
            f"{path}: expected numbers, a point a row, found an array of {dtype} with {len(shape)} axes",
            "numpy.save(FILE, points) of a float64 array (points, variables)",
        )
    length, width = shape[0], shape[1] if len(shape) == 2 else 1
    rows = _at_a_time(rows, width)
    check_memory(f"{path}: a point of {width} numbers", 3 * width * dtype.itemsize)
    if by_columns and width > 1:
        return Points(None, width, _npy_by_columns(path, stream, length, width, dtype, rows))
    return Points(None, width, _npy_by_rows(path, stream, length, width, dtype, rows))


def _npy_by_rows(path: Path, stream: Reader, length: int, width: int, dtype: Any, rows: int) -> Iterator[Array]:
    with stream:
        for start in range(0, length, rows):
            block = np.empty((min(rows, length - start), width), dtype)
            _fill(path, stream, block)
            yield block.astype(np.float64, copy=False)


def _npy_by_columns(path: Path, stream: Reader, length: int, width: int, dtype: Any, rows: int) -> Iterator[Array]:
    """The rows of an array in Fortran's order, in which the numbers of a row are spread over the whole file."""
    with stream:
        if stream.seekable() and not stream.packed:
            start = stream.tell()
            column = length * dtype.itemsize
            for first in range(0, length, rows):
                block = np.empty((width, min(rows, length - first)), dtype)
                for j, part in enumerate(block):
                    stream.seek(start + j * column + first * dtype.itemsize)
                    _fill(path, stream, part)
                yield block.T.astype(np.float64, copy=False)
            return
        count = width * length * dtype.itemsize  # a pipe can't be read twice
        content = read_exactly(stream, count, f"{path}, which is stored by columns and can't be read twice,")
        if content is None:
            raise _cut_short(path)
        whole = np.frombuffer(content, dtype).reshape(width, length)
    for first in range(0, length, rows):
        yield whole[:, first : first + rows].T.astype(np.float64, copy=False)


def _fill(path: Path, stream: Reader, block: Array) -> None:
    """Fill the contiguous `block` from the stream."""
    if block.size and stream.readinto(block.reshape(-1).view(np.uint8).data) != block.nbytes:
        raise _cut_short(path)


def _cut_short(path: Path) -> DataError:
    return DataError(f"{path} ends before the last of the numbers that its header announces")


# CSV


def _csv(path: Path, stream: Reader, rows: int) -> Points:
    stream.watch_lines()
    encoding = encoding_of(stream.peek(2)[:_START])
    text = io.TextIOWrapper(stream, encoding="utf-8-sig" if encoding == "utf-8" else encoding)
    read = count(1)
    lines = compress(text, read)  # all lines (no number is 0); each takes a number from `read`, which counts them
    with _located(path, read):
        first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise _empty(path)
    names, delimiter = _header(first)
    size = _at_a_time(rows, len(names))
    return Points(names, len(names), _csv_blocks(path, text, lines, read, delimiter, len(names), size))


def _header(line: str) -> tuple[list[str], str | None]:
    """The names of a header, and the delimiter between them; None for blanks."""
    # No name has one of the first three, but A[0,1] has a comma.
    delimiter = next((one for one in ";\t|" if one in line), "," if "," in line or len(line.split()) < 2 else None)
    if delimiter is None:
        return line.split(), None
    return _joined(next(csv_lines.reader([line], delimiter=delimiter))), delimiter


def _empty(path: Path) -> DataError:
    return DataError(f"{path} is empty: expected a header that names the variables, then a point a line")


def _live(path: Path, stream: BinaryIO, rows: int) -> Points:
    """The points of a pipe as they arrive; those before a line that can't be read come before its DataError."""
    parts: Iterator[list[str]] = ([*io.StringIO(part, newline=None)] for part in text_as_it_comes(path, stream))
    gone = 0
    for lines in parts:
        blank = next((k for k, line in enumerate(lines) if line.strip()), len(lines))
        gone += blank
        if blank < len(lines):
            names, delimiter = _header(lines[blank])
            size, rest = _at_a_time(rows, len(names)), chain([lines[blank + 1 :]], parts)
            return Points(names, len(names), _live_blocks(path, rest, gone + 1, delimiter, len(names), size))
    raise _empty(path)


def _live_blocks(
    path: Path, parts: Iterable[list[str]], gone: int, delimiter: str | None, width: int, rows: int
) -> Iterator[Array | None]:
    for lines in parts:
        for start in range(0, len(lines), rows):
            yield from _rows_of(path, lines[start : start + rows], gone + start, delimiter, width)
        gone += len(lines)
        yield None


def _rows_of(path: Path, lines: list[str], gone: int, delimiter: str | None, width: int) -> Iterator[Array]:
    """The points of some lines, which `gone` lines of the file come before."""
    try:
        with _located(path, count(gone + len(lines) + 1)):
            table = _loaded(lines, delimiter, width)
    except DataError:
        if len(lines) == 1:
            raise
        middle = len(lines) // 2
        yield from _rows_of(path, lines[:middle], gone, delimiter, width)
        yield from _rows_of(path, lines[middle:], gone + middle, delimiter, width)
        return
    if len(table):
        yield table


def _loaded(lines: Iterable[str], delimiter: str | None, width: int, rows: int | None = None) -> Array:
    """The numbers of the lines, or of the first `rows` that are not blank."""
    zeros = (delimiter or " ").join("0" * width)  # a first row, by which NumPy checks the width of all others
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # NumPy warns that empty lines are not counted as rows
        most = None if rows is None else rows + 1
        table = np.loadtxt(
            chain([zeros], lines), delimiter=delimiter, comments=None, quotechar='"', ndmin=2, max_rows=most
        )
        return table[1:]


def _joined(cells: list[str]) -> list[str]:
    """The names of a header split at commas; `A[0,1]`, which may be unquoted, is joined again."""
    names: list[str] = []
    for cell in cells:
        if names and names[-1].count("[") > names[-1].count("]"):
            names[-1] = f"{names[-1]},{cell.strip()}"
        else:
            names.append(cell.strip())
    return names


def _csv_blocks(
    path: Path, text: IO[str], lines: Iterator[str], read: Iterator[int], delimiter: str | None, width: int, rows: int
) -> Iterator[Array]:
    size = rows
    with text:
        while size == rows:
            with _located(path, read):
                table = _loaded(lines, delimiter, width, rows)
            size = len(table)
            if size:
                yield table


@contextlib.contextmanager
def _located(path: Path, read: Iterator[int]) -> Iterator[None]:
    """Turn errors of NumPy and of the decoder into a DataError with the number of the line read last."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8, after line {next(read) - 1}") from error
    except ValueError as error:
        raise DataError(f"{path}:{next(read) - 1}: {_in_our_words(str(error))}") from error


def _in_our_words(message: str) -> str:
    if found := re.search(r"could not convert string '(.*)' to float64 at row \d+, column (\d+)", message, re.DOTALL):
        comma = ": a point stands before its decimals" if is_number(point_for_comma(found[1])) else ""
        return f"cell {found[2]}: {found[1]!r} is not a number{comma}"
    if found := re.search(r"changed from (\d+) to (\d+) at row", message):
        return f"expected {found[1]} numbers as in the header, found {found[2]}"
    return message


def _at_a_time(rows: int, width: int) -> int:
    return max(1, min(rows, _BLOCK_CELLS // max(1, width)))


# Writing


def write_blocks(path: Path, blocks: Iterator[Array], empty_width: int, force: bool) -> int:
    """Write blocks of rows as one `.npy` of float64, whole or not at all; returns the number of rows.

    `empty_width` is the number of columns if there is no block to take it from.
    """
    rows, width = 0, empty_width

    def header(file: BinaryIO, count: int) -> None:
        description = {"descr": "<f8", "fortran_order": False, "shape": (count, width)}
        # NumPy pads the header so that the length of the first axis can grow; it is overwritten at the end.
        npy.write_array_header_1_0(file, description)

    def write(file: BinaryIO) -> None:
        nonlocal rows, width
        first = next(blocks, None)
        if first is not None:
            width = first.shape[1]
        header(file, 0)
        start = file.tell()
        for block in chain([] if first is None else [first], blocks):
            file.write(np.ascontiguousarray(block, "<f8").data)
            rows += len(block)
        file.seek(0)
        header(file, rows)
        if file.tell() != start:
            raise DataError(f"{path}: the header of {rows} rows does not fit")

    write_atomically(path, write, force)
    return rows
