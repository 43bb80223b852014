"""A chain as a record: the shapes of its matrices, and denominator layout as the transpose of each Jacobian."""

import numpy as np
import pytest

from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.losses import LOSSES
from bpcli.lecture.neuron_chain import neuron_chain
from bpcli.lecture.softmax_chain import softmax_chain

X, Y = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]]), np.array([1.0, 0.0, 1.0])
NEURON = neuron_chain(X, np.array([0.3, -0.2]), 0.1, Y, ACTIVATIONS["sigmoid"], LOSSES["bce"], 0.5)
SOFTMAX = softmax_chain(X, np.ones((2, 2)), np.zeros(2), np.eye(2)[[0, 1, 0]], LOSSES["cce"], 0.5)


@pytest.mark.parametrize("chain", [NEURON, SOFTMAX])
def test_denominator_layout_transposes_each_jacobian_and_back(chain):
    turned = chain.in_denominator_layout()
    assert turned.in_columns
    for name, quantity in chain.quantities.items():
        other = turned.quantities[name]
        expected = np.swapaxes(quantity.value, -1, -2) if name.startswith("d") else quantity.value
        np.testing.assert_array_equal(other.value, expected)
    back = turned.in_denominator_layout()
    assert [q.formula for q in back.quantities.values()] == [q.formula for q in chain.quantities.values()]
    assert turned.quantities["dJ_dw"].formula != chain.quantities["dJ_dw"].formula  # the factors change places


def test_shapes_are_those_of_the_matrices_of_each_sample():
    shapes = {name: quantity.shape for name, quantity in NEURON.quantities.items()}
    assert shapes["dJ_da"] == "1×3"
    assert shapes["dz_dx"] == "3 × (1×2)"
    assert NEURON.mean.value.tolist() == [[1 / 3] * 3]
    assert SOFTMAX.quantities["dJ_dw"].shape == "1×4"


def test_the_losses_of_the_samples_have_j_as_their_mean():
    for chain in (NEURON, SOFTMAX):
        assert chain.losses().value.mean() == pytest.approx(chain.quantities["J"].value.item(), rel=1e-14)


def test_the_first_quantity_that_is_not_finite_is_named():
    with np.errstate(all="ignore"):
        chain = neuron_chain(np.array([[1e308]]), np.array([1e308]), 0.0, Y[:1], ACTIVATIONS["identity"], LOSSES["mse"])
    assert chain.not_finite.name == "z"
    assert NEURON.not_finite is None
