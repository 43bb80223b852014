"""Ranks the combinations of a sweep, and finds the simplest one within one standard error of the best."""

from collections.abc import Sequence
from math import inf, isfinite, isnan, nan, sqrt
from statistics import mean, stdev


def mean_and_std(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Mean and standard deviation √(Σ (x − mean)²/(n − 1)). Both are None if a value is; the second is for n = 1.

    They are computed exactly and rounded once, so that equal values have the deviation 0.
    """
    found = [value for value in values if value is not None]
    if len(found) < len(values):
        return None, None
    std = None if len(found) < 2 else stdev(found) if all(map(isfinite, found)) else nan
    return mean(found), std


def ranked(means: Sequence[float | None], higher_is_better: bool) -> list[int]:
    """The indices of the means, best first; equal means in their order, None and NaN last."""

    def key(k: int) -> tuple[bool, float, int]:
        mean = means[k]
        if mean is None or isnan(mean):
            return True, 0.0, k
        return False, -mean if higher_is_better else mean, k

    return sorted(range(len(means)), key=key)


def simplest(
    order: Sequence[int],
    means: Sequence[float | None],
    stds: Sequence[float | None],
    folds: int,
    penalties: Sequence[tuple[float, float]],
) -> int:
    """The combination with the largest penalties (l1, l2) among those within one standard error of the best.

    The standard error is std/√folds of the best one (Breiman et al. 1984, Classification and Regression Trees, 3.4.3).
    Of equal penalties the better one is taken.
    """
    best = means[order[0]]
    margin = (stds[order[0]] or 0.0) / sqrt(folds)
    if best is None or isnan(best) or isnan(margin):
        return order[0]

    def near(k: int) -> bool:
        mean = means[k]
        return mean is not None and not isnan(mean) and abs(mean - best) <= (margin if margin < inf else 0.0)

    return max((k for k in order if near(k)), key=lambda k: penalties[k])
