"""What is to be tried, from text: values are YAML, ranges are exact, and mistakes are told."""

from itertools import pairwise

import mpmath
import pytest

from bpcli.errors import UsageError
from bpcli.training.selection.grid import combinations


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("k=0,1e-3,-2", [0, 1e-3, -2]),
        ("k=adam,null,true,no", ["adam", None, True, "no"]),
        ("k={name: rmsprop, decay: 0.9},sgd", [{"name": "rmsprop", "decay": 0.9}, "sgd"]),
        ("k=[a, b],[a],[]", [["a", "b"], ["a"], []]),
        ("k='a,b',\"c,d\",it's", ["a,b", "c,d", "it's"]),
        ("k={a: [1, 2], b: ']'},3", [{"a": [1, 2], "b": "]"}, 3]),
        ("k=log:1e-3:1:4", [1e-3, 1e-2, 1e-1, 1]),
        ("k=0,log:1:0.01:3,7", [0, 1, 0.1, 0.01, 7]),
        ("k=a=b", ["a=b"]),
    ],
)
def test_values(text, values):
    assert [setting.value for (setting,) in combinations([text])] == values


def test_a_range_has_the_nearest_doubles():
    found = [setting.value for (setting,) in combinations(["k=log:3e-7:2:9"])]
    with mpmath.workdps(60):
        low, ratio = mpmath.mpf("3e-7"), mpmath.mpf(2) / mpmath.mpf("3e-7")
        assert found == [float(low * ratio ** (mpmath.mpf(k) / 8)) for k in range(9)]
    assert all(a < b for a, b in pairwise(found))


def test_all_combinations_the_last_key_fastest():
    found = combinations(["a=1,2", "b=x,y"])
    assert [" ".join(map(str, combination)) for combination in found] == ["a=1 b=x", "a=1 b=y", "a=2 b=x", "a=2 b=y"]


@pytest.mark.parametrize(
    ("tries", "text"),
    [
        ([], "nothing to try"),
        (["training.l2"], "expected KEY=A,B,C"),
        (["=1,2"], "expected KEY=A,B,C"),
        (["k="], "k has no values to try"),
        (["k=1,,2"], "no value before or behind a comma"),
        (["k=1,"], "no value before or behind a comma"),
        (["k=[1,2"], "k: \\[1,2: "),
        (["k=1", "k=2"], "given twice"),
        (["k=0,1,0.0"], "has a value twice: 0.0"),
        (["output=a,b"], "output is no setting"),
        (["k=log:0:1:3"], "LO and HI above 0"),
        (["k=log:-1:1:3"], "LO and HI above 0"),
        (["k=log:1e-400:1:3"], "LO and HI above 0"),
        (["k=log:1:inf:3"], "LO and HI above 0"),
        (["k=log:nan:1:3"], "LO and HI above 0"),
        (["k=log:1:2"], "expected log:LO:HI:N"),
        (["k=log:1:2:x"], "expected log:LO:HI:N"),
        (["k=log:1:2:3:4"], "expected log:LO:HI:N"),
        (["k=log:1:2:1"], "N from 2"),
        (["a=log:1:2:1000", "b=log:1:2:1000"], "1000000 combinations"),
    ],
)
def test_what_goes_wrong(tries, text):
    with pytest.raises(UsageError, match=text):
        combinations(tries)
