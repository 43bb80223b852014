"""Pictures: what is drawn is what was computed, and files are whole and the same twice; each kind was looked at."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from bpcli.plots.expressions import Scene, draw, levels_of
from bpcli.plots.sampling import curve, default_ranges, runs_off, sensible_ranges, window
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
    assert x[np.isnan(y)] == pytest.approx(-1e-9, rel=1e-3)
    assert figure.axes[0].get_ylim()[1] < 1e4


def test_the_arrow_points_along_the_gradient():
    with drawing():
        figure = draw(scene(), "contour", (4, 3))
    axes = figure.axes[0]
    (arrow,) = axes.texts
    step = np.subtract(arrow.xy, arrow.xyann)
    assert step[0] / step[1] == pytest.approx(2)
    assert axes.get_aspect() == 1
    assert axes.get_legend_handles_labels()[1] == ["1 step", "∇f = (2, 1)"]


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


@pytest.mark.parametrize(
    ("value", "torn", "off"),
    [
        (lambda x: 1 / (x - 0.1234), [0.1234], True),
        (lambda x: 1 / (x - 0.1234) ** 2, [0.1234], True),
        (np.floor, [-1, 0, 1], False),
        (lambda x: np.where(x > 0, 1e-9, 0.0), [0], False),
        (lambda x: np.tanh(1e4 * x), [], False),
        (np.cbrt, [], False),
        (np.abs, [], False),
        (lambda x: np.exp(-(100 * x**2)), [], False),
        (lambda x: 1e200 * x, [], False),
    ],
)
def test_a_curve_is_interrupted_at_jumps_and_poles_and_nowhere_else(value, torn, off):
    with np.errstate(all="ignore"):
        x, y, runs = curve(value, (-1.5, 1.5))
        there = np.isfinite(y)
        np.testing.assert_array_equal(y[there], value(x[there]))
    assert np.unique(x[~there].round(9) + 0.0) == pytest.approx(torn)
    assert (np.diff(x) >= 0).all()
    assert runs == off
    low, high = window(y, runs)
    if not off:  # peaks are not cut
        assert low <= y[there].min() < y[there].max() <= high


def test_a_curve_is_drawn_up_to_the_edge_of_its_domain():
    with np.errstate(all="ignore"):
        x, y, off = curve(lambda x: np.sqrt(x - 1 / 3), (-1, 1))
    assert x[np.isfinite(y)].min() == pytest.approx(1 / 3, abs=1e-12)
    assert not off


def test_a_range_ends_where_the_function_does():
    with np.errstate(all="ignore"):
        ((low, high),) = sensible_ranges(np.log, ["x"], {}, None)
        assert -0.3 < low < 0 < 2.9 < high <= 3
        assert sensible_ranges(np.log, ["x"], {"x": (-1.0, 1.0)}, None) == [(-1, 1)]
        ((low, high),) = sensible_ranges(lambda x: np.log(x - 100), ["x"], {}, None)
        assert 0 < low <= 100 < high
        spans = sensible_ranges(lambda x, y: np.log(x) + y, ["x", "y"], {"y": (0.0, 9.0)}, np.array([[1.0, 2.0]]))
        assert -0.5 < spans[0][0] < 0.1
        assert spans[1] == (0, 9)
        assert sensible_ranges(lambda x: np.sqrt(-1 - x**2), ["x"], {}, None) == [(-3, 3)]


def test_a_pole_is_told_from_a_peak():
    X, Y = np.meshgrid(np.linspace(-1, 1, 60), np.linspace(-1, 1, 60))
    with np.errstate(all="ignore"):
        for value, off in (
            (lambda x, y: 1 / (x**2 + y**2), True),
            (lambda x, y: -1 / np.hypot(x, y - 0.1), True),
            (lambda x, y: np.exp(-50 * (x**2 + y**2)), False),
            (lambda x, y: x + y, False),
        ):
            assert runs_off(value, X, Y, value(X, Y)) == off


def test_levels_show_a_valley():
    X, Y = np.meshgrid(np.linspace(-2, 2, 201), np.linspace(-1, 3, 201))
    with drawing():
        levels, norm = levels_of((1 - X) ** 2 + 100 * (Y - X**2) ** 2, False)
        assert norm is not None
        assert {1, 2, 5, 10, 100, 1000} <= set(np.round(levels, 9))
        levels, norm = levels_of(X + Y, False)
        assert norm is None
        assert np.allclose(np.diff(levels), levels[1] - levels[0])
        assert levels_of(0 * X, False) is None


def test_the_updates_of_the_lecture_in_every_direction():
    with drawing():
        figure = draw(scene(updates=True, path=None), "contour", (4, 3))
    (axes, _) = figure.axes
    steps = [np.subtract(arrow.xy, arrow.xyann) for arrow in axes.texts]
    signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    for step, sign in zip(steps, signs, strict=True):
        np.testing.assert_allclose(step / np.hypot(*step), np.array(sign) * [2, 1] / 5**0.5)
    assert axes.get_legend_handles_labels()[1][0] == "x + α∂f/∂x, y + α∂f/∂y: most increasing"


def test_a_field_of_gradients():
    with drawing():
        figure = draw(scene(slopes=lambda x, y: [2 * x, 2 * y], point=None, path=None), "contour", (4, 3))
    (field,) = [c for c in figure.axes[0].collections if hasattr(c, "U")]
    x, y = field.XY.T
    there = (x != 0) | (y != 0)
    np.testing.assert_allclose(field.U * y - field.V * x, 0, atol=1e-12)
    assert (field.U * x + field.V * y > 0)[there].all()
    assert len(x) == 15**2 - 1  # there is no direction at the minimum


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sqrt(-1-x**2)"], "has no finite value in x=-3:3"),
        (["log(x)", "--at", "-1"], "log(x) at x = -1"),
        (["1e308*x", "--range", "x=1:2"], "has no finite value in x=1:2"),
        (["x**4", "--at", "3", "--lr", "1.5"], "the values left the finite at step"),
    ],
)
def test_what_is_not_finite_is_told_and_the_rest_is_drawn(bpcli, tmp_path, arguments, message):
    result = bpcli("plot", *arguments, "--output", tmp_path / "p.svg")
    assert result.code == 4
    assert message in result.err
    assert (tmp_path / "p.svg").is_file()


def test_a_kink_is_noted(bpcli, tmp_path):
    assert "has a kink" in bpcli("plot", "relu(x)", "--at", "0", "--output", tmp_path / "p.svg").err
    left = bpcli("plot", "relu(x)", "--at", "0", "--kink", "left", "--output", tmp_path / "q.svg")
    assert left.code == 0
    assert "slope 0" in (tmp_path / "q.svg").read_text()


def test_a_path_that_is_not_there_is_no_expression(bpcli, run, tmp_path):
    result = bpcli("plot", run.parent / "irsi", "--output", tmp_path / "p.png")
    assert result.code == 3
    assert f"did you mean {run}?" in result.err
    assert list(tmp_path.glob("*")) == []


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
    from bpcli.training.trainer import prepare

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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--features", "petal_width,petal_width"], "gives petal_width twice"),
        (["--features", "petal_width", "--show", "confusion"], "which is not shown"),
        (["--features", ","], "takes one or two names"),
        (["--image", "2x3"], "the model has 4 features"),
        (["--image", "2x2", "--show", "confusion"], "of the weights"),
        (["--steps", "3"], "--steps is of an expression"),
        (["--kind", "surface"], "--kind is of an expression"),
        (["--field"], "--field is of an expression"),
    ],
)
def test_options_of_a_run_that_would_do_nothing(bpcli, run, tmp_path, options, message):
    result = bpcli("plot", run, *options, "--output", tmp_path / "p.png")
    assert result.code == 2
    assert message in result.err
    assert list(tmp_path.iterdir()) == []


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
    from bpcli.training.config.loading import load_config
    from bpcli.training.run import load_model, read_history
    from bpcli.training.trainer import prepare

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
        (["x**2", "--size", "0x3", "--output", "p.png"], 2, "expected two numbers of inches"),
        (["x**2", "--show", "curves", "--output", "p.png"], 2, "--show is of a run"),
        (["x**2", "--range", "x=1:1.0000000000000002", "--output", "p.png"], 2, "too narrow"),
        (["x*y", "--range", "x=0:1e-300", "--output", "p.png"], 2, "too narrow"),
        (["x**2", "--range", "x=0:1,x=1:2", "--output", "p.png"], 2, "gives x twice"),
        (["x**2", "--at", "1", "--at", "2", "--output", "p.png"], 2, "--at gives several"),
        (["x**2", "--at", "inf", "--output", "p.png"], 2, "x is inf"),
        (["x**2", "--at", "1", "--lr", "nan", "--output", "p.png"], 2, "greater than 0"),
        (["x**2", "--at", "1", "--steps", "3", "--output", "p.png"], 2, "--steps is of a descent"),
        (["x**2", "--kind", "surface", "--output", "p.png"], 2, "--kind is of two variables"),
        (["x**2", "--field", "--output", "p.png"], 2, "--field is of two variables"),
        (["x*y", "--updates", "--output", "p.png"], 2, "--updates draws arrows at a point"),
        (["x*y", "--field", "--kind", "surface", "--output", "p.png"], 2, "--field is drawn over contours"),
        (["x", "--dpi", "90", "--output", "p.svg"], 2, "--dpi is of PNG"),
        (["x", "--image", "8x8", "--output", "p.svg"], 2, "--image is of a run"),
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


def test_a_folder_of_an_expressions_name_is_told_from_it(bpcli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    refused = bpcli("plot", "x", "--output", "a.png")
    assert refused.code == 3
    assert 'the expression is "(x)"' in refused.err
    assert bpcli("plot", "(x)", "--output", "a.png").code == 0
