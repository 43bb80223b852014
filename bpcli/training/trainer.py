"""A training from its config: read, split, prepare, start, train and sum up, without printing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.dialect import AUTO
from bpcli.datasets.large import has_blocks, is_large
from bpcli.datasets.meaning import decided_words
from bpcli.datasets.preparation.fitted import Preparation, Tally
from bpcli.datasets.preparation.fitting import fit_preparation
from bpcli.datasets.preparation.labels import class_text, label_codes
from bpcli.datasets.preparation.options import PreparationOptions
from bpcli.datasets.preparation.splits import split_rows
from bpcli.datasets.preparation.weights import class_weights, column_weights, sample_weights
from bpcli.datasets.reading import Files, read_files
from bpcli.datasets.row_file import Matrix
from bpcli.datasets.sparse import is_sparse
from bpcli.datasets.stored import Progress, StoredTable, stored
from bpcli.datasets.table import Table, only_column, with_target
from bpcli.errors import ConfigError, DataError, TooLargeError
from bpcli.files import Paths, matching
from bpcli.formulas.choices import Task, name_and_settings
from bpcli.formulas.layers import LAYERS, loss_of, task_of
from bpcli.formulas.solvers import SOLVERS
from bpcli.formulas.steps import make_step
from bpcli.memory import available_memory
from bpcli.text.notation import number
from bpcli.training.config.loading import Config, check_columns
from bpcli.training.descent.loop import Descent, Epoch, descend_epochs
from bpcli.training.descent.objective import ROWS, Objective
from bpcli.training.descent.state import Pause, State
from bpcli.training.descent.stopping import MOST_EPOCHS, Stopping, stopping_of
from bpcli.training.descent.to_optimum import (
    TOLERANCE,
    ChosenSolver,
    PausedError,
    chosen_solver,
    solve_epochs,
    start_solver,
)
from bpcli.training.descent.update_rule import PLAIN_DESCENT, UpdateRule, update_rule_of
from bpcli.training.metrics import METRICS, is_defined
from bpcli.training.model import Model, best_constant_loss

Array = NDArray[Any]

PARTS = ("train", "validation", "test")

_MOST_WEIGHTS = 2000  # and
_MOST_PRODUCTS = 1 << 30  # of a Hessian that is computed only to say how far the optimum is


@dataclass(frozen=True)
class Part:
    """Prepared features (N, n) and targets (N,) of the training, validation or test rows."""

    X: Any
    """An array, a sparse one, or a `Matrix` in a file."""
    y: Array
    weights: Array | None = None
    """Of mean 1, (N,); of the training rows, where the config gives weights."""

    def arrays(self) -> dict[str, Array]:
        """The arrays by name, weights only if there are some."""
        return {"X": self.X, "y": self.y} | ({} if self.weights is None else {"weights": self.weights})


@dataclass
class Training:
    """A training ready to run: `epochs()` trains `model`, whose weights `state` holds; `summary()` measures it."""

    config: Config
    model: Model
    parts: Mapping[str, Part]
    rng: np.random.Generator
    state: State
    notes: list[str] = field(default_factory=list)
    update_rule: UpdateRule = PLAIN_DESCENT
    stopping: Stopping | None = None
    in_files: bool = False
    """Whether the features lie in files, not in memory."""
    solver: ChosenSolver | None = None

    @property
    def rows_seen(self) -> int:
        """How many rows all steps so far have gone over, a row once an epoch."""
        N, state = len(self.parts["train"].y), self.state
        return state.epoch * N + min(state.batch * self._batch_size, N)

    @property
    def _batch_size(self) -> int:
        size, N = self.config.training.batch_size, len(self.parts["train"].y)
        return N if size == "full" else min(int(size), N)

    def epochs(self, pause: Pause | None = None) -> Iterator[dict[str, Any] | None]:
        """Train on, and yield a record for each epoch: epoch, loss, validation {loss, accuracy or rmse}, learning_rate,
        seconds.

        None where `pause` stops it within an epoch. Between two records the state is complete, and holds the record.
        """
        model, options, train, state = self.model, self.config.training, self.parts["train"], self.state
        size = self._batch_size
        step = make_step(model.type, model.activation, model.loss, size, model.b.shape, model.w.dtype)
        began, before = perf_counter(), state.seconds
        if state.ended or (self.stopping is not None and self.stopping.exhausted(state)):
            return
        descent = Descent(
            train.X,
            model.target(train.y),
            step,
            options.learning_rate or 0.0,
            size,
            most_epochs(options.epochs),
            self.rng if options.shuffle else None,
            options.l1,
            options.l2,
            None if train.weights is None else train.weights.astype(model.w.dtype, copy=False),
            self.update_rule,
        )
        epochs = _loop(train.X)(descent, state, pause) if self.solver is None else self._solved(pause or Pause())
        for epoch in epochs:
            record: dict[str, Any] | None = None
            if epoch is not None:
                record = {"epoch": epoch.number, "loss": epoch.loss}
                if "validation" in self.parts:
                    record["validation"] = self._validated()
                record |= {"learning_rate": epoch.learning_rate, "seconds": epoch.seconds}
                state.records.append(record)
            state.seconds = before + perf_counter() - began
            stop = record is not None and self.stopping is not None and self.stopping.seen(state, record)
            if record is not None and self.solver is None and options.tolerance is not None:
                state.ended = self.optimum(model)["reached"]
            yield record
            if stop or state.ended:
                return

    def _solved(self, pause: Pause) -> Iterator[Epoch | None]:
        """The iterations of the solver."""
        assert self.solver is not None
        options = self.config.training

        def check() -> None:
            if pause.at == 0.0:  # a signal to stop
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
        """What training minimises."""
        train, options = self.parts["train"], self.config.training
        step = make_step(
            model.type, model.activation, model.loss, min(ROWS, len(train.y)), model.b.shape, np.dtype(np.float64)
        )
        y, outputs = model.target(train.y, np.float64), model.b.shape
        return Objective(
            train.X, y, step, (model.g, model.loss_row), outputs, options.l1, options.l2, train.weights, check
        )

    def optimum(self, model: Model) -> dict[str, Any]:
        """How far a model is from the least of what training minimises: the largest entry of the gradient, penalties
        included, Newton's decrement where it takes little time, and whether the first is within the tolerance."""
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

    def _validated(self) -> dict[str, Any]:
        """The loss and a metric of the validation rows, and the one that early stopping watches, if it is another."""
        part = self.parts["validation"]
        return self.model.glance(part.X, part.y, () if self.stopping is None else (self.stopping.metric,))

    @property
    def result(self) -> Model:
        """The model that training leaves: that of the best epoch with early stopping, else that of the last."""
        if self.stopping is None or self.state.best is None:
            return self.model
        return replace(self.model, w=self.state.slots["best.w"], b=self.state.slots["best.b"])

    def summary(self) -> dict[str, Any]:
        """The record of a finished training: run, epochs, the metrics of each part, the loss of the best constant,
        seconds."""
        train, classes = self.parts["train"], len(self.model.classes) if self.model.classes else None
        weighted = {}
        if train.weights is not None:
            total = self.result.total_loss(self.result.z(train.X), train.y, train.weights)
            constant = best_constant_loss(self.config.loss, train.y, classes, train.weights)
            weighted = {"weighted": {"loss": total / len(train.y), "best_constant_loss": constant}}
        return {
            "event": "done",
            "run": str(self.config.output),
            "epochs": len(self.state.records),
            **({} if self.state.best is None else {"best_epoch": self.state.best["epoch"]}),
            **{name: self.result.measure(part.X, part.y) for name, part in self.parts.items()},
            "best_constant_loss": best_constant_loss(self.config.loss, train.y, classes),
            **weighted,
            "optimum": self.optimum(self.result),
            "seconds": self.state.seconds,
        }


