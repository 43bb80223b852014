"""One-sided derivatives where the rules stop: at kinks, jumps, removable singularities and 0·∞.

One input at a time goes h to either side, in truncated power series: the coefficient of h¹ in the value is the slope on
that side. Where both sides agree, and with the value at the point, that is the derivative; where they differ there is a
kink, and a convention decides; where the terms of the series don't decide, the derivative is unknown.
"""

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from bpcli.calculus.one_sided.coefficients import Coefficient, Work
from bpcli.calculus.one_sided.expansions import SeriesKind
from bpcli.calculus.one_sided.series import Series
from bpcli.calculus.rules.shapes import Shape, entry_names
from bpcli.calculus.sweeps.program import Program
from bpcli.errors import InputError
from bpcli.numbers.elements import UNKNOWN
from bpcli.text.notation import number as written

MAX_STEPS = 200_000
"""The most series, over all inputs and both sides; where there would be more, the sides are not looked at."""

MAX_WORK, WORK_A_STEP = 1 << 17, 2
"""The most work of coefficients, in products of short fractions: the first, and so many more for each series."""

LENGTHS = (6, 12, 32)
"""How many terms a series has; more are tried where fewer don't decide."""

_OFF = Fraction(1, 2**31 - 1)  # off a whole number: so the other inputs' terms add up to no term of h itself
ASIDE = dict(zip(LENGTHS, (Fraction(64), 4 + _OFF, 8 + _OFF), strict=True))
"""The other inputs go h^ASIDE to a side, off kinks of their own: too little to change the terms that matter.

Longer series take a smaller power, for expressions in which a quotient by another input cancels.
"""

_NEAR = 1e-9  # relative: slopes in doubles that differ by less count as equal


class Kink(NamedTuple):
    """A place where the slopes from both sides differ, None where a side has none; `slope` is such as d/dx.

    Where the sides were not looked at, `slope` is empty; where they were, and did not decide, `known` is False.
    """

    slope: str
    point: int
    left: float | None
    right: float | None
    used: float
    jumps: bool
    known: bool = True


def in_words(place: str, kinks: Sequence[Kink], advice: str) -> str:
    """The note on a point at a kink; `advice` says how to take a side."""
    first = kinks[0]
    if not first.slope:
        return f"{place} may be a kink; among so many entries the sides were not looked at"
    more = f" (and so for {len(kinks) - 1} more)" if len(kinks) > 1 else ""
    if not first.known:
        return f"{place}: {first.slope} is not known, nor whether there is one{more}"
    if first.left is None and first.right is None:
        return f"{place} has no {first.slope}: there is no slope on either side{more}"
    left, right = ("nothing" if side is None else written(side) for side in (first.left, first.right))
    what = "has a jump" if first.jumps else "has a kink"
    choice = f"; {advice}" if advice and left != right else ""
    slopes = f"{first.slope} is {left} on the left, {right} on the right"
    return f"{place} {what}: {slopes}; {written(first.used)} is used{more}{choice}"


class Sides(NamedTuple):
    """The slopes on both sides of a point: coefficients or ±∞, None where a side has none, UNKNOWN if it is not known.

    `jumps` says whether the value does: True, False or UNKNOWN. `other` is one more slope, of a mixed derivative that
    is the same on both sides, but not across.
    """

    left: Any
    right: Any
    jumps: Any
    other: Any = None


