"""Answers to a question: SymPy's derivatives in any form are right, and each kind of mistake in them is named."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.api.formula import formula
from bpcli.calculus.checks import questions
from bpcli.calculus.checks.answers import read_answer
from bpcli.calculus.checks.grading import Tolerance
from bpcli.calculus.checks.questions import graded, question_of
from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation

POINT = {"x": 0.67, "y": 0.44}


def grade(texts, mine, point):
    texts = [texts] if isinstance(texts, str) else texts
    point = {name: np.array(value, float) if np.ndim(value) else float(value) for name, value in point.items()}
    shapes = {name: np.shape(value) for name, value in point.items()}
    made = Calculation([parse(text) for text in texts], texts, shapes, list(point))
    return graded(question_of(made, list(point), point), read_answer(mine, lambda _: None), point, Tolerance())


SMOOTH = [
    "x**2*sin(y)",
    "sin(3*x)*y",
    "exp(-x**2)*y",
    "log(x**2+y**2)",
    "x/(1+x*y)",
    "sqrt(x**2+1)*y",
    "(x**2+1)**3*y**2",
    "cos(x)**2*sin(y)**2",
    "tanh(x*y)",
    "x**3*log(y)",
    "atan(x/y)",
    "exp(x)*cos(y)-x*y",
]
FORMS = [
    lambda e: e,
    sympy.expand,
    sympy.simplify,
    sympy.factor,
    sympy.together,
    lambda e: e.rewrite(sympy.exp) if e.has(sympy.tanh) else e,
    lambda e: sympy.expand_trig(sympy.expand(e)),
    lambda e: e.rewrite(sympy.tan) if e.has(sympy.sin, sympy.cos) else e,
]


def slopes(text):
    return [sympy.diff(sympy.sympify(text), name) for name in ("x", "y")]


def joined(parts):
    return ", ".join(str(part) for part in parts)


@pytest.mark.parametrize("text", SMOOTH)
@pytest.mark.parametrize("form", range(len(FORMS)))
def test_every_form_of_the_derivative_is_right(text, form):
    mine = joined(FORMS[form](slope) for slope in slopes(text))
    found = grade(text, mine, POINT)
    assert found.finding == "right", (mine, found)
    assert found.score == 1


@given(st.sampled_from(SMOOTH), st.integers(3, 8), st.floats(0.1, 3), st.floats(0.1, 3))
@settings(max_examples=30)
def test_numbers_are_right_to_the_digits_typed(text, digits, x, y):
    true = [float(slope.subs({"x": x, "y": y})) for slope in slopes(text)]
    mine = ", ".join(f"{v:.{digits - 1}e}" for v in true)
    assert grade(text, mine, {"x": x, "y": y}).finding == "right"
    off = ", ".join(f"{v * (1 + 60 * 10.0**-digits):.{digits - 1}e}" for v in true)
    assert grade(text, off, {"x": x, "y": y}).finding != "right"


def expected_factor(factor):
    return "sign" if factor == -1 else "factor"


@pytest.mark.slow
@given(st.sampled_from(SMOOTH), st.sampled_from([-1, 2, 3, -2, 7, sympy.Rational(1, 2), sympy.Rational(1, 5)]))
@settings(max_examples=12)
def test_a_factor_or_a_sign_is_named(text, factor):
    found = grade(text, joined(factor * slope for slope in slopes(text)), POINT)
    assert found.finding == expected_factor(factor), found
    assert found.factor is None or found.factor == pytest.approx(float(factor))
    one = slopes(text)
    partly = grade(text, joined([factor * one[0], one[1]]), POINT)
    assert (partly.finding, partly.score) == (expected_factor(factor), 0.5)
    assert "d/dx" in partly.message


@pytest.mark.parametrize("text", SMOOTH)
def test_swapped_entries_are_named(text):
    assert grade(text, joined(reversed(slopes(text))), POINT).finding == "swapped"


OUTER = ["sin(u)", "exp(u)", "u**3", "log(u)", "tanh(u)", "sqrt(u)", "atan(u)"]
INNER = ["3*x", "x**2+1", "2*x+5", "exp(x)", "x**2/4+2"]


@given(st.sampled_from(OUTER), st.sampled_from(INNER))
@settings(max_examples=30)
def test_a_missing_link_of_the_chain_is_named(outer, inner):
    u, g = sympy.Symbol("u"), sympy.sympify(inner)
    lacks_inner = sympy.diff(sympy.sympify(outer), u).subs(u, g)
    text = outer.replace("u", f"({inner})")
    assert grade(text, str(lacks_inner), {"x": 0.67}).finding in ("inner_derivative", "factor")
    assert grade(text, str(sympy.diff(g)), {"x": 0.67}).finding in ("outer_derivative", "domain")


ONE_SIDED = [
    ("relu(x)", "x/x"),
    ("relu(x)", "0*x"),
    ("abs(x)", "x/x"),
    ("x*abs(x)", "2*x"),
    ("x*abs(x)", "-2*x"),
    ("clip(x,-1,1)", "x/x"),
    ("clip(x,-1,1)", "0*x"),
    ("relu(x-5)", "0*x"),
    ("relu(x-50)", "0*x"),
    ("relu(x+0.001)", "x/x"),
    ("max(x,3)**2", "0*x"),
    ("min(x,-200)", "0*x"),
    ("relu(x-1000)", "0*x"),
    ("relu(x-7e9)", "0*x"),
    ("relu((x-1000)**2-1)", "2*(x-1000)"),
    ("max(x,-2e7)**2", "2*x"),
    ("where(x>2.5,x**2,5*x)", "5+0*x"),
    ("where(x>1.2,where(x<1.3,x**2,x),x)", "1+0*x"),
    ("abs(x-0.3)*x", "2*x-0.3"),
    ("sqrt(x**2)", "x/x"),
    ("x*floor(x)", "0*x"),
    ("relu(sin(x))", "cos(x)"),
    ("max(x,y)", "1+0*x,0*y"),
    ("abs(x-y)", "sign(x),-sign(x)"),
    ("x**2", "where(x==3,0,2*x)"),
    ("x**3", "where(x==-17.25,0,3*x**2)"),
    ("sin(x)", "cos(x)+max(x-431.5,0)"),
]


@pytest.mark.parametrize(("text", "mine"), ONE_SIDED)
def test_what_is_right_on_one_side_only_is_not_right(text, mine):
    point = POINT if "y" in text else {"x": 0.67}
    found = grade(text, mine, point)
    assert found.finding == "domain", found
    at = {**point, **found.counterexample}
    texts = [text, *(mine.split(",") if len(point) > 1 else [mine])]
    h = 1e-6

    def value(one, **moved):
        shapes = dict.fromkeys(at, ())
        return Calculation([parse(one)], [one], shapes, []).value({**at, **moved})[0]

    quotients = [(value(text, **{n: at[n] + h}) - value(text, **{n: at[n] - h})) / (2 * h) for n in point]
    assert any(abs(q - value(part)) > 1e-3 for q, part in zip(quotients, texts[1:], strict=True)), at


RIGHT_AT_KINKS = [
    ("relu(x)", "where(x>0,1,0)"),
    ("abs(x)", "x/abs(x)"),
    ("abs(x)", "sign(x)"),
    ("clip(x,-1,1)", "where(abs(x)<1,1,0)"),
    ("max(x,y)", "where(x>y,1,0),where(y>x,1,0)"),
    ("sqrt(x**2)", "x/sqrt(x**2)"),
    ("x**2", "where(x==0,0,2*x**2/x)"),
    ("relu(x)**2", "2*relu(x)"),
]


@pytest.mark.parametrize(("text", "mine"), RIGHT_AT_KINKS)
def test_a_kink_is_no_place_to_be_wrong(text, mine):
    assert grade(text, mine, POINT if "y" in text else {"x": 0.67}).finding == "right"


MATRIX = [[1.0, 2.0], [3.0, 4.0]]
FINDINGS = [
    ("sum(A**3)", "6*A**2", {"A": MATRIX}, "factor", 2),
    ("sum(A**3)", "-3*A**2", {"A": MATRIX}, "sign", None),
    ("sum(A**3)", "3*A.T**2", {"A": MATRIX}, "transposed", None),
    ("sum(A**3)", "3*A.T**2", {"A": [[1, 2, 5], [3, 4, 6]]}, "transposed", None),
    ("sum(A**3)", "3*A**2", {"A": [[1, 2, 5], [3, 4, 6]]}, "right", None),
    ("sum(A**3)", "A**2", {"A": MATRIX}, "factor", 1 / 3),
    ("mean(v**2)", "2*v", {"v": [1, 2, 3]}, "missing_mean", 3),
    ("mean(v**2)", "6*v/N", {"v": [1, 2, 3]}, "factor", 3),
    ("mse(y,p)", "-2*(y-p)*1,2*(y-p)", {"p": [0.3, 0.4], "y": [1, 0]}, "missing_mean", 2),
    ("dot(u,v)", "u,v", {"u": [1, 2], "v": [3, 4]}, "swapped", None),
    ("sin(v)", "cos(v)", {"v": [1, 2]}, "right", None),
    ("sin(v)", "-cos(v)", {"v": [1, 2]}, "sign", None),
    ("sum(sin(3*v))", "cos(3*v)", {"v": [1, 2]}, "inner_derivative", None),
    ("(5-3*x)**2", "-2*(5-3*x)", {"x": 1}, "inner_derivative", None),
    ("(dot(v,[2,3])-1)**2", "2*(dot(v,[2,3])-1)", {"v": [1, 2]}, "inner_derivative", None),
    ("leaky_relu(x)", "1+0*x", {"x": 0.67}, "domain", None),
    ("elu(3*x)", "3+0*x", {"x": 0.67}, "domain", None),
    ("tanh(dot(v,[2,3]))", "[2,3]+0*v", {"v": [1, 2]}, "outer_derivative", None),
    ("log(sum(exp(v)))", "1/sum(exp(v))", {"v": [1, 2]}, "inner_derivative", None),
    ("dot(v,[2,3])", "2", {"v": [1, 2]}, "shape", None),
    ("sin(2-x**2)", "-cos(2-x**2)", {"x": 1}, "inner_derivative", None),
    ("x**2", "x", {"x": 3.0}, "factor", 0.5),
    ("x**2", "x+2", {"x": 2.0}, "domain", None),
    ("x**2", "3*x+1", {"x": 2.0}, "value", None),
]


@pytest.mark.parametrize(("text", "mine", "point", "finding", "factor"), FINDINGS)
def test_the_finding(text, mine, point, finding, factor):
    found = grade(text, mine, point)
    assert found.finding == finding, found
    assert found.factor == (pytest.approx(factor) if factor else None)


def test_fewer_than_three_digits_are_told():
    found = grade("x/y", "0.33,-0.22", {"x": 2, "y": 3})
    assert (found.finding, found.score) == ("value", 0)
    assert "three at least" in found.message
    assert grade("x/y", "1/3,-0.222", {"x": 2, "y": 3}).finding == "right"
    assert "three" not in grade("x/y", "0.33,-0.23", {"x": 2, "y": 3}).message


def three_decimals(matrix):
    return ";".join(",".join(f"{v:.3f}" for v in row) for row in np.atleast_2d(matrix))


@given(st.lists(st.floats(-0.6, 0.6), min_size=3, max_size=3))
@settings(max_examples=30)
def test_a_mistake_shows_in_entries_with_two_digits_too(x):
    p = np.exp(x) / np.exp(x).sum()
    true = np.diag(p) - np.outer(p, p)
    diagonal = true.diagonal()
    answers = {"sign": [-true], "diagonal_only": [np.diag(diagonal), diagonal, diagonal[:, None]]}
    for finding, given_ones in answers.items():
        for mine in map(three_decimals, given_ones):
            assert grade("softmax(x)", mine, {"x": x}).finding == finding, mine
    slopes = np.cos(np.outer([1, -0.5], x)) / 12
    turned = grade("sum(sin(A))/12", three_decimals(slopes.T), {"A": np.outer([1, -0.5], x)})
    assert turned.finding == "transposed" or np.ptp(slopes) < 1e-2


def test_a_sum_over_its_number_of_terms_is_a_mean():
    for mean in ("sum(v**2)/3", "-sum(v**2)/3", "mean(v**2)"):
        sign = "-" if mean[0] == "-" else ""
        assert grade(mean, f"{sign}2*v/N", {"v": [1, 2, 4]}).finding == "right"
        assert grade(mean, f"{sign}2*v", {"v": [1, 2, 4]}).finding == "missing_mean"
    assert grade("sum(v**2)/3", "2*v", {"v": [1, 2, 4, 5]}).finding == "factor"


def test_a_lacking_factor_is_told_as_what_is_right():
    assert grade("x**2", "x", {"x": 3.0}).message == "twice as much is right"
    assert grade("x**3", "x**2", {"x": 3.0}).message == "3 times as much is right"
    assert grade("x**2", "4*x", {"x": 3.0}).message == "a factor 2 too much"


def test_outside_of_the_domain_nothing_is_wrong():
    assert grade("log(x-5)", "1/(x-5)", {"x": 0.67}).finding == "right"
    assert grade("sqrt(x)", "1/(2*sqrt(x))", {"x": 0.0}).finding == "right"
    assert grade("log(x-5)", "2/(x-5)", {"x": 0.67}).finding == "factor"
    assert grade("(x/(2-2))**3", "7*x", {"x": 0.67}).agree is None


def test_a_missing_link_of_the_second_expression_is_written_as_it_is():
    found = grade(["x*y+1000", "sin(3*x)"], "y, x; cos(3*x), 0*y", POINT)
    assert found.message.startswith("the inner derivative is missing: times the derivative of 3*x in d(sin(3*x))/dx")


def test_rows_that_are_swapped():
    found = grade(["x*y", "sin(x)+y"], "cos(x), 1; y, x", POINT)
    assert (found.finding, found.message[:4]) == ("swapped", "rows")


@pytest.mark.parametrize(("text", "mine"), [("sin(x)/x", "0"), ("sin(x)/x", "-1"), ("(1-cos(x))/x**2", "4.41e-5")])
def test_what_rounding_has_eaten_is_open_without_balls_and_wrong_with_them(monkeypatch, text, mine):
    point = {"x": 1e-8 if "sin" in text else 1e-4}
    assert grade(text, mine, point).agree is False
    monkeypatch.setattr(questions, "proven_jacobian", lambda *_: None)
    found = grade(text, mine, point)
    assert (found.finding, found.agree, found.score) == ("open", None, None)


def test_balls_know_what_doubles_have_lost():
    x = sympy.Symbol("x")
    true = sympy.diff(sympy.sin(x) / x).subs(x, sympy.Float("1e-8", 60)).evalf(12)
    assert grade("sin(x)/x", str(true), {"x": 1e-8}).finding == "right"


@pytest.mark.parametrize(
    ("mine", "message"),
    [
        ("d/dy: 6", "expected d/dx, found d/dy"),
        ("d/dy: 2*x", "expected d/dx, found d/dy"),
        ("6\nd/dx: 6", "expected d/dx, found entries without a title, d/dx"),
    ],
)
def test_titles_that_are_not_asked_for_are_named(mine, message):
    found = grade("x**2", mine, {"x": 3})
    assert (found.finding, found.message) == ("shape", message)


CORNERS = [
    ("where((x>5)*(y>5),x*y,x+y)", "1+0*x,1+0*y", "where((x>5)*(y>5),y,1),where((x>5)*(y>5),x,1)"),
    ("relu(x-10)*relu(y-20)", "0*x,0*y", "(x>10)*relu(y-20),(y>20)*relu(x-10)"),
    ("relu(-x-3)*relu(y-0.9)", "0*x,0*y", "-(x<-3)*relu(y-0.9),(y>0.9)*relu(-x-3)"),
    ("max(x,y+1e-4)", "x>y,x<y", "x>y+1e-4,x<y+1e-4"),
    ("max(x/y,y/x)", "0*x,0*y", "where(x/y>y/x,1/y,-y/x**2),where(x/y>y/x,-x/y**2,1/x)"),
]
OF_THE_ANSWER = [
    ("x**2", "2*x+(x>1.2)*(x<1.6)", "2*x*((x>1.2)+(x<=1.2))"),
    ("x**2", "where(abs(x)<1e-3,0,2*x)", "where(abs(x)<1e-3,x,2*x)+where(abs(x)<1e-3,x,0)"),
    ("x**2", "2*x+relu(-(x-200)*(x-100))", "2*x+0*relu(-(x-200)*(x-100))"),
    ("log(x)", "where(x<1e-4,0,1/x)", "where(x<1e-4,1/x,1/x)"),
    ("log(x)", "1/min(x,1e10)", "1/max(x,x)"),
    ("relu(x)", "x>-1e-8", "x>0"),
    ("relu(0.1*x-0.3)", "0.1*(x>2.9999)", "0.1*(x>3)"),
    ("relu((x-1)**3)", "3*(x-1)**2", "where(x**3-3*x**2+3*x-1>0,3*(x-1)**2,0)"),
    ("relu(x+0.3-0.3)", "x>-1e-3", "x>0"),
]
FAR = [
    ("where(x>1e10,0,x**2)", "2*x", "where(x>1e10,0,2*x)"),
    ("relu(x-1e20)", "0*x", "x>1e20"),
    ("relu(-x-1e200)", "0*x", "-(x<-1e200)"),
    ("where(x>-3e30,x**2,0)", "2*x", "where(x>-3e30,2*x,0)"),
    ("max(x,1/x)", "0*x", "where(x>1/x,1,-1/x**2)"),
    ("floor(5*x)", "x/x", "0*x"),
    ("floor(x**2)", "2*x", "0*x"),
    ("x-floor(10*x)/10", "0*x", "x/x"),
]


@pytest.mark.parametrize(("text", "wrong", "right"), CORNERS + OF_THE_ANSWER + FAR)
def test_what_is_wrong_in_a_corner_or_beyond_a_kink_anywhere_is_not_right(text, wrong, right):
    point = POINT if "y" in text else {"x": 0.67}
    assert grade(text, right, point).finding == "right"
    found = grade(text, wrong, point)
    assert found.finding in ("domain", "value"), found
    assert found.finding == "value" or found.counterexample


@pytest.mark.parametrize("text", ["max(min(x,y),y+x)", "abs(max(min(y,x),log(x**2+1))-0.3)", "max(x,y)*min(x,y)"])
def test_where_kinks_of_several_variables_meet_their_formula_is_not_tried(text):
    """There the slopes along the axes are no value of the formula, which shares ties evenly."""
    mine = str(formula(text, wrt=["x", "y"])).replace(" ", ",")
    assert grade(text, mine, POINT).finding == "right"


def test_a_constant_by_name_may_move_a_kink_far_out():
    point = {"x": 0.67, "w": 0.44, "b": 1e12}
    made = Calculation([parse("relu(w*x+b)")], ["relu(w*x+b)"], dict.fromkeys(point, ()), ["w", "x"])
    question = question_of(made, ["w", "x"], point)
    found = [
        graded(question, read_answer(mine, lambda _: None), point, Tolerance()).finding
        for mine in ("x,w", "x*(w*x+b>0),w*(w*x+b>0)")
    ]
    assert found == ["domain", "right"]


@given(st.integers(-40, 40), st.integers(1, 9), st.sampled_from([-1, 1]))
@settings(max_examples=30)
def test_an_answer_that_is_wrong_in_a_window_is_not_right(power, digit, sign):
    """A window of a tenth of its place, anywhere; beside it the same answer in two pieces is right."""
    low, high = sorted((sign * digit * 10.0**power, sign * digit * 1.1 * 10.0**power))
    inside = f"(x>{low!r})*(x<{high!r})"
    assert grade("x**3", f"where({inside},3*x**2,3*x*x)", {"x": 0.67}).finding == "right"
    found = grade("x**3", f"where({inside},2*x**2,3*x*x)", {"x": 0.67})
    assert found.finding == "domain"
    assert low < found.counterexample["x"] < high


@pytest.mark.parametrize(
    ("text", "wrong", "right"), [("sum(floor(x))", "x", "0*x"), ("sum(abs(sin(x)))", "cos(x)", "")]
)
def test_of_many_entries_with_many_kinks_the_work_is_bounded(text, wrong, right, monkeypatch):
    evaluated = []
    jacobian = Calculation.jacobian
    monkeypatch.setattr(Calculation, "jacobian", lambda self, at: evaluated.append(1) or jacobian(self, at))
    point = {"x": np.arange(60) * 0.137 - 3.05}
    assert grade(text, right or "cos(x)*sign(sin(x))", point).finding == "right"
    assert grade(text, wrong, point).finding != "right"
    assert len(evaluated) < 10_000


@pytest.mark.parametrize(
    ("text", "mine", "finding"),
    [
        ("min(relu(2*x),x)", "where(relu(2*x)>x,1,where(relu(2*x)<x,0,1/2)+where(relu(2*x)==x,(x>0),0))", "right"),
        ("min(relu(2*x),x)", "(x>0)", "domain"),
        ("x**2", "where(x==0,5,2*x)", "domain"),
        ("max(x,y)**2", "where(x==y,1,2*max(x,y)*(x>y))", "right"),
    ],
)
def test_where_the_steps_of_both_tie_a_convention_is_no_mistake(text, mine, finding):
    point = {"x": 0.67, "y": 0.3}
    whole = f"{mine},2*max(x,y)*(y>x)" if "y" in text else mine
    names = [name for name in "xy" if name in text.replace("max", "")]
    assert grade(text, whole, {name: point[name] for name in names}).finding == finding
