"""Hints lead to what was meant: the same mathematics, by mpmath; a spelling only where it is one slip of the hand."""

import inspect

import mpmath
import numpy as np
import pytest

from bpcli.calculus.language import foreign_calls
from bpcli.calculus.language.foreign_calls import advice_on_call, call_here
from bpcli.calculus.language.hints import (
    CHARACTERS,
    INVERSES,
    PAIRS,
)
from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.errors import ExpressionError

ROWS = [(name, parameters, meant) for name, rows in foreign_calls._rows().items() for parameters, meant in rows]
ARGUMENTS = {"x": "v", "y": "u", "z": "w"}


def hint_of(typed):
    with pytest.raises(ExpressionError) as caught:
        parse(typed)
    return caught.value.hint


@pytest.mark.parametrize(("name", "parameters", "meant"), ROWS)
def test_every_row_of_the_table_can_be_written_here(name, parameters, meant):
    given = [ARGUMENTS.get(p, p) for p in parameters]
    found = call_here(name, given)
    assert found == call_here(name.upper(), given) or name in FUNCTIONS or name == "e" or not name.isascii()
    parse(found)
    assert name not in FUNCTIONS or not FUNCTIONS[name].arity[0] <= len(parameters) <= FUNCTIONS[name].arity[1]
    parse(call_here(name, ["(1+v)" if p in ARGUMENTS else p for p in parameters]))


WITNESSES = [
    name
    for name, parameters, _ in ROWS
    if len(parameters) == 1
    and inspect.isroutine(getattr(mpmath, name, None))
    and name not in ("matrix", "e", "root", "mpf")
]


@pytest.mark.parametrize("name", WITNESSES)
@pytest.mark.parametrize("x", [0.35, 0.8, 1.6, 2.5])
def test_a_row_means_the_function_that_mpmath_calls_so(name, x):
    text = call_here(name, ["x"])
    exact = getattr(mpmath, name)(mpmath.mpf(x))
    if isinstance(exact, mpmath.mpf):
        (value,) = Calculation([parse(text)], [text], {"x": ()}, []).value({"x": x})
        assert value == pytest.approx(float(exact), rel=1e-12)


def test_the_witnesses_are_many():
    assert {
        "sec",
        "csc",
        "cot",
        "sech",
        "csch",
        "coth",
        "asec",
        "acsc",
        "acot",
        "erfc",
        "ln",
        "fabs",
        "radians",
    } <= set(WITNESSES)


@pytest.mark.parametrize("x", [-2.6, -0.7, 0.7, 2.6])
def test_remainders_have_the_sign_that_they_have_elsewhere(x):
    assert value_at(call_here("fmod", ["x", "0.5"]), x) == pytest.approx(np.fmod(x, 0.5))
    assert value_at(call_here("mod", ["x", "0.5"]), x) == pytest.approx(np.mod(x, 0.5))


@pytest.mark.parametrize("name", INVERSES)
def test_an_inverse_undoes_its_function(name):
    text = f"{INVERSES[name]}({name}(x))"
    x = 1.5 if name == "acosh" else 0.4
    (value,) = Calculation([parse(text)], [text], {"x": ()}, []).value({"x": x})
    assert value == pytest.approx(x, rel=1e-12)
    assert hint_of(f"{name}^-1(x)").startswith(f"write {INVERSES[name]}(x) for the inverse function")
    assert hint_of(f"{name}⁻¹(x)") == hint_of(f"{name}^(-1)(x)") == hint_of(f"{name}^-1(x)")


def value_at(text, x):
    (value,) = Calculation([parse(text)], [text], {"x": ()}, []).value({"x": x})
    return value


