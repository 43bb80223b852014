import gzip
import io
import math
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bpcli.datasets.cells import DASH, MISSING
from bpcli.datasets.dialect import Dialect
from bpcli.datasets.readers import delimited
from bpcli.datasets.reading import Files, read_blocks
from bpcli.errors import DataError, OpenReadingError
from tests.tables import read_table


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
    assert table.first_not_numeric("a") == (row, cell)
    # the others are as they stand in the file, too: 1.5 may be a label beside inf
    assert table.text("a") == [c.strip() for c in cells]


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        ("5.1,setosa\n4.9,setosa\n", True),
        ("5.1,setosa\n4.9,virginica\n", False),  # that it is a row can't be seen
        ("5.1,?\n4.9,2\n", True),
        ("5.1,size\n4.9,2\n", False),
        ("0,1,2\n3,4,5\n", False),
        ("1,2,3\n3,4,5\n", False),
        ("1,2,3\n3,4,a\n", False),
        ("2,3,4\n3,4,5\n", True),
        ("2,1\n3,4\n", True),
        ("a,b\na,b\n", True),
    ],
)
def test_names_that_could_be_a_row_are_refused_unless_it_is_said_what_they_are(read, content, refused):
    if refused:
        with pytest.raises(DataError, match=r"(?s)data\.header: no.*data\.header: yes"):
            read(content)
    else:
        assert read(content).names == content.partition("\n")[0].split(",")
    first, rows = content.partition("\n")[0].split(","), content.count("\n")
    for header, names, count in (("yes", first, rows - 1), ("no", [f"x{j + 1}" for j in range(len(first))], rows)):
        table = read_table(Path("t"), "csv", io.BytesIO(content.encode()), dialect=Dialect(header=header))
        assert (table.names, table.rows) == (names, count)


def test_names_that_are_numbers_over_numbers_are_told_of(read):
    assert "such as 18.0" in read("18.0,8,ford\n15,7,audi\n").notes[0]
    assert "such as 1990" in read("land,1990,1991\na,1,2\n").notes[0]
    for content in ("0,1,2\n3,4,a\n", "a,b,2\n1,2,3\n", "x,1990,a\nb,z,1\n"):
        assert read(content).notes == []


def test_decimal_commas_and_comments_as_the_config_says(read):
    content = "% made by hand\nx;y;z\n1,5;-2;1,5\n% more\n,5;1e-3;a.b\n"
    table = read_table(Path("t"), "csv", io.BytesIO(content.encode()), dialect=Dialect(decimal=",", comment="%"))
    assert table.numeric("x").tolist() == [1.5, 0.5]
    assert table.numeric("y").tolist() == [-2, 0.001]
    assert table.text("z") == ["1,5", "a.b"]
    assert table.where(1) == "t:5"
    assert table.first_not_numeric("z") == (1, "a.b")
    points = read_table(Path("t"), "csv", io.BytesIO(b"x;y\n1.5;2\n2;3\n"), dialect=Dialect(decimal=","))
    assert (points.is_numeric("x"), points.is_numeric("y")) == (False, True)


def test_blocks_of_a_file_in_windows_1252_are_those_of_the_whole(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a;b\n" + b"1;x\n" * 100 + b"2;\xfc\n" + b"3;y\n" * 100)
    with patch.object(delimited, "_BLOCK", 40):
        blocks = list(read_blocks(Files((path,))))
    assert [cell for block in blocks for cell in block.text("b")] == read_table(path).text("b")
    assert [block.first_row for block in blocks][1:] == np.cumsum([block.rows for block in blocks])[:-1].tolist()


def test_a_minus_before_nan_as_c_prints_it_is_a_missing_cell(read):
    assert np.isnan(read("a\n-nan\n1\n").numeric("a")).tolist() == [True, False]


numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=30))
def test_doubles_are_read_to_the_last_bit(rows):
    content = "a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in rows)
    table = read_table(Path("t.csv"), stream=io.BytesIO(content.encode()))
    assert list(zip(table.numeric("a").tolist(), table.numeric("b").tolist(), strict=True)) == rows


