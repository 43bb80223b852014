"""Wide numbers: decimals of 50 digits, or more, that never over- or underflow, for where doubles do.

Arithmetic, exp, log, powers and roots are those of Python's `decimal` (the General Decimal Arithmetic Specification of
M. Cowlishaw); the other functions are built on them, with more digits where a difference cancels.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import cache, lru_cache
from threading import RLock
from typing import Any

import numpy as np

from bpcli.numbers import pairs
from bpcli.numbers.elements import COMPARISONS, Elements, give_operators
from bpcli.numbers.namespaces import FLOATS
from bpcli.numbers.pairs import Pair

_DIGITS = 50
_CONTEXT = Context(_DIGITS, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
_MORE = Context(2 * _DIGITS, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])  # for differences that cancel
_ZERO, _ONE, _TWO, _NAN = Decimal(0), Decimal(1), Decimal(2), Decimal("NaN")
_FAR = 2000  # the decimal exponent beyond which angles are not reduced


class Loss:
    """Whether a step may have lost digits: terms that cancel, or an angle or an exponent of many digits.

    `needed` are the digits in which the smaller of two terms still counts beside the larger.
    """

    __slots__ = ("needed", "seen")

    def __init__(self) -> None:
        self.seen, self.needed = False, 0

    def between(self, x: Decimal, y: Decimal, rest: Decimal) -> None:
        """See whether x and y cancel to what rests of them."""
        if not x or not y or not x.is_finite() or not y.is_finite():
            return
        first, second = x.adjusted(), y.adjusted()
        if (gap := _TERMS * abs(first - second)) > self.needed:
            self.needed = gap
        if not rest or rest.adjusted() < max(first, second) - _SPARE:
            self.seen = True

    def of_size(self, x: Decimal, saturates: int | None) -> None:
        """Count the digits in which a function of a small or large number differs from the first term of its series."""
        if not x.is_finite():
            return
        size = _TERMS * abs(x.adjusted())
        if saturates and 0 <= x.adjusted() <= 3:
            size = int(abs(x)) ** saturates
        if size > self.needed:
            self.needed = size

    def of_large(self, x: Decimal) -> None:
        """See whether an angle or an exponent is so large that it would need more digits."""
        if x.adjusted() > _SPARE:
            self.seen, self.needed = True, max(self.needed, x.adjusted())

    def of_small(self, x: Decimal, result: Decimal) -> None:
        """See whether a function is so near a root, other than 0, that its operand would need more digits."""
        if not result or result.adjusted() < min(0, x.adjusted()) - _SPARE:
            self.seen = True


_TERMS = 3  # of a power series, that may cancel before one counts
_SPARE = 10  # digits that may be lost at a step without a word
_LOSS = Loss()  # of the context that works with more digits
_IN_USE = RLock()


@contextmanager
def digits(number: int) -> Iterator[Loss]:
    """Work with so many digits, one thread at a time; what it gives tells whether a step has lost some."""
    with _IN_USE:
        before = _CONTEXT.prec
        _CONTEXT.prec, _MORE.prec = number, 2 * number
        _LOSS.seen, _LOSS.needed = False, 0
        try:
            yield _LOSS
        finally:
            _CONTEXT.prec, _MORE.prec = before, 2 * before


def _is_tiny(x: Decimal) -> bool:
    """Whether it is so small that two terms of a power series are right to all digits."""
    return not x or x.adjusted() < -(3 * _CONTEXT.prec) // 5


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


# Functions of decimals


def _expm1(x: Decimal) -> Decimal:
    if x.is_finite() and _is_tiny(x):
        return _MORE.fma(_MORE.multiply(x, x), Decimal("0.5"), x)
    return _MORE.subtract(_MORE.exp(x), _ONE)


def _log1p(x: Decimal) -> Decimal:
    if x.is_finite() and _is_tiny(x):
        return _MORE.fma(_MORE.multiply(x, x), Decimal("-0.5"), x)
    return _MORE.ln(_MORE.add(_ONE, x))


@lru_cache(64)
def _pi(digits: int) -> Decimal:
    """π to so many digits, by Newton's series of asin(1/2) (Python's documentation of `decimal`, recipes)."""
    context = Context(digits + 5)
    before, term, total, n, n_step, d, d_step = _ZERO, Decimal(3), Decimal(3), 1, 0, 0, 24
    while total != before:
        before = total
        n, n_step = n + n_step, n_step + 8
        d, d_step = d + d_step, d_step + 32
        term = context.divide(context.multiply(term, Decimal(n)), Decimal(d))
        total = context.add(total, term)
    return total


def _reduced(x: Decimal) -> tuple[int, Decimal]:
    """(n mod 4, x − n·π/2) for the whole n that leaves |x| ≤ π/4, by π with as many digits more as x has."""
    enough = _MORE.prec + max(0, x.adjusted())
    context = Context(enough, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
    quarter = context.divide(_pi(enough), _TWO)
    turns = context.to_integral_value(context.divide(x, quarter))
    return int(turns) % 4, _MORE.plus(context.subtract(x, context.multiply(turns, quarter)))


def _sine_and_cosine(x: Decimal) -> tuple[Decimal, Decimal]:
    """Both by their power series, after the angle is reduced to |x| ≤ π/4; NaN beyond 1e2000."""
    if not x.is_finite() or x.adjusted() > _FAR:
        return _NAN, _NAN
    turn, x = _reduced(x)
    sine, cosine, term = _ZERO, _ZERO, _ONE
    limit = _MORE.scaleb(x.copy_abs(), -_CONTEXT.prec - 10)
    for k in range(_MORE.prec):
        if k % 2:
            sine = _MORE.add(sine, term.copy_negate() if k % 4 == 3 else term)
        else:
            cosine = _MORE.add(cosine, term.copy_negate() if k % 4 == 2 else term)
        term = _MORE.divide(_MORE.multiply(term, x), Decimal(k + 1))
        if term.copy_abs() < limit:
            break
    minus_sine, minus_cosine = sine.copy_negate(), cosine.copy_negate()
    return [(sine, cosine), (cosine, minus_sine), (minus_sine, minus_cosine), (minus_cosine, sine)][turn]


def _tan(x: Decimal) -> Decimal:
    return _MORE.divide(*_sine_and_cosine(x))


def _arctan(x: Decimal) -> Decimal:
    """libm's result, with steps of tan's addition theorem, each of which has five times as many digits."""
    if x.is_nan() or not x:
        return x
    if x.copy_abs() > 1:
        return _MORE.subtract(_MORE.divide(_pi(_MORE.prec), _TWO).copy_sign(x), _arctan(_MORE.divide(_ONE, x)))
    if x.adjusted() < -_CONTEXT.prec:
        return x
    angle, right = Decimal(math.atan(float(x))), 15
    while right < _CONTEXT.prec + 10:
        t = _tan(angle)
        step = _MORE.divide(_MORE.subtract(x, t), _MORE.fma(x, t, _ONE))
        angle = _MORE.add(angle, _MORE.subtract(step, _MORE.divide(_MORE.power(step, 3), Decimal(3))))
        right *= 5
    return angle


def _arcsin(x: Decimal) -> Decimal:
    rest = _MORE.multiply(_MORE.subtract(_ONE, x), _MORE.add(_ONE, x))  # 1 − x²
    return _arctan(_MORE.divide(x, _MORE.sqrt(rest)))


def _arccos(x: Decimal) -> Decimal:
    return _MORE.multiply(_TWO, _arctan(_MORE.sqrt(_MORE.divide(_MORE.subtract(_ONE, x), _MORE.add(_ONE, x)))))


def _sinh(x: Decimal) -> Decimal:
    e = _expm1(x.copy_abs())
    half = _MORE.divide(_MORE.add(e, _MORE.divide(e, _MORE.add(e, _ONE)) if e.is_finite() else _ONE), _TWO)
    return half.copy_sign(x)


def _cosh(x: Decimal) -> Decimal:
    return _MORE.divide(_MORE.add(_MORE.exp(x), _MORE.exp(x.copy_negate())), _TWO)


def _tanh(x: Decimal) -> Decimal:
    e = _expm1(_MORE.multiply(_TWO, x.copy_abs()))
    return (_MORE.divide(e, _MORE.add(e, _TWO)) if e.is_finite() else e if e.is_nan() else _ONE).copy_sign(x)


def _arcsinh(x: Decimal) -> Decimal:
    if not x.is_finite():
        return x
    size = x.copy_abs()
    root = _MORE.sqrt(_MORE.fma(x, x, _ONE))
    return _log1p(_MORE.add(size, _MORE.divide(_MORE.multiply(x, x), _MORE.add(_ONE, root)))).copy_sign(x)


def _arccosh(x: Decimal) -> Decimal:
    if x < 1:
        return _NAN
    t = _MORE.subtract(x, _ONE)
    return _log1p(_MORE.add(t, _MORE.sqrt(_MORE.multiply(t, _MORE.add(t, _TWO)))))


def _arctanh(x: Decimal) -> Decimal:
    return _MORE.divide(_log1p(_MORE.divide(_MORE.multiply(_TWO, x), _MORE.subtract(_ONE, x))), _TWO)


def _erf(x: Decimal) -> Decimal:
    """2/√π Σ (−1)ⁿ x²ⁿ⁺¹/(n!(2n + 1)); far out it is 1 to all digits."""
    size = _MORE.multiply(x, x)
    if not size.is_finite() or size > 3 * _CONTEXT.prec:  # 1 − erf(x) < e^−x²
        return _ONE.copy_sign(x)
    # Terms as large as e^x² cancel.
    context = Context(_MORE.prec + int(size), Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
    square, power, total, n = context.multiply(x, x).copy_negate(), x, _ZERO, 0
    limit = context.scaleb(x.copy_abs(), -_MORE.prec)
    while power.copy_abs() > limit:
        total = context.add(total, context.divide(power, Decimal(2 * n + 1)))
        n += 1
        power = context.divide(context.multiply(power, square), Decimal(n))
    return _MORE.divide(_MORE.multiply(_TWO, total), _MORE.sqrt(_pi(_MORE.prec)))


def _cbrt(x: Decimal) -> Decimal:
    return _MORE.power(x.copy_abs(), _MORE.divide(_ONE, Decimal(3))).copy_sign(x)


def _sign(x: Decimal) -> Decimal:
    return x if x.is_nan() or not x else _ONE.copy_sign(x)


def _whole(x: Decimal, rounding: str) -> Decimal:
    if not x.is_finite() or x.adjusted() >= _CONTEXT.prec:  # whole already, as a double with more digits is
        return x
    return x.to_integral_value(rounding, _CONTEXT)


_MANY = 64  # factors, more than which take as long as a logarithm


def _power(x: Decimal, y: Decimal) -> Decimal:
    """x**y as C's pow; at 0 and at the infinities as of doubles."""
    if not (x and y and x.is_finite() and y.is_finite()):
        return Decimal(FLOATS.power(float(x) if not x.is_finite() else float(_sign(x)) if x else 0.0, float(y)))
    twice = _MORE.add(y, y)
    if x > 0 and twice.copy_abs() < _MANY and twice == twice.to_integral_value():
        return _CONTEXT.power(_MORE.sqrt(x), twice)  # of whole powers, and much faster than a logarithm
    _LOSS.of_large(y)
    return _CONTEXT.power(x, y)


