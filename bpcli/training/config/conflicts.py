"""Finds values of a config that contradict each other, and columns that the data does not have."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bpcli.datasets.preparation.gaps import FILLS, fits_text
from bpcli.errors import meant, several
from bpcli.formulas.choices import Task, name_and_settings
from bpcli.formulas.layers import DEFAULT_ACTIVATION, LAYERS, loss_of, pairs_in_words, refusal, task_of
from bpcli.formulas.losses import LOSSES
from bpcli.formulas.schedules import SCHEDULES
from bpcli.formulas.solvers import SOLVERS, Solver
from bpcli.paths import paths_text
from bpcli.training.config.keys import KEYS
from bpcli.training.metrics import metrics_of

_MOST_SHOWN = 20  # columns in a message


class Conflict(NamedTuple):
    """A key at fault, what is wrong with it, and, if only one entry of its value is at fault, that entry."""

    key: str
    what: str
    entry: str = ""


def conflicts(values: Mapping[str, Any], in_folds: bool = False) -> Iterator[Conflict]:
    """Yield the conflicts between values; `values` are those that were given and are valid by themselves.

    `in_folds`: for cross-validation, which holds out rows of each fold for early stopping.
    """
    yield from _model_conflicts(values)
    loss = values.get("loss")
    for path, key in KEYS.items():
        if key.fits and loss and not key.fits(loss_of(loss)) and values.get(path, key.default) != key.default:
            fitting = " or ".join(name for name, row in LOSSES.items() if key.fits(row))
            what = f"it goes with loss {fitting} alone, and the loss is {loss_of(loss).name}; leave it out"
            yield Conflict(path, what)
    if values.get("data.standardize") and values.get("data.scale") is not None:
        yield Conflict("data.scale", "data.standardize: true scales already; give one of the two")
    parts = [values.get(f"data.{part}") for part in ("validation", "test")]
    if sum(part for part in parts if isinstance(part, float)) >= 1:
        yield Conflict("data.test", "data.validation and data.test together leave nothing to train on")
    rate = "training.learning_rate"
    if rate in values and values[rate] is None and solver_of(values) is None:
        yield Conflict(rate, f"expected {KEYS[rate].kind.expected}, found null")
    yield from _column_conflicts(values)
    yield from _weight_conflicts(values)
    yield from _stopping_conflicts(values, in_folds or values.get("data.validation") is not None)


def solver_of(values: Mapping[str, Any]) -> Solver | None:
    """The solver that `training.optimizer` names; None if it is an optimiser of mini-batches."""
    name, _ = name_and_settings(values.get("training.optimizer") or KEYS["training.optimizer"].default)
    return SOLVERS.get(name)


def _task(values: Mapping[str, Any]) -> Task | None:
    """The task of the model and loss; None if the values do not determine it."""
    layer, loss = values.get("model.type"), values.get("loss")
    if loss is None or layer is None:
        return None if loss is None else loss_of(loss).task
    return task_of(layer, loss)


def _weight_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    weight = values.get("data.weight")
    if weight is not None:
        if weight == values.get("data.target"):
            yield Conflict("data.weight", f"{weight} is the target")
        for key in ("data.features", "data.categorical"):
            if weight in (values.get(key) or ()):
                yield Conflict(key, f"{weight} is data.weight, and no feature", weight)
    if values.get("training.class_weight") is not None and _task(values) is Task.REGRESSION:
        yield Conflict("training.class_weight", "a regression has no classes; data.weight weighs single rows")


def _stopping_conflicts(values: Mapping[str, Any], has_rows: bool) -> Iterator[Conflict]:
    early, task = values.get("training.early_stopping"), _task(values)
    if early is not None:
        if not has_rows:
            yield Conflict(
                "training.early_stopping", "it watches the validation rows, and data.validation is not given"
            )
        metric = early.get("metric", "loss")
        has = metrics_of(task) if task else []
        if task and metric not in has:
            whose = "a regression" if task is Task.REGRESSION else "a model of classes"
            yield Conflict("training.early_stopping", f"{whose} has no {metric}: one of {', '.join(has)}", "metric")
    if values.get("training.epochs") == "auto":
        if not has_rows:
            yield Conflict(
                "training.epochs", "auto ends when the validation rows do: give data.validation, such as 0.2"
            )
        schedule, _ = name_and_settings(values.get("training.schedule") or KEYS["training.schedule"].default)
        if SCHEDULES[schedule].by_total:
            what = f"{schedule} ends with the last epoch, and epochs: auto has none to tell of"
            yield Conflict("training.schedule", what)


def _model_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    layer, loss = values.get("model.type"), values.get("loss")
    activation = values.get("model.activation")
    if layer and LAYERS[layer].per_class and activation is not None:
        yield Conflict("model.activation", f"{layer} is itself the activation of such a model; leave this key out")
    elif layer and loss:
        chosen = None if LAYERS[layer].per_class else activation or DEFAULT_ACTIVATION
        if why := refusal(layer, chosen, loss):
            yield Conflict("loss", f"{why}; what goes together: {pairs_in_words()}")


def _column_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    target, features = values.get("data.target"), values.get("data.features")
    exclude, categorical = values.get("data.exclude") or (), values.get("data.categorical") or ()
    missing = values.get("data.missing")
    strategies = missing if isinstance(missing, dict) else {}
    for key in ("data.features", "data.exclude", "data.categorical"):
        if target is not None and target in (values.get(key) or ()):
            yield Conflict(key, f"{target} is the target", target)
    for name in exclude:
        if name in (features or ()):
            yield Conflict("data.exclude", f"{name} is in data.features too", name)
    for key, names in (("data.categorical", categorical), ("data.missing", strategies)):
        for name in names:
            if name != target and (name in exclude or (features is not None and name not in features)):
                yield Conflict(key, f"{name} is not among the features", name)
    for name, strategy in strategies.items():
        if name == target and strategy in FILLS:
            what = f"{name} is the target, which is never filled: error or drop, not {strategy}"
            yield Conflict("data.missing", what, name)
        elif name in categorical and not fits_text(strategy):
            what = f"{name} is categorical and has no {strategy}: most_frequent, error or drop"
            yield Conflict("data.missing", what, name)


def unknown_columns(values: Mapping[str, Any], names: Sequence[str]) -> Iterator[Conflict]:
    """Yield a conflict for each column that `values` name and that is not among `names`, the columns of `data.path`."""
    missing = values.get("data.missing")
    target = values.get("data.target")
    asked = {
        "data.target": () if target is None else (target,),
        "data.weight": () if values.get("data.weight") is None else (values["data.weight"],),
        **{key: values.get(key) or () for key in ("data.features", "data.exclude", "data.categorical")},
        "data.missing": missing if isinstance(missing, dict) else (),
        "data.missing_words": words if isinstance(words := values.get("data.missing_words"), dict) else (),
        "data.numbers": values.get("data.numbers") or (),
    }
    given = {""}  # each piece of advice is given once
    for key, wanted in asked.items():
        for name in wanted:
            if name not in names:
                advice = meant(name, names, f"its columns are {several(names, _MOST_SHOWN)}")
                what = f"{paths_text(values['data.path'])} has no column {name}"
                yield Conflict(key, what if advice in given else f"{what}; {advice}", name)
                given.add(advice)
