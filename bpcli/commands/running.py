"""Runs the command line: in each process of a job what it is to do, and of an error its exit code and its message."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from bpcli.commands import COMMANDS, DEBUG, Listed, NoCommandError, cli, output
from bpcli.commands.error_messages import describe
from bpcli.errors import BpcliError, DataError, MissingExtraError, UsageError
from bpcli.job import is_first_process, processes
from bpcli.memory import prepare_numpy
from bpcli.stop_signals import stop_behind


def run(arguments: Sequence[str]) -> int:
    """Run the command line on `arguments`; returns the exit code. Nothing but results goes to stdout."""
    if not is_first_process() and not _is_run_together(arguments):
        return 0
    debug = False
    try:
        output.prepare_streams(_listed(arguments).streams)
        if sys.stdout is None:
            raise DataError("standard output is closed, so there is nowhere to print the results")
        prepare_numpy()
        with cli.make_context("bpcli", list(arguments)) if not _completing() else _complete() as context:
            try:
                cli.invoke(context)
            finally:
                debug = bool(context.meta.get(DEBUG))
        output.deliver()
        if list(arguments[1:]) == ["-h"]:
            output.note(f"-h was read as an expression; the help is bpcli {arguments[0]} --help")
        return 0
    except BaseException as error:
        return _report(error, debug or "--debug" in arguments, list(arguments))
    finally:
        output.finish_streams()


def _completing() -> bool:
    return "_BPCLI_COMPLETE" in os.environ


def _complete() -> Any:
    cli.main([], prog_name="bpcli", complete_var="_BPCLI_COMPLETE")  # answers the shell and exits
    raise SystemExit(0)


def _report(error: BaseException, debug: bool, arguments: Sequence[str] = ()) -> int:
    """Print the error on stderr; returns the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return int(error.exit_code)
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, BrokenPipeError):  # `| head` has read enough
        output.discard(sys.stdout)
        return 0
    if processes() > 1 and _is_run_together(arguments) and isinstance(error, click.ClickException | UsageError):
        from bpcli.commands.collective import told_together

        try:
            told_together(error)
        except SystemExit as left:
            return int(left.code or 0)
        except (BpcliError, click.ClickException) as told:
            error = told
    if not is_first_process() and _is_alike(error):
        return 0
    if debug:
        import traceback

        output.say("".join(traceback.format_exception(error)).rstrip("\n"))
    if isinstance(error, MemoryError):
        error.__traceback__ = error.__context__ = None  # frees the memory that the message needs
    code, text = describe(error, arguments)
    if code == 70 and (stop := stop_behind(error)):
        return describe(stop)[0]
    if any("://" in word for word in arguments):
        from bpcli.commands.mistakes import with_whole_urls

        text = with_whole_urls(arguments, text)
    if text:
        output.say(text if isinstance(error, NoCommandError) else f"bpcli: error: {text}")
    return code


def _is_alike(error: BaseException) -> bool:
    """Whether the first process of a job, or of this machine, has the same error, and prints it."""
    if isinstance(error, MissingExtraError):
        return not is_first_process(on_this_machine=True)
    return isinstance(error, click.ClickException | UsageError)


def _listed(arguments: Sequence[str]) -> Listed:
    """The command's row in the table; without a command one of no attributes."""
    return COMMANDS.get(arguments[0] if arguments else "", Listed("", ""))


def _is_run_together(arguments: Sequence[str]) -> bool:
    return _listed(arguments).together and "--help" not in arguments
