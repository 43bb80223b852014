"""Many points at once: blocks that fit the cache, on both cores."""

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

BLOCK = 65536  # points that are read and handed to a thread at a time
PIECE = 8192  # points that are evaluated at a time: the columns at work stay within a core's second-level cache
PIECE_ENTRIES = 1 << 18  # the same for vectors and matrices: all intermediate arrays of a piece together

T = TypeVar("T")
R = TypeVar("R")


def pieces(points: int, entries: int) -> Iterator[slice]:
    """Slices of so many points that the arrays of a piece fit the cache, if each takes `entries` numbers."""
    step = max(1, min(PIECE, PIECE_ENTRIES // max(1, entries)))
    return (slice(start, min(start + step, points)) for start in range(0, points, step))


def map_in_order(function: Callable[[T], R], items: Iterator[T], workers: int | None = None) -> Iterator[R]:
    """function(item) of each item, in order, a few at a time in threads: NumPy works outside Python's lock."""
    count = workers or min(4, os.cpu_count() or 1)
    first = next(items, None)
    if first is None:
        return
    second = next(items, None)
    if count == 1 or second is None:
        yield function(first)
        if second is not None:
            yield function(second)
        yield from map(function, items)
        return
    from collections import deque
    from concurrent.futures import Future, ThreadPoolExecutor

    with ThreadPoolExecutor(count) as pool:
        waiting: deque[Future[Any]] = deque([pool.submit(function, first), pool.submit(function, second)])
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
