"""A model as Python: it agrees with bpcli on a thousand rows, and its own test finds what does not."""

from bpcli.exporting.python_code import python_code


def module_of(model):
    names = {"__name__": "exported"}
    exec(compile(python_code(model), "exported.py", "exec"), names)
    return names


def test_it_agrees_on_a_thousand_rows(export_of):
    assert module_of(export_of)["test"]() == 0


def test_it_finds_a_row_that_does_not_agree(tampered):
    assert module_of(tampered)["test"]() == 1


def test_it_imports_nothing_but_math(tampered):
    lines = python_code(tampered).decode().splitlines()
    assert [line for line in lines if line.lstrip().startswith(("import ", "from "))] == ["import math"]
