"""Mean, σ, median and the most frequent value of a column, right for every finite input."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def mean_and_sigma(values: Array) -> tuple[float, float]:
    """(mean, σ with N) of finite values (N,), N ≥ 1; σ is exactly 0 where all are equal.

    σ is that of the deviations from the rounded mean, whose own mean is taken out again (Chan, Golub & LeVeque 1983,
    eq. 1.7). In units of a power of two near the largest value, by which a division is exact, neither sums nor squares
    overflow.
    """
    low, high = float(values.min()), float(values.max())
    if low == high:  # by comparing values: the mean of many equal numbers may be rounded
        return low, 0.0
    unit = math.ldexp(1.0, math.frexp(max(-low, high))[1] - 1)
    scaled = values / unit
    center = scaled.mean()
    scaled -= center
    scaled -= scaled.mean()
    np.multiply(scaled, scaled, scaled)  # in place: a column of large data is a large array
    return float(center) * unit, math.sqrt(scaled.mean()) * unit


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
