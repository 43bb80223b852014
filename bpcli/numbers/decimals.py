"""Decimals of 50 digits, or more, that never over- or underflow: their functions, and how far each result may be off.

Arithmetic, exp, log, powers and roots are those of Python's `decimal` (the General Decimal Arithmetic Specification of
M. Cowlishaw); the other functions are built on them, with more digits where a difference cancels. An error bound of a
result comes from those of its operands (running error analysis: Higham, Accuracy and Stability of Numerical
Algorithms, 2002, section 3.3).
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, ROUND_UP, Context, Decimal, Overflow, Underflow
from functools import lru_cache
from threading import RLock
from typing import NamedTuple

from bpcli.numbers.namespaces import FLOATS

_DIGITS = 50
CONTEXT = Context(_DIGITS, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
MORE = Context(2 * _DIGITS, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])  # for differences that cancel
BOUNDS = Context(6, ROUND_UP, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])  # of errors, upwards
_LOWER = Context(6, ROUND_FLOOR, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])  # of what an error is divided by
ZERO, _ONE, TWO, NAN, INFINITY = Decimal(0), Decimal(1), Decimal(2), Decimal("NaN"), Decimal("Infinity")
_FAR = 2000  # the decimal exponent beyond which angles are not reduced
_SPARE = 10  # digits of an exponent that may be lost without a word
_MARGIN = Decimal("1.001")  # for what `decimal` rounds to nearest, whatever the rounding is: exp, log and powers


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
    return _ONE.scaleb(x.adjusted() - context.prec + 1, BOUNDS) if x and x.is_finite() else ZERO


def left_range() -> bool:
    """Whether a step has left even the range of decimals: then ∞ may be any large number, and 0 any small one."""
    return any(context.flags[signal] for context in (CONTEXT, MORE) for signal in (Overflow, Underflow))


def _is_tiny(x: Decimal) -> bool:
    """Whether it is so small that two terms of a power series are right to all digits."""
    return not x or x.adjusted() < -(3 * CONTEXT.prec) // 5


def _expm1(x: Decimal) -> Decimal:
    if x.is_finite() and _is_tiny(x):
        return MORE.fma(MORE.multiply(x, x), Decimal("0.5"), x)
    return MORE.subtract(MORE.exp(x), _ONE)


def _log1p(x: Decimal) -> Decimal:
    if x.is_finite() and _is_tiny(x):
        return MORE.fma(MORE.multiply(x, x), Decimal("-0.5"), x)
    return MORE.ln(MORE.add(_ONE, x))


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
    cosine = context.sqrt(context.fma(sine, sine.copy_negate(), _ONE))
    minus_sine, minus_cosine = sine.copy_negate(), cosine.copy_negate()
    return [(sine, cosine), (cosine, minus_sine), (minus_sine, minus_cosine), (minus_cosine, sine)][turn]


def _tan(x: Decimal) -> Decimal:
    return MORE.divide(*_sine_and_cosine(x))


def _arctan(x: Decimal) -> Decimal:
    """libm's result, with steps of tan's addition theorem, each of which has five times as many digits."""
    if x.is_nan() or not x:
        return x
    if x.copy_abs() > 1:
        return MORE.subtract(MORE.divide(pi(MORE.prec), TWO).copy_sign(x), _arctan(MORE.divide(_ONE, x)))
    if x.adjusted() < -CONTEXT.prec:
        return x
    angle, right = Decimal(math.atan(float(x))), 15
    while right < CONTEXT.prec + 10:
        t = _tan(angle)
        step = MORE.divide(MORE.subtract(x, t), MORE.fma(x, t, _ONE))
        angle = MORE.add(angle, MORE.subtract(step, MORE.divide(MORE.power(step, 3), Decimal(3))))
        right *= 5
    return angle


def _arcsin(x: Decimal) -> Decimal:
    rest = MORE.multiply(MORE.subtract(_ONE, x), MORE.add(_ONE, x))  # 1 − x²
    return _arctan(MORE.divide(x, MORE.sqrt(rest)))


def _arccos(x: Decimal) -> Decimal:
    return MORE.multiply(TWO, _arctan(MORE.sqrt(MORE.divide(MORE.subtract(_ONE, x), MORE.add(_ONE, x)))))


def _sinh(x: Decimal) -> Decimal:
    e = _expm1(x.copy_abs())
    half = MORE.divide(MORE.add(e, MORE.divide(e, MORE.add(e, _ONE)) if e.is_finite() else _ONE), TWO)
    return half.copy_sign(x)


def _cosh(x: Decimal) -> Decimal:
    return MORE.divide(MORE.add(MORE.exp(x), MORE.exp(x.copy_negate())), TWO)


def _tanh(x: Decimal) -> Decimal:
    e = _expm1(MORE.multiply(TWO, x.copy_abs()))
    return (MORE.divide(e, MORE.add(e, TWO)) if e.is_finite() else e if e.is_nan() else _ONE).copy_sign(x)


def _arcsinh(x: Decimal) -> Decimal:
    if not x.is_finite():
        return x
    size = x.copy_abs()
    root = MORE.sqrt(MORE.fma(x, x, _ONE))
    return _log1p(MORE.add(size, MORE.divide(MORE.multiply(x, x), MORE.add(_ONE, root)))).copy_sign(x)


def _arccosh(x: Decimal) -> Decimal:
    if x < 1:
        return NAN
    t = MORE.subtract(x, _ONE)
    return _log1p(MORE.add(t, MORE.sqrt(MORE.multiply(t, MORE.add(t, TWO)))))


def _arctanh(x: Decimal) -> Decimal:
    return MORE.divide(_log1p(MORE.divide(MORE.multiply(TWO, x), MORE.subtract(_ONE, x))), TWO)


def _erf(x: Decimal) -> Decimal:
    """2/√π Σ (−1)ⁿ x²ⁿ⁺¹/(n!(2n + 1)); far out it is 1 to all digits."""
    size = MORE.multiply(x, x)
    if not size.is_finite() or size > 3 * CONTEXT.prec:  # 1 − erf(x) < e^−x²
        return _ONE.copy_sign(x)
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
    return MORE.power(x.copy_abs(), MORE.divide(_ONE, Decimal(3))).copy_sign(x)


def _sign(x: Decimal) -> Decimal:
    return x if x.is_nan() or not x else _ONE.copy_sign(x)


def _whole(x: Decimal, rounding: str) -> Decimal:
    if not x.is_finite() or x.adjusted() >= CONTEXT.prec:  # so large that it is a whole number
        return x
    return x.to_integral_value(rounding, CONTEXT)


_MANY = 64  # with more factors than this a product takes longer than a logarithm


def _like(x: Decimal) -> float:
    """A double whose powers with 0 and with the infinities are those of x: on the same side of −1, 0 and 1."""
    if not x.is_finite() or not x:
        return float(x)
    return math.copysign(1.0 + 0.5 * int(x.copy_abs().compare(_ONE)), x)


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
        return Decimal(math.atan2(float(y), float(x)))
    angle = _arctan(MORE.divide(y, x))
    return angle if x > 0 else MORE.add(angle, pi(MORE.prec).copy_sign(y))


def _hypot(x: Decimal, y: Decimal) -> Decimal:
    return MORE.sqrt(MORE.fma(x, x, MORE.multiply(y, y)))


def _scale(g: Decimal, p: Decimal) -> Decimal:
    return g if not g else CONTEXT.multiply(g, p)


# Bounds of |f(x ± e) − f(x)|, of the operands, the result and e.

Bound = Callable[[Decimal, Decimal, Decimal], Decimal]


def _lipschitz(most: str) -> Bound:
    """A function that is nowhere steeper than this."""
    return lambda x, y, e: BOUNDS.multiply(Decimal(most), e)


def _below(x: Decimal, e: Decimal) -> Decimal:
    """The least that |x| may be, or 0."""
    return max(ZERO, _LOWER.subtract(x.copy_abs(), e))


def _over(numerator: Decimal, denominator: Decimal) -> Decimal:
    """An error divided by something that may be 0."""
    return BOUNDS.divide(numerator, denominator) if denominator > 0 else INFINITY


def _grown(x: Decimal, e: Decimal) -> Decimal:
    """|x|·(e^e − 1), for a relative error of an exponent."""
    if e < Decimal("0.01"):
        return BOUNDS.multiply(BOUNDS.multiply(x.copy_abs(), e), Decimal("1.01"))
    return BOUNDS.multiply(BOUNDS.multiply(x.copy_abs(), BOUNDS.exp(e)), _MARGIN)


def _of_exp(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    return _grown(y, e)


def _of_hyperbola(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """expm1, sinh, cosh: their slopes are at most |y| + 1."""
    return _grown(BOUNDS.add(y.copy_abs(), _ONE), e)


def _of_log(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    return BOUNDS.multiply(_over(e, _below(x, e)), Decimal("1.4427"))  # 1/ln 2: that of log2 is the steepest


def _of_root(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """√: √x − √(x − e) = e/(√x + √(x − e))."""
    return _over(e, _LOWER.divide(y, _MARGIN)) if x > e else BOUNDS.multiply(BOUNDS.sqrt(e), TWO)


def _of_cube_root(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """∛, which is concave: it rises most at 0."""
    if x.copy_abs() > BOUNDS.multiply(TWO, e):
        return _over(e, _LOWER.divide(_LOWER.multiply(y, y), TWO))
    return BOUNDS.multiply(BOUNDS.multiply(BOUNDS.power(e, BOUNDS.divide(_ONE, Decimal(3))), _MARGIN), TWO)


def _of_tan(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """The slope 1 + y² at most doubles while it times e is below 1/8."""
    change = BOUNDS.multiply(BOUNDS.fma(y, y, _ONE), e)
    return BOUNDS.multiply(change, TWO) if change < Decimal("0.125") else INFINITY


def _of_arc(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """asin and acos: the slope is 1/√(1 − x²); near ±1 they change as a root does."""
    far = BOUNDS.add(x.copy_abs(), e)
    rest = _LOWER.subtract(_ONE, BOUNDS.multiply(far, far))
    root = BOUNDS.multiply(Decimal(3), BOUNDS.sqrt(e))
    return min(root, _over(e, _LOWER.divide(_LOWER.sqrt(rest), _MARGIN))) if rest > 0 else root


def _of_arccosh(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    near = _below(x, e)
    rest = _LOWER.subtract(_LOWER.multiply(near, near), _ONE)
    root = BOUNDS.multiply(Decimal(3), BOUNDS.sqrt(e))
    return min(root, _over(e, _LOWER.divide(_LOWER.sqrt(rest), _MARGIN))) if rest > 0 else root


def _of_arctanh(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    far = BOUNDS.add(x.copy_abs(), e)
    return _over(e, _LOWER.subtract(_ONE, BOUNDS.multiply(far, far)))


def _of_log1p(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    return _over(e, _LOWER.subtract(_LOWER.add(_ONE, x), e))


def _of_sign(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    return ZERO if x.copy_abs() > e else TWO


def _of_step(x: Decimal, y: Decimal, e: Decimal) -> Decimal:
    """floor and ceil: 0, unless x may be on the other side of a whole number."""
    whole = x.to_integral_value(context=CONTEXT)
    return ZERO if _LOWER.subtract(max(x, whole), min(x, whole)) > e else BOUNDS.add(BOUNDS.multiply(TWO, e), _ONE)


class Function(NamedTuple):
    """A function of one decimal, and how far an error of the operand moves it.

    `slow`: it grows more slowly than any power. `exact`: whether a result is one that is not rounded.
    """

    apply: Callable[[Decimal], Decimal]
    moved: Bound
    slow: bool = False
    exact: Callable[[Decimal, Decimal], bool] = lambda x, y: not x and y in (ZERO, _ONE)


_ALMOST_FLAT = _lipschitz("1")


def _always(x: Decimal, y: Decimal) -> bool:
    return True


OF_ONE: dict[str, Function] = {
    "exp": Function(CONTEXT.exp, _of_exp),
    "exp2": Function(lambda x: _power(TWO, x), _of_exp),
    "expm1": Function(_expm1, _of_hyperbola),
    "log": Function(CONTEXT.ln, _of_log, slow=True),
    "log2": Function(lambda x: MORE.divide(MORE.ln(x), MORE.ln(TWO)), _of_log, slow=True),
    "log10": Function(MORE.log10, _of_log, slow=True),
    "log1p": Function(_log1p, _of_log1p, slow=True),
    "sin": Function(lambda x: _sine_and_cosine(x)[0], _ALMOST_FLAT),
    "cos": Function(lambda x: _sine_and_cosine(x)[1], _ALMOST_FLAT),
    "tan": Function(_tan, _of_tan),
    "arcsin": Function(_arcsin, _of_arc),
    "arccos": Function(_arccos, _of_arc),
    "arctan": Function(_arctan, _ALMOST_FLAT),
    "sinh": Function(_sinh, _of_hyperbola),
    "cosh": Function(_cosh, _of_hyperbola),
    "tanh": Function(_tanh, _ALMOST_FLAT),
    "arcsinh": Function(_arcsinh, _ALMOST_FLAT, slow=True),
    "arccosh": Function(_arccosh, _of_arccosh, slow=True),
    "arctanh": Function(_arctanh, _of_arctanh),
    "erf": Function(_erf, _lipschitz("1.13")),  # 2/√π
    "sqrt": Function(CONTEXT.sqrt, _of_root, exact=lambda x, y: MORE.multiply(y, y) == x),
    "cbrt": Function(_cbrt, _of_cube_root),
    "abs": Function(Decimal.copy_abs, _ALMOST_FLAT, exact=_always),
    "sign": Function(_sign, _of_sign, exact=_always),
    "floor": Function(lambda x: _whole(x, ROUND_FLOOR), _of_step, exact=_always),
    "ceil": Function(lambda x: _whole(x, ROUND_CEILING), _of_step, exact=_always),
}


class FunctionOfTwo(NamedTuple):
    """The same of two decimals; `moved` takes (x, y), the result, and the errors of x and y."""

    apply: Callable[[Decimal, Decimal], Decimal]
    moved: Callable[[Decimal, Decimal, Decimal, Decimal, Decimal], Decimal]


def _of_sum(x: Decimal, y: Decimal, z: Decimal, e: Decimal, f: Decimal) -> Decimal:
    return BOUNDS.add(e, f)


def _of_product(x: Decimal, y: Decimal, z: Decimal, e: Decimal, f: Decimal) -> Decimal:
    """|x|f + |y|e + ef."""
    return BOUNDS.fma(x.copy_abs(), f, BOUNDS.multiply(BOUNDS.add(y.copy_abs(), f), e))


def _of_quotient(x: Decimal, y: Decimal, z: Decimal, e: Decimal, f: Decimal) -> Decimal:
    """(e + |z|f)/(|y| − f)."""
    return _over(BOUNDS.fma(z.copy_abs(), f, e), _below(y, f))


def _of_power(x: Decimal, y: Decimal, z: Decimal, e: Decimal, f: Decimal) -> Decimal:
    """x^y changes by |y|·δx/x + |ln x|·δy of itself; at 0 it is as small as the error is."""
    if x.copy_abs() > e:
        relative = _over(BOUNDS.multiply(BOUNDS.add(y.copy_abs(), f), e), _below(x, e))
        if f:
            logarithm = BOUNDS.multiply(BOUNDS.ln(x.copy_abs()).copy_abs(), _MARGIN)
            relative = BOUNDS.fma(BOUNDS.add(logarithm, _over(e, _below(x, e))), f, relative)
        return _grown(z, relative)
    if y > 0 and not f:
        return BOUNDS.multiply(BOUNDS.power(BOUNDS.add(x.copy_abs(), e), y), TWO)
    return ZERO if not e and not f else INFINITY


def _of_angle(y: Decimal, x: Decimal, z: Decimal, e: Decimal, f: Decimal) -> Decimal:
    """(|x|e + |y|f)/r²; at 0, and where y may be on either side of the cut, the angle is not known."""
    across, along = _below(y, e), _below(x, f)
    if not across and (not along or (x < 0 and e)):
        return INFINITY if e or f else ZERO
    square = _LOWER.fma(across, across, _LOWER.multiply(along, along))
    return _over(BOUNDS.fma(x.copy_abs(), e, BOUNDS.multiply(y.copy_abs(), f)), square)


ARITHMETIC: dict[str, FunctionOfTwo] = {
    "add": FunctionOfTwo(CONTEXT.add, _of_sum),
    "sub": FunctionOfTwo(CONTEXT.subtract, _of_sum),
    "mul": FunctionOfTwo(CONTEXT.multiply, _of_product),
    "truediv": FunctionOfTwo(CONTEXT.divide, _of_quotient),
}
OF_TWO: dict[str, FunctionOfTwo] = {
    "divide": ARITHMETIC["truediv"],
    "power": FunctionOfTwo(_power, _of_power),
    "hypot": FunctionOfTwo(_hypot, _of_sum),
    "arctan2": FunctionOfTwo(_arctan2, _of_angle),
    "scale": FunctionOfTwo(_scale, _of_product),
}
