"""The JSON Schema, by a validator that is not ours, beside the checks that it stands for."""

from itertools import product

import jsonschema
import pytest
import yaml

from bpcli.errors import ConfigError
from bpcli.training.config.json_schema import json_schema
from bpcli.training.config.keys import KEYS, REQUIRED
from bpcli.training.config.loading import config_from_mapping


@pytest.fixture(scope="module")
def validator():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def config(model="neuron", activation="sigmoid", loss="bce", **others):
    """A config as plain data; `others` sets keys by section: `data={"scale": 2}`."""
    sections = {
        "model": {"type": model} | ({"activation": activation} if activation else {}),
        "training": {"learning_rate": 0.1},
        "data": {"path": "cells.csv", "target": "diagnosis"},
    }
    for section, values in others.items():
        sections[section] |= values
    return {**sections, "loss": loss}


def agrees(validator, mapping):
    """Whether the mapping is accepted, which the schema and the loader have to say alike."""
    try:
        config_from_mapping(mapping)
        accepted = True
    except ConfigError:
        accepted = False
    assert validator.is_valid(mapping) == accepted, mapping
    return accepted


def test_the_schema_accepts_the_shipped_configs(validator, root):
    for path in sorted((root / "configs").glob("*.yaml")):
        assert not list(validator.iter_errors(yaml.safe_load(path.read_text()))), path


def test_the_schema_describes_every_key(validator):
    for path, key in KEYS.items():
        node = validator.schema
        for name in path.split("."):
            parent, node = node, node["properties"][name]
        assert node["description"] == key.comment
        assert (key.default is REQUIRED) == ("default" not in node)
        if not key.not_for_solvers:  # those are required unless there is a solver
            assert (path.split(".")[-1] in parent["required"]) == (key.default is REQUIRED)
        if "default" in node:
            jsonschema.Draft202012Validator(node).validate(node["default"])


def test_the_schema_and_the_loader_agree_on_every_pair(validator):
    choices = (["neuron", "softmax"], [None, "identity", "sigmoid", "tanh", "relu"], ["mse", "bce", "cce"])
    assert sum(agrees(validator, config(*chosen)) for chosen in product(*choices)) == 8  # identity may be left out


@pytest.mark.parametrize(
    ("mapping", "accepted"),
    [
        (config(model="nueron"), False),
        (config(loss="hinge"), False),
        (config(activation=None, loss="mse", model="softmax", training={"batch_size": "full"}), True),
        (config(training={"batch_size": "all"}), False),
        (config(training={"batch_size": 0}), False),
        (config(training={"batch_size": 16.0}), True),
        (config(training={"epochs": 2.5}), False),
        (config(training={"learning_rate": 0}), False),
        (config(training={"learning_rate": "0.1"}), False),
        (config(training={"learning_rate": True}), False),
        (config(training={"l1": 0, "l2": 0.5, "seed": 0, "shuffle": False, "dtype": "float32"}), True),
        (config(training={"l2": -1}), False),
        (config(training={"seed": -1}), False),
        (config(training={"shuffle": "yes"}), False),
        (config(training={"optimiser": "adam"}), False),
        (config(training={"optimizer": "adam"}), True),
        (config(training={"optimizer": {"name": "adam", "momentum": 0.5}}), False),
        ({**config(), "modle": {}}, False),
        ({key: value for key, value in config().items() if key != "loss"}, False),
        ({key: value for key, value in config().items() if key != "training"}, False),
        (config(model="softmax", activation=None, loss="cce", data={"standardize": True, "scale": None}), True),
        (config(data={"standardize": True, "scale": 255}), False),
        (config(data={"standardize": False, "scale": 255}), True),
        (config(data={"positive": "malignant"}), True),
        (config(data={"positive": 1}), True),
        (config(data={"positive": False}), True),
        (config(loss="mse", data={"positive": "malignant"}), False),
        (config(model="softmax", activation=None, loss="cce", data={"positive": "malignant"}), False),
        ({**config(), "model": {"type": "neuron", "activation": "sigmoid", "threshold": 0.3}}, True),
        ({**config(loss="mse"), "model": {"type": "neuron", "threshold": 0.3}}, False),
        ({**config(loss="mse"), "model": {"type": "neuron", "threshold": 0.5}}, True),
        (config(data={"features": ["a", 1], "exclude": ["b"], "categorical": ["a"]}), True),
        (config(data={"features": "a"}), False),
        (config(data={"exclude": ["a", "a"]}), False),
        (config(data={"exclude": None}), False),
        (config(data={"missing": "median"}), True),
        (config(data={"missing": {"a": "drop"}}), True),
        (config(data={"missing": {"a": "dorp"}}), False),
        (config(data={"validation": 0.2, "test": "held.csv"}), True),
        (config(data={"validation": 1}), False),
        (config(data={"format": "tsv", "target_path": "y.csv"}), True),
        (config(data={"format": "xlsx"}), False),
        ({**config(), "output": "runs/x"}, True),
        ({**config(), "output": ["runs/x"]}, False),
    ],
)
def test_the_schema_and_the_loader_agree(validator, mapping, accepted):
    assert agrees(validator, mapping) == accepted


def test_an_editor_marks_the_value_at_fault(validator):
    (error,) = validator.iter_errors(config(model="softmax", activation=None))
    assert list(error.absolute_path) == ["loss"]
    (error,) = validator.iter_errors(config(activation="tanh"))
    assert list(error.absolute_path) == ["model", "activation"]
    (error,) = validator.iter_errors(config(data={"standardize": True, "scale": 255}))
    assert list(error.absolute_path) == ["data", "scale"]
