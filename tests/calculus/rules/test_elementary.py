"""Functions of one or two numbers beside mpmath at 60 digits: value and derivative, over domain and all doubles."""

import math

import mpmath
import numpy as np
import pytest
import witness
from calculations import calculation, ulps

from bpcli.calculus.rules.functions import FUNCTIONS

mpmath.mp.dps = 60


RNG = np.random.default_rng(31)


mp = mpmath.mpf


EXACT = {
    "abs": (abs, mpmath.sign),
    "sign": (mpmath.sign, lambda x: mp(0)),
    "sqrt": (mpmath.sqrt, lambda x: 1 / (2 * mpmath.sqrt(x))),
    "cbrt": (
        lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
        lambda x: 1 / (3 * mpmath.cbrt(abs(x)) ** 2),
    ),
    "exp": (mpmath.exp, mpmath.exp),
    "exp2": (lambda x: mp(2) ** x, lambda x: mp(2) ** x * mpmath.log(2)),
    "expm1": (mpmath.expm1, mpmath.exp),
    "log": (mpmath.log, lambda x: 1 / x),
    "log2": (lambda x: mpmath.log(x) / mpmath.log(2), lambda x: 1 / (x * mpmath.log(2))),
    "log10": (mpmath.log10, lambda x: 1 / (x * mpmath.log(10))),
    "log1p": (mpmath.log1p, lambda x: 1 / (1 + x)),
    "sin": (mpmath.sin, mpmath.cos),
    "cos": (mpmath.cos, lambda x: -mpmath.sin(x)),
    "tan": (mpmath.tan, lambda x: 1 / mpmath.cos(x) ** 2),
    "asin": (mpmath.asin, lambda x: 1 / mpmath.sqrt(1 - x * x)),
    "acos": (mpmath.acos, lambda x: -1 / mpmath.sqrt(1 - x * x)),
    "atan": (mpmath.atan, lambda x: 1 / (1 + x * x)),
    "sinh": (mpmath.sinh, mpmath.cosh),
    "cosh": (mpmath.cosh, mpmath.sinh),
    "tanh": (mpmath.tanh, lambda x: 1 / mpmath.cosh(x) ** 2),
    "asinh": (mpmath.asinh, lambda x: 1 / mpmath.sqrt(1 + x * x)),
    "acosh": (mpmath.acosh, lambda x: 1 / mpmath.sqrt(x * x - 1)),
    "atanh": (mpmath.atanh, lambda x: 1 / (1 - x * x)),
    "erf": (mpmath.erf, lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x)),
    "floor": (mpmath.floor, lambda x: mp(0)),
    "ceil": (mpmath.ceil, lambda x: mp(0)),
    "logit": (lambda x: mpmath.log(x / (1 - x)), lambda x: 1 / (x * (1 - x))),
}


def draws(low, high):
    """Inputs from a domain: its middle, its ends, and every order of magnitude."""
    finite = [v for v in (low, high) if math.isfinite(v)]
    sizes = 10.0 ** RNG.uniform(-12, 2.5, 60)
    found = [*RNG.normal(0, 2, 60), *sizes, *-sizes, *(v + s for v in finite for s in (*sizes, *-sizes))]
    return [float(v) for v in found if low < v < high]


UNARY = [name for name, row in FUNCTIONS.items() if row.kind == "elementwise" and row.arity == (1, 1)]
EXACT |= {  # from exact numbers of another context of mpmath to this one's
    name: tuple(lambda x, k=k, truth=truth: mp(truth(x)[k]) for k in (0, 1))
    for name, truth in witness.ACTIVATIONS.items()
    if name in UNARY and name not in EXACT
}


def test_every_function_of_one_number_has_a_witness():
    assert set(UNARY) == set(EXACT)


@pytest.mark.parametrize("kind", ["float", "array"])
@pytest.mark.parametrize("name", EXACT)
def test_value_and_derivative_beside_mpmath(name, kind):
    value, slope = EXACT[name]
    points = draws(*FUNCTIONS[name].domain)
    text = f"{name}(x)"
    if kind == "float":
        one = calculation(text, x=0.5)
        found = [one.gradient({"x": v}) for v in points]
        got, slopes = [v for v, _ in found], [g["x"] for _, g in found]
    else:
        got, gradient = calculation(text, x=0.5).gradient_block({"x": np.array(points)})
        slopes = gradient["x"]
    for x, v, s in zip(points, got, slopes, strict=True):
        assert ulps(v, value(mp(x))) <= 4, x
        assert ulps(s, slope(mp(x))) <= 4, x


GROWING = {"exp", "exp2", "expm1", "sinh", "cosh", "tanh", "sigmoid", "softplus", "erf"}


