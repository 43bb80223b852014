"""Mistakes that people make on the command line, and the words to type instead: one table, read after an error."""

import os
import re
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from shlex import quote
from typing import NamedTuple

import click

from bpcli.errors import BpcliError
from bpcli.lecture.inputs import INPUTS

GRADIENTS = ("grad", "hessian", "eval", "descend", "plot")  # of one expression
EXPRESSIONS = (*GRADIENTS, "jacobian", "check")
OF_CONFIGS = ("train", "cv", "sweep")
OF_MODELS = ("predict", "evaluate", "inspect", "report", "export")

_COMMANDS = {
    **dict.fromkeys(["fit", "run", "learn"], "train"),
    **dict.fromkeys(["test", "score", "eval_model"], "evaluate"),
    **dict.fromkeys(["gradient", "diff", "derivative", "derive", "d"], "grad"),
    **dict.fromkeys(["gradcheck", "verify", "grade"], "check"),
    **dict.fromkeys(["optimize", "minimize", "gd", "sgd"], "descend"),
    **dict.fromkeys(["visualize", "draw", "show"], "plot"),
    **dict.fromkeys(["new", "create", "config", "template"], "init"),
    **dict.fromkeys(["calc", "calculate", "value"], "eval"),
    **dict.fromkeys(["backward", "forward", "chain"], "backprop"),
    **dict.fromkeys(["weights", "coefficients", "summary"], "inspect"),
    **dict.fromkeys(["exercises", "quiz", "task", "tasks"], "exercise"),
    **dict.fromkeys(["version"], "--version"),
}
"""Commands as other tools call them."""

_KEYS = {"lr": "training.learning_rate", "batch": "training.batch_size", "optim": "training.optimizer"}
"""Options of other trainers, whose name is no key."""

_URL = re.compile(r"https?://\S+")
_DIGIT_COMMA_DIGIT = re.compile(r"\d,\d")


class Line(NamedTuple):
    """A command line that failed: the command, its arguments, its options, and the options that it does not have.

    `commands` are the names of all commands.
    """

    command: str
    words: list[str]
    options: dict[str, str | None]
    unknown: list[str]
    message: str
    commands: Sequence[str]


class Mistake(NamedTuple):
    """A row: the commands that it applies to, () for all, and a function that gives the words to type, or ""."""

    commands: Sequence[str]
    instead: Callable[[Line], str]


def _again(line: Line, words: Sequence[str], **options: str) -> str:
    """The same command line with other arguments, and with these options added."""
    kept = {name: value for name, value in line.options.items() if name not in line.unknown}
    parts = ["bpcli", line.command, *map(quote, words)]
    for name, value in {**kept, **{f"--{name}": value for name, value in options.items()}}.items():
        parts += [name] if value is None else [name, quote(value)]
    return " ".join(parts)


# What a word is


def _is_table(word: str) -> bool:
    name = word.lower().removesuffix(".gz")
    if not re.search(r"[\w-]\.[a-z]+$|-ubyte$", name):
        return False
    from bpcli.datasets.reading import READERS

    return any(name.endswith(reader.extensions) for reader in READERS.values())


def _is_run(word: str) -> bool:
    return os.path.isfile(os.path.join(word, "model.npz")) or os.path.basename(word) == "model.npz"


def _is_value(word: str) -> bool:
    """Whether it is a point: numbers alone, or `x=1`."""
    from bpcli.calculus.points.values import parse_value

    for part in re.split(r"[A-Za-z_]\w*\s*=(?!=)", word):
        try:
            if part.strip(" ,"):
                parse_value(part.strip(" ,"))
        except BpcliError:
            return False
    return bool(word.strip())


def _expressions_in(word: str) -> list[str]:
    """The expressions separated by commas outside of brackets; [] if one of them can't be parsed."""
    from bpcli.calculus.checks.answer_text import split
    from bpcli.calculus.language.parser import parse

    parts = [part.strip() for part in split(word, ",")]
    try:
        for part in parts:
            parse(part)
    except BpcliError:
        return []
    return parts


# The mistakes


def _help(line: Line) -> str:
    asked = {"-h", "-help", "-?", "/?"} & {line.command, *line.words, *line.options}
    known = line.command in line.commands
    return f"the help is bpcli {f'{line.command} ' if known else ''}--help" if asked else ""


