"""`plot`: the errors for pictures that can't be drawn, and nothing is overwritten."""

import pytest


def test_a_path_that_is_not_there_is_no_expression(bpcli, iris_run, tmp_path):
    result = bpcli("plot", iris_run.parent / "irsi", "--output", tmp_path / "p.png")
    assert result.code == 3
    assert f"did you mean {iris_run}?" in result.err
    assert list(tmp_path.glob("*")) == []


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


def test_nothing_is_overwritten_and_a_missing_library_is_named(bpcli, tmp_path, iris_run, monkeypatch):
    target = tmp_path / "p.png"
    target.write_text("mine")
    assert bpcli("plot", "x", "--output", target).code == 2
    assert target.read_text() == "mine"
    assert bpcli("plot", "x", "--output", target, "--force").code == 0
    assert (
        "did you mean petal_length"
        in bpcli("plot", iris_run, "--features", "petal_lenght", "--output", tmp_path / "q.png").err
    )
    assert "--at goes with an expression" in bpcli("plot", iris_run, "--at", "1", "--output", tmp_path / "q.png").err
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
