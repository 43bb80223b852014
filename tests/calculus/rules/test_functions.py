"""The table of functions: values and slopes at kinks, at edges of domains, and where a branch is not taken."""

import math

import mpmath
import numpy as np
import pytest
from calculations import calculation

mpmath.mp.dps = 60


INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("text", "x", "value", "slope"),
    [
        ("abs(x)", 0.0, 0, 0),
        ("sign(x)", 0.0, 0, 0),
        ("relu(x)", 0.0, 0, 1),
        ("sqrt(x)", 0.0, 0, INF),
        ("sqrt(x)", -1.0, NAN, NAN),
        ("cbrt(x)", 0.0, 0, INF),
        ("log(x)", 0.0, -INF, INF),
        ("log(x)", -1.0, NAN, NAN),
        ("log2(x)", -1.0, NAN, NAN),
        ("log10(x)", -1.0, NAN, NAN),
        ("log1p(x)", -1.0, -INF, INF),
        ("log1p(x)", -2.0, NAN, NAN),
        ("asin(x)", 1.0, math.pi / 2, INF),
        ("asin(x)", 2.0, NAN, NAN),
        ("acos(x)", 1.0, 0, -INF),
        ("acosh(x)", 1.0, 0, INF),
        ("acosh(x)", 0.5, NAN, NAN),
        ("atanh(x)", 1.0, INF, INF),
        ("atanh(x)", 2.0, NAN, NAN),
        ("logit(x)", 0.0, -INF, INF),
        ("logit(x)", 1.0, INF, INF),
        ("exp(x)", 800.0, INF, INF),
        ("exp(x)", -800.0, 0, 0),
        ("1/x", 0.0, INF, -INF),
        ("floor(x)", -0.5, -1, 0),
        ("ceil(x)", 0.5, 1, 0),
        ("max(x,0)", 0.0, 0, 0.5),
        ("max(x,0,-x)", 0.0, 0, 0),
        ("min(x,2)", 2.0, 2, 0.5),
        ("clip(x,0,1)", 0.5, 0.5, 1),
        ("clip(x,0,1)", 3.0, 1, 0),
        ("clip(x,0,1)", 0.0, 0, 0.5),
        ("x**0", 0.0, 1, 0),
        ("x**1", 0.0, 0, 1),
        ("x**2", 0.0, 0, 0),
        ("x**3", -2.0, -8, 12),
        ("x**-1", 2.0, 0.5, -0.25),
        ("x**0.5", 4.0, 2, 0.25),
        ("(-2)**x", 2.0, 4, NAN),
        ("0**x", 2.0, 0, 0),
        ("x**2.5", -1.0, NAN, NAN),
        ("x>1", 2.0, 1, 0),
        ("(x==2)*x", 2.0, 2, 1),
        ("where(x>0,log(x),x)", 0.0, 0, 1),
        ("where(x>0,1/x,0)", 0.0, 0, 0),
        ("where(x<1,x**2,1/(x-1))", 1.0, INF, -INF),
        ("x*sqrt(x)", 0.0, 0, 0),
        ("hypot(x,0)", 0.0, 0, 0),
        ("atan2(x,0)", 1e200, math.pi / 2, 0),
        ("sigmoid(x)", -800.0, 0, 0),
        ("sigmoid(x)", 1e300, 1, 0),
        ("erf(x)", 1e300, 1, 0),
        ("tanh(x)", -1e300, -1, 0),
        ("softplus(x)", -1e300, 0, 0),
        ("exp2(x)", -1e300, 0, 0),
        ("cosh(x)", -1e300, INF, -INF),
        ("bce(0,x)", 0.0, 0, 1),
        ("bce(1,x)", 1.0, 0, -1),
        ("cce(0,x)", 0.0, 0, 0),
        ("x**(1/3)", 0.0, 0, INF),
        ("x**2.5", 0.0, 0, 0),
        ("softplus(x)", 800.0, 800, 1),
        ("x-x", INF, NAN, NAN),
    ],
)
def test_kinks_edges_and_untaken_branches(text, x, value, slope):
    one = calculation(text, x=x)
    blocks = one.gradient_block({"x": np.array([x, x])})
    for got, gradient in (one.gradient({"x": x}), (blocks[0][1], {"x": blocks[1]["x"][1]})):
        np.testing.assert_equal(float(got) + 0.0, float(value))
        np.testing.assert_equal(float(gradient["x"]) + 0.0, float(slope))
