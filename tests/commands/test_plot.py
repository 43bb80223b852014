"""`plot`: what can't be drawn is told, and nothing is overwritten."""

import json

import pytest


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    from bpcli.commands import run as command

    folder = tmp_path_factory.mktemp("runs") / "iris"
    assert command(["train", str(root / "configs/iris.yaml"), "--output", str(folder), "--quiet"]) == 0
    return folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sqrt(-1-x**2)"], "has no finite value in x=-3:3"),
        (["log(x)", "--at", "-1"], "log(x) at x = -1"),
        (["1e308*x", "--range", "x=1:2"], "has no finite value in x=1:2"),
        (["x**4", "--at", "3", "--lr", "1.5"], "the values are no longer finite at step"),
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--features", "petal_width,petal_width"], "gives petal_width twice"),
        (["--features", "petal_width", "--show", "confusion"], "which is not shown"),
        (["--features", ","], "takes one or two names"),
        (["--image", "2x3"], "the model has 4 features"),
        (["--image", "2x2", "--show", "confusion"], "with the weights"),
        (["--steps", "3"], "--steps goes with an expression"),
        (["--kind", "surface"], "--kind goes with an expression"),
        (["--field"], "--field goes with an expression"),
    ],
)
def test_options_of_a_run_that_would_do_nothing(bpcli, run, tmp_path, options, message):
    result = bpcli("plot", run, *options, "--output", tmp_path / "p.png")
    assert result.code == 2
    assert message in result.err
    assert list(tmp_path.iterdir()) == []


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
        (["x**2", "--show", "curves", "--output", "p.png"], 2, "--show goes with a run"),
        (["x**2", "--range", "x=1:1.0000000000000002", "--output", "p.png"], 2, "too narrow"),
        (["x*y", "--range", "x=0:1e-300", "--output", "p.png"], 2, "too narrow"),
        (["x**2", "--range", "x=0:1,x=1:2", "--output", "p.png"], 2, "gives x twice"),
        (["x**2", "--at", "1", "--at", "2", "--output", "p.png"], 2, "--at gives several"),
        (["x**2", "--at", "inf", "--output", "p.png"], 2, "x is inf"),
        (["x**2", "--at", "1", "--lr", "nan", "--output", "p.png"], 2, "greater than 0"),
        (["x**2", "--at", "1", "--steps", "3", "--output", "p.png"], 2, "--steps goes with a descent"),
        (["x**2", "--kind", "surface", "--output", "p.png"], 2, "--kind needs two variables"),
        (["x**2", "--field", "--output", "p.png"], 2, "--field needs two variables"),
        (["x*y", "--updates", "--output", "p.png"], 2, "--updates draws arrows at a point"),
        (["x*y", "--field", "--kind", "surface", "--output", "p.png"], 2, "--field is drawn over contours"),
        (["x", "--dpi", "90", "--output", "p.svg"], 2, "--dpi is for PNG"),
        (["x", "--image", "8x8", "--output", "p.svg"], 2, "--image goes with a run"),
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
    assert "--at goes with an expression" in bpcli("plot", run, "--at", "1", "--output", tmp_path / "q.png").err
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


def test_the_learning_rate_of_a_picture_may_be_a_fraction(bpcli, tmp_path):
    for name, rate in (("fraction", "1/4"), ("decimal", "0.25")):
        result = bpcli("plot", "x**2", "--at", "2", "--lr", rate, "--output", tmp_path / f"{name}.svg")
        assert (result.code, result.err) == (0, "")
    assert (tmp_path / "fraction.svg").read_bytes() == (tmp_path / "decimal.svg").read_bytes()


def test_the_folds_are_those_of_cv(bpcli, tmp_path, root):
    config = root / "configs" / "breast_cancer.yaml"
    small = ("--set", "data.features=[mean_radius]", "--set", "training.epochs=3")
    assert bpcli("train", config, "--quiet", "--output", tmp_path / "run", *small).code == 0
    done = json.loads(bpcli("cv", config, *small, "--folds", 3, "--format", "json").out.splitlines()[-1])
    for view, metric in (("roc", "auc"), ("pr", "pr_auc"), ("calibration", "ece")):
        file = tmp_path / f"{view}.svg"
        assert bpcli("plot", tmp_path / "run", "--show", view, "--folds", 3, "--output", file).code == 0
        mean, std = done["mean"][metric], done["std"][metric]
        assert f"{mean:.3g} ± {std:.2g}" in file.read_text()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--show", "curves", "--folds", "3"), 2, "--folds goes with roc"),
        (("--folds", "3"), 2, "--show roc --folds 3"),
        (("--show", "roc", "--folds", "9999"), 2, "more than the 150 rows"),
        (("--show", "pr", "--folds", "60"), 3, "too few"),
    ],
)
def test_folds_that_can_not_be_drawn(bpcli, tmp_path, run, options, code, message):
    result = bpcli("plot", run, *options, "--output", tmp_path / "p.png")
    assert result.code == code
    assert message in result.err
    assert not (tmp_path / "p.png").exists()


def test_weights_without_intervals_say_why(bpcli, tmp_path, run):
    result = bpcli("plot", run, "--show", "weights", "--output", tmp_path / "p.png")
    assert result.code == 0
    assert "no intervals: " in result.err
    assert bpcli("inspect", run, "--stats").code == 1


@pytest.mark.parametrize(
    ("expression", "at", "low", "high"),
    [
        ("x**2", "3", -2, 0),  # the minimum, 0, is inside
        ("x**2", "20", -10, 0),
        ("(x-30)**2", "25", 17.5, 17.5),  # it is inside all the same
        ("cos(x)", "0", -3, -3),  # a point at rest is in the middle
        ("sin(x)/x", "1", -2, -2),  # the minimum at -4.49 is not on its way down, and 4.49 is no nearer
        ("exp(x)", "2", -1, -1),
    ],
)
def test_the_range_round_a_lone_point(bpcli, tmp_path, monkeypatch, expression, at, low, high):
    from bpcli.plots import expressions

    drawn = []
    original = expressions.draw
    monkeypatch.setattr(expressions, "draw", lambda scene, *rest: drawn.append(scene) or original(scene, *rest))
    assert bpcli("plot", expression, "--at", at, "--output", tmp_path / "p.svg").code == 0
    ((left, right),) = drawn[0].ranges
    assert low <= left <= high
    assert left < float(at) < right
