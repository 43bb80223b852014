"""`bpcli exercise`: tasks of the lecture with worked solutions, and the key that `check` grades a class by."""

from pathlib import Path

import click

from bpcli.api.answer_keys import key_text
from bpcli.api.exercises import LEVELS, SHEETS, exercise
from bpcli.commands import OUTPUT, Command, option, output
from bpcli.commands.option_groups import FORCE, PATH, refuse_other_format
from bpcli.errors import UsageError
from bpcli.files import refuse_overwrite, write_atomically
from bpcli.lecture.exercise_sheets import Task, record, solution_text
from bpcli.text.notation import json_text

TASKS = "Tasks"
_EXTENSIONS = {"txt": "text", "tex": "latex", "md": "markdown", "json": "json", "jsonl": "json", "xml": "moodle"}


@click.command(cls=Command)
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@option(
    TASKS, "--count", type=click.IntRange(1, 1000), metavar="N", help="How many in all. [default: one of each NAME]"
)
@option(TASKS, "--seed", type=int, default=0, show_default=True, metavar="S", help="The same seed, the same tasks.")
@option(
    TASKS,
    "--level",
    type=click.IntRange(LEVELS[0], LEVELS[-1]),
    default=LEVELS[0],
    show_default=True,
    metavar="L",
    help="1: few numbers; 2: more; 3: mini-batches and all blocks.",
)
@option(
    OUTPUT,
    "--format",
    "format_",
    type=click.Choice(["text", "markdown", "latex", "json", "moodle"]),
    default="text",
    help="How tasks and solutions are written; moodle is its XML. [default: by FILE's extension, else text]",
)
@option(OUTPUT, "--output", "sheet", type=PATH, metavar="FILE", help="Write the tasks to FILE.")
@option(OUTPUT, "--key", type=PATH, metavar="FILE", help="Write the key to FILE, for check --key.")
@FORCE
@click.pass_context
def command(
    context: click.Context,
    names: tuple[str, ...],
    count: int | None,
    seed: int,
    level: int,
    format_: str,
    sheet: Path | None,
    key: Path | None,
    force: bool,
) -> None:
    """Tasks of the lecture with short numbers, each with its worked solution.

    NAME is gradient, update, chain, or a function of the lecture, such as softmax: its Jacobian.

    \b
    bpcli exercise gradient softmax chain --level 2
    bpcli exercise update --count 10 --format latex --output s.tex --key key.jsonl
    bpcli check --key key.jsonl --mine @ada.txt
    """
    if sheet is not None:
        if context.get_parameter_source("format_") is click.core.ParameterSource.DEFAULT:
            format_ = _format_by_extension(sheet)
        refuse_other_format(sheet, format_, _EXTENSIONS)
    if sheet is not None and key is not None and sheet.resolve() == key.resolve():
        raise UsageError(f"--output and --key both name {key}", "give the sheet and the key a file each")
    for path in (sheet, key):
        if path is not None and not force:
            refuse_overwrite(path)
    tasks = exercise(*names, count=count, seed=seed, level=level)
    _write(sheet, SHEETS[format_](tasks) if format_ in SHEETS else "".join(map(_json_line, tasks)), force)
    if key is not None:
        _write(key, key_text(tasks), force)


def _format_by_extension(sheet: Path) -> str:
    """The format of a sheet by its extension, text if it has none; UsageError for an unknown extension."""
    extension = sheet.suffix.removeprefix(".").lower()
    if extension and extension not in _EXTENSIONS:
        known = ", ".join(f".{name}" for name in _EXTENSIONS)
        hint = f"name it with one of {known}; or --format"
        raise UsageError(f"--output {sheet}: its extension names no format", hint)
    return _EXTENSIONS.get(extension, "text")


def _json_line(task: Task) -> str:
    return json_text({**record(task), "solution": "\n".join(solution_text(task))}) + "\n"


def _write(path: Path | None, text: str, force: bool) -> None:
    if path is None:
        output.emit(text.removesuffix("\n"))
    else:
        write_atomically(path, lambda file: file.write(text.encode()), force)
