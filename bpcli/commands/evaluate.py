"""`bpcli evaluate`: the loss and the metrics of a model on data with a target."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bpcli.api.predictions import Scores, parts_of, scores
from bpcli.commands import Command, option, output
from bpcli.commands.option_groups import PATH, PATH_OR_STDIN, format_option, precision_option
from bpcli.commands.predict import DATA_FORMAT, source_of
from bpcli.datasets.reading import read_files
from bpcli.datasets.table import with_target
from bpcli.errors import CheckError, DataError, NotFiniteError, UsageError, nearest
from bpcli.text.notation import cell, csv_line, json_text, number
from bpcli.training.metrics import METRICS, beyond_doubles
from bpcli.training.model import Model
from bpcli.training.run import load_model


@click.command(cls=Command)
@click.argument("model", type=PATH)
@click.argument("data", type=PATH_OR_STDIN, required=False)
@option("Rows", "--split", type=click.Choice(["validation", "test"]), help="The rows that training held out.")
@option("Rows", "--target", type=PATH, metavar="FILE", help="The target, if not a column of DATA.")
@option(
    "Limits",
    "--fail-under",
    multiple=True,
    metavar="METRIC=VALUE",
    help="Exit with 1 if the metric is below the value; repeats.",
)
@DATA_FORMAT
@format_option()
@precision_option()
def command(
    model: Path,
    data: Path | None,
    split: str | None,
    target: Path | None,
    fail_under: tuple[str, ...],
    data_format: str,
    format_: str,
    precision: int | None,
) -> None:
    """The loss and the metrics of MODEL on DATA; without DATA on the rows it was trained on, or on a --split.

    \b
    bpcli evaluate runs/iris data/iris.csv
    bpcli evaluate runs/cells --split test --fail-under auc=0.9
    """
    limits = [_limit(text) for text in fail_under]
    loaded = load_model(model)
    if data_format != "auto":
        loaded = replace(loaded, data_format=data_format)
    if data is not None:
        z, y, notes = _from_data(loaded, data, split, target)
    else:
        z, y, notes = _from_run(loaded, model, split, target)
    for text in notes:
        output.note(text)
    if not len(y):
        raise DataError("there are no rows to evaluate")
    result = loaded.measure_z(z, y)
    for name, _ in limits:
        if name not in result:
            raise UsageError(f"--fail-under {name}: this model has no such metric", f"it has {', '.join(result)}")
    for line in _lines(result, format_, precision):
        output.emit(line)
    _check(result, limits)


def _limit(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    name = name.strip()
    higher = [metric for metric, row in METRICS.items() if row.higher_is_better]
    if name not in higher:
        close = nearest(name, higher)
        raise UsageError(
            f"--fail-under {text}: expected METRIC=VALUE with one of {', '.join(higher)}",
            f"did you mean {close}={value or '0.9'}?" if close else "",
        )
    try:
        limit = float(value)
    except ValueError:
        limit = float("nan")
    if not equals or limit != limit:
        raise UsageError(f"--fail-under {text}: {value!r} is not a number", f"--fail-under {name}=0.9")
    return name, limit


def _from_data(model: Model, data: Path, split: str | None, target: Path | None) -> Scores:
    if split is not None:
        raise UsageError("--split takes rows of the data the model was trained on, so there can be no DATA with it")
    source = source_of(data, model)
    if target is not None:
        table = read_files(model.files(source)) if isinstance(source, Path) else source
        source = with_target(table, read_files(replace(model.files(target), like=data)), model.preparation.target)
    return scores(model, source)


def _from_run(loaded: Model, model: Path, split: str | None, target: Path | None) -> Scores:
    if target is not None:
        raise UsageError("--target goes with DATA")
    part = split or "train"
    parts = parts_of(model, loaded, [part])
    if part not in parts:
        raise UsageError(f"this run held out no {part} rows", f"data.{part} in its config would; or give a DATA file")
    remarks = [] if split else ["these are the rows the model was trained on"]
    return Scores(loaded.z(parts[part].X), parts[part].y, remarks)


def _lines(result: Mapping[str, Any], format_: str, precision: int | None) -> list[str]:
    if format_ == "json":
        return [json_text(result, precision)]
    plain = {name: value for name, value in result.items() if not isinstance(value, list | dict)}
    if format_ == "csv":
        return [csv_line(plain), csv_line(plain.values(), precision)]
    lines = output.aligned(
        [["metric", "value"], *([n, "nan" if v is None else cell(v, precision)] for n, v in plain.items())]
    )
    if "per_class" in result:
        names = list(result["per_class"])
        keys = list(result["per_class"][names[0]])
        rows = [["class", *keys]] + [
            [name, *(cell(result["per_class"][name][key], precision) for key in keys)] for name in names
        ]
        table = [["true \\ predicted", *names]] + [
            [name, *map(str, row)] for name, row in zip(names, result["confusion"], strict=True)
        ]
        lines += ["", *output.aligned(rows), "", *output.aligned(table)]
    return lines


def _check(result: Mapping[str, Any], limits: Sequence[tuple[str, float]]) -> None:
    """NotFiniteError for a metric that is not finite, CheckError for one that is undefined or under its limit."""
    if metric := beyond_doubles(result):
        raise NotFiniteError(f"the {metric} is not finite")
    low = [
        f"{name} is {'undefined' if result[name] is None else number(result[name])}, under {number(limit)}"
        for name, limit in limits
        if result[name] is None or not result[name] >= limit
    ]
    if low:
        raise CheckError("; ".join(low))
