"""Trains several models side by side: a step is a stacked matrix product, and each model gets the bits it gets alone.

They are the same because `np.matmul` of stacked matrices computes each product as `np.dot` does, all other operations
act on each entry by itself, and sums are taken for each model separately.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.formulas.steps import Step
from bpcli.training.descent.batches import CACHED, DenseBatches, Descent
from bpcli.training.descent.loop import run_epochs
from bpcli.training.descent.state import Pause, State
from bpcli.training.descent.update_rule import PLAIN_DESCENT

Array = NDArray[Any]


class UnlikeError(Exception):
    """A formula takes different branches for different models, so that they can't be stacked."""


class Numbers(np.ndarray[Any, np.dtype[np.float64]]):
    """A number for each of several models, in a shape that broadcasts over their parameters; true if none is 0.

    UnlikeError if only some are 0: a step can't take two branches at once.
    """

    def __bool__(self) -> bool:
        count = int(np.count_nonzero(self))
        if 0 < count < self.size:
            raise UnlikeError
        return count > 0

    def __pow__(self, exponent: Any, modulo: None = None, /) -> Any:
        """Python's power, as for a single model; NumPy's may differ in the last bit."""
        return np.array([x**exponent for x in self.ravel().tolist()]).reshape(self.shape).view(Numbers)


_MOST = 1 << 16
"""Models with at most this many numbers z in a batch, and weights, are stacked; for larger ones it saves no time."""


def can_be_stacked(descent: Descent, outputs: int = 1) -> bool:
    """Whether a training can be stacked with others: its rows are in memory, contiguous and float64, batches are small,
    and the optimiser acts on each entry by itself."""
    X = descent.X
    if not (isinstance(X, np.ndarray) and X.flags.c_contiguous and X.dtype == np.float64) or descent.in_blocks:
        return False
    rule = descent.update_rule
    small = int(max(descent.size, X.shape[1] + 1)) * outputs <= _MOST
    return small and is_entrywise(rule.optimizer.step, len(rule.optimizer.slots), (*rule.optimizer_settings.items(),))


@cache
def is_entrywise(step: Callable[..., None], slots: int, settings: tuple[tuple[str, float], ...]) -> bool:
    """Whether an optimiser changes each entry by itself, and uses no norm of all entries, say.

    Needed because the entries of several models are in one array. It is found by trying gradients of several sizes.
    """
    size = 4
    drawn = np.random.default_rng(0).normal(size=(2, size))

    def after(entries: slice, scale: float) -> Array:
        p, kept = drawn[0, entries].copy(), [np.zeros_like(drawn[0, entries]) for _ in range(slots)]
        for t in (1, 2):
            step(p, scale * t * drawn[1, entries], t, 0.1, 0.01, dict(settings), kept, np.empty_like(p))
        return np.array([p, *kept])

    with np.errstate(all="ignore"):
        for scale in (1e-3, 1.0, 1e3):
            alone = np.hstack([after(slice(k, k + 1), scale) for k in range(size)])
            if not np.allclose(after(slice(size), scale), alone, 1e-9, 0.0, equal_nan=True):
                return False
    return True


def likeness(descent: Descent) -> tuple[Any, ...]:
    """The properties that trainings must have in common to be stacked; l1 is 0 for all or for none, and so is l2."""
    rule = descent.update_rule
    alike = replace(rule, optimizer_settings={})
    weighted = descent.weights is not None
    shape = (descent.X.shape, descent.y.dtype, descent.size, descent.epochs, descent.rng is None, weighted)
    return (*shape, rule == PLAIN_DESCENT, bool(descent.l1), bool(descent.l2), repr(alike), rule.epochs)


class _Batch(NamedTuple):
    """A batch of F sets of m rows, for C models each: x (F, 1, m, n), xᵀ, z (F, C, m, K), z as (F·C·m, K), y and ω."""

    x: Array
    x_transposed: Array
    z: Array
    z_flat: Array
    y: Array
    omega: Array | None
    ones: Array


