"""The table of keys: those of the command line's page, each with a default and an example of its kind."""

from bpcli.text.yaml12 import compose, yaml_text
from bpcli.training.config.keys import KEYS, REQUIRED

ALL = """
model.type model.activation model.init model.threshold
loss
training.learning_rate training.batch_size training.epochs training.shuffle training.seed training.dtype
training.optimizer training.engine training.tolerance training.schedule
training.l1 training.l2 training.clip_norm training.class_weight
training.early_stopping training.checkpoint_seconds
data.path data.target data.positive data.features data.exclude data.categorical data.standardize data.scale
data.delimiter data.decimal data.header data.comment data.missing_words data.numbers
data.missing data.weight data.validation data.test data.format data.target_path
output
"""


def test_the_keys_are_those_of_the_command_line_page_for_now():
    assert list(KEYS) == ALL.split()
    required = {path for path, key in KEYS.items() if key.default is REQUIRED}
    assert required == {"model.type", "loss", "training.learning_rate", "data.path"}


def test_examples_and_defaults_are_of_their_kind():
    for key in KEYS.values():
        if key.example:
            assert key.kind.read(compose(key.example, "example")) is not REQUIRED
        if key.default is not REQUIRED:
            assert key.kind.read(compose(yaml_text(key.default), "default")) == key.default
