"""The sections of a report: each shows what was computed, or is left out."""

import numpy as np
import pytest

from bpcli.api.run_statistics import run_statistics
from bpcli.reporting.sections import MOST_CLASSES, Material, prepared_statistics, report_page
from bpcli.training.run import load_model


@pytest.fixture(scope="module")
def iris(iris_run):
    return load_model(iris_run)


def test_a_model_alone_has_its_weights(iris, read_page):
    shown = read_page(report_page(Material("m", iris, untold={"metrics": "no <data>"})))
    w, b = iris.weights()
    rows = shown.tables["Weights of the prepared features"]
    K = w.shape[1]
    found = [[float(v) for v in row[1 : 1 + K]] for row in rows[1:]]
    assert found == [*w.tolist(), b.tolist()]
    raw = [[float(v) for v in row[1 + K :]] for row in rows[1:]]
    np.testing.assert_allclose(raw, np.vstack(iris.weights(raw=True)), rtol=1e-15)
    assert "no <data>" in shown.text
    assert not {"Confusion", "Calibration"} & {*shown.tables}


def test_the_calibration_counts_each_row_once(iris, read_page):
    z = np.random.default_rng(0).normal(size=(50, 3))
    shown = read_page(report_page(Material("m", iris, scored={"given": (z, np.arange(50) % 3)})))
    rows = shown.tables["Calibration, given rows"][1:]
    assert sum(int(row[1]) for row in rows) == 50
    assert sum(int(v) for row in shown.tables["Confusion, given rows"][1:] for v in row[1:]) == 50


def test_many_classes_have_no_table(iris):
    from dataclasses import replace

    K = MOST_CLASSES + 1
    names = tuple(f"c{k}" for k in range(K))
    many = replace(iris, w=np.zeros((4, K)), b=np.zeros(K), preparation=replace(iris.preparation, classes=names))
    shown = report_page(Material("m", many, scored={"given": (np.zeros((5, K)), np.arange(5))}))
    assert f"{K} classes, too many" in shown


@pytest.mark.parametrize(
    ("config", "scaling"),
    [
        ("diabetes", ["data.standardize=true"]),
        ("iris", ["data.standardize=true"]),
        ("diabetes", ["data.standardize=true", "data.categorical=[sex]"]),
        ("diabetes", ["data.standardize=false", "data.scale=4", "data.categorical=[sex]"]),
    ],
)
def test_the_picture_has_the_intervals_of_the_prepared_features(bpcli, root, tmp_path, config, scaling):
    """Those that `inspect --stats` has for them, which the report makes of those in their own units."""
    words = [word for setting in ("training.optimizer=newton", *scaling) for word in ("--set", setting)]
    words += ["--set", "data.features=[sepal_length]"] * (config == "iris")
    assert bpcli("train", root / f"configs/{config}.yaml", *words, "--output", tmp_path / "run", "--quiet").code == 0
    raw, prepared = (run_statistics(tmp_path / "run", raw=raw) for raw in (True, False))
    found = prepared_statistics(Material("", load_model(tmp_path / "run"), statistics=raw))
    for ours, theirs in zip(found["coefficients"], prepared["coefficients"], strict=True):
        if ours["name"] != "bias":
            assert [ours[k] for k in ("weight", "low", "high")] == pytest.approx(
                [theirs[k] for k in ("weight", "low", "high")], rel=1e-9
            )
    assert "Weights with 95 % intervals" in report_page(Material("", load_model(tmp_path / "run"), statistics=raw))
