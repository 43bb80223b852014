"""Decimals of 50 digits, or more, that never over- or underflow: their functions, and whether a step has lost digits.

Arithmetic, exp, log, powers and roots are those of Python's `decimal` (the General Decimal Arithmetic Specification of
M. Cowlishaw); the other functions are built on them, with more digits where a difference cancels.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal, Overflow, Underflow
from functools import lru_cache
from threading import RLock
from typing import NamedTuple

from bpcli.numbers.namespaces import FLOATS

_DIGITS = 50
CONTEXT = Context(_DIGITS, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
MORE = Context(2 * _DIGITS, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])  # for differences that cancel
_ZERO, _ONE, TWO, NAN = Decimal(0), Decimal(1), Decimal(2), Decimal("NaN")
_FAR = 2000  # the decimal exponent beyond which angles are not reduced
_TERMS = 3  # of a power series, that may cancel before one counts
_SPARE = 10  # digits that may be lost at a step without a word


class Loss:
    """Whether a step may have lost digits: terms that cancel, or an angle or an exponent of many digits.

    `needed` is how many digits a sum has to have for its smaller term to count at all, `most` the most digits that one
    step has lost; `vanished` says whether rounded terms have cancelled to 0.
    """

    __slots__ = ("most", "needed", "seen", "vanished")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.seen, self.vanished = False, False
        self.needed = self.most = 0

    def is_covered(self, number: int) -> bool:
        """Whether so many digits are enough for the smaller terms, too."""
        return number >= self.needed + _DIGITS

    def leaves_enough(self, number: int) -> bool:
        """Whether the result is right where this was seen with so many digits: two such steps may follow each other."""
        return not self.seen or (self.is_covered(number) and number >= 2 * (self.most + _SPARE))

    def _count(self, lost: int) -> None:
        if lost > _SPARE:
            self.seen, self.most = True, max(self.most, lost)

    def between(self, x: Decimal, y: Decimal, rest: Decimal) -> None:
        """See whether x and y cancel to what rests of them."""
        if not x or not y or not x.is_finite() or not y.is_finite():
            return
        first, second = x.adjusted(), y.adjusted()
        self.needed = max(self.needed, _TERMS * abs(first - second))
        if not rest:  # exactly, if the digits are enough
            self.seen = True
            self.vanished |= x is not y and len(x.as_tuple().digits) >= CONTEXT.prec
        else:
            self._count(max(first, second) - rest.adjusted())

    def of_size(self, x: Decimal, saturates: int | None) -> None:
        """Count the digits in which a function of a small or large number differs from the first term of its series."""
        if not x.is_finite():
            return
        size = _TERMS * abs(x.adjusted())
        if saturates and x.adjusted() >= 0:
            size = (int(abs(x)) if x.adjusted() <= 3 else _FAR) ** saturates
        self.needed = max(self.needed, size)

    def of_terms(self, x: Decimal, y: Decimal, power: int = 1) -> None:
        """Count the digits in which the smaller of two terms counts beside the larger, or a power of each."""
        if x and y and x.is_finite() and y.is_finite():
            self.needed = max(self.needed, _TERMS * power * abs(x.adjusted() - y.adjusted()))

    def of_large(self, x: Decimal) -> None:
        """See whether an angle or an exponent is so large that it would need more digits."""
        if x.adjusted() > _SPARE:
            self.needed = max(self.needed, x.adjusted())
            self._count(x.adjusted())

    def near_pole(self, x: Decimal, pole: int) -> None:
        """See whether x is so near a pole, other than 0, that it would need more digits."""
        rest = MORE.subtract(x, Decimal(pole))
        if not rest:
            self.seen = True
        else:
            self._count(-rest.adjusted())

    def of_small(self, x: Decimal, result: Decimal) -> None:
        """See whether a function is so near a root, other than 0, that its operand would need more digits."""
        if not result:
            self.seen = True
        else:
            self._count(min(0, x.adjusted()) - result.adjusted())


LOSS = Loss()  # of the context that works with more digits
_IN_USE = RLock()


@contextmanager
def digits(number: int) -> Iterator[Loss]:
    """Work with so many digits, one thread at a time; what it gives tells whether a step has lost some."""
    with _IN_USE:
        before = CONTEXT.prec
        CONTEXT.prec, MORE.prec = number, 2 * number
        LOSS.forget()
        CONTEXT.clear_flags()
        MORE.clear_flags()
        try:
            yield LOSS
        finally:
            CONTEXT.prec, MORE.prec = before, 2 * before


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
    square, power, total, n = context.multiply(x, x).copy_negate(), x, _ZERO, 0
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


def _power(x: Decimal, y: Decimal) -> Decimal:
    """x**y as C's pow; at 0 and at the infinities as of doubles."""
    if not (x and y and x.is_finite() and y.is_finite()):
        if y and y.is_finite() and y.adjusted() < -_SPARE and left_range():  # a high root of what is beyond the range
            return NAN
        return Decimal(FLOATS.power(float(x) if not x.is_finite() else float(_sign(x)) if x else 0.0, float(y)))
    twice = MORE.add(y, y)
    if x > 0 and twice.copy_abs() < _MANY and twice == twice.to_integral_value():
        return CONTEXT.power(MORE.sqrt(x), twice)  # of whole powers, and much faster than a logarithm
    LOSS.of_large(y)
    LOSS.of_size(y, None)  # x**y is 1 + y·log x + …
    return CONTEXT.power(x, y)


