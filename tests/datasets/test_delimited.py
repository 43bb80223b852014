import gzip
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.datasets.table import read_table, with_target
from bpcli.errors import DataError, UsageError


@pytest.fixture
def read(tmp_path):
    def read(content, name="t.csv", format_="auto"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, format_)

    return read


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_numbers_and_text_with_any_newline(read, newline, last):
    table = read(newline.join(["a,b,c", "1,x,-2.5e3", "2,y z,.5"]) + (newline if last else ""))
    assert table.names == ["a", "b", "c"]
    assert table.numeric("a").tolist() == [1, 2]
    assert table.numeric("c").tolist() == [-2500, 0.5]
    assert not table.is_numeric("b")
    assert table.text("b") == ["x", "y z"]
    assert table.text("a") == ["1", "2"]


def test_quotes_commas_and_newlines_inside_a_field(read):
    table = read('name,"n ""q""",v\n"Smith, J",1,"say ""hi"""\n"two\nlines",2,x\nplain,3,y\n')
    assert table.names == ["name", 'n "q"', "v"]
    assert table.text("name") == ["Smith, J", "two\nlines", "plain"]
    assert table.text("v") == ['say "hi"', "x", "y"]
    assert [table.where(row) for row in range(3)] == [f"{table.path}:{line}" for line in (2, 3, 5)]


def test_blank_lines_byte_order_mark_and_spaces(read):
    table = read(b"\xef\xbb\xbf a , b\n\n 1 , 2 \n\n3,4\n")
    assert table.names == ["a", "b"]
    assert table.numeric("b").tolist() == [2, 4]
    assert table.where(1, "b") == f"{table.path}:5: column b"


def test_tsv_by_extension_and_gzip_by_content(read):
    assert read("a\tb\n1\t2,3\n", "t.tsv").text("b") == ["2,3"]
    assert read(gzip.compress(b"a,b\n1,2\n"), "t.csv.gz").numeric("b").tolist() == [2]
    assert read(gzip.compress(b"a,b\n1,2\n"), "t.csv").numeric("b").tolist() == [2]
    assert read("a\tb\n1\t2\n", "t.dat", "tsv").numeric("b").tolist() == [2]


def test_a_stream_is_read_like_a_file(tmp_path):
    table = read_table(tmp_path / "<stdin>", "csv", io.BytesIO(b"a,b\n1,x\n"))
    assert table.text("b") == ["x"]


@pytest.mark.parametrize("cell", ["", "NA", "nan", "NaN", "null", "?", "N/A", " "])
@pytest.mark.parametrize("row", [0, 300])  # within the first look at the file, and behind it
def test_a_missing_cell_is_nan_in_a_column_of_numbers(read, cell, row):
    cells = ["1.5"] * 400
    cells[row] = cell
    table = read("a,b\n" + "\n".join(f"{c},0" for c in cells))
    assert np.flatnonzero(np.isnan(table.numeric("a"))).tolist() == [row]
    assert np.flatnonzero(table.missing("a")).tolist() == [row]


@pytest.mark.parametrize("cell", ["x", "1_000", "0x10", "1,5", "inf", "-Infinity", "1e999", "٣", "12 kg", "1d5"])
@pytest.mark.parametrize("row", [0, 300])
def test_one_cell_that_is_not_a_number_makes_a_column_text(read, cell, row):
    cells = ["1.5"] * 400
    cells[row] = cell
    table = read("a,b\n" + "\n".join(f'"{c}",0' for c in cells))
    assert not table.is_numeric("a")
    assert table.is_numeric("b")
    got_row, _ = table.first_not_numeric("a")
    assert got_row == row


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n", "a header but no rows"),
        ("a,b\n1,2\n3\n", r"t\.csv:3: expected 2 cells as in the header, found 1"),
        ("a,b\n1,2\n\n3,4,5\n", r"t\.csv:4: expected 2 cells as in the header, found 3"),
        ("a,b\n" + "1,2\n" * 500 + "1,2,3\n", r"t\.csv:502: expected 2 cells as in the header, found 3"),
        ("a,b\n" + "1,x\n" * 500 + "1\n", r"t\.csv:502: expected 2 cells as in the header, found 1"),
        ('a,b\n1,"2\n', r"t\.csv:2: a quote that is not closed"),
        ("a,a\n1,2\n", r"t\.csv:1: columns 1 and 2 are both named a"),
        ("a,,c\n1,2,3\n", r"t\.csv:1: column 2 has no name"),
        ("1,2\n3,4\n", "(?s)should name the columns.*x1,x2"),
        ("a;b\n1;2\n", "separated by semicolons"),
        ("a\tb\n1\t2\n", "(?s)separated by tabs.*data.format: tsv"),
        (b"a,b\n1,2\n\xff,3\n", r"t\.csv:3: not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 5000)[:-20], "damaged gzip"),
    ],
)
def test_what_is_no_table_is_one_clear_error(read, content, message):
    with pytest.raises(DataError, match=message):
        read(content)


def test_files_that_are_not_there(tmp_path):
    (tmp_path / "cells.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"(?s)does not exist.*did you mean .*cells\.csv"):
        read_table(tmp_path / "cell.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)
    (tmp_path / "cells.xyz").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"(?s)\.xyz file is not known.*csv, tsv"):
        read_table(tmp_path / "cells.xyz")


numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=30))
def test_doubles_are_read_to_the_last_bit(rows):
    content = "a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in rows)
    from pathlib import Path

    table = read_table(Path("t.csv"), stream=io.BytesIO(content.encode()))
    assert list(zip(table.numeric("a").tolist(), table.numeric("b").tolist(), strict=True)) == rows


def test_the_target_out_of_a_file_of_its_own(read):
    table = read("a\n1\n2\n")
    joined = with_target(table, read("label\nx\ny\n", "y.csv"), "species")
    assert joined.names == ["a", "species"]
    assert joined.text("species") == ["x", "y"]
    assert joined.text("a") == ["1", "2"]
    with pytest.raises(DataError, match=r"has 1 rows, .* has 2"):
        with_target(table, read("label\nx\n", "y.csv"), "species")
    with pytest.raises(DataError, match="did you mean labels"):
        with_target(table, read("labels,b\nx,1\ny,2\n", "y.csv"), "label")
    with pytest.raises(UsageError, match="has a column a itself"):
        with_target(table, read("a\nx\ny\n", "y.csv"), "a")
