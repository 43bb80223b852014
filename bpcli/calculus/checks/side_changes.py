"""Where steps of expressions change sides, at points and along lines: the kinks of abs, relu, max, jumps of floor."""

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.calculus.checks.grading import Array
from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.sweeps.blocks import pieces
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.instructions import Instruction
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.rounding import value_errors
from bpcli.calculus.sweeps.seeds import Point, some_points
from bpcli.calculus.sweeps.turning import any_true, is_turned
from bpcli.numbers.namespaces import arrays

Columns = Mapping[str, Any]
"""Many points: for each name an array (*shape, B), or (*shape, 1) of what they share."""

Patterns = NDArray[np.int64]
"""For each of many points some numbers, groups × points: each stands for the sides of some of the steps there."""

ROUNDS = 64
"""Halvings, by which any two doubles become neighbours."""

_THIN = 2.0**-44  # relative: two places this close are one
_NO_NUMBER = 7.0  # stands for NaN among signs
_FEW_OPERANDS = 3  # of which the slopes are told too
_MOST_BETWEEN = 4  # changes between two neighbours of a grid
_MOST_WORK = 1 << 17  # changes that are looked for at a time, times the work for a point
_OF_FACTORS = ("*", "abs", "sqrt")  # are 0 where an operand is
_GROUPS = 16  # into which sides are put
_MOST_HEIGHTS = 24  # of more no extremes are looked for, and of more divisors no zeros
_MOST_EXTREMES = 96  # on all lines, those nearest to 0
_SECTIONS = 20  # by which the place of an extreme is as sharp as doubles show it
_PARTS = np.arange(1, 10) / 10.0  # of the way between two neighbours: where an extreme is looked for next


def at_an_edge(calculation: Calculation, point: Point) -> bool:
    """Whether a step lies at a kink or a jump of its own, though the slopes of the whole may agree there."""
    program, xp = calculation.program, calculation.namespace
    values = calculation.sweeps.forward(point)
    return any(any_true(program.edge(xp, values, slot)) for slot in program.non_smooth(list(program.variables)))


def no_rows(columns: Columns) -> Array:
    """A table without rows."""
    return np.zeros((0, _points(columns)))


def sides(program: Program, columns: Columns) -> Array:
    """On which side of its kinks and jumps each step is, sides × points: the signs of its operands and of their
    differences, and of its slopes.

    A step that is constant between its jumps is told by its value instead.
    """
    xp = PlainNamespace(arrays())

    def of(step: Instruction, out: Any, args: list[Any]) -> list[Any]:
        if step.op is not None:
            inner = tuple(range(args[0].ndim - 1))
            return [args[0] == end(args[0], axis=inner, keepdims=True) for end in (np.max, np.min)]
        if not any(step.passes):
            return [out]
        slopes: list[Any] = []
        if step.row is not None and len(args) <= _FEW_OPERANDS:  # of hinge(y, z) no operand tells
            slopes = [step.row.partial(i)(xp, out, *args) for i in range(len(args)) if step.passes[i]]
        return [np.sign(np.asarray(part, float)) for part in (*args, *_differences(args), *slopes)]

    return _rows(program, xp, columns, program.non_smooth(list(program.variables)), of)


def heights(program: Program, columns: Columns) -> Array:
    """The numbers on which the sides depend, heights × points: the operands of steps with kinks and jumps, and their
    differences. None where there are many."""

    def of(step: Instruction, out: Any, args: list[Any]) -> list[Any]:
        return [*args, *(_differences(args) if step.op is None else ())]

    found = _rows(program, PlainNamespace(arrays()), columns, program.non_smooth(list(program.variables)), of)
    return found if len(found) <= _MOST_HEIGHTS else no_rows(columns)


def divisors(program: Program, columns: Columns) -> Array:
    """What the steps divide by, divisors × points, and the factors of it, as x of x²: that has one sign about 0. None
    where there are many."""
    steps = {slot: step for slot, step in enumerate(program.slots) if isinstance(step, Instruction)}
    factors = {step.args[-1] for step in steps.values() if step.divides}
    for slot, step in reversed(steps.items()):
        if slot in factors and (step.name in _OF_FACTORS or (step.row is not None and step.row.power is not None)):
            factors |= {*step.args}
    found = _rows(program, PlainNamespace(arrays()), columns, sorted(factors & {*steps}), lambda step, out, args: [out])
    return found if len(found) <= _MOST_HEIGHTS else no_rows(columns)


