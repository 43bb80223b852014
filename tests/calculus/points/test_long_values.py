"""Long texts of numbers are the values that short ones are, wherever their blocks end, and in memory of their size."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bpcli.calculus.points import long_values
from bpcli.calculus.points.long_values import bracketed_numbers, plain_numbers
from bpcli.calculus.points.values import parse_value
from bpcli.errors import ExpressionError

PIECES = ["1", "-2.5", "3e1", ",", ", ", " ", ";", "; ", "\n", "\n\n", "\r\n", "\t", "nan", "-", "x", " ,"]


def short(text):
    """The value as one that is typed, and whether it is none."""
    try:
        return parse_value(text)
    except ExpressionError:
        return None


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.integers(1, 9))
@example("1,2;\n3,4", 1)
@example("1,2 ; \n", 3)
@example("1 2\n3,4", 2)
@example("1 2 3,4", 2)
@example(" \n1\n\n", 1)
def test_blocks_change_nothing(text, size):
    """What is told as numbers is the value of the whole text; all other texts are left to be read as a whole."""
    previous, long_values._BLOCK = long_values._BLOCK, 5  # rows are taken in parts
    try:
        found = plain_numbers(text[at : at + size] for at in range(0, len(text), size))
    finally:
        long_values._BLOCK = previous
    if found is not None:
        expected = short(text)
        assert expected is not None
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("separator", [",", " ", ", ", "\t"])
@pytest.mark.parametrize("ends", [";", "\n", " ;\n", "\r\n"])
@pytest.mark.parametrize("width", [1, 3, 4000])
def test_long_rows(separator, ends, width):
    numbers = np.random.default_rng(width).normal(size=(12_000 // width, width))
    text = ends.join(separator.join(map(repr, row)) for row in numbers.tolist())
    for size in (1 << 20, 4096):
        found = plain_numbers(text[at : at + size] for at in range(0, len(text), size))
        np.testing.assert_array_equal(found, numbers)


@pytest.mark.parametrize("numbers", [[1.5, 2.0], [[1.0, 2.0], [3.0, -4e-5]], [[1.0, 2.0]]])
@pytest.mark.parametrize("indent", [None, 2])
def test_lists_as_json_writes_them(numbers, indent):
    np.testing.assert_array_equal(bracketed_numbers(json.dumps(numbers, indent=indent)), numbers)


@pytest.mark.parametrize("text", ["[1,[2]]", "[[1,2],[3]]", "[1,2", "[1]·[2]", "1,2", "[x]", "[[1][2]]", "[[1,2],3]"])
def test_other_lists_are_left(text):
    assert bracketed_numbers(text) is None


@pytest.mark.parametrize("text", ["1,\n", "1\n", "1,", "[1, 2], "])
def test_memory_is_that_of_the_numbers(text, monkeypatch):
    monkeypatch.setattr(long_values, "_BLOCK", 1 << 18)
    long = text * (2_000_000 // len(text))
    long = f"[{long[:-2]}]" if text.startswith("[") else long + "1"
    tracemalloc.start()
    if text.startswith("["):
        found = bracketed_numbers(long)
    else:
        found = plain_numbers(long[at : at + (1 << 18)] for at in range(0, len(long), 1 << 18))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found is None if text == "1,\n" else found.size > len(long) // 8
    assert peak < 12 * len(long)
