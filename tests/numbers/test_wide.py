"""Wide numbers beside mpmath at 400 digits, within the doubles and far outside."""

import math
from decimal import Decimal

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.numbers.wide import Wide, wide, wides

NUMBERS = st.one_of(
    st.floats(-3, 3), st.floats(-300, 8).map(lambda k: 10.0**k), st.floats(-300, 8).map(lambda k: -(10.0**k))
)


def relative_error(got, true):
    return abs(mpmath.mpf(str(got.x)) - true) / abs(true) if true else abs(mpmath.mpf(str(got.x)))


@given(NUMBERS, NUMBERS)
@settings(max_examples=100)
def test_arithmetic_far_outside_the_doubles(x, y):
    with mpmath.workdps(400):
        a, b = mpmath.mpf(x) ** 7, mpmath.mpf(y) ** 5
        p, q = wide(x), wide(y)
        for _ in range(6):
            p = p * wide(x)
        for _ in range(4):
            q = q * wide(y)
        assert relative_error(p * q, a * b) < 1e-47
        if y:
            assert relative_error(p / q, a / b) < 1e-47
        assert (p < q) == (a < b)


def test_the_rest_of_a_sum_is_kept():
    xp = wides()
    high, low = xp.total(xp.asarray(np.array([1.0, 1e-244])), 0)
    assert float(((high - 1.0) + low)[0]) == 1e-244


def test_infinities_and_nan_as_of_doubles():
    inf, nan = wide(math.inf), wide(math.nan)
    assert float(inf * wide(2.0)) == math.inf
    assert math.isnan(float(inf - inf))
    assert not nan < wide(1.0)
    assert nan != nan
    assert float(wides().functions["power"](wide(0.0), wide(0.0))) == 1.0
    assert float(wides().functions["divide"](wide(-1.0), wide(0.0))) == -math.inf


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
@pytest.mark.parametrize("factor", [1.0, 3e7, 1e150, 1e300])
def test_large_angles(name, factor):
    """Angles with all their digits, also those that no double holds."""
    angle = wide(0.7) * wide(factor) * wide(factor)
    with mpmath.workdps(800):
        true = getattr(mpmath, name)(mpmath.mpf(str(angle.x)))
        assert relative_error(wides().functions[name](angle), true) < 1e-48


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_an_angle_far_beyond_the_doubles_is_not_known(name):
    angle = wide(1e300)
    for _ in range(3):
        angle = angle * angle
    assert wides().functions[name](angle).x.is_nan()


@pytest.mark.parametrize("exponent", ["1e1000001", "-1e1000001", "9e999999999", "-1e-1000001"])
def test_an_exponent_of_any_size(exponent):
    got = wides().functions["power"](wide(2.0), Wide(Decimal(exponent)))
    larger, smaller = Decimal(exponent) > 1, Decimal(exponent) < -1
    assert float(got) == (math.inf if larger else 0 if smaller else 1)  # 2^±∞, 2^0


@pytest.mark.parametrize("name", ["tanh", "erf", "arctan", "cbrt", "abs", "exp", "sign"])
@pytest.mark.parametrize("x", [math.inf, -math.inf])
def test_limits_at_infinity(name, x):
    limit = {
        "tanh": 1,
        "erf": 1,
        "arctan": math.pi / 2,
        "cbrt": math.inf,
        "abs": x,
        "sign": 1,
        "exp": math.exp(x) * math.copysign(1, x),
    }
    assert float(wides().functions[name](wide(x))) == limit[name] * math.copysign(1, x)
    assert math.isnan(float(wide(x) - wide(x)))
