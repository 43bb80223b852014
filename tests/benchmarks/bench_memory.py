"""Training on a file ten times the memory allowed, beside the same in memory: seconds an epoch, and the same bits.

    pip install -e . && python tests/benchmarks/bench_memory.py --gigabytes 3.2

Writes a .npy of 200 columns, its rows sorted by class, and trains a neuron on it by turns: with as much memory as there
is, and with RLIMIT_DATA at a tenth of the file's size. Needs some three times the file's size of disk, and memory for
the one that reads it whole. The figures are medians over all epochs of all rounds, and of the ratios pair by pair.
"""

import argparse
import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent.parent
WIDTH = 200

CONFIG = """
model: {type: neuron, activation: sigmoid}
loss: bce
training: {learning_rate: 0.05, epochs: 3, batch_size: 256}
data: {path: rows.npy, target: x200, standardize: true}
"""


def write(path: Path, rows: int) -> None:
    """Rows of two classes, one behind the other."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=WIDTH - 1)
    out = np.lib.format.open_memmap(path, "w+", np.float64, (rows, WIDTH))
    at = 0
    for label in (0, 1):
        end = (label + 1) * rows // 2
        while at < end:
            X = rng.normal(size=(100_000, WIDTH - 1))
            X = X[(X @ w + rng.normal(size=len(X)) > 0) == bool(label)][: end - at]
            out[at : at + len(X), :-1], out[at : at + len(X), -1] = X, label
            at += len(X)
    out.flush()


def seconds(limit: int | None, run: str) -> list[float]:
    """Train, and the seconds of each epoch."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "bpcli", "train", "rows.yaml", "--quiet", "--force", "--output", run]
    subprocess.run(command, check=True, env=environment, preexec_fn=limited, stdout=subprocess.DEVNULL)
    with open(f"{run}/history.csv", encoding="utf-8") as file:
        return [float(row["seconds"]) for row in csv.DictReader(file)]


def main() -> None:
    """Write the file, train by turns, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=3.2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        os.chdir(folder)
        write(Path("rows.npy"), int(arguments.gigabytes * 1e9 / (8 * WIDTH)))
        Path("rows.yaml").write_text(CONFIG)
        size = Path("rows.npy").stat().st_size
        whole, limited = [], []
        for _ in range(arguments.rounds):
            whole += seconds(None, "whole")
            limited += seconds(size // 10, "limited")
        with np.load("whole/model.npz") as a, np.load("limited/model.npz") as b:
            assert a["w"].tobytes() == b["w"].tobytes()
        ratio = statistics.median(a / b for a, b in zip(whole, limited, strict=True))
        print(f"a file of {size / 1e9:.1f} GB, and {size / 1e7:.0f} MB allowed: the same weights, to the last bit")
        print(f"in memory {statistics.median(whole):.2f} s an epoch, limited {statistics.median(limited):.2f} s")
        print(f"speed beside that in memory: {ratio:.2f}")
        os.chdir("..")


if __name__ == "__main__":
    main()
