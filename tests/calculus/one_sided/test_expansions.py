"""Functions of series in h: their terms are those of the Taylor series that mpmath gives."""

from fractions import Fraction

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.calculus.one_sided.expansions import SeriesKind

mp = mpmath.MPContext()
mp.dps = 40
LENGTH = 6
KIND = SeriesKind(False, LENGTH)
FUNCTIONS = ["sin", "cos", "tan", "exp", "sinh", "cosh", "tanh", "arctan", "arcsinh", "sqrt", "log"]


def coefficients(series, count):
    return [KIND.approximate(series.coefficient(k)) for k in range(count)]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("at", [0.5, 1.25, 3.0])
def test_a_function_about_a_number_where_it_is_smooth(name, at):
    found = KIND.namespace.functions[name](KIND.moved(at, 1.0))
    true = mp.taylor(getattr(mp, name.replace("arc", "a")), at, 3)
    assert coefficients(found, 4) == pytest.approx([float(c) for c in true], rel=1e-12, abs=1e-14)


@given(st.fractions(-3, 3, max_denominator=20), st.integers(1, 5))
def test_whole_powers_of_a_series_are_binomial(a, n):
    found = KIND.raised(KIND.moved(float(a), 1.0), Fraction(n))
    exact = Fraction(float(a))
    true = [
        mp.binomial(n, k) * (mp.mpf(exact.numerator) / exact.denominator) ** (n - k) if k <= n else 0 for k in range(4)
    ]
    assert coefficients(found, 4) == pytest.approx([float(c) for c in true], rel=1e-12, abs=1e-14)


def test_a_quotient_of_what_vanishes():
    h = KIND.moved(0.0, 1.0)
    sine = KIND.namespace.functions["sin"](h)
    assert coefficients(KIND.divide(sine, h), 5) == pytest.approx([1, 0, -1 / 6, 0, 1 / 120])
    assert KIND.root(h * h, 2).coefficient(1) == h.coefficient(1)


def test_to_the_left_the_direction_is_negative():
    found = KIND.namespace.functions["exp"](KIND.moved(0.0, -1.0))
    assert coefficients(found, 4) == pytest.approx([1, -1, 1 / 2, -1 / 6])
