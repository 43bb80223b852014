"""Files as they are found: what a config has to say for each, and what is told of it."""

from pathlib import Path

import numpy as np
import pytest

from bpcli.datasets.dialect import Dialect
from bpcli.datasets.discovery import discovered
from bpcli.datasets.reading import Files, read_files
from bpcli.errors import DataError
from bpcli.training.config.suggestion import suggest

FILES = Path(__file__).parent / "files"

FOUND = {
    "wine.csv": (Dialect(), 14, 5, ["semicolons"]),
    "iris.data": (Dialect(header="no"), 12, 5, ["read as a row"]),
    "adult.data": (Dialect(header="no"), 12, 9, ["read as a row"]),
    "titanic.csv": (Dialect(), 10, 11, []),
    "penguins.csv": (Dialect(), 12, 8, []),
    "german.data": (Dialect(header="no"), 12, 10, ["blanks", "read as a row"]),
    "bank.csv": (Dialect(), 12, 7, ["semicolons"]),
    "auto-mpg.data": (Dialect(header="no"), 11, 9, ["blanks", "read as a row"]),
    "abalone.data": (Dialect(header="no"), 10, 7, ["read as a row"]),
    "airfoil.dat": (Dialect(header="no"), 10, 6, ["tabs", "read as a row"]),
    "energy.csv": (Dialect(), 12, 4, ["semicolons between cells, text in Windows-1252, decimal commas"]),
    "mnist.csv": (Dialect(header="no"), 20, 10, ["read as a row"]),
    "prices.csv": (
        Dialect(numbers=("weight", "discount", "change", "price")),
        10,
        6,
        ["weight", "discount", "change", "price"],
    ),
    "countries.csv": (Dialect(comment="#"), 8, 4, ["#", "column continent: NA is a value"]),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_a_config_says_of_a_file(name):
    dialect, rows, columns, told = FOUND[name]
    table, found, notes = discovered(Files((FILES / name,)))
    assert found == dialect
    assert (table.rows, len(table.names)) == (rows, columns)
    assert len(notes) == len(told)
    assert all(words in note for words, note in zip(told, notes, strict=True))


def test_a_last_column_of_none_and_some_has_two_labels(tmp_path):
    path = tmp_path / "t.csv"
    for content, is_value in (("x,t\n1,None\n2,Some\n", True), ("x,t\n1,None\n2,a\n3,b\n", False)):
        path.write_text(content)
        assert discovered(Files((path,)))[0].missing("t")[0] != is_value


def test_cells_that_do_not_read_are_counted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("price,y\n" + "".join(f"${k}.50,{k}\n" for k in range(1, 10)) + "free,3\n,4\n")
    table, dialect, notes = discovered(Files((path,)))
    assert dialect == Dialect(numbers=("price",), missing_words={"price": ("", "free")})
    assert table.missing("price").tolist() == [False] * 9 + [True, True]
    assert any("1 of 10 cells do not read as numbers: 'free'" in note for note in notes)


@pytest.mark.parametrize(
    "cells", [["A1", "B2", "C3"], ["1st", "2nd", "3rd"], ["10:30", "11:30", "12:30"], ["$1", "€2", "$3"]]
)
def test_words_with_digits_are_no_numbers(tmp_path, cells):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{cell},{k}\n" for k, cell in enumerate(cells)))
    assert discovered(Files((path,)))[1] == Dialect()


def test_both_readings_are_told_and_what_can_t_be_read_is_an_error(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a,y\n"1,234",1\n"2,345",2\n')
    _, dialect, notes = discovered(Files((path,)))
    assert dialect == Dialect()
    assert "could be 1234 or 1.234" in notes[0]
    path.write_text("# a\nb,c\n1,2\n3\n")
    with pytest.raises(DataError, match=r"t\.csv:1: the first line begins with #"):
        discovered(Files((path,)))


@pytest.mark.parametrize(
    ("name", "loader", "header"),
    [
        ("linnerud_exercise.csv", "load_linnerud", "auto"),
        ("diabetes_data_raw.csv.gz", "load_diabetes", "no"),
        ("digits.csv.gz", "load_digits", "no"),
        ("iris.csv", "load_iris", "auto"),
    ],
)
def test_scikit_learn_reads_the_same_numbers_of_its_files(name, loader, header):
    datasets = pytest.importorskip("sklearn.datasets")
    expected = getattr(datasets, loader)(**({"scaled": False} if loader == "load_diabetes" else {})).data
    table, dialect, _ = discovered(Files((Path(datasets.__file__).parent / "data" / name,)))
    assert dialect.header == header
    found = np.column_stack([table.numeric(column) for column in table.names[: expected.shape[1]]])
    np.testing.assert_array_equal(found, expected)


def test_two_units_in_a_column_are_told(tmp_path):
    (tmp_path / "t.csv").write_text("p,q\n$1,1\n€2,3\n$3,2\n€4,5\n")
    _, dialect, notes = discovered(Files((tmp_path / "t.csv",)))
    assert dialect.numbers == ()
    assert any("column p: " in note and "have different units; mend them" in note for note in notes)


@pytest.mark.parametrize("mark", [".", "--", "*", "missing", "N.A."])
def test_a_mark_among_numbers_is_a_gap(tmp_path, mark):
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{mark if k % 5 == 1 else k / 8},{k % 2}\n" for k in range(30)))
    table, dialect, notes = discovered(Files((tmp_path / "t.csv",)))
    assert mark in dialect.missing_words["a"]
    assert np.flatnonzero(table.missing("a")).tolist() == [*range(1, 30, 5)]
    assert any(f"column a: '{mark}' counts as a gap" in note for note in notes)


def test_exponents_as_fortran_writes_them_are_formatted_numbers(tmp_path):
    values = [1.5e3, -7.25e-2, 1.125, 3e10]
    (tmp_path / "t.dat").write_text("a y\n" + "".join(f"{x:.3E} {x}\n".replace("E", "D") for x in values))
    table, dialect, _ = discovered(Files((tmp_path / "t.dat",)))
    assert dialect.numbers == ("a",)
    assert table.numeric("a").tolist() == values


@pytest.mark.parametrize("first", ["cm,kg,-", "(cm),(kg),class", "a,b,y"])
def test_a_row_of_units_or_names_over_numbers_is_told(tmp_path, first):
    (tmp_path / "t.csv").write_text(
        f"size,weight,sold\n{first}\n" + "".join(f"{k},{k * k},{k % 2}\n" for k in range(9))
    )
    with pytest.raises(DataError, match=r"t\.csv:2: the first row looks like names or units over numbers \("):
        discovered(Files((tmp_path / "t.csv",)))


@pytest.mark.parametrize(
    ("price", "people", "first"),
    [
        ("1.100,50", "7.440", 7440),
        ("1.100,50 €", "912", 912),
        ("1.100,50", "7.44", 7.44),
        ("1.100", "7.440", 7.44),
        ("1,100.50", "7.440", 7.44),
    ],
)
def test_points_beside_formatted_numbers_with_decimal_commas_set_thousands_apart(tmp_path, price, people, first):
    (tmp_path / "t.csv").write_text(f"price;people;y\n{price};{people};a\n{price};8.001;b\n")
    table, _, notes = discovered(Files((tmp_path / "t.csv",)))
    assert table.numeric("people").tolist() == [first, 8.001 if first == 7.44 else 8001]
    assert any("as column price has decimal commas" in note for note in notes) == (first != 7.44 and first != 912)


def rows_of(start, line, last=""):
    return start + "".join(line(k) for k in range(12)) + last


@pytest.mark.parametrize(
    ("last", "found"),
    [
        ("Average,3,4.5,0", "p: Average"),
        ("Total,3,4.5,0", "p: Total"),
        ("Summe:,,,", "p: Summe:"),
        ("grand total,1,1,1", "p: grand total"),
        (",66,,", "a: 66"),  # 0 + … + 11
        (",,19.8,", "b: 19.8"),
        ("u,65,19.7,1", None),
        ("totally,1,1,1", None),
    ],
)
def test_totals_in_the_last_row_are_refused(tmp_path, last, found):
    path = tmp_path / "t.csv"
    path.write_text(f"p,a,b,y\nu,2,3,4\n{last}\n")  # a row is no total of another one
    assert discovered(Files((path,)))[0].rows == 2
    path.write_text(rows_of("p,a,b,y\n", lambda k: f"{'uv'[k % 2]},{k},{0.3 * k:.1f},{k % 2}\n", last + "\n"))
    if found is None:
        assert discovered(Files((path,)))[0].rows == 13
        return
    with pytest.raises(DataError, match=rf"(?s)t\.csv:14: .*totals.*\({found}\).*sed 14d FILE"):
        discovered(Files((path,)))


@pytest.mark.parametrize(
    "content", ["% by Octave 8.4\n% rows: 3\n 7 2\n 3 4\n 5 6\n", "# t  T\n# s  K\n7 2\n3 4\n5 6\n"]
)
def test_several_comments_above_columns_of_blanks_are_passed_over(tmp_path, content):
    path = tmp_path / "t.dat"
    path.write_text(content)
    table, dialect, _ = discovered(Files((path,)))
    assert dialect == Dialect(comment=content[0], header="no")
    assert table.text("x2") == ["2", "4", "6"]


def test_stata_s_words_for_gaps_count_as_such_among_numbers(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("wage,y\n5.4,1\n.a,0\n.,1\n3,0\n.b,1\n")
    _, dialect, notes = discovered(Files((path,)))
    assert dialect.missing_words == {"wage": (".", ".a", ".b")}
    assert "'.', '.a', '.b' counts as a gap" in notes[0]


def test_y_behind_x_and_before_others_is_a_place_and_no_target(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(rows_of("x,y,burnt\n", lambda k: f"{k % 5},{k * k % 7},{k * 5 % 9}\n"))
    table, _, _ = discovered(Files((path,)))
    assert suggest(table, None, None)["data.target"].value == "burnt"
    path.write_text(path.read_text().replace("x,y,burnt", "burnt,x,y"))
    table, _, _ = discovered(Files((path,)))
    assert suggest(table, None, None)["data.target"].value == "y"


def test_tabs_separate_in_a_file_that_is_called_so_where_the_text_has_commas(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("kind\ttext, as sent\nham\tDear, you\nspam\tWin, now\n")
    assert read_files(Files((path,))).names == ["kind", "text, as sent"]
