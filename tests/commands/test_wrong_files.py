"""A wrong file is named for what it is, with the words to type instead."""

import struct

import numpy as np
import pytest


@pytest.fixture
def here(tmp_path, monkeypatch, bpcli, root):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for name in ("a.csv", "b.csv", "notes"):
        (tmp_path / "data" / name).write_text("x,y\n" + "".join(f"{k},{k % 2}\n" for k in range(20)))
    (tmp_path / "c.yaml").write_text(
        "model: {type: softmax}\nloss: cce\ntraining: {learning_rate: 0.1, epochs: 9}\n"
        "data: {path: data/a.csv, target: y, standardize: true}\noutput: run\n"
    )
    assert bpcli("train", "c.yaml").code == 0
    return tmp_path


ADDRESS = "https://example.org/d/a.csv"
WRONG = {
    "train data/a.csv": (2, "data/a.csv is a table, not a config", "bpcli init --data data/a.csv"),
    "validate data/a.csv": (2, "data/a.csv is a table, not a config", "bpcli init --data data/a.csv"),
    "train run": (3, "run is a run, not a config", "bpcli train run/config.yaml"),
    "train run/model.npz": (2, "run/model.npz is a model, not a config", "run/config.yaml"),
    "predict data/a.csv run": (
        3,
        "data/a.csv is a table, not a model",
        "bpcli predict run data/a.csv",
    ),
    "evaluate data/a.csv run": (
        3,
        "data/a.csv is a table, not a model",
        "bpcli evaluate run data/a.csv",
    ),
    "inspect c.yaml": (3, "c.yaml is a config, not a model", "bpcli inspect run"),
    "predict run run": (3, "run is a run folder, not a file", "the model comes first"),
    "predict run c.yaml": (3, "c.yaml is a config, not a table", ""),
    "predict run data": (3, "data is a folder, not a file", "data/*.csv"),
    "init --data data": (3, "data is a folder, not a file", "data/*.csv"),
    f"init --data {ADDRESS}": (3, f"{ADDRESS} is an address", f"curl -sO {ADDRESS}"),
    f"validate c.yaml --set data.path={ADDRESS}": (3, f"{ADDRESS} is an address", f"curl -LO {ADDRESS}"),
    f"predict {ADDRESS} data/a.csv": (3, f"{ADDRESS} is an address", f"curl -s {ADDRESS} | bpcli"),
    f"evaluate run {ADDRESS}": (3, f"{ADDRESS} is an address", f"curl -s {ADDRESS} | bpcli"),
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_file_is_told_by_what_it_is(bpcli, here, line):
    code, what, way = WRONG[line]
    result = bpcli(*line.split())
    assert (result.code, result.out) == (code, "")
    assert what in result.err
    assert way in result.err


def test_images_and_labels_exchanged(bpcli, here):
    X = np.arange(20 * 784, dtype=np.uint8).reshape(20, 28, 28)
    (here / "images-idx3-ubyte").write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, *X.shape) + X.tobytes())
    (here / "labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, 20) + bytes(k % 10 for k in range(20)))
    config = (here / "c.yaml").read_text()
    swapped = "path: labels-idx1-ubyte, target_path: images-idx3-ubyte"
    (here / "m.yaml").write_text(config.replace("path: data/a.csv", swapped).replace("output: run", "output: m"))
    result = bpcli("train", "m.yaml")
    assert result.code == 3
    assert "exchange the two files" in result.err
    assert len(result.err.replace(f"{here}/", "")) < 300
    for target in ([], ["--target", "y"]):
        result = bpcli("init", "--data", "labels-idx1-ubyte", "--target-path", "images-idx3-ubyte", *target)
        assert (result.code, result.out) == (3, "")
        assert "exchange the two files" in result.err
    right = "path: images-idx3-ubyte, target_path: labels-idx1-ubyte"
    (here / "m.yaml").write_text((here / "m.yaml").read_text().replace(swapped, right))
    assert bpcli("train", "m.yaml", "--set", "training.epochs=1").code in (0, 1)
    result = bpcli("predict", "m", "labels-idx1-ubyte")
    assert (result.code, result.out) == (3, "")
    assert "its only column is x1: is it the file of the target?" in result.err


def test_lists_are_capped_and_a_suggestion_stands_once(bpcli, here):
    names = [f"column{k}" for k in range(900)]
    (here / "wide.csv").write_text(
        ",".join([*names, "y"]) + "\n" + "\n".join([",".join(["1"] * 900 + [y]) for y in "01"])
    )
    config = (here / "c.yaml").read_text().replace("data/a.csv", "wide.csv")
    missing = "categorical: [kind, sort], exclude: [colum7, zzz], missing: {colum7: drop}"
    (here / "w.yaml").write_text(config.replace("standardize: true", missing))
    told = bpcli("validate", "w.yaml")
    assert told.code == 2
    assert told.err.count("did you mean column7?") == told.err.count("its columns are") == 1
    assert len(told.err.splitlines()) == 6
    assert len(told.err) < 1200
    for line in ("predict run wide.csv", "predict run wide.csv --keep q", "evaluate run wide.csv"):
        assert len(bpcli(*line.split()).err) < 400
