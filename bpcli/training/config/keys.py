"""The config: its sections as frozen records, whose fields are the table that all else about a key comes from.

The annotation of a field says what the key takes and what it is for, the field's default is the key's: the checks, the
resolved config, the JSON Schema, the list on the page `config` and what `init` writes read them here. A new key is one
more field.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_type_hints

from bpcli.datasets.preparation.gaps import MISSING_STRATEGIES
from bpcli.datasets.reading import READERS
from bpcli.errors import nearest
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Choice, Setting, Task, name_and_settings
from bpcli.formulas.layers import DEFAULT_ACTIVATION, LAYERS, loss_of, pairs, pairs_in_words, refusal, task_of
from bpcli.formulas.losses import LOSSES, Loss
from bpcli.formulas.optimizers import OPTIMIZERS
from bpcli.formulas.schedules import SCHEDULES
from bpcli.training.config.value_types import (
    CLASS,
    FILE,
    FLAG,
    NAME,
    NAMES,
    PATH,
    Kind,
    TableKind,
    a_number,
    a_whole_number,
    either,
    mapping_to,
    named,
    one_of,
    optional,
    settings,
)
from bpcli.training.metrics import METRICS, metrics_of

_MOST_SHOWN = 20  # columns in a message

REQUIRED: Any = object()
"""The default of a key that is required."""


@dataclass(frozen=True)
class Key:
    """A key: the values it takes, what it is for, and an example to show where its default is no good example.

    `fits` says which losses it has a meaning for.
    """

    kind: Kind
    text: str
    example: str = ""
    fits: Callable[[Loss], bool] | None = None
    default: Any = REQUIRED
    path: str = ""

    @property
    def comment(self) -> str:
        """The words to choose from, and what the key is for."""
        choices = self.kind.choices if len(self.kind.choices) > 1 else ()
        return "; ".join(filter(None, [" | ".join(choices), self.text]))


def _settings(rows: Mapping[str, Any]) -> dict[str, dict[str, Kind]]:
    """The kinds of the settings of each row of a table."""

    def kind(setting: Setting) -> Kind:
        if setting.whole:
            return a_whole_number(int(setting.at_least or 0))
        return a_number(above=setting.above, below=setting.below, at_least=setting.at_least)

    return {name: {key: kind(setting) for key, setting in row.settings.items()} for name, row in rows.items()}


def _row_of(rows: Mapping[str, Any], what: str, more: Mapping[str, Kind] | None = None) -> Kind:
    """A row of a table by its name, or as a mapping of its name and settings."""
    return TableKind(lambda: named(_settings(rows), what, more))


EARLY = TableKind(lambda: settings({"metric": one_of(*METRICS), "patience": a_whole_number(1)}, "metric and patience"))
PART = optional(either(a_number(above=0, below=1), FILE))
MISSING = one_of(*MISSING_STRATEGIES)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The section `model`; `activation` is None for softmax."""

    type: Annotated[
        str,
        Key(TableKind(lambda: one_of(*LAYERS)), ", or ".join(row.outputs for row in LAYERS.values()), "neuron"),
    ]
    activation: Annotated[
        Choice | None,
        Key(
            TableKind(lambda: optional(_row_of(ACTIVATIONS, "activation"))),
            f"by default {DEFAULT_ACTIVATION}",
            "sigmoid",
        ),
    ] = None
    init: Annotated[str, Key(one_of("zeros", "normal", "uniform"), "N(0, 1/n) and ±1/√n for n features")] = "zeros"
    threshold: Annotated[
        float,
        Key(
            a_number(above=0, below=1),
            "a bce neuron predicts the positive class where a is at least this",
            fits=lambda loss: loss.probability,
        ),
    ] = 0.5


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The section `training`."""

    learning_rate: Annotated[float, Key(a_number(above=0), "α in w := w − α(∂J/∂w)ᵀ", "1e-1")]
    batch_size: Annotated[int | str, Key(either(a_whole_number(1), one_of("full")), "rows of a step, or full")] = 32
    epochs: Annotated[
        int | str,
        Key(
            either(a_whole_number(1), one_of("auto")),
            "passes over the training rows, or auto: as long as the validation rows improve, at most 10000",
        ),
    ] = 100
    shuffle: Annotated[bool, Key(FLAG, "a new order of the rows in each epoch")] = True
    seed: Annotated[int, Key(a_whole_number(0), "of the splits, the start and the shuffling, each its own stream")] = 0
    dtype: Annotated[str, Key(one_of("float64", "float32"), "")] = "float64"
    optimizer: Annotated[
        str | dict[str, Any],
        Key(_row_of(OPTIMIZERS, "optimizer"), "or {name: momentum, momentum: 0.9}"),
    ] = "sgd"
    schedule: Annotated[
        str | dict[str, Any],
        Key(
            _row_of(SCHEDULES, "schedule", {"warmup": a_whole_number(0)}),
            "of α; or {name: cosine, warmup: 100}, steps",
        ),
    ] = "constant"
    l1: Annotated[
        float, Key(a_number(at_least=0), "adds l1·Σ|w| to J, as a soft threshold after each step; never on the bias")
    ] = 0.0
    l2: Annotated[float, Key(a_number(at_least=0), "adds l2/2·‖w‖² to J; never on the bias")] = 0.0
    clip_norm: Annotated[
        float | None, Key(optional(a_number(above=0)), "the largest norm of ∂J/∂(w, b); a longer gradient is shortened")
    ] = None
    class_weight: Annotated[
        str | dict[str, float] | None,
        Key(
            optional(either(one_of("balanced"), mapping_to(a_number(above=0), "a mapping from classes to weights"))),
            "balanced, or a mapping such as {benign: 1, malignant: 3}; J is then a weighted mean",
        ),
    ] = None
    early_stopping: Annotated[
        dict[str, Any] | None,
        Key(optional(EARLY), "or {metric: loss, patience: 10}, of the validation rows; keeps the best epoch"),
    ] = None
    checkpoint_seconds: Annotated[
        float, Key(a_number(at_least=0), "how often the state is saved, as long as that takes under 1 % of the time")
    ] = 5.0


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The section `data`; paths are absolute, and a part that is a fraction is a float."""

    path: Annotated[Path, Key(PATH, "relative to this file", "cells.csv")]
    target: Annotated[str, Key(NAME, "the column to predict; with LIBSVM: none", "diagnosis")]
    positive: Annotated[
        str | float | None,
        Key(
            optional(CLASS),
            "of two classes; by default the later in natural order",
            "malignant",
            fits=lambda loss: loss.task is Task.TWO_CLASSES,
        ),
    ] = None
    features: Annotated[tuple[str, ...] | None, Key(optional(NAMES), "a list; by default every other column")] = None
    exclude: Annotated[tuple[str, ...], Key(NAMES, "columns to leave out")] = ()
    categorical: Annotated[
        tuple[str, ...],
        Key(NAMES, "columns to one-hot encode; a value not seen in training counts as none of them, with a note"),
    ] = ()
    standardize: Annotated[
        bool, Key(FLAG, "(x − mean)/σ over the training rows; a constant column is only centred, one-hot stays 0 and 1")
    ] = False
    scale: Annotated[float | None, Key(optional(a_number(above=0)), "or a number to divide the features by")] = None
    missing: Annotated[
        str | dict[str, str],
        Key(
            either(MISSING, mapping_to(MISSING, "a mapping from columns to such words")),
            "or a mapping by column; predict fills as training did",
        ),
    ] = "error"
    weight: Annotated[str | None, Key(optional(NAME), "a column of sample weights; J is then their weighted mean")] = (
        None
    )
    validation: Annotated[float | Path | None, Key(PART, "a fraction (stratified by class) or a file")] = None
    test: Annotated[float | Path | None, Key(PART, "likewise a fraction or a file, but measured only at the end")] = (
        None
    )
    format: Annotated[str, Key(TableKind(lambda: one_of("auto", *READERS)), "by extension, .gz too")] = "auto"
    target_path: Annotated[
        Path | None, Key(optional(PATH), "where the target has a file of its own; .npz: arrays X and y")
    ] = None


