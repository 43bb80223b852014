"""A search for points on combinations of sides: from each that is found along the axes on to others."""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.calculus.checks.grading import Array
from bpcli.calculus.checks.side_changes import ROUNDS, Columns, Patterns, changes_on_lines, extremes_on_lines
from bpcli.calculus.sweeps.seeds import Point

USUAL = 310.0
"""Numbers beyond this are far out."""

SMALL = 1e-3
"""Of a kink that is closer to 0 points are looked for as far away as of one here."""

_CLOSE = (0.0010137415926535, 0.1037182818284590)  # relative: how far from a kink; there floor(x) does not jump
_NOTHING = 1e-300  # a distance that is 0 but for the change of a sign there
_ONE_PLACE = 1e-7  # relative: nothing is tried between kinks that are closer
_LINES = 12  # entries that are moved one by one
_MOST_KINKS = 24  # on a line
_MOST_FAR = 4  # of them on either side of the usual sizes
_DENSE = np.linspace(-10.0, 10.0, 162)  # where extremes are looked for, as of a sine
_MOST_EXTREMES = 64  # that are places of a line
_ROUGHLY = 16  # halvings on the way to other combinations
_MOST_WORK = 1 << 19  # entries of the points that are looked at
_MOST_TIES = 8  # on a line
_ULPS = 300  # that a place of a change, which is sharp to 2⁻⁴⁴, may be off
_MOST_EQUAL = 4  # doubles next to each other at which sides are equal
_TIMES = 16  # that points are gone on from, as the later ones depend on what was found


class Searched(NamedTuple):
    """Points among which the sides of all steps are looked at: `patterns(columns)` at many of them, each of which is as
    much `work`; `heights(columns)`, numbers on which the sides depend, and `divisors(columns)`; the `names` of the
    variables that are moved; and `constants`, about which kinks may lie.
    """

    patterns: Callable[[Columns], Patterns]
    heights: Callable[[Columns], Array]
    divisors: Callable[[Columns], Array]
    names: Sequence[str]
    constants: Collection[float]
    work: int = 1


Line = tuple[Point, str, int]
"""A line through a point, along an entry of a variable."""


class Lines:
    """Lines, and where on each of them the sides change."""

    def __init__(self, searched: Searched, lines: Sequence[Line]) -> None:
        self.searched, self.lines = searched, lines
        self._starts = stacked([start for start, _, _ in lines])
        self._moved = [(name, k) for _, name, k in lines]

    def at(self, line: NDArray[np.intp], places: Array) -> Columns:
        """The points at these places of these lines."""
        columns = {name: column[..., line] for name, column in self._starts.items()}
        for number, (name, k) in enumerate(self._moved):
            columns[name].reshape(-1, len(line))[k, line == number] = places[line == number]
        return columns

    def patterns(self, line: NDArray[np.intp], places: Array) -> Patterns:
        """Those at these places of these lines."""
        return self.searched.patterns(self.at(line, places))

    def point(self, line: int, place: float) -> dict[str, Any]:
        """The point at a place of a line."""
        start, name, k = self.lines[line]
        return moved(start, name, k, place)

    def changes(
        self, sought: Collection[float], rounds: int = ROUNDS
    ) -> tuple[list[list[list[float]]], list["Extreme"]]:
        """The places where sides change, for each line and group of sides, by so many halvings; and the extremes of
        what they depend on."""
        grid = np.array(sorted(place for place in sought if math.isfinite(place)))
        line, place, kind, height = extremes_on_lines(
            lambda line, places: self.searched.heights(self.at(line, places)),
            len(self.lines),
            np.union1d(grid, _DENSE),
        )
        more: list[list[float]] = [[] for _ in self.lines]
        for number, value in zip(line.tolist(), place.tolist(), strict=True):
            more[number].append(value)
        longest = min(_MOST_EXTREMES, max(map(len, more)))
        places = np.array([[*grid, *(row + [grid[-1]] * longest)[:longest]] for row in more])
        found = changes_on_lines(self.patterns, len(self.lines), places, self.searched.work, rounds)
        every = zip(map(tuple, kind.tolist()), height.tolist(), line.tolist(), place.tolist(), strict=True)
        return found, [Extreme(kind, height, self.point(number, value)) for kind, height, number, value in every]


def zeros(lines: Lines, sought: Collection[float], numbers: Callable[[Columns], Array]) -> list[dict[str, Any]]:
    """Points on lines at which one of the numbers is exactly 0, such as a height: where the two sides of a comparison
    are equal, the only places where x == y holds. None where rounding decides on the sign: that of a power near 0,
    multiplied out."""
    searched, count = lines.searched, len(lines.lines)

    def signs(line: NDArray[np.intp], places: Array) -> Patterns:
        return np.nan_to_num(np.sign(numbers(lines.at(line, places))), nan=2.0).astype(np.int64)

    grid = np.array(sorted(place for place in sought if math.isfinite(place)))
    changes = changes_on_lines(signs, count, grid, searched.work)
    found = [(n, place) for n, groups in enumerate(changes) for place in some_of(groups, _MOST_TIES)]
    if not found:
        return []
    line = np.array([n for n, _ in found]).repeat(2 * _ULPS + 1)
    near = np.array([place for _, place in found])[:, None]
    places = (near + np.spacing(near) * np.arange(-_ULPS, _ULPS + 1)).ravel()
    height = np.sign(numbers(lines.at(line, places))).reshape(-1, len(found), 2 * _ULPS + 1)
    steps, none = np.diff(height, axis=2), height == 0
    sharp = ((steps >= 0).all(axis=2) | (steps <= 0).all(axis=2)) & (none.sum(axis=2) <= _MOST_EQUAL)
    equal = (none & sharp[..., None]).any(axis=0)
    at = places.reshape(len(found), -1)
    return [lines.point(n, float(at[k, np.argmax(equal[k])])) for k, (n, _) in enumerate(found) if equal[k].any()]


