"""Softmax and its kin beside the textbook in exact numbers: every entry, in every regime, along any axis."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from witness import SMALLEST, Softmax, assert_within, exact, mp, ulps

from bpcli.formulas.softmax import (
    dlog_softmax_dlogits,
    dsoftmax_dlogits,
    log_softmax,
    log_softmax_jvp,
    log_softmax_vjp,
    logsumexp,
    softmax,
    softmax_jvp,
    softmax_vjp,
)

RNG = np.random.default_rng(17)

LOGITS = {
    "small": RNG.normal(0, 1, (3, 4)),
    "large": RNG.uniform(-700, 700, (4, 6)),
    "saturated": np.array([[0.0, 40.0], [-40.0, 0.0], [0.0, 745.0], [0.0, 700.0]]),
    "subnormal": np.concatenate([np.zeros((2, 1)), -RNG.uniform(705, 746, (2, 7))], axis=1),
    "many subnormal": np.array([[0.0, *[-744.8] * 100]]),
    "two above subnormal": 17.3 + np.concatenate([[[0.0, -0.7]] * 40, -RNG.uniform(708.5, 716, (40, 5))], axis=1),
    "products of tiny ones": RNG.uniform(-373, 0, (3, 6)),
    "far apart": np.array([[1e308, -1e308, 0.0], [1e15 + 0.125, 1e15, 1e15 - 3.5], [1e308, 1e308, 9e307]]),
    "tiny": np.array([[1e-20, -3e-20, 0.0, 2e-310], [5e-324, 0.0, -5e-324, 1e-16]]),
    "equal": np.zeros((1, 5)),
    "one class": np.array([[3.0], [-1e308]]),
    "many": RNG.normal(0, 5, (1, 100)),
}

pytestmark = pytest.mark.usefixtures("quiet")


def check_values_and_jacobians(logits):
    truth = Softmax(logits)
    assert_within(4, softmax(logits), truth.p, logits)
    assert_within(4, log_softmax(logits), truth.log_p, logits)
    error = abs(mp.mpf(float(logsumexp(logits))) - truth.logsumexp)
    assert error <= 4 * mp.mpf(float(np.spacing(float(truth.largest_term)))), logits
    # In pairs of doubles, so better than the bound of 10.
    J, L = dsoftmax_dlogits(logits), dlog_softmax_dlogits(logits)
    assert_within(1, J, truth.jacobian(), logits)
    assert_within(1, L, truth.log_jacobian(), logits)


@pytest.mark.parametrize("name", LOGITS)
def test_values_and_every_entry_of_the_jacobians(name):
    for logits in LOGITS[name]:
        check_values_and_jacobians(logits)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
NEAR = st.floats(-800, 800) | st.floats(-1, 1) | FINITE


@given(st.lists(NEAR, min_size=1, max_size=5))
@example([0.0, 40.0])
def test_values_and_jacobians_over_the_whole_of_the_doubles(logits):
    check_values_and_jacobians(np.array(logits))


def test_a_thousand_classes_are_no_worse():
    logits = RNG.uniform(-60, 60, 1000)
    truth = Softmax(logits)
    J = dsoftmax_dlogits(logits)
    rows = RNG.integers(0, 1000, 3)
    assert_within(4, softmax(logits), truth.p)
    for i in [int(logits.argmax()), *rows]:
        assert ulps(J[i, i], truth.p[i] * truth.q[i]) <= 1
        for j in RNG.integers(0, 1000, 5):
            assert i == j or ulps(J[i, j], -truth.p[i] * truth.p[j]) <= 1


def test_subnormal_probabilities_are_within_a_unit():
    for name in ("large", "subnormal", "two above subnormal"):
        for logits in LOGITS[name]:
            for got, truth in zip(softmax(logits), Softmax(logits).p, strict=True):
                assert truth >= SMALLEST or ulps(got, truth) <= 1


def test_known_values():
    assert dsoftmax_dlogits(np.array([0.0, 40.0]))[1, 1] == 4.248354255291589e-18
    np.testing.assert_array_equal(dsoftmax_dlogits(np.zeros(2)), [[0.25, -0.25], [-0.25, 0.25]])
    np.testing.assert_array_equal(dlog_softmax_dlogits(np.zeros(2)), [[0.5, -0.5], [-0.5, 0.5]])
    assert log_softmax(np.array([1e308, -1e308])).tolist() == [0.0, -np.inf]  # −2e308


def exact_products(logits, v):
    """v·J of softmax, v·J and J·v of log_softmax, each with the sum of the sizes of its terms."""
    truth = Softmax(logits)
    p, q, v = truth.p, truth.q, [mp.mpf(float(a)) for a in v]
    others = range(len(p))
    terms = [[p[k] * (v[i] - v[k]) for k in others if k != i] for i in others]
    jvp = [(mp.fsum(row), mp.fsum(map(abs, row))) for row in terms]
    rows = [[v[i] * q[i], *(-p[i] * v[k] for k in others if k != i)] for i in others]
    log_vjp = [(mp.fsum(row), mp.fsum(map(abs, row))) for row in rows]
    return [(a * b, a * size) for a, (b, size) in zip(p, jvp, strict=True)], log_vjp, jvp


def check_products(logits, v):
    vjp, log_vjp, log_jvp = exact_products(logits, v)
    for got, truth in (
        (softmax_vjp(v, logits), vjp),
        (softmax_jvp(logits, v), vjp),
        (log_softmax_vjp(v, logits), log_vjp),
        (log_softmax_jvp(logits, v), log_jvp),
    ):
        for g, (t, size) in zip(got, truth, strict=True):
            # What all but cancels, to less than 2^−45 of its terms, keeps what pairs of doubles have left of it.
            assert abs(mp.mpf(float(g)) - t) <= size * mp.mpf(2) ** -98 or ulps(g, t) <= 10, (logits, v, g, float(t))


DIRECTIONS = {
    "random": lambda K: RNG.normal(size=K),
    "wide": lambda K: RNG.normal(size=K) * 10.0 ** RNG.uniform(-5, 5, K),
    "huge": lambda K: RNG.normal(size=K) * 1e300,
    "overflowing": lambda K: np.where(np.arange(K) % 2, 1.5e308, -1.7e308),
    "tiny": lambda K: RNG.normal(size=K) * 1e-300,
    "unit": lambda K: np.eye(K)[0],
    "equal": lambda K: np.full(K, 0.3),
    "nearly equal": lambda K: 1.0 + RNG.integers(-3, 4, K) * 2.0**-52,
}


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", [name for name in LOGITS if not name.startswith("many")])
def test_products_with_the_jacobians_also_where_terms_cancel(name, direction):
    for logits in LOGITS[name]:
        v = DIRECTIONS[direction](len(logits))
        check_products(logits, v)


def test_a_sum_of_directions_beyond_the_doubles():
    check_products(np.zeros(40), np.array([1.7e308] * 39 + [-1.7e308]))


def test_products_keep_their_digits_where_the_mean_cancels():
    for logits in RNG.normal(0, 3, (20, 5)):
        p = softmax(logits)
        top, a, b, *_ = np.argsort(-p)
        v = np.zeros(5)
        v[a], v[b] = 1.0, -p[a] / p[b] * (1 + 1e-9)
        check_products(logits, v)
        check_products(logits, v + 3.0 * (np.arange(5) == top))


def test_batches_and_axes():
    logits, v = LOGITS["small"], RNG.normal(size=(3, 4))
    J = dsoftmax_dlogits(logits)
    assert J.shape == dlog_softmax_dlogits(logits).shape == (3, 4, 4)
    for row, jacobian in zip(logits, J, strict=True):
        np.testing.assert_array_equal(jacobian, dsoftmax_dlogits(row))
    for function in (softmax, log_softmax):
        np.testing.assert_array_equal(function(logits.T, axis=0), function(logits).T)
        np.testing.assert_array_equal(function(logits.T[:, :, None], axis=-3)[:, :, 0], function(logits).T)
    np.testing.assert_array_equal(logsumexp(logits.T, axis=0), logsumexp(logits))
    for vjp in (softmax_vjp, log_softmax_vjp):
        np.testing.assert_allclose(vjp(v.T, logits.T, axis=0), vjp(v, logits).T, rtol=1e-15)
    for jvp in (softmax_jvp, log_softmax_jvp):
        np.testing.assert_allclose(jvp(logits.T, v.T, axis=0), jvp(logits, v).T, rtol=1e-15)


def test_a_jacobian_worked_on_in_parts_is_the_same(monkeypatch):
    logits = LOGITS["large"]
    whole = dsoftmax_dlogits(logits)
    monkeypatch.setattr("bpcli.formulas.softmax._ENTRIES", 50)
    np.testing.assert_array_equal(dsoftmax_dlogits(logits), whole)


@pytest.mark.parametrize("logits", [[np.nan, 1.0], [np.inf, np.inf], [-np.inf, -np.inf]])
def test_what_has_no_softmax_has_none(logits):
    logits = np.array(logits)
    for function in (softmax, log_softmax, dsoftmax_dlogits, dlog_softmax_dlogits):
        assert np.isnan(function(logits)).any()
    assert np.isnan(softmax_vjp(np.ones(2), logits)).any()


@pytest.mark.parametrize(
    ("logits", "p", "log_p", "whole"),
    [
        ([-np.inf, 0.0], [0, 1], [-np.inf, 0], 0.0),
        ([-np.inf, 3.0, -np.inf], [0, 1, 0], [-np.inf, 0, -np.inf], 3.0),
        ([np.inf, 1.0], [1, 0], [0, -np.inf], np.inf),
        ([1.0, np.inf, -np.inf], [0, 1, 0], [-np.inf, 0, -np.inf], np.inf),
    ],
)
def test_infinite_logits_have_the_limits(logits, p, log_p, whole):
    for shape, axis in (((-1,), 0), ((1, -1), 1), ((-1, 1), 0)):
        row = np.array(logits).reshape(shape)
        assert softmax(row, axis).ravel().tolist() == p
        assert log_softmax(row, axis).ravel().tolist() == log_p
        assert logsumexp(row, axis).item() == whole
        assert softmax_vjp(np.arange(1.0, len(p) + 1).reshape(shape), row, axis).ravel().tolist() == [0.0] * len(p)
    assert np.all(dsoftmax_dlogits(np.array(logits)) == 0)
    assert dlog_softmax_dlogits(np.array(logits)).tolist() == (np.eye(len(p)) - p).tolist()


@pytest.mark.parametrize("size", [np.inf, -np.inf])
def test_the_logarithm_of_a_sum_of_equal_infinities_is_known(size):
    assert logsumexp(np.array([size, size])) == size
    assert logsumexp(np.array([[size, size], [0.0, 0.0]])).tolist() == [size, pytest.approx(np.log(2))]


def test_in_exact_numbers_the_formulas_are_the_textbooks():
    logits = np.array([0.5, -2.0, 0.5, 1e-3, 30.0])
    v = np.array([1.0, -3.0, 0.25, 7.0, 2.0])
    truth, (vjp, log_vjp, log_jvp) = Softmax(logits), exact_products(logits, v)
    for got, expected in (
        (softmax(exact(logits)), truth.p),
        (log_softmax(exact(logits)), truth.log_p),
        (logsumexp(exact(logits)), truth.logsumexp),
        (dsoftmax_dlogits(exact(logits)), truth.jacobian()),
        (dlog_softmax_dlogits(exact(logits)), truth.log_jacobian()),
        (softmax_vjp(exact(v), exact(logits)), [value for value, _ in vjp]),
        (log_softmax_vjp(exact(v), exact(logits)), [value for value, _ in log_vjp]),
        (log_softmax_jvp(exact(logits), exact(v)), [value for value, _ in log_jvp]),
    ):
        assert np.max(np.abs(np.asarray(got, object) - np.array(expected, object))) < mp.mpf("1e-380")


def test_jacobians_beside_a_complex_step():
    def textbook(x):
        return np.exp(x) / np.exp(x).sum()

    logits, h = RNG.normal(size=4), 1e-30
    J = np.stack([textbook(logits + 1j * h * row).imag / h for row in np.eye(4)], axis=1)
    np.testing.assert_allclose(dsoftmax_dlogits(logits), J, rtol=1e-13)
