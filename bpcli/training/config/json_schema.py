"""The JSON Schema of the config, for editors: the values that each key takes, and which values go together."""

from collections.abc import Iterator, Mapping
from typing import Any

from bpcli.formulas.layers import DEFAULT_ACTIVATION, pairs
from bpcli.formulas.losses import LOSSES
from bpcli.formulas.solvers import SOLVERS
from bpcli.training.config.keys import KEYS, REQUIRED, SECTIONS


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a config, for editors that complete and check YAML."""
    root = _object("A training of bpcli")
    for section, owner in SECTIONS.items():
        root["properties"][section] = _object((owner.__doc__ or "").partition(";")[0].rstrip("."))
    for path, key in KEYS.items():
        *sections, name = path.split(".")
        parent = root["properties"][sections[0]] if sections else root
        entry = {**key.kind.schema, "description": key.comment}
        if key.default is REQUIRED and key.not_for_solvers:
            pass  # `_rules` requires it, depending on the optimizer
        elif key.default is REQUIRED:
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
    """The rules of `conflicts` on pairs of keys, as implications, so that an editor marks the value at fault."""
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
    by_solver = _has({"training.optimizer": {"anyOf": [_row(name) for name in SOLVERS]}})
    yield {"if": by_solver, "else": _at("training.learning_rate", {"type": "number"}, required=True)}
    yield {"if": _has({"data.standardize": {"const": True}}), "then": _takes("data.scale", [{"const": None}])}


def _row(name: str) -> dict[str, Any]:
    """The schema of a row of a table: its name, or a mapping with that name."""
    return {
        "anyOf": [
            {"const": name},
            {"type": "object", "properties": {"name": {"const": name}}, "required": ["name"]},
        ]
    }


def _has(values: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The schema of a config in which each of these keys is given and fits its schema."""
    return {"allOf": [_at(path, schema, required=True) for path, schema in values.items()]}


def _takes(path: str, schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """The schema of a config in which a key, if it is given, fits one of these schemas."""
    return _at(path, {"anyOf": schemas}, required=False)


def _at(path: str, schema: Mapping[str, Any], required: bool) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        schema = {"properties": {name: schema}, **({"required": [name]} if required else {})}
    return dict(schema)
