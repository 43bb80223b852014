"""Wide numbers: decimals of 50 digits, or more, as elements of arrays, for where doubles over- or underflow.

Each has a bound of its error, from the rounding of its step and from the errors of what it was computed from.
"""

import math
from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal, Inexact
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

import numpy as np

from bpcli.numbers import pairs
from bpcli.numbers.decimals import (
    ARITHMETIC,
    COMPARED,
    CONTEXT,
    LEAST,
    MORE,
    NAN,
    OF_ONE,
    OF_TWO,
    Function,
    FunctionOfTwo,
    left_range,
    pi,
    unit,
)
from bpcli.numbers.elements import Elements
from bpcli.numbers.error_bounds import BOUNDS, INFINITY, LOWER, TWO, ZERO
from bpcli.numbers.operators import COMPARISONS, UNKNOWN, give_operators
from bpcli.numbers.pairs import Pair

_KEPT = 1024  # results of each function: the directions of a Hessian ask for the same ones again
_ENOUGH = Decimal(2) ** -60  # relative: the error that a number may have and still be known as a double
_FAR = 400  # a decimal exponent well beyond the doubles
_NEXT_TO_NOTHING = Decimal(10) ** -_FAR
_DIGITS = 50  # of the ends of a number
_FAINT = Decimal(2) ** -1080  # absolute: far below the smallest double


class Wide:
    """A number x, infinite and NaN included, as an element of arrays; what it stands for is within `error` of x."""

    __slots__ = ("error", "x")

    def __init__(self, x: Decimal, error: Decimal = ZERO) -> None:
        self.x, self.error = x, error

    def __float__(self) -> float:
        """The nearest double; 0 where the error may be all that x is."""
        hidden = self.x.is_finite() and self.error.is_finite() and self.x.copy_abs() <= self.error
        return 0.0 if hidden else float(self.x)

    @property
    def ends(self) -> tuple[Any, Any]:
        """Two numbers between which it lies, as fractions, or as doubles where they are beyond those."""
        if not self.x.is_finite() or not self.error.is_finite():
            return (float(self.x),) * 2 if self.error.is_finite() else (-math.inf, math.inf)
        return _end(self.x, self.error.copy_negate(), ROUND_FLOOR), _end(self.x, self.error, ROUND_CEILING)

    def __neg__(self) -> "Wide":
        return Wide(self.x.copy_negate(), self.error)

    def __abs__(self) -> "Wide":
        return Wide(self.x.copy_abs(), self.error)

    def __repr__(self) -> str:
        return f"Wide({self.x} ± {self.error})"

    @property
    def is_known(self) -> bool:
        """Whether the error is too small to show in a double."""
        if not self.error or not self.x.is_finite():
            return self.error.is_finite()
        return self.error <= _FAINT or self.error <= BOUNDS.multiply(self.x.copy_abs(), _ENOUGH)


