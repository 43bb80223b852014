"""Answers within the doubles whose sweeps leave them on the way, beside proven ones."""

import math
import re

import mpmath
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import bpcli
from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.certified import Certified, Undecided
from bpcli.calculus.sweeps.lost_digits import lost_digits, lost_values
from bpcli.calculus.sweeps.wide_range import alike

BY_HAND = [
    ("exp(-x)/(1+exp(-x))**2", -400.0, "value", 1.9151695967140057e-174),  # e^−400 to all digits
    ("x/sqrt(x**2+1)", 1e200, "value", 1.0),
    ("x**3*log(x)", 1e-120, "gradient", 1e-240 * (3 * math.log(1e-120) + 1)),
    ("x**2*log(x)", 1e-200, "hessian", 2 * math.log(1e-200) + 3),
    ("x*log(x)", 1e-160, "hessian", 1e160),
    ("relu(x**3)", -1e-120, "gradient", 0.0),
    ("sqrt(abs(x**2))", 1e-170, "gradient", 1.0),
    ("exp2(x)", 1024.0, "gradient", math.ldexp(math.log(2), 1023) * 2),
    ("x**5/x**4", 1e-100, "gradient", 1.0),
    ("x*x/(2*x)", 1.8e-216, "gradient", 0.5),
    ("log(exp(x)*exp(-x)*x)", 800.0, "gradient", 1 / 800),
    ("softplus(x)/exp(x)", -800.0, "value", 1.0),
]


def calculation(text, names=("x",)):
    return Calculation([parse(text)], [text], dict.fromkeys(names, ()), names)


@pytest.mark.parametrize(("text", "x", "what", "true"), BY_HAND)
def test_worked_by_hand(text, x, what, true):
    result = getattr(calculation(text), what)({"x": x})
    found = {"value": lambda: result[0], "gradient": lambda: result[1]["x"], "hessian": lambda: result[2][0][0]}[what]()
    assert found == pytest.approx(true, rel=2e-15, abs=0)


BELOW_THE_DOUBLES = {  # what is above 0 at every number, by algebra
    "1-tanh(x)**2": (800.0, -800.0),
    "1-sigmoid(x)": (800.0,),
    "mse(0,sigmoid(x))": (-800.0, -1.07e17),
    "mse(1,sigmoid(x))": (800.0,),
    "bce(1,sigmoid(x))": (800.0,),
    "bce(0,sigmoid(x))": (-800.0,),
    "1-tanh(x)": (800.0,),
    "-log(1-exp(x))": (-800.0,),
    "softplus(x)": (-800.0,),
    "exp(x)/(1+exp(x)+exp(2*x))": (800.0, -800.0),
    "-log(exp(x)/(exp(x)+exp(-x)))": (800.0,),
}


@pytest.mark.parametrize(("text", "x"), [(text, x) for text, xs in BELOW_THE_DOUBLES.items() for x in xs])
def test_the_sign_of_what_is_below_the_doubles(text, x):
    assert calculation(f"sign({text})").value({"x": x}) == [1.0]


def test_entries_of_vectors_too():
    one = Calculation([parse("norm(x**2)")], ["norm(x**2)"], {"x": (2,)}, ["x"])
    gradient = one.gradient({"x": np.array([1e-170, 1e-170])})[1]["x"]
    np.testing.assert_allclose(gradient, math.sqrt(2) * 1e-170, rtol=4e-16)


@pytest.mark.parametrize("text", sorted({text for text, *_ in BY_HAND}))
def test_points_in_bulk_alike(text):
    one = calculation(text)
    points = [x for other, x, *_ in BY_HAND if other == text] + [0.75, 1.5]
    values, slopes = one.gradient_block({"x": np.array(points)})
    for k, x in enumerate(points):
        value, slope = one.gradient({"x": x})
        assert values[k] == pytest.approx(value, rel=1e-15, nan_ok=True)
        assert slopes["x"][k] == pytest.approx(slope["x"], rel=1e-15, nan_ok=True)
    np.testing.assert_allclose(one.value_block({"x": np.array(points)})[0], values, rtol=1e-15)


ROUNDED_OUT_OF_THE_DOMAIN = {
    "log(sqrt(x**2+1)-x)": lambda x: -mpmath.asinh(x),
    "sqrt(sqrt(x**2+1)-x)": lambda x: mpmath.exp(-mpmath.asinh(x) / 2),
    "log(x-sqrt(x**2-1))": lambda x: -mpmath.acosh(x),
    "acosh(sqrt(x**2+1)/x)": lambda x: mpmath.asinh(1 / x),
    "acos(x/sqrt(x**2+1))": lambda x: mpmath.atan(1 / x),
    "2*atanh(x/sqrt(x**2+1))+1": lambda x: 2 * mpmath.asinh(x) + 1,
}


