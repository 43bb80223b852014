"""Pictures of cross-validation: a curve is the mean over the folds, in a band of one standard deviation."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.plots.class_curves import (
    calibration_axes,
    curve_name,
    curve_style,
    each_class,
    finish,
    name_rates,
    say_no_curve,
)
from bpcli.plots.style import COLORS, legend_below
from bpcli.text.notation import number
from bpcli.training import metric_formulas
from bpcli.training.selection.ranking import mean_and_std
from bpcli.training.thresholds import Thresholds, levels

Array = NDArray[Any]
Folds = Sequence[tuple[Array, Array]]
"""For each fold the class numbers (N,) of the rows that it held out, and scores or probabilities of these, (N, K)."""

_GRID = np.linspace(0.0, 1.0, 201)
_BAND = 0.2  # opacity


def roc(figure: Any, folds: Folds, names: Sequence[str]) -> None:
    """The true positive rate at each false positive rate, interpolated in each fold (Fawcett 2006, 9.1)."""

    def height(at: Thresholds) -> Array:
        return np.asarray(np.interp(_GRID, at.fp / (at.fp + at.tn), at.tp / (at.tp + at.fn)))

    axes = figure.subplots()
    _bands(axes, folds, names, height, metric_formulas.auc, "AUC")
    name_rates(axes)
    finish(figure, axes)


def precision_recall(figure: Any, folds: Folds, names: Sequence[str]) -> None:
    """Precision against recall: in each fold, at each recall, that of the highest threshold that reaches it."""

    def height(at: Thresholds) -> Array:
        recall, precision = at.tp[1:] / (at.tp + at.fn)[1:], at.tp[1:] / (at.tp + at.fp)[1:]
        return np.asarray(precision[np.searchsorted(recall, _GRID)])

    axes = figure.subplots()
    _bands(axes, folds, names, height, metric_formulas.average_precision, "average precision")
    axes.set(xlabel="recall", ylabel="precision")
    finish(figure, axes)


def _bands(
    axes: Any, folds: Folds, names: Sequence[str], height: Callable[[Thresholds], Array],
    metric: Callable[[Array, Array], float | None], called: str,
) -> None:  # fmt: skip
    by_class: dict[int, list[tuple[Array, Array]]] = {}
    for y, scores in folds:
        for k, positive, score in each_class(y, scores):
            by_class.setdefault(k, []).append((positive, score))
    if not by_class:
        say_no_curve(axes)
    for curve, (k, each) in enumerate(sorted(by_class.items(), key=itemgetter(0))):
        mean, std = _mean_and_std(np.array([height(levels(score, positive)) for positive, score in each]))
        mean_metric = _spread([metric(*metric_formulas.ranked(p, s)) for p, s in each])
        color, called_here = curve_style(curve, f"{curve_name(k, names)}: {called} {mean_metric}")
        low, high = np.maximum(mean - std, 0), np.minimum(mean + std, 1)
        axes.fill_between(_GRID, low, high, color=color, alpha=_BAND, linewidth=0)
        axes.plot(_GRID, mean, color=color, label=called_here)


def calibration(figure: Any, folds: Folds, names: Sequence[str]) -> str:
    """By bins of the predicted probability the share of rows that are right; below it the number of rows of all folds.

    Returns the expected calibration error, for the title.
    """
    each = [metric_formulas.calibration(y, p) for y, p in folds]
    rows, predicted, right = (np.array([fold[k] for fold in each]) for k in range(3))  # each (folds, bins)
    upper = calibration_axes(figure, rows.sum(axis=0), names)
    bins = rows.shape[1]
    for k in np.flatnonzero(rows.any(axis=0)):
        there = rows[:, k] > 0
        mean, std = _mean_and_std(right[there, k])
        low, high = np.maximum(mean - std, 0), np.minimum(mean + std, 1)
        upper.fill_between([k / bins, (k + 1) / bins], low, high, color=COLORS[0], alpha=_BAND, linewidth=0)
        upper.plot(predicted[there, k].mean(), mean, "o", color=COLORS[0])
    upper.plot([], [], "o", color=COLORS[0], label=f"the folds' mean, in {bins} bins")
    upper.fill_between([], [], color=COLORS[0], alpha=_BAND, label="± a standard deviation")
    legend_below(figure, upper.get_legend_handles_labels()[0])
    return _spread([metric_formulas.ece(y, p) for y, p in folds])


def _mean_and_std(values: Array) -> tuple[Array, Array]:
    """Mean and standard deviation (by n − 1; 0 for a single fold) over the folds, the first axis."""
    mean = values.mean(axis=0)
    return mean, values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros_like(mean)


def _spread(values: Sequence[float | None]) -> str:
    mean, std = mean_and_std(values)
    return number(mean, 3) + (f" ± {number(std, 2)}" if std is not None else "")
