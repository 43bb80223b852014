"""Judges a finished training: compares its loss with that of the best constant prediction, and advises what to try."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bpcli.datasets.sparse import is_sparse, pieces
from bpcli.errors import several
from bpcli.text.notation import number
from bpcli.training.descent.to_optimum import TOLERANCE
from bpcli.training.model import BLOCK, Model

_ROUNDING = 1e-12
"""Relative to the best constant's loss: a smaller difference may be due to rounding."""

_APART = 10.0
"""If the sizes of features differ by more than this factor, standardising is advised."""


def _beside_constant(summary: Mapping[str, Any]) -> tuple[float, float]:
    """The minimised loss, weighted if there are weights, and that of the best constant prediction."""
    measured = summary.get("weighted") or {**summary["train"], **summary}
    return measured["loss"], measured["best_constant_loss"]


def is_above_constant(summary: Mapping[str, Any]) -> bool:
    """Whether the loss is above that of the best constant prediction by more than rounding.

    It is then not at the optimum, even if the gradient is 0, as it is where the activation is flat for all rows.
    """
    loss, constant = _beside_constant(summary)
    return loss > constant + _ROUNDING * abs(constant)


def no_better_than_constant(summary: Mapping[str, Any]) -> str:
    """The message for a model that is no better than a constant; empty for any other.

    It is no better if the minimised loss, weighted if there are weights, without penalties, is not below that of the
    best constant prediction.
    """
    loss, constant = _beside_constant(summary)
    if loss < constant - _ROUNDING * abs(constant):
        return ""
    return (
        f"the model is no better than a constant: its loss on the training rows is {number(loss, 6)}, that of the best "
        f"constant prediction {number(constant, 6)}"
    )


def short_of_optimum(summary: Mapping[str, Any], tolerance: float | None, epochs: int) -> str:
    """The message for a training with a `tolerance` that did not reach the optimum, with the reason; else empty."""
    optimum = summary.get("optimum")
    if optimum is None or tolerance is None or optimum["gradient_norm"] <= tolerance:
        return ""
    best = summary.get("best_epoch", summary["epochs"])
    why = "training.epochs were used up" if summary["epochs"] >= epochs else "no step led further down"
    if best < summary["epochs"]:
        why = f"early stopping kept epoch {best} of {summary['epochs']}, the best by the validation rows"
    return (
        f"the optimum is not reached: the gradient's largest entry is {number(optimum['gradient_norm'], 3)}, above "
        f"training.tolerance {number(tolerance)}, and {why}"
    )


def no_optimum(summary: Mapping[str, Any], model: Model, penalised: bool) -> str:
    """The message for a model whose weights have no optimum because its classes are separated; else empty."""
    if penalised or not summary.get("separated") or not model.says_probabilities:
        return ""
    return (
        f"the classes are separated, wholly or in part, by {several(summary['separated_by'])}: the loss falls as long "
        "as the weights grow, so that they have no optimum and no standard errors; training.l2 holds them"
    )


def advice(model: Model, X: Any, optimum: Mapping[str, Any], own_steps: bool = False) -> str:
    """The advice for a model that has learned nothing from the features X (N, n).

    `optimum` is `Training.optimum` of its weights; `own_steps`: it was trained by a solver, which has no learning rate.
    """
    if optimum["reached"]:
        return "try other features or another target, or less of training.l1 or l2 where they are set"
    if optimum["gradient_norm"] <= TOLERANCE:
        return "the gradient is 0, or nearly so, at these weights: try model.init: normal" + (
            "" if own_steps else ", or a smaller training.learning_rate"
        )
    if own_steps:
        return "try more epochs"
    usual = "another training.learning_rate, or more epochs"
    if model.preparation.mean is not None:
        return f"try {usual}"
    if is_sparse(X):
        largest = max(float(np.abs(part.data).max(initial=0.0)) for part in pieces(X, BLOCK))
        return f"try data.scale: {number(largest, 2)}, or {usual}" if largest > _APART else f"try {usual}"
    parts = [np.abs(part).max(axis=0, initial=0.0) for part in pieces(X, BLOCK)]
    sizes = np.max(np.asarray(parts, np.float64), axis=0)
    used = np.flatnonzero(sizes)
    if not len(used):
        return f"try {usual}"
    small, large = used[np.argmin(sizes[used])], used[np.argmax(sizes[used])]
    if max(sizes[large], 1.0) <= _APART * min(sizes[small], 1.0):  # 1.0 is the constant feature of the bias
        return f"try {usual}"
    names = model.preparation.feature_names
    shown = " and ".join(f"{number(sizes[j], 2)} ({names[j]})" for j in sorted({int(small), int(large)}))
    return f"try data.standardize: true, as the features are of sizes such as {shown}; or {usual}"
