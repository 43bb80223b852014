"""Certified results are the doubles nearest to the truth, which here is mpmath's, of hundreds of digits."""

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal

import flint
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bpcli
from bpcli.calculus.language.parser import parse
from bpcli.calculus.rules.functions import FUNCTIONS, OPERATORS
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.certified import (
    Certified,
    Undecided,
    certified,
    decimal_text,
    nearest_decimal,
    nearest_double,
)
from bpcli.errors import NotFiniteError, UsageError
from bpcli.formulas.softmax import dlog_softmax_dlogits
from bpcli.numbers.balls import balls
from bpcli.numbers.enclosures import Ball, rational

mp = mpmath.MPContext()
mp.dps = 120


def calculation(text, point, digits=None, wrt=None):
    shapes = {name: np.shape(value) for name, value in point.items()}
    return Certified(Calculation([parse(text)], [text], shapes, wrt or list(point)), digits)


def nearest(truth):
    """The double nearest to an mpf: Python's division of whole numbers rounds correctly."""
    sign, mantissa, exponent, _ = truth._mpf_
    if not mantissa:
        return 0.0
    value = (mantissa << exponent) / 1 if exponent >= 0 else mantissa / (1 << -exponent)
    return -value if sign else value


def _huber(x):
    distance = abs(mp.mpf(1) / 10 - x)
    return distance**2 / 2 if distance <= 1 else distance - mp.mpf(1) / 2


SCALAR = {
    # the language's text: the same in mpmath, and where
    "abs(x)": (abs, [-0.3, 2.5]),
    "sqrt(x)": (mp.sqrt, [0.3, 2.0]),
    "cbrt(x)": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), [0.3, -2.0]),
    "exp(x)": (mp.exp, [0.3, -700.0]),
    "exp2(x)": (lambda x: mp.mpf(2) ** x, [0.3]),
    "expm1(x)": (mp.expm1, [1e-9, 0.3]),
    "log(x)": (mp.log, [0.3, 1.0000000001]),
    "log2(x)": (lambda x: mp.log(x) / mp.log(2), [0.3, 8.0]),
    "log10(x)": (lambda x: mp.log(x) / mp.log(10), [0.3, 1000.0]),
    "log1p(x)": (mp.log1p, [1e-9, 0.3]),
    "sin(x)": (mp.sin, [0.3, 1e22, 3.141592653589793]),
    "cos(x)": (mp.cos, [0.3, 1e22]),
    "tan(x)": (mp.tan, [0.3, 1.5707963267948966]),
    "asin(x)": (mp.asin, [0.3, 0.9999999]),
    "acos(x)": (mp.acos, [0.3, 0.9999999]),
    "atan(x)": (mp.atan, [0.3, 1e200]),
    "sinh(x)": (mp.sinh, [0.3, 1e-9]),
    "cosh(x)": (mp.cosh, [0.3]),
    "tanh(x)": (mp.tanh, [0.3, 20.0]),
    "asinh(x)": (mp.asinh, [0.3]),
    "acosh(x)": (mp.acosh, [1.3, 1.0000001]),
    "atanh(x)": (mp.atanh, [0.3, 0.9999999]),
    "erf(x)": (mp.erf, [0.3, 5.0]),
    "sigmoid(x)": (lambda x: 1 / (1 + mp.exp(-x)), [0.3, 40.0, -40.0]),
    "logit(x)": (lambda x: mp.log(x / (1 - x)), [0.3, 0.4999999999]),
    "relu(x)": (lambda x: x if x > 0 else 0 * x, [0.3, -0.3]),
    "softplus(x)": (lambda x: mp.log(1 + mp.exp(x)), [0.3, 40.0, -40.0]),
    "(exp(x)-1)/x": (lambda x: (mp.exp(x) - 1) / x, [1e-8, 1e-15]),
    "(1-cos(x))/x**2": (lambda x: (1 - mp.cos(x)) / x**2, [1e-8]),
    "x**0.1": (lambda x: x ** (mp.mpf(1) / 10), [0.3]),
    "x**-2": (lambda x: 1 / x**2, [0.3]),
    "2**x": (lambda x: mp.mpf(2) ** x, [0.3]),
    "x**x": (lambda x: x**x, [0.3]),
    "pi*x-e": (lambda x: mp.pi * x - mp.e, [0.3]),
    "x-0.1": (lambda x: x - mp.mpf(1) / 10, [0.1, 0.3]),
    "hypot(x,3)": (lambda x: mp.hypot(x, 3), [4.0, 0.3]),
    "atan2(x,2)": (lambda x: mp.atan2(x, 2), [0.3]),
    "max(x,0.5)+min(x,0.5,2)": (lambda x: x + mp.mpf("0.5"), [0.3, 2.5]),
    "where(x<1,x**2,log(y0))": (lambda x: x**2, [0.3]),
    "clip(x,0.1,0.4)": (lambda x: max(mp.mpf(1) / 10, min(x, mp.mpf(4) / 10)), [0.3, 0.5]),
    "mse(0.1,x)": (lambda x: (mp.mpf(1) / 10 - x) ** 2, [0.3]),
    "bce(1,sigmoid(x))": (lambda x: mp.log(1 + mp.exp(-x)), [40.0, -3.0]),
    "bce(0.25,x)": (lambda x: -(mp.log(x) / 4 + 3 * mp.log(1 - x) / 4), [0.3]),
    "cce(1,x)": (lambda x: -mp.log(x), [0.3]),
    "identity(x)": (lambda x: x, [0.3]),
    "leaky_relu(x)": (lambda x: x if x > 0 else x / 100, [0.3, -0.3]),
    "elu(x,0.5)": (lambda x: x if x > 0 else mp.expm1(x) / 2, [0.3, -0.3, -1e-9]),
    "huber(0.1,x)": (_huber, [0.3, 2.5, -7.0]),
    "hinge(1,x)": (lambda x: max(mp.mpf(0), 1 - x), [0.3, 1.5]),
    "poisson(2,x)": (lambda x: x - 2 * mp.log(x), [0.3, 40.0]),
    "log(exp(x)+exp(2*x))": (lambda x: mp.log(mp.exp(x) + mp.exp(2 * x)), [0.3]),
    "exp(exp(x))-exp(exp(x)-1e-18)": (lambda x: mp.exp(mp.exp(x)) - mp.exp(mp.exp(x) - mp.mpf(10) ** -18), [0.3]),
}