def _arctan2(y: Decimal, x: Decimal) -> Decimal:
    if not (x and y and x.is_finite() and y.is_finite()):
        return Decimal(math.atan2(float(y), float(x)))
    angle = _arctan(_MORE.divide(y, x))
    return angle if x > 0 else _MORE.add(angle, _pi(_MORE.prec).copy_sign(y))


def _hypot(x: Decimal, y: Decimal) -> Decimal:
    return _MORE.sqrt(_MORE.fma(x, x, _MORE.multiply(y, y)))


def _larger(x: Decimal, y: Decimal) -> Decimal:
    return x if x.is_nan() or _comparison(x, y) > 0 else y


def _smaller(x: Decimal, y: Decimal) -> Decimal:
    return x if x.is_nan() or _comparison(x, y) < 0 else y


def _comparison(x: Decimal, y: Decimal) -> Decimal:
    """−1, 0 or 1."""
    _LOSS.between(x, y, _CONTEXT.subtract(x, y))
    return _CONTEXT.compare(x, y)


def _scale(g: Decimal, p: Decimal) -> Decimal:
    return g if not g else _CONTEXT.multiply(g, p)


_UNARY: dict[str, Callable[[Decimal], Decimal]] = {
    "exp": _CONTEXT.exp,
    "exp2": lambda x: _power(_TWO, x),
    "expm1": _expm1,
    "log": _MORE.ln,
    "log2": lambda x: _MORE.divide(_MORE.ln(x), _MORE.ln(_TWO)),
    "log10": _MORE.log10,
    "log1p": _log1p,
    "sin": lambda x: _sine_and_cosine(x)[0],
    "cos": lambda x: _sine_and_cosine(x)[1],
    "tan": _tan,
    "arcsin": _arcsin,
    "arccos": _arccos,
    "arctan": _arctan,
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
    "arcsinh": _arcsinh,
    "arccosh": _arccosh,
    "arctanh": _arctanh,
    "erf": _erf,
    "sqrt": _CONTEXT.sqrt,
    "cbrt": _cbrt,
    "abs": Decimal.copy_abs,
    "sign": _sign,
    "floor": lambda x: _whole(x, ROUND_FLOOR),
    "ceil": lambda x: _whole(x, ROUND_CEILING),
}
_BINARY: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "divide": _CONTEXT.divide,
    "power": _power,
    "hypot": _hypot,
    "arctan2": _arctan2,
    "maximum": _larger,
    "minimum": _smaller,
    "scale": _scale,
}


