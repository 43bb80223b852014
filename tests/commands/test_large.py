"""Data that is large for the memory: the results have the same bits, and no unfinished file is left."""

import gzip
import json
import os
import resource
import shutil
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from bpcli import memory
from bpcli.datasets import column_file, large
from bpcli.datasets.readers import arrays, columnar, delimited
from bpcli.training import checkpoint, model, named_data, parts, setup
from bpcli.training.descent import batches, loop

N = 900


def cells(j, rng):
    """Column j: numbers, numbers with gaps, text of few kinds, and digits that turn to text late."""
    numbers = [f"{x:.6g}" for x in rng.normal(size=N)]
    if j == 1:
        return ["" if k % 97 == 5 else number for k, number in enumerate(numbers)]
    if j == 2:
        return [["red", "dark, blue", 'the "green"', "7"][k % 4 if k > N // 2 else 3] for k in range(N)]
    if j == 3:
        return [str(k % 3) for k in range(N)]
    return numbers


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    rng = np.random.default_rng(5)
    columns = {name: cells(j, rng) for j, name in enumerate(["a", "gaps", "color", "plan", "b"])}
    label = ["yes" if float(x) + float(y) > 0 else "no" for x, y in zip(columns["a"], columns["b"], strict=True)]
    columns |= {"times": [str(1 + k % 3) for k in range(N)], "label": label}
    quoted = ['"' + c.replace('"', '""') + '"' for c in columns["color"]]
    lines = [",".join(row) for row in zip(*{**columns, "color": quoted}.values(), strict=True)]
    text = "\n".join([",".join(columns), *lines]) + "\n"
    (folder / "t.csv").write_text(text)
    (folder / "t.csv.gz").write_bytes(gzip.compress(text.encode()))
    table = pa.table(
        {n: [float(c) if c else None for c in v] if n in ("a", "gaps", "b") else v for n, v in columns.items()}
    )
    parquet.write_table(table, folder / "t.parquet")
    feather.write_feather(table, folder / "t.feather", chunksize=50)
    X = np.column_stack([rng.normal(size=(N, 6)), rng.integers(0, 2, N)])
    X[:, 0] += X[:, 6]
    np.save(folder / "rows.npy", X)
    np.save(folder / "columns.npy", np.asfortranarray(X))
    return folder


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(delimited, "_BLOCK", 3000)
    monkeypatch.setattr(arrays, "_BLOCK", 3000)
    monkeypatch.setattr(columnar, "_BLOCK", 3000)
    monkeypatch.setattr(batches, "_COPIED", 5000)
    monkeypatch.setattr(batches, "_CHUNK", 500)
    monkeypatch.setattr(checkpoint, "_ROWS", 100)
    monkeypatch.setattr(model, "BLOCK", 64)


@pytest.fixture
def little_memory(monkeypatch, small_blocks):
    """A function after whose call files find next to no memory."""
    return lambda: monkeypatch.setattr(large, "available_memory", lambda: 0)


TABLE = "target: label, categorical: [color, plan], missing: mean, weight: times, validation: 0.2, standardize: true"
ARRAY = "target: x7, validation: 0.2, scale: 2"
FILES = {
    "t.csv": TABLE,
    "t.csv.gz": TABLE.replace("missing: mean", "missing: {gaps: drop}"),
    "t.parquet": TABLE,
    "t.feather": TABLE,
    "rows.npy": ARRAY,
    "columns.npy": ARRAY,
}


def config(folder, here, name, data, more=""):
    path = here / f"{name}.yaml"
    path.write_text(
        "model: {type: neuron, activation: sigmoid}\nloss: bce\n"
        f"training: {{learning_rate: 0.1, epochs: 3, batch_size: 16{more}}}\n"
        f"data: {{path: {folder / name}, {data}}}\noutput: {here}/runs/ram\n"
    )
    return path


def outcome(run):
    with np.load(run / "model.npz") as archive:
        arrays_ = {name: archive[name].tobytes() for name in archive.files}
    rows = [line.rpartition(",")[0] for line in (run / "history.csv").read_text().splitlines()]
    summary = json.loads((run / "summary.json").read_text())
    return arrays_, rows, {key: value for key, value in summary.items() if key not in ("run", "seconds")}


@pytest.mark.parametrize("name", FILES)
def test_training_predictions_and_metrics_are_the_same(bpcli, tables, tmp_path, little_memory, name):
    settled, data = config(tables, tmp_path, name, FILES[name]), tables / name
    keep = ["--keep", "color,gaps"] if name.startswith("t.") else []
    commands = {
        "csv": ["predict", tmp_path / "runs/ram", data, *keep],
        "json": ["predict", tmp_path / "runs/ram", data, "--format", "json"],
        "measured": ["evaluate", tmp_path / "runs/ram", data, "--format", "json"],
        "held": ["evaluate", tmp_path / "runs/ram", "--split", "validation", "--format", "json"],
    }
    assert bpcli("train", settled, "--quiet").code == 0
    if "drop" in FILES[name]:  # a row with a gap has no prediction
        del commands["csv"], commands["json"]
    before = {key: bpcli(*command) for key, command in commands.items()}
    little_memory()
    large = bpcli("train", settled, "--quiet", "--output", tmp_path / "runs/disk")
    assert large.code == 0, large.err
    assert outcome(tmp_path / "runs/disk") == outcome(tmp_path / "runs/ram")
    for key, command in commands.items():
        after = bpcli(*command)
        assert (after.code, after.out) == (0, before[key].out), key
        assert after.err == before[key].err
    cache = sorted(os.listdir(tmp_path / "runs/.cache"))
    assert len(cache) == 1
    assert cache[0].startswith(name)


def test_a_copy_is_made_once_and_anew_when_the_file_has_changed(bpcli, tables, tmp_path, little_memory, monkeypatch):
    shutil.copy(tables / "t.csv", tmp_path / "t.csv")
    settled = config(tmp_path, tmp_path, "t.csv", TABLE)
    little_memory()
    converted = []
    write = column_file.write
    monkeypatch.setattr(column_file, "write", lambda *given: converted.append(1) or write(*given))
    for times in (1, 1):
        assert bpcli("train", settled, "--quiet", "--force").code == 0
        assert len(converted) == times
    (folder,) = (tmp_path / "runs/.cache").iterdir()
    numbers = folder / "columns.bin"
    numbers.write_bytes(numbers.read_bytes()[:-8])  # cut short
    assert bpcli("train", settled, "--quiet", "--force").code == 0
    assert len(converted) == 2
    text = (tmp_path / "t.csv").read_text()
    (tmp_path / "t.csv").write_text(text + text.splitlines()[-1] + "\n")
    assert bpcli("train", settled, "--quiet", "--force").code == 0
    assert len(converted) == 3
    assert len(list((tmp_path / "runs/.cache").iterdir())) == 1


def test_what_a_killed_conversion_left_goes_with_the_next(bpcli, tables, tmp_path, little_memory):
    settled = config(tables, tmp_path, "t.csv", TABLE)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    cache = tmp_path / "runs/.cache"
    for pid in (dead.pid, os.getpid()):
        (cache / f".partial-{pid}-abc").mkdir(parents=True)
        (cache / f".partial-{pid}-abc/columns.bin").write_bytes(b"half")
    little_memory()
    assert bpcli("train", settled, "--quiet").code == 0
    assert [p.name for p in cache.glob(".partial-*")] == [f".partial-{os.getpid()}-abc"]


def test_a_full_disk_is_one_error_and_leaves_nothing(bpcli, tables, tmp_path, little_memory, monkeypatch):
    settled = config(tables, tmp_path, "t.csv", TABLE)
    little_memory()

    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = bpcli("train", settled, "--quiet")
    assert result.code == 3
    assert "No space left on device" in result.err
    assert list((tmp_path / "runs/.cache").iterdir()) == []
    assert not (tmp_path / "runs/ram").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2,red,1,3,1,maybe", ": column label has 3 classes"),
        ("oops,2,red,1,3,1,yes", "bad.csv:701: column a: 'oops' is not a number"),
        ("1,2", "bad.csv:701: expected 7 cells"),
        ("1,2,red,1,3,1,", "bad.csv:701: column label: the target is missing"),
        ("1,2,red,1,3,-1,yes", "bad.csv:701: column times: the weight is -1"),
    ],
)
def test_mistakes_far_into_a_file_have_their_line(bpcli, tables, tmp_path, little_memory, line, message):
    lines = (tables / "t.csv").read_text().splitlines()
    (tmp_path / "bad.csv").write_text("\n".join([*lines[:700], line, *lines[701:]]) + "\n")
    little_memory()
    settled = config(tmp_path, tmp_path, "bad.csv", TABLE.replace("missing: mean", "missing: {gaps: mean}"))
    result = bpcli("train", settled, "--set", "data.validation=null")
    assert result.code == 3
    assert message in result.err


