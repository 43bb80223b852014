"""Witnesses for a derivative where doubles can't be trusted: numbers in balls, else in decimals with error bounds."""

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from bpcli.calculus.checks.grading import Array
from bpcli.calculus.checks.side_search import moved
from bpcli.calculus.one_sided.coefficient_values import Balls, Decimals
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.seeds import Point, numbers
from bpcli.errors import BpcliError
from bpcli.numbers.operators import UndecidedError

SPOILT = 1e-8
"""Relative: a number that rounding may have changed by more is no witness, and needs one."""

STEPS = (200, 400, 600)
"""Difference quotients have steps of 2^-bits, until two are one."""

FINEST = (8000, 8200, 8400)
"""Steps between which no kink, jump or wave of doubles fits, nor one of a few doubles multiplied."""

_BITS = (2000, 8000)  # besides those of the step
_DIGITS = 800  # of decimals, where there are no balls, besides a third of the step's bits
_SAME = Fraction(1, 1 << 50)  # relative: quotients that differ by less
_FALLS = Fraction(1, 1 << 100)  # where the slope is 0, each quotient is less than this part of the one before
_NARROW = Fraction(1, 1 << 60)  # relative: a ball of at most this width counts as a number
_ZERO = Fraction(1, 1 << 1080)  # below every double


def proven_jacobian(calculation: Calculation, point: Point) -> Array | None:
    """The Jacobian by ball arithmetic, outputs × entries, NaN where it is not decided; None if there is none."""
    try:
        from bpcli.calculus.sweeps.certified import Certified

        blocks = Certified(calculation).jacobian(point)[1]
    except BpcliError:
        return None
    return np.concatenate([np.asarray(blocks[name], float) for name in calculation.wrt], axis=1)


def proven_quotient(
    calculation: Calculation, point: Point, entry: tuple[str, int], output: int, steps: Sequence[int] = STEPS
) -> float | None:
    """(f(x + h) − f(x − h))/2h of an output by an entry of a variable, with so many bits that no rounding shows.

    It needs values only, so that a wrong rule of a derivative does not show in it. What falls with h, as of x³ at 0, is
    0. None if there is none, or it does not settle.
    """
    sizes = [abs(float(v)) for v in numbers(list(point.values())) if v]
    if not all(map(math.isfinite, sizes)):
        return None
    x = Fraction(float(np.ravel(point[entry[0]])[entry[1]]))
    scale = abs(x) or Fraction(min([1.0, *sizes]))  # what a 0 is added to may be small
    found: list[Fraction] = []
    for bits in steps:
        quotient = _quotient(calculation, point, entry, x, scale, bits, output)
        if quotient is None:
            return None
        if found and abs(quotient - found[-1]) <= _SAME * abs(quotient):
            return _as_double(quotient)
        found.append(quotient)
    return 0.0 if all(abs(b) <= _FALLS * abs(a) for a, b in itertools.pairwise(found)) else None


def _as_double(x: Fraction) -> float:
    """The nearest double, ±∞ beyond the largest."""
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def _quotient(
    calculation: Calculation, point: Point, entry: tuple[str, int], x: Fraction, scale: Fraction, bits: int, output: int
) -> Fraction | None:
    """(f(x + h) − f(x − h))/2h for one step h = scale · 2^-bits."""
    step = scale / (1 << bits)
    try:
        from bpcli.numbers.enclosures import precision
    except BpcliError:
        from bpcli.numbers.decimals import digits

        contexts, twin = [digits(_DIGITS + bits // 3)], calculation.wide_twin
    else:
        from bpcli.numbers.balls import balls

        contexts = [precision(bits + more) for more in _BITS]
        program = calculation.program
        twin = Calculation(calculation.trees, calculation.texts, program.variables, calculation.wrt, balls())
    for context in contexts:
        try:
            with context:
                ends = _ends(twin, point, entry, x, step, output)
        except (BpcliError, UndecidedError):
            return None
        below, above = ends
        if isinstance(below, float) or isinstance(above, float):
            return None
        if above - below <= max(abs(below + above) * _NARROW, _ZERO):
            return (below + above) / 2
    return None


def _ends(
    twin: Calculation, point: Point, entry: tuple[str, int], x: Fraction, step: Fraction, output: int
) -> tuple[Fraction | float, Fraction | float]:
    """Two numbers between which the quotient lies, by the arithmetic of `twin`."""
    arithmetic = Decimals() if twin.namespace.base.rounds else Balls()
    places = (_put(point, *entry, arithmetic.of(place)) for place in (x - step, x + step))
    low, high = (_outputs(twin, place)[output] for place in places)
    return arithmetic.ends((high - low) / arithmetic.of(2 * step))


def _put(point: Point, name: str, k: int, value: Any) -> Point:
    if np.ndim(point[name]) == 0:
        return {**point, name: value}
    array = np.array(moved(point, name, k, 0.0)[name], object)
    array.reshape(-1)[k] = value
    return {**point, name: array}


def _outputs(calculation: Calculation, point: Point) -> list[Any]:
    return [v for value in calculation.value(point) for v in np.ravel(np.asarray(value, object)).tolist()]
