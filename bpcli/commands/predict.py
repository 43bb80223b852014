"""`bpcli predict`: a row of predictions for every row of a table."""

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import click

from bpcli.api.decision import check_two_classes
from bpcli.api.explanations import Columns, interval_names, intervals, share_names, shares
from bpcli.api.predicted_rows import STDIN, PredictedRows, format_of_stream
from bpcli.api.predictions import prediction_names
from bpcli.commands import OUTPUT, Command, option, output
from bpcli.commands.activity import Progress, activity, reading
from bpcli.commands.collective import check_same_inputs, ranks_of_job, with_ranks_from
from bpcli.commands.option_groups import FORCE, PATH, PATH_OR_STDIN, RowName, Within, format_option, precision_option
from bpcli.datasets.cells import cell_value, is_number
from bpcli.datasets.reading import READERS, read_files
from bpcli.datasets.result_files import RESULT_FILES
from bpcli.datasets.table import Table
from bpcli.errors import DataError, NotFiniteError, UsageError, meant, several
from bpcli.files import refuse_overwrite, write_atomically
from bpcli.ranks import Ranks
from bpcli.text.notation import cell, csv_line, csv_lines, json_text, number
from bpcli.training.model import Model
from bpcli.training.run import load_model, model_path

DATA_FORMAT = option(
    "Data",
    "--data-format",
    type=RowName(lambda: ["auto", *READERS]),
    default="auto",
    help="The format of the data. [default: by extension, or as in training]",
)


def source_of(data: Path, model: Model) -> Table | Path:
    """The file of a DATA argument, or for `-` the table on stdin, read as the training data were."""
    if str(data) != STDIN:
        return data
    files = replace(model.files(Path("<stdin>")), format=format_of_stream(model))
    return read_files(files, sys.stdin.buffer)


@click.command(cls=Command)
@click.argument("model", type=PATH)
@click.argument("data", type=PATH_OR_STDIN, nargs=-1, required=True)
@option(
    "Columns",
    "--keep",
    multiple=True,
    metavar="COLUMNS",
    help="Columns of DATA to print in front, separated by commas; repeats.",
)
@option(
    "Columns", "--safe-csv", is_flag=True, help="Put an apostrophe before cells that a spreadsheet takes for formulas."
)
@option(
    "Threshold",
    "--threshold",
    type=Within(0, 1, min_open=True, max_open=True),
    metavar="P",
    help="Of two classes, predict the positive one where its probability is at least P.",
)
@option("Why", "--explain", is_flag=True, help="Add w·x of each feature and the bias, which add up to z.")
@option("Why", "--interval", type=float, metavar="LEVEL", help="Add intervals, such as 0.95, of p(CLASS) or the mean.")
@DATA_FORMAT
@format_option("csv")
@precision_option()
@option(OUTPUT, "--output", "file", type=PATH, metavar="FILE", help="Write to FILE: .csv, .json, .npy or .parquet.")
@FORCE
@click.pass_context
@with_ranks_from(lambda given: ranks_of_job(alone=_needs_one_process(given)))
def command(
    context: click.Context,
    model: Path,
    data: tuple[Path, ...],
    keep: tuple[str, ...],
    safe_csv: bool,
    threshold: float | None,
    explain: bool,
    interval: float | None,
    data_format: str,
    format_: str,
    precision: int | None,
    file: Path | None,
    force: bool,
    ranks: Ranks,
) -> None:
    """Predict a row for every row of DATA (files, or - for CSV on stdin), in order.

    MODEL is a run folder or its model.npz. Prints the kept columns, `prediction`, and p(CLASS) where there are classes.
    Each line from a pipe is answered as it comes.

    \b
    bpcli predict runs/iris data/iris.csv
    bpcli predict runs/cells new.csv --keep id > predictions.csv
    bpcli predict runs/cells part-*.csv --output predictions.parquet
    """
    given = context.get_parameter_source("format_") is click.core.ParameterSource.COMMANDLINE
    if file is not None:
        format_ = _format_of(file, format_ if given else None, keep, precision)
        if not force:
            refuse_overwrite(file)
    if safe_csv and format_ != "csv":
        raise UsageError(f"--safe-csv is for CSV, and {format_} is asked for", "take one of them")
    if [str(path) for path in data].count(STDIN) > 1:
        raise UsageError("stdin can be read once, and - stands twice")
    loaded = load_model(model)
    check_same_inputs(ranks, [model_path(model), *data], {"explain": explain, "data_format": data_format})
    if data_format != "auto":
        loaded = replace(loaded, data_format=data_format)
    if threshold is not None:
        check_two_classes(loaded)
        loaded = replace(loaded, threshold=threshold)
    in_parts = format_ != "text" and not (keep and format_ in ("json", "parquet"))
    more = _further_columns(loaded, explain, interval)
    rows = PredictedRows(loaded, data, sys.stdin.buffer, in_parts, [columns for columns, _ in more], ranks)
    nested = [place for _, places in more for place in places]
    found = _Found(rows, prediction_names(loaded), columns_to_keep(keep), precision, nested)
    if ranks.rank:
        found.take_part()
    else:
        _write(found, format_, safe_csv, file, force)
    if not_finite := ranks.from_first(found.not_finite):
        raise NotFiniteError(f"the prediction of row {not_finite} is not finite")


