"""What cells mean: missing words, columns of formatted numbers and decimal commas, in memory and out of it."""

import io
import re
from pathlib import Path

import numpy as np
import pytest

from bpcli.datasets.dialect import Dialect
from bpcli.datasets.discovery import discovered
from bpcli.datasets.meaning import decided_words, refuse_other_decimal
from bpcli.datasets.reading import Files, read_files
from bpcli.datasets.stored import stored
from bpcli.errors import DataError, OpenReadingError
from bpcli.text.yaml12 import yaml_text

NAN = float("nan")


@pytest.fixture(params=["memory", "stored", "stream"])
def read(request, tmp_path):
    def read(text, **dialect):
        path = tmp_path / "t.csv"
        path.write_text(text)
        files = Files((path,), "csv", Dialect(**dialect))
        if request.param == "stored":
            return stored(files, (), tmp_path / ".cache")
        return read_files(files, io.BytesIO(text.encode()) if request.param == "stream" else None)

    return read


def column(table, name):
    return table.numeric(name).tolist() if table.is_numeric(name) else table.text(name)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("auto", ["-999", [1, NAN, -999, NAN], ["a", "NA", "x", ""], [False, True, False, True]]),
        (("NA", "-999", "-"), [None, [1, NAN, NAN, NAN], ["a", "NA", "x", ""], [False, True, False, True]]),
        (("-999", "x"), [None, ["1", "NA", "-999", "-"], ["a", "NA", "x", ""], [False, False, True, True]]),
        ({"t": ("a",)}, [None, [1, NAN, -999, NAN], ["a", "NA", "x", ""], [True, False, False, True]]),
    ],
)
def test_the_words_of_the_config_are_the_gaps(read, words, expected):
    table = read("n,t\n1,a\nNA,NA\n-999.0,x\n-,\n", missing_words=words)
    _, numbers, text, gaps = expected
    np.testing.assert_array_equal(column(table, "n"), ["-999.0" if cell == "-999" else cell for cell in numbers])
    assert column(table, "t") == text
    assert table.missing("t").tolist() == gaps


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["NA", "EU", "AS", "AFR"], {"NA"}),
        (["NA", "EU", "Asia"], set()),
        (["NA", "ÖST", "A"], {"NA"}),
        (["NA", "A1", "B"], set()),
        (["NA", "EURO"], set()),
        (["NA", "male", "female"], set()),
        (["NA", ""], set()),
        (["None", "Some"], {"None"}),
        (["None", "1"], {"None"}),
        (["NA", "EU", "?"], {"NA"}),
    ],
)
def test_when_a_usual_word_is_a_value(read, cells, values):
    table = read("t,n\n" + "".join(f"{cell},1\n" for cell in cells))
    words, notes = decided_words(table, ["t"], "t")
    usual = {cell for cell in cells if cell in ("NA", "None")}
    numeric = table.is_numeric("t")
    assert usual - {*words.get("t", usual)} == (set() if numeric else values)
    assert len(notes) == (0 if numeric else len(values))
    assert all("column t" in note for note in notes)
    if "None" in values:
        assert decided_words(table, ["t"], "n") == ({}, [])


def test_formatted_columns_are_numbers_and_say_how_they_are_written(read):
    text = 'price,share,change,plain\n"$1,300.50","1,5 %",(3),1\n$950,2 %,-,2\n,3 %,4,3\n'
    table = read(text, numbers=("price", "share", "change"))
    np.testing.assert_array_equal(table.numeric("price"), [1300.5, 950, NAN])
    assert table.numeric("share").tolist() == [0.015, 0.02, 0.03]
    np.testing.assert_array_equal(table.numeric("change"), [-3, NAN, 4])
    assert table.missing("change").tolist() == [False, True, False]
    numbers = table.dialect.numbers
    assert numbers == {
        "price": {"decimal": ".", "unit": "$"},
        "share": {"decimal": ",", "unit": "%"},
        "change": {"decimal": ".", "unit": ""},
    }
    alone = read('price,share,change\n"$1,300","1,5 %",(3)\n', numbers=numbers)
    assert [alone.numeric(name).tolist() for name in alone.names] == [[1300], [0.015], [-3]]


@pytest.mark.parametrize(
    ("cells", "numbers", "message"),
    [
        (['"1,234"', '"2,345"'], ("a",), r"t\.csv:2: column a: '1,234' could be 1234 or 1.234(?s:.*)decimal: \".\""),
        (["1", "x"], ("a",), r"t\.csv:3: column a: 'x' does not read"),
        (["$1", "€1"], ("a",), "different units"),
        (
            ["€1", "€2"],
            {"a": {"decimal": ".", "unit": "$"}},
            r"t\.csv:2: column a: '€1' does not read as a number of \$",
        ),
    ],
)
def test_a_column_that_does_not_read_is_refused_with_the_place(read, cells, numbers, message):
    with pytest.raises(DataError, match=message):
        read("a,b\n" + "".join(f"{cell},0\n" for cell in cells), numbers=numbers)


def test_a_dash_is_no_gap_where_the_words_leave_it_out(read):
    table = read("n,b\n1,0\n-,1\n", missing_words=("?",))
    assert not table.is_numeric("n")
    assert table.first_not_numeric("n") == (1, "-")


def test_one_key_says_which_of_two_readings_it_is(read):
    text = 'a,b\n"1,234",0\n"2,345",1\n'
    for decimal, first in ((".", 1234), (",", 1.234)):
        assert read(text, numbers={"a": {"decimal": decimal}}).numeric("a")[0] == first
        assert read(text, numbers=("a",), decimal=decimal).numeric("a")[0] == first


