"""Rows spread over processes: read as an array is, whoever has them."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.datasets import spread
from bpcli.datasets.share import Share
from bpcli.datasets.spread import SpreadRows, gathered_rows, in_memory
from tests.threads import together


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_rows(counts, random):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spread, "ROWS", 4)
        N = sum(counts)
        whole = np.arange(N * 2, dtype=np.float32).reshape(N, 2)
        starts = np.cumsum([0, *counts])
        chosen = np.array([random.randrange(N) for _ in range(7)] if N else [], np.intp)

        def work(rank):
            share = Share(rank)
            X = SpreadRows(whole[starts[rank.rank] : starts[rank.rank + 1]], share)
            own = X.by_row(lambda x: x[:, 0])
            X.open()
            first = random.randrange(N + 1)
            out = np.empty((len(chosen), 2), np.float32)
            return (
                X.shape == whole.shape and X.dtype == whole.dtype and X.nbytes == whole.nbytes and len(X) == N,
                np.array_equal(X[first : first + 5], whole[first : first + 5]),
                np.array_equal(X.take(chosen, 0, out), whole[chosen]),
                np.array_equal(np.concatenate([*X.pieces(3), whole[:0]]), whole),
                np.array_equal(own, whole[:, 0]),
                np.array_equal(X.by_row(lambda x: x.sum(axis=1)), whole.sum(axis=1)),
                X.checksums() == [zlib.crc32(whole[k : k + 4].tobytes()) for k in range(0, N, 4)],
                np.array_equal(in_memory(X), whole),
                np.array_equal(gathered_rows(whole[: rank.rank], share)[:1], whole[: min(1, rank.size - 1)]),
            )

        assert {*together(len(counts), work)} == {(True,) * 9}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_sparse_rows(counts, random):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spread, "ROWS", 4)
        N, rng = sum(counts), np.random.default_rng(random.randrange(99))
        whole = sparse.csr_array(rng.random((N, 3)).round() * rng.random((N, 3)))
        starts = np.cumsum([0, *counts])
        chosen = np.array([random.randrange(N) for _ in range(7)] if N else [], np.intp)

        def same(found, expected):
            pairs = [(getattr(of, name) for of in (found, expected)) for name in ("data", "indices", "indptr")]
            return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)

        def work(rank):
            share = Share(rank)
            X = spread.spread(whole[starts[rank.rank] : starts[rank.rank + 1]], share)
            own = X.by_row(lambda x: x.sum(axis=1))
            X.open()
            first = random.randrange(N + 1)
            return (
                (X.shape, X.dtype, X.nnz) == (whole.shape, whole.dtype, whole.nnz),
                same(X[first : first + 5], whole[first : first + 5]),
                same(X[chosen], whole[chosen]),
                same(X[:], whole),
                np.array_equal(np.vstack([*(x.toarray() for x in X.pieces(3)), np.empty((0, 3))]), whole.toarray()),
                np.array_equal(own, whole.sum(axis=1)),
                [part.shape for part in X.arrays().values()] == [(whole.nnz,), (whole.nnz,), (N + 1,)],
                X.arrays()["data"].checksums()
                == [zlib.crc32(whole.data[k : k + 4].tobytes()) for k in range(0, whole.nnz, 4)],
                same(in_memory(X), whole),
            )

        assert {*together(len(counts), work)} == {(True,) * 9}


def test_what_has_no_room_stays_spread(monkeypatch):
    monkeypatch.setattr(spread, "available_memory", lambda: 100)

    def work(rank):
        X = SpreadRows(np.ones((3, 2)), Share(rank))
        return in_memory(X) is X

    assert together(2, work) == [True, True]
    assert in_memory(X := np.ones(2)) is X


BY_MPI = """
import numpy as np
from bpcli.datasets.share import Share
from bpcli.datasets.sparse import csr_array
from bpcli.datasets.spread import SpreadRows, SpreadSparse
from bpcli.mpi_ranks import this_job
ranks = this_job()
whole = np.arange(30_000 * 3, dtype=np.float32).reshape(-1, 3)
own = whole[: 5 if ranks.rank == 0 else 0] if ranks.rank < ranks.size - 1 else whole[5:]
X = SpreadRows(own, Share(ranks))
before = X.by_row(lambda x: x[:, 2])
X.open()
X.open()
chosen = np.random.default_rng(ranks.rank).integers(0, len(whole), 5000)
out = np.empty((5000, 3), np.float32)
sparse = csr_array(whole * (whole % 7 == 1))
S = SpreadSparse(sparse[: 5 if ranks.rank == 0 else 0] if ranks.rank < ranks.size - 1 else sparse[5:], Share(ranks))
S.open()
fine = [
    (abs(S[chosen] - sparse[chosen]).nnz, abs(S[:] - sparse).nnz) == (0, 0),
    np.array_equal(X.take(chosen, 0, out), whole[chosen]) if ranks.rank else True,  # one need not wait for another
    np.array_equal(np.concatenate([*X.pieces(7000)]), whole),
    np.array_equal(X.by_row(lambda x: x[:, 1]), whole[:, 1]),
    np.array_equal(before, whole[:, 2]),
]
every = ranks.gathered(fine)
if ranks.rank == 0:
    print(every)
"""


@pytest.mark.parametrize("ranks", [2, 3])
def test_rows_in_windows_of_mpi(ranks, run_by):
    pytest.importorskip("scipy")
    result = run_by(ranks, ["-c", BY_MPI])
    assert (result.stdout, result.stderr, result.returncode) == (f"{[[True] * 5] * ranks}\n", "", 0)
