"""Functions of decimals beside mpmath at 400 digits, within the doubles and far outside."""

from decimal import Decimal

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.numbers.decimals import OF_ONE, digits

TRUE = {
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "arcsinh": mpmath.asinh,
    "arccosh": mpmath.acosh,
    "arctanh": mpmath.atanh,
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "abs": abs,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
}
NUMBERS = st.one_of(
    st.floats(-3, 3), st.floats(-300, 8).map(lambda k: 10.0**k), st.floats(-300, 8).map(lambda k: -(10.0**k))
)


def relative_error(got, true):
    return abs(mpmath.mpf(str(got)) - true) / abs(true) if true else abs(mpmath.mpf(str(got)))


def check_function_of_one(name, x, bound):
    """That a function of decimals is mpmath's: as near as the bound, not a number where that is complex."""
    got = OF_ONE[name].apply(Decimal(x))
    try:
        true = TRUE.get(name, getattr(mpmath, name, None))(mpmath.mpf(x))
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
