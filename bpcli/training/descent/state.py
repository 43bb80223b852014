"""The state of a training: everything that its further steps depend on, so that it can be resumed bit by bit."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass
class State:
    """The state of a training between two steps; the loop changes it in place.

    w: (n,) or (n, K); b: () or (K,). `slots` are the arrays that an optimiser keeps from step to step, by name; plain
    gradient descent has none. `epoch` is the number of finished epochs, `batch` the number of finished batches of the
    next epoch, `loss` the sum of the loss over them, `loss_lost` the rounding error of that sum, `steps` the number of
    all updates. `generator` is the state of the random generator at the beginning of the current epoch, which
    determines the order of the rows; None before the first epoch, or without shuffling. `best` is the number and the
    value of the best epoch so far; its weights are the slots `best.w` and `best.b`. `records` are the rows of the
    history. `ended`: the training is over before its last epoch, because the optimum is reached.
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
        """Copy the values of `other` into this state; ValueError if an array has another name, shape or type."""
        here, there = self.arrays(), other.arrays()
        if [(n, a.shape, a.dtype) for n, a in here.items()] != [(n, a.shape, a.dtype) for n, a in there.items()]:
            raise ValueError("arrays of another shape")
        for name, array in here.items():
            np.copyto(array, there[name])
        for name, value in other.plain().items():
            setattr(self, name, value)


@dataclass
class Pause:
    """The time by `perf_counter` at which the loop pauses between two steps; 0 pauses at once."""

    at: float = float("inf")
