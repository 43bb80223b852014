"""The points at which a function is evaluated for its picture: up to jumps, poles and the edge of its domain."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Span = tuple[float, float]
Function = Callable[..., Array]

SAMPLES = 1601  # of a curve: about one for each pixel
REFINED = 200  # the most intervals that are searched for a jump
HALVINGS = 60  # after which the gap of a continuous function is closed
FAR = 4.0  # a value that is so many heights of the picture away is at a pole


def curve(value: Function, span: Span) -> tuple[Array, Array, bool]:
    """Points x, y of a curve, with y NaN where the line is interrupted; and whether it tends to infinity.

    Intervals with a large step, or with a value at one end only, are halved towards the larger gap. If the gap stays,
    there is a jump, a pole or an edge of the domain: the line goes up to it from both sides, and not across.
    """
    x = np.linspace(*span, SAMPLES)
    y = _evaluated(value, x)
    finite = y[np.isfinite(y)]
    if not finite.size:
        return x, np.full_like(x, np.nan), False
    extent = _difference(finite.max(), finite.min())
    gaps = _gap(y[:-1], y[1:])
    suspects = np.flatnonzero(gaps > 0.01 * extent) if extent > 0 else np.flatnonzero(np.isinf(gaps))
    suspects = np.sort(suspects[np.argsort(-gaps[suspects], kind="stable")[:REFINED]])
    left, right, y_left, y_right = x[suspects], x[suspects + 1], y[suspects], y[suspects + 1]
    for _ in range(HALVINGS):
        middle = left / 2 + right / 2
        y_middle = _evaluated(value, middle)
        first = _gap(y_left, y_middle) >= _gap(y_middle, y_right)
        left, y_left = np.where(first, left, middle), np.where(first, y_left, y_middle)
        right, y_right = np.where(first, middle, right), np.where(first, y_middle, y_right)
    torn = _gap(y_left, y_right) > 0.5 * gaps[suspects].clip(max=np.finfo(float).max)
    ends = np.concatenate([y_left[torn], y_right[torn]])
    off = bool((np.abs(ends[np.isfinite(ends)] - np.median(finite)) > FAR * max(extent, 1e-300)).any())
    poles, x_near, y_near = _poles(value, x, y, float(np.median(finite)), extent)
    middle = left / 2 + right / 2
    x = np.concatenate([x, np.stack([left[torn], middle[torn], right[torn]], axis=1).ravel(), poles, x_near])
    broken = np.full(int(torn.sum()), np.nan)
    between = np.stack([y_left[torn], broken, y_right[torn]], axis=1).ravel()
    y = np.concatenate([y, between, np.full_like(poles, np.nan), y_near])
    order = np.argsort(x, kind="stable")
    y = y[order]
    return x[order], np.where(np.isfinite(y), y, np.nan), off or len(poles) > 0 or bool(np.isinf(y).any())


def _poles(value: Function, x: Array, y: Array, middle: float, extent: float) -> tuple[Array, Array, Array]:
    """Poles with equal signs on both sides, as of 1/x²; and points on their flanks, with values.

    Each local extreme of |y − middle| is searched on finer and finer grids for the place where it is largest.
    """
    away = np.nan_to_num(np.abs(y - middle), nan=-1.0)
    inner = away[1:-1]
    peaks = 1 + np.flatnonzero((inner >= away[:-2]) & (inner >= away[2:]) & (inner > 0.1 * extent) & np.isfinite(inner))
    peaks = peaks[np.argsort(-away[peaks], kind="stable")[:REFINED]]
    step = float(x[1] - x[0])
    at, reach = x[peaks], step
    for _ in range(HALVINGS // 2):
        near = at + reach * np.linspace(-1, 1, 9)[:, None]
        heights = np.abs(_evaluated(value, near.ravel()).reshape(near.shape) - middle)
        at = near[np.argmax(np.nan_to_num(heights, nan=-1.0), axis=0), np.arange(len(at))]
        reach /= 3
    with np.errstate(all="ignore"):
        poles = np.unique(at[np.abs(_evaluated(value, at) - middle) > FAR * max(extent, 1e-300)])
    flanks = (poles + step * np.concatenate([-(0.5 ** np.arange(12)), 0.5 ** np.arange(12)])[:, None]).ravel()
    flanks = flanks[(flanks > x[0]) & (flanks < x[-1])]
    return poles, flanks, _evaluated(value, flanks) if len(flanks) else flanks


def _evaluated(value: Function, *columns: Array) -> Array:
    return np.array(np.broadcast_to(value(*columns), columns[0].shape), float)


def _difference(a: Any, b: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.minimum(np.abs(a - b), np.finfo(float).max)


def _gap(a: Array, b: Array) -> Array:
    """|b − a|; infinite if only one of them is a value, 0 if neither is."""
    there = np.isfinite(a), np.isfinite(b)
    with np.errstate(all="ignore"):
        step = _difference(b, a)
    return np.where(there[0] & there[1], step, np.where(there[0] == there[1], 0.0, np.inf))


def window(y: Array, off: bool) -> Span:
    """The range of y to show: all values; if they tend to infinity, where most of them are."""
    finite = y[np.isfinite(y)]
    if not finite.size:
        return -1.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if off:
        inner = np.percentile(finite, [8, 92])
        span = float(inner[1] - inner[0])
        if 0 < span < (high - low) / 8:
            low, high = max(low, float(inner[0]) - span), min(high, float(inner[1]) + span)
    room = 0.06 * (high - low) or 0.5 * max(abs(low), 1e-3)
    return low - room, high + room


def runs_off(value: Function, X: Array, Y: Array, Z: Array) -> bool:
    """Whether z = f(x, y) tends to infinity near its largest or smallest value on a grid, rather than having a peak."""
    finite = np.isfinite(Z)
    if not finite.any():
        return False
    steps = (X[0, 1] - X[0, 0], Y[1, 0] - Y[0, 0])
    for sign in (1.0, -1.0):
        place = np.unravel_index(np.argmax(np.where(finite, sign * Z, -np.inf)), Z.shape)
        x, y, height = float(X[place]), float(Y[place]), abs(float(Z[place]))
        reach = steps
        for _ in range(4):
            U, V = np.meshgrid(*(c + np.linspace(-r, r, 21) for c, r in zip((x, y), reach, strict=True)))
            near = _evaluated(value, U.ravel(), V.ravel())
            best = int(np.argmax(np.where(np.isfinite(near), sign * near, -np.inf)))
            x, y, top = float(U.flat[best]), float(V.flat[best]), float(near[best])
            reach = (reach[0] / 10, reach[1] / 10)
        if abs(top) > 5 * height > 0:
            return True
    return False


def default_ranges(points: Array, width: float = 3.0) -> list[Span]:
    """A range for each variable that contains all points (N, variables), with room around them."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle, extent = low / 2 + high / 2, high - low
    # A path fills the middle of the picture; around a lone point the range mostly reaches 0.
    reach = 0.9 * extent.max() if extent.max() > 0 else np.maximum(width, 0.3 * np.abs(middle))
    reach = np.broadcast_to(reach, middle.shape)
    return [(float(m - r), float(m + r)) for m, r in zip(middle, reach, strict=True)]


