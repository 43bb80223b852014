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
    ("a × (1 − a)", [["a × (1 − a)"]]),
    ('"2*x","2*y"\n1,2', [["2*x", "2*y"], ["1", "2"]]),
    ("[1, 2], [3, 4]", [["1", "2"], ["3", "4"]]),
    ("[[1, 2],\n [3, 4]],", [["1", "2"], ["3", "4"]]),
    ("{{1,2},{3,4}}", [["1", "2"], ["3", "4"]]),  # Mathematica
    ("J =\n\n   1   2\n   3   4\n\n", [["1", "2"], ["3", "4"]]),  # Octave
    ("2×2 Matrix{Float64}:\n 1.0  2.0\n 3.0  4.0", [["1.0", "2.0"], ["3.0", "4.0"]]),  # Julia
    ("2-element Vector{Float64}:\n 1.0\n 2.0", [["1.0"], ["2.0"]]),
    ("     [,1] [,2]\n[1,]    1    2\n[2,]    3    4", [["1", "2"], ["3", "4"]]),  # R
    ("[1] 0.5 2.0", [["0.5", "2.0"]]),
    ("c(1, 2)", [["1", "2"]]),
    ("c(1+x)", [["c(1+x)"]]),
    ("| a | b |\n|---|--:|\n| 1 | 2 |", [["1", "2"]]),  # Markdown
    ("|x|*|y|", [["|x|*|y|"]]),
    (r"$\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}$", [["1", "2"], ["3", "4"]]),
    (r"\begin{pmatrix} 2 x \end{pmatrix}", [["2 x"]]),
    ("[np.float64(1.5), np.float64(-2.0)]", [["1.5", "-2.0"]]),
    ("tensor([[1., 2.]], grad_fn=<MmBackward0>)", [["1.", "2."]]),
    ("tf.Tensor(\n[[1. 2.]\n [3. 4.]], shape=(2, 2), dtype=float32)", [["1.", "2."], ["3.", "4."]]),
    ("f'(x) = 2*x", [["2*x"]]),
    ("≈ 0.25", [["0.25"]]),
    ("∇f = (y, x)", [["y", "x"]]),
    ("f(x) = where(x>=0, 1, 0)", [["where(x>=0, 1, 0)"]]),
    ("x = 1, y = 2", [["x = 1", "y = 2"]]),
    ("    ⎛ 1    2 ⎞\n    ⎜ 3   -4 ⎟\n    ⎝ 5  0.5 ⎠", [["1", "2"], ["3", "-4"], ["5", "0.5"]]),  # the chain's
    ("⎛ 1 ⎞  age\n⎝ 2 ⎠  height of the plant", [["1"], ["2"]]),
    ("( 1  2 )", [["1", "2"]]),
    ("⎡1  2⎤\n⎢    ⎥\n⎣3  4⎦", [["1", "2"], ["3", "4"]]),  # SymPy
    ('{"formula": "xᵀ", "shape": "1×2", "value": [[1, 2.5]]}', [["1", "2.5"]]),
    ("1;2\n3;-4\n", [["1", "2"], ["3", "-4"]]),  # a CSV of semicolons
    ("2*x;y;\n\nf(1;2);x + y;", [["2*x", "y"], ["f(1;2)", "x + y"]]),
    ("1;\n2;", [["1"], ["2"]]),
    ("1 2;3 4\n5 6;7 8", [["1", "2"], ["3", "4"], ["5", "6"], ["7", "8"]]),
    ("1,2;3,4\n5,6;7,8", [["1", "2"], ["3", "4"], ["5", "6"], ["7", "8"]]),
    ("[1;2\n3;4]", [["1"], ["2"], ["3"], ["4"]]),
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
        "∂z/∂x = 1 2; ∂z/∂y = 3",
        "dz/dx = [1, 2], dz/dy = 3",
        "∂z/∂x = 1, 2\n∂z/∂y = 3",
        '{"function": "f", "inputs": {"x": [0, 0]}, "value": 9, "gradient": {"x": [1, 2], "y": 3}}',
        '{"jacobian": {"x": [[1, 2]], "y": [[3]]}}',
        '{\n  "jacobian": {\n    "x": [[1, 2]],\n    "y": [[3]]\n  }\n}\n',
        '{"x": [1, 2], "y": 3}',
        '{"x": [[1, 2]], "y": [[3]]}',
        "x[0],x[1],y,value,d/dx[0],d/dx[1],d/dy\n7,7,7,7,1,2,3\n",
    ],
)
def test_rows_under_names(text):
    assert rows_by_title(text) == {"x": [["1", "2"]], "y": [["3"]]}


def test_the_blocks_of_several_points_stand_below_each_other():
    assert rows_by_title("d/dx:\n1 2\n\nd/dx:\n3 4") == {"x": [["1", "2"], ["3", "4"]]}


@pytest.mark.parametrize("text", ['{"x": null}', '{"x": {"y": 1}}', '{"x": [[[1]]]}', '{"x": 1', '{"x": 1} 2'])
def test_json_of_other_things_is_none_of_a_derivative(text):
    assert rows_by_title(text).get("x") is None
