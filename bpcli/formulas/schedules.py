"""Schedules: how the learning rate goes from epoch to epoch, and its warm-up over the first updates."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from bpcli.formulas.choices import Setting

Settings = Mapping[str, float]


class Schedule(NamedTuple):
    """A row of `SCHEDULES`: its settings, and the factor of α in epoch e of E, counted from 0.

    `by_total`: the factor depends on E, so that more epochs would change those that are done.
    """

    settings: Mapping[str, Setting]
    factor: Callable[[float, float, Settings], float]
    formula: str
    source: str
    by_total: bool = False


SCHEDULES: dict[str, Schedule] = {
    "constant": Schedule({}, lambda e, E, s: 1.0, "α", "the lecture"),
    "step": Schedule(
        {"every": Setting(30, at_least=1, whole=True), "factor": Setting(0.1, above=0.0)},
        lambda e, E, s: s["factor"] ** (e // s["every"]),
        "α·f^⌊e/every⌋",
        "He et al. 2016, Deep residual learning, 4.2",
    ),
    "exponential": Schedule(
        {"factor": Setting(0.95, above=0.0)},
        lambda e, E, s: s["factor"] ** e,
        "α·fᵉ",
        "Goodfellow et al. 2016, Deep learning, 8.3",
    ),
    "cosine": Schedule(
        {"floor": Setting(0.0, at_least=0.0, below=1.0)},
        lambda e, E, s: s["floor"] + (1.0 - s["floor"]) * (1.0 + math.cos(math.pi * e / E)) / 2.0,
        "α·(f + (1 − f)(1 + cos(πe/E))/2)",
        "Loshchilov & Hutter 2017, SGDR",
        by_total=True,
    ),
    "inverse_time": Schedule(
        {"decay": Setting(0.1, at_least=0.0)},
        lambda e, E, s: 1.0 / (1.0 + s["decay"] * e),
        "α/(1 + d·e)",
        "Robbins & Monro 1951",
    ),
}
"""The table of schedules: the config's choices and the tests read it."""


def warmed_up(t: int, warmup: int) -> float:
    """The factor of a linear warm-up at the t-th update, counted from 1 (Goyal et al. 2017): min(1, t/warmup)."""
    return min(1.0, t / warmup) if warmup else 1.0