@pytest.mark.parametrize(("text", "x"), [(text, x) for text, (_, points) in SCALAR.items() for x in points])
def test_value_gradient_and_hessian_are_the_nearest_doubles(text, x):
    function = SCALAR[text][0]
    point = {"x": x} | ({"y0": -1.0} if "y0" in text else {})
    one = calculation(text, point, wrt=["x"])
    at = mp.mpf(x)
    truth = [function(at), mp.diff(function, at, h=mp.mpf(10) ** -40), mp.diff(function, at, 2, h=mp.mpf(10) ** -30)]
    value, gradient, hessian = one.hessian(point)
    got = [value, gradient["x"], hessian[0][0]]
    assert got[0] == nearest(truth[0])
    for found, expected in zip(got[1:], truth[1:], strict=True):
        # A difference quotient knows forty digits at best; a number that is 0 but for those is 0.
        assert found == nearest(expected) or (found == 0 and abs(expected) < mp.mpf(10) ** -15)
    assert one.gradient(point) == (value, gradient)
    assert one.value(point) == [value]


@pytest.mark.parametrize(("text", "x"), [(text, points[0]) for text, (_, points) in SCALAR.items()])
def test_all_of_many_digits_are_decided(text, x):
    """Also those of slopes that hold a constant, such as the 2/√π of erf′, which has to be as long."""
    function = SCALAR[text][0]
    point = {"x": x} | ({"y0": -1.0} if "y0" in text else {})
    value, gradient, hessian = calculation(text, point, 200, ["x"]).hessian(point)
    with mp.workdps(800):
        at, h = mp.mpf(x), mp.mpf(10) ** -150
        truth = [function(at), mp.diff(function, at, h=h), mp.diff(function, at, 2, h=h)]
        for found, expected in zip([value, gradient["x"], hessian[0][0]], truth, strict=True):
            if abs(expected) < mp.mpf(10) ** -200:
                assert found == 0
            else:
                text_of = getattr(found, "text", str(found))
                assert Decimal(text_of) == Context(200).create_decimal(mp.nstr(expected, 240))


