"""The output layers: which activations and losses go together, and a loss after an activation by its definition."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from witness import mp

from bpcli.calculus.checks.differences import difference_quotients
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Task
from bpcli.formulas.layers import (
    LAYERS,
    USUAL,
    less_label,
    of_z,
    pairs,
    pairs_in_words,
    refusal,
    settings_in_words,
    task_of,
)
from bpcli.formulas.losses import LOSSES

PAIRS = pairs()
ONE_OUTPUT = [(g, loss) for layer, g, loss in PAIRS if not LAYERS[layer].per_class]


def test_the_pairs_of_the_lecture_go_together():
    for layer, g, loss in [
        *(("neuron", g, "mse") for g in ("identity", "sigmoid", "tanh", "relu")),
        ("neuron", "sigmoid", "bce"),
        ("softmax", None, "cce"),
        ("softmax", None, "mse"),
        ("neuron", "identity", "hinge"),
        ("neuron", "exp", "poisson"),
        ("neuron", "softplus", "poisson"),
    ]:
        assert (layer, g, loss) in PAIRS


@pytest.mark.parametrize(
    ("layer", "g", "loss", "words"),
    [
        ("neuron", "relu", "bce", "takes the logarithm"),
        ("neuron", "identity", "poisson", "takes the logarithm"),
        ("neuron", "sigmoid", "cce", "a probability for each class"),
        ("softmax", None, "bce", "is for one output"),
        ("softmax", "sigmoid", "cce", "is itself the activation"),
        ("neuron", "tanh", "hinge", "identity"),
    ],
)
def test_others_are_refused_with_the_reason(layer, g, loss, words):
    assert words in refusal(layer, g, loss)
    assert (layer, g, loss) not in PAIRS


@pytest.mark.parametrize("pair", PAIRS)
def test_what_goes_together_has_outputs_in_the_domain_of_the_loss(pair):
    layer, g, loss = pair
    assert refusal(*pair) == ""
    if g is not None:
        assert ACTIVATIONS[g].range.within(LOSSES[loss].domain)
    assert task_of(layer, loss) is (Task.CLASSES if LAYERS[layer].per_class else LOSSES[loss].task)
    assert loss in pairs_in_words()


def test_the_usual_model_of_a_task_is_one_of_that_task():
    for task, (layer, g, loss) in USUAL.items():
        assert (layer, g, loss) in PAIRS
        assert task_of(layer, loss) is task


@pytest.mark.parametrize(("g", "loss"), ONE_OUTPUT)
@given(st.floats(-3, 3), st.sampled_from([0.0, 1.0]))
def test_a_loss_of_z_is_the_loss_of_the_output_and_its_slope_a_difference_quotient(g, loss, z, label):
    assume(all(abs(z - kink.at) > 0.02 for kink in ACTIVATIONS[g].kinks()))
    row = LOSSES[loss]
    y = float(row.encode(label))
    assume(all(abs(ACTIVATIONS[g].value(z) - kink.at) > 0.02 for kink in row.kinks(y)))
    term, slope = of_z(ACTIVATIONS[g], row)
    assert float(term(y, z)) == pytest.approx(float(row.term(y, ACTIVATIONS[g].value(z))), rel=1e-9, abs=1e-12)
    (estimate,) = difference_quotients(lambda v: [float(term(y, v))], z)
    assert float(slope(y, z)) == pytest.approx(estimate.value, rel=1e-6, abs=1e-7)


@given(st.floats(-10, 10), st.floats(-10, 10))
def test_a_difference_to_a_label_keeps_the_digits_of_the_pair(a, low_share):
    low = low_share * 1e-18
    assert less_label((1.0, low), 1.0) == low
    found = less_label((a, 0.0), 0.25)
    assert abs(mp.mpf(found) - (mp.mpf(a) - mp.mpf(0.25))) <= mp.mpf(2) ** -53 * abs(mp.mpf(a) - mp.mpf(0.25))


def test_settings_in_words():
    assert settings_in_words(None) == ""
    assert settings_in_words("relu") == "relu"
    assert settings_in_words({"name": "leaky_relu", "slope": 0.05}) == "leaky_relu (slope 0.05)"
