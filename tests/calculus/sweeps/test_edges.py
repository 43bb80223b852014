"""At edges of functions both sides of the point say what the slope is, also where the plain sweep gives 0·∞."""

import math

import mpmath
import numpy as np
import pytest
from calculations import calculation

from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation

mpmath.mp.dps = 60


INF, NAN = math.inf, math.nan


def test_a_jacobian_says_what_zero_times_infinity_comes_to():
    for texts in (["cbrt(x**3)", "x"], ["cbrt(x**3)"]):
        one = Calculation([parse(t) for t in texts], texts, {"x": ()}, ["x"])
        assert one.jacobian({"x": 0.0})[1]["x"][0][0] == 1
    one = Calculation([parse("sqrt(relu(x-4))"), parse("x")], ["sqrt(relu(x-4))", "x"], {"x": ()}, ["x"])
    assert one.jacobian({"x": 0.0})[1]["x"] == [[0.0], [1.0]]


def test_an_entry_that_is_not_taken_adds_nothing():
    v = np.array([0.0, 4.0])
    for text in ("sqrt(v)[1]", "sqrt(v[1])", "max(sqrt(v))", "sum(sqrt(v)[1:2])"):
        _, gradient = calculation(text, v=v).gradient({"v": v})
        assert gradient["v"].tolist() == [0, 0.25]


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("x*sqrt(x)", 0.0),
        ("sqrt(x**4)", 0.0),
        ("sqrt(x)*sqrt(x)", 1.0),
        ("sqrt(x)**2", 1.0),
        ("sqrt(x)**2+x", 2.0),
        ("cbrt(x**3)", 1.0),
        ("cbrt(x)**3", 1.0),
        ("x**(1/3)*x**(2/3)", 1.0),
        ("exp(log(x))", 1.0),
        ("(x**2)**0.75", 0.0),
        ("cbrt(x)**2", NAN),  # it grows without bound, to −∞ on the left and to ∞ on the right
    ],
)
def test_zero_times_infinity_is_what_it_comes_to(text, slope):
    value, gradient = calculation(text, x=0.0).gradient({"x": 0.0})
    assert value == 0
    assert gradient["x"] == pytest.approx(slope, rel=1e-13, nan_ok=True)
    blocks = calculation(text, x=0.0).gradient_block({"x": np.array([0.0, 1.0])})
    assert blocks[1]["x"][0] == pytest.approx(slope, rel=1e-13, nan_ok=True)


FACTORS = ["exp(800)*exp(-800)", "1e-200**2/1e-200**2", "cosh(900)/cosh(900)"]
CORNERS = [
    "abs(x)", "relu(x)**2", "max(x,2*x)", "norm([x,3*x])", "where(x>0,sin(x),x**2)", "x*abs(x)", "min(abs(x),x**2)",
    "leaky_relu(x)*x", "clip(x,0,1)", "abs(sin(x))**3", "sqrt(abs(x))*x", "floor(x)+x",
]  # fmt: skip


@pytest.mark.parametrize("kink", ["lecture", "left", "right"])
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("text", CORNERS)
def test_a_factor_of_1_that_leaves_the_doubles_changes_no_side(text, factor, kink):
    found = []
    for shown in (text, f"({text})*{factor}"):
        made = calculation(shown, {"x": 0.0})
        made.kink = kink
        value, gradient = made.gradient({"x": 0.0})
        first = [(one.left, one.right) for one in made.kinks]
        matrix = np.ravel(made.hessian({"x": 0.0})[2]).tolist()
        found.append([value, gradient["x"], *matrix, *np.ravel(first)])
        kinks = []
        values, slopes = made.gradient_block({"x": np.array([0.0, 1.5])}, kinks=kinks)
        found[-1] += [values[0], slopes["x"][0], *np.ravel([(one.left, one.right) for one in kinks if one.point == 0])]
    assert found[1] == pytest.approx(found[0], rel=1e-14, nan_ok=True)
