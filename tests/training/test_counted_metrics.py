"""Metrics of samples by counts are those of the rows written out, one for each time that it is drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bpcli
from bpcli.training.metrics import METRICS, metrics_of


@pytest.fixture(scope="module")
def models(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    names = ("iris", "breast_cancer", "diabetes", "hinge", "poisson")
    return {
        name: bpcli.train(root / f"configs/{name}.yaml", settings=["training.epochs=20"], output=folder / name).model
        for name in names
    }


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_metric_by_counts_is_that_of_the_rows_written_out(models, data):
    model = models[data.draw(st.sampled_from([*models]))]._model
    task, K = model.preparation.task, len(model.classes or ())
    N = data.draw(st.integers(1, 12))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    z = rng.normal(0, 2, (N, *model.b.shape))
    y = rng.integers(0, K, N) if K else rng.integers(0, 4, N).astype(float)
    if data.draw(st.booleans()):
        z = np.round(z)  # with equal scores
    if data.draw(st.integers(0, 4)) == 0:
        z[rng.integers(N)] = data.draw(st.sampled_from([1e200, -1e200, np.nan] if not K else [800.0, -800.0, np.nan]))
    counts = np.stack([np.bincount(rng.integers(0, N, N), minlength=N) for _ in range(5)]).astype(float)
    for name in metrics_of(task):
        got = model.on_samples(name, z, y)(counts)
        for c, value in zip(counts, got.tolist(), strict=True):
            rows = np.repeat(np.arange(N), c.astype(int))
            expected = model.metric(name, z[rows], y[rows])
            expected = np.nan if expected is None else expected
            assert value == pytest.approx(expected, rel=1e-11, abs=1e-13, nan_ok=True), name


def test_every_metric_has_a_formula_by_counts(models):
    for model in (model._model for model in models.values()):
        z = np.zeros((3, *model.b.shape))
        y = np.array([0, 1, 0]) if model.classes else np.zeros(3)
        for name in metrics_of(model.preparation.task):
            says = METRICS[name].needs != "a model with probabilities" or model.says_probabilities
            assert (METRICS[name].counted(model._seen(z, y)) is not None) == says
