"""Formulas as a textbook prints them: the forms, and that none changes a value of the derivative."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import names_in
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.symbolic import term_writer
from bpcli.calculus.symbolic.derivation import Derivation
from bpcli.calculus.symbolic.textbook import has_decimals, textbook


def derivatives(text):
    """Of each variable the derivative as the rules leave it, and as a textbook prints it."""
    tree = parse(text)
    names = sorted(set(names_in(tree)) - {"e", "pi"})
    derivation = Derivation([tree], [text], dict.fromkeys(names, ()), names)
    with np.errstate(all="ignore"):
        gradient = derivation.gradient(derivation.point_of({}))[1]
    left = {name: np.ravel(np.asarray(block, object))[0].tree for name, block in gradient.items()}
    return {name: (tree_, textbook(tree_, names, has_decimals([tree], {}))) for name, tree_ in left.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e^x", "e**x"),
        ("e^(x^2)", "2*x*e**x**2"),
        ("2^x", "2**x*log(2)"),
        ("x^x", "x**x*(log(x)+1)"),
        ("x/(1+x)", "1/(1+x)**2"),
        ("(x**2-1)/(x-1)", "1"),
        ("(x^4-1)/(x^2-1)", "2*x"),
        ("x/(1+x^2)", "(1-x**2)/(1+x**2)**2"),
        ("x^2/(x+1)", "x*(x+2)/(x+1)**2"),
        ("((x+1)/(x-1))^2", "-4*(x+1)/(x-1)**3"),
        ("exp(x)/(1+exp(x))", "exp(x)/(1+exp(x))**2"),
        ("1/(1+exp(-x))", "exp(-x)/(1+exp(-x))**2"),
        ("(e^x-e^(-x))/(e^x+e^(-x))", "4/(e**x+e**-x)**2"),
        ("log(x)/x", "(1-log(x))/x**2"),
        ("log((1+x)/(1-x))", "2/(1-x**2)"),
        ("x*exp(x)", "exp(x)*(x+1)"),
        ("x^2*exp(-x)", "x*exp(-x)*(2-x)"),
        ("sin(x)/cos(x)", "1/cos(x)**2"),
        ("cos(x)/(1+sin(x))", "-1/(1+sin(x))"),
        ("log(cos(x))", "-tan(x)"),
        ("sinh(x)/cosh(x)", "1/cosh(x)**2"),
        ("x/sqrt(x^2+1)", "1/sqrt(x**2+1)**3"),
        ("x*sqrt(1-x^2)", "(1-2*x**2)/sqrt(1-x**2)"),
        ("sqrt(x)", "1/(2*sqrt(x))"),
        ("0.5*sqrt(x)", "0.25/sqrt(x)"),
        ("x*sqrt(x)", "3*sqrt(x)/2"),
        ("x^(1/3)", "1/(3*x**(2/3))"),
        ("exp(-x^2/2)", "-x*exp(-x**2/2)"),
        ("exp(x**2)+x/(1+x)+sin(x)/(x+2)**3*(x+2)", "(cos(x)*(x+2)-2*sin(x))/(x+2)**3+1/(1+x)**2+2*x*exp(x**2)"),
        ("-log(sigmoid(x))", "sigmoid(x)-1"),
        ("(x+1)**2*(x-2)**3", "(5*x-1)*(x+1)*(x-2)**2"),
        ("log(x+sqrt(x^2+1))", "1/sqrt(x**2+1)"),
        ("x^(1/x)", "x**(1/x-2)*(1-log(x))"),
        ("atan(1/x)", "-1/(x**2+1)"),
        ("tanh(x)", "(1+tanh(x))*(1-tanh(x))"),
        ("where(x>0,x/(1+x),0)", "where(x>0,1/(1+x)**2,0)"),
        ("where(x>0,x/(1+x),x**2)", "where(x>0,1/(1+x)**2,2*x)"),
    ],
)
def test_one_prints_what_a_textbook_prints(text, expected):
    ((_, found),) = derivatives(text).values()
    assert to_text(found) == expected


@pytest.mark.parametrize(
    ("text", "constants", "decimals"),
    [
        ("x/2", {}, False),
        ("0.5*x", {}, True),
        ("1e3*x", {}, True),
        ("k*x", {"k": 2.0}, False),
        ("k*x", {"k": 0.1}, True),
    ],
)
def test_decimals_are_written_where_decimals_were_given(text, constants, decimals):
    assert has_decimals([parse(text)], constants) == decimals


def test_a_variable_called_e_has_a_logarithm():
    assert to_text(textbook(parse("e**x*log(e)"), ["e", "x"])) == "e**x*log(e)"
    assert to_text(textbook(parse("e**x*log(e)"), ["x"])) == "e**x"


def test_what_is_infinite_is_left_alone():
    assert to_text(textbook(parse("x*inf-x*inf"), ["x"])) == "x*inf-x*inf"


FUNCTIONS = ["sin", "cos", "tan", "exp", "log", "sqrt", "cosh", "abs"]
POWERS = ["2", "3", "-1", "0.5", "(1/3)", "y", "(y+1)", "-2"]
FACTORS = ["x", "x+1", "x-1", "x**2+1", "1+exp(x)", "sin(x)", "cos(x)", "exp(-x)", "sqrt(x+3)"]
PARTS = st.recursive(
    st.sampled_from(["x", "y", "2", "3", "e", "0.5", "(1/3)", "1"]),
    lambda inner: st.one_of(
        *[st.builds(f"({{}}{op}{{}})".format, inner, inner) for op in "+-*/"],
        *[
            st.builds(f"{name}({{}})".format, inner)
            for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "cosh", "abs")
        ],
        *[
            st.builds(f"({{}})**{power}".format, inner)
            for power in ("2", "3", "-1", "0.5", "(1/3)", "y", "(y+1)", "-2")
        ],
        st.builds("e**({})".format, inner),
        st.builds("-({})".format, inner),
    ),
    max_leaves=7,
)
VALUES = st.one_of(st.floats(-3, 3), st.floats(0.1, 2), st.sampled_from([0.0, 1.0, -1.0, 2.0]))


@given(PARTS.filter(lambda text: "x" in text.replace("exp", "")), VALUES, VALUES)
@settings(max_examples=200)
def test_no_value_of_the_derivative_changes(text, x, y):
    tree = parse(text)
    for name, (left, found) in derivatives(text).items():
        assert parse(to_text(found)) == found
        names = sorted(set(names_in(tree)) - {"e"})
        point = {n: v for n, v in {"x": x, "y": y}.items() if n in names}
        shapes = dict.fromkeys(names, ())
        (value,), slopes = Calculation([tree], [text], shapes, names).jacobian(point)
        before, after = Calculation([left, found], [to_text(left), to_text(found)], shapes, names).value(point)
        slope = float(slopes[name][0][0])
        if not (math.isfinite(value) and math.isfinite(slope)) or max(map(abs, (value, slope))) > 1e8:
            continue  # no derivative, or so large that rounding decides
        if math.isfinite(before) and abs(before) < 1e8:
            assert after == pytest.approx(before, rel=1e-6, abs=1e-6), (to_text(left), to_text(found))


@given(st.lists(st.sampled_from(FACTORS), min_size=2, max_size=4))
@settings(max_examples=60)
def test_quotients_beside_sympy(parts):
    text = f"({parts[0]})*({parts[-1]})/(({parts[1]})*(x+2))"
    ((_, found),) = derivatives(text).values()
    x = sympy.Symbol("x")
    exact = sympy.sympify(text).diff(x).evalf(40, subs={x: sympy.Rational(7, 5)})
    got = sympy.sympify(to_text(found)).evalf(40, subs={x: sympy.Rational(7, 5)})
    assert abs(got - exact) < sympy.Float("1e-30") * (1 + abs(exact))


@pytest.mark.parametrize(
    "text",
    [
        "1/(" + "+".join(f"1/(x+{k})" for k in range(40)) + ")",
        "*".join(f"(x+y+{k})**5" for k in range(30)),
        "(" * 60 + "x" + "+1)*x" * 60,
        "+".join(["x*y"] * 600),
    ],
)
def test_the_work_is_bounded(text, monkeypatch):
    steps = 0
    original = term_writer.TermWriter.worked

    def counted(self, amount):
        nonlocal steps
        steps += amount
        original(self, amount)

    monkeypatch.setattr(term_writer.TermWriter, "worked", counted)
    textbook(parse(text), ["x", "y"])
    assert steps <= 2 * (term_writer.MAX_WORK + 5000)
