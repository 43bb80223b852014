"""A trained model by hand: z, outputs, weights in the features' own units, losses, and the best constant."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from bpcli.datasets.preparation.fitted import Preparation
from bpcli.formulas.choices import Task
from bpcli.formulas.losses import LOSSES
from bpcli.training.model import Model, best_constant_loss, log_odds

X = np.array([[1.0, 2.0], [-1.0, 0.5], [0.0, 4.0]])


def preparation(task, classes, mean=None, scale=None):
    from bpcli.datasets.preparation.columns import Column

    columns = (Column("p", None, "error", None), Column("q", None, "error", None))
    return Preparation("y", task, False, columns, classes, mean, scale)


def neuron(activation="identity", loss="mse", classes=None, task=Task.REGRESSION, **scales):
    w, b = np.array([0.5, -2.0]), np.array(1.0)
    return Model("neuron", activation, loss, 0.5, w, b, preparation(task, classes, **scales))


def test_a_neuron():
    model = neuron()
    z = [0.5 - 4 + 1, -0.5 - 1 + 1, -8 + 1]
    assert model.z(X).tolist() == z
    assert model.predicted(model.z(X)).tolist() == z
    y = np.array([0.0, 1.0, -7.0])
    assert model.total_loss(model.z(X), y) == 2.5**2 + 1.5**2
    measured = model.measure(X, y)
    assert (measured["rows"], measured["loss"]) == (3, pytest.approx(8.5 / 3, rel=1e-15))
    assert measured["mae"] == pytest.approx(4 / 3, rel=1e-15)


def test_weights_in_the_units_of_the_features_give_the_same_z():
    model = neuron(mean=(3.0, -1.0), scale=(2.0, 0.25))
    w, b = model.weights(raw=True)
    raw = X * [2.0, 0.25] + [3.0, -1.0]
    np.testing.assert_allclose(raw @ w[:, 0] + b, model.z(X), rtol=1e-14)
    assert model.weights()[0][:, 0].tolist() == [0.5, -2.0]


def test_two_classes():
    model = neuron("sigmoid", "bce", ("no", "yes"), Task.TWO_CLASSES)
    z = np.array([-1000.0, 0.0, math.log(3)])
    assert model.says_probabilities
    np.testing.assert_allclose(model.probabilities(z), [[1, 0], [0.5, 0.5], [0.25, 0.75]], rtol=1e-15)
    assert model.predicted(z).tolist() == [0, 1, 1]
    assert log_odds(z).tolist() == [[1000, -1000], [0, 0], [-math.log(3), math.log(3)]]
    table = model.measure_z(z, np.array([0, 1, 0]))
    assert table["confusion"] == [[1, 1], [0, 1]]
    assert table["per_class"]["yes"]["precision"] == 0.5


def test_a_hinge_has_no_probabilities_and_its_boundary_at_0():
    model = neuron("identity", "hinge", ("no", "yes"), Task.TWO_CLASSES)
    assert (model.says_probabilities, model.boundary) == (False, 0)
    assert model.predicted(np.array([-0.1, 0.0, 0.2])).tolist() == [0, 1, 1]
    assert model.target(np.array([0, 1])).tolist() == [-1, 1]


def test_softmax():
    w = np.array([[1.0, 0.0, -1.0], [0.0, 2.0, 1.0]])
    made = preparation(Task.CLASSES, ("a", "b", "c"))
    model = Model("softmax", None, "cce", 0.5, w, np.array([0.0, 0.0, 1.0]), made)
    z = model.z(X)
    np.testing.assert_array_equal(z, [[1, 4, 2], [-1, 1, 2.5], [0, 8, 5]])
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.output(z), p, rtol=1e-14)
    np.testing.assert_allclose(log_odds(z), np.log(p / (1 - p)), rtol=1e-12)
    assert model.total_loss(z, np.array([1, 2, 0])) == pytest.approx(-np.log(p[[0, 1, 2], [1, 2, 0]]).sum(), rel=1e-14)
    assert model.kind == "softmax"


ONE_NUMBER = [name for name, row in LOSSES.items() if row.task is Task.REGRESSION]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ONE_NUMBER)
def test_no_constant_is_better_than_the_best(loss, weighted):
    y = np.array([0.0, 1.0, 5.0, 2.0, 2.5])
    weights = np.array([1.0, 3.0, 0.5, 0.25, 0.25]) if weighted else None
    row = LOSSES[loss]

    def mean_loss(c):
        return np.average([float(row.term(v, c)) for v in y], weights=weights)

    least = minimize_scalar(mean_loss, bounds=(0.01, 6), method="bounded", options={"xatol": 1e-10}).fun
    assert best_constant_loss(loss, y, None, weights) == pytest.approx(least, rel=1e-7)


def test_the_best_constant_of_classes_is_their_shares():
    y = np.array([0, 0, 0, 1])
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert best_constant_loss("bce", y, 2) == pytest.approx(entropy, rel=1e-15)
    assert best_constant_loss("cce", np.array([0, 1, 2, 2]), 3) == pytest.approx(1.5 * math.log(2), rel=1e-15)
    assert best_constant_loss("mse", np.array([0, 1, 2, 2]), 3) == pytest.approx(1 - 2 / 16 - 1 / 4, rel=1e-15)
