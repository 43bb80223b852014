"""How good predictions are: accuracy, areas under curves, confusion, and the errors of a regression."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_BLOCK = 1 << 16  # scores that are looked up at once


def confusion(y: Array, predicted: Array, classes: int) -> Array:
    """Counts, K × K: rows are the true classes, columns the predicted ones. `y`, `predicted`: class numbers, (N,)."""
    return np.bincount(y * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def per_class(table: Array) -> dict[str, Array]:
    """Precision, recall, F1 and support of each class from a confusion matrix; 0 where a quotient is 0/0.

    precision = TP/(TP + FP), recall = TP/(TP + FN), F1 = 2TP/(2TP + FP + FN) (van Rijsbergen, Information Retrieval).
    """
    hits = np.diagonal(table).astype(np.float64)
    predicted, support = table.sum(axis=0), table.sum(axis=1)

    def ratio(numerator: Array, denominator: Array) -> Array:
        return np.divide(numerator, denominator, out=np.zeros(len(hits)), where=denominator > 0)

    return {
        "precision": ratio(hits, predicted),
        "recall": ratio(hits, support),
        "f1": ratio(2 * hits, predicted + support),
        "support": support,
    }


def auc(positive: Array, score: Array) -> float | None:
    """The area under the ROC curve: P(score of a positive > score of a negative) + ½P(equal).

    Σ (negatives below + half of those that are equal) over the positives, in units of a half an exact integer, over
    P·N (Mann & Whitney 1947). `positive`: booleans (N,), `score`: (N,). None if one of the two classes does not occur.
    """
    hits, misses = np.sort(score[positive]), np.sort(score[~positive])
    if not len(hits) or not len(misses):
        return None
    twice = 0
    for start in range(0, len(hits), _BLOCK):
        block = hits[start : start + _BLOCK]
        twice += int(np.searchsorted(misses, block, "left").sum()) + int(np.searchsorted(misses, block, "right").sum())
    return twice / (2 * len(hits) * len(misses))


def average_precision(positive: Array, score: Array) -> float | None:
    """The area under the precision-recall curve as a step function: Σ (R_k − R_{k−1})·P_k over falling thresholds.

    `positive`: booleans (N,), `score`: (N,); equal scores are one threshold. None without a positive row.
    """
    hits, misses = np.sort(-score[positive]), np.sort(-score[~positive])
    if not len(hits):
        return None
    # Recall rises at the scores of positives alone: so many are at least as high, and so many negatives.
    thresholds, hits_at = np.unique(hits, return_counts=True)
    found = np.cumsum(hits_at)
    precision = found / (found + np.searchsorted(misses, thresholds, "right"))
    return float(np.sum(hits_at * precision) / len(hits))


def regression(y: Array, y_hat: Array) -> dict[str, float | None]:
    """RMSE = √mean((y − ŷ)²), MAE = mean|y − ŷ|, R² = 1 − Σ(y − ŷ)²/Σ(y − ȳ)²; R² is None where y is constant."""
    error = y - y_hat
    scale = float(np.max(np.abs(error), initial=0.0)) or 1.0  # squares of large errors must not overflow
    rmse = scale * float(np.sqrt(np.mean((error / scale) ** 2)))
    spread = y - np.mean(y)
    r2 = None
    if np.any(y != y[0]):
        r2 = 1.0 - float(np.sum((error / scale) ** 2) / np.sum((spread / scale) ** 2))
    return {"rmse": rmse, "mae": float(np.mean(np.abs(error))), "r2": r2}
