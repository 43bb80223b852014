"""The optimum of a model's own objective, and the covariance of its weights there."""

from dataclasses import dataclass
from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.derived_rows import Centred, chosen, mean_and_size
from bpcli.datasets.sparse import dense, is_sparse
from bpcli.datasets.spread import in_memory
from bpcli.formulas.choices import Likelihood
from bpcli.formulas.steps import make_step
from bpcli.sums import ROWS
from bpcli.training.descent.objective import Objective
from bpcli.training.inference.separation import near_optimum
from bpcli.training.model import Model, Uncertainty

Array = NDArray[Any]

MOST_WEIGHTS = 2000
"""For models with more weights no covariance is computed."""

NEAR = 1e-2
"""A model counts as at its optimum if no weight is further from it than this many standard errors."""

_COLLINEAR = 1e-12  # relative to the largest eigenvalue: one below is 0 up to rounding, for features of one size
_EXACT = 1e-13  # relative to the size of the targets: residuals below are rounding errors
_MOST_STEPS = 100
_CLOSE = 1e-13  # relative to √J: a decrement below is a rounding error


@dataclass(frozen=True)
class Rows:
    """The rows that a model was trained on: prepared features X (N, n), targets y (N,), weights of mean 1 or None."""

    X: Any
    y: Array
    weights: Array | None = None

    def counted(self) -> "Rows":
        """The rows whose weight is not 0."""
        if self.weights is None or self.weights.all():
            return self
        keep = self.weights > 0
        return Rows(chosen(self.X, keep), self.y[keep], self.weights[keep] / np.mean(self.weights[keep]))