def together(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """The rows of two tables over the same points; a table without rows may have other columns."""
    return np.concatenate([one, other]) if len(one) and len(other) else one if len(one) else other


def _differences(args: Sequence[Array]) -> list[Array]:
    return [a - b for a, b in itertools.combinations(args, 2)]


def _rows(
    program: Program,
    xp: PlainNamespace,
    columns: Columns,
    slots: Sequence[int],
    of: Callable[[Instruction, Any, list[Any]], list[Any]],
) -> Array:
    """What is told `of` each of some steps by its value and its operands, rows × points."""
    found, points = list[Any](), _points(columns)
    with np.errstate(all="ignore"):
        values = [np.asarray(value, float) for value in program.forward(xp, columns)]
        for slot in slots:
            step = program.step(slot)
            found += of(step, values[slot], [values[a] for a in step.args])
    rows = [np.broadcast_to(part, (*np.shape(part)[:-1], points)).reshape(-1, points) for part in found]
    return np.concatenate([no_rows(columns), *rows])


def may_change_sides(calculation: Calculation, point: Point, given: float = 0.0, exact: Collection[str] = ()) -> bool:
    """Whether rounding may have put a step on another side, where the variables are off by `given` of themselves, but
    for those that are `exact`."""
    values = calculation.sweeps.forward(point)
    off = {name: 0.0 if name in exact else given for name in calculation.program.variables}
    bounds = value_errors(calculation, values, off)
    return is_turned(calculation.program, calculation.namespace, values, bounds)


def patterns(program: Program, columns: Columns) -> Patterns:
    """Numbers for the sides of all steps at each of many points, some points at a time."""
    parts = [pattern(sides(program, some_points(columns, part))) for part in pieces(_points(columns), program.entries)]
    return np.concatenate(parts, axis=1)


def pattern(found: Array) -> Patterns:
    """Some numbers for each column of a table, the same for the same column alone; none of an empty table."""
    bits = (np.where(np.isnan(found), _NO_NUMBER, found) + 0.0).view(np.int64)  # −0 is 0
    weights = np.random.default_rng(0).integers(1 << 62, size=len(found)) | 1
    mixed = (bits ^ (bits >> 29)) * weights[:, None]
    mixed ^= mixed >> 31
    groups = [mixed[k::_GROUPS].sum(axis=0) for k in range(min(_GROUPS, len(mixed)))]
    return np.array(groups, np.int64).reshape(-1, found.shape[1])


def _points(columns: Columns) -> int:
    return max((np.shape(column)[-1] for column in columns.values()), default=1)


def changes_on_lines(
    pattern_at: Callable[[NDArray[np.intp], Array], Patterns],
    lines: int,
    grid: Sequence[float] | Array,
    work: int = 1,
    rounds: int = ROUNDS,
) -> list[list[list[float]]]:
    """For each line, and each group of sides, the places on it at which the pattern changes, in order: between
    neighbours of a grid, which may be one for each line, by bisection of all at once.

    `pattern_at(lines, places)`: each line with a place on it. Of many changes between two neighbours, and of very many
    altogether where a point takes much `work`, those nearest to 0 are found; with fewer `rounds` roughly.
    """
    places = np.sort(np.broadcast_to(np.asarray(grid, float), (lines, np.shape(grid)[-1])), axis=1)
    size = places.shape[1]
    known = pattern_at(np.arange(lines).repeat(size), places.ravel()).reshape(-1, lines, size)
    group, line, k = np.nonzero(known[..., :-1] != known[..., 1:])
    gap, low, high = (group * lines + line) * size + k, places[line, k], places[line, k + 1]
    at_low, at_high = known[group, line, k], known[group, line, k + 1]
    found: list[list[set[float]]] = [[set() for _ in known] for _ in range(lines)]
    most = max(4 * lines, _MOST_WORK // work)
    for left in reversed(range(rounds)):
        middle = _halfway(low, high)
        thin = high - low <= _THIN * np.minimum(abs(low), abs(high))
        close = (left == 0) | thin | (middle == low) | (middle == high)
        for g, number, place in zip(group[close].tolist(), line[close].tolist(), high[close].tolist(), strict=True):
            found[number][g].add(place)
        group, line, gap, low, middle, high, at_low, at_high = (
            a[~close] for a in (group, line, gap, low, middle, high, at_low, at_high)
        )
        if not len(line):
            break
        one, same = np.unique(line + 1j * middle, return_inverse=True)  # several groups may change at a place
        at_middle = pattern_at(one.real.astype(np.intp), one.imag)[group, same]
        below, above = at_low != at_middle, at_middle != at_high
        group, line, gap = (np.concatenate([a[below], a[above]]) for a in (group, line, gap))
        low, high = np.concatenate([low[below], middle[above]]), np.concatenate([middle[below], high[above]])
        at_low = np.concatenate([at_low[below], at_middle[above]])
        at_high = np.concatenate([at_middle[below], at_high[above]])
        kept = _nearest(gap, np.minimum(abs(low), abs(high)), most)
        group, line, gap, low, high, at_low, at_high = (a[kept] for a in (group, line, gap, low, high, at_low, at_high))
    return [[sorted(places) for places in groups] for groups in found]


def extremes_on_lines(
    height_at: Callable[[NDArray[np.intp], Array], Array], lines: int, grid: Array
) -> tuple[NDArray[np.intp], Array, NDArray[np.intp], Array]:
    """The places on lines at which a height is largest or smallest between neighbours of a grid, by ever finer grids:
    the line, the place, the height's number with 1 or −1, and the height. A sine is above 0.9999 nearby alone."""
    known = height_at(np.arange(lines).repeat(len(grid)), np.tile(grid, lines)).reshape(-1, lines, len(grid))
    both = np.stack([known, -known])
    before, middle, after = both[..., :-2], both[..., 1:-1], both[..., 2:]
    later = np.concatenate([after[..., 1:], after[..., -1:]], axis=-1)
    inner = (middle > before) & ((middle > after) | ((middle == after) & (middle > later))) & np.isfinite(middle)
    least, row, line, k = np.nonzero(inner)
    kept = np.argsort(abs(grid[k + 1]), kind="stable")[:_MOST_EXTREMES]
    least, row, line, low, high = least[kept], row[kept], line[kept], grid[k][kept], grid[k + 2][kept]
    sign, every = 1 - 2 * least, np.arange(len(kept))
    for _ in range(_SECTIONS if len(kept) else 0):
        places = low + (high - low) * _PARTS[:, None]
        at = height_at(np.tile(line, len(_PARTS)), places.ravel()).reshape(len(known), len(_PARTS), -1)
        best = np.argmax(sign * at[row, :, every].T, axis=0)
        ends = np.concatenate([low[None], places, high[None]])
        low, high = ends[best, every], ends[best + 2, every]
    place = (low + high) / 2
    height = height_at(line, place)[row, every] if len(kept) else np.zeros(0)
    return line, place, np.stack([row, sign], axis=1), height


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
