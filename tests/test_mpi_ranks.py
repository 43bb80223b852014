import itertools
import sys
import zlib

import numpy as np
import pytest

from bpcli import sums
from bpcli.errors import MissingExtraError, UsageError
from bpcli.mpi_ranks import this_job

HEAD = """
import pathlib, sys, time, zlib
import numpy as np
from bpcli import sums
from bpcli.errors import LateError, RankError
from bpcli.mpi_ranks import this_job
from bpcli.ranks import share
ranks = this_job(float(sys.argv[1]) if len(sys.argv) > 1 else None)
"""


def printed(run_by, ranks, program, folder=None):
    """The lines that one process prints, sorted (those of several may run into each other); each must end well."""
    result = run_by(ranks, ["-c", HEAD + program], folder)
    assert (result.stderr, result.returncode) == ("", 0)
    return sorted(result.stdout.splitlines())


def parts(count, size=7):
    rng = np.random.default_rng(1)
    return [rng.normal(size=size) * 10.0 ** rng.integers(-8, 8) for _ in range(count)]


SIZES = ((1, 7), (2, 7), (6, 7), (37, 7), (3, 20_000))  # of the last, the ranks' sums are too many for a message
SUM = f"""
for count, size in {SIZES}:
    rng = np.random.default_rng(1)
    parts = [rng.normal(size=size) * 10.0 ** rng.integers(-8, 8) for _ in range(count)]
    mine = share(count, ranks)
    found = ranks.gathered(ranks.summed((parts[k] for k in mine), mine.start).tobytes())
    if ranks.rank == 0:
        print(count, *{{zlib.crc32(total) for total in found}})
"""


@pytest.mark.parametrize("ranks", [2, 3])
def test_a_sum_has_the_same_bits_for_every_number_of_ranks(ranks, run_by):
    expected = sorted(f"{count} {zlib.crc32(sums.summed(parts(count, size)).tobytes())}" for count, size in SIZES)
    assert printed(run_by, ranks, SUM) == expected


def test_a_sum_of_some_ranks_may_have_uneven_shares():
    found = parts(23)
    for ends in [(0, 23), (0, 1, 23), (0, 0, 9, 9, 23), (0, 4, 8, 22, 23)]:
        by_rank = [sums.nodes(found[a:b], a) for a, b in itertools.pairwise(ends)]
        total = sums.sum_of(sums.joined(node for nodes in by_rank for node in nodes))
        assert total.tobytes() == sums.summed(found).tobytes()


MESSAGES = """
found = [ranks.gathered(ranks.rank * 10), ranks.from_first(ranks.rank + 5)]
came = ranks.exchanged([np.full((ranks.rank + k, 2), 10 * ranks.rank + k, np.float32) for k in range(ranks.size)])
found.append([part.tolist() for part in came] == [[[10 * k + ranks.rank] * 2] * (k + ranks.rank) for k in range(2)])
found.append([part.shape for part in ranks.exchanged([np.empty((0, 3))] * ranks.size)])
if ranks.rank == 0:
    print(ranks.gathered(found))
else:
    ranks.gathered(found)
"""


def test_ranks_exchange_values_and_rows(run_by):
    assert printed(run_by, 2, MESSAGES) == [str([[[0, 10], 5, True, [(0, 3), (0, 3)]]] * 2)]


FAILS = """
try:
    found = ranks.failed(3, "is bad") if ranks.rank == 1 else ranks.gathered(1)
except RankError as error:
    found = error.failures
pathlib.Path(f"rank-{ranks.rank}").write_text(str(found))
"""


def test_every_rank_learns_that_one_has_failed(run_by, tmp_path):
    printed(run_by, 3, FAILS, folder=tmp_path)
    found = [(tmp_path / f"rank-{rank}").read_text() for rank in range(3)]
    assert len({*found}) == 1
    assert found[0].startswith("[Failure(rank='rank 1 of 3 on ")
    assert found[0].endswith("code=3, text='is bad')]")


TURNS = """
from bpcli.ranks import in_turn
ended = in_turn(ranks, lambda: (time.sleep(0.05 * (ranks.size - ranks.rank)), time.monotonic())[1])
ends = ranks.gathered(ended)
if ranks.rank == 0:
    print(ends == sorted(ends))
"""


def test_ranks_work_one_after_another(run_by):
    assert printed(run_by, 2, TURNS) == ["True"]


BY_FIRST = """
from bpcli.errors import DataError
from bpcli.ranks import by_first

def work():
    assert ranks.rank == 0
    return 7

def fails():
    assert ranks.rank == 0
    raise DataError("a bad row", ways={"force": "it"})

found = by_first(ranks, work)
try:
    by_first(ranks, fails)
except DataError as error:
    found = ranks.gathered((found, str(error), error.ways))
    if ranks.rank == 0:
        print(found)
"""


def test_what_the_first_does_all_have_and_its_error_too(run_by):
    assert printed(run_by, 2, BY_FIRST) == [str([(7, "a bad row\n  force it", {"force": "it"})] * 2)]


WORKERS = """
import math, os
found = []
for part in range(3):  # one pool after another
    with ranks.workers() as pool:
        if ranks.rank == 0:
            found += [future.result() for future in [pool.submit(math.factorial, k) for k in range(part, part + 3)]]
            found.append(pool.submit(os.getpid).result() != os.getpid())
    ranks.gathered(part)
if ranks.rank == 0:
    print(found)
"""


@pytest.mark.parametrize("ranks", [2, 3])
def test_the_other_ranks_are_the_workers_of_the_first(ranks, run_by):
    head = HEAD.replace("else None)", "else None, threads=True)")
    result = run_by(ranks, ["-c", head + WORKERS])
    assert (result.stderr, result.returncode) == ("", 0)
    assert result.stdout == f"{[1, 1, 2, True, 1, 2, 6, True, 2, 6, 24, True]}\n"


LATE = """
from bpcli.commands.output import wait_for_readers
ranks.gathered(0)
if ranks.rank == {late}:
    time.sleep(1000)
else:
    ranks._timeout = 1  # of the start, which takes long on a busy machine, none is late
    try:
        ranks.gathered(1)
    except LateError as error:
        print(error)
        wait_for_readers()
        ranks.abort(3)
"""


@pytest.mark.parametrize("late", [0, 1])
def test_a_rank_that_is_late_is_named(late, run_by):
    result = run_by(2, ["-c", HEAD + LATE.format(late=late), "500"])
    assert result.returncode == 3
    assert f"rank {late} of 2 on " in result.stdout
    assert "is late by more than 1 s" in result.stdout


def test_several_processes_need_the_extra(monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(MissingExtraError, match="2 processes needs mpi4py") as error:
        this_job()
    assert error.value.hint == "pip install 'bpcli[mpi]'"


def test_processes_that_mpi_does_not_see_are_refused(run_by):
    pytest.importorskip("mpi4py")
    result = run_by(1, ["-c", HEAD], SLURM_STEP_NUM_TASKS="2")
    assert UsageError.__name__ in result.stderr
    assert "2 processes were started, and MPI sees 1" in result.stderr
