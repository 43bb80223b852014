"""`bpcli evaluate`: the loss and the metrics of a model on data with a target."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import click

from bpcli.api.decision import check_two_classes, save_threshold, with_threshold
from bpcli.api.predicted_rows import STDIN
from bpcli.api.predictions import Scores, own_data, scores, shared_scores, trained_on
from bpcli.commands import Command, option, output
from bpcli.commands.activity import activity, reading
from bpcli.commands.collective import check_same_inputs, ranks_of_job, with_ranks_from
from bpcli.commands.option_groups import PATH, PATH_OR_STDIN, TEXT_DIGITS, format_option, precision_option
from bpcli.commands.predict import DATA_FORMAT, source_of
from bpcli.datasets.reading import read_files
from bpcli.datasets.share import WHOLE, Gathering
from bpcli.datasets.table import Table, with_target
from bpcli.errors import CheckError, DataError, NotFiniteError, UsageError, nearest
from bpcli.ranks import Ranks
from bpcli.text.notation import csv_line, json_text, number
from bpcli.training.metrics import METRICS, beyond_doubles, metrics_of
from bpcli.training.model import Model
from bpcli.training.named_data import PARTS
from bpcli.training.run import load_model, model_path
from bpcli.training.thresholds import threshold_rule
from bpcli.training.thresholds import thresholds as all_thresholds


@click.command(cls=Command)
@click.argument("model", type=PATH)
@click.argument("data", type=PATH_OR_STDIN, required=False)
@option("Rows", "--split", type=click.Choice(PARTS), help="Rows of the run: those trained on, or held out.")
@option("Rows", "--target", type=PATH, metavar="FILE", help="The target, if not a column of DATA.")
@option(
    "Threshold",
    "--threshold",
    metavar="P|RULE",
    help="Predict the positive class from P on: a number, or f1, youden, cost=FN:FP, the best on these rows.",
)
@option("Threshold", "--thresholds", is_flag=True, help="Print the figures at each threshold.")
@option("Threshold", "--set-threshold", is_flag=True, help="Write the threshold into the model; the weights stay.")
@option(
    "Limits",
    "--fail-under",
    multiple=True,
    metavar="METRIC=VALUE",
    help="Exit with 1 if the metric is below the value; repeats.",
)
@option(
    "Limits",
    "--fail-over",
    multiple=True,
    metavar="METRIC=VALUE",
    help="Exit with 1 if the metric is above the value; repeats.",
)
@DATA_FORMAT
@format_option()
@precision_option(tables=True)
@with_ranks_from(lambda given: ranks_of_job(alone=str(given["data"]) == STDIN))
def command(
    model: Path,
    data: Path | None,
    split: str | None,
    target: Path | None,
    threshold: str | None,
    thresholds: bool,
    set_threshold: bool,
    fail_under: tuple[str, ...],
    fail_over: tuple[str, ...],
    data_format: str,
    format_: str,
    precision: int | None,
    ranks: Ranks,
) -> None:
    """The loss and the metrics of MODEL on DATA; without DATA on its validation rows, or else those it was trained on.

    \b
    bpcli evaluate runs/iris data/iris.csv
    bpcli evaluate runs/cells --split test --fail-under auc=0.9
    bpcli evaluate runs/cells --threshold cost=5:1 --set-threshold
    """
    limits = [_limit("--fail-under", text) for text in fail_under] + [_limit("--fail-over", text) for text in fail_over]
    if set_threshold and threshold is None:
        raise UsageError("--set-threshold writes the value of --threshold, which is not given", "--threshold cost=5:1")
    wanted = None if threshold is None else threshold_rule(threshold)
    loaded = load_model(model)
    read = [model_path(model), *(path for path in (data, target) if path is not None)]
    check_same_inputs(ranks, read, {"threshold": threshold, "split": split, "data_format": data_format})
    if data_format != "auto":
        loaded = replace(loaded, data_format=data_format)
    for name in (limit.metric for limit in limits):
        if loaded.preparation.task not in METRICS[name].tasks:
            has = metrics_of(loaded.preparation.task)
            raise UsageError(f"{name}: this model has no such metric", f"it has {', '.join(has)}")
    for limit in limits:
        _check_direction(limit)
    if wanted is not None or thresholds:
        check_two_classes(loaded)
    if data is not None:
        with activity(reading([data])):
            z, y, notes = _from_data(loaded, model, data, split, target, ranks)
    else:
        z, y, notes = _from_run(loaded, model, split, target, ranks)
    for text in notes:
        output.note(text)
    if not len(y):
        raise DataError("there are no rows to evaluate")
    decided = loaded
    if wanted is not None:
        decided = with_threshold(loaded, wanted, z, y)
        if not isinstance(wanted, float):
            output.note(f"the threshold {number(decided.threshold)} is the best for {threshold} on these {len(y)} rows")
    result = decided.measure_z(z, y)
    table = all_thresholds(decided.probabilities(z)[:, 1], y == 1).columns() if thresholds else {}
    for line in _lines(result, table, format_, precision):
        output.emit(line) if format_ == "text" else output.emit_data(line)
    _check(result, limits)
    if set_threshold and not ranks.rank:  # only if all limits hold
        save_threshold(model, loaded, decided.threshold)


_OPTIONS = {True: "--fail-under", False: "--fail-over"}


class _Limit(NamedTuple):
    metric: str
    value: float
    under: bool  # whether the metric may not be below the value; else not above


def _limit(option: str, text: str) -> _Limit:
    """The limit of a text such as `auc=0.9` after an option."""
    name, equals, value = text.partition("=")
    name, under = name.strip(), option == _OPTIONS[True]
    if name not in METRICS:
        names = [metric for metric, row in METRICS.items() if row.higher_is_better is under]
        close = nearest(name, names)
        raise UsageError(
            f"{option} {text}: expected METRIC=VALUE with one of {', '.join(names)}",
            f"did you mean {close}={value or '0.9'}?" if close else "",
        )
    if not equals:
        raise UsageError(f"{option} {text}: expected METRIC=VALUE", f"{option} {name}=0.9")
    try:
        limit = float(value)
    except ValueError:
        limit = float("nan")
    if limit != limit:
        raise UsageError(f"{option} {text}: {value!r} is not a number", f"{option} {name}=0.9")
    return _Limit(name, limit, under)


def _check_direction(limit: _Limit) -> None:
    """UsageError for a lower limit on a metric of which less is better, or an upper one on another."""
    more = METRICS[limit.metric].higher_is_better
    if limit.under is not more:
        asked = f"{limit.metric}={number(limit.value)}"
        message = f"{_OPTIONS[limit.under]} {asked}: of {limit.metric} {'more' if more else 'less'} is better"
        raise UsageError(message, f"{_OPTIONS[more]} {asked}")


def _from_data(model: Model, path: Path, data: Path, split: str | None, target: Path | None, ranks: Ranks) -> Scores:
    if split is not None:
        raise UsageError("--split takes rows of the data the model was trained on, so there can be no DATA with it")

    def read(share: Gathering) -> Table:
        table = read_files(model.files(data), share=share)
        return table if target is None else with_target_of(table, target, share)

    def with_target_of(table: Table, target: Path, share: Gathering = WHOLE) -> Table:
        other = read_files(replace(model.files(target), like=data), share=share)
        joined = with_target(table, other, model.preparation.target)
        if share.size > 1:
            joined.agree(share)
        return joined

    found = shared_scores(model, model.files(data), read, ranks) if ranks.size > 1 else None
    if found is None:
        source = source_of(data, model)
        if target is not None:
            source = with_target_of(read_files(model.files(source)) if isinstance(source, Path) else source, target)
        found = scores(model, source)
    found.remarks.extend(trained_on(path, data, ranks))
    return found


def _from_run(loaded: Model, model: Path, split: str | None, target: Path | None, ranks: Ranks) -> Scores:
    if target is not None:
        raise UsageError("--target goes with DATA")
    parts = own_data(model, loaded, [split] if split else list(PARTS), ranks=ranks).parts
    if split and split not in parts:
        raise UsageError(f"this run held out no {split} rows", f"data.{split} in its config would; or give a DATA file")
    part = split or ("validation" if "validation" in parts else "train")
    remarks = ["these are the rows the model was trained on"] if part == "train" and not split else []
    if part == "validation" and not split:
        remarks = ["these are the validation rows of the run; --split takes others"]
    return Scores(loaded.z(parts[part].X), parts[part].y, remarks)


def _lines(
    result: Mapping[str, Any], thresholds: Mapping[str, Any], format_: str, precision: int | None
) -> Iterator[str]:
    rows = list(zip(*(column.tolist() for column in thresholds.values()), strict=True))
    if format_ == "json":
        more = {"thresholds": [dict(zip(thresholds, row, strict=True)) for row in rows]} if thresholds else {}
        yield json_text({**result, **more}, precision)
        return
    plain = {name: value for name, value in result.items() if not isinstance(value, list | dict)}
    if format_ == "csv":
        shown = [list(thresholds), *rows] if thresholds else [list(plain), list(plain.values())]
        yield from (csv_line(row, precision) for row in shown)
        return
    digits = precision or TEXT_DIGITS
    yield from output.table(
        [["metric", "value"], *([n, "nan" if v is None else v] for n, v in plain.items() if n != "threshold" or v)],
        digits,
    )
    if "per_class" in result:
        names = list(result["per_class"])
        keys = list(result["per_class"][names[0]])
        yield ""
        yield from output.table(
            [["class", *keys], *([name, *(result["per_class"][name][key] for key in keys)] for name in names)], digits
        )
        yield ""
        yield from output.table(
            [
                ["true \\ predicted", *names],
                *([name, *row] for name, row in zip(names, result["confusion"], strict=True)),
            ]
        )
    if thresholds:
        yield ""
        yield from output.table([list(thresholds), *rows], digits)


def _check(result: Mapping[str, Any], limits: Sequence[_Limit]) -> None:
    """NotFiniteError for a metric that is not finite, CheckError for one that is undefined or beyond its limit."""
    if metric := beyond_doubles(result):
        raise NotFiniteError(f"the {metric} is not finite")
    wrong = []
    for name, limit, under in limits:
        value = result[name]
        if value is None or not (value >= limit if under else value <= limit):
            found = "undefined" if value is None else number(value)
            wrong.append(f"{name} is {found}, {'under' if under else 'over'} {number(limit)}")
    if wrong:
        raise CheckError("; ".join(wrong))
