"""Trials: each has the numbers that training on its rows alone gives, to the last bit."""

import csv

import numpy as np
import pytest

import bpcli
from bpcli.training.config.loading import load_config
from bpcli.training.selection.folds import HELD_OUT, folds_of
from bpcli.training.selection.trials import Bench, Trial, Work


def written(path, header, lines):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *lines])


@pytest.mark.parametrize("settings", [[], ["training.optimizer=adam", "training.early_stopping={patience: 2}"]])
def test_a_fold_is_the_training_on_its_rows_alone(root, tmp_path, settings):
    """The preparation sees no row that is held out: their cells are not even in the file."""
    settings = [*settings, "training.epochs=6"]
    config = load_config(root / "configs/iris.yaml", settings)
    bench = Bench()
    settled, table, *_ = bench.tables.of(config)
    rows = folds_of(settled, table, 4, 0)[2]
    (outcome,) = bench(Work([Trial(settled, rows, HELD_OUT)]))
    header, *lines = csv.reader((root / "data/iris.csv").read_text().splitlines())
    for name, part in rows.items():
        written(tmp_path / f"{name}.csv", header, [lines[k] for k in part.tolist()])
    validation = str(tmp_path / "validation.csv") if "validation" in rows else "null"
    run = bpcli.train(
        root / "configs/iris.yaml",
        settings=[*settings, f"data.path={tmp_path / 'train.csv'}", f"data.validation={validation}"],
        output=tmp_path / "run",
    )
    found = run.model.evaluate(tmp_path / f"{HELD_OUT}.csv")
    assert outcome.rows == found["rows"] == len(rows[HELD_OUT])
    assert dict(outcome.metrics) == {name: found[name] for name in outcome.metrics}


def test_a_trial_that_diverges_has_no_numbers_and_says_so(root):
    config = load_config(root / "configs/diabetes.yaml", ["training.learning_rate=1e6", "data.test=null"])
    bench = Bench()
    settled, table, *_ = bench.tables.of(config)
    (outcome,) = bench(Work([Trial(settled, folds_of(settled, table, 2, 0)[0], HELD_OUT)]))
    assert all(np.isnan(value) for value in outcome.metrics.values())
    assert "training diverged in epoch " in outcome.trouble


@pytest.mark.parametrize(
    ("name", "settings", "varied"),
    [
        ("iris", [], ["training.learning_rate=0.1", "training.learning_rate=0.5", "training.l2=0.01"]),
        ("iris", ["training.early_stopping={patience: 1}"], [f"training.learning_rate={a}" for a in (0.3, 3, 100)]),
        ("breast_cancer", ["training.epochs=9"], [f"training.learning_rate={a}" for a in (0.1, 0.3, 1e300, 1e305)]),
        ("diabetes", ["training.epochs=9", "model.init=normal"], ["training.seed=1", "training.seed=2"]),
        ("diabetes", ["training.tolerance=0.1"], ["training.learning_rate=0.1", "training.learning_rate=0.2"]),
        ("iris", ["training.dtype=float32"], ["training.learning_rate=0.1", "training.learning_rate=0.2"]),
        ("hinge", ["training.optimizer=lbfgs"], ["training.l2=0.1", "training.l2=1"]),
    ],
)
def test_what_comes_of_a_trial_does_not_depend_on_those_beside_it(root, name, settings, varied):
    trials = []
    for setting in varied:
        config = load_config(root / f"configs/{name}.yaml", [*settings, "data.test=null", setting])
        settled, table, *_ = Bench().tables.of(config)
        trials += [Trial(config, rows, HELD_OUT) for rows in folds_of(settled, table, 3, 0)]
    together = Bench()(Work(trials))
    assert together == [Bench()(Work([trial]))[0] for trial in trials]


@pytest.mark.parametrize("optimizer", ["newton", "lbfgs", "adam"])
def test_a_category_that_only_some_folds_have_is_a_feature_of_these_alone(tmp_path, optimizer):
    (tmp_path / "t.csv").write_text(
        "c,x,y\n" + "".join(f"{'abr'[2 if i == 8 else i % 2]},{i % 7},{i % 3 > 0}\n" for i in range(30))
    )
    (tmp_path / "t.yaml").write_text(
        "model: {type: neuron, activation: sigmoid}\nloss: bce\n"
        f"training: {{optimizer: {optimizer}, learning_rate: 0.1, l2: 0.1}}\n"
        "data: {path: t.csv, target: y, categorical: [c]}\n"
    )
    settled, table, *_ = Bench().tables.of(load_config(tmp_path / "t.yaml"))
    trials = [Trial(settled, rows, HELD_OUT) for rows in folds_of(settled, table, 3, 0)]
    losses = [outcome.metrics["loss"] for outcome in Bench()(Work(trials))]
    assert losses == pytest.approx([Bench()(Work([trial]))[0].metrics["loss"] for trial in trials], rel=1e-7)
