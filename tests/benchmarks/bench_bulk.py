"""A million gradients of two variables, beside JAX: whole processes from `.npy` to `.npy`, and the work alone.

    pip install -e . jax && python tests/benchmarks/bench_bulk.py

`process` is `bpcli grad EXPR --points points.npy --output gradients.npy`, and a Python program that does the same with
`jit(vmap(value_and_grad))`, both with start-up, import, compilation, reading and writing. `work` is the time alone that
either takes from an array of points to an array of values and gradients, when everything is imported, compiled and
warm. They take turns; the figures are medians, and ratios medians of the ratios round by round (below 1: bpcli is
faster). Without JAX, its columns stay empty.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bpcli.calculus.bulk import BLOCK, map_in_order
from bpcli.calculus.derivative import Calculation
from bpcli.calculus.parser import parse

POINTS = 1_000_000
ROUNDS = 7
CASES = [
    # bpcli's expression, JAX's
    ("x**2+y**2", "x**2 + y**2"),
    ("(1-x)**2+100*(y-x**2)**2", "(1 - x)**2 + 100*(y - x**2)**2"),
    ("sin(x)*exp(y)", "jnp.sin(x)*jnp.exp(y)"),
    ("log(x*y)/(x+y)", "jnp.log(x*y)/(x + y)"),
    ("sigmoid(2*x-3*y+1)", "jax.nn.sigmoid(2*x - 3*y + 1)"),
    ("hypot(x,y)*atan2(y,x)", "jnp.hypot(x, y)*jnp.arctan2(y, x)"),
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


def bpcli_work(expression: str) -> Callable[[Any], Any]:
    """Points (N, 2) to values and gradients (N, 3), as the command does it."""
    one = Calculation([parse(expression)], [expression], {"x": (), "y": ()}, ["x", "y"])

    def run(points: Any) -> Any:
        result = np.empty((len(points), 3))

        def block(start: int) -> None:
            columns = np.ascontiguousarray(points[start : start + BLOCK].T)
            value, gradient = one.gradient_block({"x": columns[0], "y": columns[1]})
            result[start : start + BLOCK] = np.stack([value, gradient["x"], gradient["y"]], axis=1)

        for _ in map_in_order(block, iter(range(0, len(points), BLOCK))):
            pass
        return result

    return run


def jax_work(expression: str) -> Callable[[Any], Any]:
    """The same, compiled by JAX."""
    scope: dict[str, Any] = {}
    exec(JAX_SETUP.format(expression=expression), scope)
    return lambda points: np.asarray(scope["run"](points))


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    started = perf_counter()
    work()
    return perf_counter() - started


def compare(
    ours: Callable[[], object], theirs: Callable[[], object] | None
) -> tuple[float, float | None, float | None]:
    """Median seconds of either, and the median ratio; they take turns."""
    rounds = [(seconds(ours), seconds(theirs) if theirs else None) for _ in range(ROUNDS)]
    mine, others = [a for a, _ in rounds], [b for _, b in rounds if b is not None]
    if not others:
        return statistics.median(mine), None, None
    ratios = [a / b for a, b in zip(mine, others, strict=True)]
    return statistics.median(mine), statistics.median(others), statistics.median(ratios)


def cells(figures: tuple[float, float | None, float | None]) -> str:
    """Milliseconds of either, and the ratio."""
    mine, others, ratio = figures
    return f"{mine * 1e3:9.1f} " + (
        "        -      -" if ratio is None or others is None else f"{others * 1e3:8.1f} {ratio:6.2f}"
    )


def main() -> None:
    """Print a line for each expression."""
    has_jax = find_spec("jax") is not None
    points = np.random.default_rng(0).uniform(0.5, 3, (POINTS, 2))
    print(f"{POINTS} points; medians of {ROUNDS} rounds, milliseconds")
    print(f"{'':26}{'process:':>10} {'JAX':>8} {'ratio':>6}{'work:':>10} {'JAX':>8} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "points.npy")
        np.save(source, points)
        fresh = count()
        for expression, jax_expression in CASES:

            def process(*command: str) -> None:
                subprocess.run([sys.executable, *command], check=True)

            def bpcli_process(expression: str = expression) -> None:
                target = str(Path(folder, f"{next(fresh)}.npy"))
                process("-m", "bpcli", "grad", expression, "--points", str(source), "--output", target)
                Path(target).unlink()

            def jax_process(expression: str = jax_expression) -> None:
                target = str(Path(folder, f"{next(fresh)}.npy"))
                process("-c", JAX_PROCESS.format(expression=expression), str(source), target)
                Path(target).unlink()

            ours = bpcli_work(expression)
            theirs = jax_work(jax_expression) if has_jax else None
            mine = ours(points)
            if theirs is not None:
                np.testing.assert_allclose(mine, theirs(points), rtol=1e-11, atol=1e-12)
            whole = compare(bpcli_process, jax_process if has_jax else None)
            alone = compare(lambda f=ours: f(points), (lambda f=theirs: f(points)) if theirs is not None else None)  # type: ignore[misc]
            print(f"{expression:26}{cells(whole)}{cells(alone)}", flush=True)


if __name__ == "__main__":
    main()
