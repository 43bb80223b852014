"""Decimals of 50 digits, or more, that never over- or underflow: their functions, and how far each result may be off.

Arithmetic, exp, log, powers and roots are those of Python's `decimal` (the General Decimal Arithmetic Specification of
M. Cowlishaw); the other functions are built on them, with more digits where a difference cancels. How far errors of
the operands move a result is in `error_bounds`.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal, Overflow, Underflow
from functools import lru_cache
from threading import RLock
from typing import NamedTuple

from bpcli.numbers import error_bounds as moved_by
from bpcli.numbers.error_bounds import BOUNDS, ONE, TWO, ZERO, Bound
from bpcli.numbers.namespaces import FLOATS

_DIGITS = 50
CONTEXT = Context(_DIGITS, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
MORE = Context(2 * _DIGITS, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])  # for differences that cancel
NAN = Decimal("NaN")
_FAR = 2000  # the decimal exponent beyond which angles are not reduced
_SPARE = 10  # digits of an exponent that may be lost without a word


LEAST = Decimal(1).scaleb(MIN_EMIN, CONTEXT)
"""The error of a 0 that stands for a number below the range."""


class Comparisons:
    """How numbers compare whose errors overlap: UNKNOWN where `open`, else by the numbers themselves."""

    open = True


COMPARED = Comparisons()  # in the context that works with more digits
_IN_USE = RLock()


@contextmanager
def digits(number: int, open_comparisons: bool = True) -> Iterator[None]:
    """Work with so many digits, one thread at a time."""
    with _IN_USE:
        before = CONTEXT.prec
        CONTEXT.prec, MORE.prec = number, 2 * number
        COMPARED.open = open_comparisons
        CONTEXT.clear_flags()
        MORE.clear_flags()
        try:
            yield
        finally:
            CONTEXT.prec, MORE.prec = before, 2 * before
            COMPARED.open = True


def unit(x: Decimal, context: Context = CONTEXT) -> Decimal:
    """A unit in the last place of a rounded number."""
    return ONE.scaleb(x.adjusted() - context.prec + 1, BOUNDS) if x and x.is_finite() else ZERO


def left_range() -> bool:
    """Whether a step has left even the range of decimals: then ∞ may be any large number, and 0 any small one."""
    return any(context.flags[signal] for context in (CONTEXT, MORE) for signal in (Overflow, Underflow))


def _is_tiny(x: Decimal) -> bool:
    """Whether it is so small that two terms of a power series are right to all digits."""
    return not x or x.adjusted() < -(3 * CONTEXT.prec) // 5


def _expm1(x: Decimal) -> Decimal:
    if x.is_finite() and _is_tiny(x):
        return MORE.fma(MORE.multiply(x, x), Decimal("0.5"), x)
    return MORE.subtract(MORE.exp(x), ONE)


def _log1p(x: Decimal) -> Decimal:
    if x.is_finite() and _is_tiny(x):
        return MORE.fma(MORE.multiply(x, x), Decimal("-0.5"), x)
    return MORE.ln(MORE.add(ONE, x))


@lru_cache(64)
def pi(digits: int) -> Decimal:
    """π to so many digits, by Newton's series of asin(1/2) (Python's documentation of `decimal`, recipes)."""
    context = Context(digits + 5)
    before, term, total, n, n_step, d, d_step = ZERO, Decimal(3), Decimal(3), 1, 0, 0, 24
    while total != before:
        before = total
        n, n_step = n + n_step, n_step + 8
        d, d_step = d + d_step, d_step + 32
        term = context.divide(context.multiply(term, Decimal(n)), Decimal(d))
        total = context.add(total, term)
    return total


def _reduced(x: Decimal) -> tuple[int, Decimal]:
    """(n mod 4, x − n·π/2) for the whole n that leaves |x| ≤ π/4, by π with as many digits more as x has."""
    enough = MORE.prec + max(0, x.adjusted())
    context = Context(enough, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
    quarter = context.divide(pi(enough), TWO)
    turns = context.to_integral_value(context.divide(x, quarter))
    return int(turns) % 4, MORE.plus(context.subtract(x, context.multiply(turns, quarter)))


def _sine_and_cosine(x: Decimal) -> tuple[Decimal, Decimal]:
    """sin by its power series after the angle is reduced to |x| ≤ π/4, and cos = √(1 − sin²); NaN beyond 1e2000."""
    if not x.is_finite() or x.adjusted() > _FAR:
        return NAN, NAN
    turn, x = _reduced(x)
    context = Context(CONTEXT.prec + 15, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
    minus_square, limit = context.multiply(x, x).copy_negate(), context.scaleb(x.copy_abs(), -context.prec)
    sine = term = context.plus(x)
    n = 1
    while term.copy_abs() > limit:
        term = context.divide(context.multiply(term, minus_square), Decimal((n + 1) * (n + 2)))
        sine, n = context.add(sine, term), n + 2
    cosine = context.sqrt(context.fma(sine, sine.copy_negate(), ONE))
    minus_sine, minus_cosine = sine.copy_negate(), cosine.copy_negate()
    return [(sine, cosine), (cosine, minus_sine), (minus_sine, minus_cosine), (minus_cosine, sine)][turn]


def _tan(x: Decimal) -> Decimal:
    return MORE.divide(*_sine_and_cosine(x))


def _arctan(x: Decimal) -> Decimal:
    """libm's result, with steps of tan's addition theorem, each of which has five times as many digits."""
    if x.is_nan() or not x:
        return x
    if x.copy_abs() > 1:
        return MORE.subtract(MORE.divide(pi(MORE.prec), TWO).copy_sign(x), _arctan(MORE.divide(ONE, x)))
    if x.adjusted() < -CONTEXT.prec:
        return x
    angle, right = Decimal(math.atan(float(x))), 15
    while right < CONTEXT.prec + 10:
        t = _tan(angle)
        step = MORE.divide(MORE.subtract(x, t), MORE.fma(x, t, ONE))
        angle = MORE.add(angle, MORE.subtract(step, MORE.divide(MORE.power(step, 3), Decimal(3))))
        right *= 5
    return angle


def _arcsin(x: Decimal) -> Decimal:
    rest = MORE.multiply(MORE.subtract(ONE, x), MORE.add(ONE, x))  # 1 − x²
    return _arctan(MORE.divide(x, MORE.sqrt(rest)))


def _arccos(x: Decimal) -> Decimal:
    return MORE.multiply(TWO, _arctan(MORE.sqrt(MORE.divide(MORE.subtract(ONE, x), MORE.add(ONE, x)))))


def _sinh(x: Decimal) -> Decimal:
    e = _expm1(x.copy_abs())
    half = MORE.divide(MORE.add(e, MORE.divide(e, MORE.add(e, ONE)) if e.is_finite() else ONE), TWO)
    return half.copy_sign(x)


def _cosh(x: Decimal) -> Decimal:
    return MORE.divide(MORE.add(MORE.exp(x), MORE.exp(x.copy_negate())), TWO)


def _tanh(x: Decimal) -> Decimal:
    e = _expm1(MORE.multiply(TWO, x.copy_abs()))
    return (MORE.divide(e, MORE.add(e, TWO)) if e.is_finite() else e if e.is_nan() else ONE).copy_sign(x)


def _arcsinh(x: Decimal) -> Decimal:
    if not x.is_finite():
        return x
    size = x.copy_abs()
    root = MORE.sqrt(MORE.fma(x, x, ONE))
    return _log1p(MORE.add(size, MORE.divide(MORE.multiply(x, x), MORE.add(ONE, root)))).copy_sign(x)


def _arccosh(x: Decimal) -> Decimal:
    if x < 1:
        return NAN
    t = MORE.subtract(x, ONE)
    return _log1p(MORE.add(t, MORE.sqrt(MORE.multiply(t, MORE.add(t, TWO)))))


def _arctanh(x: Decimal) -> Decimal:
    return MORE.divide(_log1p(MORE.divide(MORE.multiply(TWO, x), MORE.subtract(ONE, x))), TWO)


def _erf(x: Decimal) -> Decimal:
    """2/√π Σ (−1)ⁿ x²ⁿ⁺¹/(n!(2n + 1)); far out it is 1 to all digits."""
    size = MORE.multiply(x, x)
    if not size.is_finite() or size > 3 * CONTEXT.prec:  # 1 − erf(x) < e^−x²
        return ONE.copy_sign(x)
    # Terms as large as e^x² cancel.
    context = Context(MORE.prec + int(size), Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
    square, power, total, n = context.multiply(x, x).copy_negate(), x, ZERO, 0
    limit = context.scaleb(x.copy_abs(), -MORE.prec)
    while power.copy_abs() > limit:
        total = context.add(total, context.divide(power, Decimal(2 * n + 1)))
        n += 1
        power = context.divide(context.multiply(power, square), Decimal(n))
    return MORE.divide(MORE.multiply(TWO, total), MORE.sqrt(pi(MORE.prec)))


def _cbrt(x: Decimal) -> Decimal:
    return MORE.power(x.copy_abs(), MORE.divide(ONE, Decimal(3))).copy_sign(x)


def _sign(x: Decimal) -> Decimal:
    return x if x.is_nan() or not x else ONE.copy_sign(x)


def _whole(x: Decimal, rounding: str) -> Decimal:
    if not x.is_finite() or x.adjusted() >= CONTEXT.prec:  # so large that it is a whole number
        return x
    return x.to_integral_value(rounding, CONTEXT)


_MANY = 64  # with more factors than this a product takes longer than a logarithm


def _like(x: Decimal) -> float:
    """A double whose powers with 0 and with the infinities are those of x: on the same side of −1, 0 and 1."""
    if not x.is_finite() or not x:
        return float(x)
    return math.copysign(1.0 + 0.5 * int(x.copy_abs().compare(ONE)), x)


def _power(x: Decimal, y: Decimal) -> Decimal:
    """x**y as C's pow; at 0 and at the infinities as of doubles."""
    if not (x and y and x.is_finite() and y.is_finite()):
        if y and y.is_finite() and y.adjusted() < -_SPARE and left_range():  # a high root of what is beyond the range
            return NAN
        return Decimal(FLOATS.power(_like(x), float(y) or _like(y)))
    twice = MORE.add(y, y)
    if x > 0 and twice.copy_abs() < _MANY and twice == twice.to_integral_value():
        return CONTEXT.power(MORE.sqrt(x), twice)  # of whole powers, and much faster than a logarithm
    return CONTEXT.power(x, y)


