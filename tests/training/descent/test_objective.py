"""The objective over all rows: gradient and Hessian beside difference quotients; blocks, weights and sparse rows."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from bpcli import sums
from bpcli.formulas.layers import activation_of, loss_of
from bpcli.formulas.steps import make_step
from bpcli.training.descent.objective import Objective

CASES = [
    ("neuron", "identity", "mse", ()),
    ("neuron", "sigmoid", "bce", ()),
    ("neuron", "exp", "poisson", ()),
    ("softmax", None, "cce", (3,)),
    ("softmax", None, "mse", (3,)),
]


def objective(case, weighted=False, sparse=False, N=40):
    layer, activation, loss, outputs = case
    rng = np.random.default_rng(1)
    X = rng.normal(size=(N, 3)) * (rng.random((N, 3)) < 0.6)
    y = rng.integers(0, outputs[0], N) if outputs else rng.integers(0, 2, N).astype(float)
    step = make_step(layer, activation, loss, N, outputs, np.dtype(float))
    weights = rng.uniform(0.5, 1.5, N) if weighted else None
    pair = (activation_of(activation), loss_of(loss))
    return Objective(csr_array(X) if sparse else X, y, step, pair, outputs, 0.1, 0.2, weights)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_gradient_and_hessian_are_the_slopes_of_what_they_are_of(case, weighted):
    f, h = objective(case, weighted), 1e-6
    theta = 0.5 * np.random.default_rng(2).normal(size=f.p)
    ones = h * np.eye(f.p)
    gradient = [(f(theta + e).value - f(theta - e).value) / (2 * h) for e in ones]
    assert f.slope(theta, f(theta)) == pytest.approx(gradient, abs=1e-7)
    hessian = [(f(theta + e).gradient - f(theta - e).gradient) / (2 * h) for e in ones]
    assert f.hessian(theta) == pytest.approx(np.array(hessian), abs=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_sparse_rows_and_small_blocks_change_nothing(case, monkeypatch):
    f = objective(case, weighted=True)
    theta = np.random.default_rng(3).normal(size=f.p)
    monkeypatch.setattr(sums, "ROWS", 7)
    for other in (objective(case, True), objective(case, True, sparse=True)):
        assert other(theta).gradient == pytest.approx(f(theta).gradient, rel=1e-12, abs=1e-14)
        assert other.hessian(theta) == pytest.approx(f.hessian(theta), rel=1e-12, abs=1e-14)
        assert other.moments() == pytest.approx(np.array(f.moments()))


def test_the_decrement_of_a_quadratic_says_how_far_it_is_down():
    f = objective(CASES[0])
    f.l1[:] = 0
    theta = np.ones(f.p)
    at, H = f(theta), f.hessian(theta)
    least = f(theta - np.linalg.solve(H, at.gradient)).value
    assert f.decrement(theta, at) ** 2 / 2 == pytest.approx(at.value - least)


def test_no_decrement_where_the_hessian_is_indefinite_or_l1_bends_it():
    f = objective(CASES[0])
    assert f.decrement(np.ones(f.p), f(np.ones(f.p))) is None
