"""The text of answers: typed, pasted from NumPy, or printed by bpcli."""

import numpy as np
import pytest

from bpcli.calculus.checks.answer_text import rows_by_title

ROWS = [
    ("2*x, 2*y", [["2*x", "2*y"]]),
    ("(2*x, 2*y)", [["2*x", "2*y"]]),
    ("(x+1)*(x-1)", [["(x+1)*(x-1)"]]),
    ("(x+1), (x-1)", [["(x+1)", "(x-1)"]]),
    ("[[a[0]*(1-a[0]), -a[1]], [b[0], b[1]]]", [["a[0]*(1-a[0])", "-a[1]"], ["b[0]", "b[1]"]]),
    ("a[0], b[1]", [["a[0]", "b[1]"]]),
    ("[1 2; 3 4]", [["1", "2"], ["3", "4"]]),
    ("1 2\n3 4", [["1", "2"], ["3", "4"]]),
    (str(np.array([[1.0, 2.5], [3.0, 4.0]])), [["1.", "2.5"], ["3.", "4."]]),
    (repr(np.array([[1.0, 2.5], [3.0, 4.0]])), [["1.", "2.5"], ["3.", "4."]]),
    (repr(np.array([6.0, 1.0], np.float32)), [["6.", "1."]]),
    ("np.array([6, 1])", [["6", "1"]]),
    ("tensor([6., 1.], dtype=torch.float64)", [["6.", "1."]]),
    ("(x\n+y)", [["(x +y)"]]),
    ("  ", []),
    ("{1", [["{1"]]),
]


@pytest.mark.parametrize(("text", "rows"), ROWS)
def test_rows_of_cells(text, rows):
    assert rows_by_title(text).get("", []) == rows


@pytest.mark.parametrize(
    "text",
    [
        "d/dx:\n1 2\nd/dy:\n3",
        "d/dx: 1 2\nd/dy: 3",
        "∂z/∂x = 1, 2\n∂z/∂y = 3",
        '{"function": "f", "inputs": {"x": [0, 0]}, "value": 9, "gradient": {"x": [1, 2], "y": 3}}',
        '{"jacobian": {"x": [[1, 2]], "y": [[3]]}}',
        "x[0],x[1],y,value,d/dx[0],d/dx[1],d/dy\n7,7,7,7,1,2,3\n",
    ],
)
def test_rows_under_names(text):
    assert rows_by_title(text) == {"x": [["1", "2"]], "y": [["3"]]}


def test_the_blocks_of_several_points_stand_below_each_other():
    assert rows_by_title("d/dx:\n1 2\n\nd/dx:\n3 4") == {"x": [["1", "2"], ["3", "4"]]}
