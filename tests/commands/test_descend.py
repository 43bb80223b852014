"""`bpcli descend`: a line a step in every format, and the ways in which a descent ends."""

import pytest


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (["--steps", "2"], ["1 2 5", "0.5 1 1.25", "0.25 0.5 0.3125"]),
        (["--steps", "1", "--ascend"], ["1 2 5", "1.5 3 11.25"]),
        (["--steps", "1", "--direction", "x=+,y=−"], ["1 2 5", "1.5 1 3.25"]),
        (["--tolerance", "4"], ["1 2 5"]),
        (["--steps", "0", "--format", "csv"], ["step,x,y,value,d/dx,d/dy", "0,1,2,5,2,4"]),
    ],
)
def test_steps(bpcli, options, lines):
    result = bpcli("descend", "x**2+y**2", "--at", "1,2", "--lr", "1/4", *options)
    assert (result.code, result.err) == (0, "")
    assert result.lines == lines


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lr", "0"], "--lr 0: the learning rate"),
        (["--lr", "1", "--tolerance", "-1"], "--tolerance -1: expected"),
        (["--lr", "1", "--direction", "x"], "expected NAME=+ or NAME=-"),
        (["--lr", "1", "--direction", "x=+,x=-"], "gives x twice"),
        (["--lr", "1", "--direction", "q=+"], "--direction q=+: q is no variable"),
        (["--lr", "1", "--at", "2,3"], "begins at one point"),
    ],
)
def test_wrong_usage(bpcli, options, message):
    result = bpcli("descend", "x**2+y**2", "--at", "1,2", *options)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_values_that_leave_the_finite(bpcli):
    result = bpcli("descend", "x**2", "--at", "1", "--lr", "100", "--steps", "1000")
    assert result.code == 4
    assert "allows a step below --lr 1" in result.err
    assert "learning_rate" not in result.err


def test_the_help_says_that_a_descent_has_one_point(bpcli):
    at = {name: bpcli(name, "--help").out.partition("--at POINT")[2].partition("\n")[0] for name in ("descend", "grad")}
    assert ("repeats" in at["descend"], "repeats" in at["grad"]) == (False, True)
