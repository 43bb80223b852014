"""The rows of a training as batches, in the order of each epoch."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bpcli import sums
from bpcli.datasets.spread import SpreadRows, opened
from bpcli.formulas.steps import Step
from bpcli.ranks import ALONE, Ranks, share
from bpcli.training.descent.update_rule import PLAIN_DESCENT, UpdateRule

Array = NDArray[Any]

_COPIED = 1 << 25
"""Up to this many bytes, all rows are shuffled together; of a file, this many bytes are read at once."""

_CHUNK = 1 << 17
"""Bytes of neighbouring rows that are shuffled as one chunk if there are more than `_COPIED` bytes."""

CACHED = 1 << 20
"""Bytes of rows in memory that are copied into order at once: few enough to be still in the cache when used."""

Block = tuple[Array, Array, Array, Array, Array, Array | None]
Batch = Iterable[Block]


@dataclass(frozen=True)
class Descent:
    """The rows and settings of a training, which stay the same while its state changes.

    X: (N, n), an array, a `RowFile`, or sparse; y: (N,), targets or class numbers. With `rng` the rows are shuffled
    before each epoch. The last batch may be smaller and is averaged over its own size. A batch of more than `sums.ROWS`
    rows is summed in blocks of `sums.ROWS`, in the order of `sums.summed`; `step` is for a block. Each of several
    `ranks` sums its share of the blocks.

    `l2` adds l2/2·‖w‖² to J; `l1` adds l1·‖w‖₁, for which a step ends with a soft threshold: w := w − clip(w, −αλ, αλ)
    (Beck & Teboulle 2009); see `Optimizer`. Neither applies to b or the reported loss. `weights` (N,), of mean 1, are ω
    in J = (1/N) Σ ωJ₀ of a batch, so that the loss is a weighted mean.
    """

    X: Any
    y: Array
    step: Step
    learning_rate: float
    batch_size: int
    epochs: int
    rng: np.random.Generator | None = None
    l1: float = 0.0
    l2: float = 0.0
    weights: Array | None = None
    update_rule: UpdateRule = PLAIN_DESCENT
    ranks: Ranks = ALONE

    @property
    def rows(self) -> int:
        """N."""
        return int(self.X.shape[0])

    @property
    def size(self) -> int:
        """The number of rows of a batch, at most N."""
        return min(self.batch_size, self.rows)

    @property
    def in_blocks(self) -> bool:
        """Whether batches are summed block by block."""
        return self.size > sums.ROWS

    def blocks(self, first: int) -> range:
        """The numbers of the blocks that this rank sums, of the batch that begins at position `first` of the order."""
        return share(-(-min(self.size, self.rows - first) // sums.ROWS), self.ranks)

    def mine(self, first: int) -> range:
        """The positions in the order of the rows in `blocks`."""
        blocks, end = self.blocks(first), min(first + self.size, self.rows)
        return range(first + blocks.start * sums.ROWS, min(first + blocks.stop * sums.ROWS, end))


class Batches(Protocol):
    """The batches of an epoch, in the form that the sweep takes; `count` is their number."""

    count: int

    def arrange(self) -> None:
        """Order the rows for the next epoch; the order depends only on the generator's state and the number of rows."""

    def part(self, start: int, stop: int) -> Iterable[Any]:
        """The batches of the epoch from number `start` to `stop` − 1."""


