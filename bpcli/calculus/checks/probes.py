"""Inputs at which a formula is tried: of both signs and all sizes, at 0, and on every side of every kink and jump."""

import itertools
import math
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpcli.calculus.checks.grading import Array
from bpcli.calculus.checks.side_changes import Columns, heights, may_change_sides, no_rows, pattern, patterns, together
from bpcli.calculus.checks.side_search import (
    SMALL,
    USUAL,
    Lines,
    Searched,
    about,
    chosen,
    explored,
    moved,
    short,
    some_of,
    stacked,
    zeros,
)
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.instructions import Constant
from bpcli.calculus.sweeps.rounding import FUNCTION
from bpcli.calculus.sweeps.seeds import Point

SIZES = (0.003, 0.05, 0.3, 0.8, 1.3, 2.4, 4.0, 7.0, 20.0)
"""Magnitudes of random entries."""

_GRID = (0.0, SMALL, 0.02, 0.2, 0.6, 1.1, 1.7, 3.1, 5.3, 9.7, 31.0, USUAL)  # apart from 0, no usual place of a kink
_FAR = (3.1e3, 3.1e4, 3.1e6, 3.1e9)  # where a kink may still lie
_SOUGHT = tuple(3.1 * 10.0**k for k in (-300, -100, -30, -16, -12, -8, -5, 12, 15, 20, 30, 60, 100, 200, 307))
_ABOUT = (0.5, 0.9, 1.1, 2.0)  # of a constant: places where a change is looked for
_STEEP = 1e3  # a larger constant may make a smooth step as steep as a jump
_LARGEST = 1e15  # a larger constant is not tried where nothing changes about it
_EXTREME = 6.0  # entries beyond this are extreme: a right formula may overflow there
_NO_ZERO = 1e-9
_APART, _RANKS = 0.003, 32  # relative: so many entries that have the same rank are not the same
_NEAR_TIE = 8.0  # units in the last place: numbers so close may be equal to rounding
_RANDOM = 16  # inputs drawn at random
_MOST_PLACES = 240  # kinks on all lines, about which an answer is tried
_MOST_CONSTANTS = 24
_CORNERS = 2048  # points at which several entries are moved, to find combinations of sides
_MOST_CORNERS = 128  # combinations at which an answer is tried
_MOST_WORK = 1 << 18  # entries of the points that are looked at to find them


class Probe(NamedTuple):
    """Inputs, and whether they are plain: neither 0 nor extreme, so that chance makes no wrong formula right there.

    `far` inputs are tried only where nothing is wrong nearer by: out there a mistake is hard to name. Of those that are
    `close` to a kink rounding may decide on which side they are. At a `tie` numbers that may be compared are equal. The
    answer may have `no_value` where it divides by 0.
    """

    inputs: dict[str, Any]
    plain: bool
    far: bool = False
    close: bool = False
    tie: bool = False
    no_value: bool = False

    @property
    def extreme(self) -> bool:
        """Whether a right formula may overflow there, so that an answer without a value is not wrong."""
        return _largest(self.inputs) >= _EXTREME


def random_number(rng: random.Random) -> float:
    """A number of either sign and any of the sizes."""
    return rng.choice((-1.0, 1.0)) * positive_number(rng)


def positive_number(rng: random.Random) -> float:
    """A number of any of the sizes, short enough to be shown."""
    return short(rng.choice(SIZES) * rng.uniform(0.8, 1.25))


def far_number(rng: random.Random) -> float:
    """A number of either sign beyond the usual sizes, for kinks that lie far out."""
    return rng.choice((-1.0, 1.0)) * short(rng.choice((60.0, 400.0, *_FAR)) * rng.uniform(0.8, 1.25))


def random_like(value: Any, draw: Callable[[], float]) -> Any:
    """A number or an array in the shape of a value."""
    shape = np.shape(value)
    return np.array([draw() for _ in range(math.prod(shape))]).reshape(shape) if shape else draw()


