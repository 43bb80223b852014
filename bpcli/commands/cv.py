"""`bpcli cv`: the metrics of a config by cross-validation, each fold's, their mean and standard deviation."""

from pathlib import Path
from typing import Any

import click

from bpcli.api.selection import cross_validate, fold_name
from bpcli.commands import Command, option, output
from bpcli.commands.option_groups import PATH, SET, TEXT_DIGITS, trainings_options
from bpcli.commands.shared_trainings import led_by_first_rank
from bpcli.errors import NotFiniteError
from bpcli.text.notation import json_text
from bpcli.training.config.loading import load_config
from bpcli.training.metrics import METRICS, beyond_doubles


@click.command(cls=Command)
@click.argument("config", type=PATH)
@option("Folds", "--folds", type=int, default=5, show_default=True, metavar="K", help="The number of folds.")
@option("Folds", "--repeat", type=int, default=1, show_default=True, metavar="N", help="Repeat with other folds.")
@SET
@trainings_options()
@led_by_first_rank
def command(
    config: Path,
    folds: int,
    repeat: int,
    settings: tuple[str, ...],
    jobs: int,
    quiet: bool,
    format_: str,
    precision: int | None,
) -> None:
    """Cross-validate CONFIG: for each fold, train on the others and measure on it. No run is written.

    \b
    bpcli cv configs/iris.yaml
    bpcli cv configs/iris.yaml --folds 10 --repeat 3 --set training.l2=0.01
    """
    settled = load_config(config, settings, "--set", in_folds=True)
    with output.progress_bar(quiet, desc="trainings", unit="") as bar:
        found = cross_validate(settled, folds=folds, repeat=repeat, jobs=jobs, progress=output.counting(bar))
    output.notes(found.notes)
    if format_ == "json":
        for record in found.folds:
            output.emit_data(json_text({"event": "fold", **record}, precision))
        done = {"event": "done", "folds": len(found.folds), "mean": found.mean, "std": found.std}
        output.emit_data(json_text(done, precision))
    else:
        ends: list[dict[str, Any]] = [{"fold": "mean", **found.mean}, {"fold": "std", **found.std}]
        names = list(found.folds[0])
        if format_ == "text":  # one repetition needs no number
            names = [n for n in names if (n in METRICS and METRICS[n].in_summary) or n in ("fold", "rows")]
            names = ["repeat"] * (repeat > 1) + names
        rows: list[list[Any]] = [[*names], *([record.get(name) for name in names] for record in [*found.folds, *ends])]
        if format_ == "csv":
            output.emit_csv(rows, precision)
        else:
            output.emit_table(rows, precision or TEXT_DIGITS)
    if found.troubles:
        raise NotFiniteError("\n  ".join(found.troubles), "a smaller training.learning_rate, or data.standardize: true")
    for record in found.folds:
        if metric := beyond_doubles(record):
            name = fold_name(record["repeat"] - 1, record["fold"] - 1, repeat)
            raise NotFiniteError(f"{name}: the {metric} is not finite")
