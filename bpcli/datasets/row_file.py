"""Prepared rows in a temporary file, for data that does not fit into the free memory.

Only the rows that are read take memory; rows that are read often stay in the system's cache. The file has no name, so
that it disappears with the process.
"""

import mmap
import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import DataError
from bpcli.files import own_folder, writing

Array = NDArray[Any]


class RowFile:
    """Numbers (N, n), row by row, in a file without a name; rows are read when they are needed."""

    def __init__(self, folder: Path, width: int, dtype: Any) -> None:
        own_folder(folder)
        with writing(folder), ExitStack() as opened:
            self._file = opened.enter_context(tempfile.TemporaryFile(dir=folder))
            weakref.finalize(self, opened.pop_all().close)  # the file lives as long as the matrix
        self._folder, self._width, self.dtype = folder, width, np.dtype(dtype)
        self._rows = 0
        self._map: mmap.mmap | None = None
        self._unmappable = -1

    @property
    def shape(self) -> tuple[int, int]:
        """(N, n)."""
        return self._rows, self._width

    @property
    def nbytes(self) -> int:
        """The bytes of all numbers."""
        return int(self._rows * self._width * self.dtype.itemsize)

    def __len__(self) -> int:
        return self._rows

    def append(self, rows: Array) -> None:
        """Append rows; DataError if they can't be written."""
        with writing(self._folder):
            self._file.write(np.ascontiguousarray(rows, self.dtype).data)
            self._file.flush()
        self._rows += len(rows)
        self._map = None

    def __getitem__(self, rows: slice) -> Array:
        """Consecutive rows."""
        first, last, step = rows.indices(self._rows)
        assert step == 1, step
        out = np.empty((max(0, last - first), self._width), self.dtype)
        self._read(first, out)
        return out

    def take(self, rows: Array, axis: int, out: Array, mode: Literal["clip"] = "clip") -> Array:
        """Rows by their numbers, into `out`, as NumPy's `take`; runs of neighbouring rows are read at once."""
        places = np.argsort(rows)
        numbers = rows[places]
        breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
        mapped = self._mapped()
        for start, stop in zip([0, *breaks.tolist()], [*breaks.tolist(), len(rows)], strict=True):
            first, last = int(numbers[start]), int(numbers[stop - 1]) + 1
            if mapped is None:
                out[places[start:stop]] = self[first:last]
            else:
                self._announce(first, last)
        return out if mapped is None else mapped.take(rows, axis, out, mode)

    def _mapped(self) -> Array | None:
        """The file mapped into memory as an array; None if a limit on the process forbids it."""
        if self._map is None and self._rows and self.nbytes != self._unmappable:
            try:
                self._map = mmap.mmap(self._file.fileno(), self.nbytes, prot=mmap.PROT_READ)
            except (OSError, ValueError):  # RLIMIT_AS
                self._unmappable = self.nbytes
        return None if self._map is None else np.frombuffer(self._map, self.dtype).reshape(self.shape)

    def _announce(self, first: int, last: int) -> None:
        """Ask the system to read the rows ahead (madvise), before they are taken one by one."""
        assert self._map is not None
        row = self._width * self.dtype.itemsize
        begin = first * row // mmap.PAGESIZE * mmap.PAGESIZE
        self._map.madvise(mmap.MADV_WILLNEED, begin, last * row - begin)

    def pieces(self, rows: int) -> Iterator[Array]:
        """All rows, in blocks of `rows`."""
        for first in range(0, self._rows, rows):
            yield self[first : first + rows]

    def _read(self, first: int, out: Array) -> None:
        view, at = out.reshape(-1).view(np.uint8).data, first * self._width * self.dtype.itemsize
        while view:
            count = os.preadv(self._file.fileno(), [view], at)
            if not count:
                raise DataError(f"{self._folder}: the rows that were written there are gone")
            view, at = view[count:], at + count