class Extreme(NamedTuple):
    """A point at which a height is largest or smallest on a line: the number of the height with 1 or −1, and it."""

    kind: tuple[int, int]
    height: float
    at: dict[str, Any]


def stacked(points: Sequence[Point]) -> dict[str, Array]:
    """Points as columns."""
    return {name: np.stack([np.asarray(at[name], float) for at in points], axis=-1) for name in points[0]}


def chosen(point: Point, names: Sequence[str]) -> list[tuple[str, int]]:
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


def explored(
    searched: Searched, starts: Sequence[Point], extremes: Sequence[Extreme], sought: Collection[float], most: int
) -> list[Point]:
    """Points whose sides are others than those of the `starts`, found one after the other: where a condition holds only
    for what satisfies another one, it is met on a line through a point that does; where it holds in a small region, on
    lines through the points that come closest to it.
    """
    found, frontier = list[Point](), _Frontier()
    for start, sides in zip(starts, searched.patterns(stacked(starts)).T.tolist(), strict=True):
        frontier.add(start, sides)
    frontier.close(extremes)
    entries = chosen(starts[0], searched.names)
    each = searched.work * (len(sought) + len(_DENSE)) * len(entries)
    at_once, left = max(1, _MOST_WORK // _TIMES // each), _MOST_WORK // each
    while left > 0 and len(found) < most and (some := frontier.next(at_once)):
        left -= len(some)
        lines = Lines(searched, [(start, *entry) for start in some for entry in entries])
        changes, extremes = lines.changes(sought, _ROUGHLY)
        frontier.close(extremes)
        places = [(n, place) for n, groups in enumerate(changes) for place in about(some_of(groups, _MOST_KINKS))]
        tried = [lines.point(n, place) for n, place in places] + [extreme.at for extreme in extremes]
        if tried:
            every = searched.patterns(stacked(tried)).T.tolist()
            found += [point for point, sides in zip(tried, every, strict=True) if frontier.add(point, sides)]
    return found[:most]


class _Frontier:
    """Points from which to go on: those whose sides are the rarest first, in turn with those closest to others."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, ...], Point] = {}
        self._closest: list[Point] = []
        self._seen: set[tuple[int, ...]] = set()
        self._counts: Counter[tuple[int, int]] = Counter()
        self._best: dict[tuple[int, int], float] = {}

    def add(self, point: Point, sides: Sequence[int]) -> bool:
        """Whether no point before had these sides."""
        self._counts.update(enumerate(sides))
        if new := (key := tuple(sides)) not in self._seen:
            self._seen.add(key)
            self._waiting[key] = point
        return new

    def close(self, extremes: Sequence[Extreme]) -> None:
        """Add the points of extremes that are beyond those before."""
        for kind, height, at in sorted(extremes, key=lambda one: -one.kind[1] * one.height):
            if kind[1] * height > self._best.get(kind, -math.inf) + _ONE_PLACE * abs(height):
                self._best[kind] = kind[1] * height
                self._closest.append(at)

    def next(self, count: int) -> list[Point]:
        """The next points, no more than `count`."""
        rarest = sorted(self._waiting, key=lambda key: -sum(1 / self._counts[side] for side in enumerate(key)))
        close = self._closest[-max(1, count // 2) :]
        some = [self._waiting.pop(key) for key in rarest[: max(1, count - len(close))]]
        del self._closest[len(self._closest) - len(close) :]
        return some + close


def some_of(groups: Sequence[Sequence[float]], most: int) -> list[float]:
    """The places of kinks that are tried: some of the usual sizes, those nearest to 0, and the next on either side; of
    every group of sides some."""
    near = [sorted((place for place in places if abs(place) <= USUAL), key=abs) for places in groups]
    below = [[place for place in reversed(places) if place < -USUAL][:_MOST_FAR] for places in groups]
    above = [[place for place in places if place > USUAL][:_MOST_FAR] for places in groups]
    most = min(most, _MOST_KINKS)
    places = [*_in_turn(near, most, most), *_in_turn(below, _MOST_FAR, most), *_in_turn(above, _MOST_FAR, most)]
    return sorted(set(places))


def _in_turn(parts: Sequence[Sequence[float]], count: int, most: int) -> list[float]:
    """The first of each part, then the second of each: `count`, or one of each, but not more than `most`."""
    every = (place for places in itertools.zip_longest(*parts) for place in places if place is not None)
    return list(itertools.islice(dict.fromkeys(every), min(most, max(count, sum(map(bool, parts))))))


def about(places: Sequence[float]) -> Iterator[float]:
    """The numbers between kinks and close to both sides of each, also of one that is close to 0."""
    for a, b in itertools.pairwise(places):
        if b - a > max(_ONE_PLACE * max(abs(a), abs(b)), _NOTHING):
            low, between, high = ((1 - part) * a + part * b for part in (0.2, 0.4, 0.8))  # not 0 between −1 and 1
            shown = low < short(between) < high
            if shown:
                yield short(between)
            if not shown or b - a < SMALL * abs(a):  # where `short` may be a constant, at which rounding decides
                yield between
    for place in places:
        for size in {size for size in (abs(place), max(abs(place), SMALL)) if size > _NOTHING}:
            yield from (place + sign * size * step for sign in (-1, 1) for step in _CLOSE)


def short(x: float, digits: int = 3) -> float:
    """A number of few digits, to be shown."""
    return float(f"{x:.{digits}g}")