def _command(line: Line) -> str:
    if line.command in line.commands:
        return ""
    if line.command in _COMMANDS and "did you mean" not in line.message:
        return f"did you mean bpcli {_COMMANDS[line.command]}?"
    if not line.command.isidentifier() and len(_expressions_in(line.command)) == 1:
        return _again(line._replace(command="grad", unknown=[]), [line.command, *line.words])
    return ""


def _url(line: Line) -> str:
    url = next((word for word in [*line.words, *line.options.values()] if word and _URL.fullmatch(word)), "")
    if not url:
        return ""
    if line.command in ("predict", "evaluate"):
        run = next((word for word in line.words if word != url), "RUN")
        return f"curl -s {quote(url)} | bpcli {line.command} {quote(run)} -"
    return f"curl -sO {quote(url)} fetches {quote(url.rsplit('/', 1)[-1] or 'it')}; then give that file"


def _key(line: Line) -> str:
    from bpcli.training.config.keys import KEYS

    for option in line.unknown:
        name = option.removeprefix("--").replace("-", "_")
        paths = [path for path in KEYS if path == name or path.rpartition(".")[2] == name]
        path = _KEYS.get(name) or (paths[0] if len(paths) == 1 else "")
        value = line.options[option]
        if path and value is not None:
            return _again(line, line.words or ["CONFIG"], set=f"{path}={value}")
    settings = [word for word in line.words[1:] if re.fullmatch(r"[\w.]+=.*", word)]
    return _again(line, line.words[:1], set=settings[0]) if settings else ""


def _table_for_config(line: Line) -> str:
    word = next((word for word in line.words[:1] if _is_table(word) and not _is_run(word)), "")
    if not word:
        return ""
    config = f"{Path(word).name.split('.')[0]}.yaml"
    return f"bpcli init --data {quote(word)} > {quote(config)} writes a config for it; then bpcli train {quote(config)}"


def _run_for_config(line: Line) -> str:
    word = next((word for word in line.words[:1] if _is_run(word)), "")
    folder = Path(word).parent if word.endswith(".npz") else Path(word)
    return _again(line, [str(folder / "config.yaml"), *line.words[1:]]) if word else ""


def _order(line: Line) -> str:
    if len(line.words) == 2 and not _is_run(line.words[0]) and _is_run(line.words[1]):
        return _again(line, line.words[::-1])
    if len(line.words) == 1 and _is_table(line.words[0]):
        return _again(line, ["RUN", line.words[0]])
    return ""


def _to_stdout(line: Line) -> str:
    name = next((option for option in line.unknown if option in ("--output", "--out")), "")
    return f"{_again(line, line.words)} > {quote(line.options[name] or 'FILE')}" if name else ""


def _several_expressions(line: Line) -> str:
    word = line.words[0] if line.words else ""
    if len(line.words) != 1 or _DIGIT_COMMA_DIGIT.search(word):
        return ""
    parts = _expressions_in(word)
    command = line.command if line.command == "check" else "jacobian"
    return _again(line._replace(command=command), parts) if len(parts) > 1 else ""


def _point(line: Line) -> str:
    """`grad "x**2+y**2" 1,2`, `--at 1 2`, `x**2 + y` without quotes, `--x 3`."""
    expression, *rest = line.words or [""]
    if expression in INPUTS:
        return ""
    if rest and all(map(_is_value, rest)):
        at = line.options.get("--at")
        return _again(line, [expression], at=",".join(word.strip(",") for word in [at or "", *rest] if word))
    joined = " ".join(line.words)
    if rest and line.command in GRADIENTS and len(_expressions_in(joined)) == 1:
        return _again(line, [joined])
    named = {option[2:]: line.options[option] for option in line.unknown if option[2:].isidentifier()}
    if named and expression and _expressions_in(expression) and _names(expression) >= set(named):
        return _again(line, line.words, at=",".join(f"{name}={value}" for name, value in named.items()))
    return ""


def _names(expression: str) -> set[str]:
    from bpcli.calculus.language.parser import parse
    from bpcli.calculus.language.tree import names_in

    return set(names_in(parse(expression)))


