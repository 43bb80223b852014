"""Cross-validation in Python, and what it shares with sweeps and comparisons."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from bpcli.api.models import config_of
from bpcli.errors import NotFiniteError, UsageError
from bpcli.formulas.choices import Choice
from bpcli.formulas.layers import settings_in_words
from bpcli.training.config.loading import Config
from bpcli.training.metrics import METRICS
from bpcli.training.selection.folds import HELD_OUT, folds_of
from bpcli.training.selection.plan import TOGETHER, most_sets
from bpcli.training.selection.processes import run_all
from bpcli.training.selection.ranking import mean_and_std
from bpcli.training.selection.trials import Bench, Outcome, Trial, Work

Array = NDArray[Any]
Progress = Callable[[int, int], None]
"""Called with the number of trainings that have ended, and the number of all."""


@dataclass(frozen=True)
class CrossValidation:
    """Each fold with its metrics, `{"repeat": 1, "fold": 1, "rows": 30, "loss": …}`, their mean and standard deviation.

    They are NaN where a fold diverged, as `troubles` say, and None where a metric has no value in a fold.
    """

    folds: list[dict[str, Any]]
    mean: dict[str, float | None]
    std: dict[str, float | None]
    notes: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def cross_validate(
    config: str | os.PathLike[str] | Mapping[str, Any] | Config,
    *,
    folds: int = 5,
    repeat: int = 1,
    settings: Sequence[str] = (),
    jobs: int = 1,
    progress: Progress | None = None,
) -> CrossValidation:
    """For each fold, train a config on all other rows, and measure the model on the rows of the fold.

    Folds depend on the seed and the rows alone, and are stratified where there are classes (Kohavi 1995); each of the
    `repeat` repetitions has folds of its own. The preparation is fitted on a fold's training rows. Writes nothing. The
    result is the same for any number of processes, `jobs`. ConfigError, UsageError, DataError as `train`.
    """
    refuse_below(1, repeat=repeat, jobs=jobs)
    outcomes, notes = _outcomes(config_of(config, settings, True), folds, repeat, jobs, progress)
    records, troubles = [], []
    for k, outcome in enumerate(outcomes):
        name = fold_name(k // folds, k % folds, repeat)
        records.append({"repeat": k // folds + 1, "fold": k % folds + 1, "rows": outcome.rows, **outcome.metrics})
        notes += [*outcome.notes, *(f"{name}: {text}" for text in outcome.remarks)]
        troubles += [f"{name}: {outcome.trouble}"] if outcome.trouble else []
    mean, std = {}, {}
    for metric in outcomes[0].metrics:
        mean[metric], std[metric] = mean_and_std([outcome.metrics[metric] for outcome in outcomes])
    return CrossValidation(records, mean, std, list(dict.fromkeys(notes)), troubles)


def _outcomes(
    config: Config, folds: int, repeat: int, jobs: int, progress: Progress | None, scored: bool = False
) -> tuple[list[Outcome], list[str]]:
    """The outcome of each fold's training, repetition by repetition, and notes on the data."""
    bench = Bench()
    settled, table, large, notes = bench.tables.of(config)
    parts = [rows for k in range(repeat) for rows in folds_of(settled, table, folds, k)]
    size = 1 if large else min(TOGETHER, most_sets(table), -(-len(parts) // jobs))
    groups = [range(first, min(first + size, len(parts))) for first in range(0, len(parts), size)]
    tasks = [Work([Trial(settled, parts[k], HELD_OUT, scored) for k in group]) for group in groups]
    outcomes: dict[int, Outcome] = {}
    for number, found in run_all(bench, tasks, jobs):
        outcomes.update(zip(groups[number], found, strict=True))
        if progress is not None:
            progress(len(outcomes), len(parts))
    return [outcomes[k] for k in range(len(parts))], notes


def held_out_scores(config: Config, folds: int) -> list[tuple[Array, Array]]:
    """z and y of the rows that each fold of `cross_validate` held out; NotFiniteError where a training diverged."""
    outcomes, _ = _outcomes(config, folds, 1, 1, None, scored=True)
    for k, outcome in enumerate(outcomes):
        if outcome.trouble:
            raise NotFiniteError(f"{fold_name(0, k, 1)}: {outcome.trouble}")
    return [outcome.scores for outcome in outcomes if outcome.scores is not None]


def check_losses(metric: str, losses: Sequence[Choice], other: str) -> None:
    """UsageError for the metric `loss` where the losses differ; `other` is a metric that can be compared."""
    found = dict.fromkeys(map(settings_in_words, losses))
    if METRICS[metric].minimised and len(found) > 1:
        raise UsageError(
            f"metric {metric}: the losses are {' and '.join(found)}, and their values are not comparable",
            f"metric {other}",
            names=("metric",),
        )


def fold_name(repeat: int, fold: int, repeats: int) -> str:
    """The name of a fold, counted from 0, in a message."""
    return f"fold {fold + 1}" + (f" of repeat {repeat + 1}" if repeats > 1 else "")


def refuse_below(least: int, **values: int) -> None:
    """UsageError for a number below the least that is allowed."""
    for name, value in values.items():
        if value < least:
            raise UsageError(f"{name} is {value}: expected {least} or more", names=(name,))
