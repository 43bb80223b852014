"""A matrix as text: brackets that fit the numbers, dots in the middle of a large one, and names."""

import numpy as np
import pytest

from bpcli.lecture.matrices import ALL, WIDTH, kept, matrix_lines


@pytest.mark.parametrize(
    ("matrix", "lines"),
    [
        ([[1, -20]], ["( 1  -20 )"]),
        ([[1, 2], [3, 4.5]], ["⎛ 1    2 ⎞", "⎝ 3  4.5 ⎠"]),
        ([[1], [10], [0.1]], ["⎛   1 ⎞", "⎜  10 ⎟", "⎝ 0.1 ⎠"]),
    ],
)
def test_a_matrix(matrix, lines):
    assert matrix_lines(np.array(matrix, float), False, None, 0) == lines
    assert matrix_lines(np.array(matrix, float), False, None, 3) == ["   " + line for line in lines]


def test_a_matrix_a_sample():
    value = np.array([[[1.0, 2.0]], [[3.0, 4.0]]])
    assert matrix_lines(value, True, None, 0) == ["sample 1:", "  ( 1  2 )", "sample 2:", "  ( 3  4 )"]
    assert matrix_lines(np.array([[5.0], [6.0]]), True, None, 0) == ["( 5  6 )"]


def test_precision():
    assert matrix_lines(np.array([[1 / 3]]), False, 3, 0) == ["( 0.333 )"]


def test_a_large_matrix_is_shortened():
    lines = matrix_lines(np.arange(10_000.0).reshape(100, 100), False, None, 0)
    assert len(lines) < 30
    assert any("…" in line for line in lines)


@pytest.mark.parametrize(
    ("count", "most", "first", "last"), [(13, 12, 6, 5), (5, 4, 2, 1), (12, 12, 12, 0), (99, ALL, 99, 0)]
)
def test_the_dots_are_in_the_middle(count, most, first, last):
    found = kept(count, most)
    dots = [None] * (count > most)
    assert found == [*range(first), *dots, *range(count - last, count)]
    column = np.arange(float(count))[:, None]
    lines = matrix_lines(column, False, None, 0, most)
    assert [line.strip("()⎛⎜⎝⎞⎟⎠ ") for line in lines] == ["…" if k is None else str(k) for k in found]


def test_names_stand_beside_rows_and_above_columns():
    names = [f"feature_{k}" for k in range(5)]
    value = np.arange(5.0)
    assert matrix_lines(value[:, None], False, None, 0, 4, row_names=names) == [
        "⎛ 0 ⎞  feature_0",
        "⎜ 1 ⎟  feature_1",
        "⎜ … ⎟",
        "⎝ 4 ⎠  feature_4",
    ]
    assert matrix_lines(value[None], False, None, 0, 4, column_names=names) == [
        "  feature_0  feature_1     feature_4",
        "(         0          1  …          4 )",
    ]


def test_long_names_and_all_columns_fit_the_width():
    names = ["a very long name of a feature " * 2] * 30
    for value, rows, columns in ((np.ones((30, 2)), names, ()), (np.full((1, 30), 1 / 3), (), names)):
        lines = matrix_lines(value, False, None, 4, ALL, rows, columns)
        assert max(map(len, lines)) <= WIDTH
        assert not any("…" in line and "name" not in line for line in lines)