@pytest.mark.parametrize("name", sorted({name for name, parameters, _ in ROWS if len(parameters) == 1}))
def test_the_power_minus_one_of_a_function_from_elsewhere_is_its_inverse(name):
    """Of a number y it is an x with f(x) = y, and the reciprocal times f(x) is 1."""
    try:
        parse(f"{name}^-1(x)")
        return  # a name that may be a variable
    except ExpressionError as error:
        hint = error.hint
    if "for the inverse function" not in hint:
        return
    inverse, reciprocal = (
        hint.removeprefix("write ").removesuffix(" is the reciprocal").split(" for the inverse function; ")
    )
    meant = call_here(name, ["x"])
    for y in (value_at(meant, 0.4), value_at(meant, 1.7)):
        x = value_at(inverse, y)
        if y == y:
            assert value_at(meant, x) == pytest.approx(y, rel=1e-12)
            assert value_at(reciprocal, x) * value_at(meant, x) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("cot^-1(x)", "write pi/2-atan(x) for the inverse function; tan(x) is the reciprocal"),
        ("erfc^2(x)", "write (1-erf(x))^2"),
        ("ln|x|", "did you mean log(|x|)?"),
        ("ln|x", "did you mean log(x)?"),
        ("ln||x||", "did you mean log(||x||)?"),
        ("log|x-1|+2", "write log(|x-1|)"),
        ("sec(2x)", "did you mean 1/cos(2x)?"),
        ("square(x+1)", "did you mean (x+1)**2?"),
        ("pow(x+1, n-1)", "did you mean (x+1)**(n-1)?"),
        ("log(x,2)", "write log2(x)"),
        ("log(x, b)", "write log(x)/log(b)"),
        ("log3(x)", "did you mean log(x)/log(3)?"),
        ("log_b(x)", "did you mean log(x)/log(b)?"),
        ("atan(y,x)", "write atan2(y, x)"),
        ("mean(x,y)", "write mean([x, y])"),
        ("ln x", "did you mean log(x)?"),
        ("ln²(x)", "write log(x)^2"),
        ("lg^2(2x)", "write log10(2x)^2"),
        ("sqrt x", "write sqrt(x)"),
        ("sin 2x", "write sin(2x)"),
        ("sin x^2", "write sin(x^2)"),
        ("sin²(x+1)", "write sin(x+1)^2"),
        ("exp^x", "write exp(x)"),
        ("exp^(2x)", "write exp(2x)"),
        ("e(x)", "did you mean exp(x)?"),
        ("sqrt^-1(x)", "write 1/sqrt(x) for the reciprocal"),
        ("np.exp(x)", "write exp(x)"),
        ("math.sin(x+1)", "write sin(x+1)"),
        ("np.linalg.norm(x)", "write norm(x)"),
        ("np.square(x)", "write x**2"),
        ("math.pi", "write pi"),
        ("x.sum()", "write sum(x)"),
        ("x.dot(y)", "write dot(x, y)"),
        ("d/dx x^2", 'bpcli grad "x^2" differentiates'),
        ("d(x^2)/dx", 'bpcli grad "x^2" differentiates'),
        ("∂/∂x x^2", 'bpcli grad "x^2" differentiates'),
        ("diff(x^2, x)", "grad differentiates"),
        ("y=x^2", "write the right side alone, x^2"),
        ("f(x) = x^2", "write the right side alone, x^2"),
        ("w^T x", "write w.T@x or dot(w, x)"),
        ("x^T A x", "write x.T@A@x or dot(x, A@x)"),
        ("x^T A*x", "write x.T@A@x or dot(x, A@x)"),
        ("||x-y||", "write norm(x-y) or |x-y|"),
        ("Sin[2x]", "did you mean sin(2x)?"),
        ("Log[2, x]", "did you mean log2(x)?"),
        ("Max[x, y]", "did you mean max(x, y)?"),
        ("D[x^2, x]", "grad differentiates"),
        ("np.sum(x, axis=0)", "write sum(x, axis=0)"),
        ("torch.softmax(x, dim=1)", "write softmax(x, axis=1)"),
        ("np.std(x, ddof=1)", ""),
        ("Math.PI", "write pi"),
        ("Σ(x)", "did you mean sum(x)?"),
        ("Σ x", "did you mean sum(x)?"),
        ("Σ_i x_i", "did you mean sum(x)?"),
        ("∑x_i", "write sum(x)"),
        ("∑xᵢ²", "write sum(x**2)"),
        ("∏ x_k", "did you mean prod(x)?"),
        ("Σ_i a*x_i", "did you mean sum(a*x)?"),
        ("∑ w_i x_i", "did you mean sum(w*x)?"),
        ("sum_j (y_j - yhat_j)^2", "did you mean sum((y - yhat)^2)?"),
        ("sum_i i*x_i", "the sum over all entries of a vector is sum(x)"),
        ("Σ_i w_ij x_j", "the sum over all entries of a vector is sum(x)"),
        ("max_i x_i", "did you mean max(x)?"),
        ("mean_i(x_i^2)", "did you mean mean(x^2)?"),
        ("max_i x_j", "what a call with 1 argument means"),
        ("Σ x_max", "did you mean sum(x_max)?"),
        ("σ x", "did you mean sigmoid(x)?"),
        ("sum_i x_i^2", "did you mean sum(x^2)?"),
        ("E[x]", "did you mean mean(x)?"),
        ("sin x cos x", "write sin(x)"),
        ("def f(x): x", "write the function's formula alone"),
        ("sum(x**2 for x in xs)", "sum, mean and prod go over all entries"),
        ("d^2/dx^2 x^3", 'bpcli hessian "x^3" differentiates twice'),
        ("1 000", "write 1000 for one number"),
        ("softmax(x)_2", "write softmax(x)[2], counted from 0"),
        ("e x", "to multiply, write e*x"),
        ("x.*y", "write *: it works entry by entry"),
        ("u.v", "A.T is the transpose; a product is u*v, or dot(u, v)"),
        ("{1, 2}", "write [1,2]"),
        ("½x", "write (1/2)"),
        ("int x", "there is no integral"),
        ("log_sigmoid(x)", "did you mean -softplus(-x)?"),
        (r"\frac{d}{dx} x^2", "grad differentiates"),
        ("wᵀx", "write w.T@x or dot(w, x)"),
        ("‖x-y‖", "write norm(x-y)"),
        ("⌊x⌋", "write floor(x)"),
        ("x•y", "write · or dot(u, v) for the dot product"),
        ("x ∙ y", "write · or dot(u, v) for the dot product"),
        ("¼", "write (1/4)"),
        ("integrate(x)", "there is no integral"),
        ("if(x>0, x, 0)", "did you mean where(x>0, x, 0)?"),
        ("ReLU(x)", "did you mean relu(x)?"),
        ("log(2, x)", "write log2(x)"),
        ("log_3 x", "did you mean log(x)/log(3)?"),
        ("log_3^2(x)", "write (log(x)/log(3))^2"),
        ("log[3](x)", "write log(x)/log(3)"),
        ("sqrt[3](x)", "write x**(1/3)"),
        ("LOG(x)", "did you mean log(x), the natural logarithm, or log10(x)?"),
        ("ArcTan[x, y]", "did you mean atan2(y, x)?"),
        ("sinc(x)", "did you mean sin(x)/x or, as NumPy and MATLAB have it, sin(pi*x)/(pi*x)?"),
        ("norm.cdf(x)", "write (1+erf(x/sqrt(2)))/2"),
        ("x.clamp(min=0)", "write max(x, 0)"),
        ("torch.clip(x, max=1)", "write min(x, 1)"),
        ("F.cross_entropy(z, y)", "the labels stand first"),
        ("F.binary_cross_entropy(p, y)", "the labels stand first"),
        ("keras.binary_crossentropy(y, p)", ""),
        ("var(x)", "over all N it is mean((x-mean(x))**2)"),
        ("tf.reduce_sum(x)", "write sum(x)"),
        ("powf(x, 2)", "did you mean x**2?"),
        ("std::exp(x)", "a function stands alone"),
        ("PI()*x", "write pi"),
        ("=x^2", "write the right side alone, x^2"),
        ("@(x) x.^2", "write the function's formula alone"),
        ("max(0;x)", "a comma stands between arguments"),
        ("3½", "write (3+1/2)"),
        ("‖x‖₁", "write sum(abs(x))"),
        ("‖x‖_2", "write norm(x)"),
        ("1+$x$", "a $ around a formula is LaTeX's"),
        ("$x^2$", "write x**2; a $ around a formula is LaTeX's: leave it out"),
        ("$$e^{-x}$$", "write e**-x; "),
        ("x=<1", "write <="),
        ("A%*%x", "write @ to multiply matrices"),
        ("x %/% 2", "floor(x/y) rounds a quotient down"),
        ("50%*x", "write (50/100)*x"),
        ("argmin(x)", "there is no place of the least entry; its value is min(x)"),
        ("n choose k", "there is no binomial coefficient"),
        ("x xor y", "(x > 0) != (y > 0) is"),
        ("let x = 2", "a name gets its value apart"),
        ("x times y", "write the sign"),
        ("x div 2", "floor(x/y) rounds"),
        ("sum_squares(x)", "to multiply, write sum_squares*(x)"),
        ("x=/=1", "compare with =="),
        ("[x,1].[1,2]", "A.T is the transpose"),
        ("x in [0,1]", "(0 <= x)*(x <= 1)"),
        ("not(x>0)", "did you mean 1-(x>0)?"),
        ("x>0 || x<1", "an absolute value is |x|, and a product *|x|; where one of two conditions holds"),
        ("ctgh(x)", "did you mean 1/tanh(x)?"),
    ],
)
def test_what_was_meant_is_offered(typed, advice):
    hint = hint_of(typed)
    assert hint.startswith(advice)
    assert "--" not in hint


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("||x||_1", "write sum(abs(x))"),
        ("||x||_2^2", "write norm(x)^2"),
        ("||x||^2", "write norm(x)^2 or |x|^2"),
        ("||x||²/2", "write norm(x)^2 or |x|^2"),
        ("||x+1|| ** 3", "write norm(x+1)^3 or |x+1|^3"),
        ("‖x‖**2", "write norm(x)^2"),
        ("2*||A||_*", "what a norm of this order means is not known here"),
    ],
)
def test_two_bars_keep_their_order_and_their_power(typed, advice):
    assert hint_of(typed) == advice


