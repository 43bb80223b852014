"""Values of options: every form, what bpcli prints given back, files, and each error with its place."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.calculus.language.tokens import normal_name
from bpcli.calculus.points import values
from bpcli.calculus.points.values import as_value, assignments, parse_entries, parse_value
from bpcli.datasets.readers.value_files import read_value_file
from bpcli.errors import BpcliError, ExpressionError
from bpcli.text.notation import json_text, number

FORMS = [
    # numbers stay floats
    ("1", 1.0),
    (" -1.5e-3 ", -0.0015),
    ("0", 0.0),
    (".5", 0.5),
    ("1e400", np.inf),
    ("inf", np.inf),
    ("-Infinity", -np.inf),
    ("1/3", 1 / 3),
    ("2pi", 2 * np.pi),
    ("e", np.e),
    ("−1", -1.0),
    ("√4", 2.0),
    ("3²", 9.0),
    ("9**9**9", np.inf),
    ("[1,2]·[3,4]", 11.0),
    # vectors
    ("1,2,3", [1, 2, 3]),
    ("1 2 3", [1, 2, 3]),
    ("1, 2 ,3", [1, 2, 3]),
    ("1,2 3", [1, 2, 3]),
    ("1\t2", [1, 2]),
    ("[3]", [3]),
    ("[1 2 3]", [1, 2, 3]),
    ("[ 1, 2,\n 3 ]", [1, 2, 3]),
    ("1/3, pi/2 -sqrt(2)", [1 / 3, np.pi / 2, -np.sqrt(2)]),
    ("max(1, 2) 3", [2, 3]),
    ("2 (3)", [2, 3]),
    ("1e 2", [np.e, 2]),
    # a sign with room only before it begins an entry, with room on both sides it calculates
    ("1 -2", [1, -2]),
    ("1 +2", [1, 2]),
    ("1 -pi", [1, -np.pi]),
    ("1 - 2", -1.0),
    ("1 - pi, 2", [1 - np.pi, 2]),
    ("1- 2", -1.0),
    ("- 2", -2.0),
    ("1 / 4", 0.25),
    ("1 /4 2* 3", [0.25, 6]),
    ("2 * -3 1", [-6, 1]),
    # matrices
    ("1,2;3,4", [[1, 2], [3, 4]]),
    ("1 2; 3 4", [[1, 2], [3, 4]]),
    ("1 2\n3 4\n", [[1, 2], [3, 4]]),
    ("1 2\r\n3 4\r\n", [[1, 2], [3, 4]]),
    ("1,2;\n3,4", [[1, 2], [3, 4]]),
    ("1,2;3,4;", [[1, 2], [3, 4]]),
    ("[[1,2],[3,4]]", [[1, 2], [3, 4]]),
    ("[[1, 2], [3, 1/4]]", [[1, 2], [3, 0.25]]),
    ("[[1 2]\n [3 4]]", [[1, 2], [3, 4]]),
    ("1;2;3", [[1], [2], [3]]),
    ("1,2;", [[1, 2]]),
    ("[[1,2]]", [[1, 2]]),
    ("5;", [[5]]),
    ("1,pi;\n3,4", [[1, np.pi], [3, 4]]),
    ("pi -1\n1 e", [[np.pi, -1], [1, np.e]]),
]


@pytest.mark.parametrize(("text", "expected"), FORMS)
def test_forms(text, expected):
    value = parse_value(text)
    assert type(value) is (float if isinstance(expected, float) else np.ndarray)
    np.testing.assert_array_equal(value, expected, strict=False)
    assert np.shape(value) == np.shape(expected)


@pytest.mark.parametrize("text", ["nan", "NaN", '"NaN"', "-nan"])
def test_not_a_number_is_a_value(text):
    assert np.isnan(parse_value(text))


def test_minus_zero_keeps_its_sign():
    assert np.signbit(parse_value("-0"))
    assert np.signbit(parse_value("-0.0,1")[0])


doubles = st.floats(allow_nan=True)


@given(st.integers(1, 4).flatmap(lambda k: st.lists(st.lists(doubles, min_size=k, max_size=k), min_size=2, max_size=4)))
def test_a_printed_matrix_can_be_given_back(rows):
    expected = np.array(rows) + 0.0
    for text in (
        "\n".join(" ".join(map(number, row)) for row in rows) + "\n",
        ";".join(",".join(map(number, row)) for row in rows),
        json_text(rows),
        json_text(rows).replace(",", ""),
    ):
        np.testing.assert_array_equal(parse_value(text), expected)


@given(st.lists(doubles, min_size=2, max_size=5))
def test_a_printed_vector_can_be_given_back(values):
    for text in (" ".join(map(number, values)) + "\n", ",".join(map(number, values)), json_text(values)):
        np.testing.assert_array_equal(parse_value(text), np.array(values))


ERRORS = [  # text, what the caret marks, part of the message, part of the advice
    ("", "", "a value is missing", "a vector 1,2,3"),
    ("  ", "", "a value is missing", ""),
    ("1,,2", ",", "an entry is missing", ""),
    (",1", ",", "an entry is missing", ""),
    ("1,2,", "", "an entry is missing", ""),
    ("[1,]", "]", "an entry is missing", ""),
    ("[]", "]", "an entry is missing", ""),
    ("1;;2", ";", "a row is empty", ""),
    (";1", ";", "a row is empty", ""),
    (";", ";", "an entry is missing", ""),
    ("1 2\n\n3 4", "\n\n", "a row is empty", ""),
    ("1,2,\n3", "\n", "an entry is missing", ""),
    ("1,2;3", "3", "row 2 has 1 entry, and row 1 has 2", ""),
    ("1 2\n3 4\n5 6 7", "5 6 7", "row 3 has 3 entries, and row 1 has 2", ""),
    ("[[1,2],[3]]", "3", "row 2 has 1 entry, and row 1 has 2", ""),
    ("[1,2],[3,4]", "[1,2],[3,4]", "brackets of their own", "write [[1,2],[3,4]]"),
    ("[1,[2]]", "1", "numbers or rows, not both", "[[1,2],[3,4]]"),
    ("[1;2]", ";", "no semicolon", "write 1,2;3,4 or [[1,2],[3,4]]"),
    ("[[[1]]]", "[1]", "an entry is a single number", ""),
    ("[1,2]*2", "[1,2]*2", "an entry is a single number", ""),
    ("1,[2,3]", "[2,3]", "an entry is a single number", ""),
    ("x", "x", "x is none of its constants", "pi, e, inf"),
    ("1,two,3", "two", "two is none of its constants", ""),
    ("1,2+x", "x", "x is none of its constants", ""),
    ("[1,2", "[", "this [ is never closed", ""),
    ("1,2]", "]", "this ] closes nothing", ""),
    ("1,sine(2)", "sine", "there is no function 'sine'", "did you mean sin(2)?"),
    ("1, 2+", "", "the expression ends", ""),
    ("1_000", "1_000", "no underscores", "write 1000"),
    ("0x10", "0x10", "only decimal ones", "write 16"),
    ("1,2 sin", "sin", "sin is a function", ""),
    ("@file", "@file", "no file can stand here", ""),
    ("@", "@", "@ lacks its file", ""),
    ('1,"x"', '"', "nothing in an expression stands in quotes", ""),
    ("1e5e5x", "e5x", "none of its constants", ""),
]


@pytest.mark.parametrize(("text", "marked", "message", "advice"), ERRORS)
def test_errors(text, marked, message, advice):
    with pytest.raises(ExpressionError) as caught:
        parse_value(text)
    error = caught.value
    assert message in error.message or message in error.hint
    assert advice in error.hint
    assert error.text == text
    assert text[error.start : error.end] == marked


@given(st.text(alphabet="1230.,;-+ \n[]()epinax/*^\"@|'", max_size=20))
def test_garbage_is_a_value_or_an_error_of_ours(text):
    try:
        value = parse_value(text)
    except BpcliError:
        return
    assert isinstance(value, float) or (value.dtype == np.float64 and value.ndim in (1, 2))


def test_a_part_of_a_text_is_read_and_its_place_kept():
    text = "x=1, y=[1,2,z]"
    assert parse_value(text, None, 2, 3) == 1.0
    with pytest.raises(ExpressionError) as caught:
        parse_value(text, None, 7, 14)
    assert text[caught.value.start : caught.value.end] == "z"


def test_typed_numbers_need_no_numpy():
    code = """
