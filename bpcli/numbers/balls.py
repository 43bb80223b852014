"""Numbers that know what they are off by: exact rationals as long as they last, then balls of arb with a proven radius.

A `Ball` is a rational (fmpq) or a real ball (arb) that contains the true value for certain; arrays of them run through
the same formulas and rules as doubles do, for `namespace(x)` of such an array is `balls()`. A comparison that the radii
leave open is `UNKNOWN`, and `where` answers it with the smallest ball round both branches. The precision is the
context's, see `precision`. Source: F. Johansson, Arb: efficient arbitrary-precision midpoint-radius interval arithmetic
(IEEE Transactions on Computers, 2017).
"""

import math
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from typing import Any

from bpcli.errors import MissingExtraError
from bpcli.numbers.elements import UNKNOWN, Elements, give_operators, negation

try:
    from flint import arb, ctx, fmpq
except ImportError:  # pragma: no cover - the tests install it
    raise MissingExtraError("certify", "python-flint", "--certify") from None

_MAX_BITS = 1 << 14  # of a rational's numerator or denominator; beyond, it goes on as a ball
_MAX_EXPONENT = 1 << 16  # of two, up to which the ends of a ball are told apart


class Ball:
    """A real number, enclosed; `x` is its rational, or a ball of arb that contains it."""

    __slots__ = ("x",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, x: Any) -> None:
        self.x = x

    @property
    def space(self) -> Any:
        """The namespace of balls."""
        return balls()

    def __neg__(self) -> "Ball":
        return Ball(-self.x)

    def __abs__(self) -> "Ball":
        return _abs(self)


def rational(value: float | str) -> Ball:
    """The double, or the decimal as it is written, exactly; infinities and NaN as balls."""
    if isinstance(value, str):
        if abs(int(value.lower().partition("e")[2] or 0)) > _MAX_BITS:
            return Ball(arb(value))
    elif not math.isfinite(value):
        return Ball(arb(str(float(value))))
    exact = Fraction(value)
    return Ball(_bounded(fmpq(exact.numerator, exact.denominator)))


def _bounded(x: Any) -> Any:
    return arb(x) if x.height_bits() > _MAX_BITS else x


def ball(x: Any) -> Ball:
    """Any number as a Ball."""
    return x if isinstance(x, Ball) else rational(float(x))


def _arb(x: Ball) -> Any:
    return x.x if isinstance(x.x, arb) else arb(x.x)


def _is_exact(x: Ball) -> bool:
    """Whether it is one number for certain, ±∞ and NaN among them."""
    return isinstance(x.x, fmpq) or x.x.is_exact() or x.x.is_nan()


def _is_rational(*args: Ball) -> bool:
    return all(isinstance(a.x, fmpq) for a in args)


def _open(x: Ball) -> bool:
    """Whether nothing is known of it."""
    return isinstance(x.x, arb) and not x.x.is_finite() and not x.x.is_exact() and not x.x.is_nan()


ANYTHING = Ball(arb(0, "inf"))
NOT_A_NUMBER = Ball(arb.nan())


def _is_nan(x: Ball) -> bool:
    return isinstance(x.x, arb) and x.x.is_nan()


def _settled(result: Any, *args: Ball) -> Ball:
    """What arb gave, whose NaN says that nothing is known, unless an operand is NaN."""
    return ANYTHING if result.is_nan() and not any(map(_is_nan, args)) else Ball(result)


# Comparisons


def less(a: Ball, b: Ball) -> Any:
    """Whether a < b: True, False or UNKNOWN."""
    if _is_rational(a, b):
        return bool(a.x < b.x)
    x, y = _arb(a), _arb(b)
    if x.is_nan() or y.is_nan() or a is b:
        return False
    return True if x < y else False if x >= y else UNKNOWN


def equal(a: Ball, b: Ball) -> Any:
    """Whether a == b. One object is one number, of which nobody need know the digits."""
    if _is_rational(a, b):
        return bool(a.x == b.x)
    if _is_nan(a) or _is_nan(b) or (a is b and _open(a)):
        return False
    if a is b:
        return True
    x, y = _arb(a), _arb(b)
    if not x.overlaps(y):
        return False
    return True if x == y else UNKNOWN


def _negated_less(a: Ball, b: Ball) -> Any:
    """Whether a <= b."""
    return False if _is_nan(a) or _is_nan(b) else True if a is b else negation(less(b, a))


_COMPARISONS: dict[str, Callable[[Ball, Ball], Any]] = {
    "lt": less,
    "le": _negated_less,
    "gt": lambda a, b: less(b, a),
    "ge": lambda a, b: _negated_less(b, a),
    "eq": equal,
    "ne": lambda a, b: negation(equal(a, b)),
}


# Arithmetic