def test_every_function_is_in_the_table():
    from_text = {name for name in FUNCTIONS if any(f"{name}(" in text for text in [*SCALAR, *(t for t, _ in VECTOR)])}
    without = {"sign", "floor", "ceil"}  # whose slopes are 0
    assert from_text | without == FUNCTIONS.keys()


V = [0.3, -1.7, 2.1]  # no product of which lies halfway between two doubles
VECTOR = [
    ("sum(x**2)", lambda x: sum(v**2 for v in x)),
    ("mean(x**3)", lambda x: sum(v**3 for v in x) / 3),
    ("prod(x)", lambda x: x[0] * x[1] * x[2]),
    ("norm(x)", lambda x: mp.sqrt(sum(v**2 for v in x))),
    ("max(x)+2*min(x)", lambda x: max(x) + 2 * min(x)),
    ("logsumexp(x)", lambda x: mp.log(sum(mp.exp(v) for v in x))),
    (
        "dot(softmax(x),[1,2,4])",
        lambda x: sum(c * mp.exp(v) for c, v in zip([1, 2, 4], x, strict=True)) / sum(mp.exp(v) for v in x),
    ),
    ("log_softmax(40*x)[2]", lambda x: -mp.log(sum(mp.exp(40 * (v - x[2])) for v in x))),
    ("cce([0,0,1],softmax(x))", lambda x: -mp.log(mp.exp(x[2]) / sum(mp.exp(v) for v in x))),
    ("sum([[1,2,0.1],[0,1,3]]@x)", lambda x: x[0] + 2 * x[1] + x[2] / 10 + x[1] + 3 * x[2]),
    ("mse(x,[1,2,3])", lambda x: sum((v - c) ** 2 for v, c in zip(x, [1, 2, 3], strict=True)) / 3),
    ("sum(x[0:2])*x[-1]/|x[1]|", lambda x: (x[0] + x[1]) * x[2] / abs(x[1])),
    ("1/(1+exp(-sum(x)))", lambda x: 1 / (1 + mp.exp(-sum(x)))),
]


@pytest.mark.parametrize(("text", "function"), VECTOR)
def test_vectors_too(text, function):
    point = {"x": np.array(V)}
    value, gradient, hessian = calculation(text, point).hessian(point)
    at, h = [mp.mpf(v) for v in V], mp.mpf(10) ** -30

    def moved(*shifts):
        return function([v + sum(s * h for k, s in shifts if k == i) for i, v in enumerate(at)])

    assert value == nearest(function(at))
    for i in range(3):
        slope = (moved((i, 1)) - moved((i, -1))) / (2 * h)
        assert gradient["x"][i] == nearest(slope) or abs(slope) < mp.mpf(10) ** -40
        for j in range(3):
            second = (
                moved((i, 1), (j, 1)) - moved((i, 1), (j, -1)) - moved((i, -1), (j, 1)) + moved((i, -1), (j, -1))
            ) / (4 * h * h)
            assert hessian[i][j] == nearest(second) or max(abs(hessian[i][j]), abs(second)) < mp.mpf(10) ** -20


def test_jacobians_and_products():
    point = {"x": np.array(V), "y": 0.1}
    one = Certified(
        Calculation(
            [parse("softmax(x)*y"), parse("x[0]/y")], ["softmax(x)*y", "x[0]/y"], {"x": (3,), "y": ()}, ["x", "y"]
        )
    )
    e = [mp.exp(mp.mpf(v)) for v in V]
    p = [v / sum(e) for v in e]
    y = mp.mpf(0.1)
    rows = [[y * p[i] * ((i == j) - p[j]) for j in range(3)] + [p[i]] for i in range(3)]
    rows.append([1 / y, mp.mpf(0), mp.mpf(0), -mp.mpf(V[0]) / y**2])
    values, blocks = one.jacobian(point)
    got = np.concatenate([blocks["x"], blocks["y"]], axis=1)
    assert got.tolist() == [[nearest(v) for v in row] for row in rows]
    assert values[0].tolist() == [nearest(y * v) for v in p]
    v, t = [1.0, -2.0, 0.5, 3.0], [0.25, 1.0, -1.0, 2.0]
    _, found = one.vjp(point, v)
    sums = [sum(mp.mpf(v[i]) * rows[i][j] for i in range(4)) for j in range(4)]
    assert [*found["x"].tolist(), found["y"]] == [nearest(s) for s in sums]
    _, products = one.jvp(point, t)
    sums = [sum(rows[i][j] * mp.mpf(t[j]) for j in range(4)) for i in range(4)]
    assert [*products[0].tolist(), products[1]] == [nearest(s) for s in sums]


