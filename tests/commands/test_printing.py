"""Results as lines of text, as JSON and as CSV."""

import json

import numpy as np
import pytest

from bpcli.commands.printing import Asked, Printer, blocks_lines, value_lines
from bpcli.errors import UsageError

LINES = [  # a value, a precision, its lines
    (0.1, None, ["0.1"]),
    (1 / 3, 3, ["0.333"]),
    ([1.0, 2.5], None, ["1 2.5"]),
    (np.array([[1.0, 2.0], [3.0, 4.0]]), None, ["1 2", "3 4"]),
    (np.arange(4.0).reshape(2, 1, 2), None, ["0 1", "2 3"]),
    ([], None, [""]),
]


@pytest.mark.parametrize(("value", "precision", "lines"), LINES)
def test_lines_of_a_value(value, precision, lines):
    assert value_lines(value, precision) == lines
    assert blocks_lines({"x": value}, precision) == lines
    two = blocks_lines({"x": value, "w": 2.0}, precision)
    assert two == ["d/dx:", *lines, "d/dw:", "2"]


def printed(printer, capsys):
    asked = Asked("f", {"x": 1.0, "w": np.array([2.0, 3.0])})
    for _ in range(2):
        printer.result(asked, lambda: {"value": 5.0}, lambda: (["value"], [[5.0]]), lambda: ["5", "6"])
    return capsys.readouterr().out


def test_one_result_in_each_format(capsys):
    assert printed(Printer("text", None), capsys) == "5\n6\n\n5\n6\n"
    assert printed(Printer("csv", None), capsys) == "x,w[0],w[1],value\n1,2,3,5\n1,2,3,5\n"
    first, second = printed(Printer("json", None), capsys).splitlines()
    assert first == second
    assert json.loads(first) == {"function": "f", "inputs": {"x": 1, "w": [2, 3]}, "value": 5}


def test_points_of_other_shapes_have_no_place_in_one_csv(capsys):
    printer = Printer("csv", None)
    printer.csv(["x", "value"], [[1.0, 2.0]])
    with pytest.raises(UsageError, match="a row of 3 cells below a header of 2"):
        printer.csv(["x", "value"], [[1.0, 2.0, 3.0]])


def test_more_digits_than_a_double_has_are_proven_or_refused():
    assert Printer("text", 18, certify=True).precision == 18
    with pytest.raises(UsageError, match="17 significant digits"):
        Printer("text", 18)


@pytest.mark.parametrize("form", ["text", "json", "csv"])
@pytest.mark.parametrize("command", [["grad"], ["hessian"], ["jacobian"]])
def test_a_value_that_is_not_printed_does_not_decide_the_exit_code(bpcli, command, form):
    # 2^1024 is beyond the doubles; ln 2·2^1024 and ln² 2·2^1024 are not.
    result = bpcli(*command, "exp2(x)", "--at", "1024", "--format", form)
    printed = "inf" in result.out.lower()
    assert result.code == (4 if printed else 0)
    assert printed == (form == "json" or (form == "csv" and command != ["hessian"]))
    if command == ["grad"]:
        assert bpcli(*command, "exp2(x)", "--points", "-", "--format", form, stdin="x\n1024\n").code == result.code
