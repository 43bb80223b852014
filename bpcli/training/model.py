"""A trained model: an affine layer, its activation, and the preparation that turns a table into its features."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import fsum, isfinite, nan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.dialect import USUAL, Dialect
from bpcli.datasets.preparation.fitted import Preparation
from bpcli.datasets.preparation.labels import class_text
from bpcli.datasets.reading import Files
from bpcli.datasets.sparse import is_sparse, pieces
from bpcli.datasets.spread import Spread
from bpcli.formulas.activations import Activation, softplus
from bpcli.formulas.affine import affine, affine_by_row
from bpcli.formulas.choices import Choice
from bpcli.formulas.layers import activation_of, loss_of, settings_in_words
from bpcli.formulas.losses import Loss
from bpcli.formulas.softmax import logsumexp, softmax
from bpcli.formulas.steps import make_step
from bpcli.training.counted_metrics import Counted
from bpcli.training.metric_formulas import per_class
from bpcli.training.metrics import METRICS, Seen, measured, metrics_of

Array = NDArray[Any]
USUAL_THRESHOLD = 0.5
BLOCK = 8192
"""Rows that are computed at a time, so that temporary arrays stay small."""


class Uncertainty(NamedTuple):
    """The covariance of a model's parameters, w row by row, then b, at its optimum, (p, p).

    `df`: the degrees of freedom of the t distribution, ∞ for the normal one. With softmax it is the covariance of the
    weights minus their mean over the classes, as only these differences are determined. `penalised`: l2 pulls the
    weights towards 0.
    """

    covariance: Array
    df: float
    penalised: bool


@dataclass(frozen=True)
class Model:
    """A neuron a = g(xᵀw + b), w: (n,), b: (); or a softmax layer p = softmax(xᵀw + b), w: (n, K), b: (K,).

    `activation` is None for softmax; it and `loss` are names, or mappings of a name and settings. With two classes and
    probabilities the prediction is positive if p ≥ `threshold`. `data_format`, `like` (the usual extension) and
    `dialect` say how the training files were read, and so how further files are.
    """

    type: str
    activation: Choice | None
    loss: Choice
    threshold: float
    w: Array
    b: Array
    preparation: Preparation
    data_format: str = "auto"
    dialect: Dialect = USUAL
    like: str = ""
    digest: str = field(default="", compare=False)
    """The digest of the file that the model was read from."""
    uncertainty: Uncertainty | None = field(default=None, compare=False)

    def files(self, *paths: Path) -> Files:
        """Files to be read as those of the training were."""
        return Files(paths, self.data_format, self.dialect, Path(f"x{self.like}"))

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The names of the classes, in the order of the outputs; None for a regression."""
        return self.preparation.classes

    @property
    def g(self) -> Activation | None:
        """The activation's row in its table, with its settings; None for softmax."""
        return activation_of(self.activation)

    @property
    def loss_row(self) -> Loss:
        """The loss's row in its table, with its settings."""
        return loss_of(self.loss)

    @property
    def kind(self) -> str:
        """Layer and activation as text: `neuron sigmoid`."""
        return " ".join(filter(None, [self.type, settings_in_words(self.activation)]))

    @property
    def loss_in_words(self) -> str:
        """The loss with its settings as text."""
        return settings_in_words(self.loss)

    @property
    def says_probabilities(self) -> bool:
        """Whether the outputs are probabilities of classes."""
        return self.classes is not None and (self.g is None or self.loss_row.probability)

    @property
    def has_threshold(self) -> bool:
        """Whether the threshold decides the prediction: for two classes with probabilities."""
        return self.says_probabilities and len(self.classes or ()) == 2

    @property
    def boundary(self) -> float:
        """The least output for which a model with one output predicts the positive class."""
        return self.threshold if self.says_probabilities else 0.0

    def weights(self, raw: bool = False) -> tuple[Array, Array]:
        """Weights (n, outputs) and bias (outputs,) in float64; `raw`: for features in the units of the data.

        For prepared features x' = (x − m)/s, the same z is xᵀ(w/s) + (b − Σ w·m/s).
        """
        n = len(self.w)
        w, b = self.w.reshape(n, -1).astype(np.float64), self.b.reshape(-1).astype(np.float64)
        mean, scale = self.preparation.mean, self.preparation.scale
        if not raw or scale is None:
            return w, b
        with np.errstate(all="ignore"):  # an overflow gives ±∞
            own = w / np.asarray(scale)[:, None]
            if mean is None:
                return own, b
            shifted = b - np.asarray(mean) @ own
            # Where w/s overflows, m/s may not.
            return own, np.where(np.isfinite(shifted), shifted, b - (np.asarray(mean) / scale) @ w)

    def z(self, X: Array) -> Array:
        """z = xᵀw + b of prepared features X (N, n): (N,) for a neuron, (N, K) for softmax.

        The bits of a row's z do not depend on the other rows.
        """
        if isinstance(X, Spread):
            return X.by_row(self.z)
        with np.errstate(all="ignore"):
            parts = [self._z(x.astype(self.w.dtype, copy=False)) for x in pieces(X, BLOCK)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _z(self, X: Any) -> Array:
        return np.asarray(affine(X, self.w, self.b) if is_sparse(X) else affine_by_row(X, self.w, self.b))

    def output(self, z: Array) -> Array:
        """The model's output at z: a = g(z), or p = softmax(z)."""
        g = softmax if self.g is None else self.g.value
        with np.errstate(all="ignore"):
            return in_parts(lambda z: np.asarray(g(z.astype(np.float64, copy=False))), z)

    def predicted(self, z: Array) -> Array:
        """The number of the predicted class for each row of z, (N,); for a regression a = g(z) itself."""
        if self.activation is None:
            if self.threshold == USUAL_THRESHOLD or not self.has_threshold:
                return np.asarray(np.argmax(z, axis=1))
            return np.asarray(self.output(z)[:, 1] >= self.threshold, np.intp)
        if not self.classes:
            return self.output(z)
        return in_parts(lambda z: (self.output(z) >= self.boundary).astype(np.intp), z)

    def probabilities(self, z: Array) -> Array:
        """P(class) for each row of z, (N, K), columns in the order of `classes`, if `says_probabilities`."""
        if self.g is None:
            return self.output(z)
        one_minus = self.g.one_minus

        def both(z: Array) -> Array:
            return np.stack([one_minus(z.astype(np.float64, copy=False)), self.output(z)], axis=1)

        with np.errstate(all="ignore"):
            return in_parts(both, z)

    def target(self, y: Array, dtype: Any = None) -> Array:
        """Prepared targets as the loss takes them: class numbers for softmax, else numbers of `dtype` (w's by default).

        (N,).
        """
        if self.activation is None:
            return y.astype(np.intp, copy=False)
        return (self.loss_row.encode(y) if self.classes else y).astype(dtype or self.w.dtype, copy=False)

    def total_loss(self, z: Array, y: Array, weights: Array | None = None) -> float:
        """Σ ωJ₀ over the rows, ω the `weights` (N,) or 1: the terms that training minimises, without penalties."""
        totals = []
        step = make_step(self.type, self.activation, self.loss, min(BLOCK, len(z)), z.shape[1:], z.dtype)
        with np.errstate(all="ignore"):
            for start in range(0, len(z), BLOCK):
                # On a copy: the step overwrites z with its gradient, which is not used here.
                block = slice(start, start + BLOCK)
                omega = None if weights is None else weights[block]
                totals.append(step(z[block].copy(), self.target(y[block]), omega))
        return fsum(totals) if isfinite(sum(totals)) else sum(totals)  # fsum raises an error for ∞

    def glance(self, X: Array, y: Array, more: tuple[str, ...] = ()) -> dict[str, Any]:
        """The mean loss, the task's first other metric and the metrics `more`, which are shown after each epoch."""
        names = [*metrics_of(self.preparation.task)[:2], *more]
        return measured(self._seen(self.z(X), y), dict.fromkeys(names))

    def measure(self, X: Any, y: Array) -> dict[str, Any]:
        """The number of rows, the mean loss and all metrics, as `evaluate` shows them, of prepared rows (N, n)."""
        return self.measure_z(self.z(X), y)

    def measure_z(self, z: Array, y: Array) -> dict[str, Any]:
        """`measure` from z, for features that are not all in memory."""
        seen = self._seen(z, y)
        result = {"rows": len(y), **measured(seen)}
        if self.classes is None:
            return result
        table = seen.confusion
        by_class = {name: values.tolist() for name, values in per_class(table).items()}
        if self.says_probabilities:
            by_class["log_loss"] = [self._log_loss(z[y == k], seen, k) for k in range(len(table))]
        return {
            **result,
            "threshold": self.threshold if self.has_threshold else None,
            "confusion": table.tolist(),
            "per_class": {
                class_text(name): {key: column[k] for key, column in by_class.items()}
                for k, name in enumerate(self.classes)
            },
        }

    def metric(self, name: str, z: Array, y: Array) -> float | None:
        """One metric of rows with these z and targets; None if it has no value."""
        return measured(self._seen(z, y), [name])[name]

    def on_samples(self, name: str, z: Array, y: Array) -> Counted:
        """A metric on samples of these rows, as a function of how often each row was drawn."""
        counted = None if np.isnan(z).any() else METRICS[name].counted(self._seen(z, y))

        def of_each(counts: Array) -> Array:
            rows = (np.repeat(np.arange(len(y)), c.astype(np.intp)) for c in counts)
            found = [self.metric(name, z[some], y[some]) for some in rows]
            return np.array([nan if value is None else value for value in found])

        return counted or of_each

    def losses(self, z: Array, y: Array) -> Array:
        """The loss J₀ of each row, (N,), by the formulas of the training."""
        found = []
        for start in range(0, len(z), BLOCK):
            block, labels = z[start : start + BLOCK].copy(), self.target(y[start : start + BLOCK])
            step = make_step(self.type, self.activation, self.loss, 1, z.shape[1:], z.dtype, len(block))
            with np.errstate(all="ignore"):
                found.append(np.atleast_1d(step.of_each(block, labels)))
        return np.concatenate(found)

    def _log_loss(self, z: Array, seen: Seen, k: int) -> float | None:
        """The mean of −log p_k over the rows of class k, with these z; None without rows."""
        if not len(z):
            return None
        if self.g is None:
            with np.errstate(all="ignore"):
                return float(np.mean(softplus(-seen.score(k)[seen.y == k])))
        return self.total_loss(z, np.full(len(z), k)) / len(z)

    def _numbers(self, z: Array) -> Array:
        """`predicted`, with class numbers in the smallest integer type, as they are kept for all rows."""
        found = self.predicted(z)
        return found.astype(np.min_scalar_type(len(self.classes))) if self.classes else found

    def _seen(self, z: Array, y: Array) -> Seen:
        """The rows in the form that the metrics take."""
        return Seen(
            self.preparation.task,
            y,
            lambda: self.total_loss(z, y) / len(y),
            lambda: self._numbers(z),
            lambda: log_odds(z) if z.ndim > 1 else z.astype(np.float64, copy=False),
            (lambda rows: self.probabilities(z[rows])) if self.says_probabilities else None,
            lambda: self.losses(z, y),
        )


def log_odds(z: Array) -> Array:
    """log(p_k/(1 − p_k)) of each class, (N, K): it ranks rows as p_k does, but never saturates.

    For a neuron −z and z; for softmax l_k − log Σ_{j≠k} e^{l_j}.
    """

    def of_rows(z: Array) -> Array:
        z = z.astype(np.float64, copy=False)
        if z.ndim == 1:
            return np.stack([-z, z], axis=1)
        return np.stack([z[:, k] - logsumexp(np.delete(z, k, axis=1)) for k in range(z.shape[1])], axis=1)

    return in_parts(of_rows, z)


def in_parts(function: Callable[[Array], Array], z: Array) -> Array:
    """function(z) for a function of each row of z (N, …), called with `BLOCK` rows at a time to save memory."""
    if not z.ndim or len(z) <= BLOCK:
        return function(z)
    first = function(z[:BLOCK])
    found = np.empty((len(z), *first.shape[1:]), first.dtype)
    found[:BLOCK] = first
    for at in range(BLOCK, len(z), BLOCK):
        found[at : at + BLOCK] = function(z[at : at + BLOCK])
    return found


def best_constant_loss(loss: Choice, y: Array, classes: int | None, weights: Array | None = None) -> float:
    """The smallest mean loss of any constant prediction, weighted if `weights` (N,) are given.

    For mse it is the variance of y, or Σ_k p_k(1 − p_k) over one-hot classes with the shares p_k; for bce and cce the
    entropy −Σ_k p_k log p_k; for others the mean of J₀ at the loss's best constant prediction.
    """
    row = loss_of(loss)
    if classes is not None:
        counts = np.bincount(y.astype(np.intp), weights, minlength=classes)
        shares = counts / (len(y) if weights is None else np.sum(weights))
        if row.by_shares is not None:
            return row.by_shares(shares)
        if row.encoding is None:
            return float(shares @ row.term(np.eye(classes), shares).sum(axis=1))
    y = row.encode(y).astype(np.float64) if classes else y.astype(np.float64)
    with np.errstate(all="ignore"):
        return float(np.average(row.term(y, row.best_constant(y, weights)), weights=weights))
