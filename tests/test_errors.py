"""Errors: each kind with its exit code, carets under the place, and the nearest word."""

import pytest

from bpcli.errors import (
    BpcliError,
    CheckError,
    ConfigError,
    DataError,
    ExpressionError,
    NotFiniteError,
    UsageError,
    caret_lines,
    listed,
    meant,
    nearest,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CheckError("m"), 1),
        (UsageError("m"), 2),
        (ExpressionError("m", "x+", 1, 2), 2),
        (ConfigError(["m"]), 2),
        (DataError("m"), 3),
        (NotFiniteError("m"), 4),
    ],
)
def test_exit_codes(error, code):
    assert isinstance(error, BpcliError)
    assert error.exit_code == code
    assert "m" in error.message


@pytest.mark.parametrize(
    ("text", "start", "end", "lines"),
    [
        ("x+y", 2, 3, ["  x+y", "    ^"]),
        ("sin(x", 0, 3, ["  sin(x", "  ^^^"]),
        ("x+", 2, 2, ["  x+", "    ^"]),  # behind the end
        ("a\nbcd\ne", 3, 5, ["  bcd", "   ^^"]),
        ("ab", 0, 9, ["  ab", "  ^^"]),
    ],
)
def test_carets(text, start, end, lines):
    assert caret_lines(text, start, end) == lines


def test_a_long_line_is_cut_round_the_place():
    line, caret = caret_lines("1+" * 500 + "?" + "+1" * 500, 1000, 1001)
    assert len(line) < 130
    assert line[caret.index("^")] == "?"


def test_words():
    assert [listed(parts) for parts in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a, or b", "a, b, or c"]
    assert nearest("SIGMOD", ["tanh", "sigmoid"]) == "sigmoid"
    assert nearest("xyz", ["tanh", "sigmoid"]) is None
    metrics = ["loss", "accuracy", "balanced_accuracy", "mcc", "auc", "r2"]
    for typed, close in [("acc", "accuracy"), ("Bal", "balanced_accuracy"), ("acuracy", "accuracy"), ("mc", "mcc")]:
        assert nearest(typed, metrics) == close
    assert nearest("sig", ["sigmoid_of", "sign", "sigmoid"]) == "sign"
    assert nearest("a", metrics) is None
    assert meant("tahn", ["tanh"]) == "did you mean tanh?"
    assert meant("qqq", ["tanh"], "see the list") == "see the list"
