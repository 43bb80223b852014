"""Configs with comments: the list of keys on the page `config` is what the table of keys makes of it."""

import re

import yaml

from bpcli.training.config.loading import load_config
from bpcli.training.config.template import Entry, reference, template, write


def test_the_page_shows_the_list_of_all_keys(root):
    (shown,) = re.findall(
        r"```yaml\n(.*?)```", (root / "bpcli/docs/config.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    assert shown == reference()  # if not: python -c "from bpcli.training.config.template import *; print(reference())"


def test_the_list_is_a_config_and_shows_the_defaults(tmp_path):
    (tmp_path / "all.yaml").write_text(reference())
    given = (
        "model: {type: neuron, activation: sigmoid}\nloss: bce\ntraining: {learning_rate: 0.1}\noutput: runs/cells\n"
    )
    (tmp_path / "few.yaml").write_text(f"{given}data: {{path: cells.csv, target: diagnosis, positive: malignant}}\n")
    assert load_config(tmp_path / "all.yaml") == load_config(tmp_path / "few.yaml")


def test_no_line_is_wider_than_a_screen_and_the_comments_are_aligned():
    for line in reference().splitlines():
        assert len(line) <= 136
        assert " #" not in line or line.index(" #") == 25


def test_parts_of_a_list_and_a_mapping_stand_on_lines_of_their_own():
    chosen = {
        "model.type": Entry("softmax", "three classes"),
        "loss": Entry("cce"),
        "data.exclude": Entry(("id", "no"), "", {"id": "an id", "no": ""}),
        "data.missing": Entry({"a #": "drop"}, "", {"a #": ""}),
    }
    text = write(chosen, "A header")
    assert text.startswith("# A header\nmodel:\n  type: softmax           # three classes\n")
    assert '  exclude:                # columns to leave out\n    - id                  # an id\n    - "no"\n' in text
    assert '\n    "a #": drop\n' in text
    assert yaml.safe_load(text)["data"] == {"exclude": ["id", "no"], "missing": {"a #": "drop"}}


def test_a_template_shows_only_what_goes_with_its_model():
    def keys(model):
        return set(re.findall(r"^ *(?:# )?(\w+):", template(model), flags=re.MULTILINE))

    assert keys("neuron") - keys("softmax") == {"activation", "positive"}
