"""A model as Python: it agrees with bpcli on a thousand rows, and its own test finds what does not."""

import pytest

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


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({}, "has no column"),
        ({"x-y": None}, "x-y: the cell is missing"),
        ({"x-y": "a"}, "x-y: 'a' is not a number"),
        ({"x-y": "1_0"}, "x-y: '1_0' is not a number"),
        ({"x-y": float("inf")}, "x-y: 'inf' is not a number"),
        ({"x-y": "+-5"}, r"x-y: '\+-5' is not a number"),
        ({"x-y": "1" + "0" * 400}, "0' is not a number"),
        ({"x-y": "1" + "0" * 5000}, "0' is not a number"),
    ],
)
def test_a_cell_that_does_not_fit_is_told(tampered, cells, message):
    good = dict(zip([column.name for column in tampered.inputs], tampered.rows[0].cells, strict=True))
    row = {**good, **cells} if cells else {}
    with pytest.raises(ValueError, match=message):
        module_of(tampered)["predict"](row)


def test_cells_may_be_text_and_categories_written_otherwise(tampered):
    predict = module_of(tampered)["predict"]
    good = dict(zip([column.name for column in tampered.inputs], tampered.rows[0].cells, strict=True))
    written = {name: str(cell) if cell is not None else "NA" for name, cell in good.items()}
    assert predict(written) == predict(good)
    assert predict(good | {"*/ ??/ //\\": 1.0}) == predict(good | {"*/ ??/ //\\": "1"})
    assert predict(good | {"new\nline": True}) == predict(good | {"new\nline": "true"})
    assert predict(good | {"*/ ??/ //\\": "9007199254740993"}) != predict(good | {"*/ ??/ //\\": "9007199254740992"})


def test_a_category_may_look_as_if_it_were_a_whole_number(tampered):
    name = "*/ ??/ //\\"
    other = [c._replace(categories=(*c.categories[:-1], "+-5")) if c.name == name else c for c in tampered.inputs]
    good = dict(zip([column.name for column in tampered.inputs], tampered.rows[0].cells, strict=True))
    before, after = (module_of(model)["predict"] for model in (tampered, tampered._replace(inputs=tuple(other))))
    for cell, same in {"+-5": "2.5", "1.0": "1", "--5": "never seen", "1" + "0" * 5000: "never seen"}.items():
        assert after(good | {name: cell}) == before(good | {name: same})
