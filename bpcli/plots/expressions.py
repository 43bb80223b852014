"""Pictures of a function of one or two variables: its gradient at a point, its tangent, a descent on it.

These are the lecture's: the plane x + y, the bowl x² + y², the saddle xy, the arrow of steepest ascent (which stands at
a right angle to the contours), and the steps of x := x − α(∇f)ᵀ.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.plots.style import COLORS, mathtext, new_figure

Array = NDArray[Any]


@dataclass(frozen=True)
class Scene:
    """A function over one or two named variables: `value(*columns)` at many points, and what is marked on it.

    `point` and `gradient` are those of `--at`, `path` the points of a descent (steps + 1, variables).
    """

    text: str
    latex: str
    names: Sequence[str]
    ranges: Sequence[tuple[float, float]]
    value: Callable[..., Array]
    point: Sequence[float] | None = None
    height: float | None = None
    gradient: Sequence[float] | None = None
    path: Array | None = None


def default_ranges(points: Array, width: float = 3.0) -> list[tuple[float, float]]:
    """A range a variable that holds all points (N, variables) with room around them."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle, extent = (low + high) / 2, high - low
    # Round a path so that it fills the middle; round a point so that zero is mostly seen.
    reach = 0.9 * extent.max() if extent.max() > 0 else np.maximum(width, 0.3 * np.abs(middle))
    reach = np.broadcast_to(reach, middle.shape)
    return [(float(m - r), float(m + r)) for m, r in zip(middle, reach, strict=True)]


def draw(scene: Scene, kind: str, size: tuple[float, float]) -> Any:
    """The figure of a scene: a curve of one variable; contours or a surface of two."""
    figure = new_figure(size)
    if len(scene.names) == 1:
        _curve(figure, scene)
    elif kind == "surface":
        _surface(figure, scene)
    else:
        _contours(figure, scene)
    return figure


def _title(scene: Scene) -> str:
    return mathtext(f"f = {scene.latex}", scene.text)


def _window(y: Array) -> tuple[float, float]:
    """The heights to show: all of them, unless a few lie far off, as at a pole."""
    finite = y[np.isfinite(y)]
    if not finite.size:
        return -1.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    inner = np.percentile(finite, [3, 97])
    span = float(inner[1] - inner[0])
    if span > 0 and high - low > 8 * span:
        low, high = max(low, float(inner[0]) - span), min(high, float(inner[1]) + span)
    room = 0.06 * (high - low) or 0.5 * max(abs(low), 1e-3)
    return low - room, high + room


def _curve(figure: Any, scene: Scene) -> None:
    axes = figure.subplots()
    x = np.linspace(*scene.ranges[0], 1601)
    y = np.array(np.broadcast_to(scene.value(x), x.shape), float)
    low, high = _window(y)
    shown = y.copy()
    shown[:-1][np.abs(np.diff(y)) > high - low] = np.nan  # no line across a pole
    axes.plot(x, shown, color=COLORS[0], label="f")
    if scene.path is not None:
        at = scene.path[:, 0]
        axes.plot(at, scene.value(at), "o-", color=COLORS[1], markersize=4, linewidth=1, label=_steps(scene.path))
    if scene.point is not None and scene.height is not None and scene.gradient is not None:
        p, slope = scene.point[0], scene.gradient[0]
        reach = 0.22 * (scene.ranges[0][1] - scene.ranges[0][0])
        ends = np.array([p - reach, p + reach])
        if np.isfinite(slope):
            axes.plot(ends, scene.height + slope * (ends - p), "--", color=COLORS[2], label=f"slope {slope:.4g}")
        axes.plot([p], [scene.height], "o", color=COLORS[7], markersize=6, zorder=5)
    axes.set(xlabel=scene.names[0], ylabel="f", title=_title(scene), xlim=scene.ranges[0], ylim=(low, high))
    if len(axes.get_lines()) > 1:
        axes.legend()


def _steps(path: Array) -> str:
    return f"{len(path) - 1} step{'s' if len(path) != 2 else ''}"


def _grid(scene: Scene, count: int) -> tuple[Array, Array, Any]:
    x, y = (np.linspace(*span, count) for span in scene.ranges)
    X, Y = np.meshgrid(x, y)
    Z = np.broadcast_to(scene.value(X.ravel(), Y.ravel()), X.size).reshape(X.shape)
    return X, Y, np.ma.masked_invalid(Z)


