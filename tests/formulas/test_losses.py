"""The rows of the losses beside the textbook's terms and slopes: fused forms, kinks, best constants, settings."""

import numpy as np
import pytest
import witness
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from witness import assert_within, dsigmoid, mp, sigmoid, softplus, ulps

from bpcli.formulas import loss_formulas
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Task
from bpcli.formulas.losses import LOSSES

RNG = np.random.default_rng(29)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
PROBABILITY = st.floats(0, 1)

pytestmark = pytest.mark.usefixtures("quiet")


AFTER = {"exp": (mp.exp, mp.exp), "softplus": (softplus, sigmoid), "sigmoid": (sigmoid, dsigmoid)}


def labels_of(row):
    """Labels that a loss takes, and predictions that lie in its domain."""
    ends = [max(low, -1e150) for low in (row.labels.low, row.domain.low)]
    tops = [min(high, 1e150) for high in (row.labels.high, row.domain.high)]
    drawn = [st.floats(low, top) for low, top in zip(ends, tops, strict=True)]
    usual = st.floats(max(ends[0], -3), min(tops[0], 3))
    near = st.floats(max(ends[1], -3), min(tops[1], 3))
    inside = (near | drawn[1]).filter(lambda v: v not in (row.domain.low, row.domain.high))
    return st.tuples(usual | drawn[0] | st.sampled_from([max(ends[0], -1.0), 0.0, 1.0]), inside)


def test_every_row_has_a_witness():
    assert set(witness.LOSSES) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
@given(data=st.data())
def test_terms_and_slopes_within_10_ulp_for_labels_and_predictions_of_the_domain(name, data):
    row = LOSSES[name]
    y, yhat = data.draw(labels_of(row))
    J0, slope = witness.LOSSES[name](mp.mpf(y), mp.mpf(yhat))
    h = mp.mpf(2) ** -600
    by_label = (
        witness.LOSSES[name](mp.mpf(y) + h, mp.mpf(yhat))[0] - witness.LOSSES[name](mp.mpf(y) - h, mp.mpf(yhat))[0]
    ) / (2 * h)
    assert ulps(row.slope(y, yhat), slope) <= 4 or abs(slope) < mp.mpf(2) ** -1022
    if abs(J0) >= abs(mp.mpf(yhat)) * mp.mpf(2) ** -40:  # of its parts so much is left
        assert_within(10, row.term(y, yhat), J0)
        assert_within(10, row.term(np.array([y]), np.array([yhat])), J0)
    at_kink = any(abs(yhat - kink.at) < 1e-9 * abs(kink.at) + 1e-100 for kink in row.kinks(y))
    assert at_kink or row.by_label(y, yhat) == pytest.approx(float(by_label), rel=1e-9, abs=1e-100)


@pytest.mark.parametrize(("loss", "name"), [(k, g) for k, row in LOSSES.items() for g in row.fused if g in AFTER])
@pytest.mark.parametrize("y", [0.0, 1.0, 0.25, 3.0, 17.0])
def test_a_fused_form_is_the_product_it_stands_for(loss, name, y):
    row, (value, derivative) = LOSSES[loss], AFTER[name]
    if not row.labels.holds(y):
        return
    for z in [*RNG.uniform(-30, 30, 20).tolist(), *RNG.uniform(-700, 700, 20).tolist(), -745.5, -800.0, 0.0, 1e-9]:
        a = value(z)
        J0, slope = (mp.mpf(0),) * 2 if a == 0 else witness.LOSSES[loss](mp.mpf(y), a)
        for kind in (float, lambda v: np.array([v])):
            if abs(J0) > abs(a) * mp.mpf(2) ** -40 and not (loss == "bce" and abs(z) > 300):
                assert_within(10, row.fused[name].term(kind(y), kind(z)), J0, (y, z))
                assert_within(10, row.fused[name].slope(kind(y), kind(z)), slope * derivative(z), (y, z))


def _below_its_chords(term, y, low, high, shape=()):
    """Whether a function of ŷ or z lies below its chord between drawn places, halfway, but for rounding."""
    a, b = RNG.uniform(low, high, shape), RNG.uniform(low, high, shape)
    at, chord = np.sum(term(y, (a + b) / 2)), np.sum(term(y, a) + term(y, b)) / 2
    return at <= chord + 1e-9 * (1 + abs(chord))


@pytest.mark.parametrize("name", [name for name, row in LOSSES.items() if row.convex])
def test_a_loss_that_is_said_to_be_convex_is(name):
    row = LOSSES[name]
    for share in (0.25, 1.0, 3.0):
        of = row.with_settings({key: setting.default * share for key, setting in row.settings.items()})
        for _ in range(100):
            y = RNG.uniform(max(row.labels.low, -5), min(row.labels.high, 5))
            assert _below_its_chords(of.term, y, max(row.domain.low, -9), min(row.domain.high, 9))


