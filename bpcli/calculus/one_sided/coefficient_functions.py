"""The elementary functions of coefficients, in exact form where there is one: log 6 as log 2 + log 3, sin π as 0."""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import NamedTuple

from bpcli.calculus.one_sided.coefficients import (
    MAX_BITS,
    MAX_ROOT,
    Coefficient,
    Constant,
    Real,
    Reals,
    bits_of,
    products_of,
)
from bpcli.calculus.one_sided.factors import LARGEST, factors
from bpcli.numbers.operators import UNKNOWN

_MOST_POWERS = 4  # of e, in a product of them


def function_at(name: str, x: Coefficient, reals: Reals) -> Coefficient | None:
    """f(x) of an f that is finite and smooth near x, or at the end of its domain there; None if it is not known."""
    forms = _EXACT.get(name, _NO_FORMS)
    if not isinstance(x, Real) and x in forms.fractions:
        return Fraction(forms.fractions[int(x)])
    if not isinstance(x, Real) and x in forms.multiples_of_pi:
        return reals.pi * forms.multiples_of_pi[int(x)]
    value = reals.arithmetic.function(name, reals.numeric(x))
    if value is None:
        return None
    simple = forms.simpler(x, reals)
    if simple is None:
        return reals.named((name, x), value)
    if isinstance(simple, Real):
        simple.value = value  # with fewer roundings than the sum of its parts
    return simple


def e_of(reals: Reals) -> Coefficient:
    """The base of the natural logarithm."""
    return function_at("exp", Fraction(1), reals)


def angle_of(y: Coefficient, x: Coefficient, reals: Reals) -> Coefficient | None:
    """atan2(y, x), on the upper side of the negative axis; None if it is not known."""
    signs = reals.sign(x), reals.sign(y)
    if UNKNOWN in signs or signs == (0, 0):
        return None
    if signs[0] == 0:
        return reals.pi * Fraction(signs[1], 2)
    found = function_at("arctan", y * reals.inverse(x), reals)
    return found if found is None or signs[0] > 0 else found + reals.pi * (1 if signs[1] >= 0 else -1)


def _exponential(x: Coefficient, reals: Reals) -> Coefficient | None:
    """e^x as the product of e^(f·p) over the products p of x: powers of e^p, and b^f of a p = log b."""
    if len(products_of(x)) > _MOST_POWERS:
        return None
    result: Coefficient = Fraction(1)
    for product, factor in products_of(x).items():
        constant, exponent = product[0] if len(product) == 1 else (None, 0)
        b = _argument(constant, "log") if constant is not None and exponent == 1 else None
        if b is not None:
            part = reals.power(b, factor)
        else:
            base = reals.of({product: Fraction(1)})
            value = reals.arithmetic.function("exp", reals.numeric(base))
            if value is None or bits_of(factor) > MAX_BITS:
                return None
            named = reals.constant(("exp", base), value)
            if factor not in named.powers:
                direct = reals.arithmetic.function("exp", reals.numeric(base * factor))
                if direct is None:
                    return None
                named.powers[factor] = direct
            part = Real({((named, factor),): Fraction(1)}, reals)
        result = result * part
    return result


