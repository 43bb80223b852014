"""Changes of sides on lines are found wherever they lie, in bounded time; rounding may put a step on another side."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.calculus.checks.side_changes import (
    changes_on_lines,
    extremes_on_lines,
    heights,
    may_change_sides,
    pattern,
    patterns,
    sides,
)
from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation

ENDS = [-1.7e308, 0.0, 1.7e308]


def changes(side, grid):
    (groups,) = changes_on_lines(lambda line, places: pattern(np.atleast_2d(side(places))), 1, grid)
    return sorted({place for places in groups for place in places})


@given(st.floats(-1e308, 1e308).filter(bool))
@settings(max_examples=200)
def test_a_change_is_found_at_any_double(place):
    (found,) = changes(lambda t: 1.0 * (t >= place), ENDS)
    assert found == pytest.approx(place, rel=1e-12, abs=5e-324)


@given(st.floats(1e-300, 1e290), st.floats(1e-9, 1e9))
@settings(max_examples=100)
def test_two_changes_between_neighbours_of_the_grid_are_both_found(place, gap):
    ends = [place, place * (1 + gap)]
    found = changes(lambda t: np.array([1.0 * (t > end) for end in ends]), ENDS)
    assert found == pytest.approx(ends, rel=1e-12)


def test_changes_in_order():
    assert changes(np.floor, [0.5, 3.25]) == pytest.approx([1, 2, 3])
    assert changes(lambda t: np.sign(t**2 - 2), [-5.0, 5.0]) == []
    assert changes(lambda t: np.sign(t**2 - 2), [-5.0, 0.0, 5.0]) == pytest.approx([-(2**0.5), 2**0.5])


def test_of_very_many_changes_a_few_are_found_in_few_looks():
    looked = []

    def side(places):
        looked.append(len(places))
        return np.floor(1e6 * places)

    assert 1 < len(changes(side, [0.0, 1.0, 1e6])) <= 8
    assert sum(looked) < 1000


def test_changes_of_one_group_hide_none_of_another():
    def sides_at(line, places):
        return pattern(np.stack([np.floor(places), 1.0 * (places > 3e12)]))

    (groups,) = changes_on_lines(sides_at, 1, [0.5, 1e3, 1e300])
    assert groups[1] == [pytest.approx(3e12, rel=1e-12)]
    assert 1 < len(groups[0]) <= 8


@given(st.floats(-9, 9), st.floats(0.1, 5))
def test_extremes_are_found_between_neighbours(place, slope):
    line, found, kind, height = extremes_on_lines(
        lambda line, places: np.stack([slope * (places - place) ** 2, -slope * (places - place) ** 2 + places * 0]),
        1,
        np.linspace(-10, 10, 50),
    )
    assert (line.tolist(), sorted(kind.tolist())) == ([0, 0], [[0, -1], [1, 1]])
    assert found == pytest.approx(place, abs=1e-6)
    assert height == pytest.approx(0, abs=1e-9)


def test_heights_are_operands_of_steps_with_kinks_and_their_differences():
    text = "where(sin(x)>0.9,0,x)"
    program = Calculation([parse(text)], [text], {"x": ()}, ["x"]).program
    x = np.array([0.3, 1.5])
    assert any(np.allclose(row, np.sin(x) - 0.9) for row in heights(program, {"x": x}))
    assert heights(
        Calculation([parse("abs(v)")], ["abs(v)"], {"v": (99,)}, ["v"]).program, {"v": np.ones((99, 2))}
    ).shape == (0, 2)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("relu(x-1)", [0.9, 1.1]),
        ("clip(x,-1,1)", [0.5, 1.5]),
        ("hinge(1,x)", [0.5, 1.5]),
        ("where(x>3,1,x)", [2.9, 3.1]),
        ("floor(x)", [0.5, 1.5]),
        ("max(x,2)", [1.0, 3.0]),
        ("max([x,2,0])", [1.0, 3.0]),
    ],
)
def test_points_on_two_sides_have_two_patterns(text, places):
    program = Calculation([parse(text)], [text], {"x": ()}, ["x"]).program
    one, other = patterns(program, {"x": np.array(places)}).T.tolist()
    assert one != other
    assert patterns(program, {"x": np.array(places[:1])}).T.tolist() == [one]  # also of a point alone
    assert len(sides(program, {"x": np.array(places)}).T) == 2


@pytest.mark.parametrize(
    ("text", "x", "turns"),
    [("relu(x+0.3-0.3)", 2e-17, True), ("relu(x+0.3-0.3)", 1e-3, False), ("x-1e-300>0", 1e-8, False)],
)
def test_rounding_may_put_a_step_on_another_side(text, x, turns):
    made = Calculation([parse(text)], [text], {"x": ()}, ["x"])
    assert may_change_sides(made, {"x": x}) == turns
