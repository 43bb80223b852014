"""Pictures: what is drawn is what was computed, and files are whole and the same twice; each kind was looked at."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from bpcli.plots.expressions import Scene, default_ranges, draw
from bpcli.plots.style import drawing, mathtext


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    from bpcli.commands import run as command

    folder = tmp_path_factory.mktemp("runs") / "iris"
    assert command(["train", str(root / "configs/iris.yaml"), "--output", str(folder), "--quiet"]) == 0
    return folder


def scene(**changes):
    return Scene(**{
        "text": "x**2+y**2", "latex": "x^2 + y^2", "names": ["x", "y"], "ranges": [(-2.0, 2.0), (-2.0, 2.0)],
        "value": lambda x, y: x**2 + y**2, "point": [1.0, 0.5], "height": 1.25, "gradient": [2.0, 1.0],
        "path": np.array([[1.0, 0.5], [0.6, 0.3]]),
    } | changes)  # fmt: skip


def test_a_curve_shows_the_function_its_tangent_and_the_descent():
    with drawing():
        figure = draw(
            scene(names=["x"], ranges=[(-3.0, 3.0)], value=lambda x: x**2, point=[1.0], height=1.0, gradient=[2.0],
                  path=np.array([[1.0], [0.6]])), "contour", (4, 3))  # fmt: skip
    (axes,) = figure.axes
    curve, path, tangent, _ = axes.get_lines()
    np.testing.assert_allclose(curve.get_ydata(), curve.get_xdata() ** 2)
    np.testing.assert_allclose(path.get_ydata(), [1, 0.36])
    (x0, x1), (y0, y1) = tangent.get_data()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(2)
    assert axes.get_title() == "$f = x^2 + y^2$"


def test_no_line_runs_across_a_pole():
    with drawing():
        figure = draw(
            scene(names=["x"], ranges=[(-1.0, 1.0)], value=lambda x: 1 / (x + 1e-9), point=None, path=None),
            "contour",
            (4, 3),
        )
    x, y = figure.axes[0].get_lines()[0].get_data()
    assert np.isnan(y[np.argmin(np.abs(x)) - 1 : np.argmin(np.abs(x)) + 2]).any()
    assert figure.axes[0].get_ylim()[1] < 1e4


def test_the_arrow_points_along_the_gradient():
    with drawing():
        figure = draw(scene(), "contour", (4, 3))
    axes = figure.axes[0]
    (arrow,) = axes.texts
    step = np.subtract(arrow.xy, arrow.xyann)
    assert step[0] / step[1] == pytest.approx(2)
    assert axes.get_aspect() == 1
    assert [line.get_label() for line in axes.get_lines()][-1] == "∇f = (2, 1)"


@pytest.mark.parametrize(
    "value", [lambda x, y: 0 * x + 3, lambda x, y: np.nan * x, lambda x, y: np.where(x > 0, np.log(x), np.nan)]
)
@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_constant_and_missing_values(value, kind):
    with drawing(), np.errstate(all="ignore"):
        draw(scene(value=value, point=None, path=None), kind, (4, 3))


def test_a_formula_that_can_not_be_set_is_written():
    with drawing():
        assert mathtext(r"\begin{cases} 1 \end{cases}", "where(x>0,1,0)") == "where(x>0,1,0)"
        assert mathtext("x^2", "x**2") == "$x^2$"


def test_ranges_hold_what_is_marked():
    ((low, high),) = default_ranges(np.array([[2.0], [1.0]]))
    assert low < 1 < 2 < high
    assert default_ranges(np.zeros((1, 2))) == [(-3, 3), (-3, 3)]


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_file_is_whole_and_the_same_twice(bpcli, tmp_path, suffix):
    files = [tmp_path / f"{k}.{suffix}" for k in range(2)]
    for file in files:
        assert bpcli("plot", "x**2*y", "--at", "1,2", "--output", file).code == 0
    content = files[0].read_bytes()
    assert content == files[1].read_bytes()
    if suffix == "svg":
        assert ElementTree.fromstring(content).tag.endswith("svg")
    else:
        assert content.startswith({"png": b"\x89PNG", "pdf": b"%PDF"}[suffix])


def test_the_views_of_a_run(run):
    from bpcli.plots.runs import draw as draw_run
    from bpcli.plots.runs import pixels, views_of
    from bpcli.training import metrics
    from bpcli.training.config import load_config
    from bpcli.training.run import load_model, read_history
    from bpcli.training.trainer import prepare

    model, history = load_model(run), read_history(run)
    parts = {name: (part.X, part.y) for name, part in prepare(load_config(run / "config.yaml")).parts.items()}
    views = views_of(model, history)
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
        bpcli("train", root / f"configs/{config}.yaml", "--output", run, "--quiet", "--set", "training.epochs=3").code
        == 0
    )
    assert bpcli("plot", run, "--output", tmp_path / "p.png").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["x**2", "--output", "p.gif"], 2, "png, svg, pdf"),
        (["x**2"], 2, "--output"),
        (["x*y*z", "--output", "p.png"], 2, "this has 3: x, y, z"),
        (["3", "--output", "p.png"], 2, "this has none"),
        (["x**2", "--lr", "0.1", "--output", "p.png"], 2, "--lr draws a descent"),
        (["x**2", "--range", "y=-1:1", "--output", "p.png"], 2, "y is no variable"),
        (["x**2", "--range", "x=1:-1", "--output", "p.png"], 2, "the smaller one first"),
        (["x**2", "--range", "x=1", "--output", "p.png"], 2, "expected NAME=LOW:HIGH"),
        (["x**2", "--size", "0x3", "--output", "p.png"], 2, "expected WxH"),
        (["x**2", "--show", "curves", "--output", "p.png"], 2, "--show is of a run"),
        (["[x,x]", "--output", "p.png"], 2, "a gradient is of one number"),
        (["x +", "--output", "p.png"], 2, "^"),
    ],
)
def test_wrong_usage(bpcli, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    result = bpcli("plot", *arguments)
    assert (result.code, result.out) == (code, "")
    assert message in result.err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_and_a_missing_library_is_named(bpcli, tmp_path, run, monkeypatch):
    target = tmp_path / "p.png"
    target.write_text("mine")
    assert bpcli("plot", "x", "--output", target).code == 2
    assert target.read_text() == "mine"
    assert bpcli("plot", "x", "--output", target, "--force").code == 0
    assert (
        "did you mean petal_length"
        in bpcli("plot", run, "--features", "petal_lenght", "--output", tmp_path / "q.png").err
    )
    assert "--at is of an expression" in bpcli("plot", run, "--at", "1", "--output", tmp_path / "q.png").err
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    result = bpcli("plot", "x", "--output", tmp_path / "q.png")
    assert result.code == 2
    assert "pip install 'bpcli[plot]'" in result.err
