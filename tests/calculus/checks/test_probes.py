"""The points at which formulas are tried: on every side of every kink, of both signs, at 0."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.calculus.checks.probes import kinks_between, probes_of, sides
from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation


def probes(text, point):
    shapes = {name: np.shape(value) for name, value in point.items()}
    made = Calculation([parse(text)], [text], shapes, list(point))
    return made, probes_of(made, list(point), point)


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
    assert len({tuple(sides(made, probe.inputs)) for probe in found}) >= 3


@pytest.mark.parametrize("text", ["abs(x-y)", "max(x,y)", "relu(x*y)", "max(v)", "sum(abs(v))*x", "norm(v)*x"])
def test_both_sides_of_every_step(text):
    point = {name: 0.4 for name in "xy" if name in text.replace("max", "")} | (
        {"v": np.array([1.0, 2.0])} if "v" in text else {}
    )
    made, found = probes(text, point)
    seen = np.array([sides(made, probe.inputs) for probe in found])
    for column in seen.T:
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


def test_kinks_by_bisection():
    places = kinks_between(lambda t: np.array([np.floor(t)]), [0.5, 3.25])
    assert places == pytest.approx([1, 2, 3])
    assert kinks_between(lambda t: np.sign([t**2 - 2]), [-5.0, 5.0]) == []
    assert kinks_between(lambda t: np.sign([t**2 - 2]), [-5.0, 0.0, 5.0]) == pytest.approx([-(2**0.5), 2**0.5])