def _levels(Z: Any) -> Array | None:
    values = Z.compressed()
    if not values.size or values.min() == values.max():
        return None
    low, high = _window(values)
    locator = import_module("matplotlib.ticker").MaxNLocator(14)
    levels: Array = locator.tick_values(max(low, values.min()), min(high, values.max()))
    return levels


def _contours(figure: Any, scene: Scene) -> None:
    axes = figure.subplots()
    X, Y, Z = _grid(scene, 241)
    levels = _levels(Z)
    if levels is None:
        axes.set_facecolor("#f4f4f4")
        flat = Z.compressed()
        told = f"f is {flat[0]:.4g} everywhere here" if flat.size else "f has no value here"
        axes.text(0.5, 0.5, told, transform=axes.transAxes, ha="center", va="center")
    else:
        above, below = Z.max() > levels[-1], Z.min() < levels[0]
        extend = "both" if above and below else "max" if above else "min" if below else "neither"
        filled = axes.contourf(X, Y, Z, levels, cmap="viridis", extend=extend)
        axes.contour(X, Y, Z, levels, colors="white", linewidths=0.5, alpha=0.6)
        figure.colorbar(filled, ax=axes, label="f")
    if scene.path is not None:
        axes.plot(*scene.path.T, "o-", color="white", markersize=4, linewidth=1.4, markeredgecolor="black",
                  markeredgewidth=0.6, label=_steps(scene.path))  # fmt: skip
    if scene.point is not None and scene.gradient is not None:
        _arrow(axes, scene)
    axes.set(
        xlabel=scene.names[0], ylabel=scene.names[1], title=_title(scene), xlim=scene.ranges[0], ylim=scene.ranges[1]
    )
    spans = [high - low for low, high in scene.ranges]
    if 0.25 < spans[0] / spans[1] < 4:
        axes.set_aspect("equal")  # so that a right angle to the contours is seen as one
    axes.grid(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", frameon=True, framealpha=0.9)


def _arrow(axes: Any, scene: Scene) -> None:
    """The gradient at the point as an arrow: its direction on the axes, a fifth of the picture long."""
    assert scene.point is not None
    assert scene.gradient is not None
    gradient = np.asarray(scene.gradient, float)
    axes.plot(*([v] for v in scene.point), "o", color=COLORS[1], markersize=7, markeredgecolor="white", zorder=6)
    length = float(np.hypot(*gradient))
    if not np.isfinite(length) or length == 0:
        return
    reach = 0.2 * min(high - low for low, high in scene.ranges)
    tip = np.asarray(scene.point) + gradient / length * reach
    axes.annotate("", tip, scene.point, arrowprops={"arrowstyle": "-|>", "color": COLORS[1], "lw": 2.2}, zorder=6)
    told = ", ".join(f"{v:.4g}" for v in gradient)
    axes.plot([], [], color=COLORS[1], label=f"∇f = ({told})")


def _surface(figure: Any, scene: Scene) -> None:
    axes = figure.add_subplot(projection="3d", computed_zorder=False)
    X, Y, Z = _grid(scene, 81)
    low, high = _window(Z.compressed())
    heights = np.clip(Z.filled(np.nan), low, high)
    axes.plot_surface(X, Y, heights, cmap="viridis", linewidth=0, antialiased=True, alpha=0.9, zorder=1)
    if scene.path is not None:
        z = scene.value(*scene.path.T)
        axes.plot(*scene.path.T, z, "o-", color=COLORS[1], markersize=4, zorder=5, label=_steps(scene.path))
    if scene.point is not None and scene.height is not None:
        axes.plot(*([v] for v in scene.point), [scene.height], "o", color=COLORS[7], zorder=6)
        if scene.gradient is not None and np.isfinite(scene.gradient).all() and np.any(scene.gradient):
            step = np.asarray(scene.gradient) / math.hypot(*scene.gradient)
            step = step * 0.25 * min(b - a for a, b in scene.ranges)
            rise = float(np.dot(scene.gradient, step))
            axes.quiver(*scene.point, scene.height, *step, rise, color=COLORS[1], linewidth=2.2, zorder=7)
    axes.set(xlabel=scene.names[0], ylabel=scene.names[1], zlabel="f", title=_title(scene), zlim=(low, high))
