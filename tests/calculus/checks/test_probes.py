"""The points at which formulas are tried: on every side of every kink, of both signs, at 0."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bpcli.api.derivative_checks import grade
from bpcli.calculus.checks.probes import Written, probes_of
from bpcli.calculus.checks.side_changes import sides
from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation


def probes(text, point):
    shapes = {name: np.shape(value) for name, value in point.items()}
    made = Calculation([parse(text)], [text], shapes, list(point))
    return made, probes_of(made, list(point), point)


def seen_at(made, found):
    columns = {n: np.stack([np.asarray(p.inputs[n], float) for p in found], axis=-1) for n in found[0].inputs}
    return sides(made.program, columns).T


@given(st.floats(-200, 200), st.floats(-200, 200))
@settings(max_examples=60)
def test_every_piece_between_two_kinks_is_visited(a, b):
    low, high = sorted((a, b))
    _, found = probes(f"clip(x,{low!r},{high!r})", {"x": 0.67})
    xs = [probe.inputs["x"] for probe in found]
    assert min(xs) < low
    assert max(xs) > high
    if high - low > 1e-6 * max(abs(low), abs(high), 1.0):
        assert any(low < x < high for x in xs)


@given(st.floats(-100, 100), st.floats(0.01, 50))
@settings(max_examples=60)
def test_a_window_is_found(start, width):
    """Between neighbours of the grid lies all that is not constant: found by the steps' own sides."""
    made, found = probes(f"where(x>{start!r},where(x<{start + width!r},x**2,x),x)", {"x": 0.5})
    assert any(start < probe.inputs["x"] < start + width for probe in found)
    assert len(set(map(tuple, seen_at(made, found).tolist()))) >= 3


@pytest.mark.parametrize("text", ["abs(x-y)", "max(x,y)", "relu(x*y)", "max(v)", "sum(abs(v))*x", "norm(v)*x"])
def test_both_sides_of_every_step(text):
    point = {name: 0.4 for name in "xy" if name in text.replace("max", "")} | (
        {"v": np.array([1.0, 2.0])} if "v" in text else {}
    )
    made, found = probes(text, point)
    for column in seen_at(made, found).T:
        assert len(set(column.tolist())) > 1


def test_signs_zero_and_sizes():
    _, found = probes("x*y", {"x": 0.4, "y": -2.0})
    for name in ("x", "y"):
        values = [probe.inputs[name] for probe in found]
        assert 0.0 in values
        assert {np.sign(v) for v in values} == {-1, 0, 1}
        assert max(map(abs, values)) > 100
        assert min(abs(v) for v in values if v) < 0.01
    assert all(abs(v) < 10 and v != 0 for probe in found if probe.plain for v in probe.inputs.values())
    assert probes("x*y", {"x": 0.4, "y": -2.0})[1] == found  # the same each time


@given(
    st.lists(st.tuples(st.sampled_from([">", "<"]), st.floats(0.2, 400)), min_size=2, max_size=5),
    st.lists(st.sampled_from([-1.0, 1.0]), min_size=5, max_size=5),
)
@settings(max_examples=60)
def test_all_conditions_hold_at_once_somewhere(conditions, signs):
    limits = [sign * limit for (_, limit), sign in zip(conditions, signs, strict=False)]
    names = "abcde"[: len(limits)]
    text = "*".join(f"({n}{op}{limit!r})" for n, (op, _), limit in zip(names, conditions, limits, strict=True))
    _, found = probes(text, {name: 0.4 + 0.1 * k for k, name in enumerate(names)})
    holds = {">": lambda x, limit: x > limit, "<": lambda x, limit: x < limit}
    assert any(
        all(holds[op](p.inputs[n], limit) for n, (op, _), limit in zip(names, conditions, limits, strict=True))
        for p in found
    )


@pytest.mark.parametrize("size", [3, 12, 40])
def test_all_entries_of_a_vector_are_beyond_their_kinks_at_once(size):
    _, found = probes("prod(relu(v-1))", {"v": np.full(size, 0.5)})
    assert any((probe.inputs["v"] > 1).all() for probe in found)
    assert any((probe.inputs["v"] > 1).sum() == 1 for probe in found)


@given(st.floats(1e-12, 1e15), st.floats(1.000001, 3), st.sampled_from([-1, 1]))
@settings(max_examples=60)
def test_the_kinks_of_an_answer_are_kinks_too(start, ratio, sign):
    low, high = sorted((sign * start, sign * start * ratio))
    text = f"(x>{low!r})*(x<{high!r})"
    answer = Calculation([parse(text)], [text], {"x": ()}, ["x"])
    made, _ = probes("x**2", {"x": 0.67})
    written = Written({abs(low), abs(high)}, lambda columns: sides(answer.program, columns))
    found = [probe.inputs["x"] for probe in probes_of(made, ["x"], {"x": 0.67}, written)]
    assert any(low < x < high for x in found)
    assert any(x < low for x in found)
    assert any(x > high for x in found)


