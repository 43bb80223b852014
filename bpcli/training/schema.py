"""The keys of a config, one row each: the checks, the defaults, the JSON Schema and `init` all read this table."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bpcli.datasets.preparation import MISSING_STRATEGIES
from bpcli.datasets.table import READERS
from bpcli.errors import nearest
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.steps import STEPS
from bpcli.notation import number


@dataclass(frozen=True)
class Kind:
    """A kind of value: `read` returns the value to keep or raises ValueError; `expected` says what it wants."""

    expected: str
    read: Callable[[Any], Any]
    schema: Mapping[str, Any]


def one_of(*choices: str) -> Kind:
    """One of some words."""

    def read(value: Any) -> str:
        if value in choices and isinstance(value, str):
            return value
        close = nearest(value, choices) if isinstance(value, str) else None
        raise ValueError(f"did you mean {close}?" if close else "")

    return Kind("one of " + ", ".join(choices), read, {"enum": list(choices)})


def a_number(above: float | None = None, below: float | None = None, at_least: float | None = None) -> Kind:
    """A finite number, within bounds if given."""
    words, schema = ["a number"], {"type": "number"}
    for bound, word, key in (
        (above, "greater than", "exclusiveMinimum"),
        (at_least, "of at least", "minimum"),
        (below, "less than", "exclusiveMaximum"),
    ):
        if bound is not None:
            words.append(f"{word} {number(bound)}" if len(words) == 1 else f"and {word} {number(bound)}")
            schema[key] = bound  # type: ignore[assignment]

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(_quoted_number(value))
        x = float(value)
        fits = (above is None or x > above) and (below is None or x < below)
        if not math.isfinite(x) or not fits or (at_least is not None and x < at_least):
            raise ValueError
        return x

    return Kind(" ".join(words), read, schema)


def a_whole_number(at_least: int) -> Kind:
    """An integer of at least `at_least`; 5.0 is one."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > 2**53:
            raise ValueError(_quoted_number(value))
        if value != int(value) or value < at_least:
            raise ValueError
        return int(value)

    return Kind(f"a whole number of at least {at_least}", read, {"type": "integer", "minimum": at_least})


def _quoted_number(value: Any) -> str:
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return ""
        return "without the quotes it is a number"
    return ""


def _typed(expected: str, kind: type, schema_type: str) -> Kind:
    def read(value: Any) -> Any:
        if not isinstance(value, kind):
            raise ValueError
        return value

    return Kind(expected, read, {"type": schema_type})


def _read_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("yes, no, on and off are words in YAML 1.2" if value in ("yes", "no", "on", "off") else "")
    return value


def _read_names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        raise ValueError(f"as a list: [{value}]")
    if not isinstance(value, list) or not all(
        isinstance(v, str | int | float) and not isinstance(v, bool) for v in value
    ):
        raise ValueError
    names = tuple(v if isinstance(v, str) else number(v) for v in value)
    twice = next((v for i, v in enumerate(names) if v in names[:i]), None)
    if twice is not None:
        raise ValueError(f"{twice} stands twice")
    return names


