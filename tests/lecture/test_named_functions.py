"""The rows of `NAMED`: shapes, products that agree with the matrix, digits at the extremes, and every wrong input."""

import math

import numpy as np
import pytest
import witness
from hypothesis import example, given
from hypothesis import strategies as st
from witness import assert_within, exact, mp

from bpcli.errors import UsageError
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Task
from bpcli.formulas.losses import LOSSES
from bpcli.lecture.inputs import INPUTS, fused_names
from bpcli.lecture.named_functions import NAMED

RNG = np.random.default_rng(37)
FINITE = st.floats(allow_nan=False, allow_infinity=False)

MATRICES = {
    "softmax": {"logits": [0.5, -1.0, 2.0]},
    "log_softmax": {"logits": [0.5, -1.0, 2.0]},
    "dot": {"u": [1.0, 2.0, 3.0], "v": [0.5, -1.0, 4.0]},
    "affine": {"x": [1.0, -2.0], "w": [[0.5, 1.0, 3.0], [2.0, -1.0, 0.25]], "b": [0.1, 0.2, 0.3]},
    "neuron": {"x": [1.0, -2.0], "w": [0.5, 0.75], "b": 0.1, "activation": "tanh"},
}


def point(name):
    """Inputs of a function, off its kinks, from what its row says of labels and outputs."""
    if name in MATRICES:
        return MATRICES[name]
    g, row = fused_names().get(name, (None, LOSSES.get(name)))
    if row is None:
        return {"z": [0.5, -1.25, 2.0]}
    if row.task is Task.CLASSES:
        block, values = ("yhat", [[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]), ("logits", [[0.5, 1.0, -2.0], [0.0, 0.0, 3.0]])
        return {**dict([block if g is None else values]), "label": [0, 2]}
    low, high = max(row.labels.low, 0.0), min(row.labels.high, 3.0)
    y = [row.encoding[1], row.encoding[0], row.encoding[1]] if row.encoding else [low, (low + high) / 2, high]
    if g is not None:
        return {"z": [0.5, -3.0, 40.0], "y": y}
    return {"y": y, "yhat": [0.5, 0.25, 0.9] if math.isfinite(row.domain.high) else [0.5, 0.25, 2.5]}


pytestmark = pytest.mark.usefixtures("quiet")


def test_every_name_has_a_row_and_its_inputs():
    assert set(NAMED) == set(INPUTS)
    for name, row in NAMED.items():
        assert set(row.blocks) <= set(INPUTS[name])


def moved(inputs, row, direction, h):
    """The inputs, each block moved by h times its part of the direction."""
    result, at = dict(inputs), 0
    for block in row.blocks:
        size = inputs[block].size
        result[block] = inputs[block] + h * direction[at : at + size].reshape(inputs[block].shape)
        at += size
    return result


@pytest.mark.parametrize("name", NAMED)
def test_jacobian_products_and_difference_quotient_agree(name):
    row = NAMED[name]
    inputs = row.check(point(name))
    value = np.atleast_1d(row.value(inputs))
    jacobian = row.jacobian(inputs)
    assert list(jacobian) == list(row.blocks)
    for block in row.blocks:
        assert jacobian[block].shape == (value.size, inputs[block].size)
    whole = np.concatenate(list(jacobian.values()), axis=1)
    v, t = RNG.normal(size=value.size), RNG.normal(size=whole.shape[1])
    vjp = row.vjp(inputs, v)
    for block in row.blocks:
        np.testing.assert_allclose(vjp[block].ravel(), v @ jacobian[block], rtol=1e-12, atol=1e-15)
        assert vjp[block].shape in (inputs[block].shape, (inputs[block].size,))
    np.testing.assert_allclose(np.atleast_1d(row.jvp(inputs, t)), whole @ t, rtol=1e-12, atol=1e-15)
    h = 1e-5
    ahead, behind = (np.atleast_1d(row.value(moved(inputs, row, t, step))) for step in (h, -h))
    np.testing.assert_allclose((ahead - behind) / (2 * h), whole @ t, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in NAMED if name not in ("relu", "neuron")])
def test_rows_work_on_other_numbers_than_doubles(name):
    row = NAMED[name]
    inputs = row.check(point(name))
    others = {key: exact(value) if isinstance(value, np.ndarray) else value for key, value in inputs.items()}
    np.testing.assert_allclose(np.array(row.value(others), float), row.value(inputs), rtol=1e-15)
    for block, matrix in row.jacobian(inputs).items():
        np.testing.assert_allclose(np.array(row.jacobian(others)[block], float), matrix, rtol=1e-15)


# The neuron


def exact_neuron(x, w, b, activation):
    """a and ∂a/∂z in exact numbers."""
    z = mp.fsum(mp.mpf(p) * mp.mpf(q) for p, q in zip(x, w, strict=True)) + mp.mpf(b)
    settings = {name: mp.mpf(setting.default) for name, setting in ACTIVATIONS[activation].settings.items()}
    return witness.ACTIVATIONS[activation](z, **settings)


