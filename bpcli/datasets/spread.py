"""Prepared rows spread over several processes: each has some, and takes those of others where it needs them."""

import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.share import Gathering, Share
from bpcli.memory import available_memory
from bpcli.ranks import Window, edges
from bpcli.sums import ROWS

Array = NDArray[Any]


class SpreadRows:
    """Numbers (N, n), of which each process has the rows of whole blocks of `ROWS`, as many as its share of the blocks.

    Read as a `Matrix`: a process has its own rows, and need not wait for another one to take its rows, once all have
    opened them.
    """

    in_memory = True
    ndim = 2

    def __init__(self, own: Array, share: Share) -> None:
        """From the rows of each process, which are sent to where they belong."""
        counts = share.gathered(len(own))
        N, first = sum(counts), sum(counts[: share.rank])
        blocks = -(-N // ROWS)
        self._edges = np.minimum(np.array(edges(blocks, share.size)) * ROWS, N)
        cuts = np.clip(self._edges - first, 0, len(own)).tolist()
        sent = [own[start:stop] for start, stop in pairwise(cuts)]
        self._share, self._own = share, np.concatenate(share.exchanged(sent))
        self._window: Window | None = None
        self.shape: tuple[int, ...] = (N, *own.shape[1:])
        self.dtype = own.dtype
        self._first, self._stop = self._edges[share.rank : share.rank + 2].tolist()

    def open(self) -> None:
        """Let every process take rows of the others; all do it together.

        Not before it is needed: memory that processes share has small pages, from which a sum of all rows takes longer.
        """
        if self._window is None:
            self._window = self._share.window(self._own)
            self._own = self._window.own

    @property
    def nbytes(self) -> int:
        """The bytes of all numbers."""
        return prod(self.shape) * int(self.dtype.itemsize)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> Array:
        """Consecutive rows; where they are this process's, without copying them."""
        first, stop, step = rows.indices(len(self))
        assert step == 1, step
        stop = max(first, stop)
        if self._first <= first and stop <= self._stop:
            return self._own[first - self._first : stop - self._first]
        out = np.empty((stop - first, *self.shape[1:]), self.dtype)
        return self.take(np.arange(first, stop), 0, out)

    def take(self, rows: Array, axis: int, out: Array, mode: Literal["clip"] = "clip") -> Array:
        """Rows by their numbers, into `out`, as NumPy's `take`; they have to be open."""
        assert self._window is not None
        owners = np.searchsorted(self._edges, rows, "right") - 1
        for owner in np.unique(owners).tolist():
            places = np.flatnonzero(owners == owner)
            out[places] = self._window.taken(owner, rows[places] - self._edges[owner])
        return out

    def pieces(self, rows: int) -> Iterator[Array]:
        """All rows, so many at a time."""
        for first in range(0, len(self), rows):
            yield self[first : first + rows]

    def by_row(self, work: Callable[[Array], Array]) -> Array:
        """What comes of each row, in order, where it does not depend on others; all processes do it together."""
        return gathered_rows(work(self._own), self._share)

    def checksums(self) -> list[int]:
        """The CRC-32 of each block of `ROWS`; all processes take them together."""
        own = self._own
        found = [
            zlib.crc32(own[first : first + ROWS].reshape(-1).view(np.uint8).data) for first in range(0, len(own), ROWS)
        ]
        return [one for of_process in self._share.gathered(found) for one in of_process]


def gathered_rows(own: Array, share: Gathering) -> Array:
    """The rows of all processes, in the order of these, in each of them."""
    return np.concatenate(share.exchanged([np.ascontiguousarray(own)] * share.size))


def rows_at_first(own: Array, share: Gathering) -> Array:
    """The rows of all processes, in the order of these, in the first one; none in the others."""
    rows = np.ascontiguousarray(own)
    return np.concatenate(share.exchanged([rows, *[rows[:0]] * (share.size - 1)]))


def opened(X: Any) -> None:
    """Let every process take any rows of X, if they are spread over several."""
    if isinstance(X, SpreadRows):
        X.open()


def in_memory(X: Any) -> Any:
    """X in the memory of this process alone, if it is spread over several and there is room for it here."""
    if not isinstance(X, SpreadRows) or _TIMES * X.nbytes > available_memory() / 2:
        return X
    return X[:]


_TIMES = 4  # as much memory as the numbers take for what is computed from them
