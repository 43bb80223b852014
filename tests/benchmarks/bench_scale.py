"""What training on many machines costs: constants measured here, a model of a step, and a simulation up to 1,024 ranks.

    pip install -e '.[bench,mpi]' && python tests/benchmarks/bench_scale.py [--latency MICROSECONDS --bandwidth GB]

Prints what the page "scale" says, with `--page` word for word: with the latency and the bandwidth that it is about.

A step over all N rows takes the blocks of the slowest rank, then one exchange of the nodes of the tree that the ranks
own whole. What is measured: the time of a block, the latency and the bandwidth of a message between two processes, each
as a sample. The simulation draws from these samples; `--latency` and `--bandwidth` replace the messages of one machine,
which cross no network, by those of another. That rank 0 hears 1,024 ranks is measured with two, of which one speaks for
all others.
"""

import argparse
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from math import ceil, log2
from pathlib import Path
from time import perf_counter, thread_time

import numpy as np
from numpy.typing import NDArray

from bpcli.formulas.layers import activation_of, loss_of
from bpcli.formulas.steps import make_step
from bpcli.mpi_ranks import MPIRanks
from bpcli.sums import ROWS, places
from bpcli.training.descent.objective import Objective

Sample = NDArray[np.float64]

FEATURES, PASSES, MESSAGES, MEETINGS, LARGE = 1000, 12, 2000, 20, 1 << 23
ROWS_OF_ALL, STEPS = 10**9, 200
RANKS = (1, 4, 16, 64, 256, 1024)
LATENCY, BANDWIDTH = 20.0, 1.2  # µs and GB/s of the network that the page is about: Ethernet of 10 Gb/s
_TAG = 9


@dataclass(frozen=True)
class Measured:
    """Seconds of a block and of a short message, as samples; the bytes a second of a long message; the seconds in which
    rank 0 hears so many ranks and answers them."""

    block: Sample
    latency: Sample
    bandwidth: float
    hub: dict[int, float]


def block_times(features: int = FEATURES, blocks: int = 16) -> Sample:
    """Seconds of each of many blocks of 4,096 rows: z, the loss, and the sums for w and b, for a sigmoid neuron, of the
    processor's time.
    """
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(blocks * ROWS, features)), rng.integers(0, 2, blocks * ROWS).astype(float)
    pair = (activation_of("sigmoid"), loss_of("bce"))
    step = make_step("neuron", "sigmoid", "bce", ROWS, (), X.dtype)
    parts = [Objective(X[i : i + ROWS], y[i : i + ROWS], step, pair, ()) for i in range(0, len(y), ROWS)]
    theta, found = np.zeros(features + 1), []
    for turn in range(PASSES + 1):
        for part in parts:
            began = thread_time()
            part(theta)
            if turn:  # the first warms up
                found.append(thread_time() - began)
    return np.array(found)


