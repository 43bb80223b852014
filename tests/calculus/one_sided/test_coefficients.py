"""Coefficients of series: exact sums of products of constants, beside their values by mpmath; what they may cost."""

from fractions import Fraction
from itertools import product

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.calculus.language.parser import parse
from bpcli.calculus.one_sided import sides
from bpcli.calculus.one_sided.coefficient_functions import function_at
from bpcli.calculus.one_sided.coefficient_values import Balls, Doubles
from bpcli.calculus.one_sided.coefficients import (
    MAX_BITS,
    MAX_PRODUCTS,
    SHORT,
    Real,
    Reals,
    Work,
    products_of,
)
from bpcli.calculus.one_sided.expansions import SeriesKind
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.certified import Certified
from bpcli.numbers.enclosures import enclosure, precision
from bpcli.numbers.operators import UNKNOWN

mp = mpmath.MPContext()
mp.dps = 60

SMALL = st.fractions(-5, 5, max_denominator=12)
POSITIVE = st.fractions(Fraction(1, 9), 9, max_denominator=9)
CONSTANTS = st.one_of(
    st.tuples(st.just("power"), POSITIVE, st.sampled_from([Fraction(1, 2), Fraction(1, 3), Fraction(-2, 3)])),
    st.tuples(st.sampled_from(["log", "exp", "sin", "arctan", "cosh"]), POSITIVE),
    st.tuples(st.just("pi")),
    st.tuples(st.just("number"), SMALL),
)
SUMS = st.lists(st.lists(CONSTANTS, min_size=1, max_size=3), min_size=1, max_size=4)
NAMES = {"arctan": "atan"}


def fraction(x):
    return mp.mpf(x.numerator) / x.denominator


def coefficient(reals, kind, *args):
    if kind == "number":
        return args[0]
    if kind == "pi":
        return reals.pi
    return reals.power(*args) if kind == "power" else function_at(kind, *args, reals)


def truth(kind, *args):
    if kind == "number":
        return fraction(args[0])
    if kind == "pi":
        return +mp.pi
    values = [fraction(a) for a in args]
    return values[0] ** values[1] if kind == "power" else getattr(mp, NAMES.get(kind, kind))(*values)


def total(parts, of, one):
    result = one * 0
    for part in parts:
        product = one
        for constant in part:
            product = product * of(*constant)
        result = result + product
    return result


@given(SUMS, SUMS, st.booleans())
def test_products_of_sums_beside_their_values(first, second, exact):
    with precision(120):
        reals = Reals(Balls() if exact else Doubles(), Work())
        x, y = (total(parts, lambda *c: coefficient(reals, *c), Fraction(1)) for parts in (first, second))
        a, b = (total(parts, truth, mp.mpf(1)) for parts in (first, second))
        found, expected = x * y - x, a * b - a
        value = reals.numeric(found)
        if exact:
            low, high = enclosure(value)
            assert fraction(low) - mp.mpf("1e-50") <= expected <= fraction(high) + mp.mpf("1e-50")
        else:
            assert abs(mp.mpf(value[0]) - expected) <= value[1] + mp.mpf("1e-50")
        sign = reals.sign(found)
        assert sign is UNKNOWN or sign == (0 if abs(expected) < mp.mpf("1e-50") else mp.sign(expected))
        terms = len(products_of(x)) + len(products_of(y))
        if terms * (terms + 1) // 2 <= MAX_PRODUCTS:  # as many as (x + y)² may have
            assert (x + y) * (x - y) - x * x + y * y == 0  # whatever the constants are


def test_a_long_sum_becomes_its_value():
    reals = Reals(Doubles(), Work())
    roots = [reals.power(Fraction(p), Fraction(1, 2)) for p in (2, 3, 5, 7, 11, 13, 17, 19, 23)]
    x = sum(roots, Fraction(1))
    for _ in range(4):
        x = x * x
        assert isinstance(x, Real)
        assert len(x.products) <= MAX_PRODUCTS
    value, error = reals.numeric(x)
    assert abs(value - (1 + sum(mp.sqrt(p) for p in (2, 3, 5, 7, 11, 13, 17, 19, 23))) ** 16) <= error < value * 1e-12


