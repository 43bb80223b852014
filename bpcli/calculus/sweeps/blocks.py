"""Many points at once: in pieces that fit the cache, on all cores where that helps."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.sweeps.edges import Edges
from bpcli.calculus.sweeps.fading import faded_points
from bpcli.calculus.sweeps.one_point import reverse_masked_if_needed
from bpcli.calculus.sweeps.seeds import Point, columns_of, some_points
from bpcli.calculus.sweeps.wide_range import far_points, merged, settled_rows
from bpcli.numbers.namespaces import arrays

if TYPE_CHECKING:
    from bpcli.calculus.one_sided.kink_notes import Kink

BLOCK = 32768  # points that are read and handed to a thread at a time
PIECE = 16384  # points that are evaluated at a time: the columns at work stay within a core's second-level cache
PIECE_ENTRIES = 1 << 18  # the same for vectors and matrices: all intermediate arrays of a piece together
WORTH_A_THREAD = 1.5e-3  # seconds for a block; below, handing it over costs more than the second core saves
KEPT_BYTES = 24 << 20  # glibc learns from blocks of up to 32 MB

T = TypeVar("T")
R = TypeVar("R")


def pieces(points: int, entries: int) -> Iterator[slice]:
    """Slices of the points, so short that the arrays of one fit the cache where a point takes `entries` numbers."""
    step = max(1, min(PIECE, PIECE_ENTRIES // max(1, entries)))
    return (slice(start, min(start + step, points)) for start in range(0, points, step))


class Look(Protocol):
    """A function that looks for lost digits: in the values of all slots at some points, leaving out those to skip."""

    def __call__(self, values: list[Any], part: slice, skip: Any, /) -> None:
        """See the values."""

    def added(self, total: Any, part: Any, /) -> None:
        """See a sum of adjoints at the same points, and a part of it, before the values."""

    def doubt(self, places: Any, /) -> None:
        """See the places of points at which wide numbers, too, may have lost digits."""


def value_block(edges: Edges, columns: Point, table: Any, look: Look | None = None) -> list[Any]:
    """The values at B points: arrays (*shape, B), from variables (*shape, B); they share `table` (B, outputs)."""
    np, program = arrays(), edges.program
    xp = PlainNamespace(np)
    results = columns_of(table, [shape for _, shape in edges.sweeps.outputs])
    for part in pieces(len(table), program.entries):
        with watched() as watch:
            values = program.forward(xp, some_points(columns, part))
        for result, slot in zip(results, program.outputs, strict=True):
            result[..., part] = values[slot]
        skip = np.zeros(part.stop - part.start) > 0
        if watch.left_range:
            far = far_points(program, values, table[part])
            rows, _, sure = on_wide_numbers(edges, columns, part.start + far, False)
            table[part.start + far] = np.where(np.isnan(rows), table[part.start + far], rows)
            skip[far] = True
            if look is not None:
                look.doubt(part.start + far[~sure])
        if look is not None:
            look(values, part, skip)
    return results


def gradient_block(
    edges: Edges, columns: Point, table: Any, kink: str, kinks: list[Kink] | None, look: Look | None = None
) -> tuple[Any, dict[str, Any]]:
    """The value and the gradient at B points: arrays (B,) and (*shape, B); they share `table` (B, 1 + inputs).

    The kinks among the points are added to `kinks`.
    """
    np, program, (slot,) = arrays(), edges.program, edges.program.outputs
    xp = PlainNamespace(np)
    shapes = dict(edges.sweeps.inputs)
    value, *slopes = columns_of(table, [(), *shapes.values()])
    gradient = dict(zip(shapes, slopes, strict=True))
    for part in pieces(len(table), program.entries):
        with watched() as watch:
            values = program.forward(xp, some_points(columns, part))
            value[part] = values[slot]
            added = None if look is None else look.added
            found = reverse_masked_if_needed(program, xp, values, {slot: np.ones(1)}, edges.sweeps.active, added)
        for name, slope in gradient.items():
            slope[..., part] = found.get(name, 0.0)
        with np.errstate(all="ignore"):
            near, steep = edges.points(xp, values) | (np.zeros(part.stop - part.start) > 0), np.isnan(table[part, 1:])
            if steep.any():  # of all first: along the rows it takes longer than the arithmetic
                near |= steep.any(axis=1)
            far = np.arange(0)
            if watch.left_range:
                far = far_points(program, values, table[part])
                faded = faded_points(program, xp, values, edges.sweeps.active)
                far = np.asarray(sorted({*far.tolist(), *faded.tolist()}), int)
            rows, plain, no_double = table[:0], table[part.start + far], far[:0]
            if len(far):
                rows, at_edge, sure = on_wide_numbers(edges, columns, part.start + far, True)
                if look is not None:
                    look.doubt(part.start + far[~sure])
                near[far] &= at_edge | np.isnan(rows).any(axis=1)
                no_double = far[at_edge & np.isnan(plain[:, 0])]
                near[no_double] = False
            skip = np.zeros(len(near)) > 0  # where the slope was found on wide numbers
            skip[far] = True
            if near.any():
                at_edges = edges.of_block(columns, values, table, part, near, kink)
                if kinks is not None:
                    kinks += at_edges
            if len(far):
                table[part.start + far] = merged(rows, table[part.start + far], plain)
            at_edges = edges.by_series(columns, table, part.start + no_double, kink, wide=True)
            if kinks is not None:
                kinks += at_edges
            if (no_value := np.isnan(table[part, 0])).any():
                table[part][no_value, 1:] = math.nan  # where there is no value there is no slope
        if look is not None:
            look(values, part, skip)
    return value, gradient


class Watch:
    """Remembers whether a step of NumPy over- or underflowed."""

    left_range = False

    def remember(self, kind: str, flag: int) -> None:
        """Called by NumPy when a step over- or underflows."""
        self.left_range = True


@contextmanager
def watched() -> Iterator[Watch]:
    """A context without NumPy's warnings; the processor's flags tell of an over- or underflow, at no cost."""
    import numpy as np

    watch = Watch()
    with np.errstate(over="call", under="call", divide="ignore", invalid="ignore", call=watch.remember):
        yield watch


WIDE_POINTS = 2048  # points that are computed on wide numbers at a time
MOST_ALONE = 64  # of these, if digits are lost at one of them: they are then computed one by one


def on_wide_numbers(edges: Edges, columns: Point, places: Any, gradient: bool) -> tuple[Any, Any, Any]:
    """The rows of the table for the points at `places`, on wide numbers; at which of them a step is at an edge; and
    which rows have enough digits."""
    np = arrays()
    starts = range(0, len(places), WIDE_POINTS)
    parts = [_settled(edges, columns, places[start : start + WIDE_POINTS], gradient) for start in starts]
    if not parts:
        return np.empty((0, 1)), places > 0, places > 0
    rows, at_edge, sure = map(np.concatenate, zip(*parts, strict=True))
    return rows, at_edge, sure


def _settled(edges: Edges, columns: Point, places: Any, gradient: bool) -> tuple[Any, Any, Any]:
    rows, sure, at_edge = settled_rows(partial(_on_wide_numbers, edges, columns, places, gradient))
    if len(places) > 1:  # what is lost at one point does not make the others doubtful
        for k in [k for k, known in enumerate(sure.tolist()) if not known][:MOST_ALONE]:
            row, alone, _ = settled_rows(partial(_on_wide_numbers, edges, columns, places[k : k + 1], gradient))
            rows[k], sure[k] = row[0], alone[0]
    return rows, at_edge, sure


def _on_wide_numbers(edges: Edges, columns: Point, places: Any, gradient: bool) -> tuple[Any, Any]:
    from bpcli.numbers.wide import in_doubt, wides

    np, program, xp = arrays(), edges.program, PlainNamespace(wides())
    shapes = [shape for _, shape in edges.sweeps.outputs] + [shape for _, shape in edges.sweeps.inputs if gradient]
    near = some_points(columns, places)
    values = program.forward(xp, {name: xp.base.asarray(column) for name, column in near.items()})
    results = [values[slot] for slot in program.outputs]
    if gradient:
        seeds = {program.outputs[0]: xp.base.ones(1)}
        found = reverse_masked_if_needed(program, xp, values, seeds, edges.sweeps.active)
        results += [found.get(name, xp.base.zeros(1)) for name, _ in edges.sweeps.inputs]
    table = xp.base.empty((len(places), sum(map(math.prod, shapes))))
    for column, result in zip(columns_of(table, shapes), results, strict=True):
        column[...] = xp.base.broadcast_to(result, column.shape)
    is_open = np.broadcast_to(edges.open_points(xp, values), (len(table),))
    if is_open.any():
        table[is_open] = xp.base.each(in_doubt, table[is_open])
    return table, np.broadcast_to(edges.points(xp, values), (len(table),))


def keep_memory() -> None:
    """Let each piece reuse the memory of the piece before.

    glibc returns the free memory at the end of its heap to the system, so that each piece would get its memory anew,
    page by page, in three times the time of the arithmetic. It keeps up to twice the largest block that was ever freed:
    therefore one large block is freed here.
    """
    import numpy as np

    np.empty(KEPT_BYTES, np.uint8)


def map_in_order(function: Callable[[T], R], items: Iterator[T | None], workers: int | None = None) -> Iterator[R]:
    """function(item) of each item, in order; in threads where an item takes long: NumPy works outside Python's lock.

    Nothing is held back at a None among the items, which says that the next one may be long in coming.
    """
    keep_memory()
    count = workers or min(4, os.cpu_count() or 1)
    there = (item for item in items if item is not None)
    for item in islice(there, 1):
        yield function(item)  # the first takes longer than the others will
    for item in islice(there, 1):
        started = perf_counter()
        result = function(item)
        if workers is None and perf_counter() - started < WORTH_A_THREAD:
            count = 1
        yield result
    if count == 1:
        yield from map(function, there)
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    with ThreadPoolExecutor(count) as pool:
        waiting: deque[Future[R]] = deque()
        for some in items:
            if some is not None:
                waiting.append(pool.submit(function, some))
            while waiting and (some is None or len(waiting) > 2 * count):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
