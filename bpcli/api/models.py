"""Training and trained models in Python: what `train`, `predict`, `evaluate` and `inspect` do, with arrays."""

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.api.predictions import scores
from bpcli.datasets.from_python import table_of
from bpcli.datasets.meaning import meant
from bpcli.datasets.preparation.labels import class_text
from bpcli.datasets.reading import read_files
from bpcli.datasets.sparse import is_sparse, sparse_table
from bpcli.datasets.table import Table
from bpcli.errors import DataError, UsageError
from bpcli.training.config.loading import Config, config_from_mapping, load_config
from bpcli.training.model import Model
from bpcli.training.run import check_one_run, load_model, load_summary, read_history
from bpcli.training.session import session
from bpcli.training.verdict import no_better_than_constant

Array = NDArray[Any]


class DataWarning(UserWarning):
    """A remark on the data, or on a training, that a command would print as a note or a warning."""


class TrainedModel:
    """A trained model.

    X is a path, a mapping or data frame of columns by name, an array (N, columns), or a sparse matrix of SciPy's where
    the model was trained on a LIBSVM file. Columns of an array are in the order of `columns`; of other tables they are
    found by name, and others ignored.
    DataError for what does not fit, with the row and column.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def __repr__(self) -> str:
        return f"<bpcli {self._model.kind}: {self._model.preparation.target} from {len(self.columns)} columns>"

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
            other = table_of({target: y}, [target])
            if other.rows != table.rows:
                raise DataError(f"y has {other.rows} rows, X has {table.rows}: each row needs its target")
            source = table.with_column(target, other, target)
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
        return meant(table_of(X, self.columns), self._model.dialect)


@dataclass(frozen=True)
class Run:
    """A training that has ended: its model, its history by column, its summary, and its folder."""

    model: TrainedModel
    history: dict[str, Array]
    summary: dict[str, Any]
    path: Path


def load(path: str | os.PathLike[str]) -> TrainedModel:
    """The model of a run folder or a `model.npz`: `load("runs/iris").predict(X)`. DataError if there is none."""
    return TrainedModel(load_model(Path(path)))


def train(
    config: str | os.PathLike[str] | Mapping[str, Any] | Config,
    *,
    settings: Sequence[str] = (),
    output: str | os.PathLike[str] | None = None,
    resume: bool = False,
    force: bool = False,
) -> Run:
    """Train what a config describes, a path or a mapping, and write its run folder, as `bpcli train` does.

    `settings` are `KEY=VALUE` over a config file, `output` is the run folder. `resume` goes on with what is saved,
    `force` replaces a run. An interrupt saves first. ConfigError, UsageError, DataError, DivergedError as the command.
    """
    settled = config_of(config, settings)
    if output is not None:
        settled = replace(settled, output=Path(output))
    with session(settled, resume, force) as current:
        _warn(current.notes)
        for _ in current.epochs():
            _warn(current.warnings())
        summary = current.finish()
    _warn(current.warnings())
    if useless := no_better_than_constant(summary):
        _warn([f"{useless}; {summary.get('advice', '')}"])
    folder = settled.output
    history = {name: np.array(column) for name, column in read_history(folder).items()}
    model = load_model(folder)
    check_one_run(folder, model)
    return Run(TrainedModel(model), history, load_summary(folder), folder)


def config_of(config: str | os.PathLike[str] | Mapping[str, Any] | Config, settings: Sequence[str] = ()) -> Config:
    """The config in a file, with `settings` over it, or of a mapping; one that is made already as it is."""
    if isinstance(config, str | os.PathLike):
        return load_config(config, settings)
    if not isinstance(config, Config):
        return config_from_mapping(config, settings=settings)
    if settings:
        raise UsageError("settings change a config file or a mapping, not a config that is made already")
    return config


def _warn(texts: Sequence[str], depth: int = 3) -> None:
    """Give Python warnings, which point at the line that called the public function, `depth` calls above."""
    for text in texts:
        warnings.warn(text, DataWarning, stacklevel=depth)
