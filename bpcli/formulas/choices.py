"""What the rows of the tables share: settings with their bounds, intervals, kinks, and kinds of targets."""

import math
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, NamedTuple

INF = math.inf


class Setting(NamedTuple):
    """A number that a row takes beside its arguments: its default, and between what it lies."""

    default: float
    at_least: float | None = None
    above: float | None = None
    below: float | None = None
    whole: bool = False


def settings_of(settings: Mapping[str, Setting], given: Mapping[str, float]) -> dict[str, float]:
    """The settings of a row, those not given with their defaults."""
    return {name: float(given.get(name, setting.default)) for name, setting in settings.items()}


def name_and_settings(choice: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What a config chooses of a table: a name alone, or a mapping of `name` and settings."""
    if isinstance(choice, str):
        return choice, {}
    rest = dict(choice)
    return str(rest.pop("name")), rest


class Interval(NamedTuple):
    """The numbers from `low` to `high`; an end that is infinite, or open, does not belong to them."""

    low: float = -INF
    high: float = INF
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, x: object) -> bool:
        """Whether one number lies in it."""
        if not isinstance(x, float | int):
            return False
        above = x > self.low or (x == self.low and not self.open_low and x != -INF)
        return above and (x < self.high or (x == self.high and not self.open_high and x != INF))

    def within(self, other: "Interval") -> bool:
        """Whether each of its numbers belongs to `other`."""
        low = self.low > other.low or (self.low == other.low and (self.open_low or not other.open_low))
        high = self.high < other.high or (self.high == other.high and (self.open_high or not other.open_high))
        return low and high


REALS = Interval()
POSITIVE = Interval(0.0, INF, open_low=True)
NOT_NEGATIVE = Interval(0.0, INF)
BETWEEN_0_AND_1 = Interval(0.0, 1.0, open_low=True, open_high=True)
FROM_0_TO_1 = Interval(0.0, 1.0)


class Kink(NamedTuple):
    """Where a function's pieces meet, and the slopes there from the left and from the right.

    The convention's slope is what the derivative is at that place. Where the two slopes are one, it is no kink of the
    function, but still one of its derivative.
    """

    at: Any
    left: Any
    right: Any


Kinks = Callable[..., tuple[Kink, ...]]


def smooth(*arguments: Any) -> tuple[Kink, ...]:
    """The kinks of a function that has none."""
    return ()


class Task(Enum):
    """What is predicted: a number, which of two classes, or which of several."""

    REGRESSION = "regression"
    TWO_CLASSES = "two classes"
    CLASSES = "classes"
