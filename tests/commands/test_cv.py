"""`cv`: its output, which is the same for any number of processes, and its errors."""

import csv
import io
import json
import math

import pytest

QUICK = ("--set", "training.epochs=3", "--folds", 3)


def test_events_tables_and_csv_say_the_same_and_no_run_is_written(bpcli, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = root / "configs/iris.yaml"
    shown = bpcli("cv", config, *QUICK, "--repeat", 2, "--format", "json")
    *folds, done = shown.json
    assert [(f["event"], f["repeat"], f["fold"], f["rows"]) for f in folds] == [
        ("fold", repeat, fold, 50) for repeat in (1, 2) for fold in (1, 2, 3)
    ]
    assert {*folds[0]} - {"event", "repeat", "fold", "rows"} == {*done["mean"]} == {*done["std"]}
    assert {*done} == {"event", "folds", "mean", "std"}
    assert done["mean"]["loss"] == pytest.approx(math.fsum(f["loss"] for f in folds) / 6, rel=1e-12)
    rows = list(csv.DictReader(io.StringIO(bpcli("cv", config, *QUICK, "--repeat", 2, "--format", "csv").out)))
    assert [row["fold"] for row in rows] == ["1", "2", "3", "1", "2", "3", "mean", "std"]
    assert [float(row["loss"]) for row in rows[:6]] == [f["loss"] for f in folds]
    text = bpcli("cv", config, *QUICK, "--repeat", 2)
    assert text.lines[-2].split()[:2] == ["mean", f"{done['mean']['loss']:.4g}"]
    assert max(map(len, text.lines)) <= 80
    assert not list(tmp_path.iterdir())


def test_the_same_bytes_for_every_number_of_processes(bpcli, root):
    one, two = (bpcli("cv", root / "configs/iris.yaml", *QUICK, "--format", "json", "--jobs", n) for n in (1, 2))
    assert (one.code, one) == (0, two)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--folds", 1], 2, "--folds is 1: expected 2 or more"),
        (["--folds", 151], 2, "--folds is 151, more than the 150 rows"),
        (["--folds", 60], 3, "--folds 50"),
        (["--folds", "many"], 2, "--folds"),
        (["--jobs", 0], 2, "--jobs is 0"),
        (["--repeat", 0], 2, "--repeat is 0"),
        (["--set", "training.learningrate=1"], 2, "did you mean training.learning_rate?"),
        (["--set", "data.path=none.csv"], 3, "none.csv"),
    ],
)
def test_what_goes_wrong(bpcli, root, arguments, code, text):
    shown = bpcli("cv", root / "configs/iris.yaml", *arguments)
    assert (shown.code, shown.out) == (code, "")
    assert text in shown.err


def test_a_fold_that_diverges_is_told_and_what_there_is_is_printed(bpcli, root):
    settings = ("--set", "training.learning_rate=1e5", "--set", "data.standardize=false", "--folds", 2)
    shown = bpcli("cv", root / "configs/diabetes.yaml", *settings, "--format", "json")
    assert shown.code == 4
    assert "fold 1: training diverged in epoch" in shown.err
    assert json.loads(shown.lines[-1])["mean"]["loss"] == "NaN"


def test_a_model_that_learns_nothing_is_a_note(bpcli, root):
    shown = bpcli("cv", root / "configs/iris.yaml", "--set", "training.learning_rate=1e-300", *QUICK)
    assert shown.code == 0
    assert "bpcli: note: fold 1: the model is no better than a constant" in shown.err


@pytest.mark.parametrize("command", [["cv"], ["sweep", "--try", "training.epochs=1,2", "--output", "s"]])
def test_a_loss_that_is_not_finite_is_printed_and_exit_4(bpcli, root, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    first, far, *rest = (root / "data/diabetes.csv").read_text().splitlines()
    (tmp_path / "far.csv").write_text("\n".join([first, "1e308," + far.partition(",")[2], *rest]))
    where = ("--set", f"data.path={tmp_path / 'far.csv'}", "--set", "training.learning_rate=1e-12", "--folds", 2)
    shown = bpcli(command[0], root / "configs/diabetes.yaml", *command[1:], "--set", "data.test=null", *where)
    assert (shown.code, "inf" in shown.out) == (4, True)
    assert "is not finite" in shown.err


def test_a_fold_that_early_stopping_ended_says_so(bpcli, root):
    settings = ["training.optimizer=lbfgs", "training.early_stopping={patience: 2}", "training.learning_rate=null"]
    shown = bpcli("cv", root / "configs/iris.yaml", "--folds", 3, *(w for s in settings for w in ("--set", s)))
    assert shown.code == 0
    assert "fold 1: the optimum is not reached" in shown.err
    assert "early stopping kept epoch" in shown.err
    assert "no step led further down" not in shown.err


@pytest.mark.parametrize("setting", ["training.early_stopping={patience: 2}", "training.epochs=auto"])
def test_where_training_stops_by_rows_a_fifth_of_a_folds_is_held_out(bpcli, root, setting):
    config = root / "configs/iris.yaml"
    found = [
        bpcli("cv", config, "--folds", 3, "--set", setting, "--set", f"data.validation={given}", "--format", "json")
        for given in ("null", 0.2)
    ]
    assert [shown.code for shown in found] == [0, 0]
    assert found[0].out == found[1].out
