"""Pictures of a function of one or two variables: its gradient at a point, its tangent, a descent on it.

These are the lecture's: the plane x + y, the bowl x² + y², the saddle xy, the arrow of steepest ascent (which stands at
a right angle to the contours), the steps of x := x − α(∇f)ᵀ, and the updates x ± α∂f/∂x, y ± α∂f/∂y in all directions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.plots.sampling import Span, curve, runs_off, window
from bpcli.plots.style import COLORS, INK, legend_below, mathtext, new_figure, space_ticks
from bpcli.text.notation import number

Array = NDArray[Any]

FEW_STEPS = 60  # of a descent: up to so many each has a dot, of more the first and the last
STEEP = 50  # the ratio of high to low values from which levels are logarithmic


@dataclass(frozen=True)
class Scene:
    """A function over one or two named variables, with a point, a gradient and a descent to draw."""

    text: str
    latex: str
    names: Sequence[str]
    ranges: Sequence[Span]
    value: Callable[..., Array]  # of columns of points
    point: Sequence[float] | None = None
    height: float | None = None  # the value at the point
    gradient: Sequence[float] | None = None  # at the point
    path: Array | None = None  # the points of a descent, (steps + 1, variables)
    updates: bool = False  # whether to draw the lecture's updates at the point as arrows
    slopes: Callable[..., Sequence[Array]] | None = None  # the gradients of a field, at columns of points

    @property
    def marked(self) -> bool:
        """Whether there is a point with a finite value."""
        return self.point is not None and self.height is not None and bool(np.isfinite(self.height))

    @property
    def slope(self) -> Array | None:
        """The gradient at the point, if there is one that is finite."""
        known = self.marked and self.gradient is not None and np.isfinite(self.gradient).all()
        return np.asarray(self.gradient, float) if known else None


def draw(scene: Scene, kind: str, size: tuple[float, float]) -> Any:
    """The figure of a scene: a curve of one variable; contours or a surface of two."""
    figure = new_figure(size)
    if len(scene.names) == 1:
        _curve(figure, scene)
    elif kind == "surface":
        _surface(figure, scene)
    else:
        _contours(figure, scene)
    if kind != "surface":
        space_ticks(figure)
    return figure


def _title(scene: Scene) -> str:
    return mathtext(f"f = {scene.latex}", f"f = {scene.text}")


def _numbers(values: Sequence[float] | Array) -> str:
    return ", ".join(number(float(v), 4) for v in values).replace("-", "−")


def _empty(axes: Any, Z: Array) -> None:
    """A text in place of a picture without values or contours."""
    finite = Z[np.isfinite(Z)]
    text = f"f is {_numbers(finite[:1])} everywhere here" if finite.size else "f has no value here"
    axes.set_facecolor("#f4f4f4")
    place = (0.5,) * (3 if hasattr(axes, "zaxis") else 2)
    (axes.text2D if hasattr(axes, "zaxis") else axes.text)(
        *place[:2], text, transform=axes.transAxes, ha="center", va="center"
    )


def _curve(figure: Any, scene: Scene) -> None:
    axes = figure.subplots()
    x, y, off = curve(scene.value, scene.ranges[0])
    low, high = window(y, off)
    points = [] if scene.path is None else list(zip(scene.path[:, 0], scene.value(scene.path[:, 0]), strict=True))
    if scene.marked and scene.point is not None:
        points.append((scene.point[0], scene.height))
    left, right = scene.ranges[0]
    marks = [height for at, height in points if np.isfinite(height) and left <= at <= right]
    if marks:  # marked points over the range are always visible
        room = 0.06 * (high - low)
        low, high = min(low, min(marks) - room), max(high, max(marks) + room)
    if not np.isfinite(y).any():
        _empty(axes, y)
    beyond = 10 * (high - low)  # a curve that goes farther is cut there, out of the picture
    axes.plot(x, np.clip(y, low - beyond, high + beyond), color=COLORS[0], label="f")
    if scene.path is not None:
        at = scene.path[:, 0]
        axes.plot(at, scene.value(at), "o-", color=COLORS[1], markersize=4, linewidth=1, **_dots(scene.path))
    if scene.marked and scene.point is not None:
        _tangent(axes, scene, scene.point[0], float(scene.height or 0.0))
        axes.plot(scene.point, [scene.height], "o", color=INK, markersize=6, zorder=5)
    axes.set(xlabel=scene.names[0], ylabel="f", title=_title(scene), xlim=scene.ranges[0], ylim=(low, high))
    if len(axes.get_lines()) > 1:
        legend_below(figure, axes.get_legend_handles_labels()[0], 3)


def _tangent(axes: Any, scene: Scene, p: float, height: float) -> None:
    slope = scene.slope
    if slope is None:
        return
    reach = 0.22 * (scene.ranges[0][1] - scene.ranges[0][0])
    ends = np.array([p - reach, p + reach])
    axes.plot(ends, height + slope[0] * (ends - p), "--", color=COLORS[2], label=f"slope {_numbers(slope)}")
    if not scene.updates or not slope[0]:
        return
    for sign, color in ((1, COLORS[1]), (-1, COLORS[5])):
        tip = p + sign * np.sign(slope[0]) * 0.8 * reach
        _arrow(axes, (p, height), (tip, height), color)
        name = f"{scene.names[0]} {'+' if sign > 0 else '−'} α∂f/∂{scene.names[0]}"
        axes.plot([], [], color=color, label=f"{name}: {'increasing' if sign > 0 else 'decreasing'}")


def _dots(path: Array) -> dict[str, Any]:
    """The label of a descent, and which of its points have a dot."""
    steps = f"{len(path) - 1} step{'s' if len(path) != 2 else ''}"
    return {"label": steps, "markevery": None if len(path) <= FEW_STEPS else [0, len(path) - 1]}


def _grid(scene: Scene, count: int) -> tuple[Array, Array, Array]:
    X, Y = np.meshgrid(*(np.linspace(*span, count) for span in scene.ranges))
    Z = np.array(np.broadcast_to(scene.value(X.ravel(), Y.ravel()), X.size), float).reshape(X.shape)
    return X, Y, np.where(np.isfinite(Z), Z, np.nan)


def levels_of(Z: Array, off: bool) -> tuple[Array, Any] | None:
    """The levels of contours and their colour norm (None: linear); None if there are no values or all are equal.

    Levels are round and evenly spaced; 1, 2, 5, 10, 20, 50 … for positive values that are mostly near the lowest.
    """
    values = Z[np.isfinite(Z)]
    if not values.size or values.min() == values.max():
        return None
    low, high = (np.clip(end, values.min(), values.max()) for end in window(values, off))
    floor, tenth = np.percentile(values, [1, 10])
    if floor > 0 and high > STEEP * tenth:
        decades = np.arange(np.floor(np.log10(floor)), np.ceil(np.log10(high)) + 1)
        steps = (1, 2, 5) if len(decades) <= 6 else (1,)
        levels = np.array([step * 10.0**d for d, step in product(decades, steps)])
        levels = levels[(levels >= floor / 2.5) & (levels <= high * 2.5)]
        if 3 <= len(levels) <= 24:
            return levels, import_module("matplotlib.colors").BoundaryNorm(levels, 256, extend="both")
    found = import_module("matplotlib.ticker").MaxNLocator(14).tick_values(low, high)
    return (found, None) if len(found) > 1 and np.isfinite(found).all() and (np.diff(found) > 0).all() else None


def _contours(figure: Any, scene: Scene) -> None:
    axes = figure.subplots()
    X, Y, Z = _grid(scene, 241)
    found = levels_of(Z, runs_off(scene.value, X, Y, Z))
    if found is None:
        _empty(axes, Z)
    else:
        levels, norm = found
        above, below = np.nanmax(Z) > levels[-1], np.nanmin(Z) < levels[0]
        extend = "both" if norm is not None or (above and below) else "max" if above else "min" if below else "neither"
        there = np.ma.masked_invalid(Z)
        filled = axes.contourf(X, Y, there, levels, cmap="viridis", norm=norm, extend=extend)
        axes.contour(X, Y, there, levels, colors="white", linewidths=0.5, alpha=0.6, linestyles="solid")
        bar = figure.colorbar(filled, ax=axes, label="f", ticks=levels if norm is not None else None)
        if norm is not None:
            bar.ax.set_yticks(levels, [number(float(v), 3) for v in levels])
            bar.ax.minorticks_off()
    if scene.slopes is not None:
        _field(axes, scene)
    if scene.path is not None:
        stroke = import_module("matplotlib.patheffects").withStroke(linewidth=1.9, foreground="black")
        axes.plot(*scene.path.T, "o-", color="white", markersize=4, linewidth=1.1, markeredgecolor="black",
                  markeredgewidth=0.6, path_effects=[stroke], zorder=6.5, **_dots(scene.path))  # fmt: skip
    _point_and_arrows(axes, scene)
    axes.set(
        xlabel=scene.names[0], ylabel=scene.names[1], title=_title(scene), xlim=scene.ranges[0], ylim=scene.ranges[1]
    )
    spans = [high - low for low, high in scene.ranges]
    if 0.25 < spans[0] / spans[1] < 4:
        axes.set_aspect("equal")  # so that right angles look right
    axes.grid(False)
    _legend(figure, axes)


def _legend(figure: Any, axes: Any) -> None:
    """The legend below the picture, on grey, so that white lines are visible."""
    handles = axes.get_legend_handles_labels()[0]
    legend_below(figure, handles, 2, frameon=True, facecolor="#e0e0e0", edgecolor="none")


def _arrow(axes: Any, start: Sequence[float] | Array, tip: Sequence[float] | Array, color: str) -> None:
    style = {"arrowstyle": "-|>", "color": color, "lw": 2.6, "mutation_scale": 16, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", tip, start, arrowprops=style, zorder=6)


def _point_and_arrows(axes: Any, scene: Scene) -> None:
    """The point, and an arrow in the direction of its gradient, a fifth of the picture long."""
    if scene.point is None:
        return
    slope = scene.slope
    if slope is not None and np.any(slope):
        start = np.asarray(scene.point)
        step = slope / np.abs(slope).max()  # scaled first, or the squares may overflow
        step = step / np.hypot(*step) * 0.2 * min(high - low for low, high in scene.ranges)
        if scene.updates:
            _updates(axes, scene, start, step)
        else:
            _arrow(axes, start, start + step, COLORS[1])
            axes.plot([], [], color=COLORS[1], label=f"∇f = ({_numbers(slope)}), not to scale")
    elif slope is not None:
        axes.plot([], [], "o", color=COLORS[1], label="∇f = (0, 0)")
    axes.plot(*([v] for v in scene.point), "o", color=COLORS[1], markersize=7, markeredgecolor="white", zorder=7)


def _updates(axes: Any, scene: Scene, start: Array, step: Array) -> None:
    """The lecture's four updates x ± α∂f/∂x, y ± α∂f/∂y."""
    ends: dict[tuple[int, ...], str] = {(1, 1): ": most increasing", (-1, -1): ": most decreasing"}
    for signs, color in zip(product((1, -1), repeat=2), (COLORS[1], COLORS[3], COLORS[4], COLORS[5]), strict=True):
        _arrow(axes, start, start + np.array(signs) * step, color)
        text = ", ".join(
            f"{name} {'+' if s > 0 else '−'} α∂f/∂{name}" for name, s in zip(scene.names, signs, strict=True)
        )
        axes.plot([], [], color=color, label=text + ends.get(signs, ""))


