"""The arithmetic and the functions of balls, and their namespace.

Arrays of balls run through the same formulas and rules as doubles do, for `namespace(x)` of such an array is `balls()`.
Where a comparison is open, `where` gives the smallest ball around both branches.
"""

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

from bpcli.numbers.elements import Elements
from bpcli.numbers.enclosures import (
    ANYTHING,
    COMPARISONS,
    MAX_BITS,
    NOT_A_NUMBER,
    Ball,
    arb,
    are_rational,
    as_arb,
    ball,
    bounded,
    fmpq,
    is_exact,
    is_nan,
    is_unbounded,
    less,
    rational,
    settled,
)
from bpcli.numbers.operators import UNKNOWN, give_operators

# Arithmetic


def _plain(function: Callable[[Any, Any], Any]) -> Callable[[Ball, Ball], Ball]:
    def apply(a: Ball, b: Ball) -> Ball:
        if are_rational(a, b):
            return Ball(bounded(function(a.x, b.x)))
        if _infinite(a) or _infinite(b):
            u, v = _stand_in(a), _stand_in(b)
            return ANYTHING if u is None or v is None else rational(function(u, v))
        return settled(function(as_arb(a), as_arb(b)), a, b)

    return apply


def _stand_in(x: Ball) -> float | None:
    """A double to stand for x next to an infinity, where only its sign counts; None if that is not known."""
    if not (isinstance(x.x, arb) and not x.x.is_finite()):
        return 1.0 if x.x > 0 else -1.0 if x.x < 0 else 0.0 if _zero(x) else None
    return float(x.x.mid()) if is_exact(x) else None


def _zero(x: Ball) -> bool:
    """Whether it is 0 for certain."""
    return bool(x.x == 0)


multiply = _plain(operator.mul)
"""a·b; 0 times an unknown number is unknown too, for that may be infinite."""


def divide(a: Ball, b: Ball) -> Ball:
    """a/b, an infinity or NaN where b is 0."""
    if _zero(b):
        return _pole(a)
    if _infinite(b):
        return NOT_A_NUMBER if _infinite(a) or is_nan(a) else ANYTHING if is_unbounded(a) else rational(0.0)
    return _quotient(a, b)


_quotient = _plain(operator.truediv)


def _infinite(x: Ball) -> bool:
    """Whether it is ±∞ for certain."""
    return isinstance(x.x, arb) and x.x.is_exact() and not x.x.is_finite() and not x.x.is_nan()


def _pole(a: Ball) -> Ball:
    """a/0, on the side of a positive 0."""
    if _zero(a) or is_nan(a):
        return NOT_A_NUMBER
    positive = less(rational(0.0), a)
    return ANYTHING if positive is UNKNOWN or is_unbounded(a) else Ball(arb.pos_inf() if positive else arb.neg_inf())


def scale(g: Ball, p: Ball) -> Ball:
    """g·p, where a g of exactly 0 stays 0 whatever p."""
    return g if _zero(g) else multiply(g, p)


def hull(a: Ball, b: Ball) -> Ball:
    """A ball around both."""
    if a is b or (are_rational(a, b) and a.x == b.x):
        return a
    x, y = as_arb(a), as_arb(b)
    return Ball(x.union(y)) if x.is_finite() and y.is_finite() else ANYTHING


def select(condition: Any, a: Ball, b: Ball) -> Ball:
    """`a` where the condition holds, else b; where that is open, a ball around both."""
    return hull(a, b) if condition is UNKNOWN else a if condition else b


def maximum(a: Ball, b: Ball) -> Ball:
    """The larger."""
    smaller = less(a, b)
    if smaller is UNKNOWN:
        return ANYTHING if is_unbounded(a) or is_unbounded(b) else Ball(as_arb(a).max(as_arb(b)))
    return a if is_nan(a) else b if is_nan(b) or smaller else a


def minimum(a: Ball, b: Ball) -> Ball:
    """The smaller."""
    smaller = less(a, b)
    return -maximum(-a, -b) if smaller is UNKNOWN else a if smaller or is_nan(a) else b


