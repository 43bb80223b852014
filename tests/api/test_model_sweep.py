"""Sweeps: `best` is the run that `train` makes, a path over l2 ends where cold starts end, a kill loses little."""

import subprocess
import sys

import pytest

import bpcli
from bpcli.training.selection import saved

TRIES = ["training.l2=0,0.01,0.1", "data.standardize=true,false"]
QUICK = ["training.epochs=3"]


def contents(folder):
    """The bytes of a sweep's files, without those that contain times."""
    kept = ("results.csv", "best/model.npz", "best/config.yaml")
    return {name: (folder / name).read_bytes().replace(str(folder).encode(), b"DIR") for name in kept}


@pytest.fixture
def iris(root):
    return root / "configs/iris.yaml"


@pytest.fixture
def whole(iris, tmp_path):
    found = bpcli.sweep(iris, TRIES, settings=QUICK, folds=3, output=tmp_path / "whole")
    return found, contents(tmp_path / "whole")


def test_the_best_has_the_metrics_of_cv_and_is_the_run_of_train(iris, tmp_path, whole):
    found, files = whole
    best = found.combinations[0]
    settings = [*QUICK, *(f"{key}={'true' if value is True else value}" for key, value in best.settings.items())]
    measured = bpcli.cross_validate(iris, folds=3, settings=settings)
    assert (best.mean, best.std) == (measured.mean["loss"], measured.std["loss"])
    assert best.run == tmp_path / "whole" / "best"
    assert [c.run for c in found.combinations[1:]] == [None] * 5
    bpcli.train(iris, settings=settings, output=tmp_path / "run")
    assert (tmp_path / "run" / "model.npz").read_bytes() == files["best/model.npz"]
    means = [c.mean for c in found.combinations]
    assert means == sorted(means)


@pytest.mark.parametrize("jobs", [1, 2])
def test_after_an_interrupt_it_goes_on_to_the_same_bytes(iris, tmp_path, whole, jobs):
    def stop(done, total):
        if done > 3:
            raise KeyboardInterrupt

    arguments = {"settings": QUICK, "folds": 3, "output": tmp_path / "stopped", "jobs": jobs}
    with pytest.raises(KeyboardInterrupt):
        bpcli.sweep(iris, TRIES, progress=stop, **arguments)
    assert not (tmp_path / "stopped" / "results.csv").exists()
    with pytest.raises(bpcli.UsageError, match="a sweep that was stopped"):
        bpcli.sweep(iris, TRIES, **arguments)
    with pytest.raises(bpcli.UsageError, match="another sweep: what has changed is folds"):
        bpcli.sweep(iris, TRIES, resume=True, **{**arguments, "folds": 4})
    seen = []
    bpcli.sweep(iris, TRIES, resume=True, progress=lambda done, total: seen.append(done), **arguments)
    assert seen[-1] == 18
    assert contents(tmp_path / "stopped") == whole[1]
    assert bpcli.sweep(iris, TRIES, resume=True, **arguments).combinations[0].mean == whole[0].combinations[0].mean


def test_after_a_kill_it_goes_on_to_the_same_bytes(iris, tmp_path, whole):
    code = (
        "import os, signal, sys, bpcli\n"
        f"bpcli.sweep(sys.argv[1], {TRIES}, settings={QUICK}, folds=3, output=sys.argv[2],\n"
        "    progress=lambda done, total: done > 8 and os.kill(os.getpid(), signal.SIGKILL))"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(iris), str(tmp_path / "killed")], check=False)
    assert killed.returncode == -9
    assert len(list((tmp_path / "killed" / saved.STATE).glob("*.outcomes"))) == 1
    bpcli.sweep(iris, TRIES, settings=QUICK, folds=3, output=tmp_path / "killed", resume=True)
    assert contents(tmp_path / "killed") == whole[1]


def test_a_path_ends_where_each_start_by_itself_ends(root, tmp_path):
    config, settings = root / "configs/breast_cancer.yaml", ["training.optimizer=lbfgs", "training.tolerance=1e-10"]
    tries = ["training.l2=0.001,0.01,0.1,1"]
    found = bpcli.sweep(config, tries, folds=3, settings=settings, output=tmp_path / "path")
    for c in found.combinations:
        alone = bpcli.cross_validate(config, folds=3, settings=[*settings, f"training.l2={c.settings['training.l2']}"])
        assert c.mean == pytest.approx(alone.mean["loss"], rel=1e-7)


def test_by_the_validation_rows_it_is_what_evaluate_says_of_the_run(iris, tmp_path):
    found = bpcli.sweep(iris, ["training.l2=0,1"], settings=QUICK, metric="auc", output=tmp_path / "s")
    best = found.combinations[0]
    run = bpcli.train(iris, settings=[*QUICK, f"training.l2={best.settings['training.l2']}"], output=tmp_path / "run")
    assert (best.mean, best.std) == (run.summary["validation"]["auc"], None)


def test_a_mapping_and_a_choice_within_one_standard_error(root, tmp_path):
    config = {
        "model": {"type": "neuron"},
        "loss": "mse",
        "training": {"optimizer": "newton"},
        "data": {"path": str(root / "data/diabetes.csv"), "target": "progression", "standardize": True},
    }
    found = bpcli.sweep(config, ["training.l2=log:1e-6:1:5"], folds=4, one_se=True, output=tmp_path / "s")
    best = found.combinations[0]
    margin = best.std / 2
    within = [c.settings["training.l2"] for c in found.combinations if c.mean <= best.mean + margin]
    (chosen,) = [c for c in found.combinations if c.run]
    assert chosen.settings["training.l2"] == max(within)
