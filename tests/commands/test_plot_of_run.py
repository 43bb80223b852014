"""`plot RUN`: the options, and errors for those that would change nothing."""

import json

import pytest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--features", "petal_width,petal_width"], "gives petal_width twice"),
        (["--features", "petal_width", "--show", "confusion"], "which is not shown"),
        (["--features", ","], "takes one or two names"),
        (["--image", "2x3"], "the model has 4 features"),
        (["--image", "2x2", "--show", "confusion"], "with the weights"),
        (["--steps", "3"], "--steps goes with an expression"),
        (["--kind", "surface"], "--kind goes with an expression"),
        (["--field"], "--field goes with an expression"),
    ],
)
def test_options_of_a_run_that_would_do_nothing(bpcli, iris_run, tmp_path, options, message):
    result = bpcli("plot", iris_run, *options, "--output", tmp_path / "p.png")
    assert result.code == 2
    assert message in result.err
    assert list(tmp_path.iterdir()) == []


def test_the_folds_are_those_of_cv(bpcli, tmp_path, root):
    config = root / "configs" / "breast_cancer.yaml"
    small = ("--set", "data.features=[mean_radius]", "--set", "training.epochs=3")
    assert bpcli("train", config, "--quiet", "--output", tmp_path / "run", *small).code == 0
    done = json.loads(bpcli("cv", config, *small, "--folds", 3, "--format", "json").out.splitlines()[-1])
    for view, metric in (("roc", "auc"), ("pr", "pr_auc"), ("calibration", "ece")):
        file = tmp_path / f"{view}.svg"
        assert bpcli("plot", tmp_path / "run", "--show", view, "--folds", 3, "--output", file).code == 0
        mean, std = done["mean"][metric], done["std"][metric]
        assert f"{mean:.3g} ± {std:.2g}" in file.read_text()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--show", "curves", "--folds", "3"), 2, "--folds goes with roc"),
        (("--folds", "3"), 2, "--show roc --folds 3"),
        (("--show", "roc", "--folds", "9999"), 2, "more than the 150 rows"),
        (("--show", "pr", "--folds", "60"), 3, "too few"),
    ],
)
def test_folds_that_can_not_be_drawn(bpcli, tmp_path, iris_run, options, code, message):
    result = bpcli("plot", iris_run, *options, "--output", tmp_path / "p.png")
    assert result.code == code
    assert message in result.err
    assert not (tmp_path / "p.png").exists()


def test_weights_without_intervals_say_why(bpcli, tmp_path, iris_run):
    result = bpcli("plot", iris_run, "--show", "weights", "--output", tmp_path / "p.png")
    assert result.code == 0
    assert "no intervals: " in result.err
    assert bpcli("inspect", iris_run, "--stats").code == 1
