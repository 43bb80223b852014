"""The fit: Newton's way to the optimum from afar, and the covariance as a function of the rows."""

import numpy as np
import pytest

from bpcli.training.config.loading import config_from_mapping
from bpcli.training.inference.fit import Fit, Rows
from bpcli.training.setup import prepare


def fit_of(root, kind, features, **training):
    config = config_from_mapping(
        {
            **kind,
            "training": {"learning_rate": 1, **training},
            "data": {"path": str(root / "data/iris.csv"), "target": "species", "features": features},
        }
    )
    made = prepare(config)
    part = made.parts["train"]
    return Fit(made.model, Rows(part.X, part.y), config.training.l2)


@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_newton_gets_to_the_optimum_from_far_away(root, l2):
    fit = fit_of(root, {"model": {"type": "softmax"}, "loss": "cce"}, ["sepal_length"], l2=l2)
    fit.theta = np.random.default_rng(0).normal(0, 30, len(fit.theta))
    assert fit.distance()[1] > 1
    assert fit.solve()
    np.testing.assert_allclose(fit.objective(fit.theta).gradient, 0, atol=1e-13)
    decrement, errors = fit.distance()
    assert decrement < 1e-12
    assert errors < 1e-10


def test_the_covariance_says_how_the_weights_move_with_the_rows(root):
    """The influence of a row on the optimum is −H⁻¹s, to first order: their squares add up to the sandwich."""
    fit = fit_of(root, {"model": {"type": "softmax"}, "loss": "cce"}, ["sepal_length"], l2=0.2)
    assert fit.solve()
    V, start, h, total = fit.prepared(fit.covariance(robust=True)), fit.theta, 1e-4, 0.0
    for i in range(fit.N):
        moved = []
        for sign in (1, -1):
            weights = np.ones(fit.N)
            weights[i] += sign * h
            fit.objective._weights, fit.theta = weights, start.copy()
            assert fit.solve()
            moved.append(fit.theta)
        d = np.kron(fit.units, np.eye(3) - 1 / 3) @ (moved[0] - moved[1]) / (2 * h)
        total = total + np.outer(d, d)
    np.testing.assert_allclose(V, total, rtol=1e-5, atol=1e-5 * np.abs(V).max())
