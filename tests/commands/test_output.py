"""What commands print with: results on stdout, all else on stderr; tables in columns."""

import pytest

from bpcli.commands.output import aligned, emit, note, warning


def test_results_and_remarks_go_apart(capsys):
    emit("12 9")
    note("a kink")
    warning("it is slow")
    printed = capsys.readouterr()
    assert printed.out == "12 9\n"
    assert printed.err.splitlines() == ["bpcli: note: a kink", "bpcli: warning: it is slow"]


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([["name", "loss"], ["a", "0.5"], ["long", "12"]], ["name  loss", "a      0.5", "long    12"]),
        ([["a", "b"], ["x", "y"]], ["a  b", "x  y"]),
        ([["n", "v"], ["1", ""], ["22", "nan"]], [" n    v", " 1", "22  nan"]),
    ],
)
def test_columns(rows, lines):
    assert aligned(rows) == lines
