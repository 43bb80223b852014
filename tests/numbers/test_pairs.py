"""Sums, products and exponentials in pairs of doubles, beside exact fractions and mpmath."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.numbers import pairs
from bpcli.numbers.namespaces import FLOATS, arrays

mp = mpmath.MPContext()
mp.prec = 400
RNG = np.random.default_rng(5)
MODERATE = st.floats(min_value=1e-130, max_value=1e130) | st.floats(min_value=-1e130, max_value=-1e130 / 1e100)


def value(pair):
    return Fraction(float(pair[0])) + Fraction(float(pair[1]))


@given(st.floats(-1e307, 1e307), st.floats(-1e307, 1e307))
def test_a_sum_and_its_error_are_exact(a, b):
    assert value(pairs.two_sum(a, b)) == Fraction(a) + Fraction(b)


@given(MODERATE, MODERATE)
def test_a_product_and_its_error_are_exact(a, b):
    assert value(pairs.two_product(a, b)) == Fraction(a) * Fraction(b)


@given(MODERATE, MODERATE, st.floats(-1, 1), st.floats(-1, 1))
def test_arithmetic_of_pairs_has_twice_the_digits(a, b, la, lb):
    x, y = (a, la * math.ulp(a) / 2), (b, lb * math.ulp(b) / 2)
    X, Y = value(x), value(y)
    bound = Fraction(2) ** -100
    assert abs(value(pairs.add(FLOATS, x, y)) - (X + Y)) <= bound * max(abs(X), abs(Y))
    assert abs(value(pairs.subtract(FLOATS, x, y)) - (X - Y)) <= bound * max(abs(X), abs(Y))
    assert abs(value(pairs.multiply(FLOATS, x, y)) - X * Y) <= bound * abs(X * Y)
    assert abs(value(pairs.divide(FLOATS, x, y)) - X / Y) <= bound * abs(X / Y)


EXPONENTS = [
    *RNG.uniform(-745, 709, 60),
    *RNG.uniform(-1, 1, 30),
    *(np.log(2.0) * np.arange(-60, 60, 7)),
    *(10.0 ** RNG.uniform(-320, 0, 20)),
    *(0.0, -0.0, 5e-324, -3900.0, 3900.0),
]


def test_exponentials_have_twice_the_digits_and_about_1_the_rest_of_them():
    x = np.array(EXPONENTS)
    low = x * RNG.uniform(-1, 1, len(x)) * 2.0**-53
    (m, m_low), k = arrays().exp_pair(x, low)
    for xi, li, mi, mli, ki in zip(*(a.tolist() for a in (x, low, m, m_low, k)), strict=True):
        exact = mp.ldexp(mp.exp(mp.mpf(xi) + mp.mpf(li)), -int(ki))
        assert abs(mp.mpf(mi) + mp.mpf(mli) - exact) <= mp.ldexp(1, -101), xi
        if abs(xi) < 1e-17:
            assert (mi, mli) == (1, xi + li)
        assert FLOATS.exp_pair(xi, li) == ((mi, mli), ki)


@pytest.mark.parametrize(("x", "k"), [(-math.inf, -5771), (math.inf, 5771), (-1e308, -5771)])
def test_far_out_an_exponential_is_beyond_every_product(x, k):
    (s, low), exponent = FLOATS.exp_pair(x, math.nan)
    assert exponent == k
    assert math.isfinite(s + low)


def test_no_number_has_no_exponential():
    (s, _), k = FLOATS.exp_pair(math.nan)
    assert math.isnan(s)
    assert math.isnan(k)


@pytest.mark.parametrize("shape", [(1,), (2,), (7,), (1000,), (5, 33), (4, 1, 6)])
@pytest.mark.parametrize("folds", [1, 2])
def test_a_sum_along_an_axis_is_right_whatever_the_length(shape, folds):
    x = RNG.normal(size=shape) * 10.0 ** RNG.uniform(-8, 8, shape)
    for axis in range(len(shape)):
        high, low = arrays().total(x, axis, folds)
        assert high.shape == tuple(1 if k == axis else n for k, n in enumerate(shape))
        moved = np.moveaxis(x, axis, -1).reshape(-1, shape[axis])
        for row, h, e in zip(moved.tolist(), high.ravel().tolist(), low.ravel().tolist(), strict=True):
            exact = sum(map(Fraction, row))
            assert abs(value((h, e)) - exact) <= Fraction(2) ** -95 * sum(map(abs, map(Fraction, row)))
            assert h == float(exact)


def test_two_folds_survive_where_all_but_the_last_cancels():
    x = np.array([1e30, 1.0, -1e30, 1e-10, 1e15, -1e15, -1.0, 3e-25])
    assert arrays().total(x, 0, 2)[0] == 1e-10 + 3e-25
    assert arrays().total(np.full(1 << 20, 0.1), 0)[0] == float(Fraction(0.1) * (1 << 20))
