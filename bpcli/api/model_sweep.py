"""Sweeps in Python: train a config with many settings, and choose the best."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan, nan
from pathlib import Path
from typing import Any

from bpcli.api.arguments import each_text
from bpcli.api.models import config_of
from bpcli.api.selection import Progress, check_losses, fold_name, refuse_below
from bpcli.errors import ConfigError, UsageError, meant
from bpcli.formulas.layers import task_of
from bpcli.text.notation import csv_line
from bpcli.text.yaml12 import yaml_text
from bpcli.training.config.loading import Config
from bpcli.training.descent.loop import DivergedError
from bpcli.training.descent.stopping import stopping_of
from bpcli.training.metrics import METRICS, metrics_of
from bpcli.training.run import BEST
from bpcli.training.selection.folds import FOR_STOPPING
from bpcli.training.selection.grid import Setting, combinations
from bpcli.training.selection.plan import Plan, identity, plan_of
from bpcli.training.selection.processes import run_all
from bpcli.training.selection.ranking import mean_and_std, ranked, simplest
from bpcli.training.selection.saved import SavedOutcomes, check_folder
from bpcli.training.selection.trials import Bench, Outcome, Work
from bpcli.training.session import session
from bpcli.training.verdict import no_better_than_constant


@dataclass(frozen=True)
class Combination:
    """Settings by key, and the mean and standard deviation (n − 1) of the metric: NaN where a training diverged.

    `run` is the run folder of the one that was chosen; None of the others.
    """

    settings: dict[str, Any]
    metric: str
    mean: float | None
    std: float | None
    run: Path | None = None

    def record(self) -> dict[str, Any]:
        """Its line of JSON."""
        run = None if self.run is None else str(self.run)
        return {"set": self.settings, "metric": self.metric, "mean": self.mean, "std": self.std, "run": run}

    def row(self) -> list[Any]:
        """Its line of CSV, below the header of `Sweep.rows`."""
        return [*self.cells(), *[*self.record().values()][1:]]

    def cells(self) -> list[Any]:
        """The values of the settings as cells: numbers, and others as YAML has them."""
        return [value if isinstance(value, float) else yaml_text(value) for value in self.settings.values()]


@dataclass(frozen=True)
class Sweep:
    """The combinations, the best first, with notes on the trainings, and the errors of those that diverged."""

    combinations: list[Combination]
    path: Path
    notes: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def rows(self) -> list[list[Any]]:
        """The combinations as lines of CSV, below their header."""
        header = [*self.combinations[0].settings, "metric", "mean", "std", "run"]
        return [header, *(c.row() for c in self.combinations)]


def sweep(
    config: str | os.PathLike[str] | Mapping[str, Any],
    tries: Sequence[str],
    *,
    folds: int | None = None,
    metric: str = "loss",
    one_se: bool = False,
    settings: Sequence[str] = (),
    jobs: int = 1,
    output: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Sweep:
    """Train a config with every combination of the values in `tries` (`["training.l2=0,log:1e-4:1e-1:7"]`), choose the
    best, and train that on all training rows.

    The best has the best `metric` on the validation rows, or the best mean over `folds`; with `one_se` it is the
    simplest (the largest l1, then l2) within one standard error of that. The folder `output` (runs/<config>-sweep) gets
    results.csv, the run `best`, and state/, from which `resume` goes on. The same bytes for all `jobs`.

    ConfigError, UsageError, DataError as `train`.
    """
    refuse_below(1, jobs=jobs)
    if folds is not None:
        refuse_below(2, folds=folds)
    elif one_se:
        raise UsageError("one_se goes by the standard error over folds", "folds 5", names=("folds", "one_se"))
    tried, settings = combinations(each_text(tries)), each_text(settings)
    for setting in tried[0]:
        if any(text.partition("=")[0].strip() == setting.key for text in settings):
            raise UsageError(f"{setting.key} is set and tried", "one of the two")
    configs = _configs(config, settings, tried, folds is not None)
    _check_metric(metric, configs)
    stem = Path(config).stem if isinstance(config, str | os.PathLike) else "model"
    folder = Path("runs", f"{stem}-sweep") if output is None else Path(output)
    check_folder(folder, resume)
    bench = Bench()
    plan = plan_of(tried, configs, folds, bench)
    saved = SavedOutcomes(folder, identity(plan, {"metric": metric, "one_se": one_se}))
    with saved.held():
        outcomes = _outcomes(plan, saved, bench, jobs, progress)
        found = _chosen(plan, outcomes, metric, one_se, folder)
        saved.write_results("".join(f"{csv_line(row)}\n" for row in found.rows()))
    return found


def _configs(config: Any, settings: Sequence[str], tried: list[tuple[Setting, ...]], in_folds: bool) -> list[Config]:
    """The config of each combination; one ConfigError for all that have mistakes.

    UsageError where they predict different things.
    """
    found, problems = [], []
    for combination in tried:
        try:
            found.append(config_of(config, [*settings, *map(str, combination)], in_folds))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError([*{problem.partition(": ")[2]: problem for problem in reversed(problems)}.values()][::-1])
    for name in ("data.target", "data.target_path"):
        if len(targets := dict.fromkeys(setting.text for one in tried for setting in one if setting.key == name)) > 1:
            raise UsageError(
                f"{name} is {' or '.join(targets)}: models of different targets can't be ranked by one metric",
                "a sweep for each",
            )
    return found


def _check_metric(metric: str, configs: Sequence[Config]) -> None:
    """UsageError for a metric that a model does not have, and for the values of different losses."""
    for config in configs:
        names = metrics_of(task_of(config.model.type, config.loss))
        if metric not in names:
            raise UsageError(
                f"metric {metric}: this model does not have it",
                meant(metric, names, f"it has {', '.join(names)}"),
                names=("metric",),
            )
    check_losses(metric, [config.loss for config in configs], names[1])


def _outcomes(
    plan: Plan, saved: SavedOutcomes, bench: Bench, jobs: int, progress: Progress | None
) -> dict[tuple[int, int], Outcome]:
    """The outcome of each (combination, fold), saved before or trained now."""
    found: dict[tuple[int, int], Outcome] = {}
    total = sum(len(group.trials) for group in plan.groups)

    def take(number: int, outcomes: list[Outcome]) -> None:
        group = plan.groups[number]
        found.update(zip(group.members, outcomes, strict=True))
        if progress is not None:
            progress(len(found), total)

    missing = []
    for number, group in enumerate(plan.groups):
        if (before := saved.read(number, len(group.trials))) is None:
            missing.append(number)
        else:
            take(number, before)
    seconds = min(config.training.checkpoint_seconds for config in plan.configs)
    files = [saved.unfinished(number, seconds) for number in missing]
    tasks = [Work(plan.groups[number].trials, file) for number, file in zip(missing, files, strict=True)]
    for k, outcomes in run_all(bench, tasks, jobs):
        saved.write(missing[k], outcomes)
        files[k].remove()
        take(missing[k], outcomes)
    return found


def _chosen(plan: Plan, outcomes: Mapping[tuple[int, int], Outcome], metric: str, one_se: bool, folder: Path) -> Sweep:
    """The combinations, the best first; the chosen one is trained here, and has its run."""
    means, stds, troubles, notes = [], [], [], [*plan.notes]
    for k, combination in enumerate(plan.combinations):
        of_folds = [outcomes[k, fold] for fold in range(plan.folds or 1)]
        mean, std = mean_and_std([outcome.metrics[metric] for outcome in of_folds])
        name = ", ".join(map(str, combination))
        if bad := _first_of([outcome.trouble for outcome in of_folds]):
            troubles.append(f"{name}: {bad}")
            mean, std = nan, None if plan.folds is None else nan
        notes += [text for outcome in of_folds for text in outcome.notes]
        if remark := _first_of([next(iter(outcome.remarks), "") for outcome in of_folds]):
            notes.append(f"{name}: {remark}")
        means.append(mean)
        stds.append(std)
    order = ranked(means, METRICS[metric].higher_is_better)
    choice = order[0]
    if one_se and plan.folds is not None:
        penalties = [(config.training.l1, config.training.l2) for config in plan.configs]
        choice = simplest(order, means, stds, plan.folds, penalties)
    run = None
    best = means[choice]
    if best is not None and not isnan(best):
        run = folder / BEST
        try:
            config, told = _for_best(plan.configs[choice])
            notes += told + _train(replace(config, output=run))
        except DivergedError as error:
            troubles.append(f"the run {run}: {error.message}")
            run = None
    found = [
        Combination(
            {setting.key: setting.value for setting in plan.combinations[k]},
            metric,
            means[k],
            stds[k],
            run if k == choice else None,
        )
        for k in order
    ]
    return Sweep(found, folder, list(dict.fromkeys(notes)), troubles)


def _for_best(config: Config) -> tuple[Config, list[str]]:
    """The config of the run: with validation rows where early stopping needs them, as it had in the folds."""
    options, data = config.training, config.data
    if data.validation is not None or stopping_of(options.early_stopping, options.epochs) is None:
        return config, []
    note = f"{BEST} is trained with data.validation: {FOR_STOPPING}, the rows by which its training stops"
    return replace(config, data=replace(data, validation=FOR_STOPPING)), [note]


def _first_of(texts: Sequence[str]) -> str:
    """The first text that is not empty, with its fold and the number of folds that have one; each fold has a text."""
    told = [fold for fold, text in enumerate(texts) if text]
    if not told:
        return ""
    more = f", the first of {len(told)}" if len(told) > 1 else ""
    return texts[told[0]] + (f" ({fold_name(0, told[0], 1)}{more})" if len(texts) > 1 else "")


def _train(config: Config) -> list[str]:
    """Train the run, or go on with it; returns the notes on it."""
    with session(config, resume=True) as current:
        for _ in current.epochs():
            pass
        summary = current.finish()
    useless = no_better_than_constant(summary)
    told = [*current.warnings(), *([useless] if useless else [])]
    return [*current.notes, *(f"{config.output}: {text}" for text in told)]