def prepare(config: Config, progress: Progress | None = None, in_files: bool = False) -> Training:
    """Read the data, split it, fit the preparation on the training rows, and start the weights.

    Data that is large compared with the free memory, or runs out of it, stays in files, and gives the same numbers.

    The splits, the start and the shuffling each draw from a stream of their own, so that a change of one leaves the
    others as they were. Raises ConfigError for columns that are not there, DataError for data that does not fit.
    """
    files = data_files(config)
    if not in_files and not is_large(files):
        try:
            return _prepare(config, False, progress)
        except (MemoryError, TooLargeError):
            if not has_blocks(files):
                raise
    return _prepare(config, True, progress)


def _prepare(config: Config, large: bool, progress: Progress | None) -> Training:
    table = read_data(config, config.data.path, large, progress)
    config, word_notes = _decided(config, table)
    for_splits, for_start, for_shuffle = streams(config)
    rows = split(config, table, for_splits)
    preparation = fit_preparation(table, preparation_options(config), rows["train"])
    parts, trained_rows, notes = _parts(config, table, preparation, rows, large)
    notes += word_notes
    for name in [part for part in PARTS if part in (files := named_files(config))]:
        other = read_data(config, files[name], large, progress)
        every = {name: np.arange(other.rows)}
        found, _, other_notes = _parts(config, other, preparation, every, large)
        parts |= found
        notes += other_notes
    if large and 2 * _batch_bytes(config, parts["train"]) > available_memory():
        raise TooLargeError(
            f"a batch of {config.training.batch_size} rows is more than there is memory for",
            "a smaller training.batch_size, such as 1024",
        )
    weights = _weights(config, preparation, table, trained_rows, parts["train"].y, notes)
    parts["train"] = replace(parts["train"], weights=weights)
    w, b = start(config, preparation, for_start)
    model = Model(
        config.model.type,
        config.model.activation,
        config.loss,
        config.model.threshold,
        w,
        b,
        preparation,
        config.data.format,
        config.data.dialect.for_others(),
        files_of(config, config.data.path).extension,
    )
    state, options = State(w, b), config.training
    stopping = stopping_of(options.early_stopping, options.epochs)
    solver, update_rule = chosen_solver(options.optimizer), PLAIN_DESCENT
    if solver is None:
        most = most_epochs(options.epochs)
        update_rule = update_rule_of(options.optimizer, options.schedule, options.clip_norm, most)
        update_rule.start(state)
    else:
        notes += _start_solver(config, solver, state)
    if stopping is not None:
        stopping.start(state)
    if solver is None and is_sparse(parts["train"].X):
        from bpcli.training.descent.sparse_loop import sparse_slots

        sparse_slots(state, options.l1, options.l2)
    ordered = {k: parts[k] for k in PARTS if k in parts}
    if stopping is not None:
        _refuse_undefined(stopping.metric, model, parts["validation"].y)
    return Training(config, model, ordered, for_shuffle, state, notes, update_rule, stopping, large, solver)


