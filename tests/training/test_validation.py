"""Mistakes of a config and of its data are told in one go, each once, and nothing that is none."""

import pytest

from bpcli.errors import ConfigError, DataError, UsageError
from bpcli.training.validation import validated

TABLE = "name,a,color,y\n" + "".join(f"n{k},{k},{'red' if k % 2 else 'blue'},{'uvw'[k % 3]}\n" for k in range(40))
GOOD = {
    "model": "{type: softmax}",
    "loss": "cce",
    "training": "{learning_rate: 0.1, epochs: 3}",
    "data": "{path: t.csv, target: y, exclude: [name], categorical: [color], validation: v.csv}",
}


@pytest.fixture
def check(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE)
    (tmp_path / "v.csv").write_text(TABLE)
    (tmp_path / "short.csv").write_text("a,color\n1,red\n")
    (tmp_path / "odd.csv").write_text("a,color,y\nten,red,u\n")

    def call(settings=(), **changes):
        lines = [f"{key}: {value}" for key, value in {**GOOD, **changes}.items()]
        (tmp_path / "c.yaml").write_text("\n".join(lines) + "\n")
        return validated(tmp_path / "c.yaml", settings)

    return call


def test_a_sound_config_is_a_training(check):
    assert {name: len(part.y) for name, part in check().parts.items()} == {"train": 40, "validation": 40}


DATA = GOOD["data"]


def data(old, new):
    return {"data": DATA.replace(old, new)}


SLIP = {"training": "{learning_rate: fast, epochs: 3}"}
TWO = {"model": "{type: neuron, activation: sigmoid}", "loss": "bce"}
GONE = "no.csv does not exist"


@pytest.mark.parametrize(
    ("changes", "kind", "told"),
    [
        # a mistake in the config beside one of the data
        (SLIP | data("v.csv", "no.csv"), UsageError, ["found fast", GONE]),
        ({"loss": "ccee"} | data("t.csv", "no.csv"), UsageError, ["did you mean cce?", GONE]),
        (SLIP | data("[color]", "[]"), UsageError, ["found fast", "'blue' is not a number"]),
        (SLIP | data("[color]", "[color, hue]"), UsageError, ["found fast", "no column hue"]),
        ({"training": "{epochs: 3}"} | data("[name]", "[]"), UsageError, ["rate is missing", "'n0' is not a number"]),
        # several of the data
        (data("v.csv", "no.csv, test: nix.csv"), DataError, [GONE, "nix.csv does not exist"]),
        ({"data": DATA.replace("[color]", "[]").replace("v.csv", "no.csv")}, DataError, ["'blue' is not", GONE]),
        (data("v.csv", "short.csv, test: odd.csv"), DataError, ["short.csv has no column y", "'ten' is not a number"]),
        (TWO | data("[color]", "[]"), DataError, ["'blue' is not", "3 classes"]),
        # a key at fault says nothing of its columns
        (data("categorical", "categorial"), ConfigError, ["mean data.categorical?"]),
        (data("exclude: [name]", "exclude: name"), ConfigError, ["as a list: [name]"]),
        (SLIP, ConfigError, ["found fast"]),
    ],
)
def test_all_mistakes_are_told_at_once(check, changes, kind, told):
    with pytest.raises(kind) as raised:
        check(**changes)
    text = str(raised.value)
    assert [part for part in told if text.count(part) != 1] == []
    assert sum(line[:1] != " " for line in text.splitlines()) == len(told), text


def test_settings_are_among_them(check):
    with pytest.raises(UsageError, match=r"(?s)found fast.*'blue' is not a number"):
        check(["training.learning_rate=fast", "data.categorical=[]"])
