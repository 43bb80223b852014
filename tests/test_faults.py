"""Each call that writes, failing in each way, or the last of a process that is killed: what stood there is whole, and
the same work done again succeeds and leaves nothing behind."""

import contextlib
import errno
import gc
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bpcli import files
from bpcli.api.decision import save_threshold
from bpcli.datasets import stored as copies
from bpcli.datasets.reading import Files
from bpcli.datasets.stored import stored
from bpcli.errors import BpcliError, DataError, UsageError
from bpcli.files import write_atomically
from bpcli.training.config.loading import config_from_mapping
from bpcli.training.run import load_model, load_summary
from bpcli.training.selection.saved import SavedOutcomes
from bpcli.training.selection.trials import Outcome
from bpcli.training.session import session

# What is open when a process is killed is closed, without a word.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

WAYS = [errno.ENOSPC, errno.EIO, errno.EPERM, errno.EACCES, errno.EROFS, errno.EXDEV, errno.EMFILE, errno.EDQUOT]
CALLS = [
    (os, "fsync"),
    (os, "replace"),
    (os, "rename"),
    (os, "link"),
    (os, "mkdir"),
    (os, "unlink"),
    (os, "open"),
    (Path, "open"),
    (files, "rename_with"),
]


class Killed(BaseException):
    """The process ends here."""


class Faults:
    """Counts the calls, and lets the one with the number `at` fail: with an error number, or killed before or after."""

    def __init__(self, monkeypatch):
        self.at, self.how, self.count = -1, None, 0
        for owner, name in CALLS:
            monkeypatch.setattr(owner, name, self.counted(getattr(owner, name)))

    def counted(self, real):
        def call(*given, **options):
            self.count += 1
            if self.count - 1 != self.at:
                return real(*given, **options)
            if isinstance(self.how, int):
                raise OSError(self.how, os.strerror(self.how))
            if self.how == "after":
                real(*given, **options)
            raise Killed

        return call

    def during(self, work, at=-1, how=None):
        """What came of the work: None, or the error."""
        self.at, self.how, self.count = at, how, 0
        try:
            work()
        except (BpcliError, Killed) as error:
            return error.with_traceback(None)
        finally:
            self.at = -1
            if not isinstance(how, int):
                gc.collect(0)
        return None


@pytest.fixture
def faults(monkeypatch):
    return Faults(monkeypatch)