def _end(x: Decimal, error: Decimal, rounding: str) -> Any:
    """X + error, rounded to 50 digits down or up."""
    context = Context(_DIGITS, rounding, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
    end = context.add(x, error)
    if end.adjusted() > _FAR:
        return math.copysign(math.inf, end)
    if end and end.adjusted() < -_FAR:  # a fraction would be absurdly long
        end = context.quantize(end, _NEXT_TO_NOTHING)
    return Fraction(end)


def in_doubt(a: Wide) -> Wide:
    """The same number, of which the error is not known."""
    return Wide(a.x, INFINITY)


def wide(x: Any) -> Wide:
    """A double, exactly; what is wide already stays."""
    return x if isinstance(x, Wide) else Wide(Decimal(float(x)))


def _constant(c: Any) -> Wide:
    """A constant of the text, the double that it reads as; π, e and what that double makes 0 are themselves."""
    text = str(getattr(c, "written", c))
    exact = {"pi": pi, "e": _euler}.get(text.removeprefix("-"))
    if exact is None:
        tiny = NAN if c else MORE.create_decimal(text)
        return Wide(tiny, unit(tiny, MORE)) if tiny.is_normal() else wide(c)
    found = exact(MORE.prec)
    return Wide(found.copy_sign(Decimal(float(c))), unit(found, MORE))


@cache
def _euler(digits: int) -> Decimal:
    """The number e to so many digits."""
    return Context(digits).exp(Decimal(1))


def _bounded(x: Decimal, moved: Decimal, rounded: bool, units: int = 1) -> Wide:
    """A result, with what the errors of the operands moved it by, and its rounding error of so many units."""
    if not x.is_finite():
        return Wide(x, ZERO if moved.is_finite() else INFINITY)
    if moved.is_nan():
        return Wide(x, INFINITY)
    own = unit(x) if x else LEAST
    return Wide(x, BOUNDS.fma(own, Decimal(units), moved) if rounded else moved)


def _ends(a: Wide) -> tuple[Decimal, ...]:
    """The ends of what a number may stand for; if that is any number, two of which one is in the domain."""
    if a.error.is_infinite():
        return ZERO, TWO
    return MORE.subtract(a.x, a.error), MORE.add(a.x, a.error)


def _was_rounded() -> bool:
    """Whether a step since the last call was rounded."""
    rounded = CONTEXT.flags[Inexact]
    CONTEXT.flags[Inexact] = False
    return bool(rounded)


def _of_one(function: Function) -> Callable[[Wide], Wide]:
    @lru_cache(_KEPT)
    def of_these(x: Decimal, digits: int) -> Decimal:
        return function.apply(x)

    def apply(a: Wide) -> Wide:
        if a.x.is_nan():
            return a
        # −0 and 0 are equal, and not the same. What is as long as the operand keeps all its digits.
        found = of_these(a.x, CONTEXT.prec) if a.x else function.apply(a.x)
        if found.is_nan() and a.error and any(not function.apply(end).is_nan() for end in _ends(a)):
            return Wide(NAN, INFINITY)  # there may be a value: rounding has led out of the domain
        if found.is_nan() or (function.slow and found.is_infinite() and left_range()):
            return Wide(NAN, INFINITY if a.error.is_infinite() else ZERO)
        moved = function.moved(a.x, found, a.error) if a.error and a.error.is_finite() and a.x.is_finite() else a.error
        if found.copy_abs() != a.x.copy_abs():
            found = CONTEXT.plus(found)
        rounded = bool(found) or (function.positive and a.x.is_finite())
        return _bounded(found, moved, rounded and not function.exact(a.x, found), units=2)

    return apply


def _of_two(function: FunctionOfTwo, units: int = 1) -> Callable[[Wide, Wide], Wide]:
    def apply(a: Wide, b: Wide) -> Wide:
        if a.x.is_nan() or b.x.is_nan():
            return Wide(NAN, max(a.error, b.error))
        CONTEXT.flags[Inexact] = False
        found = function.apply(a.x, b.x)
        moved = max(a.error, b.error)
        if moved and moved.is_finite() and found.is_finite() and a.x.is_finite() and b.x.is_finite():
            moved = function.moved(a.x, b.x, found, a.error, b.error)
        return _bounded(found, moved, _was_rounded() or (units > 1 and bool(found)), units)

    return apply


def _overlap(a: Wide, b: Wide) -> bool:
    """Whether two numbers that are not the same one may be equal, within their errors."""
    if a is b or not (a.error or b.error) or not (a.x.is_finite() and b.x.is_finite()):
        return False
    return LOWER.subtract(max(a.x, b.x), min(a.x, b.x)) <= BOUNDS.add(a.error, b.error)


def _chosen(larger: bool) -> Callable[[Wide, Wide], Wide]:
    """maximum and minimum, a NaN if there is one; of two that may be equal the error is the larger one."""

    def choose(a: Wide, b: Wide) -> Wide:
        if a.x.is_nan() or b.x.is_nan():
            return Wide(NAN)
        found = a if (a.x > b.x) == larger and a.x != b.x else b
        return Wide(found.x, BOUNDS.add(a.error, b.error)) if _overlap(a, b) else found

    return choose


def _compared(holds: Callable[[Decimal, Decimal], bool], of_nan: bool) -> Callable[[Wide, Wide], Any]:
    def compare(a: Wide, b: Wide) -> Any:
        if a.x.is_nan() or b.x.is_nan():
            return of_nan
        return UNKNOWN if COMPARED.open and _overlap(a, b) else holds(a.x, b.x)

    return compare


give_operators(
    Wide,
    {name: _of_two(function) for name, function in ARITHMETIC.items()}
    | {name: _compared(holds, name == "ne") for name, holds in COMPARISONS.items()},
    wide,
)


def _two_to(k: Any) -> Wide:
    return Wide(CONTEXT.power(TWO, Decimal(int(float(k)))))


def _fraction(x: Wide) -> Fraction | None:
    """The value as a fraction; None where that would be absurdly long."""
    return Fraction(x.x) if x.x.is_finite() and abs(x.x.adjusted()) < 400 else None


def _rest_of_sum(a: Wide, b: Wide, s: Wide) -> Wide:
    """The rounding error of a + b, exactly (Knuth, The Art of Computer Programming 2, 4.2.2)."""
    of_b = CONTEXT.subtract(s.x, a.x)
    of_a = CONTEXT.subtract(s.x, of_b)
    return Wide(CONTEXT.add(CONTEXT.subtract(a.x, of_a), CONTEXT.subtract(b.x, of_b)))


def _selected(condition: Any, a: Wide, b: Wide) -> Wide:
    """A where the condition holds, else b; where that is not known, a number whose error reaches over both."""
    if condition is not UNKNOWN:
        return a if condition else b
    if not (a.x.is_finite() and b.x.is_finite()):
        return Wide(a.x, INFINITY)
    apart = BOUNDS.subtract(a.x, b.x).copy_abs()
    return Wide(a.x, BOUNDS.add(apart, max(a.error, b.error)))


def _refined(condition: Any, better: Wide, plain: Wide) -> Wide:
    if condition is UNKNOWN:
        return min(better, plain, key=lambda number: number.error)
    return better if condition else plain


_EACH_REFINED = np.frompyfunc(_refined, 3, 1)


class WideElements(Elements):
    """The primitives over arrays of wide numbers. Their rounding errors count: 1 − (1 − 10⁻²⁴⁴) is 10⁻²⁴⁴."""

    rounds = True
    _each_rest = np.frompyfunc(lambda a, b, p: Wide(CONTEXT.fma(a.x, b.x, p.x.copy_negate())), 3, 1)

    def two_sum(self, x: Any, y: Any) -> Pair[Any]:
        """(s, e) with s + e = x + y; the errors of x and y are those of s."""
        s = x + y
        return s, self.each(_rest_of_sum, x, y, s)

    def two_product(self, x: Any, y: Any) -> Pair[Any]:
        """(p, e) with p + e = x·y; the errors of x and y are those of p."""
        p = x * y
        return p, self.kept(np.asarray(self._each_rest(self.lifted(x), self.lifted(y), p), object))

    def refined(self, plain: Any, condition: Any, better: Callable[[], Any]) -> Any:
        """`plain`, but `better()` where the condition holds; the more exact of the two where that is not known."""
        if not np.any(condition):
            return plain
        return self.kept(_EACH_REFINED(condition, self.lifted(better()), self.lifted(plain)))

    def total(self, x: Any, axis: int, folds: int = 1) -> Pair[Any]:
        """Σ x along an axis, which is kept with length 1, as a pair."""
        return pairs.total(self, x, axis, folds)


@cache
def wides() -> WideElements:
    """The namespace of wide numbers."""
    functions: dict[str, Callable[..., Any]] = {name: _of_one(function) for name, function in OF_ONE.items()}
    functions |= {name: _of_two(function, units=1 if name == "divide" else 2) for name, function in OF_TWO.items()}
    functions |= {"maximum": _chosen(True), "minimum": _chosen(False)}
    return WideElements(
        "wides",
        Wide,
        functions,
        lift=wide,
        constant=_constant,
        select=_selected,
        is_finite=lambda a: bool(a.x.is_finite()),
        rank=lambda a: Decimal("-Infinity") if a.x.is_nan() else a.x,
        power_of_two=_two_to,
        pi=lambda: Wide(rounded := CONTEXT.plus(pi(MORE.prec)), unit(rounded)),
        fraction=_fraction,
    )
