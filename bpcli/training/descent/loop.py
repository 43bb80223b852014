"""The training loop: mini-batch gradient descent on one affine layer, as a generator of epochs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import NotFiniteError
from bpcli.formulas.steps import Step
from bpcli.training.descent.state import Pause, State
from bpcli.training.descent.update_rule import PLAIN_DESCENT, UpdateRule

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the rows: `loss` is the mean over the batches of the loss before each update, weighted by size."""

    number: int
    loss: float
    learning_rate: float | None
    seconds: float


class DivergedError(NotFiniteError):
    """The loss or a weight is no longer finite."""


@dataclass(frozen=True)
class Descent:
    """The rows and settings of a training, which stay the same while its state changes.

    X: (N, n), an array, a `Matrix` in a file, or sparse; y: (N,), targets or class numbers. With `rng` the rows are
    shuffled before each epoch. The last batch may be smaller and is averaged over its own size.

    `l2` adds l2/2·‖w‖² to J, `l1` adds l1·‖w‖₁, for which a step ends with a soft threshold: w := w − clip(w, −αλ, αλ)
    (Beck & Teboulle 2009); see `Optimizer`. Neither touches b nor the reported loss. `weights` (N,) are ω in
    J = (1/N) Σ ωJ₀ of a batch; of mean 1 over all rows, the loss is their weighted mean.
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

    @property
    def rows(self) -> int:
        """N."""
        return int(self.X.shape[0])

    @property
    def size(self) -> int:
        """The rows of a batch, of which there are at most N."""
        return min(self.batch_size, self.rows)


def descend_epochs(descent: Descent, state: State, pause: Pause | None = None) -> Iterator[Epoch | None]:
    """Train `state` in place by w := w − α(∂J/∂w)ᵀ, b := b − α ∂J/∂b, from where it stands; yields a record for each
    epoch.

    w: (n,) or (n, K); b: () or (K,). Raises DivergedError when the loss or the weights are no longer finite.

    Yields None where `pause` stops it within an epoch. Between two records the state is complete: another call goes on
    from it, saved or not, with the same steps. The inner step creates no arrays: every product is written into a buffer
    that was made before the first.
    """
    batches = _Batches(descent, state.w.shape[1:])
    is_plain = descent.update_rule == PLAIN_DESCENT
    sweep = _PlainSweep(descent, state) if is_plain else OptimizerSweep(descent, state)
    return run_epochs(batches, sweep, descent, state, pause or Pause())


class Batches(Protocol):
    """The batches of an epoch, in the form that the sweep takes; `count` is their number."""

    count: int

    def arrange(self) -> None:
        """Order the rows for the next epoch, by the generator's state and the number of rows alone."""

    def part(self, start: int, stop: int) -> Iterable[Any]:
        """The epoch's batches from number `start` to `stop` − 1."""


class Sweep(Protocol):
    """Takes the steps over batches and changes the state; `learning_rate` is α of the current epoch."""

    learning_rate: float

    def __call__(self, batches: Iterable[Any]) -> None:
        """A step a batch."""

    def finish_epoch(self) -> None:
        """At the end of an epoch, make the changes that the steps have postponed."""


