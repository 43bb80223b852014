"""Exact slopes compared with their estimates: agreed, refused, or left open."""

import math

import mpmath
import numpy as np
import pytest
from calculations import calculation
from hypothesis import given, settings
from hypothesis import strategies as st

import bpcli
from bpcli.calculus.checks import checking
from bpcli.calculus.checks.checking import RTOL, Checked, best, check_calculation, check_function, compared
from bpcli.calculus.checks.differences import Estimate
from bpcli.calculus.checks.witnesses import proven_quotient
from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.certified import Certified

SURE = Estimate(2.0, 1e-12)


@pytest.mark.parametrize(
    ("exact", "quotient", "step", "kink", "agree", "why"),
    [
        (2.0, SURE, None, False, True, ""),
        (2.0 + 1e-6, SURE, None, False, False, ""),
        (-2.0, SURE, None, False, False, ""),
        (2.0, SURE, None, True, None, "at a kink"),
        (math.inf, SURE, None, False, None, "not finite"),
        (2.0, Estimate(math.nan, math.inf), None, False, None, "not finite"),
        (2.0, Estimate(2.1, 0.3), None, False, None, "too small to tell"),
        (2.0, Estimate(2.1, 0.3), Estimate(2.0, 1e-15), False, True, ""),  # the complex step settles it
        (0.0, Estimate(0.0, 1e-9), None, False, True, ""),
    ],
)
def test_an_entry(exact, quotient, step, kink, agree, why):
    entry = compared("d/dx", exact, quotient, step, kink)
    assert (entry.agree, entry.why if agree is None else "") == (agree, why)


def test_a_complex_step_counts_where_the_quotients_bear_it_out():
    step = Estimate(2.0 + 1e-9, 1e-16)
    assert best(SURE, step, 5.0) is step
    assert best(SURE, Estimate(3.0, 1e-16), 5.0) is SURE
    assert best(Estimate(2.5, 1e-12), Estimate(3.0, 1e-16), 3.0).value == 3.0  # it is what the exact slope is


A = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])


def affine(inputs):
    return A @ inputs["x"] + inputs["b"]


POINT = {"x": np.array([0.3, -0.7, 2.0]), "b": np.array([1.0, 2.0])}


def test_a_function_of_arrays_entry_by_entry():
    entries = check_function(affine, POINT, {"x": A, "b": np.eye(2)}, "f")
    assert len(entries) == 10
    assert all(entry.agree for entry in entries)
    assert {entry.name for entry in entries} >= {"df[0]/dx[2]", "df[1]/db[0]"}
    assert all(entry.error <= RTOL for entry in entries)


def test_a_wrong_entry_of_a_function_is_found():
    wrong = A.copy()
    wrong[1, 2] = 1.0
    entries = check_function(affine, POINT, {"x": wrong}, "f")
    assert [entry.name for entry in entries if not entry.agree] == ["df[1]/dx[2]"]


@pytest.mark.parametrize(
    ("exact", "estimate", "error", "agrees"),
    [
        (2.0, 2.0, 1e-12, True),
        (2.0, 2.1, 0.2, None),  # an estimate as rough as that agrees with anything
        (2.0, 3.0, 0.2, None),
        (2.0, 2.1, 1e-9, False),
    ],
)
def test_only_an_estimate_that_can_tell_agrees(exact, estimate, error, agrees):
    assert compared("d/dx", exact, Estimate(estimate, error)).agree is agrees


