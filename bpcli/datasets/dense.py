"""Columns of numbers that lie side by side in one array, so that their rows are prepared in blocks."""

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
"""Bytes of the rows of a block: few enough to be in the cache from one operation to the next."""

_TOGETHER = 1 << 23
"""Bytes of columns that are read together."""

_RELEASED = 1 << 25
"""Bytes of a file in memory after which those that were read are given back."""


def is_finite(values: Array) -> bool:
    """Whether every number is finite. If their sum is, they are; else each is looked at."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.add.reduce(values, axis=None))) or bool(np.isfinite(values).all())


def rows_of_block(width: int) -> int:
    """The rows of a block of doubles."""
    return max(1, BYTES // (8 * max(1, width)))


def blocks_of(rows: Array, of: int, size: int) -> Iterator[slice | Array]:
    """Some `rows` of a table, in order, in blocks of so many; as slices where they are all of its rows."""
    for first in range(0, len(rows), size):
        yield slice(first, first + size) if len(rows) == of else rows[first : first + size]


def taken(values: Array, rows: Array) -> Array:
    """Some of the values, in order; not copied where they are all of them."""
    return values if len(rows) == len(values) else values[rows]


class MappedFile:
    """A file mapped into memory, as `content`; OSError or ValueError where it can't be.

    Beyond the end of a file that another program has cut short, the system would end the process (SIGBUS): before its
    parts are read one asks whether all of it is still there.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.content = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self._path = path

    def refuse_cut(self) -> None:
        """DataError if the file is shorter than it was."""
        if self.content.size() < len(self.content):
            raise DataError(f"{self._path} has become shorter while it was read")

    def give_back(self) -> None:
        """Let the system take the memory of the file's pages; they are read again where they are needed."""
        with contextlib.suppress(OSError):
            self.content.madvise(mmap.MADV_DONTNEED)


class Dense:
    """The columns `positions`, by name, of an array (N, k) of numbers; those in `whole` have no gap, and none is ∞.

    An array in a file that is mapped into memory is given back as it is read, so that it takes little memory.
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
        """The columns of those names in some rows, as doubles (rows, names)."""
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
        """The doubles of a column, (N,), of a file that is mapped into memory; None of others.

        Those behind it come in the same pass, as many as make a few MB: who looks at one column after the other does
        not go through the file for each. The last ones are kept.
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
        """Give back the memory of a file's pages."""
        self._read = 0
        if self._map is not None:
            self._map.give_back()

    def refuse_cut(self) -> None:
        """DataError if a file that is mapped into memory is shorter than it was."""
        if self._map is not None:
            self._map.refuse_cut()
