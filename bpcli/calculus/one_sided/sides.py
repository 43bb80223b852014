"""The slopes on both sides of a point, from the series of a program's values as its inputs move to either side."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from bpcli.calculus.one_sided.coefficients import Coefficient, Work
from bpcli.calculus.one_sided.expansions import SeriesKind
from bpcli.calculus.one_sided.series import Power, Series
from bpcli.calculus.rules.shapes import Shape, entry_names
from bpcli.calculus.sweeps.program import Program
from bpcli.numbers.operators import UNKNOWN

MAX_WORK = 1 << 17
"""The most work that is spent on coefficients, counted in products of short fractions; `resolve` allows more for each
series."""

LENGTHS = (6, 12, 32)
"""How many terms a series has; more are tried where fewer don't decide."""

_OFF = Fraction(1, 2**31 - 1)  # off a whole number: so the other inputs' terms add up to no term of h itself
ASIDE = dict(zip(LENGTHS, (Fraction(64), 4 + _OFF, 8 + _OFF), strict=True))
"""The other inputs go h^ASIDE to a side, off kinks of their own: too little to change the terms that matter.

Longer series take a smaller power, for expressions in which a quotient by another input cancels.
"""


def share(entry: int) -> float:
    """How far an input goes aside, different for each: else they would stay tied with each other."""
    return 1.0 + round(entry * 0.6180339887 % 1.0 * 64) / 64


class Sides(NamedTuple):
    """The slopes on both sides of a point: coefficients or ±∞, None where a side has none, UNKNOWN if it is not known.

    `jumps` says whether the value does: True, False or UNKNOWN; `isolated` whether it belongs to neither side. `other`
    is one more slope, of a mixed derivative that is the same on both sides, but not across.
    """

    left: Any
    right: Any
    jumps: Any
    other: Any = None
    isolated: bool = False


class Swept(NamedTuple):
    """The series of all steps of a program at one way of moving its inputs, of its value, and of its gradient."""

    steps: list[Any]
    value: Series
    gradient: list[Series]


class Neighbourhood:
    """The series of a program's values and slopes about points, columns (*shape, B), as its inputs `wrt` move.

    `exact`: signs are proven, in balls; `wide`: they are found in decimals.
    """

    def __init__(
        self, program: Program, columns: dict[str, Any], wrt: Sequence[str], exact: bool, wide: bool = False
    ) -> None:
        self.program, self.wrt, self.columns, self.exact, self.wide = program, wrt, columns, exact, wide
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
            self._kinds[length] = SeriesKind(self.exact, length, self.work, self.wide)
        self.kind = self._kinds[length]

    def _moved(self, shifts: Sequence[tuple[int, float, Power]]) -> dict[str, Any]:
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

    def values(self, shifts: Sequence[tuple[int, float, Power]] = ()) -> list[list[Series]]:
        """The outputs, a list by output of a list by point."""
        values = self.program.forward(self.kind.rules, self._moved(shifts))
        return self._flat([(values[slot], self.program.shapes[slot]) for slot in self.program.outputs])

    def gradient(self, shifts: Sequence[tuple[int, float, Power]] = ()) -> list[list[Series]]:
        """The gradient, a list by input of a list by point."""
        return self._reverse(self.program.forward(self.kind.rules, self._moved(shifts)))

    def swept(self, shifts: Sequence[tuple[int, float, Power]]) -> Swept:
        """The steps, the value and the gradient at the first point."""
        steps = self.program.forward(self.kind.rules, self._moved(shifts))
        (slot,) = self.program.outputs
        ((value, *_),) = self._flat([(steps[slot], ())])
        return Swept(steps, value, [row[0] for row in self._reverse(steps)])

    def is_at_edge(self, steps: list[Any], slot: int) -> bool:
        """Whether a step is at an edge, or may be."""
        return bool(np.any(self.program.edge(self.kind.rules, steps, slot)))

    def _reverse(self, values: list[Any]) -> list[list[Series]]:
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
        before, behind = (self.values([(i, direction, 1)]) for direction in (-1.0, 1.0))
        rows = zip(before, behind, self.values(), strict=True)
        return [[_sides(*series, self.kind) for series in zip(*row, strict=True)] for row in rows]

    def second_slopes(self, i: int, inputs: Sequence[int], gradient: list[list[Series]]) -> list[list[Sides]]:
        """The slopes of the gradient by input i, the other inputs as they are.

        Of entries that lead along an edge so, they are on the same side of the point, and then on the other.
        """
        found, sure = self._along(i) if len(inputs) > 1 else ([], [False] * len(self.entries))
        if not all(sure):
            ways = [(-1.0, -1.0), (1.0, 1.0), (-1.0, 1.0), (1.0, -1.0)][: 4 if len(inputs) > 1 else 2]
            aside = [(other, ASIDE[self.kind.length]) for other in inputs if other != i]
            apart = [
                self.gradient([(i, direction, 1), *((other, side * share(other), power) for other, power in aside)])
                for direction, side in ways
            ]
            found = [found[o] if sure[o] else [way[o] for way in apart] for o in range(len(self.entries))]
        result = []
        for ways_of, at in zip(found, gradient, strict=True):
            row = []
            for *ways_at, value in zip(*ways_of, at, strict=True):
                sides = _sides(ways_at[0], ways_at[1], value, self.kind, second=True)
                if len(ways_at) > 2:
                    crossed = _sides(ways_at[2], ways_at[3], value, self.kind, second=True)
                    sides = _crossed(sides, crossed, self.kind)
                row.append(sides)
            result.append(row)
        return result

    def _along(self, i: int) -> tuple[list[list[list[Series]]], list[bool]]:
        """The gradient, by entry, as input i alone moves to either side; and for which entries the rules hold there.

        They hold for entry i: along the way a step that stays at an edge has the slope 0, whatever its rule says.
        """
        found, at_edge = [], set()
        for direction in (-1.0, 1.0):
            values = self.program.forward(self.kind.rules, self._moved([(i, direction, 1)]))
            steps = self.program.non_smooth(self.wrt)
            at_edge |= {slot for slot in steps if self.is_at_edge(values, slot)}
            found.append(self._reverse(values))
        by_entry = [list(ways) for ways in zip(*found, strict=True)]
        smooth = {name: at_edge.isdisjoint(self.program.non_smooth([name])) for name in self.wrt}
        sure = [
            (o == i or smooth[name]) and all(series.defined and series.order > 1 for way in ways for series in way)
            for o, ((name, _), ways) in enumerate(zip(self.entries, by_entry, strict=True))
        ]
        return by_entry, sure

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
                slope = common_slope(sides, self.kind)
                if slope is UNKNOWN:
                    found[i][b] = self.kind.unknown
                elif slope is None or isinstance(slope, float):
                    found[i][b] = self.kind.undefined
                else:
                    found[i][b] = self.kind.of(slope)
        return found


