"""The primitives of the namespaces: floats answer as NumPy's arrays do, in IEEE 754's results, without exceptions."""

import math
import subprocess
import sys

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.numbers.namespaces import FLOATS, arrays, is_array, namespace
from bpcli.numbers.wide import wides

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1.5, 3.0, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan]
UNARY = [
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "erf"),
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"),
    *("abs", "floor", "ceil", "sign", "rint", "ones_like", "isfinite"),
]
BINARY = ["arctan2", "hypot", "divide", "power", "minimum", "maximum"]

pytestmark = pytest.mark.usefixtures("quiet")


def assert_same(got, expected):
    """Equal to a few ulp, with the same infinities, NaN and signs of zero."""
    if expected != expected or math.isinf(expected) or expected == 0:
        np.testing.assert_equal(float(got), float(expected))
    else:
        assert got == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_a_float_are_those_of_an_array(name):
    for x in SPECIAL:
        if name in ("sin", "cos", "tan") and abs(x) > 1e300 and math.isfinite(x):
            continue  # NumPy reduces huge angles less exactly
        for each in (x, np.float64(x)):  # an entry of an array is NumPy's own kind of float
            assert_same(getattr(FLOATS, name)(each), getattr(arrays(), name)(np.array([x]))[0])


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_floats_are_those_of_arrays(name):
    for x in SPECIAL:
        for y in SPECIAL:
            got, expected = getattr(FLOATS, name)(x, y), getattr(arrays(), name)(np.array([x]), np.array([y]))[0]
            if name in ("minimum", "maximum") and x == y == 0:
                continue  # of 0 and −0 either is the smaller
            assert_same(got, expected)


@pytest.mark.parametrize("y", [0.0, -0.0, 2.0, -2.0])
@pytest.mark.parametrize("x", [0.0, -0.0, 3.0, -3.0])
def test_an_angle_does_not_know_the_sign_of_zero(y, x):
    true = float(mpmath.atan2(y, x))  # whose zero has no sign
    for got in (FLOATS.arctan2(y, x), arrays().arctan2(np.array([y]), np.array([x]))[0], wide_angle(y, x)):
        assert got == pytest.approx(true, rel=1e-15)


def wide_angle(y, x):
    return float(wides().arctan2(wides().asarray([y]), wides().asarray([x]))[0])


@given(st.floats(allow_nan=False), st.integers(-3000, 3000))
def test_times_a_power_of_two_rounds_once(x, k):
    expected = np.ldexp(x, k)
    assert_same(FLOATS.ldexp(x, float(k)), expected)
    assert_same(arrays().ldexp(np.array([x]), np.array([float(k)]))[0], expected)


def test_no_power_of_two_is_no_number():
    assert math.isnan(FLOATS.ldexp(math.nan, math.nan))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_mantissa_and_exponent(x):
    m, k = FLOATS.frexp(x)
    assert FLOATS.ldexp(m, k) == x
    assert tuple(part[0] for part in arrays().frexp(np.array([x]))) == (m, k)


def test_careful_takes_the_better_where_the_condition_holds_and_asks_for_it_only_then():
    def never():
        raise AssertionError

    assert FLOATS.refined(1.0, False, never) == 1
    assert FLOATS.refined(1.0, True, lambda: 2.0) == 2
    x = np.array([1.0, 2.0])
    assert arrays().refined(x, x > 5, never) is x
    assert arrays().refined(x, x > 1, lambda: 10 * x).tolist() == [1, 20]


def test_what_is_not_chosen_costs_nothing_and_leaves_no_trace():
    assert FLOATS.where(True, 1.0, math.nan) == 1
    assert arrays().where(np.array([True]), 1.0, math.nan).tolist() == [1]


def test_a_value_brings_its_namespace():
    class Number:
        namespace = "its own"

    assert namespace(1.0, 2) is FLOATS
    assert namespace(np.float64(1.0)) is FLOATS  # a Python float, too
    assert namespace(1.0, np.zeros(2)) is arrays()
    assert namespace(np.zeros(2), Number()) == "its own"
    assert is_array(np.zeros(1))
    assert not is_array(2)


def test_floats_need_no_numpy():
    code = "import sys; from bpcli.numbers.namespaces import FLOATS; FLOATS.exp_pair(-1.0)"
    code += "; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
