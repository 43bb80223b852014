"""Pictures of the probabilities of classes: ROC curves, precision and recall, calibration."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.plots.style import COLORS, INK, label, legend_below
from bpcli.text.notation import number
from bpcli.training import metric_formulas
from bpcli.training.thresholds import Thresholds, levels

Array = NDArray[Any]
MAX_CURVES = len(COLORS)  # of classes; more are one grey
_OTHERS = "#999999"


def each_class(y: Array, scores: Array) -> Iterator[tuple[int, Array, Array]]:
    """Number, membership (N,) and scores (N,) of the positive class, or of each of more than two against the rest."""
    K = scores.shape[1]
    for k in [1] if K == 2 else range(K):
        if 0 < np.sum(y == k) < len(y):
            yield k, y == k, scores[:, k]


def curve_name(k: int, names: Sequence[str]) -> str:
    """The name of a class in a legend."""
    return label(names[k], 24 if len(names) == 2 else 14)


def roc(figure: Any, y: Array, scores: Array, names: Sequence[str], at: Thresholds | None) -> None:
    """The true against the false positive rate as the threshold falls; `at`: the counts at the model's threshold.

    `y`: class numbers (N,), `scores`: what ranks the rows, (N, K).
    """
    axes = figure.subplots()
    _curves(axes, y, scores, names, metric_formulas.auc, "AUC", _rates, at)
    name_rates(axes)
    finish(figure, axes)


def name_rates(axes: Any) -> None:
    """Name the axes of a ROC curve, and draw the diagonal, which is the curve of random scores."""
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")


def _rates(counts: Thresholds) -> tuple[Array, Array]:
    """False and true positive rate."""
    return counts.fp / (counts.fp + counts.tn), counts.tp / (counts.tp + counts.fn)


def precision_recall(figure: Any, y: Array, scores: Array, names: Sequence[str], at: Thresholds | None) -> None:
    """Precision against recall as the threshold falls, as a step function; arguments as `roc`."""
    axes = figure.subplots()

    def place(c: Thresholds) -> tuple[Array, Array]:
        return c.tp / (c.tp + c.fn), c.tp / np.maximum(c.tp + c.fp, 1)

    _curves(axes, y, scores, names, metric_formulas.average_precision, "average precision", place, at, steps=True)
    axes.set(xlabel="recall", ylabel="precision")
    finish(figure, axes)


def _curves(
    axes: Any, y: Array, scores: Array, names: Sequence[str],
    metric: Callable[[Array, Array], float | None], called: str,
    place: Callable[[Thresholds], tuple[Array, Array]], at: Thresholds | None, steps: bool = False,
) -> None:  # fmt: skip
    each = list(each_class(y, scores))
    if not each:
        say_no_curve(axes)
        return
    for curve, (k, positive, score) in enumerate(each):
        counts = levels(score, positive)
        across, up = place(counts)
        if steps:  # from the highest score on: before it there is no precision
            across, up = np.concatenate([[0], across[1:]]), np.concatenate([up[1:2], up[1:]])
        value = number(metric(*metric_formulas.ranked(positive, score)), 4)
        color, named = curve_style(curve, f"{curve_name(k, names)}: {called} {value}")
        axes.plot(across, up, drawstyle="steps-pre" if steps else None, color=color, label=named)
    if at is not None:
        across, up = place(at)
        threshold = number(float(at.threshold[0]), 3)
        axes.plot(across, up, "o", color=INK, clip_on=False, label=f"threshold {threshold}", linestyle="", zorder=3)


def curve_style(k: int, called: str) -> tuple[str, str]:
    """Colour and label of the k-th class's curve; classes beyond the colours share one colour and one label."""
    return (COLORS[k], called) if k < MAX_CURVES else (_OTHERS, "other classes" if k == MAX_CURVES else "_")


def say_no_curve(axes: Any) -> None:
    """Say in the picture why it is empty."""
    axes.text(0.5, 0.25, "all rows are of one class:\nthere is no curve", ha="center", va="center", color=INK)


def finish(figure: Any, axes: Any) -> None:
    """The square of all rates, and the legend below it."""
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), aspect="equal")
    legend_below(figure, axes.get_legend_handles_labels()[0], 2)


def calibration(figure: Any, y: Array, p: Array, names: Sequence[str]) -> str:
    """The share of right rows against the predicted probability, by bins; below it the number of rows in each bin.

    `y`: class numbers (N,), `p`: probabilities (N, K). Returns the expected calibration error, for the title.
    """
    rows, predicted, right = metric_formulas.calibration(y, p)
    there = rows > 0
    upper = calibration_axes(figure, rows, names)
    # Wilson's interval for each share (1927): it stays within 0 and 1, also where all rows are right.
    n, share, z = rows[there], right[there], 1.959963984540054
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    upper.vlines(predicted[there], middle - half, middle + half, color=COLORS[0], linewidth=0.9, label="95 % interval")
    upper.plot(predicted[there], share, "o", color=COLORS[0], label=f"rows, in {len(rows)} bins")
    legend_below(figure, upper.get_legend_handles_labels()[0])
    return number(metric_formulas.ece(y, p), 3)


def calibration_axes(figure: Any, rows: Array, names: Sequence[str]) -> Any:
    """Axes for the shares that are right, with the diagonal where they should be, above the `rows` of each bin."""
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    two = len(names) == 2
    upper.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":", label="perfect calibration")
    upper.set(ylabel=f"share of {label(names[1], 20)}" if two else "share that is right", ylim=(-0.02, 1.02))
    edges = np.arange(len(rows)) / len(rows)
    lower.bar(edges, rows, 1 / len(rows), align="edge", color=COLORS[0], edgecolor="white", linewidth=0.4)
    xlabel = f"probability of {label(names[1])}" if two else "probability of the predicted class"
    lower.set(xlabel=xlabel, ylabel="rows", xlim=(-0.01, 1.01))
    return upper
