"""`plot EXPR`: errors, notes and ranges."""

import re

import pytest


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


def test_the_learning_rate_of_a_picture_may_be_a_fraction(bpcli, tmp_path):
    for name, rate in (("fraction", "1/4"), ("decimal", "0.25")):
        result = bpcli("plot", "x**2", "--at", "2", "--lr", rate, "--output", tmp_path / f"{name}.svg")
        assert (result.code, result.err) == (0, "")
    assert (tmp_path / "fraction.svg").read_bytes() == (tmp_path / "decimal.svg").read_bytes()


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


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["x**2+y**2", "--at", "10,10", "--lr", "0.1"], "the point x=10, y=10 lies outside x=-1:1, y=-1:1, which"),
        (["x**2+y**2", "--at", "10,0"], "the point x=10, y=0 lies outside x=-1:1, y=-1:1, which the picture shows\n"),
        (["x**2+y**2", "--at", "3,0", "--lr", "0.25", "--steps", "3"], "shows, and so do 1 of the 3 steps\n"),  # 1.5
        (["x*y", "--at", "1,-1", "--lr", "1", "--steps", "2"], "note: 2 of the 2 steps lie outside x=-1:1, y=-1:1"),
        (["x**2", "--at", "2"], "the point x=2 lies outside x=-1:1, which"),
        (["x**2+y**2", "--at", "1,-1"], ""),
        (["x**2+y**2", "--at", "1,-1", "--lr", "0.1", "--kind", "surface"], ""),
        (["x**2+y**2", "--at", "1,2", "--kind", "surface"], "the point x=1, y=2 lies outside x=-1:1, y=-1:1, which"),
    ],
)
def test_what_lies_outside_the_range_is_noted(bpcli, tmp_path, arguments, told):
    ranges = "x=-1:1,y=-1:1" if "y" in arguments[0] else "-1:1"
    result = bpcli("plot", *arguments, "--range", ranges, "--output", tmp_path / "p.svg")
    assert result.code == 0
    assert told in result.err
    assert bool(told) == bool(result.err)
    assert bpcli("plot", *arguments, "--output", tmp_path / "q.svg").err == ""  # the range is chosen to show them


def test_a_point_outside_the_range_does_not_flatten_the_curve(bpcli, tmp_path):
    for name, words in (("with", ["--at", "100"]), ("without", [])):
        assert bpcli("plot", "x**2", *words, "--range", "-1:1", "--output", tmp_path / f"{name}.svg").code == 0
    heights = [re.findall(r">(−?[\d.]+)</text>", (tmp_path / f"{n}.svg").read_text()) for n in ("with", "without")]
    assert max(map(float, (v.replace("−", "-") for v in heights[0]))) <= 2
    assert set(heights[1]) <= set(heights[0])


@pytest.mark.parametrize(
    ("text", "span", "told"),
    [
        ("(1-cos(x))/x**2", "-1e-7:1e-7", True),  # 0.5 throughout
        ("x**7-7*x**6+21*x**5-35*x**4+35*x**3-21*x**2+7*x-1", "0.99:1.01", True),  # (x − 1)⁷
        ("sin(x)**2+cos(x)**2", "-3:3", True),
        ("sin(1e17*x)", "0:1", True),
        ("(x-1)**7", "0.99:1.01", False),
        ("sin(x)/x", "-20:20", False),
        ("tan(x)", "-5:5", False),
        ("log(1+exp(x))", "-50:50", False),
        ("0.1+0*x", "-1:1", False),
        ("(x**2-1)/(x-1)", "0:2", False),
        ("sqrt(x)", "-1:1", False),
        ("sin(1/x)", "-1:1", False),
    ],
)
def test_a_picture_of_rounding_errors_is_told(bpcli, tmp_path, text, span, told):
    shown = bpcli("plot", text, "--range", f"x={span}", "--output", tmp_path / "p.svg")
    assert shown.code == 0
    assert ("of the picture shows rounding errors, the largest at x=" in shown.err) is told


def test_a_picture_of_two_variables_tells_how_much_of_it_shows_rounding_errors(bpcli, tmp_path):
    shown = bpcli("plot", "(1e16+x)-1e16+10*y", "--range", "x=-1:1,y=-3:3", "--output", tmp_path / "p.svg")
    assert re.search(r"[67]\d% of the picture shows rounding errors, the largest at x=[-\d.]+,y=[-\d.]+;", shown.err)