def leftovers(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("stands", [False, True])
@pytest.mark.parametrize("how", [*WAYS, "before", "after"], ids=lambda how: errno.errorcode.get(how, how))
def test_a_file_is_the_old_or_the_new_one(faults, tmp_path, how, stands):
    path = tmp_path / "new" / "a.txt"

    def write(content=b"new"):
        write_atomically(path, lambda file: file.write(content), force=stands)

    def prepare():
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if stands:
            path.write_bytes(b"old")

    prepare()
    assert faults.during(write) is None
    for at in range(faults.count):
        prepare()
        error = faults.during(write, at, how)
        assert error is None or isinstance(error, DataError if isinstance(how, int) else Killed), (at, error)
        found = path.read_bytes() if path.exists() else b"" if not stands else None
        assert found in ((b"old",) if stands else (b"",)) or found == b"new", at
        assert error is not None or found == b"new", at
        assert not isinstance(error, DataError) or found == (b"old" if stands else b""), at
        if not stands:
            path.unlink(missing_ok=True)
        assert faults.during(write) is None
        assert path.read_bytes() == b"new"
        assert not leftovers(path.parent), at


@pytest.fixture
def trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "\n".join(f"{k % 7},{k * k % 5},{['no', 'yes'][k % 7 > 3]}" for k in range(30))
    (tmp_path / "t.csv").write_text(f"a,b,y\n{rows}\n")
    settled = config_from_mapping(
        {
            "model": {"type": "softmax"},
            "loss": "cce",
            "training": {"learning_rate": 0.1, "epochs": 2, "checkpoint_seconds": 0},
            "data": {"path": "t.csv", "target": "y"},
            "output": "runs/run",
        }
    )

    def train(rate=0.1, **options):
        config = replace(settled, training=replace(settled.training, learning_rate=rate))
        with session(config, **options) as current:
            for _ in current.epochs():
                pass
            current.finish()

    return train


def whole(folder):
    """The weights of a run, whose files are of one training."""
    load_summary(folder)
    return load_model(folder).w.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("how", [errno.ENOSPC, errno.EPERM, errno.EXDEV, errno.EMFILE, "before", "after"])
def test_a_run_is_the_old_or_the_new_one(faults, trained, tmp_path, how):
    run = tmp_path / "runs" / "run"
    trained(rate=0.2)
    new = whole(run)
    trained(force=True)
    old = whole(run)
    shutil.copytree(run, tmp_path / "old")
    assert faults.during(lambda: trained(rate=0.2, force=True)) is None
    count = faults.count
    for at in range(count):
        shutil.rmtree(run)
        shutil.copytree(tmp_path / "old", run)
        error = faults.during(lambda: trained(rate=0.2, force=True), at, how)
        assert error is None or isinstance(error, DataError | UsageError | Killed), (at, error)
        found = whole(run)
        assert found in (old, new), at
        assert error is not None or found == new, at
        trained(rate=0.2, force=True)
        assert whole(run) == new
        assert not leftovers(run.parent), at


@pytest.mark.slow
@pytest.mark.parametrize("how", ["before", "after", errno.ENOSPC])
def test_what_was_stopped_anywhere_goes_on_to_the_same_bits(faults, trained, tmp_path, how):
    run = tmp_path / "runs" / "run"
    assert faults.during(trained) is None
    expected, count = whole(run), faults.count
    for at in range(count):
        for path in (tmp_path / "runs").rglob("*"):
            if path.is_file():
                path.unlink()
        (run).rmdir() if run.is_dir() else None
        faults.during(trained, at, how)
        trained(resume=True)
        assert whole(run) == expected, at
        assert not leftovers(run.parent), at


def outcomes(folder):
    """What a sweep saves on the way, and its results."""
    saved = SavedOutcomes(folder / "sweep", {"folds": 2})
    with saved.held():
        unfinished = saved.unfinished(0, 0.0)
        unfinished.keep({0: {"epochs": 1}}, {})
        saved.write(0, [OUTCOME])
        unfinished.remove()
        saved.write_results("results")


def has_outcomes(folder):
    saved = SavedOutcomes(folder / "sweep", {"folds": 2})
    with saved.held():
        assert saved.unfinished(0, 0.0).begin()[0] in ({}, {0: {"epochs": 1}})
        return saved.read(0, 1) == [OUTCOME] and (folder / "sweep" / "results.csv").read_text() == "results"


def copy(folder):
    """The copy of a table for a training that is larger than memory."""
    stored(Files((folder / "t.csv",)), ["y"], folder / ".cache").numeric("a")


def has_copy(folder):
    expected = [float(k % 7) for k in range(30)]
    return stored(Files((folder / "t.csv",)), ["y"], folder / ".cache").numeric("a").tolist() == expected


def threshold(folder):
    """A threshold that is written into a run."""
    run = folder / "runs" / "run"
    save_threshold(run, load_model(run), 0.25)


def has_threshold(folder):
    whole(folder / "runs" / "run")
    return load_model(folder / "runs" / "run").threshold == 0.25


OUTCOME = Outcome(3, {"loss": 0.1}, ["a note"])
WRITERS = [(outcomes, has_outcomes), (copy, has_copy), (threshold, has_threshold)]


@pytest.mark.slow
@pytest.mark.parametrize("how", [errno.EMFILE, "after"])  # killed after a call is killed before the next
@pytest.mark.parametrize(("write", "is_there"), WRITERS, ids=lambda value: value.__name__)
def test_what_is_written_on_the_way_is_whole_or_not_there(faults, trained, tmp_path, monkeypatch, write, is_there, how):
    monkeypatch.setattr(copies, "_is_left", lambda partial: True)  # this process, which is not killed, has left it
    trained()
    here, before = tmp_path / "here", tmp_path / "before"
    shutil.copytree(tmp_path / "runs", before / "runs")
    shutil.copy(tmp_path / "t.csv", before)
    shutil.copytree(before, here)
    assert faults.during(lambda: write(here)) is None
    for at in range(faults.count):
        shutil.rmtree(here)
        shutil.copytree(before, here)
        error = faults.during(lambda: write(here), at, how)
        assert error is None or isinstance(error, DataError if isinstance(how, int) else Killed), (at, error)
        with contextlib.suppress(FileNotFoundError):
            assert is_there(here) or error is not None, at
        write(here)
        assert is_there(here), at
        assert not [path.name for path in here.rglob(".*") if "artial" in path.name], at


WRITING = [
    "export RUN --format json --output F",
    "plot RUN --output F.svg",
    "plot x**2 --output F.png",
    "report RUN --output F.html",
    "backprop RUN --row 1 --output F.svg",
    "exercise gradient --output F",
    "exercise gradient --output other --key F",
    "predict RUN t.csv --output F.csv",
    "predict RUN t.csv --output F.npy",
    "predict RUN t.csv --output F.parquet",
    "predict RUN t.csv --output F.json",
    "backprop RUN --row 1 --output F.dot",
    "grad x**2 --points points.csv --output F.npy",
    "init --data t.csv --output F",
]
"""Commands that write a file."""


@pytest.mark.parametrize("command", WRITING)
def test_a_command_that_cannot_write_says_so_and_leaves_what_stood_there(
    bpcli, trained, tmp_path, monkeypatch, command
):
    trained()
    (tmp_path / "points.csv").write_text("x\n1\n")
    words = command.replace("RUN", "runs/run").split()
    path = tmp_path / next(word for word in words if word.startswith("F"))
    path.write_bytes(b"old")
    for owner, name in ((os, "fsync"), (os, "replace")):
        with monkeypatch.context() as fault:
            fault.setattr(owner, name, lambda *given, **options: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
            found = bpcli(*words, "--force")
        assert found.code == 3, found.err
        assert "can't be written: full" in found.err
        assert path.read_bytes() == b"old"
        assert not leftovers(tmp_path)
    assert bpcli(*words, "--force").code == 0
    assert path.read_bytes() != b"old"
