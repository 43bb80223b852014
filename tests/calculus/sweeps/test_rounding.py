"""Running error bounds: what they say is beside the truth, by python-flint's correctly rounded derivatives."""

import math

import mpmath
import numpy as np
import pytest
from calculations import calculation
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bpcli.calculus.sweeps.certified import Certified
from bpcli.calculus.sweeps.lost_digits import lost_values
from bpcli.calculus.sweeps.rounding import LOST, slope_errors, value_errors
from bpcli.errors import BpcliError


def slopes(made, point):
    return [[float(v) for block in made.jacobian(point)[1].values() for v in np.ravel(block)]]


LEAVES = st.sampled_from(["x", "y", "2", "0.3", "1"])
TEXTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        *[st.builds(f"({{}}{op}{{}})".format, inner, inner) for op in "+-*/"],
        *[st.builds(f"{name}({{}})".format, inner) for name in ("sin", "cos", "exp", "log", "tanh", "sqrt", "expm1")],
        st.builds("({})**2".format, inner),
    ),
    max_leaves=6,
)


@given(TEXTS, st.floats(-9, 2), st.sampled_from([-1, 1]), st.floats(-3, 3))
@settings(max_examples=200)
def test_what_is_off_is_within_its_bound(text, exponent, sign, y):
    point = {"x": sign * 10**exponent, "y": y}
    made = calculation(text, point)
    (row,) = slopes(made, point)
    assume(all(math.isfinite(v) for v in row) and not made.kinks)
    try:
        (true,) = slopes(Certified(made), point)
    except BpcliError:
        assume(False)
    assume(not made.diagnostics.underflows(point))
    for slope, exact, bound in zip(row, true, slope_errors(made, point)[0], strict=True):
        if math.isfinite(exact) and max(abs(slope), abs(exact)) > 1e-290:
            assert abs(slope - exact) <= 2.0 * bound + 1e-12 * abs(exact)


@given(TEXTS, st.floats(0.01, 3), st.floats(-3, 3))
@settings(max_examples=100)
def test_a_value_is_within_its_bound(text, x, y):
    point = {"x": x, "y": y}
    made = calculation(text, point)
    values = made.sweeps.forward(point)
    assume(all(math.isfinite(v) for v in values) and not made.diagnostics.underflows(point))
    try:
        (true,) = Certified(made).value(point)
    except BpcliError:
        assume(False)
    (slot,) = made.program.outputs
    bound = value_errors(made, values, {})[slot]
    if math.isfinite(true):
        assert abs(values[slot] - float(true)) <= 2.0 * bound + 1e-15 * abs(true)


def test_at_a_kink_an_error_passes_through_though_the_slope_there_is_0():
    """tanh(u)² − 1 rounds to 0 where 1/cosh(u)² is 2.6e-29."""
    point = {"x": -17.3, "y": 0.0}
    for text in ("2*abs(tanh(2*x+1)**2-1)", "relu(tanh(2*x+1)**2-1)"):
        made = calculation(text, point)
        values = made.sweeps.forward(point)
        (slot,) = made.program.outputs
        assert values[slot] == 0
        assert value_errors(made, values, {})[slot] > 2 / math.cosh(2 * 17.3 - 1) ** 2


MAY_BE_0 = "((exp(x)-1-x-x**2/2-x**3/6)/x**4)"


@given(
    st.sampled_from(["1+1/G", "1+2/(3*G)", "G**-2+1", "1+G**-1", "1-log(G**2)/1e9", "sigmoid(1/G)", "1+1/G**3"]),
    st.floats(-9, -4),
    st.sampled_from([-1, 1]),
)
def test_a_pole_that_rounding_can_reach_is_within_the_bound(text, exponent, sign):
    """G is about 1/24, and so may be off by 1e14: so small is 1/G there, and so flat, that its slope says nothing."""
    point, text = {"x": sign * 10**exponent}, text.replace("G", MAY_BE_0)
    made = calculation(text, point)
    values = made.sweeps.forward(point)
    (slot,) = made.program.outputs
    (true,) = Certified(made).value(point)
    assert abs(values[slot] - float(true)) <= 2.0 * value_errors(made, values, {})[slot] + 1e-15 * abs(true)


SUMS_THAT_CANCEL = [
    "log(exp(x)+exp(y)-2*exp(z))",
    "log(2*exp(z)-exp(x)-exp(y))",
    "exp(x)/(exp(x)+exp(y)-2*exp(z))",
    "log(exp(x)/(exp(x)+exp(y)-2*exp(z)))",
    "log((exp(x)-exp(y))/(exp(x)-exp(y)+exp(z)))",
    "log(3-exp(x)-exp(y)-exp(z-40)-1)",
    "log(exp(x)+exp(y)+exp(z))",
    "exp(z)/(exp(x)+exp(y)+exp(z))",
]
NEAR = st.builds(lambda sign, size: sign * 10.0**size, st.sampled_from([-1, 1]), st.floats(-17, -3))


