"""Early stopping: keeps the best epoch by a metric on the validation rows, and stops after `patience` epochs without
improvement."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.training.descent.state import State
from bpcli.training.metrics import METRICS

MOST_EPOCHS = 10_000
"""The largest number of epochs with `epochs: auto`."""


@dataclass(frozen=True)
class Stopping:
    """Stop after `patience` epochs that were no better than the best by `metric`."""

    metric: str = "loss"
    patience: int = 10

    def start(self, state: State) -> None:
        """Make slots for the best weights."""
        state.slots["best.w"], state.slots["best.b"] = np.zeros_like(state.w), np.zeros_like(state.b)

    def seen(self, state: State, record: Mapping[str, Any]) -> bool:
        """Read an epoch's record and keep its weights if it is the best; returns whether to stop."""
        measured = record["validation"][self.metric]
        value = math.nan if measured is None else float(measured)
        best = state.best
        higher = METRICS[self.metric].higher_is_better
        if not math.isnan(value) and (best is None or (value > best["value"] if higher else value < best["value"])):
            state.best = {"epoch": record["epoch"], "value": value}
            np.copyto(state.slots["best.w"], state.w)
            np.copyto(state.slots["best.b"], state.b)
        return self.exhausted(state)

    def exhausted(self, state: State) -> bool:
        """Whether the last `patience` epochs were no better than the best."""
        return state.best is not None and state.epoch - int(state.best["epoch"]) >= self.patience


def stopping_of(early: Mapping[str, Any] | None, epochs: int | str) -> Stopping | None:
    """The early stopping that a config's `training` describes; `epochs: auto` asks for it by itself."""
    if early is None:
        return Stopping() if epochs == "auto" else None
    return Stopping(**early)
