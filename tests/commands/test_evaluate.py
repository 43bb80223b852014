"""`evaluate`: the loss and the metrics of rows, worked from the predictions that `predict` prints."""

import csv
import io
import math

import pytest


@pytest.fixture
def run(iris_run):
    return iris_run


@pytest.fixture(scope="module")
def data(root):
    import yaml

    config = yaml.safe_load((root / "configs/iris.yaml").read_text())
    return (root / "configs" / config["data"]["path"]).resolve(), config["data"]["target"]


def test_the_loss_and_the_accuracy_are_those_of_the_predictions(bpcli, run, data):
    path, target = data
    (found,) = bpcli("evaluate", run, path, "--format", "json").json
    rows = list(csv.DictReader(io.StringIO(bpcli("predict", run, path, "--keep", target).out)))
    assert found["rows"] == len(rows) > 100
    loss = -math.fsum(math.log(float(row[f"p({row[target]})"])) for row in rows) / len(rows)
    assert found["loss"] == pytest.approx(loss, rel=1e-12)
    right = sum(row["prediction"] == row[target] for row in rows)
    assert found["accuracy"] == pytest.approx(right / len(rows), rel=1e-15)
    assert sum(map(sum, found["confusion"])) == len(rows)
    assert sum(found["confusion"][k][k] for k in range(len(found["confusion"]))) == right


def test_what_goes_wrong(bpcli, run, tmp_path):
    assert bpcli("evaluate", tmp_path / "none").code == 3
    assert bpcli("evaluate", run, tmp_path / "none.csv").code == 3
    assert bpcli("evaluate", run, "--split", "half").code == 2


@pytest.fixture
def cells(root, tmp_path, bpcli):
    """A run of two classes in a folder of its own, and its validation rows' target and probabilities."""
    folder = tmp_path / "cells"
    settings = ["--set", "data.validation=0.3", "--set", "training.epochs=20", "--set", "data.test=null"]
    assert bpcli("train", root / "configs/breast_cancer.yaml", *settings, "--output", folder, "--quiet").code == 0
    return folder


def test_without_data_the_validation_rows_are_taken(bpcli, cells, run):
    found = bpcli("evaluate", cells, "--format", "json")
    assert "validation rows" in found.err
    assert found.json == bpcli("evaluate", cells, "--split", "validation", "--format", "json").json
    assert found.json != bpcli("evaluate", cells, "--split", "train", "--format", "json").json


def test_a_file_that_was_trained_on_is_told(bpcli, run, data, tmp_path):
    path, _ = data
    assert "the rows that the model was trained on" in bpcli("evaluate", run, path).err
    other = tmp_path / "other.csv"
    other.write_bytes(path.read_bytes())
    assert "trained on" not in bpcli("evaluate", run, other).err


def test_a_threshold_by_cost_is_the_best_and_can_be_set(bpcli, cells):
    before = bpcli("inspect", cells, "--format", "json").json[0]
    (table,) = [record["thresholds"] for record in bpcli("evaluate", cells, "--thresholds", "--format", "json").json]
    least = min(5 * row["fn"] + row["fp"] for row in table)
    result = bpcli("evaluate", cells, "--threshold", "cost=5:1", "--set-threshold", "--format", "json")
    (found,) = result.json
    assert "is the best for cost=5:1 on these" in result.err
    (_, fp), (fn, _) = found["confusion"]
    assert 5 * fn + fp == least
    assert 0 < found["threshold"] < 1
    after = bpcli("inspect", cells, "--format", "json").json[0]
    assert after["model"]["threshold"] == found["threshold"] != 0.5
    assert after["weights"] == before["weights"]
    assert bpcli("evaluate", cells, "--format", "json").json == [found]
    assert bpcli("predict", cells, "data/none.csv").code == 3


def test_predict_takes_a_threshold_for_once(bpcli, cells, root):
    rows = csv.DictReader(
        io.StringIO(bpcli("predict", cells, root / "data/breast_cancer.csv", "--threshold", "0.9").out)
    )
    said = {(row["prediction"] == "malignant") == (float(row["p(malignant)"]) >= 0.9) for row in rows}
    assert said == {True}


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--threshold", "0"], 2, "between 0 and 1"),
        (["--threshold", "f2"], 2, "--threshold f2"),
        (["--threshold", "cost=1"], 2, "two positive numbers"),
        (["--set-threshold"], 2, "which is not given"),
        (["--fail-over", "auc=0.5"], 2, "--fail-under auc=0.5"),
        (["--fail-over", "loss=0"], 1, "loss is"),
        (["--fail-over", "rmse=1"], 2, "no such metric"),
        (["--fail-over", "loss=1e9"], 0, ""),
    ],
)
def test_what_a_threshold_and_a_limit_may_be(bpcli, cells, options, code, words):
    found = bpcli("evaluate", cells, *options)
    assert (found.code, words in found.err) == (code, True)


def test_a_model_without_two_classes_has_no_threshold(bpcli, run, data):
    for command in (["evaluate", run], ["predict", run, data[0]]):
        found = bpcli(*command, "--threshold", "0.5")
        assert (found.code, "error: --threshold decides between two classes" in found.err) == (2, True)
