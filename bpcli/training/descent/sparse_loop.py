"""The training loop over sparse rows: the same updates as in `loop`, in time proportional to the entries of each batch.

A weight whose feature does not occur in a batch changes only by l1 and l2. These changes are postponed until the
feature occurs, and then made in closed form: k steps of w := S(ρw, θ), with ρ = 1 − αλ₂, θ = αλ₁ and the soft threshold
S, give S(ρᵏw, θ(1 + ρ + … + ρᵏ⁻¹)), because ρS(w, θ) = S(ρw, ρθ) and S(S(w, s), t) = S(w, s + t). (Langford, Li & Zhang
2009, Sparse Online Learning via Truncated Gradient, section 5, do so for λ₁ alone.)
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli import sums
from bpcli.datasets.sparse import csr_array
from bpcli.datasets.spread import opened
from bpcli.training.descent.batches import Descent
from bpcli.training.descent.loop import Epoch, OptimizerSweep, added, diverged, run_epochs
from bpcli.training.descent.state import Pause, State

Array = NDArray[Any]

_WINDOW = 1 << 16
"""Rows that are copied into order at a time: SciPy is faster at selecting many rows at once than a few at a time."""

TAKEN = "taken"
"""The slot with the number of l1 and l2 steps that each weight has taken; the others are postponed."""


def sparse_slots(state: State, l1: float, l2: float) -> None:
    """Make the slot in `state` for postponed steps, if there is a penalty."""
    if l1 or l2:
        state.slots[TAKEN] = np.zeros(len(state.w), np.int64)


def descend_sparse(descent: Descent, state: State, pause: Pause | None = None) -> Iterator[Epoch | None]:
    """`descend_epochs` for X as CSR (N, n): the same steps over the same batches, up to the order of sums.

    Plain descent, also with a schedule, takes time proportional to the entries of a batch. Optimisers with memory,
    warm-up and clipping also change the weights of features that do not occur, and take time proportional to all n
    features. `state` needs its `sparse_slots`.
    """
    if not descent.update_rule.plain:
        return run_epochs(
            _WholeBatches(descent, state.w), _SparseSweep(descent, state), descent, state, pause or Pause()
        )
    sweep = PostponingSweep(descent, state)
    # Where αλ₂ ≥ 1, the closed form does not hold: nothing is postponed.
    batches = SparseBatches(descent, lambda: sweep.learning_rate * descent.l2 >= 1)
    return run_epochs(batches, sweep, descent, state, pause or Pause())


class PostponingSweep:
    """Steps of plain descent over sparse batches, with postponed penalties, in time proportional to their entries."""

    learning_rate = 0.0

    def __init__(self, descent: Descent, state: State) -> None:
        self._descent, self._state = descent, state
        self._taken = state.slots.get(TAKEN)

    def __call__(self, batches: Iterable["Batch"]) -> None:
        """Take a step for each batch."""
        state = self._state
        w, b, evaluate = state.w, state.b, self._in_blocks if self._descent.in_blocks else self._at_once
        for touched, blocks in batches:
            self._take_postponed(touched)
            loss, m, dJ_dw, dJ_db = evaluate(blocks, w[touched])
            if not isfinite(loss):
                raise diverged(state.epoch + 1, state.batch + 1, f"the loss is {loss}", self.learning_rate)
            per_row = self.learning_rate / m
            state.steps += 1
            self._descend(touched, per_row * dJ_dw)
            b -= per_row * dJ_db
            state.loss, state.loss_lost = added(state.loss, state.loss_lost, loss)
            state.batch += 1

    def _in_blocks(self, blocks: Sequence["Block"], w: Array) -> tuple[float, int, Array, Array]:
        """`_at_once` for a batch of several blocks, which the ranks share."""
        descent = self._descent
        parts = (
            np.concatenate([[loss, m], dJ_dw.reshape(-1), dJ_db.reshape(-1)], dtype=np.float64)
            for loss, m, dJ_dw, dJ_db in (self._at_once((block,), w) for block in blocks)
        )
        total = descent.ranks.summed(parts, descent.blocks(self._state.batch * descent.size).start)
        dJ_dw, dJ_db = total[2 : 2 + w.size].reshape(w.shape), total[2 + w.size :].reshape(self._state.b.shape)
        return float(total[0]), int(total[1]), dJ_dw.astype(w.dtype), dJ_db.astype(w.dtype)

    def _at_once(self, blocks: Sequence["Block"], w: Array) -> tuple[float, int, Array, Array]:
        """ΣJ₀ over the m rows of a batch of a single block, m, m·∂J/∂w and m·∂J/∂b; w: the weights of its features."""
        ((x, target, omega),) = blocks
        z = np.asarray(x @ w + self._state.b)
        loss = self._descent.step(z, target, omega)  # z is now m·∂J/∂z
        return loss, len(z), x.T @ z, z.sum(axis=0)

    def finish_epoch(self) -> None:
        """Take the postponed steps of all weights, as α may change in the next epoch."""
        self._take_postponed(slice(None))

    def _take_postponed(self, touched: Any) -> None:
        """Take the postponed steps of the weights `touched`."""
        if self._taken is None:
            return
        w = self._state.w[touched]
        k = (self._state.steps - self._taken[touched]).astype(w.dtype).reshape(-1, *[1] * (w.ndim - 1))
        self._taken[touched] = self._state.steps
        if not k.any():
            return
        share, threshold = self.learning_rate * self._descent.l2, self.learning_rate * self._descent.l1
        if share:
            log_power = k * np.log1p(-share)
            w, k = w * np.exp(log_power), -np.expm1(log_power) / share
        self._state.w[touched] = w - np.clip(w, -threshold * k, threshold * k)

    def _descend(self, touched: Any, change: Array) -> None:
        """Take a step, w := S(ρw − change, θ), for the weights `touched`; those of the others are postponed."""
        w = self._state.w
        if self._taken is None:
            w[touched] -= change
            return
        moved = w[touched]
        moved = moved - (change + self.learning_rate * self._descent.l2 * moved)
        threshold = self.learning_rate * self._descent.l1
        w[touched] = moved - np.clip(moved, -threshold, threshold)
        self._taken[touched] = self._state.steps


class _SparseSweep(OptimizerSweep):
    """The steps of any optimiser over sparse batches, in time proportional to all features."""

    @staticmethod
    def _dot(x: Any, y: Array, out: Array) -> None:
        out[...] = x @ y


Block = tuple[Any, Array, Array | None]
Batch = tuple[Any, Sequence[Block]]


class CsrRows:
    """Rows (m, n) of a sparse matrix: `rows` and `indices` are the row and column of each entry of `data`, `indptr` the
    starts of the rows.

    For one output in float64, products add the entries in the same order as SciPy; creating a SciPy matrix would take
    longer than a small product.
    """

    def __init__(self, data: Array, rows: Array, indices: Array, indptr: Array, n: int) -> None:
        self.data, self.indices, self.indptr, self.shape = data, indices, indptr, (len(indptr) - 1, n)
        self._rows = rows

    def __matmul__(self, w: Array) -> Array:
        """Xw."""
        if w.ndim == 1 and w.dtype == self.data.dtype == np.float64:
            return np.bincount(self._rows, self.data * w[self.indices], self.shape[0])
        return np.asarray(self._whole() @ w)

    @property
    def T(self) -> "_Transposed":
        """Xᵀ."""
        return _Transposed(self)

    def of_transposed(self, z: Array) -> Array:
        """Xᵀz."""
        if z.ndim == 1 and z.dtype == self.data.dtype == np.float64:
            return np.bincount(self.indices, self.data * z[self._rows], self.shape[1])
        return np.asarray(self._whole().T @ z)

    def _whole(self) -> Any:
        return csr_array((self.data, self.indices, self.indptr), shape=self.shape)


class _Transposed(NamedTuple):
    """Xᵀ of some rows X."""

    of: CsrRows

    def __matmul__(self, z: Array) -> Array:
        return self.of.of_transposed(z)


class SparseBatches:
    """Batches as (touched, blocks (x, y, ω or None)): `touched` (k,) are the features that occur in the batch, and x
    (m, k) has their columns only. `touched` is slice(None) if the batch has all features."""

    def __init__(self, descent: Descent, whole: Callable[[], bool]) -> None:
        X, size, self._descent = descent.X, descent.size, descent
        self._X, self._y, self._size, self._rng, self._weights = X, descent.y, size, descent.rng, descent.weights
        self._whole = whole
        if size < X.shape[0] or self._rng is not None:  # else this rank needs only its own rows
            opened(X)
        self.count = -(-X.shape[0] // size)
        self.order = np.arange(X.shape[0])
        self._step = size * max(1, _WINDOW // size)
        self._held = range(0)  # the positions in the order of the rows in the window
        self._window: tuple[Any, Array, Array, Array | None] = (None, self.order, descent.y, None)

    def arrange(self) -> None:
        """Order the rows for the next epoch; the order depends only on the generator's state and the number of rows."""
        if self._rng is not None:
            self._held = range(0)
            self.order = np.arange(self._X.shape[0])
            self._rng.shuffle(self.order)

    def part(self, start: int, stop: int) -> Iterator[Any]:
        """The batches of the epoch from number `start` to `stop` − 1."""
        for number in range(start, min(stop, self.count)):
            yield self._batch(number * self._size)

    def _batch(self, at: int) -> Any:
        descent, mine = self._descent, self._descent.mine(at)
        if not (self._held.start <= mine.start and mine.stop <= self._held.stop):
            begin = at - at % self._step
            self._held = range(begin, begin + self._step) if descent.ranks.size == 1 else mine
            within = slice(self._held.start, self._held.stop)
            rows = within if self._rng is None else self.order[within]
            weights = None if self._weights is None else self._weights[rows]
            part = self._X[rows]
            rows_of_entries = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
            self._window = part, rows_of_entries, self._y[rows], weights
        part, rows_of_entries, targets, weights = self._window
        within = slice(mine.start - self._held.start, mine.stop - self._held.start)
        starts = part.indptr[within.start : within.stop + 1]
        entries = slice(starts[0], starts[-1])
        indices, width = part.indices[entries], part.shape[1]
        touched: Any = slice(None)
        if not self._whole() and sum(descent.ranks.gathered(len(indices))) < width:
            touched, indices = np.unique(indices, return_inverse=True)
            if descent.ranks.size > 1:
                of_all = np.unique(np.concatenate(descent.ranks.gathered(touched)))
                touched, indices = of_all, np.searchsorted(of_all, touched)[indices]
            width = len(touched)
        targets, weights, data = targets[within], None if weights is None else weights[within], part.data[entries]
        of_entries = rows_of_entries[entries] - within.start
        starts = starts - starts[0]
        blocks = []
        for first in range(0, len(targets), sums.ROWS):
            rows = slice(first, first + sums.ROWS)
            of_rows = starts[first : first + sums.ROWS + 1]
            entries = slice(of_rows[0], of_rows[-1])
            x = CsrRows(data[entries], of_entries[entries] - first, indices[entries], of_rows - of_rows[0], width)
            blocks.append((x, targets[rows], None if weights is None else weights[rows]))
        return touched, blocks


class _WholeBatches(SparseBatches):
    """Batches of blocks (x, xᵀ, y, buffer for z, ones, ω or None), as the loop over dense rows takes them."""

    def __init__(self, descent: Descent, w: Array) -> None:
        super().__init__(descent, lambda: True)
        rows = min(self._size, sums.ROWS)
        self._z, self._ones = np.empty((rows, *w.shape[1:]), w.dtype), np.ones(rows, w.dtype)

    def _batch(self, at: int) -> Any:
        _, blocks = super()._batch(at)
        return [(x, x.T, y, self._z[: len(y)], self._ones[: len(y)], omega) for x, y, omega in blocks]