def _read_name(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        raise ValueError
    return value if isinstance(value, str) else number(value)


def either(*kinds: Kind) -> Kind:
    """Any of several kinds, tried in order."""

    def read(value: Any) -> Any:
        advice = []
        for kind in kinds:
            try:
                return kind.read(value)
            except ValueError as error:
                advice.append(str(error))
        raise ValueError(next(filter(None, advice), ""))

    return Kind(", or ".join(k.expected for k in kinds), read, {"anyOf": [k.schema for k in kinds]})


def mapping_to(kind: Kind) -> Kind:
    """A mapping from column names to one kind of value."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError
        return {_read_name(name): kind.read(inner) for name, inner in value.items()}

    expected = f"a mapping from columns to {kind.expected}"
    return Kind(expected, read, {"type": "object", "additionalProperties": kind.schema})


NULL = _typed("null", type(None), "null")
FLAG = Kind("true or false", _read_flag, {"type": "boolean"})
TEXT = _typed("text", str, "string")
NAME = Kind("a column's name", _read_name, {"type": ["string", "number"]})
NAMES = Kind(
    "a list of columns", _read_names, {"type": "array", "items": {"type": ["string", "number"]}, "uniqueItems": True}
)
CLASS = Kind(
    "a class: text or a number",
    lambda value: float(value) if isinstance(value, int | float) and not isinstance(value, bool) else TEXT.read(value),
    {"type": ["string", "number"]},
)
FRACTION = a_number(above=0, below=1)
PART = either(FRACTION, Kind("a file", TEXT.read, {"type": "string"}), NULL)
MISSING = one_of(*MISSING_STRATEGIES)

REQUIRED = object()
"""The default of a key that has to be given."""


@dataclass(frozen=True)
class Key:
    """A key of the config: its dotted path, what it takes, its default, and what it is for."""

    path: str
    kind: Kind
    default: Any
    text: str


KEYS: dict[str, Key] = {
    key.path: key
    for key in [
        Key("model.type", one_of("neuron", "softmax"), REQUIRED, "one output, or one for each class"),
        Key("model.activation", either(one_of(*ACTIVATIONS), NULL), None, "of a neuron; identity by default"),
        Key("model.init", one_of("zeros", "normal", "uniform"), "zeros", "the weights before the first step"),
        Key("model.threshold", FRACTION, 0.5, "a bce neuron says positive where a is at least this"),
        Key("loss", one_of("mse", "bce", "cce"), REQUIRED, "what is minimised"),
        Key("training.learning_rate", a_number(above=0), REQUIRED, "α in w := w − α(∂J/∂w)ᵀ"),
        Key("training.batch_size", either(a_whole_number(1), one_of("full")), 32, "rows of a step, or full"),
        Key("training.epochs", a_whole_number(1), 100, "passes over the training rows"),
        Key("training.shuffle", FLAG, True, "a new order of the rows in each epoch"),
        Key("training.seed", a_whole_number(0), 0, "of the splits, the start and the shuffling"),
        Key("training.dtype", one_of("float64", "float32"), "float64", "the numbers to train with"),
        Key("training.l1", a_number(at_least=0), 0.0, "adds l1·Σ|w| to J, as a soft threshold"),
        Key("training.l2", a_number(at_least=0), 0.0, "adds l2/2·‖w‖² to J; never on the bias"),
        Key("data.path", TEXT, REQUIRED, "the table, relative to this file"),
        Key("data.target", NAME, REQUIRED, "the column to predict"),
        Key("data.positive", either(CLASS, NULL), None, "of two classes the positive one; else the later in order"),
        Key("data.features", either(NAMES, NULL), None, "the columns to learn from; else all others"),
        Key("data.exclude", NAMES, (), "columns to leave out"),
        Key("data.categorical", NAMES, (), "columns to one-hot encode"),
        Key("data.standardize", FLAG, False, "(x − mean)/σ, over the training rows"),
        Key("data.scale", either(a_number(above=0), NULL), None, "or a number to divide the features by"),
        Key(
            "data.missing", either(MISSING, mapping_to(MISSING)), "error", "what to do with gaps, for all or by column"
        ),
        Key("data.validation", PART, None, "a fraction to hold out, stratified by class, or a file"),
        Key("data.test", PART, None, "likewise, looked at once, at the end"),
        Key("data.format", one_of("auto", *READERS), "auto", "of the files; auto: by their extension"),
        Key("data.target_path", either(TEXT, NULL), None, "where the target has a file of its own"),
        Key("output", either(TEXT, NULL), None, "the run folder; by default runs/ and this file's name"),
    ]
}

SECTIONS = tuple(dict.fromkeys(path.split(".")[0] for path in KEYS if "." in path))

PAIRS = "; ".join(
    [
        "neuron + identity, sigmoid, tanh or relu + mse",
        "neuron + sigmoid + bce",
        "softmax + cce",
        "softmax + mse",
    ]
)


def conflicts(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) for each pair of values that can't go together; `values` holds the keys that were given."""
    model, loss = values.get("model.type"), values.get("loss")
    activation = values.get("model.activation")
    if model == "softmax" and activation is not None:
        yield "model.activation", "softmax is itself the activation of a softmax model; leave this key out"
    elif model and loss:
        chosen = None if model == "softmax" else activation or "identity"
        if (model, chosen, loss) not in STEPS:
            yield "loss", f"{_why_not(model, chosen, loss)}; what goes together: {PAIRS}"
        elif loss != "bce":
            if values.get("model.threshold", 0.5) != 0.5:
                yield "model.threshold", f"only a neuron with loss bce has a threshold, and the loss is {loss}"
            if values.get("data.positive") is not None:
                yield "data.positive", f"only a neuron with loss bce has a positive class, and the loss is {loss}"
    if values.get("data.standardize") and values.get("data.scale") is not None:
        yield "data.scale", "data.standardize scales already: give one of the two"
    yield from _column_conflicts(values)


def _why_not(model: str, activation: str | None, loss: str) -> str:
    if model == "softmax":
        return "bce is for one output between 0 and 1, and softmax has one for each class: take cce"
    if loss == "cce":
        return (
            "cce needs a probability for each class, and a neuron has one output: take softmax, or bce for two classes"
        )
    return f"bce takes the logarithm of the output, which has to lie between 0 and 1, and {activation}'s does not"


def _column_conflicts(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    target, features = values.get("data.target"), values.get("data.features")
    exclude = values.get("data.exclude") or ()
    for key in ("data.features", "data.exclude", "data.categorical"):
        if target in (values.get(key) or ()):
            yield key, f"{target} is the target"
    for name in exclude:
        if name in (features or ()):
            yield "data.exclude", f"{name} is in data.features too"
    for name in values.get("data.categorical") or ():
        if name in exclude or (features is not None and name not in features and name != target):
            yield "data.categorical", f"{name} is not among the features"


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a config, for editors that complete and check YAML."""
    root = _object("A training of bpcli")
    for section in SECTIONS:
        root["properties"][section] = _object("")
    for key in KEYS.values():
        *sections, name = key.path.split(".")
        parent = root["properties"][sections[0]] if sections else root
        entry = {**key.kind.schema, "description": key.text}
        if key.default is REQUIRED:
            parent["required"].append(name)
        else:
            entry["default"] = list(key.default) if isinstance(key.default, tuple) else key.default
        parent["properties"][name] = entry
    root["required"] += [section for section in SECTIONS if root["properties"][section]["required"]]
    root["anyOf"] = [_pair_schema(*pair) for pair in STEPS]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root}


def _object(description: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}, "required": []}
    return {"description": description, **entry} if description else entry


def _pair_schema(model: str, activation: str | None, loss: str) -> dict[str, Any]:
    named: dict[str, Any] = {"properties": {"type": {"const": model}, "activation": {"const": activation}}}
    if activation not in (None, "identity"):
        named["required"] = ["activation"]
    return {"properties": {"model": named, "loss": {"const": loss}}}