@pytest.mark.parametrize(
    ("loss", "name"), [(k, g) for k, row in LOSSES.items() for g, form in row.fused.items() if form.convex]
)
def test_a_fused_form_that_is_said_to_be_convex_is(loss, name):
    row = LOSSES[loss]
    for k in range(200):
        drawn = RNG.uniform(max(row.labels.low, 0), min(row.labels.high, 9))
        y, shape = (drawn, ()) if name in ACTIVATIONS else (np.eye(3)[[k % 3]], (1, 3))
        assert _below_its_chords(row.fused[name].term, y, -9, 9, shape)


def test_a_count_far_from_its_rate_overflows_nowhere():
    exp, softplus_ = (LOSSES["poisson"].fused[name] for name in ("exp", "softplus"))
    assert exp.term(3.0, -800.0) == softplus_.term(3.0, -800.0) == 2400  # e^−800 is no double
    assert exp.slope(3.0, -800.0) == softplus_.slope(3.0, -800.0) == -3
    assert softplus_.term(2.0, 1e300) == pytest.approx(1e300)
    assert loss_formulas.poisson_term(0.0, 0.0) == 0
    assert loss_formulas.dpoisson_term_dyhat(0.0, 0.0) == 1


def test_the_slopes_of_the_new_losses_by_hand():
    # huber's J₀ of an error of 5 is δ(5 − δ/2) = 4.5 for δ = 1; at y·ŷ = 1 the slope of hinge is 0
    huber, hinge = LOSSES["huber"], LOSSES["hinge"]
    assert (huber.term(6.0, 1.0), huber.slope(6.0, 1.0)) == (4.5, -1)
    assert (huber.term(1.5, 1.0), huber.slope(1.5, 1.0)) == (0.125, -0.5)
    assert (huber.with_settings({"delta": 2.0}).term(6.0, 1.0)) == 8
    assert huber.term(1.7e308, -1.7e308, 0.1) == pytest.approx(0.1 * 3.4e307 * 10, rel=1e-15)
    assert [hinge.term(y, 0.5) for y in (1.0, -1.0)] == [0.5, 1.5]
    assert [hinge.slope(1.0, v) for v in (0.999, 1.0, 1.001)] == [-1, 0, 0]
    assert [hinge.slope(-1.0, v) for v in (-0.999, -1.0, -1.001)] == [1, 0, 0]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("y", [-1.0, 1.0, 0.5])
def test_kinks_are_where_two_pieces_meet_and_nowhere_else(name, y):
    row, h = LOSSES[name], 1e-6
    for kink in row.kinks(y):
        below, at, above = (float(row.term(y, kink.at + k * h)) for k in (-1, 0, 1))
        assert (at - below) / h == pytest.approx(kink.left, abs=1e-5)
        assert (above - at) / h == pytest.approx(kink.right, abs=1e-5)
        assert row.slope(y, kink.at) in (kink.left, kink.right)
    ends = np.clip([-3.0, 3.0], row.domain.low + 0.2, row.domain.high - 0.2)  # away from the poles at its ends
    yhat = np.linspace(*ends, 3001) + 1e-4 / 3
    curvature = np.diff(row.slope(np.full_like(yhat, y), yhat)) / np.diff(yhat)
    jump = abs(np.diff(curvature)) > 0.1 * np.maximum(1.0, abs(curvature[1:]))
    places = [float(kink.at) for kink in row.kinks(y)]
    near = [any(low <= place <= high for place in places) for low, high in zip(yhat, yhat[2:], strict=False)]
    assert not (jump & ~np.array(near)).any()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", [name for name, row in LOSSES.items() if row.task is not Task.CLASSES])
def test_no_other_constant_is_better_than_the_best(name, weighted):
    row = LOSSES[name]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        y = row.encode(rng.integers(0, 2, 40)).astype(float) if row.encoding else abs(rng.standard_t(2, 40)) * 3
        weights = rng.random(40) + 0.1 if weighted else None
        best = row.best_constant(y, weights)

        def J(c, y=y, weights=weights):
            return np.average(row.term(y, c), weights=weights)

        others = np.linspace(y.min() + 1e-9, y.max() - 1e-9, 101)
        assert J(best) <= min(map(J, others)) + 1e-12 * abs(J(best))
        found = minimize_scalar(J, bounds=(y.min() + 1e-9, y.max() - 1e-9), method="bounded", options={"xatol": 1e-12})
        assert J(best) <= found.fun + 1e-12 * abs(J(best))
        assert J(best) == pytest.approx(found.fun, rel=1e-6)
        if row.by_shares is not None and row.encoding:
            shares = np.bincount((y == y.max()).astype(int), weights) / (40 if weights is None else weights.sum())
            assert row.by_shares(shares) == pytest.approx(J(best), rel=1e-12)


@pytest.mark.parametrize("name", [name for name, row in LOSSES.items() if row.settings])
def test_the_slope_by_a_setting_is_a_difference_quotient(name):
    row = LOSSES[name]
    for key, setting in row.settings.items():
        h = 2.0**-20
        for yhat in (0.5, 0.9, 4.0, -3.0):
            up, down = (row.term(1.0, yhat, **{key: setting.default + s * h}) for s in (1, -1))
            got = row.by_setting[key](1.0, yhat, **{key: setting.default})
            assert got == pytest.approx((up - down) / (2 * h), abs=1e-8)
