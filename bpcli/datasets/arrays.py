"""Reads arrays as tables: NumPy's .npy and .npz, without pickle, and the IDX files of MNIST.

A row of the table is an entry of the first axis; the others are flattened, to columns x1, x2, … Files in bpcli's hands
are never trusted: what a header announces is compared with what is there before any memory is taken for it.
"""

import gzip
import io
import math
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from bpcli.datasets.binary import opened, read_exactly
from bpcli.datasets.table import Floats, Table, to_numbers
from bpcli.errors import DataError, nearest
from bpcli.notation import number

Array = NDArray[Any]

_KINDS = "biufUS"
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}

_DAMAGED = (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, struct.error, zlib.error)
"""What `zipfile` raises for an archive that is none, or not whole."""

_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""The third byte of an IDX file (LeCun, Cortes & Burges, The MNIST database, "The IDX file format")."""


def read_npy(path: Path, stream: BinaryIO | None = None) -> Table:
    """The table in a .npy file; DataError if it holds no whole array of numbers or text."""
    with opened(path, stream) as file:
        array = _npy(str(path), file)
    return array_table(path, _columns(str(path), array))


def read_npz(path: Path, stream: BinaryIO | None = None) -> Table:
    """The table of the arrays X and y in a .npz file: columns x1, x2, … and y. Either may be missing; others stay."""
    with opened(path, stream) as file:
        try:
            arrays = _members(path, file)
        except _DAMAGED as error:
            raise DataError(f"{path} is not a .npz file, or is damaged: {error}") from error
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
    return array_table(path, columns)


def read_idx(path: Path, stream: BinaryIO | None = None) -> Table:
    """The table in an IDX file: an image a row, or labels in the column x1. DataError if it is none, or damaged."""
    with opened(path, stream) as file:
        array = _idx(path, file)
    return array_table(path, _columns(str(path), array))


def array_table(path: Path, columns: Mapping[str, Array]) -> Table:
    """A table of arrays (N,); one of text, or with a number that is infinite, is a column of text."""
    rows = len(next(iter(columns.values())))
    return Table(
        path,
        {name: _column(values) for name, values in columns.items()},
        rows,
        lambda row: None,
        lambda name: cells_of(columns[name]),
    )


def cells_of(values: Array) -> list[str]:
    """The cells of an array (N,), as a CSV file would have them; NaN is an empty one."""
    if values.dtype.kind == "f":
        return ["" if math.isnan(x) else number(x) for x in values.tolist()]
    if values.dtype.kind == "S":
        return [cell.decode("utf-8", "replace").strip() for cell in values.tolist()]
    return [str(int(x)) if values.dtype.kind == "b" else str(x).strip() for x in values.tolist()]


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
        raise DataError(f"{what} has shape {array.shape}: expected a row for each sample", "numpy.save(FILE, X)")
    flat = array.reshape(len(array), -1)
    if flat.dtype.kind == "f" and flat.dtype.itemsize > 8:  # longer than a double
        with np.errstate(over="ignore"):
            flat = flat.astype(np.float64)
    return {f"x{j}": flat[:, j - 1] for j in range(1, flat.shape[1] + 1)}


def _npy(what: str, file: BinaryIO) -> Array:
    """The array in an open .npy file, which has to end behind it."""
    try:
        with warnings.catch_warnings():  # that the header is of Python 2
            warnings.simplefilter("ignore")
            shape, by_columns, dtype = _HEADERS[npy.read_magic(file)](file)
    except (ValueError, KeyError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError) as error:
        raise DataError(f"{what} is not a .npy file of numbers or text: {error}", "numpy.save(FILE, X)") from error
    if dtype.kind not in _KINDS:
        kind = {"O": "Python objects, which are never loaded", "c": "complex numbers", "V": "records of fields"}
        raise DataError(
            f"{what} holds {kind.get(dtype.kind, dtype.name)}: expected numbers or text, an array of a single type",
            "numpy.save(FILE, X.astype(float)), or a table with names: .csv, .parquet",
        )
    count = math.prod(shape)
    if min(shape, default=0) < 0:
        raise DataError(f"{what} is damaged: it announces an array of shape {shape}")
    content = read_exactly(file, count * dtype.itemsize)
    if content is None:
        raise DataError(f"{what} is cut short: it ends before the last of the {count} values that it announces")
    if file.read(1):
        raise DataError(f"{what} goes on behind its array of shape {shape}: expected a single array")
    if not content:  # nothing to take from a buffer, or texts of no length
        return np.zeros(shape, dtype)
    return np.frombuffer(content, dtype, count).reshape(shape, order="F" if by_columns else "C")


def _members(path: Path, file: BinaryIO) -> dict[str, Array]:
    """The arrays X and y of an open .npz file, or one of them."""
    seekable = io.BytesIO(file.read()) if isinstance(file, gzip.GzipFile) else file
    with zipfile.ZipFile(seekable) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        found = [name for name in ("X", "y") if name in names]
        if not found:
            close = nearest("X", names)
            shown = ", ".join(names[:10]) or "none"
            raise DataError(
                f"{path} has no array X, and none named y; its arrays are {shown}",
                f"numpy.savez(FILE, X={close or 'features'}, y=target)",
            )
        arrays: dict[str, Array] = {}
        for name in found:
            with archive.open(f"{name}.npy") as member:
                arrays[name] = _npy(f"{path}: array {name}", member)  # type: ignore[arg-type]
        return arrays


def _idx(path: Path, file: BinaryIO) -> Array:
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
    shape, dtype = struct.unpack(f">{magic[3]}I", sizes), np.dtype(_IDX_TYPES[magic[2]])
    content = read_exactly(file, math.prod(shape) * dtype.itemsize)
    if content is None:
        raise DataError(f"{path} is cut short: it ends before the last of {' × '.join(map(str, shape))} values")
    if file.read(1):
        raise DataError(f"{path} goes on behind the {' × '.join(map(str, shape))} values that it announces")
    return np.frombuffer(content, dtype).reshape(shape) if content else np.zeros(shape, dtype)
