"""The formulas of the metrics, from a confusion matrix, from probabilities, from scores, and from predicted numbers."""

from collections.abc import Iterable
from math import sqrt
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_BLOCK = 1 << 16  # scores that are processed at a time
BINS = 15
"""The number of bins of `calibration`, as in the paper."""


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


def balanced_accuracy(table: Array) -> float:
    """The mean recall of the classes that occur, from a confusion matrix (Brodersen et al. 2010)."""
    support = table.sum(axis=1)
    return float(np.mean(np.diagonal(table)[support > 0] / support[support > 0]))


def mcc(table: Array) -> float | None:
    """Matthews' correlation of the true with the predicted classes, from a confusion matrix (Gorodkin 2004).

    (N·Σ_k C_kk − Σ_k t_k·p_k)/√((N² − Σ p_k²)(N² − Σ t_k²)), t the sums of the rows, p of the columns. 0 if one class
    is predicted for all rows; None if all rows are of one class.
    """
    # Python's integers, as products of counts may exceed 64 bits.
    true, predicted = [int(n) for n in table.sum(axis=1)], [int(n) for n in table.sum(axis=0)]
    N = sum(true)
    spread, spread_predicted = (N * N - sum(map(mul, part, part)) for part in (true, predicted))
    if not spread:
        return None
    if not spread_predicted:
        return 0.0
    together = N * int(np.trace(table)) - sum(map(mul, true, predicted))
    return max(-1.0, min(1.0, float(together / sqrt(spread * spread_predicted))))


def brier(y: Array, p: Array) -> float:
    """The mean over the rows of (p − y)² for two classes, of Σ_k (p_k − y_k)² for more (Brier 1950).

    `y`: class numbers (N,), `p`: probabilities (N, K).
    """
    return float(np.mean(squared_distances(y, p)))


def squared_distances(y: Array, p: Array) -> Array:
    """The terms of `brier`, (N,): (p − y)² for two classes, Σ_k (p_k − y_k)² for more."""
    y, K = y.astype(np.intp, copy=False), p.shape[1]
    if K == 2:
        wrong = np.where(y == 1, p[:, 1], p[:, 0])
        np.subtract(1.0, wrong, wrong)  # in place, as the array may be large
        return np.multiply(wrong, wrong, wrong)
    wrong = np.empty(len(y))
    for start in range(0, len(y), _BLOCK):
        rows = slice(start, start + _BLOCK)
        error = p[rows].copy()
        error[np.arange(len(error)), y[rows]] -= 1
        wrong[rows] = np.sum(error**2, axis=1)
    return wrong


def calibration(y: Array, p: Array, bins: int = BINS) -> tuple[Array, Array, Array]:
    """The number of rows, mean confidence and share of right predictions in each bin of confidence, (bins,) each.

    With two classes the confidence is the probability of the positive one, and a positive row counts as right; with
    more it is the probability of the predicted class. Bins have equal width and include their upper end (Guo et al.
    2017, On calibration of modern neural networks); an empty bin has NaN for the last two. `y`: class numbers (N,),
    `p`: (N, K).
    """
    sums = np.zeros((3, bins))
    for start in range(0, len(y), _BLOCK):
        sums = calibration_sums(sums, y[start : start + _BLOCK], p[start : start + _BLOCK])
    return _means(sums)


def _means(sums: Array) -> tuple[Array, Array, Array]:
    """`calibration` from the result of `calibration_sums`."""
    rows, said, right = sums
    with np.errstate(all="ignore"):
        return rows.astype(np.intp), said / rows, right / rows


def calibration_sums(before: Array, y: Array, p: Array) -> Array:
    """The sums over the rows of 1, confidence and right in each bin, (3, bins), added to the sums `before`.

    They are added row by row, so that the result does not depend on how the rows are divided into blocks.
    """
    bins = before.shape[1]
    which, *more = confidences(y, p, bins)
    places = np.concatenate([np.arange(bins), which])
    added = [np.ones(len(y)), *more]
    return np.stack([np.bincount(places, np.concatenate(pair), bins) for pair in zip(before, added, strict=True)])


def confidences(y: Array, p: Array, bins: int) -> tuple[Array, Array, Array]:
    """For each row its bin, the confidence, and whether the prediction is right, (N,) each; see `calibration`."""
    K = p.shape[1]
    said = p[:, 1] if K == 2 else p.max(axis=1)
    right = y == 1 if K == 2 else p.argmax(axis=1) == y
    which = np.searchsorted(np.arange(1, bins + 1) / bins, said, "left")
    return np.minimum(which, bins - 1, out=which), said, right