@pytest.mark.parametrize(
    "text", ["floor(1e6*x)", "sin(1e9*x)>0", "max(x,1/x)", "floor(x**2)", "floor(1/x)", "abs(tan(x))", "sign(sin(1/x))"]
)
def test_of_very_many_jumps_and_of_poles_some_are_tried(text):
    _, found = probes(text, {"x": 0.4})
    assert 40 < len(found) < 400


def test_where_something_is_compared_entries_are_alike():
    point = {"v": np.array([0.2, 0.5, 0.9]), "x": 0.7}
    shapes = {"v": (3,), "x": ()}
    answer = Calculation([parse("max(v)*x")], ["max(v)*x"], shapes, [])
    made, none = probes("sum(v)*x", point)
    assert not any(probe.tie for probe in none)
    found = probes_of(made, ["v", "x"], point, Written((), lambda columns: sides(answer.program, columns)))
    alike = [
        {tuple(np.flatnonzero(p.inputs["v"] == value)) for value in [*p.inputs["v"], p.inputs["x"]]} for p in found
    ]
    for pair in ((0, 1), (0, 2), (1, 2), (0, 1, 2)):
        assert any(pair in places for places in alike)
    assert any(p.inputs["x"] in p.inputs["v"] for p in found)


ALONE = ["x", "y", "x*y", "x-y", "y-x", "x+y", "x-2*y", "abs(x)", "x**2-4", "exp(x)-1", "sinh(y)", "x**2+y**2"]
DIVISORS = [form.format(one) for one in ALONE for form in ("{0}", "({0})**2", "abs({0})", "({0})**3*(1+x**2)")]
SLOPES = {  # of functions that have slopes everywhere, by x and y, worked by hand
    "x**3+y**2": ("3*x**2", "2*y"),
    "x*abs(x)*y": ("2*abs(x)*y", "x*abs(x)"),
    "exp(x*y)": ("y*exp(x*y)", "x*exp(x*y)"),
    "(x-y)**2": ("2*(x-y)", "-2*(x-y)"),
    "where(x==0,1,sin(x)/x)+y": ("where(x==0,0,(x*cos(x)-sin(x))/x**2)", "1"),
    "relu(x)**2+atan(y)": ("2*relu(x)", "1/(1+y**2)"),
    "log(1+exp(x-y))": ("sigmoid(x-y)", "-sigmoid(x-y)"),
}


@given(st.sampled_from(sorted(SLOPES)), st.sampled_from(DIVISORS), st.integers(0, 1), st.booleans())
@settings(max_examples=40, deadline=None, phases=[Phase.generate])
def test_an_answer_that_divides_by_0_is_not_right_there(text, divisor, k, before):
    """2·x²/x is 0/0 at 0, where the derivative of x² is 0."""
    parts = list(SLOPES[text])
    one = f"({divisor})"
    quotient = f"{one}*({parts[k]})/{one}" if before else f"({parts[k]})*{one}**-1*{one}"
    parts[k] = quotient
    found = grade(text, mine=", ".join(parts))
    assert found.finding == "domain", found
    assert eval(divisor, {"exp": np.exp, "sinh": np.sinh, "abs": abs}, dict(found.counterexample)) == 0
    parts[k] = f"where({divisor}==0,{SLOPES[text][k]},{quotient})"
    assert grade(text, mine=", ".join(parts)).finding == "right"


WITHOUT_A_SLOPE_THERE = [
    ("abs(x)", "x/abs(x)"),
    ("relu(x-y)", "relu(x-y)/(x-y), -relu(x-y)/(x-y)"),
    ("sin(x)/x", "(x*cos(x)-sin(x))/x**2"),
    ("log(abs(x-y))", "1/(x-y), 1/(y-x)"),
    ("norm(v)", "v/norm(v)"),
    ("x**y", "x**y*y/x, x**y*log(x)"),
    ("x**2*log(x)", "2*x*log(x)+x"),
    ("atan2(y,x)", "-y/(x**2+y**2), x/(x**2+y**2)"),
    ("-y*log(p)-(1-y)*log(1-p)", "-y/p+(1-y)/(1-p), log((1-p)/p)"),
    ("bce", "-y/yhat+(1-y)/(1-yhat)"),
    ("bce", "(yhat-y)/(yhat*(1-yhat))"),
    ("relu", "a/z"),
    ("poisson", "(yhat-y)/yhat"),
    ("sigmoid", "exp(-z)/(1+exp(-z))**2"),
]


@pytest.mark.parametrize(("text", "mine"), WITHOUT_A_SLOPE_THERE)
def test_where_there_is_no_slope_or_the_domain_ends_an_answer_may_divide_by_0(text, mine):
    assert grade(text, mine=mine).finding == "right"


@pytest.mark.parametrize(("x", "y"), [(0.3, 0.7), (0.9, 0.1), (1.3, 0.2)])
def test_a_divisor_that_rounding_may_have_made_0_is_no_mistake(x, y):
    """0.3·0.7 − 0.21 is 0 in doubles, and −5e-18 of these doubles exactly."""
    assert Fraction(x) * Fraction(y) != Fraction(x * y)
    one = f"(x*y-{x * y!r})"
    assert grade("x**3*y/3", mine=f"x**2*y*{one}/{one}, x**3/3", x=0.5, y=y).finding in ("right", "open")
