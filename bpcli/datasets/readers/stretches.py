"""Reads stretches of rows without the others: rows of .npy, row groups of Parquet, record batches of Arrow.

Each function returns None for a file that has to be read as a whole.
"""

import math
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.datasets.readers.arrays import mapped_rows, npy_header, of_no_rows, of_rows, rows_by_columns
from bpcli.datasets.readers.columnar import pyarrow_for, table_of
from bpcli.datasets.sharing import Stretches
from bpcli.datasets.table import Table
from bpcli.errors import DataError
from bpcli.sources import Source, malformed, read_exactly


class _Plain:
    """A file without quotes or a header, in which a row begins at each place."""

    size: int

    def quotes(self, start: int, stop: int) -> int:
        """0."""
        return 0

    def begin(self, place: int, quoted: bool) -> int:
        """The place itself."""
        return place

    def doubts(self, table: Table) -> Sequence[bool]:
        """No doubts, as there is no header."""
        return (False,)


def npy_stretches(path: Path) -> Stretches | None:
    """The stretches of a .npy file; None if it is compressed, empty or damaged."""
    with Source(path).opened() as file:
        shape, by_columns, dtype = npy_header(str(path), file)
        begin, count = file.tell(), math.prod(shape)
        if file.packed or not count or path.stat().st_size != begin + count * dtype.itemsize:
            return None
    return _ArrayRows(path, begin, shape, by_columns and len(shape) > 1, dtype)


class _ArrayRows(_Plain):
    def __init__(self, path: Path, begin: int, shape: tuple[int, ...], by_columns: bool, dtype: Any) -> None:
        self.size = shape[0]
        self._path, self._begin, self._shape, self._by_columns, self._dtype = path, begin, shape, by_columns, dtype

    def read(self, start: int, stop: int) -> Table:
        """Some rows; a large file that is stored by rows is mapped into memory."""
        path, shape = self._path, (stop - start, *self._shape[1:])
        if start == stop:
            return of_no_rows(path, np.empty((0, math.prod(shape[1:])), self._dtype))
        if self._by_columns:
            return of_rows(path, rows_by_columns(path, self._begin, self._shape, self._dtype, slice(start, stop)))
        with Source(path).opened() as file:
            if (mapped := mapped_rows(path, file)) is not None:
                return of_rows(path, mapped[0][start:stop], mapped[1])
            row = math.prod(shape[1:]) * self._dtype.itemsize
            file.seek(self._begin + start * row)
            content = read_exactly(file, (stop - start) * row)
        if content is None:
            raise DataError(f"{path} is cut short")
        return of_rows(path, np.frombuffer(content, self._dtype).reshape(shape))


def parquet_stretches(path: Path) -> Stretches | None:
    """The row groups of a Parquet file; None if it is compressed by gzip or empty."""
    pyarrow_for(path)
    with Source(path).opened() as file, malformed(f"{path} is not a whole Parquet file"):
        if file.packed:
            return None
        about = import_module("pyarrow.parquet").ParquetFile(file).metadata
        counts = [about.row_group(k).num_rows for k in range(about.num_row_groups)]
        return _RowGroups(path, counts) if about.num_rows and about.num_columns else None


class _RowGroups(_Plain):
    def __init__(self, path: Path, counts: Sequence[int]) -> None:
        self._path, self._starts = path, np.cumsum([0, *counts])
        self.size = int(self._starts[-1])

    def begin(self, place: int, quoted: bool) -> int:
        """The first row of the next row group, or `place` if a group begins there."""
        return int(self._starts[np.searchsorted(self._starts, place)])

    def read(self, start: int, stop: int) -> Table:
        """Some row groups."""
        groups = np.flatnonzero((self._starts[:-1] >= start) & (self._starts[:-1] < stop)).tolist()
        with Source(self._path).opened() as file, malformed(f"{self._path} is not a whole Parquet file"):
            whole = import_module("pyarrow.parquet").ParquetFile(file)
            found = whole.read_row_groups(groups) if groups else whole.schema_arrow.empty_table()
            found.validate(full=True)
            return table_of(self._path, found, 0)


def arrow_stretches(path: Path) -> Stretches | None:
    """The record batches of an Arrow file; None if it is compressed by gzip, or in the format for streams."""
    pyarrow_for(path)
    with Source(path).opened() as file, malformed(f"{path} is not a whole Arrow file"):
        if file.packed or not file.peek(6).startswith(b"ARROW1"):
            return None
        return _Batches(path, import_module("pyarrow.ipc").open_file(file).num_record_batches)


class _Batches(_Plain):
    def __init__(self, path: Path, size: int) -> None:
        self._path, self.size = path, size

    def read(self, start: int, stop: int) -> Table:
        """Some record batches."""
        with Source(self._path).opened() as file, malformed(f"{self._path} is not a whole Arrow file"):
            whole = import_module("pyarrow.ipc").open_file(file)
            batches = [whole.get_batch(k) for k in range(start, stop)]
            found = import_module("pyarrow").Table.from_batches(batches, whole.schema)
            found.validate(full=True)
            return table_of(self._path, found, 0)
