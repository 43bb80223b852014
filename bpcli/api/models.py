"""Training and trained models in Python: what `train`, `predict`, `evaluate` and `inspect` do, with arrays."""

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.api.arguments import each_text
from bpcli.api.in_python import as_mapping, as_settings, errors_in_python, in_python
from bpcli.api.predictions import scores
from bpcli.datasets.from_python import as_array, is_frame, table_of
from bpcli.datasets.meaning import with_dialect
from bpcli.datasets.preparation.labels import class_text
from bpcli.datasets.reading import read_files
from bpcli.datasets.sparse import Numbered, is_sparse, sparse_table
from bpcli.datasets.table import Table
from bpcli.errors import DataError, UsageError, several
from bpcli.text.notation import number
from bpcli.training.config.loading import Config, config_from_mapping, load_config
from bpcli.training.metrics import METRICS
from bpcli.training.model import Model
from bpcli.training.named_data import PARTS
from bpcli.training.placing import check_place, write_run
from bpcli.training.run import check_one_run, flat, load_model, load_summary, read_history
from bpcli.training.selection.trials import remarks_on
from bpcli.training.session import session
from bpcli.training.setup import prepare_table
from bpcli.training.trainer import uncertainty_of
from bpcli.training.verdict import no_better_than_constant

Array = NDArray[Any]


class DataWarning(UserWarning):
    """A remark on the data, or on a training, that a command would print as a note or a warning."""


