"""Weights of classes and samples: a weight of 2 is the row twice; balanced by hand; each mistake with its place."""

import json

import numpy as np
import pytest

from bpcli.datasets.preparation.weights import class_weights, sample_weights
from bpcli.errors import UsageError
from bpcli.formulas.layers import pairs
from bpcli.formulas.steps import make_step
from bpcli.training.descent.batches import Descent
from bpcli.training.descent.loop import descend_epochs
from bpcli.training.descent.state import State
from bpcli.training.model import best_constant_loss

RNG = np.random.default_rng(8)
X = RNG.normal(size=(40, 3))
TIMES = RNG.integers(1, 4, 40)


@pytest.mark.parametrize("batch_size", [40, 7])
@pytest.mark.parametrize(("model", "activation", "loss"), pairs())
def test_a_weight_of_2_is_the_row_twice(model, activation, loss, batch_size):
    """Over the whole data in one batch; and in small ones, the sum of the steps' gradients at a tiny α."""
    K = 3 if model == "softmax" else 0
    y = RNG.integers(0, K, 40) if K else (RNG.integers(0, 2, 40).astype(float) if loss == "bce" else X @ [1, -1, 0.5])
    weights = TIMES / TIMES.mean()
    repeated = np.repeat(np.arange(40), TIMES)

    def trained(X_, y_, size, weights_, rate, epochs):
        state = State(np.full((3, K) if K else 3, 0.1), np.zeros(K) if K else np.zeros(()))
        step = make_step(model, activation, loss, size, state.b.shape, np.dtype(float))
        keywords = {"learning_rate": rate, "batch_size": size, "epochs": epochs, "rng": None, "weights": weights_}
        *_, last = descend_epochs(Descent(X_, y_, step, **keywords), state)
        return state, last

    if batch_size == 40:
        given, last = trained(X, y, 40, weights, 0.1, 5)
        twice, expected = trained(X[repeated], y[repeated], len(repeated), None, 0.1, 5)
        tolerance = 1e-12
    else:
        given, last = trained(X, y, 8, weights, 1e-9, 1)
        twice, expected = trained(X[repeated], y[repeated], len(repeated), None, 5e-9, 1)
        tolerance = 1e-6
    np.testing.assert_allclose(given.w - 0.1, twice.w - 0.1, rtol=tolerance * 10, atol=tolerance * 1e-9)
    np.testing.assert_allclose(given.b, twice.b, rtol=tolerance * 10, atol=tolerance * 1e-9)
    assert last.loss == pytest.approx(expected.loss, rel=tolerance)


@pytest.mark.parametrize(("loss", "classes"), [("mse", None), ("mse", 3), ("cce", 3)])
def test_the_best_constant_of_weighted_rows_is_that_of_the_rows_repeated(loss, classes):
    y = RNG.integers(0, 3, 40) if classes else RNG.normal(size=40)
    expected = best_constant_loss(loss, np.repeat(y, TIMES), classes)
    assert best_constant_loss(loss, y, classes, TIMES / TIMES.mean()) == pytest.approx(expected, rel=1e-12)


def test_balanced_by_hand():
    y = np.array([0, 0, 0, 1])
    assert class_weights("balanced", ("a", "b"), y).tolist() == [4 / 6, 4 / 2]
    assert class_weights("balanced", ("a", "b"), y, np.array([1.0, 1, 1, 3])).tolist() == [1, 1]
    assert class_weights({"b": 3.0}, ("a", "b"), y).tolist() == [1, 3]
    assert class_weights({"1": 3.0}, (0.0, 1.0), y).tolist() == [1, 3]
    assert class_weights({"1.0": 3.0}, (0.0, 1.0), y).tolist() == [1, 3]
    assert sample_weights(y, None, None) is None
    assert sample_weights(y, None, np.array([1.0, 3.0])).tolist() == pytest.approx([4 / 6, 4 / 6, 4 / 6, 2])
    assert sample_weights(y, np.array([1e300, 1e300, 1e300, 0]), None).tolist() == pytest.approx([4 / 3] * 3 + [0])
    with pytest.raises(UsageError, match=r"no class c") as error:
        class_weights({"c": 1.0}, ("a", "b"), y)
    assert "the classes are a, b" in str(error.value.hint)


CONFIG = """
model: {{type: neuron, activation: sigmoid}}
loss: bce
training: {{learning_rate: 0.1, epochs: 200, batch_size: full, {training}}}
data: {{path: rows.csv, target: label, {data}}}
output: {output}
"""


