"""Rows made of others: what NumPy makes of them in memory, wherever they are."""

import numpy as np
import pytest

from bpcli.datasets import spread
from bpcli.datasets.derived_rows import Centred, chosen, mean_and_size
from bpcli.datasets.row_file import RowFile
from bpcli.datasets.share import Share
from bpcli.datasets.spread import SpreadRows
from bpcli.training.inference.separation import separation
from tests.threads import together

RNG = np.random.default_rng(3)
X = RNG.normal(size=(9000, 3)) * [1, 1e-6, 0] + [1e3, 0, 7]
WEIGHTS = RNG.integers(0, 3, len(X)).astype(float)


def in_a_file(folder):
    matrix = RowFile(folder, X.shape[1], X.dtype)
    matrix.append(X)
    return matrix


def everywhere(folder, work, monkeypatch):
    """What comes of the rows in memory, in a file, and spread over processes that have no room for all of them."""
    monkeypatch.setattr(spread, "available_memory", lambda: 1)

    def spread_out(rank):
        rows = SpreadRows(X[5000 * rank.rank : 5000 + 4000 * rank.rank], Share(rank))
        rows.open()
        return work(rows)

    return [work(X), work(in_a_file(folder)), *together(2, spread_out)]


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_mean_and_size(tmp_path, weights, monkeypatch):
    found = everywhere(tmp_path, lambda rows: [*map(bytes, mean_and_size(rows, weights))], monkeypatch)
    assert found == found[:1] * 4
    mean, size = mean_and_size(X, weights)
    np.testing.assert_allclose(mean, np.average(X, axis=0, weights=weights), 1e-13, 1e-20)
    expected = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
    np.testing.assert_allclose(size, [*expected[:2], 1.0], 1e-12)


def test_rows(tmp_path, monkeypatch):
    keep, (mean, size) = WEIGHTS > 0, mean_and_size(X, None)

    def work(rows):
        some, centred = chosen(rows, keep), Centred(rows, mean, size)
        blocks = np.concatenate([*centred.pieces(5000)])
        return some.shape, bytes(np.ascontiguousarray(some[10:6000])), bytes(centred[4000:4200]), bytes(blocks)

    expected = X[keep].shape, bytes(X[keep][10:6000]), bytes(((X - mean) / size)[4000:4200]), bytes((X - mean) / size)
    assert everywhere(tmp_path, work, monkeypatch) == [expected] * 4


def test_rows_without_weight_do_not_count_for_separation(tmp_path, monkeypatch):
    y = (X[:, 0] > 1000).astype(np.intp)
    y[WEIGHTS == 0] = 0  # which would hide it

    def work(rows):
        return separation(rows, y, 2, np.zeros(3), np.zeros(()), WEIGHTS, 1000)

    assert everywhere(tmp_path, work, monkeypatch) == [work(X)] * 4
    assert work(X).separated
