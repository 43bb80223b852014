"""A million gradients of two variables, beside JAX and NumPy: whole processes, and the work alone.

    pip install -e '.[bench]' && python tests/benchmarks/bench_bulk.py

`process` is `bpcli grad EXPR --points points.npy --output gradients.npy`, and a Python program that does the same with
JAX's `jit(vmap(value_and_grad))` in double precision: start-up, import, compilation, reading and writing, all in.
`work` is the time from an array of points to values and gradients alone, when everything is imported, compiled and
warm: bpcli's blocks as its command runs them; JAX's compiled function, whose points already lie where it wants them
and whose results stay there; and formulas in plain NumPy, on whole columns, as one writes them by hand. All take
turns; the figures are medians of the processor's time, of all threads, and the ratios medians of the ratios turn by
turn (below 1: bpcli is faster). Without JAX its columns stay empty.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any, NamedTuple

import numpy as np

from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.blocks import BLOCK, map_in_order
from bpcli.calculus.sweeps.calculation import Calculation

POINTS = 1_000_000
PROCESS_ROUNDS, WORK_ROUNDS = 7, 25


class Case(NamedTuple):
    """An expression for bpcli and for JAX, and its value and partial derivatives by hand."""

    bpcli: str
    jax: str
    by_hand: Callable[[Any, Any], tuple[Any, Any, Any]]


def _sigmoid_log(x: Any, y: Any) -> tuple[Any, Any, Any]:
    a, s = 1 / (1 + np.exp(-x)), 1 + y**2
    log = np.log(s)
    return a * log, a * (1 - a) * log, a * 2 * y / s


CASES = [
    Case("x**2+y**2", "x**2 + y**2", lambda x, y: (x**2 + y**2, 2 * x, 2 * y)),
    Case(
        "(1-x)**2+100*(y-x**2)**2",
        "(1 - x)**2 + 100*(y - x**2)**2",
        lambda x, y: (
            (1 - x) ** 2 + 100 * (y - x**2) ** 2,
            -2 * (1 - x) - 400 * x * (y - x**2),
            200 * (y - x**2),
        ),
    ),
    Case(
        "sin(x)*exp(y)",
        "jnp.sin(x)*jnp.exp(y)",
        lambda x, y: (np.sin(x) * np.exp(y), np.cos(x) * np.exp(y), np.sin(x) * np.exp(y)),
    ),
    Case("sigmoid(x)*log(1+y**2)", "jax.nn.sigmoid(x)*jnp.log(1 + y**2)", _sigmoid_log),
    Case(
        "where(x>y,x*y,x/y)",
        "jnp.where(x > y, x*y, x/y)",
        lambda x, y: (
            np.where(x > y, x * y, x / y),
            np.where(x > y, y, 1 / y),
            np.where(x > y, x, -x / y**2),
        ),
    ),
    Case(
        "log(x*y)/(x+y)",
        "jnp.log(x*y)/(x + y)",
        lambda x, y: (
            np.log(x * y) / (x + y),
            (1 / x - np.log(x * y) / (x + y)) / (x + y),
            (1 / y - np.log(x * y) / (x + y)) / (x + y),
        ),
    ),
]

JAX_SETUP = """
import sys
import numpy as np
import jax
import jax.numpy as jnp
jax.config.update("jax_enable_x64", True)
slopes = jax.vmap(jax.value_and_grad(lambda x, y: {expression}, (0, 1)))
@jax.jit
def run(points):
    value, gradient = slopes(points[:, 0], points[:, 1])
    return jnp.stack([value, *gradient], axis=1)