class _StackedBatches:
    """The batches of F sets of rows, each for C models, in buffers that are allocated once, as in `DenseBatches`."""

    def __init__(self, descents: Sequence[Descent], models: int, outputs: tuple[int, ...]) -> None:
        first = descents[0]
        self._descents, self._sets = descents, [DenseBatches(descent, outputs) for descent in descents]
        self.count = self._sets[0].count
        (self._N, n), self._size = first.X.shape, first.size
        F, C, K = self._shape = len(descents), models, outputs[0] if outputs else 1
        held = self._held = min(self._N, self._size * max(1, CACHED // max(1, 8 * n * F * self._size)))
        self._X, self._y = np.empty((F, held, n)), np.empty((F, held), first.y.dtype)
        self._omega = None if first.weights is None else np.empty((F, held))
        self._z = np.empty(F * C * self._size * K)
        self._flat = (-1, *outputs)
        self._window, self._views, self._viewed = -1, list[_Batch](), 0
        self._tiles: list[tuple[Array, Array]] = []  # y and ω of the rows, and their copies for each model

    def arrange(self) -> None:
        """Order the rows of each set for the next epoch."""
        for rows, descent in zip(self._sets, self._descents, strict=True):
            rows.arrange()
            if descent.rng is not None:
                self._window = -1

    def part(self, start: int, stop: int) -> Iterator[_Batch]:
        """The batches of the epoch from number `start` to `stop` − 1, in buffers that later ones overwrite."""
        stop, per = min(stop, self.count), -(-self._held // self._size)
        for window in range(start // per, -(-stop // per)):
            self._load(window)
            yield from self._views[max(0, start - window * per) : stop - window * per]

    def _load(self, window: int) -> None:
        if window == self._window:
            return
        self._window = window
        first, rows = window * self._held, min(self._held, self._N - window * self._held)
        for f, (source, descent) in enumerate(zip(self._sets, self._descents, strict=True)):
            order = source.order[first : first + rows]
            descent.X.take(order, 0, self._X[f, :rows], "clip")
            descent.y.take(order, 0, self._y[f, :rows], "clip")
            if descent.weights is not None and self._omega is not None:
                descent.weights.take(order, 0, self._omega[f, :rows], "clip")
        if rows != self._viewed:
            self._viewed, self._tiles = rows, []
            self._views = [self._view(at, min(at + self._size, rows)) for at in range(0, rows, self._size)]
        for own, tile in self._tiles:
            np.copyto(tile, own)

    def _view(self, start: int, stop: int) -> _Batch:
        F, C, K = self._shape
        m = stop - start
        x = self._X[:, None, start:stop]
        z = self._z[: F * C * m * K]
        y, omega = self._tiled(self._y, start, stop), None
        if self._omega is not None:
            omega = self._tiled(self._omega, start, stop)
        return _Batch(x, x.swapaxes(2, 3), z.reshape(F, C, m, K), z.reshape(self._flat), y, omega, np.ones((1, m)))

    def _tiled(self, of_rows: Array, start: int, stop: int) -> Array:
        F, C, _ = self._shape
        tile = np.empty((F, C, stop - start), of_rows.dtype)
        self._tiles.append((of_rows[:, None, start:stop], tile))
        return tile.reshape(-1)


class Stack:
    """Trainings that step together: C models on each of F sets of rows, all of one `likeness`.

    `descents` and `states` are F lists of C trainings; those of a list have the same rows in the same order. `step` is
    for F·C models. A training whose loss or weights are no longer finite leaves the stack, with the state of the last
    `give`; it is then trained alone, which raises the error.
    """

    def __init__(self, descents: Sequence[Sequence[Descent]], states: Sequence[Sequence[State]], step: Step) -> None:
        first, state = descents[0][0], states[0][0]
        self._descents, self._states, self._step = [d for some in descents for d in some], states, step
        self._rule, self._first = first.update_rule, replace(first, rng=None, learning_rate=1.0)
        self._rngs = [some[0].rng for some in descents]
        self._generators: list[dict[str, Any] | None] = [some[0].generator for some in states]
        outputs, n = state.w.shape[1:], len(state.w)
        F, C, K = len(descents), len(descents[0]), outputs[0] if outputs else 1
        self._batches = _StackedBatches([some[0] for some in descents], C, outputs)
        self._n_w, p = n * K, (n + 1) * K
        self._p, self._g, self._scratch = np.zeros((F, C, p)), np.zeros((F, C, p)), np.empty((F, C, p))
        self._slots = [np.zeros((F, C, p)) for _ in self._rule.optimizer.slots]
        self._w, self._b = self._p[..., : n * K].reshape(F, C, n, K), self._p[..., n * K :].reshape(F, C, 1, K)
        self._dJ_dw, self._dJ_db = self._g[..., : n * K].reshape(F, C, n, K), self._g[..., n * K :].reshape(F, C, 1, K)
        self._losses, self._out = np.zeros((F, C)), np.zeros((F, C), bool)
        self._rates = self._numbers([d.learning_rate for d in self._descents])
        self._l1, self._l2 = (
            self._numbers([d.l1 for d in self._descents]),
            self._numbers([d.l2 for d in self._descents]),
        )
        self._settings = {
            name: self._numbers([d.update_rule.optimizer_settings[name] for d in self._descents])
            for name in self._rule.optimizer.settings
        }
        self.learning_rate = 1.0  # the schedule's factor, as the α of all is 1 in `_first`
        self._whole = State(self._w, self._b, epoch=state.epoch, batch=state.batch, steps=state.steps)
        self._take()

    def _numbers(self, values: Sequence[float]) -> float | Array:
        """The values, one for each model, as `Numbers`; a plain number if all are equal."""
        if len(set(values)) == 1:
            return values[0]
        return np.array(values).reshape(*self._out.shape, 1).view(Numbers)

    def epochs(self, pause: Pause) -> Iterator[bool]:
        """Take the steps; yields True at the end of each epoch, False if `pause` stops it within one; see `give`."""
        for epoch in run_epochs(self._batches, self, self._first, self._whole, pause):
            if epoch is not None:
                self._generators = [None if rng is None else dict(rng.bit_generator.state) for rng in self._rngs]
            yield epoch is not None

    def _take(self) -> None:
        """Copy the states of the trainings into the stack."""
        for f, rng in enumerate(self._rngs):
            if rng is not None:
                rng.bit_generator.state = self._generators[f] = self._generators[f] or dict(rng.bit_generator.state)
        for f, c in self.running():
            state = self._states[f][c]
            self._losses[f, c] = state.loss
            for stacked, (w, b) in self._arrays(state):
                stacked[f, c, : self._n_w], stacked[f, c, self._n_w :] = w.reshape(-1), b.reshape(-1)

    def give(self) -> None:
        """Copy the stack back into the states of the trainings."""
        self._drop_lost()
        whole = self._whole
        for f, c in self.running():
            state = self._states[f][c]
            state.epoch, state.batch, state.steps = whole.epoch, whole.batch, whole.steps
            state.loss, state.generator = float(self._losses[f, c]), self._generators[f]
            for stacked, (w, b) in self._arrays(state):
                w[...] = stacked[f, c, : self._n_w].reshape(w.shape)
                b[...] = stacked[f, c, self._n_w :].reshape(b.shape)

    def running(self) -> list[tuple[int, int]]:
        """The indices (f, c) of the trainings that are still in the stack."""
        return [(int(f), int(c)) for f, c in np.argwhere(~self._out)]

    def retire(self, f: int, c: int) -> None:
        """Take a training out of the stack; its state stays as it is."""
        self._out[f, c] = True

    def _arrays(self, state: State) -> Iterator[tuple[Array, tuple[Array, Array]]]:
        """Each stacked array, with the arrays of w and b of a state that belong to it."""
        slots = zip(self._rule.slots(state, "w"), self._rule.slots(state, "b"), strict=True)
        yield from zip([self._p, *self._slots], [(state.w, state.b), *slots], strict=True)

    def finish_epoch(self) -> None:
        """Drop the trainings that are no longer finite."""
        self._drop_lost()
        self._losses[...] = 0.0

    def _drop_lost(self) -> None:
        """Retire the trainings that are no longer finite; their numbers become 0, so that they can't overflow."""
        lost = ~(np.isfinite(self._losses) & np.isfinite(self._p).all(axis=2))
        if isinstance(self._rates, Numbers):  # a training whose α has become 0 takes another branch of a formula
            still = (self._rates * self.learning_rate == 0).reshape(lost.shape)
            lost |= still & ~still.all()
        if lost.any():
            self._out |= lost
            for array in (self._p, self._losses, *self._slots):
                array[lost] = 0.0

    def __call__(self, batches: Iterable[_Batch]) -> None:
        """Take a step for each batch, by the formulas of `_PlainSweep` or `OptimizerSweep`."""
        update = self._descend if self._rule == PLAIN_DESCENT else self._optimize
        learning_rate, whole = self._rates * self.learning_rate, self._whole
        for x, x_transposed, z, z_flat, y, omega, ones in batches:
            np.matmul(x, self._w, z)
            np.add(z, self._b, z)
            self._losses += self._step.of_each(z_flat, y, omega).reshape(self._losses.shape)
            np.matmul(x_transposed, z, self._dJ_dw)
            np.matmul(ones, z, self._dJ_db)
            update(learning_rate, z.shape[2])
            whole.batch += 1
            whole.steps += 1

    def _descend(self, learning_rate: float | Array, m: int) -> None:
        """p := p − α·∂J/∂p, with l2 and l1."""
        g, p, n_w = self._g, self._p, self._n_w
        np.multiply(g, learning_rate / m, g)
        if self._l2:
            scratch, dJ_dw = self._scratch[..., :n_w], g[..., :n_w]
            np.multiply(p[..., :n_w], learning_rate * self._l2, scratch)
            np.add(dJ_dw, scratch, dJ_dw)
        np.subtract(p, g, p)
        if self._l1:
            w, scratch, threshold = p[..., :n_w], self._scratch[..., :n_w], learning_rate * self._l1
            np.clip(w, -threshold, threshold, scratch)
            np.subtract(w, scratch, w)

    def _optimize(self, learning_rate: float | Array, m: int) -> None:
        """The optimiser's step, with penalties, warm-up and clipping."""
        rule, g, p, n_w = self._rule, self._g, self._p, self._n_w
        w, dJ_dw, scratch = p[..., :n_w], g[..., :n_w], self._scratch[..., :n_w]
        shrink = self._clipped(m)
        np.multiply(g, shrink / m, g)
        t = self._whole.steps + 1
        learning_rate = learning_rate * rule.warmed_up(t)
        if self._l2 and rule.optimizer.decoupled:
            np.multiply(w, learning_rate * self._l2, scratch)
            np.subtract(w, scratch, w)
        elif self._l2:
            np.multiply(w, shrink * self._l2, scratch)
            np.add(dJ_dw, scratch, dJ_dw)
        parts = (slice(0, n_w), slice(n_w, None)) if self._l1 else (slice(None),)  # l1 does not apply to b
        for part in parts:
            arrays = [array[..., part] for array in (p, g, self._scratch, *self._slots)]
            l1 = shrink * self._l1 if part.start == 0 else 0.0
            rule.optimizer.step(arrays[0], arrays[1], t, learning_rate, l1, self._settings, arrays[3:], arrays[2])

    def _clipped(self, m: int) -> float | Array:
        """The factors that clip the gradients; see `UpdateRule.clipped`."""
        if self._rule.clip_norm is None:
            return 1.0
        g, w = self._g.reshape(-1, self._g.shape[2]), self._p.reshape(-1, self._p.shape[2])[:, : self._n_w]
        return self._numbers(
            [
                self._rule.clipped(g[k, : self._n_w], g[k, self._n_w :], m, w[k], d.l1, d.l2)
                for k, d in enumerate(self._descents)
            ]
        )
