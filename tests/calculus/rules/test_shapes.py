"""Shapes in words, how they spread, and the axes they have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.calculus.rules.shapes import ShapeError, axes_of, broadcast, show_shape

shapes = st.lists(st.integers(1, 4), max_size=3).map(tuple)


@given(shapes, shapes)
def test_shapes_spread_as_numpy_s_do(a, b):
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        expected = None
    assert broadcast(a, b) == expected


@pytest.mark.parametrize(
    ("shape", "words"),
    [((), "a number"), ((3,), "a vector of 3"), ((2, 3), "a 2×3 matrix"), ((1, 1), "a 1×1 matrix")],
)
def test_shapes_read_as_words(shape, words):
    assert show_shape(shape) == words


@pytest.mark.parametrize(
    ("shape", "axis", "axes"),
    [((2, 3), None, (0, 1)), ((2, 3), 0, (0,)), ((2, 3), -1, (1,)), ((2,), -1, (0,)), ((), None, ())],
)
def test_axes_count_from_either_end(shape, axis, axes):
    assert axes_of(shape, axis) == axes


@pytest.mark.parametrize(("shape", "axis"), [((2, 3), 2), ((2, 3), -3), ((2,), 1), ((), 0)])
def test_an_axis_that_is_not_there(shape, axis):
    with pytest.raises(ShapeError, match=f"{show_shape(shape)} has no axis {axis}"):
        axes_of(shape, axis)