doubles = st.floats(allow_nan=False, allow_infinity=False)


@given(doubles, doubles)
@settings(max_examples=200)
def test_over_the_whole_of_the_doubles(x, y):
    point = {"x": x, "y": y}
    for text in ("x*y+0.1", "sigmoid(x)-sigmoid(y)", "hypot(x,y)", "x/(1+|y|)", "softplus(x)*tanh(y)"):
        got = calculation(text, point).gradient(point)
        plain = calculation(text, point).plain.gradient(point)
        for a, b in zip([got[0], *got[1].values()], [plain[0], *plain[1].values()], strict=True):
            assert not isinstance(a, Undecided)
            if text in ("hypot(x,y)", "softplus(x)*tanh(y)") and math.isfinite(a):  # nothing cancels: doubles are near
                assert abs(a - b) <= 12 * math.ulp(a)


@given(st.fractions(min_value=-(10**20), max_value=10**20), st.integers(1, 40))
def test_decimals_are_rounded_once(value, digits):
    got = nearest_decimal(
        Ball(balls().asarray([0.0])[0].x + value.numerator) / float(1) / rational(str(value.denominator)), digits
    )
    context = Context(digits, ROUND_HALF_EVEN)
    expected = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    text = "0" if not got else got.text
    assert Decimal(text) == expected or (digits <= 15 and float(text) == float(expected))


@given(doubles.filter(lambda x: abs(x) > 1e-300))
def test_decimal_text_is_as_numbers_are_written(x):
    from bpcli.text.notation import number

    for digits in (1, 5, 15, 16, 17):
        rounded = Context(digits, ROUND_HALF_EVEN).create_decimal(Decimal(x))
        assert decimal_text(rounded, digits) == number(x, digits)


def test_halfway_between_two_doubles_goes_to_the_even_one():
    x = 1 + 2.0**-52
    assert nearest_double(rational(1.0) + 2.0**-53) == 1.0
    assert nearest_double(rational(x) + 2.0**-53) == 1 + 2.0**-51
    assert nearest_double(rational(2.0**-1074) / 2) == 0.0
    assert nearest_double(rational(1.7976931348623157e308) * 2) == math.inf


@pytest.mark.parametrize("text", ["floor(sin(pi)+x)", "sign(exp(log(2))-2+x)", "where(sqrt(2)**2<2,1,2)+x"])
def test_a_jump_at_the_very_place_is_not_decided(text):
    (value,) = calculation(text, {"x": 0.0}).value({"x": 0.0})
    assert isinstance(value, Undecided)


def test_a_zero_is_one_when_it_is_below_the_doubles():
    assert calculation("sin(pi)+x", {"x": 0.0}).value({"x": 0.0}) == [0.0]
    assert calculation("--16+--pi*x", {"x": 0.0}).value({"x": 0.0}) == [16.0]
    with pytest.raises(NotFiniteError, match="bits do not decide"):
        certified(lambda: bool(rational(0.0) < balls().sin(balls().pi)), None)


def test_more_digits():
    point = {"x": 2.0}
    (value,) = calculation("sqrt(x)", point, 60).value(point)
    assert value.text == str(Context(60).create_decimal(Decimal(2).sqrt(Context(80))))
    assert calculation("exp(-1000*x)", point, 20).value(point)[0].text == mp.nstr(mp.exp(-2000), 20).replace("e-", "e-")


def test_too_large_a_calculation_is_refused():
    x = {"x": np.zeros(2000)}
    with pytest.raises(UsageError, match="to certify 4000000 entries"):
        calculation("softmax(x)", x).jacobian(x)


