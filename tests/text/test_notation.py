import json
import math
import random
import struct
from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.text import notation
from bpcli.text.notation import cell, cells, csv_line, csv_lines, joined, json_text, number, numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.0, "4"),
        (0.1, "0.1"),
        (1e300, "1e300"),
        (1e-5, "1e-5"),
        (-0.0, "0"),
        (0.0, "0"),
        (-2.5, "-2.5"),
        (1e16, "1e16"),
        (123456789.0, "123456789"),
        (5e-324, "5e-324"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (7, "7"),
    ],
)
def test_a_number_is_its_shortest_decimal(value, text):
    assert number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_the_same_double(x):
    text = number(x)
    assert float(text) == x
    assert "+" not in text
    assert not text.endswith(".0")
    assert "e0" not in text
    assert "e-0" not in text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (math.pi, 3, "3.14"),
        (2.0, 5, "2"),
        (123456.0, 2, "120000"),
        (0.1, 17, "0.10000000000000001"),
        (6.02214076e23, 4, "6.022e23"),
        (-1e-7 / 3, 2, "-3.3e-8"),
        (1.0, 17, "1"),
    ],
)
def test_precision_rounds_to_significant_digits(value, digits, text):
    assert number(value, digits) == text


@given(st.floats(1e308, 1.7976931348623157e308), st.integers(1, 17))
def test_what_is_finite_stays_finite_in_few_digits(x, digits):
    """1.7977e308 in two digits is 1.8e308, beyond the doubles."""
    text = number(x, digits)
    assert Decimal(text) == Context(digits, ROUND_HALF_EVEN).create_decimal(Decimal(x))
    assert json_text([-x], digits) == f"[-{text}]"


@given(st.lists(st.one_of(st.floats(), st.sampled_from([-0.0, 0.0, 1e16, -1e-5, 1e300, 100.0])), max_size=20))
def test_numbers_together_are_written_as_each_alone(values):
    assert numbers(values) == [number(x) for x in values]
    assert numbers(values, 3) == [number(x, 3) for x in values]
    assert json_text(values) == "[" + ", ".join(map(json_text, values)) + "]"


DOUBLES = st.one_of(
    st.floats(),
    st.floats(1e-6, 1e-3),
    st.floats(1e14, 1e18),
    st.sampled_from([-0.0, 0.0, 1e16, 1e-5, -1e-5, 10.00001, 1e300, 5e-324, 100.0]),
)


@pytest.mark.parametrize("library", [None, "orjson"])
def test_every_writer_has_the_same_text(library, monkeypatch):
    writer = library and pytest.importorskip(library)
    monkeypatch.setattr(notation, "_fast_writer", lambda: writer)
    monkeypatch.setattr(notation, "_MANY", 1)

    @given(st.lists(DOUBLES, min_size=1, max_size=20), st.sampled_from(" \n,"))
    def same(values, separator):
        alone = separator.join(map(number, values))
        assert joined(values, separator) == joined(np.array(values), separator) == alone

    same()


@given(st.lists(st.tuples(st.text(max_size=4), st.one_of(st.floats(), st.none(), st.integers(), st.text(max_size=3)))))
def test_rows_of_columns_are_written_as_each_alone(rows):
    assert cells([value for _, value in rows]) == [cell(value) for _, value in rows]
    assert [*csv_lines([*zip(*rows, strict=True)])] == [csv_line(row) for row in rows]


def test_json_is_rfc_8259():
    value = {"a": [1.0, math.nan, -math.inf, math.inf], "b": None, "c": True, "d": 'say "hé"\n', "e": {}, "f": 1e-7}
    text = json_text(value)
    assert "\n" not in text

    def refuse(name):
        raise AssertionError(name)

    assert json.loads(text, parse_constant=refuse) == {
        **value,
        "a": [1, "NaN", "-Infinity", "Infinity"],
    }


def test_json_of_random_doubles_reads_back():
    rng = random.Random(5)
    doubles = [x for x in (struct.unpack("d", rng.randbytes(8))[0] for _ in range(500)) if math.isfinite(x)]
    assert json.loads(json_text(doubles)) == doubles


def test_csv_quotes_what_needs_it():
    assert csv_line(["a", "b,c", 'd"e', "f\ng", " h", 1.0, None]) == 'a,"b,c","d""e","f\ng"," h",1,'
