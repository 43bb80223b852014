"""Running error bounds: what they say is beside the truth, by python-flint's correctly rounded derivatives."""

import math

import numpy as np
from calculations import calculation
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bpcli.calculus.sweeps.certified import Certified
from bpcli.calculus.sweeps.rounding import slope_errors, value_errors
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
