"""`grad`: gradients worked by hand, in every format."""

import pytest


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["x**2*y", "--at", "3,2"], ["12 9"]),
        (["x**2*y", "--at", "x=3,y=2", "--wrt", "y"], ["9"]),
        (["x**2*y", "--at", "3,2", "--at", "1,1"], ["12 9", "2 1"]),
        (["a*x", "--at", "x=5", "--let", "a=3"], ["3"]),
        (["dot(w,x)", "--at", "w=[1,2],x=[3,4]"], ["d/dw:", "3 4", "d/dx:", "1 2"]),
        (["x/3", "--at", "1", "--precision", "3"], ["0.333"]),
        (["|x|", "--at", "0", "--kink", "left"], ["-1"]),
        (["x**2*y", "--at", "3,2", "--format", "csv"], ["x,y,value,d/dx,d/dy", "3,2,18,12,9"]),
    ],
)
def test_by_hand(bpcli, arguments, lines):
    result = bpcli("grad", *arguments)
    assert (result.code, result.lines) == (0, lines)


def test_json(bpcli):
    assert bpcli("grad", "x**2*y", "--at", "3,2", "--format", "json").json == [
        {"function": "x**2*y", "inputs": {"x": 3, "y": 2}, "value": 18, "gradient": {"x": 12, "y": 9}}
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["x*", "--at", "1"], 2, "^"),
        (["x**2", "--at", "1,2;3,4"], 2, "number"),
        (["log(x)", "--at", "0"], 4, "log(x) at x = 0"),
        (["x", "--at", "@missing.txt"], 3, "missing.txt"),
    ],
)
def test_what_goes_wrong(bpcli, arguments, code, words):
    result = bpcli("grad", *arguments)
    assert result.code == code
    assert words in result.err