def _sum(x: Decimal, y: Decimal) -> Decimal:
    total = _CONTEXT.add(x, y)
    _LOSS.between(x, y, total)
    return total


_ARITHMETIC = {
    "add": _sum,
    "sub": lambda x, y: _sum(x, y.copy_negate()),
    "mul": _CONTEXT.multiply,
    "truediv": _CONTEXT.divide,
}


_SATURATE = {"tanh": 1, "erf": 2}
"""Functions that come as near to 1 as e^−|x|ᵖ, by p."""
_ANGLES = {"sin", "cos", "tan"}
_EXPONENTIALS = {"exp", "exp2", "expm1", "sinh", "cosh"}
_WITH_ROOTS = {"log", "log2", "log10", "arccos", "arccosh"}


def _of_one(name: str, function: Callable[[Decimal], Decimal]) -> Callable[[Wide], Wide]:
    large, small = name in _ANGLES | _EXPONENTIALS, name in _ANGLES | _WITH_ROOTS
    jumps, saturates = name in ("floor", "ceil"), _SATURATE.get(name)

    def apply(a: Wide) -> Wide:
        if a.x.is_nan():
            return a
        found = function(a.x)  # what is as long as the operand keeps all its digits
        _LOSS.of_size(a.x, saturates)
        if large:
            _LOSS.of_large(a.x)
        if small and a.x:
            _LOSS.of_small(a.x, found)
        if jumps and found == a.x:
            _LOSS.seen = True
        return Wide(found if found.copy_abs() == a.x.copy_abs() else _CONTEXT.plus(found))

    return apply


