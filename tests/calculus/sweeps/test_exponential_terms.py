"""Sums of exponentials of any length, order and nesting, beside mpmath, over all doubles whose logarithms matter."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.exponential_terms import MAX_TERMS

NAMES = "abcdefg"
EXPONENTS = st.one_of(
    st.floats(-2000, 2000), st.sampled_from([0.0, 1.0, -745.0, 709.5, 1e5, -1e5]), st.floats(-1e9, 1e9)
)


def calculation(text, names):
    return Calculation([parse(text)], [text], dict.fromkeys(names, ()), list(names))


@st.composite
def sums(draw, weights=("", "2*", "0.5*", "3*")):
    """Terms (weight, name), and a text of their sum in some order and nesting."""
    count = draw(st.integers(2, 6))
    terms = [(draw(st.sampled_from(weights)), name) for name in NAMES[:count]]
    parts = [f"{weight}exp({name})" for weight, name in draw(st.permutations(terms))]
    while len(parts) > 1:  # two neighbours become one, as a sum or a sum in brackets
        k = draw(st.integers(0, len(parts) - 2))
        joined = f"{parts[k]}+{parts[k + 1]}"
        parts[k : k + 2] = [draw(st.sampled_from([joined, f"({joined})"]))]
    return terms, parts[0]


def factor(weight):
    return mpmath.mpf(float(weight.rstrip("*") or 1))


def true_terms(terms, point):
    """Each w·e^(x − max x), and the largest exponent."""
    top = mpmath.mpf(max(point.values()))
    return [factor(w) * mpmath.exp(mpmath.mpf(point[name]) - top) for w, name in terms], top


def ulps(got, exact, least=0.0):
    unit = max(np.spacing(abs(float(exact))), np.spacing(least), 5e-324)
    return float(abs(mpmath.mpf(float(got)) - exact) / mpmath.mpf(float(unit)))


@settings(max_examples=150)
@given(sums(), st.data())
def test_the_logarithm_of_a_sum(drawn, data):
    terms, text = drawn
    point = {name: data.draw(EXPONENTS) for _, name in terms}
    one = calculation(f"log({text})", point)
    value, gradient = one.gradient(point)
    with mpmath.workdps(1000):
        parts, top = true_terms(terms, point)
        whole = mpmath.fsum(parts)
        largest = max(abs(float(top)), *(abs(math.log(factor(weight))) for weight, _ in terms))
        assert ulps(value, top + mpmath.log(whole), largest) <= 4
        for (_, name), part in zip(terms, parts, strict=True):
            assert ulps(gradient[name], part / whole, 1e-307) <= 10
        block = one.gradient_block({name: np.full(2, x) for name, x in point.items()})
        assert ulps(block[0][1], top + mpmath.log(whole), largest) <= 4
        for (_, name), part in zip(terms, parts, strict=True):
            assert ulps(block[1][name][1], part / whole, 1e-307) <= 10


@settings(max_examples=150)
@given(sums(), st.data())
def test_a_share_and_its_logarithm(drawn, data):
    terms, text = drawn
    point = {name: data.draw(EXPONENTS) for _, name in terms}
    k = data.draw(st.integers(0, len(terms) - 1))
    weight, chosen = terms[k]
    one = calculation(f"{weight}exp({chosen})/({text})", point)
    log = calculation(f"-log({weight}exp({chosen})/({text}))", point)
    with mpmath.workdps(1000):
        parts, _ = true_terms(terms, point)
        whole = mpmath.fsum(parts)
        shares = [part / whole for part in parts]
        others = mpmath.fsum(part for i, part in enumerate(parts) if i != k) / whole
        value, gradient = one.gradient(point)
        assert ulps(value, shares[k], 1e-307) <= 10
        loss, slopes = log.gradient(point)
        spread = max(point.values()) - point[chosen]
        exact = -mpmath.log(shares[k])
        assert ulps(loss, exact, 0.0 if exact > 1e-300 else 1e-300) <= 10 or abs(exact) < 1e-16 * spread
        for i, (_, name) in enumerate(terms):
            slope = shares[k] * others if i == k else -shares[k] * shares[i]
            assert ulps(gradient[name], slope, 1e-307) <= 12, name
            assert ulps(slopes[name], -others if i == k else shares[i], 1e-307) <= 12, name


@settings(max_examples=60)
@given(sums(), st.data())
def test_second_derivatives_of_the_logarithm(drawn, data):
    terms, text = drawn
    point = {name: data.draw(st.floats(-30, 30)) for _, name in terms}
    *_, matrix = calculation(f"log({text})", point).hessian(point)
    with mpmath.workdps(200):
        parts, _ = true_terms(terms, point)
        shares = [part / mpmath.fsum(parts) for part in parts]
        for i, p in enumerate(shares):
            for j, q in enumerate(shares):
                exact = p * (mpmath.fsum(shares) - p) if i == j else -p * q
                assert ulps(matrix[i][j], exact, 1e-300) <= 40


@settings(max_examples=150)
@given(st.one_of(st.floats(-50, -1e-300), st.floats(-1e-6, -1e-320), st.sampled_from([-1e-10, -0.69, -0.7, -1e-20])))
def test_the_logarithm_of_1_less_an_exponential(x):
    for text in ("log(1-exp(x))", "log(-exp(x)+1)", "log1p(-exp(x))", "log(2-2*exp(x))", "log(exp(0*x)-exp(x))"):
        with mpmath.workdps(400):
            exact = mpmath.log(-mpmath.expm1(mpmath.mpf(x))) + (mpmath.log(2) if "2" in text else 0)
            slope = -1 / mpmath.expm1(-mpmath.mpf(x))
        value, gradient = calculation(text, "x").gradient({"x": x})
        assert ulps(value, exact, 1.0 if "2" in text else 0.0) <= 4, text
        if text != "log(exp(0*x)-exp(x))" and math.isfinite(float(slope)):
            assert ulps(gradient["x"], slope) <= 6, text


INF = math.inf


@pytest.mark.parametrize(
    ("text", "point", "value", "gradient"),
    [
        ("log(exp(a)+exp(b))", (-INF, -INF), -INF, None),
        ("log(exp(a)+exp(b))", (-INF, 0.0), 0.0, (0, 1)),
        ("log(exp(a)+exp(b))", (INF, 1.0), INF, (1, 0)),
        ("log(exp(a)+exp(b))", (INF, INF), INF, None),
        ("log(exp(a)+exp(b)+exp(c))", (-INF, -INF, -INF), -INF, None),
        ("log(exp(a)+exp(b)+exp(c))", (2.0, -INF, -INF), 2.0, (1, 0, 0)),
        ("exp(a)/(exp(a)+exp(b)+exp(c))", (-INF, 0.0, 0.0), 0.0, (0, 0, 0)),
        ("exp(a)/(exp(a)+exp(b)+exp(c))", (INF, 0.0, 0.0), 1.0, (0, 0, 0)),
        ("-log(exp(a)/(exp(a)+exp(b)+exp(c)))", (-INF, 0.0, 0.0), INF, (-1, 0.5, 0.5)),
    ],
)
def test_infinite_exponents(text, point, value, gradient):
    names = NAMES[: len(point)]
    at = dict(zip(names, point, strict=True))
    got, slopes = calculation(text, names).gradient(at)
    assert got == value
    if gradient is None:  # ∞ − ∞: the share of each is anything
        assert all(s != s for s in slopes.values())
    else:
        assert tuple(slopes.values()) == gradient


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("log(2*(exp(a)+3*(exp(b)+exp(c))))", lambda a, b, c: mpmath.log(2 * (a + 3 * (b + c)))),
        ("log((exp(a)+exp(b)+exp(c))/3)", lambda a, b, c: mpmath.log((a + b + c) / 3)),
        ("log(exp(a)*exp(b)+exp(c)**2)", lambda a, b, c: mpmath.log(a * b + c * c)),
        ("log(5+exp(a)+exp(b)-exp(c))", lambda a, b, c: mpmath.log(5 + a + b - c)),
        ("log2(e^a+e^b+e^c)", lambda a, b, c: mpmath.log(a + b + c, 2)),
        ("2*exp(a)/(exp(c)+exp(b)+3*exp(a))", lambda a, b, c: 2 * a / (a * 3 + b + c)),
        ("(exp(a)+exp(b))/(exp(c)+exp(b)+exp(a))", lambda a, b, c: (a + b) / (a + b + c)),
        ("1/(1+exp(a)+exp(b)/exp(c))", lambda a, b, c: 1 / (1 + a + b / c)),
        ("1/(1+1/exp(a)+exp(b-c))", lambda a, b, c: 1 / (1 + 1 / a + b / c)),
        ("a/(1+exp(b)+exp(c))", lambda a, b, c: mpmath.log(a) / (1 + b + c)),
        ("log1p(exp(a)+exp(b)+exp(c))", lambda a, b, c: mpmath.log(1 + a + b + c)),
    ],
)
@pytest.mark.parametrize("point", [(0.3, -0.2, 0.1), (1000.0, 1001.0, 1000.5), (-1000.0, -1001.0, -999.0)])
def test_any_form_is_read(text, expected, point):
    with mpmath.workdps(1000):
        exact = expected(*(mpmath.exp(mpmath.mpf(x)) for x in point))
        if not mpmath.im(exact) and mpmath.mpf("1e-300") < abs(exact) < mpmath.mpf("1e300"):
            (value,) = calculation(text, "abc").value(dict(zip("abc", point, strict=True)))
            assert value == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "point", "value", "gradient"),
    [
        # A term of weight 0, or two terms that cancel, count for nothing however large they are.
        ("log(exp(c)+(exp(-a)-exp(b))*(1-1))", (-342.0, 900.0, -434.0), -434.0, (0, 0, 1)),
        ("log(c*exp(a)+exp(b))", (900.0, -500.0, 0.0), -500.0, None),
        ("1/(1+exp(a)+exp(b)-exp(a))", (900.0, 0.0, 0.0), 0.5, (0, -0.25, 0)),
        # Like terms are one term, so that slopes that cancel do so exactly.
        ("2*exp(b)/(exp(b)/3+exp(a)+exp(b))", (-300.0, 336.0, 0.0), 1.5, (-1.125 * 3.0e-277, 0, 0)),
        ("a/(a*exp(b)+a*exp(b)+a)", (2.0, 0.0, 0.0), 1 / 3, (0, -2 / 9, 0)),
        # Only a constant factor leaves a quotient: the slopes of (1/a)·share would cancel.
        ("1/(a+exp(b))", (9.0, 25.0, 0.0), 1 / (9 + math.exp(25)), (-1 / (9 + math.exp(25)) ** 2, None, 0)),
    ],
)
def test_what_cancels_does_so_exactly(text, point, value, gradient):
    got, slopes = calculation(text, "abc").gradient(dict(zip("abc", point, strict=True)))
    assert got == pytest.approx(value, rel=1e-14)
    for slope, expected in zip(slopes.values(), gradient or (), strict=False):
        if expected is not None:
            assert slope == pytest.approx(expected, rel=1e-13, abs=1e-250)


def test_the_logarithm_of_a_multiple_of_a_share_keeps_small_slopes():
    point = {"a": -508.0, "b": 82.0, "c": -166.0}
    value, gradient = calculation("log(exp(a)/(2*exp(a)+exp(b)+exp(c)))", "abc").gradient(point)
    assert value == pytest.approx(-590.0, rel=1e-14)
    assert gradient["c"] == pytest.approx(-math.exp(-248), rel=1e-13)


def test_what_is_too_long_stays_what_it_is():
    text = "log(" + "+".join(["exp(a)", "exp(b)"] * MAX_TERMS) + ")"
    (value,) = calculation(text, "ab").value({"a": 0.0, "b": 1.0})
    assert value == pytest.approx(math.log(MAX_TERMS * (1 + math.e)), rel=1e-13)
    weight = "+".join(["1"] * 3000)
    assert calculation(f"exp(a)/(({weight})*exp(a)+exp(b))", "ab").value({"a": 0.0, "b": 0.0})[0] == 1 / 3001
    deep, whole = "exp(a)", 1.0
    for _ in range(60):
        deep, whole = f"({deep}+1)*2", (whole + 1) * 2
    (value,) = calculation(f"log({deep})", "a").value({"a": 0.0})
    assert value == pytest.approx(math.log(whole), rel=1e-14)