@pytest.mark.parametrize("text", ROUNDED_OUT_OF_THE_DOMAIN)
@given(st.floats(1e90, 1e110))
@settings(max_examples=30)
def test_digits_that_lead_out_of_the_domain_are_not_enough(text, x):
    (found,) = calculation(text).value({"x": x})
    with mpmath.workdps(500):
        true = ROUNDED_OUT_OF_THE_DOMAIN[text](mpmath.mpf(x))
    assert found == pytest.approx(float(true), rel=1e-15)


THROUGH_INFINITY = [  # worked by hand: each is x, 1 + x or such a function on one side, written through an infinity
    *[(text, 0.0, 1.0) for text in ("exp(log(x))", "sigmoid(logit(x))", "softplus(log(x))", "elu(log(x))")],
    *[(text, 0.0, 1.0) for text in ("logsumexp([log(x),0])", "2*tanh(log(1+x)/2)", "exp(log(x))+atan(1/(2+x))/1e9")],
    *[("sigmoid(logit(x))", 1.0, 1.0), ("tanh(atanh(x))", 1.0, 1.0), ("tanh(atanh(x))", -1.0, 1.0)],
    *[(text, 0.0, math.nan) for text in ("atan(1/x)", "tanh(1/x)", "sigmoid(-1/x)", "exp(-1/x)", "x*atan(1/x)")],
]


@pytest.mark.parametrize(("text", "x", "true"), THROUGH_INFINITY)
def test_a_slope_through_an_infinity_is_no_0_in_bulk_either(text, x, true):
    one = calculation(text)
    _, slopes = one.gradient_block({"x": np.array([x, 0.75, 1e-200])})
    assert slopes["x"][0] == pytest.approx(true, rel=1e-8, nan_ok=True)
    assert slopes["x"][0] == pytest.approx(one.gradient({"x": x})[1]["x"], rel=1e-15, nan_ok=True)


def test_a_kink_that_is_only_an_underflow_is_none():
    one = calculation("relu(x**3)")
    one.gradient({"x": -1e-120})
    assert one.kinks == []
    one.gradient({"x": 0.0})
    assert one.kinks == []  # both sides of x³ are flat


MONOMIALS = st.integers(-6, 6)
SIZES = st.floats(-300, 300).map(lambda power: 10.0**power)
FORMS = [
    "x**{m}*y**{n}",
    "x**{m}*log(x)*y**{n}",
    "exp(-x*y)*x**{m}",
    "x**{m}/sqrt(x**{n}+y**2)",
    "hypot(x**{m},y**{n})",
    "tanh(x)**{m}*y",
    "log(x**2)*x**{m}*y**{n}",
    "atan(x**{m}*y**{n})",
]


@pytest.mark.parametrize("form", FORMS)
def test_what_a_double_can_hold_is_found(form):
    @given(MONOMIALS, MONOMIALS, SIZES, SIZES)
    @settings(max_examples=25)
    @example(3, 1, 1e-120, 1.0)
    @example(5, -4, 1e100, 1e-90)
    def holds(m, n, x, y):
        plain = calculation(form.format(m=m, n=n), ("x", "y"))
        proven = Certified(plain)
        point = {"x": x, "y": y}
        value, gradient = plain.gradient(point)
        true, slopes = proven.gradient(point)
        for got, exact in [(value, true), *((gradient[name], slopes[name]) for name in point)]:
            if isinstance(exact, Undecided) or exact != exact:
                continue
            if got == exact or abs(got - exact) <= 2.0**-20 * abs(exact) + 5e-324:
                continue
            # Some of the forms cancel where all steps stay within the doubles: that is told.
            told = lost_digits(plain, point, [list(gradient.values())]) + lost_values(plain, point, [value])
            assert told, (form, m, n, x, y, got, exact)

    holds()


