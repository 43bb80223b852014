"""Pictures of a trained model: learning curves, its boundary or line over features, its confusion, its weights."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.labels import class_text
from bpcli.plots.style import COLORS, INK, MARKERS, new_figure, plain
from bpcli.training import metrics
from bpcli.training.model import Model

Array = NDArray[Any]

MAX_POINTS = 600  # rows of data in one picture
MAX_BARS = 24  # features whose weights are drawn, the largest first
MAX_NAMES = 20  # the most classes that are named on an axis
MAX_SERIES = 4  # the most outputs whose weights are drawn as bars; more are a table of colours
LINES = ("-", "--", ":")  # for classes that have to share a colour
MIN_UNNAMED = 8  # the least side of an image whose features are only numbered, x1, x2 …

_PART = 1 << 20  # numbers of the rows over which a picture is computed at once

Image = tuple[int, int] | None


def views_of(model: Model, history: Mapping[str, Sequence[float]], image: Image) -> list[str]:
    """The views of a model's overview; `image` is the height and width if the features are pixels."""
    views = ["curves"] if len(next(iter(history.values()), ())) else []
    if image is None:  # a boundary over two pixels says little
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
    image: Image = None,
) -> Any:
    """The figure of one view, or of several side by side; `parts` are prepared (X, y) of train, validation, test."""
    figure = new_figure(size)
    columns = 1 if len(views) == 1 else 2
    grid = figure.add_gridspec(-(-len(views) // columns), columns)
    for k, view in enumerate(views):
        # If the number is odd, the last view gets a whole row.
        last = k == len(views) - 1 and k % columns == 0
        box = figure.add_subfigure(grid[k // columns, :] if last else grid[k // columns, k % columns])
        if view == "curves":
            _curves(box, history)
        elif view == "confusion":
            _confusion(box, model, parts)
        elif view == "weights":
            _weights(box, model, image)
        elif model.classes:
            _boundary(box, model, parts["train"], features)
        else:
            _fit(box, model, parts["train"], features)
    return figure


def pixels(names: Sequence[str]) -> Image:
    """Height and width of the image if the features are its pixels, row by row: n² numbered features of one name.

    From 4 × 4 on for names such as `pixel_0_3` or `p12`, from 8 × 8 on for features that are only numbered, x1, x2 …
    """
    side = math.isqrt(len(names))
    stems = {re.sub(r"\d+", "", name) for name in names}
    if len(stems) != 1 or side < 2 or side * side != len(names):
        return None
    (stem,) = stems
    said = stem.lower().strip("_. ") in ("p", "px", "pix", "pixel", "pixel_") or all(
        len(re.findall(r"\d+", name)) == 2 for name in names
    )
    return (side, side) if side >= (4 if said else MIN_UNNAMED) else None


def _typical(model: Model, X: Array) -> Array:
    """The row at which a picture holds other features: means, and the most frequent category of one-hot columns."""
    row: Array = X.mean(axis=0)
    position = 0
    for column in model.preparation.columns:
        width = 1 if column.categories is None else len(column.categories)
        if column.categories is not None:
            block = slice(position, position + width)
            row[block] = np.arange(width) == int(np.argmax(X[:, block].sum(axis=0)))
        position += width
    return row


def _name_columns(axes: Any, names: Sequence[str]) -> None:
    """Names below the columns of a table, turned if they are long."""
    turned = 45 if max(map(len, names)) > 4 else 0
    axes.set_xticks(range(len(names)), names, rotation=turned, ha="right" if turned else "center")


def _others(model: Model, shown: int) -> str:
    """The line of a title on the features that are held fixed."""
    columns = model.preparation.columns
    if shown >= len(model.preparation.feature_names):
        return ""
    values = "mean or mode" if any(c.categories is not None for c in columns) else "mean"
    return f"\nthe others at their {values}"


def _spaced(name: str) -> str:
    return plain(name.replace(".", " ").replace("_", " "))


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
    axes.xaxis.get_major_locator().set_params(integer=True)
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
    """The features by their influence on z, the largest first: |w|·σ of the feature, summed over the outputs."""
    weights = np.abs(model.w.reshape(len(model.w), -1)).sum(axis=1) * X.std(axis=0)
    return [int(k) for k in np.argsort(-weights, kind="stable")]


def z_over(model: Model, X: Array, given: Mapping[int, Array]) -> Array:
    """z, (N,) or (N, K), where the features `given` have such values (N,), and the others their `_typical` ones.

    By parts: N rows of thousands of features would take gigabytes.
    """
    row = _typical(model, X)
    count = len(next(iter(given.values())))
    parts = []
    for first in range(0, count, rows := max(1, _PART // len(row))):
        part = np.tile(row, (min(rows, count - first), 1))
        for feature, values in given.items():
            part[:, feature] = values[first : first + rows]
        parts.append(model.z(part))
    return np.concatenate(parts)


def margins(model: Model, z: Array) -> Array:
    """How far each class is ahead of the best other one, (N, K): above 0 where it is the prediction.

    For a neuron z less the z of its threshold, for softmax differences of the logits.
    """
    z = z.astype(float)
    if z.ndim == 1:
        ahead = z - _boundary_z(model)
        return np.stack([-ahead, ahead], axis=1)
    return np.stack([z[:, k] - np.delete(z, k, axis=1).max(axis=1) for k in range(z.shape[1])], axis=1)


def _boundary_z(model: Model) -> float:
    """The z at which the output, which grows with z, reaches the boundary between the two classes."""
    low, high = -1024.0, 1024.0
    for _ in range(64):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if model.output(np.array(middle)) >= model.boundary else (middle, high)
    return high


def _color(k: int) -> str:
    return COLORS[k % len(COLORS)]


def _marker(k: int) -> str:
    return MARKERS[(k + k // len(COLORS)) % len(MARKERS)]  # classes of one colour have different markers


def _boundary(figure: Any, model: Model, part: tuple[Array, Array], features: tuple[int, ...]) -> None:
    """The predicted class over two features, the others held fixed; training rows as points."""
    axes = figure.subplots()
    X, y = part
    names, classes = model.preparation.feature_names, model.classes or ()
    chosen = list(features) or strongest(model, X)[: min(2, len(names))]
    if len(chosen) == 1:
        _probability(axes, model, part, chosen[0])
        return
    i, j = chosen[:2]
    low, high = X[:, [i, j]].min(axis=0), X[:, [i, j]].max(axis=0)
    room = 0.08 * np.where(high > low, high - low, 1.0)
    u, v = (np.linspace(low[k] - room[k], high[k] + room[k], 241) for k in range(2))
    U, V = np.meshgrid(u, v)
    z = z_over(model, X, {i: U.ravel(), j: V.ravel()})
    x_axis, y_axis = _raw(model, i, u), _raw(model, j, v)
    for k, ahead in enumerate(margins(model, z).T.reshape(-1, *U.shape)):
        if ahead.max() > 0:
            top = [0, max(float(ahead.max()), 1e-300) * 2]
            axes.contourf(x_axis, y_axis, ahead, top, colors=[_color(k)], alpha=0.22)
            if ahead.min() < 0 and (len(classes) > 2 or k == 1):  # two classes have one line
                axes.contour(x_axis, y_axis, ahead, [0], colors=INK, linewidths=0.9)
    points, labels = _thinned(X, y)
    for k, name in enumerate(classes):
        rows = points[labels == k]
        if len(rows):
            axes.plot(
                _raw(model, i, rows[:, i]), _raw(model, j, rows[:, j]), _marker(k), color=_color(k), markersize=4.5,
                markeredgecolor="white", markeredgewidth=0.4, linestyle="", label=plain(class_text(name)),
            )  # fmt: skip
    axes.set(xlabel=plain(names[i]), ylabel=plain(names[j]), title=f"Decision boundary{_others(model, 2)}")
    axes.grid(False)
    if len(classes) <= 2 * MAX_NAMES:
        figure.legend(loc="outside right upper", fontsize=8, ncols=1 + len(classes) // 21)


def _probability(axes: Any, model: Model, part: tuple[Array, Array], feature: int) -> None:
    """The probability of each class along one feature, or the output, with the rows of each class as ticks."""
    X, y = part
    x = np.linspace(X[:, feature].min(), X[:, feature].max(), 401)
    z = z_over(model, X, {feature: x})
    if model.says_probabilities:
        p, low, unit, says = model.probabilities(z), 0.0, 1.0, "probability"
    else:
        p, says = np.stack([-model.output(z), model.output(z)], axis=1), "output towards the class"
        low, unit = float(p.min()), float(np.ptp(p)) or 1.0
    points, labels = _thinned(X, y)
    K = len(model.classes or ())
    for k, name in enumerate(model.classes or ()):
        label = plain(class_text(name)) if K <= MAX_NAMES else None
        axes.plot(_raw(model, feature, x), p[:, k], color=_color(k), linestyle=LINES[k // len(COLORS) % 3], label=label)
        rows = points[labels == k, feature]
        place = low - unit * (
            0.03 + 0.02 * k if K <= MAX_SERIES else 0.03
        )  # a row of ticks below for each class, if they are few
        axes.plot(_raw(model, feature, rows), np.full(len(rows), place), "|", color=_color(k), markersize=5)
    if model.g is not None:
        axes.axhline(
            model.boundary,
            color=INK,
            linewidth=0.8,
            linestyle=":",
            label="threshold" if model.says_probabilities else None,
        )
    name = plain(model.preparation.feature_names[feature])
    axes.set(xlabel=name, ylabel=says, title=f"Classes along {name}{_others(model, 1)}")
    if K <= MAX_NAMES:
        axes.figure.legend(loc="outside right upper", fontsize=8)


def _fit(figure: Any, model: Model, part: tuple[Array, Array], features: tuple[int, ...]) -> None:
    """The prediction along a feature, or as contours over two, the others held fixed; training rows as points."""
    axes = figure.subplots()
    X, y = part
    names, target = model.preparation.feature_names, plain(model.preparation.target)
    chosen = list(features) or strongest(model, X)[:1]
    axes_raw = [plain(names[k]) for k in chosen]
    points, targets = _thinned(X, y)
    places = [_raw(model, k, points[:, k]) for k in chosen]
    lines = [np.linspace(X[:, k].min(), X[:, k].max(), 401 if len(chosen) == 1 else 121) for k in chosen]
    mesh = np.meshgrid(*lines)
    z = z_over(model, X, {k: values.ravel() for k, values in zip(chosen, mesh, strict=True)})
    predicted = np.asarray(model.predicted(z), float).reshape(mesh[0].shape)
    raw = [_raw(model, k, line) for k, line in zip(chosen, lines, strict=True)]
    title = f"Regression over {' and '.join(axes_raw)}{_others(model, len(chosen))}"
    if len(chosen) == 1:
        axes.plot(places[0], targets, "o", color=COLORS[0], markersize=3.5, alpha=0.5, label="data")
        axes.plot(raw[0], predicted, color=COLORS[1], label="prediction")
        axes.set(xlabel=axes_raw[0], ylabel=target, title=title)
        axes.legend()
        return
    bounds = {"vmin": min(targets.min(), predicted.min()), "vmax": max(targets.max(), predicted.max())}
    if predicted.min() < predicted.max():
        lines_drawn = axes.contour(*raw, predicted, 8, cmap="viridis", **bounds)
        axes.clabel(lines_drawn, fontsize=8)
    dots = axes.scatter(*places, c=targets, s=14, cmap="viridis", edgecolors="white", linewidths=0.3, **bounds)
    figure.colorbar(dots, ax=axes, label=f"{target}: rows as points, prediction as lines")
    axes.set(xlabel=axes_raw[0], ylabel=axes_raw[1], title=title)
    axes.grid(False)


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
        names = [plain(class_text(name)) for name in model.classes or ()]
        _name_columns(axes, names)
        axes.set_yticks(range(K), names)
    axes.set(xlabel="predicted", ylabel="true", title=f"Confusion, {part} rows")
    axes.grid(False)


def _weights(figure: Any, model: Model, image: Image) -> None:
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
            axes.barh(places, w[order, k], height, color=_color(k), label=labels[k])
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set(xlabel=f"weight{prepared}", ylim=(len(order) - 0.4, -0.6))
        axes.grid(axis="y", visible=False)
    else:
        bound = float(np.abs(w).max()) or 1.0
        drawn = axes.imshow(w[order], cmap="RdBu_r", vmin=-bound, vmax=bound, aspect="auto")
        figure.colorbar(drawn, ax=axes, label=f"weight{prepared}")
        if outputs <= MAX_NAMES:
            _name_columns(axes, labels)
        axes.grid(False)
    axes.set_yticks(range(len(order)), [names[k] for k in order], fontsize=8 if len(order) > 12 else 9)
    axes.set_title("Weights" if len(order) == len(names) else f"Weights, the largest {len(order)} of {len(names)}")
    if 1 < outputs <= MAX_SERIES:
        axes.legend(fontsize=8)


def _images(figure: Any, model: Model, w: Array, shape: tuple[int, int]) -> None:
    """The weights of each output as an image, for at most the first 40 outputs."""
    outputs = min(w.shape[1], 2 * MAX_NAMES)
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
            axes.set_title(plain(name), fontsize=9)
    figure.colorbar(image, ax=grid, shrink=0.8, label="weight")
    figure.suptitle("Weights by pixel", fontsize=11)