def test_all_rows_as_one_batch_are_refused(bpcli, tables, tmp_path, little_memory, monkeypatch):
    settled = config(tables, tmp_path, "rows.npy", ARRAY)
    little_memory()
    monkeypatch.setattr(setup, "available_memory", lambda: 1000)
    result = bpcli("train", settled, "--set", "training.batch_size=full")
    assert result.code == 3
    assert "training.batch_size" in result.err


@pytest.mark.slow
def test_a_limit_on_the_process_is_kept(tmp_path):
    """100 MB of rows, where a process may have 145 MB of data: read as a whole, they would take 300 MB."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(125_000, 100))
    X[:, 99] = X[:, 0] + X[:, 1] > 0
    np.save(tmp_path / "x.npy", X)
    settled = config(tmp_path, tmp_path, "x.npy", "target: x100, standardize: true")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}

    def trained(output, limit):
        words = [sys.executable, "-m", "bpcli", "train", settled, "--quiet", "--output", tmp_path / output]
        limited = (lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))) if limit else None
        return subprocess.run(words, env=environment, preexec_fn=limited, capture_output=True, text=True)

    result = trained("limited", 145 << 20)
    assert result.returncode == 0, result.stderr
    assert trained("free", 0).returncode == 0
    assert outcome(tmp_path / "limited") == outcome(tmp_path / "free")


OUT_OF_MEMORY = {  # the call that fails, and which time
    "reading": (named_data, "read_files", 0),
    "preparing": (parts, "as_trained", 0),
    "training": (loop, "DenseBatches", 0),
    "validating the third epoch": (model.Model, "glance", 2),
    "summing up": (model.Model, "measure", 0),
}


@pytest.mark.parametrize("where", OUT_OF_MEMORY)
def test_what_runs_out_of_memory_goes_on_in_files(bpcli, tables, tmp_path, small_blocks, monkeypatch, where):
    """The bits are the same in whichever step memory runs out: reading the table, preparing it, or copying it."""
    settled = config(tables, tmp_path, "t.csv", TABLE)
    assert bpcli("train", settled, "--quiet").code == 0
    module, name, at = OUT_OF_MEMORY[where]
    real, calls = getattr(module, name), []

    def out_of_memory_once(*given, **more):
        calls.append(name)
        if len(calls) == at + 1:
            raise MemoryError
        return real(*given, **more)

    monkeypatch.setattr(module, name, out_of_memory_once)
    result = bpcli("train", settled, "--format", "json", "--output", tmp_path / "runs/disk")
    assert (result.code, len(calls) > at) == (0, True), result.err
    epochs = [record["epoch"] for record in result.json if "epoch" in record]
    assert epochs == list(range(1, len(epochs) + 1))
    assert outcome(tmp_path / "runs/disk") == outcome(tmp_path / "runs/ram")
    assert len(os.listdir(tmp_path / "runs/.cache")) == 1


def test_what_can_be_read_only_whole_says_what_it_needs(bpcli, tables, tmp_path, monkeypatch):
    X = np.load(tables / "rows.npy")
    np.savez(tmp_path / "rows.npz", X=X[:, :6], y=X[:, 6])
    settled = config(tmp_path, tmp_path, "rows.npz", "target: y")
    monkeypatch.setattr(memory, "limits", lambda: iter([("the limit of 1 MB (ulimit -v)", 1000)]))
    result = bpcli("train", settled, "--quiet")
    assert result.code == 3
    assert (
        "array X needs 43.3 kB of memory, and 1 kB of memory is left within the limit of 1 MB (ulimit -v)" in result.err
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", [resource.RLIMIT_DATA, resource.RLIMIT_AS])
def test_under_every_limit_a_training_has_the_same_bits_or_says_what_it_needs(tmp_path, kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100_000, 20)).round(3)
    lines = [",".join([*map(str, row), str(int(row[0] > 0))]) for row in X.tolist()]
    (tmp_path / "x.csv").write_text("\n".join([",".join([*(f"x{j}" for j in range(20)), "y"]), *lines]) + "\n")
    settled = config(tmp_path, tmp_path, "x.csv", "target: y")

    def trained(limit):
        output = tmp_path / str(limit)
        words = [sys.executable, "-m", "bpcli", "train", settled, "--quiet", "--output", output]
        limited = (lambda: resource.setrlimit(kind, (limit << 20, limit << 20))) if limit else None
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        result = subprocess.run(words, env=environment, preexec_fn=limited, capture_output=True, text=True)
        assert "Traceback" not in result.stderr
        return result.returncode, outcome(output)[0] if result.returncode == 0 else result.stderr

    (code, expected), *limited = [trained(limit) for limit in (0, 50, 90, 150, 170, 190, 220, 260, 300)]
    assert code == 0
    assert [found for found, _ in limited] == sorted((found for found, _ in limited), reverse=True)
    assert limited[-1][0] == 0
    for found, trained_model in limited:
        assert found in (0, 3), trained_model
        assert trained_model == expected if found == 0 else "of memory is left within" in trained_model
