"""Many points at once: in pieces that fit the cache, on all cores where that helps."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from time import perf_counter
from typing import TypeVar

BLOCK = 32768  # points that are read and handed to a thread at a time
PIECE = 16384  # points that are evaluated at a time: the columns at work stay within a core's second-level cache
PIECE_ENTRIES = 1 << 18  # the same for vectors and matrices: all intermediate arrays of a piece together
WORTH_A_THREAD = 1.5e-3  # seconds for a block; below, handing it over costs more than the second core saves
KEPT_BYTES = 24 << 20  # glibc learns from blocks of up to 32 MB

T = TypeVar("T")
R = TypeVar("R")


def pieces(points: int, entries: int) -> Iterator[slice]:
    """Slices of so many points that the arrays of a piece fit the cache, if each takes `entries` numbers."""
    step = max(1, min(PIECE, PIECE_ENTRIES // max(1, entries)))
    return (slice(start, min(start + step, points)) for start in range(0, points, step))


def keep_memory() -> None:
    """Let the arrays of one piece use the memory of those of the piece before.

    glibc gives back to the system what is free at its heap's end, and each piece would get its memory anew, page by
    page, in three times the time of the arithmetic. It keeps up to twice the largest block freed before: free one.
    """
    import numpy as np

    np.empty(KEPT_BYTES, np.uint8)


def map_in_order(function: Callable[[T], R], items: Iterator[T], workers: int | None = None) -> Iterator[R]:
    """function(item) of each item, in order; in threads where an item takes long: NumPy works outside Python's lock."""
    keep_memory()
    count = workers or min(4, os.cpu_count() or 1)
    for item in islice(items, 1):
        yield function(item)  # the first takes longer than the others will
    for item in islice(items, 1):
        started = perf_counter()
        result = function(item)
        if workers is None and perf_counter() - started < WORTH_A_THREAD:
            count = 1
        yield result
    if count == 1:
        yield from map(function, items)
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    with ThreadPoolExecutor(count) as pool:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
