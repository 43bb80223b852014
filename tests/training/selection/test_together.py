"""Which trainings are run side by side, and when each of them ends."""

import numpy as np
import pytest

from bpcli.training.config.loading import load_config
from bpcli.training.descent.state import Pause
from bpcli.training.selection.folds import HELD_OUT, folds_of
from bpcli.training.selection.together import rectangles, train_together
from bpcli.training.selection.trials import Bench, Trial


def prepared(root, settings, varied, folds=1, name="iris"):
    """The trainings of the configs on the same folds, fold by fold."""
    configs = [load_config(root / f"configs/{name}.yaml", [*settings, "data.test=null", one]) for one in varied]
    bench = Bench()
    settled, table, *_ = bench.tables.of(configs[0])
    trials = [Trial(config, rows, HELD_OUT) for rows in folds_of(settled, table, 5, 0)[:folds] for config in configs]
    make = bench._prepared(trials)
    return [make(trial) for trial in trials]


RATES = ["training.learning_rate=0.1", "training.learning_rate=0.2", "training.learning_rate=0.3"]


@pytest.mark.parametrize(
    ("settings", "varied", "folds", "shapes"),
    [
        ([], RATES, 1, [(1, 3)]),
        ([], RATES, 4, [(4, 3)]),
        ([], [*RATES, "training.l2=0.1", "training.l2=0.2"], 2, [(2, 3), (2, 2)]),
        ([], [*RATES, "training.l1=0.1"], 1, [(1, 3)]),
        (["model.init=normal"], ["training.seed=1", "training.seed=2"], 2, [(4, 1)]),
        ([], ["training.optimizer=momentum", "training.optimizer={name: momentum, momentum: 0.5}"], 1, [(1, 2)]),
        ([], ["training.optimizer=momentum", "training.optimizer=nesterov"], 1, []),
        ([], ["training.batch_size=8", "training.batch_size=9"], 1, []),
        (["training.tolerance=1e-3"], RATES, 1, []),
        (["training.dtype=float32"], RATES, 1, []),
        (["training.optimizer=lbfgs"], ["training.l2=0.1", "training.l2=0.2"], 1, []),
    ],
)
def test_what_differs_in_numbers_is_alike(root, settings, varied, folds, shapes):
    found = [*rectangles(prepared(root, settings, varied, folds))]
    assert [(len(some), len(some[0])) for some in found] == shapes


@pytest.mark.parametrize("pause", [Pause(), Pause(0.0)])
def test_each_ends_as_it_does_alone(root, pause):
    """Those that stop early leave the rest, of which the last goes on alone; each has seen its epoch when one ends."""
    settings = ["training.early_stopping={patience: 1}", "training.epochs=40"]
    varied = [f"training.learning_rate={rate}" for rate in (0.01, 1, 3, 30, 100)]
    (rectangle,) = rectangles(prepared(root, settings, varied))
    ended, seen = [], []
    for training in train_together(rectangle, pause):
        ended += [] if training is None else [training]
        seen += [(k, one.state.epoch, one.state.best) for k, one in enumerate(rectangle[0])]
    assert {id(training) for training in ended} == {id(training) for training in rectangle[0]}
    epochs = []
    for k, (training, alone) in enumerate(zip(rectangle[0], prepared(root, settings, varied), strict=True)):
        best = {0: None}
        for _ in alone.epochs():
            best[alone.state.epoch] = alone.state.best
        assert [found for number, epoch, found in seen if number == k and found != best[epoch]] == []
        epochs.append(alone.state.epoch)
        assert training.state.epoch == alone.state.epoch
        assert training.state.best == alone.state.best
        np.testing.assert_array_equal(training.result.w, alone.result.w)
    assert len(set(epochs)) > 2


def test_one_that_diverges_is_not_yielded(root):
    varied = [f"training.learning_rate={rate}" for rate in (0.01, 1e9, 0.02)]
    (rectangle,) = rectangles(prepared(root, [], varied, name="diabetes"))
    ended = [id(training) for training in train_together(rectangle, Pause()) if training is not None]
    assert ended == [id(rectangle[0][0]), id(rectangle[0][2])]
