import time
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bpcli.errors import ConfigError, DataError
from bpcli.training.config import (
    check_columns,
    config_from_mapping,
    dump_config,
    load_config,
    yaml_value,
)
from bpcli.training.schema import KEYS, json_schema

GOOD = """\
model:
  type: neuron
  activation: sigmoid
loss: bce
training:
  learning_rate: 1e-1
data:
  path: cells.csv
  target: diagnosis
"""


@pytest.fixture
def load(tmp_path):
    def load(text, *settings, name="c.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_config(path, settings)

    return load


@pytest.fixture
def problems(load):
    def problems(text, *settings):
        with pytest.raises(ConfigError) as caught:
            load(text, *settings)
        return [p.replace(str(p.partition("c.yaml")[0]), "") if "c.yaml:" in p else p for p in caught.value.problems]

    return problems


def test_the_defaults_are_those_of_the_command_line_page(load, tmp_path):
    config = load(GOOD)
    assert (config.model.init, config.model.threshold, config.loss) == ("zeros", 0.5, "bce")
    training = config.training
    assert (training.learning_rate, training.batch_size, training.epochs, training.shuffle) == (0.1, 32, 100, True)
    assert (training.seed, training.dtype, training.l1, training.l2) == (0, "float64", 0, 0)
    data = config.data
    assert data.path == tmp_path / "cells.csv"
    assert (data.positive, data.features, data.exclude, data.categorical) == (None, None, (), ())
    assert (data.standardize, data.scale, data.missing, data.format) == (False, None, "error", "auto")
    assert (data.validation, data.test, data.target_path) == (None, None, None)
    assert str(config.output) == "runs/c"
    assert load(GOOD.replace("bce", "mse").replace("  activation: sigmoid\n", "")).model.activation == "identity"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        (".5", 0.5),
        ("1.", 1.0),
        ("+2", 2.0),
        ("0x1F", 31.0),
        ("0o17", 15.0),
        ("010", 10.0),
    ],
)
def test_numbers_are_those_of_yaml_1_2(load, text, value):
    assert load(GOOD.replace("1e-1", text)).training.learning_rate == value


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "2020-01-01", "1_000", "12:30:45", "y", "0b1", "1e", "'5'", '"5"', "=", "<<"]
)
def test_words_are_those_of_yaml_1_2(load, text):
    """In YAML 1.1 these were booleans, dates, sexagesimal or grouped numbers, merges."""
    assert load(GOOD.replace("diagnosis", text)).data.target == text.strip("'\"")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("learning_rate: 1e-1", "learning_rate: -1", "c.yaml:6:18: training.learning_rate: expected a number greater"),
        ("1e-1", '"0.1"', "without the quotes it is a number"),
        ("1e-1", "0", "greater than 0, found 0"),
        ("1e-1", ".inf", "found inf"),
        ("1e-1", ".nan", "found nan"),
        ("1e-1", "true", "found true"),
        ("1e-1", "fast", "found fast"),
        ("1e-1", "[0.1, 0.2]", "found [0.1, 0.2]"),
        ("1e-1", "", "c.yaml:6:17: training.learning_rate: expected a number greater than 0, found nothing"),
        ("1e-1", "1" * 5000, "found inf"),
        ("learning_rate", "learing_rate", "c.yaml:6:3: training.learing_rate: there is no such key; did you mean trai"),
        ("learning_rate: 1e-1", "learning_rate: 0.1\n  batch_size: 0", "a whole number of at least 1, or one of full"),
        ("learning_rate: 1e-1", "learning_rate: 0.1\n  batch_size: fulll", "did you mean full?"),
        (
            "learning_rate: 1e-1",
            "learning_rate: 0.1\n  epochs: 2.5",
            "expected a whole number of at least 1, found 2.5",
        ),
        ("learning_rate: 1e-1", "learning_rate: 0.1\n  seed: -1", "expected a whole number of at least 0"),
        ("learning_rate: 1e-1", "learning_rate: 0.1\n  shuffle: yes", "yes, no, on and off are words"),
        ("learning_rate: 1e-1", "learning_rate: 0.1\n  optimizer: adam", "training.optimizer: there is no such key"),
        ("learning_rate: 1e-1", "learning_rate: 0.1\n  learning_rate: 0.2", "given twice, first at c.yaml:6:3"),
        ("loss: bce", "loss: bce\nloss: mse", "c.yaml:5:1: loss: given twice, first at c.yaml:4:1"),
        ("loss: bce", "loss: bcee", "c.yaml:4:7: loss: expected one of mse, bce, cce, found bcee; did you mean bce?"),
        ("loss: bce\n", "", "c.yaml:1:1: loss is missing"),
        ("  learning_rate: 1e-1\n", "", "c.yaml:5:1: training.learning_rate is missing"),
        (
            "loss: bce",
            "loss: bce\nlearning_rate: 1",
            "learning_rate: there is no such key; did you mean training.learn",
        ),
        ("neuron", "neurone", "did you mean neuron?"),
        (
            "training:\n  learning_rate: 1e-1",
            "training: fast",
            "c.yaml:5:11: training: expected a mapping, found 'fast'",
        ),
        ("target: diagnosis", "target: diagnosis\n  exclude: id", "as a list: [id]"),
        ("target: diagnosis", "target: diagnosis\n  exclude: [id, id]", "id stands twice"),
        ("target: diagnosis", "target: diagnosis\n  exclude: [[id]]", "expected a list of columns"),
        ("target: diagnosis", "target: diagnosis\n  missing: {age: men}", "did you mean mean?"),
        ("target: diagnosis", "target: diagnosis\n  missing: {age: mean, age: drop}", "age stands twice"),
        (
            "target: diagnosis",
            "target: diagnosis\n  validation: 1.5",
            "greater than 0 and less than 1, or a file, or null",
        ),
        ("target: diagnosis", "target: !!python/object:os.system x", "means nothing here"),
        ("target: diagnosis", "target: diagnosis\n  ? [a, b]\n  : 1", "expected the name of a key, found a list"),
    ],
)
def test_a_mistake_has_its_place_what_was_expected_and_advice(problems, old, new, expected):
    found = problems(GOOD.replace(old, new))
    assert expected in "\n".join(found)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("model", "loss", "reason"),
    [
        ("type: softmax", "bce", "take cce"),
        ("type: neuron", "cce", "a neuron has one output"),
        ("type: neuron\n  activation: tanh", "bce", "has to lie between 0 and 1, and tanh's does not"),
        ("type: neuron\n  activation: relu", "bce", "relu's does not"),
        ("type: neuron", "bce", "identity's does not"),
        ("type: softmax\n  activation: sigmoid", "cce", "c.yaml:3:15: model.activation: softmax is itself"),
        ("type: softmax\n  threshold: 0.4", "cce", "only a neuron with loss bce has a threshold"),
    ],
)
def test_an_impossible_pair_is_refused_with_the_reason(problems, model, loss, reason):
    text = GOOD.replace("type: neuron\n  activation: sigmoid", model).replace("bce", loss)
    assert reason in "\n".join(problems(text))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("features: [diagnosis, a]", "data.features: diagnosis is the target"),
        ("features: [a, b]\n  exclude: [a]", "a is in data.features too"),
        ("features: [a]\n  categorical: [b]", "b is not among the features"),
        ("exclude: [b]\n  categorical: [b]", "b is not among the features"),
        ("standardize: true\n  scale: 255", "give one of the two"),
    ],
)
def test_columns_and_scales_that_contradict_each_other(problems, lines, reason):
    assert reason in "\n".join(problems(GOOD.replace("diagnosis\n", f"diagnosis\n  {lines}\n")))


