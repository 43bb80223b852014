"""The sweeps at one point: floats and arrays agree, in one sweep or in many, for outputs that repeat."""

import math

import numpy as np
import pytest
from calculations import built, calculation
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import scalar_trees

from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.calculus.sweeps import one_point

RNG = np.random.default_rng(11)


JUMPING = {"sign", "floor", "ceil", "where", "clip", "abs", "relu"}


SMOOTH = sorted(n for n, row in FUNCTIONS.items() if row.kind == "elementwise" and n not in JUMPING)


@pytest.mark.slow
@settings(max_examples=80)
@given(scalar_trees(functions=SMOOTH), st.floats(-3, 3), st.floats(-3, 3))
def test_floats_and_arrays_agree(tree, x, y):
    """Function by function to 4 ulp of the truth (see test_functions); together as far as their condition allows."""
    one = built(tree, {"x": (), "y": ()}, ["x", "y"])
    value, gradient = one.gradient({"x": x, "y": y})
    on_the_way = np.abs(one.program.forward(one.namespace, {"x": x, "y": y}))
    found = np.array([value, gradient["x"], gradient["y"]])
    assume(np.isfinite(found).all() and np.abs(found).max() < 1e3)
    assume(((on_the_way == 0) | ((on_the_way > 1e-3) & (on_the_way < 1e3))).all())
    values, slopes = one.gradient_block({"x": np.array([x, 1.0]), "y": np.array([y, 2.0])})
    np.testing.assert_allclose([values[0], slopes["x"][0], slopes["y"][0]], found, rtol=1e-10, atol=1e-10)


V = np.array([3.0, 4.0])


def test_errors_of_sums_do_not_grow():
    x = RNG.random(200_001)
    exact = math.fsum(x)
    assert abs(calculation("sum(x)", {"x": x}).value({"x": x})[0] - exact) <= 4 * np.spacing(exact)
    A = np.repeat(x[:, None], 3, axis=1)
    columns = calculation("sum(A,axis=0)", {"A": A}).value({"A": A})[0]
    assert np.abs(columns - exact).max() <= 4 * np.spacing(exact)
    # The slope by a number that is spread over a vector is a sum over the vector.
    slope = calculation("sum(x*s)", {"x": x, "s": 1.0}).gradient({"x": x, "s": 1.0})[1]["s"]
    assert abs(slope - exact) <= 4 * np.spacing(exact)


@pytest.mark.parametrize("text", ["tanh(A@x)*x[0]", "softmax(x)*sum(A)", "A.T@(A@x)"])
def test_sweeps_of_few_seeds_give_the_same(text, monkeypatch):
    point = {"A": RNG.normal(size=(3, 4)), "x": RNG.normal(size=4)}
    one = calculation(text, point)
    whole, square = one.jacobian(point)[1], calculation(f"sum({text})", point).hessian(point)[2]
    columns = calculation(f"[{text},{text}]", {"A": point["A"], "x": point["x"]})
    wide = columns.jacobian(point)[1]
    monkeypatch.setattr(one_point, "SWEEP_ENTRIES", 1)
    for name in point:
        np.testing.assert_allclose(one.jacobian(point)[1][name], whole[name], rtol=1e-13)
        np.testing.assert_allclose(columns.jacobian(point)[1][name], wide[name], rtol=1e-13)
    np.testing.assert_allclose(calculation(f"sum({text})", point).hessian(point)[2], square, rtol=1e-13)


def test_outputs_are_stacked_and_may_repeat():
    point = {"x": 2.0, "y": 3.0}
    one = calculation(["x*y", "x", "x*y", "7"], point)
    assert one.jacobian(point) == (
        [6.0, 2.0, 6.0, 7.0],
        {"x": [[3.0], [1.0], [3.0], [0.0]], "y": [[2.0], [0.0], [2.0], [0.0]]},
    )
    assert one.vjp(point, [1.0, 10.0, 100.0, 1000.0])[1] == {"x": 313.0, "y": 202.0}
    assert one.jvp(point, [1.0, 1.0])[1] == [5.0, 1.0, 5.0, 0.0]
    vectors = {"x": V, "y": 3.0}
    values, blocks = calculation(["x*y", "x", "x*y"], vectors).jacobian(vectors)
    assert [v.tolist() for v in values] == [[9, 12], [3, 4], [9, 12]]
    assert blocks["x"].tolist() == [[3, 0], [0, 3], [1, 0], [0, 1], [3, 0], [0, 3]]
    assert blocks["y"].tolist() == [[3], [4], [0], [0], [3], [4]]
    many = {"x": np.ones(5)}
    assert calculation(["sum(x)", "x[1]", "sum(x)"], many).jacobian(many)[1]["x"].tolist() == [
        [1, 1, 1, 1, 1],
        [0, 1, 0, 0, 0],
        [1, 1, 1, 1, 1],
    ]


FADING = ["tanh({})", "exp(-{})", "softplus(-{})", "erf({})"]


@pytest.mark.parametrize("text", FADING)
@pytest.mark.parametrize("x", [30.0, 800.0, 1e4, 1e150])
def test_a_slope_that_fades_is_a_loss_of_digits_in_arrays_only_where_it_is_in_floats(text, x):
    """The value is an ordinary number, or 0: what underflows on the way to the slope has no digit to lose."""
    point = {"x": x, "y": x / 2}
    one = calculation(f"{text.format('x')} + {text.format('y')}", point)
    both = calculation(f"sum({text.format('[x,y]')})", point)
    assert one.gradient(point)[1] == pytest.approx(both.gradient(point)[1], rel=1e-14, abs=0)
    assert both.settled or not one.settled
    assert one.left_range or not both.left_range
