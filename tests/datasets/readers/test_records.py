"""How lines are cut into cells: what is quoted, the encodings and newlines, and the error for what is no table."""

import gzip
import io
import math
from itertools import product
from pathlib import Path

import pytest

from bpcli.datasets.dialect import Dialect
from bpcli.errors import DataError
from tests.tables import read_table


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
        ('a,"b\n1,2\n', r"t\.csv:1: a quote that is not closed"),
        # NumPy's parser would take the rest of the file for one cell, and "3"4 for 34
        ("a,b\n" + "1,x\n" * 500 + '2,"oops\n' + "1,x\n" * 5, r"t\.csv:502: a quote that is not closed"),
        ("a,b\n" + "1,2\n" * 500 + '2,"3\n', r"t\.csv:502: a quote that is not closed"),
        ("a,b\n" + "1,2\n" * 500 + '2,"3"4\n', r"(?s)t\.csv:502: .*a quote inside a quoted cell is doubled"),
        ("a,b\n1,2\n" + "a" * 20 + "\0,3\n", r"t\.csv:3: a NUL byte"),
        ("a,a\n1,2\n", r"t\.csv:1: columns 1 and 2 are both named a"),
        ("5.1,3.5,5.1,setosa\n4.9,3,1.4,setosa\n", "(?s)t\\.csv:1: .*data.header: no.*data.header: yes"),
        ("3,2\n3,4\n", "(?s)t\\.csv:1: .*data.header: no.*data.header: yes"),
        ("a;b,c\n1;2,3\n4;5,6\n", '(?s)commas: .1;2. .3., or by semicolons: .1. .2,3.*delimiter: ",".*delimiter: ";"'),
        ("a,b\n1,2\nü,3\n".encode() + b"\xff,3\n", r"t\.csv:4: not UTF-8, though the rest is"),
        (b"a,b\r1,2\r\x81,3\r", r"t\.csv:3: not UTF-8, and not Windows-1252"),
        (b"a,b\n" + b"1,2\n" * 500_000 + b"\x81,3\n", r"t\.csv:500002: not UTF-8"),
        ("a,b\n1,ab\n".encode("utf-16")[:-1], "not whole: UTF-16"),
        ("# made by hand\na,b\n1,2\n", '(?s)t\\.csv:1: the first line begins with #.*data.comment: "#"'),
        (b"PK\x03\x04rest", "zip archive"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 5000, mtime=0)[:-20], "damaged gzip"),
    ],
)
def test_what_is_no_table_is_one_clear_error(read, content, message):
    with pytest.raises(DataError, match=message):
        read(content)


WINE = ["7.4;0.7;9.4;good", "7.8;0.88;9.8;bad", "11.2;0.28;9.8;good"]  # as the columns of wine quality


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]


WAYS = list(product(ENCODINGS, ["\n", "\r\n", "\r"], ["", "header", "all"], [bytes, gzip.compress]))


def check_what_is_found(read, delimiter, encoding, newline, trailing, pack):
    lines = ['"fixed ü";"volatile";alcohol;quality', *WINE]
    ends = {"": ("", ""), "header": (delimiter, ""), "all": (delimiter, delimiter)}[trailing]
    text = newline.join(line.replace(";", delimiter) + ends[k > 0] for k, line in enumerate(lines))
    table = read(pack(text.encode(encoding)))
    assert table.names == ["fixed ü", "volatile", "alcohol", "quality"]
    assert table.numeric("volatile").tolist() == [0.7, 0.88, 0.28]
    assert table.text("quality") == ["good", "bad", "good"]
    assert table.where(1) == f"{table.path}:3"
    words = {",": [], ";": ["semicolons"], "\t": ["tabs"], "|": ["bars"]}.get(delimiter, ["blanks"])
    words += {"cp1252": ["Windows-1252"], "utf-8": [], "utf-8-sig": ["byte order mark"]}.get(encoding, ["UTF-16"])
    assert len(table.notes) == bool(words)
    assert all(word in table.notes[0] for word in words)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "  ", " \t "])
def test_delimiter_encoding_and_newline_are_found(read, delimiter):
    for way in WAYS:
        check_what_is_found(read, delimiter, *way)


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        ('18.0   8   307.0\t"chevrolet chevelle"\n15.0   8   ?\t"buick 320"\n', [18.0, 8, 307.0, "chevrolet chevelle"]),
        ("39, State-gov, 77516\n50, Private, 83311\n", [39, "State-gov", 77516]),
        ("A11 6 A34\nA12 48 A32\n", ["A11", 6, "A34"]),
        ("1,5;2,25;x\n3,5;1e-3;y\n", [1.5, 2.25, "x"]),
        ("1|a b|c,d\n2|e f|g\n", [1, "a b", "c,d"]),
        ("5\t\t1\n6\t2\t1\n", [5, math.nan, 1]),
        ("1 234;5\n7 100;6\n", ["1 234", 5]),
    ],
)
def test_a_table_without_a_header_is_cut_where_it_should_be(read, content, cells):
    dialect = Dialect(header="no")
    table = read_table(Path("t"), "csv", io.BytesIO(content.encode()), dialect=dialect)
    assert table.names == [f"x{j}" for j in range(1, len(cells) + 1)]
    assert table.rows == 2
    for name, cell in zip(table.names, cells, strict=True):
        found = table.numeric(name)[0] if table.is_numeric(name) else table.text(name)[0]
        assert found == cell or (found != found and cell != cell)
    assert table.where(1) == "t:2"


def test_the_line_by_which_a_spreadsheet_names_its_delimiter_is_passed_over(read):
    table = read("sep=;\na;b\n1;x\n2;y\n")
    assert (table.names, table.numeric("a").tolist(), table.where(1)) == (["a", "b"], [1, 2], f"{table.path}:4")


def test_newlines_belong_to_a_quoted_cell_and_space_round_it_does_not(read):
    table = read('a,b\r\n"x\r\ny",  z\r\n')
    assert (table.text("a"), table.text("b")) == (["x\r\ny"], ["z"])
    assert read("a\n1\u00a0\n2\n").numeric("a").tolist() == [1, 2]  # a no-break space, as spreadsheets write it
    assert not read("a\n1\u00a0000\n").is_numeric("a")
    assert read("a,b\n1\x1f,\n2,\n").numeric("a").tolist() == [1, 2]  # to NumPy space, to float() not
