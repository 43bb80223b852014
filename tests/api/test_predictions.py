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


READERS = [  # of the rows of a run, and of a file that may hold them
    ("evaluate", "{run}", "{data}"),
    ("report", "{run}", "{data}", "--output", "{out}.html"),
    ("evaluate", "{run}"),
    ("evaluate", "{run}", "--split", "train"),
    ("report", "{run}", "--output", "{out}.html"),
    ("backprop", "{run}", "--row", "2"),
    ("inspect", "{run}", "--stats"),
    ("compare", "{run}", "{run}", "--split", "validation"),
    ("plot", "{run}", "--output", "{out}.svg"),
    ("plot", "{run}", "--show", "roc", "--folds", "3", "--output", "{out}.svg"),
]
CHANGES = {
    "a value": lambda lines: [lines[0], *(line.replace("3,", "4,") for line in lines[1:])],
    "a target": lambda lines: [*lines[:5], lines[5].translate(str.maketrans("yn", "ny")), *lines[6:]],
    "a row more": lambda lines: [*lines, *lines[1:8]],
    "a row less": lambda lines: lines[:-4],
    "the order": lambda lines: [lines[0], *reversed(lines[1:])],
    "as they were": lambda lines: [lines[0], *(line.replace(",", ".0,", 1) for line in lines[1:])],
}


@pytest.fixture(scope="module")
def of_a_file(tmp_path_factory):
    here = tmp_path_factory.mktemp("changed")
    x = [int(v) for v in np.random.default_rng(2).integers(0, 50, 80)]
    lines = ["x,label", *(f"{v},{'ny'[v * v % 13 > 5]}" for v in x)]
    lines[3:9] = [f"33,{c}" for c in "ynnyyn"]
    (here / "d.csv").write_text("\n".join(lines) + "\n")
    training = {"optimizer": "newton"}
    data = {"path": str(here / "d.csv"), "target": "label", "validation": 0.25}
    config = {"model": {"type": "neuron", "activation": "sigmoid"}, "loss": "bce", "training": training, "data": data}
    bpcli.train(config, output=here / "run")
    return here, lines


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_whatever_reads_the_rows_of_a_run_tells_if_they_have_changed(of_a_file, tmp_path, words, change, request):
    call = request.getfixturevalue("bpcli")
    here, lines = of_a_file
    (here / "d.csv").write_text("\n".join(CHANGES[change](lines)) + "\n")
    names = {"run": here / "run", "data": here / "d.csv", "out": tmp_path / "out"}
    result = call(*(word.format(**names) for word in words))
    on_data = "{data}" in words
    told = result.err + ((tmp_path / "out.html").read_text() if words[0] == "report" and not result.code else "")
    changed = "not as it was then: " if on_data else "the data has changed since the training: "
    assert (changed in told) == (change != "as they were"), told
    assert ("has the rows that the model was trained on" in told) == (on_data and change == "as they were"), told
    assert result.code == (0 if on_data or words[0] == "report" or change == "as they were" else 3), told


def test_a_file_that_can_not_be_compared_is_not_said_to_be_the_trained_one(of_a_file, request):
    here, lines = of_a_file
    call = request.getfixturevalue("bpcli")
    (here / "d.csv").write_text("\n".join([lines[0], *(line for line in lines[1:] if line.endswith("y"))]) + "\n")
    result = call("evaluate", here / "run", here / "d.csv")
    assert result.code == 0
    assert "is a file that the model was trained on, and not as it was then" in result.err
    assert "has the rows" not in result.err
