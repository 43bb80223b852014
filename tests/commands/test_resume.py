"""`train --resume`: after signals, kill -9 and limits, next to a second training, and the messages on it."""

import array
import fcntl
import json
import os
import random
import resource
import select
import shlex
import shutil
import signal
import subprocess
import sys
import termios

import numpy as np
import pytest

ENDLESS = ["--set", "training.epochs=8000"]


@pytest.fixture
def here(tmp_path, monkeypatch, root):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(root / "configs", "configs")
    shutil.copytree(root / "data", "data")
    return tmp_path


@pytest.fixture
def start(root, here):
    """`start(*options)` runs `bpcli train configs/digits.yaml` in a process of its own."""
    processes = []

    def start(*options, **keywords):
        command = [sys.executable, "-m", "bpcli", "train", "configs/digits.yaml", *options]
        environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen(command, env=environment, **pipes, **keywords))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def result(name):
    """Weights, history and summary of a run, without its name and times."""
    with np.load(f"runs/{name}/model.npz") as archive:
        weights = {key: archive[key].tobytes() for key in archive.files}
    with open(f"runs/{name}/history.csv") as history, open(f"runs/{name}/summary.json") as file:
        rows = [line.rpartition(",")[0] for line in history]
        return weights, rows, {k: v for k, v in json.load(file).items() if k not in ("run", "seconds")}


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_saves_and_the_words_it_tells_go_on(bpcli, start, here, number, code, twice):
    process = start(*ENDLESS, "--output", "runs/a b")
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(number)
    if twice:
        process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode in ((code, 130) if twice else (code,))  # two at once may come in either order
    assert "Traceback" not in err
    words = "bpcli train configs/digits.yaml --set training.epochs=8000 --output 'runs/a b' --resume"
    assert err.splitlines()[-1] == f"  to go on: {words}"
    saved = int(err.partition("saved after ")[2].split()[0])
    assert saved >= 2
    assert not out or saved in (int(out.splitlines()[-1].split()[0]), int(out.splitlines()[-1].split()[0]) - 1)

    for name, options in (
        ("predict", ["data/digits.csv"]),
        ("inspect", []),
        ("evaluate", []),
    ):
        told = bpcli(name, "runs/a b", *options)
        assert (told.code, told.out) == (3, "")
        assert "not finished, so there is no model yet; its state is in runs/.a b.partial\n" in told.err
        assert told.err.endswith(f"\n  to go on: {words}\n")
    again = start(*ENDLESS, "--output", "runs/a b", "--resume", "--format", "json")
    assert json.loads(again.stdout.readline())["epoch"] == saved + 1


def test_killed_again_and_again_and_gone_on_with_it_ends_with_the_same_bits(bpcli, start, here):
    options = ["--format", "json", "--set", "training.epochs=60", "--set", "training.checkpoint_seconds=0", "--output"]
    whole = start(*options, "runs/whole")
    _, errors = whole.communicate()
    assert whole.returncode == 0, errors
    rng = random.Random(7)
    for _ in range(5):
        process = start(*options, "runs/killed", "--resume")
        for _ in range(rng.randrange(1, 10)):
            assert json.loads(process.stdout.readline())["event"] == "epoch"
        process.kill()
        process.communicate()
    last = start(*options, "runs/killed", "--resume")
    _, errors = last.communicate()
    assert last.returncode == 0, errors
    assert result("killed") == result("whole")
    assert sorted(os.listdir("runs")) == ["killed", "whole"]


def test_a_second_training_into_one_folder_is_refused_while_the_first_lives(bpcli, start, here):
    first = start(*ENDLESS)
    first.stdout.readline()
    for way in ([], ["--resume"], ["--force"]):
        second = bpcli("train", "configs/digits.yaml", *way)
        assert (second.code, second.out) == (2, "")
        assert f"another process (pid {first.pid}) is writing runs/digits" in second.err
        assert "--output" in second.err
    first.kill()
    first.wait()
    assert bpcli("train", "configs/digits.yaml", "--force", "--quiet", "--set", "training.epochs=2").code == 0


def test_a_limit_on_the_size_of_files_loses_nothing(start, here):
    """The checkpoint of digits is some 10 kB and grows with the history: under a limit, saving fails on the way."""
    options = ["--set", "training.epochs=300", "--set", "training.checkpoint_seconds=0", "--quiet", "--output"]
    assert start(*options, "runs/whole").wait() == 0

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    limited = start(*options, "runs/a", preexec_fn=limit)
    _, err = limited.communicate()
    assert limited.returncode == 3
    assert "/runs/.a.partial/checkpoint.npz can't be written: File too large\n  to go on: bpcli train " in err
    assert "Traceback" not in err
    assert os.listdir("runs") in ([".a.partial", "whole"], ["whole", ".a.partial"])
    assert not [name for name in os.listdir("runs/.a.partial") if name not in (".pid", *GENERATIONS)]
    assert start(*options, "runs/a", "--resume").wait() == 0
    assert result("a") == result("whole")


GENERATIONS = ("checkpoint.npz", "checkpoint.previous.npz")


