"""Pictures of a trained model: learning curves, its boundary or line over features, its confusion, its weights."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.labels import class_text
from bpcli.plots.style import COLORS, MARKERS, new_figure
from bpcli.training import metrics
from bpcli.training.model import Model

Array = NDArray[Any]

MAX_POINTS = 600  # of the data, in one picture
MAX_BARS = 24  # features whose weights are drawn, the largest first
MAX_NAMES = 20  # classes that are named on an axis


def views_of(model: Model, history: Mapping[str, Sequence[float]]) -> list[str]:
    """The views that an overview of a model has."""
    views = ["curves"] if len(next(iter(history.values()), ())) else []
    if pixels(model.preparation.feature_names) is None:  # two pixels say little
        views.append("boundary")
    if model.classes:
        views.append("confusion")
    return [*views, "weights"]


def draw(
    model: Model,
    history: Mapping[str, Sequence[float]],
    parts: Mapping[str, tuple[Array, Array]],
    views: Sequence[str],
    features: tuple[int, ...],
    size: tuple[float, float],
) -> Any:
    """The figure of one view, or of several side by side; `parts` are prepared (X, y) of train, validation, test."""
    figure = new_figure(size)
    columns = 1 if len(views) == 1 else 2
    rows = -(-len(views) // columns)
    boxes = figure.subfigures(rows, columns, squeeze=False).ravel()
    for view, box in zip(views, boxes, strict=False):
        if view == "curves":
            _curves(box, history)
        elif view == "confusion":
            _confusion(box, model, parts)
        elif view == "weights":
            _weights(box, model)
        elif model.classes:
            _boundary(box, model, parts["train"], features)
        else:
            _fit(box, model, parts["train"], features)
    return figure


def pixels(names: Sequence[str]) -> tuple[int, int] | None:
    """The height and width of the image that the features are, if there are n² of one name that are numbered."""
    side = math.isqrt(len(names))
    stems = {re.sub(r"\d+", "", name) for name in names}
    return (side, side) if side >= 4 and side * side == len(names) and len(stems) == 1 else None


def _spaced(name: str) -> str:
    return name.replace(".", " ").replace("_", " ")


def _curves(figure: Any, history: Mapping[str, Sequence[float]]) -> None:
    axes = figure.subplots()
    epochs = history["epoch"]
    shown = [(name, values) for name, values in history.items() if name == "loss" or name.endswith("loss")]
    positive = all(v > 0 for _, values in shown for v in values)
    wide = positive and any(max(values) > 20 * min(values) for _, values in shown)
    for (name, values), color in zip(shown, COLORS, strict=False):
        label = "training" if name == "loss" else _spaced(name).removesuffix(" loss")
        axes.plot(epochs, values, color=color, label=label, marker="o" if len(epochs) == 1 else None)
    axes.set(xlabel="epoch", ylabel="loss", title="Learning curves", yscale="log" if wide else "linear")
    metric = next((n for n in history if n.endswith(("accuracy", "rmse"))), None)
    if metric is not None:
        twin = axes.twinx()
        twin.plot(epochs, history[metric], color=COLORS[2], linestyle="--", label=_spaced(metric))
        twin.set_ylabel(_spaced(metric))
        twin.grid(False)
        twin.spines["right"].set_visible(True)
        handles = axes.get_legend_handles_labels()[0] + twin.get_legend_handles_labels()[0]
        axes.legend(handles=handles, loc="center right")
    elif len(shown) > 1:
        axes.legend()


def _raw(model: Model, feature: int, values: Array) -> Array:
    """Prepared values of a feature in its own unit."""
    mean, scale = model.preparation.mean, model.preparation.scale
    if scale is None:
        return values
    return values * scale[feature] + (mean[feature] if mean is not None else 0.0)


def _thinned(X: Array, y: Array) -> tuple[Array, Array]:
    if len(X) <= MAX_POINTS:
        return X, y
    chosen = np.random.default_rng(0).choice(len(X), MAX_POINTS, replace=False)
    return X[chosen], y[chosen]


def strongest(model: Model, X: Array) -> list[int]:
    """The features by how much of z they move: |w|·σ of the feature, summed over the outputs."""
    weights = np.abs(model.w.reshape(len(model.w), -1)).sum(axis=1) * X.std(axis=0)
    return [int(k) for k in np.argsort(-weights, kind="stable")]


def _boundary(figure: Any, model: Model, part: tuple[Array, Array], features: tuple[int, ...]) -> None:
    """The predicted class over two features, the others at their means; training rows as points."""
    axes = figure.subplots()
    X, y = part
    names = model.preparation.feature_names
    chosen = list(features) or strongest(model, X)[: min(2, len(names))]
    if len(chosen) == 1:
        _probability(axes, model, part, chosen[0])
        return
    i, j = chosen[:2]
    low, high = X[:, [i, j]].min(axis=0), X[:, [i, j]].max(axis=0)
    room = 0.08 * np.where(high > low, high - low, 1.0)
    u, v = (np.linspace(low[k] - room[k], high[k] + room[k], 241) for k in range(2))
    U, V = np.meshgrid(u, v)
    grid = np.tile(X.mean(axis=0), (U.size, 1))
    grid[:, i], grid[:, j] = U.ravel(), V.ravel()
    classes = model.predicted(model.z(grid)).reshape(U.shape)
    x_axis, y_axis = _raw(model, i, u), _raw(model, j, v)
    K = len(model.classes or ())
    shades = [COLORS[k % len(COLORS)] for k in range(K)]
    axes.contourf(x_axis, y_axis, classes, np.arange(K + 1) - 0.5, colors=shades, alpha=0.22)
    axes.contour(x_axis, y_axis, classes, np.arange(K - 1) + 0.5, colors="#444444", linewidths=1)
    points, labels = _thinned(X, y)
    for k, name in enumerate(model.classes or ()):
        rows = points[labels == k]
        if len(rows):
            axes.plot(
                _raw(model, i, rows[:, i]), _raw(model, j, rows[:, j]), MARKERS[k % len(MARKERS)], color=shades[k],
                markersize=4, markeredgecolor="white", markeredgewidth=0.4, linestyle="", label=class_text(name),
            )  # fmt: skip
    others = "" if len(names) == 2 else "\nthe other features at their means"
    axes.set(xlabel=names[i], ylabel=names[j], title=f"Decision boundary{others}")
    axes.grid(False)
    axes.legend(loc="best", fontsize=8, frameon=True, framealpha=0.85, ncols=1 if K <= 6 else 2)


def _probability(axes: Any, model: Model, part: tuple[Array, Array], feature: int) -> None:
    """Of a single feature: the probability of each class along it."""
    X, _ = part
    x = np.linspace(X[:, feature].min(), X[:, feature].max(), 401)
    grid = np.tile(X.mean(axis=0), (len(x), 1))
    grid[:, feature] = x
    p = model.probabilities(model.z(grid))
    for k, name in enumerate(model.classes or ()):
        axes.plot(_raw(model, feature, x), p[:, k], color=COLORS[k % len(COLORS)], label=class_text(name))
    axes.set(xlabel=model.preparation.feature_names[feature], ylabel="probability", title="Classes along the feature")
    axes.legend()


def _fit(figure: Any, model: Model, part: tuple[Array, Array], features: tuple[int, ...]) -> None:
    """The prediction along a feature, the others at their means; the training rows as points."""
    axes = figure.subplots()
    X, y = part
    feature = features[0] if features else strongest(model, X)[0]
    x = np.linspace(X[:, feature].min(), X[:, feature].max(), 401)
    grid = np.tile(X.mean(axis=0), (len(x), 1))
    grid[:, feature] = x
    points, targets = _thinned(X, y)
    axes.plot(
        _raw(model, feature, points[:, feature]), targets, "o", color=COLORS[0], markersize=3.5, alpha=0.5, label="data"
    )
    axes.plot(_raw(model, feature, x), model.predicted(model.z(grid)), color=COLORS[1], label="prediction")
    others = "" if X.shape[1] == 1 else ", the other features at their means"
    name = model.preparation.feature_names[feature]
    axes.set(xlabel=name, ylabel=model.preparation.target, title=f"Regression over {name}{others}")
    axes.legend()


def _confusion(figure: Any, model: Model, parts: Mapping[str, tuple[Array, Array]]) -> None:
    axes = figure.subplots()
    part = next(name for name in ("test", "validation", "train") if name in parts)
    X, y = parts[part]
    K = len(model.classes or ())
    table = metrics.confusion(y, model.predicted(model.z(X)), K)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if K <= MAX_NAMES:
        for (row, column), count in np.ndenumerate(table):
            color = "white" if shares[row, column] > 0.55 else "#222222"
            axes.text(column, row, str(int(count)), ha="center", va="center", color=color, fontsize=9 if K <= 8 else 7)
        names = [class_text(name) for name in model.classes or ()]
        turned = 45 if max(map(len, names)) > 4 else 0
        axes.set_xticks(range(K), names, rotation=turned, ha="right" if turned else "center")
        axes.set_yticks(range(K), names)
    axes.set(xlabel="predicted", ylabel="true", title=f"Confusion, {part} rows")
    axes.grid(False)


def _weights(figure: Any, model: Model) -> None:
    names = model.preparation.feature_names
    w, _ = model.weights()
    shape = pixels(names)
    if shape is not None:
        _images(figure, model, w, shape)
        return
    axes = figure.subplots()
    order = np.argsort(-np.abs(w).sum(axis=1), kind="stable")[:MAX_BARS][::-1]
    outputs = w.shape[1]
    height = 0.8 / outputs
    for k in range(outputs):
        label = class_text(model.classes[k]) if model.classes and outputs > 1 else None
        places = np.arange(len(order)) + (k - (outputs - 1) / 2) * -height
        axes.barh(places, w[order, k], height, color=COLORS[k % len(COLORS)], label=label)
    axes.set_yticks(range(len(order)), [names[k] for k in order], fontsize=8 if len(order) > 12 else 9)
    axes.axvline(0, color="#444444", linewidth=0.8)
    left_out = "" if len(order) == len(names) else f", the largest {len(order)} of {len(names)}"
    prepared = " of the prepared features" if model.preparation.scale is not None else ""
    axes.set(xlabel=f"weight{prepared}", title=f"Weights{left_out}")
    axes.grid(axis="y", visible=False)
    if outputs > 1:
        axes.legend(fontsize=8)


def _images(figure: Any, model: Model, w: Array, shape: tuple[int, int]) -> None:
    """The weights of each output as an image, where the features are pixels."""
    outputs = w.shape[1]
    columns = min(outputs, 5)
    rows = -(-outputs // columns)
    grid = figure.subplots(rows, columns, squeeze=False)
    bound = float(np.abs(w).max()) or 1.0
    image = None
    for k, axes in enumerate(grid.ravel()):
        axes.axis("off")
        if k < outputs:
            image = axes.imshow(w[:, k].reshape(shape), cmap="RdBu_r", vmin=-bound, vmax=bound)
            name = class_text(model.classes[k]) if model.classes and outputs > 1 else model.preparation.target
            axes.set_title(name, fontsize=9)
    figure.colorbar(image, ax=grid, shrink=0.8, label="weight")
    figure.suptitle("Weights by pixel", fontsize=11)