@pytest.mark.parametrize("text", ["relu(a)+x**3*log(x)", "abs(a)*x+x**3*log(x)", "max(a,0)+x**3*log(x)"])
def test_a_kink_of_one_variable_leaves_the_range_of_another_to_wide_numbers(text):
    # 3x²·log x + x² at 1e-120, by hand: (3·(−120)·ln 10 + 1)·1e-240
    true = (-360 * math.log(10) + 1) * 1e-240
    one = calculation(text, ("a", "x"))
    _, gradient = one.gradient({"a": 0.0, "x": 1e-120})
    assert len(one.kinks) == 1
    assert gradient["x"] == pytest.approx(true, rel=1e-14)
    kinks = []
    points = {"a": np.array([1.0, 0.0, 0.0]), "x": np.array([1e-120, 1e-120, 2.0])}
    many = one.gradient_block(points, kinks=kinks)[1]
    assert many["a"][1] == gradient["a"]
    assert many["x"][1] == gradient["x"]
    assert [kink.point for kink in kinks] == [1, 2]


def test_what_is_too_large_to_be_done_again_is_told(monkeypatch, bpcli):
    text, x = "sum(x**3*log(x))", np.full(4, 1e-120)
    one = Calculation([parse(text)], [text], {"x": (4,)}, ["x"])
    one.gradient({"x": x})
    assert not one.may_have_left_range
    monkeypatch.setattr("bpcli.calculus.sweeps.calculation.MOST_ENTRIES", 10)
    assert one.value({"x": x}) == [0]
    assert one.may_have_left_range
    assert "too large" in bpcli("eval", text, "--at", "x=[1e-120,1e-120,1,1]").err
    assert "too large" not in bpcli("eval", text, "--at", "x=[1,2,3,4]").err


def test_digits_beyond_the_first_fifty_of_wide_numbers():
    """π + 9e-68 has digits beyond 50; the witness is python-flint's correctly rounded result."""
    text = "1e10/tan(sum(atan2(u,v)))"
    point = {"u": np.array([4e-68, 3.5e-72, 9e41]), "v": np.array([0.44, -5e-324, 6.6e-148])}
    one = Calculation([parse(text)], [text], {"u": (3,), "v": (3,)}, ["u", "v"])
    value, _ = one.gradient(point)
    assert value == pytest.approx(float(Certified(one).gradient(point)[0]), rel=1e-14)
    assert not lost_values(one, point, [value])


CANCELS_FAR_OUT = [  # what terms come to that cancel by many digits, by algebra or the first term of a series
    ("(x+1)**2-x**2", 1e160, 2e160, 2.0, 0.0),
    ("(x+1)**3-x**3", 1e140, 3e280, 6e140, 6.0),
    ("tanh(x)/x", 1e-160, 1.0, -2e-160 / 3, -2 / 3),
    ("(1+1/x)**x", 1e200, math.e, math.e / 2e200 / 1e200, 0.0),
    ("log(1+x**2)", 1e-120, 1e-240, 2e-120, 2.0),
    ("where(x+1>x,x,-x)", 1e200, 1e200, 1.0, 0.0),
    ("floor(3-1/x)*x", 1e120, 2e120, 2.0, 0.0),
    ("sin(x)/x", 1e-170, 1.0, -1e-170 / 3, -1 / 3),
    ("huber(1,sigmoid(x))", -1000.0, 0.5, 0.0, 0.0),
]


@pytest.mark.parametrize(("text", "x", "value", "slope", "second"), CANCELS_FAR_OUT)
def test_what_cancels_far_out(text, x, value, slope, second):
    one = calculation(text)
    assert one.value({"x": x})[0] == pytest.approx(value, rel=1e-14)
    assert one.gradient({"x": x})[1]["x"] == pytest.approx(slope, rel=1e-14, abs=1e-320)
    assert one.hessian({"x": x})[2][0][0] == pytest.approx(second, rel=1e-14, abs=1e-320)


@pytest.mark.parametrize(("text", "x", "value", "slope", "second"), CANCELS_FAR_OUT[:2])
def test_what_cancels_far_out_in_bulk(text, x, value, slope, second):
    one, points = calculation(text), {"x": np.array([0.5, x, x])}
    assert one.value_block(points)[0][1:] == pytest.approx(value, rel=1e-14)
    assert one.gradient_block(points)[1]["x"][1:] == pytest.approx(slope, rel=1e-14, abs=1e-320)


NEAR_A_POLE = {  # where 50 digits of what is inside are those of the pole
    "log1p(x-1)": mpmath.log,
    "atanh(1-x)": lambda x: (mpmath.log(2 - x) - mpmath.log(x)) / 2,
    "atanh(x-1)": lambda x: (mpmath.log(x) - mpmath.log(2 - x)) / 2,
    "log(1+(x-1))": mpmath.log,
}