def test_every_mistake_in_one_go_in_the_order_of_the_file(problems):
    found = problems("modle: {}\nloss: bec\ntraining:\n  learning_rate: fast\n  epoch: 3\ndata:\n  path: 7\n")
    assert [p.split(": ")[0] for p in found[:-1]] == [
        "c.yaml:1:1",
        "c.yaml:2:7",
        "c.yaml:4:18",
        "c.yaml:5:3",
        "c.yaml:6:1",
    ]
    assert len(found) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("- a\n- b\n", "expected a mapping .* found a list"),
        ("just text", "expected a mapping"),
        ("a: 1\n---\nb: 2\n", "c.yaml:2:1: this is not YAML"),
        ("a: [1, 2\nb: 3\n", "(?s)c.yaml:2:2: this is not YAML.*\\^"),
        ("a:\n\tb: 1\n", "(?s)c.yaml:2:1.*\\^"),
        ("a: 'x\n", "c.yaml:2:1"),
        ("a: *b\n", "undefined alias"),
        ("[" * 100000, "nested too deeply"),
        ("a: " + "[" * 500 + "]" * 500, "nested too deeply"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ("a: \x00", "special characters are not allowed"),
        ("x" * (1 << 19), "are no config"),
    ],
)
def test_what_is_no_config_at_all(load, text, message):
    with pytest.raises(ConfigError, match=message):
        load(text)


def test_a_yaml_bomb_is_refused_at_once(problems):
    levels = ["a: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"b{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 12)]
    began = time.perf_counter()
    found = problems("\n".join(levels))
    assert time.perf_counter() - began < 5
    assert any("too many values" in p for p in found)
    assert "nested too deeply" in "\n".join(problems("loss: &a [*a]\n"))


