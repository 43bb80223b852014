"""Derivatives as formulas from Python agree with the numbers and the commands."""

import sys

import pytest

import bpcli as package
from bpcli import ExpressionError, MissingExtraError, UsageError


def test_formulas_by_hand():
    found = package.formula("x**2+y**2")
    assert (str(found), found.entries, found.blocks) == ("2*x 2*y", ["x", "y"], {"x": "2*x", "y": "2*y"})
    assert package.formula("x**2*y", of="hessian").rows == [["2*y", "2*x"], ["2*x", "0"]]
    found = package.formula("x*y", "x+y", of="jacobian", latex=True)
    assert str(found) == r"\begin{pmatrix} y & x \\ 1 & 1 \end{pmatrix}"
    assert str(package.formula("x**2", latex=True)) == "2 x"
    assert package.formula("sum(x**2)", shapes={"x": 2}).entries == ["x[0]", "x[1]"]
    assert package.formula("sum(A@x)", shapes={"x": 2, "A": (2, 2)}, wrt="x").blocks == {
        "x": ["A[0,0]+A[1,0]", "A[0,1]+A[1,1]"]
    }
    assert str(package.formula("k*x**2", let={"k": 3})) == "6*x"
    assert str(package.formula("k*x**3", let={"k": 0.1})) == "0.3*x**2"
    assert str(package.formula("k*x**3/2", let={"k": 1})) == "3*x**2/2"
    assert package.formula("y*x", order="y,x").entries == ["y", "x"]
    assert str(package.formula("k*e^x", let={"k": 3}, order="x")) == "3*e**x"
    assert str(package.formula("e^x", order="e,x", wrt="x")) == "e**x*log(e)"


def test_steps():
    (only,) = package.steps("x*y")
    assert (only.name, only.expression, only.steps[0].formula) == ("f", "x*y", "x*y")
    assert [part.name for part in package.steps("x**2*y", of="hessian")] == ["f", "df/dx", "df/dy"]


def test_a_formula_is_the_same_whatever_is_installed(monkeypatch):
    texts = ["(x**2-1)/(x-1)", "sin(x)**2+cos(x)**2", "x/(1+x)", "exp(x)*sin(x)"]
    found = [str(package.formula(text)) for text in texts]
    monkeypatch.setitem(sys.modules, "sympy", None)
    assert [str(package.formula(text)) for text in texts] == found
    with pytest.raises(MissingExtraError, match=r"bpcli\[symbolic\]"):
        package.formula("x", simplify=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: package.formula("x", of="slope"), UsageError, "expected one of gradient"),
        (lambda: package.formula("x", "y"), UsageError, "a gradient is of one expression, found 2"),
        (lambda: package.formula(), UsageError, "found 0"),
        (lambda: package.formula("sum(x)"), ExpressionError, "depends on how many entries x has"),
        (lambda: package.formula("x", shapes={"x": 0}), UsageError, "x is of no shape 0"),
        (lambda: package.formula("x", shapes={"y": 2}), UsageError, "shapes gives y"),
        (lambda: package.steps("sum(x)", shapes={"x": 2}), ExpressionError, "steps are of expressions of numbers"),
    ],
)
def test_wrong_usage(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("of", ["gradient", "jacobian", "hessian"])
def test_a_notebook_shows_formulas_in_latex(of):
    text, latex = (package.formula("x**2*sin(y)", of=of, latex=latex) for latex in (False, True))
    assert text._repr_latex_() == latex._repr_latex_() == rf"$\displaystyle {latex}$"