@pytest.mark.parametrize("name", EXACT)
def test_the_whole_range_of_doubles(name):
    value, slope = EXACT[name]
    low, high = FUNCTIONS[name].domain
    most = math.log10(800) if name in GROWING else 308.2
    sizes = 10.0 ** RNG.uniform(-323, most, 40)
    points = [x for x in map(float, [*sizes, *-sizes, 5e-324, 2.2e-308, 10.0**most]) if low < x < high]
    one = calculation(f"{name}(x)", x=0.5)
    block, gradient = one.gradient_block({"x": np.array(points)})
    for i, x in enumerate(points):
        alone, slopes = one.gradient({"x": x})
        with mpmath.workprec(200 + 2 * abs(math.frexp(x)[1])):
            v, s = value(mp(x)), slope(mp(x))
            assert max(ulps(alone, v), ulps(block[i], v)) <= 4, x
            assert max(ulps(slopes["x"], s), ulps(gradient["x"][i], s)) <= 4, x


TWO = {
    "hypot(x,y)": (mpmath.hypot, lambda x, y: (x / mpmath.hypot(x, y), y / mpmath.hypot(x, y))),
    "atan2(x,y)": (mpmath.atan2, lambda x, y: (y / (x * x + y * y), -x / (x * x + y * y))),
    "x*y": (lambda x, y: x * y, lambda x, y: (y, x)),
    "x/y": (lambda x, y: x / y, lambda x, y: (1 / y, -x / (y * y))),
    "x**y": (lambda x, y: x**y, lambda x, y: (y * x ** (y - 1), x**y * mpmath.log(x))),
    "max(x,y)": (max, lambda x, y: ((mp(x > y) + mp(x >= y)) / 2, (mp(y > x) + mp(y >= x)) / 2)),
    "min(x,y)": (min, lambda x, y: ((mp(x < y) + mp(x <= y)) / 2, (mp(y < x) + mp(y <= x)) / 2)),
    "mse(x,y)": (lambda x, y: (x - y) ** 2, lambda x, y: (2 * (x - y), 2 * (y - x))),
    "bce(x,y)": (
        lambda x, y: -x * mpmath.log(y) - (1 - x) * mpmath.log1p(-y),
        lambda x, y: (mpmath.log1p(-y) - mpmath.log(y), (y - x) / (y * (1 - y))),
    ),
    "cce(x,y)": (lambda x, y: -x * mpmath.log(y), lambda x, y: (-mpmath.log(y), -x / y)),
}


def pairs(text):
    """Pairs of moderate numbers, of any two doubles, and of two of one size, within the domain."""
    if text[1:3] == "ce":
        labels = RNG.choice([0.0, 1.0, *RNG.random(8)], 60)
        return [*zip(labels, RNG.random(60), strict=True), *zip(labels, 10 ** RNG.uniform(-300, 0, 60), strict=True)]
    signs = RNG.choice([-1, 1], (80, 2))
    sizes = RNG.uniform(-320, 308, (80, 1))
    if text == "x**y":
        x = 10.0 ** RNG.uniform(-300, 300, 120)
        y = np.where(RNG.random(120) < 0.2, 10 ** RNG.uniform(-20, 0, 120), RNG.uniform(-700, 700, 120) / np.log(x))
        return [*RNG.uniform(0, 3, (60, 2)), *zip(x, y, strict=True), (1e-160, 2.0), (2.0, -1073.5)]
    any_two = signs * 10.0 ** RNG.uniform(-320, 308, (80, 2))
    extremes = [(a, b) for a in (5e-324, 2.2e-308, 1.7e308) for b in (a, -a, a / 3 + 5e-324)]
    return [*RNG.normal(0, 3, (60, 2)), *any_two, *(signs * 10.0**sizes * RNG.uniform(0.1, 1, (80, 2))), *extremes]


@pytest.mark.parametrize("text", TWO)
def test_functions_of_two_numbers_beside_mpmath(text):
    value, slopes = TWO[text]
    one = calculation(text, x=0.5, y=0.5)
    points = [(float(x), float(y)) for x, y in pairs(text)]
    block, gradient = one.gradient_block(
        {name: np.array(c) for name, c in zip("xy", zip(*points, strict=True), strict=True)}
    )
    with mpmath.workprec(2400):
        for i, (x, y) in enumerate(points):
            v, exact = value(mp(x), mp(y)), slopes(mp(x), mp(y))
            alone, found = one.gradient({"x": x, "y": y})
            assert max(ulps(alone, v), ulps(block[i], v)) <= 4, (x, y)
            for name, true in zip("xy", exact, strict=True):
                assert max(ulps(found[name], true), ulps(gradient[name][i], true)) <= 4, (x, y, name)
