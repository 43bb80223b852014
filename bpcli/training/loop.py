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

    The inner step creates no arrays: every product is written into a buffer made here.
    """
    N = len(X)
    size = min(batch_size, N)
    order = np.arange(N) if rng is not None else None
    X_batch, y_batch = np.empty((size, X.shape[1]), X.dtype), np.empty(size, y.dtype)
    z_batch = np.empty((size, *w.shape[1:]), X.dtype)
    dJ_dw, dJ_db, scratch = np.empty_like(w), np.empty_like(b), np.empty_like(w)
    threshold = learning_rate * l1
    for number in range(1, epochs + 1):
        began = perf_counter()
        total = 0.0
        if rng is not None and order is not None:
            rng.shuffle(order)
        with np.errstate(all="ignore"):  # what overflows is reported below, as divergence
            for start in range(0, N, size):
                stop = min(start + size, N)
                if order is None:
                    x, target = X[start:stop], y[start:stop]
                else:
                    rows, x, target = order[start:stop], X_batch[: stop - start], y_batch[: stop - start]
                    X.take(rows, 0, x, "clip")  # "raise" would make NumPy buffer the output
                    y.take(rows, 0, target, "clip")
                z = z_batch[: stop - start]
                np.matmul(x, w, z)
                np.add(z, b, z)
                loss = step(z, target)  # z is now ∂J/∂z
                if not isfinite(loss):
                    raise _diverged(number, start // size + 1, f"the loss is {loss}", learning_rate)
                total += loss
                np.matmul(x.T, z, dJ_dw)
                np.add.reduce(z, axis=0, out=dJ_db)
                if l2:
                    np.multiply(w, l2, scratch)
                    np.add(dJ_dw, scratch, dJ_dw)
                np.multiply(dJ_dw, learning_rate, dJ_dw)
                np.subtract(w, dJ_dw, w)
                np.multiply(dJ_db, learning_rate, dJ_db)
                np.subtract(b, dJ_db, b)
                if l1:
                    np.clip(w, -threshold, threshold, scratch)
                    np.subtract(w, scratch, w)
        if not (np.isfinite(w).all() and np.isfinite(b).all()):
            raise _diverged(number, -(-N // size), "a weight is no longer finite", learning_rate)
        yield Epoch(number, total / N, learning_rate, perf_counter() - began)


def _diverged(epoch: int, step: int, what: str, learning_rate: float) -> DivergedError:
    return DivergedError(
        f"training diverged in epoch {epoch}, step {step}: {what}",
        f"try a smaller training.learning_rate (it is {learning_rate:g}), and data.standardize: true if the features "
        "are not of one scale",
    )