def _arctan2(y: Decimal, x: Decimal) -> Decimal:
    if not (x and y and x.is_finite() and y.is_finite()):
        return Decimal(math.atan2(float(y), float(x)))
    angle = _arctan(MORE.divide(y, x))
    LOSS.of_terms(y, x)
    return angle if x > 0 else MORE.add(angle, pi(MORE.prec).copy_sign(y))


def _hypot(x: Decimal, y: Decimal) -> Decimal:
    LOSS.of_terms(x, y, 2)
    return MORE.sqrt(MORE.fma(x, x, MORE.multiply(y, y)))


def _larger(x: Decimal, y: Decimal) -> Decimal:
    return x if x.is_nan() or comparison(x, y) > 0 else y


def _smaller(x: Decimal, y: Decimal) -> Decimal:
    return x if x.is_nan() or comparison(x, y) < 0 else y


def comparison(x: Decimal, y: Decimal) -> Decimal:
    """−1, 0 or 1; it counts what the difference has lost."""
    LOSS.between(x, y, CONTEXT.subtract(x, y))
    return CONTEXT.compare(x, y)


def _scale(g: Decimal, p: Decimal) -> Decimal:
    return g if not g else CONTEXT.multiply(g, p)


class Function(NamedTuple):
    """A function of one decimal, and where the result has fewer digits than the operand.

    `grows`: where the operand is large; `vanishes`: at a root other than 0; `jumps`: at whole numbers; `poles`: where
    it is infinite, other than at 0. `slow`: it grows more slowly than any power. `saturates`: as |x| grows, it comes as
    near to 1, or to e^x, as e^−|x|ᵖ, by p.
    """

    apply: Callable[[Decimal], Decimal]
    grows: bool = False
    vanishes: bool = False
    jumps: bool = False
    poles: tuple[int, ...] = ()
    slow: bool = False
    saturates: int | None = None


OF_ONE: dict[str, Function] = {
    "exp": Function(CONTEXT.exp, grows=True),
    "exp2": Function(lambda x: _power(TWO, x), grows=True),
    "expm1": Function(_expm1, grows=True, saturates=1),
    "log": Function(CONTEXT.ln, vanishes=True, slow=True),
    "log2": Function(lambda x: MORE.divide(MORE.ln(x), MORE.ln(TWO)), vanishes=True, slow=True),
    "log10": Function(MORE.log10, vanishes=True, slow=True),
    "log1p": Function(_log1p, poles=(-1,), slow=True),
    "sin": Function(lambda x: _sine_and_cosine(x)[0], grows=True, vanishes=True),
    "cos": Function(lambda x: _sine_and_cosine(x)[1], grows=True, vanishes=True),
    "tan": Function(_tan, grows=True, vanishes=True),
    "arcsin": Function(_arcsin),
    "arccos": Function(_arccos, vanishes=True),
    "arctan": Function(_arctan),
    "sinh": Function(_sinh, grows=True, saturates=1),
    "cosh": Function(_cosh, grows=True, saturates=1),
    "tanh": Function(_tanh, saturates=1),
    "arcsinh": Function(_arcsinh, slow=True),
    "arccosh": Function(_arccosh, vanishes=True, slow=True),
    "arctanh": Function(_arctanh, poles=(-1, 1)),
    "erf": Function(_erf, saturates=2),
    "sqrt": Function(CONTEXT.sqrt),
    "cbrt": Function(_cbrt),
    "abs": Function(Decimal.copy_abs),
    "sign": Function(_sign),
    "floor": Function(lambda x: _whole(x, ROUND_FLOOR), jumps=True),
    "ceil": Function(lambda x: _whole(x, ROUND_CEILING), jumps=True),
}
OF_TWO: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "divide": CONTEXT.divide,
    "power": _power,
    "hypot": _hypot,
    "arctan2": _arctan2,
    "maximum": _larger,
    "minimum": _smaller,
    "scale": _scale,
}


def _sum(x: Decimal, y: Decimal) -> Decimal:
    total = CONTEXT.add(x, y)
    LOSS.between(x, y, total)
    return total


def _difference(x: Decimal, y: Decimal) -> Decimal:
    rest = CONTEXT.subtract(x, y)
    LOSS.between(x, y, rest)
    return rest


ARITHMETIC = {
    "add": _sum,
    "sub": _difference,
    "mul": CONTEXT.multiply,
    "truediv": CONTEXT.divide,
}
