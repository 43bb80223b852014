"""Functions of decimals beside mpmath at 400 digits, within the doubles and far outside."""

from decimal import Decimal

import mpmath
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from true_functions import NUMBERS, true_function

from bpcli.numbers.decimals import NAN, OF_ONE, digits


def relative_error(got, true):
    return abs(mpmath.mpf(str(got)) - true) / abs(true) if true else abs(mpmath.mpf(str(got)))


def check_function_of_one(name, x, bound):
    """That a function of decimals is mpmath's: as near as the bound, not a number where that is complex."""
    got = OF_ONE[name].apply(Decimal(x))
    try:
        true = true_function(name)(mpmath.mpf(x))
    except (ValueError, ZeroDivisionError):
        return  # a pole
    if isinstance(true, mpmath.mpc):
        assert got.is_nan()
    elif mpmath.isfinite(true):
        assert relative_error(got, true) < mpmath.mpf(bound)


@pytest.mark.parametrize("name", OF_ONE)
def test_functions_of_one_number(name):
    @given(NUMBERS)
    @settings(max_examples=40)
    def holds(x):
        with mpmath.workdps(400):
            check_function_of_one(name, x, "1e-48")

    holds()


@pytest.mark.parametrize("name", OF_ONE)
@pytest.mark.parametrize("x", [0.3, -0.7, 1e-200, 1.5, 25.0, -3e4])
def test_functions_of_one_number_in_more_digits(name, x):
    with digits(300), mpmath.workdps(900):
        check_function_of_one(name, x, "1e-297")


@pytest.mark.parametrize("name", OF_ONE)
def test_the_bound_of_what_an_error_moves_is_one(name):
    """Beside mpmath: f at x, at x ± e and in between; where it is not finite nothing is said."""

    @given(NUMBERS, st.floats(-120, 3), st.floats(-1, 1))
    @example(1.0, -60.0, -1.0)
    @example(-1.0, -30.0, 1.0)
    @example(0.0, -30.0, 1.0)
    @example(1.5707963267948966, -20.0, 1.0)
    @settings(max_examples=60)
    def holds(x, k, part):
        if abs(x) > 1e4:
            return
        with mpmath.workdps(400), digits(150):
            e = Decimal(10.0**k)
            y = OF_ONE[name].apply(Decimal(x))
            bound = OF_ONE[name].moved(Decimal(x), y, e) if y.is_finite() else NAN
            if not bound.is_finite():
                return
            for there in (1, -1, part):
                moved = mpmath.mpf(x) + there * mpmath.mpf(str(e))
                try:
                    true = true_function(name)(moved)
                except (ValueError, ZeroDivisionError):
                    continue
                if not isinstance(true, mpmath.mpc) and mpmath.isfinite(true):
                    assert abs(true - mpmath.mpf(str(y))) <= mpmath.mpf(str(bound)) + abs(true) * mpmath.mpf("1e-148")

    holds()
