"""`evaluate`: the loss and the metrics of rows, worked from the predictions that `predict` prints."""

import csv
import io
import math

import pytest


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    from bpcli.commands import run as command

    folder = tmp_path_factory.mktemp("runs") / "iris"
    assert command(["train", str(root / "configs/iris.yaml"), "--output", str(folder), "--quiet"]) == 0
    return folder


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
