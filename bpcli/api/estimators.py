"""Estimators in the manner of scikit-learn: `Neuron` and `Softmax`, trained in memory as `train` trains them."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from importlib import import_module
from itertools import count, islice
from types import MethodType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bpcli.api.fit_data import coded, coded_weights, from_sklearn, is_named, sparse_table_of, target_of, weights_of
from bpcli.api.in_python import FitDataError, ParameterError, as_mapping, errors_in_python, in_python
from bpcli.api.models import DataWarning, TrainedModel
from bpcli.datasets.from_python import as_array, frame_columns, is_frame, table_of
from bpcli.datasets.preparation.options import ERROR
from bpcli.datasets.sparse import dense, is_sparse
from bpcli.datasets.table import Table
from bpcli.formulas.choices import Choice, Task
from bpcli.formulas.layers import DEFAULT_ACTIVATION, LAYERS, USUAL, loss_of, task_of
from bpcli.training.config.loading import config_from_mapping
from bpcli.training.selection.trials import remarks_on
from bpcli.training.setup import prepare_table

Array = NDArray[Any]


@dataclass(kw_only=True, eq=False, repr=False)
class _Estimator:
    """The common base of both estimators. Parameters are keys of the config; None is the config's default."""

    _layer: ClassVar[str]

    loss: Choice
    optimizer: Choice = "lbfgs"
    learning_rate: float | None = None
    schedule: Choice | None = None
    clip_norm: float | None = None
    epochs: int | str | None = None
    batch_size: int | str | None = None
    shuffle: bool = True
    l1: float = 0.0
    l2: float = 0.0
    class_weight: str | dict[Any, float] | None = None
    tolerance: float | None = None
    early_stopping: dict[str, Any] | None = None
    validation: float | None = None
    init: str = "zeros"
    seed: int = 0
    dtype: str | None = None
    threshold: float | None = None
    standardize: bool = False
    scale: float | None = None
    missing: str | dict[str, str] = ERROR
    categorical: tuple[str, ...] | list[str] = ()

    def __repr__(self) -> str:
        given = [f"{f.name}={value!r}" for f in fields(self) if (value := getattr(self, f.name)) != f.default]
        return f"{type(self).__name__}({', '.join(given)})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; `deep` changes nothing, as none is an estimator."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def set_params(self, **params: Any) -> Self:
        """Change parameters; ParameterError for an unknown one."""
        known = [field.name for field in fields(self)]
        for name, value in params.items():
            if name not in known:
                raise ParameterError([f"{type(self).__name__} has no parameter {name!r}: it has {', '.join(known)}"])
            setattr(self, name, value)
        return self

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X (N, n), an array, a data frame or a sparse matrix, and targets y (N,); writes nothing.

        A row of weight 2 counts as two of weight 1 where each step takes all rows (lbfgs, newton, batch_size="full").
        FitDataError for X or y, ParameterError for parameters, DivergedError. DataWarning as `train`.
        """
        with errors_in_python():
            table, names = self._table(X, None)
            name, weight = islice((f"y{k or ''}" for k in count() if f"y{k or ''}" not in names), 2)
            mapping = self._mapping(name)
            if sample_weight is not None:
                mapping["data"]["weight"] = weight
                table = table.with_column(weight, table_of({weight: weights_of(sample_weight, table.rows)}, []), weight)
            config = config_from_mapping(mapping)
            target, classes, by_class = target_of(y, table.rows), None, config.training.class_weight
            if self._is_classifier:
                classes, target = coded(target, task_of(self._layer, self.loss) is Task.TWO_CLASSES)
                if isinstance(self.class_weight, Mapping):
                    by_class = coded_weights(self.class_weight, classes)
            elif table.rows == 1:
                raise FitDataError("found X with 1 sample: there is nothing to learn")
            settled = replace(config.training, class_weight=by_class)
            config = replace(config, training=settled, data=replace(config.data, path=table.path))
            training = prepare_table(config, table.with_column(name, table_of({name: target}, []), name))
            for _ in training.epochs():
                pass
            for text in dict.fromkeys([*training.notes, *remarks_on(training)]):
                warnings.warn(in_python(text), DataWarning, stacklevel=2)
        self.n_features_in_ = len(names)
        self.__dict__.pop("feature_names_in_", None)
        if is_named(X):
            self.feature_names_in_ = np.array(names, object)
        if classes is not None:
            self.classes_ = classes
        self.n_iter_ = len(training.state.records)
        self.model_ = TrainedModel(training.result)
        w, b = self.model_.weights(raw=True)
        self.coef_: Array = w[:, 0] if classes is None else w.T
        self.intercept_: Any = float(b[0]) if classes is None else b
        return self

    def predict(self, X: Any) -> Array:
        """The predictions (N,): classes, or numbers."""
        model, z = self._z(X)
        predicted = model.predicted(z)
        return np.asarray(self.classes_[predicted] if self._is_classifier else predicted.astype(np.float64))

    @property
    def decision_function(self) -> Any:
        """A function of X: z of a neuron; the logits of softmax less their mean (N, K), of two their difference."""
        if not self._is_classifier:
            raise AttributeError("a regression has no decision_function")
        return MethodType(decision_function, self)

    @property
    def predict_proba(self) -> Any:
        """A function of X: P(class), (N, K), in the order of `classes_`; not there where the loss gives none."""
        if not (self._is_classifier and (loss_of(self.loss).probability or LAYERS[self._layer].per_class)):
            raise AttributeError(f"loss {loss_of(self.loss).name} has no predict_proba")
        return MethodType(predict_proba, self)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of right classes; of a regression R² = 1 − Σ(y − ŷ)²/Σ(y − ȳ)²; each row with its weight."""
        predicted = self.predict(X)
        with errors_in_python():
            y = target_of(y, len(predicted))
            weights = None if sample_weight is None else weights_of(sample_weight, len(y))
        if self._is_classifier:
            return float(np.average(predicted == y, weights=weights))
        y = y.astype(np.float64)
        mean = np.average(y, weights=weights)
        rest, whole = (float(np.average((y - other) ** 2, weights=weights)) for other in (predicted, mean))
        return 1.0 - rest / whole if whole else float(rest == 0.0)

    @property
    def _is_classifier(self) -> bool:
        try:
            return task_of(self._layer, self.loss) is not Task.REGRESSION
        except (KeyError, TypeError, ValueError):
            return False  # no loss: the error of `fit` lists the losses

    @property
    def _takes_sparse(self) -> bool:
        return not (self.standardize or self.categorical)

    def _mapping(self, target: str) -> dict[str, Any]:
        """The parameters as a config, with the column of the target."""
        given = {name: value for name, value in self.get_params().items() if value is not None}
        mapping = as_mapping({"type": self._layer, "path": "X", "target": target, **given})
        if not LAYERS[self._layer].per_class and self._is_classifier and "activation" not in mapping["model"]:
            usual = USUAL[Task.TWO_CLASSES][1] if loss_of(self.loss).probability else DEFAULT_ACTIVATION
            mapping["model"]["activation"] = usual
        return mapping

    def _table(self, X: Any, model: TrainedModel | None) -> tuple[Table, list[str]]:
        """X as a table, and the names of its columns: of an array x1, x2, … or those that it was fitted with."""
        if hasattr(X, "tocsr"):
            X = X.tocsr()
            X = X if model is None or model._model.preparation.numbered else dense(X)
        if is_sparse(X) and not self._takes_sparse:
            raise FitDataError("X is sparse, and standardize and categorical take dense data", "X.toarray()")
        named = not is_sparse(X) and is_named(X)
        table = sparse_table_of(X) if is_sparse(X) else table_of(X, []) if named else self._of_array(X, model)
        names = [*table.names]
        if not names:
            raise FitDataError(f"0 feature(s) (shape=({table.rows}, 0)) while a minimum of 1 is required.")
        if not table.rows:
            raise FitDataError(
                f"Found array with 0 sample(s) (shape=(0, {len(names)})) while a minimum of 1 is required."
            )
        if self.missing == ERROR and not is_sparse(X):
            for name in names:
                if (gaps := table.missing(name)).any():
                    where = table.where(int(np.argmax(gaps)), name)
                    raise FitDataError(f"{where}: the cell is missing (NaN)", "missing='median' fills gaps")
        return table, names

    def _of_array(self, X: Any, model: TrainedModel | None) -> Table:
        X = np.stack([*frame_columns(X).values()], axis=1) if is_frame(X) else as_array(X)
        if X.dtype.kind == "c":
            raise FitDataError("Complex data not supported: X has complex numbers")
        if X.ndim != 2:
            raise FitDataError(
                f"Expected 2D array, got {X.ndim}D array instead: X has the shape {X.shape}",
                "Reshape your data: X.reshape(-1, 1) if it is one feature, X.reshape(1, -1) if it is one sample",
            )
        if X.dtype.kind in "OSU" and not self.categorical:
            X = X.astype(np.float64)
        names = [f"x{k + 1}" for k in range(X.shape[1])]
        if model is not None and X.shape[1] == self.n_features_in_:
            names = [*getattr(self, "feature_names_in_", names)]
        return table_of(X, names)

    def _z(self, X: Any) -> tuple[Any, Array]:
        if "model_" not in vars(self):
            raise from_sklearn("NotFittedError", FitDataError)(
                f"This {type(self).__name__} instance is not fitted yet: fit(X, y) comes first"
            )
        with errors_in_python():
            table, names = self._table(X, self.model_)
            self._check_names(X, names)
            if len(names) != self.n_features_in_:
                raise FitDataError(
                    f"X has {len(names)} features, but {type(self).__name__} is expecting {self.n_features_in_} "
                    "features as input"
                )
            model = self.model_._model
            prepared = model.preparation.apply(table, with_target=False)
            for text in prepared.notes:
                warnings.warn(in_python(text), DataWarning, stacklevel=3)
            return model, model.z(prepared.X)

    def _check_names(self, X: Any, names: list[str]) -> None:
        """As scikit-learn: columns have the names and the order that they had in `fit`."""
        fitted: list[str] | None = [*self.feature_names_in_] if "feature_names_in_" in vars(self) else None
        me = type(self).__name__
        if fitted is None or not is_named(X):
            if fitted is not None:
                warnings.warn(
                    f"X does not have valid feature names, but {me} was fitted with feature names", stacklevel=4
                )
            elif is_named(X):
                warnings.warn(f"X has feature names, but {me} was fitted without feature names", stacklevel=4)
            return
        if names == fitted:
            return
        unseen, lost = sorted({*names} - {*fitted}), sorted({*fitted} - {*names})
        lines = ["The feature names should match those that were passed during fit."]
        lines += ["Feature names unseen at fit time:", *(f"- {name}" for name in unseen)] if unseen else []
        lines += ["Feature names seen at fit time, yet now missing:", *(f"- {name}" for name in lost)] if lost else []
        lines += [] if unseen or lost else ["Feature names must be in the same order as they were in fit."]
        raise FitDataError("\n".join(lines) + "\n")

    def __sklearn_tags__(self) -> Any:
        tags: Any = import_module("sklearn.utils")
        classifier = self._is_classifier
        return tags.Tags(
            estimator_type="classifier" if classifier else "regressor",
            target_tags=tags.TargetTags(required=True),
            classifier_tags=tags.ClassifierTags(multi_class=LAYERS[self._layer].per_class) if classifier else None,
            regressor_tags=None if classifier else tags.RegressorTags(),
            input_tags=tags.InputTags(
                sparse=self._takes_sparse, allow_nan=self.missing != ERROR, string=bool(self.categorical)
            ),
        )