@pytest.mark.parametrize("name", ["argmax", "det", "median", "cumsum", "celu", "smoothstep"])
def test_a_function_that_there_is_not_is_no_factor(name):
    assert f"{name}*" not in hint_of(f"{name}(x)")
    assert "*" not in hint_of(f"{name}(x)") or "did you mean" in hint_of(f"{name}(x)")


@pytest.mark.parametrize("name", ["a", "yhat", "w_1", "x12", "beta", "lr"])
def test_a_variable_may_be_a_factor(name):
    assert f"write {name}*(1-x)" in hint_of(f"{name}(1-x)")


def test_a_name_that_stands_elsewhere_may_be_a_factor():
    assert "write rate*(1-rate)" in hint_of("rate(1-rate)")
    assert "write" not in hint_of("rate(1-x)")


def test_every_character_of_the_table_is_refused_with_its_hint():
    for character, advice in CHARACTERS.items():
        between = f"x{character}2" if character not in ("∂", "∇") else character  # x'y is a product
        assert hint_of(between) in (advice, hint_of(character))
    for opening, (closing, function) in PAIRS.items():
        assert hint_of(f"{opening}v{closing}") == f"write {function}(v)"


def test_no_advice_on_what_means_nothing():
    assert advice_on_call("qqq", ["x"]) == ""
    assert to_text(parse("2*-x")) == "2*(-x)"
    assert parse("x⋅y÷2−1") == parse("x·y/2-1")


def test_a_function_that_is_added_stands_before_what_other_languages_call_by_its_name(monkeypatch):
    name, meant = next((name, meant) for name, given, meant in ROWS if given == ["x"] and name not in FUNCTIONS)
    assert call_here(name.upper(), ["x"]) == meant
    monkeypatch.setitem(FUNCTIONS, name, FUNCTIONS["tanh"])
    assert call_here(name.upper(), ["x"]) == f"{name}(x)"
