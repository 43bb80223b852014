"""How an error becomes an exit code and a message, with the options that lead out of it."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from bpcli.commands import NoCommandError, cli
from bpcli.errors import BpcliError, DataError, TooLargeError, UnfinishedError, UsageError, listed
from bpcli.memory import WAY_OUT, memory_left
from bpcli.stop_signals import Terminated

if TYPE_CHECKING:
    from bpcli.commands.typed_words import Answer

_OPTIONS = {"learning_rate": "lr"}  # the option of a parameter, where that is not its name


def _with_options(error: BpcliError) -> str:
    """The text of an error with its parameters as the options that they are given by: `--x` for x."""
    names = "|".join(map(re.escape, error.names))
    return re.sub(
        rf"(?<![\w-])({names})\b", lambda found: f"--{_OPTIONS.get(found[1], found[1].replace('_', '-'))}", str(error)
    )


def _with_ways(error: BpcliError) -> str:
    """The text of an error with the ways out of it as options: `--force to replace it`."""
    ways = [f"{'--output DIR' if name == 'output' else f'--{name}'} {what}" for name, what in error.ways.items()]
    return f"{error.message}\n  {listed(ways)}" if ways and not error.hint else str(error)


_NO_ROOM = re.compile("failed to map segment|[Cc]annot allocate memory")  # of libraries that are loaded
_ASKED = re.compile(r"Unable to allocate ([0-9.]+ [A-Za-z]+)")  # of NumPy


def _answer(error: BpcliError | click.UsageError, arguments: Sequence[str]) -> "Answer | None":
    """The words to type instead, if the command line has one of the usual mistakes."""
    # If memory is short, the search may fail, too.
    if isinstance(error, TooLargeError) or not isinstance(error, UsageError | DataError | click.UsageError):
        return None
    from bpcli.commands.mistakes import answer

    return answer(arguments, str(error.message), cli)


def describe(error: BaseException, arguments: Sequence[str] = ()) -> tuple[int, str]:
    """The exit code of an error, and its text, which is empty where there is nothing to say."""
    if isinstance(error, UnfinishedError):
        from bpcli.commands.resume import way_on

        return error.exit_code, f"{error}\n  {way_on(error)}"
    if isinstance(error, BpcliError):
        guess = error.hint.removeprefix("did you mean ").removesuffix("?")
        # A guess that is already on the line is not the word that was meant.
        if (guess == error.hint or guess in arguments) and (found := _answer(error, arguments)):
            if found.meaning:
                return found.code or error.exit_code, f"{found.meaning}\n  {found.instead}"
            error.hint = found.instead
        return error.exit_code, _with_options(error) if error.names else _with_ways(error)
    if isinstance(error, NoCommandError):
        return 2, error.format_message()
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "bpcli"
        text, found = error.format_message(), _answer(error, arguments)
        if found is None:
            return 2, f"{text[:1].lower()}{text[1:].removesuffix('.')}\n  see: {path} --help"
        first = text.partition("\n")[0].removesuffix(".")
        return 2, f"{found.meaning or first[:1].lower() + first[1:]}\n  {found.instead}"
    if isinstance(error, click.ClickException):
        return error.exit_code, error.format_message()
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return 130, ""
    if isinstance(error, Terminated):
        return 128 + int(error.args[0]), ""
    if isinstance(error, MemoryError) or (isinstance(error, ImportError) and _NO_ROOM.search(str(error))):
        asked = _ASKED.search(str(error))
        what = f"{asked[1]} more are needed" if asked else "more is needed"
        return 3, f"there is not enough memory for this: {what}, and {memory_left()}\n  {WAY_OUT}"
    if isinstance(error, OSError):
        # Errors with files name the file; one without is of stdout, or of the current folder.
        place = "the folder you are in" if isinstance(error, FileNotFoundError) else "standard output"
        return 3, f"{error.filename or place}: {error.strerror or error}"
    return 70, (
        f"internal error: {type(error).__name__}: {error}\n"
        "  this is a bug in bpcli: please report it with the command line and what it prints with --debug"
    )
