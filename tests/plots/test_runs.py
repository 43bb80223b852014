"""The views of a run show the numbers that were computed."""

import os
import shutil

import numpy as np
import pytest

from bpcli.plots import runs
from bpcli.plots.style import drawing
from bpcli.training.run import load_model


@pytest.fixture
def run(iris_run):
    return iris_run


def test_names_of_any_letters(bpcli, mixed, tmp_path):
    result = bpcli("plot", mixed, "--output", tmp_path / "p.svg")
    assert (result.code, result.err) == (0, "")
    text = (tmp_path / "p.svg").read_text(encoding="utf-8")
    assert "größe" in text
    assert "b$x$" in text


def test_files_of_any_name(bpcli, run, root, tmp_path):
    name = os.fsdecode(b"a$^$\xff")  # neither a formula nor UTF-8
    copy, data = shutil.copytree(run, tmp_path / name), shutil.copy(root / "data/iris.csv", tmp_path / f"{name}.csv")
    assert bpcli("plot", copy, "--output", tmp_path / "p.svg").code == 0
    assert bpcli("report", copy, data, "--output", tmp_path / "r.html").code == 0


def test_the_views_of_a_run(run):
    from bpcli.plots.runs import draw as draw_run
    from bpcli.plots.runs import views_of
    from bpcli.plots.subjects import Subject
    from bpcli.training import metric_formulas
    from bpcli.training.config.loading import load_config
    from bpcli.training.run import read_history
    from bpcli.training.setup import prepare

    model, history = load_model(run), read_history(run)
    parts = {name: (part.X, part.y) for name, part in prepare(load_config(run / "config.yaml")).parts.items()}
    views = views_of(model, history, None)
    assert views == ["curves", "boundary", "confusion", "weights"]
    with drawing():
        figure = draw_run(Subject(model, history, parts, (2, 3)), views, (9, 7), "Iris", "a remark")
    assert figure.get_suptitle() == "Iris"
    curves, boundary, confusion, weights = (box.axes[0] for box in figure.subfigs)
    np.testing.assert_allclose(curves.get_lines()[0].get_ydata(), history["loss"])
    assert (boundary.get_xlabel(), boundary.get_ylabel()) == ("petal_length", "petal_width")
    X, y = parts["validation"]
    table = metric_formulas.confusion(y, model.predicted(model.z(X)), 3)
    assert [int(t.get_text().split()[0]) for t in confusion.texts] == table.ravel().tolist()
    shares = (table / table.sum(axis=1, keepdims=True))[table > 0]
    assert [t.get_text().split()[1] for t in confusion.texts if "%" in t.get_text()] == [f"{v:.1%}" for v in shares]
    assert sorted(p.get_width() for p in weights.patches) == pytest.approx(sorted(model.w.ravel()))


@pytest.mark.parametrize("view", list(runs.VIEWS))
def test_one_view(bpcli, run, tmp_path, view):
    result = bpcli("plot", run, "--show", view, "--output", tmp_path / "p.svg")
    assert (result.code, result.out) == (0, "")
    assert ("no intervals: the classes are separated" in result.err) if view == "weights" else result.err == ""


@pytest.mark.parametrize("config", ["digits", "diabetes", "breast_cancer"])
def test_other_models(bpcli, root, tmp_path, config):
    run = tmp_path / config
    assert (
        bpcli("train", root / f"configs/{config}.yaml", "--output", run, "--quiet", "--set", "training.epochs=30").code
        == 0
    )
    assert bpcli("plot", run, "--output", tmp_path / "p.png").code == 0
