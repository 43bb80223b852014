"""The epochs of a training, against a line and the lecture's step."""

import numpy as np

from bpcli.training.setup import prepare
from bpcli.training.trainer import MOST_EPOCHS, most_epochs


def test_a_line_is_learned(line):
    training = prepare(line())
    epochs = list(training.epochs())
    assert [e["epoch"] for e in epochs] == list(range(1, 51))
    assert epochs[-1]["loss"] < epochs[0]["loss"]
    np.testing.assert_allclose(training.result.w, [2, -1], atol=0.2)
    assert training.rows_seen == 50 * 60


def test_one_full_step_is_that_of_the_lecture(line):
    training = prepare(line({"epochs": 1}))
    list(training.epochs())
    p, q, y = np.loadtxt(line().data.path, delimiter=",", skiprows=1).T
    w = 0.01 * 2 / 60 * np.array([y @ p, y @ q])  # from w = 0: −α·(2/N) Σ (0 − y)x
    np.testing.assert_allclose(training.result.w, w, rtol=1e-13)
    np.testing.assert_allclose(training.result.b, 0.01 * 2 * y.mean(), rtol=1e-13)


def test_the_most_epochs():
    assert (most_epochs("auto"), most_epochs(7)) == (MOST_EPOCHS, 7)
