"""Values of coefficients as doubles with a bound: the true number, by mpmath, is never farther off; signs are sure."""

from fractions import Fraction

import mpmath
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bpcli.calculus.one_sided.coefficient_values import Balls, Decimals, Doubles
from bpcli.numbers.operators import UNKNOWN

mp = mpmath.MPContext()
mp.dps = 60
FRACTIONS = st.fractions(-1000, 1000, max_denominator=10**6)
DOUBLES = Doubles()


def true(x):
    return mp.mpf(x.numerator) / x.denominator


def assert_bounds(found, exact):
    value, error = found
    assert abs(mp.mpf(value) - exact) <= error


@given(FRACTIONS, FRACTIONS)
def test_sums_and_products(x, y):
    a, b = DOUBLES.of(x), DOUBLES.of(y)
    assert_bounds(a, true(x))
    assert_bounds(DOUBLES.plus(a, b), true(x + y))
    assert_bounds(DOUBLES.times(a, b), true(x * y))
    assert_bounds(DOUBLES.plus(DOUBLES.times(a, b), DOUBLES.of(-x * y)), mp.mpf(0))  # also where all cancels


@given(FRACTIONS, st.sampled_from([2, -1, 3, Fraction(1, 2), Fraction(-2, 3)]))
def test_powers(x, p):
    assume(x > Fraction(1, 1000))
    assert_bounds(DOUBLES.power(DOUBLES.of(x), p), true(x) ** (true(Fraction(p))))


@pytest.mark.parametrize("name", ["sin", "cos", "exp", "arctan", "sinh", "tanh"])
@given(x=st.fractions(-20, 20, max_denominator=1000))
def test_functions(name, x):
    function = getattr(mp, name.replace("arc", "a"))
    assert_bounds(DOUBLES.function(name, DOUBLES.of(x)), function(true(x)))


@given(FRACTIONS, FRACTIONS)
def test_a_sign_is_the_true_one_or_unknown(x, y):
    difference = DOUBLES.plus(DOUBLES.of(x), DOUBLES.of(-y))
    sign = DOUBLES.sign(difference)
    assert sign is UNKNOWN or sign == (x > y) - (x < y)


def test_what_is_beyond_the_doubles_has_no_bound():
    assert DOUBLES.of(Fraction(10) ** 400)[1] == float("inf")
    assert_bounds(DOUBLES.pi(), mp.pi)


@given(FRACTIONS, FRACTIONS)
def test_balls_know_the_sign_where_doubles_may_not(x, y):
    pytest.importorskip("flint", reason="balls are python-flint's")
    balls = Balls()
    assume(x != y)
    assert balls.sign(balls.plus(balls.of(x), balls.of(-y))) == (1 if x > y else -1)


@given(FRACTIONS, FRACTIONS, st.sampled_from([2, -1, Fraction(1, 2), Fraction(-2, 3)]))
def test_values_in_decimals(x, y, p):
    """As those in doubles, to within their bounds of some 1e-50; signs are sure."""
    decimals = Decimals()
    a, b = decimals.of(x), decimals.of(y)
    found = [
        (a, true(x)),
        (decimals.plus(a, b), true(x + y)),
        (decimals.times(a, b), true(x * y)),
        (decimals.pi(), +mp.pi),
        *([(decimals.power(a, p), true(x) ** true(Fraction(p)))] if x > Fraction(1, 1000) else []),
        *((decimals.function(name, a), getattr(mp, name)(true(x))) for name in ("exp", "sin", "cosh")),
    ]
    for value, exact in found:
        assert abs(mp.mpf(str(value.x)) - exact) <= mp.mpf(str(value.error)) + abs(exact) * mp.mpf("1e-55")
        assert decimals.result(value) == pytest.approx(float(exact), rel=1e-15)
        assert decimals.sign(value) == (mp.sign(exact) if exact else UNKNOWN)  # 0 is known by its exact form alone
    assert (
        decimals.sign(decimals.plus(decimals.power(decimals.of(Fraction(2)), Fraction(1, 2)), decimals.anything))
        is UNKNOWN
    )
    assert decimals.sign(decimals.power(decimals.of(Fraction(-2)), Fraction(1, 2))) is UNKNOWN
    assert decimals.function("log", decimals.of(Fraction(-2))) is None
