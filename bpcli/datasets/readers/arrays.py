"""Reads arrays as tables: NumPy's .npy and .npz, without pickle, and the IDX files of MNIST.

Each entry of the first axis is a row of the table; the other axes are flattened to columns x1, x2, … Files are not
trusted: the size that a header announces is compared with the size of the file before memory is allocated for it.
"""

import io
import math
import struct
import sys
import warnings
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from bpcli.archives import is_archive, npy_start
from bpcli.datasets.cells import Floats, to_numbers
from bpcli.datasets.dense import Dense, MappedFile
from bpcli.datasets.table import Table
from bpcli.errors import DataError, NoRowsError, nearest, several
from bpcli.memory import check_memory
from bpcli.sources import MOST_PACKED, SMALL, Reader, Source, malformed, read_exactly, too_packed
from bpcli.text.notation import number

Array = NDArray[Any]

_KINDS = "biufUS"
_BLOCK = 1 << 22  # bytes of a block of rows
_MAPPED = 1 << 24  # arrays of at least this many bytes are mapped into memory rather than read
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}

_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""The third byte of an IDX file (LeCun, Cortes & Burges, The MNIST database, "The IDX file format")."""


def read_npy(path: Path, stream: BinaryIO | None = None) -> Table:
    """The table in a .npy file; DataError if it holds no complete array of numbers or text."""
    with Source(path, stream).opened() as file:
        mapped = None if stream is not None or file.packed else mapped_rows(path, file)
        if mapped is None:
            file.seek(0)
            return of_rows(path, read_array(str(path), file))
    return of_rows(path, *mapped)


def read_npz(path: Path, stream: BinaryIO | None = None) -> Table:
    """The table of the arrays X and y in a .npz file, columns x1, x2, … and y; one may be absent, others are ignored.

    DataError as `read_npy`.
    """
    with Source(path, stream).opened() as file, malformed(f"{path} is not a .npz file, or is damaged"):
        arrays = _members(path, file)
    columns: dict[str, Array] = {}
    if "X" in arrays:
        columns |= _columns(f"{path}: array X", arrays["X"])
    if "y" in arrays:
        target = _columns(f"{path}: array y", arrays["y"])
        if len(target) > 1:
            raise DataError(
                f"{path}: array y has shape {arrays['y'].shape}, expected a target a row",
                "one-hot rows as numbers of classes: y.argmax(axis=1)",
            )
        columns["y"] = target["x1"]
        if "X" in arrays and len(arrays["X"]) != len(arrays["y"]):
            raise DataError(
                f"{path}: X has {len(arrays['X'])} rows, y has {len(arrays['y'])}: each row needs its target"
            )
    table = _array_table(path, columns)
    table.own_target = "y" if "y" in columns else None
    return table


def read_idx(path: Path, stream: BinaryIO | None = None) -> Table:
    """The table in an IDX file: an image a row, or labels in the column x1. DataError if it is damaged."""
    with Source(path, stream).opened() as file:
        shape, dtype = _idx_header(path, file)
        mapped = None if stream is not None or file.packed else _mapped(path, file.tell(), shape, dtype)
        if mapped is None:
            return of_rows(path, _idx(path, file, shape, dtype))
    return of_rows(path, *mapped)


def npy_blocks(path: Path) -> Iterator[Table]:
    """The rows of a .npy file as one table after another; errors as `read_npy`."""
    with Source(path).opened() as file:
        shape, by_columns, dtype = npy_header(str(path), file)
        if by_columns and len(shape) > 1 and file.packed:
            yield read_npy(path)
            return
        if by_columns and len(shape) > 1:
            yield from _blocks_by_columns(path, file, shape, dtype)
            return
        yield from _blocks(path, file, shape, dtype, _cut_short(str(path), math.prod(shape)))
        _refuse_more(str(path), file, shape)


def idx_blocks(path: Path) -> Iterator[Table]:
    """The rows of an IDX file as one table after another; errors as `read_idx`."""
    with Source(path).opened() as file:
        shape, dtype = _idx_header(path, file)
        yield from _blocks(path, file, shape, dtype, _idx_cut_short(path, shape))
        _refuse_more_idx(path, file, shape)


def _blocks(path: Path, file: BinaryIO, shape: tuple[int, ...], dtype: Any, cut_short: DataError) -> Iterator[Table]:
    """The rows of the array that begins at the current place of the file, in blocks of some MiB."""
    if not shape or not math.prod(shape):
        with malformed(f"{path} is damaged: it announces an array of shape {shape}"):
            _columns(str(path), np.empty(shape, dtype))  # raises the error for an empty array
    row = math.prod(shape[1:]) * dtype.itemsize
    size = max(1, _BLOCK // row)
    for first in range(0, shape[0], size):
        rows = min(size, shape[0] - first)
        content = read_exactly(file, rows * row)
        if content is None:
            raise cut_short
        array = np.frombuffer(content, dtype).reshape(rows, *shape[1:])
        yield of_rows(path, array, first_row=first)


def mapped_rows(path: Path, file: BinaryIO) -> tuple[Array, MappedFile] | None:
    """The array of a .npy file, mapped into memory, and the mapped file; None if it has to be read, or is small."""
    shape, by_columns, dtype = npy_header(str(path), file)
    return None if by_columns or dtype.kind not in "biuf" else _mapped(path, file.tell(), shape, dtype)


def _mapped(path: Path, begin: int, shape: tuple[int, ...], dtype: Any) -> tuple[Array, MappedFile] | None:
    """The array from the byte `begin` to the end of a file, mapped, and the mapped file; None as `mapped_rows`."""
    size = math.prod(shape) * dtype.itemsize
    if size < _MAPPED or path.stat().st_size != begin + size:
        return None
    try:
        mapped = MappedFile(path)
    except (OSError, ValueError):  # a limit on the address space (RLIMIT_AS), or not a regular file
        return None
    return np.frombuffer(mapped.content, dtype, offset=begin).reshape(shape), mapped


def _blocks_by_columns(path: Path, file: BinaryIO, shape: tuple[int, ...], dtype: Any) -> Iterator[Table]:
    """The rows of an array that is stored by columns, in blocks of some MiB."""
    begin = file.tell()
    missing = math.prod(shape) * dtype.itemsize - (path.stat().st_size - begin)
    if missing > 0:
        raise _cut_short(str(path), math.prod(shape))
    if missing < 0:
        file.seek(0, io.SEEK_END)
        file.seek(-1, io.SEEK_CUR)
        _refuse_more(str(path), file, shape)
    if not math.prod(shape):
        _columns(str(path), np.empty(shape, dtype))
    size = max(1, _BLOCK // (math.prod(shape[1:]) * dtype.itemsize))
    for first in range(0, shape[0], size):
        block = rows_by_columns(path, begin, shape, dtype, slice(first, min(first + size, shape[0])))
        yield _array_table(path, _columns(str(path), block), first)


def rows_by_columns(path: Path, begin: int, shape: tuple[int, ...], dtype: Any, rows: slice) -> Array:
    """Some rows of the array stored by columns from the byte `begin` of a file on; DataError if the file is cut."""
    count = rows.stop - rows.start
    columns = np.empty((math.prod(shape[1:]), count), dtype)
    try:
        with path.open("rb", buffering=0) as file:  # a buffer would read bytes around each piece many times
            for j, column in enumerate(columns):
                file.seek(begin + (j * shape[0] + rows.start) * dtype.itemsize)
                content = read_exactly(file, count * dtype.itemsize)
                if content is None:
                    raise _cut_short(str(path), math.prod(shape))
                column[:] = np.frombuffer(content, dtype)
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}") from error
    return np.ascontiguousarray(columns.T.reshape((count, *shape[1:]), order="F"))


def of_rows(path: Path, array: Array, mapped: MappedFile | None = None, first_row: int = 0) -> Table:
    """The table of an array with a row for each entry of its first axis."""
    return _of_columns(path, _columns(str(path), array), array.reshape(len(array), -1), mapped, first_row)


def of_no_rows(path: Path, array: Array) -> Table:
    """The table without rows of an array (0, n)."""
    return _of_columns(path, _side_by_side(array), array, None, 0)


def _of_columns(
    path: Path, columns: Mapping[str, Array], flat: Array, mapped: MappedFile | None, first_row: int
) -> Table:
    if flat.dtype.kind not in "biuf" or flat.dtype.itemsize > 8:
        return _array_table(path, columns, first_row)
    dense = Dense(flat, {name: j for j, name in enumerate(columns)}, mapped)
    table = _array_table(path, columns, first_row, {name for name in columns if name not in dense.infinite})
    table.dense = dense
    return table


def _array_table(path: Path, columns: Mapping[str, Array], first_row: int = 0, finite: Collection[str] = ()) -> Table:
    """`array_table` for an array from a file, whose bytes may not be valid text; they are then a DataError."""
    with malformed(f"{path} is damaged"):
        return array_table(path, columns, first_row, finite)


def array_table(path: Path, columns: Mapping[str, Array], first_row: int = 0, finite: Collection[str] = ()) -> Table:
    """A table of arrays (N,). An array with an infinite number is a column of text, as is one of text that has no
    numbers.

    `finite` names columns of numbers that are known to have no infinite one.
    """
    rows = len(next(iter(columns.values())))
    table = Table(
        path,
        {name: values if name in finite else _column(values) for name, values in columns.items()},
        rows,
        lambda row: None,
        lambda name: cells_of(columns[name]),
        first_row,
        [name for name, values in columns.items() if values.dtype.kind in "US"],
    )
    table.unstripped = lambda name: _cells(columns[name])
    return table


def cells_of(values: Array) -> list[str]:
    """The cells of an array (N,) as a CSV file would have them, without blanks around them; NaN is an empty cell."""
    cells = _cells(values)
    return [cell.strip() for cell in cells] if values.dtype.kind in "US" else cells


def _cells(values: Array) -> list[str]:
    if values.dtype.kind == "f":
        return ["" if math.isnan(x) else number(x) for x in values.tolist()]
    if values.dtype.kind == "S":
        return [cell.decode("utf-8", "replace") for cell in values.tolist()]
    return [str(x).lower() if values.dtype.kind == "b" else str(x) for x in values.tolist()]


def _column(values: Array) -> Array | list[str]:
    if values.dtype.kind in "US":
        cells = cells_of(values)
        numbers: Floats | None = to_numbers(cells)
        return cells if numbers is None else numbers
    if values.dtype.kind == "f" and np.isinf(values).any():
        return cells_of(values)
    return values


def _columns(what: str, array: Array) -> dict[str, Array]:
    """The columns x1, x2, … of an array; DataError if it has none, or no rows."""
    if not array.ndim or not array.size:
        kind = NoRowsError if array.shape[:1] == (0,) and array.ndim > 1 else DataError
        raise kind(f"{what} has shape {array.shape}: expected a row for each sample", "numpy.save(FILE, X)")
    if array.dtype.kind == "U" and array.itemsize:
        points = np.ascontiguousarray(array).view(f"{array.dtype.byteorder}u4")
        if points.max() > sys.maxunicode:
            raise DataError(f"{what} is damaged: it holds text with a character that does not exist")
    return _side_by_side(array.reshape(len(array), -1))


def _side_by_side(flat: Array) -> dict[str, Array]:
    """The columns x1, x2, … of an array (N, n)."""
    if flat.dtype.kind == "f" and flat.dtype.itemsize > 8:  # longer than a double
        with np.errstate(over="ignore"):
            flat = flat.astype(np.float64)
    return {f"x{j}": flat[:, j - 1] for j in range(1, flat.shape[1] + 1)}


def npy_header(what: str, file: IO[bytes]) -> tuple[tuple[int, ...], bool, Any]:
    """Shape, order and type of the array in an open .npy file."""
    complaint = f"{what} is not a .npy file of numbers or text"
    with malformed(complaint, "numpy.save(FILE, X)"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy warns of headers written by Python 2
        start = io.BytesIO(npy_start(file))
        shape, by_columns, dtype = _HEADERS[npy.read_magic(start)](start)
    if dtype.kind not in _KINDS:
        kind = {"O": "Python objects, which are never loaded", "c": "complex numbers", "V": "records of fields"}
        raise DataError(
            f"{what} holds {kind.get(dtype.kind, dtype.name)}: expected numbers or text, an array of a single type",
            "numpy.save(FILE, X.astype(float)), or a table with names: .csv, .parquet",
        )
    if not dtype.itemsize:
        raise DataError(f"{what} holds texts of no length: there is nothing to read")
    if min(shape, default=0) < 0:
        raise DataError(f"{what} is damaged: it announces an array of shape {shape}")
    _check_axes(what, len(shape))
    return shape, by_columns, dtype


def _check_axes(what: object, count: int) -> None:
    """DataError if NumPy does not support `count` axes."""
    with malformed(f"{what} is damaged: its header announces {count} axes"):
        np.empty((0,) * count)


def _cut_short(what: str, count: int) -> DataError:
    return DataError(f"{what} is cut short: it ends before the last of the {count} values that it announces")


def _refuse_more(what: str, file: IO[bytes], shape: tuple[int, ...]) -> None:
    if file.read(1):
        raise DataError(f"{what} goes on behind its array of shape {shape}: expected a single array")


def read_array(what: str, file: IO[bytes]) -> Array:
    """The array in an open .npy file, after which the file has to end."""
    shape, by_columns, dtype = npy_header(what, file)
    count = math.prod(shape)
    content = read_exactly(file, count * dtype.itemsize, what)
    if content is None:
        raise _cut_short(what, count)
    _refuse_more(what, file, shape)
    if not content:  # nothing to take from a buffer
        return np.zeros(shape, dtype)
    return np.frombuffer(content, dtype, count).reshape(shape, order="F" if by_columns else "C")


def _members(path: Path, file: Reader) -> dict[str, Array]:
    """The arrays X and y of an open .npz file, or one of them."""
    if not is_archive(file.peek(4)):  # before a pipe is read further, which may have no end
        raise zipfile.BadZipFile("File is not a zip file")
    seekable = io.BytesIO(file.read()) if file.packed else file
    with zipfile.ZipFile(seekable) as archive:
        names = {member.removesuffix(".npy"): member for member in archive.namelist()}
        found = [name for name in ("X", "y") if name in names]
        if not found:
            close = nearest("X", names)
            shown = several(names, 10) or "none"
            raise DataError(
                f"{path} has no array X, and none named y; its arrays are {shown}",
                f"numpy.savez(FILE, X={close or 'features'}, y=target)",
            )
        arrays: dict[str, Array] = {}
        for name in found:
            what, info = f"{path}: array {name}", archive.getinfo(names[name])
            if info.file_size > max(SMALL, MOST_PACKED * info.compress_size):
                raise too_packed(what, info.file_size)
            check_memory(what, info.file_size)
            with archive.open(info) as member:
                arrays[name] = read_array(what, member)
        return arrays


def _idx_header(path: Path, file: BinaryIO) -> tuple[tuple[int, ...], Any]:
    """Shape and type of the array in an open IDX file."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _IDX_TYPES or not magic[3]:
        swapped = len(magic) == 4 and magic[2:] == b"\0\0" and magic[1] in _IDX_TYPES
        raise DataError(
            f"{path} is not an IDX file: it begins with {magic.hex(' ') or 'nothing'}, expected 00 00, a type, and "
            "the number of axes",
            "its numbers are in the order of another machine: they have to be big-endian" if swapped else "",
        )
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise DataError(f"{path} is cut short: it ends within its header")
    shape = struct.unpack(f">{magic[3]}I", sizes)
    _check_axes(path, magic[3])
    return shape, np.dtype(_IDX_TYPES[magic[2]])


def _idx_cut_short(path: Path, shape: tuple[int, ...]) -> DataError:
    return DataError(f"{path} is cut short: it ends before the last of {' × '.join(map(str, shape))} values")


def _refuse_more_idx(path: Path, file: BinaryIO, shape: tuple[int, ...]) -> None:
    if file.read(1):
        raise DataError(f"{path} goes on behind the {' × '.join(map(str, shape))} values that it announces")


def _idx(path: Path, file: BinaryIO, shape: tuple[int, ...], dtype: Any) -> Array:
    content = read_exactly(file, math.prod(shape) * dtype.itemsize, path)
    if content is None:
        raise _idx_cut_short(path, shape)
    _refuse_more_idx(path, file, shape)
    with malformed(f"{path} is damaged: its header announces {' × '.join(map(str, shape))} values"):
        return np.frombuffer(content, dtype).reshape(shape)