import sys
from bpcli.calculus.language.tokens import normal_name
from bpcli.calculus.points.values import parse_entries, parse_value
assert parse_value("1") == 1.0 and parse_value("1/3") == 1 / 3
assert parse_entries("1,2") == [1.0, 2.0] and parse_entries("1,pi/2 -1")[2] == -1.0
assert parse_entries("1 2;3 4") == [[1.0, 2.0], [3.0, 4.0]]
assert "numpy" not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_plain_numbers_are_not_read_entry_by_entry(monkeypatch):
    monkeypatch.setattr(values, "_scan", None)
    assert parse_value(" ".join(["0.123456789"] * 100_000)).shape == (100_000,)
    assert parse_value(";".join(["0.5,-1e-3"] * 50_000)).shape == (50_000, 2)


# Files


@pytest.mark.parametrize(("text", "expected"), FORMS[:4] + FORMS[15:17] + FORMS[38:42])
def test_text_files(tmp_path, text, expected):
    path = tmp_path / "v.txt"
    path.write_text(text, newline="")
    np.testing.assert_array_equal(parse_value(f"@{path}", read_value_file), expected)


# NAME=VALUE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x=1,y=2", {"x": "1", "y": "2"}),
        ("x=[1,2,3], b=0.5", {"x": "[1,2,3]", "b": "0.5"}),
        ("x=1,2,3", {"x": "1,2,3"}),
        ("A=1,2;3,4,b=1", {"A": "1,2;3,4", "b": "1"}),
        ("A=1 2;3 4; b=1", {"A": "1 2;3 4", "b": "1"}),
        ("x=1 y=2", {"x": "1", "y": "2"}),
        (" x = 1 , y = -2 ", {"x": "1", "y": "-2"}),
        ("x=1\ny=2", {"x": "1", "y": "2"}),
        ("x_1=1,x₂=2,π=3", {"x1": "1", "x2": "2", "pi": "3"}),
        ("x=@a,b=1.npy,y=2", {"x": "@a", "b": "1.npy", "y": "2"}),
        ("x=max(1,2),y=e", {"x": "max(1,2)", "y": "e"}),
        ("x=1,", {"x": "1,"}),
        ("x=1,,y=2", {"x": "1,", "y": "2"}),
        ("1,2", {}),
        ("@a=1.npy", {}),
        ("@ a, b=1", {}),
        ("1==1", {}),
        ("x==1", {}),
        ("x<=1", {}),
        ("", {}),
    ],
)
def test_assignments(text, expected):
    found = assignments(text)
    assert {item.name: text[item.value_start : item.value_end] for item in found} == expected
    for item in found:
        assert normal_name(text[item.start : item.end]) == item.name


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        ("1,y=2", "1,", "a value without a name"),
        ("x=", "x=", "x has no value"),
        ("x=,y=1", "x=", "x has no value"),
        ("y=1,x[0]=2", "x[0]", "an entry of x can't be given alone"),
    ],
)
def test_errors_of_assignments(text, marked, message):
    with pytest.raises(ExpressionError, match=message.replace("[", r"\[")) as caught:
        assignments(text)
    assert text[caught.value.start : caught.value.end] == marked


def test_lists_become_arrays_and_all_else_stays():
    assert parse_entries("1,2") == [1.0, 2.0]
    assert as_value([1.0, 2.0]).dtype == np.float64
    assert as_value(1.0) == 1.0
