"""Error bounds of functions of decimals, beside mpmath at 400 digits."""

from decimal import Decimal

import mpmath
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from true_functions import NUMBERS, true_function

from bpcli.numbers.decimals import ARITHMETIC, NAN, OF_ONE, OF_TWO, digits

TRUE_OF_TWO = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "truediv": lambda x, y: x / y,
    "divide": lambda x, y: x / y,
    "scale": lambda x, y: x * y,
    "power": lambda x, y: x**y,
    "hypot": mpmath.hypot,
    "arctan2": mpmath.atan2,
}
FUNCTIONS = ARITHMETIC | OF_TWO


@pytest.mark.parametrize("name", OF_ONE)
def test_the_bound_of_what_an_error_moves_is_one(name):
    """Beside mpmath: f at x, at x ± e and in between; where it is not finite nothing is said."""

    @given(NUMBERS, st.floats(-120, 3), st.floats(-1, 1))
    @example(1.0, -60.0, -1.0)
    @example(-1.0, -30.0, 1.0)
    @example(0.0, -30.0, 1.0)
    @example(1.5707963267948966, -20.0, 1.0)
    @example(40.0, 1.0, -1.0)
    @example(-300.0, 2.0, 0.5)
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


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_bound_of_what_two_errors_move_is_one(name):
    """The same of two operands that are off by any part of their errors."""

    @given(st.floats(-50, 50), st.floats(-50, 50), *[st.floats(-120, 1)] * 2, *[st.sampled_from([-1.0, 0.3, 1.0])] * 2)
    @example(2.0, 0.5, -30.0, -30.0, 1.0, -1.0)
    @example(-3.0, 2.0, -30.0, -120.0, 1.0, 1.0)
    @example(-1.0, 1e-40, -50.0, -30.0, 1.0, -1.0)
    @example(-1.0, 0.0, -1.0, 0.0, -1.0, -1.0)
    @settings(max_examples=60)
    def holds(x, y, k, m, here, there):
        with mpmath.workdps(400), digits(150):
            function, (e, f) = FUNCTIONS[name], (Decimal(10.0**k), Decimal(10.0**m))
            z = function.apply(Decimal(x), Decimal(y))
            bound = function.moved(Decimal(x), Decimal(y), z, e, f) if z.is_finite() else NAN
            if not bound.is_finite():
                return
            moved = [mpmath.mpf(v) + part * mpmath.mpf(str(d)) for v, part, d in ((x, here, e), (y, there, f))]
            try:
                true = TRUE_OF_TWO[name](*moved)
            except (ValueError, ZeroDivisionError):
                return
            if not isinstance(true, mpmath.mpc) and mpmath.isfinite(true):
                assert abs(true - mpmath.mpf(str(z))) <= mpmath.mpf(str(bound)) + abs(true) * mpmath.mpf("1e-147")

    holds()


FAR = Decimal("1e480")


@pytest.mark.parametrize(
    ("name", "sign"),
    [("tanh", 1), ("erf", -1), ("arctan", 1), ("exp", -1), ("exp2", -1), ("expm1", -1), ("arcsinh", 1)],
)
def test_far_out_a_large_error_moves_little(name, sign):
    """By 1e430 next to 1e480: what is flat there, or rises as slowly as asinh, is as good as known."""
    with digits(50):
        x = FAR.copy_sign(Decimal(sign))
        y = OF_ONE[name].apply(x)
        assert OF_ONE[name].moved(x, y, Decimal("1e430")) <= max(y.copy_abs(), Decimal("1e-45")) * Decimal("1e-45")
