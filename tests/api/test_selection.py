"""Cross-validation against scikit-learn's models on the same folds."""

import math
import statistics

import numpy as np
import pytest

import bpcli
from bpcli.training.config.loading import load_config
from bpcli.training.selection.folds import HELD_OUT, folds_of
from bpcli.training.selection.trials import Bench

SOLVED = {
    "iris": ["training.optimizer=newton", "training.l2=0.01"],
    "breast_cancer": ["training.optimizer=lbfgs", "training.l2=0.05", "training.l1=0"],
    "diabetes": ["training.optimizer=newton"],
}


def by_scikit_learn(table, config, rows):
    """The metrics of a fold by scikit-learn's model at its optimum, standardised by the fold's training rows."""
    linear = pytest.importorskip("sklearn.linear_model")
    from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score
    from sklearn.preprocessing import StandardScaler

    names = [name for name in table.names if name != config.data.target]
    X = np.stack([table.numeric(name) for name in names], axis=1)
    train, held_out = rows["train"], rows[HELD_OUT]
    if config.data.standardize:
        X = StandardScaler().fit(X[train]).transform(X)
    if config.loss == "mse":
        y = table.numeric(config.data.target)
        yhat = linear.LinearRegression().fit(X[train], y[train]).predict(X[held_out])
        return {"loss": mean_squared_error(y[held_out], yhat), "r2": r2_score(y[held_out], yhat)}
    y = np.array(table.text(config.data.target))
    model = linear.LogisticRegression(C=1 / (len(train) * config.training.l2), tol=1e-10, max_iter=10_000)
    p = model.fit(X[train], y[train]).predict_proba(X[held_out])
    said = model.classes_[p.argmax(axis=1)]
    return {"loss": log_loss(y[held_out], p, labels=model.classes_), "accuracy": accuracy_score(y[held_out], said)}


@pytest.mark.parametrize("name", SOLVED)
def test_each_fold_has_the_metrics_of_scikit_learns_model(root, name):
    config = load_config(root / f"configs/{name}.yaml", SOLVED[name])
    found = bpcli.cross_validate(config, folds=3)
    settled, table, *_ = Bench().tables.of(config)
    for record, rows in zip(found.folds, folds_of(settled, table, 3, 0), strict=True):
        assert record["rows"] == len(rows[HELD_OUT])
        for metric, value in by_scikit_learn(table, settled, rows).items():
            assert record[metric] == pytest.approx(value, rel=1e-5), metric
    for metric, value in found.mean.items():
        values = [record[metric] for record in found.folds]
        assert value == pytest.approx(statistics.fmean(values), rel=1e-12)
        assert found.std[metric] == pytest.approx(statistics.stdev(values), rel=1e-12, abs=1e-15)


def test_a_metric_without_a_value_in_a_fold_has_no_mean(root):
    config = load_config(root / "configs/diabetes.yaml", ["training.optimizer=newton", "data.test=0.9"])
    found = bpcli.cross_validate(config, folds=44)
    assert found.folds[0]["rows"] == 1
    assert (found.folds[0]["r2"], found.mean["r2"], found.std["r2"]) == (None, None, None)
    assert math.isfinite(found.mean["loss"] or math.nan)
