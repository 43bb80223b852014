"""Pictures of the weights of a model, by feature or by pixel."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.labels import class_text
from bpcli.errors import several
from bpcli.plots.over_features import color_of
from bpcli.plots.style import INK, label, legend_below, name_columns
from bpcli.plots.subjects import MAX_NAMES, MAX_SERIES, Image, Subject
from bpcli.training.model import Model

Array = NDArray[Any]

MAX_BARS = 24  # features whose weights are drawn, the largest first
MIN_UNNAMED = 8  # the least side of an image whose features are only numbered, x1, x2 …


def pixels(names: Sequence[str]) -> Image:
    """Height and width of the image if the features are its pixels, row by row: n² numbered features of one name.

    From 4 × 4 on for names such as `pixel_0_3` or `p12`, from 8 × 8 on for features that are only numbered, x1, x2 …
    """
    side = math.isqrt(len(names))
    stems = {re.sub(r"\d+", "", name) for name in names}
    if len(stems) != 1 or side < 2 or side * side != len(names):
        return None
    (stem,) = stems
    named = stem.lower().strip("_. ") in ("p", "px", "pix", "pixel") or all(
        len(re.findall(r"\d+", name)) == 2 for name in names
    )
    return (side, side) if side >= (4 if named else MIN_UNNAMED) else None


@dataclass(frozen=True)
class _Shown:
    """Weights to draw."""

    names: Sequence[str]  # of the features
    outputs: Sequence[str]
    w: Array  # (features, outputs)
    ends: tuple[Array, Array] | None = None  # of their intervals, low and high
    base: str = ""  # the class, and
    bases: Sequence[str] = ()  # the categories, that the weights are contrasts to


def _shown(subject: Subject) -> _Shown:
    """The model's weights; if there are statistics, their weights, which for classes are contrasts to a base."""
    model = subject.model
    if subject.statistics is not None:
        by_class: dict[str, list[Mapping[str, Any]]] = {}
        for record in subject.statistics["coefficients"]:
            by_class.setdefault(record["class"] or "", []).append(record)
        tables = [records[:-1] for records in by_class.values()]  # the bias is the last
        w, low, high = (np.array([[r[key] for r in t] for t in tables]).T for key in ("weight", "low", "high"))
        base = subject.statistics.get("base", "")
        names, outputs = [r["name"] for r in tables[0]], list(by_class) if base else [""]
        return _Shown(names, outputs, w, (low, high), base, subject.statistics.get("base_categories", ()))
    w, _ = model.weights()
    outputs = [class_text(c) for c in model.classes or ()] if w.shape[1] > 1 else [""]
    return _Shown(model.preparation.feature_names, outputs, w)


def has_room_for_intervals(model: Model, image: Image) -> bool:
    """Whether the weights are drawn as bars."""
    return image is None and model.weights()[0].shape[1] <= MAX_SERIES


def weights(figure: Any, subject: Subject) -> None:
    """The weights as bars by feature, with their intervals if they are known, as a table of colours, or as images."""
    model, image = subject.model, subject.image
    if image is not None:
        _images(figure, model, model.weights()[0], image)
        return
    axes, shown = figure.subplots(), _shown(subject)
    order = np.argsort(-np.abs(shown.w).sum(axis=1), kind="stable")[:MAX_BARS]
    outputs, w = len(shown.outputs), shown.w[order]
    prepared = " of the prepared features" if model.preparation.scale is not None else ""
    against = [label(name) for name in (shown.base, *shown.bases) if name]
    xlabel = f"weight{prepared}" + (f",\nagainst {several(against, 3)}" if against else "")
    if outputs <= MAX_SERIES:
        height = 0.8 / outputs
        for k in range(outputs):
            places = np.arange(len(order)) + (k - (outputs - 1) / 2) * height
            axes.barh(
                places,
                w[:, k],
                height,
                color=color_of(k + bool(shown.base)),
                alpha=0.6 if shown.ends else 1,
                label=label(shown.outputs[k]),
            )
            if shown.ends is not None:
                axes.hlines(places, *(end[order, k] for end in shown.ends), color=INK, linewidth=1.2)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set(xlabel=xlabel, ylim=(len(order) - 0.4, -0.6))
        axes.grid(axis="y", visible=False)
    else:
        bound = float(np.abs(w).max()) or 1.0
        drawn = axes.imshow(w, cmap="RdBu_r", vmin=-bound, vmax=bound, aspect="auto")
        figure.colorbar(drawn, ax=axes, label=xlabel)
        if outputs <= MAX_NAMES:
            name_columns(axes, [label(name, 20) for name in shown.outputs])
        axes.grid(False)
    axes.set_yticks(range(len(order)), [label(shown.names[k]) for k in order], fontsize=8 if len(order) > 12 else 9)
    called = "Weights with 95 % intervals" if shown.ends else "Weights"
    of = len(shown.names)
    axes.set_title(called if len(order) == of else f"{called}, the largest {len(order)} of {of}")
    if 1 < outputs <= MAX_SERIES or shown.base:
        legend_below(figure, axes.get_legend_handles_labels()[0])


def _images(figure: Any, model: Model, w: Array, shape: tuple[int, int]) -> None:
    """The weights of each output as an image, for at most the first 40 outputs."""
    outputs = min(w.shape[1], 2 * MAX_NAMES)
    width, height = figure.bbox.width, figure.bbox.height
    # The number of columns with which the images are largest.
    columns = max(range(1, outputs + 1), key=lambda c: min(width / c, height / -(-outputs // c)))
    grid = figure.subplots(-(-outputs // columns), columns, squeeze=False, gridspec_kw={"wspace": 0.02, "hspace": 0.02})
    bound = float(np.abs(w).max()) or 1.0
    image = None
    for k, axes in enumerate(grid.ravel()):
        axes.axis("off")
        if k < outputs:
            image = axes.imshow(w[:, k].reshape(shape), cmap="RdBu_r", vmin=-bound, vmax=bound)
            name = class_text(model.classes[k]) if model.classes and outputs > 1 else model.preparation.target
            axes.set_title(label(name, 16), fontsize=9)
    figure.colorbar(image, ax=grid, shrink=0.8, label="weight")
    figure.suptitle("Weights by pixel", fontsize=11)
