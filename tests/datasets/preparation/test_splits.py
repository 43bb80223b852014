import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bpcli.datasets.preparation.splits import split_rows
from bpcli.errors import DataError


def split(classes, validation, test, seed=0):
    codes = np.asarray(classes)
    return split_rows(len(codes), validation, test, codes, np.random.default_rng(seed))


@given(
    st.lists(st.integers(0, 4), min_size=10, max_size=200),
    st.floats(0.1, 0.4),
    st.floats(0.1, 0.4),
    st.integers(0, 5),
)
def test_parts_are_disjoint_whole_and_stratified(classes, validation, test, seed):
    codes = np.unique(classes, return_inverse=True)[1]
    rows = len(codes)
    assume(rows - round(validation * rows) - round(test * rows) >= 2 * len(set(classes)))
    parts = split(codes, validation, test, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(rows))
    assert [len(p) for p in parts[1:]] == [round(validation * rows), round(test * rows)]
    for part in parts:
        assert (np.diff(part) > 0).all()
    assert set(codes[parts[0]]) == set(codes.tolist())
    sizes = np.bincount(codes)
    got = np.bincount(codes[parts[1]], minlength=len(sizes))
    share = len(parts[1]) * sizes / rows
    assert (np.abs(got - share) < 1).all() or (got == sizes - 1).any()


def test_the_seed_decides():
    classes = [0, 1] * 50
    first, again, other = (split(classes, 0.2, None, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_without_parts_all_rows_train():
    train, validation, test = split_rows(5, None, None, None, np.random.default_rng(0))
    assert (train.tolist(), len(validation), len(test)) == ([0, 1, 2, 3, 4], 0, 0)


@pytest.mark.parametrize(
    ("rows", "validation", "test", "message"),
    [(3, 0.1, None, "not a single row"), (10, 0.5, 0.5, "none are left"), (10, 0.7, 0.4, "none are left")],
)
def test_a_part_without_rows_is_an_error(rows, validation, test, message):
    with pytest.raises(DataError, match=message):
        split_rows(rows, validation, test, None, np.random.default_rng(0))


def test_a_class_without_a_row_to_train_on_is_an_error():
    with pytest.raises(DataError, match=r"(?s)some of 4 classes without a row to train on: 2 of 4 rows.*loss: mse"):
        split([0, 1, 2, 3], 0.5, None)