@pytest.mark.parametrize("x", [1e-17, 1e-60, 1e-200])
@pytest.mark.parametrize("text", NEAR_A_POLE)
def test_near_a_pole(text, x):
    with mpmath.workdps(300):
        true = float(NEAR_A_POLE[text](mpmath.mpf(x)))
    assert calculation(text).value({"x": x})[0] == pytest.approx(true, rel=1e-14)


CANCELS = {  # to 0, or to 1, by algebra, where a step leaves the doubles; the gradient and the Hessian by x and y
    "x/y*y": (1.0, 0.0),
    "y*x/y": (1.0, 0.0),
    "exp(y)*exp(x)/exp(x+y)": (0.0, 0.0),
    "x*y**3/y**3": (1.0, 0.0),
}
FAR_PLACES = [(1e-160, 1e-160), (-1e-8, 1e160), (1e-160, 2.5), (2.5, 1e-120), (3e-200, 7e-110)]


@pytest.mark.parametrize("text", CANCELS)
def test_what_cancels_whole_is_0_and_not_the_rounding_errors_of_50_digits(text):
    one = calculation(text, ("x", "y"))
    for x, y in FAR_PLACES:
        _, gradient, matrix = one.hessian({"x": x, "y": y})
        found = [*gradient.values(), *np.ravel(matrix).tolist()]
        said = np.isnan(found).any() or not (one.settled and one.left_range)  # that something is not known
        assert said or found == [*CANCELS[text], 0.0, 0.0, 0.0, 0.0], (x, y)


@pytest.mark.parametrize(
    ("text", "x", "true"),
    [  # by the first terms of the series of atan and asinh
        ("atan(x)-pi/2", 1e160, -1e-160),
        ("atan(-x)+pi/2", 1e160, 1e-160),
        ("-pi/2+atan(x)", 1e160, -1e-160),
        ("asinh(x)-log(2*x)", 1e150, 0.25e-300),
        ("log(e*x)-log(x)-1", 1e-160, 0.0),
    ],
)
def test_pi_and_e_are_themselves(text, x, true):
    assert calculation(text).value({"x": x}) == [pytest.approx(true, rel=1e-15, abs=0)]


def test_a_root_of_what_is_beyond_the_decimals_is_not_known():
    one = Calculation([parse("sum(u**y)**(1/y)")], ["sum(u**y)**(1/y)"], {"u": (2,), "y": ()}, ["u", "y"])
    (value,) = one.value({"u": np.array([745.0, 0.5]), "y": -1e300})  # 0.5 is true, and 0.5**-1e300 beyond the range
    assert math.isnan(value)


def test_points_in_bulk_say_so_where_decimals_are_not_enough():
    with pytest.warns(bpcli.LostDigitsWarning, match="digits are lost"):
        bpcli.value("(exp(x)-1-x-x**2/2-x**3/6)/x**4").many({"x": [1.0, -1.23e-187, 2.0]})


BEYOND_450_DIGITS = {  # what an intermediate value loses them all of, and what is true
    "exp2(cosh(x)**2-sinh(x)**2)": (544.7, 2.0),
    "1/(1+(cosh(x)**2-sinh(x)**2))": (-560.0, 0.5),
    "(expm1(x)+1-exp(x/2)*exp(x/2)+1)": (1200.0, 1.0),
    "(cosh(x)-sinh(x))*exp(x)": (800.0, 1.0),
    "exp(2*x)*(0.5-tanh(x)/2)": (1e5, 1.0),
    "(hypot(x,1)-x)*x": (1e300, 0.5),
    "(x**1e-250-1)*1e250": (3.0, math.log(3)),
}


@pytest.mark.parametrize("text", BEYOND_450_DIGITS)
def test_what_450_digits_do_not_settle_is_not_taken_for_settled(text):
    x, true = BEYOND_450_DIGITS[text]
    one = calculation(text)
    (value,) = one.value({"x": x})
    assert value == pytest.approx(true, rel=1e-15) or not one.settled


def test_one_point_in_bulk_does_not_spoil_another():
    points = [-544.7, 1e-160, 1.0, 700.0]
    alone = [calculation("exp2(cosh(x)**2-sinh(x)**2)").value({"x": x})[0] for x in points]
    bulk = calculation("exp2(cosh(x)**2-sinh(x)**2)").value_block({"x": np.array(points)})[0]
    np.testing.assert_allclose(bulk, alone, rtol=1e-9)


