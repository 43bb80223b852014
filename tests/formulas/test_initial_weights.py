"""The initial weights: 0, or of the stated mean, variance and bounds, the same for one seed."""

import numpy as np
import pytest

from bpcli.formulas.initial_weights import STARTS

VARIANCE = {"zeros": 0.0, "normal": 1 / 400, "uniform": 1 / (3 * 400)}  # of U(−b, b): b²/3


@pytest.mark.parametrize("name", STARTS)
def test_weights_have_the_stated_variance(name):
    w = STARTS[name](np.random.default_rng(3), (400, 50))
    assert w.shape == (400, 50)
    assert abs(w.mean()) < 0.002  # five standard errors at the most
    assert w.var() == pytest.approx(VARIANCE[name], rel=0.05, abs=0)
    assert np.array_equal(w, STARTS[name](np.random.default_rng(3), (400, 50)))
    if name == "uniform":
        assert 0.049 < abs(w).max() <= 0.05
