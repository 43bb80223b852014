"""Every formula of the lecture beside mpmath at 400 digits, a complex step, or a result worked in the lecture."""

import mpmath
import numpy as np
import pytest

from bpcli.formulas import losses
from bpcli.formulas.activations import ACTIVATIONS, dlogit_dp, dsoftplus_dz, logit, softplus
from bpcli.formulas.affine import affine, daffine_db, daffine_dw, daffine_dx, ddot_du, ddot_dv, dot
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
from bpcli.formulas.updates import ascend, descend

mpmath.mp.dps = 400  # 1 + e^−745 needs 330 digits
RNG = np.random.default_rng(17)


@pytest.fixture(autouse=True)
def _quiet():
    """As the formulas ask of those who call them: infinities on the way are no warnings."""
    with np.errstate(all="ignore"):
        yield


def ulps(got, exact):
    """The distance of a double from the true value, in units of the last place of that value (one for subnormals)."""
    exact = mpmath.mpf(exact)
    if not exact or abs(exact) > mpmath.mpf("1.7976931348623158e308"):
        return 0 if got == float(exact) else mpmath.inf
    return abs(mpmath.mpf(float(got)) - exact) / mpmath.mpf(float(np.spacing(abs(float(exact)))))


def of(function):
    return lambda z: function(mpmath.mpf(z))


EXACT = {
    "identity": (of(lambda z: z), of(lambda z: mpmath.mpf(1))),
    "sigmoid": (of(lambda z: 1 / (1 + mpmath.exp(-z))), of(lambda z: 1 / (2 + mpmath.exp(z) + mpmath.exp(-z)))),
    "tanh": (of(mpmath.tanh), of(lambda z: 1 / mpmath.cosh(z) ** 2)),
    "relu": (of(lambda z: max(z, mpmath.mpf(0))), of(lambda z: mpmath.mpf(z >= 0))),
}
SOFTPLUS = (of(lambda z: mpmath.log1p(mpmath.exp(z))), of(lambda z: 1 / (1 + mpmath.exp(-z))))

POINTS = [
    *RNG.normal(0, 1, 40),
    *RNG.uniform(-40, 40, 40),
    *RNG.uniform(-700, 700, 40),
    *(10.0 ** RNG.uniform(-300, -1, 20)),
    *(-(10.0 ** RNG.uniform(-300, 300, 20))),
    *(0.0, -0.0, 5e-324, 36.8, 40.0, -40.0, 709.5, -744.0, -745.2, 1e308, -1e308),
]


