"""The formulas of derivatives: what is printed is read back and evaluated, beside the sweeps' numbers and SymPy."""

import math
import random

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from strategies import PIECES

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import Binary, fold, names_in
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.symbolic import sums_and_products
from bpcli.calculus.symbolic.derivation import Derivation, shapes_of
from bpcli.errors import ExpressionError


def formulas(text, shapes=None, wrt=None, what="gradient"):
    """The entries of a gradient, Jacobian or Hessian as texts."""
    tree = parse(text)
    names = wrt or sorted(set(names_in(tree)) - {"pi", "e"})
    one = Derivation([tree], [text], shapes_of([tree], [text], names, shapes or {}), names)
    found = getattr(one, what)(one.point_of({}))[-1]
    blocks = found.values() if isinstance(found, dict) else [found]
    return [to_text(symbol.tree) for block in blocks for symbol in np.ravel(np.asarray(block, object))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x**2+y**2", ["2*x", "2*y"]),
        ("x*y", ["y", "x"]),
        ("x+y", ["1", "1"]),
        ("1/3*x**3", ["x**2"]),
        ("x/y", ["1/y", "-x/y**2"]),
        ("sigmoid(x)", ["sigmoid(x)*(1-sigmoid(x))"]),
        ("tanh(x)", ["(1+tanh(x))*(1-tanh(x))"]),
        ("relu(x)", ["where(x>=0,1,0)"]),
        ("bce(1,sigmoid(x))", ["sigmoid(x)-1"]),
        ("mse(y,x)", ["-2*(y-x)", "2*(y-x)"]),
        ("sin(x)**2", ["2*cos(x)*sin(x)"]),
        ("x**y", ["y*x**(y-1)", "x**y*log(x)"]),
        ("|x|", ["sign(x)"]),
        ("x[0]*x[1]", ["x[1]", "x[0]"]),
        ("where(x<y,x**2,y)", ["where(x<y,2*x,0)", "where(x<y,0,1)"]),
        ("0.1*x+pi*x", ["pi+0.1"]),
    ],
)
def test_a_gradient_reads_as_one_writes_it(text, expected):
    assert formulas(text) == expected


def test_vectors_are_written_by_entries():
    assert formulas("sum(x**2)/3", {"x": (3,)}) == ["2*x[0]/3", "2*x[1]/3", "2*x[2]/3"]
    assert formulas("softmax(l)", {"l": (2,)}, what="jacobian") == [
        "softmax(l)[0]*(1-softmax(l)[0])",
        "-softmax(l)[0]*softmax(l)[1]",
        "-softmax(l)[0]*softmax(l)[1]",
        "softmax(l)[1]*(1-softmax(l)[1])",
    ]
    assert formulas("norm(x)", {"x": (2,)}) == ["x[0]/norm(x)", "x[1]/norm(x)"]
    with pytest.raises(ExpressionError, match="depends on how many entries x has"):
        formulas("mean(x)")


ELEMENTWISE = [n for n, row in FUNCTIONS.items() if row.kind == "elementwise" and row.arity == (1, 1) and n != "acosh"]
SCALARS = [
    *(f"{name}(0.3*x+0.2)" for name in ELEMENTWISE),
    *("acosh(x**2+2)", "atan2(x,y)", "hypot(x,y)", "max(x,y,1)", "min(x,y)", "clip(x,0,y)", "where(x<y,x*y,y**2)"),
    *("x**y", "x/y-y/x", "bce(x,y)", "cce(x,y)", "mse(x,y)", "(x-y)**3*(x+y)", "sqrt(x)*sqrt(y)", "exp(x)/(1+exp(x))"),
    *("x**2.5*y**-2", "(x<y)*x", "2**x*3**y"),
]
VECTORS = [
    *("sum(x**2*[1,2,3])", "prod(x)", "norm(x)*x[0]", "logsumexp(2*x)", "softmax(x)[1]", "log_softmax(x)[2]"),
    *("mean(x*x)", "max(x)", "x@[[1,2,3],[4,5,6],[7,8,9]]@x", "cce([0,1,0],softmax(x))", "dot(x,x)/x[2]"),
    "bce(0.5,sigmoid(sum(x)))",
]


@pytest.mark.parametrize("text", [*SCALARS, *VECTORS])
@pytest.mark.parametrize("what", ["gradient", "hessian"])
def test_what_is_printed_evaluates_to_the_numbers(text, what):
    vector = text in VECTORS
    names = ["x"] if vector or "y" not in text.replace("hypot", "") else ["x", "y"]
    shapes = {"x": (3,)} if vector else {}
    point = {"x": np.array([0.3, 1.2, 0.7])} if vector else {"x": 0.4, "y": 0.7}
    point = {name: point[name] for name in names}
    numeric = Calculation([parse(text)], [text], {n: np.shape(v) for n, v in point.items()}, names)
    found = getattr(numeric, what)(point)[-1]
    expected = np.concatenate([np.ravel(b) for b in found.values()]) if isinstance(found, dict) else np.ravel(found)
    for formula, number in zip(formulas(text, shapes, names, what), expected, strict=True):
        again = Calculation([parse(formula)], [formula], {n: np.shape(v) for n, v in point.items()}, names)
        assert again.value(point)[0] == pytest.approx(number, rel=1e-10, abs=1e-12), formula


@given(PIECES)
@settings(max_examples=100)
def test_random_gradients_beside_sympy(text):
    names = ["x", "y"]
    expression = sympy.sympify(text, locals={n: sympy.Symbol(n) for n in names})
    assume(not expression.has(sympy.zoo, sympy.nan))  # sin(x/(x - x)), of which SymPy has no number
    rng = random.Random(1)
    point = {name: rng.uniform(0.5, 1.5) for name in names}
    for name, formula in zip(names, formulas(text, wrt=names), strict=True):
        got = Calculation([parse(formula)], [formula], {"x": (), "y": ()}, names).value(point)[0]
        with np.errstate(all="ignore"):
            exact = complex(expression.diff(name).evalf(30, subs=point)) if expression.has(sympy.Symbol(name)) else 0
        if not math.isfinite(abs(exact)) or not math.isfinite(got):
            continue
        assert got == pytest.approx(exact.real if exact else 0, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("text", ["x**x**x**x**x", "a**b**c**d", "sin(cos(tan(x*y*z)))"])
def test_formulas_that_nobody_would_read_are_refused(bpcli, monkeypatch, text):
    assert bpcli("hessian", text).code == 0
    monkeypatch.setattr(sums_and_products, "MAX_CHARACTERS", 99)
    result = bpcli("hessian", text)
    assert result.code == 2
    assert "at a point" in result.err


def test_a_part_that_comes_twice_is_folded_once():
    part = parse("x+1")
    for _ in range(200):  # as a text, 2**200 times
        part = Binary("*", part, part)
    assert fold(part, lambda node, below: 1 + max(below, default=0)) == 202
    assert names_in(part) == ["x"]
