"""Metrics on bootstrap samples of rows, from how often each row was drawn; nothing is predicted or sorted again."""

from collections.abc import Callable, Sequence
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

Counted = Callable[[Array], Array]
"""A metric as a function of counts (samples, N), how often each row is in each sample; its values are (samples,), NaN
where the metric has none."""


def mean_of(terms: Array) -> Counted:
    """The mean of the rows' terms t (N,): Σ cᵢtᵢ/Σ cᵢ."""
    bad = ~np.isfinite(terms)
    finite, others = np.where(bad, 0.0, terms), terms[bad]

    def mean(counts: Array) -> Array:
        total = np.einsum("ij,j->i", counts, finite)  # a matrix product would start BLAS threads for each sample
        if len(others):  # an infinite term that was not drawn must not add 0·∞ = NaN
            total = total + np.where(counts[:, bad] > 0, others, 0.0).sum(axis=1)
        return np.asarray(total / counts.sum(axis=1))

    return mean


def root_of_mean(error: Array) -> Counted | None:
    """√(Σ cᵢeᵢ²/Σ cᵢ); None if squares overflow or underflow."""
    if not _can_be_squared(error):
        return None
    mean = mean_of(error**2)
    return lambda counts: np.sqrt(mean(counts))


def share_explained(y: Array, error: Array) -> Counted | None:
    """1 − Σ cᵢeᵢ²/Σ cᵢ(yᵢ − ȳ)² with the mean ȳ of the sample; None if squares overflow or underflow."""
    if not _can_be_squared(error) or not _can_be_squared(y):
        return None

    def share(counts: Array) -> Array:
        first = y[np.argmax(counts > 0, axis=1)]
        constant = np.array([not np.any((c > 0) & (y != one)) for c, one in zip(counts, first, strict=True)])
        apart = y - (np.einsum("ij,j->i", counts, y) / counts.sum(axis=1))[:, None]
        spread = (counts * apart**2).sum(axis=1)
        return np.where(constant, nan, 1.0 - np.einsum("ij,j->i", counts, error**2) / np.where(constant, 1.0, spread))

    return share


def _can_be_squared(x: Array) -> bool:
    """Whether the squares of these numbers neither overflow nor underflow."""
    size = np.abs(x[x != 0])
    return bool(np.all((size > 1e-140) & (size < 1e140)))


def of_confusion(y: Array, predicted: Array, classes: int, value: Callable[[Array], float | None]) -> Counted:
    """A metric `value` of the confusion matrix of each sample."""
    cells = y.astype(np.intp, copy=False) * classes + predicted

    def of_each(counts: Array) -> Array:
        tables = (np.bincount(cells, c, classes**2).astype(np.int64).reshape(classes, classes) for c in counts)
        return np.array([nan if found is None else found for found in map(value, tables)])

    return of_each


def calibration_error(which: Array, said: Array, right: Array, bins: int) -> Counted:
    """The expected calibration error, Σ_bins |Σ_{i in bin} cᵢ(confidenceᵢ − rightᵢ)|/Σ cᵢ.

    `which`: the bin of each row, `said`: its confidence, `right`: whether the prediction is right, (N,) each.
    """
    apart = said - right

    def error(counts: Array) -> Array:
        sums = np.array([np.abs(np.bincount(which, c * apart, bins)).sum() for c in counts])
        return np.asarray(sums / counts.sum(axis=1))

    return error


def area_under_roc(positive: Array, score: Array) -> Counted:
    """The area under the ROC curve: P(score of a positive row > score of a negative row) + ½P(equal)."""
    hits, misses = _in_order(positive, score)
    sides = [np.searchsorted(score[misses], score[hits], side) for side in ("left", "right")]

    def area(counts: Array) -> Array:
        of_hits, below = counts[:, hits], _cumulated(counts[:, misses])
        twice = (of_hits * (below[:, sides[0]] + below[:, sides[1]])).sum(axis=1)
        return _quotient(twice, 2.0 * of_hits.sum(axis=1) * below[:, -1])

    return area


def area_under_precision(positive: Array, score: Array) -> Counted:
    """The area under the precision-recall curve: Σ (R_k − R_{k−1})·P_k over falling scores of positive rows."""
    hits, misses = _in_order(positive, score)
    scores = score[hits]
    first = np.flatnonzero(np.append(True, scores[1:] != scores[:-1])[: len(hits)])
    lower = np.searchsorted(score[misses], scores[first], "left")

    def area(counts: Array) -> Array:
        below, others = _cumulated(counts[:, hits]), _cumulated(counts[:, misses])
        found = below[:, -1:] - below[:, first]
        gained = -np.diff(found, append=0.0)
        seen = found + others[:, -1:] - others[:, lower]
        precision = np.divide(found, seen, out=np.zeros_like(found), where=found > 0)
        return _quotient((gained * precision).sum(axis=1), below[:, -1])

    return area


def _in_order(positive: Array, score: Array) -> list[Array]:
    """The indices of the positive rows and of the negative rows, each by rising score."""
    order = np.argsort(score, kind="stable")
    return [order[positive[order]], order[~positive[order]]]


def _cumulated(counts: Array) -> Array:
    """The cumulative sums of each sample's counts, from 0: (samples, N + 1)."""
    found = np.zeros((counts.shape[0], counts.shape[1] + 1))
    np.cumsum(counts, axis=1, out=found[:, 1:])
    return found


def _quotient(numerator: Array, denominator: Array) -> Array:
    return np.asarray(np.divide(numerator, denominator, out=np.full(len(numerator), nan), where=denominator > 0))


def mean_of_classes(parts: Sequence[Counted]) -> Counted:
    """The mean of the metric over the classes; NaN if a class has no value."""
    return lambda counts: np.mean([part(counts) for part in parts], axis=0)
