"""Trials: trainings for cross-validation and sweeps, which write no run and are measured on held-out rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from math import isfinite, nan
from typing import Any

from numpy.typing import NDArray

from bpcli.datasets.large import is_large
from bpcli.datasets.table import Table
from bpcli.formulas.choices import Task
from bpcli.formulas.layers import task_of
from bpcli.text.notation import number
from bpcli.training.config.loading import Config
from bpcli.training.descent.loop import DivergedError
from bpcli.training.descent.state import Pause, State
from bpcli.training.descent.to_optimum import chosen_solver
from bpcli.training.metrics import metrics_of
from bpcli.training.named_data import data_files, decided, read_data
from bpcli.training.selection.folds import HELD_OUT
from bpcli.training.selection.together import rectangles, train_together
from bpcli.training.selection.unfinished import Unfinished
from bpcli.training.setup import Ready, made_ready, started
from bpcli.training.trainer import Training, most_epochs
from bpcli.training.verdict import no_better_than_constant, short_of_optimum

Array = NDArray[Any]


@dataclass(frozen=True)
class Trial:
    """A config to train on the `rows` of its table, given by part. `measured` is the part to measure; `scored`: its z
    and y are returned as well."""

    config: Config
    rows: Mapping[str, Array]
    measured: str
    scored: bool = False


@dataclass(frozen=True)
class Outcome:
    """The number of rows that a trial was measured on, and the metrics: NaN if it diverged, for which see `trouble`."""

    rows: int
    metrics: Mapping[str, float | None]
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """Warnings about the result: that it is no better than a constant, or not at the optimum."""
    trouble: str = ""
    scores: tuple[Array, Array] | None = None
    """z and y of these rows, if the trial is `scored`."""


@dataclass(frozen=True)
class Work:
    """Trials to run together, and the file for their state while they run."""

    trials: Sequence[Trial]
    unfinished: Unfinished | None = None


_NOT_READ = frozenset({"features", "exclude", "positive", "standardize", "scale", "missing", "weight"})
"""Keys of `data` that do not change how its table is read."""


class Tables:
    """Reads the tables of configs, and keeps the last one."""

    def __init__(self) -> None:
        self._key: object = None
        self._found: tuple[Table, bool] | None = None

    def of(self, config: Config) -> tuple[Config, Table, bool, list[str]]:
        """The config with every open choice decided, its table, whether that is large, and notes."""
        is_number = task_of(config.model.type, config.loss) is Task.REGRESSION
        values = [(key.name, getattr(config.data, key.name)) for key in fields(config.data)]
        key = (is_number, config.output, [pair for pair in values if pair[0] not in _NOT_READ])
        if self._found is None or key != self._key:
            self._found = None  # frees its memory before the next one is read
            large = is_large(data_files(config))
            self._key, self._found = key, (read_data(config, config.data.path, large), large)
        table, large = self._found
        settled, notes = decided(config, table)
        return settled, table, large, notes


class Bench:
    """Runs trials; successive trials on the same data read its table once."""

    def __init__(self) -> None:
        self.tables = Tables()

    def __reduce__(self) -> tuple[type["Bench"], tuple[()]]:
        """Pickled without the tables, which another process reads itself."""
        return Bench, ()

    def __call__(self, work: Work) -> list[Outcome]:
        """Train and measure each trial; their configs differ only in `training`, and so in the rows of the parts.

        Each set of rows is prepared once. Trials that can be stacked are trained side by side. A solver goes through
        the trials by falling penalties: if J has a unique optimum (convex, with l2), it starts at the optimum of the
        trial before, which does not change its own optimum (Friedman et al. 2010, 2.5).
        """
        run = _Run(work, self._prepared(work.trials))
        if chosen_solver(work.trials[0].config.training.optimizer) is None:
            run.side_by_side()
        run.one_by_one()
        return [run.found[k] for k in range(len(work.trials))]

    def _prepared(self, trials: Sequence[Trial]) -> Callable[[Trial], Training]:
        """A function from a trial to its training; rows that several trials have are prepared once."""
        config, table, large, notes = self.tables.of(trials[0].config)
        decided = config.data
        if trials[0].measured == HELD_OUT:  # in a fold, the validation rows are rows of the table
            decided = replace(decided, validation=None)
        decided = replace(decided, test=None)
        ready: dict[int, Ready] = {}

        def training(trial: Trial) -> Training:
            settled = replace(trial.config, data=decided)
            if id(trial.rows) not in ready:
                ready[id(trial.rows)] = made_ready(settled, table, trial.rows, large)
            made = started(settled, ready[id(trial.rows)])
            made.notes.extend(notes)
            return made

        return training


class _Run:
    """The trials of a group while they run: the outcomes found, and the trainings that have begun."""

    def __init__(self, work: Work, prepared: Callable[[Trial], Training]) -> None:
        self._trials, self._prepared, self._unfinished = work.trials, prepared, work.unfinished
        before, self._begun = ({}, {}) if work.unfinished is None else work.unfinished.begin()
        self._pause = Pause() if work.unfinished is None else work.unfinished.pause
        self.found = {k: Outcome(**outcome) for k, outcome in before.items()}

    def side_by_side(self) -> None:
        """Run the trials that can be stacked; those that `train_together` does not yield are later run alone."""
        made = {k: self._training(k) for k in range(len(self._trials)) if k not in self.found}
        numbers = {id(training): k for k, training in made.items()}
        for rectangle in rectangles([*made.values()]):
            for ended in train_together(rectangle, self._pause):
                if ended is not None:
                    k = numbers[id(ended)]
                    self.found[k] = self._measured(k, made.pop(k))
                self._save({k: training.state for k, training in made.items() if training.state.steps})

    def one_by_one(self) -> None:
        """Run the other trials alone, by falling penalties; one may start at the optimum of the one before."""
        near: State | None = None
        for k in sorted(range(len(self._trials)), key=self._penalties, reverse=True):
            if k in self.found:
                near = self._begun.get(k)
                continue
            training = self._training(k)
            unique = _has_one_optimum(training)
            own = training.state
            # The shapes differ if a fold's training rows lack a category.
            if unique and near is not None and not own.steps and near.w.shape == own.w.shape:
                own.w[...], own.b[...] = near.w, near.b
            self.found[k] = found = self._measured(k, training)
            near = training.state if unique and not found.trouble and not found.remarks else None
            self._save({} if near is None else {k: near})

    def _penalties(self, k: int) -> tuple[float, float]:
        options = self._trials[k].config.training
        return options.l1, options.l2

    def _training(self, k: int) -> Training:
        """The training of trial k, at its start or at its saved state."""
        training = self._prepared(self._trials[k])
        if k in self._begun:
            training.state.take(self._begun[k])
        return training

    def _save(self, states: Mapping[int, State]) -> None:
        if self._unfinished is not None and self._unfinished.due():
            self._unfinished.keep({k: asdict(outcome) for k, outcome in self.found.items()}, states)

    def _measured(self, k: int, training: Training) -> Outcome:
        """Run a training to its end; returns the outcome."""
        trial, notes = self._trials[k], training.notes
        names, held_out = metrics_of(training.model.preparation.task), training.parts[trial.measured]
        try:
            for _ in training.epochs(self._pause):
                self._save({k: training.state})
            remarks = remarks_on(training)
        except DivergedError as error:
            return Outcome(len(held_out.y), dict.fromkeys(names, nan), notes, trouble=error.message)
        model = training.result
        found = model.measure(held_out.X, held_out.y)
        scores = (model.z(held_out.X), held_out.y) if trial.scored else None
        return Outcome(len(held_out.y), {name: found[name] for name in names}, notes, remarks, scores=scores)


def _has_one_optimum(training: Training) -> bool:
    """Whether a training ends at the same optimum from any start: a solver minimises a convex J with l2."""
    model, options = training.model, training.config.training
    convex = model.loss_row.is_convex(model.g)
    return training.solver is not None and training.stopping is None and options.l2 > 0 and convex


def remarks_on(training: Training) -> list[str]:
    """Warnings about the result of a training that has ended; DivergedError if its loss is not finite."""
    train, options, model = training.parts["train"], training.config.training, training.result
    loss = model.total_loss(model.z(train.X), train.y) / len(train.y)
    if not isfinite(loss):
        raise DivergedError(f"training diverged: at its end the loss on the training rows is {number(loss)}")
    summary = {
        "train": {"loss": loss},
        "epochs": training.state.epoch,
        **training.best_epoch(),
        **training.beside_constant(),
    }
    if options.tolerance is not None:
        summary["optimum"] = training.optimum(model)
    found = [
        no_better_than_constant(summary),
        short_of_optimum(summary, options.tolerance, most_epochs(options.epochs)),
    ]
    return [text for text in found if text]
