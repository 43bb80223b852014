"""`sweep`: its output, which is the same for any number of processes, and its errors."""

import contextlib
import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest

TRIES = ("--try", "training.l2=0,0.1", "--try", "training.learning_rate=0.1,1e300", "--set", "training.epochs=3")
DIVERGES = (
    "--set",
    "data.standardize=false",
    "--set",
    "training.epochs=3",
    "--try",
    "training.learning_rate=1e200,1e300",
)


def test_a_line_a_combination_the_best_first_and_what_diverges_last(bpcli, root, tmp_path):
    config = root / "configs/diabetes.yaml"
    shown = bpcli("sweep", config, *TRIES, "--folds", 2, "--output", tmp_path / "a", "--format", "json")
    assert shown.code == 0
    best, second, *bad = shown.json
    assert {*best} == {"set", "metric", "mean", "std", "run"}
    assert best["run"] == str(tmp_path / "a" / "best")
    assert best["mean"] <= second["mean"]
    assert [(line["mean"], line["std"], line["run"]) for line in bad] == [("NaN", "NaN", None)] * 2
    assert "bpcli: warning: training.l2=0, training.learning_rate=1e300: training diverged in epoch" in shown.err
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a" / "results.csv").read_text())))
    assert [float(row["mean"]) for row in rows[:2]] == [best["mean"], second["mean"]]
    assert rows[0]["training.l2"] == json.dumps(best["set"]["training.l2"])
    again = bpcli("sweep", config, *TRIES, "--folds", 2, "--output", tmp_path / "a", "--resume", "--format", "csv")
    assert again.out == (tmp_path / "a" / "results.csv").read_text()
    two = bpcli("sweep", config, *TRIES, "--folds", 2, "--output", tmp_path / "b", "--jobs", 2, "--format", "json")
    assert two.out.replace("/b/", "/a/") == shown.out
    text = bpcli("sweep", config, *TRIES, "--folds", 2, "--output", tmp_path / "a", "--resume")
    assert text.lines[1].split()[-1] == "best"
    assert max(map(len, text.lines[:5])) <= 80


def test_only_if_all_diverge_it_fails(bpcli, root, tmp_path):
    shown = bpcli(
        "sweep", root / "configs/diabetes.yaml", *DIVERGES, "--folds", 2, "--output", tmp_path / "s", "--format", "json"
    )
    assert shown.code == 4
    assert [line["mean"] for line in shown.json] == ["NaN", "NaN"]
    assert "each diverged" in shown.err
    assert not (tmp_path / "s" / "best").exists()


def test_a_note_a_combination_says_in_which_folds(bpcli, root, tmp_path):
    early = ("training.optimizer=lbfgs", "training.learning_rate=null", "training.epochs=2")
    options = [part for text in early for part in ("--set", text)]
    shown = bpcli(
        "sweep", root / "configs/breast_cancer.yaml", "--try", "training.l2=0.1,0.01", *options, "--folds", 3,
        "--output", tmp_path / "s",
    )  # fmt: skip
    short = [line for line in shown.err.splitlines() if "the optimum is not reached" in line]
    of = [f"training.l2={l2}" for l2 in (0.1, 0.01)] + [str(tmp_path / "s" / "best")]
    assert [line.removeprefix("bpcli: note: ").split(": the optimum")[0] for line in short] == of
    assert [line.endswith("(fold 1, the first of 3)") for line in short] == [True, True, False]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ([], 2, "--try"),
        (["--try", "training.l3=1,2"], 2, "there is no such key; did you mean training.l1?"),
        (["--try", "training.l2=0,1", "--metric", "rmse"], 2, "--metric rmse: this model does not have it"),
        (["--try", "lr=1,2"], 2, "did you mean training.learning_rate?"),
        (["--try", "data.target=species,sepal_length"], 2, "data.target is species or sepal_length: models of"),
        (
            ["--try", "training.l2=0,1", "--set", "training.epochs=auto", "--set", "data.validation=null"],
            2,
            "auto ends",
        ),
        (["--try", "training.l2=1,-1"], 2, "training.l2=-1: training.l2: "),
        (["--try", "training.l2="], 2, "training.l2 has no values to try"),
        (["--try", "training.l2=log:0:1:3"], 2, "above 0"),
        (["--try", "training.l2=0,1", "--metric", "acuracy"], 2, "did you mean accuracy?"),
        (["--try", "training.l2=0,1", "--one-se"], 2, "--one-se"),
        (["--try", "training.l2=0,1", "--jobs", 0], 2, "--jobs is 0"),
        (["--try", "training.l2=0,1", "--folds", 1], 2, "--folds is 1"),
        (["--try", "training.l2=0,1", "--folds", 99], 3, "--folds 50"),
        (["--try", "training.l2=0,1", "--set", "data.validation=null"], 2, "--folds 5"),
        (["--try", "data.path=none.csv,no.csv"], 3, "none.csv"),
        (["--try", "loss=cce,mse"], 2, "the losses are cce and mse, and their values are not comparable\n  --metric "),
    ],
)
def test_what_goes_wrong(bpcli, root, tmp_path, arguments, code, text):
    shown = bpcli("sweep", root / "configs/iris.yaml", *arguments, "--output", tmp_path / "s")
    assert (shown.code, shown.out) == (code, "")
    assert text in shown.err
    assert not (tmp_path / "s").exists()


