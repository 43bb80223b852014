"""Work shared by processes: tasks run in order in this one, or by several that end with it, with the same results."""

import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from bpcli.errors import BpcliError, DataError, together

T = TypeVar("T")
R = TypeVar("R")

_SERVE = "import sys; from bpcli.training.selection.processes import serve; serve(int(sys.argv[1]))"


def run_all(work: Callable[[T], R], tasks: Sequence[T], jobs: int) -> Iterator[tuple[int, R]]:
    """The result of each task with its number, as they come; with several `jobs` in processes, which read `work` anew.

    Of tasks that fail the error is raised that comes first in their order, whatever `jobs` is.
    """
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
    """A process that serves tasks; it ends with the block, and when this process ends."""
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
    """In a process of `run_all`: receive the work, then tasks, and send what comes of each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that gives the tasks hears it, and ends this one
    with Connection(descriptor) as parent, suppress(EOFError, ConnectionError):
        work = parent.recv()
        while True:
            task = parent.recv()
            try:
                result = work(task)
            except BpcliError as error:
                result = together([error, error])  # of a kind that can be sent
            except MemoryError as error:
                result = error
            except Exception:
                result = RuntimeError(traceback.format_exc())
            parent.send(result)
