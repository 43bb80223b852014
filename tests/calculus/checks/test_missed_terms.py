"""An answer that breaks a rule at one step is told so; witnesses are SymPy's derivatives with that term changed."""

import pytest
import sympy

from bpcli.api.derivative_checks import grade

X, Y = sympy.symbols("x y")
PAIRS = [("sin(2*x)", "atan(3*x)"), ("x", "log(x**2+1)"), ("cos(x)", "x*y"), ("tanh(x)", "sqrt(x**2+y**2)")]


@pytest.mark.parametrize(("u", "v"), PAIRS)
def test_slips_at_a_product_and_a_quotient(u, v):
    a, b = (sympy.sympify(text, {"x": X, "y": Y}) for text in (u, v))
    da, db = a.diff(X), b.diff(X)
    slips = [
        (f"({u})*({v})", da * b, "the product rule", "has another term, with the derivative of"),
        (f"({u})*({v})", a * db, "the product rule", "has another term, with the derivative of"),
        (f"({u})*({v})", da * db, "the product rule", "is not the one derivative times the other"),
        (f"({u})*({v})", da * b - a * db, "the product rule", "has a plus before the derivative of"),
        (f"({u})/({v})", da / b, "the quotient rule", "has another term, with the derivative of"),
        (f"({u})/({v})", (da * b + a * db) / b**2, "the quotient rule", "has a minus before the derivative of"),
        (f"({u})/({v})", (da * b - a * db) / b, "the quotient rule", "has the denominator squared"),
        (f"({u})/({v})", da / db, "the quotient rule", "is not the one derivative divided by the other"),
    ]
    for text, mine, rule, what in slips:
        found = grade(text, mine=str(mine), wrt="x", x=0.7, **({"y": 1.3} if "y" in text else {}))
        assert found.finding in ("value", "sign")
        assert found.finding == "sign" or (found.message.startswith(rule) and what in found.message), (text, mine)
        assert found.agree is False


@pytest.mark.parametrize(
    ("text", "mine", "inner"),
    [
        ("x*exp(2*x)", "exp(2*x)+x*exp(2*x)", "2*x"),
        ("sin(x)*cos(2*x)", "cos(x)*cos(2*x)-sin(x)*sin(2*x)", "2*x"),
        ("x+sin(x**2)", "1+cos(x**2)", "x**2"),
        ("x*y+log(3*x+y)", "y+1/(3*x+y),x+1/(3*x+y)", "3*x+y"),
    ],
)
def test_an_inner_derivative_that_lacks_in_one_term(text, mine, inner):
    found = grade(text, mine=mine)
    assert found.finding == "inner_derivative"
    assert f"the derivative of {inner}" in found.message


def test_powers():
    assert "the exponent of the derivative of x**5 is one less" in grade("x**5", mine="5*x**5").message
    assert "has another term" in grade("x**x", mine="x*x**(x-1)").message
    assert grade("x**5", mine="5*x**4").finding == "right"
    assert grade("x**5", mine="x**4").finding == "factor"


@pytest.mark.parametrize("gate", ["relu({}-20)", "relu(-20-{})", "max({},30)-30", "where({}>20,{},0)", "min({},-20)"])
@pytest.mark.parametrize("inner", ["x*y", "x/y", "x**3*y", "x*sin(y)*9"])
def test_an_answer_of_zeros_is_no_product_of_derivatives(gate, inner):
    """0 is also 1 · 0, the one derivative times the other: where a gate is closed it is right, and no more is known."""
    text = gate.replace("{}", f"({inner})")
    found = grade(text, mine="0*x,0*x", x=0.67, y=0.44)
    assert found.finding == "domain"
    assert "right at this point, but not at others" in found.message
    assert not any(slip in grade("x*y", mine="0,0").message for slip in ("rule", "derivative"))
