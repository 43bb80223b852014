"""A command line that failed, taken apart into words and options, and tests of what a word names."""

import os
import re
from collections.abc import Sequence
from itertools import takewhile
from shlex import quote
from typing import NamedTuple

import click

from bpcli.errors import BpcliError


class Line(NamedTuple):
    """A command line that failed: the command, its arguments, its options, and the options that it does not have.

    `commands` are the names of all commands.
    """

    command: str
    words: list[str]
    given: list[tuple[str, str | None]]
    unknown: list[str]
    message: str
    commands: Sequence[str]
    known: dict[str, bool]
    """The options that the command has, and whether each takes a value."""
    arguments: list[str]
    """The names of its arguments, in their order."""
    example: str
    """The first example of its help."""
    choices: dict[str, list[str]]
    """The words that its options choose from, with the options that have each."""
    typed: frozenset[str]
    """The options whose value is a text that the command reads itself."""

    @property
    def options(self) -> dict[str, str | None]:
        """The options by name; of one that repeats, the last value."""
        return dict(self.given)


class Answer(NamedTuple):
    """The words to type instead; a better message, if there is one; the exit code, if it differs."""

    instead: str
    meaning: str = ""
    code: int | None = None


def again(line: Line, words: Sequence[str], **options: str) -> str:
    """The same command line with other arguments, and with these options added."""
    added = [(f"--{name}", value) for name, value in options.items()]
    gone = {*line.unknown, *(name for name, _ in added if name not in _REPEATED)}
    parts = ["bpcli", line.command, *map(quote, words)]
    for name, value in [*((n, v) for n, v in line.given if n not in gone), *added]:
        parts += [name] if value is None else [name, quote(value)]
    return " ".join(parts)


_REPEATED = ("--set", "--try")  # each of which adds to the others


def is_table(word: str) -> bool:
    """Whether a word is the name of a table of data."""
    name = word.lower().removesuffix(".gz")
    if not re.search(r"[\w-]\.[a-z]+$|-ubyte$", name):
        return False
    from bpcli.datasets.reading import READERS

    return any(name.endswith(reader.extensions) for reader in READERS.values())


def is_run(word: str) -> bool:
    """Whether a word is a run folder, or the model of one."""
    return os.path.isfile(os.path.join(word, "model.npz")) or os.path.basename(word) == "model.npz"


def is_value(word: str) -> bool:
    """Whether a word is a point: numbers alone, or `x=1`."""
    from bpcli.calculus.points.values import parse_value

    for part in re.split(r"[A-Za-z_]\w*\s*=(?!=)", word):
        try:
            if part.strip(" ,"):
                parse_value(part.strip(" ,"))
        except BpcliError:
            return False
    return bool(word.strip())


def expressions_in(word: str) -> list[str]:
    """The expressions separated by commas outside of brackets; [] if one of them can't be parsed."""
    from bpcli.calculus.checks.answer_text import split
    from bpcli.calculus.language.parser import parse

    parts = [part.strip() for part in split(word, ",")]
    try:
        for part in parts:
            parse(part)
    except BpcliError:
        return []
    return parts


def is_config(word: str) -> bool:
    """Whether a word is the name of a config."""
    return word.lower().endswith((".yaml", ".yml"))


def line_of(arguments: Sequence[str], message: str, group: click.Group) -> Line:
    """The command line `arguments` of a `group` of commands, which failed with a `message`."""
    own = [*takewhile(lambda word: word.startswith("--"), arguments)]  # bpcli's own options, before the command
    command, *rest = arguments[len(own) :] or [""]
    context = click.Context(group)
    called = group.get_command(context, command)
    known = _options(called, context)
    words, unknown, options = [], [], list[tuple[str, str | None]]()
    at = 0
    while at < len(rest):
        word, at = rest[at], at + 1
        if not word.startswith("--") or word == "--":
            words += [word] * (word != "--")
            continue
        name, equals, value = word.partition("=")
        takes = known.get(name, at < len(rest) and not rest[at].startswith("--"))
        if not equals and takes and at < len(rest) and rest[at] not in known:
            value, at = rest[at], at + 1
        options.append((name, value if equals or takes else None))
        unknown += [name] * (name not in known)
    arguments_of = [p.name or "" for p in called.params if isinstance(p, click.Argument)] if called else []
    examples = re.search(r"^ *(bpcli .*)", called.help or "", re.MULTILINE) if called else None
    example = examples[1] if examples else ""
    commands, choices = group.list_commands(context), _choices(called, context)
    typed = frozenset(name for p in (called.params if called else []) if p.type is click.STRING for name in p.opts)
    return Line(command, words, options, unknown, message, commands, known, arguments_of, example, choices, typed)


def _options(command: click.Command | None, context: click.Context) -> dict[str, bool]:
    """The options of a command, and whether each takes a value."""
    return {
        name: not parameter.is_flag
        for parameter in (command.get_params(context) if command else [])
        if isinstance(parameter, click.Option)
        for name in parameter.opts
    }


def _choices(command: click.Command | None, context: click.Context) -> dict[str, list[str]]:
    """The words that the options of a command choose from, with the options that have each."""
    found: dict[str, list[str]] = {}
    for parameter in command.get_params(context) if command else []:
        if isinstance(parameter, click.Option) and isinstance(parameter.type, click.Choice):
            for word in parameter.type.choices:
                found.setdefault(str(word), []).append(parameter.opts[0])
    return found
