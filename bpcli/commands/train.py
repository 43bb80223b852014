"""`bpcli train`: run a training, print its epochs, write its run folder."""

import math
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bpcli.commands import OUTPUT, Command, option, output
from bpcli.commands.activity import activity, reading
from bpcli.commands.collective import collective, with_ranks_from
from bpcli.commands.option_groups import PATH, SET, TEXT_DIGITS, Within, format_option, precision_option
from bpcli.commands.resume import going_on, kept, launched
from bpcli.errors import CheckError, DataError, NotFiniteError, RankError
from bpcli.mpi_ranks import MPIRanks, this_job
from bpcli.ranks import Alone, Ranks
from bpcli.stop_signals import Terminated
from bpcli.text.notation import cell, csv_line, json_text, number
from bpcli.training.config.loading import Config, load_config
from bpcli.training.metrics import METRICS, beyond_doubles
from bpcli.training.named_data import PARTS
from bpcli.training.run import flat
from bpcli.training.session import Session, session
from bpcli.training.verdict import no_better_than_constant

_TICK = 0.2  # seconds between two updates of the bar


def _ranks(given: dict[str, Any]) -> AbstractContextManager[Alone | MPIRanks]:
    """The ranks of a training; a timeout is noted where there are no others to wait for."""
    timeout = given.pop("timeout")
    ranks = this_job(timeout)
    if timeout is not None and ranks.size == 1:
        output.note("--timeout is for the processes that mpiexec starts, and here is one: it changes nothing")
    return collective(ranks)


@click.command(cls=Command)
@click.argument("config", type=PATH)
@SET
@option("Run", "--output", "folder", type=PATH, metavar="DIR", help="The run folder to write.")
@option("Run", "--resume", is_flag=True, help="Go on from the saved state, to the last bit; start if there is none.")
@option("Run", "--force", is_flag=True, help="Replace an existing run, once the new one is whole.")
@option(
    "Run",
    "--timeout",
    type=Within(min=0, min_open=True),
    metavar="SECONDS",
    help="Under mpiexec: end the job, and name the process, where one is later than the others by more.",
)
@option(OUTPUT, "--quiet", is_flag=True, help="No epochs, no progress: only the summary.")
@format_option()
@precision_option(tables=True)
@with_ranks_from(_ranks)
def command(
    config: Path,
    settings: tuple[str, ...],
    folder: Path | None,
    resume: bool,
    force: bool,
    quiet: bool,
    format_: str,
    precision: int | None,
    ranks: Ranks,
) -> None:
    """Train the model that CONFIG describes, print its epochs and write the run folder.

    \b
    bpcli train configs/iris.yaml
    bpcli train configs/iris.yaml --set training.epochs=20 --output runs/slow
    bpcli train configs/iris.yaml --resume
    """
    settled = load_config(config, settings, "--set")
    if folder is not None:
        settled = replace(settled, output=folder)
    words = launched(config, settings, ranks.size)
    alone = kept(launched(config, settings, 1), settled.output)  # the saved state has the same bits for every number
    with _started(settled, resume, force, quiet, ranks, alone) as current:
        for text in current.notes:
            output.note(text)
        try:
            _print_epochs(_progress(current, quiet), format_, precision, quiet)
            if current.training is None:
                output.note(f"{settled.output} is finished: there is nothing to do")
            summary = current.finish()
            _tell_warnings(current)
            if current.nowhere:
                output.warning(current.nowhere)
        except (KeyboardInterrupt, Terminated):
            _tell_stopped(current, going_on(words, folder))
            raise
        except (DataError, RankError) as error:
            _tell_warnings(current)
            if current.saved:
                error.hint = f"to go on: {going_on(words, folder)}"
            raise
    _print_summary(summary, format_, precision, quiet)
    for name in PARTS:
        if metric := beyond_doubles(summary.get(name, {})):
            raise NotFiniteError(f"the {metric} of the {name} rows is not finite")
    if metric := beyond_doubles(summary.get("optimum", {})):
        raise NotFiniteError(f"the {metric} of the training rows is not finite")
    if useless := no_better_than_constant(summary):
        raise CheckError(useless, summary.get("advice", ""))


@contextmanager
def _started(
    settled: Config, resume: bool, force: bool, quiet: bool, ranks: Ranks, words: Sequence[str]
) -> Iterator[Session]:
    """A session, with a progress bar while its data are read or converted."""
    read = reading(settled.data.path if isinstance(settled.data.path, tuple) else (settled.data.path,))
    with ExitStack() as stack:
        convert = stack.enter_context(_conversion(quiet))
        converting = False

        def progress(done: int, size: int) -> None:
            nonlocal converting
            converting = True
            convert(done, size)

        with activity(lambda: None if converting else read(), quiet):
            current = stack.enter_context(session(settled, resume, force, progress, ranks, words))
        yield current


