"""Rows of a pipe: each is read as soon as it is there, as the same lines of a file are."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli import sources
from bpcli.datasets.dialect import USUAL, Dialect
from bpcli.datasets.live import LiveRows
from bpcli.datasets.readers.delimited import read_delimited
from bpcli.errors import DataError

NAME = Path("<stdin>")


class Pipe:
    """A stream that gives one part at a time."""

    def __init__(self, parts):
        self.parts = list(parts)

    def read1(self, size):
        return self.parts.pop(0) if self.parts else b""

    read = read1


@pytest.fixture(autouse=True)
def _nothing_waits(monkeypatch):
    monkeypatch.setattr(sources, "_has_more", lambda stream: False)


def cells(table):
    return [*zip(*(table.text(name) for name in table.names), strict=True)]


def answered(parts, dialect=USUAL):
    """The rows of each table that comes, and the error that ends it."""
    found, rows = [], LiveRows(NAME, Pipe(parts), dialect, ",")
    try:
        found.extend(rows.each(cells))
    except DataError as error:
        return found, str(error)
    return found, ""


ROWS = {
    "a row a part": ([b"a,b\n", b"1,2\n", b"3,4\n"], [[("1", "2")], [("3", "4")]]),
    "all at once": ([b"a,b\n1,2\n3,4\n"], [[("1", "2"), ("3", "4")]]),
    "without a last newline": ([b"a,b\n1,", b"2"], [[("1", "2")]]),
    "a quoted newline": ([b'a,b\n"x\n', b'y",2\n'], [[("x\ny", "2")]]),
    "a quote inside a cell": ([b'a,b\n1,5" pipe\n', b"3,4\n"], [[("1", '5" pipe')], [("3", "4")]]),
    "semicolons by the header": ([b"a;b\n", b"1,5;2\n"], [[("1,5", "2")]]),
    "blank lines": ([b"\n", b"a,b\n", b"\n", b"1,2\n\n"], [[("1", "2")]]),
    "UTF-16": (["a,b\n".encode("utf-16"), "é,2\n".encode("utf-16-le")], [[("é", "2")]]),
    "Windows-1252 by the header": (["é,b\n".encode("cp1252"), "ü,2\n".encode("cp1252")], [[("ü", "2")]]),
    "a mark": ([b"\xef\xbb\xbfa,b\r\n", b"1,2\r\n"], [[("1", "2")]]),
    "half a letter": ([b"a,b\n\xc3", b"\xa9,2\n"], [[("é", "2")]]),
    "row names of R": ([b"a,b\nr,1,2\ns,3,4\n", b"t,5,6\n"], [[("r", "1", "2"), ("s", "3", "4")], [("t", "5", "6")]]),
    "a spreadsheet's first line": ([b"sep=;\na;b\n", b"1;2\n"], [[("1", "2")]]),
}


@pytest.mark.parametrize("case", ROWS)
def test_rows_come_as_they_are_there(case):
    parts, expected = ROWS[case]
    assert answered(parts) == (expected, "")


def test_comments_and_tables_without_a_header_are_known_from_training():
    blanks = Dialect(comment="#", delimiter="whitespace")
    assert answered([b"# it's\na b\n", b'# 5"\n1 2\n'], blanks)[0] == [[("1", "2")]]
    assert answered([b"1,2\n", b"3,4\n"], Dialect(header="no"))[0] == [[("1", "2")], [("3", "4")]]


BAD = {
    "a cell too few": ([b"a,b\n1,2\n3,4\n", b"5,6\n7\n8,9\n"], 3, "<stdin>:5: expected 2 cells"),
    "another encoding": ([b"a,b\n1,2\n", b"3,4\n5,\xff\n"], 2, "<stdin>:4: not in the encoding of the first line"),
    "an open quote": ([b'a,b\n1,2\n"3,4\n', b"5,6\n"], 1, "<stdin>:3: a quote that is not closed"),
    "row names, later": ([b"a,b\n1,2\n", b"r,3,4\ns,5,6\n"], 1, "<stdin>:3: expected 2 cells"),
    "no row": ([b"a,b\n"], 0, "has a header but no rows"),
}


@pytest.mark.parametrize("case", BAD)
def test_rows_before_one_that_can_not_be_read_come_first(case):
    parts, rows, message = BAD[case]
    found, error = answered(parts)
    assert sum(map(len, found)) == rows
    assert message in error


@pytest.mark.parametrize(
    ("parts", "message"), [([], "is empty"), ([b"\x81\xff,b\n"], "<stdin>:1: not text in UTF-8 or Windows-1252")]
)
def test_a_pipe_that_is_empty_or_no_text_is_told(parts, message):
    with pytest.raises(DataError, match=message):
        LiveRows(NAME, Pipe(parts), USUAL, ",")


CELLS = st.sampled_from(["1", "2.5", '"a,b"', '"x\ny"', '"say ""so"""', "é", "word"])


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), st.lists(st.integers(1, 40), max_size=12))
def test_however_it_is_cut_the_rows_are_those_of_a_file(rows, cuts):
    text = "a,b\n" + "".join(f"{x},{y}\n" for x, y in rows)
    content, parts = text.encode(), []
    for cut in cuts:
        parts.append(content[:cut])
        content = content[cut:]
    found, error = answered([part for part in [*parts, content] if part])
    whole = read_delimited(NAME, io.BytesIO(text.encode()), Dialect(header="yes", delimiter=","))
    assert ([row for part in found for row in part], error) == (cells(whole), "")
