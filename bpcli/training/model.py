"""A trained model: an affine layer, its activation, and the preparation that turns a table into its features."""

from dataclasses import dataclass
from math import fsum, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.fitted import Preparation
from bpcli.datasets.preparation.labels import class_text
from bpcli.datasets.sparse import pieces
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.softmax import logsumexp, softmax
from bpcli.formulas.steps import make_step
from bpcli.training import metrics

Array = NDArray[Any]
BLOCK = 8192
"""Rows handled at once where a whole data set would need large temporaries.

A product of matrices may round a row as the rows beside it are many, so that a whole file and its parts go by it too.
"""


@dataclass(frozen=True)
class Model:
    """A neuron a = g(xᵀw + b), w: (n,), b: (); or a softmax layer p = softmax(xᵀw + b), w: (n, K), b: (K,).

    `activation` is None for softmax; `threshold` decides the class of a bce neuron: positive where a ≥ threshold.
    `data_format` is that of the files it was trained on, if the config named it.
    """

    type: str
    activation: str | None
    loss: str
    threshold: float
    w: Array
    b: Array
    preparation: Preparation
    data_format: str = "auto"

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The names of the classes, in the order of the outputs; None for a regression."""
        return self.preparation.classes

    def weights(self, raw: bool = False) -> tuple[Array, Array]:
        """Weights (n, outputs) and bias (outputs,); `raw`: for features in their own units.

        With x' = (x − m)/s the same z is xᵀ(w/s) + (b − Σ w·m/s).
        """
        n = len(self.w)
        w, b = self.w.reshape(n, -1).astype(np.float64), self.b.reshape(-1).astype(np.float64)
        mean, scale = self.preparation.mean, self.preparation.scale
        if raw and scale is not None:
            w = w / np.asarray(scale)[:, None]
            if mean is not None:
                b = b - np.asarray(mean) @ w
        return w, b

    def z(self, X: Array) -> Array:
        """z = xᵀw + b of prepared features X (N, n): (N,) for a neuron, (N, K) for softmax."""
        with np.errstate(all="ignore"):
            parts = [np.asarray(x.astype(self.w.dtype, copy=False) @ self.w + self.b) for x in pieces(X, BLOCK)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def output(self, z: Array) -> Array:
        """What the model says at z: a = g(z), or p = softmax(z)."""
        z = z.astype(np.float64, copy=False)
        with np.errstate(all="ignore"):
            return np.asarray(softmax(z) if self.activation is None else ACTIVATIONS[self.activation].value(z))

    def predicted(self, z: Array) -> Array:
        """The number of the predicted class for each row of z; for a regression a = g(z) itself."""
        if self.activation is None:
            return np.asarray(np.argmax(z, axis=1))
        a = self.output(z)
        return np.asarray(a >= self.threshold, np.intp) if self.classes else a

    def probabilities(self, z: Array) -> Array:
        """P(class) for each row of z, (N, K), columns in the order of `classes`."""
        if self.activation is None:
            return self.output(z)
        return np.stack([self.output(-z), self.output(z)], axis=1)  # 1 − σ(z) is σ(−z)

    def target(self, y: Array) -> Array:
        """Prepared targets as the loss takes them: class numbers for softmax, else numbers of the weights' type."""
        return y.astype(np.intp if self.activation is None else self.w.dtype, copy=False)

    def total_loss(self, z: Array, y: Array, weights: Array | None = None) -> float:
        """The sum of the loss over the rows, times `weights` (N,) if given: the very terms that training minimises."""
        totals = []
        y = self.target(y)
        step = make_step(self.type, self.activation, self.loss, min(BLOCK, len(z)), z.shape[1:], z.dtype)
        with np.errstate(all="ignore"):
            for start in range(0, len(z), BLOCK):
                # The step overwrites its z with a gradient that nobody needs here.
                block = slice(start, start + BLOCK)
                totals.append(step(z[block].copy(), y[block], None if weights is None else weights[block]))
        return fsum(totals) if isfinite(sum(totals)) else sum(totals)  # fsum refuses ∞

    def glance(self, X: Array, y: Array) -> dict[str, Any]:
        """The mean loss and one metric, accuracy or RMSE: what is worth knowing after each epoch."""
        z = self.z(X)
        loss = self.total_loss(z, y) / len(y)
        if self.classes is None:
            with np.errstate(all="ignore"):
                return {"loss": loss, "rmse": metrics.regression(y, self.output(z))["rmse"]}
        return {"loss": loss, "accuracy": float(np.mean(self.predicted(z) == y))}

    def measure(self, X: Any, y: Array) -> dict[str, Any]:
        """Rows, mean loss and the metrics of cli.md's `evaluate`, on prepared features and targets."""
        return self.measure_z(self.z(X), y)

    def measure_z(self, z: Array, y: Array) -> dict[str, Any]:
        """`measure` from z, where the features are not there as a whole."""
        result: dict[str, Any] = {"rows": len(y), "loss": self.total_loss(z, y) / len(y)}
        if self.classes is None:
            with np.errstate(all="ignore"):  # what is beyond the doubles is inf, and reported as such
                return result | metrics.regression(y, self.output(z))
        table = metrics.confusion(y, self.predicted(z), len(self.classes))
        by_class = {name: values.tolist() for name, values in metrics.per_class(table).items()}
        return {
            **result,
            "accuracy": float(np.trace(table)) / len(y),
            "auc": self._mean_over_classes(metrics.auc, z, y),
            "pr_auc": self._mean_over_classes(metrics.average_precision, z, y),
            "confusion": table.tolist(),
            "per_class": {
                class_text(name): {key: column[k] for key, column in by_class.items()}
                for k, name in enumerate(self.classes)
            },
        }

    def _mean_over_classes(self, metric: Any, z: Array, y: Array) -> float | None:
        """The metric of the positive class; of more than two classes, the mean over each class against the rest."""
        if z.ndim == 1:
            return metric(y == 1, z)  # type: ignore[no-any-return]
        scores = log_odds(z)
        if scores.shape[1] == 2:
            return metric(y == 1, scores[:, 1])  # type: ignore[no-any-return]
        values = [metric(y == k, scores[:, k]) for k in range(scores.shape[1])]
        return None if None in values else sum(values) / len(values)


def log_odds(z: Array) -> Array:
    """log(p_k/(1 − p_k)) of each class, (N, K): it ranks rows as p_k does, but never saturates.

    For a neuron −z and z; for softmax l_k − log Σ_{j≠k} e^{l_j}.
    """
    z = z.astype(np.float64, copy=False)
    if z.ndim == 1:
        return np.stack([-z, z], axis=1)
    return np.stack([z[:, k] - logsumexp(np.delete(z, k, axis=1)) for k in range(z.shape[1])], axis=1)


def best_constant_loss(loss: str, y: Array, classes: int | None, weights: Array | None = None) -> float:
    """The smallest mean loss, weighted if `weights` (N,) are given, that one prediction for every row can reach.

    mse: the variance of y, or Σ_k p_k(1 − p_k) over one-hot classes; bce and cce: the entropy −Σ_k p_k log p_k, with
    p_k the share of class k.
    """
    if classes is None:
        y = y.astype(np.float64)
        return float(
            np.var(y) if weights is None else np.average((y - np.average(y, weights=weights)) ** 2, weights=weights)
        )
    share = np.bincount(y.astype(np.intp), weights, minlength=classes) / (
        len(y) if weights is None else np.sum(weights)
    )
    if loss == "mse":
        return float(np.sum(share * (1 - share)))
    return float(-sum(p * np.log(p) for p in share if p))
