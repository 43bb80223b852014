"""Whether a training may go on: a table of what changed in the config, and when a training is over."""

import numpy as np
import pytest

from bpcli.errors import UsageError
from bpcli.training.config.loading import config_from_mapping
from bpcli.training.descent.state import State
from bpcli.training.resumption import config_texts, is_done, is_over, refuse_other_config

BASE = {
    "model": {"type": "neuron"},
    "loss": "mse",
    "training": {"learning_rate": 0.1, "epochs": 5},
    "data": {"path": "a.csv", "target": "y", "validation": 0.2},
}


def config(**training):
    return config_from_mapping({**BASE, "training": {**BASE["training"], **training}}, "here")


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        ({}, {}, ""),
        ({}, {"epochs": 9}, ""),
        ({}, {"checkpoint_seconds": 60}, ""),
        ({}, {"epochs": 4}, "training.epochs: it was 5, now it is 4, and may only grow"),
        ({"schedule": "cosine"}, {"schedule": "cosine", "epochs": 9}, "the schedule cosine goes by their number"),
        ({}, {"learning_rate": 0.2}, "training.learning_rate: it was 0.1, now it is 0.2"),
        ({}, {"l2": 1}, "training.l2: it was 0, now it is 1"),
    ],
)
def test_what_may_have_changed(then, now, words):
    if not words:
        refuse_other_config(config(**now), config_texts(config(**then)))
        return
    with pytest.raises(UsageError) as caught:
        refuse_other_config(config(**now), config_texts(config(**then)))
    assert words in caught.value.message


def test_a_key_that_there_was_not_yet_had_its_default():
    older = {key: text for key, text in config_texts(config()).items() if key not in ("training.l1", "training.engine")}
    refuse_other_config(config(), older)
    refuse_other_config(config(engine="numpy"), older)
    with pytest.raises(UsageError, match=r"training\.l1: it was 0, now it is 2"):
        refuse_other_config(config(l1=2), older)


def test_a_training_is_over_at_its_last_epoch_or_where_it_ended():
    state = State(np.zeros(1), np.zeros(()))
    for epoch, ended, over in ((0, False, False), (5, False, True), (2, True, True)):
        state.epoch, state.ended = epoch, ended
        assert is_over(config(), state) == over


def test_where_there_is_no_run_nothing_is_done(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not is_done(config())
