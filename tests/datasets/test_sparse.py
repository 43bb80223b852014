"""Sparse tables beside the same numbers written out."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array as scipy_csr

from bpcli.datasets.sparse import (
    MAX_DENSE,
    Names,
    Numbered,
    SparseTable,
    dense,
    is_sparse,
    pieces,
    sparse_table,
    take_features,
)
from bpcli.errors import DataError

X = np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 3.5]])


def table(first=1):
    label = {"none": np.array([1.0, np.nan, -1.0])}
    return SparseTable(Path("t.svm"), scipy_csr(np.pad(X, ((0, 0), (1, 0)))), first, label, lambda row: row + 1)


def test_a_table_of_features_and_a_label():
    found = table()
    assert [*found.names] == ["x1", "x2", "x3", "none"]
    assert all(found.is_numeric(name) for name in found.names)
    assert np.array_equal(np.column_stack([found.numeric(f"x{j}") for j in (1, 2, 3)]), X)
    assert found.numeric("x9").tolist() == [0, 0, 0]  # beyond the file every entry is 0
    assert found.text("x2") == ["2", "0", "0"]
    assert found.text("none") == ["1", "", "-1"]
    assert (found.missing("none").tolist(), found.missing("x1").any()) == ([False, True, False], False)
    found.require(["x7", "none"])
    with pytest.raises(DataError, match="no column y"):
        found.require(["y"])


@pytest.mark.parametrize("features", [Numbered(1, 4), Numbered(1, 6), Numbered(1, 3), Numbered(1, 4, (3, 1))])
def test_features_are_taken_by_number(features):
    wide = np.pad(X, ((0, 0), (1, 3)))  # column j is feature j
    numbers = range(features.first, features.stop) if features.chosen is None else features.chosen
    taken, others = take_features(table(), features)
    assert np.array_equal(taken.toarray(), wide[:, list(numbers)])
    assert others == (features == Numbered(1, 3))
    assert list(features) == [f"x{j}" for j in numbers]
    assert features[:2] == list(features)[:2]


def test_a_matrix_becomes_a_table_of_its_features():
    assert np.array_equal(sparse_table(Path("X"), X, Numbered(1, 9, (2, 5, 7))).numeric("x5"), X[:, 1])
    for wrong, message in ((X[:, :2], "expected rows of 3 features"), (X + np.inf, "not a finite number")):
        with pytest.raises(DataError, match=message):
            sparse_table(Path("X"), wrong, Numbered(1, 4))


def test_written_out_and_in_parts():
    sparse = scipy_csr(X)
    assert (is_sparse(sparse), is_sparse(X)) == (True, False)
    assert np.array_equal(dense(sparse), X)
    assert [part.shape for part in pieces(X, 2)] == [(2, 3), (1, 3)]
    assert next(iter(pieces(sparse, 1))) is sparse
    with pytest.raises(DataError, match="too many numbers to be written out"):
        dense(scipy_csr((MAX_DENSE, 2)))


def test_names_of_features_and_others_are_a_list_that_is_never_made():
    names = Names(Numbered(1, 200_000_001), ("none", "weight"))
    assert len(names) == 200_000_002
    assert [names[0], names[-1], names[-3]] == ["x1", "weight", "x200000000"]
    assert names[199_999_999:] == ["x200000000", "none", "weight"]
    asked = ("x1", "x200000000", "none", "x0", "x01", "x200000001", "y")
    assert [name in names for name in asked] == [True] * 3 + [False] * 4
    few = Numbered(1, 9, (2, 7))
    assert [name in few for name in ("x2", "x7", "x3")] == [True, True, False]


@given(st.data())
def test_columns_of_a_sparse_matrix(data):
    """By NumPy's indexing of the array, in any order of the columns, also of such as the matrix lacks."""
    shape = data.draw(st.tuples(st.integers(0, 4), st.integers(1, 6)))
    array = data.draw(arrays(float, shape, elements=st.sampled_from([0.0, 0.0, 1.5, -2.0])))
    chosen = data.draw(st.lists(st.integers(0, 8), min_size=1, max_size=9, unique=True))
    wide = np.hstack([array, np.zeros((shape[0], 9 - shape[1]))])
    table = SparseTable(Path("t"), scipy_csr(array), 0, {}, lambda _: None)
    found, _ = table.take(Numbered(0, 9, tuple(chosen)))
    np.testing.assert_array_equal(found.toarray(), wide[:, chosen])
