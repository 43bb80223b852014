"""The inputs of an exercise, drawn at random so that the answers stay short."""

import random
import re
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from bpcli.calculus.rules.shapes import Shape
from bpcli.formulas.losses import Loss
from bpcli.text.notation import number

T = TypeVar("T")


class Draw:
    """Random choices that are the same for a seed in every version of Python; with `plain`, 1 replaces each log."""

    def __init__(self, *seed: object, plain: bool = False) -> None:
        self._random, self._plain = random.Random(" ".join(map(str, seed))).random, plain
        self._first = random.Random(" ".join(map(str, seed[:-1]))).random

    def of(self, choices: Sequence[T]) -> T:
        """A random one of these."""
        return choices[int(self._random() * len(choices))]

    def once(self, choices: Sequence[T]) -> T:
        """One of these, without the last part of the seed, so that all tries of a task choose the same."""
        return choices[int(self._first() * len(choices))]

    def value(self, key: str, shape: Shape) -> str:
        """The text of a number, a vector or a matrix for an input of this name."""
        if not shape:
            text = self.of(_NUMBERS.get(key, _SMALL))
            return re.sub(r"log\(\d\)", "1", text) if self._plain else text
        if len(shape) == 1:
            return ",".join(self.value(key, ()) for _ in range(shape[0]))
        return ";".join(self.value(key, shape[1:]) for _ in range(shape[0]))

    def label(self, loss: Loss, shape: Shape, classes: bool = False) -> str:
        """The text of labels that a loss takes: the ends of their interval if it has two; one-hot for `classes`."""
        if classes:
            hot = [",".join("01"[k == one] for k in range(shape[-1])) for one in range(shape[-1])]
            return ";".join(self.of(hot) for _ in range(shape[0] if len(shape) > 1 else 1))
        low, high = loss.labels.low, loss.labels.high
        choices = [text for text in _NUMBERS["y"] if low <= float(text) <= high]
        if np.isfinite([low, high]).all():
            choices = [number(low), number(high)]
        return ",".join(self.of(choices) for _ in range(shape[0] if shape else 1))

    def prediction(self, loss: Loss, shape: Shape) -> str:
        """The text of predictions that lie within a loss's domain, not on its ends."""
        choices = [text for text in _NUMBERS["yhat"] if loss.domain.low < float(text) < loss.domain.high]
        return ",".join(self.of(choices) for _ in range(shape[0] if shape else 1))

    def shares(self, shape: Shape) -> str:
        """Probabilities that sum to 1, in twentieths."""
        if len(shape) == 2:
            return ";".join(self.shares(shape[1:]) for _ in range(shape[0]))
        parts = [self.of((1, 2, 4, 5, 8, 10)) for _ in range(shape[0] - 1)]
        return ",".join(number(part / 20) for part in [*parts, 20 - sum(parts)])


_SMALL = ("1", "2", "3", "-1", "-2", "0.5", "-0.5", "4")
_LOGS = ("log(2)", "log(3)", "-log(3)", "log(4)", "-log(4)", "log(9)")
_NUMBERS = {
    "z": ("0", "1", "-1", "2", "-2", "0.5", *_LOGS),
    "logits": ("0", "log(2)", "log(3)", "log(4)", "log(5)", "log(6)", "log(7)", "log(8)"),
    "b": ("0", "1", "-1", "2", *_LOGS),
    "yhat": ("0.2", "0.25", "0.4", "0.5", "0.8", "1", "2", "3", "-1", "1.5"),
    "y": ("0", "1", "-1", "2", "3"),
    "label": ("0", "1", "2"),
}
"""The numbers to draw an input from, by its name; `_SMALL` if it is not here. σ(log 3) is 0.75, tanh(log 2) is 0.6."""