def _arctan2(y: Decimal, x: Decimal) -> Decimal:
    if not (x and y and x.is_finite() and y.is_finite()):
        eighths = FLOATS.arctan2(_like(y), _like(x)) * 4.0 / math.pi  # of a turn: whole where one is 0 or infinite
        return (
            MORE.divide(MORE.multiply(pi(MORE.prec), Decimal(round(eighths))), Decimal(4))
            if eighths
            else Decimal(eighths)
        )
    angle = _arctan(MORE.divide(y, x))
    return angle if x > 0 else MORE.add(angle, pi(MORE.prec).copy_sign(y))


def _hypot(x: Decimal, y: Decimal) -> Decimal:
    return MORE.sqrt(MORE.fma(x, x, MORE.multiply(y, y)))


def _scale(g: Decimal, p: Decimal) -> Decimal:
    return g if not g else CONTEXT.multiply(g, p)


class Function(NamedTuple):
    """A function of one decimal, and how far an error of the operand moves it.

    `slow`: it grows more slowly than any power. `positive`: a result of 0 is one below the range. `exact`: whether a
    result is one that is not rounded.
    """

    apply: Callable[[Decimal], Decimal]
    moved: Bound
    slow: bool = False
    positive: bool = False
    exact: Callable[[Decimal, Decimal], bool] = lambda x, y: not x and y in (ZERO, ONE)


