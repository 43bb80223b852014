"""The training loop: mini-batch gradient descent on one affine layer, as a generator that knows nothing of printing."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import NotFiniteError
from bpcli.formulas.steps import Step

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the rows: `loss` is the mean over the batches of the loss before each update, weighted by size."""

    number: int
    loss: float
    learning_rate: float
    seconds: float


class DivergedError(NotFiniteError):
    """The loss or a weight left the finite numbers."""


def descend_epochs(
    X: Array,
    y: Array,
    w: Array,
    b: Array,
    step: Step,
    *,
    learning_rate: float,
    batch_size: int,
    epochs: int,
    rng: np.random.Generator | None,
    l1: float = 0.0,
    l2: float = 0.0,
) -> Iterator[Epoch]:
    """Train `w` and `b` in place by w := w − α(∂J/∂w)ᵀ, b := b − α ∂J/∂b, an epoch a record.

    X: (N, n); y: (N,), targets or class numbers; w: (n,) or (n, K); b: () or (K,). With `rng` the rows are shuffled
    before each epoch. `l2` adds l2/2·‖w‖² to J; `l1` adds l1·‖w‖₁, whose step is the soft threshold (Beck & Teboulle
    2009): w := w − clip(w, −αλ, αλ). Neither touches b nor the reported loss. The last batch may be smaller and
    is averaged over its own size. Raises DivergedError when the loss or the weights are no longer finite.

    The inner step creates no arrays: every product is written into a buffer that was made before the first.
    """
    N = len(X)
    size = min(batch_size, N)
    batches = _Batches(X, y, size, rng, w.shape[1:])
    dJ_dw, dJ_db, scratch = np.empty_like(w), np.empty_like(b), np.empty_like(w)
    threshold = learning_rate * l1
    for number in range(1, epochs + 1):
        began = perf_counter()
        total = 0.0
        with np.errstate(all="ignore"):  # what overflows is reported below, as divergence
            for at, (x, x_T, target, z, ones) in enumerate(batches.epoch()):
                np.dot(x, w, z)
                np.add(z, b, z)
                loss = step(z, target)  # z is now N·∂J/∂z, of the N rows of this batch
                if not isfinite(loss):
                    raise _diverged(number, at + 1, f"the loss is {loss}", learning_rate)
                total += loss
                np.dot(x_T, z, dJ_dw)
                np.dot(ones, z, dJ_db)  # the sum over the rows; a product costs half of what a reduction does
                rate = learning_rate / len(z)
                np.multiply(dJ_dw, rate, dJ_dw)
                np.multiply(dJ_db, rate, dJ_db)
                if l2:
                    np.multiply(w, learning_rate * l2, scratch)
                    np.add(dJ_dw, scratch, dJ_dw)
                np.subtract(w, dJ_dw, w)
                np.subtract(b, dJ_db, b)
                if l1:
                    np.clip(w, -threshold, threshold, scratch)
                    np.subtract(w, scratch, w)
        if not (np.isfinite(w).all() and np.isfinite(b).all()):
            raise _diverged(number, -(-N // size), "a weight is no longer finite", learning_rate)
        yield Epoch(number, total / N, learning_rate, perf_counter() - began)


_COPIED = 1 << 26
"""Bytes of rows up to which an epoch's order is copied out at once, so that each batch is a view made beforehand."""

Batch = tuple[Array, Array, Array, Array, Array]


class _Batches:
    """The batches of an epoch as (x, xᵀ, y, buffer of z, ones), shuffled with a generator, in memory made once."""

    def __init__(
        self, X: Array, y: Array, size: int, rng: np.random.Generator | None, outputs: tuple[int, ...]
    ) -> None:
        self._X, self._y, self._rng = X, y, rng
        self._order = np.arange(len(X))
        self._z = np.empty((size, *outputs), X.dtype)
        self._ones = np.ones(size, X.dtype)
        self._starts = range(0, len(X), size)
        # At least one step's rows have to fit; beyond that the copy of the whole only saves calls.
        self._whole = rng is None or X.nbytes <= _COPIED
        rows = len(X) if self._whole else size
        self._rows = X if rng is None else np.empty((rows, X.shape[1]), X.dtype)
        self._targets = y if rng is None else np.empty(rows, y.dtype)
        self._views = [self._view(at, min(at + size, len(X))) for at in self._starts] if self._whole else []
        self._size = size

    def _view(self, start: int, stop: int) -> Batch:
        x = self._rows[start:stop]
        return x, x.T, self._targets[start:stop], self._z[: stop - start], self._ones[: stop - start]

    def epoch(self) -> Iterator[Batch]:
        """The batches, each in the memory of one that came before: use it before asking for the next."""
        if self._rng is not None:
            self._rng.shuffle(self._order)
        if not self._whole:
            yield from map(self._gathered, self._starts)
            return
        if self._rng is not None:
            self._X.take(self._order, 0, self._rows, "clip")  # "raise" would make NumPy buffer the output
            self._y.take(self._order, 0, self._targets, "clip")
        yield from self._views

    def _gathered(self, start: int) -> Batch:
        rows = self._order[start : start + self._size]
        batch = self._view(0, len(rows))
        self._X.take(rows, 0, batch[0], "clip")
        self._y.take(rows, 0, batch[2], "clip")
        return batch


def _diverged(epoch: int, step: int, what: str, learning_rate: float) -> DivergedError:
    return DivergedError(
        f"training diverged in epoch {epoch}, step {step}: {what}",
        f"try a smaller training.learning_rate (it is {learning_rate:g}), and data.standardize: true if the features "
        "are not of one scale",
    )
