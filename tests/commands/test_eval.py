"""`eval`: the value, against Python's own arithmetic."""

import math

import pytest


@pytest.mark.parametrize("text", ["2**0.5*3", "1/3-7", "sin(1)*exp(2)", "-2**2", "hypot(3,4)", "atan2(1,-1)", "pi/e"])
def test_constants(bpcli, text):
    expected = eval(text, {"atan2": math.atan2, **{n: getattr(math, n) for n in ("sin", "exp", "hypot", "pi", "e")}})
    result = bpcli("eval", text)
    assert (result.code, result.err) == (0, "")
    assert float(result.out) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["x**2*y", "--at", "3,2"], ["18"]),
        (["x**2", "--at", "1", "--at", "2"], ["1", "4"]),
        (["[1,2]·[3,4]"], ["11"]),
        (["[[1,2],[3,4]] @ x", "--at", "x=[1,1]"], ["3 7"]),
        (["1/3", "--precision", "3"], ["0.333"]),
        (["0-0"], ["0"]),
        (["x", "--at", "-0"], ["0"]),
    ],
)
def test_values(bpcli, arguments, lines):
    result = bpcli("eval", *arguments)
    assert (result.code, result.lines) == (0, lines)


def test_a_value_that_is_not_finite_is_printed_with_a_note(bpcli):
    result = bpcli("eval", "log(x)", "--at", "0")
    assert (result.code, result.lines) == (4, ["-inf"])
    assert "log(x) at x = 0" in result.err