def _plain(function: Callable[[Any, Any], Any]) -> Callable[[Ball, Ball], Ball]:
    def apply(a: Ball, b: Ball) -> Ball:
        if _is_rational(a, b):
            return Ball(_bounded(function(a.x, b.x)))
        if _infinite(a) or _infinite(b):
            u, v = _stand_in(a), _stand_in(b)
            return ANYTHING if u is None or v is None else rational(function(u, v))
        return _settled(function(_arb(a), _arb(b)), a, b)

    return apply


def _stand_in(x: Ball) -> float | None:
    """Beside an infinity only the sign of a number counts, if it is known."""
    if not (isinstance(x.x, arb) and not x.x.is_finite()):
        return 1.0 if x.x > 0 else -1.0 if x.x < 0 else 0.0 if _zero(x) else None
    return float(x.x.mid()) if _is_exact(x) else None


def _zero(x: Ball) -> bool:
    """Whether it is 0 for certain."""
    return bool(x.x == 0)


def multiply(a: Ball, b: Ball) -> Ball:
    """a·b; an exact 0 times what is not known is not known either, for that may be infinite."""
    return _product(a, b)


_product = _plain(operator.mul)


def divide(a: Ball, b: Ball) -> Ball:
    """a/b, an infinity or NaN where b is 0."""
    if _zero(b):
        return _pole(a)
    if _infinite(b):
        return NOT_A_NUMBER if _infinite(a) or _is_nan(a) else ANYTHING if _open(a) else rational(0.0)
    return _quotient(a, b)


_quotient = _plain(operator.truediv)


def _infinite(x: Ball) -> bool:
    """Whether it is ±∞ for certain."""
    return isinstance(x.x, arb) and x.x.is_exact() and not x.x.is_finite() and not x.x.is_nan()


def _pole(a: Ball) -> Ball:
    """a/0, on the side of a positive 0."""
    if _zero(a) or _is_nan(a):
        return NOT_A_NUMBER
    positive = less(rational(0.0), a)
    return ANYTHING if positive is UNKNOWN or _open(a) else Ball(arb.pos_inf() if positive else arb.neg_inf())


def scale(g: Ball, p: Ball) -> Ball:
    """g·p, where a g of exactly 0 stays 0 whatever p."""
    return g if _zero(g) else _product(g, p)


def hull(a: Ball, b: Ball) -> Ball:
    """A ball round both."""
    if a is b or (_is_rational(a, b) and a.x == b.x):
        return a
    x, y = _arb(a), _arb(b)
    return Ball(x.union(y)) if x.is_finite() and y.is_finite() else ANYTHING


def select(condition: Any, a: Ball, b: Ball) -> Ball:
    """`a` where the condition holds, else b; where that is not known, a ball round both."""
    return hull(a, b) if condition is UNKNOWN else a if condition else b


def maximum(a: Ball, b: Ball) -> Ball:
    """The larger."""
    smaller = less(a, b)
    if smaller is UNKNOWN:
        return ANYTHING if _open(a) or _open(b) else Ball(_arb(a).max(_arb(b)))
    return a if _is_nan(a) else b if _is_nan(b) or smaller else a


def minimum(a: Ball, b: Ball) -> Ball:
    """The smaller."""
    return -maximum(-a, -b) if less(a, b) is UNKNOWN else a if _is_nan(a) else b if _is_nan(b) or less(b, a) else a


def power(a: Ball, b: Ball) -> Ball:
    """a^b as C's pow has it."""
    if _zero(b) or (_is_rational(a) and a.x == 1):
        return rational(1.0)
    if _is_rational(b) and b.x.q == 1:
        return _whole_power(a, int(b.x.p))
    if _zero(a):
        rising = less(rational(0.0), b)
        return ANYTHING if rising is UNKNOWN else rational(0.0) if rising else Ball(arb.pos_inf())
    if _is_rational(b) and b.x.q == 2:
        return _whole_power(sqrt(a), int(b.x.p))
    if not _is_rational(b) and less(rational(0.0), a) is not True:
        return ANYTHING  # the exponent may be a whole number, which nobody can tell
    return _inside(lambda x, y: x**y, 0.0, math.inf)(a, b)


def _whole_power(a: Ball, n: int) -> Ball:
    if _zero(a):
        return rational(0.0) if n > 0 else Ball(arb.pos_inf())
    if _is_rational(a) and a.x.height_bits() * abs(n) <= _MAX_BITS:
        return Ball(a.x**n)
    return _settled(_arb(a) ** n, a)


# Functions


def _inside(function: Callable[..., Any], low: float, high: float) -> Callable[..., Ball]:
    """A function of arb on [low, high] by its first argument: NaN for certain outside of it."""

    def apply(*args: Ball) -> Ball:
        x = _arb(args[0])
        if x < low or x > high:
            return NOT_A_NUMBER
        return _settled(function(*map(_arb, args)), *args)

    return apply