def check_neuron(x, w, b, activation):
    inputs = NAMED["neuron"].check({"x": x, "w": w, "b": b, "activation": activation})
    a, slope = exact_neuron(x, w, b, activation)
    info = (x, w, b, activation)
    assert_within(4, NAMED["neuron"].value(inputs), a, info)
    jacobian = NAMED["neuron"].jacobian(inputs)
    assert_within(4, jacobian["x"], [slope * mp.mpf(v) for v in w], info)
    assert_within(4, jacobian["w"], [slope * mp.mpf(v) for v in x], info)
    assert_within(4, jacobian["b"], slope, info)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("cancel", [0, 20, 40])
def test_a_neuron_whose_terms_cancel_keeps_its_digits(activation, cancel):
    for size in (1.0, 30.0, 700.0):
        x, w = RNG.normal(size=5), RNG.normal(size=5)
        large = 2.0**cancel * size
        for sign in (1, -1):
            check_neuron([*x.tolist(), large, 1.0], [*w.tolist(), 1.0, -large + sign * size], 0.7, activation)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=2), FINITE)
@example([(5e-276, -7e-148)], 0.0)  # z < 0 is less than any double
@example([(1e300, -1e300)], 0.0)
@example([(0.0, 0.0)], 710.0)  # e^z is more than any double
def test_a_neuron_over_the_whole_of_the_doubles(activation, terms, b):
    x, w = (list(side) for side in zip(*terms, strict=True))
    sizes = [abs(mp.mpf(p) * mp.mpf(q)) for p, q in [*terms, (b, 1.0)]]
    z = mp.fsum(mp.mpf(p) * mp.mpf(q) for p, q in [*terms, (b, 1.0)])
    if z and max(sizes) * mp.mpf(2) ** -40 <= abs(z) < mp.mpf(2) ** 1023:
        check_neuron(x, w, b, activation)


def test_a_slope_too_small_for_a_double_counts_where_a_weight_is_large():
    row = NAMED["neuron"]
    inputs = row.check({"x": [1e300], "w": [-7.4e-298], "b": 0.0, "activation": "sigmoid"})
    z = mp.mpf(1e300) * mp.mpf(-7.4e-298)
    truth = mp.exp(z) / (1 + mp.exp(z)) ** 2
    assert_within(2, row.jacobian(inputs)["w"], truth * mp.mpf(1e300))
    assert_within(2, row.vjp(inputs, np.array([1e10]))["b"], truth * mp.mpf(1e10))
    assert_within(2, row.jvp(inputs, np.array([0.0, 1e10, 0.0])), truth * mp.mpf(1e300) * mp.mpf(1e10))


def test_affine_and_dot_are_summed_without_error():
    inputs = NAMED["affine"].check({"x": [1e16, 1.0, -1e16], "w": [[1.0, 2.0]] * 3, "b": [0.0, 0.5]})
    assert NAMED["affine"].value(inputs).tolist() == [1, 2.5]
    assert NAMED["affine"].vjp(inputs, np.array([1e16, -0.5e16]))["x"].tolist() == [0, 0, 0]
    assert NAMED["dot"].value({"u": np.array([1e16, 1.0]), "v": np.array([1.0, 1.0])}) == 1e16 + 1
    jvp = NAMED["dot"].jvp({"u": np.array([1e16, 1.0]), "v": np.array([-1e16, 1.0])}, np.array([1.0, 1, 1, 1]))
    assert jvp == 2


# Shapes, labels and mistakes


def test_a_vector_is_one_sample_and_its_gradient_a_vector():
    row = NAMED["softmax_cce"]
    inputs = row.check({"logits": [0.0, 0.0], "label": 0.0})
    assert inputs["y"].tolist() == [1, 0]
    assert row.vjp(inputs, np.array([2.0]))["logits"].tolist() == [-1, 1]
    matrix = row.check({"logits": [[0.0, 0.0], [0.0, 0.0]], "label": [0.0, 1.0]})
    assert row.jacobian(matrix)["logits"].tolist() == [[-0.25, 0.25, 0.25, -0.25]]
    assert row.vjp(matrix, np.array([1.0]))["logits"].shape == (2, 2)


def test_a_million_classes_take_linear_memory():
    logits = np.linspace(-5, 5, 1_000_000)
    softmax, cce = NAMED["softmax"], NAMED["softmax_cce"]
    v = np.ones(1_000_000)
    assert np.abs(softmax.vjp({"logits": logits}, v)["logits"]).max() == 0
    inputs = cce.check({"logits": logits, "label": 3})
    gradient = cce.jacobian(inputs)["logits"]
    assert gradient.shape == (1, 1_000_000)
    assert gradient[0, 3] == pytest.approx(-1, rel=1e-6)
    assert math.fsum(gradient[0].tolist()) == pytest.approx(0, abs=1e-14)
    with pytest.raises(UsageError, match="1000000 × 1000000 entries, 8 TB"):
        softmax.jacobian({"logits": logits})
