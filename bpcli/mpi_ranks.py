"""The ranks of a job that mpiexec or srun started, which exchange messages by MPI."""

import atexit
import math
import os
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from itertools import chain
from time import perf_counter, sleep
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from bpcli import sums
from bpcli.errors import Failure, LateError, MissingExtraError, RankError, UsageError
from bpcli.job import processes
from bpcli.ranks import ALONE, Alone, Window, in_runs
from bpcli.stop_signals import signals_by_default

Array = NDArray[Any]
T = TypeVar("T")

EXTRA = "mpi"


class _Message(NamedTuple):
    """The message of a rank when all ranks meet: the name of the method that it has called, and its value."""

    call: str
    value: Any


_MEETING, _HERE, _ANSWER = 1, 2, 3  # tags of messages
_FAILED = "failed"
_FEW = 1 << 16
"""Up to this many bytes in total, the ranks' sums are sent with the messages of a meeting, not in another exchange."""

_GRACE = 10.0
"""Seconds that a failed rank waits for the others, so that all failures are reported together."""


class MPIRanks:
    """The ranks of an MPI communicator `comm`; `MPI` is mpi4py's module.

    At each call all ranks meet: each sends a message to rank 0, which answers all. So rank 0 knows which rank is late,
    by more than `timeout` seconds if given.
    """

    def __init__(self, MPI: Any, comm: Any, timeout: float | None = None) -> None:
        self._MPI, self._comm, self._timeout = MPI, comm, timeout
        self.rank, self.size = int(comm.rank), int(comm.size)
        from socket import gethostname  # imported only for several processes

        self._hosts = {self.rank: gethostname()}

    def named(self, rank: int) -> str:
        """A rank in words: `rank 1 of 2 on HOST`; without the host before the ranks have met."""
        return f"rank {rank} of {self.size}" + (f" on {self._hosts[rank]}" if rank in self._hosts else "")

    def gathered(self, value: T) -> list[T]:
        """Every rank's small value, in the order of the ranks."""
        return self._meet("gathered", value)

    def from_first(self, value: T) -> T:
        """The value of rank 0."""
        found: T = self._meet("from_first", value if self.rank == 0 else None)[0]
        return found

    def exchanged(self, parts: Sequence[Array]) -> list[Array]:
        """The parts that the ranks have for this one, in the order of the ranks; its own is not copied."""
        dtype, rest = parts[0].dtype, parts[0].shape[1:]
        to_others = [*parts[: self.rank], parts[self.rank][:0], *parts[self.rank + 1 :]]
        sent = [len(part) for part in to_others]
        rows = [of_rank[self.rank] for of_rank in self._meet(f"exchanged {dtype} {rest}", sent)]
        out, into = np.concatenate(to_others), np.empty((sum(rows), *rest), dtype)
        of_row, byte = dtype.itemsize * math.prod(rest), self._MPI.BYTE
        self._finished(
            self._comm.Ialltoallv(
                [out.reshape(-1).view(np.uint8), [n * of_row for n in sent], byte],
                [into.reshape(-1).view(np.uint8), [n * of_row for n in rows], byte],
            )
        )
        found = np.split(into, np.cumsum(rows)[:-1])
        found[self.rank] = parts[self.rank]
        return found

    def window(self, own: Array) -> Window:
        """A window of this rank's rows, in memory that MPI allocates."""
        self._meet(f"window {own.dtype} {own.shape[1:]}", None)
        opened = _MPIWindow(self._MPI, self._comm, own)
        self._meet("window", None)  # once every rank's rows are in it
        return opened

    def summed(self, parts: Iterable[Array], first: int) -> Array:
        """The sum of all ranks' blocks; the ranks exchange the largest tree nodes within their blocks."""
        mine = sums.nodes(parts, first)
        shape = mine[0].total.shape if mine else None
        out = np.array([node.total for node in mine], np.float64).reshape(-1)
        few = out.tobytes() if out.nbytes * self.size <= _FEW else None
        said = self._meet("summed", (first, sum(1 << node.level for node in mine), shape, few))
        shape = next(shape for _, _, shape, _ in said if shape is not None)
        places = [list(sums.places(start, start + count)) for start, count, _, _ in said]
        of_all = [content for _, _, _, content in said]
        if None in of_all:
            into = np.empty(sum(map(len, places)) * math.prod(shape))
            counts = [len(of_rank) * math.prod(shape) for of_rank in places]
            self._finished(self._comm.Iallgatherv(out, [into, counts, self._MPI.DOUBLE]))
        else:
            into = np.frombuffer(b"".join(of_all))
        into = into.reshape(-1, *shape)
        found = (sums.Node(*place, total) for place, total in zip(chain(*places), into, strict=True))
        return np.array(sums.sum_of(sums.joined(found)))

    @contextmanager
    def workers(self) -> Iterator[Any]:
        """On rank 0 an executor (`concurrent.futures`) whose tasks the other ranks do, each one at a time.

        On the others None: they do tasks before the body, until rank 0 has left its own. Tasks that have not begun then
        are cancelled. Rank 0 waits for those that have; but if it leaves by a signal, it does not.
        """
        pools = import_module("mpi4py.futures")
        with ExitStack() as stack:
            pool = stack.enter_context(pools.MPICommExecutor(self._comm, root=0))
            try:
                yield pool
            except BaseException as error:
                if pool is not None:
                    waits = isinstance(error, Exception | GeneratorExit)
                    pool.shutdown(wait=waits, cancel_futures=True)
                    if not waits:
                        stack.pop_all()
                raise

    def failed(self, code: int, text: str) -> list[Failure] | None:
        """Tell the others that this rank has failed; returns the failures of all, or None if some did not answer."""
        try:
            self._meet(_FAILED, Failure(self.named(self.rank), code, text))
        except RankError as error:
            return error.failures
        except LateError:
            return None
        return None

    def abort(self, code: int) -> None:
        """End all ranks at once with this exit code."""
        self._comm.Abort(code)

    def _meet(self, call: str, value: Any) -> list[Any]:
        """Wait until all ranks have made this call, exchange values, and return those of all ranks.

        The first meeting also exchanges the names of the machines. RankError if a rank has failed, LateError if one is
        late.
        """
        if len(self._hosts) < self.size and call != _FAILED:
            met = self._at("hosts", (self._hosts[self.rank], self._timeout))
            self._hosts |= {rank: host for rank, (host, _) in enumerate(met)}
            if len(timeouts := {timeout for _, timeout in met}) > 1:
                given = ", ".join("none" if timeout is None else f"{timeout:g} s" for timeout in timeouts)
                raise UsageError(f"the processes do not start alike: some have another timeout ({given})")
        return self._at(call, value)

    def _at(self, call: str, value: Any) -> list[Any]:
        patience = _GRACE if call == _FAILED else self._timeout
        messages = (self._hear if self.rank == 0 else self._ask)(_Message(call, value), patience)
        if failures := [message.value for message in messages if message.call == _FAILED]:
            raise RankError(failures)
        if len(calls := {message.call for message in messages}) > 1:
            raise RuntimeError(f"the ranks are not at the same place: {sorted(calls)}")
        return [message.value for message in messages]

    @property
    def _tells_here(self) -> bool:
        """Whether rank 0 says that it has arrived: at first to all, who may have timeouts."""
        return self._timeout is not None or len(self._hosts) < self.size

    def _hear(self, message: _Message, patience: float | None) -> list[_Message]:
        """On rank 0: receive a message from every rank, and answer each with all messages."""
        others = range(1, self.size)
        sent = [self._sent(b"", other, _HERE) for other in others] if self._tells_here else []
        messages = {0: message}

        def all_here() -> bool:
            if (found := self._received(self._MPI.ANY_SOURCE, _MEETING)) is not None:
                messages[found[0]] = pickle.loads(found[1])
            return len(messages) == self.size

        if not _waited(all_here, patience):
            raise self._late([rank for rank in others if rank not in messages], patience)
        in_order = [messages[rank] for rank in range(self.size)]
        answer = pickle.dumps(in_order)
        self._MPI.Request.Waitall([*sent, *(self._sent(answer, other, _ANSWER) for other in others)])
        return in_order

    def _ask(self, message: _Message, patience: float | None) -> list[_Message]:
        """On other ranks: send a message to rank 0, and receive its answer."""
        sent = self._sent(pickle.dumps(message), 0, _MEETING)
        found: list[tuple[int, bytearray]] = []

        def here(tag: int) -> Callable[[], bool]:
            def look() -> bool:
                if (came := self._received(0, tag)) is not None:
                    found.append(came)
                return came is not None

            return look

        if self._tells_here and not _waited(here(_HERE), patience):
            raise self._late([0], patience)
        # Rank 0 has arrived and will report which rank is late, so there is no timeout here.
        if not _waited(here(_ANSWER), patience if message.call == _FAILED else None):
            raise self._late([0], patience)
        sent.Wait()
        answer: list[_Message] = pickle.loads(found[-1][1])
        return answer

    def _sent(self, content: bytes, to: int, tag: int) -> Any:
        """Begin to send a message; returns the MPI request to wait for."""
        return self._comm.Isend([content, self._MPI.BYTE], to, tag)

    def _received(self, source: int, tag: int) -> tuple[int, bytearray] | None:
        """(rank, content) of a message that has arrived; None if there is none."""
        status = self._MPI.Status()
        message = self._comm.Improbe(source, tag, status)
        if message is None:
            return None
        content = bytearray(status.Get_count(self._MPI.BYTE))
        message.Recv([content, self._MPI.BYTE])
        return int(status.Get_source()), content

    def _finished(self, request: Any) -> None:
        """Wait for the end of an exchange that all ranks have begun."""
        if not _waited(request.Test, self._timeout):
            raise self._late([rank for rank in range(self.size) if rank != self.rank], self._timeout)

    def _late(self, ranks: Sequence[int], seconds: float | None) -> LateError:
        named = [self.named(rank) for rank in ranks]
        one_of = "one of " if len(ranks) > 1 and len(ranks) == self.size - 1 and self.rank else ""
        are = "is" if len(ranks) == 1 or one_of else "are"
        return LateError(f"{one_of}{' and '.join(named)} {are} late by more than {seconds:g} s")


