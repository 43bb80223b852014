"""Functions of decimals beside mpmath at 400 digits, within the doubles and far outside."""

from decimal import Decimal

import mpmath
import pytest
from hypothesis import given, settings
from true_functions import NUMBERS, true_function

from bpcli.numbers.decimals import OF_ONE, digits


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
