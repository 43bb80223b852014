"""Training beside what one would write instead: epochs a second of the same model, data, batch size and steps.

    pip install -e '.[bench]' && python tests/benchmarks/bench_train.py

Each row trains one softmax or sigmoid model by plain mini-batch gradient descent for some epochs: bpcli's loop, the
textbook's NumPy (p − y from scratch in each step), and PyTorch (nn.Linear, its fused loss, SGD) if it is installed. The
contestants take turns; the figures are medians of the seconds, and the medians of the ratios pair by pair.
"""

import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from bpcli.formulas.steps import make_step
from bpcli.training.descent.batches import Descent
from bpcli.training.descent.loop import descend_epochs
from bpcli.training.descent.state import State

ROUNDS = 7
CASES = [
    # name, rows, features, classes (0: one sigmoid neuron), batch, epochs
    ("iris-like", 150, 4, 3, 16, 60),
    ("digits-like", 1800, 64, 10, 32, 10),
    ("breast-cancer-like", 569, 30, 0, 32, 30),
    ("wide", 20000, 784, 10, 128, 2),
    ("tall", 500000, 20, 0, 1024, 2),
    ("large batches", 100_000, 100, 10, 4096, 4),
]


def problem(rows: int, features: int, classes: int) -> tuple[Any, Any]:
    """Random features and labels."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, features)), rng.integers(0, classes or 2, rows)


def with_bpcli(X: Any, y: Any, classes: int, batch: int, epochs: int) -> Any:
    """The loop of `bpcli train`."""
    outputs = (classes,) if classes else ()
    w, b = np.zeros((X.shape[1], *outputs)), np.zeros(outputs)
    kind = ("softmax", None, "cce") if classes else ("neuron", "sigmoid", "bce")
    step = make_step(*kind, batch, outputs, w.dtype)
    target = y if classes else y.astype(float)
    rng = np.random.default_rng(1)
    descent = Descent(X, target, step, 0.05, batch_size=batch, epochs=epochs, rng=rng)
    for _ in descend_epochs(descent, State(w, b)):
        pass
    return w


def with_numpy(X: Any, y: Any, classes: int, batch: int, epochs: int) -> Any:
    """The textbook: one-hot labels, probabilities, a new array for every step of the way."""
    outputs = (classes,) if classes else ()
    w, b = np.zeros((X.shape[1], *outputs)), np.zeros(outputs)
    target = np.eye(classes)[y] if classes else y.astype(float)
    rng = np.random.default_rng(1)
    for _ in range(epochs):
        order = rng.permutation(len(X))
        total = 0.0
        for start in range(0, len(X), batch):
            rows = order[start : start + batch]
            x, t = X[rows], target[rows]
            z = x @ w + b
            if classes:
                e = np.exp(z - z.max(axis=1, keepdims=True))
                p = e / e.sum(axis=1, keepdims=True)
                total -= (t * np.log(p + 1e-12)).sum()
            else:
                p = 1 / (1 + np.exp(-z))
                total -= (t * np.log(p + 1e-12) + (1 - t) * np.log(1 - p + 1e-12)).sum()
            g = (p - t) / len(rows)
            w -= 0.05 * (x.T @ g)
            b -= 0.05 * g.sum(axis=0)
    return w


def with_torch(X: Any, y: Any, classes: int, batch: int, epochs: int) -> Any:
    """PyTorch as its tutorials write it, in double precision, indexing a tensor rather than through a DataLoader."""
    import torch

    layer = torch.nn.Linear(X.shape[1], classes or 1, dtype=torch.float64)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    loss = torch.nn.CrossEntropyLoss() if classes else torch.nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.05)
    data, target = torch.from_numpy(X), torch.from_numpy(y if classes else y.astype(float))
    generator = torch.Generator().manual_seed(1)
    for _ in range(epochs):
        order = torch.randperm(len(data), generator=generator)
        for start in range(0, len(data), batch):
            rows = order[start : start + batch]
            z = layer(data[rows])
            J = loss(z if classes else z[:, 0], target[rows])
            optimizer.zero_grad()
            J.backward()
            optimizer.step()
    return layer.weight.detach().numpy().T


def contestants() -> dict[str, Callable[..., Any]]:
    """Those that can run here."""
    found: dict[str, Callable[..., Any]] = {"bpcli": with_bpcli, "NumPy": with_numpy}
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: pip install -e '.[bench]' would add it to the table")
    else:
        torch.set_num_threads(1)  # the batches are small: more threads would only cost it time
        found["PyTorch"] = with_torch
    return found


def main() -> None:
    """Print the table."""
    runners = contestants()
    others = [name for name in runners if name != "bpcli"]
    print(
        "".join(["case".ljust(20), *(f"{n} s".rjust(12) for n in runners), *(f"{n}/bpcli".rjust(16) for n in others)])
    )
    for name, rows, features, classes, batch, epochs in CASES:
        X, y = problem(rows, features, classes)
        times: dict[str, list[float]] = {runner: [] for runner in runners}
        for _ in range(ROUNDS):
            for runner, train in runners.items():
                began = perf_counter()
                train(X, y, classes, batch, epochs)
                times[runner].append(perf_counter() - began)
        ratio = {o: statistics.median(a / b for a, b in zip(times[o], times["bpcli"], strict=True)) for o in others}
        seconds = [f"{statistics.median(t):.4f}".rjust(12) for t in times.values()]
        print("".join([name.ljust(20), *seconds, *(f"{ratio[o]:.1f}".rjust(16) for o in others)]))


if __name__ == "__main__":
    main()
