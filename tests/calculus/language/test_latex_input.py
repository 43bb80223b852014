"""LaTeX that is pasted means what its like here does: SymPy's LaTeX, read back, has the same values."""

import pytest
import sympy

from bpcli.calculus.language.latex_input import from_latex
from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.errors import ExpressionError

POINT = {"x": 0.37, "y": 1.21, "alpha": 0.6}
EXPRESSIONS = [
    "1/x",
    "x/(y+1)",
    "sqrt(x+y)",
    "sin(x)**2",
    "exp(-x**2/2)/sqrt(2*pi)",
    "alpha*x*y",
    "log(1+exp(x))",
    "atan(x/y)*acos(x)",
    "tanh(alpha*x)**3",
    "Abs(x-y)",
    "cbrt(y)",
    "(x+1)*(x-1)/(x**2+y**2)**2",
    "1/(1+exp(-(x/(y+1/x))))",
]


def value(text):
    (found,) = Calculation([parse(text)], [text], dict.fromkeys(POINT, ()), []).value(POINT)
    return float(found)


@pytest.mark.parametrize("text", EXPRESSIONS)
@pytest.mark.parametrize("style", [{}, {"fold_short_frac": True}, {"mul_symbol": "dot"}, {"ln_notation": True}])
def test_latex_of_sympy_is_read(text, style):
    expression = sympy.sympify(text)
    written = sympy.latex(expression, inv_trig_style="full", **style)
    if "/ 2 " in written:  # SymPy's own is not clear
        assert from_latex(written) == ""
        return
    assert value(from_latex(written)) == pytest.approx(float(expression.evalf(20, subs=POINT)), rel=1e-12), written


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"\frac{1}{x}", "1/x"),
        (r"\sin 2 x", "sin(2*x)"),
        (r"\cos 2\pi x", "cos(2*pi*x)"),
        (r"\ln x^2 + \ln^2 x", "log(x**2)+log(x)**2"),
        (r"\sin^{2} 3x^{2}", "sin(3*x**2)**2"),
        (r"\theta_0+\theta_1x", "theta0+theta1*x"),
        (r"\log_{10}x + \log_2(x)", "log10(x)+log2(x)"),
        (r"\beta_1\sin\omega", "beta1*sin(omega)"),
        (r"\operatorname{sigmoid}(x)", "sigmoid(x)"),
        (r"$\sin^2 x + \cos^2 x$", "sin(x)**2+cos(x)**2"),
        (r"\sigma(z)(1-\sigma(z))", "sigmoid(z)*(1-sigmoid(z))"),
        (r"\hat{y} - y", "yhat-y"),
        (r"(y-\hat y)^2", "(y-yhat)**2"),
        (r"w^\top x + b", "w.T@x+b"),
        (r"\left\|x\right\|^2", "norm(x)**2"),
        (r"\frac12 x^2", "1/2*x**2"),
        (r"\log_2 x", "log2(x)"),
        (r"x_{1}^{2}", "x1**2"),
        (r"e^{-x}", "e**-x"),
        (r"\max(0, x)", "max(0,x)"),
        (r"\log_{a} x", "log(x)/log(a)"),
        (r"\log_a x", "log(x)/log(a)"),
        (r"\log_{3} x", "log(x)/log(3)"),
        (r"\log_3(x+1)+\log_b y", "log(x+1)/log(3)+log(y)/log(b)"),
        (r"2\log_3^2 x", "2*(log(x)/log(3))**2"),
        (r"\log_3\left(\log_3 x\right)", "log(log(x)/log(3))/log(3)"),
        ("log_{3}(x)", "log(x)/log(3)"),
        ("log_{2}(x)", "log2(x)"),
        (r"x\frac{1}{2}", "x*(1/2)"),
        (r"x\sqrt{2}", "x*sqrt(2)"),
        (r"x\lfloor y\rfloor", "x*floor(y)"),
        (r"\sin\frac{x}{2}", "sin(x/2)"),
        (r"\ln\left|x\right|", "log(abs(x))"),
        (r"\ln\lvert x-1\rvert", "log(abs(x-1))"),
        (r"\sum_{i=1}^n x_i^2", "sum(x**2)"),
        (r"\sum_i x_i y_i", "sum(x*y)"),
        (r"\frac{1}{n}\sum_{i=1}^{n} (y_i - \hat{y}_i)^2", "1/n*sum((y-yhat)**2)"),
        (r"1 + \prod_{k} x_k", "1+prod(x)"),
    ],
)
def test_the_error_shows_what_to_write(latex, plain):
    with pytest.raises(ExpressionError) as caught:
        parse(latex)
    assert caught.value.hint.split("; ")[0] == f"write {plain}"


@pytest.mark.parametrize(
    "latex",
    [
        *(r"\sin x y", r"\ln x/y", r"\operatorname{diag}(p)", r"x^{(i)}", r"a^{[1]}"),
        *(
            r"\sum_{i=1}^n x_i + 1",
            r"\sum_i \sum_j w_{ij} x_j",
            r"\sum_i \sum_j x_j",
            r"\sum_{i=2}^n x_i",
            r"\sum_{i=1}^n i x_i",
        ),
        *(r"\log_\beta x", r"\log_3", r"2\frac{1}{2}", r"\log_3 x y"),
        r"\int x",
        r"x\y",
        r"\foo{x}",
        r"\begin{pmatrix}1\end{pmatrix}",
        "{x",
        "}",
    ],
)
def test_nothing_is_offered_for_what_is_not_known(latex):
    with pytest.raises(ExpressionError) as caught:
        parse(latex)
    assert caught.value.hint.startswith(("write names plainly", "group with"))


@pytest.mark.parametrize("part", [r"\sum_i x_i ", r"\sum_i ", r"\log_3 ", r"x\frac12", r"\ln|x|"])
def test_a_long_text_has_its_error_too(part):
    with pytest.raises(ExpressionError):
        parse((part * 1500)[:9000] + "x")
