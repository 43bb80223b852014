"""Pictures over features: the boundary, the line, and the grid on which they are computed."""

import numpy as np
import pytest

from bpcli.plots import over_features
from bpcli.plots.style import drawing
from bpcli.plots.subjects import Subject
from bpcli.training.run import load_model


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    from bpcli.commands.running import run as command

    folder = tmp_path_factory.mktemp("runs") / "iris"
    assert command(["train", str(root / "configs/iris.yaml"), "--output", str(folder), "--quiet"]) == 0
    return folder


def test_a_boundary_is_where_the_probability_is_the_threshold(mixed):
    from bpcli.plots.runs import draw as draw_run
    from bpcli.training.config.loading import load_config
    from bpcli.training.run import load_model
    from bpcli.training.setup import prepare

    model = load_model(mixed)
    parts = {name: (part.X, part.y) for name, part in prepare(load_config(mixed / "config.yaml")).parts.items()}
    names = model.preparation.feature_names
    with drawing():
        figure = draw_run(Subject(model, {}, parts, (0, 1)), ["boundary"], (4, 3))
    (axes,) = figure.subfigs[0].axes
    assert axes.get_xlabel() == r"cost_\$"
    assert "80 training rows, the other features at their mean or mode" in axes.get_title()
    (drawn,) = [c for c in axes.collections if not c.get_facecolor().size]
    line = drawn.get_paths()[0].vertices
    assert len(line) > 10
    w, b = model.weights(raw=True)
    for cost, size in line:  # in the features' own units, red
        z = cost * w[0, 0] + size * w[1, 0] + w[names.index("color=red"), 0] + b[0]
        assert 1 / (1 + np.exp(-z)) == pytest.approx(0.3, abs=1e-6)


def test_a_regression_over_two_features(bpcli, root, tmp_path):
    run = tmp_path / "diabetes"
    assert bpcli("train", root / "configs/diabetes.yaml", "--output", run, "--quiet").code == 0
    for features in ("bmi", "bmi,bp"):
        assert bpcli("plot", run, "--features", features, "--output", tmp_path / f"{features}.svg").code == 0
    assert "Regression over bmi and bp" in (tmp_path / "bmi,bp.svg").read_text()
    (run / "model.npz").rename(run / "m.npz")
    assert bpcli("plot", run / "m.npz", "--show", "weights", "--output", tmp_path / "w.pdf").code == 0


def test_z_over_a_grid_is_that_of_the_grid_written_out_in_memory_of_a_part(run, monkeypatch):
    model = load_model(run)
    X = np.random.default_rng(0).normal(size=(30, len(model.w)))
    given = {0: np.linspace(-1, 1, 2500), 2: np.linspace(3, 4, 2500)}
    grid = np.tile(over_features._typical(model, X), (2500, 1))
    for feature, values in given.items():
        grid[:, feature] = values
    for part in (7, 1000, 1 << 20):
        monkeypatch.setattr(over_features, "_PART", part * len(model.w))
        found = over_features.z_over(model, X, given)
        assert found.tobytes() == model.z(grid).tobytes()


def test_categories_are_axes_only_where_there_are_no_numbers(mixed):
    model = load_model(mixed)
    X = np.random.default_rng(0).normal(size=(50, len(model.w)))
    names = [model.preparation.feature_names[k] for k in over_features.strongest(model, X)]
    assert [name.startswith("color=") for name in names] == [False] * 2 + [True] * (len(names) - 2)
