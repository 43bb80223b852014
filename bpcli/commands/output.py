"""How commands print: results to stdout, notes and warnings to stderr, aligned tables."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import click


def discard_stdout() -> None:
    """Discard what is printed from now on, because the reader has closed the pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def emit(line: str) -> None:
    """A line of results on stdout."""
    sys.stdout.write(line + "\n")


def say(text: str) -> None:
    """A line on stderr; if it can't be written, the results still come."""
    with suppress(OSError):
        click.echo(text, err=True)


def progress_bar(quiet: bool, **options: Any) -> Any:
    """tqdm's bar on stderr, if that is a terminal and not `quiet`."""
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # a bar that stands still needs no thread that watches it
    disable = quiet or not sys.stderr.isatty()
    return tqdm(unit_scale=True, disable=disable, leave=False, file=sys.stderr, **options)


def note(text: str) -> None:
    """A remark on stderr that does not change the result."""
    say(f"bpcli: note: {text}")


def warning(text: str) -> None:
    """A remark on stderr that the user should act on."""
    say(f"bpcli: warning: {text}")


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines with aligned columns; columns of numbers are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numeric = [all(_is_number(text) for text in column[1:]) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _is_number(text: str) -> bool:
    try:
        float(text or "0")
    except ValueError:
        return False
    return True
