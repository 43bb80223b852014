"""Mean, σ, median and the most frequent value of a column, right for every finite input."""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.share import WHOLE, Gathering, total

Array = NDArray[Any]


ROWS = 1 << 16
"""Values of a block, of which mean and σ are taken while it is in the cache."""


def mean_and_sigma(values: Array, share: Gathering = WHOLE) -> tuple[float, float]:
    """(mean, σ with N) of finite values (N,), N ≥ 1, of which these are a share; σ is exactly 0 where all are equal."""
    center, sigma = moments(whole_blocks(lambda part: values[None, part], len(values), share), share)
    return float(center[0]), float(sigma[0])


def whole_blocks(take: Callable[[slice], Array], count: int, share: Gathering = WHOLE) -> Iterator[Array]:
    """The blocks of `ROWS` values of a whole table that begin in a share of it, which has `count` values.

    `take` gives those of some places, (k, places). What belongs to a block that begins in an earlier share is sent to
    that, so that the blocks are the same however the table is shared.
    """
    counts = share.gathered(count)
    starts = np.cumsum([0, *counts])
    first = min(count, int(-starts[share.rank] % ROWS))
    begins = starts[share.rank] // ROWS * ROWS  # of the block that the first values belong to, and the share of that
    owner = int(np.searchsorted(starts, begins, "right")) - 1
    head = np.ascontiguousarray(take(slice(0, first)).T)
    sent = [head if rank == owner and first else head[:0] for rank in range(share.size)]
    rest = np.concatenate(share.exchanged(sent)).T if share.size > 1 else head[:0].T
    for place in range(first, count, ROWS):
        block = take(slice(place, min(place + ROWS, count)))
        yield block if place + ROWS <= count else np.ascontiguousarray(np.concatenate([block, rest], axis=1))


def moments(blocks: Iterable[Array], share: Gathering = WHOLE) -> tuple[Array, Array]:
    """The means and σ of k columns, (k,) each, from blocks (k, rows) of `ROWS` values, of which the last may be
    shorter; those of a `share` of a table, and those of the others.

    In a block σ is that of the deviations from the rounded mean, whose own mean is taken out again (Chan, Golub &
    LeVeque 1983, eq. 1.7). σ² of several blocks is the mean of theirs and of the squares of their means' deviations
    from the mean. In units of a power of two near the largest value, by which a division is exact, neither sums nor
    squares overflow.
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

    Where the difference could overflow, it takes half of each number: 1e308 − (−1e308) over a σ of 1e308 is 2. It does
    so for all rows of a column or for none, by the center, so that a row gives the same whatever rows are beside it.
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
    """The middle of finite values (N,), or halfway between the two in the middle."""
    every = total(share, len(values))
    places = [(every - 1) // 2, every // 2]
    if share.size == 1:
        a, b = map(float, np.partition(values, places)[places])
    else:
        a, b = (_at_place(np.sort(values), place, share) for place in places)
    halfway = (a + b) / 2 + 0.0  # no −0, which the order of equal values would decide
    return halfway if math.isfinite(halfway) else a / 2 + b / 2


def _at_place(ordered: Array, place: int, share: Gathering) -> float:
    """The value of which `place` are smaller or equal and before it, among ordered values of all shares.

    By bisection over the doubles, which are ordered as the whole numbers that their bits are.
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
    """The doubles in their order: 0 is 0.0, 1 the next larger one, −1 is −0.0, −2 the next smaller one."""
    bits = number if number >= 0 else number ^ 0x7FFF_FFFF_FFFF_FFFF
    value = float(np.int64(bits).view(np.float64))
    return math.copysign(math.inf, value) if math.isnan(value) else value


def most_frequent(values: Array, share: Gathering = WHOLE) -> float:
    """The value that occurs most often among (N,); of several the smallest."""
    distinct, counts = np.unique(values, return_counts=True)
    if share.size > 1:
        distinct, counts = _counted_together(distinct, counts, share)
    best = [(-int(counts.max()), float(distinct[np.argmax(counts)]))] if len(counts) else []
    return min(chain.from_iterable(share.gathered(best)))[1]


def _counted_together(distinct: Array, counts: Array, share: Gathering) -> tuple[Array, Array]:
    """The different values that this process counts for all shares, in order, and how often each occurs in them."""
    distinct = distinct + 0.0  # one zero
    who = np.frombuffer(distinct.tobytes(), np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15) >> np.uint64(40)
    mine = who % np.uint64(share.size)
    pairs = np.column_stack([distinct, counts.astype(np.float64)])
    found = np.concatenate(share.exchanged([pairs[mine == rank] for rank in range(share.size)]))
    values, places = np.unique(found[:, 0], return_inverse=True)
    return values, np.bincount(places, found[:, 1], len(values)).astype(np.int64)
