"""A training by several processes, one of which fails, hangs or is stopped at its third evaluation."""

import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
import pytest
from click import Context

from bpcli.commands import cli
from bpcli.commands.collective import SeveralRanksError, collective
from bpcli.errors import DataError, Failure
from bpcli.ranks import ALONE

PROGRAM = """
import os, sys, time
from bpcli.training.trainer import Training

looks, look = [], Training.validated

def happens(self):
    looks.append(1)
    if len(looks) == 3 and os.environ.get("PMI_RANK", "0") == "{rank}":
        {what}
    elif len(looks) == 3 and "--timeout" in sys.argv:
        self.ranks._timeout = 1  # only now, so that no rank is late before, on a busy machine
    return look(self)

Training.validated = happens
from bpcli.__main__ import main
main()
"""
AT_START = """
import os, time
from mpi4py import MPI  # which waits for the others
if os.environ["PMI_RANK"] == "{rank}":
    {what}
from bpcli.__main__ import main
main()
"""
IN_PREPARATION = """
import os
from bpcli.datasets.spread import SpreadRows

prepare = SpreadRows.__init__

def happens(*given):
    if os.environ.get("PMI_RANK") == "{rank}":
        {what}
    prepare(*given)

SpreadRows.__init__ = happens
from bpcli.__main__ import main
main()
"""
HEAD = "bpcli: error: rank {} of 2 on "


@pytest.fixture
def train(tmp_path, run_by):
    """A training by several processes, on one of which some code is run."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 5))
    y = X @ [1, -2, 0.5, 0, 1] + rng.normal(size=len(X)) > 0
    np.savetxt(tmp_path / "rows.csv", np.c_[X, y], "%.6g", ",", header="a,b,c,d,e,y", comments="")
    (tmp_path / "c.yaml").write_text(
        "model: {type: neuron, activation: sigmoid}\nloss: bce\n"
        "training: {learning_rate: 0.5, batch_size: 8192, epochs: 5}\n"
        "data: {path: rows.csv, target: y, validation: 0.1}\n"
    )

    def run(ranks, rank, what, *options, program=PROGRAM):
        code = program.format(rank=rank, what=what)
        return run_by(ranks, ["-c", code, "train", "c.yaml", "--output", "run", "--quiet", *options], tmp_path)

    run.folder, run.mpiexec = tmp_path, run_by.mpiexec
    return run


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("raise ValueError('boom')", 70, "internal error: ValueError: boom"),
        ("from bpcli.errors import DataError; raise DataError('a bad row')", 3, "a bad row"),
        ("sys.exit(5)", 5, "left with exit code 5"),
        ("sys.exit(0)", 1, "left with exit code 0"),
    ],
)
def test_an_error_of_a_rank_is_told_with_its_name_and_ends_all(train, rank, what, code, said):
    result = train(2, rank, what)
    assert result.returncode == code
    assert result.stderr.startswith(HEAD.format(rank))
    assert f": {said}\n" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("rank", [0, 1])
def test_an_error_of_a_rank_that_prepares_rows_ends_all(train, rank):
    result = train(2, rank, "raise ValueError('boom')", program=IN_PREPARATION)
    assert result.returncode == 70
    assert result.stderr.startswith(HEAD.format(rank))
    assert ": internal error: ValueError: boom\n" in result.stderr


@pytest.mark.parametrize("what", ["os._exit(5)", "os.kill(os.getpid(), 9)"])
def test_a_rank_that_is_gone_ends_all(train, what):
    assert train(2, 1, what).returncode in (5, 9)
    assert not (train.folder / "run").exists()


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_hangs_is_named(train, rank):
    result = train(2, rank, "time.sleep(1000)", "--timeout", "500")
    assert result.returncode == 3
    assert HEAD.format(rank) in result.stderr
    assert "is late by more than 1 s" in result.stderr


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_does_not_come_at_all_is_named(train, rank):
    result = train(2, rank, "time.sleep(1000)", "--timeout", "1", program=AT_START)
    assert result.returncode == 3
    assert f"bpcli: error: rank {rank} of 2 is late by more than 1 s" in result.stderr


@pytest.mark.parametrize(("number", "code"), [(15, 143), (2, 130), (1, 129)])
@pytest.mark.parametrize("rank", [0, 1])
def test_a_signal_to_one_rank_saves_and_stops_all_and_another_number_of_ranks_goes_on(train, rank, number, code):
    result = train(2, rank, f"os.kill(os.getpid(), {number})")
    assert (result.returncode, result.stdout) == (code, "")
    assert result.stderr.startswith(
        "bpcli: note: stopped; saved after 3 epochs\n"
        "  to go on: mpiexec -n 2 bpcli train c.yaml --output run --resume\n"
    )
    again = train(1, 0, "pass", "--resume")
    assert (again.returncode, again.stderr) == (0, "bpcli: note: going on after 3 epochs\n")


def test_an_error_that_all_have_is_told_once(train):
    result = train(2, 0, "pass", "--set", "training.batch_size=32")
    assert result.returncode == 2
    assert result.stderr.count("batches of 32 rows are too small for 2 processes") == 1
    assert result.stderr.startswith("bpcli: error: --set training.batch_size=32: ")


ON_ONE = """
import os, sys
if os.environ["PMI_RANK"] == "1":
    {what}
