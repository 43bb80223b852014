"""Commands of a job of several processes print and write the bytes of one process, once."""

import numpy as np
import pytest

RUN = "from bpcli.__main__ import main; main()"
HAPPENS = """
import os, time
from bpcli.training.selection.trials import Bench

train, begun = Bench.__call__, []

def happens(bench, work):
    begun.append(work)
    time.sleep(0.2)  # so that every rank gets a training
    if os.environ["PMI_RANK"] == "{rank}" and len(begun) == {count}:
        {what}
    return train(bench, work)

Bench.__call__ = happens
"""
CONFIG = """data: {path: rows.csv, target: y, categorical: [color], missing: median, standardize: true, validation: 0.2}
model: {type: softmax}
loss: cce
training: {epochs: 20, learning_rate: 0.3}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, run_by):
    """Some data, and a run that was trained on it."""
    rng = np.random.default_rng(5)
    lines = ["a,b,color,y"]
    for k in range(90):
        x, color = rng.normal(size=2), ["red", "green", '"b, c"'][k % 3]
        b, y = "" if k % 17 == 1 else f"{x[1]:.4f}", "one" if x[0] + 0.3 * (k % 3) > 0.3 else "two"
        lines.append(f"{x[0]:.4f},{b},{color},{y}")
    folder = tmp_path_factory.mktemp("job")
    tables = {
        "rows": lines,
        "others": [lines[0], *lines[3:7], "1,2,blue,one", "1,2,red,one"],
        "x": [line.rpartition(",")[0] for line in lines],
        "y": [line.rpartition(",")[2] for line in lines],
        "wrong": [*lines[:80], "1,two,red,one"],
    }
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_text("".join(f"{row}\n" for row in rows))
    (folder / "config.yaml").write_text(CONFIG)
    ended = run_by(1, ["-c", RUN, "train", "config.yaml", "--output", "run", "--quiet"], folder)
    assert ended.returncode == 0, ended.stderr
    return folder


COMMANDS = [
    "evaluate run rows.csv",
    "evaluate run --format json",
    "evaluate run x.csv --target y.csv --format json",
    "evaluate run others.csv --thresholds",
    "evaluate run rows.csv --fail-under accuracy=1",
    "evaluate run wrong.csv",
    "evaluate run --no-such-option",
    "predict run rows.csv others.csv",
    "predict run others.csv --format text --explain",
    "predict run rows.csv --keep color,y --format json",
    "predict run rows.csv --output FOLDER/found.json --explain",
    "predict run rows.csv others.csv --output FOLDER/found.npy",
    "cv config.yaml --folds 4 --format json",
    "cv config.yaml --folds 99",
    "sweep config.yaml --try training.l2=0,0.1,1 --try training.l1=0,0.01 --output FOLDER/sweep --format csv",
    "sweep config.yaml --try training.l3=0,0.1 --output FOLDER/sweep",
    "grad x**2 --at 3",
    "grad x**",
    "predict --help",
    "nonsense",
]


@pytest.mark.parametrize("words", COMMANDS)
def test_the_same_bytes_once(folder, tmp_path, run_by, words):
    found = []
    for ranks in (1, 3):
        into = tmp_path / "of" / str(ranks)
        into.mkdir(parents=True)
        ended = run_by(ranks, ["-c", RUN, *words.replace("FOLDER", str(into)).split()], folder)
        files = {
            path.relative_to(into): path.read_bytes().replace(str(into).encode(), b"")
            for path in sorted(into.rglob("*"))
            if path.is_file() and path.name.startswith(("found", "results.csv", "model"))
        }
        found.append((*(text.replace(str(into), "") for text in (ended.stdout, ended.stderr)), ended.returncode, files))
    assert found[1] == found[0]
    assert ("FOLDER" in words) == bool(found[0][3]) or found[0][2] > 1


def test_a_threshold_is_set_once(folder, run_by):
    words = ["evaluate", folder / "run", folder / "rows.csv", "--threshold", "f1", "--set-threshold"]
    models = []
    for ranks in (1, 2):
        ended = run_by(ranks, ["-c", RUN, *words], folder)
        assert (ended.returncode, ended.stderr.count("the threshold")) == (0, 1)
        models.append((folder / "run" / "model.npz").read_bytes())
    assert models[0] == models[1]


@pytest.fixture
def sweep(folder, tmp_path, run_by):
    """A sweep of eight trainings, one at a time, by so many processes, on one of which something happens."""

    def run(ranks, rank=0, what="pass", count=1, *options, into="sweep"):
        tries = ["--try", "training.epochs=1,2,3,4,5,6,7,8", "--output", tmp_path / into, *options]
        code = HAPPENS.format(rank=rank, what=what, count=count) + RUN
        return run_by(ranks, ["-c", code, "sweep", "config.yaml", *tries], folder, PMI_RANK="0")

    return run


@pytest.mark.parametrize("rank", [0, 1, 2])
@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("raise ValueError('boom')", 70, "ValueError: boom"),
        ("raise MemoryError", 3, "there is not enough memory for this"),
        ("from bpcli.errors import DataError; raise DataError('a bad row')", 3, "a bad row"),
        ("raise SystemExit(5)", 5, ""),
    ],
)
def test_a_training_that_fails_ends_all(sweep, rank, what, code, said):
    found = sweep(3, rank, what)
    assert (found.returncode, found.stdout) == (code, "")
    assert said in found.stderr
    assert (f"rank {rank} of 3 on " in found.stderr) == (rank > 0 and code in (70, 3) and "bad row" not in said)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_signal_to_one_rank_stops_all_and_another_number_of_ranks_goes_on(sweep, rank):
    stopped = sweep(2, rank, "os.kill(os.getpid(), 15)", 2)
    assert (stopped.returncode, stopped.stdout) == (143, "")
    assert stopped.stderr.startswith("bpcli: note: stopped; the same command with --resume goes on")
    again, alone = sweep(3, 0, "pass", 1, "--resume"), sweep(1, into="sweep_alone")
    assert (again.returncode, again.stdout) == (0, alone.stdout.replace("sweep_alone", "sweep"))


def test_a_rank_that_is_gone_ends_all(sweep):
    assert sweep(2, 1, "os.kill(os.getpid(), 9)").returncode == 9
