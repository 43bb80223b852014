"""The table of metrics: values of rows worked by hand, where there is none, and which is not finite."""

import numpy as np
import pytest

from bpcli.formulas.choices import Task
from bpcli.training import metrics


def of_regression(y, yhat):
    """The metrics of a regression whose mean loss is 7."""
    seen = metrics.Seen(Task.REGRESSION, np.array(y), lambda: 7.0, lambda: np.array(yhat), lambda: None)
    return {name: value for name, value in metrics.measured(seen).items() if name != "loss"}


def test_regression_by_hand():
    got = of_regression([1.0, 2.0, 3.0, 6.0], [1.0, 1.0, 5.0, 5.0])
    # errors 0 1 −2 1: mean square 6/4, mean absolute 1; spread about 3: 4 1 0 9 = 14
    assert got == pytest.approx({"rmse": 1.5**0.5, "mae": 1.0, "r2": 1 - 6 / 14}, rel=1e-15)


def test_regression_of_huge_and_of_constant_targets():
    got = of_regression([1e300, -1e300], [0.0, 0.0])
    assert got == pytest.approx({"rmse": 1e300, "mae": 1e300, "r2": 0.0})
    assert of_regression([2.0, 2.0], [2.0, 2.0]) == {"rmse": 0.0, "mae": 0.0, "r2": None}


@pytest.mark.parametrize(
    ("y", "without"),
    [
        ([0, 1], {"brier", "ece"}),
        ([1, 1], {"brier", "ece", "auc", "mcc"}),
        ([0, 0], {"brier", "ece", "auc", "mcc", "pr_auc"}),
    ],
)
def test_which_metrics_rows_of_two_classes_have(y, without):
    two = metrics.metrics_of(Task.TWO_CLASSES)
    for probabilities, missing in ((True, without - {"brier", "ece"}), (False, without)):
        defined = {name for name in two if metrics.is_defined(name, Task.TWO_CLASSES, np.array(y), 2, probabilities)}
        assert set(two) - defined == missing


def test_which_metric_is_beyond_the_doubles():
    assert metrics.beyond_doubles({"loss": 1.0, "auc": None, "rows": 3}) == ""
    for value in (np.inf, -np.inf, np.nan):
        assert metrics.beyond_doubles({"loss": 1.0, "rmse": value, "mae": value}) == "rmse"
