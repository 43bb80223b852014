"""The operators: sums, products, quotients, powers, comparisons."""

import math
import operator
from collections.abc import Callable
from typing import Any

from bpcli.calculus.rules.function_rows import SMALLEST, Function, RuleNamespace, at_ties, at_zero, binary, unary, zero
from bpcli.numbers.namespaces import two_sum
from bpcli.numbers.primitives import Truth


def power_constant(xp: RuleNamespace[Any], x: Any, c: float) -> Any:
    """x**c for a number c; small whole powers as products, which are fast and right to the last digit."""
    if c == 2.0:
        return x * x
    if c == 3.0:
        return x * x * x
    if c == 4.0:
        return (x * x) * (x * x)
    if c == 1.0:
        return x
    if c == 0.0:
        return xp.ones_like(x)
    if c == -1.0:
        return xp.divide(1.0, x)
    return xp.power(x, xp.constant(c))


def lowered_power(xp: RuleNamespace[Any], x: Any, y: Any) -> Any:
    """x**(y − 1); the rounding error of y − 1 is carried along, which a power of a tiny or huge x would magnify."""
    plain = xp.power(x, y - 1.0)
    error = two_sum(y, -1.0)[1]

    def refined() -> Any:
        correction = error * xp.log(abs(x))
        better = xp.where((error == 0) | (plain == 0) | (abs(plain) == math.inf), plain, plain + plain * correction)
        # A whole y too large for y − 1 is even, and y − 1 has been rounded from an odd number to an even one.
        return xp.where((error != 0) & (x < 0) & (abs(y) > 1.0), -better, better)

    return xp.refined(plain, error != 0, refined)


def times_lowered(xp: RuleNamespace[Any], lowered: Any, x: Any, y: Any) -> Any:
    """y·x**(y − 1) from lowered = x**(y − 1); in two halves x**(y/2) where that alone is subnormal or overflows."""

    def refined() -> Any:
        half = xp.power(abs(x), 0.5 * y)
        return xp.where(lowered < 0, -1.0, 1.0) * (xp.divide(y * half, abs(x)) * half)

    size = abs(lowered)
    return xp.refined(y * lowered, ((size < SMALLEST) | (size == math.inf)) & (x != 0), refined)


def _dpower_dx(xp: RuleNamespace[Any], out: Any, x: Any, y: Any) -> Any:
    slope = xp.agreed(times_lowered(xp, lowered_power(xp, x, y), x, y), (y == 0) & (x == 0), 0.0)
    return xp.agreed(slope, out != out, math.nan)


def _dpower_dy(xp: RuleNamespace[Any], out: Any, x: Any, y: Any) -> Any:
    def refined() -> Any:
        half = xp.power(x, 0.5 * y)  # a subnormal x**y has lost its digits
        return half * xp.log(x) * half

    slope = xp.refined(out * xp.log(x), abs(out) < SMALLEST, refined)
    # 0**y is 0 for every y > 0 about, so its slope in y is 0, where 0·log 0 would be NaN.
    return xp.agreed(slope, (x == 0) & (y > 0), 0.0)


def power_row(c: float, written: str, whole: bool) -> Function:
    """x**c for a number c, whose slope needs no logarithm of x."""

    def value(xp: RuleNamespace[Any], x: Any) -> Any:
        return power_constant(xp, x, c) if whole else xp.power(x, xp.constant(c))

    def slope(xp: RuleNamespace[Any], out: Any, x: Any) -> Any:
        exponent = xp.constant(c)
        if not whole:
            return times_lowered(xp, lowered_power(xp, x, exponent), x, exponent)
        if c in (0.0, 1.0):
            return float(c)
        if c in (2.0, 3.0, 4.0):
            slope = c * x
            for _ in range(int(c) - 2):
                slope = slope * x
            return slope
        return times_lowered(xp, power_constant(xp, x, c - 1.0), x, exponent)

    def edge(xp: RuleNamespace[Any], x: Any) -> Any:
        return x == 0

    smooth = whole and c >= 0
    power = int(c) if whole else None
    return Function(
        f"**{written}",
        (1, 1),
        "x**c",
        value,
        (slope,),
        edge=None if smooth else edge,
        exact_slope=power == 2,
        underflows=True,
        power=power,
    )


def _comparison(op: str, holds: Callable[[Any, Any], Truth]) -> Function:
    """1 where it holds, else 0."""
    return binary(op, f"x{op}y", lambda xp, x, y: xp.where(holds(x, y), 1.0, 0.0), (zero, zero), at_ties, exact=True)


ARITHMETIC: list[Function] = [
    binary("+", "x+y", lambda xp, x, y: x + y, (lambda xp, out, x, y: 1.0, lambda xp, out, x, y: 1.0), adds=True),
    binary("-", "x-y", lambda xp, x, y: x - y, (lambda xp, out, x, y: 1.0, lambda xp, out, x, y: -1.0), adds=True),
    binary(
        "*",
        "x*y",
        lambda xp, x, y: x * y,
        (lambda xp, out, x, y: y, lambda xp, out, x, y: x),
        exact_slope=True,
        underflows=True,
        well_conditioned=True,
    ),
    binary(
        "/",
        "x/y",
        lambda xp, x, y: xp.divide(x, y),
        (lambda xp, out, x, y: xp.divide(1.0, y), lambda xp, out, x, y: -xp.divide(out, y)),
        underflows=True,
        well_conditioned=True,
    ),
    binary(
        "**",
        "x**y",
        lambda xp, x, y: xp.power(x, y),
        (_dpower_dx, _dpower_dy),
        at_zero,
        underflows=True,
        well_conditioned=True,
    ),
    unary("negative", lambda xp, out, x: -1.0, value=lambda xp, x: -x, signature="-x", exact=True),
    _comparison("<", operator.lt),
    _comparison("<=", operator.le),
    _comparison(">", operator.gt),
    _comparison(">=", operator.ge),
    _comparison("==", operator.eq),
    _comparison("!=", operator.ne),
]
"""Rows by their operators."""
