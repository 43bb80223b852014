"""Text to tokens: kinds, plain forms and places; the names' one form."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.calculus.language.tokens import END, normal_name, tokenize
from bpcli.errors import ExpressionError


def plain(text):
    return [token.text for token in tokenize(text)[:-1]]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("2x_1^3", ["2", "x1", "**", "3"]),
        ("a×b÷c−d·e", ["a", "*", "b", "/", "c", "-", "d", "·", "e"]),
        ("x²y₁", ["x", "2", "y1"]),
        ("1e-3*.5", ["1e-3", "*", ".5"]),
        ("2ex", ["2", "ex"]),
        ("x≤y", ["x", "<=", "y"]),
        ("π", ["pi"]),
    ],
)
def test_tokens(text, tokens):
    assert plain(text) == tokens


@given(st.text(max_size=30))
def test_places_are_in_order_and_cover_what_is_no_space(text):
    try:
        tokens = tokenize(text)
    except ExpressionError:
        return
    assert tokens[-1].kind == END
    covered = "".join(text[token.start : token.end] for token in tokens)
    assert covered == "".join(text.split())
    assert all(a.end <= b.start for a, b in pairwise(tokens))


@given(st.text(min_size=1, max_size=8))
def test_the_one_form_of_a_name_is_its_own(text):
    name = normal_name(text)
    assert not name or normal_name(name) == name
