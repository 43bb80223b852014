"""Combinations of sides are found one after the other, and regions so small that no line of a grid meets them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.calculus.checks.probes import Written, probes_of
from bpcli.calculus.checks.side_changes import heights, sides
from bpcli.calculus.checks.side_search import about, moved, some_of
from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation


def values_of(text, names):
    """The values of a condition at all points that are tried."""
    point = {name: 0.3 + 0.1 * k for k, name in enumerate(names)}
    whole = f"where({text},{'+'.join(names)},0)"
    made = Calculation([parse(whole)], [whole], dict.fromkeys(names, ()), list(names))
    condition = Calculation([parse(text)], [text], dict.fromkeys(names, ()), [])
    return {condition.value(probe.inputs)[0] for probe in probes_of(made, list(names), point)}


@given(st.lists(st.floats(0.5, 300), min_size=2, max_size=5), st.permutations("abcde"))
@settings(max_examples=30)
def test_conditions_in_a_chain_hold_somewhere(limits, letters):
    chain = "".join(letters[: len(limits)])
    parts = [f"({x}>{y}+{limit!r})" for x, y, limit in zip(chain[1:], chain, limits[1:], strict=False)]
    assert values_of("*".join([f"({chain[0]}>{limits[0]!r})", *parts]), sorted(chain)) == {0, 1}


def test_a_condition_is_met_where_others_are():
    assert values_of("(x>100)*(y>x**2)*(z<-x*y)", "xyz") == {0, 1}
    assert values_of("(x<-7)*(y<x*10)*(z>y**2)*(w>z+x)", "wxyz") == {0, 1}


@pytest.mark.parametrize("text", ["x==y", "x==y**2", "3*x==2*y+1", "x*y==7", "(x==3)*(y==3)", "(x==y)*(y==z)"])
def test_equal_sides_of_an_answer_are_met(text):
    point = {"x": 0.3, "y": 0.4, "z": 0.5}
    made = Calculation([parse("x*y*z")], ["x*y*z"], dict.fromkeys(point, ()), list(point))
    answer = Calculation([parse(text)], [text], dict.fromkeys(point, ()), [])
    of = (lambda columns, of=of: of(answer.program, columns) for of in (sides, heights))
    found = probes_of(made, list(point), point, Written((3.0, 7.0), *of))
    assert {answer.value(probe.inputs)[0] for probe in found} == {0, 1}
    equal = [probe for probe in found if answer.value(probe.inputs)[0]]
    assert all(probe.tie or not any(probe.inputs.values()) for probe in equal)  # at 0 nothing is rounded
    assert any(probe.tie for probe in equal)


@given(st.floats(-9, 9), st.floats(1e-9, 1e-3))
@settings(max_examples=40)
def test_a_small_region_is_found(place, size):
    assert values_of(f"(x-{place!r})**2<{size!r}**2", "x") == {0, 1}
    assert values_of(f"(x-{place!r})**2+(y+x/2)**2<{max(size, 1e-6)!r}**2", "xy") == {0, 1}


@given(st.floats(0.2, 20), st.floats(0, 6), st.floats(1e-9, 1e-3))
@settings(max_examples=40)
def test_a_narrow_peak_of_what_oscillates_is_found(frequency, phase, height):
    assert values_of(f"sin({frequency!r}*x+{phase!r})>1-{height!r}", "x") == {0, 1}
    assert values_of(f"sin({frequency!r}*x)*cos(y)>1-{height!r}", "xy") == {0, 1}


@pytest.mark.parametrize("many", ["floor(x)", "ceil(7*x)", "abs(sin(x))", "floor(x**2)"])
@given(st.floats(1e3, 1e13), st.sampled_from([1, -1]))
@settings(max_examples=15)
def test_a_kink_behind_very_many_others_is_found(many, place, side):
    made = Calculation([parse(text := f"{many}+relu({side}*x-{place!r})")], [text], {"x": ()}, ["x"])
    xs = [probe.inputs["x"] for probe in probes_of(made, ["x"], {"x": 0.5})]
    beyond = [x for x in xs if side * x > place]
    assert any(made.jacobian({"x": x})[1]["x"] != [[0.0]] for x in beyond)


def test_places_of_every_group_are_tried():
    assert some_of([[float(k) for k in range(300)], [250.5]], 8) == [0, 1, 2, 3, 4, 5, 6, 250.5]
    assert some_of([[400.0, 500.0, 600.0], [1e12]], 8) == [400, 500, 600, 1e12]
    assert sum(not x.is_integer() for x in about([3e12])) >= 2  # where floor has no jump


def test_an_entry_is_put_elsewhere():
    point = {"x": np.array([1.0, 2.0]), "y": 3.0}
    assert moved(point, "x", 1, 7.0)["x"].tolist() == [1, 7]
    assert moved(point, "y", 0, 7.0)["y"] == 7
    assert point["x"].tolist() == [1, 2]
