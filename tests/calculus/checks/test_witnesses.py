"""Numbers in balls as witnesses: of derivatives, from the rules and from values alone."""

import mpmath
import pytest

from bpcli.calculus.checks.checking import check_calculation
from bpcli.calculus.checks.witnesses import proven_jacobian, proven_quotient
from bpcli.calculus.language.parser import parse
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.calculus.sweeps.calculation import Calculation

CASES = [
    ("sin(x)/x", lambda x: mpmath.sin(x) / x, 1e-8),
    ("(1-cos(x))/x**2", lambda x: (1 - mpmath.cos(x)) / x**2, 1e-4),
    ("exp(x**2)", lambda x: mpmath.exp(x**2), 1e-200),
    ("x**3", lambda x: x**3, -1e100),
    ("log(x)", mpmath.log, 0.3),
]


def made(text):
    return Calculation([parse(text)], [text], {"x": ()}, ["x"])


@pytest.mark.parametrize(("text", "function", "x"), CASES)
def test_both_are_the_derivative(text, function, x):
    with mpmath.workdps(800):
        true = float(mpmath.diff(function, mpmath.mpf(x), h=mpmath.mpf(10) ** -250))
    assert proven_quotient(made(text), {"x": x}, ("x", 0), 0) == pytest.approx(true, rel=1e-14)
    assert proven_jacobian(made(text), {"x": x})[0, 0] == pytest.approx(true, rel=1e-14)


def test_a_quotient_needs_no_rule(monkeypatch):
    monkeypatch.setattr(FUNCTIONS["sin"], "partials", (lambda xp, y, x: 7.0 * xp.cos(x),))
    assert proven_quotient(made("sin(x)"), {"x": 0.0}, ("x", 0), 0) == pytest.approx(1.0)


def test_what_has_no_value_has_no_witness():
    assert proven_quotient(made("log(x)"), {"x": -1.0}, ("x", 0), 0) is None
    assert proven_quotient(made("x-x"), {"x": 1.0}, ("x", 0), 0) == 0


@pytest.mark.parametrize(
    "text", ["x**2", "x**3", "x**4*3", "x*abs(x)", "relu(x)**2", "max(0,x)**3", "1-cos(x)", "x*floor(x)*x"]
)
def test_a_slope_of_0_is_what_quotients_fall_to(text):
    """(f(h) − f(−h))/2h of these is of the order of h, or of h²."""
    assert proven_quotient(made(text), {"x": 0.0}, ("x", 0), 0) == 0


def test_a_small_slope_beside_a_bend_is_not_0():
    assert proven_quotient(made("1e-100*x+x*abs(x)"), {"x": 0.0}, ("x", 0), 0) == 1e-100


def test_quotients_that_do_not_settle_are_no_witness():
    assert proven_quotient(made("where(x==0,0,x*cos(1/x))"), {"x": 0.0}, ("x", 0), 0) is None


WITHOUT_BALLS = """
import sys
sys.modules["flint"] = None
from tests.calculus.checks.test_witnesses import CASES, SPOILT, check_calculation, made, proven_quotient
for text, _, x in CASES:
    print(proven_quotient(made(text), {"x": x}, ("x", 0), 0))
for text, x in SPOILT:
    print(check_calculation(made(text), {"x": x}, ["f"])[0].agree)
"""
SPOILT = [
    *[("x/(exp(x)-1)", x) for x in (1e-5, -1e-5)],
    *[("x/(1-exp(-x))", 1e-5), ("(x/(exp(x)-1))**2", -1e-5), ("sin(x)/x", 1e-8), ("x/(exp(x)-1)*2", 3e-6)],
]


def test_decimals_are_witnesses_too(run_by):
    """Without python-flint the same numbers, and the same answers of `check` where rounding has spoilt quotients."""
    ended = run_by(1, ["-c", WITHOUT_BALLS])
    assert ended.stderr == ""
    *numbers, answers = ended.stdout.split(maxsplit=len(CASES))
    for found, (text, _, x) in zip(numbers, CASES, strict=True):
        assert float(found) == pytest.approx(proven_quotient(made(text), {"x": x}, ("x", 0), 0), rel=1e-14)
    expected = [check_calculation(made(text), {"x": x}, ["f"])[0].agree for text, x in SPOILT]
    assert answers.split() == [str(agree) for agree in expected]
    assert False not in expected