@pytest.mark.parametrize(
    ("text", "comma"),
    [
        ("a;b\n1,5;x\n1;y\n", True),
        ("a;b\n1,234;x\n2,345;y\n", False),
        ("a;b\n1,234;0,5\n2,345;1\n", True),
        ('a,b\n"0,5",x\n"1",y\n', True),
        ('a,b\n"0,5",1.5\n"1",2\n', False),
        ("a;b\n1.5;x\n", False),
        ("a;b\n1,5;x\n1.5;y\n", False),
        ("a\tb\n,5\t-\n1\t2\n", True),
    ],
)
def test_decimal_commas_are_found_in_the_whole_table(read, text, comma):
    table = read(text)
    assert table.dialect.decimal == ("," if comma else ".")
    assert ("decimal commas" in table.unusual) == comma


@pytest.mark.parametrize(
    ("cells", "first", "reading"),
    [
        (["7.440", "12.100"], 7440, "7.440 is read as 7440"),
        (["12", "7.440", "-1.001"], 12, "7.440 is read as 7440"),
        (["7.440", "-", ""], 7440, "7.440 is read as 7440"),
        (["1.5", "2"], 1.5, "1.5 is read as 1.5"),
        (["7.440", "8.1"], 7.44, "7.440 is read as 7.44"),
        (["7.440", "1200"], 7.44, "7.440 is read as 7.44"),
        (["0.125", "7.440"], 0.125, "0.125 is read as 0.125"),
    ],
)
def test_points_beside_decimal_commas_are_asked_for_and_the_likely_reading_is_told(
    read, tmp_path, cells, first, reading
):
    text = "a;b\n" + "".join(f"{k},5;{cell}\n" for k, cell in enumerate(cells))
    with pytest.raises(
        OpenReadingError, match="column b has points in its numbers, column a has decimal comma"
    ) as open_:
        read(text)
    way = open_.value.way["numbers"]
    assert yaml_text(way) in open_.value.hint
    assert reading in open_.value.note
    table = read(text, numbers=way)
    assert (table.numeric("a")[0], table.numeric("b")[0]) == (0.5, first)
    (tmp_path / "t.csv").write_text(text)
    drafted, dialect, notes = discovered(Files((tmp_path / "t.csv",)))
    assert drafted.numeric("b")[0] == first
    assert dialect.numbers == way
    assert any(reading in note for note in notes)


def test_a_decimal_mark_that_is_given_leaves_the_other_columns_as_text(read):
    assert read("a;b\n1,5;1.5\n2;2\n", decimal=",").numeric("a").tolist() == [1.5, 2]


def test_a_dialect_is_that_of_the_table(tmp_path):
    table = read_files(Files((Path("t"),), "csv"), io.BytesIO(b"a;b\n1,5;2\n"))
    assert (table.dialect.delimiter, table.dialect.decimal, table.dialect.header) == (";", ",", "yes")


def test_numbers_by_type_are_never_formatted(tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    style = {"decimal": ",", "unit": ""}
    for column, expected in (
        ([1234.5, 2.0], [1234.5, 2]),
        (["1.234,5", "2"], [1234.5, 2]),
        (["1.234", "2"], [1234, 2]),
    ):
        parquet.write_table(pa.table({"a": column}), tmp_path / "t.parquet")
        table = read_files(Files((tmp_path / "t.parquet",), dialect=Dialect(numbers={"a": style}, header="yes")))
        assert table.numeric("a").tolist() == expected


@pytest.mark.parametrize(("given", "other", "cells"), [(".", ",", ["1,5", "2,25"]), (",", ".", ["1.5", "2.25"])])
def test_a_decimal_mark_that_is_not_the_file_s_is_named_by_its_key(read, given, other, cells):
    table = read("a;y\n" + "".join(f"{cell};{cell}\n" for cell in cells), decimal=given)
    numbers = re.escape(yaml_text({"a": {"decimal": other}}))
    with pytest.raises(
        DataError,
        match=rf"(?s)2: column a: '.*data\.decimal.*but one with '{other}'.*auto; or data\.numbers: {numbers}",
    ):
        refuse_other_decimal(table, "a")
    table = read(f"a;y\n1{given}5;1\n1{other}5;2\n", decimal=given)
    with pytest.raises(DataError, match=rf"(?s)3: column a: .*others have '\{given}'"):
        refuse_other_decimal(table, "a")
    refuse_other_decimal(read("a;y\nx;1\n", decimal=given), "a")


@pytest.mark.parametrize(
    ("price", "people", "refused"),
    [
        ("1.100,50 €", ["4.449", "7.440"], True),
        ("1.100,50 €", ["4.449", "744"], True),
        ("1.100,50 €", ["4.449", "7.44"], False),
        ("1.100,50 €", ["0.449", "7.440"], False),
        ("1,100.50 €", ["4.449", "7.440"], False),
        ("1,100.50 €", ["4.449", "744"], True),  # between semicolons
    ],
)
def test_points_beside_a_formatted_column_with_decimal_commas_are_asked_about(read, price, people, refused):
    text = "price;people\n" + "".join(f"{price};{cell}\n" for cell in people)
    if refused:
        with pytest.raises(OpenReadingError, match=r"column people: 4\.449 could be 4\.449 or 4449, as") as error:
            read(text, numbers=("price",))
        numbers = {"price": {}, **error.value.way["numbers"]}
        assert column(read(text, numbers=numbers), "people") == [4449, 7440 if people[1] == "7.440" else 744]
    assert column(read(text, numbers={"price": {}, "people": {"decimal": "."}}), "people") == [*map(float, people)]
    assert column(read(text, decimal=".", numbers={"price": {"decimal": price[-5]}}), "people") == [*map(float, people)]
