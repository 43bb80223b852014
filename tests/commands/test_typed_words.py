"""Tests of what a word names, and a command line that is written again."""

import shlex

import pytest

from bpcli.commands import cli
from bpcli.commands.typed_words import again, expressions_in, is_config, is_table, is_value, line_of


@pytest.mark.parametrize(
    ("word", "table", "config", "value"),
    [
        ("a.csv", True, False, False),
        ("a.csv.gz", True, False, False),
        ("train-images-idx3-ubyte", True, False, False),
        ("c.yaml", False, True, False),
        ("1,2;3,4", False, False, True),
        ("x=1, y=[1,2]", False, False, True),
        ("x**2", False, False, False),
        ("A.T", False, False, False),
    ],
)
def test_what_a_word_is(word, table, config, value):
    assert (is_table(word), is_config(word), is_value(word)) == (table, config, value)


def test_expressions_between_commas():
    assert expressions_in("x*y, max(x, y)") == ["x*y", "max(x, y)"]
    assert expressions_in("x*y, (") == []


def test_a_line_again_keeps_what_it_had():
    typed = "train a.yaml --set training.l2=1 --quiet --set 'data.target=a b' --bogus 3"
    line = line_of(shlex.split(typed), "", cli)
    assert line.unknown == ["--bogus"]
    assert line.options["--set"] == "data.target=a b"
    expected = "bpcli train b.yaml --set training.l2=1 --quiet --set 'data.target=a b' --set training.epochs=3"
    assert again(line, ["b.yaml"], set="training.epochs=3") == expected
    at = line_of(["grad", "x*y", "--at", "1"], "", cli)
    assert again(at, ["x*y"], at="1,2") == "bpcli grad 'x*y' --at 1,2"
