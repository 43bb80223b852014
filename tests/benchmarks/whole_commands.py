"""Whole commands beside the programs that do the same: time of the processor, by the clock, and memory.

A case writes its files, names what to run, and says what answer each gives: those are compared before anything is
measured. All run with one thread for BLAS unless the case says else, each in a process of its own, in turn.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).parent.parent.parent
PEERS = Path(__file__).parent / "peers"
Record = dict[str, Any]
Answer = Callable[[str], Any]

WITHOUT = "import sys; sys.modules.update(dict.fromkeys({!r})); from bpcli.__main__ import main; main()"
"""A start of bpcli as if some extras were not installed."""


class Contestant(NamedTuple):
    """Words to run in the case's folder, the modules or programs that they need, and what their output answers."""

    words: list[str]
    needs: tuple[str, ...] = ()
    answer: Answer | None = None


class Case(NamedTuple):
    """What is compared: bpcli is the first; answers are to agree within so much."""

    contestants: dict[str, Contestant]
    within: float = 0.0
    data: int = 0  # bytes of the data as a matrix


class Cost(NamedTuple):
    """What a process took: the processor's seconds, seconds by the clock, and its most memory."""

    processor: float
    clock: float
    bytes: int


START = """
import os, sys, time
began = time.perf_counter()
_, status, used = os.wait4(os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ), 0)
print(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss * 1024, file=open("cost.txt", "w"))
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""
"""A small process that runs another and writes what it cost: the system counts its own memory as the other's, too."""


