"""Formulas shortened by SymPy: shorter, of the same values, within bounds; without SymPy the extra is named."""

import sys

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.symbolic import simplify
from bpcli.calculus.symbolic.simplify import simplified
from bpcli.errors import MissingExtraError

pytest.importorskip("sympy", reason="needs the extra symbolic")


def test_simplified_where_sympy_finds_a_shorter_form():
    assert to_text(simplified(parse("2*x/(x-1)-(x**2-1)/(x-1)**2"))) == "1"
    long = "+".join(["x"] * 500)
    assert simplified(parse(long)) == parse(long)
    odd = "where(x<y,1,0)*2+where(x<y,1,0)*3"
    assert to_text(simplified(parse(odd))) == "5*where(x<y,1,0)"


def test_a_variable_called_e_is_no_constant():
    assert to_text(simplified(parse("log(e)*x+x*log(e)"))) == "2*x"
    assert to_text(simplified(parse("log(e)*x+x*log(e)"), {"e", "x"})) == "2*x*log(e)"


def test_the_work_is_bounded_by_steps(monkeypatch):
    tree = parse("2*x/(x-1)-(x**2-1)/(x-1)**2")
    monkeypatch.setattr(simplify, "MAX_CALLS", 5)
    assert simplified(tree) is tree


def test_without_sympy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(MissingExtraError, match=r"SymPy.*\n.*bpcli\[symbolic\]"):
        simplified(parse("x"))
