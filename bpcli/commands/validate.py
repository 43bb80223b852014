"""`bpcli validate`: every mistake in a config and its data, each with its line."""

from pathlib import Path

import click

from bpcli.commands import Command, output
from bpcli.commands.activity import activity, reading_any
from bpcli.commands.option_groups import PATH, SET
from bpcli.training.validation import validated


@click.command(cls=Command)
@click.argument("config", type=PATH)
@SET
def command(config: Path, settings: tuple[str, ...]) -> None:
    """Check CONFIG and the data it names without training: every mistake, each with its file, line and column.

    \b
    bpcli validate configs/iris.yaml
    """
    with activity(reading_any):
        training = validated(config, settings, "--set")
    for text in training.notes:
        output.note(text)
    model = training.model
    rows = ", ".join(f"{len(part.y)} {name}" for name, part in training.parts.items())
    output.emit(
        f"{config}: {model.kind}, loss {model.loss_in_words}, {model.w.size + model.b.size} parameters on "
        f"{len(model.w)} features; rows: {rows}"
    )