def _field(axes: Any, scene: Scene) -> None:
    """The directions of the gradient on a coarse grid, as arrows of equal length."""
    assert scene.slopes is not None
    X, Y = np.meshgrid(*(np.linspace(*span, 17)[1:-1] for span in scene.ranges))
    U, V = (np.array(np.broadcast_to(s, X.size), float) for s in scene.slopes(X.ravel(), Y.ravel()))
    with np.errstate(all="ignore"):
        largest = np.maximum(np.abs(U), np.abs(V))
        U, V = U / largest, V / largest
        U, V = U / np.hypot(U, V), V / np.hypot(U, V)
    there = np.isfinite(U) & np.isfinite(V)
    axes.quiver(X.ravel()[there], Y.ravel()[there], U[there], V[there], color="white", edgecolor="black", linewidth=0.5,
                pivot="middle", angles="xy", scale=24, width=0.005, label="direction of ∇f")  # fmt: skip


def _surface(figure: Any, scene: Scene) -> None:
    axes = figure.add_subplot(projection="3d", computed_zorder=False)
    X, Y, Z = _grid(scene, 81)
    low, high = window(Z, runs_off(scene.value, X, Y, Z))
    if np.isfinite(Z).any():
        axes.plot_surface(X, Y, np.clip(Z, low, high), cmap="viridis", linewidth=0, antialiased=False, rstride=1,
                          cstride=1, rasterized=True, zorder=1)  # fmt: skip
    else:
        _empty(axes, Z)
    if scene.path is not None:
        z = scene.value(*scene.path.T)
        axes.plot(*scene.path.T, z, "o-", color=COLORS[1], markersize=3, zorder=7.5, **_dots(scene.path))
    if scene.marked and scene.point is not None:
        axes.plot(*([v] for v in scene.point), [scene.height], "o", color=INK, zorder=6)
        slope = scene.slope
        if slope is not None and np.any(slope):
            step = slope / np.abs(slope).max()
            step = step / np.hypot(*step) * 0.25 * min(b - a for a, b in scene.ranges)
            rise = float(np.dot(slope, step))
            color = COLORS[3] if scene.path is not None else COLORS[1]
            axes.quiver(*scene.point, scene.height, *step, rise, color=color, linewidth=2.2, zorder=7)
            axes.plot([], [], [], color=color, label=f"along ∇f = ({_numbers(slope)}), not to scale")
    axes.set(xlabel=scene.names[0], ylabel=scene.names[1], zlabel="f", title=_title(scene), zlim=(low, high))
    axes.set(xlim=scene.ranges[0], ylim=scene.ranges[1])
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_major_locator(import_module("matplotlib.ticker").MaxNLocator(6))
    axes.set_box_aspect(None, zoom=0.9)  # else the label of the vertical axis is cut off
    _legend(figure, axes)