def test_what_stands_at_its_place(bpcli, root, tmp_path):
    (tmp_path / "file").write_text("x")
    start = ("sweep", root / "configs/iris.yaml", "--try", "training.l2=0,1", "--set", "training.epochs=1")
    shown = bpcli(*start, "--output", tmp_path / "file")
    assert (shown.code, "is a file, not a folder" in shown.err) == (2, True)
    assert bpcli(*start, "--output", tmp_path / "s").code == 0
    shown = bpcli(*start, "--output", tmp_path / "s")
    assert shown.code == 2
    assert "--resume" in shown.err
    assert "--output DIR" in shown.err


def test_a_key_is_set_or_tried_and_a_metric_needs_a_value(bpcli, root, tmp_path):
    config = root / "configs/diabetes.yaml"
    both = bpcli("sweep", config, "--try", "training.l2=0,1", "--set", "training.l2=3", "--folds", 2)
    assert both.code == 2
    assert "training.l2 is set and tried" in both.err
    (tmp_path / "t.csv").write_text("bmi,progression\n" + "".join(f"{k},1\n" for k in range(8)))
    settings = (f"data.path={tmp_path / 't.csv'}", "training.epochs=2", "data.test=null")
    words = [word for setting in settings for word in ("--set", setting)]
    options = ("--try", "training.l2=0,1", "--folds", 2, "--metric", "r2", "--output", tmp_path / "s")
    constant = bpcli("sweep", config, *options, *words)
    assert constant.code == 3
    assert "r2 has no value" in constant.err


def test_killed_again_and_again_it_comes_to_the_same_bytes(bpcli, root, tmp_path):
    settings = ["--set", "training.epochs=200", "--set", "training.checkpoint_seconds=0.01", "--set", "data.test=null"]
    words = [
        "sweep",
        root / "configs/breast_cancer.yaml",
        "--try",
        "training.learning_rate=log:0.01:1e5:5",
        "--folds",
        4,
    ]
    words += ["--try", "training.l2=0,0.01", *settings, "--format", "json"]
    whole = bpcli(*words, "--output", tmp_path / "whole")
    rng, folder = np.random.default_rng(1), tmp_path / "killed"
    line = [*map(str, words), "--output", str(folder), "--resume"]
    for seconds in rng.uniform(0.5, 2.0, 2):
        killed = [sys.executable, "-m", "bpcli", *line, "--jobs", "2"]
        with contextlib.suppress(subprocess.TimeoutExpired):  # run kills what takes longer
            subprocess.run(killed, timeout=seconds, capture_output=True, check=False)
    again = bpcli(*line)
    assert again.out == whole.out.replace(str(tmp_path / "whole"), str(folder))
    assert (folder / "best/model.npz").read_bytes() == (tmp_path / "whole/best/model.npz").read_bytes()


def test_a_mistake_is_told_once_and_leaves_nothing_in_the_way(bpcli, root, tmp_path):
    config, folder = root / "configs/iris.yaml", tmp_path / "s"
    wrong = bpcli("sweep", config, "--try", "training.l3=1,2,3", "--output", folder)
    assert wrong.err.count("there is no such key") == 1
    assert bpcli("sweep", config, "--try", "model.init=nowhere,zeros", "--output", folder).code == 3
    assert (
        bpcli("sweep", config, "--try", "training.l2=0,1", "--set", "training.epochs=2", "--output", folder).code == 0
    )


def test_early_stopping_without_validation_rows_holds_some_out(bpcli, root, tmp_path):
    settings = ["--set", "training.early_stopping={patience: 2}", "--set", "data.validation=null"]
    config = root / "configs/iris.yaml"
    shown = bpcli("sweep", config, "--try", "training.l2=0,1", "--folds", 3, *settings, "--output", tmp_path / "s")
    assert shown.code == 0
    assert "best is trained with data.validation: 0.2" in shown.err
    same = bpcli("train", config, *settings, "--set", "data.validation=0.2", "--output", tmp_path / "run")
    assert same.code == 0
    assert (tmp_path / "run/model.npz").read_bytes() == (tmp_path / "s/best/model.npz").read_bytes()


@pytest.mark.parametrize(("tries", "apart"), [("training.l2=0.1,0.2", True), ("training.l2=0.1,100", False)])
def test_both_choices_are_told(bpcli, root, tmp_path, tries, apart):
    words = ["--set", "training.optimizer=newton", "--set", "data.test=null", "--folds", 3, "--one-se"]
    shown = bpcli("sweep", root / "configs/diabetes.yaml", "--try", tries, *words, "--output", tmp_path / "s")
    marks = [line.partition("best")[1] + line.partition("simplest")[1] for line in shown.lines[1:3]]
    assert sorted(marks) == (["best", "simplest"] if apart else ["", "bestsimplest"])


def test_seeds_have_other_rows_and_this_is_told(bpcli, root, tmp_path):
    words = ["sweep", root / "configs/iris.yaml", "--set", "training.epochs=2", "--output", tmp_path / "s"]
    assert "each seed has validation rows, or folds, of its own" in bpcli(*words, "--try", "training.seed=1,2").err
