"""Pictures of a trained model: what is drawn is what was computed."""

import numpy as np
import pytest

from bpcli.plots import runs
from bpcli.plots.style import drawing
from bpcli.training.run import load_model


@pytest.fixture
def run(iris_run):
    return iris_run


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A neuron with a threshold of its own, over a scaled number, a column of categories, and names with a dollar."""
    from bpcli.commands import run as command

    folder = tmp_path_factory.mktemp("mixed")
    rng = np.random.default_rng(0)
    rows = ["cost_$,größe,color,label"]
    for _ in range(80):
        a, b, color = rng.normal(100, 20), rng.normal(), rng.choice(["red", "green", "blue"], p=[0.6, 0.3, 0.1])
        rows.append(f"{a},{b},{color},{'b$x$' if a / 20 + b > 5 else 'a'}")
    (folder / "d.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "c.yaml").write_text(
        "model: {type: neuron, activation: sigmoid, threshold: 0.3}\nloss: bce\n"
        "training: {epochs: 20, learning_rate: 0.5}\n"
        "data: {path: d.csv, target: label, categorical: [color], standardize: true}\n"
    )
    assert command(["train", str(folder / "c.yaml"), "--output", str(folder / "run"), "--quiet"]) == 0
    return folder / "run"


def test_a_boundary_is_where_the_probability_is_the_threshold(mixed):
    from bpcli.plots.runs import draw as draw_run
    from bpcli.training.config.loading import load_config
    from bpcli.training.run import load_model
    from bpcli.training.setup import prepare

    model = load_model(mixed)
    parts = {name: (part.X, part.y) for name, part in prepare(load_config(mixed / "config.yaml")).parts.items()}
    names = model.preparation.feature_names
    with drawing():
        figure = draw_run(model, {}, parts, ["boundary"], (0, 1), (4, 3))
    (axes,) = figure.subfigs[0].axes
    assert axes.get_xlabel() == r"cost_\$"
    assert "others at their mean or mode" in axes.get_title()
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


def test_names_of_any_letters(bpcli, mixed, tmp_path):
    result = bpcli("plot", mixed, "--output", tmp_path / "p.svg")
    assert (result.code, result.err) == (0, "")
    text = (tmp_path / "p.svg").read_text(encoding="utf-8")
    assert "größe" in text
    assert "b$x$" in text


@pytest.mark.parametrize(
    ("names", "shape"),
    [
        ([f"p{k}" for k in range(16)], (4, 4)),
        ([f"x{k}" for k in range(16)], None),
        ([f"x{k}" for k in range(64)], (8, 8)),
        ([f"x{k}" for k in range(63)], None),
        (["a", "b"] * 32, None),
    ],
)
def test_which_features_are_pixels(names, shape):
    from bpcli.plots.runs import pixels

    assert pixels(names) == shape


def test_the_views_of_a_run(run):
    from bpcli.plots.runs import draw as draw_run
    from bpcli.plots.runs import pixels, views_of
    from bpcli.training import metrics
    from bpcli.training.config.loading import load_config
    from bpcli.training.run import load_model, read_history
    from bpcli.training.setup import prepare

    model, history = load_model(run), read_history(run)
    parts = {name: (part.X, part.y) for name, part in prepare(load_config(run / "config.yaml")).parts.items()}
    views = views_of(model, history, None)
    assert views == ["curves", "boundary", "confusion", "weights"]
    with drawing():
        figure = draw_run(model, history, parts, views, (2, 3), (9, 7))
    curves, boundary, confusion, weights = (box.axes[0] for box in figure.subfigs)
    np.testing.assert_allclose(curves.get_lines()[0].get_ydata(), history["loss"])
    assert (boundary.get_xlabel(), boundary.get_ylabel()) == ("petal_length", "petal_width")
    X, y = parts["validation"]
    table = metrics.confusion(y, model.predicted(model.z(X)), 3)
    assert [int(t.get_text()) for t in confusion.texts] == table.ravel().tolist()
    assert sorted(p.get_width() for p in weights.patches) == pytest.approx(sorted(model.w.ravel()))
    assert pixels([f"pixel_{i}_{j}" for i in range(8) for j in range(8)]) == (8, 8)
    assert pixels(["a", "b", "c", "d"]) is None


@pytest.mark.parametrize("view", ["curves", "boundary", "confusion", "weights"])
def test_one_view(bpcli, run, tmp_path, view):
    result = bpcli("plot", run, "--show", view, "--output", tmp_path / "p.svg")
    assert (result.code, result.out, result.err) == (0, "", "")


@pytest.mark.parametrize("config", ["digits", "diabetes", "breast_cancer"])
def test_other_models(bpcli, root, tmp_path, config):
    run = tmp_path / config
    assert (
        bpcli("train", root / f"configs/{config}.yaml", "--output", run, "--quiet", "--set", "training.epochs=30").code
        == 0
    )
    assert bpcli("plot", run, "--output", tmp_path / "p.png").code == 0


def test_z_over_a_grid_is_that_of_the_grid_written_out_in_memory_of_a_part(run, monkeypatch):
    model = load_model(run)
    X = np.random.default_rng(0).normal(size=(30, len(model.w)))
    given = {0: np.linspace(-1, 1, 2500), 2: np.linspace(3, 4, 2500)}
    grid = np.tile(runs._typical(model, X), (2500, 1))
    for feature, values in given.items():
        grid[:, feature] = values
    for part in (7, 1000, 1 << 20):
        monkeypatch.setattr(runs, "_PART", part * len(model.w))
        found = runs.z_over(model, X, given)
        assert found.tobytes() == model.z(grid).tobytes()
