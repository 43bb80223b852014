"""Functions of series in h: their terms are those of the Taylor series that mpmath gives."""

import math
from fractions import Fraction

import mpmath
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import bpcli
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


LINES = st.lists(st.tuples(st.sampled_from([0.0, 0.0, 0.5, -1.0]), st.integers(-3, 3)), min_size=2, max_size=4)


@pytest.mark.filterwarnings("ignore::bpcli.KinkWarning", "ignore::bpcli.NotFiniteWarning")
@settings(max_examples=20, deadline=None)
@example([(0.0, 1), (0.0, 0)], 0, "log_softmax({})[{}]")
@given(LINES, st.integers(0, 3), st.sampled_from(["log_softmax({})[{}]", "log(softmax({})[{}])"]))
def test_classes_that_tie_have_an_order_beside_the_tie(lines, k, text):
    """By hand: along logits a + b·x, (log p_k)'' = -Var(b) with the probabilities p; beside a kink it is a series."""
    k %= len(lines)
    powers = [mp.exp(a) for a, _ in lines]
    p = [power / sum(powers) for power in powers]
    mean = sum(q * b for q, (_, b) in zip(p, lines, strict=True))
    curve = -sum(q * (b - mean) ** 2 for q, (_, b) in zip(p, lines, strict=True))
    logits = ",".join(f"{a}+({b})*x" for a, b in lines)
    kinked = f"{text.format(f'[{logits}]', k)}+x*abs(x)"
    for certify in (False, True):
        for kink, bend in (("left", -2), ("right", 2), ("lecture", 0)):
            found = float(bpcli.hessian(kinked, kink=kink, certify=certify)(x=0.0)[0, 0])
            unknown = len(lines) > 3 and math.isnan(found)  # the series of many slopes may take too much work
            assert unknown or found == pytest.approx(float(curve + bend), rel=1e-12, abs=1e-12)
