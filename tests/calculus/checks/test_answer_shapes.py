"""The shapes in which answers come, brought into that of the derivative."""

import numpy as np
import pytest

from bpcli.calculus.checks.answer_shapes import fitted, titles_amiss
from bpcli.calculus.checks.answers import Cell, Layout, read_answer

LAYOUT = Layout(1, (("A", (2, 3)),))


def test_titles_of_blocks():
    answer = read_answer("d/dx:\n1 2\n3 4\nd/dw:\n5\n6", str)
    assert {name: [[cell.typed for cell in row] for row in rows] for name, rows in answer.numbers.items()} == {
        "x": [["1", "2"], ["3", "4"]],
        "w": [["5"], ["6"]],
    }
    layout = Layout(2, (("x", (2,)), ("w", ())))
    cells = fitted(answer.numbers, layout, np.zeros((2, 3)))
    assert [[cell.value for cell in row] for row in cells] == [[1, 2, 5], [3, 4, 6]]
    assert fitted(answer.numbers, Layout(2, (("x", (2,)), ("v", ()))), np.zeros((2, 3))) is None


@pytest.mark.parametrize(
    ("shape", "layout", "fits"),
    [
        ((1, 6), LAYOUT, True),
        ((2, 3), LAYOUT, True),
        ((3, 2), LAYOUT, False),
        ((6, 1), LAYOUT, False),
        ((2, 2), Layout(2, (("x", (2,)),)), True),
        ((1, 4), Layout(2, (("x", (2,)),)), True),
        ((1, 2), Layout(2, (("x", (2,)),)), True),  # the diagonal
        ((2, 1), Layout(2, (("x", (2,)),)), True),
        ((1, 3), Layout(2, (("x", (2,)),)), False),
        ((2, 2), Layout(1, (("x", (2,)), ("w", (2,)))), True),  # a block a row
        ((2, 1), Layout(1, (("x", ()), ("y", ()))), False),  # the transpose of a row
    ],
)
def test_the_shapes_that_fit(shape, layout, fits):
    rows = [[Cell(float(j)) for j in range(shape[1])] for _ in range(shape[0])]
    cells = fitted({"": rows}, layout, np.eye(layout.outputs, layout.columns))
    assert (cells is not None) == fits
    if cells is not None:
        assert np.shape([[cell.value for cell in row] for row in cells]) == (layout.outputs, layout.columns)


def test_titles_that_are_amiss_are_told():
    layout = Layout(1, (("x", ()), ("y", ())))
    assert titles_amiss(["x", "y"], layout) == titles_amiss([""], layout) == ""
    assert titles_amiss(["x", ""], layout) == "expected d/dx, d/dy, found d/dx, entries without a title"
