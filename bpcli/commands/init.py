"""`bpcli init`: a commented config to start from."""

import os
from pathlib import Path

import click

from bpcli.commands import Command, option, output
from bpcli.commands.option_groups import PATH
from bpcli.datasets.dialect import USUAL
from bpcli.datasets.discovery import discovered
from bpcli.datasets.reading import Files
from bpcli.errors import UsageError
from bpcli.files import matching
from bpcli.formulas.layers import LAYERS
from bpcli.text.yaml12 import yaml_text
from bpcli.training.config.keys import DIALECT_KEYS
from bpcli.training.config.suggestion import suggest
from bpcli.training.config.template import Entry, template, write


@click.command(cls=Command)
@option("Model", "--model", type=click.Choice(list(LAYERS)), help="The kind of model; else by the target.")
@option("Data", "--data", type=PATH, metavar="FILE", help="The table to write the config for.")
@option("Data", "--target", metavar="NAME", help="The column to predict; else guessed.")
def command(model: str | None, data: Path | None, target: str | None) -> None:
    """Print a commented config on stdout; with --data one that trains on that table as it stands.

    The path of the table is written relative to where you are: save the config there.

    \b
    bpcli init --data data/breast_cancer.csv --target diagnosis > cells.yaml
    bpcli train cells.yaml
    """
    if data is None:
        if target is not None:
            raise UsageError("--target names a column of --data FILE, which is not given")
        text = template(model or next(iter(LAYERS)))
    else:
        table, dialect, notes = discovered(Files(matching(data)), target)
        for note in notes:
            output.note(note)
        reading = {
            f"data.{key}": Entry(value)
            for key in DIALECT_KEYS
            if (value := getattr(dialect, key)) != getattr(USUAL, key)
        }
        chosen = {"data.path": Entry(os.path.relpath(data)), **reading, **suggest(table, target, model)}
        header = (
            f"For {yaml_text(data.name)}: {table.rows} rows, {len(table.names)} columns. Now: bpcli train THIS_FILE"
        )
        text = write(chosen, header)
    output.emit_data(text.rstrip("\n"))
