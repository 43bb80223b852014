"""Steps that are equal are done once, and constants remember how they were written."""

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.instructions import Constant, Instruction
from bpcli.calculus.sweeps.program import Program

SHAPES = {"x": (3,), "y": (2,), "s": (), "A": (2, 3), "B": (3, 2), "C": (2, 2), "big": (9000, 9000)}


def built(*texts):
    return Program([parse(text) for text in texts], texts, SHAPES)


def test_equal_steps_are_done_once():
    one = built("sin(s)/(2+sin(s))", "2+sin(s)")
    assert [step.row.name for step in one.slots if isinstance(step, Instruction)] == ["sin", "+", "/"]
    assert one.slots[one.outputs[0]].args[1] == one.outputs[1]
    steps = built("A.T@A+(A.T)@A+softmax(A)[0]*softmax(A,axis=0)[0]").slots
    assert sum(isinstance(step, Instruction) for step in steps) == 9


def test_constants_remember_how_they_were_written():
    constants = [slot for slot in built("0.10*s-pi+-2*s").slots if isinstance(slot, Constant)]
    assert [(c, c.written) for c in constants] == [
        (0.1, "0.10"),
        (pytest.approx(3.14159265), "pi"),
        (-2, "-2"),
    ]
