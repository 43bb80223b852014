"""Wide numbers: decimals of 50 digits, or more, as elements of arrays, for where doubles over- or underflow."""

from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

import numpy as np

from bpcli.numbers import pairs
from bpcli.numbers.decimals import (
    ARITHMETIC,
    CONTEXT,
    LOSS,
    MORE,
    NAN,
    OF_ONE,
    OF_TWO,
    TWO,
    Function,
    comparison,
    left_range,
    pi,
)
from bpcli.numbers.elements import Elements
from bpcli.numbers.operators import COMPARISONS, give_operators
from bpcli.numbers.pairs import Pair

_KEPT = 1024  # results of each function: the directions of a Hessian ask for the same ones again


class Wide:
    """A number, infinite and NaN included, as an element of arrays."""

    __slots__ = ("x",)

    def __init__(self, x: Decimal) -> None:
        self.x = x

    def __float__(self) -> float:
        return float(self.x)

    def __neg__(self) -> "Wide":
        return Wide(self.x.copy_negate())

    def __abs__(self) -> "Wide":
        return Wide(self.x.copy_abs())

    def __repr__(self) -> str:
        return f"Wide({self.x})"


def wide(x: Any) -> Wide:
    """A double, exactly; what is wide already stays."""
    return x if isinstance(x, Wide) else Wide(Decimal(float(x)))


def _constant(c: Any) -> Wide:
    """A constant of the text, the double that it reads as; π and e are themselves."""
    text = str(getattr(c, "written", c))
    exact = {"pi": pi, "e": _euler}.get(text.removeprefix("-"))
    if exact is None:
        return wide(c)
    return Wide(exact(MORE.prec).copy_sign(Decimal(float(c))))


@cache
def _euler(digits: int) -> Decimal:
    """The number e to so many digits."""
    return Context(digits).exp(Decimal(1))


def _of_one(function: Function) -> Callable[[Wide], Wide]:
    @lru_cache(_KEPT)
    def of_these(x: Decimal, digits: int) -> Decimal:
        return function.apply(x)

    def apply(a: Wide) -> Wide:
        if a.x.is_nan():
            return a
        # −0 and 0 are equal, and not the same. What is as long as the operand keeps all its digits.
        found = of_these(a.x, CONTEXT.prec) if a.x else function.apply(a.x)
        if function.slow and found.is_infinite() and left_range():
            return Wide(NAN)
        LOSS.of_size(a.x, function.saturates)
        if function.grows:
            LOSS.of_large(a.x)
        if function.vanishes and a.x:
            LOSS.of_small(a.x, found)
        for pole in function.poles:
            LOSS.near_pole(a.x, pole)
        if function.jumps and found == a.x:
            LOSS.seen = True
        return Wide(found if found.copy_abs() == a.x.copy_abs() else CONTEXT.plus(found))

    return apply


def _of_two(function: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Wide, Wide], Wide]:
    return lambda a, b: Wide(function(a.x, b.x)) if not (a.x.is_nan() or b.x.is_nan()) else Wide(NAN)


def _compared(holds: Callable[[Decimal, int], bool], of_nan: bool) -> Callable[[Wide, Wide], bool]:
    def compare(a: Wide, b: Wide) -> bool:
        return of_nan if a.x.is_nan() or b.x.is_nan() else holds(comparison(a.x, b.x), 0)

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


class WideElements(Elements):
    """The primitives over arrays of wide numbers. Their rounding errors count: 1 − (1 − 10⁻²⁴⁴) is 10⁻²⁴⁴."""

    rounds = True
    _each_error = np.frompyfunc(lambda a, b, p: Wide(CONTEXT.fma(a.x, b.x, p.x.copy_negate())), 3, 1)

    def two_sum(self, x: Any, y: Any) -> Pair[Any]:
        """(s, e) with s + e = x + y."""
        return pairs.two_sum(x, y)

    def two_product(self, x: Any, y: Any) -> Pair[Any]:
        """(p, e) with p + e = x·y."""
        p = x * y
        return p, self.kept(np.asarray(self._each_error(self.lifted(x), self.lifted(y), p), object))

    def refined(self, plain: Any, condition: Any, better: Callable[[], Any]) -> Any:
        """`plain`, but `better()` where the condition holds."""
        return self.where(condition, better(), plain) if np.any(condition) else plain

    def total(self, x: Any, axis: int, folds: int = 1) -> Pair[Any]:
        """Σ x along an axis, which is kept with length 1, as a pair."""
        return pairs.total(self, x, axis, folds)


@cache
def wides() -> WideElements:
    """The namespace of wide numbers."""
    functions: dict[str, Callable[..., Any]] = {name: _of_one(function) for name, function in OF_ONE.items()}
    functions |= {name: _of_two(function) for name, function in OF_TWO.items()}
    return WideElements(
        "wides",
        Wide,
        functions,
        lift=wide,
        constant=_constant,
        select=lambda condition, x, y: x if condition else y,
        is_finite=lambda a: bool(a.x.is_finite()),
        rank=lambda a: Decimal("-Infinity") if a.x.is_nan() else a.x,
        power_of_two=_two_to,
        pi=lambda: Wide(CONTEXT.plus(pi(MORE.prec))),
        fraction=_fraction,
    )
