"""Points in bulk: CSV with a header or `.npy`, read and written in blocks, so that any length takes constant memory."""

import warnings
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.table import check_file
from bpcli.errors import DataError
from bpcli.files import write_atomically

Array = NDArray[Any]

_MAGIC = b"\x93NUMPY"
_BLOCK_CELLS = 1 << 20  # 8 MB: wide rows come fewer at a time


class Points(NamedTuple):
    """`names` of the header, None for `.npy`; `blocks` yields arrays (rows, width)."""

    names: list[str] | None
    width: int
    blocks: Iterator[Array]


def read_points(path: Path, rows: int, stream: BinaryIO | None = None) -> Points:
    """The points in the file `path`, or in `stream`, of which `path` is then the name; at most `rows` at a time.

    DataError where the file can't be read, a cell is not a number, or a row has another number of cells.
    """
    if stream is None:
        check_file(path)
        if path.suffix == ".npy":
            return _npy(path, rows)
        return _csv(path, path.open("rb"), rows)
    head = stream.peek(6) if hasattr(stream, "peek") else b""
    if head[:6] == _MAGIC:
        import io

        return _blocks_of(path, np.load(io.BytesIO(stream.read()), allow_pickle=False), rows)
    return _csv(path, stream, rows)


def _npy(path: Path, rows: int) -> Points:
    try:
        data = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{path} is not a .npy file of numbers: {error}") from error
    return _blocks_of(path, data, rows)


def _blocks_of(path: Path, data: Any, rows: int) -> Points:
    if not isinstance(data, np.ndarray) or data.dtype.kind not in "fiu" or data.ndim not in (1, 2):
        raise DataError(f"{path}: expected numbers, a point a row, found {getattr(data, 'dtype', type(data))}")
    data = data[:, None] if data.ndim == 1 else data
    rows = _at_a_time(rows, data.shape[1])
    blocks = (np.asarray(data[at : at + rows], np.float64) for at in range(0, len(data), rows))
    return Points(None, data.shape[1], blocks)


def _csv(path: Path, raw: BinaryIO, rows: int) -> Points:
    import csv
    import io

    text = io.TextIOWrapper(raw, encoding="utf-8-sig")
    try:
        first = text.readline()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}:1: not UTF-8") from error
    if not first.strip():
        raise DataError(f"{path} is empty: expected a header that names the variables, then a point a line")
    names = _joined(next(csv.reader([first])))
    return Points(names, len(names), _csv_blocks(path, text, len(names), _at_a_time(rows, len(names))))


def _joined(cells: list[str]) -> list[str]:
    """The names of a header, in which `A[0,1]` may stand without quotes although it holds a comma."""
    names: list[str] = []
    for cell in cells:
        if names and names[-1].count("[") > names[-1].count("]"):
            names[-1] = f"{names[-1]},{cell.strip()}"
        else:
            names.append(cell.strip())
    return names


def _at_a_time(rows: int, width: int) -> int:
    return max(1, min(rows, _BLOCK_CELLS // max(1, width)))


def _csv_blocks(path: Path, text: Any, width: int, rows: int) -> Iterator[Array]:
    done = 0
    with text:
        while True:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)  # of a file without rows
                    block = np.loadtxt(text, delimiter=",", comments=None, quotechar='"', ndmin=2, max_rows=rows)
            except UnicodeDecodeError as error:
                raise DataError(f"{path}: not UTF-8, after line {done + 1}") from error
            except ValueError as error:
                raise _misread(path, str(error), done) from error
            if not block.size:
                return
            if block.shape[1] != width:
                raise DataError(f"{path}:{done + 2}: expected {width} numbers as in the header, found {block.shape[1]}")
            yield block
            done += len(block)
            if len(block) < rows:
                return


def _misread(path: Path, message: str, done: int) -> DataError:
    """NumPy's words with the line of the file, which its row numbers count from the block's first."""
    import re

    if found := re.search(r"could not convert string '(.*)' to float64 at row (\d+), column (\d+)", message, re.DOTALL):
        return DataError(f"{path}:{done + int(found[2]) + 2}: cell {found[3]}: {found[1]!r} is not a number")
    if found := re.search(r"changed from (\d+) to (\d+) at row (\d+)", message):
        return DataError(f"{path}:{done + int(found[3]) + 1}: expected {found[1]} numbers, found {found[2]}")
    return DataError(f"{path}: {message}")


def write_blocks(path: Path, blocks: Iterator[Array], empty_width: int, force: bool) -> int:
    """Write blocks of rows as one `.npy` of float64, whole or not at all; returns the number of rows.

    `empty_width` is the number of columns if there is no block to take it from.
    """
    rows, width = 0, empty_width

    def header(file: BinaryIO, count: int) -> None:
        description = {"descr": "<f8", "fortran_order": False, "shape": (count, width)}
        # NumPy leaves room in the header for the first axis to grow, so that it can be written again in its place.
        np.lib.format.write_array_header_1_0(file, description)

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
