"""Kills a training at random instants, with SIGKILL, until it ends, and compares what it ends with: bit for bit.

    pip install -e '.[test]' && python tests/benchmarks/kill_at_random.py --kills 100

A training that is never stopped goes first. Then one is killed and gone on with, until the kills are used up, and
compared; where one ends before, another is begun. After each kill, under the run's name stands nothing or a whole run.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent.parent


def result(run: Path) -> Any:
    """Weights, history and summary of a run, without its name and times."""
    with np.load(run / "model.npz") as archive:
        weights = {key: archive[key].tobytes() for key in archive.files}
    rows = [line.rpartition(",")[0] for line in (run / "history.csv").read_text().splitlines()]
    summary = json.loads((run / "summary.json").read_text())
    return weights, rows, {key: value for key, value in summary.items() if key not in ("run", "seconds")}


def main() -> None:
    """Kill, go on, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        command = [sys.executable, "-m", "bpcli", "train", str(ROOT / "configs/digits.yaml"), "--quiet", "--set"]
        command += [f"training.epochs={arguments.epochs}", "--set", "training.checkpoint_seconds=0", "--output"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        began = time.perf_counter()
        subprocess.run([*command, "whole"], check=True, env=environment, stdout=subprocess.DEVNULL)
        length = time.perf_counter() - began
        expected = result(Path("whole"))
        kills = ended = 0
        while kills < arguments.kills or Path(".killed.partial").exists():
            with subprocess.Popen(
                [*command, "killed", "--resume"], env=environment, stdout=subprocess.DEVNULL
            ) as process:
                try:
                    process.wait(None if kills >= arguments.kills else rng.uniform(0, 1.2) * length)
                    assert process.returncode == 0, process.returncode
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills += 1
            if Path("killed").exists():
                assert result(Path("killed")) == expected, kills
                shutil.rmtree("killed")
                ended += 1
        print(f"{kills} kills, {ended} trainings ended, each with the bits of the one that was never stopped")


if __name__ == "__main__":
    main()
