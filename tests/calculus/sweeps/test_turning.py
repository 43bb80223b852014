"""Points at which rounding turns a step; what is true of them is known by algebra."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bpcli.api.bulk import Evaluation, LostPoints
from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.lost_digits import lost_digits, lost_values

TURNED = {  # a point, the value there of exact numbers, and that of doubles
    "where(exp(x)>1+x+x*x/2,1,2)": (1e-6, 1.0, 2.0),
    "hinge(1,tanh(x))": (138.0, 2 / (1 + math.exp(276.0)), 0.0),
}


def calculation(text):
    return Calculation([parse(text)], [text], {"x": ()}, ["x"])


@pytest.mark.parametrize("text", TURNED)
def test_they_are_found_among_many_and_alone(text):
    x, true, in_doubles = TURNED[text]
    assert true != in_doubles
    made, lost = calculation(text), LostPoints(["x"], 0)
    lost.add(Evaluation()(made, {"x": np.array([1.0] * 2000 + [x])}, False))
    lost.look()
    assert 2000 in [at.number for at in lost.first]
    assert made.value({"x": x}) == [in_doubles]
    assert lost_values(made, {"x": x}, [in_doubles])


EQUAL = {  # by algebra equal at 0.7, not in doubles, where each shift by rounding makes them more unequal
    "where(mean([x,x,x])==x,x,2*x)": (0.7, 1.4),
    "where(mean([x,x,x])!=x,x,2*x)": (1.4, 0.7),
    "where(sqrt(x)**2==x,x,2*x)": (0.7, 1.4),
    "where(mean([x,x,x])-x==0,x,2*x)": (0.7, 1.4),
}


@pytest.mark.parametrize("text", EQUAL)
def test_what_is_equal_but_for_rounding(text):
    true, in_doubles = EQUAL[text]
    made, lost = calculation(text), LostPoints(["x"], 0)
    lost.add(Evaluation()(made, {"x": np.array([0.7])}, False))
    lost.look()
    assert [at.number for at in lost.first] == [0]
    assert made.value({"x": 0.7}) == [in_doubles] != [true]
    assert lost_values(made, {"x": 0.7}, [in_doubles])


@pytest.mark.parametrize(
    "text", ["relu(x)", "floor(x)", "where(x>0,x,-x)", "max(x,1)", "abs(x)", "(x==1)*x", "(x*x==x)*x"]
)
def test_an_edge_itself_is_not_one_of_them(text):
    made, lost = calculation(text), LostPoints(["x"], 0)
    lost.add(Evaluation()(made, {"x": np.array([0.0, 1.0, -1.0, 2.0])}, False))
    lost.look()
    assert not lost.first


NEARLY_TIED = {  # of x and 2x − 0.69999998, the first off by 1e-7: which has the slope of x, 1, or 2
    "max([(x+1e9)-1e9,2*x-0.69999998])": max,
    "min([(x+1e9)-1e9,2*x-0.69999998])": min,
    "max([-9,(x+1e9)-1e9,2*x-0.69999998,x-9])": max,
    "max((x+1e9)-1e9,2*x-0.69999998)": max,
    "sum(min([[(x+1e9)-1e9,2*x-0.69999998],[3,4]],axis=1))": min,
    "sum(max([[(x+1e9)-1e9,-3],[2*x-0.69999998,-4]],axis=0))": max,
}


@pytest.mark.parametrize("text", NEARLY_TIED)
@given(st.floats(0.6999999, 0.7000001))
def test_of_entries_that_are_nearly_equal_the_slope_is_right_or_told(text, x):
    two = 2 * x - 0.69999998
    assume(abs(x - two) > 1e-14)
    true = 1 if NEARLY_TIED[text](x, two) == x else 2
    made = calculation(text)
    found = float(made.gradient({"x": x})[1]["x"])
    assert found == true or lost_digits(made, {"x": x}, [[found]])
    among_many, lost = np.append(np.linspace(1.0, 5.0, 2000), x), LostPoints(["x"], 1)
    lost.add(Evaluation()(made, {"x": among_many}, True))
    lost.look()
    assert found == true or 2000 in [at.number for at in lost.first]