def write(tmp_path, training="seed: 0", data="exclude: []", weights=None, name="run"):
    rng = np.random.default_rng(3)
    x = rng.normal(size=200)
    label = np.where(x + rng.normal(size=200) > 1.5, "rare", "common")
    weights = np.where(label == "rare", 4, 1) if weights is None else weights
    lines = [f"{a},{w},{c}" for a, w, c in zip(x.tolist(), np.asarray(weights).tolist(), label, strict=True)]
    (tmp_path / "rows.csv").write_text("\n".join(["x,times,label", *lines]) + "\n")
    config = tmp_path / f"{name}.yaml"
    config.write_text(CONFIG.format(training=training, data=data, output=tmp_path / name))
    return config


def test_a_column_of_weights_and_weights_of_classes_are_one_thing(bpcli, tmp_path):
    by_row = write(tmp_path, data="weight: times", name="row")
    by_class = write(tmp_path, training="class_weight: {rare: 4}", data="exclude: [times]", name="class")
    done = [bpcli("train", config, "--format", "json").json[-1] for config in (by_row, by_class)]
    with np.load(tmp_path / "row/model.npz") as a, np.load(tmp_path / "class/model.npz") as b:
        assert a["w"].tobytes() == b["w"].tobytes()
        assert a["w"].shape == (1,)
    assert done[0]["weighted"] == done[1]["weighted"]
    assert done[0]["weighted"]["loss"] < done[0]["weighted"]["best_constant_loss"]


def test_balanced_finds_more_of_the_rare(bpcli, tmp_path):
    plain = write(tmp_path, data="exclude: [times]", name="plain")
    balanced = write(tmp_path, training="class_weight: balanced", data="exclude: [times]", name="balanced")
    recall = [
        bpcli("train", config, "--format", "json").json[-1]["train"]["per_class"]["rare"]["recall"]
        for config in (plain, balanced)
    ]
    assert recall[1] > recall[0] + 0.2
    result = bpcli("train", balanced, "--force", "--quiet")
    assert result.code == 0
    assert "train, weighted" in result.out
    assert "best constant, weighted" in result.out
    assert "class weights: common 0.6" in result.err
    assert "no better" not in result.err  # beside the weighted constant, whatever the plain loss is
    assert json.loads((tmp_path / "balanced/summary.json").read_text())["weighted"]["loss"] < np.log(2)


@pytest.mark.parametrize(
    ("training", "data", "weights", "code", "message"),
    [
        ("class_weight: {rar: 2}", "exclude: []", None, 2, "no class rar\nhint: did you mean rare?"),
        ("class_weight: balance", "exclude: []", None, 2, "did you mean balanced?"),
        ("class_weight: {rare: 0}", "exclude: []", None, 2, "greater than 0"),
        ("class_weight: {rare: 1, rare: 2}", "exclude: []", None, 2, "each name once"),
        ("seed: 0", "weight: tines", None, 2, "did you mean times?"),
        ("seed: 0", "weight: label", None, 2, "label is the target"),
        ("seed: 0", "weight: times, features: [x, times]", None, 2, "times is data.weight, and no feature"),
        ("seed: 0", "weight: times", [1] * 9 + [-1] * 191, 3, "rows.csv:11: column times: the weight is -1"),
        ("seed: 0", "weight: times", [1] * 9 + [""] * 191, 3, "rows.csv:11: column times: the weight is missing"),
        ("seed: 0", "weight: times", [1] * 9 + ["much"] * 191, 3, "rows.csv:11: column times: 'much' is not a number"),
        ("seed: 0", "weight: times", [0] * 200, 3, "every training row has the weight 0"),
    ],
)
def test_mistakes(bpcli, tmp_path, training, data, weights, code, message):
    result = bpcli("train", write(tmp_path, training, data, weights))
    assert result.code == code
    assert message.split("\n")[0] in result.err
    assert message.split("hint: ")[-1] in result.err


def test_a_regression_has_no_classes(bpcli, root):
    config = root / "configs/diabetes.yaml"
    result = bpcli("validate", config, "--set", "training.class_weight=balanced")
    assert result.code == 2
    assert "a regression has no classes" in result.err


def test_going_on_with_other_weights_is_refused(bpcli, tmp_path):
    config = write(tmp_path, data="weight: times")
    assert bpcli("train", config, "--quiet").code == 0
    write(tmp_path, data="weight: times", weights=np.arange(1, 201))
    result = bpcli("train", config, "--resume", "--set", "training.epochs=300")
    assert result.code == 3
    assert "do not hold the same values" in result.err
