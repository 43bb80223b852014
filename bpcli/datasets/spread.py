"""Prepared rows, dense or sparse, distributed over processes: each holds some, and reads the others when needed."""

import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.share import Gathering, Share, in_any_process
from bpcli.datasets.sparse import csr_array, is_sparse
from bpcli.memory import available_memory
from bpcli.ranks import Window, edges
from bpcli.sums import ROWS

Array = NDArray[Any]


class SpreadRows:
    """Numbers (N, n) of which each process holds an equal share of the blocks of `ROWS` rows.

    They are read as a `RowFile` is. Once all processes have called `open`, one can read the rows of another without
    waiting for it.
    """

    in_memory = True
    ndim = 2

    def __init__(self, own: Array, share: Share, cuts: Array | None = None) -> None:
        """Send the rows that this process has, `own`, to the processes they belong to, and receive its share.

        `cuts` are the row numbers at which the shares begin, and N at the end; by default shares are whole blocks.
        """
        counts = share.gathered(len(own))
        N, first = sum(counts), sum(counts[: share.rank])
        self._edges: Array = block_edges(N, share) if cuts is None else cuts
        sent = [own[start:stop] for start, stop in pairwise(np.clip(self._edges - first, 0, len(own)).tolist())]
        self._share, self._own = share, np.concatenate(share.exchanged(sent))
        self._window: Window | None = None
        self.shape: tuple[int, ...] = (N, *own.shape[1:])
        self.dtype = own.dtype
        self._first, self._stop = self._edges[share.rank : share.rank + 2].tolist()

    def open(self) -> None:
        """Let every process read rows of the others; all processes have to call it.

        Called only when that is needed: shared memory has small pages, which makes a sum over all rows slower.
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

    @property
    def own(self) -> Array:
        """The rows of this process."""
        return self._own

    def __getitem__(self, rows: slice) -> Array:
        """Consecutive rows; a view if they are all this process's."""
        first, stop, step = rows.indices(len(self))
        assert step == 1, step
        stop = max(first, stop)
        if self._first <= first and stop <= self._stop:
            return self._own[first - self._first : stop - self._first]
        found = [self._own[:0]]
        for owner, (begin, end) in enumerate(pairwise(np.clip(self._edges, first, stop))):
            if begin < end:
                found.append(self.runs(owner, np.array([begin]), np.array([end - begin])))
        return np.concatenate(found)

    def runs(self, owner: int, begins: Array, counts: Array) -> Array:
        """Runs of rows of the process `owner`: `counts` rows from each row number in `begins` on; needs `open`."""
        assert self._window is not None
        return self._window.taken(owner, begins - self._edges[owner], counts)

    def take(self, rows: Array, axis: int, out: Array, mode: Literal["clip"] = "clip") -> Array:
        """Rows by their numbers, into `out`, as NumPy's `take`; needs `open`."""
        assert self._window is not None
        owners = np.searchsorted(self._edges, rows, "right") - 1
        for owner in np.flatnonzero(np.bincount(owners)).tolist():
            places = np.flatnonzero(owners == owner)
            out[places] = self._window.taken(owner, rows[places] - self._edges[owner])
        return out

    def pieces(self, rows: int) -> Iterator[Array]:
        """All rows, so many at a time."""
        for first in range(0, len(self), rows):
            yield self[first : first + rows]

    def by_row(self, work: Callable[[Array], Array]) -> Array:
        """work(X), for a `work` that treats each row by itself: each process does its own rows, all get the result."""
        return gathered_rows(work(self._own), self._share)

    def checksums(self) -> list[int]:
        """The CRC-32 of each block of `ROWS` rows; all processes have to call it."""
        own = self._own
        found = [
            zlib.crc32(own[first : first + ROWS].reshape(-1).view(np.uint8).data) for first in range(0, len(own), ROWS)
        ]
        return [one for of_process in self._share.gathered(found) for one in of_process]