def run_epochs(batches: Batches, sweep: Sweep, descent: Descent, state: State, pause: Pause) -> Iterator[Epoch | None]:
    """The epochs of `descend_epochs` for any form of rows: `sweep` takes the steps over `batches`."""
    rng = descent.rng
    if rng is not None:
        if state.generator is None:
            state.generator = dict(rng.bit_generator.state)
        rng.bit_generator.state = state.generator
    run, arranged = 1, False  # steps between two looks at the clock
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
                run = max(1, int(_PATIENCE * (state.batch - before) / max(now - last, 1e-9)))
                if now >= pause.at:
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
    """Steps of gradient descent over batches, in memory that is allocated once."""

    learning_rate = 0.0

    def __init__(self, descent: Descent, state: State) -> None:
        self._descent, self._state = descent, state
        self._dJ_dw, self._dJ_db = np.empty_like(state.w), np.empty_like(state.b)
        self._scratch = np.empty_like(state.w)

    def finish_epoch(self) -> None:
        """Nothing is postponed."""

    def __call__(self, batches: Iterable["Batch"]) -> None:
        """A step a batch."""
        state, step, learning_rate = self._state, self._descent.step, self.learning_rate
        l1, l2 = self._descent.l1, self._descent.l2
        dJ_dw, dJ_db, scratch, w, b = self._dJ_dw, self._dJ_db, self._scratch, state.w, state.b
        threshold = learning_rate * l1
        total, lost, at = state.loss, state.loss_lost, state.batch
        for x, x_T, target, z, ones, omega in batches:
            np.dot(x, w, z)
            np.add(z, b, z)
            loss = step(z, target, omega)  # z is now N·∂J/∂z, of the N rows of this batch
            at += 1
            if not isfinite(loss):
                raise diverged(state.epoch + 1, at, f"the loss is {loss}", learning_rate)
            total, lost = added(total, lost, loss)
            np.dot(x_T, z, dJ_dw)
            np.dot(ones, z, dJ_db)  # the sum over the rows; a product costs half of what a reduction does
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
    """Steps of any optimiser, with a warm-up or a bound on the gradient."""

    def __init__(self, descent: Descent, state: State) -> None:
        super().__init__(descent, state)
        self._scratch_b = np.empty_like(state.b)

    @staticmethod
    def _dot(x: Any, y: Array, out: Array) -> None:
        """The product of x and y, written into `out`."""
        np.dot(x, y, out)

    def __call__(self, batches: Iterable["Batch"]) -> None:
        """A step for each batch: the gradient with its penalties, clipped, and then the optimiser's step."""
        state, descent, rule = self._state, self._descent, self._descent.update_rule
        l1, l2 = descent.l1, descent.l2
        dJ_dw, dJ_db, scratch, w, b = self._dJ_dw, self._dJ_db, self._scratch, state.w, state.b
        slots_w, slots_b = rule.slots(state, "w"), rule.slots(state, "b")
        for x, x_T, target, z, ones, omega in batches:
            self._dot(x, w, z)
            np.add(z, b, z)
            loss = descent.step(z, target, omega)
            if not isfinite(loss):
                raise diverged(state.epoch + 1, state.batch + 1, f"the loss is {loss}", self.learning_rate)
            self._dot(x_T, z, dJ_dw)
            np.dot(ones, z, dJ_db)
            shrink = rule.clipped(dJ_dw, dJ_db, len(z), w, l1, l2)
            np.multiply(dJ_dw, shrink / len(z), dJ_dw)
            np.multiply(dJ_db, shrink / len(z), dJ_db)
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


def added(total: float, lost: float, term: float) -> tuple[float, float]:
    """A sum with one more term, and its rounding error so far: the error does not grow with the terms (Kahan 1965)."""
    term -= lost
    new = total + term
    return new, (new - total) - term


_PATIENCE = 0.01
"""Seconds of steps between two looks at the clock, which takes a noticeable part of a step of microseconds."""

_COPIED = 1 << 25
"""Bytes of rows that are copied in their order at once, so that each batch is a view made beforehand."""

_CHUNK = 1 << 17
"""Bytes of rows that stay together where the rows need more than one window."""

Batch = tuple[Array, Array, Array, Array, Array, Array | None]