@dataclass(kw_only=True, eq=False, repr=False)
class Neuron(_Estimator):
    """A neuron a = g(xᵀw + b): of two classes with sigmoid and bce (the default) or hinge, else a regression.

    Neuron(activation="identity", loss="mse") predicts numbers. Parameters are the keys of the config; None is its
    default. After `fit`: `coef_` and `intercept_` in the units of X, `classes_`, `n_features_in_`, `feature_names_in_`
    (of data frames), `n_iter_`, and `model_`, a TrainedModel.
    """

    _layer = "neuron"

    loss: Choice = "bce"
    activation: Choice | None = None


@dataclass(kw_only=True, eq=False, repr=False)
class Softmax(_Estimator):
    """A softmax layer p = softmax(xᵀw + b) over the classes of y, with cce or mse.

    Parameters are the keys of the config; None is its default. After `fit`: `coef_` (K, n) and `intercept_` (K,) in the
    units of X, `classes_`, `n_features_in_`, `feature_names_in_` (of data frames), `n_iter_`, and `model_`, a
    TrainedModel.
    """

    _layer = "softmax"

    loss: Choice = "cce"


def decision_function(estimator: _Estimator, X: Any) -> Array:
    """The property `decision_function` of an estimator, as a function of X."""
    z = estimator._z(X)[1].astype(np.float64)
    if z.shape[1:] == (2,):
        return np.asarray(z[:, 1] - z[:, 0])
    return np.asarray(z - z.mean(axis=1, keepdims=True) if z.ndim == 2 else z)


def predict_proba(estimator: _Estimator, X: Any) -> Array:
    """The property `predict_proba` of an estimator, as a function of X."""
    model, z = estimator._z(X)
    return np.asarray(model.probabilities(z))
