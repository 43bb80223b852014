"""The training loop: mini-batch gradient descent on one affine layer, as a generator of epochs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bpcli import sums
from bpcli.datasets.spread import SpreadRows, opened
from bpcli.errors import NotFiniteError
from bpcli.formulas.steps import Step
from bpcli.ranks import ALONE, Ranks, share
from bpcli.training.descent.state import Pause, State
from bpcli.training.descent.update_rule import PLAIN_DESCENT, UpdateRule

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Epoch:
    """The record of an epoch. `loss` is the mean over its rows of the loss before the update of their batch."""

    number: int
    loss: float
    learning_rate: float | None
    seconds: float


class DivergedError(NotFiniteError):
    """The loss or a weight is no longer finite."""


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


def descend_epochs(descent: Descent, state: State, pause: Pause | None = None) -> Iterator[Epoch | None]:
    """Train `state` in place by w := w − α(∂J/∂w)ᵀ, b := b − α ∂J/∂b, and yield a record for each epoch.

    w: (n,) or (n, K); b: () or (K,). DivergedError when the loss or a weight is no longer finite.

    Yields None if `pause` stops it within an epoch. Whenever it yields, the state is complete: another call, also with
    a saved copy of the state, goes on with the same steps. A step allocates no arrays: products are written into
    buffers that are allocated before the first step.
    """
    batches = DenseBatches(descent, state.w.shape[1:])
    is_plain = descent.update_rule == PLAIN_DESCENT and not descent.in_blocks
    sweep = _PlainSweep(descent, state) if is_plain else OptimizerSweep(descent, state)
    return run_epochs(batches, sweep, descent, state, pause or Pause())


class Batches(Protocol):
    """The batches of an epoch, in the form that the sweep takes; `count` is their number."""

    count: int

    def arrange(self) -> None:
        """Order the rows for the next epoch; the order depends only on the generator's state and the number of rows."""

    def part(self, start: int, stop: int) -> Iterable[Any]:
        """The batches of the epoch from number `start` to `stop` − 1."""


class Sweep(Protocol):
    """Takes a step for each batch and changes the state; `learning_rate` is α of the current epoch."""

    learning_rate: float

    def __call__(self, batches: Iterable[Any]) -> None:
        """Take a step for each batch."""

    def finish_epoch(self) -> None:
        """Make the changes that steps have postponed; called at the end of an epoch."""


def run_epochs(batches: Batches, sweep: Sweep, descent: Descent, state: State, pause: Pause) -> Iterator[Epoch | None]:
    """The epochs of `descend_epochs` for any form of rows: `sweep` takes a step for each of the `batches`."""
    rng = descent.rng
    if rng is not None:
        if state.generator is None:
            state.generator = dict(rng.bit_generator.state)
        rng.bit_generator.state = state.generator
    run, arranged = 1, False  # `run`: steps until the clock is read again
    while state.epoch < descent.epochs:
        began = perf_counter()
        sweep.learning_rate = descent.learning_rate * descent.update_rule.factor(state.epoch)
        if not arranged:
            batches.arrange()
            arranged = True
        with np.errstate(all="ignore"):  # an overflow is reported as divergence
            now = began
            while state.batch < batches.count:
                last, before = now, state.batch
                sweep(batches.part(before, before + run))
                now = perf_counter()
                if state.batch == batches.count:
                    break
                run = max(1, int(_PATIENCE * (state.batch - before) / max(now - last, 1e-9)))
                said = descent.ranks.gathered((now >= pause.at, run))  # so that all ranks do the same
                run = said[0][1]
                if any(is_late for is_late, _ in said):
                    break
            if state.batch == batches.count:
                sweep.finish_epoch()
                now = perf_counter()
        state.epoch_seconds += now - began
        if state.batch < batches.count:
            yield None
            continue
        if not (np.isfinite(state.w).all() and np.isfinite(state.b).all()):
            raise diverged(state.epoch + 1, state.batch, "a weight is no longer finite", sweep.learning_rate)
        epoch = Epoch(state.epoch + 1, state.loss / descent.rows, sweep.learning_rate, state.epoch_seconds)
        state.epoch, state.batch = state.epoch + 1, 0
        state.loss = state.loss_lost = state.epoch_seconds = 0.0
        if rng is not None:
            state.generator = dict(rng.bit_generator.state)
        arranged = False
        yield epoch


class _PlainSweep:
    """Steps of plain gradient descent over batches, with buffers that are allocated once."""

    learning_rate = 0.0

    def __init__(self, descent: Descent, state: State) -> None:
        self._descent, self._state = descent, state
        self._dJ_dw, self._dJ_db = np.empty_like(state.w), np.empty_like(state.b)
        self._scratch = np.empty_like(state.w)

    def finish_epoch(self) -> None:
        """Nothing to do: these steps postpone nothing."""

    def __call__(self, batches: Iterable["Batch"]) -> None:
        """Take a step for each batch."""
        state, step, learning_rate = self._state, self._descent.step, self.learning_rate
        l1, l2 = self._descent.l1, self._descent.l2
        dJ_dw, dJ_db, scratch, w, b = self._dJ_dw, self._dJ_db, self._scratch, state.w, state.b
        threshold = learning_rate * l1
        total, lost, at = state.loss, state.loss_lost, state.batch
        for ((x, x_T, target, z, ones, omega),) in batches:
            np.dot(x, w, z)
            np.add(z, b, z)
            loss = step(z, target, omega)  # z is now N·∂J/∂z, of the N rows of this batch
            at += 1
            if not isfinite(loss):
                raise diverged(state.epoch + 1, at, f"the loss is {loss}", learning_rate)
            total, lost = added(total, lost, loss)
            np.dot(x_T, z, dJ_dw)
            np.dot(ones, z, dJ_db)  # the sum over the rows; as a product it takes half the time of np.sum
            per_row = learning_rate / len(z)
            np.multiply(dJ_dw, per_row, dJ_dw)
            np.multiply(dJ_db, per_row, dJ_db)
            if l2:
                np.multiply(w, learning_rate * l2, scratch)
                np.add(dJ_dw, scratch, dJ_dw)
            np.subtract(w, dJ_dw, w)
            np.subtract(b, dJ_db, b)
            if l1:
                np.clip(w, -threshold, threshold, scratch)
                np.subtract(w, scratch, w)
        state.steps += at - state.batch
        state.loss, state.loss_lost, state.batch = total, lost, at