@dataclass(frozen=True, kw_only=True)
class Config:
    """A config that holds, every default filled in; `places` says where each given key, and entry of it, stands."""

    model: ModelConfig
    loss: Annotated[Choice, Key(_row_of(LOSSES, "loss"), "settings as in {name: huber, delta: 1}", "bce")]
    training: TrainingConfig
    data: DataConfig
    output: Annotated[
        Path,
        Key(
            optional(PATH),
            "the run folder, relative to where you are; by default runs/ and this file's name",
            "runs/cells",
            None,
            None,
        ),
    ]
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


SECTIONS: dict[str, type[Any]] = {"model": ModelConfig, "training": TrainingConfig, "data": DataConfig}


def _keys(owner: type[Any], prefix: str = "") -> Iterator[Key]:
    defaults = {entry.name: entry.default for entry in dataclasses.fields(owner)}
    for name, hint in get_type_hints(owner, include_extras=True).items():
        if hint in SECTIONS.values():
            yield from _keys(hint, f"{name}.")
        for key in getattr(hint, "__metadata__", ()):
            default = key.default if defaults[name] is dataclasses.MISSING else defaults[name]
            yield dataclasses.replace(key, default=default, path=prefix + name)


KEYS: dict[str, Key] = {key.path: key for key in _keys(Config)}
"""The table, by dotted path, in the order of a config."""


class Conflict(NamedTuple):
    """What is wrong with a key, or with the entry of it that names a column."""

    key: str
    what: str
    entry: str = ""


def conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    """The values that can't go together; `values` holds those that were given and are sound by themselves."""
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
    yield from _column_conflicts(values)
    yield from _weight_conflicts(values)
    yield from _stopping_conflicts(values)


def _task(values: Mapping[str, Any]) -> Task | None:
    """What is predicted, if the values say."""
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


