"""Whole texts of other notations are offered as they are written here: it can be read, and means the same."""

import math

import numpy as np
import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.rewritings import advice_on, decimal_comma, rewritten
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.errors import ExpressionError

A = np.array([[1.0, 2.0], [3.0, 5.0]])
VALUES = {"x": 0.7, "y": 1.9, "n": 3.0, "A": A, "B": A.T + 1, "w": np.array([1.0, -2.0]), "v": np.array([0.5, 4.0])}
VALUES["theta"] = VALUES["w"]
x, y, n, w, v, B = (VALUES[name] for name in "xynwvB")


def hint_of(typed):
    with pytest.raises(ExpressionError) as caught:
        parse(typed)
    return caught.value.hint


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("e⁻ˣ", math.exp(-x)),
        ("eˣ", math.exp(x)),
        ("e²ˣ", math.exp(2 * x)),
        ("3·e⁻²ˣ+1", 3 * math.exp(-2 * x) + 1),
        ("e⁻ˣ²", math.exp(-(x**2))),
        ("2ˣ", 2**x),
        ("xⁿ", x**n),
        ("x⁻ⁿ", x**-n),
        ("xʸ", x**y),
        ("(x+1)ⁿ", (x + 1) ** n),
        ("⁵√x", x ** (1 / 5)),
        ("ⁿ√x", x ** (1 / n)),
        ("³√(x+1)", (x + 1) ** (1 / 3)),
        ("⁴√x+1", x ** (1 / 4) + 1),
        ("2·ⁿ√(x+1)", 2 * (x + 1) ** (1 / n)),
        ("√[3]{x}", x ** (1 / 3)),
        ("√[n](x+1)", (x + 1) ** (1 / n)),
        ("w'v", w @ v),
        ("w'*v", w @ v),
        ("w’v+x", w @ v + x),
        ("wᵀv", w @ v),
        ("w^⊤v", w @ v),
        ("w^{T}v", w @ v),
        ("w.T v", w @ v),
        ("theta'v", w @ v),
        ("v'Aw", v @ A @ w),
        ("v'*A*w", v @ A @ w),
        ("vᵀAw", v @ A @ w),
        ("v'*A*w+x", v @ A @ w + x),
        ("v'A w - w'v", v @ A @ w - w @ v),
        ("A'A", A.T @ A),
        ("(A+B)'v", (A + B).T @ v),
        ("50%", 0.5),
        ("50% * x", 0.5 * x),
        ("sin(30°)", 0.5),
        ("sin 30°", 0.5),
        ("1'000+x", 1000 + x),
        ("x*1_{x>0}", x),
        ("x*1[x<0]", 0.0),
        ("𝟙(x>y)", 0.0),
        ("I(x<y)", 1.0),
        ("<w,v>", w @ v),
        (r"\|v\|_1", 4.5),
        (r"\frac{1}{2}\|v\|_2^2", v @ v / 2),
        (r"\lVert v\rVert_\infty", 4.0),
        (r"\sin^{-1} x", math.asin(x)),
        ("tanh^{-1}(x)", math.atanh(x)),
        (r"\max\{0,x\}", x),
        (r"\lfloor y \rfloor+\lceil x\rceil", 2.0),
        (r"\langle w, v\rangle", w @ v),
        (r"\(x^2\)", x**2),
        ("x^{2}y^{3}", x**2 * y**3),
        (r"e^{-x^2/2}\sin y", math.exp(-(x**2) / 2) * math.sin(y)),
        (r"\mathrm{ReLU}(x)", x),
    ],
)
def test_what_is_offered_means_the_same(typed, meant):
    hint = hint_of(typed).removeprefix("grad differentiates; for the transpose ").partition(";")[0]
    for offered in hint.removeprefix("write ").split(" or "):
        tree = parse(offered)
        made = Calculation([tree], [offered], {name: np.shape(value) for name, value in VALUES.items()}, [])
        assert np.asarray(made.value(VALUES)[0]) == pytest.approx(np.asarray(meant), rel=1e-12)


@pytest.mark.parametrize("typed", ["f'(x)", "sin'(x)", "x'", "5 % 3", "x % 2", "x<y", "x²", "√x", "x^2"])
def test_what_may_be_something_else_stays(typed):
    assert rewritten(typed) == ""


def test_a_prime_is_read_as_a_transpose():
    assert hint_of("w'v") == "grad differentiates; for the transpose write w.T@v or dot(w, v)"
    assert advice_on("1'000", "1000") == "write 1000"


@pytest.mark.parametrize(("typed", "number"), [("3,14", "3.14"), ("1,5*x", "1.5"), ("0,5x^2", "0.5")])
def test_a_decimal_comma(typed, number):
    assert decimal_comma(typed).startswith(f"a decimal is written {number}, a vector [")
    assert hint_of(typed) == decimal_comma(typed)


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("1.000,5", "a decimal is written 1000.5, a vector [1.000, 5]"),
        ("2*1.000,5*x", "a decimal is written 1000.5, a vector [1.000, 5]"),
        ("1,000*x", "a decimal is written 1.000, a number without its thousands' comma 1000, a vector [1, 000]"),
        ("1,000.5", "a number has no sign between its thousands: write 1000.5"),
        ("1,000,000.5", "a number has no sign between its thousands: write 1000000.5"),
        ("1.000.000,5*x", "a number has no sign between its thousands: write 1000000.5"),
        ("1.000.000", "a number has no sign between its thousands: write 1000000"),
        ("12.5,3", "a decimal is written 1.5, a vector [1, 2]"),
        ("1.2.3", ""),
    ],
)
def test_what_groups_thousands_is_no_decimal_point(typed, advice):
    assert hint_of(typed) == advice
