"""The weights in raw units: z is the features as they stand times the weights."""

import csv
import io
import json

import numpy as np
import pytest

from bpcli.api.predictions import prediction_names, predictions
from bpcli.errors import NotFiniteError
from bpcli.exporting.exported_model import exported
from bpcli.exporting.weight_tables import weights_csv, weights_json


def _both(model):
    found = exported(model, prediction_names(model), predictions)
    return json.loads(weights_json(model, found)), list(csv.reader(io.StringIO(weights_csv(model, found).decode())))


@pytest.mark.parametrize("case", [("softmax", None, "cce"), ("neuron", "identity", "mse")])
def test_the_weights_act_on_the_features_as_they_stand(model_of, case):
    model = model_of(*case)
    record, table = _both(model)
    n = len(record["features"])
    x = np.linspace(-2, 2, n)
    x[[*range(n)][-4]] *= 1e300
    prepared = (x - np.array(model.preparation.mean)) / np.array(model.preparation.scale)
    z = prepared @ model.w.reshape(n, -1) + model.b
    assert x @ np.array(record["weights"]) + record["bias"] == pytest.approx(z, rel=1e-12)
    assert [row[0] for row in table] == ["feature", *record["features"], "(bias)"]
    assert [[float(v) for v in row[1:]] for row in table[1:]] == [*record["weights"], record["bias"]]
    assert {*record["rows"][0]["row"]} == {column["name"] for column in record["columns"]}
    assert [*record["rows"][0]["expected"]] == prediction_names(model)


def test_weights_beyond_the_doubles_are_not_written(model_of):
    from dataclasses import replace

    model = model_of("neuron", "identity", "mse")
    scale = (1e-320, *model.preparation.scale[1:])
    model = replace(model, preparation=replace(model.preparation, scale=scale))
    with pytest.raises(NotFiniteError, match="in its own units"):
        _both(model)