def _start_solver(config: Config, solver: ChosenSolver, state: State) -> list[str]:
    """Make the solver's slots; a note of the keys that it has no use for. ConfigError for too many weights."""
    row, settings = solver
    p, name = state.w.size + state.b.size, name_and_settings(config.training.optimizer)[0]
    if row.most_weights is not None and p > row.most_weights:
        others = " or ".join(other for other, row in SOLVERS.items() if row.most_weights is None)
        raise ConfigError(
            [
                f"{config.places.get('training.optimizer', 'config')}: training.optimizer: {name} is for up to "
                f"{row.most_weights} weights, and the model has {p}: take {others}"
            ]
        )
    start_solver(row, settings, state)
    if not config.passed_over:
        return []
    keys = config.passed_over
    are = "are" if len(keys) > 1 else "is"
    return [f"{name} goes over all rows at once, in float64, by steps of its own: {', '.join(keys)} {are} passed over"]


def _refuse_undefined(metric: str, model: Model, y: Array) -> None:
    """DataError where the metric that early stopping watches has no value on the validation rows, whatever is said."""
    if not is_defined(metric, model.preparation.task, y, len(model.classes or ())):
        raise DataError(
            f"training.early_stopping: {metric} is not defined on the {len(y)} validation rows: it needs "
            f"{METRICS[metric].needs or 'others'}",
            "another metric, such as loss, or other validation rows: data.validation",
        )


def _parts(
    config: Config, table: Table, preparation: Preparation, rows: Mapping[str, Array], large: bool
) -> tuple[dict[str, Part], Array, list[str]]:
    """The prepared parts of a table, by name, with the rows of the table in the first; and notes."""
    dtype = np.dtype(config.training.dtype)
    if large:
        return stored_parts(table, preparation, rows, dtype, cache_of(config), config.data.weight is not None)
    prepared = preparation.apply(table)
    parts, first = {}, np.empty(0, np.intp)
    for at, (name, chosen) in enumerate(rows.items()):
        keep = np.isin(prepared.rows, chosen, assume_unique=True)
        parts[name] = Part(as_trained(prepared.X[keep], dtype), prepared.y[keep])
        first = first if at else prepared.rows[keep]
    return parts, first, prepared.notes