def power(a: Ball, b: Ball) -> Ball:
    """a^b as C's pow has it."""
    if _zero(b) or (are_rational(a) and a.x == 1):
        return rational(1.0)
    if are_rational(b) and b.x.q == 1:
        return _whole_power(a, int(b.x.p))
    if _zero(a):
        rising = less(rational(0.0), b)
        return ANYTHING if rising is UNKNOWN else rational(0.0) if rising else Ball(arb.pos_inf())
    if are_rational(b) and b.x.q == 2:
        return _whole_power(sqrt(a), int(b.x.p))
    if not are_rational(b) and less(rational(0.0), a) is not True:
        return ANYTHING  # it is open whether the exponent is a whole number
    return _inside(lambda x, y: x**y, 0.0, math.inf)(a, b)


def _whole_power(a: Ball, n: int) -> Ball:
    if _zero(a):
        return rational(0.0) if n > 0 else ANYTHING if n % 2 else Ball(arb.pos_inf())  # −∞ on one side, ∞ on the other
    if are_rational(a) and a.x.height_bits() * abs(n) <= MAX_BITS:
        return Ball(a.x**n)
    return settled(as_arb(a) ** n, a)


# Functions


def _inside(function: Callable[..., Any], low: float, high: float) -> Callable[..., Ball]:
    """A function of arb whose first argument lies in [low, high]; for one outside, NaN."""

    def apply(*args: Ball) -> Ball:
        x = as_arb(args[0])
        if x < low or x > high:
            return NOT_A_NUMBER
        return settled(function(*map(as_arb, args)), *args)

    return apply


def _at(function: Callable[[Ball], Ball], values: dict[float, float]) -> Callable[[Ball], Ball]:
    """A function with exact values at some places, where arb has none or an inexact one."""

    def apply(x: Ball) -> Ball:
        if is_exact(x):
            for at, value in values.items():
                if (x.x == int(at)) if math.isfinite(at) else (_infinite(x) and float(x.x.mid()) == at):
                    return rational(value)
        return function(x)

    return apply


def sqrt(x: Ball) -> Ball:
    """√x, exact of the square of a rational."""
    if are_rational(x) and x.x >= 0:
        p, q = (math.isqrt(int(part)) for part in (x.x.p, x.x.q))
        if fmpq(p, q) ** 2 == x.x:
            return Ball(fmpq(p, q))
    return _inside(lambda x: x.sqrt(), 0.0, math.inf)(x)


def cbrt(x: Ball) -> Ball:
    """∛x, exact of the cube of a rational."""
    size = as_arb(abs(x))
    if are_rational(x):
        p, q = (round(float(part) ** (1 / 3)) if part < 10**15 else 0 for part in (abs(x.x.p), x.x.q))
        if q and fmpq(p, q) ** 3 == abs(x.x):
            root: Any = fmpq(p, q)
            return Ball(root if x.x >= 0 else -root)
    sign = less(x, rational(0.0))
    if sign is UNKNOWN:
        return Ball(arb(0, size.upper().root(3).upper())) if size.is_finite() else ANYTHING
    root = size.root(3)
    return settled(-root if sign else root, x)


def sign(x: Ball) -> Ball:
    """−1, 0 or 1; NaN of NaN."""
    if is_nan(x):
        return x
    zero = rational(0.0)
    nonnegative = select(less(zero, x), rational(1.0), zero)
    return select(less(x, zero), rational(-1.0), nonnegative)


def _rounded(function: str) -> Callable[[Ball], Ball]:
    def apply(x: Ball) -> Ball:
        if are_rational(x):
            return Ball(fmpq(getattr(x.x, function)()))
        return settled(getattr(x.x, function)(), x)

    return apply


def _hypot(x: Ball, y: Ball) -> Ball:
    return sqrt(_plus(multiply(x, x), multiply(y, y)))


_plus = _plain(operator.add)


def _arctan2(y: Ball, x: Ball) -> Ball:
    if _zero(y) and _zero(x):
        return rational(0.0)
    return settled(arb.atan2(as_arb(y), as_arb(x)), y, x)


def _of_arb(name: str, low: float = -math.inf, high: float = math.inf) -> Callable[[Ball], Ball]:
    return _inside(lambda x: getattr(x, name)(), low, high)


