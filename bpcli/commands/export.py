"""`bpcli export`: a trained model for other programs."""

import sys
from pathlib import Path

import click

from bpcli.api.exports import TABLE, export
from bpcli.commands import OUTPUT, Command, option
from bpcli.commands.option_groups import FORCE, PATH, RowName, refuse_other_format
from bpcli.commands.predict import columns_to_keep
from bpcli.errors import UsageError
from bpcli.exporting.targets import EXPORTS
from bpcli.files import refuse_overwrite, write_atomically


@click.command(cls=Command)
@click.argument("model", type=PATH)
@option(OUTPUT, "--format", "format_", type=RowName(lambda: EXPORTS), required=True, help="What to write.")
@option(OUTPUT, "--output", "file", type=PATH, metavar="FILE", help="Write to FILE.")
@FORCE
@option("SQL", "--table", default=TABLE, show_default=True, metavar="NAME", help="The table to read, or schema.table.")
@option(
    "SQL",
    "--keep",
    multiple=True,
    metavar="COLUMNS",
    help="Columns of the table to give in front, separated by commas; repeats.",
)
def command(model: Path, format_: str, file: Path | None, force: bool, table: str, keep: tuple[str, ...]) -> None:
    """Write MODEL (a run folder or its model.npz) for other programs: its weights, or code that predicts.

    The code takes the raw columns and prepares them as training did. It contains rows with bpcli's predictions, and
    tests itself by them.

    \b
    bpcli export runs/iris --format python --output iris.py
    bpcli export runs/cells --format sql --table patients --keep id > cells.sql
    """
    target = EXPORTS[format_]
    if not target.queries and (keep or table != TABLE):
        raise UsageError(f"{'--keep' if keep else '--table'} is for SQL, and --format {format_} is asked for")
    if file is not None:
        refuse_other_format(file, format_, {row.extension: name for name, row in EXPORTS.items()})
    if file is not None and not force:
        refuse_overwrite(file)
    if file is None and target.binary and sys.stdout.isatty():
        raise UsageError(f"{format_} is no text for a terminal", "--output FILE")
    content = export(model, format_, table=table, keep=columns_to_keep(keep))
    if file is not None:
        write_atomically(file, lambda opened: opened.write(content), force)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