def _at(function: Callable[[Ball], Ball], values: dict[float, float]) -> Callable[[Ball], Ball]:
    """A function with values by hand, where arb has none or an inexact one."""

    def apply(x: Ball) -> Ball:
        if _is_exact(x):
            for at, value in values.items():
                if (x.x == int(at)) if math.isfinite(at) else (_infinite(x) and float(x.x.mid()) == at):
                    return rational(value)
        return function(x)

    return apply


def _abs(x: Ball) -> Ball:
    return Ball(abs(x.x))


def sqrt(x: Ball) -> Ball:
    """√x, exact of the square of a rational."""
    if _is_rational(x) and x.x >= 0:
        p, q = (math.isqrt(int(part)) for part in (x.x.p, x.x.q))
        if fmpq(p, q) ** 2 == x.x:
            return Ball(fmpq(p, q))
    return _inside(lambda x: x.sqrt(), 0.0, math.inf)(x)


def cbrt(x: Ball) -> Ball:
    """∛x, exact of the cube of a rational."""
    size = _arb(abs(x))
    if _is_rational(x):
        p, q = (round(float(part) ** (1 / 3)) if part < 10**15 else 0 for part in (abs(x.x.p), x.x.q))
        if q and fmpq(p, q) ** 3 == abs(x.x):
            root: Any = fmpq(p, q)
            return Ball(root if x.x >= 0 else -root)
    sign = less(x, rational(0.0))
    if sign is UNKNOWN:
        return Ball(arb(0, size.upper().root(3).upper())) if size.is_finite() else ANYTHING
    root = size.root(3)
    return _settled(-root if sign else root, x)


def sign(x: Ball) -> Ball:
    """−1, 0 or 1; NaN of NaN."""
    if _is_nan(x):
        return x
    zero = rational(0.0)
    nonnegative = select(less(zero, x), rational(1.0), zero)
    return select(less(x, zero), rational(-1.0), nonnegative)


def _rounded(function: str) -> Callable[[Ball], Ball]:
    def apply(x: Ball) -> Ball:
        if _is_rational(x):
            return Ball(fmpq(getattr(x.x, function)()))
        return _settled(getattr(x.x, function)(), x)

    return apply


def _hypot(x: Ball, y: Ball) -> Ball:
    return sqrt(_plus(_product(x, x), _product(y, y)))


_plus = _plain(operator.add)


def _arctan2(y: Ball, x: Ball) -> Ball:
    if _zero(y) and _zero(x):
        return rational(0.0)
    return _settled(arb.atan2(_arb(y), _arb(x)), y, x)


def _of_arb(name: str, low: float = -math.inf, high: float = math.inf) -> Callable[[Ball], Ball]:
    return _inside(lambda x: getattr(x, name)(), low, high)


_INF = math.inf
_NOWHERE = {_INF: math.nan, -_INF: math.nan}  # what turns for ever has no limit
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
    "abs": _abs,
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
give_operators(Ball, {**_ARITHMETIC, **_COMPARISONS}, ball)


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
    return not (_infinite(x) or _is_nan(x))


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
        rank=lambda x: _arb(x).mid(),  # of two midpoints it is certain which is larger
        power_of_two=_two_to,
        pi=lambda: Ball(arb.pi()),
        fraction=lambda x: Fraction(int(x.x.p), int(x.x.q)) if _is_rational(x) else None,
    )


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Work with balls of so many bits."""
    with ctx.workprec(bits):
        yield


def enclosure(x: Ball) -> tuple[Fraction | float, Fraction | float]:
    """Two numbers between which it lies for certain; ±∞ or NaN at both ends if it is that for certain.

    An end beyond 2^±65536 is replaced by one farther out.
    """
    if isinstance(x.x, fmpq):
        value = Fraction(int(x.x.p), int(x.x.q))
        return value, value
    if x.x.is_finite():
        return -_upwards(-x.x.lower()), _upwards(x.x.upper())
    only = float(x.x.mid()) if _is_exact(x) else None
    return (-math.inf, math.inf) if only is None else (only, only)


def _upwards(x: Any) -> Fraction | float:
    """A dyadic number of arb as a fraction, or one above it that is not absurdly large or small."""
    mantissa, exponent = map(int, x.man_exp())
    size = mantissa.bit_length() + exponent
    if abs(size) > _MAX_EXPONENT and mantissa:
        tiny, huge = Fraction(1, 1 << _MAX_EXPONENT), 1 << _MAX_EXPONENT
        return (tiny if size < 0 else math.inf) if mantissa > 0 else (Fraction(0) if size < 0 else Fraction(-huge))
    return Fraction(mantissa << exponent) if exponent >= 0 else Fraction(mantissa, 1 << -exponent)
