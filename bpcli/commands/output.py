"""How commands print: the options of every result, lines to stdout, aligned tables, notes to stderr."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import click

from bpcli.formulas.choices import KINKS

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("text", "json", "csv")


def format_option(default: str = "text", formats: Sequence[str] = FORMATS) -> Callable[[F], F]:
    """The option `--format`."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(formats),
        default=default,
        show_default=True,
        help="How results are printed.",
    )


DOUBLE_DIGITS = 17  # that tell any two doubles apart
MOST_DIGITS = 10_000  # that are proven


def precision_option(most: int = DOUBLE_DIGITS) -> Callable[[F], F]:
    """The option `--precision`."""
    return click.option(
        "--precision",
        type=click.IntRange(1, most),
        metavar="N",
        help="Round to N significant digits. [default: the shortest decimal that reads back as the same double]",
    )


def kink_option(function: F) -> F:
    """`--kink`."""
    help_ = "The slope at a kink: relu'(0) = 1, abs'(0) = 0, ties split evenly; or that on one side."
    return click.option("--kink", type=click.Choice(KINKS), default="lecture", show_default=True, help=help_)(function)


def certify_options(function: F) -> F:
    """`--certify`, and `--precision` with more digits than a double has."""
    help_ = "Prove every digit, by ball arithmetic; --precision may then ask for more than 17."
    return precision_option(MOST_DIGITS)(click.option("--certify", is_flag=True, help=help_)(function))


def discard_stdout() -> None:
    """Let what is still printed go nowhere: whoever read it has read enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def emit(line: str) -> None:
    """A line of results on stdout."""
    sys.stdout.write(line + "\n")


def say(text: str) -> None:
    """A line on stderr; that it can't be written must not cost the result."""
    with suppress(OSError):
        click.echo(text, err=True)


def note(text: str) -> None:
    """A remark on stderr that does not change the result."""
    say(f"bpcli: note: {text}")


def warning(text: str) -> None:
    """A remark on stderr that the user should act on."""
    say(f"bpcli: warning: {text}")


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines, each column as wide as its widest cell; cells that are numbers stand to the right."""
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