def _sides(before: Series, behind: Series, value: Series, kind: SeriesKind, second: bool = False) -> Sides:
    left, jumps_before = _side(before, value, kind, second)
    right, jumps_behind = _side(behind, value, kind, second)
    jumps = next((answer for answer in (True, UNKNOWN) if answer in (jumps_before, jumps_behind)), False)
    isolated = False not in (jumps_before, jumps_behind)
    return Sides(left if left is None or left is UNKNOWN else -left, right, jumps, isolated=isolated)


def _infinite(coefficient: Any, kind: SeriesKind, direction: int = 1) -> Any:
    """Infinity with the sign of a coefficient, times 1 or −1; UNKNOWN if the sign is."""
    sign = kind.reals.sign(coefficient)
    return UNKNOWN if sign is UNKNOWN else direction * sign * math.inf


def _side(found: Series, value: Series, kind: SeriesKind, second: bool) -> tuple[Any, Any]:
    """The slope away from the point on one side, and whether the value jumps there.

    At a pole there is none; but a `second` derivative of a slope that becomes infinite is infinite, too.
    """
    if not found.defined:
        return None, False
    if found.terms and found.first < 0:
        grows = second and not value.defined
        return (_infinite(found.terms[0][1], kind, -1), False) if grows else (None, True)
    if found.order <= 0:
        return UNKNOWN, UNKNOWN
    jumps = _jumps(found.coefficient(0), value, kind)
    rest = [(p, c) for p, c in found.terms if p > 0]
    if rest and rest[0][0] < 1:
        return _infinite(rest[0][1], kind), jumps
    return (found.coefficient(1) if found.order > 1 else UNKNOWN), jumps


def _jumps(limit: Coefficient, value: Series, kind: SeriesKind) -> Any:
    """Whether the value at the point differs from the limit; doubles that may be equal count as equal."""
    if not value.defined:
        return True
    if value.order <= 0 or value.first < 0:
        return UNKNOWN
    return _differ(limit, value.coefficient(0), kind)


def _differ(a: Any, b: Any, kind: SeriesKind) -> Any:
    """Whether two slopes differ: True, False or UNKNOWN; slopes in doubles that may be equal count as equal."""
    if isinstance(a, float) or isinstance(b, float):
        return a is not b and a != b
    sign = kind.reals.sign(a - b)
    return sign if sign is UNKNOWN and kind.exact else sign is not UNKNOWN and sign != 0


def common_slope(sides: Sides, kind: SeriesKind) -> Any:
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
    if left is None or right is None or common_slope(Sides(left, right, sides.jumps), kind) in (None, UNKNOWN):
        return Sides(left, right, sides.jumps)
    for slope in crossed[:2]:
        if slope is UNKNOWN or (slope is not None and _differ(slope, right, kind) is not False):
            return Sides(left, right, False, slope)
    return Sides(left, right, False)
