"""Work in one process or in several: the same results, and of several errors the first."""

import os
import signal

import pytest

from bpcli.errors import DataError
from bpcli.training.selection.processes import Crew, run_all
from tests.threads import together


class Square:
    def __call__(self, x):
        if x < 0:
            raise DataError(f"{x} is negative", "no hint")
        if x == 1000:
            os.kill(os.getpid(), signal.SIGKILL)
        return x * x


@pytest.mark.parametrize("jobs", [1, 3])
def test_each_result_comes_with_its_number(jobs):
    assert dict(run_all(Square(), [3, 1, 2, 5], jobs)) == {0: 9, 1: 1, 2: 4, 3: 25}


@pytest.mark.parametrize("jobs", [1, 2])
def test_of_errors_the_first_is_raised(jobs):
    with pytest.raises(DataError, match="-1 is negative"):
        list(run_all(Square(), [0, 2, -1, -2, 4], jobs))


def test_a_process_that_is_ended_from_outside_is_told():
    with pytest.raises(DataError, match="was ended from outside"):
        list(run_all(Square(), [1, 1000], 2))


@pytest.mark.parametrize("size", [2, 3, 7])
def test_ranks_share_the_work(size):
    def work(rank):
        crew = Crew(rank)
        if rank.rank:
            return crew.serve()
        found = [dict(run_all(Square(), tasks, crew)) for tasks in ([3, 1, 2, 5, 6], [], [4])]
        with pytest.raises(DataError, match="-1 is negative"):
            list(run_all(Square(), [0, 2, -1, -2, 4], crew))
        crew.end()
        return found

    found = together(size, work)
    assert found == [[{0: 9, 1: 1, 2: 4, 3: 25, 4: 36}, {}, {0: 16}], *[None] * (size - 1)]
