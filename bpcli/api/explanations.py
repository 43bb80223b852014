"""Explanations of a prediction: the share of each feature in z, and intervals of the prediction."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.labels import class_text
from bpcli.datasets.sparse import dense
from bpcli.errors import UsageError
from bpcli.formulas.activations import sigmoid
from bpcli.formulas.softmax import softmax
from bpcli.training.inference.tails import quantile
from bpcli.training.model import Model, log_odds

Array = NDArray[Any]

BIAS = "bias"

Columns = Callable[[Any, Array], list[list[Any]]]
"""Further columns of predictions, from the prepared features X (N, n) and z."""


def share_names(model: Model) -> list[tuple[str, ...]]:
    """For each column of `shares` its feature, or the class and the feature."""
    names = [*model.preparation.feature_names, BIAS]
    if model.g is not None:
        return [(name,) for name in names]
    return [(class_text(c), name) for c in model.classes or () for name in names]


def shares(model: Model) -> Columns:
    """w_j·x_j of each feature and b, which add up to z; for softmax class by class."""

    def columns(X: Any, z: Array) -> list[list[Any]]:
        x, (w, b) = dense(X).astype(np.float64, copy=False), model.weights()
        with np.errstate(all="ignore"):
            parts = [[*(x * w[:, k]).T.tolist(), [float(b[k])] * len(x)] for k in range(w.shape[1])]
        return [column for part in parts for column in part]

    return columns


def interval_names(model: Model) -> list[tuple[str, ...]]:
    """The classes that have an interval, or an empty name for a regression."""
    return [(class_text(c),) for c in model.classes] if model.classes else [()]


def check_interval(model: Model) -> None:
    """UsageError where a model has no covariance, or no probabilities."""
    if model.classes is not None and not model.says_probabilities:
        raise UsageError(f"a model of loss {model.loss_row.name} has no probabilities, so they have no intervals")
    if model.uncertainty is None:
        raise UsageError(
            "this model has no covariance of its weights, from which an interval follows: its training did not reach "
            "the optimum, used l1, or had separated classes or too few rows",
            "train with optimizer: newton (up to 2000 weights); where classes are separated or rows too few, with "
            "training.l2 as well",
        )


def intervals(model: Model, level: float) -> Columns:
    """Low and high of each class's probability, or of a regression's mean, by the delta method on z.

    The interval is z ± q·√(x̃ᵀVx̃), of a class log(p/(1 − p)) ± q·√(gᵀVg) with the gradient g, turned into outputs.
    """
    check_interval(model)
    assert model.uncertainty is not None
    V, q = model.uncertainty.covariance, quantile(level, model.uncertainty.df)
    K = max(1, model.b.size)

    def columns(X: Any, z: Array) -> list[list[Any]]:
        x = np.column_stack([dense(X).astype(np.float64, copy=False), np.ones(X.shape[0])])
        by_class = V.reshape(x.shape[1], K, x.shape[1], K)
        # Cov(z) of each row, (N, K, K)
        C = np.stack(
            [np.stack([((x @ by_class[:, k, :, m]) * x).sum(axis=1) for m in range(K)], 1) for k in range(K)], 1
        )
        z = z.astype(np.float64, copy=False)
        if model.g is not None:
            error = q * np.sqrt(np.maximum(C[:, 0, 0], 0.0))
            low, high = np.sort(np.stack([model.output(z - error), model.output(z + error)]), axis=0)
            if model.classes is None:
                return [low.tolist(), high.tolist()]
            rest = model.probabilities(z + error)[:, 0], model.probabilities(z - error)[:, 0]
            return [rest[0].tolist(), rest[1].tolist(), low.tolist(), high.tolist()]
        found: list[list[Any]] = []
        for k, odds in enumerate(log_odds(z).T):
            g = np.insert(-softmax(np.delete(z, k, axis=1)), k, 1.0, axis=1)  # of log(p_k/(1 − p_k)) by z
            error = q * np.sqrt(np.maximum(np.einsum("nk,nkm,nm->n", g, C, g), 0.0))
            found += [sigmoid(odds - error).tolist(), sigmoid(odds + error).tolist()]
        return found

    return columns