@pytest.mark.parametrize("kind", ["float", "array"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_and_their_slopes_within_4_ulp(name, kind):
    row, (value, slope) = ACTIVATIONS[name], EXACT[name]
    z = np.array(POINTS)
    with np.errstate(all="ignore"):
        got = row.value(z) if kind == "array" else [row.value(float(v)) for v in z]
        slopes = (
            np.broadcast_to(row.derivative(z), z.shape) if kind == "array" else [row.derivative(float(v)) for v in z]
        )
    for v, a, s in zip(z, got, slopes, strict=True):
        assert ulps(a, value(v)) <= 4, v
        assert ulps(s, slope(v)) <= 4, v


def test_softplus_and_logit_within_4_ulp():
    for v in map(float, POINTS):
        assert ulps(softplus(v), SOFTPLUS[0](v)) <= 4, v
        assert ulps(dsoftplus_dz(v), SOFTPLUS[1](v)) <= 4, v
    for p in [*RNG.random(100), 0.5, 0.25, 0.75, 0.5 + 1e-12, 1 - 1e-16, 1e-300, 5e-324]:
        exact = mpmath.log(mpmath.mpf(p) / (1 - mpmath.mpf(p)))
        assert ulps(logit(float(p)), exact) <= 4, p
        assert ulps(logit(np.array([p]))[0], exact) <= 4, p
        if p > 1e-300:
            assert ulps(dlogit_dp(float(p)), 1 / (mpmath.mpf(p) * (1 - mpmath.mpf(p)))) <= 4, p


def test_values_that_the_saturated_tails_are_known_by():
    assert ACTIVATIONS["sigmoid"].derivative(40.0) == 4.248354255291589e-18
    assert ACTIVATIONS["relu"].derivative(0.0) == 1  # as in the lecture
    assert ACTIVATIONS["sigmoid"].derivative(0.0) == 0.25
    assert ACTIVATIONS["tanh"].derivative(0.0) == 1


def test_dot_product_as_in_the_lecture():
    u, v = np.array([1.0, 2, 3]), np.array([4.0, 5, 6])
    assert dot(u, v) == 32
    assert ddot_du(u, v).tolist() == [[4, 5, 6]]
    assert ddot_dv(u, v).tolist() == [[1, 2, 3]]
    rows = np.stack([u, v])
    assert dot(rows, rows[::-1]).tolist() == [32, 32]
    assert ddot_du(rows, rows[::-1]).tolist() == [[[4, 5, 6]], [[1, 2, 3]]]


def complex_step(function, x, h=1e-30):
    """The Jacobian of an analytic function, one column an entry of x, without subtraction."""
    x = np.asarray(x, complex)
    columns = []
    for index in np.ndindex(x.shape):
        moved = x.copy()
        moved[index] += 1j * h
        columns.append(np.ravel(function(moved)).imag / h)
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("outputs", [(), (3,)])
@pytest.mark.parametrize("batch", [(), (4,)])
def test_affine_and_its_jacobians(outputs, batch):
    x, w, b = RNG.normal(size=(*batch, 5)), RNG.normal(size=(5, *outputs)), RNG.normal(size=outputs)
    z = affine(x, w, b)
    for row, got in zip(x.reshape(-1, 5), np.reshape(z, (-1, *outputs)), strict=True):
        for k, total in enumerate(np.atleast_1d(got)):
            column, bias = (w, b) if not outputs else (w[:, k], b[k])
            exact = mpmath.fsum(mpmath.mpf(a) * mpmath.mpf(c) for a, c in zip(row, column, strict=True)) + mpmath.mpf(
                float(bias)
            )
            assert total == pytest.approx(float(exact), rel=1e-13)
    rows = x.reshape(-1, 5)
    in_w = daffine_dw(x, w).reshape(len(rows), -1, w.size)
    for row, jacobian in zip(rows, in_w, strict=True):
        np.testing.assert_allclose(jacobian, complex_step(lambda W, r=row: affine(r, W, b), w), atol=1e-14)
        np.testing.assert_allclose(daffine_dx(row, w), complex_step(lambda r: affine(r, w, b), row), atol=1e-14)
    np.testing.assert_allclose(daffine_db(w), complex_step(lambda B: affine(rows[0], w, B), b), atol=1e-14)


def test_affine_jacobians_of_one_output_are_the_lectures_rows():
    x, w = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert daffine_dx(x, w).tolist() == [[3, 4]]  # wᵀ
    assert daffine_dw(x, w).tolist() == [[1, 2]]  # xᵀ
    assert daffine_db(w).tolist() == [[1]]


def exact_softmax(logits):
    e = [mpmath.exp(mpmath.mpf(v)) for v in logits]
    return [v / mpmath.fsum(e) for v in e]


LOGITS = {
    "small": RNG.normal(0, 1, (5, 4)),
    "large": RNG.uniform(-700, 700, (5, 6)),
    "saturated": np.array([[0.0, 40.0], [-40.0, 0.0], [0.0, 745.0]]),
    "far apart": np.array([[1e308, -1e308, 0.0], [1e15 + 0.125, 1e15, 1e15 - 3.5]]),
    "equal": np.zeros((2, 5)),
    "many": RNG.normal(0, 5, (1, 300)),
}


@pytest.mark.parametrize("name", LOGITS)
def test_softmax_its_logarithm_and_jacobians_within_10_ulp(name):
    for logits in LOGITS[name]:
        p = exact_softmax(logits)
        total = mpmath.log(mpmath.fsum(mpmath.exp(mpmath.mpf(v)) for v in logits))
        for got, exact in zip(softmax(logits), p, strict=True):
            assert ulps(got, exact) <= 5
        for got, value in zip(log_softmax(logits), logits, strict=True):
            assert ulps(got, mpmath.mpf(value) - total) <= 10
        assert ulps(logsumexp(logits), total) <= 4
        J, L = dsoftmax_dlogits(logits), dlog_softmax_dlogits(logits)
        for i in range(len(p)):
            others = mpmath.fsum(p[k] for k in range(len(p)) if k != i)
            for j in range(len(p)):
                assert ulps(J[i, j], p[i] * others if i == j else -p[i] * p[j]) <= 10, (i, j)
                assert ulps(L[i, j], others if i == j else -p[j]) <= 10, (i, j)


def test_softmax_jacobian_batched_over_rows_and_along_any_axis():
    logits = LOGITS["small"]
    J = dsoftmax_dlogits(logits)
    assert J.shape == (5, 4, 4)
    for row, jacobian in zip(logits, J, strict=True):
        np.testing.assert_array_equal(jacobian, dsoftmax_dlogits(row))
    np.testing.assert_allclose(softmax(logits.T, axis=0), softmax(logits).T, rtol=1e-15)
    np.testing.assert_allclose(logsumexp(logits.T, axis=0), logsumexp(logits), rtol=1e-15)


@pytest.mark.parametrize("name", LOGITS)
def test_products_with_jacobians_are_those_of_the_matrices(name):
    for logits in LOGITS[name]:
        v = RNG.normal(size=len(logits))
        for J, vjp, jvp in (
            (dsoftmax_dlogits(logits), softmax_vjp, softmax_jvp),
            (dlog_softmax_dlogits(logits), log_softmax_vjp, log_softmax_jvp),
        ):
            size = np.abs(J).sum() * 1e-14 + 1e-300
            np.testing.assert_allclose(vjp(v, logits), v @ J, rtol=1e-11, atol=size)
            np.testing.assert_allclose(jvp(logits, v), J @ v, rtol=1e-11, atol=size)


def test_products_keep_the_digits_of_a_saturated_class():
    # logits 0 and 40: v·J = p₀p₁(v₀ − v₁)·(1, −1)
    p = exact_softmax([0.0, 40.0])
    for v in ([1.0, 0.0], [0.0, 1.0], [3.0, 3.5]):
        for got, sign in zip(softmax_vjp(np.array(v), np.array([0.0, 40.0])), (1, -1), strict=True):
            assert ulps(got, sign * p[0] * p[1] * (mpmath.mpf(v[0]) - mpmath.mpf(v[1]))) <= 10


def test_losses_by_the_lectures_formulas():
    y, y_hat = np.array([1.0, 0.0, 2.0]), np.array([0.5, 0.25, 1.0])
    assert losses.mse(y, y_hat) == pytest.approx((0.25 + 0.0625 + 1) / 3, rel=1e-15)
    np.testing.assert_allclose(losses.dmse_dy_hat(y, y_hat), -2 / 3 * (y - y_hat), rtol=1e-15)
    labels = np.array([1.0, 0.0, 1.0])
    p = np.array([0.9, 0.2, 0.4])
    assert losses.bce(labels, p) == pytest.approx(-(np.log(0.9) + np.log(0.8) + np.log(0.4)) / 3, rel=1e-15)
    np.testing.assert_allclose(losses.dbce_dy_hat(labels, p), (p - labels) / (p * (1 - p)) / 3, rtol=1e-14)


def test_one_hot_rows_of_cce_as_in_the_lecture():
    # ∂J/∂ŷ = (0 … −1/ŷ_α … 0), and 1/N of it in a mini-batch
    y_hat = np.array([[0.5, 0.25, 0.25]])
    for label in range(3):
        y = np.eye(3)[[label]]
        assert losses.cce(y, y_hat) == pytest.approx(-np.log(y_hat[0, label]), rel=1e-15)
        expected = [[0.0, 0.0, 0.0]]
        expected[0][label] = -1 / y_hat[0, label]
        np.testing.assert_allclose(losses.dcce_dy_hat(y, y_hat), expected, rtol=1e-15)
    two = np.repeat(y_hat, 2, axis=0)
    np.testing.assert_allclose(losses.dcce_dy_hat(np.eye(3)[[0, 1]], two), [[-1, 0, 0], [0, -2, 0]], rtol=1e-15)


def test_zero_times_log_zero_is_zero():
    assert losses.bce(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == 0
    assert losses.dbce_dy_hat(np.array([0.0, 1.0]), np.array([0.0, 1.0])).tolist() == [0.5, -0.5]
    assert losses.cce(np.array([[0.0, 1.0]]), np.array([[0.0, 1.0]])) == 0


@pytest.mark.parametrize("label", [0.0, 1.0, 0.3])
def test_the_fused_sigmoid_bce_is_the_product_it_stands_for(label):
    for z in [*RNG.uniform(-60, 60, 60), 0.0, 700.0, -700.0, 800.0, 1e308]:
        exact_z, y = mpmath.mpf(float(z)), mpmath.mpf(label)
        s, t = 1 / (1 + mpmath.exp(-exact_z)), 1 / (1 + mpmath.exp(exact_z))
        # ∂J/∂ŷ·∂ŷ/∂z = (ŷ − y)/(ŷ(1 − ŷ))·ŷ(1 − ŷ), and ŷ − y = (1 − y)ŷ − y(1 − ŷ)
        gradient = (1 - y) * s - y * t
        loss = -(y * mpmath.log(s) + (1 - y) * mpmath.log(t)) if abs(z) < 1e4 else abs(exact_z) * abs((z >= 0) - y)
        batch = np.array([z])
        assert ulps(losses.sigmoid_bce(batch, np.array([label])), loss) <= 10
        got = losses.dsigmoid_bce_dz(batch, np.array([label]))[0]
        if label in (0.0, 1.0):
            assert ulps(got, gradient) <= 10, z
        else:
            assert abs(got - gradient) <= 1e-15 * (s + t)


@pytest.mark.parametrize("name", LOGITS)
def test_the_fused_softmax_cce_is_the_product_it_stands_for(name):
    rows = LOGITS[name]
    labels = np.arange(len(rows)) % rows.shape[1]
    y = np.eye(rows.shape[1])[labels]
    gradient = losses.dsoftmax_cce_dlogits(rows, y)
    exact_loss = mpmath.mpf(0)
    for logits, label, got in zip(rows, labels, gradient, strict=True):
        p = exact_softmax(logits)
        total = mpmath.log(mpmath.fsum(mpmath.exp(mpmath.mpf(v)) for v in logits))
        exact_loss += (total - mpmath.mpf(logits[label])) / len(rows)
        for k in range(len(p)):
            others = mpmath.fsum(v for i, v in enumerate(p) if i != label)
            assert ulps(got[k], (-others if k == label else p[k]) / len(rows)) <= 10
    assert ulps(losses.softmax_cce(rows, y), exact_loss) <= 10


def test_fused_gradients_are_the_matrix_products_where_those_are_sound():
    logits, y = LOGITS["small"], np.eye(4)[[0, 1, 2, 3, 0]]
    dJ_dp = losses.dcce_dy_hat(y, softmax(logits))
    product = (dJ_dp[:, None, :] @ dsoftmax_dlogits(logits))[:, 0]
    np.testing.assert_allclose(losses.dsoftmax_cce_dlogits(logits, y), product, rtol=1e-13, atol=1e-16)
    z, t = RNG.normal(size=7), RNG.integers(0, 2, 7).astype(float)
    a = ACTIVATIONS["sigmoid"].value(z)
    product = losses.dbce_dy_hat(t, a) * ACTIVATIONS["sigmoid"].derivative(z)
    np.testing.assert_allclose(losses.dsigmoid_bce_dz(z, t), product, rtol=1e-13)


def test_updates_go_against_and_along_the_gradient():
    assert descend(1.0, 2.0, 0.1) == pytest.approx(0.8)
    assert ascend(1.0, 2.0, 0.1) == pytest.approx(1.2)
    np.testing.assert_allclose(descend(np.array([1.0, 2.0]), np.array([2.0, 4.0]), 0.5), [0, 0])
