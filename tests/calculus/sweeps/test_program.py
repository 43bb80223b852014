"""Programs know which slots derivatives flow through, and need no arrays where all is numbers."""

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.program import Program


def test_a_scalar_program_needs_no_arrays():
    assert Program([parse("max(s,2)")], ["max(s,2)"], {"s": ()}).scalar
    assert not Program([parse("s")], ["s"], {"s": (), "x": (3,)}).scalar
    assert not Program([parse("sum([s,1])")], ["sum([s,1])"], {"s": ()}).scalar


@pytest.mark.parametrize(
    ("text", "wrt", "active", "non_smooth"),
    [
        ("abs(x)+y", ["x"], True, ["abs"]),
        ("abs(x)+y", ["y"], True, []),
        ("floor(x)", ["x"], False, ["floor"]),  # it jumps, and passes no derivative on
        ("(x>0)*y", ["x"], False, [">"]),
        ("x**2+sin(x)", ["x"], True, []),
        ("x**0.5", ["x"], True, ["**0.5"]),
        ("max(v)+norm(v)", ["v"], True, ["max", "norm"]),
    ],
)
def test_where_derivatives_flow_and_where_they_may_jump(text, wrt, active, non_smooth):
    program = Program([parse(text)], [text], {"x": (), "y": (), "v": (3,)})
    assert program.active(wrt)[program.outputs[0]] is active
    assert [program.step(slot).name for slot in program.non_smooth(wrt)] == non_smooth


@pytest.mark.parametrize(
    ("text", "selects"),
    [("where(x>0,x,y)", True), ("max(x,y)", True), ("v[0]", True), ("max(v)", True), ("sum(v)*x", False)],
)
def test_what_selects(text, selects):
    assert Program([parse(text)], [text], {"x": (), "y": (), "v": (3,)}).selects is selects
