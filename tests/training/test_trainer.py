"""The epochs of a training, against a line and the lecture's step."""

import numpy as np

from bpcli.training.setup import prepare
from bpcli.training.trainer import MOST_EPOCHS, most_epochs


def test_a_line_is_learned(line):
    training = prepare(line())
    epochs = list(training.epochs())
    assert [e["epoch"] for e in epochs] == list(range(1, 51))
    assert epochs[-1]["loss"] < epochs[0]["loss"]
    np.testing.assert_allclose(training.result.w, [2, -1], atol=0.2)
    assert training.rows_seen == 50 * 60


def test_one_full_step_is_that_of_the_lecture(line):
    training = prepare(line({"epochs": 1}))
    list(training.epochs())
    p, q, y = np.loadtxt(line().data.path, delimiter=",", skiprows=1).T
    w = 0.01 * 2 / 60 * np.array([y @ p, y @ q])  # from w = 0: −α·(2/N) Σ (0 − y)x
    np.testing.assert_allclose(training.result.w, w, rtol=1e-13)
    np.testing.assert_allclose(training.result.b, 0.01 * 2 * y.mean(), rtol=1e-13)


def test_the_most_epochs():
    assert (most_epochs("auto"), most_epochs(7)) == (MOST_EPOCHS, 7)


def test_a_threshold_decides_between_two_classes_alone(bpcli, root, tmp_path):
    result = bpcli("train", root / "configs/iris.yaml", "--set", "model.threshold=0.4", "--output", tmp_path / "run")
    assert result.code == 2
    assert "model.threshold: it decides between two classes, and there are 3" in result.err


def test_a_softmax_of_two_classes_has_a_threshold(bpcli, root, tmp_path):
    lines = (root / "data/iris.csv").read_text().splitlines()
    (tmp_path / "two.csv").write_text("\n".join(line for line in lines if "setosa" not in line) + "\n")
    settings = ["--set", f"data.path={tmp_path / 'two.csv'}", "--output", tmp_path / "run", "--quiet"]
    assert bpcli("train", root / "configs/iris.yaml", *settings).code == 0
    counts = []
    for p in (0.1, 0.5, 0.9):
        rows = bpcli("predict", tmp_path / "run", tmp_path / "two.csv", "--threshold", p, "--format", "json").json
        assert all((row["prediction"] == "virginica") == (row["p(virginica)"] >= p) for row in rows)
        counts.append(sum(row["prediction"] == "virginica" for row in rows))
    assert counts == sorted(counts, reverse=True)
    assert bpcli("evaluate", tmp_path / "run", "--threshold", "0.9", "--set-threshold").code == 0
    rows = bpcli("predict", tmp_path / "run", tmp_path / "two.csv", "--format", "json").json
    assert sum(row["prediction"] == "virginica" for row in rows) == counts[-1] < counts[0]
