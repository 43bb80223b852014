"""Microseconds of a training step: NumPy's loop, the compiled one, and those of JAX and PyTorch that are installed.

    pip install -e '.[bench,compiled]' && python tests/benchmarks/bench_engine.py

Each trains the same model on the same rows in the same order, from the same start; that the weights agree is checked
first. The contestants take turns, each on one thread; the figures are medians of the processor's time of several
epochs, without reading and compiling: of JAX a compiled scan over the batches, of PyTorch its modules and its SGD.
"""

import os

os.environ |= {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import statistics
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np

from bpcli.errors import MissingExtraError
from bpcli.formulas.layers import activation_of, loss_of
from bpcli.formulas.steps import make_step
from bpcli.training.descent.batches import Descent
from bpcli.training.descent.compiled import descend_compiled, kind_of, program_text
from bpcli.training.descent.compiler import compiled_program
from bpcli.training.descent.loop import descend_epochs
from bpcli.training.descent.state import State

ROUNDS, RATE = 9, 0.05
CASES = [
    # batch, features, classes (0: one sigmoid neuron), steps of an epoch
    (1, 20, 0, 1000),
    (32, 30, 2, 1000),
    (32, 64, 10, 1000),
    (128, 784, 10, 200),
    (4096, 100, 10, 50),
]

Epoch = Callable[[], Any]


def started(batch: int, features: int, classes: int, steps: int) -> tuple[Descent, State, tuple[str, str | None, str]]:
    """A training before its first step, of rows that keep their order."""
    rng, outputs = np.random.default_rng(0), (classes,) if classes else ()
    X, y = rng.normal(size=(steps * batch, features)), rng.integers(0, classes or 2, steps * batch)
    kind = ("softmax", None, "cce") if classes else ("neuron", "sigmoid", "bce")
    step = make_step(*kind, batch, outputs, X.dtype)
    descent = Descent(X, y if classes else y.astype(float), step, RATE, batch, 10**9)
    return descent, State(np.zeros((features, *outputs)), np.zeros(outputs)), kind


def with_numpy(batch: int, features: int, classes: int, steps: int) -> Epoch:
    """The loop over arrays; a call trains an epoch and returns the weights."""
    descent, state, _ = started(batch, features, classes, steps)
    epochs = descend_epochs(descent, state)
    return lambda: (next(epochs), state.w)[1]


def with_numba(batch: int, features: int, classes: int, steps: int) -> Epoch:
    """The compiled loop."""
    descent, state, (_, activation, loss) = started(batch, features, classes, steps)
    text = program_text(kind_of(activation_of(activation), loss_of(loss), descent.X, descent.update_rule))
    epochs = descend_compiled(compiled_program(text), descent, state)
    return lambda: (next(epochs), state.w)[1]


def with_jax(batch: int, features: int, classes: int, steps: int) -> Epoch:
    """JAX's scan over the batches of an epoch, in float64."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    descent, state, _ = started(batch, features, classes, steps)

    def J(parameters: Any, x: Any, y: Any) -> Any:
        z = x @ parameters[0] + parameters[1]
        if classes:
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1))
        return jnp.mean(jax.nn.softplus(z) - y * z)

    def step(parameters: Any, rows: Any) -> Any:
        loss, (dJ_dw, dJ_db) = jax.value_and_grad(J)(parameters, *rows)
        return (parameters[0] - RATE * dJ_dw, parameters[1] - RATE * dJ_db), loss

    epoch = jax.jit(lambda parameters, rows: jax.lax.scan(step, parameters, rows))
    rows = jnp.asarray(descent.X.reshape(steps, batch, features)), jnp.asarray(descent.y.reshape(steps, batch))
    now = [(jnp.asarray(state.w), jnp.asarray(state.b))]

    def train() -> Any:
        now[0], losses = epoch(now[0], rows)
        losses.block_until_ready()
        return np.asarray(now[0][0])

    return train


def with_torch(batch: int, features: int, classes: int, steps: int) -> Epoch:
    """PyTorch's layer, fused loss and SGD, in float64, over slices of a tensor."""
    import torch

    torch.set_num_threads(1)
    descent, _, _ = started(batch, features, classes, steps)
    layer = torch.nn.Linear(features, classes or 1, dtype=torch.float64)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    loss = torch.nn.CrossEntropyLoss() if classes else torch.nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(layer.parameters(), lr=RATE)
    X, y = torch.from_numpy(descent.X), torch.from_numpy(descent.y)

    def train() -> Any:
        for start in range(0, len(X), batch):
            z = layer(X[start : start + batch])
            J = loss(z if classes else z[:, 0], y[start : start + batch])
            optimizer.zero_grad()
            J.backward()
            optimizer.step()
        w = layer.weight.detach().numpy()
        return w.T if classes else w[0]

    return train


def main() -> None:
    """Print a line for each case."""
    for batch, features, classes, steps in CASES:
        engines, refused = {}, []
        for name, make in (("numpy", with_numpy), ("numba", with_numba), ("jax", with_jax), ("torch", with_torch)):
            try:
                engines[name] = make(batch, features, classes, steps)
            except (ImportError, MissingExtraError) as error:
                refused.append(f"{name}: {error}")
        first = {name: np.array(train()) for name, train in engines.items()}
        for name, w in first.items():
            np.testing.assert_allclose(w, first["numpy"], rtol=1e-9, atol=1e-12, err_msg=name)
        seconds: dict[str, list[float]] = {name: [] for name in engines}
        for _ in range(ROUNDS):
            for name, train in engines.items():
                began = process_time()
                train()
                seconds[name].append(process_time() - began)
        figures = "  ".join(
            f"{name} {statistics.median(taken) / steps * 1e6:.2f} µs" for name, taken in seconds.items()
        )
        print(f"{batch} × {features} → {classes or 1}:  {figures}  {'; '.join(refused)}")


if __name__ == "__main__":
    main()
