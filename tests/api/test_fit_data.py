"""The target, the classes and the weights that an estimator takes, and what it refuses."""

import numpy as np
import pytest
import scipy.sparse

from bpcli.api.fit_data import coded, coded_weights, is_named, sparse_table_of, target_of, weights_of
from bpcli.api.in_python import FitDataError, ParameterError


@pytest.mark.parametrize("given", [[1.0, 2.0, 4.0], ("a", "b", "c"), np.array([1, 0, 1])])
def test_a_target_for_each_row(given):
    assert target_of(given, 3).tolist() == [*given]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "requires y"),
        ([1j, 2, 3], "Complex"),
        ([[1, 2], [3, 4], [5, 6]], "1d array"),
        ([1, 2], "X has 3 rows and y has 2"),
        ([1.0, np.nan, 2.0], "contains NaN"),
        ([1.0, np.inf, 2.0], "infinity"),
        (["a", None, "b"], "row 2 has no target"),
    ],
)
def test_a_target_that_is_none(given, words):
    with pytest.raises(FitDataError, match=words):
        target_of(given, 3)


def test_a_column_is_taken_with_a_warning():
    with pytest.warns(match="column-vector"):
        assert target_of([[1], [2], [3]], 3).tolist() == [1, 2, 3]


def test_classes_have_their_numbers_in_order():
    classes, codes = coded(np.array(["b", "a", "b"]), of_two=True)
    assert (classes.tolist(), codes.tolist()) == (["a", "b"], [1.0, 0.0, 1.0])
    assert coded_weights({"b": 2.0}, classes) == {"1": 2.0}
    with pytest.raises(ParameterError, match="'c' is none of the classes"):
        coded_weights({"c": 2.0}, classes)


@pytest.mark.parametrize(
    ("y", "of_two", "words"),
    [
        ([0.5, 1.5], False, "continuous"),
        (["a", "a"], False, "one class"),
        (["a", "b", "c"], True, "Only binary"),
        (np.array(["a", 1], object), False, "can't be ordered"),
    ],
)
def test_what_is_no_classes(y, of_two, words):
    with pytest.raises(FitDataError, match=words):
        coded(np.asarray(y), of_two)


@pytest.mark.parametrize(
    ("given", "words"),
    [(["a", "b"], "a number for each of 2"), ([1, 2, 3], "shape"), ([1, -2], "row 2 has -2"), ([0, 0], "non-zero")],
)
def test_weights_that_are_none(given, words):
    with pytest.raises(FitDataError, match=words):
        weights_of(given, 2)
    assert weights_of(3, 2).tolist() == [3.0, 3.0]


def test_names_and_sparse_matrices():
    assert (is_named({"a": [1]}), is_named({0: [1]}), is_named([[1]])) == (True, False, False)
    assert sparse_table_of(scipy.sparse.csr_array(np.eye(2))).rows == 2
    for wrong, words in ((np.nan, "NaN"), (1j, "Complex")):
        with pytest.raises(FitDataError, match=words):
            sparse_table_of(scipy.sparse.csr_array(np.eye(2) * wrong))
