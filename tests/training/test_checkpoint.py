"""Checkpoints: two generations, of which one is always whole; a change of the data is told by its part."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from bpcli.datasets.preparation.fitted import Preparation
from bpcli.datasets.sparse import Numbered
from bpcli.errors import DataError
from bpcli.formulas.choices import Task
from bpcli.training.checkpoint import (
    CHECKPOINT,
    PREVIOUS,
    Checkpoint,
    changed_data,
    discard,
    fingerprint,
    latest,
    read,
    unfinished,
    write,
)
from bpcli.training.descent.state import State


def checkpoint(epoch):
    state = State(np.arange(6.0).reshape(2, 3), np.zeros(3), {"w.velocity": np.ones((2, 3))}, epoch=epoch, batch=2)
    return Checkpoint(state, {"loss": "cce"}, {"train": {"rows": 9, "digest": "ab"}}, replaces=True)


def test_what_is_written_is_read_back(tmp_path):
    given = checkpoint(3)
    write(tmp_path, given)
    found = read(tmp_path / CHECKPOINT)
    assert found.state.plain() == given.state.plain()
    for name, array in given.state.arrays().items():
        assert np.array_equal(found.state.arrays()[name], array)
    assert (found.config, found.data, found.replaces) == (given.config, given.data, True)
    assert found.where() == "after 3 epochs, 2 steps into the next"
    assert Checkpoint(State(np.ones(1), np.ones(()), epoch=1), {}, {}).where() == "after 1 epoch"


def test_the_one_before_is_there_where_the_newest_is_damaged(tmp_path):
    assert latest(tmp_path) == (None, "")
    for epoch in (1, 2, 3):
        write(tmp_path, checkpoint(epoch))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([CHECKPOINT, PREVIOUS])
    content = bytearray((tmp_path / CHECKPOINT).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / CHECKPOINT).write_bytes(content)
    found, warning = latest(tmp_path)
    assert found.state.epoch == 2
    assert "going on from the one before it, after 2 epochs" in warning
    (tmp_path / PREVIOUS).write_bytes(b"")
    with pytest.raises(DataError, match="is damaged"):
        latest(tmp_path)
    discard(tmp_path)
    assert latest(tmp_path) == (None, "")
    assert unfinished(tmp_path) is None


def test_what_changed_in_the_data_is_told():
    def data(rows=5, change=0.0, wrap=np.asarray, classes=(0.0, 1.0), **more):
        preparation = Preparation("y", Task.TWO_CLASSES, False, (), classes, None, None, Numbered(0, 2), **more)
        X = np.arange(2.0 * rows).reshape(rows, 2)
        X[0, 0] += change
        return fingerprint({"train": {"X": wrap(X), "y": np.zeros(rows)}}, preparation)

    assert changed_data(data(), data()) == ""
    assert changed_data(data(), data(rows=6)) == "its train rows were 5, now they are 6"
    assert "do not hold the same values" in changed_data(data(), data(change=1e-300))
    assert "do not hold the same values" in changed_data(data(wrap=csr_array), data(change=1.0, wrap=csr_array))
    assert changed_data(data(wrap=csr_array), data(wrap=csr_array)) == ""
    assert changed_data(data(), data(classes=("0", "1"))) == "it has other classes now"
    older = {name: of for name, of in data().items() if name != "preparation"}
    assert changed_data(older, data(classes=("a", "b"))) == ""  # an older checkpoint does not know
