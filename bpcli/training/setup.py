"""Makes a training ready from its config: reads and splits the data, fits the preparation, starts the weights."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from bpcli.datasets.column_file import Progress
from bpcli.datasets.large import has_blocks, is_large, shares_are_large
from bpcli.datasets.preparation.fitted import Preparation
from bpcli.datasets.preparation.fitting import fit_preparation
from bpcli.datasets.readers.text_file import OtherEncodingError
from bpcli.datasets.share import WHOLE, Gathering, NotSharedError, Share
from bpcli.datasets.sharing import check_same_files
from bpcli.datasets.sparse import is_sparse
from bpcli.datasets.table import Table
from bpcli.errors import BpcliError, ConfigError, DataError, TooLargeError, together
from bpcli.formulas.choices import name_and_settings
from bpcli.formulas.solvers import SOLVERS
from bpcli.memory import available_memory
from bpcli.ranks import ALONE, Ranks, in_turn
from bpcli.training.config.loading import Config
from bpcli.training.descent.state import State
from bpcli.training.descent.stopping import stopping_of
from bpcli.training.descent.to_optimum import (
    ChosenSolver,
    chosen_solver,
    start_solver,
)
from bpcli.training.descent.update_rule import PLAIN_DESCENT, update_rule_of
from bpcli.training.engine import Engine, chosen_engine
from bpcli.training.metrics import METRICS, is_defined
from bpcli.training.model import USUAL_THRESHOLD, Model
from bpcli.training.named_data import (
    PARTS,
    data_files,
    decided,
    files_of,
    named_files,
    preparation_options,
    read_data,
    split,
)
from bpcli.training.parts import Array, Part, batch_bytes, prepared_parts, weights_of_rows
from bpcli.training.start import start
from bpcli.training.trainer import Training, most_epochs


def prepare(config: Config, progress: Progress | None = None, in_files: bool = False, ranks: Ranks = ALONE) -> Training:
    """Read the data, split it, fit the preparation on the training rows, and start the weights.

    Several `ranks` read a share each, if the files can be shared. Data that is too large for the memory, as estimated
    or as it turns out, stays in files, with the same results.

    The splits, the start and the shuffling have random streams of their own, so that changing one does not change the
    others. ConfigError for columns that the data does not have, DataError for data that does not fit the config.
    """
    files = data_files(config)
    if ranks.size > 1:
        check_same_files((path for table in files for path in table.paths), ranks)
        if not shares_are_large(files, ranks):
            with suppress(NotSharedError):
                return _shared(config, Share(ranks))
    if any(ranks.gathered(in_files or is_large(files))):
        return in_turn(ranks, lambda: _prepare(config, True, progress))
    try:
        return _prepare(config, False, progress)
    except (MemoryError, TooLargeError):
        if not has_blocks(files):
            raise
    return _prepare(config, True, progress)


def _prepare(config: Config, large: bool, progress: Progress | None) -> Training:
    return prepare_table(config, read_data(config, config.data.path, large, progress), large, progress)


def prepare_table(config: Config, table: Table, large: bool = False, progress: Progress | None = None) -> Training:
    """`prepare` with `table` as the table of `data.path`, which is then not read."""
    config, ready, notes = _decided_and_ready(config, table, large, progress)
    training = started(config, ready)
    training.notes.extend(notes)
    return training


def _decided_and_ready(
    config: Config, table: Table, large: bool, progress: Progress | None, share: Gathering = WHOLE
) -> tuple[Config, "Ready", list[str]]:
    config, notes = decided(config, table)
    rows = split(config, table, streams(config)[0])
    return config, made_ready(config, table, rows, large, progress, share), notes


def _shared(config: Config, share: Share) -> Training:
    """`prepare` with a share of the rows of each file; NotSharedError if a file can't be shared, or has a mistake."""

    def ready() -> tuple[Config, "Ready", list[str]]:
        return _decided_and_ready(config, read_data(config, config.data.path, share=share), False, None, share)

    config, prepared, notes = share.done(ready, OtherEncodingError)
    training = started(config, prepared)
    training.notes.extend(notes)
    return training