CANCELLING = [  # expressions whose slope doubles can't see near 0 or far out, and the slope in mpmath
    ("(1-cos(x))/x**2", lambda x: (1 - mpmath.cos(x)) / x**2, st.floats(-12, -4)),
    ("(tan(x)-x)/x**3", lambda x: (mpmath.tan(x) - x) / x**3, st.floats(-10, -4)),
    ("sin(x)/x", lambda x: mpmath.sin(x) / x, st.floats(-12, -6)),
    ("cos(sqrt(x+1)-sqrt(x))", lambda x: mpmath.cos(mpmath.sqrt(x + 1) - mpmath.sqrt(x)), st.floats(16, 100)),
    ("(exp(x)-1)/x", lambda x: mpmath.expm1(x) / x, st.floats(-14, -7)),
]


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from(CANCELLING))
def test_what_rounding_has_eaten_never_agrees(data, case):
    text, function, exponents = case
    x = 10.0 ** data.draw(exponents)
    with mpmath.workdps(400):
        true = mpmath.diff(function, mpmath.mpf(x), h=mpmath.mpf(10) ** -150 * x)
        (entry,) = bpcli.check(text, x=x).entries
        if entry.agree is not None:
            assert entry.agree == (abs(entry.exact - true) <= RTOL * abs(true))
        assert entry.why not in ("at a kink", "next to a kink")


WAVES = [  # that are far narrower than any step, and far lower: each quotient is 0 in doubles, the slope is not
    ("sin(x**{p})/x**{p}", lambda x, p: mpmath.cos(x**p) * p / x - mpmath.sin(x**p) * p / x ** (p + 1)),
    ("cos(x**{p})*x**(-{p})", lambda x, p: -mpmath.sin(x**p) * p / x - mpmath.cos(x**p) * p / x ** (p + 1)),
    (
        "where(x==0,1,(2+sin(x**{p}))/x**{p})",
        lambda x, p: mpmath.cos(x**p) * p / x - (2 + mpmath.sin(x**p)) * p / x ** (p + 1),
    ),
]


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(WAVES), st.sampled_from([2.0, 2.5, 3.0, 4.5]), st.floats(230, 300))
def test_waves_that_no_step_resolves_are_not_taken_for_flat(case, power, exponent):
    text, slope = case[0].format(p=power), case[1]
    x = 10.0**exponent
    with mpmath.workdps(2000):
        true = slope(mpmath.mpf(x), mpmath.mpf(power))
    (entry,) = bpcli.check(text, x=x).entries
    assert entry.agree is not True or abs(entry.exact - true) <= RTOL * abs(true)


JUMPS = ["floor(x/3)", "ceil(y-x/7)", "floor(-(x+y+z)/3)", "ceil(min([y,z])-mean([x,y,z]))", "floor(x)*floor(z)"]


@settings(max_examples=40, deadline=None)
@given(st.floats(2.0**1023, 1.797e308), st.sampled_from(["y/x", "y*a*b", "-hypot(y*a,0)*b"]))
def test_a_slope_near_the_largest_double_is_no_infinity(slope, text):
    point = {"y": 1e-300, "x": 1.0 / slope, "a": slope, "b": 1.0}
    (entry,) = bpcli.check(text, wrt="y", **{name: v for name, v in point.items() if name in text}).entries
    assert entry.agree
    assert math.isfinite(entry.numeric)


@given(st.sampled_from([*JUMPS, "sqrt(floor(x/3)+y)", "log(floor(x**1.5))+y"]), st.floats(1e16, 1.7e308))
def test_between_two_jumps_a_slope_of_0_is_never_wrong(text, x):
    """By hand: floor and ceil are flat between whole numbers, however far apart the quotients are taken."""
    y, z = -4.5e-309, -14769350268.337828
    (entry, *_) = bpcli.check(
        text, wrt="x", x=x, **{name: v for name, v in (("y", y), ("z", z)) if name in text}
    ).entries
    assert entry.exact == 0 or entry.why == "at a kink"
    assert entry.agree is not False


@pytest.mark.parametrize(("text", "x"), [("exp(-x)", 1e5), ("sigmoid(x)", -3000.0), ("tanh(x)", -3000.0), ("0*x", 3.0)])
def test_a_slope_below_the_doubles_is_borne_out_without_balls_too(text, x, monkeypatch):
    monkeypatch.setattr(checking, "proven_jacobian", lambda *_: None)
    (entry,) = bpcli.check(text, x=x).entries
    assert (entry.exact, entry.agree) == (0.0, True)
    (wave,) = bpcli.check("sin(x**2.5)/x**2.5", x=1e250).entries
    assert wave.agree is None