class TrainedModel:
    """A trained model.

    X is a path, a mapping or data frame of columns by name, an array (N, columns), or a sparse matrix of SciPy's where
    the model was trained on a LIBSVM file. The columns of an array are in the order of `columns`; those of other tables
    are found by name, and columns that the model does not use are ignored. DataError for data that do not fit, with the
    row and column.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def __repr__(self) -> str:
        return f"<bpcli {self}>"

    def __str__(self) -> str:
        count = len(self.columns)
        return f"{self._model.kind}: {self._model.preparation.target} from {count} column{'s' * (count != 1)}"

    @property
    def columns(self) -> list[str]:
        """The columns that the model takes, in order."""
        preparation = self._model.preparation
        return [column.name for column in preparation.columns] if preparation.numbered is None else self.features

    @property
    def features(self) -> list[str]:
        """The names of the prepared features, one for each row of `weights`: `age`, `plan=basic`, …"""
        return list(self._model.preparation.feature_names)

    @property
    def classes(self) -> list[str] | None:
        """The classes, in the order of the columns of `probabilities`; None for a regression."""
        return None if self._model.classes is None else [class_text(c) for c in self._model.classes]

    def weights(self, raw: bool = False) -> tuple[Array, Array]:
        """Weights (features, outputs) and bias (outputs,); `raw`: for features in their own units."""
        return self._model.weights(raw)

    def predict(self, X: Any) -> Array:
        """The prediction for each row, (N,): names of classes, or numbers."""
        predicted = self._model.predicted(self._z(X))
        names = self.classes
        return predicted if names is None else np.array(names)[predicted]

    def probabilities(self, X: Any) -> Array:
        """P(class) for each row, (N, K), in the order of `classes`. UsageError where the model has none."""
        if self._model.classes is None:
            raise UsageError("a regression has no probabilities", "predict(X) gives its numbers")
        if not self._model.says_probabilities:
            loss = self._model.loss_row.name
            raise UsageError(f"a model of loss {loss} has no probabilities", "predict(X) gives its classes")
        return self._model.probabilities(self._z(X))

    def evaluate(self, X: Any, y: Any = None) -> dict[str, Any]:
        """The loss and the metrics on data with a target: a column of X, or `y` (N,)."""
        source = self._source(X)
        if y is not None:
            target = self._model.preparation.target
            table = read_files(self._model.files(source)) if isinstance(source, Path) else source
            source = table.with_column(target, _target_table(target, y, table.rows), target)
        found = scores(self._model, source)
        _warn(found.remarks)
        if not len(found.y):
            raise DataError("there are no rows to evaluate")
        return self._model.measure_z(found.z, found.y)

    def _z(self, X: Any) -> Array:
        found = scores(self._model, self._source(X), with_target=False)
        _warn(found.remarks, 4)
        return found.z

    def _source(self, X: Any) -> Table | Path:
        if isinstance(X, str | os.PathLike):
            return Path(X)
        if is_sparse(X) or hasattr(X, "tocsr"):
            features = self._model.preparation.numbered
            if features is None:
                raise DataError("X is sparse, and the model was not trained on sparse data", "X.toarray()")
            return sparse_table(Path("X"), X, features)
        return with_dialect(table_of(X, self.columns), self._model.dialect)


@dataclass(frozen=True, repr=False)
class Run:
    """A training that has ended: its model, its history by column, its summary, and its folder, if it was written."""

    model: TrainedModel
    history: dict[str, Array]
    summary: dict[str, Any]
    path: Path | None

    def __repr__(self) -> str:
        return f"<bpcli run: {self.model!r}>" if self.path is None else f"<bpcli run {self.path}: {self.model!r}>"

    def __str__(self) -> str:
        """The model and its metrics, in ten lines at most."""
        names, parts = self._table()
        told = [f"{name}: {', '.join(f'{k} {v}' for k, v in zip(names, of, strict=True) if v)}" for name, of in parts]
        return "\n".join([*self._about(), *told])

    def _repr_html_(self) -> str:
        """The same as a table, which a notebook renders."""
        names, parts = self._table()
        head = "".join(f"<th>{escape(name)}</th>" for name in ("", *names))
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in (name, *of))}</tr>" for name, of in parts)
        about = "<br/>".join(map(escape, self._about()))
        return f"<p>{about}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _about(self) -> list[str]:
        model, optimum = self.model, self.summary.get("optimum", {})
        known = model.classes
        return [
            str(model),
            *([] if known is None else [f"classes: {several(known)}"]),
            f"epochs: {self.summary['epochs']}{', at the optimum' if optimum.get('reached') else ''}",
            *([] if self.path is None else [f"run: {self.path}"]),
        ]

    def _table(self) -> tuple[list[str], list[tuple[str, list[str]]]]:
        """The names of the metrics, and those of each part; where one has no value the cell is empty."""
        parts = {name: self.summary[name] for name in PARTS if name in self.summary}
        metrics = [name for name in parts["train"] if name in METRICS and METRICS[name].in_summary]
        shown = [
            (name, ["" if part[metric] is None else number(part[metric], 4) for metric in ("rows", *metrics)])
            for name, part in parts.items()
        ]
        constant = number(self.summary["best_constant_loss"], 4)
        of_constant = ["", *(constant if METRICS[metric].minimised else "" for metric in metrics)]
        return ["rows", *metrics], [*shown, ("best constant", of_constant)]


def load(path: str | os.PathLike[str]) -> TrainedModel:
    """The model of a run folder or a `model.npz`: `load("runs/iris").predict(X)`. DataError if there is none."""
    return TrainedModel(load_model(Path(path)))


def train(
    config: str | os.PathLike[str] | Mapping[str, Any] | Config | None = None,
    *,
    X: Any = None,
    y: Any = None,
    settings: Sequence[str] = (),
    output: str | os.PathLike[str] | None = None,
    resume: bool = False,
    force: bool = False,
    **keys: Any,
) -> Run:
    """Train by a config, a path or a mapping, and write its run folder, as `bpcli train` does.

    `settings` are `KEY=VALUE` that override it, `keys` are keys without their sections (`learning_rate=0.1`), `output`
    is the run folder. `resume` goes on from the saved state, `force` replaces a run. An interrupt saves first.
    ConfigError, UsageError, DataError, DivergedError as the command.

    X, an array (N, n), a data frame or a sparse matrix, and y, (N,) or the name of a column of X, replace the data of
    `data.path`; a run is then written only if `output` is given.
    """
    if config is None and X is None and "path" not in keys:
        raise UsageError("there is nothing to train on: expected a config, X and y, or a path")
    if X is None and y is not None:
        raise UsageError("y comes with X: expected both, or a config whose data.path names the table")
    if X is not None:
        if resume:
            raise UsageError("a training on X in memory is not saved on the way, so that none can be resumed")
        if not isinstance(config, Config):
            keys |= {"path": "X"} | _target_key(config, y, keys)
    if config is None and not settings:
        with errors_in_python():
            return _train(config_of(as_mapping(keys)), X, y, output, resume, force, in_python)
    settled = config_of({} if config is None else config, [*each_text(settings), *as_settings(keys)])
    return _train(settled, X, y, output, resume, force)


def _train(
    settled: Config,
    X: Any,
    y: Any,
    output: str | os.PathLike[str] | None,
    resume: bool,
    force: bool,
    worded: Callable[[str], str] = str,
) -> Run:
    """`train` by a config that is read; `worded` rewrites remarks in the names that the caller has for the keys."""
    if X is not None:
        return _train_table(settled, _training_table(X, y, settled), output, force, worded)
    if output is not None:
        settled = replace(settled, output=Path(output))
    with session(settled, resume, force) as current:
        _warn(map(worded, current.notes), 4)
        for _ in current.epochs():
            _warn(map(worded, current.warnings()), 4)
        summary = current.finish()
    _warn(map(worded, current.warnings()), 4)
    if useless := no_better_than_constant(summary):
        _warn([worded(f"{useless}; {summary.get('advice', '')}")], 4)
    folder = settled.output
    history = {name: np.array(column) for name, column in read_history(folder).items()}
    model = load_model(folder)
    check_one_run(folder, model)
    return Run(TrainedModel(model), history, load_summary(folder), folder)


def _target_key(config: Any, y: Any, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The name of the target: that of the column y, or, where y is an array and the config has none, `y`."""
    if isinstance(y, str):
        return {"target": y}
    own = dict(config.get("data") or {}) if isinstance(config, Mapping) else {"target": config} if config else {}
    return {} if y is None or "target" in {**own, **keys} else {"target": "y"}


