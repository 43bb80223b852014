"""The command line: the group of commands, imported when they run, and the options under their headings."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

import click

from bpcli.errors import ExpressionError, meant, nearest

F = TypeVar("F", bound=Callable[..., Any])


class Listed(NamedTuple):
    """A command in the help.

    Under mpiexec all processes run it if `together`, else the first one alone. One that `streams` results ends when
    their reader ends, as `head` does; the others go on to their exit code and their files.
    """

    about: str  # what it does
    page: str  # its reference page
    together: bool = False
    streams: bool = False


# Heading of the help: {name: command}. The module bpcli.commands.NAME has the command; it is imported only when the
# command runs or shows its help.
_GROUPS: dict[str, dict[str, Listed]] = {
    "Train": {
        "train": Listed("Train a model from a YAML config.", "training", together=True),
        "predict": Listed(
            "Predictions of a trained model, a row for every row.", "training", together=True, streams=True
        ),
        "evaluate": Listed("The loss and the metrics of a trained model.", "training", together=True),
        "cv": Listed("The metrics of a config by cross-validation, fold by fold.", "selection", together=True),
        "sweep": Listed("Try combinations of settings, and train the best one.", "selection", together=True),
        "compare": Listed("Runs compared on the same rows, with intervals of the differences.", "selection"),
        "export": Listed("A trained model for other programs: SQL, Python, C, JavaScript, ONNX, weights.", "exporting"),
        "init": Listed("A commented config to start from.", "training"),
        "validate": Listed("Every mistake in a config, each with its line.", "config"),
        "schema": Listed("The JSON Schema of the config, for editors.", "config"),
    },
    "Calculate": {
        "eval": Listed("The value of an expression.", "calculator", streams=True),
        "grad": Listed("The gradient of an expression, a row.", "calculator", streams=True),
        "jacobian": Listed("The Jacobian of expressions, or of a function of the lecture.", "calculator", streams=True),
        "hessian": Listed("The Hessian of an expression.", "calculator", streams=True),
        "descend": Listed("Gradient descent on an expression, step by step.", "calculator", streams=True),
    },
    "Check & teach": {
        "check": Listed("A derivative against difference quotients, or yours against the exact one.", "grading"),
        "backprop": Listed("The chain of Jacobians of a neuron or a softmax layer.", "chain"),
        "exercise": Listed("Tasks of the lecture with worked solutions, and a key to grade by.", "exercises"),
    },
    "Show": {
        "plot": Listed("A picture of a function and its gradient, or of a trained model.", "plots"),
        "report": Listed("One self-contained HTML page on a trained model.", "training"),
        "inspect": Listed("The weights of a trained model, by feature and class.", "training"),
        "help": Listed("The reference pages, by topic.", ""),
    },
}
COMMANDS = {name: row for group in _GROUPS.values() for name, row in group.items()}


DEBUG = "bpcli.debug"  # the key in the context's meta


def _remember_debug(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.meta[DEBUG] = True


OUTPUT, OTHER = "Output", "Other"


class Option(click.Option):
    """An option that stands under a heading of the help."""

    def __init__(self, *args: Any, heading: str = OTHER, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.heading = heading


def option(heading: str, *names: str, **attributes: Any) -> Callable[[F], F]:
    """As `click.option`, under a heading."""
    return click.option(*names, cls=Option, heading=heading, **attributes)


def _eager_flag(name: str, callback: Callable[[click.Context, click.Parameter, bool], None], text: str) -> Option:
    return Option([name], is_flag=True, is_eager=True, expose_value=False, callback=callback, help=text)


def _debug_option() -> Option:
    return _eager_flag("--debug", _remember_debug, "Show the traceback of an error.")


def _options_under_headings(command: click.Command, context: click.Context, formatter: click.HelpFormatter) -> None:
    """The options by heading, in the order of the command's file: the most used first."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context)):
            groups.setdefault(getattr(parameter, "heading", OTHER), []).append(record)
    for heading in sorted(groups, key=lambda heading: (heading == OTHER, heading == OUTPUT)):
        with formatter.section(heading):
            formatter.write_dl(groups[heading])