def test_a_recognised_composite_is_certified_as_well():
    assert OPERATORS["sigmoid_bce_term"]
    point = {"x": 800.0}
    assert calculation("log(1+exp(x))", point).value(point) == [800.0]
    assert calculation("1/(1+exp(x))", point).value(point) == [0.0]


def test_a_product_by_the_jacobian_of_a_side_is_rounded_once():
    point = {"x": 0.0}
    for v in (0.1, 0.7, 3.0, 1e-300):
        expected = nearest(mp.mpf(v) / 3)
        for kink in ("lecture", "right"):
            one = calculation("relu(x)/3", point)
            one.kink = kink
            assert one.vjp(point, [v])[1] == {"x": expected}
            assert one.jvp(point, [v])[1] == [expected]
            assert len(one.kinks) == 1


def test_a_gradient_that_is_no_double_does_not_jump():
    """The second derivative beside a kink is that of the true slopes, not of those rounded to doubles."""
    one = calculation("relu(x)*x/3+x/3", {"x": 0.0})
    one.kink = "left"
    assert one.hessian({"x": 0.0})[1:] == ({"x": nearest(mp.mpf(1) / 3)}, [[0.0]])
    one.kink = "right"
    assert one.hessian({"x": 0.0})[1:] == ({"x": nearest(mp.mpf(1) / 3)}, [[nearest(mp.mpf(2) / 3)]])


@pytest.mark.parametrize("digits", [16, 20, 50])
def test_a_digit_of_what_is_below_the_doubles_is_proven_too(digits):
    truth = mp.exp(-800) * mp.expm1(mp.mpf(1e-20))
    (value,) = calculation("exp(-800)*(exp(x)-1)", {"x": 1e-20}, digits).value({"x": 1e-20})
    assert Decimal(value.text) == Context(digits).create_decimal(mp.nstr(truth, 60))
    assert calculation("exp(-800)*(exp(x)-1)", {"x": 1e-20}, 10).value({"x": 1e-20}) == [0.0]
    (value,) = calculation("sin(pi)+x", {"x": 0.0}, digits).value({"x": 0.0})
    assert isinstance(value, Undecided)


@pytest.mark.filterwarnings("ignore:a result is not")
@pytest.mark.parametrize("text", ["floor(sin(x)/x)", "0*floor(0/x)", "sign(log(-1-x))"])
@pytest.mark.parametrize("certify", [False, True])
def test_where_there_is_no_value_there_is_no_slope(text, certify):
    assert math.isnan(bpcli.value(text, certify=certify)(x=0))
    assert np.isnan(bpcli.grad(text, certify=certify)(x=0)).all()
    assert np.isnan(bpcli.hessian(text, certify=certify)(x=0)).all()
    assert np.isnan(bpcli.grad(text, certify=certify).many(np.array([[0.0], [1.0]]))[0]).all()


@pytest.mark.parametrize("text", ["norm(u)/max(abs(u))", "sum(u)/max(u)", "abs(sum(u)-3*u[0])"])
def test_a_note_on_a_kink_says_what_is_used(text):
    one = Certified(Calculation([parse(text)], [text], {"u": (3,)}, ["u"]))
    _, gradient = one.gradient({"u": np.full(3, -5.0)})
    used = {kink.slope: kink.used for kink in one.kinks}
    assert used == {
        f"d/du[{k}]": float(slope) for k, slope in enumerate(gradient["u"])
    }  # of the first a 0 by cancelling


@pytest.mark.parametrize(
    ("text", "zero"),
    [
        ("1/(0.1*3-0.3)", "1/(0.1*3-0.3): (0.1*3-0.3)"),
        ("2+log(0.1+0.2-0.3)", "log(0.1+0.2-0.3): 0.1+0.2-0.3"),
        ("(0.7+0.1-0.8)**-2", "(0.7+0.1-0.8)**-2: (0.7+0.1-0.8)"),
    ],
)
def test_a_zero_that_doubles_miss_is_named(text, zero):
    proven = calculation(text, {})
    assert math.isfinite(proven.plain.value({})[0])
    assert math.isinf(proven.value({})[0])
    why = f"{zero} is 0, which doubles miss by rounding"
    assert proven.diagnostics.why_not_finite({}, []) == proven.diagnostics.why_not_decided({}, []) == why


