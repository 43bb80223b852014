"""One-sided derivatives where the rules stop: at kinks, jumps, removable singularities and 0·∞.

One input at a time goes h to either side, in truncated power series: the coefficient of h¹ in the value is the slope on
that side. Where both sides agree, and with the value at the point, that is the derivative; where they differ there is a
kink, and a convention decides; where the terms of the series don't decide, the derivative is unknown.
"""

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from bpcli.calculus.one_sided.expansions import SeriesKind
from bpcli.calculus.one_sided.kink_notes import Kink
from bpcli.calculus.one_sided.sides import LENGTHS, Neighbourhood, Sides, common_slope
from bpcli.errors import InputError
from bpcli.numbers.operators import UNKNOWN

MAX_STEPS = 200_000
"""The most series, over all inputs and both sides; where there would be more, the sides are not looked at."""

WORK_A_STEP = 2
"""The work of coefficients allowed for each series, beside `MAX_WORK`."""

_NEAR = 1e-9  # relative: slopes in doubles that differ by less count as equal


def resolve(
    near: Neighbourhood, plain: Any, values: Any, kink: str, second: bool, inputs: Sequence[int] | None = None
) -> list[Kink]:
    """Write one-sided derivatives into `plain`, slopes (outputs, inputs, B) by the plain sweep; the kinks that remain.

    `values` (outputs, B) are at the points themselves; `second`: they are the gradient, and its slopes the Hessian.
    `inputs` are those whose slopes are looked at; all if it is None.
    `kink` is the convention where the sides differ: `left` or `right` takes that side, `lecture` see `_by_convention`.
    A slope that is not known becomes NaN, or a ball of which nothing is known. Where it would take more than
    `MAX_STEPS`, the sides are not looked at: the plain slopes stay, unless a proof or a side was asked for.
    """
    looked = list(range(len(near.names)) if inputs is None else inputs)
    steps = 2 * len(looked) * near.program.entries * near.points * (4 if second else 1)
    if steps > MAX_STEPS:
        if kink != "lecture" or near.exact:
            raise too_many(steps, MAX_STEPS)
        return [Kink("", 0, None, None, math.nan, False)]
    near.work.allowed += WORK_A_STEP * steps
    is_finite = near.kind.reals.arithmetic.is_finite
    if not near.exact and not any(v == v if second else is_finite(v) for v in values.ravel()):
        if second:
            plain[:, looked] = math.nan
        return []
    found: list[Kink] = []
    for i in looked:
        for o, row in enumerate(_decided(near, i, looked, second, steps, len(values))):
            for b, sides in enumerate(row):
                if not is_finite(values[o, b]) and not (second and values[o, b] == values[o, b] and _grows(sides)):
                    if second and values[o, b] != values[o, b]:
                        plain[o, i, b] = near.kind.not_known
                    continue
                used, is_kink = _chosen(sides, plain[o, i, b], kink, second, near.kind)
                plain[o, i, b] = used
                if second and o not in looked:  # the other order rests on the convention for the slope by input i
                    plain[i, o, b] = used
                if second and sides.left == sides.right and not near.gradient_at(looked)[o][b].defined:
                    continue  # no jump: the slope at the point is itself of one side, or a convention that has a note
                if is_kink:
                    slope = f"d²/d{near.names[o]}d{near.names[i]}" if second else f"d/d{near.names[i]}"
                    found.append(_kink(slope, b, sides, used, second, near.kind))
    return found


def too_many(steps: int, allowed: int) -> InputError:
    """The error where a proof or a side was asked for, and it would take too many steps."""
    return InputError(
        f"a kink among so many entries: to look to both sides of each would take {steps} steps, of which {allowed} are "
        "allowed",
        "wrt NAMES takes fewer variables; or leave out kink and certify",
        names=["wrt", "kink", "certify"],
    )


def _decided(
    near: Neighbourhood, i: int, looked: Sequence[int], second: bool, steps: int, outputs: int
) -> list[list[Sides]]:
    """The slopes by input i, of series as long as it takes to know them, or as is allowed."""
    rows: list[list[Sides]] = []
    if near.work.exhausted:
        return [[Sides(UNKNOWN, UNKNOWN, UNKNOWN)] * near.points for _ in range(outputs)]
    for length in LENGTHS:
        if rows and (steps * length > MAX_STEPS * LENGTHS[0] or near.work.exhausted):
            break
        near.take_terms(length)
        longer = near.second_slopes(i, looked, near.gradient_at(looked)) if second else near.slopes(i)
        pairs = zip(rows or longer, longer, strict=True)
        rows = [[min(sides, key=_open) for sides in zip(*pair, strict=True)] for pair in pairs]
        if not any(map(_open, itertools.chain.from_iterable(rows))):
            break
    return rows


