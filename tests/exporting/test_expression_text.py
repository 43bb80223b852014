"""A tree in another language: operators, truths as numbers, functions that are not there."""

import math

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.errors import UsageError
from bpcli.exporting.expression_text import refuse
from bpcli.exporting.python_code import PYTHON

FORMULAS = {
    "where(z>=1, 2*z-3/2, z/2)": 2.5,
    "(z>1)+(z<1)*2": 1.0,
    "where(z, 3, 4)": 3.0,
    "1/2+atan(z)/pi": 0.5 + math.atan(2) / math.pi,
    "max(z,0)-min(z,-1)**2": 1.0,
    "-z**2": -4.0,
    "where((z>=1)*(z<3), abs(-z), 0)": 2.0,
}


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_has_its_value(formula):
    value = eval(PYTHON.written(parse(formula), "z"), {"math": math, "z": 2.0})
    assert value == pytest.approx(FORMULAS[formula], rel=1e-15)


@pytest.mark.parametrize("formula", ["softmax(z)", "z[0]", "[z,z]", "nothing*z"])
def test_what_the_language_does_not_have_is_refused(formula):
    with pytest.raises(UsageError, match=r"Python has no \w+, which the model's activation is made of"):
        PYTHON.written(parse(formula), "z")


def test_a_text_that_can_not_be_written_is_refused():
    refuse("C", {"é\n": "class"}, "\0")
    for text, forbidden in (("a\0b", "\0"), ("\ud800", "")):
        with pytest.raises(UsageError, match=r"C can't write the character .* of the class"):
            refuse("C", {text: "class"}, forbidden)