def _nearest_choice(error: click.UsageError) -> str:
    """The advice on a value that is none of an option's choices; empty for other errors."""
    type_ = error.param.type if isinstance(error, click.BadParameter) and error.param else None
    word, is_choice, _ = error.message.partition(" is not one of ")
    return meant(word.strip("'"), map(str, type_.choices)) if isinstance(type_, click.Choice) and is_choice else ""


_LONE = "an expression that begins with -- is given after a lone --"


class Command(click.Command):
    """A command without one-letter options, so that an argument may begin with a minus: `bpcli grad "-x**2"`."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.ignore_unknown_options = True
        self.meant = ""  # the hint for a word such as -at, which may be --at or an expression
        self.params.append(_debug_option())

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The options under their headings."""
        _options_under_headings(self, context, formatter)

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """Refuse unknown `--options`; anything else that begins with a minus is a value."""
        options = {name: p for p in self.get_params(context) if isinstance(p, click.Option) for name in p.opts}
        self.meant = ""
        values = iter(arguments)
        for argument in values:
            if argument == "--":
                break
            name, equals, _ = argument.partition("=")
            if not name.startswith("--"):
                if f"-{name}" in options and len(name) > 2:
                    self.meant = f"did you mean -{name}?"
                continue
            if name not in options:
                argument = self.params[0].metavar or ""
                close = nearest(name[2:], [option[2:] for option in options])
                hint = f"did you mean --{close}?" if close else _LONE if "EXPR" in argument else ""
                text = f"there is no option {name}"
                raise click.UsageError(f"{text}\n  {hint}" if hint else text, ctx=context)
            if not equals and not options[name].is_flag and next(values, None) in options:
                # In --output --force the value is missing: --force is no folder.
                raise click.BadOptionUsage(name, f"option '{name}' requires an argument", context)
        try:
            return super().parse_args(context, arguments)
        except click.UsageError as error:
            lines = filter(None, [error.format_message().removesuffix("."), _nearest_choice(error), self.meant])
            raise click.UsageError("\n  ".join(lines), context) from None

    def invoke(self, context: click.Context) -> Any:
        """Run the command; if an expression can't be read, and it may be an option with one minus, say so."""
        try:
            return super().invoke(context)
        except ExpressionError as error:
            error.hint = self.meant or error.hint
            raise


class NoCommandError(click.UsageError):
    """`bpcli` without arguments: the message is the help."""

    def format_message(self) -> str:
        """The help of the group."""
        return self.ctx.get_help() if self.ctx else ""


class LazyGroup(click.Group):
    """The group of `COMMANDS`; a command's module is imported when it is needed."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """Without arguments the help is shown as an error of usage."""
        if not arguments and not context.resilient_parsing:
            raise NoCommandError("no command", ctx=context)
        return super().parse_args(context, arguments)

    def list_commands(self, context: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import the command's module; None for a name that is not in the table."""
        if name not in COMMANDS:
            return None
        page = COMMANDS[name].page
        command: click.Command = import_module(f"bpcli.commands.{name}").command
        command.epilog = f"More: bpcli help {page}" if page else None
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """For an unknown command, offer the nearest one."""
        name = arguments[0]
        if name not in COMMANDS and not name.startswith("--"):
            close = nearest(name, COMMANDS)
            hint = f"did you mean '{close}'?" if close else f"the commands are {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command '{name}': {hint}", ctx=context)
        return super().resolve_command(context, arguments)

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The table under its headings, without importing a command; then the options."""
        for heading, group in _GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl([(name, row.about) for name, row in group.items()])
        _options_under_headings(self, context, formatter)


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        from bpcli import __version__

        click.echo(f"bpcli {__version__}")
        context.exit()


@click.group(
    cls=LazyGroup,
    no_args_is_help=False,
    params=[_eager_flag("--version", _print_version, "The version."), _debug_option()],
)
def cli() -> None:
    """Train a neuron or a softmax model, and evaluate gradients and Jacobians, from the shell.

    \b
    bpcli grad "x**2+y**2" --at 1,2
    bpcli jacobian softmax --logits 1,2,3
    bpcli train configs/iris.yaml
    bpcli help
    """