def test_what_cancels_by_hundreds_of_decimals_has_a_witness_in_as_many():
    """d/dz of x/z is −x/z², here below the doubles: −0; 50 decimals would leave 4e250 of x + 1e300 − 1e300."""
    by_x, by_z = bpcli.check("((x+1e300)-1e300)/z", x=5e-324, z=-4.0).entries
    assert by_x.agree
    assert (by_z.agree, by_z.numeric, np.signbit(by_z.numeric)) == (True, 0.0, True)


@pytest.mark.parametrize(
    ("text", "point"),
    [("x/sqrt(x**2+1)", {"x": 1e200}), ("x**3*log(x)", {"x": 1e-120}), ("exp(y)*tanh(z)", {"y": 130.0, "z": 400.0})],
)
def test_quotients_of_numbers_of_a_wide_range_are_not_taken_where_balls_decide(text, point, monkeypatch):
    taken = []  # each is of hundreds of values, of which each takes long
    monkeypatch.setattr(checking, "difference_quotients", lambda *args: taken.append(args))
    one = Calculation([parse(text)], [text], dict.fromkeys(point, ()), list(point))
    assert [entry.agree for entry in check_calculation(one, point, [text])] == [True] * len(point)
    assert taken == []


@pytest.mark.parametrize("text", ["exp(x)*exp(x)", "x**3*sinh(x)"])
def test_of_infinite_values_no_quotients_are_taken(text, monkeypatch):
    monkeypatch.setattr(checking, "difference_quotients", lambda *_: pytest.fail("taken"))
    (entry,) = check_calculation(calculation(text, {"x": 1e200}), {"x": 1e200}, [text])
    assert (entry.exact, entry.agree, entry.why) == (math.inf, None, "not finite")
    assert math.isnan(entry.numeric)


@pytest.mark.parametrize("error", [0.0, math.inf])
@pytest.mark.parametrize("exact", [0.0, -3.0, 1e308])
@pytest.mark.parametrize("beyond", [math.inf, -math.inf])
def test_a_slope_beyond_the_doubles_bears_out_no_double(exact, beyond, error):
    entry = checking._borne_out(Checked("d/dx", exact, 0.0, 0.0, True), error, lambda _: beyond, lambda: math.nan)
    if exact and not error:
        assert entry.agree  # what is not doubtful has been compared, and needs no witness
    else:
        assert (entry.agree, entry.error) == (None if error else False, 1.0)


def test_a_slope_that_overflows_has_a_witness_with_its_sign():
    for text, beyond in (("log10(x)*((exp(x)-1-x-x**2/2-x**3/6)/x**4)", math.inf), ("(1e300-x)**11", -math.inf)):
        (entry,) = bpcli.check(text, x=5e-324).entries
        assert not entry.agree
        made = calculation(text, {"x": 5e-324})
        assert proven_quotient(made, {"x": 5e-324}, ("x", 0), 0) == beyond


@pytest.mark.parametrize(
    ("text", "x"), [("(1+1/x)**x", -8e48), ("(1+1/x)**x", 3e20), ("(1+x)**(1/x)", 1e-20), ("(1-1/x**2)**x", 1e12)]
)
def test_what_a_bound_to_first_order_does_not_see_is_not_confirmed(text, x):
    """The slope by 1 + 1/x is 0 to first order, and rounding has eaten 1/x."""
    made = calculation(text, {"x": x})
    (entry,) = check_calculation(made, {"x": x}, ["f"])
    true = float(np.ravel(Certified(made).gradient({"x": x})[1]["x"])[0])
    assert entry.agree is not True or entry.exact == pytest.approx(true, rel=1e-7)