def _training_table(X: Any, y: Any, config: Config) -> Table:
    """X as the table of a training, with the column y."""
    if is_sparse(X) or hasattr(X, "tocsr"):
        table: Table = sparse_table(Path("X"), X.tocsr(), Numbered(1, X.shape[1] + 1))
    else:
        array = None if is_frame(X) else as_array(X)
        names = [] if array is None or array.ndim != 2 else [f"x{k + 1}" for k in range(array.shape[1])]
        if array is not None and not names:
            raise DataError(f"X: expected an array (N, n) or a data frame, found an array of shape {array.shape}")
        table = table_of(X if array is None else array, names)
    target = config.data.target
    if y is not None and not isinstance(y, str) and target is not None:
        other = _target_table(target, y, table.rows)
        if target in table.names:
            raise UsageError(f"X has a column {target} itself, so the target can't come from y", f'y="{target}"')
        table = table.with_column(target, other, target)
    if not table.rows:
        raise DataError("X has no rows")
    return with_dialect(table, config.data.dialect)


def _target_table(name: str, y: Any, rows: int) -> Table:
    """The table of the target alone; DataError unless y is one for each row, (N,) or a column (N, 1)."""
    array = as_array(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(f"y: expected a target for each row, (N,), found the shape {array.shape}")
    if len(array) != rows:
        raise DataError(f"y has {len(array)} rows, X has {rows}: each row needs its target")
    return table_of({name: array}, [])


def _train_table(
    config: Config, table: Table, output: str | os.PathLike[str] | None, force: bool, worded: Callable[[str], str]
) -> Run:
    """`train` on a table in memory; the run is written only where there is an `output`."""
    config = replace(config, data=replace(config.data, path=table.path))
    target = None if output is None else Path(output)
    if target is not None:
        config = replace(config, output=target)
        check_place(config.output, force)
    training = prepare_table(config, table)
    for _ in training.epochs():
        pass
    remarks = remarks_on(training)
    summary = {**training.summary(), "run": None if target is None else str(target)}
    _warn(map(worded, [*training.notes, *remarks]), 5)
    model, records = replace(training.result, uncertainty=uncertainty_of(training, summary)), training.state.records
    if target is not None:
        write_run(training.config, model, records, summary, force)
    rows = [flat(record) for record in records]
    history = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return Run(TrainedModel(model), history, summary, target)


def config_of(
    config: str | os.PathLike[str] | Mapping[str, Any] | Config, settings: Sequence[str] = (), in_folds: bool = False
) -> Config:
    """The config of a file or a mapping, with `settings` that override it; a `Config` as it is."""
    settings = each_text(settings)
    if isinstance(config, str | os.PathLike):
        return load_config(config, settings, in_folds=in_folds)
    if not isinstance(config, Config):
        return config_from_mapping(config, settings=settings, in_folds=in_folds)
    if settings:
        raise UsageError("settings change a config file or a mapping, not a config that is made already")
    return config


def _warn(texts: Iterable[str], depth: int = 3) -> None:
    """Give Python warnings, which point at the line that called the public function, `depth` calls above."""
    for text in texts:
        warnings.warn(text, DataWarning, stacklevel=depth)
