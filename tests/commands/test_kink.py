"""`--kink` and the notes at kinks, on every command that has slopes."""

import numpy as np
import pytest


@pytest.mark.parametrize(
    ("arguments", "lecture", "left", "right"),
    [
        (["grad", "relu(x)", "--at", "0"], "1", "0", "1"),
        (["grad", "max(x,y)", "--at", "2,2"], "0.5 0.5", "0 0", "1 1"),
        (["hessian", "relu(x)**2", "--at", "0"], "2", "0", "2"),
        (["jacobian", "|x|", "--at", "0"], "0", "-1", "1"),
        (["jacobian", "|x|", "--at", "0", "--vjp", "3"], "0", "-3", "3"),
        (["jacobian", "|x|", "--at", "0", "--jvp", "3"], "0", "-3", "3"),
        (["jacobian", "relu", "--z", "0"], "1", "0", "1"),
        (["jacobian", "relu", "--z", "0", "--vjp", "3"], "3", "0", "3"),
        (["jacobian", "relu", "--z", "0", "--jvp", "3"], "3", "0", "3"),
        (["grad", "relu(x)", "--at", "0", "--certify"], "1", "0", "1"),
    ],
)
def test_the_slope_of_choice_and_a_note(bpcli, arguments, lecture, left, right):
    for kink, expected in (("lecture", lecture), ("left", left), ("right", right)):
        result = bpcli(*arguments, "--kink", kink)
        assert (result.code, result.lines) == (0, [expected])
        assert result.err.count("has a kink") == 1
        assert (" takes a side" in result.err) == (kink == "lecture")
    assert bpcli(*arguments).lines == [lecture]


def test_a_neuron_at_its_kink(bpcli):
    arguments = [
        "jacobian",
        "neuron",
        "--x",
        "1,-2",
        "--w",
        "2,1",
        "--b",
        "0",
        "--activation",
        "relu",
        "--format",
        "json",
    ]
    blocks = {kink: bpcli(*arguments, "--kink", kink).json[0]["jacobian"] for kink in ("lecture", "left", "right")}
    assert blocks["lecture"] == {"x": [[2, 1]], "w": [[1, -2]], "b": [[1]]}
    assert blocks["left"] == {"x": [[0, 0]], "w": [[0, -2]], "b": [[0]]}
    assert blocks["right"] == {"x": [[2, 1]], "w": [[1, 0]], "b": [[1]]}
    product = bpcli(*arguments, "--kink", "left", "--jvp", "1,1,1,1,1").json[0]
    assert product["jvp"] == -2


def test_the_note_names_the_place_and_the_interval(bpcli):
    err = bpcli("grad", "relu(x-y)*2", "--at", "3,3").err
    assert err == (
        "bpcli: note: relu(x-y) at x = 3, y = 3 has a kink: d/dx is 0 on the left, 2 on the right; 2 is used "
        "(and so for d/dy); --kink left or right takes a side\n"
    )
    assert (
        "sign(x) at x = 0 has a jump: d/dx is 0 on the left, 0 on the right; 0 is used"
        in bpcli("grad", "sign(x)", "--at", "0").err
    )
    assert "d/dx is -1 on the left, 1 on the right; 0 is used" in bpcli("hessian", "|x|", "--at", "0").err
    assert "the second derivative of x**1.5 at x = 0" in bpcli("hessian", "x**1.5", "--at", "0").err
    assert "d²/dxdx is 0 on the left, 2 on the right" in bpcli("hessian", "relu(x)**2", "--at", "0").err


@pytest.mark.parametrize("text", ["relu(x)**2", "|x|**2", "x*|x|", "norm([x,x])**2", "relu(x)-relu(-x)", "sqrt(x**4)"])
def test_no_note_where_the_derivative_exists(bpcli, text):
    assert bpcli("grad", text, "--at", "0").err == ""


def test_many_points_are_counted(bpcli, tmp_path):
    points = "x\n" + "0\n1\n" * 5
    for extra in ([], ["--certify"]):
        result = bpcli("grad", "|x|", "--points", "-", "--kink", "right", *extra, stdin=points)
        assert result.lines == ["1"] * 10
        assert result.err.count("has a kink") == 3
        assert "in all, 5 points lie at a kink or a jump" in result.err
        result = bpcli("grad", "|x|", "--points", "-", "--output", tmp_path / "g.npy", "--force", *extra, stdin=points)
        np.testing.assert_array_equal(np.load(tmp_path / "g.npy")[:, 1], [0, 1] * 5)
        assert "5 points lie at a kink" in result.err


def test_a_point_counts_once(bpcli):
    result = bpcli("grad", "max(x,y)", "--points", "-", stdin="x,y\n" + "1,1\n" * 5000)
    assert result.err.count("has a kink") == 3
    assert "in all, 5000 points lie at a kink or a jump" in result.err
    assert result.lines == ["0.5 0.5"] * 5000


def test_a_descent_says_where_it_stood_on_a_kink(bpcli):
    result = bpcli("descend", "|x|", "--at", "2", "--lr", "1", "--steps", "3")
    assert result.lines == ["2 2", "1 1", "0 0", "0 0"]
    assert "|x| at x = 0 has a kink" in result.err
    assert bpcli("descend", "|x|", "--at", "0", "--lr", "1", "--steps", "1", "--kink", "right").lines == ["0 0", "-1 1"]


def test_no_slope_on_that_side(bpcli):
    result = bpcli("grad", "sqrt(x)*x", "--at", "0", "--kink", "left")
    assert (result.code, result.lines) == (4, ["nan"])
    assert bpcli("grad", "x", "--at", "0", "--kink", "middle").code == 2
