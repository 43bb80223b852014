"""Shares of z that add up to it, and intervals by the delta method, against statsmodels and one worked by hand."""

import numpy as np
import pytest

from bpcli.api.explanations import interval_names, intervals, share_names, shares
from bpcli.api.models import train
from bpcli.errors import UsageError
from bpcli.training.run import load_model

KINDS = {
    "linear": {"model": {"type": "neuron"}, "loss": "mse", "target": "progression", "features": ["age", "bmi", "bp"]},
    "logistic": {
        "model": {"type": "neuron", "activation": "sigmoid"},
        "loss": "bce",
        "target": "diagnosis",
        "features": ["mean_radius", "mean_texture"],
    },
    "multinomial": {"model": {"type": "softmax"}, "loss": "cce", "target": "species", "features": ["sepal_length"]},
}
FILES = {"linear": "diabetes", "logistic": "breast_cancer", "multinomial": "iris"}


def trained(root, folder, kind, **training):
    given = KINDS[kind]
    data = {"path": str(root / f"data/{FILES[kind]}.csv"), "target": given["target"], "features": given["features"]}
    train(
        {
            "model": given["model"],
            "loss": given["loss"],
            "training": training or {"optimizer": "newton"},
            "data": {**data, "standardize": True},
        },
        output=folder,
    )
    return load_model(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_shares_add_up_to_z(root, tmp_path, kind):
    model = trained(root, tmp_path / "run", kind, learning_rate=0.1, epochs=20)
    X = np.random.default_rng(0).normal(size=(5, len(model.w)))
    found = np.array(shares(model)(X, model.z(X))).T
    assert found.shape[1] == len(share_names(model))
    z = found.reshape(5, -1, len(model.w) + 1).sum(axis=2).reshape(model.z(X).shape)
    np.testing.assert_allclose(z, model.z(X), rtol=1e-12, atol=1e-12)
    with pytest.raises(UsageError, match="optimizer: newton"):
        intervals(model, 0.95)


def test_intervals_are_those_of_statsmodels(root, tmp_path):
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(1)
    model = trained(root, tmp_path / "linear", "linear")
    names = list(model.preparation.feature_names)
    table = np.genfromtxt(root / "data/diabetes.csv", delimiter=",", names=True)
    design = np.column_stack([table[n] for n in names])
    X = (design - model.preparation.mean) / np.array(model.preparation.scale)
    theirs = sm.OLS(table["progression"], sm.add_constant(X)).fit()
    new = rng.normal(size=(6, 3))
    expected = theirs.get_prediction(sm.add_constant(new)).conf_int(alpha=0.1)
    np.testing.assert_allclose(np.array(intervals(model, 0.9)(new, model.z(new))).T, expected, rtol=1e-8)

    model = trained(root, tmp_path / "logistic", "logistic")
    text = np.genfromtxt(root / "data/breast_cancer.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    design = np.column_stack([text[n] for n in model.preparation.feature_names])
    X = (design - model.preparation.mean) / np.array(model.preparation.scale)
    y = (text["diagnosis"] == str(model.classes[1])).astype(float)
    logit = sm.GLM(y, sm.add_constant(X), sm.families.Binomial()).fit(tol=1e-14)
    new = rng.normal(size=(6, 2))
    expected = logit.get_prediction(sm.add_constant(new)).conf_int()
    found = np.array(intervals(model, 0.95)(new, model.z(new))).T
    np.testing.assert_allclose(found[:, 2:], expected, rtol=1e-8)
    np.testing.assert_allclose(found[:, :2], 1 - expected[:, ::-1], rtol=1e-6)


def test_intervals_of_several_classes_are_the_delta_method_on_the_logits(root, tmp_path):
    model = trained(root, tmp_path / "run", "multinomial")
    V, new = model.uncertainty.covariance, np.array([[-1.3], [0.2], [2.0]])
    found = np.array(intervals(model, 0.95)(new, model.z(new))).T.reshape(3, 3, 2)
    assert interval_names(model) == [("setosa",), ("versicolor",), ("virginica",)]
    theta = np.append(model.w.ravel(), model.b)

    def odds(theta, x):
        p = np.exp(x[0] * theta[:3] + theta[3:])
        p /= p.sum()
        return np.log(p / (1 - p))

    for i, x in enumerate(new):
        h = 1e-5
        g = np.stack([(odds(theta + h * e, x) - odds(theta - h * e, x)) / (2 * h) for e in np.eye(6)], axis=1)
        error = 1.959963984540054 * np.sqrt(np.einsum("kp,pq,kq->k", g, V, g))
        middle = odds(theta, x)
        for k, end in enumerate((-1, 1)):
            np.testing.assert_allclose(found[i, :, k], 1 / (1 + np.exp(-(middle + end * error))), rtol=1e-6)


def test_the_command_names_them(bpcli, root, tmp_path):
    trained(root, tmp_path / "run", "multinomial")
    command = ["predict", tmp_path / "run", root / "data/iris.csv", "--explain", "--interval", "0.95"]
    header, *_ = bpcli(*command).lines
    assert header.split(",")[4:7] == ["low(setosa)", "high(setosa)", "low(versicolor)"]
    assert '"wx(setosa,sepal_length)","wx(setosa,bias)"' in header
    record, *_ = bpcli(*command, "--format", "json").json
    low, high = record["interval"]["setosa"]
    assert low < record["p(setosa)"] < high
    assert [*record["explain"]["virginica"]] == ["sepal_length", "bias"]
    assert bpcli(*command[:3], "--interval", "95").code == 2
