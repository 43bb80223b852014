"""Runs tasks in this process, or shared among several processes, with the same results."""

import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from bpcli.errors import BpcliError, DataError, together
from bpcli.mpi_ranks import MPIRanks

T = TypeVar("T")
R = TypeVar("R")

_SERVE = "import sys; from bpcli.training.selection.processes import serve; serve(int(sys.argv[1]))"


def run_all(work: Callable[[T], R], tasks: Sequence[T], jobs: int) -> Iterator[tuple[int, R]]:
    """Yield (number, result) of each task, in the order in which they end.

    `jobs` is a `Crew`, or a number of processes, each of which gets a pickled copy of `work`. If tasks fail, the error
    of the first of them, in the order of the tasks, is raised, whatever `jobs` is.
    """
    if isinstance(jobs, Crew):
        yield from jobs.run_all(work, tasks)
        return
    if min(jobs, len(tasks)) < 2:
        for k, task in enumerate(tasks):
            yield k, work(task)
        return
    with ExitStack() as stack:
        waiting, busy, failed = enumerate(tasks), {}, {}
        for _ in range(min(jobs, len(tasks))):
            process = stack.enter_context(_process(work))
            k, task = next(waiting)
            process.send(task)
            busy[process] = k
        while busy:
            for ready in wait([*busy]):
                assert isinstance(ready, Connection)
                k = busy.pop(ready)
                result = _received(ready)
                if isinstance(result, BaseException):
                    failed[k] = result
                    continue
                following = None if failed else next(waiting, None)
                if following is not None:
                    busy[ready] = following[0]
                    ready.send(following[1])
                yield k, result
        if failed:
            raise failed[min(failed)]


def _received(process: Connection) -> Any:
    try:
        return process.recv()
    except (EOFError, ConnectionError):
        return DataError("a process that shared the work was ended from outside", "fewer jobs take less memory")


@contextmanager
def _process(work: Any) -> Iterator[Connection]:
    """The connection to a new process that serves tasks; the process ends with the context, or with this process."""
    here, there = Pipe()
    with there:
        paths = os.pathsep.join(os.path.abspath(path) for path in sys.path)
        words = [sys.executable, "-P", "-c", _SERVE, str(there.fileno())]
        process = subprocess.Popen(
            words, pass_fds=[there.fileno()], env={**os.environ, "PYTHONPATH": paths}, stdin=subprocess.DEVNULL
        )
    try:
        with here:
            here.send(work)
            yield here
    finally:
        process.kill()
        process.wait()


def serve(descriptor: int) -> None:
    """Run in a process of `run_all`: receive the work, then tasks, and send back the result of each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process handles it, and ends this one
    with Connection(descriptor) as parent, suppress(EOFError, ConnectionError):
        work = parent.recv()
        while True:
            parent.send(_done(work, parent.recv()))


def _done(work: Callable[[T], R], task: T) -> R | Exception:
    """The result of a task, or its error in a form that can be pickled."""
    try:
        return work(task)
    except BpcliError as error:
        return together([error, error])
    except MemoryError as error:
        return error
    except Exception:
        return RuntimeError(traceback.format_exc())


class Crew(int):
    """The number of ranks as `jobs`: rank 0 hands out the tasks, and does some itself; the others `serve`."""

    ranks: MPIRanks

    def __new__(cls, ranks: MPIRanks) -> "Crew":
        """The crew of these ranks."""
        crew = super().__new__(cls, ranks.size)
        crew.ranks = ranks
        return crew

    def run_all(self, work: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """The function `run_all` on rank 0."""
        self.ranks.from_first(work)
        _Given.work = work
        with self.ranks.workers() as workers:
            begun = [workers.submit(_Given.done, task) for task in tasks]
            failed = {}
            for number, result in _as_they_end(begun, tasks):
                if isinstance(result, Exception):
                    failed[number] = result
                    for later in begun:
                        later.cancel()
                else:
                    yield number, result
            if failed:
                raise failed[min(failed)]

    def serve(self) -> None:
        """On the other ranks: do the tasks that rank 0 hands out, until it calls `end`."""
        while (work := self.ranks.from_first(None)) is not None:
            _Given.work, _Given.rank = work, self.ranks.named(self.ranks.rank)
            with self.ranks.workers():
                pass  # the body is left once rank 0 leaves its own

    def end(self) -> None:
        """On rank 0: tell the other ranks that there are no more tasks."""
        self.ranks.from_first(None)


class _Given:
    """The work of which this rank does tasks; `rank` is its name where another one prints its errors."""

    work: Callable[[Any], Any]
    rank = ""

    @classmethod
    def done(cls, task: Any) -> Any:
        """The result of a task, or its error; one of this machine, or a bug, has the name of the rank."""
        result = _done(cls.work, task)
        if cls.rank and isinstance(result, MemoryError):
            return DataError(f"{cls.rank}: there is not enough memory for this", "fewer processes a machine take less")
        if cls.rank and isinstance(result, RuntimeError):
            return RuntimeError(f"{cls.rank}: {result}")
        return result


def _as_they_end(begun: Sequence[Future[Any]], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """(number, result) of each task; those that no worker has begun are done here, one by one, unless cancelled."""
    waiting = dict(enumerate(begun))
    for number, task in enumerate(tasks):
        if not begun[number].cancelled() and begun[number].cancel():
            del waiting[number]
            yield number, _Given.done(task)
        for other in [k for k, future in waiting.items() if future.done() and not future.cancelled()]:
            yield other, waiting.pop(other).result()
    for number, future in waiting.items():
        if not future.cancelled():
            yield number, future.result()