def ece(y: Array, p: Array) -> float:
    """The expected calibration error: Σ_bins (rows/N)·|mean confidence − share of right predictions|.

    `y`: class numbers (N,), `p`: probabilities (N, K).
    """
    return calibration_error(*calibration(y, p))


def calibration_error(rows: Array, said: Array, right: Array) -> float:
    """`ece` from the result of `calibration`."""
    return float(np.sum(np.where(rows > 0, rows * np.abs(said - right), 0.0)) / rows.sum())


def brier_and_ece(blocks: Iterable[tuple[Array, Array]], count: int) -> tuple[float, float]:
    """`brier` and `ece` of `count` rows that come in blocks (y, p), so that they need not all be in memory."""
    distances, sums, at = np.empty(count), np.zeros((3, BINS)), 0
    for y, p in blocks:
        distances[at : at + len(y)] = squared_distances(y, p)
        sums, at = calibration_sums(sums, y, p), at + len(y)
    return float(np.mean(distances)), calibration_error(*_means(sums))


def ranked(positive: Array, score: Array) -> tuple[Array, Array]:
    """The scores of the positive rows and those of the negative rows, each sorted."""
    hits, misses = score[positive], score[~positive]
    hits.sort()
    misses.sort()
    return hits, misses


def auc(hits: Array, misses: Array) -> float | None:
    """The area under the ROC curve: P(score of a positive > score of a negative) + ½P(equal).

    Σ over the positives of (negatives below + ½ negatives equal), divided by P·N (Mann & Whitney 1947); twice the sum
    is an exact integer. Takes the scores as `ranked` returns them. None if one of the two classes does not occur.
    """
    if not len(hits) or not len(misses):
        return None
    twice = 0
    for start in range(0, len(hits), _BLOCK):
        block = hits[start : start + _BLOCK]
        twice += int(np.searchsorted(misses, block, "left").sum()) + int(np.searchsorted(misses, block, "right").sum())
    return twice / (2 * len(hits) * len(misses))


def average_precision(hits: Array, misses: Array) -> float | None:
    """The area under the precision-recall curve as a step function: Σ (R_k − R_{k−1})·P_k over falling thresholds.

    Takes the scores as `ranked` returns them; equal scores are one threshold. None without a positive row.
    """
    if not len(hits):
        return None
    # Recall rises only at the scores of positives: there, count the positives and negatives with at least that score.
    terms = np.empty(1 + np.count_nonzero(hits[1:] != hits[:-1]))
    at = before = 0
    for stop in range(len(hits), 0, -_BLOCK):  # in blocks, from the highest down
        block = hits[max(0, stop - _BLOCK) : stop]
        start = stop - len(block)
        new = np.append(start == 0 or block[0] != hits[start - 1], block[1:] != block[:-1])
        first = np.flatnonzero(new)[::-1]  # the first of equal scores
        found = len(hits) - start - first
        precision = found / (found + len(misses) - np.searchsorted(misses, block[first], "left"))
        terms[at : at + len(first)] = np.diff(found, prepend=before) * precision
        at, before = at + len(first), found[-1] if len(found) else before
    return float(np.sum(terms) / len(hits))


def rmse(y: Array, yhat: Array) -> float:
    """√mean((y − ŷ)²)."""
    error, scale = _scaled_error(y, yhat)
    return scale * float(np.sqrt(np.mean(error**2)))


def mae(y: Array, yhat: Array) -> float:
    """mean|y − ŷ|."""
    return float(np.mean(np.abs(y - yhat)))


def r2(y: Array, yhat: Array) -> float | None:
    """1 − Σ(y − ŷ)²/Σ(y − ȳ)²; None if y is constant."""
    if not np.any(y != y[0]):
        return None
    error, scale = _scaled_error(y, yhat)
    return 1.0 - float(np.sum(error**2) / np.sum(((y - np.mean(y)) / scale) ** 2))


def _scaled_error(y: Array, yhat: Array) -> tuple[Array, float]:
    """(y − ŷ)/s and s = max |y − ŷ|, so that squares of large errors do not overflow."""
    error = y - yhat
    scale = float(np.max(np.abs(error), initial=0.0)) or 1.0
    return error / scale, scale
