"""How long the four parsers of CSV take on the same rows: `python tests/benchmarks/bench_csv.py [ROWS]`."""

import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np

from bpcli.datasets.readers.cell_parsers import Columns
from bpcli.datasets.readers.delimited import read_delimited

COLUMNS, ROUNDS = 12, 4


def refuse(*arguments: object) -> None:
    """What a parser answers that can't read a block."""


def seconds(path: Path) -> float:
    """The least of some rounds, as what is slower is the machine's doing."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        read_delimited(path)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
    numbers = np.random.default_rng(0).normal(size=(rows, COLUMNS)).tolist()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "numbers.csv"
        names = ",".join(f"x{j}" for j in range(COLUMNS))
        path.write_text("\n".join([names, *(",".join(map(repr, row)) for row in numbers)]) + "\n")
        print(f"pyarrow  {seconds(path):.3f} s")
        with patch.object(Columns, "_by_arrow", refuse):
            print(f"arrays   {seconds(path):.3f} s")
            with patch.object(Columns, "_by_arrays", refuse):
                print(f"loadtxt  {seconds(path):.3f} s")
                with patch.object(Columns, "_by_numpy", refuse):
                    print(f"csv      {seconds(path):.3f} s")


if __name__ == "__main__":
    main()
