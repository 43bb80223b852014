"""The table of metrics, by which predictions are judged: each with its tasks, its direction and its formula."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.formulas.choices import Task
from bpcli.training.counted_metrics import (
    Counted,
    area_under_precision,
    area_under_roc,
    calibration_error,
    mean_of,
    mean_of_classes,
    of_confusion,
    root_of_mean,
    share_explained,
)
from bpcli.training.metric_formulas import (
    BINS,
    auc,
    average_precision,
    balanced_accuracy,
    brier_and_ece,
    confidences,
    confusion,
    mae,
    mcc,
    r2,
    ranked,
    rmse,
    squared_distances,
)

Array = NDArray[Any]
BLOCK = 1 << 16
"""Rows whose probabilities are computed at a time."""


@dataclass(frozen=True)
class Seen:
    """Rows with a model's predictions, which are computed when a metric needs them.

    `y` (N,) are class numbers, or the targets of a regression. `scores` are the log-odds of each class, (N, K), which
    rank rows as its probability does but never saturate; with two classes those of the positive one are enough, (N,).
    """

    task: Task
    y: Array
    mean_loss: Callable[[], float]
    predict: Callable[[], Array]
    rank: Callable[[], Array]
    say: Callable[[slice], Array] | None = None
    """Returns the probabilities of the classes in some rows, (rows, K); None for a model without probabilities."""
    losses: Callable[[], Array] | None = None
    """Returns the loss of each row, (N,)."""
    _kept: dict[int, tuple[Array, Array]] = field(default_factory=dict)

    @cached_property
    def predicted(self) -> Array:
        """The predicted class numbers, or ŷ of a regression, (N,)."""
        return self.predict()

    @cached_property
    def scores(self) -> Array:
        """The log-odds of each class, or of the positive one."""
        return self.rank()

    def score(self, k: int) -> Array:
        """The log-odds of class k."""
        if self.scores.ndim > 1:
            return self.scores[:, k]
        return self.scores if k else -self.scores

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self.scores.shape[1] if self.scores.ndim > 1 else 2

    @cached_property
    def p(self) -> Array | None:
        """The probabilities of the classes, (N, K); None for a model without probabilities."""
        return self.say(slice(None)) if self.say is not None else None

    @cached_property
    def confusion(self) -> Array:
        """The confusion matrix, (K, K)."""
        return confusion(self.y, self.predicted, self.classes)

    @cached_property
    def brier_and_ece(self) -> tuple[float | None, float | None]:
        """The Brier score and the calibration error, block by block; (None, None) without probabilities."""
        if self.say is None:
            return None, None
        self._kept.clear()
        parts = (slice(start, start + BLOCK) for start in range(0, len(self.y), BLOCK))
        return brier_and_ece(((self.y[part], self.say(part)) for part in parts), len(self.y))

    def _ranked(self, k: int) -> tuple[Array, Array]:
        """`ranked` scores of class k against the rest; the last ones are kept for the next metric."""
        if k not in self._kept:
            self._kept.clear()
            self._kept[k] = ranked(self.y == k, self.score(k))
        return self._kept[k]

    def of_classes(self, metric: Callable[[Array, Array], float | None]) -> float | None:
        """A metric of `ranked` scores for the positive class; with more than two classes, its mean over each class
        against the rest. None if a class has no value."""
        K = self.classes
        if K == 2:
            return metric(*self._ranked(1))
        values = [metric(*self._ranked(k)) for k in range(K)]
        found = [value for value in values if value is not None]
        return sum(found) / K if len(found) == K else None

    def counted_confusion(self, value: Callable[[Array], float | None]) -> Counted:
        """A metric of the confusion matrices of samples."""
        return of_confusion(self.y, self.predicted, self.classes, value)

    def counted_ranking(self, area: Callable[[Array, Array], Counted]) -> Counted:
        """`of_classes` on samples."""
        K = self.classes
        parts = [area(self.y == k, self.score(k)) for k in ((1,) if K == 2 else range(K))]
        return mean_of_classes(parts)


@dataclass(frozen=True)
class Metric:
    """A row of `METRICS`: the tasks it applies to, whether higher is better, and its value, None if it has none."""

    name: str
    tasks: tuple[Task, ...]
    higher_is_better: bool
    value: Callable[[Seen], float | None]
    needs: str = ""
    """The condition under which it has a value, in words; empty if it always has one."""
    minimised: bool = False
    """Whether training minimises it."""
    in_summary: bool = True
    """Whether the table at the end of a training shows it."""
    counted: Callable[[Seen], Counted | None] = lambda seen: None
    """Its values on samples of the rows, or None if there is no formula for them."""


_CLASSES = (Task.TWO_CLASSES, Task.CLASSES)
_NUMBERS = (Task.REGRESSION,)
_EVERY, _SAYS = "rows of every class", "a model with probabilities"

METRICS: dict[str, Metric] = {
    row.name: row
    for row in (
        Metric(
            "loss",
            tuple(Task),
            False,
            lambda seen: seen.mean_loss(),
            minimised=True,
            counted=lambda seen: None if seen.losses is None else mean_of(seen.losses()),
        ),
        Metric(
            "accuracy",
            _CLASSES,
            True,
            lambda seen: float(np.mean(seen.predicted == seen.y)),
            counted=lambda seen: mean_of((seen.predicted == seen.y).astype(np.float64)),
        ),
        Metric(
            "balanced_accuracy",
            _CLASSES,
            True,
            lambda seen: balanced_accuracy(seen.confusion),
            in_summary=False,
            counted=lambda seen: seen.counted_confusion(balanced_accuracy),
        ),
        Metric(
            "mcc",
            _CLASSES,
            True,
            lambda seen: mcc(seen.confusion),
            "rows of two classes",
            in_summary=False,
            counted=lambda seen: seen.counted_confusion(mcc),
        ),
        Metric(
            "auc",
            _CLASSES,
            True,
            lambda seen: seen.of_classes(auc),
            _EVERY,
            counted=lambda seen: seen.counted_ranking(area_under_roc),
        ),
        Metric(
            "pr_auc",
            _CLASSES,
            True,
            lambda seen: seen.of_classes(average_precision),
            _EVERY,
            counted=lambda seen: seen.counted_ranking(area_under_precision),
        ),
        Metric(
            "brier",
            _CLASSES,
            False,
            lambda seen: seen.brier_and_ece[0],
            _SAYS,
            in_summary=False,
            counted=lambda seen: None if seen.p is None else mean_of(squared_distances(seen.y, seen.p)),
        ),
        Metric(
            "ece",
            _CLASSES,
            False,
            lambda seen: seen.brier_and_ece[1],
            _SAYS,
            in_summary=False,
            counted=lambda seen: (
                None if seen.p is None else calibration_error(*confidences(seen.y, seen.p, BINS), BINS)
            ),
        ),
        Metric(
            "rmse",
            _NUMBERS,
            False,
            lambda seen: rmse(seen.y, seen.predicted),
            counted=lambda seen: root_of_mean(seen.y - seen.predicted),
        ),
        Metric(
            "mae",
            _NUMBERS,
            False,
            lambda seen: mae(seen.y, seen.predicted),
            counted=lambda seen: mean_of(np.abs(seen.y - seen.predicted)),
        ),
        Metric(
            "r2",
            _NUMBERS,
            True,
            lambda seen: r2(seen.y, seen.predicted),
            "targets that differ",
            counted=lambda seen: share_explained(seen.y, seen.y - seen.predicted),
        ),
    )
}
"""All metrics. Each epoch shows the loss and the next metric of the task; config, commands and early stopping read this
table."""


def metrics_of(task: Task) -> list[str]:
    """The names of the metrics of a task."""
    return [name for name, row in METRICS.items() if task in row.tasks]


def beyond_doubles(result: Mapping[str, Any]) -> str:
    """The name of the first metric of a record that is not finite; empty if all are."""
    numbers = ((name, value) for name, value in result.items() if isinstance(value, float))
    return next((name for name, value in numbers if not isfinite(value)), "")


def is_defined(name: str, task: Task, y: Array, classes: int, probabilities: bool) -> bool:
    """Whether a metric has a value on rows with the targets y (N,), tried with perfect predictions.

    `classes`: their number; `probabilities`: whether the model gives probabilities.
    """
    if task is not Task.REGRESSION:
        y = y.astype(np.intp, copy=False)

    def right(rows: slice = slice(None)) -> Array:
        return np.asarray(np.eye(classes)[y[rows]])

    seen = Seen(task, y, lambda: 0.0, lambda: y, right, right if probabilities else None)
    return METRICS[name].value(seen) is not None


def measured(seen: Seen, names: Iterable[str] | None = None) -> dict[str, float | None]:
    """The metrics `names` of the rows, by default all metrics of the task."""
    with np.errstate(all="ignore"):  # an overflow gives inf, which is reported as such
        return {name: METRICS[name].value(seen) for name in names or metrics_of(seen.task)}