class Fit:
    """A model's objective on its training rows; dense features are centred and scaled to size 1.

    θ (p,) are the weights and biases for these features. `maps` (p, r): a basis of the directions of θ in which the
    objective changes; with several outputs, the weights of the first are fixed. `units` (n + 1, n + 1) converts weights
    and bias to those for the prepared features.
    """

    def __init__(self, model: Model, rows: Rows, l2: float) -> None:
        self.model, self.rows, self.l2 = model, rows.counted(), l2
        X = in_memory(self.rows.X)
        n, K = len(model.w), max(1, model.b.size)
        mean, size = np.zeros(n), np.ones(n)
        if not is_sparse(X):
            mean, size = mean_and_size(X, self.rows.weights)
            centred = Centred(X, mean, size)
            X = centred[:] if isinstance(X, np.ndarray) else centred
        self.X, self.mean, self.size, self.K, self.N = X, mean, size, K, len(self.rows.y)
        self.units = np.diag(np.append(1.0 / size, 1.0))
        self.units[-1, :-1] = -mean / size
        penalties = np.append(np.repeat(l2 / size**2, K), np.zeros(K))
        step = make_step(model.type, model.activation, model.loss, min(ROWS, self.N), model.b.shape, np.dtype(float))
        y = model.target(self.rows.y, np.float64)
        pair, outputs = (model.g, model.loss_row), model.b.shape
        self.objective = Objective(X, y, step, pair, outputs, 0.0, penalties, self.rows.weights)
        self.gram = self._gram()
        self.basis, self.null = self._split()
        contrast = np.eye(K)[:, 1:] if K > 1 else np.eye(1)
        if l2:
            self.maps = np.zeros(((n + 1) * K, n * K + contrast.shape[1]))
            self.maps[: n * K, : n * K] = np.eye(n * K)
            self.maps[n * K :, n * K :] = contrast
        else:
            self.maps = np.kron(self.basis, contrast)
        w, b = model.weights()
        self.theta = np.vstack([w * size[:, None], b + mean @ w]).reshape(-1)
        self._last: tuple[Array, Array] | None = None  # θ and the Hessian there, which several methods need

    def _gram(self) -> Array:
        """Σ (x, 1)(x, 1)ᵀ over the rows, without their weights."""
        total = np.zeros((self.X.shape[1] + 1,) * 2)
        for x in self.objective.features():
            whole = np.column_stack([dense(x), np.ones(x.shape[0])])
            total += whole.T @ whole
        return total

    def _split(self) -> tuple[Array, Array]:
        """Bases of the directions of (w, b) that the features and the constant 1 determine, and of the others."""
        root = np.sqrt(np.where(np.diag(self.gram) > 0, np.diag(self.gram), 1.0))
        values, vectors = np.linalg.eigh(self.gram / root / root[:, None])
        vectors = vectors / root[:, None]
        told = values > _COLLINEAR * values[-1]
        return vectors[:, told], vectors[:, ~told]

    @property
    def likelihood(self) -> Likelihood | None:
        """The distribution of y in a linear, logistic or multinomial model; None for any other model."""
        loss, g = self.model.loss_row, self.model.g
        if loss.likelihood is Likelihood.NORMAL:
            return loss.likelihood if g is not None and g.is_identity else None
        return loss.likelihood if loss.likelihood and loss.fused_with(g) else None

    def step(self) -> tuple[Array, float] | None:
        """Newton's step from θ (p,), and the decrement √(gᵀH⁻¹g); None if the Hessian is not positive definite."""
        g, H = self.maps.T @ self.objective(self.theta).gradient, self.hessian()
        try:
            if not np.isfinite(H).all():
                return None
            np.linalg.cholesky(H)
            d = -np.linalg.solve(H, g)
        except np.linalg.LinAlgError:
            return None
        return self.maps @ d, sqrt(max(0.0, float(-g @ d)))

    def hessian(self) -> Array:
        """∂²J/∂θ² in the basis `maps`, (r, r)."""
        if self._last is None or self._last[0] is not self.theta:
            self._last = self.theta, np.asarray(self.maps.T @ self.objective.hessian(self.theta) @ self.maps)
        return self._last[1]

    def distance(self) -> tuple[float | None, float]:
        """Newton's decrement, and a bound on the distance to the optimum in standard errors of any weight; (None, ∞) if
        the Hessian is not positive definite."""
        found = self.step()
        if found is None:
            return None, inf
        errors = sqrt(self.N / self.dispersion()) if self.dispersion() else inf
        return found[1], found[1] * errors if found[1] else 0.0

    def solve(self) -> bool:
        """Move θ to the optimum by Newton's steps, each halved until J falls; returns whether it was reached, up to
        rounding."""
        best = inf
        for _ in range(_MOST_STEPS):
            at, found = self.objective(self.theta), self.step()
            if found is None or not np.isfinite(at.value):
                return False
            d, decrement = found
            if decrement <= _CLOSE * max(1.0, sqrt(abs(at.value))) or (decrement < 1e-6 and decrement >= 0.5 * best):
                return True
            best, t = decrement, 1.0
            while not self.objective(self.theta + t * d).value <= at.value + 1e-14 * abs(at.value) and t > 1e-12:
                t *= 0.5
            self.theta = self.theta + t * d
        return False

    def has_optimum(self) -> bool:
        """Whether an optimum is proven to exist near θ; only class probabilities without l2 may have none."""
        if self.likelihood is not Likelihood.CLASSES or self.l2:
            return True
        return near_optimum(self.objective, self.theta, self.basis)

    def is_exact(self) -> bool:
        """Whether a regression fits every row up to rounding, so that no residuals are left to estimate errors."""
        mean_square = float(np.average(np.square(self.rows.y, dtype=np.float64), weights=self.rows.weights))
        return self.likelihood is Likelihood.NORMAL and self.objective(self.theta).loss <= _EXACT**2 * mean_square

    def dispersion(self) -> float:
        """The dispersion φ with −log p(y) = J₀/φ + constant: 1 for classes, 2σ² (estimated) for normal y."""
        if self.likelihood is not Likelihood.NORMAL:
            return 1.0
        df = self.N - self.parameters()
        return 2.0 * self.N * self.objective(self.theta).loss / df if df > 0 else 0.0

    def parameters(self) -> float:
        """The number of parameters; with l2 the effective number, tr(H⁻¹I), with I the Hessian without penalty."""
        if not self.l2:
            return float(self.maps.shape[1])
        H = self.hessian()
        return float(np.trace(np.linalg.solve(H, H - self.penalty())))

    def penalty(self) -> Array:
        """The part of the Hessian that comes from l2, (r, r)."""
        return np.asarray(self.maps.T @ (self.objective.l2[:, None] * self.maps))

    def sandwiched(self, robust: bool) -> bool:
        """Whether the covariance is a sandwich: if asked for, with weights, or if y has no known distribution."""
        return robust or self.rows.weights is not None or self.likelihood is None

    def covariance(self, robust: bool = False) -> Array:
        """The covariance of θ (p, p): H⁻¹·I·H⁻¹/N with the information I, or, as a sandwich, with Σ s sᵀ/N of the
        rows' gradients s instead of I (White 1982, Maximum likelihood estimation of misspecified models)."""
        H = self.hessian()
        inverse = np.linalg.inv(H)
        if self.sandwiched(robust):
            middle = self.maps.T @ self.objective.score_products(self.theta) @ self.maps / self.N
        else:
            middle = (H - self.penalty()) * self.dispersion() if self.l2 else H * self.dispersion()
        V = self.maps @ (inverse @ middle @ inverse) @ self.maps.T / self.N
        return np.asarray(0.5 * (V + V.T))

    def prepared(self, V: Array) -> Array:
        """The covariance of (w, b) for the prepared features, from V (p, p) of θ.

        With several outputs it is that of w and b minus their mean over the outputs.
        """
        centred = np.eye(self.K) - (1.0 / self.K if self.K > 1 else 0.0)
        change = np.kron(self.units, centred)
        return np.asarray(change @ V @ change.T)

    def uncertainty(self) -> Uncertainty:
        """The covariance and degrees of freedom that are saved with a model at its optimum."""
        is_normal = self.likelihood is Likelihood.NORMAL and not self.sandwiched(False)
        df = self.N - self.parameters() if is_normal else inf
        return Uncertainty(self.prepared(self.covariance()), df, bool(self.l2))
