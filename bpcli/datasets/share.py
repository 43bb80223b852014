"""The processes that share the rows of a table, and how their partial results are gathered."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from bpcli.errors import BpcliError, LateError, RankError
from bpcli.ranks import Ranks, Window

Array = NDArray[Any]
T = TypeVar("T")


class Gathering(Protocol):
    """The `size` processes that share a table, seen from the one with the number `rank`."""

    @property
    def rank(self) -> int:
        """The number of this process, 0, …, size − 1."""

    @property
    def size(self) -> int:
        """The number of processes."""

    def gathered(self, found: T) -> list[T]:
        """The `found` of every process, in the order of their numbers (all-gather); all processes have to call it."""

    def exchanged(self, parts: Sequence[Array]) -> list[Array]:
        """The parts that the processes have for this one (all-to-all): parts[k] is sent to process k.

        All parts have one type, and one shape except for the length of the first axis.
        """


class Whole:
    """A single process, which has all rows."""

    rank, size = 0, 1

    def gathered(self, found: T) -> list[T]:
        """A list of `found` alone."""
        return [found]

    def exchanged(self, parts: Sequence[Array]) -> list[Array]:
        """The only part."""
        return [*parts]


WHOLE: Gathering = Whole()


_EXPECTED: tuple[type[Exception], ...] = (BpcliError, MemoryError)


class NotSharedError(Exception):
    """A process failed on its share, so that every process has to read the whole table."""


class Share:
    """The processes that read a table together, each a share of it; if one fails, all raise NotSharedError."""

    def __init__(self, ranks: Ranks) -> None:
        self._ranks, self.rank, self.size = ranks, ranks.rank, ranks.size

    def gathered(self, found: T) -> list[T]:
        """The `found` of every process; NotSharedError if a process has failed since the last call."""
        everyone = self._ranks.gathered((True, found))
        if not all(is_sound for is_sound, _ in everyone):
            raise NotSharedError
        return [one for _, one in everyone]

    def exchanged(self, parts: Sequence[Array]) -> list[Array]:
        """The parts that the processes have for this one; NotSharedError as `gathered`."""
        self.gathered(None)
        return self._ranks.exchanged(parts)

    def window(self, own: Array) -> Window:
        """A window (shared memory) through which the other processes can read this process's rows."""
        self.gathered(None)
        return self._ranks.window(own)

    def done(self, work: Callable[[], T], *errors: type[Exception]) -> T:
        """The result of `work()`. If an error of bpcli's, a MemoryError or one of `errors` stops it in any process, all
        raise NotSharedError: the message about a faulty table comes from reading the whole of it."""
        try:
            result = work()
        except (RankError, LateError):  # another process has ended, or is late
            raise
        except (*_EXPECTED, *errors) as error:
            self._ranks.gathered((False, None))
            raise NotSharedError from error
        self.gathered(None)
        return result


def total(share: Gathering, count: int) -> int:
    """The sum of `count` over all processes."""
    return sum(share.gathered(count))


def in_any_process(share: Gathering, found: Any) -> bool:
    """Whether `found` is true in at least one process."""
    return any(share.gathered(bool(found)))


def in_all_processes(share: Gathering, found: Any) -> bool:
    """Whether `found` is true in every process."""
    return all(share.gathered(bool(found)))