def test_resume_on_what_is_finished_and_on_nothing(bpcli, here):
    options = ["--set", "training.epochs=2", "--format", "json", "--resume"]
    first = bpcli("train", "configs/iris.yaml", *options)
    assert (first.code, len(first.lines)) == (0, 3)
    files = {name: os.stat(f"runs/iris/{name}").st_mtime_ns for name in os.listdir("runs/iris")}
    again = bpcli("train", "configs/iris.yaml", *options)
    assert again.code == 0
    assert again.lines == first.lines[2:]
    assert "nothing to do" in again.err
    assert files == {name: os.stat(f"runs/iris/{name}").st_mtime_ns for name in os.listdir("runs/iris")}
    more = bpcli("train", "configs/iris.yaml", "--set", "training.epochs=4", "--format", "csv", "--resume")
    assert more.code == 0
    assert [line.partition(",")[0] for line in more.lines] == ["epoch", "3", "4"]


def waiting_in(pipe):
    """The bytes in a pipe that nobody has read."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


def test_a_reader_that_stopped_reading_does_not_keep_a_training_from_being_stopped(start, here):
    """A signal is heard also during a write that is blocked, as nobody empties the pipe."""
    process = start(*ENDLESS, "--format", "json")
    process.stdout.readline()
    while waiting_in(process.stdout) < fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ) - select.PIPE_BUF:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert "saved after" in process.stderr.read()


def test_a_threshold_chosen_since_leaves_a_run_finished(bpcli, here):
    config, run = "configs/breast_cancer.yaml", here / "runs/cells"
    train = ("train", config, "--output", run, "--quiet", "--set", "training.epochs=5")
    assert bpcli(*train).code == 0
    assert bpcli("evaluate", run, "--threshold", "f1", "--set-threshold").code == 0
    files = {path.name: path.read_bytes() for path in run.iterdir()}
    chosen = bpcli("inspect", run, "--format", "json").json[0]["model"]["threshold"]
    assert chosen != 0.5
    for threshold in (0.5, chosen):  # as it was trained with, and as it is now
        again = bpcli(*train, "--resume", "--set", f"model.threshold={threshold}")
        assert (again.code, "is finished" in again.err) == (0, True), again.err
    other = bpcli(*train, "--resume", "--set", "model.threshold=0.3")
    assert (other.code, "model.threshold: it was" in other.err) == (2, True)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == files
    longer = bpcli(*train, "--resume", "--set", "training.epochs=6")
    assert longer.code == 0
    assert f"model.threshold {chosen} was chosen" in longer.err
    assert bpcli("inspect", run, "--format", "json").json[0]["model"]["threshold"] == 0.5


ASKING = [
    ("evaluate", "{run}"),
    ("predict", "{run}", "data/iris.csv"),
    ("inspect", "{run}"),
    ("inspect", "{run}", "--stats"),
    ("report", "{run}", "--output", "r.html"),
    ("compare", "{run}", "{run}"),
    ("export", "{run}", "--format", "sql"),
    ("backprop", "{run}", "--row", "1"),
    ("plot", "{run}", "--output", "p.svg"),
]


SETTINGS = ["--set", "training.epochs=7", "--set", "training.l2=1e-3"]
STARTED = [
    (None, [], "."),
    ("runs/other", SETTINGS, "elsewhere/below"),
    ("there", [], "."),
    ("/absolute", SETTINGS, "."),
    (None, SETTINGS, "runs"),
]


@pytest.mark.parametrize("words", ASKING, ids=lambda words: words[0])
@pytest.mark.parametrize(("output", "settings", "place"), STARTED)
def test_the_line_that_an_unfinished_run_tells_goes_on_with_it(
    bpcli, here, monkeypatch, words, output, settings, place
):
    """Also from another folder than that of the training."""

    def stopped(records, *_):
        next(records), next(records)
        raise KeyboardInterrupt

    output = output and output.replace("/absolute", str(here / "abs"))
    with monkeypatch.context() as patched:
        patched.setattr("bpcli.commands.train._print_epochs", stopped)
        typed = ["train", "configs/iris.yaml", *settings, *(["--output", output] if output else [])]
        told = bpcli(*typed)
        assert told.code == 130
        assert told.err.endswith(f"  to go on: bpcli {shlex.join([*typed, '--resume'])}\n")
    run = os.path.relpath(output or "runs/iris", place)
    os.makedirs(place, exist_ok=True)
    monkeypatch.chdir(place)
    asked = bpcli(*(word.format(run=run) for word in words))
    assert asked.code == 3
    assert f"its state is in {os.path.join(os.path.dirname(run), f'.{os.path.basename(run)}.partial')}\n" in asked.err
    line = asked.err.partition("\n  to go on: bpcli ")[2].splitlines()[0]
    again = bpcli(*shlex.split(line), "--quiet")
    assert (again.code, "going on after 2 epochs" in again.err) == (0, True), again.err
    assert bpcli("inspect", run).code == 0


def test_without_words_in_the_saved_state_the_line_has_the_folder(bpcli, here, monkeypatch):
    """Of a training from Python, or of an earlier version."""
    from bpcli.training.config.loading import load_config
    from bpcli.training.session import session

    with session(load_config("configs/iris.yaml")) as current:
        next(current.epochs())
        current.keep()
    told = bpcli("evaluate", "runs/iris")
    assert told.err.endswith("\n  bpcli train CONFIG --output runs/iris --resume goes on with it\n")
    for path in here.glob("runs/.iris.partial/*.npz"):
        path.write_bytes(b"damaged")
    assert bpcli("evaluate", "runs/iris").err == told.err
    refused = bpcli("train", "configs/iris.yaml")
    assert refused.code == 2
    assert "runs/iris: a training of it that was stopped is saved in runs/.iris.partial\n" in refused.err
