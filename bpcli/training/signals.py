"""Holds back SIGINT, SIGTERM and SIGHUP while a training computes, so that they never interrupt a step."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from bpcli.stop_signals import SIGNALS
from bpcli.training.descent.state import Pause


class Interrupts:
    """A context in which the first signal takes effect at once, or, if it comes within `held()`, at `deliver()`.

    A held signal asks the loop to pause; signals after the first are ignored. With `waits`, a signal is always held
    until `deliver`, because other processes have to stop at the same step. Python delivers signals to the main thread
    only: in other threads this does nothing.
    """

    def __init__(self) -> None:
        self.pause = Pause()
        self.waits = False
        self._holding = False
        self._came: int | None = None
        self._delivered = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                before = signal.getsignal(number)
                if before not in (signal.SIG_IGN, None):  # an ignored signal, as under nohup, stays ignored
                    self._before[number] = before
                    signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold signals back."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False

    def deliver(self, frame: FrameType | None = None) -> None:
        """Let a held signal take effect; `frame` is the stack frame that it interrupted, for one that comes now."""
        if self._came is None or self._delivered:
            return
        self._delivered = True
        before = self._before.get(self._came, signal.SIG_DFL)
        if callable(before):
            before(self._came, frame)
        else:  # the system's default, which ends the process
            signal.signal(self._came, before)
            signal.raise_signal(self._came)

    @property
    def came(self) -> int:
        """The number of the first signal; 0 if none has come."""
        return self._came or 0

    def come(self, number: int) -> None:
        """Hold the signal `number`, which may have come to another process."""
        self._came = self._came or number
        self.pause.at = 0.0

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.come(number)
        if not (self._holding or self.waits):
            self.deliver(frame)
