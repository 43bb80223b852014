"""`bpcli sweep`: try combinations of settings, rank them, and train the best one."""

from math import isfinite
from pathlib import Path
from typing import Any

import click

from bpcli.api.model_sweep import Sweep, sweep
from bpcli.commands import Command, option, output
from bpcli.commands.option_groups import PATH, SET, TEXT_DIGITS, trainings_options
from bpcli.commands.shared_trainings import led_by_first_rank
from bpcli.errors import DataError, NotFiniteError
from bpcli.stop_signals import Terminated
from bpcli.text.notation import csv_line, json_text


@click.command(cls=Command)
@click.argument("config", type=PATH)
@option(
    "Settings", "--try", "tries", multiple=True, metavar="KEY=A,B,C", help="Values of a key, or log:LO:HI:N; repeats."
)
@SET
@option("Choice", "--folds", type=int, metavar="K", help="Choose by cross-validation, not by the validation rows.")
@option("Choice", "--metric", default="loss", show_default=True, metavar="M", help="Choose by this metric.")
@option("Choice", "--one-se", is_flag=True, help="Choose the simplest one within one standard error of the best.")
@option("Run", "--output", "folder", type=PATH, metavar="DIR", help="The folder to write. [default: runs/CONFIG-sweep]")
@option("Run", "--resume", is_flag=True, help="Go on from the saved state; start if there is none.")
@trainings_options()
@led_by_first_rank
def command(
    config: Path,
    tries: tuple[str, ...],
    settings: tuple[str, ...],
    folds: int | None,
    metric: str,
    one_se: bool,
    folder: Path | None,
    resume: bool,
    jobs: int,
    quiet: bool,
    format_: str,
    precision: int | None,
) -> None:
    """Train CONFIG with every combination of the values to try, rank them, and train the best on all training rows.

    \b
    bpcli sweep configs/iris.yaml --try training.l2=0,0.1 --try training.seed=0,1
    bpcli sweep configs/diabetes.yaml --try training.l2=log:1e-3:1:4 --folds 5
    bpcli sweep configs/hinge.yaml --try training.l2=0,0.1 --folds 5 --one-se
    """
    try:
        with output.progress_bar(quiet, desc="trainings", unit="") as bar:
            found = sweep(
                config,
                tries,
                folds=folds,
                metric=metric,
                one_se=one_se,
                settings=settings,
                jobs=jobs,
                output=folder,
                resume=resume,
                progress=output.counting(bar),
            )
    except (KeyboardInterrupt, Terminated):
        output.note("stopped; the same command with --resume goes on from the saved state of the trainings")
        raise
    output.notes(found.notes)
    for text in found.troubles:
        output.warning(text)
    for line in _lines(found, one_se, format_, precision):
        output.emit_data(line)
    if format_ == "text":
        output.emit(f"\n{found.path}: results.csv" + (", best" if any(c.run for c in found.combinations) else ""))
    if not any(c.run for c in found.combinations):
        if not found.troubles:
            name = found.combinations[0].metric
            raise DataError(f"{name} has no value on these rows, so that nothing can be chosen by it", "--metric loss")
        raise NotFiniteError(
            "no combination could be trained: each diverged" if len(found.troubles) > 1 else found.troubles[0],
            "a smaller training.learning_rate, or data.standardize: true",
        )
    if any(c.run and c.mean is not None and not isfinite(c.mean) for c in found.combinations):
        raise NotFiniteError(f"the {found.combinations[0].metric} of the best combination is not finite")


def _lines(found: Sweep, one_se: bool, format_: str, precision: int | None) -> list[str]:
    """A line for each combination, the best first; text marks the best and the simplest."""
    if format_ == "json":
        return [json_text(c.record(), precision) for c in found.combinations]
    if format_ == "csv":
        return [csv_line(row, precision) for row in found.rows()]
    first = found.combinations[0]
    folds = any(c.std is not None for c in found.combinations)
    rows: list[list[Any]] = [[*first.settings, first.metric, *["std"] * folds, ""]]
    for k, c in enumerate(found.combinations):
        choices = ["best"] if not k and c.mean is not None and c.mean == c.mean else []
        choices += ["simplest within one SE"] if one_se and c.run is not None else []
        rows.append([*c.cells(), c.mean, *[c.std] * folds, ", ".join(choices)])
    leaves = [key.rpartition(".")[2] for key in first.settings]
    return output.table(rows, precision or TEXT_DIGITS, leaves if len({*leaves}) == len(leaves) else ())