def _of_two(function: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Wide, Wide], Wide]:
    return lambda a, b: Wide(function(a.x, b.x)) if not (a.x.is_nan() or b.x.is_nan()) else Wide(_NAN)


def _compared(holds: Callable[[Decimal, int], bool], of_nan: bool) -> Callable[[Wide, Wide], bool]:
    def compare(a: Wide, b: Wide) -> bool:
        return of_nan if a.x.is_nan() or b.x.is_nan() else holds(_comparison(a.x, b.x), 0)

    return compare


give_operators(
    Wide,
    {name: _of_two(function) for name, function in _ARITHMETIC.items()}
    | {name: _compared(holds, name == "ne") for name, holds in COMPARISONS.items()},
    wide,
)


def _two_to(k: Any) -> Wide:
    return Wide(_CONTEXT.power(_TWO, Decimal(int(float(k)))))


def _fraction(x: Wide) -> Fraction | None:
    """Its value, where that is a fraction of no absurd size."""
    return Fraction(x.x) if x.x.is_finite() and abs(x.x.adjusted()) < 400 else None


class WideElements(Elements):
    """The primitives over arrays of wide numbers. Their rounding errors count: 1 − (1 − 10⁻²⁴⁴) is 10⁻²⁴⁴."""

    rounds = True
    _each_error = np.frompyfunc(lambda a, b, p: Wide(_CONTEXT.fma(a.x, b.x, p.x.copy_negate())), 3, 1)

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
    functions: dict[str, Callable[..., Any]] = {name: _of_one(name, function) for name, function in _UNARY.items()}
    functions |= {name: _of_two(function) for name, function in _BINARY.items()}
    return WideElements(
        "wides",
        Wide,
        functions,
        lift=wide,
        constant=wide,
        select=lambda condition, x, y: x if condition else y,
        is_finite=lambda a: bool(a.x.is_finite()),
        rank=lambda a: Decimal("-Infinity") if a.x.is_nan() else a.x,
        power_of_two=_two_to,
        pi=lambda: Wide(_CONTEXT.plus(_pi(_MORE.prec))),
        fraction=_fraction,
    )