def _batch_bytes(config: Config, train: Part) -> int:
    """The bytes of the features of a batch."""
    N, width = train.X.shape
    size = config.training.batch_size
    return int((N if size == "full" else min(int(size), N)) * width * train.X.dtype.itemsize)


def stored_parts(
    table: Table, preparation: Preparation, rows: Mapping[str, Array], dtype: Any, cache: Path, keeps_rows: bool
) -> tuple[dict[str, Part], Array, list[str]]:
    """`_parts` of a table that is read block by block, the features in files; the rows only if `keeps_rows`."""
    width, tally = len(preparation.feature_names), Tally()
    of_part = np.full(table.rows, -1, np.int8)
    for number_of_part, chosen in enumerate(rows.values()):
        of_part[chosen] = number_of_part
    matrices = [Matrix(cache, width, dtype) for _ in rows]
    targets: list[list[Array]] = [[] for _ in rows]
    first: list[Array] = []
    blocks = table.blocks() if isinstance(table, StoredTable) else iter([table])
    for block in blocks:
        prepared = preparation.apply(block, tally=tally)
        for k, matrix in enumerate(matrices):
            keep = of_part[block.first_row + prepared.rows] == k
            matrix.append(as_trained(prepared.X[keep], dtype))
            targets[k].append(prepared.y[keep])
            if k == 0 and keeps_rows:
                first.append(block.first_row + prepared.rows[keep])
    parts = {name: Part(X, np.concatenate(y)) for name, X, y in zip(rows, matrices, targets, strict=True)}
    return parts, np.concatenate(first) if first else np.empty(0, np.intp), tally.notes(table)


def cache_of(config: Config) -> Path:
    """Where large data is kept, next to the runs."""
    return config.output.absolute().parent / ".cache"


def most_epochs(epochs: int | str) -> int:
    """How many epochs there are at most."""
    return MOST_EPOCHS if epochs == "auto" else int(epochs)


def _weights(
    config: Config, preparation: Preparation, table: Table, rows: Array, y: Array, notes: list[str]
) -> Array | None:
    """The weights of the training rows, which are `rows` of the table; None where the config gives none."""
    column, by_class = config.data.weight, config.training.class_weight
    of_rows = None if column is None else column_weights(table, column, rows)
    if by_class is None or preparation.classes is None:
        return sample_weights(y, of_rows, None)
    by_number = class_weights(by_class, preparation.classes, y, of_rows)
    if by_class == "balanced":
        shown = [f"{class_text(c)} {number(w, 4)}" for c, w in zip(preparation.classes[:10], by_number, strict=False)]
        notes.append(f"class weights: {', '.join(shown)}{' …' if len(by_number) > 10 else ''}")
    return sample_weights(y, of_rows, by_number)


def _loop(X: Any) -> Callable[..., Iterator[Epoch | None]]:
    """The training loop for features of this kind."""
    if not is_sparse(X):
        return descend_epochs
    from bpcli.training.descent.sparse_loop import descend_sparse

    return descend_sparse


def as_trained(X: Any, dtype: np.dtype[Any]) -> Any:
    """The features as the numbers to train with; DataError if one is beyond their range."""
    with np.errstate(over="ignore"):
        converted = X.astype(dtype) if is_sparse(X) else np.ascontiguousarray(X, dtype)
    if not np.isfinite(converted.data if is_sparse(X) else converted).all():
        raise DataError(
            f"a feature is too large for {dtype.name} numbers",
            "training.dtype: float64, or data.standardize: true",
        )
    return converted


def streams(config: Config) -> list[np.random.Generator]:
    """The random generators of the splits, the start and the shuffling."""
    return [np.random.default_rng(s) for s in np.random.SeedSequence(config.training.seed).spawn(3)]


def read_data(config: Config, paths: Paths, large: bool = False, progress: Progress | None = None) -> Table:
    """The table at `paths`, with the target joined to it where that has files of its own; a `large` one as a copy."""
    data, files = config.data, files_of(config, paths)
    has_classes = task_of(config.model.type, config.loss) is not Task.REGRESSION
    as_text = (*data.categorical, *((data.target,) if has_classes and data.target else ()))  # told apart exactly
    table = (
        stored(files, as_text, cache_of(config), progress)
        if large and all(path.is_file() for path in files.paths)
        else read_files(files)
    )
    if data.target_path is not None and paths == data.path:
        other = read_files(files_of(config, data.target_path))
        target = data.target or only_column(other, table)
        table = with_target(table, other, target)
        table.own_target = target
    return table


