"""Decision thresholds of a model of two classes: all that differ on given rows, their counts, and the best by a rule.

A threshold calls the rows with larger probabilities positive. All thresholds between two neighbouring probabilities
give the same predictions; the middle of the gap stands for them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import UsageError, nearest

Array = NDArray[Any]


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of some rows, falling, (M,), and the counts of true and false positives, false and true negatives
    at each."""

    threshold: Array
    tp: Array
    fp: Array
    fn: Array
    tn: Array

    def columns(self) -> dict[str, Array]:
        """The counts and the measures computed from them, by name, (M,) each; 0 where a quotient is 0/0."""
        tp, fp, fn, tn = self.tp, self.fp, self.fn, self.tn
        return {
            "threshold": self.threshold,
            "tp": tp,
            "fp": fp,
            "fn": fn,
            "tn": tn,
            "precision": _ratio(tp, tp + fp),
            "recall": _ratio(tp, tp + fn),
            "specificity": _ratio(tn, tn + fp),
            "f1": f1(self),
            "youden": youden(self),
        }


def _ratio(numerator: Array, denominator: Array) -> Array:
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 0)


def f1(at: Thresholds) -> Array:
    """2TP/(2TP + FP + FN) of the positive class."""
    return _ratio(2 * at.tp, 2 * at.tp + at.fp + at.fn)


def youden(at: Thresholds) -> Array:
    """Sensitivity + specificity − 1 (Youden 1950, Index for rating diagnostic tests)."""
    return _ratio(at.tp, at.tp + at.fn) + _ratio(at.tn, at.tn + at.fp) - 1


@dataclass(frozen=True)
class Cost:
    """The score −(FN·`missed` + FP·`alarm`); the largest is the best."""

    missed: float
    alarm: float

    def __call__(self, at: Thresholds) -> Array:
        """The negative cost at each threshold."""
        return -(self.missed * at.fn + self.alarm * at.fp)


Rule = Callable[[Thresholds], Array]
RULES: dict[str, Rule] = {"f1": f1, "youden": youden}
"""The scores by which a threshold is chosen, besides `cost=FN:FP`; the largest is the best."""


def threshold_rule(text: str) -> float | Rule:
    """The threshold or the rule that a text names: `0.3`, `f1`, `youden`, `cost=5:1` (false negative : false positive).

    UsageError for any other text.
    """
    if text in RULES:
        return RULES[text]
    name, _, costs = text.partition("=")
    if name == "cost":
        try:
            missed, alarm = map(float, costs.split(":"))
        except ValueError:
            missed = alarm = float("nan")
        if not (0 < missed < float("inf") and 0 < alarm < float("inf")):
            raise UsageError(
                f"threshold {text}: expected two positive numbers, what a false negative and a false positive cost",
                "threshold cost=5:1",
                names=("threshold",),
            )
        return Cost(missed, alarm)
    try:
        value = float(text)
    except ValueError as error:
        close = nearest(name, [*RULES, "cost"])
        raise UsageError(
            f"threshold {text}: expected a probability, or {', '.join(RULES)} or cost=FN:FP",
            f"did you mean {close}{'=5:1' if close == 'cost' else ''}?" if close else "",
            names=("threshold",),
        ) from error
    if not 0 < value < 1:
        raise UsageError(f"threshold {text}: a probability between 0 and 1 is expected", names=("threshold",))
    return value


def levels(score: Array, positive: Array) -> Thresholds:
    """The counts when rows with score ≥ threshold are called positive; the thresholds are ∞ and the different scores.

    `score`: (N,), `positive`: booleans (N,).
    """
    values, which = np.unique(score, return_inverse=True)
    hits, misses = (np.bincount(which, rows, len(values))[::-1] for rows in (positive, ~positive))
    tp, fp = (np.concatenate([[0], np.cumsum(rows)]).astype(np.int64) for rows in (hits, misses))
    return Thresholds(np.concatenate([[np.inf], values[::-1]]), tp, fp, tp[-1] - tp, fp[-1] - fp)


def thresholds(p: Array, positive: Array) -> Thresholds:
    """Every threshold within (0, 1) that changes a prediction. `p`: the probability of the positive class, (N,),
    `positive`: booleans (N,)."""
    at = levels(p, positive)
    upper = np.minimum(at.threshold, 1.0)  # the gap is from lower to upper
    lower = np.append(at.threshold[1:], 0.0)
    middle = lower + 0.5 * (upper - lower)
    chosen = np.where(middle > lower, middle, upper)  # there may be no double between the two
    inside = (lower < chosen) & (chosen > 0) & (chosen < 1)
    return Thresholds(*(column[inside] for column in (chosen, at.tp, at.fp, at.fn, at.tn)))


def best(at: Thresholds, rule: Rule) -> float:
    """The threshold with the largest score by the rule; of several the one nearest to 0.5."""
    score = rule(at)
    candidates = np.flatnonzero(score == score.max())
    k = int(candidates[np.argmin(np.abs(at.threshold[candidates] - 0.5))])
    return float(at.threshold[k])
