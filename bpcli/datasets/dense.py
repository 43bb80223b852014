"""Numeric columns of a table as one array (N, k), which may be a mapped file; rows are taken in blocks."""

import contextlib
import mmap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import DataError

Array = NDArray[Any]

BYTES = 1 << 18
"""Bytes of a block of rows: few enough to stay in the processor's cache from one operation to the next."""

_TOGETHER = 1 << 23
"""Bytes of neighbouring columns that `Dense.column` reads in one pass."""

_RELEASED = 1 << 25
"""After reading this many bytes of a mapped file, its pages are released."""


def is_finite(values: Array) -> bool:
    """Whether every number is finite: certain if their sum is; otherwise (it may overflow) each number is tested."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.add.reduce(values, axis=None))) or bool(np.isfinite(values).all())


def rows_of_block(width: int) -> int:
    """How many rows of `width` doubles make a block of `BYTES`."""
    return max(1, BYTES // (8 * max(1, width)))


def blocks_of(rows: Array, of: int, size: int) -> Iterator[slice | Array]:
    """The row numbers `rows`, ascending, in blocks of `size`; as slices if they are all `of` rows of the table."""
    for first in range(0, len(rows), size):
        yield slice(first, first + size) if len(rows) == of else rows[first : first + size]


def taken(values: Array, rows: Array) -> Array:
    """values[rows] for ascending row numbers, without a copy if these are all rows."""
    return values if len(rows) == len(values) else values[rows]


class MappedFile:
    """A file mapped into memory, as `content`; OSError or ValueError if it can't be mapped.

    Call `refuse_cut` before each read: if another program has truncated the file, reading beyond its new end kills the
    process (SIGBUS).
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.content = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self._path = path

    def refuse_cut(self) -> None:
        """DataError if the file has become shorter since it was mapped."""
        if self.content.size() < len(self.content):
            raise DataError(f"{self._path} has become shorter while it was read")

    def give_back(self) -> None:
        """Release the memory of the file's pages; the system reads them again when they are needed."""
        with contextlib.suppress(OSError):
            self.content.madvise(mmap.MADV_DONTNEED)


class Dense:
    """The columns of an array (N, k) of numbers, by name: `positions` gives the index of each.

    `infinite` names the columns with an infinite number, `whole` those in which every number is finite. If the array is
    a mapped file, its pages are released as it is read, so that it takes little memory.
    """

    def __init__(self, values: Array, positions: Mapping[str, int], mapped: MappedFile | None = None) -> None:
        self._values, self._positions, self._map = values, positions, mapped
        self._read = 0
        self._kept: dict[str, Array] = {}
        gaps, infinite = np.zeros((2, values.shape[1]), bool)
        if values.dtype.kind == "f":
            for block in self._blocks():
                if not is_finite(block):
                    gaps |= np.isnan(block).any(axis=0)
                    infinite |= np.isinf(block).any(axis=0)
        self.infinite = {name for name, j in positions.items() if infinite[j]}
        self.whole = {name for name, j in positions.items() if not gaps[j] and not infinite[j]}

    def _blocks(self) -> Any:
        size = rows_of_block(self._values.shape[1])
        for first in range(0, len(self._values), size):
            self.refuse_cut()
            yield self._values[first : first + size]
            self._give_back(size)
        self.give_back()

    def rows(self, names: Sequence[str], rows: slice | Array) -> Array:
        """The named columns of the given rows, as doubles (rows, names)."""
        self.refuse_cut()
        at = [self._positions[name] for name in names]
        block = self._values[rows]
        neighbours = at == [*range(at[0], at[0] + len(at))]
        block = block[:, at[0] : at[0] + len(at)] if neighbours else block.take(at, axis=1)
        with np.errstate(invalid="ignore"):
            block = block.astype(np.float64)
        self._give_back(len(block))
        return block

    def column(self, name: str) -> Array | None:
        """A column as doubles (N,) if the array is a mapped file, else None.

        The columns after it, up to a few MB, are read in the same pass and kept, so that taking one column after
        another does not read the whole file for each.
        """
        if self._map is None or name not in self._positions:
            return None
        if name not in self._kept:
            count, at = len(self._values), self._positions[name]
            last = at + max(1, _TOGETHER // max(1, 8 * count))
            names = [other for other, j in self._positions.items() if at <= j < last]
            values = np.empty((len(names), count))
            for part in blocks_of(values[0], count, rows_of_block(self._values.shape[1])):
                values[:, part] = self.rows(names, part).T
            self._kept = dict(zip(names, values, strict=True))
        return self._kept[name]

    def _give_back(self, rows: int) -> None:
        self._read += rows * self._values.shape[1] * self._values.itemsize
        if self._read > _RELEASED:
            self.give_back()

    def give_back(self) -> None:
        """Release the pages of the mapped file, if there is one."""
        self._read = 0
        if self._map is not None:
            self._map.give_back()

    def refuse_cut(self) -> None:
        """DataError if the mapped file, if there is one, has become shorter."""
        if self._map is not None:
            self._map.refuse_cut()