def _needs_one_process(given: Mapping[str, Any]) -> bool:
    """Whether one process has to predict all rows: those of stdin, with kept columns, or with intervals."""
    return STDIN in map(str, given["data"]) or bool(given["keep"]) or given["interval"] is not None


def _write(found: "_Found", format_: str, safe_csv: bool, file: Path | None, force: bool) -> None:
    """Print or write the rows with their predictions."""
    with activity(found.progress, quiet=file is None and sys.stdout.isatty()):
        if file is None:
            for line in found.counted(_LINES[format_](found, safe_csv)):
                (output.emit if format_ == "text" else output.emit_data)(line)
        elif format_ in _LINES:
            lines = found.counted(_LINES[format_](found, safe_csv))
            write_atomically(file, lambda opened: opened.writelines(f"{line}\n".encode() for line in lines), force)
        else:
            first = 1 if format_ == "npy" and len(found.names) > 1 else 0  # an array has the probabilities alone
            RESULT_FILES[format_](file, found.names[first:], (part[first:] for part in found.columns()), force)
    found.note()


def _further_columns(model: Model, explain: bool, level: float | None) -> list[tuple[Columns, list[tuple[str, ...]]]]:
    """The columns of --interval and --explain, and the place of each in a record of JSON."""
    more: list[tuple[Columns, list[tuple[str, ...]]]] = []
    if level is not None:
        if not 0.0 < level < 1.0:
            raise UsageError(f"--interval {level:g}: a level lies between 0 and 1, such as 0.95")
        places = [("interval", *name, end) for name in interval_names(model) for end in ("low", "high")]
        more.append((intervals(model, level), places))
        if model.uncertainty is not None and model.uncertainty.penalised:
            output.note("l2 pulls the weights towards 0; the intervals are centred on the predictions of these weights")
    if explain:
        more.append((shares(model), [("explain", *name) for name in share_names(model)]))
    return more


def _title(place: tuple[str, ...]) -> str:
    """The name of a column: `low(CLASS)`, `wx(FEATURE)`, `wx(CLASS,FEATURE)`."""
    kind, *names = place
    if kind == "explain":
        return f"wx({','.join(names)})"
    *of, end = names
    return f"{end}({of[0]})" if of else end


_FILES = ("csv", "json", *RESULT_FILES)


def _format_of(file: Path, asked: str | None, keep: Sequence[str], precision: int | None) -> str:
    """The format of a file by its extension; UsageError if an option contradicts it."""
    format_ = file.suffix.removeprefix(".").lower()
    if format_ not in _FILES:
        known = ", ".join(f".{name}" for name in _FILES)
        raise UsageError(f"--output {file}: its extension names no format", f"name it with one of {known}")
    if asked not in (None, format_):
        raise UsageError(f"--output {file} is {format_}, and --format {asked} is asked for", "leave out --format")
    if format_ == "npy" and (keep or precision):
        raise UsageError(f"{'--keep' if keep else '--precision'}: an array of doubles holds the predictions alone")
    return format_


class _Lines(NamedTuple):
    """Some lines of a result, joined, and how many they are."""

    text: str
    size: int = 1


class _Found:
    """The rows with their predictions, which are checked, counted and noted on the way to the output.

    `names` are the kept columns, then those of the predictions.
    """

    def __init__(
        self,
        rows: PredictedRows,
        predicted: list[str],
        keep: list[str],
        precision: int | None,
        nested: Sequence[tuple[str, ...]] = (),
    ) -> None:
        self.nested, predicted = nested, [*predicted, *map(_title, nested)]
        self.rows, self.predicted, self.keep, self.precision = rows, predicted, keep, precision
        for name in keep:
            if name in predicted:
                raise UsageError(f"--keep {name}: the prediction has a column of this name itself", "rename it first")
        self.names = [*keep, *predicted]
        self.not_finite = self._seen = self._lines = 0
        self._reading = reading(rows.paths)
        if rows.live is not None:
            self._check(rows.live.head)

    def __iter__(self) -> Iterator[tuple[Table, list[list[Any]]]]:
        for table, columns in self.rows:
            self._check(table)
            self.note()
            yield table, columns
            if self.rows.live is not None:
                output.deliver()
            if not self.not_finite:
                self.not_finite = _first_not_finite(columns, self._seen)
            self._seen += len(columns[0])

    def take_part(self) -> None:
        """On a rank other than the first, read and predict a share of the rows."""
        for _ in self.rows:
            pass

    def counted(self, parts: Iterable[_Lines]) -> Iterator[str]:
        """The text of the parts, whose lines are counted for `progress`."""
        for part in parts:
            self._lines += part.size
            yield part.text

    def progress(self) -> Progress | None:
        """The progress: reading, until the first line is predicted."""
        return Progress("predicting", self._lines, None, " rows") if self._lines else self._reading()

    def columns(self) -> Iterator[list[list[Any]]]:
        """The columns of each table: kept ones unchanged, predictions rounded."""
        for table, columns in self:
            kept = [_as_they_stand(table, name, self.rows.live is not None) for name in self.keep]
            yield [*kept, *([_rounded(v, self.precision) for v in column] for column in columns)]

    def note(self) -> None:
        """Print the remarks that have come since the last call."""
        for text in self.rows.new_remarks():
            output.note(text)

    def _check(self, table: Table) -> None:
        for name in self.keep:
            if name not in table.names:
                raise DataError(
                    f"{table.path} has no column {name!r} to keep",
                    meant(name, table.names, f"its columns are {several(map(repr, table.names))}"),
                )