POLES = [
    *("atan(1/x)", "sign(1/x)", "tanh(1/x)", "erf(-2/x)", "sigmoid(1/x)", "clip(1/x,0,1)", "1/(1+exp(1/x))"),
    *(
        "exp(-1/x)",
        "atan(1/sin(x))",
        "atan(x**-1)",
        "atan(x**-3)",
        "1/(1/x)",
        "1/x>0",
        "atan(x**(x-1))",
        "atan(x**-1.001e3)",
        "atan((2*x)**-5)",
        "where(1/x>0,1,2)",
    ),
    *("max(1/x,2)", "min(3,1/(x*x*x))", "atan(1/(1-cosh(x)))", "relu(1/x)*0", "x*(1/x)"),
]


@pytest.mark.parametrize("text", POLES)
@pytest.mark.parametrize("x", [0.0, -0.0])
def test_nothing_is_proven_at_a_pole(text, x):
    """On the sides of 1/0 are ∞ and −∞, though doubles take the one of them."""
    proven = calculation(text, {"x": x})
    assert not math.isfinite(proven.value({"x": x})[0])
    assert "divides by 0" in (proven.diagnostics.why_not_decided({"x": x}, []) or "") or "**" in text


@pytest.mark.parametrize(
    "text",
    [
        "where(x==0,3,atan(1/x))",
        "where(x!=0,atan(1/x),3)",
        "3+x/2",
        "2+(x+2)**-pi/2**-pi",
        "2+(x+2)**(-1e-3)*2**1e-3",
        "3+exp(-1/(x+1))*0",
    ],
)
def test_what_does_not_pass_a_pole_is_proven(text):
    (value,) = calculation(text, {"x": 0.0}).value({"x": 0.0})
    assert value == pytest.approx(3, rel=1e-15)


def test_what_is_no_zero_is_no_division_by_one():
    assert calculation("1/(0.1*3-0.2)", {}).diagnostics.why_not_finite({}, []).startswith("the numbers are beyond")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-5, 5), min_size=3, max_size=3, unique=True),
    st.sampled_from(["0", "1e18", "1e30", "1e100", "1e300", "1.7e308"]),
    st.sampled_from([1, -1]),
    st.integers(0, 2),
)
def test_classes_far_out_that_are_no_double_apart_have_an_order(u, far, sign, k):
    """softmax(c + u) = softmax(u): which class is the largest shows in u alone, however far out c is."""
    with mpmath.workdps(50):
        powers = [mpmath.exp(sign * mpmath.mpf(x)) for x in u]
        p = [power / sum(powers) for power in powers]
        slopes = [sign * ((i == k) - p[i]) for i in range(3)]
        true = [[-slope for slope in slopes], [-p[k] * slope for slope in slopes]]
    inner = f"{far}{'+' if sign > 0 else '-'}u"
    texts = f"-log_softmax({inner})[{k}]", f"1-softmax({inner})[{k}]"
    for text, expected in zip((*texts, f"-log(softmax({inner})[{k}])"), (*true, true[0]), strict=True):
        found = bpcli.grad(text, certify=True)(u=u)
        assert found == pytest.approx([float(slope) for slope in expected], rel=1e-15)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 3)), min_size=2, max_size=4), st.data())
def test_a_softmax_of_balls_that_overlap_contains_each_point_of_them(given_balls, data):
    """None of them is the largest for certain, and 1 - p of each holds for all numbers in the balls all the same."""
    xp = balls()
    points = [data.draw(st.floats(mid - radius, mid + radius)) for mid, radius in given_balls]
    logits = xp.asarray(np.array([Ball(flint.arb(mid, radius * 1.01)) for mid, radius in given_balls], object))
    with mpmath.workdps(30):
        powers = [mpmath.exp(mpmath.mpf(x)) for x in points]
        p = [power / sum(powers) for power in powers]
    for i, row in enumerate(dlog_softmax_dlogits(logits)):
        for j, entry in enumerate(row):
            assert abs(mpmath.mpf(float(entry.x.mid())) - ((i == j) - p[j])) <= float(entry.x.rad()) * (1 + 1e-9)
