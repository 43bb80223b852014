"""A statistic of a table that processes share: what it is of the whole table, to the bit, however it is shared."""

from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.datasets.preparation import statistics
from bpcli.datasets.preparation.gaps import FILLS
from bpcli.datasets.preparation.splits import split_rows
from tests.threads import together

cuts = st.lists(st.integers(0, 60), min_size=1, max_size=4)
values = st.lists(st.sampled_from([-0.0, 0.0, 1.5, -2.25, 1e300, -1e300, 5e-324, 3.0]), min_size=1, max_size=60)


def _shares(rows, at):
    """The rows between the cuts."""
    edges = [0, *sorted(min(cut, len(rows)) for cut in at), len(rows)]
    return [rows[a:b] for a, b in pairwise(edges)]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(statistics, "ROWS", 7)


@settings(max_examples=60, deadline=None)
@given(values, cuts)
@pytest.mark.parametrize("name", FILLS)
def test_fills(name, whole, at):
    whole = np.array(whole)
    shares = _shares(whole, at)
    of_all = FILLS[name].value(whole, statistics.WHOLE)
    found = together(len(shares), lambda rank: FILLS[name].value(shares[rank.rank], rank))
    assert {np.float64(x + 0.0).tobytes() for x in found} == {np.float64(of_all + 0.0).tobytes()}


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), cuts, st.integers(0, 5))
def test_mean_and_sigma(rows, at, seed):
    whole = np.random.default_rng(seed).normal(size=rows) * 1e3
    shares = _shares(whole, at)
    found = together(len(shares), lambda rank: statistics.mean_and_sigma(shares[rank.rank], rank))
    assert {*found} == {statistics.mean_and_sigma(whole)}
    assert found[0] == pytest.approx((np.mean(whole), np.std(whole)), rel=1e-9, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 60), cuts, st.integers(0, 5), st.sampled_from([None, 1, 3]))
def test_splits(rows, at, seed, classes):
    codes = None if classes is None else np.random.default_rng(seed).integers(0, classes, rows)
    edges = [0, *sorted(min(cut, rows) for cut in at), rows]

    def of(rank=None):
        first, stop = (0, rows) if rank is None else (edges[rank.rank], edges[rank.rank + 1])
        own = None if codes is None else codes[first:stop]
        share = statistics.WHOLE if rank is None else rank
        parts = split_rows(stop - first, 0.2, 0.1, own, np.random.default_rng(seed), share)
        return [(part + first).tolist() for part in parts]

    of_shares = together(len(edges) - 1, of)
    assert [[*chain(*parts)] for parts in zip(*of_shares, strict=True)] == of()