class DenseBatches:
    """The batches of an epoch as blocks (x, xᵀ, y, buffer for z, ones, ω or None), shuffled by a generator.

    The rows of the next blocks are copied in order into buffers that are allocated once. Up to `_COPIED` bytes, all
    rows are shuffled. If there are more, chunks of `_CHUNK` bytes are shuffled, and then the rows within each window of
    `_COPIED` bytes: so a file is read in large pieces, while the rows of a window come from hundreds of places.
    """

    def __init__(self, descent: Descent, outputs: tuple[int, ...]) -> None:
        X, size, self._descent = descent.X, descent.size, descent
        self._X, self._y, self._rng, self._weights = X, descent.y, descent.rng, descent.weights
        N, width = X.shape
        self._N, self._size, self._block = N, size, min(size, sums.ROWS)
        row = max(1, width * X.dtype.itemsize)
        self._chunk = max(1, _CHUNK // row)
        self._mixed = N if N * row <= _COPIED else min(N, size * max(1, _COPIED // (row * size)))
        self.order = np.arange(N)
        self._unshuffled = self.order.copy() if self._mixed == N else self.order
        in_memory = isinstance(X, np.ndarray | SpreadRows)
        room = min(CACHED, _COPIED) if in_memory else _COPIED
        self._held = min(N, self._block * max(1, room // (row * self._block)))  # rows that are copied at once
        self._stays = self._rng is None and in_memory  # whether rows are used in place, without copying
        self._z, self._ones = np.empty((self._block, *outputs), X.dtype), np.ones(self._block, X.dtype)
        self._rows, self._targets, self._omega = X, self._y, self._weights
        if size < N or not self._stays:  # else this rank needs only its own rows
            opened(X)
        if not self._stays:
            self._rows, self._targets = np.empty((self._held, width), X.dtype), np.empty(self._held, self._y.dtype)
            self._omega = None if self._weights is None else np.empty(self._held, self._weights.dtype)
        self._window = -1  # the number of the window in memory
        self._views: list[tuple[Block]] = []  # the batches of the window, as views
        self._viewed = 0  # the number of their rows
        self.count = -(-N // size)

    def _view(self, start: int, stop: int) -> Block:
        x = self._rows[start:stop]
        omega = None if self._omega is None else self._omega[start:stop]
        return x, x.T, self._targets[start:stop], self._z[: stop - start], self._ones[: stop - start], omega

    def arrange(self) -> None:
        """Order the rows for the next epoch; the order depends only on the generator's state and the number of rows."""
        if self._rng is None:
            return
        N, rows = self._N, self._mixed
        self._window = -1
        if rows == N:
            np.copyto(self.order, self._unshuffled)
            self._rng.shuffle(self.order)
            return
        at = 0
        for chunk in self._rng.permutation(-(-N // self._chunk)).tolist():
            rows_of_it = range(chunk * self._chunk, min(N, (chunk + 1) * self._chunk))
            self.order[at : at + len(rows_of_it)] = rows_of_it
            at += len(rows_of_it)
        for first in range(0, N, rows):
            self._rng.shuffle(self.order[first : first + rows])

    def part(self, start: int, stop: int) -> Iterator[Batch]:
        """The batches of the epoch from number `start` to `stop` − 1, in buffers that later ones overwrite."""
        stop = min(stop, self.count)
        if self._size > self._block:
            yield from (self._blocks(number * self._size) for number in range(start, stop))
            return
        per = -(-self._held // self._size)
        for window in range(start // per, -(-stop // per)):
            self._load(window)
            yield from self._views[max(0, start - window * per) : stop - window * per]

    def _blocks(self, first: int) -> Iterator[Block]:
        """This rank's blocks of the batch that begins at position `first` of the order."""
        mine = self._descent.mine(first)
        for begin in mine[:: self._held]:
            rows = min(self._held, mine.stop - begin)
            at = self._take(begin, begin + rows)
            for row in range(at, at + rows, self._block):
                yield self._view(row, min(row + self._block, at + rows))

    def _load(self, window: int) -> None:
        """Load the rows of a window, and make the views of its batches if those of the buffers don't fit."""
        if window == self._window:
            return
        self._window = window
        first, rows = window * self._held, min(self._held, self._N - window * self._held)
        at = self._take(first, first + rows)
        if self._stays or rows != self._viewed:
            stop, self._viewed = at + rows, rows
            self._views = [(self._view(row, min(row + self._size, stop)),) for row in range(at, stop, self._size)]

    def _take(self, first: int, stop: int) -> int:
        """Copy the rows `first` to `stop` of the order, unless rows are used in place; returns where they begin."""
        if self._stays:
            return first
        order, rows = self.order[first:stop], stop - first
        # mode="clip", because with "raise" NumPy would buffer the output.
        self._X.take(order, 0, self._rows[:rows], "clip")
        self._y.take(order, 0, self._targets[:rows], "clip")
        if self._weights is not None and self._omega is not None:
            self._weights.take(order, 0, self._omega[:rows], "clip")
        return 0
