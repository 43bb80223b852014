"""A progress bar for work that takes over half a second."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from bpcli.commands.output import progress_bar
from bpcli.sources import places_of_open_files

_DELAY = 0.5  # seconds that a command may take without a bar
_TICK = 0.1


class Progress(NamedTuple):
    """How far some work is: its name, how much is done, out of which total if that is known, in which unit."""

    doing: str
    done: int
    total: int | None
    unit: str


@contextmanager
def activity(measure: Callable[[], Progress | None], quiet: bool = False) -> Iterator[None]:
    """Show on stderr, if that is a terminal, the progress that `measure` returns, ten times a second; nothing for None.

    The bar is drawn by a thread of its own, so that the work need not report.
    """
    if quiet or not sys.stderr.isatty():
        yield
        return
    over = Event()
    thread = Thread(target=_draw, args=(measure, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _draw(measure: Callable[[], Progress | None], over: Event) -> None:
    started = time.time()
    if over.wait(_DELAY):
        return
    bar, doing = None, ""
    while not over.wait(_TICK):
        now = measure()
        if bar is not None and (now is None or now.doing != doing):
            bar.close()
            bar = None
        if now is not None:
            if bar is None:
                bar = progress_bar(False, desc=now.doing, unit=now.unit, total=now.total, initial=now.done, delay=0)
                bar.start_t, bar.initial, doing = started, 0, now.doing
            bar.total, bar.n = now.total, now.done
            bar.refresh()
    if bar is not None:
        bar.close()


def reading(paths: Sequence[Path]) -> Callable[[], Progress | None]:
    """How far the process has come in reading files, by its position in those that it has open."""
    sizes = {str(path.resolve()): path.stat().st_size for path in paths if path.is_file()}
    total, names = sum(sizes.values()), list(sizes)
    furthest = 0

    def measure() -> Progress | None:
        nonlocal furthest
        for name, place in places_of_open_files():
            if name in sizes:
                before = sum(sizes[each] for each in names[: names.index(name)])
                furthest = max(furthest, before + place)
        return Progress("reading", min(furthest, total), total or None, "B")

    return measure


_SMALL = 1 << 20
"""Bytes of a file that is read at once."""


def reading_any() -> Progress | None:
    """How far the process has come in reading the largest file that it has open; None if that is small."""
    size, at = 0, 0
    for name, place in places_of_open_files():
        with suppress(OSError):  # closed or deleted in the meantime
            path = Path(name)
            size, at = max((size, at), (path.stat().st_size if path.is_file() else 0, place))
    return Progress("reading", min(at, size), size, "B") if size > _SMALL else None
