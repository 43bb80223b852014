"""Mean, σ, median and the most frequent value of a column, right for every finite input."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


ROWS = 1 << 16
"""Values of a block, of which mean and σ are taken while it is in the cache."""


def mean_and_sigma(values: Array) -> tuple[float, float]:
    """(mean, σ with N) of finite values (N,), N ≥ 1; σ is exactly 0 where all are equal."""
    center, sigma = moments(values[None, first : first + ROWS] for first in range(0, len(values), ROWS))
    return float(center[0]), float(sigma[0])


def moments(blocks: Iterable[Array]) -> tuple[Array, Array]:
    """The means and σ of k columns, (k,) each, from blocks (k, rows) of `ROWS` values, of which the last may be
    shorter.

    In a block σ is that of the deviations from the rounded mean, whose own mean is taken out again (Chan, Golub &
    LeVeque 1983, eq. 1.7). σ² of several blocks is the mean of theirs and of the squares of their means' deviations
    from the mean. In units of a power of two near the largest value, by which a division is exact, neither sums nor
    squares overflow.
    """
    found = [(block.shape[1], *_moments(block)) for block in blocks]
    sizes = np.array([size for size, *_ in found], np.float64)
    low, high, means, rests, sigmas = (np.stack(parts, axis=1) for parts in list(zip(*found, strict=True))[1:])
    low, high = low.min(axis=1), high.max(axis=1)
    if len(found) == 1:
        return means[:, 0], sigmas[:, 0]
    unit = _unit(low, high)[:, None]
    means, rests, sigmas, share = means / unit, rests / unit, sigmas / unit, sizes / sizes.sum()
    center = (means * share).sum(axis=1)
    apart = means - center[:, None] + rests
    between = (apart * share).sum(axis=1)
    apart -= between[:, None]
    center += between
    sigma = np.sqrt(((sigmas**2 + apart**2) * share).sum(axis=1))
    same = low == high  # by comparing values: the mean of many equal numbers may be rounded
    return np.where(same, low, center * unit[:, 0]), np.where(same, 0.0, sigma * unit[:, 0])


def _moments(block: Array) -> tuple[Array, Array, Array, Array, Array]:
    """The least and the largest value, the mean, what it lost by rounding, and σ of each row of an array (k, rows)."""
    low, high = block.min(axis=1), block.max(axis=1)
    unit = _unit(low, high)
    scaled = block / unit[:, None]
    center = scaled.mean(axis=1)
    scaled -= center[:, None]
    rest = scaled.mean(axis=1)
    scaled -= rest[:, None]
    np.multiply(scaled, scaled, scaled)
    sigma, same = np.sqrt(scaled.mean(axis=1)) * unit, low == high
    return low, high, np.where(same, low, center * unit), np.where(same, 0.0, rest * unit), np.where(same, 0.0, sigma)


def _unit(low: Array, high: Array) -> Array:
    """The power of two that is near the largest size of values from `low` to `high`."""
    unit: Array = np.ldexp(1.0, np.frexp(np.maximum(-low, high))[1] - 1)
    return unit


def standardize(X: Array, center: Any, scale: Any) -> None:
    """X := (X − center)/scale in place, without overflow on the way; ±∞ where the quotient is beyond the doubles.

    Half of each where the difference could overflow: 1e308 − (−1e308) over a σ of 1e308 is 2. The center alone decides,
    so that a row is scaled alike whatever rows stand beside it: less a smaller one, the largest double stays itself.
    """
    unit = np.where(np.abs(center) > 2.0**969, 0.5, 1.0)
    with np.errstate(over="ignore", under="ignore"):
        if (unit < 1).any():
            X *= unit
        if np.any(center):
            X -= center * unit
        X /= scale * unit


def mean(values: Array) -> float:
    """The mean of finite values (N,)."""
    return mean_and_sigma(values)[0]


def median(values: Array) -> float:
    """The middle of finite values (N,), or halfway between the two in the middle."""
    places = [(len(values) - 1) // 2, len(values) // 2]
    a, b = map(float, np.partition(values, places)[places])
    halfway = (a + b) / 2
    return halfway if math.isfinite(halfway) else a / 2 + b / 2


def most_frequent(values: Array) -> float:
    """The value that occurs most often among (N,); of several the smallest."""
    distinct, counts = np.unique(values, return_counts=True)
    return float(distinct[np.argmax(counts)])
