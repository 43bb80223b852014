"""Comparisons of runs: values and intervals worked from the probabilities of the rows."""

import numpy as np
import pytest

import bpcli


@pytest.fixture(scope="module")
def runs(root, tmp_path_factory):
    folder, config = tmp_path_factory.mktemp("runs"), root / "configs/iris.yaml"
    made = {"a": [], "b": ["training.l2=0.1"], "seed": ["training.seed=1"], "few": ["data.features=[sepal_length]"]}
    for name, settings in made.items():
        bpcli.train(config, settings=["training.epochs=5", *settings], output=folder / name)
    return folder


def test_on_a_file_values_and_intervals_are_those_of_the_probabilities(root, runs):
    path = root / "data/iris.csv"
    one, two = bpcli.compare([runs / "b", runs / "a"], data=path, seed=3)
    y = np.array([line.split(",")[-1] for line in path.read_text().splitlines()[1:]])
    losses = []
    for name in ("b", "a"):
        model = bpcli.load(runs / name)
        losses.append(-np.log(model.probabilities(path)[np.arange(150), [model.classes.index(c) for c in y]]))
    assert (one.rows, one.value, two.value) == (
        150,
        pytest.approx(losses[0].mean(), rel=1e-12),
        pytest.approx(losses[1].mean(), rel=1e-12),
    )
    assert (two.difference, two.low, two.high) == (0, 0, 0)
    assert one.difference == pytest.approx(losses[0].mean() - losses[1].mean(), rel=1e-9)
    rng = np.random.default_rng(3)
    means = [(losses[0] - losses[1])[rng.integers(0, 150, 150)].mean() for _ in range(2000)]
    assert [one.low, one.high] == pytest.approx(np.percentile(means, [2.5, 97.5]).tolist(), rel=1e-9)


def test_on_their_own_rows_whatever_their_features_are(runs):
    one, two = bpcli.compare([runs / "a", runs / "few"], metric="accuracy")
    assert (one.rows, two.rows) == (30, 30)
    summary = bpcli.load(runs / "a")
    assert summary.features
    assert one.difference == 0 > two.difference
    assert two.low <= two.difference <= two.high


def test_other_rows_are_refused(runs):
    with pytest.raises(bpcli.UsageError, match="not measured on the same rows"):
        bpcli.compare([runs / "a", runs / "seed"])