def _no_expression(line: Line) -> str:
    """A run or a table where an expression belongs."""
    word = line.words[0] if line.words else ""
    if _is_run(word):
        if line.command == "check":
            return _run_for_config(line)
        if line.command == "plot":
            return ""
        return f"a run has weights of its own: bpcli evaluate {quote(word)}, or bpcli inspect {quote(word)}"
    return _table_for_config(line)


def _layer(line: Line) -> str:
    from bpcli.formulas.activations import ACTIVATIONS
    from bpcli.formulas.layers import LAYERS
    from bpcli.formulas.losses import LOSSES

    example = "--x 1,2 --w 0.5,-0.3 --b 0.1 --y 1"
    word = line.words[0] if line.words else ""
    if word in LAYERS:
        inputs = line.words[1:]
        values = dict(zip([name for name in "xwby" if f"--{name}" not in line.options], inputs, strict=False))
        return _again(line, [word], **values) if inputs else ""
    if word in ACTIVATIONS or word in LOSSES:
        return f"bpcli backprop neuron --{'activation' if word in ACTIVATIONS else 'loss'} {word} {example}"
    if word and not os.path.exists(word):
        return f"there is one layer, a neuron or softmax: bpcli backprop neuron {example}"
    return ""


def _data(line: Line) -> str:
    return _again(line, [], data=line.words[0]) if len(line.words) == 1 and "--data" not in line.options else ""


def _lacking(line: Line) -> str:
    """An option without its value, or one that is missing."""
    examples = {"--at": "--at 1,2", "--mine": '--mine "2*x"', "--lr": "--lr 0.1", "--logits": "--logits 1,2,3"}
    found = re.search(r"(?i:option '(--[\w-]+)' requires an argument|missing option '(--[\w-]+)')", line.message)
    example = examples.get(found[1] or found[2], "") if found else ""
    return f"for example {example}" if example else ""


MISTAKES = (
    Mistake((), _help),
    Mistake((), _command),
    Mistake((), _url),
    Mistake(OF_CONFIGS, _key),
    Mistake((*OF_CONFIGS, "validate"), _table_for_config),
    Mistake((*OF_CONFIGS, "validate"), _run_for_config),
    Mistake(("predict", "evaluate", "report"), _order),
    Mistake((*OF_MODELS, *EXPRESSIONS), _to_stdout),
    Mistake(EXPRESSIONS, _no_expression),
    Mistake(EXPRESSIONS, _point),
    Mistake(EXPRESSIONS, _several_expressions),
    Mistake(("backprop",), _layer),
    Mistake(("init",), _data),
    Mistake((), _lacking),
)
"""The rows in order; the first that gives words is used."""


def instead_of(arguments: Sequence[str], message: str, group: click.Group) -> str:
    """What to type instead of a command line that failed with this message; "" if no row of the table applies."""
    line = _line(arguments, message, group)
    for commands, instead in MISTAKES:
        if (not commands or line.command in commands) and (found := instead(line)):
            return found
    return ""


def with_whole_urls(arguments: Sequence[str], text: str) -> str:
    """A message with the `//` of its URLs, of which a path keeps only one slash."""
    for word in arguments:
        for url in _URL.findall(word):
            text = text.replace(str(Path(url)), url)
    return text


def _line(arguments: Sequence[str], message: str, group: click.Group) -> Line:
    own = [*takewhile(lambda word: word.startswith("--"), arguments)]  # bpcli's own options, before the command
    command, *rest = arguments[len(own) :] or [""]
    context = click.Context(group)
    known = _options(group.get_command(context, command), context)
    words, options, unknown = [], dict[str, str | None](), []
    at = 0
    while at < len(rest):
        word, at = rest[at], at + 1
        if not word.startswith("--") or word == "--":
            words += [word] * (word != "--")
            continue
        name, equals, value = word.partition("=")
        takes = known.get(name, at < len(rest) and not rest[at].startswith("--"))
        if not equals and takes and at < len(rest):
            value, at = rest[at], at + 1
        options[name] = value if equals or takes else None
        unknown += [name] * (name not in known)
    return Line(command, words, options, unknown, message, group.list_commands(context))


def _options(command: click.Command | None, context: click.Context) -> dict[str, bool]:
    """The options of a command, and whether each takes a value."""
    return {
        name: not parameter.is_flag
        for parameter in (command.get_params(context) if command else [])
        if isinstance(parameter, click.Option)
        for name in parameter.opts
    }
