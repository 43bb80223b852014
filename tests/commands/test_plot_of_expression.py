"""`plot EXPR`: errors, notes and ranges."""

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
