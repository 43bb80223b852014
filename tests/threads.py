"""Several ranks in the threads of one process, for tests without MPI."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bpcli import sums
from bpcli.ranks import in_runs

Array = NDArray[Any]
T = TypeVar("T")
SECONDS = 500  # after which a rank that waits for others gives up


class ThreadWindow:
    """Rows of every rank, which each can take."""

    def __init__(self, own: Array, every: list[Array]) -> None:
        self.own, self._every = own, every

    def taken(self, rank: int, places: Array, counts: Array | None = None) -> Array:
        """Some rows of a rank."""
        return np.asarray(self._every[rank][in_runs(places, counts)])


class ThreadRank:
    """One of several ranks, which see each other's values."""

    def __init__(self, rank: int, values: list[Any], barrier: Barrier) -> None:
        self.rank, self.size = rank, len(values)
        self._values, self._barrier = values, barrier

    def gathered(self, found: T) -> list[T]:
        """What every rank gives, in their order."""
        self._values[self.rank] = found
        self._barrier.wait(SECONDS)
        every = [*self._values]
        self._barrier.wait(SECONDS)
        return every

    def from_first(self, found: T) -> T:
        """What rank 0 gives."""
        return self.gathered(found)[0]

    def named(self, rank: int) -> str:
        """A rank in words."""
        return f"rank {rank}"

    @contextmanager
    def workers(self) -> Iterator[ThreadPoolExecutor | None]:
        """On rank 0 an executor of as many threads as there are other ranks, which wait until it is closed."""
        if self.rank == 0:
            try:
                with ThreadPoolExecutor(self.size - 1) as pool:
                    yield pool
            finally:
                self.gathered(None)
            return
        self.gathered(None)
        yield None

    def window(self, own: Array) -> "ThreadWindow":
        """Rows of every rank."""
        return ThreadWindow(own, self.gathered(own))

    def summed(self, parts: Iterable[Array], first: int) -> Array:
        """The sum of the blocks of all ranks."""
        return sums.summed(part for of_rank in self.gathered([part.copy() for part in parts]) for part in of_rank)

    def exchanged(self, parts: Sequence[Array]) -> list[Array]:
        """What every rank has for this one."""
        return [of_rank[self.rank] for of_rank in self.gathered(parts)]


def together(size: int, work: Callable[[ThreadRank], T]) -> list[T]:
    """What comes of `work` on each of so many ranks; the error of one that fails."""
    barrier, values = Barrier(size), [None] * size

    def one(rank: int) -> T:
        try:
            return work(ThreadRank(rank, values, barrier))
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(one, rank) for rank in range(size)]
    failed = [error for future in futures if (error := future.exception()) is not None]
    if failed:
        raise next((error for error in failed if type(error).__name__ != "BrokenBarrierError"), failed[0])
    return [future.result() for future in futures]