def with_minimum(value: Function, path: Array) -> Array:
    """The points of a descent (N, variables), and the minimum that it leads to, if that is near.

    Wider and wider ranges are searched, until the lowest value lies inside; then smaller and smaller ones around it.
    """
    low, high = np.array(default_ranges(path)).T
    middle, reach = low / 2 + high / 2, high / 2 - low / 2
    for wider in (1, 2, 4, 8):
        place, lowest, highest, inside = _lowest(value, middle, wider * reach)
        if inside:
            break
    if not inside or wider == 1:  # the range of the path shows it anyway
        return path
    bottom = lowest
    for k in range(HALVINGS // 2):
        place, bottom, _, _ = _lowest(value, place, wider * reach * 0.5 ** (k + 1))
    is_pole = lowest - bottom > highest - lowest
    return path if is_pole else np.concatenate([path, place[None]])


def _lowest(value: Function, middle: Array, reach: Array) -> tuple[Array, float, float, bool]:
    """The lowest point of a grid, its value, the largest value, and whether that point is inside, not at the edge."""
    steps = np.linspace(-1, 1, 41)
    grid = np.meshgrid(*(m + r * steps for m, r in zip(middle, reach, strict=True)), indexing="ij")
    found = _evaluated(value, *(g.ravel() for g in grid))
    there = np.isfinite(found)
    best = int(np.argmin(np.where(there, found, np.inf)))
    inside = bool(there[best]) and all(0 < k < len(steps) - 1 for k in np.unravel_index(best, grid[0].shape))
    highest = float(found[there].max()) if inside else np.nan
    return np.array([g.flat[best] for g in grid]), float(found[best]), highest, inside


def sensible_ranges(
    value: Function, names: Sequence[str], given: Mapping[str, Span], marks: Array | None
) -> list[Span]:
    """A range for each variable: as given, else around the marks or 0, cut to where the function has values.

    If there are no values so near, wider ranges are tried.
    """
    points = np.zeros((1, len(names))) if marks is None else marks
    for width in (3.0, 10.0, 100.0, 1000.0):
        found = [given.get(name, span) for name, span in zip(names, default_ranges(points, width), strict=True)]
        axes = [np.linspace(*span, SAMPLES if len(names) == 1 else 81) for span in found]
        grid = np.meshgrid(*axes, indexing="ij")
        there = np.isfinite(_evaluated(value, *(g.ravel() for g in grid))).reshape(grid[0].shape)
        if there.any():
            seen = [np.any(there, axis=tuple(j for j in range(len(names)) if j != k)) for k in range(len(names))]
            return [
                span if name in given else _cut(axes[k], np.asarray(seen[k]), span, points[:, k])
                for k, (name, span) in enumerate(zip(names, found, strict=True))
            ]
    return [given.get(name, span) for name, span in zip(names, default_ranges(points), strict=True)]


def _cut(axis: Array, there: Array, span: Span, marked: Array) -> Span:
    """The span without the ends where there are no values; marked points with values stay."""
    places = np.concatenate([axis[there], marked[(marked >= axis[there].min()) & (marked <= axis[there].max())]])
    low, high = float(places.min()), float(places.max())
    room = 0.05 * (high - low)
    return (max(span[0], low - room), min(span[1], high + room)) if high > low else span
