"""The objective J over all training rows with its penalties, its gradient and its Hessian, computed block by block."""

from collections.abc import Callable, Iterator
from itertools import starmap
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli import sums
from bpcli.datasets.sparse import is_sparse
from bpcli.formulas.activations import Activation
from bpcli.formulas.losses import Loss
from bpcli.formulas.solvers import newton_step, pseudo_gradient
from bpcli.formulas.steps import Step
from bpcli.ranks import ALONE, Ranks, share

Array = NDArray[Any]


class Evaluation(NamedTuple):
    """At a θ: the objective with penalties, the mean loss without them, and the gradient (p,) without that of l1."""

    value: float
    loss: float
    gradient: Array


class Objective:
    """J(θ) = (1/N) Σ ωJ₀ + l1·Σ|w| + l2/2·‖w‖², θ (p,): w (n, K) row by row, then b (K,), with K = 1 for a neuron.

    X: (N, n), an array, a `RowFile`, or sparse; y: (N,), as the loss takes it. `step` is for blocks of up to
    `sums.ROWS` rows; `pair` are the activation and loss that it computes. l2 may be given for each entry of θ, (p,).
    `check` is called before each block, and may raise an error. Each of several `ranks` sums its share of the blocks,
    and calls `check` before the first.
    """

    def __init__(
        self,
        X: Any,
        y: Array,
        step: Step,
        pair: tuple[Activation | None, Loss],
        outputs: tuple[int, ...],
        l1: float = 0.0,
        l2: float | Array = 0.0,
        weights: Array | None = None,
        check: Callable[[], None] = lambda: None,
        ranks: Ranks = ALONE,
    ) -> None:
        self._X, self._y, self._step, self._pair, self._weights = X, y, step, pair, weights
        self._check, self._outputs, self._ranks = check, outputs, ranks
        self.N, n = X.shape
        self.K = outputs[0] if outputs else 1
        self.p = (n + 1) * self.K
        on_w = np.arange(self.p) < n * self.K
        self.l1, self.l2 = l1 * on_w, l2 * on_w

    def pack(self, w: Array, b: Array) -> Array:
        """θ (p,) from w and b."""
        return np.concatenate([w.reshape(-1), b.reshape(-1)]).astype(np.float64)

    def unpack(self, theta: Array) -> tuple[Array, Array]:
        """W and b from θ, in the shapes of a model."""
        w, b = theta[: -self.K], theta[-self.K :]
        return w.reshape(-1, *self._outputs), b.reshape(self._outputs)

    def __call__(self, theta: Array) -> Evaluation:
        """The value and the gradient at θ."""
        w, b = self.unpack(theta)
        with np.errstate(all="ignore"):
            total = self._summed(lambda x, y, omega: self._part(x, y, omega, w, b)) / self.N
            loss, gradient = float(total[0]), total[1:]
            penalty = float(self.l1 @ np.abs(theta)) + 0.5 * float(self.l2 @ theta**2)
        return Evaluation(loss + penalty, loss, gradient + self.l2 * theta)

    def _part(self, x: Any, y: Array, omega: Array | None, w: Array, b: Array) -> Array:
        z = np.asarray(x @ w + b)
        loss = self._step(z, y, omega)  # z is now ∂ΣJ₀/∂z
        return np.concatenate([[loss], np.asarray(x.T @ z).reshape(-1), z.sum(axis=0).reshape(-1)])

    def hessian(self, theta: Array) -> Array:
        """∂²J/∂θ² (p, p), without the l1 penalty."""
        from bpcli.training.descent.curvature import curvature_of

        (w, b), curvature = self.unpack(theta), curvature_of(*self._pair)
        with np.errstate(all="ignore"):
            H = self._summed(lambda x, y, omega: self._hessian_part(x, curvature(y, np.asarray(x @ w + b)), omega))
            H /= self.N
        return np.asarray(H + np.diag(self.l2))

    def score_products(self, theta: Array) -> Array:
        """Σ s sᵀ (p, p) over the rows with s = ∂(ωJ₀)/∂θ of one row, for the sandwich covariance."""
        w, b = self.unpack(theta)

        def part(x: Any, y: Array, omega: Array | None) -> Array:
            z = np.asarray(x @ w + b)
            self._step(z, y, omega)  # z is now ∂(ωJ₀)/∂z
            z = z.reshape(len(y), self.K)
            return self._hessian_part(x, z[:, :, None] * z[:, None, :], None)

        with np.errstate(all="ignore"):
            return self._summed(part)

    def _hessian_part(self, x: Any, h: Array, omega: Array | None) -> Array:
        """Σ ω (x, 1)(x, 1)ᵀ ⊗ h over the rows, (p, p), with h = ∂²J₀/∂z²."""
        K = self.K
        h = h.reshape(x.shape[0], K, K)
        h = h if omega is None else h * omega[:, None, None]
        H = np.empty((self.p // K, K, self.p // K, K))
        for k in range(K):
            for other in range(k + 1):
                block = _outer(x, h[:, k, other])
                H[:, k, :, other] = block
                H[:, other, :, k] = block
        return H.reshape(self.p, self.p)

    def moments(self) -> tuple[Array, Array]:
        """The weighted mean and standard deviation of each feature, (n,) each; never a deviation of 0.

        For a constant feature it is the root of its mean square, or 1 if that is 0.
        """

        def part(x: Any, y: Array, omega: Array | None) -> Array:
            squares = x.multiply(x) if is_sparse(x) else x * x
            ones = np.ones(x.shape[0]) if omega is None else omega
            return np.stack([np.asarray(x.T @ ones), np.asarray(squares.T @ ones)])

        mean, squares = self._summed(part) / self.N
        variance = squares - mean**2
        return mean, np.sqrt(np.where(variance > 1e-12 * squares, variance, np.where(squares > 0, squares, 1.0)))

    def features(self) -> Iterator[Any]:
        """The features, block by block."""
        return (x for x, _, _ in self._blocks(range(self._count)))

    def slope(self, theta: Array, at: Evaluation) -> Array:
        """The gradient including l1, as the shortest subgradient, which is 0 at the optimum."""
        return pseudo_gradient(at.gradient, theta, self.l1)

    def decrement(self, theta: Array, at: Evaluation) -> float | None:
        """Newton's decrement √(gᵀH⁻¹g); to second order, J − J(optimum) is half of its square.

        None with l1, and if the Hessian is not positive definite.
        """
        H = self.hessian(theta)
        if self.l1.any() or not np.isfinite(H).all():
            return None
        step = newton_step(H, at.gradient)
        if step is None:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            return sqrt(max(0.0, float(-at.gradient @ step)))

    @property
    def _count(self) -> int:
        """The number of blocks."""
        return -int(-self.N // sums.ROWS)

    def _summed(self, part: Callable[[Any, Array, Array | None], Array]) -> Array:
        """The sum of `part` over all blocks; each rank computes those of its own rows."""
        mine = share(self._count, self._ranks)
        if self._ranks.size > 1:
            self._check()
        return np.asarray(self._ranks.summed(starmap(part, self._blocks(mine)), mine.start))  # one block in memory

    def _blocks(self, numbers: range) -> Iterator[tuple[Any, Array, Array | None]]:
        for number in numbers:
            if self._ranks.size == 1:
                self._check()
            rows = slice(number * sums.ROWS, min(self.N, (number + 1) * sums.ROWS))
            x = self._X[rows]
            yield (
                x.astype(np.float64, copy=False),
                self._y[rows],
                None if self._weights is None else self._weights[rows],
            )


def _outer(x: Any, h: Array) -> Array:
    """Σ h (x, 1)(x, 1)ᵀ over the rows, (n + 1, n + 1), for h (rows,)."""
    n = x.shape[1]
    weighted = x.multiply(h[:, None]).tocsr() if is_sparse(x) else x * h[:, None]
    product = x.T @ weighted
    result = np.empty((n + 1, n + 1))
    result[:n, :n] = product.toarray() if is_sparse(x) else product
    result[:n, n] = result[n, :n] = np.asarray(weighted.sum(axis=0)).reshape(-1)
    result[n, n] = h.sum()
    return result
