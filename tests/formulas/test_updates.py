"""The lecture's parameter update, downhill and uphill."""

import numpy as np
import pytest

from bpcli.formulas.updates import ascend, descend


@pytest.mark.parametrize(("update", "expected"), [(descend, 0.75), (ascend, 1.25)])
def test_a_number_and_a_vector_move_by_the_learning_rate_times_the_gradient(update, expected):
    assert update(1.0, 0.5, 0.5) == expected
    np.testing.assert_array_equal(update(np.array([1.0, -1.0]), np.array([0.5, 0.0]), 0.5), [expected, -1.0])


def test_steps_downhill_reach_the_minimum_of_a_square():
    x = np.array([3.0, -4.0])
    for _ in range(100):
        x = descend(x, 2 * x, 0.25)
    assert np.abs(x).max() < 1e-29
