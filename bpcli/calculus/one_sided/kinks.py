"""Derivatives at the edges of functions: what both sides say, where the sweep met a kink, a jump, or 0·∞.

The point is moved by h along one variable at a time, to either side, in numbers of leading terms (`series`): the term
of h¹ of the value is the slope on that side. Where both sides agree the derivative exists, and is that; where they
differ there is a kink, and a convention decides.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from bpcli.calculus.one_sided.series import Kind, Series
from bpcli.calculus.rules.shapes import Shape, entry_names
from bpcli.calculus.sweeps.program import Program
from bpcli.errors import UsageError
from bpcli.text.notation import number as written

MAX_STEPS = 400_000
"""Numbers of leading terms, over all directions, up to which the sides are looked at."""

ASIDE = Fraction(64)
"""The power of h by which other inputs are moved off their kinks: beyond all that counts."""

_NEAR = 1e-9  # relative: slopes of two sides that differ by less are one


class Kink(NamedTuple):
    """A place where the slopes from both sides differ, None where a side has none; `slope` is such as d/dx.

    An empty `slope` says that the sides were not looked at.
    """

    slope: str
    point: int
    left: float | None
    right: float | None
    used: float
    jumps: bool


def in_words(place: str, kinks: Sequence[Kink], advice: str) -> str:
    """What is to be told of a point at a kink; `advice` says how to take a side."""
    first = kinks[0]
    if not first.slope:
        return f"{place} may be a kink; among so many entries the sides were not looked at"
    left, right = ("nothing" if side is None else written(side) for side in (first.left, first.right))
    what = "has a jump" if first.jumps else "has a kink"
    more = f" (and so for {len(kinks) - 1} more)" if len(kinks) > 1 else ""
    choice = f"; {advice}" if advice and left != right else ""
    slopes = f"{first.slope} is {left} on the left, {right} on the right"
    return f"{place} {what}: {slopes}; {written(first.used)} is used{more}{choice}"


class Sides(NamedTuple):
    """The slope on either side of a point, None where a side has none, and whether the value jumps there.

    `other` is one more slope, of a mixed derivative that is the same on both sides, but not across.
    """

    left: Any
    right: Any
    jumps: bool
    other: Any = None


class Look:
    """A look to both sides of points, columns (*shape, B), of a program by some of its variables."""

    def __init__(self, program: Program, kind: Kind, columns: dict[str, Any], wrt: Sequence[str]) -> None:
        self.program, self.kind, self.wrt = program, kind, wrt
        self.columns = {name: kind.namespace.asarray(column) for name, column in columns.items()}
        self.points = max([column.shape[-1] for column in columns.values()], default=1)
        self.entries = [(name, k) for name in wrt for k in range(math.prod(program.variables[name]))]

    def _moved(self, moves: Sequence[tuple[int, float, Fraction]]) -> dict[str, Any]:
        """The points with some inputs moved, each by direction·h^power."""
        columns = dict(self.columns)
        for number, direction, power in moves:
            name, k = self.entries[number]
            shape = self.program.variables[name]
            column = np.array(np.broadcast_to(np.asarray(columns[name]), (*shape, self.points)), object)
            flat = column.reshape(-1, self.points)
            flat[k] = [self.kind.moved(x.coefficient(0) if x.terms else 0.0, direction, power) for x in flat[k]]
            columns[name] = self.kind.namespace.kept(column)
        return columns

    def outputs(self, number: int, direction: float) -> list[list[Series]]:
        """The outputs beside the points, a list by output of a list by point."""
        values = self.program.forward(self.kind.space, self._moved([(number, direction, Fraction(1))]))
        return self._flat([(values[slot], self.program.shapes[slot]) for slot in self.program.outputs])

    def gradient(self, number: int, direction: float, inputs: Iterable[int], aside: float) -> list[list[Series]]:
        """The gradient beside the points, where the other inputs are off their own kinks, by less than counts."""
        others = [(other, aside, ASIDE) for other in inputs if other != number]
        values = self.program.forward(self.kind.space, self._moved([(number, direction, Fraction(1)), *others]))
        (slot,) = self.program.outputs
        active = self.program.active(self.wrt)
        found = self.program.reverse(self.kind.space, values, {slot: self.kind.namespace.ones(1)}, active)
        shapes = self.program.variables
        return self._flat([(found.get(n, self.kind.namespace.zeros(1)), shapes[n]) for n in self.wrt])

    def sides(self, inputs: Sequence[int]) -> Iterator[tuple[int, list[list[tuple[Series, ...]]]]]:
        """For each of `inputs`, a list by output of a list by point of what is to the left and right."""
        for number in inputs:
            yield number, _paired([self.outputs(number, direction) for direction in (-1.0, 1.0)])

    def second_sides(self, inputs: Sequence[int]) -> Iterator[tuple[int, list[list[tuple[Series, ...]]]]]:
        """The same of the slopes; the other inputs are on the same side, and then on the other."""
        ways = [(-1.0, -1.0), (1.0, 1.0), (-1.0, 1.0), (1.0, -1.0)]
        ways = ways if len(inputs) > 1 else ways[:2]
        for number in inputs:
            yield number, _paired([self.gradient(number, d, inputs, aside) for d, aside in ways])

    def _flat(self, found: list[tuple[Any, Shape]]) -> list[list[Series]]:
        rows: list[list[Series]] = []
        for values, shape in found:
            full = np.broadcast_to(np.asarray(self.kind.namespace.lifted(values), object), (*shape, self.points))
            rows += [list(row) for row in full.reshape(-1, self.points)]
        return rows


def resolve(
    look: Look, plain: Any, values: Any, kink: str, second: bool, inputs: Sequence[int] | None = None
) -> list[Kink]:
    """Put what both sides say into `plain`, slopes (outputs, inputs, B) by the plain sweep; the kinks that remain.

    `values` (outputs, B) are at the points themselves; `second`: they are the gradient, and its slopes the Hessian.
    `inputs` are the only ones that change what is at an edge; all if it is None.
    `kink` is the convention where the sides differ: `left` or `right` takes that side; `lecture` leaves the plain
    slope, or where that is NaN takes the middle of both sides. Where there is one side, `lecture` takes that. Where it
    would take more than `MAX_STEPS`, the sides are not looked at: the plain slopes stay, or UsageError if a side was
    asked for.
    """
    found: list[Kink] = []
    names = [title for name in look.wrt for title in entry_names(name, look.program.variables[name])]
    moved = range(len(names)) if inputs is None else inputs
    steps = 2 * len(moved) * look.program.entries * look.points * (4 if second else 1)
    if steps > MAX_STEPS:
        if kink != "lecture":
            raise UsageError(
                f"a kink among so many entries: to look to both sides of each would take {steps} steps, of which "
                f"{MAX_STEPS} are allowed",
                "--wrt NAMES takes fewer variables; or leave out --kink",
            )
        return [Kink("", 0, None, None, math.nan, False)]
    base = look.kind.base
    for i, outputs in look.second_sides(moved) if second else look.sides(moved):
        for o, row in enumerate(outputs):
            for b, ways in enumerate(row):
                if not base.isfinite(values[o, b]):
                    continue
                sides = _slopes(ways[0], ways[1], values[o, b])
                if len(ways) > 2:
                    sides = _crossed(sides, _slopes(ways[2], ways[3], values[o, b]))
                used, is_kink = _chosen(sides, plain[o, i, b], kink, base)
                plain[o, i, b] = used
                if second and o not in moved:  # the other order rests on the convention for the slope by input i
                    plain[i, o, b] = used
                if is_kink:
                    shown = (*sides[:2], used, sides.other)
                    left, right, used, other = (None if v is None else _approximate(v, base) for v in shown)
                    if other is not None and right is not None:
                        left, right = sorted((other, right))
                    slope = f"d²/d{names[o]}d{names[i]}" if second else f"d/d{names[i]}"
                    found.append(Kink(slope, b, left, right, used or 0.0, sides.jumps and not second))
    return found


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


def _crossed(sides: Sides, crossed: Sides) -> Sides:
    """The slopes with all inputs on one side, beside those with the others on the other side.

    Those stand in where the others leave a domain, and where they alone tell that there are several slopes.
    """
    left, right = (b if a is None else a for a, b in zip(sides[:2], crossed[:2], strict=True))
    if left is None or right is None or sides.jumps or _differ(left, right):
        return Sides(left, right, sides.jumps)
    return Sides(left, right, False, next((s for s in crossed[:2] if s is not None and _differ(s, right)), None))


def _paired(ways: Sequence[list[list[Series]]]) -> list[list[tuple[Series, ...]]]:
    return [list(zip(*rows, strict=True)) for rows in zip(*ways, strict=True)]


def _approximate(x: Any, base: Any) -> float:
    return x if isinstance(x, float) else float(base.rank(x))


def _slopes(before: Series, behind: Series, value: Any) -> Sides:
    left, jumps_before = _side(before, value)
    right, jumps_behind = _side(behind, value)
    return Sides(None if left is None else 0.0 - left, right, jumps_before or jumps_behind)


def _side(found: Series, value: Any) -> tuple[Any, bool]:
    """The slope away from the point on one side, None if there is none, and whether the value jumps."""
    if found.first < 0 or found.order <= 0:
        return None, False
    jumps = _differ(found.coefficient(0), value)
    rest = [(p, c) for p, c in found.terms if p > 0]
    if rest and rest[0][0] < 1:
        return (math.inf if rest[0][1] > 0 else -math.inf), jumps
    return (found.coefficient(1) if found.order > 1 else None), jumps


def _differ(a: Any, b: Any) -> bool:
    """Whether two numbers are two for certain, not by rounding."""
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) > _NEAR * max(abs(a), abs(b)) if math.isfinite(a) and math.isfinite(b) else a != b
    return (a == b) is False


def _is_nan(x: Any) -> bool:
    return bool((x != x) is True or (isinstance(x, float) and x != x))


def _chosen(sides: Sides, plain: Any, kink: str, base: Any) -> tuple[Any, bool]:
    """The derivative to use, and whether it is one of several."""
    left, right = sides.left, sides.right
    if left is not None and right is not None and not (sides.jumps or _differ(left, right) or sides.other is not None):
        if not isinstance(left, float) or not isinstance(right, float):
            return (left if left is right else base.where(_either(left, right), left, right)), False
        return (right if _is_nan(plain) or _differ(plain, right) else plain) + 0.0, False
    one_sided = left is None or right is None
    if left is None and right is None:
        return plain, False
    if kink != "lecture":
        side = left if kink == "left" else right
        return (math.nan if side is None else side), not one_sided
    if one_sided:
        side = right if left is None else left
        return (plain if bool(base.isfinite(plain)) and not _differ(plain, side) else side), False
    if bool(base.isfinite(plain)):
        return plain, True
    return (left + right) * 0.5, True


def _either(a: Any, b: Any) -> Any:
    """An answer that encloses both, unless they are known to be one."""
    from bpcli.numbers.elements import UNKNOWN

    return True if (a == b) is True else UNKNOWN