cells = st.one_of(
    st.sampled_from(
        ["", "NA", "?", "-", "nan", "x", "inf", "1e999", "1_0", " 2 ", "a,b", 'say "hi"', "two\nlines", "cr\rlf\r\n"]
    ),
    st.integers(-9, 9).map(str),
    numbers.map(repr),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4),
)


def meaning(column):
    """What the cells of a column mean, one by one: an independent reading."""
    values = []
    for cell in map(str.strip, column):
        if cell in MISSING or cell == DASH or cell.lower() in ("nan", "+nan", "-nan"):
            values.append(math.nan)
            continue
        try:
            value = float(cell)
        except ValueError:
            return [c.strip() for c in column]
        if not math.isfinite(value) or not cell.isascii() or "_" in cell:
            return [c.strip() for c in column]
        values.append(value)
    return values


def written(rows, delimiter, newline, quote_all):
    """RFC 4180, with any delimiter and newline."""

    def field(cell, alone):
        needed = quote_all or (alone and not cell.strip()) or any(c in cell for c in f'{delimiter}"\r\n')
        return '"' + cell.replace('"', '""') + '"' if needed else cell

    return "".join(delimiter.join(field(cell, len(row) == 1) for cell in row) + newline for row in rows)


@given(
    st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(*[cells] * width), min_size=1, max_size=12)),
    st.sampled_from(["csv", "tsv"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.sampled_from([1, 20, 1 << 20]),
)
def test_what_is_written_is_read_in_blocks_of_any_size(rows, format_, newline, quote_all, block):
    names = [f"c{j}" for j in range(len(rows[0]))]
    form = ({"csv": ",", "tsv": "\t"}[format_], newline, quote_all)
    with patch.object(delimited, "_BLOCK", block):
        table = read_table(Path("t.csv"), format_, io.BytesIO(written([names, *rows], *form).encode()))
    assert table.rows == len(rows)
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        expected = meaning(column)
        assert table.text(name) == [cell.strip() for cell in column]
        assert table.is_numeric(name) == isinstance(expected[0], float)
        if table.is_numeric(name):
            np.testing.assert_array_equal(table.numeric(name), expected)
    # the line of a row: the newlines in front of it, those inside cells too
    before = written([names, *rows[:-1]], *form).replace("\r\n", "\n").replace("\r", "\n")
    assert table.where(len(rows) - 1) == f"t.csv:{1 + before.count(chr(10))}"


@pytest.mark.parametrize(
    "first",
    ['"$3,903.34",b', "1.9%,b", "12 kg,b", "(12),b", "TRUE,b", "false,b"],
)
def test_a_first_row_of_formatted_numbers_or_booleans_is_no_header(tmp_path, first):
    other = {"T": "False", "f": "True"}.get(first[0], first.partition(",b")[0])
    rows = "\n".join([first, *(f"{other},{label}" for label in "abab")])
    (tmp_path / "t.csv").write_text(rows + "\n")
    with pytest.raises(OpenReadingError, match="could be data"):
        read_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("price,label\n" + rows + "\n")
    assert read_table(tmp_path / "t.csv").rows == 5


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from("uvw")), min_size=2),
    st.sampled_from([(",", "."), (";", ","), ("\t", "."), ("|", ",")]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
def test_pandas_reads_the_same(tmp_path, rows, marks, encoding):
    pandas = pytest.importorskip("pandas")
    delimiter, decimal = marks
    rows = [(0.5, "größer"), *rows]
    lines = [f"{str(x).replace('.', decimal)}{delimiter}{word}" for x, word in rows]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([f"x{delimiter}word", *lines]), encoding=encoding)
    expected = pandas.read_csv(path, sep=delimiter, decimal=decimal, encoding=encoding)
    table = read_table(path)
    # pandas reads some decimals ten units in the last place beside, as 0.03125000000000007; the doubles are known.
    np.testing.assert_allclose(table.numeric("x"), expected.x.to_numpy(float), rtol=1e-14, atol=1e-320)
    assert table.numeric("x").tolist() == [x for x, _ in rows]
    assert table.text("word") == expected.word.tolist()
