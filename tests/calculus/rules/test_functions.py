"""Each function of the language beside mpmath at 60 digits, value and derivative, over its domain and at its edges."""

import math

import mpmath
import numpy as np
import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.calculus.sweeps.calculation import Calculation

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
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), lambda x: 1 / (2 + mpmath.exp(x) + mpmath.exp(-x))),
    "logit": (lambda x: mpmath.log(x / (1 - x)), lambda x: 1 / (x * (1 - x))),
    "relu": (lambda x: max(x, mp(0)), lambda x: mp(x >= 0)),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), lambda x: 1 / (1 + mpmath.exp(-x))),
}


def calculation(text, **point):
    return Calculation([parse(text)], [text], {k: np.shape(v) for k, v in point.items()}, list(point))


def ulps(got, exact):
    if not exact or abs(exact) > mp("1.7976931348623158e308"):
        return 0 if got == float(exact) else math.inf
    return float(abs(mp(float(got)) - exact) / mp(float(np.spacing(abs(float(exact))))))


def draws(low, high):
    """Inputs from a domain: its middle, its ends, and every order of magnitude."""
    finite = [v for v in (low, high) if math.isfinite(v)]
    sizes = 10.0 ** RNG.uniform(-12, 2.5, 60)
    found = [*RNG.normal(0, 2, 60), *sizes, *-sizes, *(v + s for v in finite for s in (*sizes, *-sizes))]
    return [float(v) for v in found if low < v < high]


UNARY = [name for name, row in FUNCTIONS.items() if row.kind == "elementwise" and row.arity == (1, 1)]


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


@pytest.mark.parametrize("c", ["2", "3", "4", "5", "7", "-1", "-2", "-3", "0.5", "2.5", "-0.5", "0.3", "1.1"])
def test_constant_powers_in_the_whole_range_of_doubles(c):
    exact = mp(float(c))
    one = calculation(f"x**{c}", x=0.5)
    exponents = np.concatenate([RNG.uniform(-323, 308, 60), RNG.uniform(-330, 312, 60) / float(c)])
    sizes = 10.0 ** exponents[abs(exponents) < 308]
    points = [x for x in map(float, [*sizes, *(-sizes if float(c).is_integer() else ())]) if x]
    value, gradient = one.gradient_block({"x": np.array(points)})
    for i, x in enumerate(points):
        alone, slopes = one.gradient({"x": x})
        v, s = mp(x) ** exact, exact * mp(x) ** (exact - 1)
        assert max(ulps(alone, v), ulps(value[i], v)) <= 4, x
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


INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("text", "x", "value", "slope"),
    [
        ("abs(x)", 0.0, 0, 0),
        ("sign(x)", 0.0, 0, 0),
        ("relu(x)", 0.0, 0, 1),
        ("sqrt(x)", 0.0, 0, INF),
        ("sqrt(x)", -1.0, NAN, NAN),
        ("cbrt(x)", 0.0, 0, INF),
        ("log(x)", 0.0, -INF, INF),
        ("log(x)", -1.0, NAN, NAN),
        ("log2(x)", -1.0, NAN, NAN),
        ("log10(x)", -1.0, NAN, NAN),
        ("log1p(x)", -1.0, -INF, INF),
        ("log1p(x)", -2.0, NAN, NAN),
        ("asin(x)", 1.0, math.pi / 2, INF),
        ("asin(x)", 2.0, NAN, NAN),
        ("acos(x)", 1.0, 0, -INF),
        ("acosh(x)", 1.0, 0, INF),
        ("acosh(x)", 0.5, NAN, NAN),
        ("atanh(x)", 1.0, INF, INF),
        ("atanh(x)", 2.0, NAN, NAN),
        ("logit(x)", 0.0, -INF, INF),
        ("logit(x)", 1.0, INF, INF),
        ("exp(x)", 800.0, INF, INF),
        ("exp(x)", -800.0, 0, 0),
        ("1/x", 0.0, INF, -INF),
        ("floor(x)", -0.5, -1, 0),
        ("ceil(x)", 0.5, 1, 0),
        ("max(x,0)", 0.0, 0, 0.5),
        ("max(x,0,-x)", 0.0, 0, 0),
        ("min(x,2)", 2.0, 2, 0.5),
        ("clip(x,0,1)", 0.5, 0.5, 1),
        ("clip(x,0,1)", 3.0, 1, 0),
        ("clip(x,0,1)", 0.0, 0, 0.5),
        ("x**0", 0.0, 1, 0),
        ("x**1", 0.0, 0, 1),
        ("x**2", 0.0, 0, 0),
        ("x**3", -2.0, -8, 12),
        ("x**-1", 2.0, 0.5, -0.25),
        ("x**0.5", 4.0, 2, 0.25),
        ("(-2)**x", 2.0, 4, NAN),
        ("0**x", 2.0, 0, 0),
        ("x**2.5", -1.0, NAN, NAN),
        ("x>1", 2.0, 1, 0),
        ("(x==2)*x", 2.0, 2, 1),
        ("where(x>0,log(x),x)", 0.0, 0, 1),
        ("where(x>0,1/x,0)", 0.0, 0, 0),
        ("where(x<1,x**2,1/(x-1))", 1.0, INF, -INF),
        ("x*sqrt(x)", 0.0, 0, 0),
        ("hypot(x,0)", 0.0, 0, 0),
        ("atan2(x,0)", 1e200, math.pi / 2, 0),
        ("sigmoid(x)", -800.0, 0, 0),
        ("sigmoid(x)", 1e300, 1, 0),
        ("erf(x)", 1e300, 1, 0),
        ("tanh(x)", -1e300, -1, 0),
        ("softplus(x)", -1e300, 0, 0),
        ("exp2(x)", -1e300, 0, 0),
        ("cosh(x)", -1e300, INF, -INF),
        ("bce(0,x)", 0.0, 0, 1),
        ("bce(1,x)", 1.0, 0, -1),
        ("cce(0,x)", 0.0, 0, 0),
        ("x**(1/3)", 0.0, 0, INF),
        ("x**2.5", 0.0, 0, 0),
        ("softplus(x)", 800.0, 800, 1),
        ("x-x", INF, NAN, 0),
    ],
)
def test_kinks_edges_and_untaken_branches(text, x, value, slope):
    one = calculation(text, x=x)
    blocks = one.gradient_block({"x": np.array([x, x])})
    for got, gradient in (one.gradient({"x": x}), (blocks[0][1], {"x": blocks[1]["x"][1]})):
        np.testing.assert_equal(float(got) + 0.0, float(value))
        np.testing.assert_equal(float(gradient["x"]) + 0.0, float(slope))


