"""All measured comparisons by one command: `python -m tests.benchmarks [PART…] [--json FILE] [--plot FILE]`.

A part measures itself here, or is one of the scripts beside this one. What is compared is first checked to give the
same answers; then the contestants take turns, and the figures are medians of the processor's seconds with their spread.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from bpcli.formulas.steps import make_step
from bpcli.training.descent.batches import Descent
from bpcli.training.descent.loop import descend_epochs
from bpcli.training.descent.state import State
from tests.benchmarks import bench_train, whole_commands

ROUNDS = 5
Record = dict[str, Any]


def in_turn(contestants: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """The processor's seconds of each contestant, round by round."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for round_ in range(ROUNDS + 1):
        for name, run in contestants.items():
            began = process_time()
            run()
            if round_:  # the first warms up
                times[name].append(process_time() - began)
    return times


def records(part: str, case: str, times: dict[str, list[float]]) -> Iterator[Record]:
    """A record for each contestant, with the median ratio of the first one's time to its own."""
    of, first = next(iter(times.items()))
    for name, seconds in times.items():
        ratio = statistics.median(a / b for a, b in zip(first, seconds, strict=True))
        figures = {"median": statistics.median(seconds), "least": min(seconds), "most": max(seconds)}
        yield {"part": part, "case": case, "name": name, "seconds": figures, "first": of, "ratio": ratio}


def steps() -> Iterator[Record]:
    """The loop beside a plain NumPy loop and PyTorch."""
    runners = bench_train.contestants()
    for case, rows, features, classes, batch, epochs in bench_train.CASES:
        X, y = bench_train.problem(rows, features, classes)
        work = {name: partial(run, X, y, classes, batch, epochs) for name, run in runners.items()}
        if "NumPy" in work and X.nbytes <= 1 << 25:  # beyond, rows are shuffled in windows
            np.testing.assert_allclose(work["bpcli"](), work["NumPy"](), rtol=1e-9, atol=1e-12)
        yield from records("steps", case, in_turn(work))


def optimum() -> Iterator[Record]:
    """To the optimum: newton and lbfgs beside scikit-learn's logistic regression, l2 = 1/N."""
    from sklearn.datasets import load_breast_cancer, load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    from bpcli.formulas.layers import activation_of, loss_of
    from bpcli.training.descent.objective import Objective
    from bpcli.training.descent.state import Pause
    from bpcli.training.descent.to_optimum import TOLERANCE, chosen_solver, solve_epochs, start_solver

    for case, load, K in (("breast cancer", load_breast_cancer, 0), ("digits", load_digits, 10)):
        X, y = load(return_X_y=True)
        X, N = StandardScaler().fit_transform(X), len(y)
        outputs = (K,) if K else ()
        kind = ("softmax", None, "cce") if K else ("neuron", "sigmoid", "bce")

        def objective(kind: Any = kind, X: Any = X, y: Any = y, outputs: Any = outputs, N: int = N) -> Objective:
            target, step = y if outputs else y.astype(float), make_step(*kind, N, outputs, np.dtype(float))
            return Objective(X, target, step, (activation_of(kind[1]), loss_of(kind[2])), outputs, l2=1 / N)

        def solved(name: str, of: Any = objective, outputs: Any = outputs, n: int = X.shape[1]) -> Any:
            solver = chosen_solver(name)
            assert solver is not None
            state = State(np.zeros((n, *outputs)), np.zeros(outputs))
            start_solver(*solver, state)
            for _ in solve_epochs(of(), solver[0], state, 1000, TOLERANCE, Pause()):
                pass
            return state

        def peer(X: Any = X, y: Any = y) -> Any:
            return LogisticRegression(tol=1e-8, max_iter=10_000).fit(X, y)

        J = objective()
        names = [name for name in ("newton", "lbfgs") if name == "lbfgs" or J.p <= 2000]
        found, other = [solved(name) for name in names], peer()
        w, b = (other.coef_.T, other.intercept_) if K else (other.coef_[0], other.intercept_[0])
        least = J(J.pack(w, np.asarray(b))).value
        assert all(J(J.pack(s.w, s.b)).value <= least + 1e-9 for s in found), case
        work: dict[str, Callable[[], Any]] = {name: partial(solved, name) for name in names}
        yield from records("optimum", case, in_turn(work | {"scikit-learn": peer}))


def growth() -> Iterator[Record]:
    """Microseconds a row of an epoch, by rows, features and classes."""
    shapes = [(N, 10, 0) for N in (10**5, 10**6, 10**7)]
    shapes += [(10**4 if n < 10**5 else 1000, n, 0) for n in (10, 100, 1000, 10**4, 10**5)]
    shapes += [(10**4, 20, K) for K in (2, 10, 100, 1000, 10**4)]
    for N, n, K in shapes:
        X, y = bench_train.problem(N, n, K)
        outputs = (K,) if K else ()
        kind = ("softmax", None, "cce") if K else ("neuron", "sigmoid", "bce")
        step = make_step(*kind, 256, outputs, np.dtype(float))
        rng = np.random.default_rng(1)
        descent = Descent(X, y if K else y.astype(float), step, 0.01, 256, 3, rng)
        seconds, began = [], process_time()
        for _ in descend_epochs(descent, State(np.zeros((n, *outputs)), np.zeros(outputs))):
            seconds.append(process_time() - began)
            began = process_time()
        by = "rows" if (n, K) == (10, 0) and N != 10**4 else "classes" if K else "features"
        row = statistics.median(seconds) / N * 1e6
        yield {"part": "growth", "case": f"{by}: {N} rows, {n} features, {K or 2} classes", "by": by,
               "at": {"rows": N, "features": n, "classes": K}[by], "microseconds a row": row}  # fmt: skip


