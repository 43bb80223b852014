"""Check of a config: the gradient of its model and loss on its own data, compared with difference quotients."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bpcli.calculus.checks.checking import Checked, compared, open_beside_kink
from bpcli.calculus.checks.differences import difference_quotients
from bpcli.datasets.sparse import dense
from bpcli.formulas.steps import make_step
from bpcli.training.config.loading import load_config
from bpcli.training.setup import prepare

MAX_ROWS = 64  # of the training data that the check uses
MAX_WEIGHTS = 24


class WeightsCheck(NamedTuple):
    """Checked entries of ∂J/∂w and ∂J/∂b, out of `total`, on `rows` rows of the data; `where` names the weights."""

    where: str
    entries: list[Checked]
    total: int
    rows: int


def check_config(path: Path) -> Iterator[WeightsCheck]:
    """Check the gradient at the initial weights and at random ones; ConfigError, DataError as in training."""
    training = prepare(load_config(path))
    model, part = training.model, training.parts["train"]
    rows = min(MAX_ROWS, len(part.y))
    X, y = dense(part.X[:rows]), part.y[:rows]
    target = model.target(y, float)
    weights = None if part.weights is None else part.weights[:rows]
    step = make_step(model.type, model.activation, model.loss, rows, model.b.shape, np.dtype(float))
    outputs, size = model.b.shape, model.w.size

    def logits(flat: Any) -> Any:
        return np.ascontiguousarray(X @ flat[:size].reshape(model.w.shape) + flat[size:].reshape(outputs))

    def loss(flat: Any) -> float:
        return float(step(logits(flat), target, weights)) / rows

    rng, titles = np.random.default_rng(0), _titles(model)
    for where, w, b in (
        ("start", model.w.astype(float), model.b.astype(float)),
        ("random weights", rng.normal(0, len(model.w) ** -0.5, model.w.shape), rng.normal(0, 0.5, outputs)),
    ):
        start = np.concatenate([w.ravel(), np.ravel(b)])
        with np.errstate(all="ignore"):
            z = logits(start)
            step(z, target, weights)  # in place: z becomes N·∂J/∂z
            exact = np.concatenate([(X.T @ z / rows).ravel(), np.ravel(z.sum(axis=0) / rows)])
            found = [_entry(loss, start, exact, k, titles[k]) for k in _sampled(len(start), size)]
        yield WeightsCheck(where, found, len(start), rows)


def _titles(model: Any) -> list[str]:
    features = model.preparation.feature_names
    classes = [str(name) for name in model.classes] if model.activation is None and model.classes else [""]
    titles = [f"w[{feature}{',' + name if name else ''}]" for feature in features for name in classes]
    return titles + [f"b[{name}]" if name else "b" for name in classes]


def _entry(loss: Any, start: Any, exact: Any, k: int, title: str) -> Checked:
    def f(x: float) -> list[float]:
        changed = start.copy()
        changed[k] = x
        return [loss(changed)]

    at = float(start[k])
    return open_beside_kink(compared(f"dJ/d{title}", float(exact[k]), difference_quotients(f, at)[0]), f, at)


def _sampled(count: int, weights: int) -> list[int]:
    """The numbers of the weights that are checked: all, or `MAX_WEIGHTS` evenly spaced ones and the first biases."""
    if count <= MAX_WEIGHTS:
        return list(range(count))
    biases = list(range(weights, min(count, weights + MAX_WEIGHTS // 4)))
    return [*np.linspace(0, weights - 1, MAX_WEIGHTS - len(biases)).astype(int).tolist(), *biases]
