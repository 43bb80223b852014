"""Mean, σ, median and most frequent value of a column, without overflow for any finite input."""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.share import WHOLE, Gathering, total

Array = NDArray[Any]


ROWS = 1 << 16
"""Values of a block: few enough to stay in the cache while its mean and σ are computed."""


def mean_and_sigma(values: Array, share: Gathering = WHOLE) -> tuple[float, float]:
    """(mean, σ) of finite values, N ≥ 1, of which these are a share; σ² = Σ (x − mean)²/N, 0 if all are equal."""
    center, sigma = moments(whole_blocks(lambda part: values[None, part], len(values), share), share)
    return float(center[0]), float(sigma[0])


def whole_blocks(take: Callable[[slice], Array], count: int, share: Gathering = WHOLE) -> Iterator[Array]:
    """Yield the blocks of `ROWS` rows of the whole table that begin in this process's share, which has `count` rows.

    `take(rows)` gives k columns of some rows of the share, (k, rows). Rows of a block that begins in an earlier share
    are sent to that process, so that the blocks do not depend on how the table is shared.
    """
    counts = share.gathered(count)
    starts = np.cumsum([0, *counts])
    first = min(count, int(-starts[share.rank] % ROWS))
    begins = starts[share.rank] // ROWS * ROWS  # where the block of the first rows begins, in the share of `owner`
    owner = int(np.searchsorted(starts, begins, "right")) - 1
    head = np.ascontiguousarray(take(slice(0, first)).T)
    sent = [head if rank == owner and first else head[:0] for rank in range(share.size)]
    rest = np.concatenate(share.exchanged(sent)).T if share.size > 1 else head[:0].T
    for place in range(first, count, ROWS):
        block = take(slice(place, min(place + ROWS, count)))
        yield block if place + ROWS <= count else np.ascontiguousarray(np.concatenate([block, rest], axis=1))


def moments(blocks: Iterable[Array], share: Gathering = WHOLE) -> tuple[Array, Array]:
    """The means and σ of k columns, (k,) each, from the blocks (k, rows) of all shares; all but the last have `ROWS`.

    In a block the deviations from the rounded mean have their own mean subtracted before they are squared (Chan, Golub
    & LeVeque 1983, eq. 1.7). Over all blocks σ² = Σ_b (N_b/N)·(σ_b² + (mean_b − mean)²). Values are divided by a
    power of two near the largest one, which is exact, so that neither sums nor squares overflow.
    """
    found = [*chain.from_iterable(share.gathered([(block.shape[1], *_moments(block)) for block in blocks]))]
    sizes = np.array([size for size, *_ in found], np.float64)
    low, high, means, rests, sigmas = (np.stack(parts, axis=1) for parts in list(zip(*found, strict=True))[1:])
    low, high = low.min(axis=1), high.max(axis=1)
    if len(found) == 1:
        return means[:, 0], sigmas[:, 0]
    unit = _unit(low, high)[:, None]
    means, rests, sigmas, weight = means / unit, rests / unit, sigmas / unit, sizes / sizes.sum()
    center = (means * weight).sum(axis=1)
    apart = means - center[:, None] + rests
    between = (apart * weight).sum(axis=1)
    apart -= between[:, None]
    center += between
    sigma = np.sqrt(((sigmas**2 + apart**2) * weight).sum(axis=1))
    same = low == high  # by comparing values: the mean of many equal numbers may be rounded
    return np.where(same, low, center * unit[:, 0]), np.where(same, 0.0, sigma * unit[:, 0])


def _moments(block: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Minimum, maximum, mean, the rounding error of the mean, and σ of each row of an array (k, rows), (k,) each."""
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
    """X := (X − center)/scale in place, without intermediate overflow; ±∞ only if the quotient itself is too large.

    Columns whose difference could overflow are halved first: (1e308 − (−1e308))/1e308 is 2. The center decides that
    for the whole column, so that the result of a row does not depend on the other rows.
    """
    unit = np.where(np.abs(center) > 2.0**969, 0.5, 1.0)
    with np.errstate(over="ignore", under="ignore"):
        if (unit < 1).any():
            X *= unit
        if np.any(center):
            X -= center * unit
        X /= scale * unit


def mean(values: Array, share: Gathering = WHOLE) -> float:
    """The mean of finite values (N,), of which these are a share."""
    return mean_and_sigma(values, share)[0]


def median(values: Array, share: Gathering = WHOLE) -> float:
    """The median of finite values, of which these are a share: the middle one, or the mean of the two in the middle."""
    every = total(share, len(values))
    places = [(every - 1) // 2, every // 2]
    if share.size == 1:
        a, b = map(float, np.partition(values, places)[places])
    else:
        a, b = (_at_place(np.sort(values), place, share) for place in places)
    halfway = (a + b) / 2 + 0.0  # never −0, as the order of 0 and −0 is arbitrary
    return halfway if math.isfinite(halfway) else a / 2 + b / 2


def _at_place(ordered: Array, place: int, share: Gathering) -> float:
    """The value at index `place` of the sorted values of all shares; `ordered` are those of this share, sorted.

    Found by bisection over the doubles, whose order is that of the integers with the same bits.
    """
    low, high = -(1 << 63), (1 << 63) - 1
    while low < high:
        middle = (low + high) >> 1
        if total(share, int(np.searchsorted(ordered, _double(middle), "right"))) > place:
            high = middle
        else:
            low = middle + 1
    return _double(low)


def _double(number: int) -> float:
    """The double with this number in ascending order: 0 is 0.0, 1 the next larger one, −1 is −0.0."""
    bits = number if number >= 0 else number ^ 0x7FFF_FFFF_FFFF_FFFF
    value = float(np.int64(bits).view(np.float64))
    return math.copysign(math.inf, value) if math.isnan(value) else value


def most_frequent(values: Array, share: Gathering = WHOLE) -> float:
    """The value that occurs most often, of which these (N,) are a share; the smallest of several."""
    distinct, counts = np.unique(values, return_counts=True)
    if share.size > 1:
        distinct, counts = _counted_together(distinct, counts, share)
    best = [(-int(counts.max()), float(distinct[np.argmax(counts)]))] if len(counts) else []
    return min(chain.from_iterable(share.gathered(best)))[1]


def _counted_together(distinct: Array, counts: Array, share: Gathering) -> tuple[Array, Array]:
    """Values and their counts in all shares; each value is counted by one process, chosen by a hash of the value."""
    distinct = distinct + 0.0  # −0 becomes 0
    who = np.frombuffer(distinct.tobytes(), np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15) >> np.uint64(40)
    mine = who % np.uint64(share.size)
    pairs = np.column_stack([distinct, counts.astype(np.float64)])
    found = np.concatenate(share.exchanged([pairs[mine == rank] for rank in range(share.size)]))
    values, places = np.unique(found[:, 0], return_inverse=True)
    return values, np.bincount(places, found[:, 1], len(values)).astype(np.int64)
