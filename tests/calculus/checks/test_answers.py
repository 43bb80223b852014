"""How answers are read, and what their formulas are worth."""

import numpy as np
import pytest

import bpcli
from bpcli.calculus.checks.answers import Formulas, read_answer
from bpcli.errors import ExpressionError


def read(text):
    return read_answer(text, {"f": "1.5 2\n3 4\n", "m": np.eye(2)}.__getitem__)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("6,1", [[6, 1]]),
        ("6 1", [[6, 1]]),
        ("[6, 1]", [[6, 1]]),
        ("6;1", [[6], [1]]),
        ("[[1,2],[3,4]]", [[1, 2], [3, 4]]),
        ("1 2\n3 4", [[1, 2], [3, 4]]),
        ("−1.5e−3", [[-0.0015]]),
        ("1/4, 2", [[0.25, 2]]),
        ("23.5%, 1.25e-3 %", [[0.235, 1.25e-5]]),
        ("1E2%, 2e−1%, −5%", [[1.0, 0.002, -0.05]]),
        ("2.35*10^-1, 2.35×10⁻¹, 2.35·10^{-1}, 2.35*10**(-1)", [[0.235] * 4]),
        ("@f", [[1.5, 2], [3, 4]]),
        ("@m", [[1, 0], [0, 1]]),
    ],
)
def test_numbers(text, rows):
    answer = read(text)
    assert answer.formulas is None
    assert [[cell.value for cell in row] for row in answer.numbers[""]] == rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("2*x, 2*y", [["2*x", "2*y"]]),
        ("2*x*y x**2", [["2*x*y", "x**2"]]),
        ("where(z>=0, 1, 0)", [["where(z>=0, 1, 0)"]]),
        ("where(z >= 0, 1, 0)", [["where(z >= 0, 1, 0)"]]),
        ("2 * x", [["2 * x"]]),
        ("x -y", [["x", "-y"]]),
        ("p[0]*(1 - p[0]), -p[0]*p[1]; a, b", [["p[0]*(1 - p[0])", "-p[0]*p[1]"], ["a", "b"]]),
    ],
)
def test_formulas(text, rows):
    assert read(text).formulas == {"": rows}


@pytest.mark.parametrize(
    ("text", "formulas", "products"),
    [
        ("2 x", [["2", "x"]], {"": [["2 x"]]}),
        ("2 x; 3 y", [["2", "x"], ["3", "y"]], {"": [["2 x"], ["3 y"]]}),
        ("d/dx = 2 x", [["2", "x"]], {"x": [["2 x"]]}),
        ("2*x 3*y", [["2*x", "3*y"]], None),  # no product: an operator is missing
        ("x y", [["x", "y"]], None),
        ("2*x, 3 y", [["2*x", "3 y"]], None),
    ],
)
def test_spaces_keep_entries_apart_or_multiply(text, formulas, products):
    answer = read(text)
    assert [*answer.formulas.values()] == [formulas]
    assert answer.products == products


@pytest.mark.parametrize(
    ("function", "mine", "finding"),
    [
        ("x**2", "2 x", "right"),
        ("x**2", "3 x", "factor"),
        ("x**2", "-2 x", "sign"),
        ("x**2", "2 x x", "shape"),
        ("3*x*y", "3 y", "value"),  # two entries
        ("3*x*y", "3y 3x", "right"),
        ("x**2+3*y", "2 x; 3", "transposed"),
        ("2*a+x**2/2", "2 x", "right"),  # two entries
        ("sum(u**2)", "2 u", "right"),
    ],
)
def test_an_answer_is_read_as_it_fits(function, mine, finding):
    point = {"u": [0.5, 2.0, -1.0]} if "u" in function else {}
    assert bpcli.grade(function, mine=mine, **point).finding == finding


def test_nothing_is_no_answer():
    with pytest.raises(ExpressionError, match="no answer"):
        read("  ")


def test_formulas_have_values_and_errors():
    formulas = Formulas({"": [["a[i]*(1-a[i])"]]})
    a = np.array([0.25, 1 - 2.0**-40])
    values = {"a": a}
    assert [cell.value for cell in formulas.cells(values)[""][0]] == (a * (1 - a)).tolist()
    errors = [cell.value for cell in formulas.errors(values)[""][0]]
    assert errors[0] < 1e-15
    assert errors[1] > 1e-17
    assert errors[1] / (a[1] * (1 - a[1])) > 1e-4
    with pytest.raises(ExpressionError, match="q has no value"):
        Formulas({"": [["q"]]}).cells(values)


def test_percentages_and_powers_of_ten_have_the_digits_that_were_typed():
    (row,) = read("23.5%, 2.35×10⁻¹, 1.2e2%").numbers[""]
    assert [cell.typed for cell in row] == ["23.5e-2", "2.35e-1", "1.2e0"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (r"\begin{pmatrix} y^{2} & 2 x y \end{pmatrix}", "write y**2, 2*x*y"),
        (r"-\frac{e^{-x} \left(x + 1\right)}{x^{2}}", "write -(e**-x*(x+1)/x**2)"),
        (r"\operatorname{diag}(p)", "write formulas such as"),
    ],
)
def test_formulas_in_latex_are_refused_with_what_to_write(text, hint):
    with pytest.raises(ExpressionError) as error:
        read(text)
    assert hint in error.value.hint
