"""A single process is a job of one rank."""

import itertools

import numpy as np
import pytest

from bpcli.mpi_ranks import this_job
from bpcli.ranks import ALONE, edges, in_runs, share


def test_one_process_is_alone_and_loads_no_mpi(monkeypatch, run_by):
    monkeypatch.delenv("PMI_SIZE", raising=False)
    assert this_job() is ALONE
    assert (ALONE.gathered(1), ALONE.from_first(2), [*share(5, ALONE)]) == ([1], 2, [0, 1, 2, 3, 4])
    assert ALONE.exchanged([np.ones(2)])[0].tolist() == [1, 1]
    assert ALONE.summed([np.ones(1)] * 3, 0) == 3
    result = run_by(1, ["-c", "import sys, bpcli.commands.train; print('mpi4py' in sys.modules)"])
    assert result.stdout == "False\n"


@pytest.mark.parametrize(("count", "size"), [(0, 1), (5, 2), (3, 7), (100, 9)])
def test_the_shares_of_all_ranks_are_the_whole(count, size):
    ends = edges(count, size)
    assert (ends[0], ends[-1], len(ends)) == (0, count, size + 1)
    assert {b - a for a, b in itertools.pairwise(ends)} <= {count // size, -(-count // size)}


def test_runs_of_rows():
    assert in_runs(np.array([7, 0, 3]), np.array([2, 0, 3])).tolist() == [7, 8, 3, 4, 5]
    assert in_runs(np.array([7, 0]), None).tolist() == [7, 0]
