"""∂²J₀/∂z² beside difference quotients of the slope, for all pairs, and beside mpmath where outputs saturate."""

import mpmath
import numpy as np
import pytest

from bpcli.formulas.layers import activation_of, loss_of, of_z, pairs
from bpcli.formulas.softmax import softmax, softmax_vjp
from bpcli.training.descent.curvature import curvature_of

H = 1e-6


@pytest.mark.parametrize(("activation", "loss"), [(a, loss) for _, a, loss in pairs() if a])
def test_of_one_output(activation, loss):
    rng, g, of = np.random.default_rng(0), activation_of(activation), loss_of(loss)
    y, z = of.encode(rng.integers(0, 2, 50).astype(float)), 2 * rng.normal(size=50)
    _, slope = of_z(g, of)
    quotient = (slope(y, z + H) - slope(y, z - H)) / (2 * H)
    assert curvature_of(g, of)(y, z) == pytest.approx(quotient, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("loss", [loss for _, a, loss in pairs() if a is None])
def test_after_softmax(loss):
    rng, of = np.random.default_rng(0), loss_of(loss)
    y, z = rng.integers(0, 3, 20), 2 * rng.normal(size=(20, 3))
    found = curvature_of(None, of)(y, z)
    for k in range(3):
        one = H * np.eye(3)[k]

        def slope(at):
            return softmax_vjp(of.slope(np.eye(3)[y], softmax(at)), at)

        assert found[:, :, k] == pytest.approx((slope(z + one) - slope(z - one)) / (2 * H), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("z", [-700.0, -40.0, 40.0, 700.0])
@pytest.mark.parametrize("y", [0, 1])
def test_where_the_sigmoid_saturates(y, z):
    with mpmath.workdps(50):
        true = float(mpmath.exp(-abs(z)) / (1 + mpmath.exp(-abs(z))) ** 2)
    found = curvature_of(activation_of("sigmoid"), loss_of("bce"))(np.array([float(y)]), np.array([z]))
    assert found == pytest.approx([true], rel=1e-14)


@pytest.mark.parametrize("label", range(3))
def test_where_softmax_saturates(label):
    logits = np.array([[-300.0, 0.0, 40.0]])
    with mpmath.workdps(400):
        e = [mpmath.exp(x) for x in logits[0]]
        p = [x / sum(e) for x in e]
        true = [[float((i == j) * p[i] - p[i] * p[j]) for j in range(3)] for i in range(3)]
    found = curvature_of(None, loss_of("cce"))(np.array([label]), logits)[0]
    assert found == pytest.approx(np.array(true), rel=1e-14, abs=0)