_CSV_ROWS = 1 << 13


def _csv(found: _Found, safe: bool) -> Iterator[_Lines]:
    header = _Lines(csv_line(_safe(found.names) if safe else found.names))
    if found.rows.live is not None:  # the reader of live results may wait for the header
        yield header
        output.deliver()
    for place, (table, columns) in enumerate(found):
        if place == 0 and found.rows.live is None:
            yield header
        every = [*map(table.as_they_stand, found.keep), *columns]
        every = [*map(_safe, every)] if safe else every
        for first in range(0, len(columns[0]), _CSV_ROWS):  # column by column, of some rows at a time
            lines = [*csv_lines([column[first : first + _CSV_ROWS] for column in every], found.precision)]
            yield _Lines("\n".join(lines), len(lines))


def _json(found: _Found, safe: bool) -> Iterator[_Lines]:
    for columns in found.columns():
        for row in zip(*columns, strict=True):
            plain = len(found.names) - len(found.nested)
            record: dict[str, Any] = dict(zip(found.names[:plain], row, strict=False))
            for (*outer, last), value in zip(found.nested, row[plain:], strict=True):
                inner = record
                for name in outer[:-1] if outer[0] == "interval" else outer:
                    inner = inner.setdefault(name, {})
                if outer[0] == "interval":
                    inner.setdefault(outer[-1], []).append(value)
                else:
                    inner[last] = value
            yield _Lines(json_text(record))


def _text(found: _Found, safe: bool) -> Iterator[_Lines]:
    parts: Iterable[list[Any]] = (
        [*zip(*map(table.as_they_stand, found.keep), *columns, strict=True)] for table, columns in found
    )
    if found.rows.live is None:
        parts = [[row for part in parts for row in part]]
    for place, part in enumerate(parts):  # those of a pipe are aligned as they come
        cells = ([cell(value, found.precision) for value in row] for row in part)
        yield from map(_Lines, output.aligned([found.names, *cells])[place > 0 :])


_LINES = {"csv": _csv, "json": _json, "text": _text}
"""The lines of each format of text."""


def _as_they_stand(table: Table, name: str, one_by_one: bool) -> list[Any]:
    """The cells of a column for JSON: a column of numbers as numbers; of a pipe each cell by itself."""
    return [*map(cell_value, table.as_they_stand(name))] if one_by_one else list(table.values(name))


def _rounded(value: Any, precision: int | None) -> Any:
    return float(number(value, precision)) if precision and isinstance(value, float) else value


def _first_not_finite(columns: list[list[Any]], before: int) -> int:
    """The number of the first row, from 1, with a prediction that is not finite; 0 if there is none."""
    numbers = [column for column in columns if column and isinstance(column[0], float) and not isfinite(sum(column))]
    rows = (next((i for i, v in enumerate(column, 1) if not isfinite(v)), 0) for column in numbers)
    first = next(filter(None, rows), 0)
    return before + first if first else 0


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # how one begins for a spreadsheet


def _safe(values: Sequence[Any]) -> list[Any]:
    """The values, with an apostrophe before text that begins as a formula does, and is no number."""
    return [f"'{v}" if isinstance(v, str) and v.startswith(_FORMULA) and not is_number(v) else v for v in values]


def columns_to_keep(keep: Sequence[str]) -> list[str]:
    """The names that `--keep` gives, separated by commas, each once; a name with a comma is given in quotes."""
    names = [part.strip() for line in csv.reader(keep, skipinitialspace=True) for part in line if part.strip()]
    for name, times in Counter(names).items():
        if times > 1:
            raise UsageError(f"--keep gives {name} twice", f"--keep {','.join(dict.fromkeys(names))}")
    return names
