"""The state of a training: everything that its further steps depend on, so that it can be resumed bit by bit."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass
class State:
    """Where a training stands between two steps; the loop changes it in place.

    w: (n,) or (n, K); b: () or (K,). `slots` holds the arrays that an optimiser remembers from step to step, by name;
    plain gradient descent has none. `epoch` counts the epochs that are done, `batch` and `loss` the batches done of the
    next one and the sum of the loss over them, `loss_lost` what that has lost by rounding, `steps` all updates so far.
    `generator` is the state of the random generator at the beginning of the current epoch, from which, and the number
    of rows, its order follows; None before the first one, or without shuffling. `best` says which epoch was the best so
    far, and how good; its weights are the slots `best.w` and `best.b`. `records` are the epochs as the history shows
    them. `ended` says that there is nothing left to do before the epochs are used up: the optimum is reached.
    """

    w: Array
    b: Array
    slots: dict[str, Array] = field(default_factory=dict)
    epoch: int = 0
    batch: int = 0
    loss: float = 0.0
    loss_lost: float = 0.0
    steps: int = 0
    generator: dict[str, Any] | None = None
    best: dict[str, Any] | None = None
    epoch_seconds: float = 0.0
    seconds: float = 0.0
    records: list[dict[str, Any]] = field(default_factory=list)
    ended: bool = False

    def arrays(self) -> dict[str, Array]:
        """The arrays by name; an optimiser's slot is `slot.NAME`."""
        return {"w": self.w, "b": self.b, **{f"slot.{name}": array for name, array in self.slots.items()}}

    def plain(self) -> dict[str, Any]:
        """Everything but the arrays, as plain JSON types."""
        return {
            "epoch": self.epoch,
            "batch": self.batch,
            "loss": self.loss,
            "loss_lost": self.loss_lost,
            "steps": self.steps,
            "generator": self.generator,
            "best": self.best,
            "epoch_seconds": self.epoch_seconds,
            "seconds": self.seconds,
            "records": self.records,
            "ended": self.ended,
        }

    @staticmethod
    def of(arrays: dict[str, Array], plain: dict[str, Any]) -> "State":
        """The inverse of `arrays` and `plain`; KeyError or TypeError for anything else."""
        slots = {name.removeprefix("slot."): a for name, a in arrays.items() if name.startswith("slot.")}
        return State(arrays["w"], arrays["b"], slots, **plain)

    def take(self, other: "State") -> None:
        """Take over the values of `other` into the arrays of this state; ValueError where one has another name, shape
        or type."""
        here, there = self.arrays(), other.arrays()
        if [(n, a.shape, a.dtype) for n, a in here.items()] != [(n, a.shape, a.dtype) for n, a in there.items()]:
            raise ValueError("arrays of another shape")
        for name, array in here.items():
            np.copyto(array, there[name])
        for name, value in other.plain().items():
            setattr(self, name, value)


@dataclass
class Pause:
    """The time, on the clock of `perf_counter`, at which the loop pauses between two steps; 0 is at once."""

    at: float = float("inf")
