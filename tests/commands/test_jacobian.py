"""`bpcli jacobian`: the answers to mistakes with functions of the lecture and options."""

import pytest

from bpcli.lecture.inputs import INPUTS
from bpcli.lecture.named_questions import some_inputs


@pytest.mark.parametrize("command", ["jacobian", "check"])
@pytest.mark.parametrize("name", INPUTS)
def test_values_behind_a_name_are_shown_as_its_options(bpcli, command, name):
    values = ["1,2" for _ in some_inputs(name)]
    result = bpcli(command, name, *values)
    assert result.code == 2
    line = result.err.splitlines()[-1].split()
    assert line[:3] == ["bpcli", command, name]
    assert line[3::2] == [f"--{key}" for key in list(INPUTS[name])[: len(values)]]
    assert line[4::2] == values


@pytest.mark.parametrize("command", ["jacobian", "check"])
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sofmax", "--logits", "1,2"], "did you mean softmax?"),
        (["sigmoyd", "--z", "1"], "did you mean sigmoid?"),
        (["softmax", "--logits", "1,2", "3"], "bpcli {} softmax --logits 1,2"),
        (["affine", "1;2", "--b", "3"], "bpcli {} affine --b 3 --x '1;2'"),
        (["x*y", "--z", "1"], "its point is given by --at"),
    ],
)
def test_what_was_meant(bpcli, command, arguments, told):
    result = bpcli(command, *arguments)
    assert result.code == 2
    assert told.format(command) in result.err


@pytest.mark.parametrize("command", ["eval", "grad", "jacobian", "hessian", "check"])
def test_an_option_with_one_minus_is_offered_with_two(bpcli, command):
    result = bpcli(command, "x**2", "-at", "1,2")
    assert result.code == 2
    assert "did you mean --at?" in result.err


def test_a_minus_before_a_variable_of_an_options_name_is_a_minus(bpcli):
    assert bpcli("jacobian", "x", "-at", "--at", "x=1,at=2", "--vars", "x,at").out == "1 0\n0 -1\n"


@pytest.mark.parametrize("format_", ["text", "json", "csv"])
@pytest.mark.parametrize("command", ["eval", "grad", "hessian", "jacobian"])
def test_a_constant_has_no_derivatives(bpcli, command, format_):
    assert bpcli(command, "5", "--format", format_).code == 0
    if command != "eval":
        assert bpcli(command, "5", "--latex").code == 0
    if command in ("grad", "jacobian"):
        assert bpcli(command, "5", "--explain").code == 0


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("1,5,2,5", "--at 1.5,2.5 has decimal points"),
        ("1,5; 2,5", "--at 1.5,2.5 has decimal points"),
        ("-1,5 2,5", "--at -1.5,2.5 has decimal points"),
        ("x=1,5, y=2,5", "--at x=1.5,y=2.5 has decimal points"),
    ],
)
def test_decimal_commas_are_seen(bpcli, given, hint):
    assert hint in bpcli("grad", "x*y", f"--at={given}").err


@pytest.mark.parametrize("given", ["1,2,3", "1,2;3,4;5,6", "1,2;3"])
def test_other_commas_are_no_decimal_ones(bpcli, given):
    assert "decimal" not in bpcli("grad", "x*y", f"--at={given}").err
