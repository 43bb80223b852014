"""`bpcli predict`: a row of predictions for every row of a table."""

import csv
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bpcli.api.predictions import prediction_names, predictions
from bpcli.api.thresholds import check_two_classes
from bpcli.commands import Command, option, output
from bpcli.commands.option_groups import PATH, PATH_OR_STDIN, RowName, format_option, precision_option
from bpcli.datasets.large import is_large
from bpcli.datasets.preparation.fitted import Prepared
from bpcli.datasets.preparation.prepared_blocks import PreparedBlocks
from bpcli.datasets.reading import READERS, read_files
from bpcli.datasets.table import Table, is_number
from bpcli.errors import DataError, NotFiniteError, UsageError, meant, several
from bpcli.text.notation import cell, csv_line, json_text, number
from bpcli.training.model import Model
from bpcli.training.run import load_model

DATA_FORMAT = option(
    "Data",
    "--data-format",
    type=RowName(lambda: ["auto", *READERS]),
    default="auto",
    help="The format of the data. [default: by extension, or as training was told]",
)


def source_of(data: Path, model: Model) -> Table | Path:
    """The file of a DATA argument, or for `-` the table on stdin, read as the training data were."""
    if str(data) != "-":
        return data
    files = model.files(Path("<stdin>"))
    return read_files(replace(files, format="csv" if files.format == "auto" else files.format), sys.stdin.buffer)


@click.command(cls=Command)
@click.argument("model", type=PATH)
@click.argument("data", type=PATH_OR_STDIN)
@option(
    "Columns",
    "--keep",
    multiple=True,
    metavar="COLUMNS",
    help="Columns of DATA to print in front, separated by commas; repeats.",
)
@option("Columns", "--safe-csv", is_flag=True, help="An apostrophe before cells that a spreadsheet takes for formulas.")
@option(
    "Threshold",
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="P",
    help="Of two classes, predict the positive one where its probability is at least P.",
)
@DATA_FORMAT
@format_option("csv")
@precision_option()
def command(
    model: Path,
    data: Path,
    keep: tuple[str, ...],
    safe_csv: bool,
    threshold: float | None,
    data_format: str,
    format_: str,
    precision: int | None,
) -> None:
    """Predict a row for every row of DATA (a file, or - for CSV on stdin), in order.

    MODEL is a run folder or its model.npz. Prints the kept columns, `prediction`, and p(CLASS) where there are classes.

    \b
    bpcli predict runs/iris data/iris.csv
    bpcli predict runs/cells new.csv --keep id > predictions.csv
    """
    if safe_csv and format_ != "csv":
        raise UsageError(f"--safe-csv is of CSV, and --format {format_} is asked for", "take one of them")
    loaded = load_model(model)
    if data_format != "auto":
        loaded = replace(loaded, data_format=data_format)
    if threshold is not None:
        check_two_classes(loaded)
        loaded = replace(loaded, threshold=threshold)
    predicted = prediction_names(loaded)
    source = source_of(data, loaded)
    by_blocks = isinstance(source, Path) and format_ != "text" and not (keep and format_ == "json")
    blocks: Iterable[tuple[Table, Prepared]]
    if by_blocks and is_large([loaded.files(data)]):
        blocks = PreparedBlocks(loaded.preparation, loaded.files(data), with_target=False)
    else:
        table = read_files(loaded.files(source)) if isinstance(source, Path) else source
        blocks = [(table, loaded.preparation.apply(table, with_target=False))]
        _note(blocks[0][1].remarks)
    seen = 0
    for table, prepared in blocks:
        kept = _kept(table, keep, predicted)
        columns = predictions(loaded, loaded.z(prepared.X))
        names, rows = [*kept, *predicted], zip(*kept.values(), *columns, strict=True)
        if format_ == "json":
            as_they_stand = {name: table.values(name) for name in kept}
            for index, row in enumerate(rows):
                record = dict(zip(names, row, strict=True)) | {n: column[index] for n, column in as_they_stand.items()}
                # Kept columns stay as they are: --precision is for predictions.
                rounded = {n: float(number(record[n], precision)) for n in predicted if isinstance(record[n], float)}
                output.emit_data(json_text(record | rounded))
        elif format_ == "csv":
            if not seen:
                output.emit_data(_csv_line(names, None, safe_csv))
            for row in rows:
                output.emit_data(_csv_line(row, precision, safe_csv))
        else:
            for line in output.aligned([names, *([cell(value, precision) for value in row] for row in rows)]):
                output.emit(line)
        _check_finite(columns, seen)
        seen += table.rows
    if isinstance(blocks, PreparedBlocks):
        _note(blocks.remarks)


def _note(remarks: Iterable[str]) -> None:
    for text in remarks:
        output.note(text)


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # how one begins for a spreadsheet


def _csv_line(values: Iterable[Any], precision: int | None, safe: bool) -> str:
    """A record; a `safe` one has an apostrophe before text that begins as a formula does, and is no number."""
    if safe:
        values = [f"'{v}" if isinstance(v, str) and v.startswith(_FORMULA) and not is_number(v) else v for v in values]
    return csv_line(values, precision)


def columns_to_keep(keep: Sequence[str]) -> list[str]:
    """The names that `--keep` gives, separated by commas; a name with a comma is given in quotes."""
    return [part.strip() for line in csv.reader(keep, skipinitialspace=True) for part in line if part.strip()]


def _kept(table: Table, keep: Sequence[str], predicted: Sequence[str]) -> dict[str, list[str]]:
    """The cells of the kept columns, unchanged."""
    kept: dict[str, list[str]] = {}
    for name in columns_to_keep(keep):
        if name not in table.names:
            raise DataError(
                f"{table.path} has no column {name!r} to keep",
                meant(name, table.names, f"its columns are {several(map(repr, table.names))}"),
            )
        if name in predicted:
            raise UsageError(f"--keep {name}: the prediction has a column of this name itself", "rename it in the data")
        kept[name] = table.as_they_stand(name)
    return kept


def _check_finite(columns: list[list[Any]], before: int = 0) -> None:
    from math import isfinite

    for column in columns:
        if isinstance(column[0], float) and not all(map(isfinite, column)):
            row = next(i for i, value in enumerate(column) if not isfinite(value))
            raise NotFiniteError(f"the prediction of row {before + row + 1} is not finite")
