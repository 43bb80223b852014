"""Pictures of a model over one or two of its features, the others held fixed: boundary, probability, fit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.labels import class_text
from bpcli.plots.style import COLORS, INK, MARKERS, label, legend_below
from bpcli.plots.subjects import MAX_NAMES, MAX_SERIES, Subject
from bpcli.training.model import Model

Array = NDArray[Any]

MAX_POINTS = 600  # rows of data in one picture
LINES = ("-", "--", ":")  # for classes that have to share a colour

_PART = 1 << 20  # numbers in the rows whose z is computed at once


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


def _others(model: Model, shown: int, rows: int) -> str:
    """The second line of a title: the rows that are shown, and the values at which other features are held."""
    points = f"{rows:,} training rows" if rows <= MAX_POINTS else f"{MAX_POINTS} of {rows:,} training rows"
    columns = model.preparation.columns
    if shown >= len(model.preparation.feature_names):
        return f"\n{points}"
    values = "mean or mode" if any(c.categories is not None for c in columns) else "mean"
    return f"\n{points}, the other features at their {values}"


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
    """The features by their influence on z, |w|·σ summed over the outputs, the largest first.

    Columns of numbers come before categories, which make poor axes.
    """
    weights = np.abs(model.w.reshape(len(model.w), -1)).sum(axis=1) * X.std(axis=0)
    # The columns of a sparse table, all of numbers, are not listed.
    widths = [1 if c.categories is None else len(c.categories) for c in model.preparation.columns]
    of_category = np.repeat([c.categories is not None for c in model.preparation.columns], widths)
    if len(of_category) != len(weights):
        of_category = np.zeros(len(weights), bool)
    return [int(k) for k in np.lexsort((-weights, of_category))]


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
    if model.has_threshold:
        ahead = z[:, 1] - z[:, 0] - np.log(model.threshold / (1 - model.threshold))
        return np.stack([-ahead, ahead], axis=1)
    return np.stack([z[:, k] - np.delete(z, k, axis=1).max(axis=1) for k in range(z.shape[1])], axis=1)


def _boundary_z(model: Model) -> float:
    """The z at which the output, which grows with z, reaches the boundary between the two classes."""
    low, high = -1024.0, 1024.0
    for _ in range(64):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if model.output(np.array(middle)) >= model.boundary else (middle, high)
    return high


def color_of(k: int) -> str:
    """The colour of a class by its number."""
    return COLORS[k % len(COLORS)]


def _marker(k: int) -> str:
    return MARKERS[(k + k // len(COLORS)) % len(MARKERS)]  # classes of one colour have different markers


def boundary(figure: Any, subject: Subject) -> None:
    """The predicted class over two features, the others held fixed; training rows as points."""
    axes, model = figure.subplots(), subject.model
    X, y = subject.parts["train"]
    names, classes = model.preparation.feature_names, model.classes or ()
    chosen = list(subject.features) or strongest(model, X)[: min(2, len(names))]
    if len(chosen) == 1:
        _probability(axes, model, (X, y), chosen[0])
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
            axes.contourf(x_axis, y_axis, ahead, top, colors=[color_of(k)], alpha=0.22)
            if ahead.min() < 0 and (len(classes) > 2 or k == 1):  # two classes have one line
                axes.contour(x_axis, y_axis, ahead, [0], colors=INK, linewidths=0.9)
    points, labels = _thinned(X, y)
    for k, name in enumerate(classes):
        rows = points[labels == k]
        if len(rows):
            axes.plot(
                _raw(model, i, rows[:, i]), _raw(model, j, rows[:, j]), _marker(k), color=color_of(k), markersize=4.5,
                markeredgecolor="white", markeredgewidth=0.4, linestyle="", label=label(class_text(name)),
            )  # fmt: skip
    axes.set(xlabel=label(names[i]), ylabel=label(names[j]), title=f"Decision boundary{_others(model, 2, len(X))}")
    axes.grid(False)
    if len(classes) <= 2 * MAX_NAMES:
        legend_below(figure, axes.get_legend_handles_labels()[0], 5)


def _probability(axes: Any, model: Model, part: tuple[Array, Array], feature: int) -> None:
    """The probability of each class along one feature, or the output, with the rows of each class as ticks."""
    X, y = part
    x = np.linspace(X[:, feature].min(), X[:, feature].max(), 401)
    z = z_over(model, X, {feature: x})
    if model.says_probabilities:
        p, low, unit, ylabel = model.probabilities(z), 0.0, 1.0, "probability"
    else:
        p, ylabel = np.stack([-model.output(z), model.output(z)], axis=1), "output towards the class"
        low, unit = float(p.min()), float(np.ptp(p)) or 1.0
    points, labels = _thinned(X, y)
    K = len(model.classes or ())
    for k, name in enumerate(model.classes or ()):
        called = label(class_text(name)) if K <= MAX_NAMES else None
        axes.plot(
            _raw(model, feature, x), p[:, k], color=color_of(k), linestyle=LINES[k // len(COLORS) % 3], label=called
        )
        rows = points[labels == k, feature]
        place = low - unit * (0.03 + 0.02 * k if K <= MAX_SERIES else 0.03)  # few classes have a row of ticks each
        axes.plot(_raw(model, feature, rows), np.full(len(rows), place), "|", color=color_of(k), markersize=5)
    if model.g is not None:
        axes.axhline(
            model.boundary,
            color=INK,
            linewidth=0.8,
            linestyle=":",
            label="threshold" if model.says_probabilities else None,
        )
    name = label(model.preparation.feature_names[feature])
    axes.set(xlabel=name, ylabel=ylabel, title=f"Classes along {name}{_others(model, 1, len(X))}")
    if K <= MAX_NAMES:
        legend_below(axes.figure, axes.get_legend_handles_labels()[0], 5)


def fit(figure: Any, subject: Subject) -> None:
    """The prediction along a feature, or as contours over two, the others held fixed; training rows as points."""
    axes, model = figure.subplots(), subject.model
    X, y = subject.parts["train"]
    names, target = model.preparation.feature_names, label(model.preparation.target)
    chosen = list(subject.features) or strongest(model, X)[:1]
    axes_raw = [label(names[k]) for k in chosen]
    points, targets = _thinned(X, y)
    places = [_raw(model, k, points[:, k]) for k in chosen]
    lines = [np.linspace(X[:, k].min(), X[:, k].max(), 401 if len(chosen) == 1 else 121) for k in chosen]
    mesh = np.meshgrid(*lines)
    z = z_over(model, X, {k: values.ravel() for k, values in zip(chosen, mesh, strict=True)})
    predicted = np.asarray(model.predicted(z), float).reshape(mesh[0].shape)
    raw = [_raw(model, k, line) for k, line in zip(chosen, lines, strict=True)]
    title = f"Regression over {' and '.join(axes_raw)}{_others(model, len(chosen), len(X))}"
    if len(chosen) == 1:
        axes.plot(places[0], targets, "o", color=COLORS[0], markersize=3.5, alpha=0.5, label="data")
        axes.plot(raw[0], predicted, color=COLORS[1], label="prediction")
        axes.set(xlabel=axes_raw[0], ylabel=target, title=title)
        legend_below(figure, axes.get_legend_handles_labels()[0])
        return
    bounds = {"vmin": min(targets.min(), predicted.min()), "vmax": max(targets.max(), predicted.max())}
    if predicted.min() < predicted.max():
        lines_drawn = axes.contour(*raw, predicted, 8, cmap="viridis", **bounds)
        axes.clabel(lines_drawn, fontsize=8)
    dots = axes.scatter(*places, c=targets, s=14, cmap="viridis", edgecolors="white", linewidths=0.3, **bounds)
    figure.colorbar(dots, ax=axes, label=f"{target}: rows as points, prediction as lines")
    axes.set(xlabel=axes_raw[0], ylabel=axes_raw[1], title=title)
    axes.grid(False)
