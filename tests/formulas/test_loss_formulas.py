"""The losses over a mini-batch beside the textbook in exact numbers and the lecture's rows; the fused forms, proved."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from witness import Softmax, assert_within, dsigmoid, exact, mp, sigmoid, softplus, ulps

from bpcli.formulas import loss_formulas
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.softmax import dsoftmax_dlogits, softmax

RNG = np.random.default_rng(29)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
PROBABILITY = st.floats(0, 1)

pytestmark = pytest.mark.usefixtures("quiet")


def numbers(x):
    return [mp.mpf(v) for v in np.ravel(x).tolist()]


# mse


def check_mse(y, y_hat):
    N = len(y)
    d = [a - b for a, b in zip(numbers(y), numbers(y_hat), strict=True)]
    assert_within(3, loss_formulas.mse(y, y_hat), mp.fsum(v * v for v in d) / N, (y, y_hat))
    assert_within(2, loss_formulas.dmse_dyhat(y, y_hat), [-2 * v / N for v in d], (y, y_hat))


def test_mse_by_hand():
    y, y_hat = np.array([1.0, 0.0, 2.0]), np.array([0.5, 0.25, 1.0])
    assert loss_formulas.mse(y, y_hat) == (0.25 + 0.0625 + 1) / 3
    np.testing.assert_allclose(loss_formulas.dmse_dyhat(y, y_hat), -2 / 3 * (y - y_hat), rtol=1e-15)
    # the lecture's z = (1/3) Σ x_i², whose gradient is 2x_i/3
    x = np.array([1.0, -2.0, 4.0])
    assert loss_formulas.mse(np.zeros(3), x) == 7
    np.testing.assert_allclose(loss_formulas.dmse_dyhat(np.zeros(3), x), 2 * x / 3, rtol=1e-15)
    assert loss_formulas.mse(1.0, 0.5) == 0.25
    assert loss_formulas.dmse_dyhat(1.0, 0.5) == -1


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=5))
@example([(1.5e308, -1.5e308), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)])  # y − ŷ is beyond the doubles, ∂J/∂ŷ is not
@example([(1e154, -1e154), (1.0, 2.0), (3.0, 5.0), (0.0, 0.0), (0.0, 0.0)])  # so is a square, and not the mean
@example([(2e-162, 0.0), (1.5e-162, 0.0)])  # each square is subnormal
def test_mse_over_the_whole_of_the_doubles(pairs):
    check_mse(*(np.array(side) for side in zip(*pairs, strict=True)))


def test_mse_sums_over_the_outputs_and_averages_over_the_samples():
    y, y_hat = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))
    assert loss_formulas.mse(y, y_hat) == pytest.approx(np.sum((y - y_hat) ** 2) / 4, rel=1e-15)
    np.testing.assert_allclose(loss_formulas.dmse_dyhat(y, y_hat), -2 / 4 * (y - y_hat), rtol=1e-15)


# bce


def bce_term(y, p):
    """−[y log ŷ + (1 − y) log(1 − ŷ)] with 0·log 0 = 0; infinite beyond the doubles."""
    first = 0 if y == 0 else -y * mp.log(p) if p else mp.inf
    return first + (0 if y == 1 else -(1 - y) * mp.log1p(-p) if p < 1 else mp.inf)


def bce_slope(y, p):
    if p * (1 - p):
        return (p - y) / (p * (1 - p))
    return (1 if p == 0 else -1) if y == p else (-mp.inf if p == 0 else mp.inf)


def check_bce(y, p):
    N = len(y)
    terms = [bce_term(a, b) for a, b in zip(numbers(y), numbers(p), strict=True)]
    assert_within(3, loss_formulas.bce(y, p), sum(terms) / N, (y, p))
    slopes = [bce_slope(a, b) / N for a, b in zip(numbers(y), numbers(p), strict=True)]
    assert_within(4, loss_formulas.dbce_dyhat(y, p), slopes, (y, p))


def test_bce_by_hand():
    y, p = np.array([1.0, 0.0, 1.0]), np.array([0.9, 0.2, 0.4])
    assert loss_formulas.bce(y, p) == pytest.approx(-(np.log(0.9) + np.log(0.8) + np.log(0.4)) / 3, rel=1e-15)
    np.testing.assert_allclose(loss_formulas.dbce_dyhat(y, p), (p - y) / (p * (1 - p)) / 3, rtol=1e-14)
    assert loss_formulas.bce(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == 0  # 0·log 0 = 0
    assert loss_formulas.dbce_dyhat(np.array([0.0, 1.0]), np.array([0.0, 1.0])).tolist() == [0.5, -0.5]
    assert loss_formulas.dbce_dyhat(1.0, 0.5) == -2
    assert loss_formulas.bce(1.0, 0.5) == math.log(2)


@given(st.lists(st.tuples(PROBABILITY | st.sampled_from([0.0, 1.0]), PROBABILITY), min_size=1, max_size=4))
@example([(1.0, 4e-309), (0.0, 0.0)])  # 1/ŷ is beyond the doubles, half of it is not
@example([(5e-324, 5e-324), (0.0, 1.0)])
def test_bce_over_all_probabilities(pairs):
    check_bce(*(np.array(side) for side in zip(*pairs, strict=True)))


# cce


def test_one_hot_rows_of_cce_as_in_the_lecture():
    # ∂J/∂ŷ = (0 … −1/ŷ_α … 0), and 1/N of it in a mini-batch
    y_hat = np.array([[0.5, 0.25, 0.25]])
    for label in range(3):
        y = np.eye(3)[[label]]
        assert loss_formulas.cce(y, y_hat) == pytest.approx(-np.log(y_hat[0, label]), rel=1e-15)
        expected = [[0.0, 0.0, 0.0]]
        expected[0][label] = -1 / y_hat[0, label]
        np.testing.assert_array_equal(loss_formulas.dcce_dyhat(y, y_hat), expected)
    two = np.repeat(y_hat, 2, axis=0)
    np.testing.assert_array_equal(loss_formulas.dcce_dyhat(np.eye(3)[[0, 1]], two), [[-1, 0, 0], [0, -2, 0]])
    assert loss_formulas.cce(np.array([[0.0, 1.0]]), np.array([[0.0, 1.0]])) == 0


@given(st.lists(st.tuples(PROBABILITY, PROBABILITY), min_size=1, max_size=4), st.integers(1, 3))
@example([(1.0, 4e-309), (0.0, 0.0)], 2)
def test_cce_over_all_probabilities(pairs, N):
    y, p = (np.tile(side, (N, 1)) for side in zip(*pairs, strict=True))
    row = list(zip(numbers(y[0]), numbers(p[0]), strict=True))
    terms = [0 if a == 0 else -a * mp.log(b) if b else mp.inf for a, b in row]
    error = abs(mp.mpf(float(loss_formulas.cce(y, p))) - sum(terms)) if mp.isfinite(sum(terms)) else 0
    assert error <= 4 * math.ulp(float(sum(terms))) + 3 * 5e-324
    slopes = [mp.mpf(0) if a == 0 else -a / b / N if b else -mp.inf for a, b in row]
    assert_within(2, loss_formulas.dcce_dyhat(y, p)[0], slopes, (y, p))


# From logits


def check_sigmoid_bce(z, y, bound=10):
    """Value and gradient of one sample; the gradient is ∂J/∂ŷ·∂ŷ/∂z, from which ŷ(1 − ŷ) has gone."""
    a, b, t = sigmoid(z), sigmoid(-z), mp.mpf(y)
    loss = (1 - t) * softplus(z) + t * softplus(-z)
    assert_within(4, loss_formulas.sigmoid_bce(np.array([y]), np.array([z])), loss, (z, y))
    assert_within(4, loss_formulas.sigmoid_bce(y, z), loss, (z, y))
    gradient = mp.tanh(mp.mpf(z) / 2) / 2 if y == 0.5 and abs(z) < 1e-3 else (1 - t) * a - t * b
    if abs(z) < 700 and y not in (0, 1, a):
        slope = (a - t) / (a * (1 - a)) * dsigmoid(z)
        assert abs(slope - gradient) <= mp.mpf("1e-60")
    assert_within(bound, loss_formulas.dsigmoid_bce_dz(np.array([y]), np.array([z])), gradient, (z, y))
    assert_within(bound, loss_formulas.dsigmoid_bce_dz(y, z), gradient, (z, y))


POINTS = [
    *RNG.uniform(-60, 60, 30),
    *RNG.uniform(-750, 750, 20),
    0.0,
    1e-20,
    5e-324,
    40.0,
    -745.2,
    800.0,
    1e308,
    -1e308,
]


@pytest.mark.parametrize("label", [0.0, 1.0, 0.3, 0.5, 1e-30, 1 - 2.0**-53])
def test_the_fused_sigmoid_bce_is_the_product_it_stands_for(label):
    for z in POINTS:
        check_sigmoid_bce(float(z), label)


@given(FINITE | st.floats(-800, 800), PROBABILITY | st.sampled_from([0.0, 1.0]))
def test_the_fused_sigmoid_bce_over_the_whole_of_the_doubles(z, y):
    check_sigmoid_bce(z, y)


def test_a_label_that_the_sigmoid_all_but_meets_keeps_the_digits_of_their_difference():
    for z in RNG.uniform(-30, 30, 40).tolist():
        a = ACTIVATIONS["sigmoid"].value(z)
        for y in (a * (1 + 2.0**-30), a * (1 - 2.0**-45)):
            check_sigmoid_bce(z, min(y, 1.0))


LOGITS = {
    "small": RNG.normal(0, 1, (3, 4)),
    "large": RNG.uniform(-700, 700, (4, 6)),
    "saturated": np.array([[0.0, 40.0], [-40.0, 0.0], [0.0, 745.0]]),
    "subnormal": np.concatenate([np.zeros((2, 1)), -RNG.uniform(705, 746, (2, 7))], axis=1),
    "many subnormal": np.array([[0.0, *[-744.8] * 100]]),
    "far apart": np.array([[1e15 + 0.125, 1e15, 1e15 - 3.5], [9e307, -8e307, 1e306]]),
    "tiny": np.array([[1e-20, -3e-20, 0.0, 2e-310]]),
    "many": RNG.normal(0, 5, (1, 300)),
}


def check_softmax_cce(logits, y):
    """A batch: J, and its gradient p Σy − y, in which 1 − p of each class is the sum of the others."""
    N, J = len(logits), mp.mpf(0)
    gradient = loss_formulas.dsoftmax_cce_dlogits(y, logits)
    for row, t, got in zip(logits, y, gradient, strict=True):
        truth, t = Softmax(row), numbers(t)
        J += mp.fsum(-a * b for a, b in zip(t, truth.log_p, strict=True) if a) / N
        others = [mp.fsum(a for i, a in enumerate(t) if i != k) for k in range(len(t))]
        expected = [(p * o - a * q) / N for p, q, a, o in zip(truth.p, truth.q, t, others, strict=True)]
        assert_within(10, got, expected, (row, t))
    assert_within(10, loss_formulas.softmax_cce(y, logits), J, (logits, y))


@pytest.mark.parametrize("name", LOGITS)
def test_the_fused_softmax_cce_is_right_for_every_label(name):
    logits = LOGITS[name]
    K = logits.shape[1]
    for label in range(min(K, 6)):
        check_softmax_cce(logits, np.eye(K)[(label + np.arange(len(logits))) % K])
    check_softmax_cce(logits, RNG.dirichlet(np.ones(K), len(logits)))
    check_softmax_cce(logits, RNG.dirichlet(np.full(K, 0.02), len(logits)))
    check_softmax_cce(logits, np.full(logits.shape, 2.0 ** -int(np.log2(K))))


@given(st.lists(FINITE | st.floats(-800, 800), min_size=2, max_size=5), st.integers(0, 4))
def test_the_fused_softmax_cce_over_the_whole_of_the_doubles(logits, label):
    check_softmax_cce(np.array([logits]), np.eye(len(logits))[[label % len(logits)]])


def test_fused_gradients_are_the_matrix_products_where_those_are_sound():
    logits, y = LOGITS["small"], np.eye(4)[[0, 1, 2]]
    dJ_dp = loss_formulas.dcce_dyhat(y, softmax(logits))
    product = (dJ_dp[:, None, :] @ dsoftmax_dlogits(logits))[:, 0]
    np.testing.assert_allclose(loss_formulas.dsoftmax_cce_dlogits(y, logits), product, rtol=1e-13, atol=1e-16)
    z, t = RNG.normal(size=7), RNG.integers(0, 2, 7).astype(float)
    a = ACTIVATIONS["sigmoid"].value(z)
    product = loss_formulas.dbce_dyhat(t, a) * ACTIVATIONS["sigmoid"].derivative(z)
    np.testing.assert_allclose(loss_formulas.dsigmoid_bce_dz(t, z), product, rtol=1e-13)


# Over a batch


def test_errors_do_not_grow_with_the_batch():
    N = 20000
    z, y = RNG.normal(0, 5, N), RNG.integers(0, 2, N).astype(float)
    with mp.workdps(40):
        terms = [mp.log1p(mp.exp(-v if t else v)) for v, t in zip(numbers(z), y, strict=True)]
        assert ulps(loss_formulas.sigmoid_bce(y, z), mp.fsum(terms) / N) <= 2
    assert loss_formulas.mse(np.full(N, 0.1), np.zeros(N)) == pytest.approx(0.1**2, rel=2e-16)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (lambda: loss_formulas.sigmoid_bce(np.zeros(4), np.full(4, 1.5e308)), 1.5e308),
        (lambda: loss_formulas.softmax_cce(np.eye(2)[[1, 0]], np.array([[1.5e308, -1.5e308], [0.0, 0.0]])), 1.5e308),
        (lambda: loss_formulas.mse(np.array([1.5e154, 0.0]), np.zeros(2)), 1.125e308),
    ],
)
def test_a_sum_beyond_the_doubles_has_a_mean_within(value, expected):
    assert value() == pytest.approx(expected, rel=1e-15)


def test_in_exact_numbers_the_formulas_are_the_textbooks():
    logits, y, z = exact(LOGITS["small"]), exact(RNG.dirichlet(np.ones(4), 3)), exact([0.5, -3.0, 40.0])
    t, p = exact([1.0, 0.0, 0.25]), exact([0.5, 0.25, 0.75])
    a = np.array([sigmoid(v) for v in z], object)
    softmaxes = [Softmax(row) for row in LOGITS["small"]]
    log_p = np.array([truth.log_p for truth in softmaxes], object)
    probabilities = np.array([truth.p for truth in softmaxes], object)
    for got, expected in (
        (loss_formulas.mse(t, p), sum((t - p) ** 2) / 3),
        (loss_formulas.dmse_dyhat(t, p), -2 * (t - p) / 3),
        (loss_formulas.dbce_dyhat(t, p), (p - t) / (p * (1 - p)) / 3),
        (loss_formulas.bce(t, p), sum(bce_term(*both) for both in zip(t, p, strict=True)) / 3),
        (loss_formulas.sigmoid_bce(t, z), sum(bce_term(*both) for both in zip(t, a, strict=True)) / 3),
        (loss_formulas.dsigmoid_bce_dz(t, z), (a - t) / 3),
        (loss_formulas.softmax_cce(y, logits), np.sum(-np.asarray(y) * log_p) / 3),
        (loss_formulas.dsoftmax_cce_dlogits(y, logits), (probabilities * np.sum(np.asarray(y), 1)[:, None] - y) / 3),
    ):
        assert np.max(np.abs(np.asarray(got, object) - np.asarray(expected, object))) < mp.mpf("1e-370")


@given(st.floats(-30, 30), st.floats(-30, 30))
def test_bce_of_logits_holds_for_every_number_in_the_place_of_a_label(y, z):
    p = 1 / (1 + mp.exp(-mp.mpf(z)))
    parts = y * mp.log(p), (1 - mp.mpf(y)) * mp.log(1 - p)
    assert abs(loss_formulas.sigmoid_bce_term(y, z) + sum(parts)) <= 1e-15 * sum(map(abs, parts))


@pytest.mark.parametrize(("y", "z"), [(1.0, math.inf), (0.0, -math.inf)])
def test_bce_of_an_infinite_z_on_the_side_of_its_label(y, z):
    limit = float(mp.log1p(mp.exp(-abs(mp.mpf(z)))))
    assert loss_formulas.sigmoid_bce_term(y, z) == limit == 0
    assert loss_formulas.sigmoid_bce_term(np.array([y]), np.array([z])) == limit


@given(st.floats(-1e14, 1e14), st.floats(1e-300, 1 - 2**-53))
@example(477078015751.7339, 0.5)
@example(1e15, 0.4999999999999)
@example(-3.0, 0.75)
def test_bce_of_labels_beyond_0_and_1_keeps_its_digits(y, yhat):
    """Its parts are of both signs there and cancel, as y·log 2 does at ŷ = ½."""
    with mpmath.workdps(60):
        p = mpmath.mpf(yhat)
        true = -(mpmath.mpf(y) * mpmath.log(p) + (1 - mpmath.mpf(y)) * mpmath.log(1 - p))
        size = abs(mpmath.mpf(y) * mpmath.log(p)) + abs((1 - mpmath.mpf(y)) * mpmath.log(1 - p))
    assume(abs(true) > size * 2.0**-80)
    assert loss_formulas.bce_term(y, yhat) == pytest.approx(float(true), rel=1e-13)
    assert loss_formulas.bce_term(np.array([y]), np.array([yhat]))[0] == pytest.approx(float(true), rel=1e-13)