@given(st.sampled_from(SUMS_THAT_CANCEL), NEAR, NEAR, NEAR)
@example("log(exp(x)/(exp(x)+exp(y)-2*exp(z)))", -1e-08, 1e-08, -1e-17)  # in doubles the sum is 0
@settings(max_examples=300)
def test_what_cancels_within_a_sum_of_exponentials_is_within_its_bound(text, x, y, z):
    point = {"x": x, "y": y, "z": z}
    made = calculation(text, point)
    values = made.sweeps.forward(point)
    (slot,) = made.program.outputs
    assert made.program.slots[slot].name not in "+-*/"
    try:
        (value,), (true,) = Certified(made).value(point), slopes(Certified(made), point)
    except BpcliError:
        assume(False)
    assume(all(map(math.isfinite, (value, values[slot], *true))))
    bound = value_errors(made, values, {})[slot]
    assert abs(values[slot] - value) <= 2.0 * bound + 1e-15 * abs(value)
    assert bound <= 1e-10 * abs(value) or "-" in text  # and none cancels where all are added
    (row,) = slopes(made, point)
    for slope, exact, limit in zip(row, true, slope_errors(made, point)[0], strict=True):
        assert abs(slope - exact) <= 2.0 * limit + 1e-12 * abs(exact)


WIDE = st.one_of(
    st.floats(-3, 3), st.builds(lambda sign, e: sign * 10.0**e, st.sampled_from([-1, 1]), st.floats(0, 250))
)
CHOSEN = {
    "min({})": min,
    "max({})": max,
    "abs(min({}))": lambda t: abs(min(t)),
    "min({},x)[1]": lambda t, x: min(t[1], x),
    "max(x,{})[2]": lambda t, x: max(x, t[2]),
    "clip({},x,x+1)[0]": lambda t, x: max(min(t[0], x + 1), x),
    "where({}>x,1,2)[0]": lambda t, x: 1 if t[0] > x else 2,
    "sign({}-x)[1]": lambda t, x: mpmath.sign(t[1] - x),
    "floor(5*{})[2]": lambda t: mpmath.floor(5 * t[2]),
}


@given(st.lists(WIDE, min_size=3, max_size=3), st.lists(WIDE, min_size=3, max_size=3), st.sampled_from([-0.5, 0.25]))
@settings(max_examples=100)
@pytest.mark.parametrize("function", ["sin", "cos", "tan", "tanh", "atan"])
def test_what_is_chosen_among_values_that_are_off_is_right_or_told(function, u, v, x):
    """The entry that doubles choose may have all its digits, while it is another that is the least."""
    with mpmath.workdps(600):
        true = [getattr(mpmath, function)(mpmath.mpf(a) - mpmath.mpf(b)) for a, b in zip(u, v, strict=True)]
        for form, choice in CHOSEN.items():
            text, point = form.format(f"{function}(u-v)"), {"u": u, "v": v, "x": x}
            point = {
                key: np.array(value) for key, value in point.items() if key != "x" or "x" in form.replace("max", "")
            }
            made = calculation(text, point)
            found = float(np.ravel(made.value(point)[0])[0])
            right = choice(true, mpmath.mpf(x)) if "x" in point else choice(true)
            assert abs(found - right) <= LOST * abs(right) or lost_values(made, point, [found]), text


@given(WIDE, WIDE)
@settings(max_examples=200)
@pytest.mark.parametrize("function", ["sin", "cos", "tan"])
def test_a_wave_is_off_by_no_more_than_its_bound_and_its_slope_right_or_told(function, x, y):
    point = {"x": x, "y": y}
    made = calculation(f"{function}(x-y)", point)
    values = made.sweeps.forward(point)
    with mpmath.workdps(600):
        z = mpmath.mpf(x) - mpmath.mpf(y)
        value = getattr(mpmath, function)(z)
        slope = {"sin": mpmath.cos(z), "cos": -mpmath.sin(z), "tan": 1 + mpmath.tan(z) ** 2}[function]
        assert abs(values[-1] - value) <= value_errors(made, values, {})[-1] * 1.01
        found, bound = slopes(made, point)[0][0], slope_errors(made, point)[0][0]
        assert abs(found - slope) <= LOST * abs(slope) or bound > LOST * abs(found)