class _Batches:
    """The batches of an epoch as (x, xᵀ, y, buffer of z, ones, ω or None), shuffled with a generator.

    All in memory that is allocated once: a window, into which the rows of the next batches are copied in order. Up to
    `_COPIED` bytes the window holds all rows. If there are more, an epoch shuffles chunks of `_CHUNK` bytes, and then
    the rows within each window: a file is read in large pieces, and the rows of a window still come from hundreds of
    places.
    """

    def __init__(self, descent: Descent, outputs: tuple[int, ...]) -> None:
        X, y, rng, weights, size = descent.X, descent.y, descent.rng, descent.weights, descent.size
        self._X, self._y, self._rng, self._all_weights = X, y, rng, weights
        N, width = X.shape
        self._size, self._order = size, np.arange(N)
        self._z = np.empty((size, *outputs), X.dtype)
        self._ones = np.ones(size, X.dtype)
        row = max(1, width * X.dtype.itemsize)
        self._chunk = max(1, _CHUNK // row)
        within = N * row <= _COPIED
        self._stays = rng is None and isinstance(X, np.ndarray)  # rows in memory that keep their order
        rows = N if within or self._stays else min(N, size * max(1, _COPIED // (row * size)))
        self._rows = X if self._stays else np.empty((rows, width), X.dtype)
        self._targets = y if self._stays else np.empty(rows, y.dtype)
        self._weights = weights if self._stays or weights is None else np.empty(rows, weights.dtype)
        self._unshuffled = self._order.copy() if len(self._rows) == N else self._order
        self._views = [self._view(at, min(at + size, rows)) for at in range(0, rows, size)]
        self._window = 0 if self._stays else -1  # the number of the window in memory
        self.count = -(-N // size)

    def _view(self, start: int, stop: int) -> Batch:
        x = self._rows[start:stop]
        weights = None if self._weights is None else self._weights[start:stop]
        return x, x.T, self._targets[start:stop], self._z[: stop - start], self._ones[: stop - start], weights

    def arrange(self) -> None:
        """Order the rows for the next epoch, by the generator's state and the number of rows alone."""
        if self._rng is None:
            return
        N, rows = len(self._order), len(self._rows)
        self._window = -1
        if rows == N:
            np.copyto(self._order, self._unshuffled)
            self._rng.shuffle(self._order)
            return
        at = 0
        for chunk in self._rng.permutation(-(-N // self._chunk)).tolist():
            rows_of_it = range(chunk * self._chunk, min(N, (chunk + 1) * self._chunk))
            self._order[at : at + len(rows_of_it)] = rows_of_it
            at += len(rows_of_it)
        for first in range(0, N, rows):
            self._rng.shuffle(self._order[first : first + rows])

    def part(self, start: int, stop: int) -> Iterable[Batch]:
        """The epoch's batches from number `start` to `stop`, each in memory that a later one reuses."""
        per = len(self._views)
        if per >= self.count:
            self._load(0)
            return self._views[start:stop]
        return (self._batch(*divmod(number, per)) for number in range(start, min(stop, self.count)))

    def _batch(self, window: int, at: int) -> Batch:
        self._load(window)
        left = len(self._order) - (window * len(self._views) + at) * self._size
        return self._views[at] if left >= self._size else self._view(at * self._size, at * self._size + left)

    def _load(self, window: int) -> None:
        """Copy the rows of a window; with "clip", as "raise" would make NumPy buffer the output."""
        if window == self._window:
            return
        self._window = window
        first = window * len(self._rows)
        rows = self._order[first : first + len(self._rows)]
        self._X.take(rows, 0, self._rows[: len(rows)], "clip")
        self._y.take(rows, 0, self._targets[: len(rows)], "clip")
        if self._all_weights is not None and self._weights is not None:
            self._all_weights.take(rows, 0, self._weights[: len(rows)], "clip")


def diverged(epoch: int, step: int, what: str, learning_rate: float | None) -> DivergedError:
    """The error of a training that diverged in that step, and what helps."""
    rate = "" if learning_rate is None else f"try a smaller training.learning_rate (it is {learning_rate:g}), and "
    return DivergedError(
        f"training diverged in epoch {epoch}, step {step}: {what}",
        f"{rate}data.standardize: true if the features are not of one scale",
    )
