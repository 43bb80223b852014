"""The steps of both engines beside the formulas they stand next to, also where the model is saturated."""

import numpy as np
import pytest
from engines import ENGINES
from witness import mp

from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.layers import pairs
from bpcli.formulas.losses import LOSSES
from bpcli.formulas.softmax import dsoftmax_dlogits, softmax

RNG = np.random.default_rng(23)


@pytest.fixture(params=ENGINES)
def take(request):
    """Takes a step: the sum of J₀, and ∂J₀/∂z in place of z."""
    return ENGINES[request.param]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [8, 5, 1])
@pytest.mark.parametrize(("model", "activation", "loss"), pairs())
def test_a_step_is_the_product_of_the_jacobians(take, model, activation, loss, size, dtype):
    K = 4 if model == "softmax" else 0
    z = RNG.normal(0, 2, (size, K) if K else size).astype(dtype)
    row = LOSSES[loss]
    y = RNG.integers(0, K or 2, size) if K or row.encoding else abs(RNG.normal(size=size))
    target = y if K else row.encode(y).astype(dtype)
    z64 = z.astype(float)
    if K:
        labels, yhat = np.eye(K)[y], softmax(z64)
        expected = (row.dJ_dyhat(labels, yhat)[:, None, :] @ dsoftmax_dlogits(z64))[:, 0]
    else:
        labels, yhat = target.astype(float), ACTIVATIONS[activation].value(z64)
        expected = row.dJ_dyhat(labels, yhat) * ACTIVATIONS[activation].derivative(z64)
    J = row.J(labels, yhat)
    total = take(model, activation, loss, z, target)
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(z / size, expected, rtol=tolerance, atol=tolerance * 0.01)
    assert total / size == pytest.approx(J, rel=tolerance)


def relative(got, exact):
    return float(abs((mp.mpf(float(got)) - exact) / exact))


@pytest.mark.parametrize("z", [40.0, -40.0, 300.0, -300.0])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_saturated_sigmoid_still_has_its_loss_and_gradient(take, z, label):
    exact = mp.mpf(z)
    s, t = 1 / (1 + mp.exp(-exact)), 1 / (1 + mp.exp(exact))
    gradient, loss = (-t, -mp.log(s)) if label else (s, -mp.log(t))
    batch = np.array([z])
    got = take("neuron", "sigmoid", "bce", batch, np.array([label]))
    assert relative(got, loss) < 1e-15
    assert relative(batch[0], gradient) < 1e-15
    batch = np.array([z])
    got = take("neuron", "sigmoid", "mse", batch, np.array([label]))
    error = -t if label else s
    assert relative(got, error**2) < 4e-15
    assert relative(batch[0], 2 * error * s * t) < 4e-15


@pytest.mark.parametrize("z", [20.0, -20.0, 150.0, -150.0])
def test_a_saturated_tanh_still_has_its_loss_and_gradient(take, z):
    exact = mp.mpf(z)
    q = 1 / (1 + mp.exp(2 * abs(exact)))  # 1 − |a| = 2q
    sign = 1 if z > 0 else -1
    batch = np.array([z])
    got = take("neuron", "tanh", "mse", batch, np.array([float(sign)]))
    assert relative(got, (2 * q) ** 2) < 4e-15
    assert relative(batch[0], 2 * (-sign * 2 * q) * 4 * q * (1 - q)) < 4e-15


@pytest.mark.parametrize("label", [0, 1, 2])
def test_a_saturated_softmax_still_has_its_loss_and_gradient(take, label):
    logits = [0.0, 45.0, -3.0]
    e = [mp.exp(mp.mpf(v)) for v in logits]
    S = mp.fsum(e)
    p = [v / S for v in e]
    rest = mp.fsum(v for k, v in enumerate(p) if k != label)
    batch = np.array([logits])
    got = take("softmax", None, "cce", batch, np.array([label]))
    assert relative(got, -mp.log(p[label])) < 1e-14
    for k in range(3):
        assert relative(batch[0, k], -rest if k == label else p[k]) < 1e-14
    batch = np.array([logits])
    got = take("softmax", None, "mse", batch, np.array([label]))
    r = [(-rest if k == label else p[k]) for k in range(3)]
    assert relative(got, mp.fsum(v**2 for v in r)) < 1e-14
    weighted = mp.fsum(a * b for a, b in zip(r, p, strict=True))
    for k in range(3):
        assert relative(batch[0, k], 2 * p[k] * (r[k] - weighted)) < 1e-13