def _logarithm(x: Coefficient, reals: Reals) -> Coefficient | None:
    """log x as the sum of n·log b over its powers bⁿ; None of a sum of several products."""
    if isinstance(x, Real):
        if len(x.products) > 1:
            return None
        ((product, factor),) = x.products.items()
        if factor <= 0 or any(constant.sign != 1 for constant, _ in product):
            return None
    else:
        product, factor = (), x
        if x <= 0:
            return None
    total: Coefficient = Fraction(0)
    powers = factors(factor, MAX_ROOT if bits_of(factor) <= MAX_BITS // 2 else 1)
    if max(powers, default=0) > LARGEST:  # its logarithms may cancel: it stays as it is, but for a common power
        common = math.gcd(*powers.values())
        base = math.prod([Fraction(base) ** (n // common) for base, n in powers.items()], start=Fraction(1))
        total = _log_of(base, reals) * Fraction(common)
        powers = {}
    for whole, n in powers.items():
        total = _log_of(Fraction(whole), reals) * Fraction(n) + total
    for constant, exponent in product:
        part = _argument(constant, "exp")
        if part is None:
            alone = Fraction(constant.base) if constant.base else Real({((constant, 1),): Fraction(1)}, reals)
            part = _log_of(alone, reals)
        total = part * Fraction(exponent) + total
    return total


def _argument(constant: Constant, name: str) -> Coefficient | None:
    """The x of a constant that is f(x) by its name, as (f, x); None of another."""
    return constant.name[1] if isinstance(constant.name, tuple) and constant.name[0] == name else None


def _log_of(base: Coefficient, reals: Reals) -> Real:
    value = reals.arithmetic.function("log", reals.numeric(base))
    return reals.named(("log", base), reals.arithmetic.anything if value is None else value)


def _log1p(x: Coefficient, reals: Reals) -> Coefficient | None:
    return _logarithm(x + Fraction(1), reals)


def _expm1(x: Coefficient, reals: Reals) -> Coefficient | None:
    e = _exponential(x, reals)
    return None if e is None else e - Fraction(1)


def _sinh(x: Coefficient, reals: Reals) -> Coefficient | None:
    e = _exponential(x, reals)
    return None if e is None else (e - reals.inverse(e)) * Fraction(1, 2)


def _cosh(x: Coefficient, reals: Reals) -> Coefficient | None:
    e = _exponential(x, reals)
    return None if e is None else (e + reals.inverse(e)) * Fraction(1, 2)


def _tanh(x: Coefficient, reals: Reals) -> Coefficient | None:
    e = _exponential(x, reals)
    if e is None:
        return None
    other = reals.inverse(e)
    return (e - other) * reals.inverse(e + other)


def _right_angles(x: Coefficient, reals: Reals) -> int | None:
    """The n of x = n·π/2; None of another x."""
    if not isinstance(x, Real) or x.products.keys() != reals.pi.products.keys():
        return None
    (factor,) = x.products.values()
    return int(2 * factor) if (2 * factor).denominator == 1 else None


def _sin(x: Coefficient, reals: Reals) -> Coefficient | None:
    n = _right_angles(x, reals)
    return None if n is None else Fraction((0, 1, 0, -1)[n % 4])


def _cos(x: Coefficient, reals: Reals) -> Coefficient | None:
    n = _right_angles(x, reals)
    return None if n is None else Fraction((1, 0, -1, 0)[n % 4])


def _tan(x: Coefficient, reals: Reals) -> Coefficient | None:
    n = _right_angles(x, reals)
    return None if n is None or n % 2 else Fraction(0)


class _Forms(NamedTuple):
    """The exact values of a function: the x at which it is a fraction, or a multiple of π, each with the value; and how
    it is written by simpler functions at another x."""

    fractions: Mapping[int, int]
    multiples_of_pi: Mapping[int, Fraction] = {}
    simpler: Callable[[Coefficient, Reals], Coefficient | None] = lambda x, reals: None


_NO_FORMS = _Forms({})
_EXACT: Mapping[str, _Forms] = {
    "exp": _Forms({0: 1}, simpler=_exponential),
    "expm1": _Forms({0: 0}, simpler=_expm1),
    "log": _Forms({1: 0}, simpler=_logarithm),
    "log1p": _Forms({0: 0}, simpler=_log1p),
    "sin": _Forms({0: 0}, simpler=_sin),
    "cos": _Forms({0: 1}, simpler=_cos),
    "tan": _Forms({0: 0}, simpler=_tan),
    "arcsin": _Forms({0: 0}, {1: Fraction(1, 2), -1: Fraction(-1, 2)}),
    "arccos": _Forms({1: 0}, {0: Fraction(1, 2), -1: Fraction(1)}),
    "arctan": _Forms({0: 0}, {1: Fraction(1, 4), -1: Fraction(-1, 4)}),
    "sinh": _Forms({0: 0}, simpler=_sinh),
    "cosh": _Forms({0: 1}, simpler=_cosh),
    "tanh": _Forms({0: 0}, simpler=_tanh),
    "arcsinh": _Forms({0: 0}),
    "arccosh": _Forms({1: 0}),
    "arctanh": _Forms({0: 0}),
    "erf": _Forms({0: 0}),
}