def _always(x: Decimal, y: Decimal) -> bool:
    return True


OF_ONE: dict[str, Function] = {
    "exp": Function(CONTEXT.exp, moved_by.of_exp, positive=True),
    "exp2": Function(lambda x: _power(TWO, x), moved_by.of_exp, positive=True),
    "expm1": Function(_expm1, moved_by.of_expm1),
    "log": Function(CONTEXT.ln, moved_by.of_log, slow=True),
    "log2": Function(lambda x: MORE.divide(MORE.ln(x), MORE.ln(TWO)), moved_by.of_log, slow=True),
    "log10": Function(MORE.log10, moved_by.of_log, slow=True),
    "log1p": Function(_log1p, moved_by.of_log1p, slow=True),
    "sin": Function(lambda x: _sine_and_cosine(x)[0], moved_by.of_wave),
    "cos": Function(lambda x: _sine_and_cosine(x)[1], moved_by.of_wave),
    "tan": Function(_tan, moved_by.of_tan),
    "arcsin": Function(_arcsin, moved_by.of_arc),
    "arccos": Function(_arccos, moved_by.of_arc),
    "arctan": Function(_arctan, moved_by.of_arctan),
    "sinh": Function(_sinh, moved_by.of_hyperbola),
    "cosh": Function(_cosh, moved_by.of_hyperbola),
    "tanh": Function(_tanh, moved_by.of_tanh),
    "arcsinh": Function(_arcsinh, moved_by.of_arcsinh, slow=True),
    "arccosh": Function(_arccosh, moved_by.of_arccosh, slow=True),
    "arctanh": Function(_arctanh, moved_by.of_arctanh),
    "erf": Function(_erf, moved_by.of_erf),
    "sqrt": Function(CONTEXT.sqrt, moved_by.of_root, exact=lambda x, y: MORE.multiply(y, y) == x),
    "cbrt": Function(_cbrt, moved_by.of_cube_root),
    "abs": Function(Decimal.copy_abs, moved_by.of_size, exact=_always),
    "sign": Function(_sign, moved_by.of_sign, exact=_always),
    "floor": Function(lambda x: _whole(x, ROUND_FLOOR), moved_by.of_step, exact=_always),
    "ceil": Function(lambda x: _whole(x, ROUND_CEILING), moved_by.of_step, exact=_always),
}


class FunctionOfTwo(NamedTuple):
    """The same of two decimals; `moved` takes (x, y), the result, and the errors of x and y."""

    apply: Callable[[Decimal, Decimal], Decimal]
    moved: Callable[[Decimal, Decimal, Decimal, Decimal, Decimal], Decimal]


ARITHMETIC: dict[str, FunctionOfTwo] = {
    "add": FunctionOfTwo(CONTEXT.add, moved_by.of_sum),
    "sub": FunctionOfTwo(CONTEXT.subtract, moved_by.of_sum),
    "mul": FunctionOfTwo(CONTEXT.multiply, moved_by.of_product),
    "truediv": FunctionOfTwo(CONTEXT.divide, moved_by.of_quotient),
}
OF_TWO: dict[str, FunctionOfTwo] = {
    "divide": ARITHMETIC["truediv"],
    "power": FunctionOfTwo(_power, moved_by.of_power),
    "hypot": FunctionOfTwo(_hypot, moved_by.of_sum),
    "arctan2": FunctionOfTwo(_arctan2, moved_by.of_angle),
    "scale": FunctionOfTwo(_scale, moved_by.of_product),
}
