"""Options that several commands have, each under its heading; choices and settings are read from the tables."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bpcli.commands import OUTPUT, Command, Option, option
from bpcli.errors import UsageError
from bpcli.formulas.activations import ACTIVATIONS, Activation
from bpcli.formulas.losses import LOSSES, Loss

if TYPE_CHECKING:
    NameChoice = click.Choice[str]
else:
    NameChoice = click.Choice  # which takes no type before click 8.2

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("text", "json", "csv")
TEXT_DIGITS = 4  # of the numbers in tables of text
DOUBLE_DIGITS = 17  # with which any two doubles differ
MOST_DIGITS = 10_000  # that --certify may be asked for

PATH = click.Path(path_type=Path, readable=False)


class Within(click.FloatRange):
    """A number within a range; NaN, which click's own type lets through, is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; a usage error where it is not in the range."""
        found: float = super().convert(value, param, ctx)
        if found != found:
            self.fail(f"{found} is not in the range {self._describe_range()}", param, ctx)
        return found


PATH_OR_STDIN = click.Path(path_type=Path, allow_dash=True, readable=False)


def together(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Several options as one decorator, in this order."""

    def add(function: F) -> F:
        for each in reversed(options):
            function = each(function)
        return function

    return add


# Output


def format_option(default: str = "text", formats: Sequence[str] = FORMATS) -> Callable[[F], F]:
    """The option `--format`."""
    help_ = "How results are printed."
    choice = click.Choice(formats)
    return option(OUTPUT, "--format", "format_", type=choice, default=default, show_default=True, help=help_)


def precision_option(most: int = DOUBLE_DIGITS, tables: bool = False) -> Callable[[F], F]:
    """The option `--precision`; with `tables`, text is printed as tables of few digits."""
    usual = f"{TEXT_DIGITS} in the tables of text, else " if tables else ""
    help_ = f"Round to N significant digits. [default: {usual}the shortest decimal that reads back as the same double]"
    return option(OUTPUT, "--precision", type=click.IntRange(1, most), metavar="N", help=help_)


FORCE = option(OUTPUT, "--force", is_flag=True, help="Replace an existing FILE.")
SET = option(
    "Config", "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Set a key of the config; repeats."
)

JOBS = option(
    "Run",
    "--jobs",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="Share the trainings among N processes; the results are the same.",
)


def trainings_options() -> Callable[[F], F]:
    """The options of commands that run many trainings and print a table of them."""
    quiet = option(OUTPUT, "--quiet", is_flag=True, help="No progress.")
    return together(JOBS, quiet, format_option(), precision_option(tables=True))


# Rows of tables


class RowName(NameChoice):
    """The name of a row of a table; a row that is added later is a choice, too."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self._names = names
        super().__init__(list(names()))

    @property
    def choices(self) -> tuple[str, ...]:
        """The names of the rows that the table has now."""
        return tuple(self._names())

    @choices.setter
    def choices(self, _: Any) -> None:
        """Ignore the list that click.Choice stores."""


INPUTS_HEADING = "Inputs"


class SettingsCommand(Command):
    """A command with an option for each setting of the activations and losses, such as `--slope` of leaky_relu."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The options, and those of the rows that the tables have now."""
        known = super().get_params(ctx)
        taken = {name for parameter in known for name in parameter.opts}
        return [*known, *(o for o in setting_options() if not taken & set(o.opts))]


def setting_options() -> list[click.Option]:
    """An option for each setting of a row."""
    users: dict[str, list[str]] = {}
    rows: list[Activation | Loss] = [*ACTIVATIONS.values(), *LOSSES.values()]
    for row in rows:
        for setting, bounds in row.settings.items():
            users.setdefault(setting, []).append(f"{row.name} [default: {bounds.default:g}]")
    return [
        Option([f"--{setting}"], heading=INPUTS_HEADING, metavar="A", help=f"For {', '.join(rows)}.")
        for setting, rows in users.items()
    ]


def with_settings(name: str | None, rows: Mapping[str, Any], given: dict[str, Any]) -> Any:
    """The choice of a row with its settings, which are removed from `given`."""
    if name is None:
        return None
    settings = {key: given.pop(key) for key in rows[name].settings if key in given}
    return {"name": name, **settings} if settings else name


def refuse_other_format(file: Path, format_: str, by_extension: Mapping[str, str]) -> None:
    """UsageError if the extension of a file to write is that of another format."""
    said = by_extension.get(file.suffix.removeprefix(".").lower(), format_)
    if said != format_:
        raise UsageError(f"--output {file} is {said}, and --format {format_} is asked for", f"--format {said}")


def pair(
    text: str | None, option: str, unit: str, least: float, most: float, example: str
) -> tuple[float, float] | None:
    """The two numbers of a size such as `6x4.5`; UsageError for others."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)[x×](\d{1,6}(?:\.\d{1,6})?)", text)
    if match is None or not all(least <= float(side) <= most for side in match.groups()):
        raise UsageError(
            f"{option} {text}: expected two numbers of {unit}, each from {least:g} to {most:g}", f"{option} {example}"
        )
    return float(match[1]), float(match[2])
