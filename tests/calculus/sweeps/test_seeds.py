"""Seeds that are unit vectors together, and tables that hold what sweeps give."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.calculus.sweeps.seeds import (
    columns_of,
    flat,
    numbers,
    points_of,
    some_points,
    split,
    symmetric,
    symmetric_rows,
    unit_seeds,
)

SHAPES = st.lists(st.sampled_from([(), (1,), (3,), (2, 2), (1, 4)]), min_size=1, max_size=4)


@given(SHAPES, st.data())
def test_seeds_of_any_range_are_the_rows_of_the_identity(shapes, data):
    parts = list(enumerate(shapes))
    entries = sum(map(math.prod, shapes))
    start = data.draw(st.integers(0, entries - 1))
    stop = data.draw(st.integers(start + 1, entries))
    seeds = unit_seeds(np, parts, start, stop)
    rows = [flat(np, seeds.get(key), shape, stop - start) for key, shape in parts]
    assert np.array_equal(np.concatenate(rows), np.eye(entries)[:, start:stop])


@given(SHAPES)
def test_entries_are_shared_out_in_order(shapes):
    v = np.arange(sum(map(math.prod, shapes)))
    found = split(v, list(enumerate(shapes)), lambda part, shape: part.reshape(shape))
    assert [part.shape for _, part in found] == shapes
    assert numbers([part for _, part in found]) == v.tolist()


def test_the_columns_of_a_table_share_its_memory():
    table = np.zeros((5, 7))
    x, A = columns_of(table, [(3,), (2, 2)])
    x[1, 4], A[1, 0, 2] = 7.0, 9.0
    assert (table[4, 1], table[2, 5]) == (7.0, 9.0)


def test_what_is_one_for_all_points_stays_whole():
    columns = {"x": np.arange(6.0).reshape(2, 3), "c": np.ones((2, 1))}
    assert points_of(columns) == 3
    assert points_of({}) == 1
    found = some_points(columns, slice(1, 2))
    assert found["x"].tolist() == [[1.0], [4.0]]
    assert found["c"] is columns["c"]


@pytest.mark.parametrize("value", [math.inf, math.nan, 1.0])
def test_the_mean_with_the_transpose_keeps_what_is_equal(value):
    rows = [[value, 1.0], [3.0, 5.0]]
    expected = [[value, 2.0], [2.0, 5.0]]
    np.testing.assert_equal(symmetric_rows(rows), expected)
    np.testing.assert_equal(symmetric(np, np.array(rows)).tolist(), expected)
