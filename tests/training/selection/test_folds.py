"""Folds: balanced by hand-countable rules, and their errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.datasets.reading import Files, read_files
from bpcli.errors import DataError, UsageError
from bpcli.training.config.loading import config_from_mapping
from bpcli.training.selection.folds import HELD_OUT, fold_numbers, folds_of


@given(classes=st.lists(st.integers(0, 3), min_size=2, max_size=60), folds=st.integers(2, 9), seed=st.integers(0, 99))
def test_folds_and_the_shares_of_each_class_differ_by_at_most_a_row(classes, folds, seed):
    codes = np.array(classes)
    found = fold_numbers(len(codes), folds, codes, np.random.default_rng(seed))
    for rows in (found, *(found[codes == code] for code in set(classes))):
        sizes = np.bincount(rows, minlength=folds)
        assert len(sizes) == folds
        assert sizes.max() - sizes.min() <= 1


def table_of(path, labels, gap=None):
    lines = [f"{'' if k == gap else k},{label}" for k, label in enumerate(labels)]
    path.write_text("\n".join(["x,t", *lines]) + "\n")
    return read_files(Files((path,)))


def config_of(path, loss="bce", data=None, **training):
    return config_from_mapping(
        {
            "model": {"type": "neuron", "activation": "sigmoid" if loss == "bce" else "identity"},
            "loss": loss,
            "training": {"learning_rate": 0.1, **training},
            "data": {"path": str(path), "target": "t", **(data or {})},
        }
    )


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "d.csv"
    return path, table_of(path, "aabab" * 6)


def as_lists(folds):
    return [{name: part.tolist() for name, part in fold.items()} for fold in folds]


def test_they_are_of_all_rows_but_test_whatever_validation_is(data):
    path, table = data
    plain = folds_of(config_of(path), table, 5, 0)
    assert sorted(np.concatenate([fold[HELD_OUT] for fold in plain]).tolist()) == list(range(30))
    for fold in plain:
        assert sorted([*fold["train"].tolist(), *fold[HELD_OUT].tolist()]) == list(range(30))
    assert as_lists(folds_of(config_of(path, data={"validation": 0.2}), table, 5, 0)) == as_lists(plain)
    without = np.concatenate([f[HELD_OUT] for f in folds_of(config_of(path, data={"test": 0.2}), table, 3, 0)])
    assert len(without) == len(set(without.tolist())) == 24


def test_they_depend_on_the_seed_and_the_repeat_and_not_on_the_model(data):
    path, table = data
    plain = as_lists(folds_of(config_of(path), table, 3, 0))
    assert plain == as_lists(folds_of(config_of(path, learning_rate=3, l2=1.0, batch_size="full"), table, 3, 0))
    assert plain != as_lists(folds_of(config_of(path, seed=1), table, 3, 0))
    assert plain != as_lists(folds_of(config_of(path), table, 3, 1))


@pytest.mark.parametrize(("data_keys", "share"), [({"validation": 0.25}, 0.25), ({"validation": "v.csv"}, 0.2)])
def test_what_stops_early_is_a_share_of_a_folds_training_rows(data, tmp_path, monkeypatch, data_keys, share):
    path, table = data
    monkeypatch.chdir(tmp_path)
    table_of(tmp_path / "v.csv", "ab")
    config = config_of(path, data=data_keys, early_stopping={"patience": 2})
    for fold in folds_of(config, table, 3, 0):
        assert len(fold["validation"]) == round(share * 20)
        assert sorted(np.concatenate([*fold.values()]).tolist()) == list(range(30))


def test_rows_that_are_dropped_are_in_no_fold(tmp_path):
    path = tmp_path / "d.csv"
    table = table_of(path, "abababab", gap=3)
    found = folds_of(config_of(path, data={"missing": "drop"}), table, 2, 0)
    assert sorted(np.concatenate([fold[HELD_OUT] for fold in found]).tolist()) == [0, 1, 2, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("labels", "folds", "loss", "error", "text"),
    [
        ("abab", 1, "bce", UsageError, "folds is 1: expected 2 or more"),
        ("abab", -3, "bce", UsageError, "folds is -3"),
        ("abab", 5, "bce", UsageError, "folds is 5, more than the 4 rows there are"),
        ("1234", 5, "mse", UsageError, "more than the 4 rows"),
        ("aaaabb", 3, "bce", DataError, "class b of t has 2 rows, too few to be in each of 3 parts\n  folds 2"),
        ("aaaab", 2, "bce", DataError, "class b of t has 1 row, too few"),
        ("aaaaa", 2, "bce", DataError, "every training row is a"),
        ("abcab", 2, "bce", DataError, "3 classes"),
    ],
)
def test_what_goes_wrong(tmp_path, labels, folds, loss, error, text):
    path = tmp_path / "d.csv"
    table = table_of(path, labels)
    with pytest.raises(error, match="(?s)" + text):
        folds_of(config_of(path, loss), table, folds, 0)


def test_a_regression_is_not_stratified(tmp_path):
    path = tmp_path / "d.csv"
    table = table_of(path, "11112222")
    assert len(folds_of(config_of(path, "mse"), table, 8, 0)) == 8
