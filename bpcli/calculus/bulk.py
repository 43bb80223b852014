"""Many points at once: blocks that fit the cache, on both cores."""

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

BLOCK = 8192  # points: a dozen columns of doubles stay within a core's second-level cache

T = TypeVar("T")
R = TypeVar("R")


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
