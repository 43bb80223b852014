"""Where steps of expressions change sides, at points and along lines: the kinks of abs, relu, max, jumps of floor."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.calculus.checks.grading import Array
from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.sweeps.blocks import pieces
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.rounding import value_errors
from bpcli.calculus.sweeps.seeds import Point, some_points
from bpcli.calculus.sweeps.turning import is_turned
from bpcli.numbers.namespaces import arrays

Columns = Mapping[str, Any]
"""Many points: for each name an array (*shape, B), or (*shape, 1) of what they share."""

Patterns = NDArray[np.int64]
"""For each of many points a number that stands for the sides of all steps there."""

_ROUNDS = 64  # halvings, by which any two doubles become neighbours
_THIN = 2.0**-44  # relative: two places this close are one
_NO_NUMBER = 7.0  # stands for NaN among signs
_FEW_OPERANDS = 3
_MOST_BETWEEN = 4  # changes between two neighbours of a grid
_MOST_WORK = 1 << 17  # changes that are looked for at a time, times the work for a point


def sides(program: Program, columns: Columns) -> Array:
    """On which side of its kinks and jumps each step is, sides × points: the signs of its operands and of their
    differences, and of its slopes.

    A step that is constant between its jumps is told by its value instead.
    """
    xp, points = PlainNamespace(arrays()), _points(columns)
    found: list[Any] = []
    with np.errstate(all="ignore"):
        values = program.forward(xp, columns)
        for slot in program.non_smooth(list(program.variables)):
            step = program.step(slot)
            args = [np.asarray(values[a], float) for a in step.args]
            if step.op is not None:
                inner = tuple(range(args[0].ndim - 1))
                found += [args[0] == end(args[0], axis=inner, keepdims=True) for end in (np.max, np.min)]
            elif not any(step.passes):
                found.append(np.asarray(values[slot], float))
            else:
                found += map(np.sign, args)
                found += [np.sign(a - b) for i, a in enumerate(args) for b in args[i + 1 :]]
                if step.row is not None and len(args) <= _FEW_OPERANDS:  # of hinge(y, z) no operand tells
                    slopes = (step.row.partial(i)(xp, values[slot], *args) for i in range(len(args)) if step.passes[i])
                    found += [np.sign(np.asarray(slope, float)) for slope in slopes]
    rows = [np.broadcast_to(part, (*np.shape(part)[:-1], points)).reshape(-1, points) for part in found]
    return np.concatenate(rows).astype(float) if rows else np.zeros((0, points))


def may_change_sides(calculation: Calculation, point: Point, given: float = 0.0) -> bool:
    """Whether rounding may have put a step on another side, where the variables are off by `given` of themselves."""
    values = calculation.sweeps.forward(point)
    bounds = value_errors(calculation, values, dict.fromkeys(calculation.program.variables, given))
    return is_turned(calculation.program, calculation.namespace, values, bounds)


def patterns(program: Program, columns: Columns) -> Patterns:
    """A number for the sides of all steps at each of many points, some points at a time."""
    parts = [pattern(sides(program, some_points(columns, part))) for part in pieces(_points(columns), program.entries)]
    return np.concatenate(parts)


def pattern(found: Array) -> Patterns:
    """A number for each column of a table, the same for the same column alone."""
    bits = (np.where(np.isnan(found), _NO_NUMBER, found) + 0.0).view(np.int64)  # −0 is 0
    weights = np.random.default_rng(0).integers(1 << 62, size=len(found)) | 1
    mixed = (bits ^ (bits >> 29)) * weights[:, None]
    return np.asarray((mixed ^ (mixed >> 31)).sum(axis=0, dtype=np.int64))


def _points(columns: Columns) -> int:
    return max((np.shape(column)[-1] for column in columns.values()), default=1)


def changes_on_lines(
    pattern_at: Callable[[NDArray[np.intp], Array], Patterns], lines: int, grid: Sequence[float], work: int = 1
) -> list[list[float]]:
    """For each line the places on it at which the pattern changes, in order: between neighbours of a grid, by bisection
    of all at once.

    `pattern_at(lines, places)`: each line with a place on it. Of many changes between two neighbours, and of very many
    altogether where a point takes much `work`, those nearest to 0 are found.
    """
    numbers, places = np.arange(lines).repeat(len(grid)), np.array(grid, float)
    known = pattern_at(numbers, np.tile(places, lines)).reshape(lines, -1)
    line, k = np.nonzero(known[:, :-1] != known[:, 1:])
    gap, low, high, at_low, at_high = line * len(grid) + k, places[k], places[k + 1], known[line, k], known[line, k + 1]
    found: list[list[float]] = [[] for _ in range(lines)]
    most = max(4 * lines, _MOST_WORK // work)
    for _ in range(_ROUNDS):
        middle = _halfway(low, high)
        close = (middle == low) | (middle == high) | (high - low <= _THIN * np.minimum(abs(low), abs(high)))
        for number, place in zip(line[close].tolist(), high[close].tolist(), strict=True):
            found[number].append(place)
        line, gap, low, middle, high, at_low, at_high = (
            a[~close] for a in (line, gap, low, middle, high, at_low, at_high)
        )
        if not len(line):
            break
        at_middle = pattern_at(line, middle)
        left, right = at_low != at_middle, at_middle != at_high
        line, gap = (np.concatenate([a[left], a[right]]) for a in (line, gap))
        low, high = np.concatenate([low[left], middle[right]]), np.concatenate([middle[left], high[right]])
        at_low = np.concatenate([at_low[left], at_middle[right]])
        at_high = np.concatenate([at_middle[left], at_high[right]])
        kept = _nearest(gap, np.minimum(abs(low), abs(high)), most)
        line, gap, low, high, at_low, at_high = (a[kept] for a in (line, gap, low, high, at_low, at_high))
    return [sorted(set(places)) for places in found]


def _nearest(gap: NDArray[np.intp], distance: Array, most: int) -> NDArray[np.intp]:
    """Of each gap the few nearest to 0, and altogether not more than `most`."""
    order = np.lexsort((distance, gap))
    ordered = gap[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    kept = order[rank < _MOST_BETWEEN]
    return kept if len(kept) <= most else kept[np.argsort(distance[kept], kind="stable")[:most]]


def _halfway(low: Array, high: Array) -> Array:
    """The doubles in the middle, counted in doubles: from 1 to 10³⁰⁰ it is as near as from 1 to 2."""
    a, b = (np.where(x < 0, -1, 1) * abs(x).view(np.int64) for x in (low, high))
    key = (a & b) + ((a ^ b) >> 1)
    found: Array = np.copysign(abs(key).view(np.float64), key)
    return found
