"""The loops of the compiled steps, against steps taken one by one."""

import numpy as np
import pytest

from bpcli.training.descent import kernels


@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_postponed_steps_are_those_taken_one_by_one(l2):
    w, taken, alpha, l1 = np.array([1.0, -0.02, 0.3]), np.array([2]), 0.1, 0.2
    expected = w.copy()
    for _ in range(5):
        expected -= alpha * l2 * expected
        expected -= np.clip(expected, -alpha * l1, alpha * l1)
    kernels.take_postponed(w, taken, 7.0, 0, 3, alpha, l1, l2)
    assert w == pytest.approx(expected, rel=1e-13)
    assert taken == [7]


def test_the_norm_takes_the_shortest_subgradient():
    w = np.array([0.0, 0.0, 2.0, -1.0])
    # at w = 0: 0.5 shrinks by 0.3 to 0.2, 0.1 to 0; elsewhere g + l2·w ± l1; the bias has no penalty
    found = kernels.gradient_norm(np.array([0.5, 0.1, 1.0, 1.0]), np.array([2.0]), w, 0.3, 0.25)
    assert found == pytest.approx(np.sqrt(0.2**2 + 0 + 1.8**2 + 0.45**2 + 2**2), rel=1e-14)


def test_a_loss_is_added_with_what_the_sum_has_lost():
    progress = np.zeros(3)
    for term in [1.0, *[1e-16] * 10]:
        kernels.add_loss(progress, term)
    assert (progress[0], progress[1]) == (11.0, 1.000000000000001)
    assert progress[2] == pytest.approx(progress[1] - 1.000000000000001, abs=2e-16)
