"""SIGINT, SIGTERM and SIGHUP end a command by an exception, never in the middle of an import, and none gets lost.

An exception in the middle of an import can leave a compiled module half made, which crashes the process later, or be
taken for a module that is missing. What is raised while Python frees an object, as in a `__del__`, Python drops.
"""

import signal
import sys
import weakref
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SOON = 0.005  # seconds
_IMPORTING = "<frozen importlib"  # how the names of the files of Python's own importer begin


class Interrupted(KeyboardInterrupt):
    """SIGINT arrived; unlike its base it can be referred to weakly."""


class Terminated(BaseException):
    """SIGTERM or SIGHUP arrived; a BaseException as KeyboardInterrupt is, so that no `except Exception` catches it."""


class Listener:
    """Raises KeyboardInterrupt on SIGINT, and Terminated on SIGTERM and SIGHUP, from `listen` to `leave`."""

    def __init__(self) -> None:
        self._came = 0
        self._has_left = False
        self._raised: weakref.ref[BaseException] | None = None

    def listen(self) -> None:
        """Begin; what is ignored, as under nohup, stays ignored."""
        signal.signal(signal.SIGALRM, self._stop_again)
        sys.unraisablehook = self._unraisable
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._stop)

    def leave(self) -> None:
        """Let the signals have the system's own effect: all is said and saved, and nobody is left to catch an error."""
        self._has_left, self._raised = True, None
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """The handler of a signal that finds the program at `frame`."""
        self._came = number
        while frame is not None:
            if frame.f_code.co_filename.startswith(_IMPORTING):
                self._try_soon()
                return
            frame = frame.f_back
        error = Interrupted() if number == signal.SIGINT else Terminated(number)
        self._raised = weakref.ref(error, self._try_soon)  # where it is freed though nobody has left: it was dropped
        try:
            raise error
        finally:
            del error  # or its traceback, which knows this frame, would keep it alive

    def _stop_again(self, number: int, frame: FrameType | None) -> None:
        """The handler of the timer."""
        if not self._has_left:
            self._stop(self._came, frame)

    def _try_soon(self, freed: Any = None) -> None:
        signal.setitimer(signal.ITIMER_REAL, _SOON)

    def _unraisable(self, lost: Any) -> None:
        """Python's hook for an error where nobody can catch it; after a signal such errors come of it alone."""
        if not self._came:
            sys.__unraisablehook__(lost)


def stop_behind(error: BaseException | None) -> BaseException | None:
    """The exception of a signal out of which `error` was made, as by a library whose callback it met; None if none."""
    while error is not None and not isinstance(error, KeyboardInterrupt | Terminated):
        error = error.__context__
    return error
