"""Difference quotients: near the true derivative, as near as they say, where well-known checkers go wrong."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bpcli.calculus.checks import checking
from bpcli.calculus.checks.checking import check_calculation
from bpcli.calculus.checks.differences import Complex, complex_step, complexes, difference_quotients
from bpcli.calculus.language.parser import parse
from bpcli.calculus.rules.functions import FUNCTIONS, OPERATORS
from bpcli.calculus.sweeps.calculation import Calculation

mp = mpmath.MPContext()
mp.dps = 50
INF = math.inf


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x: 1e-6 * x * x, 1.0, 2e-6),
        (lambda x: math.sin(1e4 * x), 1.0, 1e4 * math.cos(1e4)),
        (lambda x: 1 / x if x else INF, 1e-3, -1e6),
        (lambda x: 1e8 + x * x, 1.0, 2.0),
        (lambda x: x * x, 1e150, 2e150),
        (lambda x: x * x, 1e-150, 2e-150),
        (lambda x: math.exp(x) if x < 700 else INF, 50.0, math.exp(50)),
        (lambda x: math.log(x) if x > 0 else math.nan, 1e-200, 1e200),
        (lambda x: math.sin(2 * math.pi * 1024 * x), 0.3, 2048 * math.pi * math.cos(2048 * math.pi * 0.3)),
        (lambda x: math.sqrt(x) if x >= 0 else math.nan, 1e-30, 0.5e15),
        (lambda x: x * x, 0.0, 0.0),
        (math.cos, math.pi, 0.0),
    ],
)
def test_known_slopes(f, x, slope):
    (estimate,) = difference_quotients(lambda v: [f(v)], x)
    assert abs(estimate.value - slope) <= max(10 * estimate.error, 1e-13 * abs(slope))
    assert estimate.error <= 1e-5 * abs(slope) + 1e-13


ANALYTIC = {
    "exp": mp.exp, "log": mp.log, "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "sinh": mp.sinh, "cosh": mp.cosh,
    "tanh": mp.tanh, "arcsin": mp.asin, "arccos": mp.acos, "arctan": mp.atan, "arcsinh": mp.asinh, "arctanh": mp.atanh,
    "expm1": mp.expm1, "log1p": mp.log1p, "sqrt": mp.sqrt, "cbrt": mp.cbrt, "exp2": lambda x: mp.mpf(2) ** x,
    "log2": lambda x: mp.log(x, 2), "log10": mp.log10,
}  # fmt: skip


@pytest.mark.parametrize("name", ANALYTIC)
@given(st.floats(0.01, 0.99))
@settings(max_examples=20)
def test_the_complex_step(name, x):
    function = getattr(complexes(), name)
    (estimate,) = complex_step(lambda z: [function(z)], x)
    exact = mp.diff(ANALYTIC[name], mp.mpf(x))
    assert abs(estimate.value - exact) <= 1e-14 * abs(exact)


def test_what_has_no_complex_step():
    assert complex_step(lambda z: [complexes().erf(z)], 0.5) is None
    assert complex_step(lambda z: [complexes().log(z)], -0.5) is None
    (estimate,) = complex_step(lambda z: [abs(z)], -0.5)
    assert estimate.value == -1
    assert Complex(1 + 2j) > 0


NAMES = {name: ["x"] for name, row in FUNCTIONS.items() if row.kind == "elementwise" and row.arity == (1, 1)}
TEXTS = {name: f"{name}(x)*y" for name in NAMES} | {op: f"x{op}y" for op in ("+", "-", "*", "/", "**")}
TEXTS |= {
    "hypot": "hypot(x,y)",
    "atan2": "atan2(x,y)",
    "mse_term": "mse(y,x)",
    "bce_term": "bce(y,x)",
    "cce_term": "cce(y,x)",
}


def point_of(name):
    return {"x": 1.7 if name == "acosh" else 0.4, "y": 0.7}


def checked(text, point, outputs=("f",)):
    return check_calculation(Calculation([parse(text)], [text], dict.fromkeys(point, ()), list(point)), point, outputs)


@pytest.mark.parametrize("name", TEXTS)
def test_a_right_rule_passes(name):
    assert all(entry.agree for entry in checked(TEXTS[name], point_of(name)))


@pytest.mark.parametrize("wrong", ["zero", "sign", "factor", "small"])
@pytest.mark.parametrize("name", sorted(set(TEXTS) - {"sign", "floor", "ceil"}))
def test_a_wrong_rule_is_caught(monkeypatch, name, wrong):
    row = FUNCTIONS.get(name) or OPERATORS[name]
    change = {
        "zero": lambda p: p * 0.0,
        "sign": lambda p: -p,
        "factor": lambda p: 2.0 * p,
        "small": lambda p: p * 1.00001,
    }
    rules = [(lambda *a, rule=rule: change[wrong](rule(*a))) for rule in row.partials]
    monkeypatch.setattr(row, "partials", rules)
    found = checked(TEXTS[name], point_of(name))
    assert any(entry.agree is False for entry in found), found


PIECES = st.recursive(
    st.sampled_from(["x", "y", "2", "0.3"]),
    lambda inner: st.one_of(
        *[st.builds(f"({{}}{op}{{}})".format, inner, inner) for op in "+-*/"],
        *[
            st.builds(f"{name}({{}})".format, inner)
            for name in ("sin", "exp", "tanh", "sigmoid", "relu", "abs", "sqrt")
        ],
        st.builds("({})**2".format, inner),
        st.builds("max({},{})".format, inner, inner),
    ),
    max_leaves=8,
)


@given(PIECES, st.floats(-3, 3), st.floats(-3, 3))
@example("(y*(x+(y-y)))", 5.126731987444016e-50, 1.0)
@settings(max_examples=150)
def test_no_false_alarm(text, x, y):
    with np.errstate(all="ignore"):
        found = checked(text, {"x": x, "y": y})
    for entry in found:
        assert entry.agree is not False, (entry, text)


@pytest.mark.parametrize(
    ("text", "y", "why"),
    [
        ("y/tanh(y)", 1e-6, "the exact one cancels"),
    ],
)
def test_an_exact_slope_that_is_lost_to_rounding_is_left_open(text, y, why):
    (entry,) = checked(text, {"y": y})
    assert (entry.agree, entry.why) == (None, why)


@pytest.mark.parametrize("y", [1e-290, 1.1125369292536007e-308])
def test_a_slope_that_hundreds_of_decimals_settle_is_confirmed(y):
    """Of y + y/y it is 1 + 1/y − y/y², which is 1."""
    (entry,) = checked("y+y/y", {"y": y})
    assert (entry.agree, entry.exact) == (True, 1.0)


def test_without_balls_the_error_bound_tells_of_lost_digits(monkeypatch):
    monkeypatch.setattr(checking, "proven_quotient", lambda *_: None)
    (entry,) = checked("y+y/y", {"y": 1e-290})
    assert (entry.agree, entry.why) == (None, "the exact one cancels")


def test_a_complex_step_that_underflows_is_no_witness():
    assert checked("((x)**2)**2", {"x": 1.1542515093290772e-66})[0].agree is not False


def test_kinks_are_left_open():
    (entry,) = checked("relu(x)", {"x": 0.0})
    assert (entry.agree, entry.why) == (None, "at a kink")
    assert checked("relu(x)", {"x": 1e-9})[0].agree
    assert checked("|x-1|*x", {"x": 1.0})[0].agree is None