class _MPIWindow:
    """Rows in an MPI window, which all ranks open together, and which is closed when the process ends."""

    def __init__(self, MPI: Any, comm: Any, own: Array) -> None:
        self._MPI, self._rank, self._width = MPI, int(comm.rank), own.shape[1:]
        self._window = MPI.Win.Allocate(own.nbytes, 1, comm=comm)
        content = np.frombuffer(self._window.tomemory(), np.uint8)[: own.nbytes]
        self.own = content.view(own.dtype).reshape(own.shape)
        self.own[...] = own
        self._row = MPI.BYTE.Create_contiguous(own.dtype.itemsize * math.prod(own.shape[1:])).Commit()
        self._window.Lock_all(MPI.MODE_NOCHECK)
        atexit.register(self._close)

    def _close(self) -> None:
        self._window.Unlock_all()
        self._window.Free()

    def taken(self, rank: int, places: Array, counts: Array | None = None) -> Array:
        """As `Window.taken`."""
        if rank == self._rank:
            return np.asarray(self.own[in_runs(places, counts)])
        rows = len(places) if counts is None else int(counts.sum())
        found, bytes_before = np.empty((rows, *self._width), self.own.dtype), places.astype(np.int64) * self._row.size
        if counts is None:
            there = self._row.Create_hindexed_block(1, bytes_before)
        else:
            there = self._row.Create_hindexed(counts, bytes_before)
        there.Commit()
        self._window.Get([found, rows, self._row], rank, [0, 1, there])
        self._window.Flush(rank)
        there.Free()
        return found


