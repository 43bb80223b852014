"""Wide numbers beside mpmath at 400 digits, within the doubles and far outside."""

import math
import operator
from decimal import Decimal

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from true_functions import NUMBERS, true_function

from bpcli.calculus.sweeps.instructions import Constant
from bpcli.numbers.decimals import OF_ONE, digits
from bpcli.numbers.operators import UNKNOWN
from bpcli.numbers.wide import Wide, in_doubt, wide, wides


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


@pytest.mark.parametrize("number", [50, 450])
def test_the_rest_of_a_sum_is_kept(number):
    xp = wides()
    with digits(number):
        high, low = xp.total(xp.asarray(np.array([1.0, 1e-244])), 0)
        (rest,) = (high - 1.0) + low
        true = Decimal.from_float(1e-244)
        assert abs(rest.x - true) <= rest.error
        assert (float(rest), rest.is_known) == ((1e-244, True) if number > 244 else (0.0, False))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "sub", "mul", "truediv", "hypot", "maximum", *OF_ONE]),
        st.integers(0, 99),
        st.integers(0, 99),
    ),
    min_size=1,
    max_size=12,
)
TRUE_OF_TWO = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "truediv": lambda x, y: x / y,
    "hypot": mpmath.hypot,
    "maximum": max,
}


@given(st.lists(NUMBERS, min_size=2, max_size=4), STEPS)
@settings(max_examples=400)
def test_what_is_true_lies_within_the_error(start, steps):
    """Any steps one after the other, beside mpmath at 3000 digits; what is as good as a double rounds to the same."""
    xp = wides()
    with digits(50), mpmath.workdps(3000):
        numbers, true = [wide(x) for x in start], [mpmath.mpf(x) for x in start]
        for name, i, j in steps:
            i, j = i % len(numbers), j % len(numbers)
            operands = (numbers[i],) if name in OF_ONE else (numbers[i], numbers[j])
            exact = (true[i],) if name in OF_ONE else (true[i], true[j])
            if any(abs(x) > 1e6 for x in exact) and name in OF_ONE:
                return  # mpmath takes very long
            try:
                answer = (true_function(name) if name in OF_ONE else TRUE_OF_TWO[name])(*exact)
            except (ValueError, ZeroDivisionError):
                return  # a pole
            if isinstance(answer, mpmath.mpc) or not mpmath.isfinite(answer):
                return
            found = (
                getattr(operator, name)(*operands)
                if hasattr(operator, name) and name != "abs"
                else xp.functions[name](*operands)
            )
            if not (found.x.is_finite() and found.error.is_finite()):
                return  # nothing is said
            assert abs(mpmath.mpf(str(found.x)) - answer) <= mpmath.mpf(str(found.error)) * (
                1 + mpmath.mpf(2) ** -40
            ), name
            low, high = found.ends
            assert low <= high
            if found.is_known and abs(answer) > 1e-290:
                assert float(found) == pytest.approx(float(answer), rel=2e-16)
            numbers.append(found)
            true.append(answer)


@pytest.mark.parametrize("x", [0.0, 1e-60, -3e-60])
def test_a_comparison_within_the_errors_is_open(x):
    third = wide(1.0) / wide(3.0)
    near = third + wide(x) + wide(1.0) - wide(1.0)
    for compare in (operator.lt, operator.eq, operator.ge):
        assert compare(third, near) is UNKNOWN
        assert compare(third, third + wide(1e-9)) is compare(0, 1e-9)
        with digits(50, open_comparisons=False):
            assert compare(third, near) in (True, False)
    with digits(150):
        third = wide(1.0) / wide(3.0)
        assert (third < third + wide(1e-60)) is True


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


@pytest.mark.parametrize("x", [0.0, 1e-300, 0.5, 1.0, 2.0, 1e300, math.inf, -1.0, -0.5, -3.0, -math.inf])
@pytest.mark.parametrize("y", [math.inf, -math.inf, 0.0, 2.0, 3.0, -3.0, 0.5, 1e-300])
def test_powers_with_0_and_infinity_are_those_of_doubles(x, y):
    if (x and y and math.isfinite(x) and math.isfinite(y)) or (x == 0 and y < 0):
        return
    with digits(50):
        found = float(wides().functions["power"](wide(x), wide(y)))
    assert found == pytest.approx(float(np.float64(x) ** y), nan_ok=True)


def test_a_root_too_high_for_doubles_is_still_one():
    with digits(50):
        tiny = wide(1e-300) * wide(1e-300)
        assert float(wides().functions["power"](wide(math.inf), tiny)) == math.inf
        assert float(wides().functions["power"](wide(0.0), tiny)) == 0.0


@pytest.mark.parametrize("name", ["exp", "exp2"])
def test_a_zero_below_the_range_is_not_known_to_be_zero(name):
    """e^−1e138 is below even these decimals; its sign is 1, and a comparison with 0 is open."""
    found = wides().functions[name](wide(-1e138))
    assert (float(found), found.is_known) == (0.0, True)
    assert (found > wide(0.0)) is UNKNOWN
    assert not wides().functions["sign"](found).is_known
    assert (wides().functions[name](wide(-math.inf)) > wide(0.0)) is False


@pytest.mark.parametrize("name", sorted(OF_ONE))
@pytest.mark.parametrize("x", [-math.inf, -2.0, 0.0, 2.0])
def test_of_a_number_that_is_not_known_a_function_is_not_known(name, x):
    """log(0 ± e) is −∞ ± ∞, of which acosh is not a number, or any."""
    found = wides().functions[name](in_doubt(wide(x)))
    assert not found.is_known


@pytest.mark.parametrize("text", ["5e-324", "-5e-324", "1e-320", "1e-310", "2.2e-308", "0.1", "-3", "0", "1e300"])
def test_a_constant_is_the_double_that_is_read(text):
    assert wides().constant(Constant(float(text), text)).item().x == Decimal(float(text))


@pytest.mark.parametrize("text", ["1e-400", "-2.4e-324", "2e-330"])
def test_a_constant_that_is_no_double_but_0_is_itself(text):
    with mpmath.workdps(60):
        assert relative_error(wides().constant(Constant(float(text), text)).item(), mpmath.mpf(text)) < 1e-40