def exchange() -> None:
    """Run on two ranks, of which the second stands for all others; rank 0 prints the samples.

    short, long: half the time of there and back, of 8 bytes and of 8 MB. A number: rank 0 hears so many ranks and
    answers each, as where all come to the sum of a step.
    """
    MPI = import_module("mpi4py.MPI")
    ranks = MPIRanks(MPI, MPI.COMM_WORLD)
    there, found = 1 - ranks.rank, {}
    for name, size, count in (("short", 1, MESSAGES), ("long", LARGE // 8, 20)):
        here, seconds = np.zeros(size), []
        for _ in range(count):
            began = perf_counter()
            if ranks.rank == 0:
                MPI.COMM_WORLD.Send(here, there)
                MPI.COMM_WORLD.Recv(here, there)
            else:
                MPI.COMM_WORLD.Recv(here, there)
                MPI.COMM_WORLD.Send(here, there)
            seconds.append((perf_counter() - began) / 2)
        found[name] = seconds[count // 10 :]
    for size in RANKS[1:]:
        found[str(size)] = [meeting(ranks, size) for _ in range(MEETINGS)]
    if ranks.rank == 0:
        print(json.dumps(found))


def meeting(ranks: MPIRanks, size: int) -> float:
    """Seconds in which rank 0 hears `size` ranks and answers: rank 1 speaks for all others."""
    said = pickle.dumps(("summed", (3815, 3815, (FEATURES + 2,))))
    ranks.gathered(None)
    began = perf_counter()
    if ranks.rank == 0:
        messages = [pickle.loads(said), *(pickle.loads(received(ranks, 1)) for _ in range(1, size))]
        send(ranks, pickle.dumps(messages), 1, size - 1)
    else:
        send(ranks, said, 0, size - 1)
        for _ in range(1, size):
            received(ranks, 0)
    return perf_counter() - began


def received(ranks: MPIRanks, source: int) -> bytearray:
    """The next message of that rank."""
    while (came := ranks._received(source, _TAG)) is None:
        pass
    return came[1]


def send(ranks: MPIRanks, content: bytes, to: int, times: int) -> None:
    """Send the same to a rank many times, at most 64 under way at once."""
    while times > 0:
        for request in [ranks._sent(content, to, _TAG) for _ in range(min(times, 64))]:
            request.Wait()
        times -= 64


def launcher() -> str:
    """The mpiexec of this Python's environment or of the machine; the program ends where there is none."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("mpiexec", path=places)
    if found is None or find_spec("mpi4py") is None:
        raise SystemExit("this needs mpiexec and mpi4py, of the extra mpi: pip install -e '.[mpi]'")
    return found


def measured() -> Measured:
    """All constants, measured on this machine."""
    words = [launcher(), "-n", "2", sys.executable, __file__, "--exchange"]
    found = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    hub = {1: 0.0} | {size: float(np.median(found[str(size)])) for size in RANKS[1:]}
    return Measured(block_times(), np.array(found["short"]), LARGE / float(np.median(found["long"])), hub)


def owned(blocks: int, ranks: int) -> list[range]:
    """The blocks of each rank: even and contiguous."""
    edges = [blocks * rank // ranks for rank in range(ranks + 1)]
    return [range(*pair) for pair in pairwise(edges)]


def bytes_sent(blocks: range, features: int) -> int:
    """The bytes of the nodes of the tree that a rank owns whole: the loss, ∂J/∂w and ∂J/∂b, as doubles."""
    return sum(1 for _ in places(blocks.start, blocks.stop)) * (features + 2) * 8


def model(of: Measured, rows: int, features: int, ranks: int) -> tuple[float, float, float]:
    """Seconds of a step: the blocks of a rank; rank 0 hears all and answers; the nodes of all ranks go to each."""
    shares = owned(ceil(rows / ROWS), ranks)
    compute = max(len(share) for share in shares) * float(of.block.mean()) * features / FEATURES
    latency, received = float(np.median(of.latency)), sum(bytes_sent(share, features) for share in shares)
    meeting = (2 * latency if ranks > 1 else 0.0) + of.hub[ranks]
    return compute, meeting, ceil(log2(ranks)) * latency + received * (1 - 1 / ranks) / of.bandwidth


def simulated(of: Measured, rows: int, features: int, ranks: int, rng: np.random.Generator) -> Sample:
    """Seconds of many steps: blocks drawn from the sample, the meeting at rank 0, then ⌈log₂ R⌉ rounds of pairs.

    A round of a rank begins when it and its partner are ready, and takes a latency drawn from the sample and the bytes
    that its partner holds by then (recursive doubling; Thakur, Rabenseifner & Gropp 2005, "Optimization of Collective
    Communication Operations in MPICH").
    """
    shares = owned(ceil(rows / ROWS), ranks)
    held = np.array([bytes_sent(share, features) for share in shares], float)
    counts, found = np.array([len(share) for share in shares]), np.empty(STEPS)
    mean, spread = of.block.mean() * features / FEATURES, of.block.std() * features / FEATURES
    every = np.arange(ranks)
    for step in range(STEPS):
        ready = counts * mean + np.sqrt(counts) * spread * rng.normal(size=ranks)  # a sum of many draws
        if ranks > 1:
            heard = (ready + rng.choice(of.latency, ranks)).max() + of.hub[ranks]
            ready = heard + rng.choice(of.latency, ranks)
        bytes_of = held.copy()
        for k in range(ceil(log2(ranks))):
            partner = every ^ (1 << k)
            ready = np.maximum(ready, ready[partner]) + rng.choice(of.latency, ranks) + bytes_of[partner] / of.bandwidth
            bytes_of = bytes_of + bytes_of[partner]
        found[step] = ready.max()
    return found


def page(of: Measured, alone: Measured, rows: int, features: int) -> str:
    """The figures as the page has them: the constants of this machine, and the table for the network of `of`."""
    low, _, high = np.percentile(alone.block * 1e3, [5, 50, 95])
    hub = alone.hub[RANKS[-1]] * 1e3
    lines = [
        f"A block of {ROWS:,} × {FEATURES:,} took {alone.block.mean() * 1e3:.1f} ms (5 % to 95 %: {low:.1f} to "
        f"{high:.1f}), a short message between two processes of one machine {np.median(alone.latency) * 1e6:.1f} µs, "
        f"8 MB {alone.bandwidth / 1e9:.1f} GB/s, and hearing {RANKS[-1]:,} ranks {hub:.0f} ms.",
        "",
        "| ranks | blocks, s | meeting, ms | nodes, ms | model, s | simulated, s (5 % to 95 % of 200 steps) "
        "| efficiency |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    steps = {}
    for ranks, parts, seconds, efficiency in table(of, rows, features):
        steps[ranks] = sum(parts)
        low, middle, high = (digits(figure, 3) for figure in seconds)
        blocks, total = digits(parts[0], 3), digits(sum(parts), 3)
        meeting, nodes = (digits(1e3 * part, 2) for part in parts[1:])
        lines.append(
            f"| {ranks} | {blocks} | {meeting} | {nodes} | {total} | {middle} ({low} to {high}) | {efficiency:.2f} |"
        )
    part = 100 * of.hub[RANKS[-1]] / steps[RANKS[-1]]
    lines += ["", f"Lbfgs with 200 steps takes {200 * steps[64] / 60:.0f} minutes on 64 ranks."]
    lines += [f"At {RANKS[-1]:,} ranks the meeting at rank 0 is {part:.0f} % of the step."]
    return "\n".join(lines)


def digits(figure: float, count: int) -> str:
    """A figure with so many digits, or the whole ones where these are more."""
    return f"{figure:.0f}" if figure >= 10**count else f"{figure:.{count}g}"


def table(
    of: Measured, rows: int, features: int
) -> Iterator[tuple[int, tuple[float, float, float], list[float], float]]:
    """For each number of ranks: the parts of the model, the simulated seconds (5 %, 50 %, 95 %), and the efficiency."""
    rng, alone = np.random.default_rng(0), 0.0
    for ranks in RANKS:
        seconds = np.percentile(simulated(of, rows, features, ranks, rng), [5, 50, 95]).tolist()
        alone = alone or seconds[1]
        yield ranks, model(of, rows, features, ranks), seconds, alone / seconds[1] / ranks


def main() -> None:
    """Measure, then print the constants and the table of the model and the simulation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchange", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(
        "--latency", type=float, metavar="µS", help="of a message of another network; its spread is kept"
    )
    parser.add_argument("--bandwidth", type=float, metavar="GB", help="a second, of another network")
    parser.add_argument("--rows", type=float, default=ROWS_OF_ALL)
    parser.add_argument("--features", type=int, default=FEATURES)
    parser.add_argument("--page", action="store_true", help="as the page on scale has the figures, in Markdown")
    given = parser.parse_args()
    if given.page:
        given.latency, given.bandwidth = given.latency or LATENCY, given.bandwidth or BANDWIDTH
    if given.exchange:
        exchange()
        return
    here = measured()
    low, middle, high = np.percentile(here.block * 1e3, [5, 50, 95])
    read = ROWS * FEATURES * 8 / middle / 1e6
    print(f"block of {ROWS} × {FEATURES}: {middle:.2f} ms ({low:.2f} to {high:.2f}), {read:.1f} GB/s", flush=True)
    low, middle, high = np.percentile(here.latency * 1e6, [5, 50, 95])
    print(f"message: {middle:.1f} µs ({low:.1f} to {high:.1f}); 8 MB at {here.bandwidth / 1e9:.1f} GB/s")
    latency = here.latency * (1 if given.latency is None else given.latency * 1e-6 / np.median(here.latency))
    of = Measured(here.block, latency, given.bandwidth * 1e9 if given.bandwidth else here.bandwidth, here.hub)
    rows = int(given.rows)
    if given.page:
        print(f"\n{page(of, here, rows, given.features)}")
        return
    print(f"\n{rows:.3g} rows × {given.features}, a step over all rows\n")
    print("ranks   blocks s     meeting ms   nodes ms   model s   simulated s (5 % to 95 %)      efficiency")
    for ranks, parts, (low, middle, high), efficiency in table(of, rows, given.features):
        words = f"{ranks:5} {parts[0]:10.4g} {parts[1] * 1e3:14.3g} {parts[2] * 1e3:10.3g} {sum(parts):9.4g}"
        print(f"{words}   {middle:9.4g} ({low:.4g} to {high:.4g})   {efficiency:18.2f}")


if __name__ == "__main__":
    main()