def _grows(sides: Sides) -> bool:
    """Whether a slope becomes infinite on a side."""
    return any(isinstance(side, float) for side in sides[:2])


def _open(sides: Sides) -> int:
    """How many of the slopes are unknown."""
    return sides.count(UNKNOWN)


def _chosen(sides: Sides, plain: Any, kink: str, second: bool, kind: SeriesKind) -> tuple[Any, bool]:
    """The derivative to use, and whether it needs a note, as there are several or none is known."""
    common = common_slope(sides, kind)
    one_sided = sides.left is None or sides.right is None
    if kink != "lecture" and common in (None, UNKNOWN):
        side = sides.left if kink == "left" else sides.right
        return _number(side, kind), not one_sided or (sides.jumps is True and not second)
    if common is UNKNOWN:
        return kind.not_known, True
    if common is not None:
        right = _number(common, kind)
        return (right if kind.exact or not _near(plain, right, kind) else plain) + 0.0, False
    if sides.left is None and sides.right is None:
        return math.nan, True
    if UNKNOWN in (sides.left, sides.right):
        return kind.not_known, True
    if one_sided:
        side = _number(sides.right if sides.left is None else sides.left, kind)
        return (plain if _near(plain, side, kind) else side), sides.jumps is True and not second
    return _by_convention(sides, plain, second, kind), True


def _by_convention(sides: Sides, plain: Any, second: bool, kind: SeriesKind) -> Any:
    """The lecture's choice where sides differ: what the rules say at the point, such as relu′(0) = 1.

    Where that lies beyond the slopes of both sides, as 1 + ½ for relu(x) − relu(−x)/2, it is the side next to it; a
    value that belongs to neither side, as of (x == 2)·x, keeps what the rules say. Where they have no finite slope it
    is the mean of both sides; so it is of second derivatives, unless the rules take a side: an even split of max(x, 0)²
    is (0 + 2)/2, not the 2·(½)² of the rules.
    """
    two = [sides.left if sides.other is None else sides.other, sides.right]
    numbers = [_number(slope, kind) for slope in two]
    if kind.reals.arithmetic.is_finite(plain) and (not second or any(_near(plain, side, kind) for side in numbers)):
        return plain if second or sides.isolated else _between(plain, numbers, kind)
    if any(isinstance(slope, float) for slope in two):
        return sum(side for side in two if isinstance(side, float))  # an infinite one outweighs the other
    return _number((two[0] + two[1]) * Fraction(1, 2), kind)


def _between(plain: Any, sides: Sequence[Any], kind: SeriesKind) -> Any:
    """The slope of the rules, or that of the side next to it where it lies beyond both, but for rounding."""
    left, right = sides
    if any(_near(plain, side, kind) for side in sides):
        return plain
    if plain < left and plain < right:
        return left if left < right else right
    if plain > left and plain > right:
        return left if left > right else right
    return plain


def _number(slope: Any, kind: SeriesKind) -> Any:
    """A slope as a double or a ball."""
    if slope is UNKNOWN:
        return kind.not_known
    return math.nan if slope is None else slope if isinstance(slope, float) else kind.result(slope)


def _near(a: Any, b: Any, kind: SeriesKind) -> bool:
    """Whether two numbers are one, but for rounding."""
    if kind.exact:
        return (a == b) is not False
    return bool(a == b or abs(a - b) <= _NEAR * max(abs(a), abs(b)) < math.inf)


def _kink(slope: str, point: int, sides: Sides, used: Any, second: bool, kind: SeriesKind) -> Kink:
    """The record of a kink, in doubles."""
    if UNKNOWN in sides:
        return Kink(slope, point, math.nan, math.nan, math.nan, False, known=False)

    def double(x: Any) -> float | None:
        return x if x is None or isinstance(x, float) else kind.approximate(x)

    left, right, other = (double(side) for side in (*sides[:2], sides.other))
    if other is not None and right is not None:
        left, right = sorted((other, right))
    jumps = sides.jumps is True and (not second or left == right)
    return Kink(slope, point, left, right, kind.reals.arithmetic.shown(used), jumps)


def resolve_tangents(names: Sequence[str], plain: Any, left: Any, right: Any, kink: str) -> list[Kink]:
    """As `resolve`, of slopes (inputs, B) from both sides that are doubles."""
    with np.errstate(all="ignore"):
        size = np.maximum(abs(left), abs(right))
        differ = abs(left - right) > _NEAR * size
        better = np.where(abs(plain - right) > _NEAR * size, right, plain)
    side = plain if kink == "lecture" else left if kink == "left" else right
    plain[:] = np.where(differ, side, better) + 0.0
    return [
        Kink(f"d/d{names[i]}", b, float(left[i, b]), float(right[i, b]), float(plain[i, b]), False)
        for i, b in np.argwhere(differ).tolist()
    ]
