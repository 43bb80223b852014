"""Runs compared on the same rows, in Python."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.api.arguments import each_text
from bpcli.api.predictions import own_data, scores
from bpcli.api.selection import check_losses
from bpcli.datasets.preparation.fitting import rows_dropped
from bpcli.errors import DataError, UsageError, meant
from bpcli.files import digest_of
from bpcli.training.metrics import METRICS, metrics_of
from bpcli.training.model import Model
from bpcli.training.named_data import files_of, named_files, preparation_options, read_data, split
from bpcli.training.run import load_model
from bpcli.training.setup import streams

Array = NDArray[Any]

DRAWS = 2000
"""Bootstrap samples of the rows."""

_ROOM = 1 << 17
"""Numbers of a block of samples: few enough to stay in a cache."""


@dataclass(frozen=True)
class Compared:
    """A run's metric on `rows` rows, its difference to the best run's, and the 95 % interval of that, [low, high]."""

    run: Path
    rows: int
    metric: str
    value: float | None
    difference: float
    low: float
    high: float


def compare(
    runs: Sequence[str | os.PathLike[str]],
    *,
    data: str | os.PathLike[str] | None = None,
    part: str = "validation",
    metric: str = "loss",
    seed: int = 0,
) -> list[Compared]:
    """Measure runs on the same rows: a `part` of their own data (train, validation, test), or a file `data`.

    The interval is that of the percentiles of 2,000 samples of the rows, drawn with replacement, the same for all runs
    (Efron & Tibshirani 1993, 13.3). UsageError where rows, targets or classes differ; DataError as `load`.
    """
    paths = [Path(run) for run in each_text(runs)]
    if len(paths) < 2:
        raise UsageError("there is nothing to compare with: give two runs or more")
    if seed < 0:
        raise UsageError(f"seed is {seed}: expected 0 or more", names=("seed",))
    models = [load_model(path) for path in paths]
    for path, model in zip(paths[1:], models[1:], strict=True):
        _check_alike(paths[0], models[0], path, model, metric)
    of_runs = [_rows(path, model, data, part) for path, model in zip(paths, models, strict=True)]
    _, y, identity = of_runs[0]
    for path, (_, others, other) in zip(paths, of_runs, strict=True):
        if other != identity or not np.array_equal(y, others):
            raise UsageError(
                f"{paths[0]} and {path} are not measured on the same rows",
                "data FILE, a table of rows for all of them" if data is None else "their configs drop different rows",
                names=("data",),
            )
    if not len(y):
        raise DataError("there are no rows to compare on")
    scored = [(model, z) for model, (z, _, _) in zip(models, of_runs, strict=True)]
    values = [model.metric(metric, z, y) for model, z in scored]
    if all(value is None for value in values):
        needs = METRICS[metric].needs
        raise DataError(f"{metric} has no value on these rows{f': it needs {needs}' if needs else ''}")
    higher = METRICS[metric].higher_is_better
    known = [nan if value is None else value for value in values]
    order = [k for k in range(len(known)) if known[k] == known[k]]
    best = min(order, key=lambda k: -known[k] if higher else known[k]) if order else 0
    draws = _draws(scored, y, metric, seed)
    found = []
    for k, path in enumerate(paths):
        with np.errstate(all="ignore"):
            differences = draws[:, k] - draws[:, best]
            differences = differences[~np.isnan(differences)]
        low, high = np.quantile(differences, [0.025, 0.975]).tolist() if len(differences) else (nan, nan)
        apart = 0.0 if k == best else known[k] - known[best]
        found.append(Compared(path, len(y), metric, values[k], apart, low, high))
    return found


def _draws(scored: Sequence[tuple[Model, Array]], y: Array, metric: str, seed: int) -> Array:
    """The metric of each run on each sample of the rows, (DRAWS, runs); NaN where it has no value.

    A sample is represented by how often it has each row; a block of samples is in memory at a time.
    """
    rng, found, N = np.random.default_rng(seed), np.empty((DRAWS, len(scored))), len(y)
    of_runs = [model.on_samples(metric, z, y) for model, z in scored]
    size = max(1, min(DRAWS, _ROOM // N))
    counts = np.empty((size, N))
    for at in range(0, DRAWS, size):
        block = counts[: DRAWS - at]
        for sample in block:
            sample[...] = np.bincount(rng.integers(0, N, N), minlength=N)
        with np.errstate(all="ignore"):
            for k, of_samples in enumerate(of_runs):
                found[at : at + size, k] = of_samples(block)
    return found


def _check_alike(first: Path, model: Model, path: Path, other: Model, metric: str) -> None:
    """UsageError where two runs can't be compared by the metric: other targets, classes, metrics or losses."""
    targets = [m.preparation.target for m in (model, other)]
    if targets[0] != targets[1]:
        raise UsageError(f"{first} predicts {targets[0]}, and {path} {targets[1]}")
    if model.classes != other.classes:
        raise UsageError(f"{first} and {path} have different classes of {targets[0]}")
    names = metrics_of(model.preparation.task)
    if metric not in names:
        hint = meant(metric, names, f"there are {', '.join(names)}")
        raise UsageError(f"metric {metric}: these runs do not have it", hint, names=("metric",))
    check_losses(metric, [model.loss, other.loss], names[1])


def _rows(
    path: Path, model: Model, data: str | os.PathLike[str] | None, part: str
) -> tuple[Array, Array, tuple[str, bytes]]:
    """z and target of the rows, and an identity of the rows: a digest of their file, and their numbers in it."""
    if data is not None:
        found = scores(model, Path(data))
        return found.z, found.y, ("", b"")
    training = own_data(path, model, [part], "give a file of data")
    parts, config = training.parts, training.config
    if part not in parts:
        raise UsageError(f"{path} has no {part} rows", "data FILE, or another run", names=("data",))
    files = named_files(config)
    if part != "train" and part in files:
        identity = digest_of(files_of(config, files[part]).paths), b""
    else:
        table = read_data(config, config.data.path)
        rows = split(config, table, streams(config)[0])[part]
        kept = rows[~rows_dropped(table, preparation_options(config))[rows]]
        identity = digest_of(files_of(config, config.data.path).paths), kept.tobytes()
    return model.z(parts[part].X), parts[part].y, identity
