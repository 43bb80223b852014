"""Running error bounds: what they say is beside the truth, by python-flint's correctly rounded derivatives."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps import rounding
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.certified import Certified
from bpcli.calculus.sweeps.rounding import lost_digits, slope_errors, value_errors
from bpcli.errors import BpcliError


def calculation(text, point):
    shapes = {name: np.shape(value) for name, value in point.items()}
    return Calculation([parse(text)], [text], shapes, list(point))


def slopes(made, point):
    return [[float(v) for block in made.jacobian(point)[1].values() for v in np.ravel(block)]]


CANCELLED = [
    ("(1-cos(x))/x**2", 1e-4),
    ("(1-cos(x))/x**2", 1e-8),
    ("sin(x)/x", 1e-8),
    ("(exp(x)-1)/x", 1e-9),
    ("sin(x)+(1-x)", -5.7e-9),
    ("(0.3-0.1*3)*x", 2.0),
    ("sum(sin(v*x)/x)", 1e-8),
    ("y*(x+(y-y))", 5.1e-50),  # by y: x + 1 − 1, added in this order
    ("sum(w*(x+(w-w)))", 5.1e-50),
]
SOUND = [
    ("x-x", 3.0),
    ("x**2-2*x", 1.0),
    ("100*(1-x**2)**2+(1-x)**2", 1.0),
    ("2+(x-2)", 2.3),
    ("sin(x)-sin(x)", 0.7),
    ("mse(0.5,x)", 0.5),
    ("log(1+exp(x))", -1000.0),
    ("sigmoid(x)", 40.0),
    ("1/(1+exp(-x))", -30.0),
    ("x**3-3*x+2", 1.00000001),
    ("norm(v*x)", 0.3),
    ("x/sqrt(x**2+1)", 3.0),
]


@pytest.mark.parametrize(("text", "x"), CANCELLED)
@pytest.mark.parametrize("balls", [True, False])
def test_lost_digits_are_told(monkeypatch, text, x, balls):
    if not balls:
        monkeypatch.setattr(rounding, "_in_balls", lambda *_: None)
    others = {"v": np.array([1.0, 2.0]), "w": np.array([1.0, -2.0]), "y": 1.0}
    point = {"x": x, **{name: value for name, value in others.items() if name in text}}
    made = calculation(text, point)
    assert lost_digits(made, point, slopes(made, point))


@pytest.mark.parametrize(("text", "x"), SOUND)
def test_no_false_alarm(monkeypatch, text, x):
    monkeypatch.setattr(rounding, "_in_balls", lambda *_: None)
    point = {"x": x, **({"v": np.array([1.0, 2.0])} if "v" in text else {})}
    made = calculation(text, point)
    assert not lost_digits(made, point, slopes(made, point))


def test_balls_dismiss_what_is_right_by_chance():
    point = {"x": 0.5}
    made = calculation("sin(x)**2+cos(x)**2", point)
    assert slope_errors(made, point)[0][0] > 0
    assert not lost_digits(made, point, slopes(made, point))


LEAVES = st.sampled_from(["x", "y", "2", "0.3", "1"])
TEXTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        *[st.builds(f"({{}}{op}{{}})".format, inner, inner) for op in "+-*/"],
        *[st.builds(f"{name}({{}})".format, inner) for name in ("sin", "cos", "exp", "log", "tanh", "sqrt", "expm1")],
        st.builds("({})**2".format, inner),
    ),
    max_leaves=6,
)


@given(TEXTS, st.floats(-9, 2), st.sampled_from([-1, 1]), st.floats(-3, 3))
@settings(max_examples=200, deadline=None)
def test_what_is_off_is_within_its_bound(text, exponent, sign, y):
    point = {"x": sign * 10**exponent, "y": y}
    made = calculation(text, point)
    (row,) = slopes(made, point)
    assume(all(math.isfinite(v) for v in row) and not made.kinks)
    try:
        (true,) = slopes(Certified(made), point)
    except BpcliError:
        assume(False)
    assume(not made.diagnostics.underflows(point))
    for slope, exact, bound in zip(row, true, slope_errors(made, point)[0], strict=True):
        if math.isfinite(exact) and max(abs(slope), abs(exact)) > 1e-290:
            assert abs(slope - exact) <= 2.0 * bound + 1e-12 * abs(exact)


@given(TEXTS, st.floats(0.01, 3), st.floats(-3, 3))
@settings(max_examples=100, deadline=None)
def test_a_value_is_within_its_bound(text, x, y):
    point = {"x": x, "y": y}
    made = calculation(text, point)
    values = made.sweeps.forward(point)
    assume(all(math.isfinite(v) for v in values))
    try:
        (true,) = Certified(made).value(point)
    except BpcliError:
        assume(False)
    (slot,) = made.program.outputs
    bound = value_errors(made, values, {})[slot]
    if math.isfinite(true):
        assert abs(values[slot] - float(true)) <= 2.0 * bound + 1e-15 * abs(true)
