"""`schema`: the JSON Schema of a config, which the example configs fit."""

import json

import jsonschema
import pytest
import yaml


@pytest.fixture
def schema(bpcli):
    result = bpcli("schema")
    assert (result.code, result.err) == (0, "")
    return json.loads(result.out)


def test_it_is_a_schema(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"].startswith("https://json-schema.org/")


def test_the_configs_fit_it_and_a_wrong_one_does_not(schema, root):
    validator = jsonschema.Draft202012Validator(schema)
    paths = sorted((root / "configs").glob("*.yaml"))
    assert paths
    for path in paths:
        assert validator.is_valid(yaml.safe_load(path.read_text())), path.name
    config = yaml.safe_load(paths[0].read_text())
    assert not validator.is_valid({**config, "loss": "msee"})
    assert not validator.is_valid({**config, "trainning": {}})