def _stopping_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    early, task = values.get("training.early_stopping"), _task(values)
    if early is not None:
        if values.get("data.validation") is None:
            yield Conflict(
                "training.early_stopping", "it watches the validation rows, and data.validation is not given"
            )
        metric = early.get("metric", "loss")
        has = metrics_of(task) if task else []
        if task and metric not in has:
            whose = "a regression" if task is Task.REGRESSION else "a model of classes"
            yield Conflict("training.early_stopping", f"{whose} has no {metric}: one of {', '.join(has)}", "metric")
    if values.get("training.epochs") == "auto":
        if values.get("data.validation") is None:
            yield Conflict(
                "training.epochs", "auto ends when the validation rows do: give data.validation, such as 0.2"
            )
        schedule, _ = name_and_settings(values.get("training.schedule") or KEYS["training.schedule"].default)
        if SCHEDULES[schedule].by_total:
            what = f"{schedule} goes by the number of epochs, and epochs: auto has none to tell of"
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
        if name == target and strategy not in ("error", "drop"):
            what = f"{name} is the target, which is never filled: error or drop, not {strategy}"
            yield Conflict("data.missing", what, name)
        elif name in categorical and strategy in ("mean", "median"):
            what = f"{name} is categorical and has no {strategy}: most_frequent, error or drop"
            yield Conflict("data.missing", what, name)


def unknown_columns(values: Mapping[str, Any], names: Sequence[str]) -> Iterator[Conflict]:
    """The columns that `values` ask for and that are not among `names`, the columns of `data.path`."""
    missing = values.get("data.missing")
    target = values.get("data.target")
    asked = {
        "data.target": () if target is None else (target,),
        "data.weight": () if values.get("data.weight") is None else (values["data.weight"],),
        **{key: values.get(key) or () for key in ("data.features", "data.exclude", "data.categorical")},
        "data.missing": missing if isinstance(missing, dict) else (),
    }
    columns = ", ".join(names[:_MOST_SHOWN]) + (" …" if len(names) > _MOST_SHOWN else "")
    for key, wanted in asked.items():
        for name in wanted:
            if name not in names:
                close = nearest(name, names)
                advice = f"did you mean {close}?" if close else f"its columns are {columns}"
                yield Conflict(key, f"{values['data.path']} has no column {name}; {advice}", name)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a config, for editors that complete and check YAML."""
    root = _object("A training of bpcli")
    for section, owner in SECTIONS.items():
        root["properties"][section] = _object((owner.__doc__ or "").partition(";")[0].rstrip("."))
    for path, key in KEYS.items():
        *sections, name = path.split(".")
        parent = root["properties"][sections[0]] if sections else root
        entry = {**key.kind.schema, "description": key.comment}
        if key.default is REQUIRED:
            parent["required"].append(name)
        else:
            entry["default"] = list(key.default) if isinstance(key.default, tuple) else key.default
        parent["properties"][name] = entry
    root["required"] += [section for section in SECTIONS if root["properties"][section]["required"]]
    root["allOf"] = list(_rules())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root}


def _object(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "type": "object",
        "additionalProperties": False,
        "properties": {},
        "required": [],
    }


def _rules() -> Iterator[dict[str, Any]]:
    """What `conflicts` says of pairs, as JSON Schema: implications, so that an editor marks the value at fault."""
    losses: dict[str, list[Any]] = {}
    activations: dict[tuple[str, str], list[Any]] = {}
    for layer, activation, loss in pairs():
        losses.setdefault(layer, []).append(loss)
        activations.setdefault((layer, loss), []).append(activation)
    for layer, possible in losses.items():
        fitting = [_row(loss) for loss in dict.fromkeys(possible)]
        yield {"if": _has({"model.type": {"const": layer}}), "then": _takes("loss", fitting)}
    for (layer, loss), names in activations.items():
        fits = None in names or DEFAULT_ACTIVATION in names
        fitting = [{"const": None} if name is None else _row(name) for name in names]
        then = _takes("model.activation", fitting + ([{"const": None}] if fits and None not in names else []))
        then["properties"]["model"] |= {} if fits else {"required": ["activation"]}
        yield {"if": _has({"model.type": {"const": layer}, "loss": _row(loss)}), "then": then}
    for path, key in KEYS.items():
        if key.fits:
            fitting = [_row(name) for name, row in LOSSES.items() if key.fits(row)]
            yield {"if": _has({"loss": {"anyOf": fitting}}), "else": _takes(path, [{"const": key.default}])}
    yield {"if": _has({"data.standardize": {"const": True}}), "then": _takes("data.scale", [{"const": None}])}


def _row(name: str) -> dict[str, Any]:
    """The schema of a row: its name, or a mapping with it."""
    return {
        "anyOf": [
            {"const": name},
            {"type": "object", "properties": {"name": {"const": name}}, "required": ["name"]},
        ]
    }


def _has(values: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The schema of a config in which these keys are given and are of these schemas."""
    return {"allOf": [_at(path, schema, required=True) for path, schema in values.items()]}


def _takes(path: str, schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """The schema of a config in which a key, if it is given, is of one of some schemas."""
    return _at(path, {"anyOf": schemas}, required=False)


def _at(path: str, schema: Mapping[str, Any], required: bool) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        schema = {"properties": {name: schema}, **({"required": [name]} if required else {})}
    return dict(schema)
