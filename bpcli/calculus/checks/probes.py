"""Inputs at which a formula is tried: of both signs and all sizes, at 0, and on every side of every kink and jump."""

import itertools
import math
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.calculus.checks.grading import Array
from bpcli.calculus.checks.side_changes import Columns, Patterns, changes_on_lines, pattern, patterns
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.instructions import Constant
from bpcli.calculus.sweeps.seeds import Point

SIZES = (0.003, 0.05, 0.3, 0.8, 1.3, 2.4, 4.0, 7.0, 20.0)
"""Magnitudes of random entries."""

_GRID = (0.0, 1e-3, 0.02, 0.2, 0.6, 1.1, 1.7, 3.1, 5.3, 9.7, 31.0, 310.0)  # apart from 0, no usual place of a kink
_FAR = (3.1e3, 3.1e4, 3.1e6, 3.1e9)  # where a kink may still lie
_SOUGHT = tuple(3.1 * 10.0**k for k in (-300, -100, -30, -16, -12, -8, -5, 12, 15, 20, 30, 60, 100, 200, 307))
_ABOUT = (0.5, 0.9, 1.1, 2.0)  # of a constant: places where a change is looked for
_CLOSE = (1e-3, 0.1)  # relative: how far from a kink
_LARGEST = 1e15  # a larger constant is not tried where nothing changes about it
_PLAIN = 6.0  # entries beyond this are extreme: a right formula may overflow there
_NO_ZERO = 1e-9
_NOTHING = 1e-300  # a distance that is 0 but for the change of a sign there
_APART = 0.003  # relative: entries that have the same rank are not the same
_ONE_PLACE = 1e-7  # relative: nothing is tried between kinks that are closer
_RANDOM = 16  # inputs drawn at random
_LINES = 12  # entries that are moved one by one
_MOST_KINKS = 24  # on a line
_MOST_PLACES = 240  # kinks on all lines, about which an answer is tried
_MOST_FAR = 4  # of them on either side of the usual sizes
_MOST_CONSTANTS = 24
_CORNERS = 2048  # points at which several entries are moved, to find combinations of sides
_MOST_CORNERS = 128  # combinations at which an answer is tried
_MOST_WORK = 1 << 18  # entries of the points that are looked at to find them


class Probe(NamedTuple):
    """Inputs, and whether they are plain: neither 0 nor extreme, so that a right formula has a value there.

    `far` inputs are tried only where nothing is wrong nearer by: out there a mistake is hard to name. Of those that are
    `close` to a kink rounding may decide on which side they are.
    """

    inputs: dict[str, Any]
    plain: bool
    far: bool = False
    close: bool = False


def random_number(rng: random.Random) -> float:
    """A number of either sign and any of the sizes."""
    return rng.choice((-1.0, 1.0)) * positive_number(rng)


def positive_number(rng: random.Random) -> float:
    """A number of any of the sizes, short enough to be shown."""
    return _short(rng.choice(SIZES) * rng.uniform(0.8, 1.25))


def far_number(rng: random.Random) -> float:
    """A number of either sign beyond the usual sizes, for kinks that lie far out."""
    return rng.choice((-1.0, 1.0)) * _short(rng.choice((60.0, 400.0, *_FAR)) * rng.uniform(0.8, 1.25))


def _short(x: float, digits: int = 3) -> float:
    return float(f"{x:.{digits}g}")


def random_like(value: Any, draw: Callable[[], float]) -> Any:
    """A number or an array in the shape of a value."""
    shape = np.shape(value)
    return np.array([draw() for _ in range(math.prod(shape))]).reshape(shape) if shape else draw()


class Written(NamedTuple):
    """What an answer adds to the places at which it is tried: the numbers that are written in it, and the sides of its
    steps at many points (sides × points), from the values of all names.
    """

    constants: Collection[float] = ()
    sides: Callable[[Columns], Array] = lambda columns: np.zeros((0, 1))


class Searched(NamedTuple):
    """Points among which the sides of all steps are looked at: `patterns(columns)` at many of them, each of which is as
    much `work`; the `names` of the variables that are moved; and `constants`, about which kinks may lie.
    """

    patterns: Callable[[Columns], Patterns]
    names: Sequence[str]
    constants: Collection[float]
    work: int = 1


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
        near = {n: v * random_like(v, lambda: _short(rng.uniform(0.5, 1.5))) for n, v in near.items()}
        found.append(Probe({**point, **{n: v if np.ndim(v) else float(v) for n, v in near.items()}}, True))
    for _ in range(_RANDOM):
        drawn = {name: random_like(point[name], lambda: random_number(rng)) for name in names}
        found.append(Probe({**point, **drawn}, _largest(drawn) < _PLAIN))
    program, of_answer = calculation.program, (written or Written()).sides
    constants = {abs(float(c)) for c in program.slots if isinstance(c, Constant)} | {
        abs(float(v)) for name, value in point.items() if name not in names for v in np.ravel(value).tolist()
    }

    def at(columns: Columns) -> Patterns:
        return patterns(program, columns) ^ pattern(of_answer(columns))

    constants |= set((written or Written()).constants)
    searched = Searched(at, names, constants, program.entries)
    return found + probes_about_kinks(searched, (dict(point), found[4].inputs))