def together() -> Iterator[Record]:
    """Trainings that differ in numbers, each alone and side by side: with what preparing and measuring them takes."""
    from bpcli.training.config.loading import load_config
    from bpcli.training.selection.grid import combinations
    from bpcli.training.selection.plan import plan_of
    from bpcli.training.selection.trials import Bench, Trial, Work

    for name, tried, folds, more in [
        ("iris", "training.learning_rate=log:0.01:0.3:16", None, ()),
        ("iris", "training.seed=0", 5, ()),
        ("breast_cancer", "training.learning_rate=log:0.01:0.3:16", None, ()),
        ("breast_cancer", "training.learning_rate=log:0.01:0.3:16", None, ("training.optimizer=adam",)),
        ("breast_cancer", "training.learning_rate=log:0.01:0.3:4", 4, ()),
        ("breast_cancer", "training.seed=1,2,3,4", 4, ()),
        ("digits", "training.learning_rate=log:0.01:0.3:16", None, ()),
    ]:
        usual = ["data.validation=0.2", "training.early_stopping=null", *more]
        every, bench = combinations([tried]), Bench()
        configs = [load_config(Path("configs", f"{name}.yaml"), [*usual, *map(str, one)]) for one in every]
        (group,) = plan_of(every, configs, folds, bench).groups
        trials = group.trials

        def alone(bench: Bench = bench, trials: Sequence[Trial] = trials) -> Any:
            return [bench(Work([trial]))[0] for trial in trials]

        assert bench(Work(trials)) == alone()
        case = f"{name}: {len(every)} × {tried.split('=')[0]}, {folds or 1} of rows{', '.join(('', *more))}"
        yield from records("together", case, in_turn({"alone": alone, "side by side": partial(bench, Work(trials))}))


def script(name: str, *more: str) -> Callable[[], Iterator[Record]]:
    """A part that is a script of its own, whose text is passed on."""

    def run() -> Iterator[Record]:
        words = [sys.executable, str(Path(__file__).with_name(f"{name}.py")), *more]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        text, failed = done.stdout, done.returncode != 0
        yield {
            "part": name.removeprefix("bench_"),
            "case": "",
            "text": text + done.stderr if failed else text,
            "failed": failed,
        }

    return run


PARTS: dict[str, tuple[tuple[str, ...], Callable[[], Iterator[Record]]]] = {
    "steps": ((), steps),
    "optimum": (("sklearn",), optimum),
    "together": ((), together),
    "growth": ((), growth),
    "engine": (("numba",), script("bench_engine")),
    "parsers": (("pyarrow",), script("bench_csv")),
    "bulk": ((), script("bench_bulk")),
    "memory": ((), script("bench_memory")),
    "accuracy": ((), script("bench_accuracy")),
    "ranks": (("mpi4py",), script("bench_ranks")),
    "scale": (("mpi4py",), script("bench_scale")),
    **{name: ((), partial(whole_commands.measure, name)) for name in whole_commands.CASES},
}
"""The parts by name: the modules that they need, and what measures them."""


def shown(record: Record) -> str:
    """A record as a line of text."""
    if "text" in record:
        return str(record["text"]).rstrip()
    if "microseconds a row" in record:
        return f"{record['part']:8} {record['case']:46} {record['microseconds a row']:10.3f} µs a row"
    s = record["seconds"]
    spread, of_first = f"{s['least']:.4f} to {s['most']:.4f}", f"{record['first']}/it {record['ratio']:.2f}"
    line = f"{record['part']:8} {record['case']:20} {record['name']:16} {s['median']:9.4f} s ({spread}) {of_first}"
    if "clock" in record:
        line += (
            f"; by the clock {record['clock']:.3f} s, {record['ratio of clocks']:.2f}; {record['bytes'] / 1e6:.0f} MB"
        )
        line += f", {record['of the data']:.2f} of the data" if record["of the data"] else ""
    return line


def plot(found: list[Record], path: Path) -> None:
    """Time a row by rows, features and classes."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(12, 4))
    for axis, by in zip(axes, ("rows", "features", "classes"), strict=True):
        points = [(r["at"], r["microseconds a row"]) for r in found if r.get("by") == by]
        axis.loglog(*zip(*points, strict=True), "o-")
        axis.set(xlabel=by, ylabel="µs a row")
    figure.savefig(path, bbox_inches="tight")


def main() -> int:
    """Measure the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="a picture of growth")
    given = parser.parse_args()
    if unknown := [name for name in given.parts if name not in PARTS]:
        parser.error(f"no part {', '.join(unknown)}; the parts are {', '.join(PARTS)}")
    found: list[Record] = []
    for name in given.parts or PARTS:
        needed, measure = PARTS[name]
        if lacking := [module for module in needed if find_spec(module) is None]:
            print(f"{name:8} {', '.join(lacking)} is not installed: pip install -e '.[bench]'")
            continue
        for record in measure():
            found.append(record)
            print(shown(record), flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    if given.plot is not None:
        plot(found, given.plot)
    return int(any(record.get("failed") for record in found))


if __name__ == "__main__":
    sys.exit(main())
