"""Trees as LaTeX: what is written, and that any name leaves it ASCII and sound."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bpcli.calculus.language.latex import name_latex, to_latex
from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tokens import normal_name
from bpcli.calculus.rules.functions import CONSTANTS, FUNCTIONS


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("x**2/(y+1)", r"\frac{x^{2}}{y + 1}"),
        ("2*x*y", r"2 x y"),
        ("2*3", r"2 \cdot 3"),
        ("x*2", r"x \cdot 2"),
        ("sqrt(x)*|y|", r"\sqrt{x} \left|y\right|"),
        ("sigmoid(w1*x+b)", r"\sigma\left(w_{1} x + b\right)"),
        ("exp(-x**2)", r"e^{-x^{2}}"),
        ("(a+b)*c", r"\left(a + b\right) c"),
        ("-(x+y)", r"-\left(x + y\right)"),
        ("a-(b-c)", r"a - \left(b - c\right)"),
        ("(x+1)**y", r"\left(x + 1\right)^{y}"),
        ("exp(x)**2", r"\left(e^{x}\right)^{2}"),
        ("alpha*β", r"\alpha \beta"),
        ("1e-3*x", r"1 \cdot 10^{-3} x"),
        ("yhat-y", r"\hat{y} - y"),
        ("x[0]", r"x_{0}"),
        ("x1[0]**2", r"{x_{1}}_{0}^{2}"),
        ("-x/y", r"-\frac{x}{y}"),
        ("(y-x)/2", r"\frac{y - x}{2}"),
        ("2*(1/3)", r"2 \cdot \frac{1}{3}"),
        ("Σ_1+Ω*ŷ", r"\Sigma_{1} + \Omega \hat{y}"),
        ("where(x>=0,1,0)", r"\begin{cases} 1, & x \ge 0 \\ 0, & \text{else} \end{cases}"),
        ("[[1,2],[3,4]]", r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}"),
        ("A.T@x", r"A^T \, x"),
        ("log_softmax(l)", r"\operatorname{log\_softmax}\left(l\right)"),
    ],
)
def test_latex(text, latex):
    assert to_latex(parse(text)) == latex


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("α", r"\alpha"),
        ("λ2", r"\lambda_{2}"),
        ("Sigma", r"\Sigma"),
        ("Α", r"\mathrm{A}"),
        ("ή", r"\acute{\eta}"),
        ("x̄1", r"\bar{x}_{1}"),
        ("σ_max", r"\sigma \mathrm{\_max}"),
        ("w_max", r"\mathrm{w\_max}"),
        ("д", r"\mathrm{U0434}"),
        ("ß", r"\text{\ss}"),
        ("_", r"\mathrm{\_}"),
        ("inf", r"\infty"),
    ],
)
def test_names(name, latex):
    assert name_latex(name) == latex


def sound(latex):
    """Whether braces match, and no base has two subscripts or two powers: what TeX refuses."""
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", latex):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0 and not re.search(r"_\{[^{}]*\}_|\^\{[^{}]*\}\^", latex.replace(r"\_", ""))


@given(st.text(st.characters(categories=("L", "M", "Nd", "Pc")), min_size=1, max_size=6))
@example("A\u19d0")
def test_any_name_is_ascii_and_sound(written):
    name = normal_name(written)
    if not name or name in FUNCTIONS or name in CONSTANTS:
        return
    for latex in (name_latex(name), to_latex(parse(f"{name}[0]**2"))):
        assert latex.isascii()
        assert sound(latex)


def test_different_letters_stay_different():
    names = ["x", "x̂", "ŷ", "y", "α", "Α", "A1", "д", "ж", "Δ", "δ", "ø", "Ø", "o", "ẋ", "ẍ"]
    assert len({name_latex(name) for name in names}) == len(names)
