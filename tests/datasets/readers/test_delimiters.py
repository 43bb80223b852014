"""What separates the cells, by the first lines alone; how whole files are read is in test_delimited.py."""

from pathlib import Path

import pytest

from bpcli.datasets.readers.delimiters import Form, find_form
from bpcli.errors import DataError


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("a,b\n1,2\n", Form(",", 2)),
        ("a;b\n1;2\n", Form(";", 2)),
        ("a;b;\n1;2;\n", Form(";", 2, True)),
        ("a;b;\n1;2\n", Form(";", 2)),
        ("a;b\n1;2;\n", Form(";", 2, True)),
        ("a,b,\n1,2,3\n", Form(",", 3)),  # a column without a name
        ("a\tb c\n1\t2\n", Form("\t", 2)),
        ("a b\n1   2\n", Form("whitespace", 2)),
        ("a b\nx  y\n", Form(",", 1)),  # words, and no number among them
        ("a\n1,5\n", Form(",", 1)),
        ("a;b\n1,5;2,5\n", Form(";", 2)),
        ('"a,b";c\n"1,2";3\n', Form(";", 2)),
        ("a;b\n1;2\n3\n4;5\n", Form(";", 2)),  # one row is too short, which the reader will say
        ("a|b\n1|2", Form("|", 2)),
        ("a\n1\n", Form(",", 1)),
        ("", Form(",")),
    ],
)
def test_the_form_of_first_lines(text, form):
    found = find_form(Path("t"), text.splitlines(keepends=True), True, "auto", ",")
    assert found == form


def test_lines_that_two_delimiters_cut_are_refused_unless_one_is_given():
    lines = ["a;b,c\n", "1;2,3\n"]
    with pytest.raises(DataError, match=r"commas.*semicolons"):
        find_form(Path("t"), lines, True, "auto", ",")
    assert find_form(Path("t"), lines, True, ";", ",") == Form(";", 2)


def test_a_quoted_cell_that_goes_on_behind_the_lines_is_no_mistake():
    assert find_form(Path("t"), ["a;b\n", "1;2\n", '3;"x\n'], False, "auto", ",") == Form(";", 2)
