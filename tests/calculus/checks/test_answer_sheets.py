"""Sheets of formulas by index: how they are read, and the formula of each entry."""

import pytest

from bpcli.calculus.checks.answer_sheets import SheetLine, read_sheet, spelled_out
from bpcli.errors import UsageError

SOFTMAX = [
    SheetLine(("i",), "l", ("i",), "p[i]*(1-p[i])"),
    SheetLine(("i",), "l", ("j",), "-p[i]*p[j]"),
]


@pytest.mark.parametrize(
    "text",
    [
        "dp[i]/dl[i]  p[i]*(1-p[i])\ndp[i]/dl[j]  -p[i]*p[j]     i != j\n\nwhere p = softmax(l)\n",
        "dp[i]/dl[j] = -p[i]*p[j], if i ≠ j\n∂p[i]/∂l[i] = p[i]*(1-p[i])",
        '{"formulas": {"dp[i]/dl[i]": "p[i]*(1-p[i])", "dp[i]/dl[j]": "-p[i]*p[j]"}}',
        '{"dp[i]/dl[i]": "p[i]*(1-p[i])", "dp[i]/dl[j]": "-p[i]*p[j]"}',
        "entry,formula,where\ndp[i]/dl[i],p[i]*(1-p[i]),\ndp[i]/dl[j],-p[i]*p[j],i != j\n",
    ],
)
def test_a_sheet_is_read_with_the_more_special_line_first(text):
    assert read_sheet(text) == SOFTMAX


@pytest.mark.parametrize("text", ["d/dx: 2*x", "da/dz = 0.235", "2*x, 2*y", "", '{"gradient": {"x": 1}}', "{", "x[i]"])
def test_other_answers_are_no_sheets(text):
    assert read_sheet(text) == []


def test_a_line_without_an_index_belongs_to_a_sheet_with_its_names():
    assert read_sheet("da/db  1-a\n\nwhere a = g(z)") == [SheetLine((), "b", (), "1-a")]


def test_each_entry_gets_its_formula():
    assert spelled_out(SOFTMAX, 2, [("l", (2,))], {"p": (2,)}) == {
        "l": [["p[0]*(1-p[0])", "-p[0]*p[1]"], ["-p[1]*p[0]", "p[1]*(1-p[1])"]]
    }
    lines = [SheetLine(("k",), "w", ("j", "k"), "x[j]"), SheetLine(("k",), "w", ("j", "m"), "0")]
    assert spelled_out(lines, 2, [("w", (1, 2))], {"x": (1,)}) == {"w": [["x[0]", "0"], ["0", "x[0]"]]}


def test_an_index_that_a_name_does_not_have_is_left_out():
    lines = [SheetLine(("k",), "x", ("j",), "w[j,k]")]
    assert spelled_out(lines, 1, [("x", (2,))], {"w": (2,)}) == {"x": [["w[0]", "w[1]"]]}
    assert spelled_out(SOFTMAX, 1, [("l", ())], {"p": ()}) == {"l": [["p*(1-p)"]]}
    of_all = [SheetLine((), "y", ("i",), "2*y[i]/N")]
    assert spelled_out(of_all, 1, [("y", (2, 2))], {"y": (2, 2)}) == {"y": [["2*y/N"]]}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (SOFTMAX[:1], "no formula for d/dl[1]"),
        ([*SOFTMAX, SheetLine((), "x", (), "1")], "no d/dx here"),
        ([SheetLine(("i",), "l", ("j",), "p[k]")], "index k of p"),
    ],
)
def test_what_a_sheet_lacks_is_named(lines, message):
    with pytest.raises(UsageError) as error:
        spelled_out(lines, 2, [("l", (2,))], {"p": (2,)})
    assert message in str(error.value)
    with pytest.raises(UsageError, match="missing"):
        spelled_out([], 2, [("l", (2,))], {})
