"""A group that is stopped in its midst goes on from what was saved, to the very outcomes."""

import os

import numpy as np
import pytest

from bpcli.training.config.loading import load_config
from bpcli.training.descent import loop
from bpcli.training.descent.state import State
from bpcli.training.selection import unfinished as module
from bpcli.training.selection.folds import HELD_OUT, folds_of
from bpcli.training.selection.trials import Bench, Trial, Work
from bpcli.training.selection.unfinished import Unfinished


class StoppedError(Exception):
    """Where a test ends a group as a kill would."""


def test_what_is_saved_is_read_and_what_is_damaged_or_of_another_sweep_is_not(tmp_path):
    file = Unfinished(tmp_path / "0.unfinished", "a plan", 5.0)
    assert file.begin() == ({}, {})
    state = State(np.arange(6.0).reshape(3, 2), np.array([0.1, np.nan]), {"w.velocity": np.ones(3)}, epoch=2, steps=7)
    outcome = {"rows": 3, "metrics": {"loss": np.inf, "auc": None}}
    file.keep({4: outcome}, {0: state, 11: state})
    outcomes, states = file.begin()
    assert outcomes == {4: outcome}
    assert set(states) == {0, 11}
    assert states[11].plain() == state.plain()
    for name, array in state.arrays().items():
        np.testing.assert_array_equal(states[11].arrays()[name], array)
    assert Unfinished(file.path, "another plan", 5.0).begin() == ({}, {})
    whole = file.path.read_bytes()
    for damaged in (b"", b"x", whole[:-9], whole.replace(b"velocity", b"velocitx")):
        file.path.write_bytes(damaged)
        assert file.begin() == ({}, {})
    file.remove()
    file.remove()
    assert not file.path.exists()


def test_a_process_that_has_lost_its_parent_saves_nothing_and_ends(tmp_path, monkeypatch):
    for owner in (os.getpid(), 2**22 + 1):  # the process of the sweep, and one that works for it
        file = Unfinished(tmp_path / f"{owner}.unfinished", "a plan", 5.0, owner=owner)
        with monkeypatch.context() as patch:
            file.begin()
            file.keep({}, {})
            file.remove()
            patch.setattr(os, "getppid", lambda: 1)
            if owner == os.getpid():
                file.keep({}, {})
            else:
                with pytest.raises(SystemExit):
                    file.keep({}, {})
        assert file.path.exists() == (owner == os.getpid())


def rates(*values):
    return [f"training.learning_rate={rate}" for rate in values]


AT_EACH_STEP, AT_EACH_EPOCH = 0.0, 1e9  # the second: and after the first step


@pytest.mark.parametrize(
    ("saved", "name", "settings", "varied"),
    [
        (AT_EACH_STEP, "breast_cancer", ["training.epochs=8"], rates(0.1, 1e200, 1e302)),
        (AT_EACH_EPOCH, "iris", ["training.early_stopping={patience: 1}"], rates(0.3, 3, 30, 100)),
        (AT_EACH_STEP, "iris", ["training.dtype=float32", "training.epochs=6"], rates(0.1, 0.2)),
        (AT_EACH_EPOCH, "iris", ["training.optimizer=lbfgs"], [f"training.l2={a}" for a in (0.01, 0.1, 1)]),
        (
            AT_EACH_STEP,
            "diabetes",
            ["training.epochs=9", "training.optimizer=adam"],
            [f"training.seed={a}" for a in (1, 2)],
        ),
    ],
)
def test_wherever_it_is_stopped(root, tmp_path, monkeypatch, saved, name, settings, varied):
    monkeypatch.setattr(module, "_SHARE", 1e9)
    monkeypatch.setattr(loop, "_PATIENCE", saved)
    trials = []
    for setting in varied:
        config = load_config(root / f"configs/{name}.yaml", [*settings, "data.test=null", setting])
        settled, table, *_ = Bench().tables.of(config)
        trials += [Trial(config, rows, HELD_OUT) for rows in folds_of(settled, table, 3, 0)[:2]]
    path, save, left, rng = tmp_path / "0.unfinished", Unfinished.keep, [0], np.random.default_rng(0)

    def save_and_stop(self, outcomes, states):
        save(self, outcomes, states)
        left[0] -= 1
        if not left[0]:
            raise StoppedError

    monkeypatch.setattr(Unfinished, "keep", save_and_stop)
    stops, found = 0, None
    while found is None:
        left[0] = int(rng.integers(1, 30 if stops else 8))
        try:
            found = Bench()(Work(trials, Unfinished(path, "a plan", 0.0)))
        except StoppedError:
            stops += 1
    assert stops
    assert repr(found) == repr(Bench()(Work(trials)))  # NaN is not equal to itself
