"""A training: its epochs, its stopping and its summary, without printing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np

from bpcli import sums
from bpcli.datasets.sparse import is_sparse
from bpcli.datasets.spread import opened
from bpcli.formulas.steps import Step, make_step
from bpcli.ranks import ALONE, Ranks
from bpcli.training.config.loading import Config
from bpcli.training.descent.batches import Descent
from bpcli.training.descent.loop import Epoch, descend_epochs
from bpcli.training.descent.objective import Objective
from bpcli.training.descent.state import Pause, State
from bpcli.training.descent.stopping import MOST_EPOCHS, Stopping
from bpcli.training.descent.to_optimum import (
    TOLERANCE,
    ChosenSolver,
    PausedError,
    solve_epochs,
)
from bpcli.training.descent.update_rule import PLAIN_DESCENT, UpdateRule
from bpcli.training.inference.separation import QUICK, separation, units_of
from bpcli.training.model import Model, Uncertainty, best_constant_loss
from bpcli.training.parts import Part
from bpcli.training.verdict import is_above_constant

# The largest Hessian, by weights and by products, that is computed only to say how far the optimum is.
_MOST_WEIGHTS = 2000
_MOST_PRODUCTS = 1 << 30


@dataclass
class Training:
    """A training ready to run: `epochs()` trains `model`, whose weights are in `state`; `summary()` measures it."""

    config: Config
    model: Model
    parts: Mapping[str, Part]
    rng: np.random.Generator
    state: State
    notes: list[str] = field(default_factory=list)
    update_rule: UpdateRule = PLAIN_DESCENT
    stopping: Stopping | None = None
    in_files: bool = False
    """Whether the features are in files, not in memory."""
    solver: ChosenSolver | None = None
    started_from: str = ""
    """The digest of the model whose weights it started from."""
    program: str = ""
    """The text of the program for the steps, if they are compiled; else empty."""
    ranks: Ranks = ALONE

    @property
    def rows_seen(self) -> int:
        """The number of rows that all steps so far have used; each row counts once per epoch."""
        N, state = len(self.parts["train"].y), self.state
        return state.epoch * N + min(state.batch * self.batch_size, N)

    @property
    def batch_size(self) -> int:
        """The rows of a batch."""
        size, N = self.config.training.batch_size, len(self.parts["train"].y)
        return N if size == "full" else min(int(size), N)

    def epochs(self, pause: Pause | None = None) -> Iterator[dict[str, Any] | None]:
        """Train on, and yield a record for each epoch: epoch, loss, validation {loss, accuracy or rmse}, learning_rate,
        seconds.

        Yields None if `pause` stops it within an epoch. Whenever it yields, the state is complete and can be saved.
        """
        model, options, state = self.model, self.config.training, self.state
        began, before = perf_counter(), state.seconds
        if self.ended:
            return
        loop = _loop(self.parts["train"].X, self.program)
        epochs = loop(self.descent(), state, pause) if self.solver is None else self._solved(pause or Pause())
        for epoch in epochs:
            record: dict[str, Any] | None = None
            if epoch is not None:
                record = {"epoch": epoch.number, "loss": epoch.loss}
                if "validation" in self.parts:
                    record["validation"] = self.validated()
                record |= {"learning_rate": epoch.learning_rate, "seconds": epoch.seconds}
                state.records.append(record)
            state.seconds = before + perf_counter() - began
            stop = record is not None and self.stopping is not None and self.stopping.seen(state, record)
            if record is not None and self.solver is None and options.tolerance is not None:
                state.ended = self.optimum(model)["reached"]
            yield record
            if stop or state.ended:
                return

    @property
    def ended(self) -> bool:
        """Whether the training is over before its last epoch: at the optimum, or by early stopping."""
        return self.state.ended or (self.stopping is not None and self.stopping.exhausted(self.state))

    def step(self, models: int = 1) -> Step:
        """The step function of the model, or of several such models side by side."""
        model, rows = self.model, min(self.batch_size, sums.ROWS)
        return make_step(model.type, model.activation, model.loss, rows, model.b.shape, model.w.dtype, models)

    def descent(self) -> Descent:
        """The rows and settings of the training loop."""
        model, options, train = self.model, self.config.training, self.parts["train"]
        return Descent(
            train.X,
            model.target(train.y),
            self.step(),
            options.learning_rate or 0.0,
            self.batch_size,
            most_epochs(options.epochs),
            # In a batch of all rows the order does not matter, and shuffling blocks would cost time.
            self.rng if options.shuffle and not sums.ROWS < len(train.y) <= self.batch_size else None,
            options.l1,
            options.l2,
            None if train.weights is None else train.weights.astype(model.w.dtype, copy=False),
            self.update_rule,
            self.ranks,
        )

    def _solved(self, pause: Pause) -> Iterator[Epoch | None]:
        """The iterations of the solver."""
        assert self.solver is not None
        options = self.config.training

        def check() -> None:
            if any(self.ranks.gathered(pause.at == 0.0)):  # a signal to stop
                raise PausedError

        return solve_epochs(
            self._objective(self.model, check),
            self.solver[0],
            self.state,
            most_epochs(options.epochs),
            options.tolerance or TOLERANCE,
            pause,
        )

    def _objective(self, model: Model, check: Callable[[], None] = lambda: None) -> Objective:
        """The function that training minimises: the mean loss over the training rows, with penalties."""
        train, options = self.parts["train"], self.config.training
        step = make_step(
            model.type, model.activation, model.loss, min(sums.ROWS, len(train.y)), model.b.shape, np.dtype(np.float64)
        )
        y, outputs = model.target(train.y, np.float64), model.b.shape
        return Objective(
            train.X,
            y,
            step,
            (model.g, model.loss_row),
            outputs,
            options.l1,
            options.l2,
            train.weights,
            check,
            self.ranks,
        )

    def optimum(self, model: Model) -> dict[str, Any]:
        """How far a model is from the optimum: `gradient_norm`, the largest entry of the gradient with penalties,
        `newton_decrement` (None if it takes long), and `reached`, whether the gradient is within the tolerance."""
        objective = self._objective(model)
        theta = objective.pack(model.w, model.b)
        quick = objective.p <= _MOST_WEIGHTS and objective.N * objective.p**2 <= _MOST_PRODUCTS
        with np.errstate(all="ignore"):
            at = objective(theta)
            norm = float(np.abs(objective.slope(theta, at)).max())
            decrement = objective.decrement(theta, at) if quick and isfinite(norm) else None
        return {
            "gradient_norm": norm,
            "newton_decrement": decrement,
            "reached": norm <= (self.config.training.tolerance or TOLERANCE),
        }

    def _separated(self) -> dict[str, Any]:
        """`separated`: whether the classes are separated, None if unknown; `separated_by`: the features that do it."""
        model, train = self.result, self.parts["train"]
        if model.classes is None:
            return {}
        units = units_of(model.preparation)
        found = separation(train.X, train.y, len(model.classes), model.w, model.b, train.weights, QUICK, units)
        names = model.preparation.feature_names
        return {"separated": found.separated} | (
            {"separated_by": [names[j] for j in found.features]} if found.separated else {}
        )

    def _ending(self, measured: Mapping[str, Any]) -> dict[str, Any]:
        """`optimum` and `separated`; separated classes have no optimum unless a penalty bounds the weights."""
        optimum, separated, options = self.optimum(self.result), self._separated(), self.config.training
        optimum["reached"] &= not is_above_constant(measured)
        if separated.get("separated") and self.result.says_probabilities and not (options.l1 or options.l2):
            optimum["reached"] = False
        return {"optimum": optimum, **separated}

    def validated(self) -> dict[str, Any]:
        """The loss and a metric of the validation rows, and the metric that early stopping watches."""
        part = self.parts["validation"]
        return self.model.glance(part.X, part.y, () if self.stopping is None else (self.stopping.metric,))

    @property
    def result(self) -> Model:
        """The trained model: with early stopping that of the best epoch, else that of the last."""
        if self.stopping is None or self.state.best is None:
            return self.model
        return replace(self.model, w=self.state.slots["best.w"], b=self.state.slots["best.b"])

    def best_epoch(self) -> dict[str, int]:
        """`best_epoch`, the epoch that early stopping keeps; {} without early stopping."""
        return {} if self.state.best is None else {"best_epoch": self.state.best["epoch"]}

    def summary(self) -> dict[str, Any]:
        """The summary of a finished training: run, epochs, the metrics of each part, the loss of the best constant, how
        far the optimum is, seconds."""
        opened(self.parts["train"].X)
        measured = {
            **{name: self.result.measure(part.X, part.y) for name, part in self.parts.items()},
            **self.beside_constant(),
        }
        return {
            "event": "done",
            "run": str(self.config.output),
            "epochs": len(self.state.records),
            **self.best_epoch(),
            **measured,
            **self._ending(measured),
            "seconds": self.state.seconds,
        }

    def beside_constant(self) -> dict[str, Any]:
        """`best_constant_loss` on the training rows and, if these have weights, under `weighted`, it and the loss with
        weights."""
        train, classes = self.parts["train"], len(self.model.classes) if self.model.classes else None
        found: dict[str, Any] = {"best_constant_loss": best_constant_loss(self.config.loss, train.y, classes)}
        if train.weights is not None:
            total = self.result.total_loss(self.result.z(train.X), train.y, train.weights)
            constant = best_constant_loss(self.config.loss, train.y, classes, train.weights)
            found["weighted"] = {"loss": total / len(train.y), "best_constant_loss": constant}
        return found


def uncertainty_of(training: Training, summary: Mapping[str, Any]) -> Uncertainty | None:
    """The covariance of the trained weights, if they are at an optimum that is unique; else None."""
    options, model, train = training.config.training, training.result, training.parts["train"]
    if not summary["optimum"]["reached"] or options.l1:
        return None
    from bpcli.training.inference.fit import MOST_WEIGHTS, NEAR, Fit, Rows

    if model.w.size + model.b.size > MOST_WEIGHTS:
        return None
    with np.errstate(all="ignore"):
        try:
            fit = Fit(model, Rows(train.X, train.y, train.weights), options.l2)
            at_optimum = fit.parameters() < fit.N and fit.distance()[1] <= NEAR and fit.has_optimum()
            return fit.uncertainty() if at_optimum else None
        except np.linalg.LinAlgError:
            return None


def most_epochs(epochs: int | str) -> int:
    """The largest number of epochs that a config's `epochs` allows."""
    return MOST_EPOCHS if epochs == "auto" else int(epochs)


def _loop(X: Any, program: str) -> Callable[..., Iterator[Epoch | None]]:
    """The training loop: that of the compiled program if there is one, else the one for dense or sparse features."""
    if program:
        from bpcli.training.descent.compiled import descend_compiled
        from bpcli.training.descent.compiler import compiled_program

        return partial(descend_compiled, compiled_program(program))
    if not is_sparse(X):
        return descend_epochs
    from bpcli.training.descent.sparse_loop import descend_sparse

    return descend_sparse