from bpcli.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("sys.argv.append('--no-such')", "rank 1 of 2 on vm: there is no option --no-such"),
        ("sys.argv.append('--timeout=5')", "some have another timeout"),
        ("sys.argv[-1] = 'training.epochs=2'", "rank 1 of 2 on vm: training.epochs: 2, and rank 0 has 5"),
    ],
)
def test_what_one_rank_was_started_with_alone_is_told(train, what, said):
    result = train(2, 1, what, "--set", "training.epochs=5", program=ON_ONE)
    assert result.returncode == 2
    assert said.replace("vm", socket.gethostname()) in result.stderr
    assert "late" not in result.stderr


def test_a_mistake_on_the_line_of_all_is_told_once(train):
    result = train(2, 1, "pass", "--no-such", program=ON_ONE)
    assert (result.returncode, result.stderr.count("there is no option --no-such")) == (2, 1)
    assert "rank" not in result.stderr


def test_ranks_that_read_another_model_or_file_are_told(train, run_by):
    folder = train.folder
    assert train(1, 0, "pass", program=PROGRAM).returncode == 0
    other = folder / "other"
    shutil.copytree(folder / "run", other / "run")
    shutil.copy(folder / "rows.csv", other)
    where = ON_ONE.replace("{what}", f"os.chdir({str(other)!r})")
    commands = (["predict", "run", "rows.csv"], ["evaluate", "run", "rows.csv", "--format", "json"])
    outputs = [run_by(2, ["-c", where, *words], folder).stdout for words in commands]
    assert outputs == [run_by(1, ["-c", where, *words], folder, PMI_RANK="0").stdout for words in commands]
    content = (folder / "rows.csv").read_text()
    (other / "rows.csv").write_text(content.replace("0", "1", 1))
    for words in commands:
        result = run_by(2, ["-c", where, *words], folder)
        assert (result.returncode, result.stdout) == (3, "")
        assert "rows.csv is another one" in result.stderr
    shutil.copy(folder / "rows.csv", other)
    model = other / "run" / "model.npz"
    model.write_bytes(model.read_bytes() + b"\0")
    for words in commands:
        assert "model.npz is another one" in run_by(2, ["-c", where, *words], folder).stderr


def test_a_signal_ends_a_process_that_waits_for_others_in_the_start_of_mpi(train, tmp_path):
    if train.mpiexec is None or find_spec("mpi4py") is None:
        pytest.skip("needs mpi4py and mpiexec, of the extra mpi")
    code = ON_ONE.format(what="raise SystemExit(0)")
    words = [train.mpiexec, "-n", "2", sys.executable, "-c", code, "train", "c.yaml"]
    started = subprocess.Popen(words, cwd=train.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(3)
    assert started.poll() is None
    started.terminate()
    assert started.wait(20) != 0


def test_an_error_names_each_rank_and_has_the_worst_code():
    found = SeveralRanksError([Failure("rank 0", 3, "x"), Failure("rank 1", 2, "y"), Failure("rank 2", 3, "x")], "so")
    assert (str(found), found.exit_code) == ("rank 0, rank 2: x\nrank 1: y\n  so", 2)
    assert str(SeveralRanksError([Failure("rank 1", 143, "")])) == "rank 1: stopped by a signal"


def test_one_process_fails_as_ever():
    with Context(cli), pytest.raises(DataError, match="as it is"), collective(ALONE):
        raise DataError("as it is")