@dataclass(frozen=True)
class Ready:
    """The prepared data of a training: the fitted preparation, and the parts by name; `in_files` as in `Training`."""

    preparation: Preparation
    parts: Mapping[str, Part]
    notes: list[str]
    in_files: bool = False


def made_ready(
    config: Config,
    table: Table,
    rows: Mapping[str, Array],
    large: bool = False,
    progress: Progress | None = None,
    share: Gathering = WHOLE,
) -> Ready:
    """The prepared data: `rows` gives the table's rows of each part; other parts are in files that the config names.

    The preparation is fitted to the training rows alone. A `large` table is read block by block, and its features are
    written to files. `share`: the processes that share the tables.
    """
    preparation = fit_preparation(table, preparation_options(config), rows["train"])
    parts, trained_rows, notes = prepared_parts(config, table, preparation, rows, large)
    failed: list[BpcliError] = []
    for name in [part for part in PARTS if part in (files := named_files(config))]:
        try:
            other = read_data(config, files[name], large, progress, share)
            every = {name: np.arange(other.rows)}
            found, _, other_notes = prepared_parts(config, other, preparation, every, large)
        except (ConfigError, DataError) as error:
            if share is not WHOLE or isinstance(error, TooLargeError):
                raise
            failed.append(error)
            continue
        parts |= found
        notes += other_notes
    if failed:
        raise together(failed)
    if large and 2 * batch_bytes(config, parts["train"]) > available_memory():
        raise TooLargeError(
            f"a batch of {config.training.batch_size} rows is more than there is memory for",
            "a smaller training.batch_size, such as 1024",
        )
    weights = weights_of_rows(config, preparation, table, trained_rows, parts["train"].y, notes)
    parts["train"] = replace(parts["train"], weights=weights)
    return Ready(preparation, parts, notes, large)


def started(config: Config, ready: Ready) -> Training:
    """The training of a config on data that was prepared for it, or for a config that differs only in `training`."""
    _, for_start, for_shuffle = streams(config)
    preparation, parts, notes = ready.preparation, ready.parts, [*ready.notes]
    begin = start(config, preparation, for_start)
    notes += begin.notes
    model = Model(
        config.model.type,
        config.model.activation,
        config.loss,
        config.model.threshold,
        begin.w,
        begin.b,
        preparation,
        config.data.format,
        config.data.dialect.for_others(),
        files_of(config, config.data.path).extension,
    )
    if model.threshold != USUAL_THRESHOLD and model.says_probabilities and not model.has_threshold:
        place, classes = config.places.get("model.threshold", "config"), len(model.classes or ())
        raise ConfigError([f"{place}: model.threshold: it decides between two classes, and there are {classes}"])
    state, options = State(begin.w, begin.b), config.training
    stopping = stopping_of(options.early_stopping, options.epochs)
    solver, update_rule, engine = chosen_solver(options.optimizer), PLAIN_DESCENT, Engine()
    if solver is None:
        most = most_epochs(options.epochs)
        update_rule = update_rule_of(options.optimizer, options.schedule, options.clip_norm, most)
        update_rule.start(state)
        engine = chosen_engine(config, model, parts["train"].X, update_rule)
        config = replace(config, training=replace(options, engine=engine.name))
        notes += engine.notes
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
    return Training(
        config,
        model,
        ordered,
        for_shuffle,
        state,
        notes,
        update_rule,
        stopping,
        ready.in_files,
        solver,
        begin.digest,
        engine.program,
    )


def _start_solver(config: Config, solver: ChosenSolver, state: State) -> list[str]:
    """Make the solver's slots; returns a note on the keys that it ignores. ConfigError for too many weights."""
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
    """DataError if the metric that early stopping watches has no value on the validation rows."""
    if not is_defined(metric, model.preparation.task, y, len(model.classes or ()), model.says_probabilities):
        raise DataError(
            f"training.early_stopping: {metric} is not defined on the {len(y)} validation rows: it needs "
            f"{METRICS[metric].needs or 'others'}",
            "another metric, such as loss, or other validation rows: data.validation",
        )


def streams(config: Config) -> list[np.random.Generator]:
    """The random generators of the splits, the start and the shuffling."""
    return [np.random.default_rng(s) for s in np.random.SeedSequence(config.training.seed).spawn(3)]
