"""Values that can't go together, each told at its key and with the entry at fault."""

import pytest

from bpcli.formulas.layers import pairs
from bpcli.formulas.schedules import SCHEDULES
from bpcli.training.config.conflicts import conflicts, unknown_columns
from bpcli.training.config.keys import KEYS

SOUND = {"model.type": "neuron", "model.activation": "sigmoid", "loss": "bce", "data.target": "y"}


def found(**others):
    """(key, entry) of each conflict; `data__scale` stands for `data.scale`."""
    values = SOUND | {key.replace("__", "."): value for key, value in others.items()}
    assert set(values) <= set(KEYS)
    return [(conflict.key, conflict.entry) for conflict in conflicts(values)]


@pytest.mark.parametrize(
    ("others", "key", "entry"),
    [
        ({"data__standardize": True, "data__scale": 2.0}, "data.scale", ""),
        ({"data__validation": 0.5, "data__test": 0.5}, "data.test", ""),
        ({"data__features": ("a", "y")}, "data.features", "y"),
        ({"data__features": ("a",), "data__exclude": ("a",)}, "data.exclude", "a"),
        ({"data__features": ("a",), "data__categorical": ("b",)}, "data.categorical", "b"),
        ({"data__missing": {"y": "mean"}}, "data.missing", "y"),
        ({"data__missing": {"c": "median"}, "data__categorical": ("c",)}, "data.missing", "c"),
        ({"data__weight": "y"}, "data.weight", ""),
        ({"data__weight": "w", "data__features": ("w", "a")}, "data.features", "w"),
        ({"training__early_stopping": {}}, "training.early_stopping", ""),
        (
            {"training__early_stopping": {"metric": "rmse"}, "data__validation": 0.2},
            "training.early_stopping",
            "metric",
        ),
        ({"training__epochs": "auto"}, "training.epochs", ""),
        ({"loss": "cce"}, "loss", ""),
        ({"model__type": "softmax", "loss": "cce"}, "model.activation", ""),
        ({"loss": "mse", "training__class_weight": "balanced"}, "training.class_weight", ""),
        ({"loss": "mse", "data__positive": "yes"}, "data.positive", ""),
    ],
)
def test_what_can_t_go_together(others, key, entry):
    assert found(**others) == [(key, entry)]


def test_what_goes_together():
    assert found() == []
    for layer, activation, loss in pairs():
        values = {"model.type": layer, "loss": loss, "data.target": "y"}
        assert not list(conflicts(values | ({"model.activation": activation} if activation else {})))


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_that_goes_by_the_number_of_epochs_needs_it(name):
    told = found(training__schedule={"name": name}, training__epochs="auto", data__validation=0.2)
    assert told == ([("training.schedule", "")] if SCHEDULES[name].by_total else [])


def test_columns_that_are_not_there():
    values = SOUND | {"data.path": "t.csv", "data.exclude": ("id", "colour"), "data.missing": {"age": "mean"}}
    told = list(unknown_columns(values, ["y", "id", "color"]))
    assert [(conflict.key, conflict.entry) for conflict in told] == [
        ("data.exclude", "colour"),
        ("data.missing", "age"),
    ]
    assert "did you mean color?" in told[0].what
    assert "its columns are y, id, color" in told[1].what
