"""Parts of the rows of all tables: settings with their bounds, intervals, kinks, and kinds of targets."""

import math
import operator
from collections.abc import Callable, Mapping
from enum import Enum, StrEnum
from typing import Any, NamedTuple, Protocol, Self, TypeVar

INF = math.inf

KINKS = ("lecture", "left", "right")
"""The slope that is taken at a kink: by the lecture's convention, or that on one side."""

Choice = str | Mapping[str, Any]
"""A row as a config or a model names it: its name, or a mapping of `name` and settings."""


class Setting(NamedTuple):
    """A number that a row takes besides its arguments: its default, and its bounds."""

    default: float
    at_least: float | None = None
    above: float | None = None
    below: float | None = None
    whole: bool = False

    def problem(self, value: float) -> str:
        """The mistake in a value, in words; empty if there is none."""
        bounds = ((self.above, "greater than", operator.gt), (self.below, "less than", operator.lt))
        for bound, words, fits in (*bounds, (self.at_least, "of at least", operator.ge)):
            if bound is not None and not fits(value, bound):
                return f"expected a number {words} {bound:g}, found {value:g}"
        return "" if math.isfinite(value) else f"expected a finite number, found {value:g}"


def settings_of(settings: Mapping[str, Setting], given: Mapping[str, float]) -> dict[str, float]:
    """All settings of a row: those given, and the defaults of the others."""
    return {name: float(given.get(name, setting.default)) for name, setting in settings.items()}


def given_settings(settings: Mapping[str, Setting], given: Mapping[str, Any]) -> dict[str, Setting]:
    """The settings of a row, with the given values as their defaults."""
    return {name: setting._replace(default=given.get(name, setting.default)) for name, setting in settings.items()}


def name_and_settings(choice: Choice) -> tuple[str, dict[str, Any]]:
    """The name and the settings of a choice: a name alone, or a mapping of `name` and settings."""
    if isinstance(choice, str):
        return choice, {}
    rest = dict(choice)
    return str(rest.pop("name")), rest


NONE: Mapping[str, Any] = {}
"""The empty mapping: of a row without settings, slopes by them, or fused forms."""


class Interval(NamedTuple):
    """The numbers from `low` to `high`; an end that is infinite, or open, does not belong to them."""

    low: float = -INF
    high: float = INF
    open_low: bool = False
    open_high: bool = False

    def holds(self, x: Any) -> Any:
        """Whether a number lies in it, or each of an array."""
        above = x > self.low if self.open_low else x >= self.low
        return above & (x < self.high if self.open_high else x <= self.high)

    def __str__(self) -> str:
        """Where such numbers lie: `between 0 and 1`, `above 0`, `anywhere`."""
        has_low, has_high = self.low != -INF, self.high != INF
        if has_low and has_high:
            return f"between {self.low:g} and {self.high:g}"
        if has_low:
            return f"above {self.low:g}" if self.open_low else f"at {self.low:g} or above"
        if has_high:
            return f"below {self.high:g}" if self.open_high else f"at {self.high:g} or below"
        return "anywhere"

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

    The slope by convention is the value of the derivative at that place. Where both slopes are equal the function is
    smooth, and only its derivative has a kink.
    """

    at: Any
    left: Any
    right: Any


Kinks = Callable[..., tuple[Kink, ...]]


def smooth(*arguments: Any, **settings: Any) -> tuple[Kink, ...]:
    """The kinks of a function that has none, whatever its settings."""
    return ()


class Task(StrEnum):
    """The kind of target: a number, one of two classes, or one of several; the values are those in a model's file."""

    REGRESSION = "regression"
    TWO_CLASSES = "binary"
    CLASSES = "classes"


class Likelihood(Enum):
    """The distribution of y that a loss is of: normal, its variance estimated, or the probabilities of classes."""

    NORMAL = "normal"
    CLASSES = "classes"


class Row(Protocol):
    """A row that settings can be given to."""

    def with_settings(self, chosen: Mapping[str, float]) -> Self:
        """The same with other settings than the defaults."""


R = TypeVar("R", bound=Row)


def chosen(rows: Mapping[str, R], choice: Choice) -> R:
    """The row that a choice means, with its settings. KeyError if there is none."""
    name, settings = name_and_settings(choice)
    return rows[name].with_settings(settings)
