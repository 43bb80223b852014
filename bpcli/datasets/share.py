"""A process's share of the rows of a table: what it finds out about them is put together with what the others find."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from bpcli.errors import BpcliError, LateError, RankError
from bpcli.ranks import Ranks, Window

Array = NDArray[Any]
T = TypeVar("T")


class Gathering(Protocol):
    """The processes that share a table, `rank` being the number of this one among `size`."""

    @property
    def rank(self) -> int:
        """0, …, size − 1."""

    @property
    def size(self) -> int:
        """How many processes there are."""

    def gathered(self, found: T) -> list[T]:
        """The `found` of every process, in the order of their numbers; all processes have to call it."""

    def exchanged(self, parts: Sequence[Array]) -> list[Array]:
        """The arrays that the processes have for this one; all of one type, and of one shape but for the first axis."""


class Whole:
    """All of the rows are here."""

    rank, size = 0, 1

    def gathered(self, found: T) -> list[T]:
        """What was found, alone."""
        return [found]

    def exchanged(self, parts: Sequence[Array]) -> list[Array]:
        """The one part."""
        return [*parts]


WHOLE: Gathering = Whole()


_EXPECTED: tuple[type[Exception], ...] = (BpcliError, MemoryError)


class NotSharedError(Exception):
    """A process could not do its part, so that each has to read the whole table."""


class Share:
    """A process's share of a table that several processes read; if one fails, all others get its error."""

    def __init__(self, ranks: Ranks) -> None:
        self._ranks, self.rank, self.size = ranks, ranks.rank, ranks.size

    def gathered(self, found: T) -> list[T]:
        """What each process found; NotSharedError where one has failed since the last time."""
        everyone = self._ranks.gathered((True, found))
        if not all(is_sound for is_sound, _ in everyone):
            raise NotSharedError
        return [one for _, one in everyone]

    def exchanged(self, parts: Sequence[Array]) -> list[Array]:
        """What each process has for this one; NotSharedError as `gathered`."""
        self.gathered(None)
        return self._ranks.exchanged(parts)

    def window(self, own: Array) -> Window:
        """This process's rows, open to the others to read."""
        self.gathered(None)
        return self._ranks.window(own)

    def done(self, work: Callable[[], T], *errors: type[Exception]) -> T:
        """What comes of `work`; NotSharedError in every process if an error of bpcli's, of memory or of these stops one
        of them: what is wrong with a table is said by who reads the whole of it."""
        try:
            result = work()
        except (RankError, LateError):  # another process has left, or is late
            raise
        except (*_EXPECTED, *errors) as error:
            self._ranks.gathered((False, None))
            raise NotSharedError from error
        self.gathered(None)
        return result


def total(share: Gathering, count: int) -> int:
    """The sum of the counts of all processes."""
    return sum(share.gathered(count))


def merged_any(share: Gathering, found: Any) -> bool:
    """Whether `found` is true in at least one process."""
    return any(share.gathered(bool(found)))


def merged_all(share: Gathering, found: Any) -> bool:
    """Whether it is so in all of them."""
    return all(share.gathered(bool(found)))