class Written(NamedTuple):
    """What an answer adds to the places at which it is tried: the numbers that are written in it, and the sides of its
    steps at many points (sides × points), the heights on which these depend, and what it divides by, from the values of
    all names.
    """

    constants: Collection[float] = ()
    sides: Callable[[Columns], Array] = no_rows
    heights: Callable[[Columns], Array] = no_rows
    divisors: Callable[[Columns], Array] = no_rows


def probes_of(
    calculation: Calculation, names: Sequence[str], point: Point, written: Written | None = None
) -> list[Probe]:
    """Points of expressions, near and far from `point`: random ones, on lines through some along each axis, and in the
    corners between kinks of several variables.

    On a line lie the points of a grid, and those next to and between the places where a step of the expressions, or of
    the answer, changes side: the kinks of abs, relu, max, the jumps of comparisons and floor.
    """
    rng = random.Random(0)
    found = []
    for _ in range(4):
        near = {name: np.asarray(point[name], float) for name in names}
        near = {n: v * random_like(v, lambda: short(rng.uniform(0.5, 1.5))) for n, v in near.items()}
        found.append(Probe({**point, **{n: v if np.ndim(v) else float(v) for n, v in near.items()}}, True))
    for _ in range(_RANDOM):
        drawn = {name: random_like(point[name], lambda: random_number(rng)) for name in names}
        found.append(Probe({**point, **drawn}, _largest(drawn) < _EXTREME))
    for some in (names, *([name] for name in names if np.ndim(point[name]))):
        found.append(Probe({**point, **{name: np.zeros(np.shape(point[name]))[()] for name in some}}, False))
    program, written = calculation.program, written or Written()
    constants = {abs(float(c)) for c in program.slots if isinstance(c, Constant)} | {
        abs(float(v)) for name, value in point.items() if name not in names for v in np.ravel(value).tolist()
    }
    constants |= {size for c in written.constants for size in (c, 1 / c if c > _STEEP else c)}
    searched = Searched(
        lambda columns: together(patterns(program, columns), pattern(written.sides(columns))),
        lambda columns: together(heights(program, columns), written.heights(columns)),
        written.divisors,
        names,
        constants,
        program.entries,
    )
    found += probes_about_kinks(searched, (dict(point), found[4].inputs))
    # Where the answer compares what is equal, it is not asked on which side of its own kinks the function is.
    return [p for p in found if not (p.tie and may_change_sides(calculation, p.inputs, _NEAR_TIE * FUNCTION))]