def test_beyond_the_work_nothing_is_known():
    work = Work(20)
    kind = SeriesKind(exact=False, length=5, work=work)
    h = kind.moved(1.0, 1.0)
    assert (h * h).order > 0
    power = h
    for _ in range(6):
        power = power * h
    assert work.exhausted
    assert (power.terms, power.order) == ((), kind.unknown.order)
    assert (h * 0.0).is_zero()


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", sorted(SeriesKind(False, 5).namespace.functions))
def test_work_may_end_at_any_moment(name, exact):
    kind = SeriesKind(exact, 5, Work())
    functions, work = kind.namespace.functions, kind.reals.work
    h, root = kind.moved(0.0, 1.0), functions["sqrt"](kind.moved(2.0, 1.0))
    log = functions["log"](h)
    below = kind.divide(functions["tanh"](kind.moved(331.0, 1.0)) - 1.0, h * h)  # whose sign needs a product
    numbers = [
        root * log + functions["sin"](root),
        kind.divide(log - root, h),
        -root,
        root,
        h * log,
        below * below * -1.0,
    ]
    pairs = ("power", "arctan2", "divide", "hypot", "maximum", "minimum", "scale")
    each = product(numbers, repeat=2 if name in pairs else 1)
    for left, args in product([0, 1, 2, 5, 10, 20, 50, 100, 500, 2000], each):
        work.allowed = work.done + left
        with np.errstate(all="ignore"):
            functions[name](*args)


COSTLY = [
    ("asinh(1e308/log(w))", 1.0),
    ("|w|**2+(sqrt(2+w)+sqrt(3+w)+sqrt(5+w)+sqrt(7+w)+log(2+w)+log(3+w)+log(5+w))**7", 0.0),
    ("where(w==0,0,w**2*sin(1/w))+tan(exp(w)+sqrt(3+w))", 0.0),
    ("max(tan(w),sin(w)/cos(w))", 0.3),
    ("max(tan(log(w)*exp(w)),sin(exp(w)*log(w))/cos(log(w)*exp(w)))", 0.3),
    ("where(w==0,0,w**2*cos(1/w))*acosh(2+sin(3+w)*sqrt(1e-300+w))", 0.0),
]


@pytest.mark.parametrize("proven", [False, True])
@pytest.mark.parametrize(("text", "w"), COSTLY)
def test_what_series_cost_has_a_bound(text, w, proven, monkeypatch):
    spent = []

    class Noted(Work):
        def __init__(self, allowed):
            super().__init__(allowed)
            spent.append(self)

    monkeypatch.setattr(sides, "Work", Noted)
    monkeypatch.setattr(sides, "MAX_WORK", 1 << 13)
    monkeypatch.setattr("bpcli.calculus.sweeps.certified._MAX_WORK", 1 << 13)
    one = Calculation([parse(text)], [text], {"w": ()}, ["w"])
    one = Certified(one) if proven else one
    one.hessian({"w": w})
    longest = MAX_PRODUCTS**2 * (1 + 2 * MAX_BITS // SHORT)  # the product of two coefficients, after which it is looked
    assert all(work.done <= work.allowed + longest for work in spent)
    assert sum(work.done > 1 << 13 for work in spent) <= 4  # then no precision is tried any more


@pytest.mark.parametrize("root", [Fraction(1, 2), Fraction(2, 3), Fraction(-1, 3)])
@pytest.mark.parametrize("base", [Fraction(2), Fraction(3, 7), Fraction(30)])
@pytest.mark.parametrize("p", [Fraction(6), Fraction(-5, 2), Fraction(10**5), Fraction(10**12 + 1), Fraction(10**308)])
def test_a_power_of_a_root_is_exact_only_while_it_is_short(base, root, p):
    """(base^root)^p of a huge p would be a whole number of p digits: it is kept by its value."""
    reals = Reals(Doubles(), Work())
    x = reals.power(base, root)
    found = reals.power(x, p)
    assert max(factor.numerator.bit_length() for factor in products_of(found).values()) <= MAX_BITS
    value, error = reals.numeric(found)
    log2_true = mp.log(fraction(base), 2) * fraction(root * p)
    if abs(log2_true) < 1000:
        true = mp.mpf(2) ** log2_true
        assert abs(value - true) <= error + true * mp.mpf(10) ** -55
