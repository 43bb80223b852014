"""Derivatives at the edges of functions: what both sides say, where the sweep met a kink, a jump, or 0·∞.

The point is moved by h along one variable at a time, to either side, in numbers of leading terms (`series`): the term
of h¹ of the value is the slope on that side. Where both sides agree the derivative exists, and is that; where they
differ there is a kink, and a convention decides.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpcli.calculus.binding import entry_names
from bpcli.calculus.program import Program
from bpcli.calculus.series import Kind, Series
from bpcli.calculus.shapes import Shape
from bpcli.errors import UsageError

MAX_STEPS = 400_000
"""Numbers of leading terms, over all directions, up to which the sides are looked at."""

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


class Sides(NamedTuple):
    """The slope on either side of a point, None where a side has none, and whether the value jumps there."""

    left: Any
    right: Any
    jumps: bool


class Look:
    """A look to both sides of points, columns (*shape, B), of a program by some of its variables."""

    def __init__(self, program: Program, kind: Kind, columns: dict[str, Any], wrt: Sequence[str]) -> None:
        self.program, self.kind, self.wrt = program, kind, wrt
        self.columns = {name: kind.namespace.asarray(column) for name, column in columns.items()}
        self.points = max([column.shape[-1] for column in columns.values()], default=1)
        self.raw = columns

    def _moved(self, name: str, k: int, direction: float) -> dict[str, Any]:
        """The points with entry k of a variable moved."""
        shape = self.program.variables[name]
        column = np.array(np.broadcast_to(np.asarray(self.columns[name]), (*shape, self.points)), object)
        flat = column.reshape(-1, self.points)
        flat[k] = [self.kind.moved(x.coefficient(0) if x.terms else 0.0, direction) for x in flat[k]]
        return {**self.columns, name: self.kind.namespace.kept(column)}

    def _outputs(self, name: str, k: int, direction: float) -> list[Any]:
        values = self.program.forward(self.kind.space, self._moved(name, k, direction))
        return [(values[slot], self.program.shapes[slot]) for slot in self.program.outputs]

    def _gradient(self, name: str, k: int, direction: float) -> list[Any]:
        """The gradient beside the points."""
        values = self.program.forward(self.kind.space, self._moved(name, k, direction))
        (slot,) = self.program.outputs
        active = self.program.active(self.wrt)
        found = self.program.reverse(self.kind.space, values, {slot: self.kind.namespace.ones(1)}, active)
        shapes = self.program.variables
        return [(found.get(n, self.kind.namespace.zeros(1)), shapes[n]) for n in self.wrt]

    def sides(self, second: bool) -> Iterator[tuple[int, list[list[tuple[Series, Series]]]]]:
        """For each input in turn, a list by output (or slope) of a list by point of what is to the left and right."""
        compute = self._gradient if second else self._outputs
        number = 0
        for name in self.wrt:
            for k in range(math.prod(self.program.variables[name])):
                left, right = (self._flat(compute(name, k, direction)) for direction in (-1.0, 1.0))
                yield number, [list(zip(a, b, strict=True)) for a, b in zip(left, right, strict=True)]
                number += 1

    def _flat(self, found: list[tuple[Any, Shape]]) -> list[list[Series]]:
        rows: list[list[Series]] = []
        for values, shape in found:
            full = np.broadcast_to(np.asarray(self.kind.namespace.lifted(values), object), (*shape, self.points))
            rows += [list(row) for row in full.reshape(-1, self.points)]
        return rows


def resolve(look: Look, plain: Any, values: Any, kink: str, second: bool) -> list[Kink]:
    """Put what both sides say into `plain`, slopes (outputs, inputs, B) by the plain sweep; the kinks that remain.

    `values` (outputs, B) are at the points themselves; `second`: they are the gradient, and its slopes the Hessian.
    `kink` is the convention where the sides differ: `left` or `right` takes that side; `lecture` leaves the plain
    slope, or where that is NaN takes the middle of both sides, or the one that there is. Where it would take more than
    `MAX_STEPS`, the sides are not looked at: the plain slopes stay, or UsageError if a side was asked for.
    """
    found: list[Kink] = []
    names = [title for name in look.wrt for title in entry_names(name, look.program.variables[name])]
    steps = 2 * len(names) * look.program.entries * look.points * (2 if second else 1)
    if steps > MAX_STEPS:
        if kink != "lecture":
            raise UsageError(
                f"a kink among so many entries: to look to both sides of each would take {steps} steps, of which "
                f"{MAX_STEPS} are allowed",
                "--wrt NAMES takes fewer variables; or leave out --kink",
            )
        return [Kink("", 0, None, None, math.nan, False)]
    base = look.kind.base
    for i, outputs in look.sides(second):
        for o, row in enumerate(outputs):
            for b, (before, behind) in enumerate(row):
                if not base.isfinite(values[o, b]):
                    continue
                sides = _slopes(before, behind, values[o, b])
                used, is_kink = _chosen(sides, plain[o, i, b], kink, base)
                plain[o, i, b] = used
                if is_kink:
                    left, right, used = (None if v is None else _approximate(v, base) for v in (*sides[:2], used))
                    slope = f"d²/d{names[o]}d{names[i]}" if second else f"d/d{names[i]}"
                    found.append(Kink(slope, b, left, right, used or 0.0, sides.jumps and not second))
    return found


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
    if left is not None and right is not None and not sides.jumps and not _differ(left, right):
        if not isinstance(left, float) or not isinstance(right, float):
            return (left if left is right else base.where(_either(left, right), left, right)), False
        return (right if _is_nan(plain) or _differ(plain, right) else plain) + 0.0, False
    one_sided = left is None or right is None
    if left is None and right is None:
        return plain, False
    if kink != "lecture":
        side = left if kink == "left" else right
        return (math.nan if side is None else side), not one_sided
    if bool(base.isfinite(plain)):
        return plain, not one_sided
    if one_sided:
        return (right if left is None else left), False
    return (left + right) * 0.5, True


def _either(a: Any, b: Any) -> Any:
    """An answer that encloses both, unless they are known to be one."""
    from bpcli.elements import UNKNOWN

    return True if (a == b) is True else UNKNOWN
