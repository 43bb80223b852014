"""How formulas are written: by hand, and every formula of the tables with its brackets in pairs and all its names."""

import re

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tree import names_in
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.losses import LOSSES
from bpcli.lecture.writing import Formula, application, factor, is_linear, mean, mean_slope, within, written

FORMULAS = [
    *(f for row in ACTIVATIONS.values() for f in (row.formula, row.derivative_formula)),
    *(f for row in LOSSES.values() for f in (row.formula, row.slope_formula)),
    *(form.slope_formula for row in LOSSES.values() for form in row.fused.values()),
]
SUMS = Formula("Σ", r"\sum_i")


@pytest.mark.parametrize(
    ("formula", "text", "latex"),
    [
        ("a*(1-a)", "a(1 − a)", "a(1 - a)"),
        ("(1+a)*(1-a)", "(1 + a)(1 − a)", "(1 + a)(1 - a)"),
        ("1/(1+exp(-z))", "1/(1 + e^−z)", r"\frac{1}{1 + e^{-z}}"),
        ("exp(2*z)", "e^(2 z)", "e^{2 z}"),
        ("-2*(y-yhat)", "−2(y − ŷ)", r"-2(y - \hat{y})"),
        ("(y-yhat)**2/2", "(y − ŷ)²/2", r"\frac{(y - \hat{y})^2}{2}"),
        ("z**10", "z^10", "z^{10}"),
        ("a/b*c", "(a/b) c", r"\frac{a}{b} c"),
        ("a/(b*c)", "a/(b c)", r"\frac{a}{b c}"),
        ("a-(b-c)", "a − (b − c)", "a - (b - c)"),
        ("a-(-b)", "a − (−b)", "a - (-b)"),
        ("a*2", "a · 2", r"a \cdot 2"),
        ("log(z)*z", "(log z) z", r"(\log z) z"),
        ("z*log(1-z)", "z log(1 − z)", r"z \log(1 - z)"),
        ("delta*abs(z)", "δ|z|", r"\delta \left|z\right|"),
        ("tau*lambda/pi", "τ λ/π", r"\frac{\tau \lambda}{\pi}"),
        ("sigmoid(z)", "σ(z)", r"\sigma(z)"),
        ("z/sqrt(1+z**2)", "z/sqrt(1 + z²)", r"\frac{z}{\sqrt{1 + z^2}}"),
        ("cbrt(z)*floor(z)", "cbrt(z) floor(z)", r"\sqrt[3]{z} \left\lfloor z\right\rfloor"),
        ("where(z<0,0,1)", "0 if z < 0, else 1", r"\begin{cases} 0, & z < 0 \\ 1, & z \ge 0 \end{cases}"),
        (
            "where(z<0,0,where(z<1,z,1))",
            "0 if z < 0, z if z < 1, else 1",
            r"\begin{cases} 0, & z < 0 \\ z, & z < 1 \\ 1, & \text{else} \end{cases}",
        ),
        (
            "where(z>=0,where(z<=6,z,6),0)",
            "(z if z ≤ 6, else 6) if z ≥ 0, else 0",
            r"\begin{cases} \begin{cases} z, & z \le 6 \\ 6, & z > 6 \end{cases}, & z \ge 0 \\ 0, & z < 0 \end{cases}",
        ),
    ],
)
def test_by_hand(formula, text, latex):
    assert written(formula) == (text, latex)


def test_inside_of_a_product_an_indicator_is_a_bracket():
    assert factor("where(z>=0, 1, 0)") == ("[z ≥ 0]", r"[z \ge 0]")
    assert within("where(z>=0, 1, 0)").latex == r"[z \ge 0]"
    assert factor("1+a") == ("(1 + a)", "(1 + a)")
    assert application("sigmoid", "1/(1+exp(-z))").text == "σ(z)"
    assert application("relu", "max(0,z)").text == "max(0, z)"


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_formula_of_the_tables_is_written_whole(formula):
    for shown in (written(formula), factor(formula), within(formula)):
        for text in shown:
            for opening, closing in ("()", "[]", "{}"):
                assert text.count(opening) == text.count(closing), text
        for name in names_in(parse(formula)):
            assert re.search(rf"\b{name}\b", shown.latex) or name in ("yhat",), shown.latex
        assert shown.latex.isascii()


def test_the_mean_over_a_batch_and_of_one_sample():
    assert mean("-(y*log(a)+z)", {}, 3, SUMS).text == "−(1/N) Σ [y log a + z]"
    assert mean("-(y*log(a)+z)", {}, 1, Formula("", "")).text == "−[y log a + z]"
    assert mean("3*y**2", {}, 2, SUMS) == ("(3/N) Σ y²", r"\frac{3}{N} \sum_i y^2")
    assert mean_slope("-2*(y-a)", {}, 2) == ("−(2/N)(y − a)", r"-\frac{2}{N}(y - a)")
    assert mean_slope("-2*(y-a)", {}, 1).text == "−2(y − a)"
    assert mean_slope("-y/a", {}, 2).text == "−(1/N) y/a"
    assert mean_slope("1-y/a", {}, 2).text == "(1/N)(1 − y/a)"


@pytest.mark.parametrize(
    ("formula", "linear"), [("y-a", True), ("-2*(y-a)", True), ("y*a", False), ("y/a", False), ("1-y", False)]
)
def test_what_is_a_formula_of_vectors(formula, linear):
    assert is_linear(parse(formula)) is linear