def _waited(poll: Callable[[], bool], patience: float | None) -> bool:
    """Wait until `poll()` is true; returns False after `patience` seconds, if given. Yields the processor meanwhile."""
    began = perf_counter()
    while not poll():
        waited = perf_counter() - began
        if patience is not None and waited > patience:
            return False
        if waited > _SPINS:
            sleep(_NAP)
        else:
            os.sched_yield()
    return True


_SPINS, _NAP = 0.01, 0.0005
"""After `_SPINS` seconds of waiting, a rank sleeps `_NAP` seconds between two polls."""


def this_job(timeout: float | None = None, threads: bool = False) -> Alone | MPIRanks:
    """The ranks of the job of this process; mpi4py is imported only if there are several.

    `threads`: several threads may call MPI, which `MPIRanks.workers` needs.
    MissingExtraError without mpi4py or an MPI library, UsageError if MPI has another number of processes.
    """
    started = processes()
    if started <= 1:
        return ALONE
    try:
        import_module("mpi4py").rc.threads = threads
        with signals_by_default():
            MPI: Any = import_module("mpi4py.MPI")
    except (ImportError, RuntimeError) as error:  # mpi4py, or the MPI library that it loads, is missing
        raise MissingExtraError(EXTRA, "mpi4py with MPI", f"a job of {started} processes") from error
    if MPI.COMM_WORLD.size != started:
        raise UsageError(
            f"{started} processes were started, and MPI sees {MPI.COMM_WORLD.size}: they are not of one job for it",
            "start them by the mpiexec of the installed MPI, or by srun with MPI's pmi2",
        )
    return MPIRanks(MPI, MPI.COMM_WORLD, timeout)
