"""Mistakes that people make on the command line, and the words to type instead: one table, read after an error."""

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from shlex import quote
from typing import NamedTuple

import click

from bpcli.commands.expression_mistakes import (
    EXPRESSIONS,
    config_for_model,
    layer,
    no_expression,
    point,
    run_for_config,
    several_expressions,
    table_answer,
)
from bpcli.commands.option_mistakes import (
    OF_CONFIGS,
    OF_MODELS,
    decimal_comma,
    file_as_value,
    lacking_option,
    named_argument,
    no_number,
    other_name,
    output_option,
    rule_of_threshold,
    short_option,
)
from bpcli.commands.typed_words import Answer, Line, again, expressions_in, is_config, is_run, is_table, line_of
from bpcli.formulas.layers import LAYERS

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

_KEYS = {
    "lr": "training.learning_rate",
    "batch": "training.batch_size",
    "optim": "training.optimizer",
    "random_state": "training.seed",
    **dict.fromkeys(["weight_decay", "wd"], "training.l2"),
    **dict.fromkeys(["val_split", "validation_split"], "data.validation"),
    **dict.fromkeys(["test_size", "test_split"], "data.test"),
    "model": "model.type",
    "data": "data.path",
}
"""Options of other trainers, whose name is no key."""


_URL = re.compile(r"https?://\S+")


class Mistake(NamedTuple):
    """A row: the commands that it applies to, () for all, and a function that answers, or gives None."""

    commands: Sequence[str]
    answer: Callable[[Line], Answer | None]


def _help(line: Line) -> Answer | None:
    asked = {"-h", "-help", "-?", "/?"} & {line.command, *line.words, *line.options}
    known = line.command in line.commands
    instead = f"the help is bpcli {f'{line.command} ' if known else ''}--help"
    return Answer(instead, f"there is no option {min(asked)}", 2) if asked else None


def _command(line: Line) -> Answer | None:
    if line.command in line.commands:
        return None
    word = {"-v": "version", "-V": "version"}.get(line.command, line.command)
    if word in _COMMANDS:
        return Answer(f"did you mean bpcli {_COMMANDS[word]}?", f"there is no command '{word}'")
    if is_config(word):
        return Answer(again(line._replace(command="train"), [word, *line.words]), f"{word} is a config, and no command")
    if is_run(word):
        return Answer(
            f"bpcli evaluate {quote(word)}, or bpcli inspect {quote(word)}", f"{word} is a run, and no command"
        )
    if is_table(word):
        return table_answer(word, "and no command")
    if not word.isidentifier() and len(expressions_in(word)) == 1:
        instead = again(line._replace(command="grad", unknown=[]), [word, *line.words])
        return Answer(instead, f"{word} is an expression, and no command")
    return None


def _url(line: Line) -> Answer | None:
    url = next((word for word in [*line.words, *line.options.values()] if word and _URL.fullmatch(word)), "")
    if not url:
        return None
    meaning = f"{url} is an address, and only files are read"
    if line.command in ("predict", "evaluate") and (is_table(url) or line.words[:1] != [url] or len(line.words) == 1):
        run = next((word for word in line.words if word != url and not is_table(word)), "RUN")
        return Answer(f"curl -s {quote(url)} | bpcli {line.command} {quote(run)} -", meaning)
    name = quote(url.rsplit("/", 1)[-1] or "it")
    return Answer(f"curl -sO {quote(url)} fetches {name}; then give that file", meaning)


def _key(line: Line) -> Answer | None:
    from bpcli.training.config.keys import KEYS

    if len(line.words) > 1 and is_table(line.words[1]):
        table = line.words[1]
        return Answer(again(line, line.words[:1], set=f"data.path={table}"), f"{table} is data, which the config names")
    leaves = {path.rpartition(".")[2]: path for path in KEYS}
    for option in line.unknown:
        name = option.removeprefix("--").replace("-", "_")
        options = {known.removeprefix("--").replace("-", "_") for known in line.known}
        close = get_close_matches(name, {*leaves, *options}, 1, 0.8)  # --epoch, but not the word of another key
        near = leaves.get(close[0], "") if close and close[0] not in options else ""
        path = _KEYS.get(name) or leaves.get(name) or near
        value = line.options[option]
        if path:
            several_values = line.command == "sweep" and re.search(r",|^log:", value or "")
            gives, does = ("try", "tries") if several_values else ("set", "changes")
            meaning = f"there is no option {option}; {path} is a key of the config, which --{gives} {does}"
            return Answer(again(line, line.words or ["CONFIG"], **{gives: f"{path}={value or 'VALUE'}"}), meaning)
        if setting := _setting_of_a_row(name, value or "VALUE"):
            meaning = f"there is no option {option}: {name} is a setting of {setting.partition('=')[0]}"
            return Answer(again(line, line.words or ["CONFIG"], set=setting), meaning)
    settings = [word for word in line.words[1:] if re.fullmatch(r"[\w.]+=.*", word)]
    gives = "try" if line.command == "sweep" else "set"
    key = line.options.get(f"--{gives}")
    if len(line.words) > 1 and key and "=" not in key and not settings:
        line = line._replace(given=[pair for pair in line.given if pair != (f"--{gives}", key)])
        setting = f"{key}={','.join(line.words[1:])}"
        return Answer(again(line, line.words[:1], **{gives: setting}), f"a setting is one word, {setting}")
    if settings:
        name, _, value = settings[0].partition("=")
        setting = f"{_KEYS.get(name) or leaves.get(name) or name}={value}"
        return Answer(
            again(line, line.words[:1], **{gives: setting}), f"{settings[0]} is a setting, which --{gives} gives"
        )
    if len(line.words) != 2:
        return None
    word = line.words[1]
    if "--output" in line.known and "--output" not in line.options and not Path(word).is_file():
        return Answer(again(line, line.words[:1], output=word), "one CONFIG is expected; --output names the run folder")
    return None


