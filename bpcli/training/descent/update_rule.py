"""What an update may be beside the lecture's: an optimiser, a schedule of α with a warm-up, a bound on the gradient."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.formulas.optimizers import DECOUPLED, OPTIMIZERS, SCHEDULES, Optimizer, clip, settings_of, warmed_up
from bpcli.training.descent.state import State

Array = NDArray[Any]


@dataclass(frozen=True)
class Moves:
    """The choices of a training; what an optimiser remembers is in the slots of its state."""

    optimizer: str
    optimizer_settings: Mapping[str, float]
    schedule: str
    schedule_settings: Mapping[str, float]
    warmup: int
    clip_norm: float | None
    epochs: int

    @property
    def decoupled(self) -> bool:
        """Whether l2 shrinks the weights beside the step."""
        return self.optimizer in DECOUPLED

    @property
    def only_scheduled(self) -> bool:
        """Whether each step of an epoch is the lecture's, with one α."""
        return self.optimizer == "sgd" and not self.warmup and self.clip_norm is None

    @property
    def _row(self) -> Optimizer:
        return OPTIMIZERS[self.optimizer]

    def factor(self, epoch: int) -> float:
        """The factor of α in an epoch, counted from 0."""
        return SCHEDULES[self.schedule].factor(epoch, self.epochs, self.schedule_settings)

    def warmed_up(self, t: int) -> float:
        """The factor of α at the t-th update, counted from 1."""
        return warmed_up(t, self.warmup)

    def clipped(self, dJ_dw: Array, dJ_db: Array, samples: int) -> float:
        """The factor that shortens a gradient, given times the number of samples, to `clip_norm`."""
        if self.clip_norm is None:
            return 1.0
        w = dJ_dw.reshape(-1)
        norm = float(np.sqrt(np.dot(w, w) + np.sum(dJ_db * dJ_db))) / samples
        return clip(norm, self.clip_norm)

    def start(self, state: State) -> None:
        """Slots of zeros for what the optimiser will remember."""
        for parameter, array in (("w", state.w), ("b", state.b)):
            for slot in self._row.slots:
                state.slots[f"{parameter}.{slot}"] = np.zeros_like(array)

    def slots(self, state: State, parameter: str) -> list[Array]:
        """What the optimiser remembers of a parameter."""
        return [state.slots[f"{parameter}.{slot}"] for slot in self._row.slots]

    def step(self, p: Array, g: Array, t: int, rate: float, slots: list[Array], scratch: Array) -> None:
        """Move a parameter in place."""
        self._row.step(p, g, t, rate, self.optimizer_settings, slots, scratch)


def moves_of(optimizer: Any, schedule: Any, clip_norm: float | None, epochs: int) -> Moves | None:
    """The moves that a config's `training` describes; None for the lecture's plain descent."""
    chosen, given = _named(optimizer)
    plan, course = _named(schedule)
    warmup = int(course.pop("warmup", 0))
    if (chosen, plan, warmup, clip_norm) == ("sgd", "constant", 0, None):
        return None
    return Moves(
        chosen,
        settings_of(OPTIMIZERS[chosen], given),
        plan,
        settings_of(SCHEDULES[plan], course),
        warmup,
        clip_norm,
        epochs,
    )


def _named(value: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(value, str):
        return value, {}
    rest = dict(value)
    return str(rest.pop("name")), rest
