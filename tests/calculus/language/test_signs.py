"""Signs of other books, their places and their meaning; the hints are tested with those of foreign calls."""

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.signs import sign_elsewhere


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("2+|x|_1", "|x|", "write sum(abs(x))"),
        ("y*(1-(x))_+ + 3", "(1-(x))_+", "write max(1-(x), 0)"),
        ("2*relu(x)_-", "relu(x)_-", "write max(-(relu(x)), 0)"),
        ("(x)_{+}²", "(x)_{+}", "write max(x, 0)²"),
    ],
)
def test_the_place_and_the_meaning(text, place, hint):
    _, start, end, found = sign_elsewhere(text)
    assert (text[start:end], found) == (place, hint)


@pytest.mark.parametrize("text", ["x+", "|x|", "|x|*|y|", "x+-", "A⁺", "_+", "||x||_1"])
def test_what_is_no_such_sign(text):
    assert sign_elsewhere(text) is None


def test_names_with_an_underscore_at_the_end_stay_names():
    assert parse("x_+1") == parse("x_ + 1")