"""
JAX_PROCESS = JAX_SETUP + "np.save(sys.argv[2], np.asarray(run(np.load(sys.argv[1]))))"


def bpcli_work(case: Case, points: Any) -> Callable[[], Any]:
    """Points (N, 2) to values and gradients (N, 3), block by block as the command does it."""
    one = Calculation([parse(case.bpcli)], [case.bpcli], {"x": (), "y": ()}, ["x", "y"])
    table = np.empty((len(points), 3))

    def block(start: int) -> None:
        x, y = np.ascontiguousarray(points[start : start + BLOCK].T)
        one.gradient_block({"x": x, "y": y}, table[start : start + BLOCK])

    def run() -> Any:
        for _ in map_in_order(block, iter(range(0, len(points), BLOCK))):
            pass
        return table

    return run


def numpy_work(case: Case, points: Any) -> Callable[[], Any]:
    """The same by hand."""
    return lambda: np.stack(case.by_hand(points[:, 0], points[:, 1]), axis=1)


def jax_work(case: Case, points: Any) -> Callable[[], Any]:
    """The same, compiled by JAX."""
    scope: dict[str, Any] = {}
    exec(JAX_SETUP.format(expression=case.jax), scope)
    there = scope["jnp"].asarray(points)
    return lambda: scope["run"](there).block_until_ready()


def processor_time() -> float:
    """Seconds of the processor that this process and those it has started took, of all their threads."""
    used = map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def compare(rounds: int, *contenders: Callable[[], object]) -> list[tuple[float, float]]:
    """Median seconds of each, and the median ratio of the first to it; they take turns."""
    times: list[list[float]] = [[] for _ in contenders]
    for _ in range(rounds):
        for work, taken in zip(contenders, times, strict=True):
            started = processor_time()
            work()
            taken.append(processor_time() - started)
    return [
        (statistics.median(taken), statistics.median(a / b for a, b in zip(times[0], taken, strict=True)))
        for taken in times
    ]


def processes(case: Case, folder: Path, with_jax: bool) -> list[Callable[[], object]]:
    """The whole of bpcli, and of a Python program with JAX."""
    source, target = str(folder / "points.npy"), folder / "gradients.npy"

    def process(*arguments: str) -> Callable[[], object]:
        def run() -> None:
            target.unlink(missing_ok=True)
            subprocess.run([sys.executable, *arguments], check=True)

        return run

    ours = process("-m", "bpcli", "grad", case.bpcli, "--points", source, "--output", str(target))
    theirs = process("-c", JAX_PROCESS.format(expression=case.jax), source, str(target))
    return [ours, theirs] if with_jax else [ours]


def milliseconds(figures: list[tuple[float, float]], contenders: int) -> str:
    """The first one's time, then time and ratio of each of the others; dashes for those that are missing."""
    (own, _), *others = figures
    texts = [f"{median * 1e3:8.1f} {ratio:5.2f}" for median, ratio in others]
    return f"{own * 1e3:9.1f} " + " ".join(texts + [f"{'-':>8} {'-':>5}"] * (contenders - len(figures)))


def main() -> None:
    """Print a line for each expression."""
    with_jax = find_spec("jax") is not None
    if not with_jax:
        print("JAX is not installed, and its columns stay empty: pip install -e '.[bench]'", file=sys.stderr)
    points = np.random.default_rng(0).uniform(0.5, 3, (POINTS, 2))
    print(f"{POINTS} points; milliseconds, and bpcli's time divided by the other's")
    print(f"{'':26}{'process:':>9} {'JAX':>8} {'':5}{'work:':>9} {'NumPy':>8} {'':5} {'JAX':>8}")
    with tempfile.TemporaryDirectory() as name:
        np.save(Path(name, "points.npy"), points)
        for case in CASES:
            makers = [bpcli_work, numpy_work, *([jax_work] if with_jax else [])]
            work = [make(case, points) for make in makers]
            for other in work[1:]:
                np.testing.assert_allclose(work[0](), np.asarray(other()), rtol=1e-11, atol=1e-12)
            whole = compare(PROCESS_ROUNDS, *processes(case, Path(name), with_jax))
            alone = compare(WORK_ROUNDS, *work)
            print(f"{case.bpcli:26}{milliseconds(whole, 2)}{milliseconds(alone, 3)}", flush=True)


if __name__ == "__main__":
    main()
