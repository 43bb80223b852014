"""The update rule: optimiser, schedule, clipping."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.formulas.choices import name_and_settings, settings_of
from bpcli.formulas.optimizers import OPTIMIZERS, Optimizer, clip
from bpcli.formulas.schedules import SCHEDULES, Schedule, warmed_up
from bpcli.training.descent.state import State

Array = NDArray[Any]


@dataclass(frozen=True)
class UpdateRule:
    """The rule by which a gradient changes the parameters; the default is the lecture's p := p − α·∂J/∂p.

    `epochs` is the largest number of epochs, which some schedules depend on. The arrays that the optimiser keeps are in
    the slots of the state.
    """

    optimizer: Optimizer = OPTIMIZERS["sgd"]
    optimizer_settings: Mapping[str, float] = field(default_factory=dict)
    schedule: Schedule = SCHEDULES["constant"]
    schedule_settings: Mapping[str, float] = field(default_factory=dict)
    warmup: int = 0
    clip_norm: float | None = None
    epochs: int = field(default=1, compare=False)

    @property
    def plain(self) -> bool:
        """Whether each step of an epoch is p := p − αg with the same α."""
        return self.optimizer.plain and not self.warmup and self.clip_norm is None

    def factor(self, epoch: int) -> float:
        """The factor by which the schedule multiplies α in an epoch, counted from 0."""
        return self.schedule.factor(epoch, self.epochs, self.schedule_settings)

    def warmed_up(self, t: int) -> float:
        """The factor by which the warm-up multiplies α at the t-th update, counted from 1."""
        return warmed_up(t, self.warmup)

    def clipped(self, dJ_dw: Array, dJ_db: Array, samples: int, w: Array, l1: float, l2: float) -> float:
        """The factor ≤ 1 that shortens the gradient of J + l1·‖w‖₁ + l2/2·‖w‖² to the norm `clip_norm`.

        dJ_dw and dJ_db are multiplied by the number of samples. For ‖w‖₁ the subgradient is taken that makes the whole
        gradient shortest, which is then 0 at the optimum.
        """
        if self.clip_norm is None:
            return 1.0
        if l2 and not self.optimizer.decoupled:
            dJ_dw = dJ_dw + samples * l2 * w
        if l1:
            bound = samples * l1
            dJ_dw = np.where(w == 0, dJ_dw - np.clip(dJ_dw, -bound, bound), dJ_dw + bound * np.sign(w))
        flat = dJ_dw.reshape(-1)
        norm = float(np.sqrt(np.dot(flat, flat) + np.sum(dJ_db * dJ_db))) / samples
        return clip(norm, self.clip_norm)

    def start(self, state: State) -> None:
        """Make the optimiser's slots, of zeros."""
        for parameter, array in (("w", state.w), ("b", state.b)):
            for slot in self.optimizer.slots:
                state.slots[f"{parameter}.{slot}"] = np.zeros_like(array)

    def slots(self, state: State, parameter: str) -> list[Array]:
        """The optimiser's slots of a parameter."""
        return [state.slots[f"{parameter}.{slot}"] for slot in self.optimizer.slots]

    def step(
        self, p: Array, g: Array, t: int, learning_rate: float, l1: float, slots: list[Array], scratch: Array
    ) -> None:
        """Change the parameter p in place by its gradient g; see `Optimizer`."""
        self.optimizer.step(p, g, t, learning_rate, l1, self.optimizer_settings, slots, scratch)


PLAIN_DESCENT = UpdateRule()
"""The lecture's update, with the same α in all steps."""


def update_rule_of(
    optimizer: str | Mapping[str, Any], schedule: str | Mapping[str, Any], clip_norm: float | None, epochs: int
) -> UpdateRule:
    """The update rule that a config's `training` describes."""
    name, given = name_and_settings(optimizer)
    plan, given_plan = name_and_settings(schedule)
    warmup = int(given_plan.pop("warmup", 0))
    chosen, planned = OPTIMIZERS[name], SCHEDULES[plan]
    return UpdateRule(
        chosen,
        settings_of(chosen.settings, given),
        planned,
        settings_of(planned.settings, given_plan),
        warmup,
        clip_norm,
        epochs,
    )
