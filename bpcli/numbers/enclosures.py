"""Balls: a value with a proven radius; an exact fraction while it is short, then a ball of arb.

A `Ball` is a rational (fmpq) or a real ball (arb) that contains the true value for certain. A comparison that the radii
leave open is `UNKNOWN`. The precision is the context's, see `precision`. Source: F. Johansson, Arb: efficient
arbitrary-precision midpoint-radius interval arithmetic (IEEE Transactions on Computers, 2017).
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, ClassVar

from bpcli.errors import MissingExtraError
from bpcli.numbers.elements import Elements
from bpcli.numbers.operators import UNKNOWN, negation

try:
    from flint import arb as arb
    from flint import ctx
    from flint import fmpq as fmpq
except ImportError:  # pragma: no cover - the tests install it
    raise MissingExtraError("certify", "python-flint", "a proof of each digit") from None

MAX_BITS = 1 << 14  # of a rational's numerator or denominator; beyond, it goes on as a ball
_MAX_EXPONENT = 1 << 16  # of two, up to which the ends of a ball are told apart


class Ball:
    """A real number, enclosed; `x` is its rational, or a ball of arb that contains it."""

    __slots__ = ("x",)

    namespace: ClassVar[Elements]
    """The namespace of balls; the module `balls` sets it."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __neg__(self) -> "Ball":
        return Ball(-self.x)

    def __abs__(self) -> "Ball":
        return Ball(abs(self.x))


def rational(value: float | str | Fraction) -> Ball:
    """The double, the fraction, or the decimal as it is written, exactly; infinities and NaN as balls."""
    if isinstance(value, str):
        if abs(int(value.lower().partition("e")[2] or 0)) > MAX_BITS:
            return Ball(arb(value))
    elif isinstance(value, float) and not math.isfinite(value):
        return Ball(arb(str(float(value))))
    exact = Fraction(value)
    return Ball(bounded(fmpq(exact.numerator, exact.denominator)))


def bounded(x: Any) -> Any:
    """A rational, or a ball round one that has become too long."""
    return arb(x) if x.height_bits() > MAX_BITS else x


def ball(x: Any) -> Ball:
    """Any number as a Ball."""
    return x if isinstance(x, Ball) else rational(float(x))


def as_arb(x: Ball) -> Any:
    """The number as a ball of arb."""
    return x.x if isinstance(x.x, arb) else arb(x.x)


def is_exact(x: Ball) -> bool:
    """Whether it is exactly one number; ±∞ and NaN count as numbers."""
    return isinstance(x.x, fmpq) or x.x.is_exact() or x.x.is_nan()


def are_rational(*args: Ball) -> bool:
    """Whether all are rationals, and so exact."""
    return all(isinstance(a.x, fmpq) for a in args)


def is_unbounded(x: Ball) -> bool:
    """Whether it may be any real number."""
    return isinstance(x.x, arb) and not x.x.is_finite() and not x.x.is_exact() and not x.x.is_nan()


ANYTHING = Ball(arb(0, "inf"))
BEYOND_PROOF = Ball(arb(0, "inf"))
"""As `ANYTHING`, where no higher precision would tell more."""
NOT_A_NUMBER = Ball(arb.nan())


def is_nan(x: Ball) -> bool:
    """Whether it is not a number, for certain."""
    return isinstance(x.x, arb) and x.x.is_nan()


def settled(result: Any, *args: Ball) -> Ball:
    """The result of arb; its NaN means any real number, unless an operand is NaN.

    A ball about ∞ with an infinite radius, which makes arb's powers overflow the stack, becomes one about 0.
    """
    known = any(map(is_nan, args)) if result.is_nan() else result.is_finite() or result.is_exact()
    return Ball(result) if known else ANYTHING


# Comparisons


def less(a: Ball, b: Ball) -> Any:
    """Whether a < b: True, False or UNKNOWN."""
    if are_rational(a, b):
        return bool(a.x < b.x)
    x, y = as_arb(a), as_arb(b)
    if x.is_nan() or y.is_nan() or a is b:
        return False
    return True if x < y else False if x >= y else UNKNOWN


def equal(a: Ball, b: Ball) -> Any:
    """Whether a == b. An object equals itself, whatever its radius."""
    if are_rational(a, b):
        return bool(a.x == b.x)
    if is_nan(a) or is_nan(b) or (a is b and is_unbounded(a)):
        return False
    if a is b:
        return True
    x, y = as_arb(a), as_arb(b)
    if not x.overlaps(y):
        return False
    return True if x == y else UNKNOWN


def at_most(a: Ball, b: Ball) -> Any:
    """Whether a <= b."""
    return False if is_nan(a) or is_nan(b) else True if a is b else negation(less(b, a))


COMPARISONS: dict[str, Callable[[Ball, Ball], Any]] = {
    "lt": less,
    "le": at_most,
    "gt": lambda a, b: less(b, a),
    "ge": lambda a, b: at_most(b, a),
    "eq": equal,
    "ne": lambda a, b: negation(equal(a, b)),
}


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Work with balls of so many bits."""
    with ctx.workprec(bits):
        yield


def bits() -> int:
    """The precision that balls have now."""
    return int(ctx.prec)


def accuracy(x: Ball) -> int:
    """The bits to which it is known."""
    return int(as_arb(x).rel_accuracy_bits())


def enclosure(x: Ball) -> tuple[Fraction | float, Fraction | float]:
    """Two numbers between which it lies for certain; ±∞ or NaN at both ends if it is that for certain.

    An end beyond 2^±65536 is replaced by one farther out.
    """
    if isinstance(x.x, fmpq):
        value = Fraction(int(x.x.p), int(x.x.q))
        return value, value
    if x.x.is_finite():
        return -_upwards(-x.x.lower()), _upwards(x.x.upper())
    only = float(x.x.mid()) if is_exact(x) else None
    return (-math.inf, math.inf) if only is None else (only, only)


def _upwards(x: Any) -> Fraction | float:
    """A number m·2^k of arb as a fraction; where k is huge, as a simpler one above it."""
    mantissa, exponent = map(int, x.man_exp())
    size = mantissa.bit_length() + exponent
    if abs(size) > _MAX_EXPONENT and mantissa:
        tiny, huge = Fraction(1, 1 << _MAX_EXPONENT), 1 << _MAX_EXPONENT
        return (tiny if size < 0 else math.inf) if mantissa > 0 else (Fraction(0) if size < 0 else Fraction(-huge))
    return Fraction(mantissa << exponent) if exponent >= 0 else Fraction(mantissa, 1 << -exponent)