@pytest.mark.parametrize("kind", [float, np.array, lambda x: [[x]], lambda x: {"x": np.array([x])}])
def test_results_are_alike_but_for_rounding_and_infinities_by_their_sign(kind):
    numbers = [0.0, 1.0, 1 + 2.0**-45, -1e308, 1e308, math.inf, -math.inf]
    near = [a for a in numbers if alike(kind(1.0), kind(a))]
    assert near == [1, 1 + 2.0**-45]
    for a in numbers:
        assert [b for b in numbers if alike(kind(a), kind(b))] == (near if a in near else [a])


AT_INFINITY = [
    ("exp(-s)/(1+exp(-s))**2 + 1/t", [-400.0, math.inf]),
    ("sin(s**3)**2/s**3 + exp(-t)", [1e-120, math.inf]),
    ("s**2*exp(t)+s/sqrt(s**2+1)", [1e200, -math.inf]),
    ("prod([acos(s/t),s**2,2])/s", [3e-200, -math.inf]),
]


@pytest.mark.parametrize(("text", "at"), AT_INFINITY)
@pytest.mark.parametrize("vector", [False, True])
def test_an_infinite_input_does_not_keep_the_others_from_wide_numbers(text, at, vector):
    """The witness is the limit: the same at an input so far out that mpmath gives all digits."""
    s, t = at
    made = calculation(text, ("s", "t"))
    point = {"s": s, "t": t}
    if vector:
        shown = re.sub(r"\b[st]\b", lambda name: {"s": "v[0]", "t": "v[1]"}[name[0]], text)
        made, point = Calculation([parse(shown)], [shown], {"v": (2,)}, ["v"]), {"v": np.array(at)}
    value, gradient = made.gradient(point)

    functions = {name: getattr(mpmath, name) for name in ("exp", "sin", "acos", "sqrt")} | {"prod": mpmath.fprod}
    with mpmath.workdps(700):
        s, t = mpmath.mpf(s), mpmath.sign(t) * mpmath.mpf(10) ** 600
        h = s / mpmath.mpf(10) ** 50
        true, more, less = (eval(text, functions, {"s": s + step, "t": t}) for step in (0, h, -h))
        slope = float((more - less) / (2 * h))
    assert value == pytest.approx(float(true), rel=1e-14, abs=0)
    assert (gradient["v"][0] if vector else gradient["s"]) == pytest.approx(slope, rel=1e-14, abs=0)


@pytest.mark.parametrize("x", [1e150, 1e160, -3e175])
def test_a_kink_beyond_the_doubles_is_found_with_as_many_digits_as_it_takes(x):
    """(S − ⌊S⌋)(⌈S⌉ − S) of a whole S = x² of up to 351 digits: its slopes by S are −1 and 1."""
    text = "(x**2-floor(x**2))*(ceil(x**2)-x**2)"
    made = calculation(text, {"x": x})
    assert made.gradient({"x": x})[1]["x"] == 0
    ((kink,)) = made.kinks
    assert (kink.left, kink.right) == (-abs(2 * x), abs(2 * x))


@pytest.mark.parametrize(
    ("text", "x", "value", "slope"),
    [
        ("tanh(x**3)", 1e160, 1.0, 0.0),
        ("x*tanh(x**3)", 1e160, 1e160, 1.0),
        ("erf(-x**3)", 1e160, -1.0, 0.0),
        ("atan(x**4)", 1e160, math.pi / 2, 0.0),
        ("max(tanh(x**3),0.5)", 1e160, 1.0, 0.0),
        ("tanh(10**x)", 800.0, 1.0, 0.0),
        ("tanh(exp(exp(x)))", 7.5, 1.0, 0.0),
        ("sigmoid(-x**3)", 1e160, 0.0, 0.0),
        ("exp(-x**3)+x", 1e160, 1e160, 1.0),
        ("softmax([x**3,1])[0]", 1e160, 1.0, 0.0),
        ("log(1+exp(x**3))/x**3", 1e160, 1.0, 0.0),
    ],
)
def test_what_is_flat_far_out_is_known_however_far_out_it_is(text, x, value, slope):
    """x³ of 480 digits is not known to its last one, and need not be."""
    made = calculation(text, {"x": x})
    found, gradient = made.gradient({"x": x})
    assert (found, gradient["x"]) == (pytest.approx(value, rel=1e-15), slope)
    assert lost_values(made, {"x": x}, [found]) == lost_digits(made, {"x": x}, [[gradient["x"]]]) == []
