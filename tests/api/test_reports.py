"""`report` from Python: it names the parts that it can't show, and measures the rows that it is given."""

import shutil

import pytest

import bpcli
from bpcli.errors import DataError


def test_a_model_alone_says_what_is_missing(iris_run, tmp_path):
    alone = shutil.copy(iris_run / "model.npz", tmp_path / "m.npz")
    made = bpcli.report(alone)
    assert len(made.notes) == 3
    assert all(f"{alone} has no" in note for note in made.notes)
    assert all(note.split(",")[0] in made.html for note in made.notes)


def test_data_that_are_gone_leave_what_the_training_measured(root, tmp_path, read_page):
    shutil.copy(root / "data/iris.csv", tmp_path / "d.csv")
    settings = ["training.epochs=2", f"data.path={tmp_path / 'd.csv'}"]
    run = bpcli.train(root / "configs/iris.yaml", settings=settings, output=tmp_path / "run")
    (tmp_path / "d.csv").unlink()
    made = bpcli.report(tmp_path / "run")
    (note,) = made.notes
    assert "the rows of the training can't be read again" in note
    metrics = {row[0]: row[1:] for row in read_page(made.html).tables["Metrics"]}
    assert float(metrics["loss"][0]) == run.summary["train"]["loss"]


def test_rows_that_are_given_judge_it(iris_run, root, read_page):
    made = bpcli.report(str(iris_run), str(root / "data/iris.csv"))
    assert read_page(made.html).tables["Rows"][1] == ["iris.csv", "150"]
    assert "has the rows that the model was trained on" in made.html


def test_what_is_left_out_is_said(tmp_path, read_page):
    rows = [f"{k},{k % 7 if k % 9 else ''},{'ab'[k * k % 7 > 2]}" for k in range(60)]
    (tmp_path / "d.csv").write_text("\n".join(["id,x,y", *rows]))
    config = {
        "model": {"type": "neuron", "activation": "sigmoid"},
        "loss": "bce",
        "training": {"optimizer": "newton", "l2": 0.1},
        "data": {"path": str(tmp_path / "d.csv"), "target": "y", "exclude": ["id"], "missing": "drop"},
    }
    with pytest.warns(bpcli.DataWarning, match="dropped"):
        bpcli.train(config, output=tmp_path / "run")
    page = read_page(bpcli.report(tmp_path / "run").html)
    assert "7 of 60 rows have gaps and are dropped" in page.text
    assert "data.exclude leaves out id" in page.text
    assert "No intervals: " in page.text
    assert "under l2 the weights are pulled towards 0" in page.text
    assert "std_error" in page.tables["Statistics of the weights, in their own units"][0]


def test_data_that_do_not_fit(iris_run, root):
    with pytest.raises(DataError):
        bpcli.report(iris_run, root / "data/diabetes.csv")