def _setting_of_a_row(name: str, value: str) -> str:
    """`KEY={name: ROW, SETTING: VALUE}` for the name of a setting of an optimiser or of early stopping; else empty."""
    from bpcli.formulas.optimizers import OPTIMIZERS

    if name == "patience":
        return f"training.early_stopping={{patience: {value}}}"
    rows = [row for row, found in OPTIMIZERS.items() if name in found.settings]
    return f"training.optimizer={{name: {name if name in rows else rows[0]}, {name}: {value}}}" if rows else ""


def _table_for_config(line: Line) -> Answer | None:
    word = next((word for word in line.words[:1] if is_table(word) and not is_run(word)), "")
    return table_answer(word, "not a config") if word else None


def _order(line: Line) -> Answer | None:
    if len(line.words) == 2 and not is_run(line.words[0]) and is_run(line.words[1]):
        return Answer(again(line, line.words[::-1]))
    if len(line.words) == 1 and is_table(line.words[0]):
        return Answer(again(line, ["RUN", line.words[0]]))
    return None


def _table_for_model(line: Line) -> Answer | None:
    """A table where a model is expected; a `.npz` file may be either."""
    word = line.words[0] if len(line.words) == 1 and not line.words[0].lower().endswith(".npz") else ""
    return table_answer(word, "not a model") if word and is_table(word) and not is_run(word) else None


def _file_to_write(line: Line) -> Answer | None:
    """`predict RUN DATA out.csv`."""
    *words, last = line.words or [""]
    if len(words) < 2 or "--output" in line.options or Path(last).exists() or not Path(words[-1]).exists():
        return None
    if not last.endswith((".csv", ".json", ".npy", ".parquet")):
        return None
    meaning = f"{last} does not exist; a file to write is named by --output"
    return Answer(again(line, words, output=last), meaning)


def _lacking_argument(line: Line) -> Answer | None:
    if "issing argument" not in line.message or not line.example:
        return None
    if line.command == "predict" and len(line.words) == 1:
        return Answer(again(line, [line.words[0], "DATA"]), "there is no DATA, whose rows are to be predicted")
    what = line.message.partition("'")[2].partition("'")[0]
    return Answer(f"for example {line.example}", f"bpcli {line.command} needs {what}")


def _count(line: Line) -> Answer | None:
    *words, last = line.words or [""]
    return (
        Answer(again(line, words, count=last), f"{last} is a number of tasks, which --count gives")
        if last.isdigit()
        else None
    )


def _data(line: Line) -> Answer | None:
    if len(line.words) == 2 and is_table(line.words[0]) and not {"--data", "--target"} & {*line.options}:
        table, target = line.words
        meaning = f"{table} is data, which --data gives, and {target} its target"
        return Answer(again(line, [], data=table, target=target), meaning)
    if len(line.words) != 1 or "--data" in line.options:
        return None
    word = line.words[0]
    gives = "model" if word in LAYERS else "data"
    return Answer(
        again(line, [], **{gives: word}),
        f"{word} is {'a model' if gives == 'model' else 'data'}, which --{gives} gives",
    )


MISTAKES = (
    Mistake((), _help),
    Mistake((), _command),
    Mistake((), _url),
    Mistake((), named_argument),
    Mistake((), other_name),
    Mistake((), short_option),
    Mistake(OF_CONFIGS, _key),
    Mistake((*OF_CONFIGS, "validate"), _table_for_config),
    Mistake((*OF_CONFIGS, "validate"), run_for_config),
    Mistake(("predict", "evaluate", "report"), _order),
    Mistake(("inspect", "export"), _table_for_model),
    Mistake((), decimal_comma),
    Mistake((*EXPRESSIONS, "backprop"), file_as_value),
    Mistake(("predict",), rule_of_threshold),
    Mistake(("predict",), _file_to_write),
    Mistake((*OF_MODELS, "compare"), config_for_model),
    Mistake((), output_option),
    Mistake(("exercise",), _count),
    Mistake(EXPRESSIONS, no_expression),
    Mistake(EXPRESSIONS, point),
    Mistake(EXPRESSIONS, several_expressions),
    Mistake(("backprop",), layer),
    Mistake(("init",), _data),
    Mistake((), no_number),
    Mistake((), lacking_option),
    Mistake((), _lacking_argument),
)
"""The rows in order; the first one that has an answer is used."""


def answer(arguments: Sequence[str], message: str, group: click.Group) -> Answer | None:
    """The answer to a command line that failed with this message; None if no row of the table applies."""
    line = line_of(arguments, message, group)
    for commands, of in MISTAKES:
        if (not commands or line.command in commands) and (found := of(line)):
            return found
    return None


def with_whole_urls(arguments: Sequence[str], text: str) -> str:
    """A message with the `//` of its URLs restored: a path keeps only one slash."""
    for word in arguments:
        for url in _URL.findall(word):
            short = str(Path(url))
            text = text.replace(short, url).replace(short.replace(":/", "://", 1), url)
    return text
