"""How commands print: results to stdout, notes and warnings to stderr, aligned tables."""

import codecs
import contextlib
import io
import os
import re
import stat
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from itertools import takewhile
from time import monotonic, sleep
from typing import Any

from bpcli.text.notation import cell, csv_line
from bpcli.text.visible import cut, shortened, visible, width

_ESCAPES = "bpcli.escapes"
_ends_with_reader = False


def _escaped(error: UnicodeError) -> tuple[str, int]:
    r"""Characters that an encoding lacks, escaped as in JSON: `\u00e9`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)), error.end


def prepare_streams(ends_with_reader: bool = False) -> None:
    """Let every text be written to stdout and stderr: as UTF-8 if no encoding is set, else with escapes.

    Where the reader of stdout has gone, results are dropped, or a BrokenPipeError is raised if `ends_with_reader`.
    The descriptor of a closed stream is opened on /dev/null, so that no file that is opened later takes its place.
    """
    global _ends_with_reader
    _ends_with_reader = ends_with_reader
    with contextlib.suppress(OSError):  # where there is no such device, or no descriptor
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest that is free
            pass
        os.close(descriptor)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BytesIO())
    if sys.stderr is None:
        sys.stderr = io.TextIOWrapper(io.FileIO(os.devnull, "w"), encoding="utf-8")
    codecs.register_error(_ESCAPES, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape", "backslashreplace"):
            by_locale = "PYTHONIOENCODING" not in os.environ
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding="utf-8" if is_ascii and by_locale else None, errors=_ESCAPES)


def finish_streams() -> None:
    """Flush both streams; text that can't be written is dropped, as the interpreter would fail on it at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            discard(stream)


def wait_for_readers(patience: float = 5.0) -> None:
    """Wait, at most `patience` seconds, until all text that was written to pipes has been read from them.

    When a process ends its whole job, the launcher ends without reading what is still in a pipe.
    """
    finish_streams()
    until = monotonic() + patience
    while any(map(_unread, (1, 2))) and monotonic() < until:
        sleep(0.005)


def _unread(descriptor: int) -> int:
    """The bytes in a pipe, or on their way through a socket, that its reader has not taken; 0 for other files."""
    if sys.platform == "win32":  # which has no way to ask
        return 0
    import fcntl
    import termios

    with suppress(OSError):
        kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
        if ask := {stat.S_IFIFO: termios.FIONREAD, stat.S_IFSOCK: termios.TIOCOUTQ}.get(kind):
            return int.from_bytes(fcntl.ioctl(descriptor, ask, bytes(4)), sys.byteorder)
    return 0


def discard(stream: Any) -> None:
    """Drop further output of a stream, because its reader has closed the pipe, or its disk is full."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def emit(line: str) -> None:
    """A line of text on stdout; characters that control a terminal are escaped."""
    emit_data(visible(line))


def emit_data(line: str) -> None:
    """A line of results for programs on stdout: CSV, JSON, a config."""
    with _for_reader():
        sys.stdout.write(line + "\n")


def deliver() -> None:
    """Hand what was printed to the reader of stdout."""
    with _for_reader():
        sys.stdout.flush()


@contextlib.contextmanager
def _for_reader() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # `| head` has read enough
        if _ends_with_reader:
            raise
        discard(sys.stdout)


def emit_csv(rows: Iterable[Iterable[Any]], precision: int | None = None) -> None:
    """Rows of results as CSV on stdout."""
    for row in rows:
        emit_data(csv_line(row, precision))


def emit_table(rows: Sequence[Sequence[Any]], precision: int | None) -> None:
    """Rows of results as a `table` on stdout."""
    for line in table(rows, precision):
        emit(line)


def say(text: str) -> None:
    """A line on stderr; if it can't be written, the results still come."""
    with suppress(OSError, ValueError):
        bars = sys.modules.get("tqdm") if sys.stderr.isatty() else None
        with bars.tqdm.external_write_mode(sys.stderr) if bars is not None else nullcontext():  # above a bar
            sys.stderr.write(shortened(visible(text)) + "\n")
            sys.stderr.flush()


class _NoBar:
    """A progress bar that shows nothing, without tqdm, whose import takes a while."""

    disable, n = True, 0

    def __enter__(self) -> "_NoBar":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, *_: Any, **__: Any) -> None:
        """Nothing to show."""

    close = refresh = set_description_str = set_postfix_str = update


def progress_bar(quiet: bool, **options: Any) -> Any:
    """tqdm's bar on stderr, if that is a terminal and not `quiet`; it appears after half a second."""
    if quiet or not sys.stderr.isatty():
        return _NoBar()
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # a bar that stands still needs no thread that watches it
    settings = {"unit_scale": True, "leave": False, "delay": 0.5, **options}
    return tqdm(file=sys.stderr, **settings)


def counting(bar: Any) -> Callable[[int, int], None]:
    """A callback that moves a progress bar, from the number done and the number of all."""

    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return progress


def note(text: str) -> None:
    """A remark on stderr that does not change the result."""
    say(f"bpcli: note: {text}")


_MOST_NOTES = 20