def _decided(config: Config, table: Table) -> tuple[Config, list[str]]:
    """The config with what it leaves open said: the target, how the table is read, which words are gaps; and notes.

    ConfigError for columns that are not there.
    """
    data = config.data
    target = data.target or table.own_target
    if target is None:
        raise ConfigError(
            [f"{config.places.get('data.path', 'config')}: data.target is missing: {table.path} names none"]
        )
    dialect = table.dialect
    config = replace(config, data=replace(data.decided(dialect), target=target))
    if problems := check_columns(config, table.names):
        raise ConfigError(problems)
    if dialect.missing_words != AUTO:
        return config, []
    words, notes = decided_words(table, dict.fromkeys([*data.categorical, target]), target)
    table.missing_words |= {name: frozenset(found) for name, found in words.items()}
    return replace(config, data=replace(config.data, missing_words=words)), notes


def files_of(config: Config, paths: Paths) -> Files:
    """The files of a table that the config names, and how they are read; those beside `data.path` as that was."""
    data, dialect = config.data, config.data.dialect
    first = data.path if isinstance(data.path, Path) else data.path[0]
    return Files(matching(paths), data.format, dialect if paths == data.path else dialect.for_others(), first)


def named_files(config: Config) -> dict[str, Paths]:
    """The files of the training rows, under `path`, and the validation and test sets that are files of their own.

    ConfigError for a file that is named twice.
    """
    data = config.data
    given = {"path": data.path, "validation": data.validation, "test": data.test}
    found: dict[str, Paths] = {name: paths for name, paths in given.items() if isinstance(paths, Path | tuple)}
    seen: dict[Path, str] = {}
    for name, paths in found.items():
        for path in matching(paths):
            if before := seen.get(whole := path.resolve()):
                place = config.places.get(f"data.{name}", "config")
                raise ConfigError([f"{place}: data.{name}: {path} is in data.{before} already"])
            seen[whole] = name
    return found


def data_files(config: Config) -> list[Files]:
    """The files of all the tables that the config names."""
    return [files_of(config, paths) for paths in named_files(config).values()]


def split(config: Config, table: Table, rng: np.random.Generator) -> dict[str, Array]:
    """The rows of training, validation and test that come out of `data.path`, by name."""

    def fraction(value: float | Paths | None) -> float | None:
        return value if isinstance(value, float) else None

    codes = None
    if task_of(config.model.type, config.loss) is not Task.REGRESSION:
        codes = label_codes(table, config.data.target or "")
    parts = split_rows(
        table.rows,
        validation=fraction(config.data.validation),
        test=fraction(config.data.test),
        classes=codes,
        rng=rng,
    )
    return {name: rows for name, rows in zip(PARTS, parts, strict=True) if len(rows)}


def preparation_options(config: Config) -> PreparationOptions:
    """The options of the preparation, from the config's `data`."""
    data, loss = config.data, loss_of(config.loss)
    return PreparationOptions(
        target=data.target or "",
        task=task_of(config.model.type, config.loss),
        loss=loss.name,
        positive=data.positive,
        features=data.features,
        exclude=data.exclude if data.weight is None else (*data.exclude, data.weight),
        categorical=data.categorical,
        standardize=data.standardize,
        scale=data.scale,
        missing=data.missing,
        labels=loss.labels,
    )


def start(config: Config, preparation: Preparation, rng: np.random.Generator) -> tuple[Array, Array]:
    """The weights before the first step, w (n,) or (n, K); the bias starts at 0.

    zeros; normal: N(0, 1/n), so that z starts with the variance of a standardised feature (LeCun et al. 1998, Efficient
    BackProp, 4.6); uniform: U(−1/√n, 1/√n).
    """
    n, dtype = len(preparation.feature_names), np.dtype(config.training.dtype)
    outputs = (len(preparation.classes or ()),) if LAYERS[config.model.type].per_class else ()
    shape, bound = (n, *outputs), n**-0.5
    if config.model.init == "normal":
        w = rng.normal(0.0, bound, shape)
    elif config.model.init == "uniform":
        w = rng.uniform(-bound, bound, shape)
    else:
        w = np.zeros(shape)
    return w.astype(dtype), np.zeros(outputs, dtype)
