"""Inputs at which a formula is tried: of both signs and all sizes, at 0, and on every side of every kink and jump."""

import math
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.instructions import Constant
from bpcli.calculus.sweeps.seeds import Point

SIZES = (0.003, 0.05, 0.3, 0.8, 1.3, 2.4, 4.0, 7.0, 20.0)
"""Magnitudes of random entries."""

_GRID = (0.0, 1e-3, 0.02, 0.2, 0.6, 1.1, 1.7, 3.1, 5.3, 9.7, 31.0, 310.0)  # apart from 0, no usual place of a kink
_FAR = (3.1e3, 3.1e4, 3.1e6, 3.1e9)  # where a kink may still lie
_LARGEST = 1e15  # a larger constant of an answer is not tried
_PLAIN = 6.0  # entries beyond this are extreme: a right formula may overflow there
_NO_ZERO = 1e-9
_RANDOM = 16  # inputs drawn at random
_LINES = 12  # entries that are moved one by one
_MOST_KINKS = 24  # on a line
_HALVINGS = 60  # of the way to a kink


class Probe(NamedTuple):
    """Inputs, and whether they are plain: neither 0 nor extreme, so that a right formula has a value there.

    `far` inputs are tried only where nothing is wrong nearer by: out there a mistake is hard to name.
    """

    inputs: dict[str, Any]
    plain: bool
    far: bool = False


def random_number(rng: random.Random) -> float:
    """A number of either sign and any of the sizes."""
    return rng.choice((-1.0, 1.0)) * positive_number(rng)


def positive_number(rng: random.Random) -> float:
    """A number of any of the sizes, short enough to be shown."""
    return _short(rng.choice(SIZES) * rng.uniform(0.8, 1.25))


def far_number(rng: random.Random) -> float:
    """A number of either sign beyond the usual sizes, for kinks that lie far out."""
    return rng.choice((-1.0, 1.0)) * _short(rng.choice((60.0, 400.0, *_FAR)) * rng.uniform(0.8, 1.25))


def _short(x: float) -> float:
    return float(f"{x:.3g}")


def random_like(value: Any, draw: Callable[[], float]) -> Any:
    """A number or an array in the shape of a value."""
    shape = np.shape(value)
    return np.array([draw() for _ in range(math.prod(shape))]).reshape(shape) if shape else draw()


def probes_of(
    calculation: Calculation, names: Sequence[str], point: Point, constants: Collection[float] = ()
) -> list[Probe]:
    """Points of expressions, near and far from `point`: random ones, and on lines through some along each axis.

    On a line lie the points of a grid, and those next to and between the places where a step of the expressions changes
    side: the kinks of abs, relu, max, the jumps of comparisons and floor; and the `constants` of an answer.
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
    for start in (dict(point), found[4].inputs)[: 1 if _entries(point, names) == 1 else 2]:
        for name, k in _chosen(point, names):
            found += _on_a_line(calculation, start, name, k, constants)
    return found


def _entries(point: Point, names: Sequence[str]) -> int:
    return sum(np.size(point[name]) for name in names)


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


def _on_a_line(
    calculation: Calculation, start: Point, name: str, k: int, constants: Collection[float]
) -> Iterator[Probe]:
    written = {abs(float(c)) for c in calculation.program.slots if isinstance(c, Constant)}  # kinks lie about them
    written |= set(constants)
    near = sorted({sign * value for value in {*_GRID, *written} for sign in (-1.0, 1.0) if value <= _GRID[-1]})
    above = [near[-1], *sorted({*_FAR, *(value for value in written if _GRID[-1] < value < _LARGEST)})]
    below = [-value for value in reversed(above)]
    grid = [*below[:-1], *near, *above[1:]]

    def places_on(part: Sequence[float]) -> list[float]:
        return kinks_between(lambda t: sides(calculation, moved(start, name, k, t)), part)

    places = places_on(near)[:_MOST_KINKS]
    if len(places) < _MOST_KINKS:  # of a floor there are enough nearby
        places = sorted([*places_on(below)[-2:], *places, *places_on(above)[:2]])
    between = [(a + b) / 2 for a, b in pairwise(places)]
    nearby = [
        place + sign * max(abs(place), 1e-3) * step for place in places for sign in (-1, 1) for step in (1e-3, 0.1)
    ]
    for value in [*grid, *between, *nearby]:
        probe = moved(start, name, k, value)
        yield Probe(probe, abs(value) > _NO_ZERO and _largest(probe) < _PLAIN, abs(value) > _GRID[-1])


def _largest(point: Point) -> float:
    return max((float(np.max(np.abs(value))) for value in point.values()), default=0.0)


def sides(calculation: Calculation, point: Point) -> NDArray[np.float64]:
    """On which side of its kinks and jumps each step is: the signs of its operands and of their differences.

    A step that is constant between its jumps is told by its value instead.
    """
    program = calculation.program
    values = calculation.sweeps.forward(point)
    found: list[Any] = []
    for slot in calculation.edges.non_smooth:
        step = program.step(slot)
        args = [np.asarray(values[a], float) for a in step.args]
        if step.op is not None:
            found.append(args[0] == np.max(args[0]))
            found.append(args[0] == np.min(args[0]))
        elif not any(step.passes):
            found.append(values[slot])
        else:
            found += map(np.sign, args)
            found += [np.sign(a - b) for i, a in enumerate(args) for b in args[i + 1 :]]
    return np.concatenate([np.ravel(np.asarray(part, float)) for part in found]) if found else np.zeros(0)


def kinks_between(side: Callable[[float], NDArray[np.float64]], grid: Sequence[float]) -> list[float]:
    """The places between neighbours of a grid at which `side` changes, by bisection; in order."""
    found: list[float] = []
    known = [side(t) for t in grid]
    for low, high, at_low, at_high in zip(grid, grid[1:], known, known[1:], strict=False):
        if np.array_equal(at_low, at_high, equal_nan=True):
            continue
        a, b = low, high
        for _ in range(_HALVINGS):
            middle = (a + b) / 2
            if middle in (a, b):
                break
            if np.array_equal(side(middle), at_low, equal_nan=True):
                a = middle
            else:
                b = middle
        found.append(b)
        # Behind the first change there may be others.
        if not np.array_equal(side(b + (high - b) * 1e-6), at_high, equal_nan=True) and len(found) < _MOST_KINKS:
            found += kinks_between(side, [b + (high - b) * 1e-6, high])
    return sorted(set(found))
