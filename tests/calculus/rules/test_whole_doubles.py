"""Values and gradients over the whole of the doubles, beside what is proven: tails, overflow, subnormals, kinks."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bpcli.calculus.language.parser import parse
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.certified import Certified, Undecided

ELEMENTWISE = [f"{n}(x)" for n, row in FUNCTIONS.items() if row.kind == "elementwise" and row.arity == (1, 1)]
COMPOSITES = [
    "1/(1+exp(-x))", "exp(x)/(1+exp(x))", "log(1+exp(x))", "log(sigmoid(x))", "1-sigmoid(x)", "log(1-sigmoid(x))",
    "bce(1,sigmoid(x))", "bce(y,sigmoid(x))", "-y*log(sigmoid(x))-(1-y)*log(1-sigmoid(x))",
    "-(y*log(1/(1+exp(-x)))+(1-y)*log(1-1/(1+exp(-x))))",
    "hypot(x,y)", "sqrt(x**2+y**2)", "atan2(x,y)", "log(exp(x)+exp(y))", "x/y", "x**y", "x**3", "x**1.5", "x**-2",
    "max(x,y)", "where(x<y,x,y)",
]  # fmt: skip
DOUBLES = st.one_of(
    st.floats(-4, 4), st.floats(-750, 750), st.floats(allow_nan=False, allow_infinity=False),
    st.builds(lambda s, e: s * 10.0**e, st.sampled_from([-1.0, 1.0]), st.integers(-300, 300)),
)  # fmt: skip


def distance(got, truth):
    """In units of the truth's last place; of a subnormal one unit is the smallest double."""
    if got == truth or (got != got and truth != truth):
        return 0.0
    return abs(got - truth) / math.ulp(truth) if math.isfinite(got) and math.isfinite(truth) else math.inf


def calculation(text, names):
    return Calculation([parse(text)], [text], dict.fromkeys(names, ()), names)


@pytest.mark.parametrize("text", [*ELEMENTWISE, *COMPOSITES])
def test_within_four_units(text):
    names = ["x", "y"] if "y" in text.replace("hypot", "") else ["x"]
    plain = calculation(text, names)
    proven = Certified(plain)
    labels = st.floats(0, 1) if "sigmoid" in text or text.startswith("-(") else DOUBLES

    @given(DOUBLES, labels)
    @settings(max_examples=40)
    @example(0.0, 0.0)
    @example(1.0, 1.0)
    @example(-1e308, 1.0)
    @example(5e-324, 0.5)
    def holds(x, y):
        point = dict(zip(["x", "y"], [x + 0.0, y + 0.0], strict=True))  # no −0, which rationals don't know
        point = {name: point[name] for name in names}
        value, gradient = proven.gradient(point)
        block = plain.gradient_block({name: np.array([v, v]) for name, v in point.items()})
        for v, g in (plain.gradient(point), (block[0][0], {name: block[1][name][0] for name in names})):
            unit = max(1.0, math.ulp(max(x, y)) / math.ulp(value)) if "exp(y)" in text else 1.0  # of its largest term
            assert isinstance(value, Undecided) or distance(v, value) <= 4 * unit
            for name in names:
                kink = gradient[name] != gradient[name] and v == v  # 0·∞, which balls leave at NaN
                assert kink or isinstance(gradient[name], Undecided) or distance(g[name], gradient[name]) <= 4

    holds()


@pytest.mark.parametrize("text", ["tanh(x)", "sigmoid(x)", "asin(x)", "acos(x)", "atanh(x)", "atan(x)", "hypot(x,0.3)"])
@given(st.builds(lambda s, e: s * 10.0**e, st.sampled_from([-1.0, 1.0]), st.floats(-14, -0.1)))
@settings(max_examples=30)
def test_second_derivatives_where_the_first_is_flat(text, x):
    plain = calculation(text, ["x"])
    got, truth = plain.hessian({"x": x})[2][0][0], Certified(plain).hessian({"x": x})[2][0][0]
    assert distance(got, truth) <= 12


@pytest.mark.parametrize("text", ["norm(x)", "logsumexp(x)", "softmax(x)[0]", "log_softmax(x)[1]", "sqrt(sum(x**2))"])
@given(st.lists(DOUBLES, min_size=2, max_size=4))
@settings(max_examples=40)
def test_vectors_neither_overflow_nor_underflow_on_the_way(text, values):
    x = np.array(values)
    plain = Calculation([parse(text)], [text], {"x": x.shape}, ["x"])
    got, truth = plain.gradient({"x": x}), Certified(plain).gradient({"x": x})
    unit = math.ulp(max(1.0, *map(abs, values))) if "log" in text else 0.0
    near = distance(got[0], truth[0]) <= 4 or abs(got[0] - truth[0]) <= 4 * unit
    assert near or isinstance(truth[0], Undecided)
    for a, b in zip(got[1]["x"].tolist(), truth[1]["x"].tolist(), strict=True):
        assert distance(a, b) <= 10 or isinstance(b, Undecided)