class OptimizerSweep(_PlainSweep):
    """Steps of any optimiser over batches, also with warm-up and clipping."""

    def __init__(self, descent: Descent, state: State) -> None:
        super().__init__(descent, state)
        self._scratch_b = np.empty_like(state.b)

    @staticmethod
    def _dot(x: Any, y: Array, out: Array) -> None:
        """The product of x and y, written into `out`."""
        np.dot(x, y, out)

    def __call__(self, batches: Iterable["Batch"]) -> None:
        """Take a step for each batch: clip the gradient with its penalties, then apply the optimiser."""
        state, descent, rule = self._state, self._descent, self._descent.update_rule
        l1, l2, evaluate = descent.l1, descent.l2, self._in_blocks if descent.in_blocks else self._at_once
        dJ_dw, dJ_db, scratch, w, b = self._dJ_dw, self._dJ_db, self._scratch, state.w, state.b
        slots_w, slots_b = rule.slots(state, "w"), rule.slots(state, "b")
        for batch in batches:
            loss, m = evaluate(batch)
            if not isfinite(loss):
                raise diverged(state.epoch + 1, state.batch + 1, f"the loss is {loss}", self.learning_rate)
            shrink = rule.clipped(dJ_dw, dJ_db, m, w, l1, l2)
            np.multiply(dJ_dw, shrink / m, dJ_dw)
            np.multiply(dJ_db, shrink / m, dJ_db)
            t = state.steps + 1
            learning_rate = self.learning_rate * rule.warmed_up(t)
            if l2 and rule.optimizer.decoupled:
                np.multiply(w, learning_rate * l2, scratch)
                np.subtract(w, scratch, w)
            elif l2:
                np.multiply(w, shrink * l2, scratch)
                np.add(dJ_dw, scratch, dJ_dw)
            rule.step(w, dJ_dw, t, learning_rate, shrink * l1, slots_w, scratch)
            rule.step(b, dJ_db, t, learning_rate, 0.0, slots_b, self._scratch_b)
            state.loss, state.loss_lost = added(state.loss, state.loss_lost, loss)
            state.batch += 1
            state.steps = t

    def _at_once(self, blocks: Iterable["Block"]) -> tuple[float, int]:
        """ΣJ₀ over the m rows of a batch of a single block, and m; writes m·∂J/∂w and m·∂J/∂b to the buffers."""
        ((x, x_T, target, z, ones, omega),) = blocks
        self._dot(x, self._state.w, z)
        np.add(z, self._state.b, z)
        loss = self._descent.step(z, target, omega)
        self._dot(x_T, z, self._dJ_dw)
        np.dot(ones, z, self._dJ_db)
        return loss, len(z)

    def _in_blocks(self, blocks: Iterable["Block"]) -> tuple[float, int]:
        """`_at_once` for a batch of several blocks, each small enough to stay in the cache from z to ∂J/∂w."""
        descent, dJ_dw, dJ_db = self._descent, self._dJ_dw, self._dJ_db
        parts = (
            np.concatenate([self._at_once((block,)), dJ_dw.reshape(-1), dJ_db.reshape(-1)], dtype=np.float64)
            for block in blocks
        )
        total = descent.ranks.summed(parts, descent.blocks(self._state.batch * descent.size).start)
        dJ_dw[...] = total[2 : 2 + dJ_dw.size].reshape(dJ_dw.shape)
        dJ_db[...] = total[2 + dJ_dw.size :].reshape(dJ_db.shape)
        return float(total[0]), int(total[1])


def added(total: float, lost: float, term: float) -> tuple[float, float]:
    """(total + term, its rounding error `lost`), by compensated summation, whose error does not grow (Kahan 1965)."""
    term -= lost
    new = total + term
    return new, (new - total) - term


_PATIENCE = 0.01
"""Seconds of steps between two readings of the clock, because a reading takes long compared with a short step."""

_COPIED = 1 << 25
"""Up to this many bytes, all rows are shuffled together; of a file, this many bytes are read at once."""

_CHUNK = 1 << 17
"""Bytes of neighbouring rows that are shuffled as one chunk if there are more than `_COPIED` bytes."""

_CACHED = 1 << 20
"""Bytes of rows in memory that are copied into order at once: few enough to be still in the cache when used."""

Block = tuple[Array, Array, Array, Array, Array, Array | None]
Batch = Iterable[Block]


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
        room = min(_CACHED, _COPIED) if in_memory else _COPIED
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


def diverged(epoch: int, step: int, what: str, learning_rate: float | None) -> DivergedError:
    """The error for a training that diverged in this step, with advice."""
    rate = "" if learning_rate is None else f"try a smaller training.learning_rate (it is {learning_rate:g}), and "
    return DivergedError(
        f"training diverged in epoch {epoch}, step {step}: {what}",
        f"{rate}data.standardize: true if the features are not of one scale",
    )