class SpreadSparse:
    """Sparse rows (N, n), distributed as `SpreadRows` are; every process knows where the entries of each row begin.

    They are read by rows as SciPy's CSR is; a process's own rows are not copied.
    """

    def __init__(self, own: Any, share: Share) -> None:
        """Send the rows that this process has, CSR (m, n), to the processes they belong to, and receive its share."""
        counts = gathered_rows(np.diff(own.indptr).astype(np.int64), share)
        starts = np.concatenate([[0], np.cumsum(counts)])
        self.nnz, self.shape, self.dtype = int(starts[-1]), (len(counts), int(own.shape[1])), own.data.dtype
        is_long = max(self.nnz, self.shape[1] - 1) >= 2**31 or in_any_process(share, own.indices.dtype.itemsize > 4)
        number = np.int64 if is_long else np.int32  # SciPy's choice in a single process
        self._edges = block_edges(len(counts), share)
        self._data = SpreadRows(own.data, share, starts[self._edges])
        self._indices = SpreadRows(own.indices.astype(number, copy=False), share, starts[self._edges])
        self._share, self._mine = share, slice(*self._edges[share.rank : share.rank + 2].tolist())
        self.indptr = starts.astype(number)

    def open(self) -> None:
        """As `SpreadRows.open`."""
        self._data.open()
        self._indices.open()

    @property
    def nbytes(self) -> int:
        """The bytes of all entries, their columns and the starts of the rows."""
        return self._data.nbytes + self._indices.nbytes + int(self.indptr.nbytes)

    def __getitem__(self, rows: slice | Array) -> Any:
        """Rows, CSR: consecutive ones, or by their numbers."""
        if isinstance(rows, slice):
            first, stop, step = rows.indices(self.shape[0])
            assert step == 1, step
            starts = self.indptr[first : max(first, stop) + 1]
            entries = slice(*starts[[0, -1]].tolist())
            return self._csr(self._data[entries], self._indices[entries], starts - starts[0])
        owners = np.searchsorted(self._edges, rows, "right") - 1
        order = np.argsort(owners, kind="stable")
        begins = self.indptr[rows[order]].astype(np.int64)
        counts = self.indptr[rows[order] + 1] - begins
        edges_of_owners = np.searchsorted(owners[order], np.arange(self._share.size + 1))
        of_owners = [slice(*pair) for pair in pairwise(edges_of_owners.tolist())]
        data, indices = (
            np.concatenate([part.runs(owner, begins[some], counts[some]) for owner, some in enumerate(of_owners)])
            for part in (self._data, self._indices)
        )
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return self._csr(data, indices, np.concatenate([[0], np.cumsum(counts)]))[back]

    def _csr(self, data: Array, indices: Array, starts: Array) -> Any:
        number = self.indptr.dtype
        return csr_array((data, indices, starts.astype(number, copy=False)), shape=(len(starts) - 1, self.shape[1]))

    def pieces(self, rows: int) -> Iterator[Any]:
        """All rows, so many at a time."""
        for first in range(0, self.shape[0], rows):
            yield self[first : first + rows]

    def by_row(self, work: Callable[[Any], Array]) -> Array:
        """As `SpreadRows.by_row`."""
        return gathered_rows(work(self[self._mine]), self._share)

    def arrays(self) -> dict[str, Array | SpreadRows]:
        """The arrays of the CSR format by name, the long ones in shares of whole blocks; all processes call it."""
        data, indices = (SpreadRows(part.own, self._share) for part in (self._data, self._indices))
        return {"data": data, "indices": indices, "indptr": self.indptr}


Spread = SpreadRows | SpreadSparse
"""Rows that are distributed over processes."""


def spread(own: Any, share: Share) -> Spread:
    """The rows of all processes, dense or sparse; `own` are those of this process."""
    return SpreadSparse(own, share) if is_sparse(own) else SpreadRows(own, share)


def block_edges(N: int, share: Gathering) -> Array:
    """The row numbers at which the shares of N rows in whole blocks begin, and N at the end, (size + 1,)."""
    return np.asarray(np.minimum(np.array(edges(-(-N // ROWS), share.size)) * ROWS, N))


def gathered_rows(own: Array, share: Gathering) -> Array:
    """The `own` rows of all processes, in the order of their ranks, on every process."""
    return np.concatenate(share.exchanged([np.ascontiguousarray(own)] * share.size))


def rows_at_first(own: Array, share: Gathering) -> Array:
    """The `own` rows of all processes, in the order of their ranks, on the first process; no rows on the others."""
    rows = np.ascontiguousarray(own)
    return np.concatenate(share.exchanged([rows, *[rows[:0]] * (share.size - 1)]))


def opened(X: Any) -> None:
    """Let every process read all rows of X, if they are distributed."""
    if isinstance(X, Spread):
        X.open()


def in_memory(X: Any) -> Any:
    """A copy of X in this process's memory if it is distributed and there is room, else X itself."""
    if not isinstance(X, Spread) or _TIMES * X.nbytes > available_memory() / 2:
        return X
    return X[:]


_TIMES = 4  # the numbers and what is computed from them take about this many times their size
