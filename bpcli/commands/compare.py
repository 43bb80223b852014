"""`bpcli compare`: runs on the same rows, with a paired interval of each difference to the best."""

from dataclasses import asdict
from math import isfinite
from pathlib import Path

import click

from bpcli.api.model_comparison import compare
from bpcli.api.predictions import trained_on
from bpcli.commands import Command, option, output
from bpcli.commands.activity import activity, reading_any
from bpcli.commands.option_groups import PATH, TEXT_DIGITS, format_option, precision_option
from bpcli.errors import NotFiniteError, UsageError
from bpcli.text.notation import json_text
from bpcli.training.run import is_finished, model_path, summary_rows


@click.command(cls=Command)
@click.argument("runs", type=PATH, nargs=-1, required=True, metavar="RUN...")
@option("Rows", "--data", type=PATH, metavar="FILE", help="Rows for all runs, instead of those in their configs.")
@option("Rows", "--split", type=click.Choice(["validation", "test"]), help="Rows that training held out.")
@option("Comparison", "--metric", default="loss", show_default=True, metavar="M", help="Compare by this metric.")
@option("Comparison", "--seed", type=int, default=0, show_default=True, metavar="N", help="Seed of the bootstrap.")
@format_option()
@precision_option(tables=True)
def command(
    runs: tuple[Path, ...],
    data: Path | None,
    split: str | None,
    metric: str,
    seed: int,
    format_: str,
    precision: int | None,
) -> None:
    """Measure RUNs on the same rows, with a 95 % interval of each difference to the best.

    \b
    bpcli compare runs/iris runs/slow --metric accuracy
    bpcli compare runs/iris runs/slow --data data/iris.csv
    """
    if data is not None and split is not None:
        raise UsageError("--split takes rows of the data the runs were trained on, so there can be no --data with it")
    part = split or "validation"
    if data is None and split is None:
        folders = [model_path(run).parent for run in runs]
        if all(is_finished(folder) and summary_rows(folder, part) is None for folder in folders):
            part = "train"
            output.note("these are the rows the runs were trained on: they have no validation rows")
    with activity(reading_any):
        found = compare(runs, data=data, part=part, metric=metric, seed=seed)
    if data is not None:
        output.notes([note for run in dict.fromkeys(runs) for note in trained_on(run, data, name=str(run))])
    records = [{**asdict(one), "run": str(one.run)} for one in found]
    if format_ == "json":
        for record in records:
            output.emit_data(json_text(record, precision))
    elif format_ == "csv":
        output.emit_csv([records[0], *(record.values() for record in records)], precision)
    else:
        header = ["run", "rows", metric, "difference", "low", "high"]
        rows = [[str(c.run), c.rows, c.value, c.difference, c.low, c.high] for c in found]
        output.emit_table([header, *rows], precision or TEXT_DIGITS)
    for one in found:
        if one.value is not None and not isfinite(one.value):
            raise NotFiniteError(f"{one.run}: the {metric} is not finite")
