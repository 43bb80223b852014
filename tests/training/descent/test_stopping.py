"""Early stopping beside a plain search for the best epoch."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.training.descent.state import State
from bpcli.training.descent.stopping import Stopping, stopping_of
from bpcli.training.metrics import METRICS

VALUES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, math.nan, None]), min_size=1, max_size=12)


@given(st.sampled_from(list(METRICS)), st.integers(1, 4), VALUES)
def test_the_best_epoch_is_kept_and_patience_ends(metric, patience, values):
    state, stopping = State(np.zeros(2), np.zeros(())), Stopping(metric, patience)
    stopping.start(state)
    sign = 1 if METRICS[metric].higher_is_better else -1
    best = None  # (epoch, value), the first of equals
    for epoch, value in enumerate(values, 1):
        state.w[:], state.epoch = epoch, epoch
        stop = stopping.seen(state, {"epoch": epoch, "validation": {metric: value}})
        if value is not None and not math.isnan(value) and (best is None or sign * value > sign * best[1]):
            best = epoch, value
        assert state.best == (None if best is None else {"epoch": best[0], "value": best[1]})
        assert state.slots["best.w"].tolist() == [0 if best is None else best[0]] * 2
        assert stop == stopping.exhausted(state) == (best is not None and epoch - best[0] >= patience)
        if stop:
            break


@pytest.mark.parametrize(
    ("early", "epochs", "expected"),
    [
        (None, 100, None),
        (None, "auto", Stopping()),
        ({}, 100, Stopping("loss", 10)),
        ({"metric": "auc", "patience": 3}, "auto", Stopping("auc", 3)),
    ],
)
def test_what_a_config_asks_for(early, epochs, expected):
    assert stopping_of(early, epochs) == expected
