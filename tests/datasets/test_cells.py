"""Cells of text: which are numbers, booleans or gaps, and what they are worth."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.datasets.cells import (
    EXACT,
    MISSING,
    cell_value,
    exact_number,
    is_number,
    no_number,
    point_for_comma,
    to_booleans,
    to_numbers,
)

NUMBERS = ["1", " 2.5 ", "-0", "1e3", "+.5", "1E-300", "1."]
NO_NUMBERS = ["1_000", "١", "1e999", "inf", "0x10", "1,5", "1 2", "--1", "x"]


@pytest.mark.parametrize("cell", NUMBERS + NO_NUMBERS)
def test_a_cell_alone_is_a_number_where_a_column_of_it_is_one(cell):
    assert is_number(cell) is (cell in NUMBERS)
    column = to_numbers([cell], frozenset())
    assert (column is not None) is (cell in NUMBERS)
    if column is not None:
        assert column[0] == float(Decimal(cell.strip()))


@given(st.integers(-(10**30), 10**30))
def test_a_whole_number_is_exact_however_long(n):
    for cell in (str(n), f" {n}.0"):
        assert exact_number(cell) == n
        assert isinstance(exact_number(cell), int) is (abs(n) > EXACT)


@pytest.mark.parametrize("cell", NO_NUMBERS)
def test_what_is_no_number_has_no_exact_one(cell):
    with pytest.raises(ValueError, match=r".*"):
        exact_number(cell)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("7", 7), ("7.0", 7.0), ("07", "07"), ("1e3", "1e3"), ("true", True), ("True", "True"), ("", None), ("x", "x")],
)
def test_a_cell_stands_as_a_number_only_where_it_is_written_so(cell, value):
    found = cell_value(cell)
    assert (found, type(found) is bool) == (value, type(value) is bool)


def test_a_gap_is_no_value():
    assert [cell_value(word) for word in MISSING] == [None] * len(MISSING)
    assert np.isnan(to_numbers(sorted(MISSING))).all()


def test_booleans_in_any_case_and_nothing_else():
    assert to_booleans(["TRUE", "false", "True"]).tolist() == [1.0, 0.0, 1.0]
    assert math.isnan(to_booleans(["true", "NA"])[1])
    assert to_booleans(["true", "yes"]) is None


@given(st.decimals(-1000, 1000, places=3))
def test_a_decimal_comma_becomes_a_point_and_a_point_no_number(x):
    text = f"{x}"
    assert float(point_for_comma(text.replace(".", ","))) == float(text)
    assert not is_number(point_for_comma(text))


@pytest.mark.parametrize("cell", ["1e400", " -1E309 ", "1" * 400, "2e308"])
def test_a_number_beyond_the_doubles_is_told_so(cell):
    assert no_number(cell) == f"{cell!r} is too large: the largest number is about 1.8e308"


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "a", "", "1e400a", "1,5", "nan"])
def test_what_is_no_number_is_told_so(cell):
    assert no_number(cell) == f"{cell!r} is not a number"