def run(words: list[str], folder: Path) -> tuple[Cost, str]:
    """Run it to its end; what it cost, and its output."""
    one = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}  # as a user starts it
    environment |= {**one, "PYTHONPATH": str(ROOT), "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}
    start = [sys.executable, "-S", "-c", START, *words]
    done = subprocess.run(start, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr}")
    processor, clock, most = map(float, (folder / "cost.txt").read_text().split())
    return Cost(processor, clock, int(most)), done.stdout


# Contestants


def bpcli(*words: str, answer: Answer | None = None, without: tuple[str, ...] = ()) -> Contestant:
    """bpcli as it is, or without some modules."""
    start = ["-c", WITHOUT.format(without)] if without else ["-m", "bpcli"]
    return Contestant([sys.executable, *start, *words], (), answer)


def trained(config: dict[str, Any], folder: Path, name: str, *more: str, without: tuple[str, ...] = ()) -> Contestant:
    """`bpcli train` of a config, which is written; it answers the accuracy, or with `--format json` what is asked."""
    (folder / f"{name}.yaml").write_text(json.dumps(config))
    words = ["train", f"{name}.yaml", "--quiet", "--force", "--format", "json", "--output", name, *more]
    return bpcli(*words, answer=lambda out: json.loads(out)["train"]["accuracy"], without=without)


def peer(name: str, *words: str, needs: tuple[str, ...] = (), answer: Answer | None = None) -> Contestant:
    """A script of the folder `peers`, whose last line is its answer."""
    last: Answer = answer or (lambda out: float(out.split()[-1]))
    return Contestant([sys.executable, str(PEERS / f"{name}.py"), *words], needs, last)


NEURON: dict[str, Any] = {"model": {"type": "neuron", "activation": "sigmoid"}, "loss": "bce"}
SOFTMAX: dict[str, Any] = {"model": {"type": "softmax"}, "loss": "cce"}


# Cases


def iris(folder: Path) -> Case:
    """A small training: starting is what it costs."""
    words = ["train", str(ROOT / "configs/iris.yaml"), "--quiet", "--force", "--format", "json", "--output", "iris"]
    imports = Contestant([sys.executable, "-c", "import numpy"])
    own = bpcli(*words, answer=lambda out: json.loads(out)["train"]["accuracy"])
    sklearn = peer("iris", str(ROOT / "data/iris.csv"), needs=("sklearn",))
    return Case({"bpcli": own, "import numpy": imports, "scikit-learn": sklearn}, within=0.04)


def npy(folder: Path) -> Case:
    """10⁷ × 10 doubles, one epoch: beside reading the file alone."""
    rng = np.random.default_rng(0)
    table = np.lib.format.open_memmap(folder / "rows.npy", "w+", np.float64, (10**7, 11))
    for start in range(0, len(table), 10**6):
        X = rng.normal(size=(10**6, 10))
        table[start : start + 10**6, :10] = X
        table[start : start + 10**6, 10] = X.sum(axis=1) + rng.normal(size=10**6) > 0
    table.flush()
    training = {"learning_rate": 0.5, "epochs": 1, "batch_size": 256}
    data = {"path": "rows.npy", "target": "x11", "standardize": True}
    own = trained({**NEURON, "training": training, "data": data}, folder, "npy")
    read = Contestant([sys.executable, "-c", "import numpy; numpy.load('rows.npy')"])
    return Case({"bpcli": own, "np.load": read}, data=table.nbytes)


CSV_ROWS = 10**6
NO_EXTRAS = ("pyarrow", "orjson")


def _csv(folder: Path) -> dict[str, Any]:
    """Rows of 30 numbers and a class of two; the config that trains on them."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=30) / 3
    with open(folder / "rows.csv", "w", encoding="utf-8") as file:
        file.write(",".join([*(f"x{j}" for j in range(30)), "y"]) + "\n")
        for _ in range(0, CSV_ROWS, 50_000):
            X = rng.normal(size=(50_000, 30))
            y = X @ w + rng.logistic(size=50_000) > 0
            rows = zip(X.tolist(), y.tolist(), strict=True)
            file.writelines(f"{','.join(map(repr, row))},{label:d}\n" for row, label in rows)
    training = {"learning_rate": 0.5, "epochs": 3, "batch_size": 256}
    return {**NEURON, "training": training, "data": {"path": "rows.csv", "target": "y", "standardize": True}}


def csv(folder: Path) -> Case:
    """10⁶ × 30 as CSV, three epochs: beside scikit-learn's SGD with two readers of pandas'."""
    config = _csv(folder)
    return Case(
        {
            "bpcli": trained(config, folder, "csv"),
            "no extras": trained(config, folder, "csv", without=NO_EXTRAS),
            "sklearn, pyarrow": peer("csv_sgd", "rows.csv", "pyarrow", "m.npz", needs=("sklearn", "pandas", "pyarrow")),
            "sklearn, C": peer("csv_sgd", "rows.csv", "c", "m.npz", needs=("sklearn", "pandas")),
        },
        within=0.002,
    )


def predict(folder: Path) -> Case:
    """Predictions of the rows of that file, as CSV: beside scikit-learn with pyarrow, and with pandas' C."""
    found = csv(folder)
    for name in ("bpcli", "sklearn, C"):
        run(found.contestants[name].words, folder)

    def right(_: str) -> float:
        """The mean of the predictions."""
        table = np.genfromtxt(folder / "p.csv", delimiter=",", skip_header=1, max_rows=10_000)
        return float(table[:, 2].mean())

    def words(reader: str, *needs: str) -> Contestant:
        return peer("csv_sgd", "rows.csv", reader, "m.npz", "p.csv", needs=("sklearn", "pandas", *needs), answer=right)

    own = ("predict", "csv", "rows.csv", "--output", "p.csv", "--force")
    contestants = {
        "bpcli": bpcli(*own, answer=right),
        "no extras": bpcli(*own, answer=right, without=NO_EXTRAS),
        "sklearn, pyarrow": words("pyarrow", "pyarrow"),
        "sklearn, C": words("c"),
    }
    return Case(contestants, within=0.01)


def _sparse(folder: Path) -> None:
    """Rows like a9a's: 32,561, of 14 attributes one-hot encoded in 123 columns; for VW in its own format too."""
    rng = np.random.default_rng(0)
    sizes = [5, 8, 5, 16, 5, 7, 14, 6, 5, 2, 2, 2, 5, 41]
    first = np.concatenate([[1], 1 + np.cumsum(sizes)[:-1]])
    w = rng.normal(size=1 + sum(sizes))
    columns = [
        start + rng.choice(k, 32_561, p=rng.dirichlet(np.ones(k))) for start, k in zip(first, sizes, strict=True)
    ]
    X = np.stack(columns, axis=1)
    z = w[X].sum(axis=1)
    y = np.where(z - np.quantile(z, 0.76) + rng.logistic(size=len(z)) > 0, 1, -1)
    rows = list(zip(y.tolist(), [" ".join(f"{j}:1" for j in row) for row in X.tolist()], strict=True))
    (folder / "rows.svm").write_text("".join(f"{label:+d} {row}\n" for label, row in rows))
    (folder / "rows.vw").write_text("".join(f"{label} | {row}\n" for label, row in rows))


def libsvm(folder: Path) -> Case:
    """Rows like a9a's, to liblinear's accuracy: beside liblinear, Vowpal Wabbit and scikit-learn."""
    _sparse(folder)
    training = {"learning_rate": 0.5, "epochs": 3, "batch_size": 32}
    config = {**NEURON, "training": training, "data": {"path": "rows.svm", "target": "none"}}
    labels = [line.split(" ", 1)[0] for line in (folder / "rows.vw").read_text().splitlines()]

    def liblinear(_: str) -> float:
        words = ["liblinear-predict", "rows.svm", "m", "p"]
        said = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout
        return float(said.split("%")[0].split()[-1]) / 100

    def vw(_: str) -> float:
        words = [*learn[:5], "-t", "-i", "m.vw", "-p", "p.txt", "--quiet"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True)
        said = (folder / "p.txt").read_text().split()
        return sum((float(z) > 0) == (y == "1") for z, y in zip(said, labels, strict=True)) / len(labels)

    learn = [sys.executable, "-m", "vowpalwabbit", "-d", "rows.vw", "--loss_function", "logistic", "--quiet"]
    contestants = {
        "bpcli": trained(config, folder, "svm"),
        "liblinear": Contestant(["liblinear-train", "-s", "0", "-q", "rows.svm", "m"], ("liblinear-train",), liblinear),
        "vw": Contestant([*learn, "--passes", "3", "-c", "-k", "-f", "m.vw"], ("vowpalwabbit",), vw),
        "scikit-learn": peer("libsvm", "rows.svm", needs=("sklearn",)),
    }
    return Case(contestants, within=0.005)


def idx(folder: Path) -> Case:
    """60,000 images of 28 × 28, softmax, batches of 128, ten epochs: beside PyTorch in float32 without a loader."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 60_000)
    shapes = rng.integers(0, 256, (10, 784)) * (rng.random((10, 784)) < 0.2)
    X = np.where(rng.random((60_000, 784)) < 0.75, shapes[y], rng.integers(0, 256, (60_000, 784))).astype(np.uint8)
    header = np.array([0x803, 60_000, 28, 28], ">u4").tobytes(), np.array([0x801, 60_000], ">u4").tobytes()
    (folder / "images-ubyte").write_bytes(header[0] + X.tobytes())
    (folder / "labels-ubyte").write_bytes(header[1] + y.astype(np.uint8).tobytes())
    data = {"path": "images-ubyte", "target_path": "labels-ubyte", "target": "digit", "scale": 255}
    training = {"learning_rate": 0.1, "epochs": 10, "batch_size": 128}
    config = {**SOFTMAX, "training": training, "data": data}
    contestants = {
        "bpcli, float32": trained(config, folder, "f4", "--set", "training.dtype=float32"),
        "bpcli, float64": trained(config, folder, "f8"),
        "torch": peer("idx_torch", "images-ubyte", "labels-ubyte", "1", needs=("torch",)),
    }
    return Case(contestants, within=0.01, data=4 * X.size)


def jacobian(folder: Path) -> Case:
    """The softmax Jacobian of 2,000 logits as text: beside `np.savetxt`."""
    logits = list(map(repr, np.random.default_rng(0).normal(size=2000).tolist()))
    (folder / "logits.txt").write_text(",".join(logits))
    (folder / "z.txt").write_text("\n".join(logits))
    words = ("jacobian", "softmax", "--logits", "@logits.txt")

    def written(_: str) -> float:
        """The first entry of the text."""
        with open(folder / "j.txt", encoding="utf-8") as file:
            return float(next(file).split()[0])

    def first(out: str) -> float:
        """The first entry of what was printed."""
        return float(out[:100].strip(" [").replace(",", " ").split()[0])

    return Case(
        {
            "bpcli": bpcli(*words, answer=first),
            "no extras": bpcli(*words, answer=first, without=NO_EXTRAS),
            "np.savetxt": peer("jacobian", "z.txt", "j.txt", answer=written),
        },
        within=1e-12,
    )


EXPRESSIONS = {
    "x**2+y**2": "x**2+y**2",
    "(1-x)**2+100*(y-x**2)**2": "(1-x)**2+100*(y-x**2)**2",
    "sin(x)*exp(y)": "jnp.sin(x)*jnp.exp(y)",
    "sigmoid(x)*log(1+y**2)": "jax.nn.sigmoid(x)*jnp.log(1+y**2)",
    "log(x*y)/(x+y)": "jnp.log(x*y)/(x+y)",
}


def points(folder: Path) -> Case:
    """Values and gradients of five expressions at a million points, `.npy` to `.npy`: one command, one JAX."""
    np.save(folder / "points.npy", np.random.default_rng(0).uniform(0.5, 3, (10**6, 2)))

    def sums(of: str) -> Callable[[str], Any]:
        return lambda _: np.load(folder / of).sum(axis=0)

    own = bpcli(
        "jacobian", *EXPRESSIONS, *["--points", "points.npy", "--output", "own.npy", "--force"], answer=sums("own.npy")
    )
    jax = peer("points_jax", "points.npy", "all.npy", *EXPRESSIONS.values(), needs=("jax",), answer=sums("all.npy"))
    return Case({"bpcli": own, "jax": jax}, within=1e-2)


def _optimum(data: str, target: str, model: dict[str, Any], solver: str, its: str, folder: Path) -> Case:
    """To the optimum with l2 = 1/N: beside scikit-learn's script, whose l2 is the same."""
    rows = (folder / data).read_bytes().count(b"\n") - (not data.endswith(".svm"))
    table = {"path": data, "target": target} | ({} if data.endswith(".svm") else {"standardize": True})
    training = {"optimizer": solver, "epochs": 1000, "l2": 1 / rows}
    own = trained({**model, "training": training, "data": table}, folder, "o")

    def objective(out: str) -> float:
        """J of the rows, penalty included."""
        with np.load(folder / "o/model.npz") as kept:
            return float(json.loads(out)["train"]["loss"] + (kept["w"] ** 2).sum() / 2 / rows)

    return Case(
        {"bpcli": own._replace(answer=objective), "sklearn": peer("optimum", data, its, needs=("sklearn",))}, 1e-8
    )


def optimum_cancer(folder: Path) -> Case:
    """Breast cancer, by newton."""
    (folder / "c.csv").write_text((ROOT / "data/breast_cancer.csv").read_text())
    return _optimum("c.csv", "diagnosis", NEURON, "newton", "lbfgs", folder)


def optimum_digits(folder: Path) -> Case:
    """Digits, by lbfgs."""
    (folder / "d.csv").write_text((ROOT / "data/digits.csv").read_text())
    return _optimum("d.csv", "digit", SOFTMAX, "lbfgs", "lbfgs", folder)


def optimum_sparse(folder: Path) -> Case:
    """Rows like a9a's, by newton."""
    _sparse(folder)
    return _optimum("rows.svm", "none", NEURON, "newton", "newton-cholesky", folder)


CASES: dict[str, tuple[Callable[[Path], Case], int]] = {
    "iris": (iris, 9), "npy": (npy, 3), "csv": (csv, 3), "predict": (predict, 3), "libsvm": (libsvm, 7),
    "idx": (idx, 3), "jacobian": (jacobian, 3), "points": (points, 5), "optimum-cancer": (optimum_cancer, 5),
    "optimum-digits": (optimum_digits, 5), "optimum-sparse": (optimum_sparse, 5),
}  # fmt: skip
"""The cases by name, and how many rounds each is worth."""


def measure(name: str) -> Iterator[Record]:
    """A record for each contestant of a case, with the median ratios of the first one's costs to its own."""
    make, rounds = CASES[name]
    with TemporaryDirectory(dir=os.environ.get("TMPDIR")) as place:
        folder = Path(place)
        case = make(folder)
        costs: dict[str, list[Cost]] = {}
        answers = []
        for who, one in case.contestants.items():
            if lacking := [need for need in one.needs if find_spec(need) is None and which(need) is None]:
                yield {
                    "part": "commands",
                    "case": name,
                    "text": f"{name:15} {who}: {', '.join(lacking)} is not installed",
                }
                continue
            _, out = run(one.words, folder)
            costs[who] = []
            if one.answer is not None:
                answers.append(one.answer(out))
                np.testing.assert_allclose(answers[-1], answers[0], rtol=0, atol=case.within, err_msg=f"{name}, {who}")
        for _ in range(rounds):
            for who, taken in costs.items():
                taken.append(run(case.contestants[who].words, folder)[0])
        first = next(iter(costs.values()))
        for who, taken in costs.items():
            pairs = list(zip(first, taken, strict=True))
            seconds = [cost.processor for cost in taken]
            figures = {"median": statistics.median(seconds), "least": min(seconds), "most": max(seconds)}
            most = max(cost.bytes for cost in taken)
            yield {
                "part": "commands", "case": name, "name": who, "seconds": figures, "first": next(iter(costs)),
                "ratio": statistics.median(a.processor / b.processor for a, b in pairs),
                "clock": statistics.median(cost.clock for cost in taken),
                "ratio of clocks": statistics.median(a.clock / b.clock for a, b in pairs),
                "bytes": most, "of the data": most / case.data if case.data else None,
            }  # fmt: skip
