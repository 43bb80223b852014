"""`hessian`: the matrix of second derivatives, against SymPy's."""

import pytest
import sympy

EXPRESSIONS = ["x**2*y", "sin(x*y)", "exp(x-y)/y", "x**3-3*x*y**2", "log(x**2+y**2)"]
POINT = {"x": 0.75, "y": 1.5}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_beside_sympy(bpcli, text):
    (found,) = bpcli("hessian", text, "--at", "x=0.75,y=1.5", "--format", "json").json
    true = sympy.hessian(sympy.sympify(text), sympy.symbols("x y")).subs(POINT).evalf(30)
    assert found["variables"] == ["x", "y"]
    for row, exact in zip(found["hessian"], true.tolist(), strict=True):
        assert row == pytest.approx([float(v) for v in exact], rel=1e-13, abs=1e-15)


def test_forms(bpcli):
    assert bpcli("hessian", "x**2*y", "--at", "3,2").lines == ["4 6", "6 0"]
    assert bpcli("hessian", "x**2*y", "--at", "3,2", "--wrt", "x").lines == ["4"]
    assert bpcli("hessian", "sum(x**3)", "--at", "1,2").lines == ["6 0", "0 12"]


def test_of_a_vector_there_is_none(bpcli):
    result = bpcli("hessian", "x**2", "--at", "1,2")
    assert result.code == 2
    assert "one number" in result.err
