"""Pictures of the weights of a model, by feature or by pixel."""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.labels import class_text
from bpcli.plots.over_features import color_of
from bpcli.plots.style import INK, name_columns, plain
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
    said = stem.lower().strip("_. ") in ("p", "px", "pix", "pixel") or all(
        len(re.findall(r"\d+", name)) == 2 for name in names
    )
    return (side, side) if side >= (4 if said else MIN_UNNAMED) else None


def weights(figure: Any, subject: Subject) -> None:
    """The weights as bars by feature, as a table of colours, or as the images that they are."""
    model, image = subject.model, subject.image
    names = [plain(name) for name in model.preparation.feature_names]
    w, _ = model.weights()
    if image is not None:
        _images(figure, model, w, image)
        return
    axes = figure.subplots()
    order = np.argsort(-np.abs(w).sum(axis=1), kind="stable")[:MAX_BARS]
    outputs = w.shape[1]
    labels = [plain(class_text(c)) for c in model.classes or ()] if outputs > 1 else [""]
    prepared = " of the prepared features" if model.preparation.scale is not None else ""
    if outputs <= MAX_SERIES:
        height = 0.8 / outputs
        for k in range(outputs):
            places = np.arange(len(order)) + (k - (outputs - 1) / 2) * height
            axes.barh(places, w[order, k], height, color=color_of(k), label=labels[k])
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set(xlabel=f"weight{prepared}", ylim=(len(order) - 0.4, -0.6))
        axes.grid(axis="y", visible=False)
    else:
        bound = float(np.abs(w).max()) or 1.0
        drawn = axes.imshow(w[order], cmap="RdBu_r", vmin=-bound, vmax=bound, aspect="auto")
        figure.colorbar(drawn, ax=axes, label=f"weight{prepared}")
        if outputs <= MAX_NAMES:
            name_columns(axes, labels)
        axes.grid(False)
    axes.set_yticks(range(len(order)), [names[k] for k in order], fontsize=8 if len(order) > 12 else 9)
    axes.set_title("Weights" if len(order) == len(names) else f"Weights, the largest {len(order)} of {len(names)}")
    if 1 < outputs <= MAX_SERIES:
        figure.legend(handles=axes.get_legend_handles_labels()[0], loc="outside lower center", ncols=4, fontsize=8)


def _images(figure: Any, model: Model, w: Array, shape: tuple[int, int]) -> None:
    """The weights of each output as an image, for at most the first 40 outputs."""
    outputs = min(w.shape[1], 2 * MAX_NAMES)
    width, height = figure.bbox.width, figure.bbox.height
    # As many columns as make the images largest: between them stays no more room than their titles take.
    columns = max(range(1, outputs + 1), key=lambda c: min(width / c, height / -(-outputs // c)))
    grid = figure.subplots(-(-outputs // columns), columns, squeeze=False, gridspec_kw={"wspace": 0.02, "hspace": 0.02})
    bound = float(np.abs(w).max()) or 1.0
    image = None
    for k, axes in enumerate(grid.ravel()):
        axes.axis("off")
        if k < outputs:
            image = axes.imshow(w[:, k].reshape(shape), cmap="RdBu_r", vmin=-bound, vmax=bound)
            name = class_text(model.classes[k]) if model.classes and outputs > 1 else model.preparation.target
            axes.set_title(plain(name), fontsize=9)
    figure.colorbar(image, ax=grid, shrink=0.8, label="weight")
    figure.suptitle("Weights by pixel", fontsize=11)
