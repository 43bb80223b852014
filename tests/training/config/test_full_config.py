"""A config in full reads back as it is."""

from dataclasses import replace

import pytest
import yaml

from bpcli.datasets.formatted_numbers import Style
from bpcli.training.config.full_config import config_values, dump_config
from bpcli.training.config.keys import KEYS

GOOD = """\
model: {type: neuron, activation: sigmoid}
loss: bce
training: {learning_rate: 1e-1}
data:
  path: cells.csv
  target: diagnosis
"""


def test_a_dump_reads_back_as_an_equal_config_from_any_folder(load, tmp_path):
    config = load(
        GOOD.replace("1e-1", "1e-7").replace("cells.csv", '"a: b \\u0085.csv"')
        + "  missing: {age: mean, 'no': drop}\n  exclude: ['1e3', 'a: b', null_, \"yes\", 'é,x']\n"
        + "  validation: v.csv\n  test: 0.25\n  positive: 1\n"
    )
    (tmp_path / "else").mkdir()
    again = load(dump_config(config), name="else/other.yaml")
    assert again == config
    assert dump_config(again) == dump_config(config)
    shown = yaml.safe_load(dump_config(config))
    assert {f"{s}.{k}" for s in ("model", "training", "data") for k in shown[s]} | {"loss", "output"} == set(KEYS)


@pytest.mark.parametrize("mark", ".,")
@pytest.mark.parametrize("unit", ["", "€", "%", "'", "NO", "kWh/m²", "~", "null", "true", "#", "US$ k", "🜚"])
def test_a_dump_of_formatted_numbers_reads_back(load, mark, unit):
    config = load(GOOD + "  numbers: {x: {}}\n")
    style = Style(mark, unit)._asdict()
    decided = replace(config, data=replace(config.data, numbers={"x": style}))
    assert load(dump_config(decided), name="other.yaml") == decided


@pytest.mark.parametrize("pair", ["neuron mse", "softmax cce"])
def test_a_dump_of_what_has_no_threshold_reads_back(load, pair):
    model, loss = pair.split()
    text = GOOD.replace(", activation: sigmoid", "").replace("neuron", model).replace("bce", loss)
    assert load(dump_config(load(text)), name="other.yaml") == load(text)


def test_values_stand_under_the_keys_of_the_file(load):
    values = config_values(load(GOOD))
    assert values.keys() == KEYS.keys()
    assert (values["loss"], values["model.type"], values["training.learning_rate"]) == ("bce", "neuron", 0.1)
