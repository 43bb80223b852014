"""`bpcli report`: one self-contained HTML file on a trained model."""

import shlex
from dataclasses import replace
from pathlib import Path

import click

from bpcli.api.reports import report
from bpcli.commands import OUTPUT, Command, option, output
from bpcli.commands.activity import activity, reading
from bpcli.commands.option_groups import FORCE, PATH, PATH_OR_STDIN
from bpcli.commands.predict import DATA_FORMAT, source_of
from bpcli.errors import NotFiniteError, UsageError
from bpcli.files import refuse_overwrite, write_atomically
from bpcli.paths import with_ending
from bpcli.training.metrics import beyond_doubles
from bpcli.training.run import CONFIG, load_model, model_path


@click.command(cls=Command)
@click.argument("model", type=PATH)
@click.argument("data", type=PATH_OR_STDIN, required=False)
@DATA_FORMAT
@option(OUTPUT, "--output", "file", type=PATH, metavar="FILE.html", help="Write to FILE.html.")
@FORCE
def command(model: Path, data: Path | None, data_format: str, file: Path | None, force: bool) -> None:
    """One self-contained HTML page on MODEL (a run folder or its model.npz), to send or to print.

    It has the config, the data and what was left out, the learning curves, metrics, thresholds, calibration, confusion,
    and the weights; measured on DATA or, without it, on the rows of the training.

    \b
    bpcli report runs/cells --output cells.html
    bpcli report runs/iris data/iris.csv --output iris.html
    """
    if file is None:
        raise UsageError("--output says where the report goes", "--output report.html")
    if file.suffix.lower() not in (".html", ".htm"):
        form = f"--output {with_ending(file, '.html', 'report')}"
        raise UsageError(f"--output {file}: a report is written as HTML", form)
    if not force:
        refuse_overwrite(file)
    source = None
    if data is not None:
        loaded = load_model(model)
        source = source_of(data, loaded if data_format == "auto" else replace(loaded, data_format=data_format))
    with activity(reading([data] if data is not None else [])):
        made = report(model, source, data_format=data_format, commands=_commands(model, data, file, data_format))
    for text in made.notes:
        output.note(text)
    write_atomically(file, lambda opened: opened.write(made.html.encode()), force)
    for part, found in made.metrics.items():
        if metric := beyond_doubles(found):
            raise NotFiniteError(f"the {metric} of the {part} rows is not finite")


def _commands(model: Path, data: Path | None, file: Path, data_format: str) -> list[str]:
    """The command that trains this model again, if its config is there, and the one that made the report."""
    config = model_path(model).parent / CONFIG
    train = [["bpcli", "train", str(config), "--output", f"{model_path(model).parent}-again"]]
    given = [] if data is None else [str(data)]
    given += [] if data_format == "auto" else ["--data-format", data_format]
    mine = ["bpcli", "report", str(model), *given, "--output", str(file)]
    return [shlex.join(words) for words in [*(train if config.is_file() else []), mine]]