def probes_about_kinks(searched: Searched, starts: Sequence[Point]) -> list[Probe]:
    """Points on lines through the first of the `starts` along each axis, through all if there are several entries; and
    in corners."""
    entries = sum(np.size(starts[0][name]) for name in searched.names)
    if not entries:
        return []
    lines = [(start, *entry) for start in starts[: min(entries, 2)] for entry in _chosen(starts[0], searched.names)]
    constants = sorted(c for c in searched.constants if 0 < c < math.inf)[:_MOST_CONSTANTS]
    grid = _grid(constants)
    sought = {*grid, *(s * c * r for c in constants for r in (*_ABOUT, 1.0) for s in (-1, 1))}
    sought |= {sign * size for size in _SOUGHT for sign in (-1, 1)}
    columns = _Lines(lines)
    found: list[Probe] = []
    changes = changes_on_lines(
        lambda line, places: searched.patterns(columns.at(line, places)),
        len(lines),
        sorted(place for place in sought if math.isfinite(place)),
        searched.work,
    )
    about: dict[tuple[str, int], set[float]] = {}
    for (start, name, k), places in zip(lines, changes, strict=True):
        nearby = list(_about(_some_of(places, max(4, _MOST_PLACES // len(lines)))))
        about.setdefault((name, k), set()).update(nearby)
        for number, value in enumerate([*grid, *nearby]):
            at, far = moved(start, name, k, value), abs(value) > _GRID[-1]
            plain = abs(value) > _NO_ZERO and _largest(at) < _PLAIN
            found.append(Probe(at, plain, far, number >= len(grid)))
    if entries > 1 and any(about.values()):
        found += _corners(searched, starts[0], about, constants)
    return found


def _grid(constants: Sequence[float]) -> list[float]:
    """The places on a line that are tried in any case, with the constants, about which kinks lie: those farthest out
    last."""
    near = sorted({sign * v for v in {*_GRID, *constants} for sign in (-1.0, 1.0) if v <= _GRID[-1]})
    beyond = sorted({*_FAR, *(value for value in constants if _GRID[-1] < value < _LARGEST)})
    return [*(-value for value in reversed(beyond)), *near, *beyond]


def _some_of(places: Sequence[float], most: int) -> list[float]:
    """The places of kinks that are tried: some of the usual sizes, those nearest to 0, and the next on either side."""
    near = sorted((place for place in places if abs(place) <= _GRID[-1]), key=abs)[: min(most, _MOST_KINKS)]
    below = [place for place in places if place < -_GRID[-1]]
    above = [place for place in places if place > _GRID[-1]]
    return [*below[-_MOST_FAR:], *sorted(near), *above[:_MOST_FAR]]


def _about(places: Sequence[float]) -> Iterator[float]:
    """The numbers between kinks and close to both sides of each, also of one that is close to 0."""
    for a, b in itertools.pairwise(places):
        if b - a > max(_ONE_PLACE * max(abs(a), abs(b)), _NOTHING):
            low, between, high = ((1 - part) * a + part * b for part in (0.2, 0.4, 0.8))  # not 0 between −1 and 1
            yield _short(between) if low < _short(between) < high else between
    for place in places:
        for size in {size for size in (abs(place), max(abs(place), _GRID[1])) if size > _NOTHING}:
            yield from (place + sign * size * step for sign in (-1, 1) for step in _CLOSE)


class _Lines:
    """Lines through points, each along an entry of a variable."""

    def __init__(self, lines: Sequence[tuple[Point, str, int]]) -> None:
        starts = [start for start, _, _ in lines]
        self._starts = {n: np.stack([np.asarray(s[n], float) for s in starts], axis=-1) for n in starts[0]}
        self._moved = [(name, k) for _, name, k in lines]

    def at(self, line: NDArray[np.intp], places: Array) -> Columns:
        """The points at these places of these lines."""
        columns = {name: column[..., line] for name, column in self._starts.items()}
        for number, (name, k) in enumerate(self._moved):
            columns[name].reshape(-1, len(line))[k, line == number] = places[line == number]
        return columns


def _corners(
    searched: Searched, start: Point, about: Mapping[tuple[str, int], Collection[float]], constants: Sequence[float]
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
            near, apart = about.get((name, k), ()), 1.0 + _APART * (next(entry) % 32)
            usual = [s * _short(v * apart, 4) for v in sizes for s in (-1.0, 1.0)]
            pool, own = np.array(sorted({*usual, *near})), rng.random(count)
            two = common[rng.integers(2, size=count), np.arange(count)]
            ends = np.where(own < 0.5, 0.2 * own, 1.0 - 0.2 * (1.0 - own))
            rank = np.choose(kind, [common[0], two, own, ends, own])
            row = pool[(rank * len(pool)).astype(int)]
            rows.append(np.where(kind == 4, rng.choice(sorted(near) or pool, size=count), row))
        columns[name] = np.array(rows).reshape(*np.shape(start[name]), count)
    shared = {name: np.asarray(value, float)[..., None] for name, value in start.items()}
    _, first = np.unique(searched.patterns({**shared, **columns}), return_index=True)
    found = []
    for place in np.sort(first)[:_MOST_CORNERS].tolist():
        drawn = {n: c[..., place] if c.ndim > 1 else float(c[place]) for n, c in columns.items()}
        found.append(Probe({**start, **drawn}, False, _largest(drawn) > _GRID[-1], True))
    return found


def _chosen(point: Point, names: Sequence[str]) -> list[tuple[str, int]]:
    """The entries that are moved: all, or some evenly apart."""
    every = [(name, k) for name in names for k in range(np.size(point[name]))]
    return every if len(every) <= _LINES else [every[k * len(every) // _LINES] for k in range(_LINES)]


def moved(point: Mapping[str, Any], name: str, k: int, value: float) -> dict[str, Any]:
    """The point with an entry of a variable put elsewhere."""
    if np.ndim(point[name]) == 0:
        return {**point, name: value}
    array = np.array(point[name], float)
    array.reshape(-1)[k] = value
    return {**point, name: array}


def _largest(point: Point) -> float:
    return max((float(np.max(np.abs(value))) for value in point.values()), default=0.0)