_INF = math.inf
_NOWHERE = {_INF: math.nan, -_INF: math.nan}  # a sine or cosine has no limit at infinity
_UNARY: dict[str, Callable[[Ball], Ball]] = {
    "exp": _at(_of_arb("exp"), {0.0: 1.0, -_INF: 0.0, _INF: _INF}),
    "exp2": _at(lambda x: power(rational(2.0), x), {-_INF: 0.0, _INF: _INF}),
    "expm1": _at(_of_arb("expm1"), {0.0: 0.0, -_INF: -1.0, _INF: _INF}),
    "log": _at(_of_arb("log", 0.0), {0.0: -_INF, 1.0: 0.0, _INF: _INF}),
    "log2": _at(_inside(lambda x: x.log_base(2), 0.0, _INF), {0.0: -_INF, _INF: _INF}),
    "log10": _at(_inside(lambda x: x.log_base(10), 0.0, _INF), {0.0: -_INF, _INF: _INF}),
    "log1p": _at(_of_arb("log1p", -1.0), {-1.0: -_INF, 0.0: 0.0, _INF: _INF}),
    "sin": _at(_of_arb("sin"), {0.0: 0.0, **_NOWHERE}),
    "cos": _at(_of_arb("cos"), {0.0: 1.0, **_NOWHERE}),
    "tan": _at(_of_arb("tan"), {0.0: 0.0, **_NOWHERE}),
    "arcsin": _at(_of_arb("asin", -1.0, 1.0), {0.0: 0.0}),
    "arccos": _at(_of_arb("acos", -1.0, 1.0), {1.0: 0.0}),
    "arctan": _at(_of_arb("atan"), {0.0: 0.0}),
    "sinh": _at(_of_arb("sinh"), {0.0: 0.0, _INF: _INF, -_INF: -_INF}),
    "cosh": _at(_of_arb("cosh"), {0.0: 1.0, _INF: _INF, -_INF: _INF}),
    "tanh": _at(_of_arb("tanh"), {0.0: 0.0, _INF: 1.0, -_INF: -1.0}),
    "arcsinh": _at(_of_arb("asinh"), {0.0: 0.0, _INF: _INF, -_INF: -_INF}),
    "arccosh": _at(_of_arb("acosh", 1.0), {1.0: 0.0, _INF: _INF}),
    "arctanh": _at(_of_arb("atanh", -1.0, 1.0), {0.0: 0.0, 1.0: _INF, -1.0: -_INF}),
    "erf": _at(_of_arb("erf"), {0.0: 0.0, _INF: 1.0, -_INF: -1.0}),
    "sqrt": _at(sqrt, {_INF: _INF}),
    "cbrt": _at(cbrt, {_INF: _INF, -_INF: -_INF}),
    "abs": abs,
    "sign": sign,
    "floor": _rounded("floor"),
    "ceil": _rounded("ceil"),
}
_BINARY: dict[str, Callable[[Ball, Ball], Ball]] = {
    "divide": divide,
    "power": power,
    "hypot": _hypot,
    "arctan2": _arctan2,
    "maximum": maximum,
    "minimum": minimum,
    "scale": scale,
}


# Arrays of balls


_ARITHMETIC = {"add": _plus, "sub": _plain(operator.sub), "mul": multiply, "truediv": divide}
give_operators(Ball, {**_ARITHMETIC, **COMPARISONS}, ball)


def _two_to(k: Any) -> Ball:
    """2^k for a whole number, which `where` may have made a ball."""
    return _whole_power(rational(2.0), int(k.x.p if isinstance(k, Ball) else k))


def _constant(c: Any) -> Ball:
    """A constant as it is written: the decimal, π, e."""
    text = getattr(c, "written", None)
    name = str(text).lstrip("-")
    if name not in ("pi", "e"):
        return rational(c if text is None or (math.isinf(c) and "inf" in name) else text)
    value = Ball(arb.pi() if name == "pi" else arb.const_e())
    return -value if str(text).startswith("-") else value


def _finite(x: Ball) -> bool:
    return not (_infinite(x) or is_nan(x))


def _rank(a: Ball) -> Any:
    """What is compared to find the largest: a rational itself, else the midpoint, as balls that overlap have no order.

    A rational is not rounded for it: those about 1e300 that differ by less than the precision are not the same.
    """
    return a.x if are_rational(a) else a.x.mid()


@cache
def balls() -> Elements:
    """The namespace of balls."""
    functions: dict[str, Callable[..., Ball]] = {**_UNARY, **_BINARY}
    return Elements(
        "balls",
        Ball,
        functions,
        lift=ball,
        constant=_constant,
        select=select,
        is_finite=_finite,
        rank=_rank,
        power_of_two=_two_to,
        pi=lambda: Ball(arb.pi()),
        fraction=lambda x: Fraction(int(x.x.p), int(x.x.q)) if are_rational(x) else None,
    )


Ball.namespace = balls()
