"""`bpcli train`: run a training, print its epochs, write its run folder."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bpcli.commands import Command, Terminated, output
from bpcli.errors import CheckError
from bpcli.files import staged_folder
from bpcli.notation import cell, csv_line, json_text
from bpcli.training.config import dump_config, load_config
from bpcli.training.run import RUN_FILES, save_run
from bpcli.training.trainer import Training, prepare


@click.command(cls=Command)
@click.argument("config", type=click.Path(path_type=Path, readable=False))
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Set a key of the config; repeats.")
@click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path, readable=False),
    metavar="DIR",
    help="The run folder to write.",
)
@click.option("--force", is_flag=True, help="Replace an existing run, once the new one is whole.")
@click.option("--quiet", is_flag=True, help="No epochs, no progress: only the summary.")
@output.format_option()
@output.precision_option()
def command(
    config: Path,
    settings: tuple[str, ...],
    folder: Path | None,
    force: bool,
    quiet: bool,
    format_: str,
    precision: int | None,
) -> None:
    """Train the model that CONFIG describes, print its epochs and write the run folder.

    \b
    bpcli train configs/iris.yaml
    bpcli train configs/iris.yaml --set training.learning_rate=0.01 --output runs/slow
    """
    settled = load_config(config, settings)
    if folder is not None:
        settled = replace(settled, output=folder)
    with staged_folder(
        settled.output, RUN_FILES, force, "--force to replace it, or --output DIR for another"
    ) as staging:
        training = prepare(settled)
        for text in training.notes:
            output.note(text)
        records = _progress(training.epochs(), settled.training.epochs, quiet)
        try:
            _print_epochs(records, format_, precision, quiet)
        except (KeyboardInterrupt, Terminated):
            output.note(
                f"stopped in epoch {len(training.records) + 1}: nothing is saved, an earlier run stays as it was"
            )
            raise
        summary = training.summary()
        if force and os.path.exists(settled.output):
            _refuse_broken(summary)
        history = [csv_line(flat(training.records[0])), *(csv_line(flat(r).values()) for r in training.records)]
        save_run(staging, dump_config(settled), training.model, "\n".join(history) + "\n", summary)
    _print_summary(training, summary, format_, precision, quiet)


def _refuse_broken(summary: Mapping[str, Any]) -> None:
    """CheckError rather than let a model that is no better than a constant take the place of a run."""
    if not summary["train"]["loss"] < summary["best_constant_loss"]:
        raise CheckError(
            f"the new model is no better than a constant (loss {cell(summary['train']['loss'], 6)}, best constant "
            f"{cell(summary['best_constant_loss'], 6)}), so the run that was there stays",
            "--output DIR to look at it all the same",
        )


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its inner mappings spread out, `validation.loss` for `{"validation": {"loss": …}}`."""
    result: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            result |= {f"{key}.{name}": inner for name, inner in value.items()}
        else:
            result[key] = value
    return result


def _progress(records: Iterable[dict[str, Any]], epochs: int, quiet: bool) -> Iterator[dict[str, Any]]:
    """The records, behind a bar on stderr if that is a terminal."""
    from tqdm import tqdm

    with tqdm(records, total=epochs, unit="epoch", disable=quiet or not sys.stderr.isatty(), leave=False) as bar:
        for record in bar:
            bar.set_postfix_str(f"loss {record['loss']:.4g}", refresh=False)
            yield record


def _print_epochs(records: Iterable[dict[str, Any]], format_: str, precision: int | None, quiet: bool) -> None:
    for record in records:
        if quiet:
            continue
        columns = flat(record)
        first = record["epoch"] == 1
        if format_ == "json":
            _write(json_text({"event": "epoch", **record}, precision))
        elif format_ == "csv":
            if first:
                _write(csv_line(columns))
            _write(csv_line(columns.values(), precision))
        else:
            if first:
                _write(_columns(columns))
            _write(_columns(cell(value, precision) for value in columns.values()))


def _columns(cells: Iterable[str]) -> str:
    first, *rest = cells
    return f"{first:>6}" + "".join(f"  {text:<22}" for text in rest).rstrip()


def _write(line: str) -> None:
    """A line on stdout that does not run into the progress bar when both go to one terminal."""
    if sys.stderr.isatty() and sys.stdout.isatty():
        from tqdm import tqdm

        tqdm.write(line)
    else:
        try:
            output.emit(line)
            sys.stdout.flush()
        except BrokenPipeError:  # `| head` has read enough; the training goes on
            output.discard_stdout()


def _print_summary(
    training: Training, summary: Mapping[str, Any], format_: str, precision: int | None, quiet: bool
) -> None:
    loss, constant = summary["train"]["loss"], summary["best_constant_loss"]
    if not loss < constant:
        output.warning(
            f"the model is no better than a constant: its loss on the training rows is {cell(loss, 6)}, that of the "
            f"best constant prediction {cell(constant, 6)}; try another training.learning_rate or more epochs"
        )
    if format_ == "json":
        output.emit(json_text(summary, precision))
    elif format_ == "text":
        if not quiet:
            output.emit("")
        for line in summary_lines(training, summary, precision):
            output.emit(line)


def summary_lines(training: Training, summary: Mapping[str, Any], precision: int | None) -> list[str]:
    """The summary as a table: a row for each part and for the best constant prediction, then where the run is."""
    parts = {name: summary[name] for name in training.parts}
    columns = [name for name, value in parts["train"].items() if not isinstance(value, list | dict)]
    rows = [["", *columns]]
    rows += [[name, *(cell(part[c], precision) for c in columns)] for name, part in parts.items()]
    blank = [""] * (len(columns) - 2)
    rows.append(["best constant", "", cell(summary["best_constant_loss"], precision), *blank])
    return [*output.aligned(rows), f"run: {summary['run']}"]
