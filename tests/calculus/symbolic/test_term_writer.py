"""Formulas as one term and back: of the same value by SymPy, and in the form worked by hand."""

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.symbolic.term_writer import MAX_DEPTH, TermWriter, TooLongError

POINT = {"x": sympy.Rational(7, 5), "y": sympy.Rational(-3, 11)}


def written(text, variables=(), tangents=False):
    writer = TermWriter(variables, False, tangents)
    return to_text(writer.tree(writer.term(parse(text))))


def value(text):
    return sympy.sympify(text, locals={"e": sympy.E}).evalf(40, subs=POINT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x*x*x", "x**3"),
        ("x/y/x", "1/y"),
        ("1/x+1/y", "(y+x)/(x*y)"),  # one denominator
        ("x*y+x", "x*(y+1)"),  # what is common stands before
        ("x/(x-1)-1/(x-1)", "1"),  # a denominator that divides is cancelled
        ("sin(x)**2+cos(x)**2", "1"),
        ("cosh(x)**2-sinh(x)**2", "1"),
        ("sqrt(x)*sqrt(x)", "x"),
        ("exp(x)*exp(y)", "exp(x+y)"),
        ("x-x", "0"),
        ("2*x/4", "x/2"),
        ("x**(1/3)*x**(2/3)", "x"),
        ("sin(x)/cos(x)", "tan(x)"),
        ("log(e)*x", "x"),
    ],
)
def test_a_formula_is_written_as_by_hand(text, expected):
    assert written(text) == expected


def test_a_variable_e_is_not_eulers_number():
    assert written("log(e)*x", ["e"]) == "x*log(e)"


def test_with_tangents_a_tangent_is_sine_over_cosine():
    assert written("tan(x)*cos(x)", tangents=True) == "sin(x)"
    assert written("tan(x)*cos(x)") == "cos(x)*tan(x)"


LEAVES = st.sampled_from(["x", "y", "2", "3", "sin(x)", "cos(x)", "exp(y)", "sqrt(x)"])
FORMULAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        *[st.builds(f"({{}}){op}({{}})".format, inner, inner) for op in "+-*/"],
        st.builds("({})**2".format, inner),
        st.builds("-({})".format, inner),
    ),
    max_leaves=6,
)


@given(FORMULAS)
@settings(max_examples=80)
def test_a_term_has_the_value_of_its_formula(text):
    try:
        found = written(text)
    except TooLongError:
        return
    true = value(text)
    if not true.is_finite:
        return  # it divides by 0
    assert abs(value(found) - true) < sympy.Float("1e-25") * (1 + abs(true)), found


@pytest.mark.parametrize("text", ["sin(" * MAX_DEPTH + "x" + ")" * MAX_DEPTH, "x/(y-y)", "(2*x)**99"])
def test_what_is_too_deep_or_divides_by_0_is_refused_or_left(text):
    try:
        found = written(text)
    except TooLongError:
        return
    assert parse(found) == parse(to_text(parse(text)))
