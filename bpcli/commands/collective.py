"""A command that several processes run together: rank 0 prints for all, and an error of any process ends all."""

import contextlib
import functools
import io
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bpcli.commands import DEBUG, output
from bpcli.commands.error_messages import describe
from bpcli.errors import Failure, LateError, RankError
from bpcli.job import is_first_process
from bpcli.mpi_ranks import MPIRanks, this_job
from bpcli.ranks import ALONE, Alone, Ranks

_FIRST = (70, 130, 143, 2, 3, 4, 1)
"""Exit codes by precedence: that of the job is the first one that a rank has."""

_STOPPED = "stopped by a signal"


class _Nowhere(io.TextIOBase):
    """A stream that keeps nothing."""

    def write(self, text: str) -> int:
        """Forget the text."""
        return len(text)


class SeveralRanksError(RankError):
    """The errors of some ranks, with their names; its exit code is the first of theirs in `_FIRST`."""

    def __init__(self, failures: Sequence[Failure], hint: str = "") -> None:
        super().__init__(failures)
        by_text: dict[str, list[str]] = {}
        for failure in failures:
            by_text.setdefault(failure.text or _STOPPED, []).append(failure.rank)
        self.message = "\n".join(f"{', '.join(ranks)}: {text}" for text, ranks in by_text.items())
        self.hint = hint
        codes = {failure.code for failure in failures}
        self.exit_code = next((code for code in _FIRST if code in codes), max(codes))


Command = Callable[..., None]


def with_ranks_from(
    opened: Callable[[dict[str, Any]], contextlib.AbstractContextManager[Alone | MPIRanks]],
) -> Callable[[Command], Command]:
    """Pass `ranks` to a command, opened from its parameters, of which `opened` may take some away."""

    def with_ranks(command: Command) -> Command:
        @functools.wraps(command)
        def run(*args: Any, **given: Any) -> None:
            with opened(given) as ranks:
                command(*args, **given, ranks=ranks)

        return run

    return with_ranks


@contextlib.contextmanager
def collective(ranks: Alone | MPIRanks, led: bool = False) -> Iterator[Alone | MPIRanks]:
    """Run the body on all ranks, of which only rank 0 prints; an error on any rank ends all.

    If all ranks have the same error, rank 0 raises it as if it were alone; else it raises a SeveralRanksError with
    their names. If the others can't be told within seconds, the rank with the error prints it and ends the job. If
    rank 0 has `led` the others, an error of its own is the error of the command.
    """
    if isinstance(ranks, Alone):
        yield ranks
        return
    try:
        with contextlib.ExitStack() as stack:
            if ranks.rank:
                stack.enter_context(contextlib.redirect_stdout(_Nowhere()))
                stack.enter_context(contextlib.redirect_stderr(_Nowhere()))
            yield ranks
    except BaseException as error:
        raise _ending(ranks, error, led) from error


_TOLD = "told"  # the attribute of an error that all ranks know of


def told_together(error: BaseException) -> None:
    """Raise an error of the command line once all ranks have told theirs, as `collective` does; not one that is told.

    Without it, others would wait in MPI's start for a process that has left with an error of its own.
    """
    if not hasattr(error, _TOLD):
        with collective(this_job()):
            raise error


def _ending(ranks: MPIRanks, error: BaseException, led: bool) -> BaseException:
    """The error to leave with, once all ranks know of it; else the job ends here."""
    found = _told(ranks, error, led)
    setattr(found, _TOLD, True)
    return found


def _told(ranks: MPIRanks, error: BaseException, led: bool) -> BaseException:
    code, text = describe(error, sys.argv[1:])
    if isinstance(error, SystemExit):
        left = error.code if isinstance(error.code, int) else int(error.code is not None)
        code, text = left or 1, f"left with exit code {left}"  # an error even with code 0: it has not finished
    failures = None
    if isinstance(error, RankError):
        failures = error.failures
    elif not isinstance(error, LateError):
        context = click.get_current_context(silent=True)
        if context is not None and context.meta.get(DEBUG) and ranks.rank:
            output.say("".join(traceback.format_exception(error)).rstrip("\n"))
        failures = ranks.failed(code, text)
    if failures is None:
        who = "" if isinstance(error, LateError) else f"{ranks.named(ranks.rank)}: "
        output.say(f"bpcli: error: {who}{text or _STOPPED}")
        output.wait_for_readers()
        ranks.abort(code)
        return SystemExit(code)
    if ranks.rank:
        return SystemExit(0)
    alike = len(failures) == ranks.size and len({failure[1:] for failure in failures}) == 1
    led_only = led and len(failures) == 1 and not isinstance(error, RankError)
    if alike or led_only:
        return error
    return SeveralRanksError(failures, error.hint if isinstance(error, RankError) else "")


def check_same_inputs(ranks: Ranks, files: Iterable[Path], options: Mapping[str, Any]) -> None:
    """As the function of `agreement`, which a single process does not load."""
    if ranks.size > 1:
        from bpcli.training.agreement import check_same_inputs

        check_same_inputs(ranks, files, options)


@contextlib.contextmanager
def ranks_of_job(alone: bool = False, threads: bool = False) -> Iterator[Alone | MPIRanks]:
    """The ranks of this job, in `collective`; with `alone` the first process alone goes on, and the others exit.

    `threads` as of `this_job`.
    """
    if alone:
        if not is_first_process():
            raise SystemExit(0)
        yield ALONE
        return
    with collective(this_job(threads=threads), led=True) as ranks:
        yield ranks