class Neighbourhood:
    """The series of a program's values and slopes about points, columns (*shape, B), as its inputs `wrt` move.

    `exact`: signs are proven, in balls.
    """

    def __init__(self, program: Program, columns: dict[str, Any], wrt: Sequence[str], exact: bool) -> None:
        self.program, self.wrt, self.columns, self.exact = program, wrt, columns, exact
        self.work = Work(MAX_WORK)
        self.points = max([column.shape[-1] for column in columns.values()], default=1)
        self.entries = [(name, k) for name in wrt for k in range(math.prod(program.variables[name]))]
        self.names = [title for name in wrt for title in entry_names(name, program.variables[name])]
        self._kinds: dict[int, SeriesKind] = {}
        self._gradients: dict[tuple[int, tuple[int, ...]], list[list[Series]]] = {}
        self.take_terms(LENGTHS[0])

    def take_terms(self, length: int) -> None:
        """Work with series of so many terms from now on."""
        if length not in self._kinds:
            self._kinds[length] = SeriesKind(self.exact, length, self.work)
        self.kind = self._kinds[length]

    def _moved(self, shifts: Sequence[tuple[int, float, Fraction]]) -> dict[str, Any]:
        """The points with some inputs moved, each by direction·h^power."""
        columns = {name: self.kind.namespace.asarray(column) for name, column in self.columns.items()}
        for entry, direction, power in shifts:
            name, k = self.entries[entry]
            full = np.broadcast_to(self.columns[name], (*self.program.variables[name], self.points))
            series = np.array(np.broadcast_to(np.asarray(columns[name]), full.shape), object)
            series.reshape(-1, self.points)[k] = [
                self.kind.moved(float(x), direction, power) for x in full.reshape(-1, self.points)[k]
            ]
            columns[name] = self.kind.namespace.kept(series)
        return columns

    def values(self, shifts: Sequence[tuple[int, float, Fraction]] = ()) -> list[list[Series]]:
        """The outputs, a list by output of a list by point."""
        values = self.program.forward(self.kind.rules, self._moved(shifts))
        return self._flat([(values[slot], self.program.shapes[slot]) for slot in self.program.outputs])

    def gradient(self, shifts: Sequence[tuple[int, float, Fraction]] = ()) -> list[list[Series]]:
        """The gradient, a list by input of a list by point."""
        values = self.program.forward(self.kind.rules, self._moved(shifts))
        (slot,) = self.program.outputs
        active, one = self.program.active(self.wrt), self.kind.namespace.ones(1)
        found = self.program.reverse(self.kind.rules, values, {slot: one}, active)
        shapes = self.program.variables
        return self._flat([(found.get(n, self.kind.namespace.zeros(1)), shapes[n]) for n in self.wrt])

    def _flat(self, found: list[tuple[Any, Shape]]) -> list[list[Series]]:
        rows: list[list[Series]] = []
        for values, shape in found:
            full = np.broadcast_to(np.asarray(self.kind.namespace.lifted(values), object), (*shape, self.points))
            rows += [list(row) for row in full.reshape(-1, self.points)]
        return rows

    def slopes(self, i: int) -> list[list[Sides]]:
        """The slopes by input i, a list by output of a list by point."""
        before, behind = (self.values([(i, direction, Fraction(1))]) for direction in (-1.0, 1.0))
        rows = zip(before, behind, self.values(), strict=True)
        return [[_sides(*series, self.kind) for series in zip(*row, strict=True)] for row in rows]

    def second_slopes(self, i: int, inputs: Sequence[int], gradient: list[list[Series]]) -> list[list[Sides]]:
        """The slopes of the gradient by input i; the other inputs are on the same side, and then on the other."""
        ways = [(-1.0, -1.0), (1.0, 1.0), (-1.0, 1.0), (1.0, -1.0)][: 4 if len(inputs) > 1 else 2]
        power, found = ASIDE[self.kind.length], []
        for direction, aside in ways:
            others = [(other, aside, power) for other in inputs if other != i]
            found.append(self.gradient([(i, direction, Fraction(1)), *others]))
        result = []
        for *series, at in zip(*found, gradient, strict=True):
            row = []
            for *ways_at, value in zip(*series, at, strict=True):
                sides = _sides(ways_at[0], ways_at[1], value, self.kind)
                if len(ways_at) > 2:
                    sides = _crossed(sides, _sides(ways_at[2], ways_at[3], value, self.kind), self.kind)
                row.append(sides)
            result.append(row)
        return result

    def gradient_at(self, inputs: Sequence[int]) -> list[list[Series]]:
        """The gradient at the points themselves, by `inputs` from both sides; undefined where these differ."""
        key = self.kind.length, tuple(inputs)
        if key not in self._gradients:
            self._gradients[key] = self._gradient_at(inputs)
        return self._gradients[key]

    def _gradient_at(self, inputs: Sequence[int]) -> list[list[Series]]:
        found = self.gradient()
        for i in inputs:
            if self.work.exhausted:
                return [[self.kind.unknown] * self.points for _ in self.entries]
            (row,) = self.slopes(i)
            for b, sides in enumerate(row):
                slope = _common(sides, self.kind)
                if slope is UNKNOWN:
                    found[i][b] = self.kind.unknown
                elif slope is None or isinstance(slope, float):
                    found[i][b] = self.kind.undefined
                else:
                    found[i][b] = self.kind.of(slope)
        return found


def _sides(before: Series, behind: Series, value: Series, kind: SeriesKind) -> Sides:
    left, jumps_before = _side(before, value, kind)
    right, jumps_behind = _side(behind, value, kind)
    jumps = next((answer for answer in (True, UNKNOWN) if answer in (jumps_before, jumps_behind)), False)
    return Sides(left if left is None or left is UNKNOWN else -left, right, jumps)


def _side(found: Series, value: Series, kind: SeriesKind) -> tuple[Any, Any]:
    """The slope away from the point on one side, and whether the value jumps there."""
    if not found.defined:
        return None, False
    if found.terms and found.first < 0:
        return None, True
    if found.order <= 0:
        return UNKNOWN, UNKNOWN
    jumps = _jumps(found.coefficient(0), value, kind)
    rest = [(p, c) for p, c in found.terms if p > 0]
    if rest and rest[0][0] < 1:
        return kind.reals.sign(rest[0][1]) * math.inf, jumps
    return (found.coefficient(1) if found.order > 1 else UNKNOWN), jumps


