"""Ends a command by an exception on SIGINT, SIGTERM and SIGHUP; it is never raised during an import, and never lost.

During an import, an exception could leave a compiled module half initialised, which crashes the process later, or be
taken for a missing module. An exception raised while Python frees an object, in `__del__` for example, is dropped by
Python, and so is raised again.
"""

import signal
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SOON = 0.005  # seconds
_IMPORTING = "<frozen importlib"  # the beginning of the file names of Python's import system


@contextmanager
def signals_by_default() -> Iterator[None]:
    """A context in which a signal ends the process at once: for a call in which Python's handlers can't run.

    MPI waits in its start for all processes, however long that takes. Only for the main thread.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


class Interrupted(KeyboardInterrupt):
    """SIGINT arrived; unlike KeyboardInterrupt itself, it supports weak references."""


class Terminated(BaseException):
    """SIGTERM or SIGHUP arrived; a BaseException, as KeyboardInterrupt is, which `except Exception` does not catch."""


class Listener:
    """Raises KeyboardInterrupt on SIGINT, and Terminated on SIGTERM and SIGHUP, from `listen` to `leave`."""

    def __init__(self) -> None:
        self._came = 0
        self._has_left = False
        self._raised: weakref.ref[BaseException] | None = None

    def listen(self) -> None:
        """Install the handlers; a signal that is ignored, as under nohup, stays ignored."""
        signal.signal(signal.SIGALRM, self._stop_again)
        sys.unraisablehook = self._unraisable
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._stop)

    def leave(self) -> None:
        """Restore the system's default handlers: everything is saved, and nothing would catch an exception."""
        self._has_left, self._raised = True, None
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """The signal handler: raises the exception, or tries again soon if `frame` is inside an import."""
        self._came = number
        while frame is not None:
            if frame.f_code.co_filename.startswith(_IMPORTING):
                self._try_soon()
                return
            frame = frame.f_back
        error = Interrupted() if number == signal.SIGINT else Terminated(number)
        self._raised = weakref.ref(error, self._try_soon)  # if it is freed before `leave`, Python has dropped it
        try:
            raise error
        finally:
            del error  # else its traceback, which refers to this frame, would keep it alive

    def _stop_again(self, number: int, frame: FrameType | None) -> None:
        """The timer's handler: raises the exception again."""
        if not self._has_left:
            self._stop(self._came, frame)

    def _try_soon(self, freed: Any = None) -> None:
        signal.setitimer(signal.ITIMER_REAL, _SOON)

    def _unraisable(self, lost: Any) -> None:
        """Python's hook for exceptions that can't be caught; after a signal they are due to it, and not printed."""
        if not self._came:
            sys.__unraisablehook__(lost)


def stop_behind(error: BaseException | None) -> BaseException | None:
    """The exception of a signal that led to `error`, which a library may have replaced by its own; None if none."""
    while error is not None and not isinstance(error, KeyboardInterrupt | Terminated):
        error = error.__context__
    return error
