"""Formulas shortened by SymPy: shorter, of the same values, within bounds; without SymPy the extra is named."""

import sys

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.symbolic import simplify
from bpcli.calculus.symbolic.simplify import Simplifier
from bpcli.errors import MissingExtraError

pytest.importorskip("sympy", reason="needs the extra symbolic")


def test_simplified_where_sympy_finds_a_shorter_form():
    assert to_text(Simplifier().shorter(parse("2*x/(x-1)-(x**2-1)/(x-1)**2"))) == "1"
    long = "+".join(["x"] * 500)
    assert Simplifier().shorter(parse(long)) == parse(long)
    odd = "where(x<y,1,0)*2+where(x<y,1,0)*3"
    assert to_text(Simplifier().shorter(parse(odd))) == "5*where(x<y,1,0)"


def test_a_variable_called_e_is_no_constant():
    assert to_text(Simplifier().shorter(parse("log(e)*x+x*log(e)"))) == "2*x"
    assert to_text(Simplifier({"e", "x"}).shorter(parse("log(e)*x+x*log(e)"))) == "2*x*log(e)"


def test_the_work_is_bounded_by_steps(monkeypatch):
    tree = parse("2*x/(x-1)-(x**2-1)/(x-1)**2")
    monkeypatch.setattr(simplify, "MAX_CALLS", 5)
    assert Simplifier().shorter(tree) is tree


def test_all_formulas_share_a_number_of_steps(monkeypatch):
    first, second = parse("2*x/(x-1)-(x**2-1)/(x-1)**2"), parse("2*y/(y-1)-(y**2-1)/(y-1)**2")
    monkeypatch.setattr(simplify, "MAX_CALLS_IN_ALL", 1)
    assert Simplifier().shorter(first) is first
    monkeypatch.undo()
    simplifier = Simplifier()
    assert to_text(simplifier.shorter(first)) == "1"
    simplifier._left = 0
    assert simplifier.shorter(second) is second


def test_steps_are_counted_on_where_python_drops_an_error(capsys):
    deleted, after = [], []

    class Deleted:
        def __del__(self):
            for k in range(1000):
                deleted.append(k)

    def work():
        Deleted()  # what is raised within is dropped
        after.append("too far")

    with pytest.raises(simplify._TooManyCallsError), simplify._Steps(500).counted():
        work()
    assert 0 < len(deleted) < 500
    assert not after
    assert capsys.readouterr().err == ""


def test_what_sympy_can_not_treat_stays(monkeypatch):
    sympy = pytest.importorskip("sympy")
    monkeypatch.setattr(sympy, "simplify", lambda given: [][0])
    tree = parse("x+x")
    assert Simplifier().shorter(tree) is tree


def test_without_sympy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(MissingExtraError, match=r"SymPy.*\n.*bpcli\[symbolic\]"):
        Simplifier().shorter(parse("x"))
