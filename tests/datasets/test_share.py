"""A share of a table: a process that fails in its part is heard of by all, wherever they are."""

import pytest

from bpcli.datasets.share import WHOLE, NotSharedError, Share, in_all_processes, in_any_process, total
from bpcli.errors import DataError
from tests.threads import together


@pytest.mark.parametrize("fails", [(), (0,), (2,), (0, 1, 2)])
@pytest.mark.parametrize("error", [DataError("a mistake"), MemoryError(), KeyError("x")])
def test_a_failure_is_heard_by_all(fails, error):
    def work(rank):
        share = Share(rank)

        def part():
            count = total(share, rank.rank)
            if rank.rank in fails:
                raise error
            return count + total(share, 1)

        try:
            return share.done(part, KeyError), share.gathered("on")
        except NotSharedError:
            return None

    assert together(3, work) == [None if fails else (6, ["on"] * 3)] * 3


def test_what_is_merged():
    found = together(3, lambda rank: (in_any_process(rank, rank.rank == 1), in_all_processes(rank, rank.rank < 2)))
    assert found == [(True, False)] * 3
    assert (total(WHOLE, 5), in_any_process(WHOLE, []), in_all_processes(WHOLE, [0])) == (5, False, True)