@contextmanager
def _conversion(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar while a large file is converted, in bytes."""
    bars: list[Any] = []

    def progress(done: int, size: int) -> None:
        if not bars:
            bars.append(output.progress_bar(quiet, desc="converting", total=size, unit="B"))
        bars[0].update(done - bars[0].n)
        if done >= size:
            bars[0].close()

    try:
        yield progress
    finally:
        for bar in bars:
            bar.close()


def _tell_warnings(current: Session) -> None:
    for text in current.warnings():
        output.warning(text)


def _tell_stopped(current: Session, way_on: str) -> None:
    """Save, then print the saved epoch and how to go on; saving comes first in case of a second signal."""
    current.keep_stopped()
    _tell_warnings(current)
    if current.saved:
        output.note(f"stopped; saved {current.saved}\n  to go on: {way_on}")
    else:
        output.note("stopped before there was anything to save")


def _progress(current: Session, quiet: bool) -> Iterator[dict[str, Any]]:
    """The epochs of a session, with a progress bar if stderr is a terminal; warnings are printed as they come."""
    _tell_warnings(current)
    if current.training is None:
        return
    training, epochs = current.training, current.config.training.epochs
    rows = len(training.parts["train"].y)
    total = None if epochs == "auto" else int(epochs) * rows
    # The bar fits into 80 columns; without a known end there is no percentage.
    form = None if total is None else "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
    with output.progress_bar(quiet, initial=training.rows_seen, total=total, unit="row", bar_format=form) as bar:
        tick = math.inf if bar.disable else _TICK
        bar.set_description_str(_epoch_of(training.state.epoch, epochs), refresh=False)
        del training  # the session may replace it to free its memory
        for record in current.epochs(tick):
            _tell_warnings(current)
            assert current.training is not None
            bar.update(current.training.rows_seen - bar.n)
            if record is not None:
                measured = record.get("validation", {}).items()
                metric = next(((k, v) for k, v in measured if not METRICS[k].minimised), None)
                shown = f"loss {record['loss']:.4g}" + (f", {metric[0]} {metric[1]:.4g}" if metric else "")
                bar.set_description_str(_epoch_of(record["epoch"], epochs), refresh=False)
                bar.set_postfix_str(shown, refresh=False)
                yield record


def _epoch_of(epoch: int, epochs: int | str) -> str:
    return f"epoch {epoch}" if epochs == "auto" else f"epoch {epoch}/{epochs}"


def _print_epochs(records: Iterable[dict[str, Any]], format_: str, precision: int | None, quiet: bool) -> None:
    first, widths = True, list[int]()
    for record in records:
        if quiet:
            continue
        columns = flat(record)
        if format_ == "json":
            _write(json_text({"event": "epoch", **record}, precision))
        elif format_ == "csv":
            if first:
                _write(csv_line(columns))
            _write(csv_line(columns.values(), precision))
        else:
            if first:
                widths = [max(len(name), _WIDTH) for name in columns]
                widths[0] = _EPOCH
                _write(_line(_fitted_names(list(columns), widths), widths))
            _write(_line([cell(value, precision or TEXT_DIGITS) for value in columns.values()], widths))
        first = False


_WIDTH, _EPOCH = 9, 5  # of a number of four digits, and of the epoch


def _fitted_names(names: list[str], widths: list[int]) -> list[str]:
    """The names, on a terminal shortened so that a line fits; narrows `widths` with them."""
    room = output.terminal_width()
    while room is not None and sum(widths) + 2 * (len(widths) - 1) > room and max(widths) > _WIDTH:
        widths[:] = [min(width, max(widths) - 1) for width in widths]
    return [output.short_name(name, width) for name, width in zip(names, widths, strict=True)]


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(text.rjust(width) for text, width in zip(cells, widths, strict=True))


def _write(line: str) -> None:
    """A line on stdout, above the progress bar if both are on one terminal."""
    if sys.stderr.isatty() and sys.stdout.isatty():
        from tqdm import tqdm

        tqdm.write(line)
    else:
        output.emit_data(line)
        output.deliver()


def _print_summary(summary: Mapping[str, Any], format_: str, precision: int | None, quiet: bool) -> None:
    if format_ == "json":
        output.emit_data(json_text(summary, precision))
    elif format_ == "text":
        if not quiet:
            output.emit("")
        for line in summary_lines(summary, precision or TEXT_DIGITS):
            output.emit(line)
        if not quiet and sys.stderr.isatty():
            _tell_next(summary)


def summary_lines(summary: Mapping[str, Any], precision: int) -> list[str]:
    """The summary as a table: a row for each part and for the best constant prediction, then where the run is."""
    parts = {name: summary[name] for name in PARTS if name in summary}
    columns = ["rows", *(name for name in parts["train"] if name in METRICS and METRICS[name].in_summary)]
    blank = [""] * (len(columns) - 2)
    rows: list[list[Any]] = [["", *columns]]
    rows += [[name, *(part[c] for c in columns)] for name, part in parts.items()]
    rows.append(["best constant", "", summary["best_constant_loss"], *blank])
    if weighted := summary.get("weighted"):
        rows.append(["train, weighted", "", weighted["loss"], *blank])
        rows.append(["best constant, weighted", "", weighted["best_constant_loss"], *blank])
    optimum = summary.get("optimum", {})
    at_optimum = []
    if optimum.get("reached"):
        at_optimum = [f"at the optimum: the gradient's largest entry is {number(optimum['gradient_norm'], 2)}"]
    return [*output.table(rows, precision), *at_optimum, f"run: {summary['run']}"]


def _tell_next(summary: Mapping[str, Any]) -> None:
    """Explain the last row of the table, and show the commands to type next."""
    run = shlex.quote(str(summary["run"]))
    constant = "best constant: the least loss of one prediction for all rows; a model that has learned is below it"
    for line in output.wrapped(constant):
        output.say(line)
    output.say(f"next:\n  bpcli evaluate {run}\n  bpcli plot {run} --output curves.png\n  bpcli predict {run} DATA")
