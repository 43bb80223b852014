"""Unit vectors that sweeps start from, and their results as rows, columns and tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from bpcli.calculus.rules.shapes import Shape

Point = Mapping[str, Any]
"""A value for each variable: a float, or an array; for many points at once with a trailing axis of points."""

Key = TypeVar("Key")
Part = TypeVar("Part")


def split(v: Any, parts: Sequence[tuple[Key, Shape]], make: Callable[[Any, Shape], Part]) -> list[tuple[Key, Part]]:
    """The entries of v in turn, as many for each part as its shape has."""
    result, position = [], 0
    for key, shape in parts:
        size = math.prod(shape)
        result.append((key, make(v[position : position + size], shape)))
        position += size
    return result


def unit_seeds(np: Any, parts: Sequence[tuple[Key, Shape]], start: int, stop: int) -> dict[Key, Any]:
    """Unit vectors `start … stop` of all entries of the parts together, one for each place on the trailing axis."""
    seeds: dict[Key, Any] = {}
    position = 0
    for key, shape in parts:
        size = math.prod(shape)
        which = np.arange(max(start, position), min(stop, position + size))
        if len(which):
            seed = np.zeros((size, stop - start))
            seed[which - position, which - start] = 1.0
            seed = seed.reshape(*shape, stop - start)
            seeds[key] = seeds[key] + seed if key in seeds else seed
        position += size
    return seeds


def flat(np: Any, x: Any, shape: Shape, seeds: int) -> Any:
    """Adjoints or tangents of `shape` as a matrix entries × seeds; None is 0."""
    x = np.zeros(1) if x is None else x
    return np.broadcast_to(x, (*shape, seeds)).reshape(-1, seeds)


def numbers(value: Any) -> list[Any]:
    """The entries of a number, an array, or a list of rows."""
    if isinstance(value, list | tuple):
        return [v for part in value for v in numbers(part)]
    return value.ravel().tolist() if hasattr(value, "ravel") else [value]


def symmetric_rows(rows: list[list[float]]) -> list[list[float]]:
    """The mean of a matrix and its transpose, which differ by rounding alone."""
    return [
        [a if a == b else 0.5 * a + 0.5 * b for a, b in zip(row, column, strict=True)]
        for row, column in zip(rows, zip(*rows, strict=True), strict=True)
    ]


def symmetric(np: Any, matrix: Any) -> Any:
    """The mean of a matrix and its transpose, which differ by rounding alone."""
    transposed = matrix.T
    return np.where(matrix == transposed, matrix, 0.5 * matrix + 0.5 * transposed)


def points_of(columns: Point) -> int:
    """How many points the columns hold."""
    return max((column.shape[-1] for column in columns.values()), default=1)


def columns_of(table: Any, shapes: Sequence[Shape]) -> list[Any]:
    """A table (B, entries) cut into arrays (*shape, B), one for each shape, which share its memory."""
    parts = split(table.T, [(None, shape) for shape in shapes], lambda part, shape: part.reshape(*shape, -1))
    return [part for _, part in parts]


def some_points(columns: Point, which: Any) -> dict[str, Any]:
    """The columns at some points, a slice or places; a value that all points share stays as it is."""
    return {name: c if c.shape[-1] == 1 else c[..., which] for name, c in columns.items()}