def test_files_that_are_not_there(tmp_path):
    (tmp_path / "cells.yaml").write_text(GOOD)
    with pytest.raises(DataError, match=r"did you mean .*cells\.yaml"):
        load_config(tmp_path / "cell.yaml")
    with pytest.raises(DataError, match="is a folder"):
        load_config(tmp_path)


def test_settings_are_typed_as_in_the_file_and_win(load):
    config = load(GOOD, "training.learning_rate=0.01", "data.exclude=[id, 'x,y']", "training.epochs=5", "output=here")
    assert (config.training.learning_rate, config.training.epochs) == (0.01, 5)
    assert config.data.exclude == ("id", "x,y")
    assert str(config.output) == "here"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "training.learing_rate=1",
            "--set training.learing_rate=1: training.learing_rate: there is no such key; did you",
        ),
        ("training.learning_rate", "expected KEY=VALUE"),
        ("training.learning_rate=fast", "expected a number greater than 0, found fast"),
        ("training={learning_rate: 1}", "is a section"),
        ("data.exclude=[a", "this is not YAML"),
    ],
)
def test_a_setting_with_a_mistake_says_so(problems, setting, message):
    assert message in "\n".join(problems(GOOD, setting))


def test_a_dump_reads_back_as_an_equal_config(load):
    text = (
        GOOD
        + "  missing: {age: mean, 'no': drop}\n  exclude: ['1e3', 'a: b', null_, \"yes\", 'é,x']\n  validation: v.csv\n"
    )
    config = load(text)
    again = load(dump_config(config), name="other.yaml")
    assert again == replace(config, places={})
    assert dump_config(again) == dump_config(config)


@given(st.text(max_size=12))
def test_any_text_is_written_so_that_yaml_1_1_and_1_2_read_it_back(text):
    written = yaml_value(text)
    if text.isprintable():
        assert yaml.safe_load(f"a: [{written}]") == {"a": [text]}


def test_a_mapping_from_python_is_checked_like_a_file():
    mapping = {
        "model": {"type": "softmax"},
        "loss": "cce",
        "training": {"learning_rate": 0.1},
        "data": {"path": "a.csv", "target": "y"},
    }
    assert config_from_mapping(mapping).training.epochs == 100
    with pytest.raises(ConfigError, match=r"training\.learning_rate: expected"):
        config_from_mapping({**mapping, "training": {"learning_rate": "fast"}})


def test_columns_that_are_not_there_have_the_place_in_the_config(load):
    config = load(GOOD + "  exclude: [idd, age]\n  missing: {hight: mean}\n")
    found = check_columns(config, ["id", "age", "height", "diagnos"])
    assert [f.split("c.yaml:")[1] for f in found] == [
        f"9:11: data.target: {config.data.path} has no column diagnosis; did you mean diagnos?",
        f"10:12: data.exclude: {config.data.path} has no column idd; did you mean id?",
        f"11:12: data.missing: {config.data.path} has no column hight; did you mean height?",
    ]


def accepts(schema, value):
    """As much of JSON Schema as the config's schema uses."""
    if "anyOf" in schema and not any(accepts(s, value) for s in schema["anyOf"]):
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds = {"string": str, "number": (int, float), "integer": int, "boolean": bool, "null": type(None), "array": list}
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    if names and not any(
        isinstance(value, kinds.get(n, dict)) and (n == "boolean") >= isinstance(value, bool) for n in names
    ):
        return False
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is False and set(value) - set(properties):
            return False
        if set(schema.get("required", [])) - set(value):
            return False
        return all(accepts(properties[k], v) for k, v in value.items() if k in properties)
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("exclusiveMinimum", -1e999), schema.get("exclusiveMaximum", 1e999)
        return low < value < high and value >= schema.get("minimum", -1e999)
    return True


def test_the_schema_accepts_the_shipped_configs_and_refuses_mistakes(root):
    schema = json_schema()
    for path in sorted((root / "configs").glob("*.yaml")):
        config = yaml.safe_load(path.read_text())
        assert accepts(schema, config), path
        assert not accepts(schema, {**config, "modle": {}})
        assert not accepts(schema, {**config, "loss": "hinge"})
        assert not accepts(schema, {k: v for k, v in config.items() if k != "training"})
        assert not accepts(schema, {**config, "training": {"learning_rate": -1}})
        assert not accepts(schema, {**config, "model": {"type": "softmax"}, "loss": "bce"})


def test_the_schema_describes_every_key():
    properties = json_schema()["properties"]
    for path, key in KEYS.items():
        *sections, name = path.split(".")
        entry = (properties[sections[0]]["properties"] if sections else properties)[name]
        assert entry["description"] == key.text
