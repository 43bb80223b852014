"""`bpcli init`: a commented config to start from."""

import os
from pathlib import Path

import click

from bpcli.commands import OUTPUT, Command, option, output
from bpcli.commands.activity import activity, reading_any
from bpcli.commands.option_groups import FORCE, PATH
from bpcli.commands.predict import DATA_FORMAT
from bpcli.datasets.dialect import USUAL
from bpcli.datasets.discovery import decide_words, discovered
from bpcli.datasets.reading import Files, read_files
from bpcli.datasets.table import only_column, with_target
from bpcli.errors import UsageError
from bpcli.files import refuse_overwrite, write_atomically
from bpcli.formulas.layers import LAYERS
from bpcli.paths import matching
from bpcli.text.yaml12 import yaml_text
from bpcli.training.config.keys import DIALECT_KEYS
from bpcli.training.config.suggestion import guessed_target, remarks_on, suggest
from bpcli.training.config.template import Entry, template, write


@click.command(cls=Command)
@option("Model", "--model", type=click.Choice(list(LAYERS)), help="The kind of model; else by the target.")
@option("Data", "--data", type=PATH, metavar="FILE", help="The table to write the config for.")
@option("Data", "--target", metavar="NAME", help="The column to predict; else guessed.")
@option("Data", "--target-path", type=PATH, metavar="FILE", help="The target, if it has a file of its own.")
@DATA_FORMAT
@option(OUTPUT, "--output", "file", type=PATH, metavar="FILE", help="Write the config to FILE.")
@FORCE
def command(
    model: str | None,
    data: Path | None,
    target: str | None,
    target_path: Path | None,
    data_format: str,
    file: Path | None,
    force: bool,
) -> None:
    """Print a commented config, or write it to a FILE; with --data one that trains on that table as it stands.

    Notes on stderr say what it leaves out or reads specially. Paths are relative to FILE; without FILE, to the current
    folder: save the config there.

    \b
    bpcli init --data data/breast_cancer.csv --target diagnosis > cells.yaml
    bpcli train cells.yaml
    """
    if file is not None and file.resolve() in {path.resolve() for path in (data, target_path) if path is not None}:
        raise UsageError(f"--output {file} is the data itself, which the config would replace", "--output config.yaml")
    if file is not None and not force:
        refuse_overwrite(file)
    if data is None:
        for name, given in (("--target", target), ("--target-path", target_path)):
            if given is not None:
                raise UsageError(f"{name} goes with --data FILE, which is not given")
        text = template(model or next(iter(LAYERS)))
    else:
        text = _draft(model, data, target, target_path, data_format, file)
    if file is None:
        output.emit_data(text.rstrip("\n"))
    else:
        try:
            content = text.encode()
        except UnicodeEncodeError as error:
            raise UsageError("the name of a file here is not UTF-8, and a config can't hold it") from error
        write_atomically(file, lambda opened: opened.write(content), force)


def _draft(
    model: str | None, data: Path, target: str | None, target_path: Path | None, format_: str, file: Path | None
) -> str:
    """The config for a table, with notes on it."""
    with activity(reading_any):
        table, dialect, notes = discovered(Files(matching(data), format_), target)
    for note in notes:
        output.note(note)
    start = Path() if file is None else file.parent
    paths = {"data.path": Entry(os.path.relpath(data, start))}
    if format_ != "auto":
        paths["data.format"] = Entry(format_)
    if target_path is not None:
        other = read_files(Files(matching(target_path), format_, dialect.for_others(), data))
        target = target or only_column(other, table)
        table = with_target(table, other, target)
        paths["data.target_path"] = Entry(os.path.relpath(target_path, start))
    found = target or guessed_target(table)
    for note in decide_words(table, [found], found) if found in table.names and found else ():
        if note not in notes:
            output.note(note)
    reading = {
        f"data.{key}": Entry(value) for key in DIALECT_KEYS if (value := getattr(dialect, key)) != getattr(USUAL, key)
    }
    chosen = {**paths, **reading, **suggest(table, target, model)}
    name = "THIS_FILE" if file is None else file
    header = f"For {yaml_text(data.name)}: {table.rows} rows, {len(table.names)} columns. Now: bpcli train {name}"
    for note in remarks_on(chosen):
        output.note(note)
    return write(chosen, header)
