"""`bpcli validate` and `bpcli schema`: a summary of a config, or all of its mistakes."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

CONFIG = """\
model: {type: neuron, activation: sigmoid}
loss: bce
training: {learning_rate: 0.1}
data:
  path: t.csv
  target: y
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("x,y\n" + "1,a\n2,b\n" * 10)
    return tmp_path


def test_a_sound_config_says_what_it_would_do(bpcli, root):
    for path in sorted((root / "configs").glob("*.yaml")):
        result = bpcli("validate", path)
        assert (result.code, result.err) == (0, "")
    iris = bpcli("validate", root / "configs" / "iris.yaml").out
    assert iris.endswith("iris.yaml: softmax, loss cce, 15 parameters on 4 features; rows: 120 train, 30 validation\n")


def test_every_mistake_on_stderr_and_nothing_else(bpcli, here):
    Path("c.yaml").write_text(CONFIG.replace("bce", "bec").replace("0.1", "fast").replace("target: y", "target: z"))
    result = bpcli("validate", "c.yaml", "--set", "training.epochs=0")
    assert (result.code, result.out) == (2, "")
    assert [line.partition(": ")[0] for line in result.err.removeprefix("bpcli: error: ").splitlines()] == [
        "c.yaml:2:7",
        "c.yaml:3:27",
        "c.yaml:6:11",
        "--set training.epochs=0",
    ]


def test_a_column_that_is_not_there(bpcli, here):
    Path("c.yaml").write_text(CONFIG.replace("target: y", "target: y\n  exclude: [xx]"))
    result = bpcli("validate", "c.yaml")
    assert result.code == 2
    assert "c.yaml:7:13: data.exclude: " in result.err
    assert "has no column xx; did you mean x?" in result.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CONFIG.replace("t.csv", "tt.csv"), "tt.csv does not exist\n  did you mean "),
        (CONFIG + "  target_path: z.csv\n", "z.csv does not exist"),
    ],
)
def test_data_that_is_not_there(bpcli, here, content, message):
    Path("c.yaml").write_text(content)
    result = bpcli("validate", "c.yaml")
    assert (result.code, result.out) == (3, "")
    assert message in result.err
    assert bpcli("validate", "cc.yaml").code == 3


def test_the_schema_is_one_and_accepts_what_validate_accepts(bpcli, root):
    schema = json.loads(bpcli("schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load((root / "configs" / "iris.yaml").read_text()), schema)
