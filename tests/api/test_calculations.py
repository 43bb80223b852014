"""One calculation for each set of shapes, in doubles or proven."""

import mpmath
import numpy as np
import pytest

from bpcli.api import calculations
from bpcli.api.calculations import Calculations
from bpcli.calculus.language.parser import parse
from bpcli.text.notation import json_text

TEXTS = ["sum(x)*k"]
TREES = [parse(text) for text in TEXTS]


def test_one_for_each_set_of_shapes():
    made = Calculations(TREES, TEXTS, ["x"])
    one = made.at({"x": 1.0, "k": 2.0})
    assert made.at({"x": 3.0, "k": 4.0}) is one
    assert made.of({"x": (), "k": ()}) is one
    three = made.at({"x": np.ones(3), "k": 2.0})
    assert three is not one
    point = {"x": np.arange(3.0), "k": 2.0}
    assert three.gradient(point)[1]["x"].tolist() == [2, 2, 2]
    assert three.inputs == 3


def test_calculations_of_many_shapes_are_not_all_kept():
    made = Calculations(TREES, TEXTS, ["x"])
    for width in range(1, 200):
        assert made.at({"x": np.ones(width), "k": 2.0}).inputs == width
    assert len(made._made) == calculations._MOST
    assert made.at({"x": np.ones(199), "k": 2.0}) is made.at({"x": np.ones(199), "k": 1.0})


@pytest.mark.parametrize(("kink", "slope"), [("lecture", 1), ("left", 0), ("right", 1)])
def test_the_side_of_a_kink(kink, slope):
    made = Calculations([parse("relu(x)")], ["relu(x)"], ["x"], kink)
    assert made.at({"x": 0.0}).gradient({"x": 0.0})[1]["x"] == slope


def test_proven_to_digits():
    pytest.importorskip("flint", reason="a proof needs python-flint")
    made = Calculations([parse("exp(x)")], ["exp(x)"], ["x"], certify=True, digits=30)
    (value,) = made.at({"x": 1.0}).value({"x": 1.0})
    with mpmath.workdps(40):
        assert json_text(value, 30) == mpmath.nstr(mpmath.e, 30)
