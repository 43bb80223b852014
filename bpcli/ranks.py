"""The processes that train one model together, called ranks: a single one, or those that mpiexec or srun started."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from bpcli import sums
from bpcli.errors import BpcliError

Array = NDArray[Any]
T = TypeVar("T")


class Window(Protocol):
    """An array of rows on each rank, which every rank can read without the owner taking part (one-sided access)."""

    own: Array
    """The rows of this rank."""

    def taken(self, rank: int, places: Array, counts: Array | None = None) -> Array:
        """Rows of a rank by their indices in its `own`; with `counts`, runs of that many rows from each index on."""


class Ranks(Protocol):
    """The ranks, of which this process is one. All ranks have to call the methods in the same order."""

    rank: int
    size: int

    def named(self, rank: int) -> str:
        """A rank in words, with its machine, for messages."""

    def gathered(self, value: T) -> list[T]:
        """The values of all ranks, in their order, on every rank; for small values (all-gather)."""

    def from_first(self, value: T) -> T:
        """The value of rank 0, on every rank (broadcast)."""

    def exchanged(self, parts: Sequence[Array]) -> list[Array]:
        """The parts that all ranks have for this one, in their order; parts[k] is sent to rank k (all-to-all).

        All parts are numbers of one type, and of one shape except for the first axis.
        """

    def window(self, own: Array) -> Window:
        """A window of the rows (m, n) of this rank for the others to read; all have one type and width."""

    def summed(self, parts: Iterable[Array], first: int) -> Array:
        """The sum of all ranks' blocks in the tree of `sums.summed`, with the same bits for every number of ranks.

        `parts` are the float64 sums of this rank's consecutive blocks, from block `first` on. The ranks have the blocks
        in order, each block once; a rank may have none.
        """


def share(count: int, ranks: Ranks) -> range:
    """The indices of this rank's share of `count` items."""
    return range(*edges(count, ranks.size)[ranks.rank : ranks.rank + 2])


def edges(count: int, size: int) -> list[int]:
    """The indices at which the shares of `size` ranks begin, and `count` at the end, (size + 1,)."""
    return [count * rank // size for rank in range(size + 1)]


def by_first(ranks: Ranks, work: Callable[[], T]) -> T:
    """The result of `work()` on rank 0, returned on every rank; a BpcliError is raised on every rank as well."""
    found: tuple[T | None, BpcliError | None] = None, None
    if ranks.rank == 0:
        try:
            found = work(), None
        except BpcliError as error:
            found = None, error
    result, failure = ranks.from_first(found)
    if failure is not None:
        raise failure
    return cast(T, result)


def in_turn(ranks: Ranks, work: Callable[[], T]) -> T:
    """The result of `work()`, which the ranks run one after another, because each makes or finds the same files."""
    for rank in range(ranks.size):
        if rank == ranks.rank:
            result = work()
        ranks.gathered(None)
    return result


def in_runs(places: Array, counts: Array | None) -> Array:
    """The indices of all rows in runs: `counts` rows from each of `places` on; single rows if `counts` is None."""
    if counts is None:
        return places
    ends = np.cumsum(counts)
    return np.asarray(np.arange(counts.sum()) + np.repeat(places - ends + counts, counts))


class OwnRows:
    """The window of a single process."""

    def __init__(self, own: Array) -> None:
        self.own = own

    def taken(self, rank: int, places: Array, counts: Array | None = None) -> Array:
        """Rows by their indices, as `Window.taken`."""
        return np.asarray(self.own[in_runs(places, counts)])


class Alone:
    """The ranks of a job of a single process."""

    rank = 0
    size = 1

    def named(self, rank: int) -> str:
        """The process in words."""
        return "this process"

    def gathered(self, value: T) -> list[T]:
        """The value."""
        return [value]

    def from_first(self, value: T) -> T:
        """The value."""
        return value

    def exchanged(self, parts: Sequence[Array]) -> list[Array]:
        """The part."""
        return list(parts)

    def window(self, own: Array) -> Window:
        """The rows."""
        return OwnRows(own)

    def summed(self, parts: Iterable[Array], first: int) -> Array:
        """`sums.summed`."""
        return sums.summed(parts)


ALONE = Alone()