def _jumps(limit: Coefficient, value: Series, kind: SeriesKind) -> Any:
    """Whether the value at the point is not the limit; in doubles what is not told apart is one."""
    if not value.defined:
        return True
    if value.order <= 0 or value.first < 0:
        return UNKNOWN
    return _differ(limit, value.coefficient(0), kind)


def _differ(a: Any, b: Any, kind: SeriesKind) -> Any:
    """Whether two slopes are two: True, False or UNKNOWN; in doubles what is not told apart is one."""
    if isinstance(a, float) or isinstance(b, float):
        return a is not b and a != b
    sign = kind.reals.sign(a - b)
    return sign if sign is UNKNOWN and kind.exact else sign is not UNKNOWN and sign != 0


def _common(sides: Sides, kind: SeriesKind) -> Any:
    """The derivative: the slope of both sides, or None where there is none, or UNKNOWN."""
    if None in sides[:2] or sides.jumps is True or (sides.other is not None and sides.other is not UNKNOWN):
        return None
    if UNKNOWN in (*sides[:2], sides.jumps, sides.other):
        return UNKNOWN
    differ = _differ(sides.left, sides.right, kind)
    return UNKNOWN if differ is UNKNOWN else None if differ else sides.right


def _crossed(sides: Sides, crossed: Sides, kind: SeriesKind) -> Sides:
    """The slopes with all inputs on one side, and those with the others on the other side.

    The latter are used where the former leave a domain, and where they alone show that there are several slopes.
    """
    left, right = (b if a is None else a for a, b in zip(sides[:2], crossed[:2], strict=True))
    if left is None or right is None or _common(Sides(left, right, sides.jumps), kind) in (None, UNKNOWN):
        return Sides(left, right, sides.jumps)
    for slope in crossed[:2]:
        if slope is UNKNOWN or (slope is not None and _differ(slope, right, kind) is not False):
            return Sides(left, right, False, slope)
    return Sides(left, right, False)


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
            raise InputError(
                f"a kink among so many entries: to look to both sides of each would take {steps} steps, of which "
                f"{MAX_STEPS} are allowed",
                "wrt NAMES takes fewer variables; or leave out kink and certify",
                names=["wrt", "kink", "certify"],
            )
        return [Kink("", 0, None, None, math.nan, False)]
    near.work.allowed += WORK_A_STEP * steps
    is_finite = near.kind.reals.arithmetic.is_finite
    if not near.exact and not any(map(is_finite, values.ravel())):
        if second:
            plain[np.ix_([o for o, row in enumerate(values) if (row != row).any()], looked)] = math.nan
        return []
    found: list[Kink] = []
    for i in looked:
        for o, row in enumerate(_decided(near, i, looked, second, steps, len(values))):
            for b, sides in enumerate(row):
                if not is_finite(values[o, b]):
                    if second and values[o, b] != values[o, b]:
                        plain[o, i, b] = near.kind.not_known
                    continue
                used, is_kink = _chosen(sides, plain[o, i, b], kink, second, near.kind)
                plain[o, i, b] = used
                if second and o not in looked:  # the other order rests on the convention for the slope by input i
                    plain[i, o, b] = used
                if is_kink:
                    slope = f"d²/d{near.names[o]}d{near.names[i]}" if second else f"d/d{near.names[i]}"
                    found.append(_kink(slope, b, sides, used, second, near.kind))
    return found


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


def _open(sides: Sides) -> int:
    """How many of the slopes are unknown."""
    return sides.count(UNKNOWN)


def _chosen(sides: Sides, plain: Any, kink: str, second: bool, kind: SeriesKind) -> tuple[Any, bool]:
    """The derivative to use, and whether it needs a note, as there are several or none is known."""
    common = _common(sides, kind)
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

    Where they have no finite slope it is the mean of both sides; so it is of second derivatives, unless the rules take
    a side: an even split of max(x, 0)² is (0 + 2)/2, not the 2·(½)² of the rules.
    """
    two = [sides.left if sides.other is None else sides.other, sides.right]
    numbers = [_number(slope, kind) for slope in two]
    if kind.reals.arithmetic.is_finite(plain) and (not second or any(_near(plain, side, kind) for side in numbers)):
        return plain
    if any(isinstance(slope, float) for slope in two):
        return sum(side for side in two if isinstance(side, float))  # an infinite one outweighs the other
    return _number((two[0] + two[1]) * Fraction(1, 2), kind)


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
    shown = used if isinstance(used, float) else kind.reals.arithmetic.approximate(used)
    return Kink(slope, point, left, right, shown, sides.jumps is True and not second)


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
