import numpy as np
import pytest

from bpcli.datasets import dense as module
from bpcli.datasets.dense import Dense, MappedFile, blocks_of, is_finite, taken


@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8", "bool", ">f8"])
@pytest.mark.parametrize("mapped", [False, True])
def test_rows_and_columns_are_those_of_the_array(tmp_path, monkeypatch, dtype, mapped):
    monkeypatch.setattr(module, "_RELEASED", 100)
    monkeypatch.setattr(module, "BYTES", 100)
    X = (np.random.default_rng(0).normal(size=(40, 4)) * 10).astype(dtype)
    (tmp_path / "x").write_bytes(X.tobytes())
    whole = MappedFile(tmp_path / "x")
    positions = dict(zip("abcd", range(4), strict=True))
    dense = (
        Dense(np.frombuffer(whole.content, dtype).reshape(X.shape), positions, whole) if mapped else Dense(X, positions)
    )
    assert dense.whole == {*"abcd"}
    for names, at in (("abcd", [0, 1, 2, 3]), ("bc", [1, 2]), ("da", [3, 0])):
        for rows in (slice(3, 11), np.array([7, 0, 7])):
            found = dense.rows([*names], rows)
            assert found.dtype == np.float64
            assert np.array_equal(found, X[rows][:, at].astype(float))
    assert (dense.column("c") is None) != mapped
    if mapped:
        for together in (1, 8 * 40 * 2, 1 << 20):  # a column in one pass, two, or all
            monkeypatch.setattr(module, "_TOGETHER", together)
            for name in "cdabca":
                assert np.array_equal(dense.column(name), X[:, positions[name]].astype(float))


@pytest.mark.parametrize("order", ["C", "F"])
def test_gaps_and_infinities_are_found_by_column(order):
    X = np.ones((5000, 5), order=order)
    X[4000, 1], X[0, 2], X[4999, 4], X[7, 4] = np.nan, -np.inf, np.inf, np.nan
    dense = Dense(X, dict(zip("abcde", range(5), strict=True)))
    assert (dense.whole, dense.infinite) == ({"a", "d"}, {"c", "e"})


def test_finite_numbers_whose_sum_is_not():
    assert is_finite(np.full((3, 3), 1e308))
    assert not is_finite(np.array([1.0, np.inf]))
    assert not is_finite(np.array([np.inf, -np.inf]))


def test_all_rows_are_slices_and_some_are_numbers():
    rows = np.arange(5)
    assert [*blocks_of(rows, 5, 2)] == [slice(0, 2), slice(2, 4), slice(4, 6)]
    assert [b.tolist() for b in blocks_of(rows[1:], 5, 3)] == [[1, 2, 3], [4]]
    assert taken(rows, rows) is rows
    assert taken(rows, np.array([4, 1])).tolist() == [4, 1]