def probes_about_kinks(searched: Searched, starts: Sequence[Point]) -> list[Probe]:
    """Points on lines through the first of the `starts` along each axis, through all if there are several entries; and
    in corners."""
    entries = sum(np.size(starts[0][name]) for name in searched.names)
    if not entries:
        return []
    constants = sorted(c for c in searched.constants if 0 < c < math.inf)[:_MOST_CONSTANTS]
    grid = _grid(constants)
    sought = {*grid, *(s * c * r for c in constants for r in (*_ABOUT, 1.0) for s in (-1, 1))}
    sought |= {sign * size for size in _SOUGHT for sign in (-1, 1)}
    every = [(start, *entry) for start in starts[: min(entries, 2)] for entry in chosen(starts[0], searched.names)]
    lines, found = Lines(searched, every), list[Probe]()
    changes, extremes = lines.changes(sought)
    kinks: dict[tuple[str, int], set[float]] = {}
    for (start, name, k), places in zip(every, changes, strict=True):
        nearby = list(about(some_of(places, max(4, _MOST_PLACES // len(every)))))
        kinks.setdefault((name, k), set()).update(nearby)
        for number, value in enumerate([*grid, *nearby]):
            at, far = moved(start, name, k, value), abs(value) > USUAL
            plain = abs(value) > _NO_ZERO and _largest(at) < _EXTREME
            found.append(Probe(at, plain, far, number >= len(grid)))
    found += [
        _corner(at)._replace(close=False, tie=True)
        for at in [*zeros(lines, sought, searched.heights), *_alike(searched, starts[-1])]
    ]
    usual = [place for place in sought if abs(place) < _EXTREME]
    found += [_corner(at)._replace(close=False, no_value=True) for at in zeros(lines, usual, searched.divisors)]
    if entries > 1 and (extremes or any(kinks.values())):
        corners = _corners(searched, starts[0], kinks, constants)
        tried = [probe.inputs for probe in found + corners]
        corners += [_corner(at) for at in explored(searched, tried, extremes, sought, _MOST_CORNERS)]
        found += corners
    return found


def _alike(searched: Searched, start: Point) -> Iterator[dict[str, Any]]:
    """Points at which two entries are the same, and those at which all are; none if nothing has sides."""
    if not len(searched.patterns(stacked([start]))):
        return
    entries = chosen(start, searched.names)
    for (name, k), (other, j) in itertools.combinations(entries, 2):
        yield moved(start, name, k, float(np.ravel(start[other])[j]))
    values = {float(np.ravel(start[name])[k]) for name, k in entries[:1]} | {
        *sorted(searched.constants)[:_MOST_CONSTANTS]
    }
    for value in sorted(filter(math.isfinite, values)) if len(entries) > 1 else ():
        yield {**start, **{n: np.full(np.shape(start[n]), value)[()] for n in searched.names}}


def _grid(constants: Sequence[float]) -> list[float]:
    """The places on a line that are tried in any case, with the constants, about which kinks lie: those farthest out
    last."""
    near = sorted({sign * v for v in {*_GRID, *constants} for sign in (-1.0, 1.0) if v <= USUAL})
    beyond = sorted({*_FAR, *(value for value in constants if USUAL < value < _LARGEST)})
    return [*(-value for value in reversed(beyond)), *near, *beyond]


def _corners(
    searched: Searched, start: Point, kinks: Mapping[tuple[str, int], Collection[float]], constants: Sequence[float]
) -> list[Probe]:
    """Points with several entries beyond their kinks: one for each combination of sides, as far as some are found.

    Each entry is drawn from the numbers about its kinks and about constants: by a rank among these that all entries
    share, or that is one of two; by a rank of its own, or one at either end; or from those about its kinks alone.
    """
    sizes = [*_GRID[1:], *(v * r for v in constants if v < _SOUGHT[-1] for r in (0.9, 1.1))]
    rng, columns, entry = np.random.default_rng(0), {}, itertools.count()
    count = max(64, min(_CORNERS, _MOST_WORK // searched.work))
    kind, common = np.arange(count) % 5, rng.random((2, count))
    for name in searched.names:
        rows = []
        for k in range(np.size(start[name])):
            near, apart = kinks.get((name, k), ()), 1.0 + _APART * (next(entry) % _RANKS)
            usual = [s * short(v * apart, 4) for v in sizes for s in (-1.0, 1.0)]
            pool, own = np.array(sorted({*usual, *near})), rng.random(count)
            two = common[rng.integers(2, size=count), np.arange(count)]
            ends = np.where(own < 0.5, 0.2 * own, 1.0 - 0.2 * (1.0 - own))
            rank = np.choose(kind, [common[0], two, own, ends, own])
            row = pool[(rank * len(pool)).astype(int)]
            rows.append(np.where(kind == 4, rng.choice(sorted(near) or pool, size=count), row))
        columns[name] = np.array(rows).reshape(*np.shape(start[name]), count)
    shared = {name: np.asarray(value, float)[..., None] for name, value in start.items()}
    _, first = np.unique(searched.patterns({**shared, **columns}), return_index=True, axis=1)
    found = []
    for place in np.sort(first)[:_MOST_CORNERS].tolist():
        drawn = {n: c[..., place] if c.ndim > 1 else float(c[place]) for n, c in columns.items()}
        found.append(_corner({**start, **drawn}))
    return found


def _corner(at: Point) -> Probe:
    return Probe(dict(at), False, _largest(at) > USUAL, True)


def _largest(point: Point) -> float:
    return max((float(np.max(np.abs(value))) for value in point.values()), default=0.0)
