"""Options whose choices are the rows of a table, as it is when they are used."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from bpcli.commands import Command
from bpcli.formulas.activations import ACTIVATIONS, Activation
from bpcli.formulas.losses import LOSSES, Loss

if TYPE_CHECKING:
    NameChoice = click.Choice[str]
else:
    NameChoice = click.Choice  # which takes no type before click 8.2


class RowName(NameChoice):
    """The name of a row of a table; a row that is added later is a choice, too."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self._names = names
        super().__init__(list(names()))

    @property
    def choices(self) -> tuple[str, ...]:
        """The names, as they are now."""
        return tuple(self._names())

    @choices.setter
    def choices(self, _: Any) -> None:
        """What click.Choice remembers of them is not asked for."""


class SettingsCommand(Command):
    """A command with an option for each setting of the activations and losses, such as `--slope` of leaky_relu."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The options, with those of the tables as they are now."""
        known = super().get_params(ctx)
        taken = {name for parameter in known for name in parameter.opts}
        place = next((i for i, parameter in enumerate(known) if parameter.name == "format_"), len(known))
        return [*known[:place], *(o for o in setting_options() if not taken & set(o.opts)), *known[place:]]


def setting_options() -> list[click.Option]:
    """An option for each setting of a row."""
    users: dict[str, list[str]] = {}
    rows: list[Activation | Loss] = [*ACTIVATIONS.values(), *LOSSES.values()]
    for row in rows:
        for setting, bounds in row.settings.items():
            users.setdefault(setting, []).append(f"{row.name} [default: {bounds.default:g}]")
    return [
        click.Option([f"--{setting}"], metavar="A", help=f"Of {', '.join(rows)}.") for setting, rows in users.items()
    ]


def with_settings(name: str | None, rows: Mapping[str, Any], given: dict[str, Any]) -> Any:
    """The choice of a row with those of the given settings that are its own, which are taken out of `given`."""
    if name is None:
        return None
    settings = {key: given.pop(key) for key in rows[name].settings if key in given}
    return {"name": name, **settings} if settings else name
