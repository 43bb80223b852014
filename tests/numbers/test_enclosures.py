"""Balls contain what they stand for, and a comparison that their radii leave open is open."""

import math
from fractions import Fraction

import flint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.numbers.balls import balls
from bpcli.numbers.enclosures import (
    ANYTHING,
    COMPARISONS,
    NOT_A_NUMBER,
    Ball,
    enclosure,
    precision,
    rational,
)
from bpcli.numbers.operators import UNKNOWN

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE)
def test_a_double_is_itself(x):
    assert enclosure(rational(x)) == (Fraction(x), Fraction(x))
    assert enclosure(-rational(x)) == (-Fraction(x), -Fraction(x))
    assert enclosure(abs(rational(x))) == (abs(Fraction(x)), abs(Fraction(x)))


@pytest.mark.parametrize("text", ["0.1", "1e-30", "123456789012345678901234567890.5", "1e400"])
def test_a_decimal_is_what_is_written(text):
    assert enclosure(rational(text)) == (Fraction(text), Fraction(text))


@given(FINITE, FINITE)
def test_comparisons_of_doubles_are_pythons(x, y):
    a, b = rational(x), rational(y)
    python = {"lt": x < y, "le": x <= y, "gt": x > y, "ge": x >= y, "eq": x == y, "ne": x != y}
    assert {name: compare(a, b) for name, compare in COMPARISONS.items()} == python


def test_what_overlaps_is_open_and_nan_is_like_no_number():
    wide, one = Ball(flint.arb(1, 0.5)), rational(1.0)
    assert COMPARISONS["lt"](wide, one) is UNKNOWN
    assert COMPARISONS["eq"](wide, one) is UNKNOWN
    assert COMPARISONS["lt"](wide, rational(2.0)) is True
    assert COMPARISONS["eq"](NOT_A_NUMBER, NOT_A_NUMBER) is False
    assert COMPARISONS["le"](ANYTHING, one) is UNKNOWN
    assert enclosure(ANYTHING) == (-math.inf, math.inf)


@given(st.integers(60, 400))
def test_more_bits_make_smaller_balls(bits):
    with precision(bits):
        low, high = enclosure(balls().functions["exp"](rational(1.0)))
    assert low < high
    assert high - low < Fraction(1, 2 ** (bits - 8))
    assert low < Fraction("2.71828182845904523536028747135266249775724709369995957496697") < high or bits > 190
