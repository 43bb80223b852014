"""Scores of a table: block by block the same bits as at once, for commands and from Python."""

import numpy as np
import pytest

import bpcli
from bpcli.api import models, predictions
from bpcli.datasets import large
from bpcli.datasets.readers import delimited
from bpcli.datasets.reading import read_files
from bpcli.training import model as model_of
from bpcli.training.run import load_model

CONFIG = """
model: {{type: {type}, activation: {activation}}}
loss: {loss}
training: {{learning_rate: 0.1, epochs: 5}}
data: {{path: {path}, target: {target}, exclude: [{other}], missing: {{b: mean}}}}
"""
MODELS = [
    ("neuron", "sigmoid", "bce", "label"),
    ("neuron", "identity", "mse", "y"),
    ("softmax", "null", "cce", "label"),
]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    X = np.random.default_rng(3).normal(size=(500, 3)).tolist()
    cells = [[a, "" if k == 70 else b, "yes" if a > 0 else "no", a + c] for k, (a, b, c) in enumerate(X)]
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_text("\n".join(["a,b,label,y", *(",".join(map(str, row)) for row in cells)]) + "\n")
    return path


@pytest.fixture(params=MODELS, ids="-".join)
def run(request, table, tmp_path):
    kind, activation, loss, target = request.param
    other = {"label": "y", "y": "label"}[target]
    config = tmp_path / "c.yaml"
    config.write_text(
        CONFIG.format(type=kind, activation=activation, loss=loss, path=table, target=target, other=other)
    )
    bpcli.train(config, output=tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def little_memory(monkeypatch):
    """A function after whose call every file counts as large, and none may be read whole."""

    def refused(*given, **named):
        raise MemoryError

    def begin():
        monkeypatch.setattr(large, "available_memory", lambda: 0)
        monkeypatch.setattr(delimited, "_BLOCK", 2000)
        monkeypatch.setattr(model_of, "BLOCK", 64)
        for module in (predictions, models):
            monkeypatch.setattr(module, "read_files", refused)

    return begin


def test_a_large_file_gives_the_bits_of_the_whole(run, table, little_memory, monkeypatch):
    model = load_model(run)
    whole = predictions.scores(model, read_files(model.files(table)))
    little_memory()
    found = predictions.scores(model, table)
    assert found.z.tobytes() == whole.z.tobytes()
    assert found.y.tolist() == whole.y.tolist()
    assert found.remarks == whole.remarks
    assert len(found.y) == 500


def test_from_python_a_large_file_is_read_by_blocks(run, table, little_memory):
    trained = bpcli.load(run)
    with pytest.warns(bpcli.DataWarning):
        measured, predicted = trained.evaluate(table), trained.predict(table)
    little_memory()
    with pytest.warns(bpcli.DataWarning):
        again = trained.evaluate(str(table)), trained.predict(table)
    assert again[0] == measured
    assert again[1].tolist() == predicted.tolist()


def test_columns_of_predictions_have_names(run):
    model = load_model(run)
    z = np.zeros((2, len(model.b))) if model.b.ndim else np.zeros(2)
    assert len(predictions.predictions(model, z)) == len(predictions.prediction_names(model))
