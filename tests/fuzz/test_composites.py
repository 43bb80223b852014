"""What is recognised in a composite has the values and slopes of the text step by step, also where names are equal."""

import math

import numpy as np
import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tree import names_in
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.program import Program
from bpcli.errors import BpcliError
from tests.fuzz.composites import COMPOSITES, near_whole_numbers

NAMES = [  # what a, b, c and the vectors u, v of a composite are
    {"a": "x", "b": "y", "c": "z", "u": "p", "v": "q"},
    {"a": "x", "b": "x", "c": "y", "u": "[x,x,y]", "v": "[x,x,y]"},
    {"a": "x", "b": "y", "c": "x", "u": "[x,y,x]", "v": "[y,y,x]"},
    {"a": "x", "b": "(-x)", "c": "(2*x)", "u": "[x,0,x]", "v": "[x,-x,0]"},
    {"a": "(x-y)", "b": "(y-x)", "c": "0", "u": "[y,y,y]", "v": "p"},
]
POINTS = [(0.37, 0.58, -0.9), (-1.3, -0.4, 0.7), (2.2, 0.5, 1.0)]


class StepByStep(Program):
    """A program in which no composite is recognised."""

    def __init__(self, trees, texts, variables):
        super().__init__(trees, texts, variables, recognise=False)


def gradient(text, point, program):
    shapes = {name: np.shape(value) for name, value in point.items()}
    made = Calculation([parse(text)], [text], shapes, list(point), None, program)
    with np.errstate(all="ignore"):
        value, slopes = made.gradient(point)
    return [value, *np.concatenate([np.ravel(slopes[name]) for name in point]).tolist()], made.kinks


@pytest.mark.parametrize("composite", COMPOSITES)
def test_a_recognised_form_has_the_value_and_the_slopes_of_the_text(composite):
    for names in NAMES:
        text = composite.format(**names)
        for x, y, z in POINTS:
            every = {
                "x": x,
                "y": y,
                "z": z,
                "p": np.array([x, y, z]),
                "q": np.array([z, 0.3, y]),
                "M": np.eye(3) * x + y,
            }
            point = {name: every[name] for name in names_in(parse(text)) if name in every}
            try:
                true, at_kink = gradient(text, point, StepByStep)
                found, _ = gradient(text, point, Program)
            except BpcliError:
                continue
            if not at_kink and all(map(math.isfinite, true)):
                assert found == pytest.approx(true, rel=1e-7, abs=1e-9), (text, point)


@pytest.mark.parametrize("composite", [text for text in COMPOSITES if near_whole_numbers(text)])
def test_a_decimal_is_not_the_whole_number_that_it_rounds_to(composite):
    """(f(n + 1e-20) − f(n))·1e20 and its slopes, certified, beside an evaluator of their own."""
    pytest.importorskip("flint")
    from bpcli.calculus.sweeps.certified import Certified
    from tests.fuzz.jets import truth, wrong

    text = composite.format(a="x", b="y", c="z", u="p", v="q")
    vectors = {"p": [0.37, 0.58, -0.9], "q": [-0.9, 0.3, 0.58], "M": np.eye(3) + 1}
    every = {"x": 0.37, "y": 0.58, "z": -0.9, **{name: np.array(v) for name, v in vectors.items()}}
    point = {name: every[name] for name in names_in(parse(text)) if name in every}
    for near in near_whole_numbers(text):
        magnified = f"(({near})-({text}))*1e20"
        true = truth(magnified, point, list(point), decimals=True)
        shapes = {name: np.shape(value) for name, value in point.items()}
        if true.value and true.gradient:
            value, slopes = Certified(Calculation([parse(magnified)], [magnified], shapes, list(point))).gradient(point)
            found = [value, *np.concatenate([np.ravel(slopes[name]) for name in point])]
            for got, exact in zip(found, [*true.value, *true.gradient], strict=True):
                assert not wrong(float(got), exact, 40), (near, got, exact)