@pytest.mark.parametrize(
    ("text", "point", "value", "operation"),
    [
        ("1+log(x)", {"x": 0.0}, -INF, "log(x) at x = 0"),
        ("sqrt(x-2)*y", {"x": 1.0, "y": 3.0}, NAN, "sqrt(x-2) at x = 1"),
        ("exp(x)/exp(y)", {"x": 800.0, "y": 1.0}, INF, "exp(x) at x = 800"),
        ("where(x>0,1/x,log(x))", {"x": 0.0}, -INF, "log(x) at x = 0"),
        ("x+1", {"x": INF}, INF, "x"),
        ("9**9**9+x", {"x": 1.0}, INF, "9**9**9"),
        ("sum(1/v)", {"v": np.array([1.0, 0.0])}, INF, "1/v at v = [1, 0]"),
    ],
)
def test_the_operation_at_fault_is_named(text, point, value, operation):
    one = calculation(text, **point)
    np.testing.assert_equal(one.value(point)[0], value)
    assert one.diagnostics.culprit(point) == operation


def test_a_jacobian_says_what_zero_times_infinity_comes_to():
    for texts in (["cbrt(x**3)", "x"], ["cbrt(x**3)"]):
        one = Calculation([parse(t) for t in texts], texts, {"x": ()}, ["x"])
        assert one.jacobian({"x": 0.0})[1]["x"][0][0] == 1
    one = Calculation([parse("sqrt(relu(x-4))"), parse("x")], ["sqrt(relu(x-4))", "x"], {"x": ()}, ["x"])
    assert one.jacobian({"x": 0.0})[1]["x"] == [[0.0], [1.0]]


def test_an_entry_that_is_not_taken_adds_nothing():
    v = np.array([0.0, 4.0])
    for text in ("sqrt(v)[1]", "sqrt(v[1])", "max(sqrt(v))", "sum(sqrt(v)[1:2])"):
        _, gradient = calculation(text, v=v).gradient({"v": v})
        assert gradient["v"].tolist() == [0, 0.25]


def test_the_slope_at_fault_is_named():
    one = calculation("sqrt(x)+y", x=0.0, y=1.0)
    point = {"x": 0.0, "y": 1.0}
    assert one.diagnostics.culprit(point) is None
    assert one.diagnostics.slope_culprit(point) == "the derivative of sqrt(x) at x = 0"
    assert calculation("x*y", x=1.0, y=1.0).diagnostics.slope_culprit({"x": 1.0, "y": 1.0}) is None


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("x*sqrt(x)", 0.0),
        ("sqrt(x**4)", 0.0),
        ("sqrt(x)*sqrt(x)", 1.0),
        ("sqrt(x)**2", 1.0),
        ("sqrt(x)**2+x", 2.0),
        ("cbrt(x**3)", 1.0),
        ("cbrt(x)**3", 1.0),
        ("x**(1/3)*x**(2/3)", 1.0),
        ("exp(log(x))", 1.0),
        ("(x**2)**0.75", 0.0),
        ("cbrt(x)**2", NAN),  # it grows without bound, to −∞ on the left and to ∞ on the right
    ],
)
def test_zero_times_infinity_is_what_it_comes_to(text, slope):
    value, gradient = calculation(text, x=0.0).gradient({"x": 0.0})
    assert value == 0
    assert gradient["x"] == pytest.approx(slope, rel=1e-13, nan_ok=True)
    blocks = calculation(text, x=0.0).gradient_block({"x": np.array([0.0, 1.0])})
    assert blocks[1]["x"][0] == pytest.approx(slope, rel=1e-13, nan_ok=True)
