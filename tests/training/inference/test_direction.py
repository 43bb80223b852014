"""Classes that a combination of columns separates in part, against a linear program of SciPy's."""

import numpy as np
import pytest

from bpcli.training.inference.direction import Margins, separating
from bpcli.training.inference.separation import QUICK, separation
from tests.training.inference.test_separation import by_linear_program


def test_ties_are_compared_in_rational_numbers():
    X = np.array([[0.1, 0.2], [0.3, 0.0], [0.0, 0.3], [0.2, 0.2], [0.0, 0.2]])
    y = np.array([0, 1, 0, 1, 0])
    step = np.array([[10.0], [10.0], [-3.0]])  # in doubles 0.1 + 0.2 is not 0.3 + 0
    assert separating(Margins(X, y, 0), step) == (0, 1)
    assert separating(Margins(X, 1 - y, 0), step) == ()
    X[4] = 0.2, 0.1 - 1e-14  # now a row of the class below is beneath the plane, by less than a step of Newton tells
    assert separating(Margins(X, y, 0), step) == (0, 1)
    y[4] = 1
    assert separating(Margins(X, y, 0), step) == ()


@pytest.mark.parametrize("divided_by", [1.0, 10.0])
@pytest.mark.parametrize("standardized", [False, True])
def test_a_direction_that_is_never_wrong_separates_in_part(divided_by, standardized):
    """No column alone, and no weights that get every row right: rows of both classes lie on the plane between."""
    rng, alone = np.random.default_rng(4), 0
    for _ in range(12):
        K, n, N = int(rng.integers(2, 4)), int(rng.integers(2, 4)), int(rng.integers(15, 50))
        X = rng.integers(0, 4, (N, n)).astype(float)
        z = X @ rng.integers(-2, 3, n)
        y = (z > np.median(z)).astype(int)
        y[z == np.median(z)] = rng.integers(0, K, (z == np.median(z)).sum())
        if len(np.unique(y)) < K:
            continue
        X /= divided_by
        size = np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
        units = (X.mean(axis=0), size) if standardized else None
        prepared = (X - X.mean(axis=0)) / size if standardized else X
        w = np.zeros((n, K) if K > 2 else n)
        found = separation(prepared, y, K, w, np.zeros(w.shape[1:]), None, QUICK, units)
        assert found.separated == by_linear_program(X * divided_by, y, K)
        if found.separated:
            assert by_linear_program((X * divided_by)[:, list(found.features)], y, K)
            alone += len(found.features) > 1
    assert alone > 3