def notes(texts: Sequence[str]) -> None:
    """Remarks of many trainings, of which only the first are shown."""
    for text in texts[:_MOST_NOTES]:
        note(text)
    if len(texts) > _MOST_NOTES:
        note(f"and {len(texts) - _MOST_NOTES} notes more")


def warning(text: str) -> None:
    """A remark on stderr that the user should act on."""
    say(f"bpcli: warning: {text}")


def aligned(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Rows of texts and numbers, the first of names, as lines with aligned columns, numbers to the right."""
    return _lines(_columns(rows, None))


def table(rows: Sequence[Sequence[Any]], precision: int | None = None, short: Sequence[str] = ()) -> list[str]:
    """`aligned`, and on a terminal fitted to its width: names are shortened, and columns that still don't fit follow
    in a further table, with the names of the rows. `short` names of the first columns are taken before any is cut."""
    columns = _columns(rows, precision)
    room = terminal_width()
    if room is None or _width(columns) <= room:
        return _lines(columns)
    for column, name in zip(columns, short, strict=False):
        column[0] = name
    if short and _width(columns) <= room:
        return _lines(columns)
    lines: list[str] = []
    first, *others = _fitted(columns, room)
    while others:
        count = next((k for k in range(len(others), 1, -1) if _width([first, *others[:k]]) <= room), 1)
        lines += [*([""] if lines else []), *_lines([first, *others[:count]])]
        others = others[count:]
    return lines


def folded(rows: Sequence[Sequence[Any]]) -> list[str]:
    """`aligned`, and on a terminal fitted to its width: a last column of texts that don't fit stands under the rows."""
    lines, room = aligned(rows), terminal_width()
    if room is None or max(map(width, lines)) <= room:
        return lines
    last = _columns(rows, None)[-1]
    if max(map(width, last)) <= _SHORTEST:
        return table(rows)
    lines = table([row[:-1] for row in rows])
    under = [textwrap.wrap(text, room, initial_indent="  ", subsequent_indent="  ") for text in last]
    if len(lines) != len(under):  # there are further tables
        return [*lines, *(line for texts in under for line in texts)]
    return [line for row, texts in zip(lines, under, strict=True) for line in (row, *texts)]


def _columns(rows: Sequence[Sequence[Any]], precision: int | None) -> list[list[str]]:
    texts = [[visible(cell(value, precision)).replace("\n", "\\n") for value in row] for row in rows]
    return [list(column) for column in zip(*texts, strict=True)]


def terminal_width() -> int | None:
    """The columns of the terminal that results are printed on; None where it is none."""
    if not sys.stdout.isatty():
        return None
    from shutil import get_terminal_size

    return get_terminal_size().columns


def sentence(text: str) -> None:
    """A sentence among the results, which a terminal shows wrapped."""
    for line in wrapped(text):
        emit(line)


def wrapped(text: str) -> list[str]:
    """The lines of a sentence on a terminal; one line where there is none."""
    room = terminal_width()
    return [text] if room is None else textwrap.wrap(text, room, subsequent_indent="  ")


_SHORTEST = 9  # letters that a name keeps; a number of four digits takes as many


def _fitted(columns: list[list[str]], room: int) -> list[list[str]]:
    """The columns with their names as short as it takes to fit the room, down to `_SHORTEST`."""
    texts = {text for column in columns for text in column}
    for most in range(max(map(width, texts)), _SHORTEST - 1, -1):
        short = _short_names(texts, most)
        shortened = [[short[text] for text in column] for column in columns]
        if _width(shortened) <= room:
            break
    return shortened


def short_name(text: str, most: int) -> str:
    """A name of at most so many letters, with a mark for those left out of its middle; a number is left as it is."""
    return text if _is_number(text) else cut(text, most, _mark())


def _mark() -> str:
    return "…" if (sys.stdout.encoding or "").lower().startswith("utf") else ".."


def _short_names(texts: Iterable[str], most: int) -> dict[str, str]:
    """The `short_name` of each text; texts whose short names are the same begin with the word in which they differ."""
    found = {text: short_name(text, most) for text in texts}
    alike: dict[str, list[str]] = {}
    for text, short in found.items():
        alike.setdefault(short, []).append(text)
    for group in alike.values():
        if len(group) > 1:
            common = group[0][
                : sum(1 for _ in takewhile(lambda signs: len(set(signs)) == 1, zip(*group, strict=False)))
            ]
            start = len(re.sub(r"\w+$", "", common)) or len(common)
            found |= {text: _mark() + cut(text[start:], most - len(_mark()), _mark()) for text in group}
    return found


def _width(columns: Sequence[Sequence[str]]) -> int:
    return sum(max(map(width, column)) for column in columns) + 2 * (len(columns) - 1)


def _lines(columns: Sequence[Sequence[str]]) -> list[str]:
    padded = []
    for column in columns:
        room, numeric = max(map(width, column)), all(_is_number(text) for text in column[1:])
        blanks = [" " * (room - width(text)) for text in column]
        padded.append([b + text if numeric else text + b for text, b in zip(column, blanks, strict=True)])
    return ["  ".join(row).rstrip() for row in zip(*padded, strict=True)]


def _is_number(text: str) -> bool:
    try:
        float(text or "0")
    except ValueError:
        return False
    return True
