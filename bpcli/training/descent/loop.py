"""The training loop: mini-batch gradient descent on one affine layer, as a generator of epochs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import NotFiniteError
from bpcli.training.descent.batches import Batch, Batches, Block, DenseBatches, Descent
from bpcli.training.descent.state import Pause, State
from bpcli.training.descent.update_rule import PLAIN_DESCENT

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


def diverged(epoch: int, step: int, what: str, learning_rate: float | None) -> DivergedError:
    """The error for a training that diverged in this step, with advice."""
    rate = "" if learning_rate is None else f"try a smaller training.learning_rate (it is {learning_rate:g}), and "
    return DivergedError(
        f"training diverged in epoch {epoch}, step {step}: {what}",
        f"{rate}data.standardize: true if the features are not of one scale",
    )
