"""Two processes beside one: seconds an epoch of the same training, full batches of 1,000,000 × 30, start-up aside.

    pip install -e '.[mpi]' && python tests/benchmarks/bench_ranks.py

One core for each process: BLAS has one thread. The two take turns, and whether both models have the same bits
is said first. The least epochs are those that nothing else on the machine has slowed down; the medians are of all.
"""

import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

ROWS, FEATURES, EPOCHS, ROUNDS = 1_000_000, 30, 20, 3
CONFIG = f"""
model: {{type: neuron, activation: sigmoid}}
loss: bce
training: {{learning_rate: 0.5, batch_size: full, epochs: {EPOCHS}, checkpoint_seconds: 60}}
data: {{path: rows.npy, target: x{FEATURES + 1}}}
"""


def launcher() -> str:
    """The mpiexec of this Python's environment or of the machine; the program ends where there is none."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("mpiexec", path=places)
    if found is None or find_spec("mpi4py") is None:
        raise SystemExit("this needs mpiexec and mpi4py, of the extra mpi: pip install -e '.[mpi]'")
    return found


def epochs(folder: Path, ranks: int) -> list[float]:
    """The seconds of each epoch of a training by so many processes, but for the first."""
    run = folder / f"by-{ranks}"
    words = [launcher(), "-n", str(ranks), sys.executable, "-m", "bpcli", "train", str(folder / "c.yaml")]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*words, "--output", str(run), "--force", "--quiet"], check=True, capture_output=True, env=environment
    )
    with open(run / "history.csv", encoding="utf-8") as lines:
        return [float(record["seconds"]) for record in csv.DictReader(lines)][1:]


def main() -> None:
    """Print the seconds of an epoch by one process and by two, and their ratio."""
    launcher()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rng = np.random.default_rng(0)
        rows = rng.normal(size=(ROWS, FEATURES + 1))
        rows[:, -1] = rows[:, :-1] @ rng.normal(size=FEATURES) + rng.normal(size=ROWS) > 0
        np.save(folder / "rows.npy", rows)
        del rows
        (folder / "c.yaml").write_text(CONFIG)
        seconds: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(ROUNDS):
            for ranks, found in seconds.items():
                found += epochs(folder, ranks)
        models = {(folder / f"by-{ranks}" / "model.npz").read_bytes() for ranks in seconds}
        print("the same bits" if len(models) == 1 else "OTHER BITS")
        for ranks, found in seconds.items():
            print(f"{ranks} process(es): {min(found):.4f} s an epoch, median {statistics.median(found):.4f} s")
        least, median = (of(seconds[2]) / of(seconds[1]) for of in (min, statistics.median))
        print(f"2 beside 1: {least:.2f}, medians {median:.2f}")


if __name__ == "__main__":
    main()
