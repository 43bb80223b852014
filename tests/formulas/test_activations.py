"""Activations and their slopes beside mpmath, over the whole of the doubles, on floats and on arrays."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
import witness
from hypothesis import example, given
from hypothesis import strategies as st
from witness import assert_within, exact, mp, ulps

from bpcli.formulas.activations import ACTIVATIONS, Activation, dlogit_dp, logit
from bpcli.formulas.choices import Kink

RNG = np.random.default_rng(17)

EXACT = {
    name: tuple(lambda z, k=k, truth=truth: truth(z)[k] for k in (0, 1)) for name, truth in witness.ACTIVATIONS.items()
}
FUNCTIONS = {name: (row.value, row.derivative) for name, row in ACTIVATIONS.items()}
SETTINGS = [
    (name, {key: setting.default * factor for key, setting in row.settings.items()})
    for name, row in ACTIVATIONS.items()
    if row.settings
    for factor in (0.25, 3.0)
]


def test_every_row_has_a_witness():
    assert set(EXACT) == set(ACTIVATIONS)


POINTS = [
    *RNG.normal(0, 2, 30),
    *RNG.uniform(-40, 40, 30),
    *RNG.uniform(-750, 750, 30),
    *RNG.uniform(350, 375, 10),
    *(10.0 ** RNG.uniform(-323, -1, 15)),
    *(-(10.0 ** RNG.uniform(-323, 308, 15))),
    *(0.0, -0.0, 5e-324, 36.8, 40.0, -40.0, 709.5, -708.5, -744.0, -745.2, -746.0, 1e308, -1e308),
]

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_slopes_within_4_ulp(name):
    z = np.array(POINTS)
    for function, truth in zip(FUNCTIONS[name], EXACT[name], strict=True):
        truths = [truth(v) for v in z.tolist()]
        assert_within(4, np.broadcast_to(function(z), z.shape), truths, name)
        assert_within(4, [function(v) for v in z.tolist()], truths, name)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(z=st.floats(allow_nan=False, allow_infinity=False))
@example(z=1.0)
def test_values_and_slopes_over_the_whole_of_the_doubles(name, z):
    for function, truth in zip(FUNCTIONS[name], EXACT[name], strict=True):
        assert ulps(function(z), truth(z)) <= 4


@pytest.mark.parametrize(("name", "low"), [("sigmoid", 708.4), ("softplus", 708.4), ("exp", 708.4), ("tanh", 355.0)])
def test_subnormal_results_within_a_unit(name, low):
    z = -RNG.uniform(low, low + 37, 100)
    for function, truth in zip(FUNCTIONS[name], EXACT[name], strict=True):
        assert_within(1, function(z), [truth(v) for v in z.tolist()])


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("z", [float("inf"), -float("inf"), float("nan")])
def test_what_is_not_finite_is_its_limit_or_no_number(name, z):
    value, slope = FUNCTIONS[name]
    expected = [truth(z) for truth in EXACT[name]] if z == z else (z, z)
    np.testing.assert_equal([float(value(z)), float(slope(z))], [float(v) for v in expected])
    got = [np.broadcast_to(f(np.array([z])), 1)[0] for f in (value, slope)]
    np.testing.assert_equal(got, [float(v) for v in expected])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_in_exact_numbers_a_formula_is_the_textbooks(name):
    z = [-3.5, -0.25, 0.0, 1e-8, 2.0, 30.0]
    for function, truth in zip(FUNCTIONS[name], EXACT[name], strict=True):
        for got, v in zip(np.broadcast_to(function(exact(z)), len(z)), z, strict=True):
            assert abs(got - truth(v)) <= mp.mpf("1e-390")


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("z", [-1800.0, -740.0, -30.0, -1.0, -1e-9, 0.0, 2.0, 40.0, 700.0])
def test_the_slope_at_a_pair_has_digits_beyond_the_doubles(name, z):
    low = z * 2.0**-54
    m, k = ACTIVATIONS[name].slope(z, low)
    truth = EXACT[name][1](mp.mpf(z) + mp.mpf(low)) if z else EXACT[name][1](0.0)
    assert 0.001 < abs(m) < 2 or truth == 0
    assert ulps(m, mp.ldexp(truth, -int(k))) <= 1
    array = ACTIVATIONS[name].slope(np.array([z]), np.array([low]))
    np.testing.assert_equal([float(part) if np.ndim(part) == 0 else part[0] for part in array], [m, k])


@pytest.mark.parametrize("kind", [float, lambda v: np.array([v])])
def test_next_to_a_kink_the_low_part_tells_the_side(kind):
    tent = Activation(  # up to 1 with the slope 2, then with −3
        "tent",
        lambda z: np.where(z < 1, 2 * z, 5 - 3 * z),
        lambda z: np.where(z < 1, 2.0, -3.0),
        "where(z<1,2*z,5-3*z)",
        "where(z<1,2,-3)",
        kinks=lambda: (Kink(1.0, 2.0, -3.0),),
    )
    slopes = [np.ravel(tent.slope(kind(1.0), kind(low))[0])[0] for low in (-1e-20, 0.0, 1e-20)]
    assert slopes == [2, -3, -3]
    lows = [np.ravel(tent.pair(kind(1.0), kind(low))[1])[0] for low in (-1e-20, 1e-20)]
    assert lows == [2 * -1e-20, -3 * 1e-20]


def test_logit_and_its_slope_within_4_ulp():
    near_half = 0.5 + RNG.normal(0, 1, 30) * 10.0 ** RNG.uniform(-16, -2, 30)
    points = [
        *RNG.random(60),
        *near_half,
        *(1 - 10.0 ** RNG.uniform(-16, -1, 20)),
        *(10.0 ** RNG.uniform(-323, -1, 20)),
    ]
    points += [0.5, 0.25, 0.75, 1 - 2.0**-53, 5e-324]
    p = np.array([v for v in points if 0 < v < 1])
    exact_p = [mp.mpf(v) for v in p.tolist()]
    for function, truths in (
        (logit, [mp.log(v) - mp.log1p(-v) if v != 0.5 else mp.mpf(0) for v in exact_p]),
        (dlogit_dp, [1 / (v * (1 - v)) for v in exact_p]),
    ):
        assert_within(4, function(p), truths)
        assert_within(4, [function(v) for v in p.tolist()], truths)


def test_values_that_the_saturated_tails_are_known_by():
    assert ACTIVATIONS["sigmoid"].derivative(40.0) == 4.248354255291589e-18
    assert ACTIVATIONS["relu"].derivative(0.0) == 1  # as in the lecture
    assert ACTIVATIONS["sigmoid"].derivative(0.0) == 0.25
    assert ACTIVATIONS["tanh"].derivative(0.0) == 1


def test_a_slope_is_the_limit_of_a_complex_step():
    z, h = RNG.normal(0, 2, 20), 1e-30
    for name in ("sigmoid", "tanh"):
        textbook = {"sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh}[name]
        np.testing.assert_allclose(ACTIVATIONS[name].derivative(z), textbook(z + 1j * h).imag / h, rtol=1e-14)


def test_floats_need_no_numpy():
    code = "import sys; from bpcli.formulas.activations import dtanh_dz as d; d(.5); sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("z", [*RNG.uniform(-30, 30, 12), -1e-3, 1e-3, -1e-9, 1e-9, 0.5, -0.5, 3e-20, -3e-20])
def test_a_pair_has_the_digits_that_a_rounds_away(name, z):
    low = z * 2.0**-55
    high, rest = ACTIVATIONS[name].pair(z, low)
    truth = EXACT[name][0](mp.mpf(z) + mp.mpf(low))
    assert abs(mp.mpf(float(high)) + mp.mpf(float(rest)) - truth) <= abs(truth) * mp.mpf(2) ** -74
    array = ACTIVATIONS[name].pair(np.array([z]), np.array([low]))
    assert [float(part[0]) for part in array] == [high, rest]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_lie_in_the_range_and_grow_with_z(name):
    row = ACTIVATIONS[name]
    z = np.linspace(-15, 15, 2001)
    a = row.value(z)
    assert (np.diff(a) >= 0).all()
    assert row.range.holds(a).all()
    ends = [float(row.value(v)) for v in (-1e4, 1e4)]
    assert ends[0] <= (row.range.low if row.range.low > -np.inf else -99)
    assert ends[1] >= (row.range.high if row.range.high < np.inf else 99)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_is_left_to_1(name):
    assert ACTIVATIONS[name].one_minus(0.25) == pytest.approx(1 - ACTIVATIONS[name].value(0.25), rel=1e-15)


def test_what_is_left_to_1_of_a_saturated_sigmoid():
    assert ulps(ACTIVATIONS["sigmoid"].one_minus(40.0), witness.sigmoid(-40.0)) <= 1


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("factor", [1.0, 0.25, 3.0])
def test_kinks_are_where_the_slope_jumps_and_nowhere_else(name, factor):
    row = ACTIVATIONS[name]
    row = row.with_settings({key: setting.default * factor for key, setting in row.settings.items()})
    h = 1e-6
    for kink in row.kinks():
        at = row.value(kink.at)
        assert (row.value(kink.at + h) - at) / h == pytest.approx(kink.right, abs=1e-5)
        assert (at - row.value(kink.at - h)) / h == pytest.approx(kink.left, abs=1e-5)
        assert row.derivative(kink.at) in (kink.left, kink.right)
    z = np.linspace(-5, 5, 1001) + 1e-3 / 3
    jump = abs(np.diff(row.derivative(z)))
    near = np.zeros(len(jump), bool)
    for kink in row.kinks():
        near |= (z[:-1] < kink.at) & (kink.at < z[1:])
    assert (jump[~near] < 0.02 * np.maximum(max(1.0, factor), row.derivative(z[1:])[~near])).all()


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
def test_settings_are_those_of_the_textbook(name, settings):
    row = ACTIVATIONS[name].with_settings(settings)
    (value,) = settings.values()
    z = np.array([-1e4, -30.0, -2.0, -1e-9, 0.0, 0.5, 30.0])
    below = {"leaky_relu": lambda v: v, "elu": witness.expm1}[name]
    slope_below = {"leaky_relu": lambda v: mp.mpf(1), "elu": witness.exp}[name]
    assert_within(4, row.value(z), [mp.mpf(v) if v >= 0 else value * below(mp.mpf(v)) for v in z.tolist()])
    assert_within(4, row.derivative(z), [mp.mpf(1) if v >= 0 else value * slope_below(v) for v in z.tolist()])
    assert row.range.holds(row.value(z[1:])).all()
    for v in (-2.0, 3.0):
        m, k = row.slope(v, 0.0)
        assert float(m) * 2.0 ** float(k) == pytest.approx(float(row.derivative(v)), rel=1e-15)
        assert sum(map(float, row.pair(v, 0.0))) == pytest.approx(float(row.value(v)), rel=1e-15)


@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.settings])
def test_the_slope_by_a_setting_is_a_difference_quotient(name):
    row = ACTIVATIONS[name]
    for key, setting in row.settings.items():
        h = 2.0**-20 * setting.default
        for z in (-3.0, -0.25, 0.0, 2.0):
            up, down = (row.value(z, **{key: setting.default + s * h}) for s in (1, -1))
            got = row.by_setting[key](z, **{key: setting.default})
            assert float(got) == pytest.approx(float(up - down) / (2 * h), abs=1e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_function_and_its_row_have_the_same_defaults(name):
    row = ACTIVATIONS[name]
    given = {key: setting.default for key, setting in row.settings.items()}
    for function in (row.value, row.derivative):
        defaults = {k: p.default for k, p in inspect.signature(function).parameters.items() if k != "z"}
        assert defaults == given
