"""Mistakes with expressions, points and layers, and the words to type instead."""

import os
import re
from pathlib import Path
from shlex import quote

from bpcli.commands.typed_words import Answer, Line, again, expressions_in, is_config, is_run, is_table, is_value
from bpcli.errors import BpcliError, several
from bpcli.lecture.inputs import INPUTS

GRADIENTS = ("grad", "hessian", "eval", "descend", "plot")  # of one expression
EXPRESSIONS = (*GRADIENTS, "jacobian", "check")
_DIGIT_COMMA_DIGIT = re.compile(r"\d,\d")


def _run_of(config: str) -> str:
    """The run folder that a config names, or would have by default."""
    from bpcli.training.config.loading import load_config

    try:
        return str(load_config(Path(config)).output)
    except BpcliError:
        return f"runs/{Path(config).stem}"


def table_answer(word: str, what_not: str) -> Answer:
    """The answer to a table of data where something else is expected."""
    config = f"{Path(word).name.split('.')[0]}.yaml"
    first = f"bpcli init --data {quote(word)} > {quote(config)} writes a config for it"
    return Answer(f"{first}; then bpcli train {quote(config)}", f"{word} is a table, {what_not}")


def run_for_config(line: Line) -> Answer | None:
    """A run where a config is expected."""
    word = next((word for word in line.words[:1] if is_run(word)), "")
    folder = Path(word).parent if word.endswith(".npz") else Path(word)
    instead = again(line, [str(folder / "config.yaml"), *line.words[1:]])
    what = "model" if word.endswith(".npz") else "run"
    return Answer(instead, f"{word} is a {what}, not a config") if word else None


def config_for_model(line: Line) -> Answer | None:
    """A config where a model is expected."""
    models = line.words if line.command == "compare" else line.words[:1]
    configs = [word for word in models if is_config(word) and os.path.isfile(word)]
    if not configs:
        return None
    runs = {word: _run_of(word) for word in configs}
    then = again(line, [runs.get(word, word) for word in line.words])
    missing = [word for word in configs if not is_run(runs[word])]
    first = "".join(f"bpcli train {quote(word)}; then " for word in missing)
    return Answer(first + then, f"{configs[0]} is a config, not a model")


def several_expressions(line: Line) -> Answer | None:
    """Expressions between commas."""
    word = line.words[0] if line.words else ""
    if line.command in GRADIENTS and len(line.words) > 1 and all(len(expressions_in(w)) == 1 for w in line.words):
        meaning = f"{line.command} takes one expression, and these are {len(line.words)}"
        if line.command != GRADIENTS[0]:
            return Answer(f"one at a time: {again(line, line.words[:1])}", meaning)
        return Answer(again(line._replace(command="jacobian"), line.words), f"{meaning}; jacobian has a row for each")
    if len(line.words) != 1 or _DIGIT_COMMA_DIGIT.search(word):
        return None
    parts = expressions_in(word)
    if len(parts) < 2:
        return None
    command = line.command if line.command == "check" else "jacobian"
    meaning = f"{word} are {len(parts)} expressions, each of which is an argument of its own"
    return Answer(again(line._replace(command=command), parts), meaning)


def point(line: Line) -> Answer | None:
    """`grad "x**2+y**2" 1,2`, `--at 1 2`, `--at "(1,2)"`, `x**2 + y` without quotes, `--x 3`."""
    expression, *rest = line.words or [""]
    if expression in INPUTS:
        return None
    rest = rest[1:] if rest[:1] == ["at"] else rest
    if rest and all(map(is_value, rest)):
        at = line.options.get("--at")
        point = ",".join(word.strip(",") for word in [at or "", *rest] if word)
        meaning = (
            "a point is one word: its numbers stand between commas" if at else f"{point} is a point, which --at gives"
        )
        further = _of_descent(line, expression, rest) if line.command == "descend" and not at else {}
        meaning = further.pop("meaning", meaning)
        return Answer(again(line, [expression], **{"at": point, **further}), meaning)
    around = re.fullmatch(r"\s*(?:\(([^()]+,[^()]+)\)|\{([^{}]+)\})\s*", line.options.get("--at") or "")
    if around and line.message.startswith(("found ", "'{'")):
        inside = around[1] or around[2].replace(":", "=")
        return Answer(again(line, line.words, at=inside), "a point is written without parentheses around it")
    joined = " ".join(line.words)
    if rest and line.command in GRADIENTS and len(expressions_in(joined)) == 1:
        return Answer(again(line, [joined]), "an expression is one word: between quotes it may have blanks")
    named = {option[2:]: line.options[option] for option in line.unknown if option[2:].isidentifier()}
    if named and expression and expressions_in(expression) and _names(expression) >= set(named):
        point = ",".join(f"{name}={value}" for name, value in named.items())
        return Answer(again(line, line.words, at=point), f"{several([*named])} has its value by --at")
    return None


def _of_descent(line: Line, expression: str, values: list[str]) -> dict[str, str]:
    """The options that `descend "x**2" 1 0.1 10` means: the point, α, and the number of steps; else α = 0.1."""
    if "--lr" in line.options:
        return {}
    from bpcli.datasets.cells import is_number

    n = len(_names(expression)) if expressions_in(expression) else 0
    if n < len(values) <= n + 2 and all(map(is_number, values)):
        found = {"at": ",".join(values[:n]), **dict(zip(("lr", "steps"), values[n:], strict=False))}
        shown = ", ".join(
            f"{value} is {of}" for value, of in zip(values[n:], ("α", "the number of steps"), strict=False)
        )
        return {**found, "meaning": f"{found['at']} is a point, {shown}: each has an option"}
    return {"lr": "0.1"}


def _names(expression: str) -> set[str]:
    from bpcli.calculus.language.parser import parse
    from bpcli.calculus.language.tree import names_in

    return set(names_in(parse(expression)))


def no_expression(line: Line) -> Answer | None:
    """A run, a config or a table where an expression belongs."""
    word = line.words[0] if line.words else ""
    if is_run(word):
        if line.command == "check":
            return run_for_config(line)
        if line.command == "plot":
            return None
        both = f"bpcli evaluate {quote(word)}, or bpcli inspect {quote(word)}"
        return Answer(f"a run has weights of its own: {both}", f"{word} is a run, not an expression")
    if is_config(word) and line.command != "check":
        if line.command == "plot" and os.path.isfile(word):
            return config_for_model(line)
        return Answer(
            f"bpcli train {quote(word)}, or bpcli check {quote(word)}", f"{word} is a config, not an expression"
        )
    return table_answer(word, "not an expression") if is_table(word) else None


def layer(line: Line) -> Answer | None:
    """A word that is no layer, or inputs of a layer without their options."""
    from bpcli.formulas.activations import ACTIVATIONS
    from bpcli.formulas.layers import LAYERS
    from bpcli.formulas.losses import LOSSES

    example = "--x 1,2 --w 0.5,-0.3 --b 0.1 --y 1"
    word = line.words[0] if line.words else ""
    if word in LAYERS:
        inputs = line.words[1:]
        values = dict(zip([name for name in "xwby" if f"--{name}" not in line.options], inputs, strict=False))
        meaning = f"each input has an option of its own: {', '.join(f'--{name}' for name in values)}"
        return Answer(again(line, [word], **values), meaning) if inputs else None
    if word in ACTIVATIONS or word in LOSSES:
        option = f"--{'activation' if word in ACTIVATIONS else 'loss'}"
        return Answer(f"bpcli backprop neuron {option} {word} {example}")
    if is_config(word) and os.path.isfile(word):
        return config_for_model(line._replace(given=line.given or [("--row", "1")]))
    if is_run(word) and len(line.words) == 2 and is_value(line.words[1]):
        return Answer(again(line, [word], row=line.words[1]), f"{line.words[1]} is a row, which --row gives")
    if word and not os.path.exists(word) and "/" not in word and "--row" not in line.options:
        close = line.message if "expected" in line.message else ""
        meaning = close or f"backprop {word}: expected neuron, softmax, or the folder of a run"
        return Answer(f"there is one layer, a neuron or softmax: bpcli backprop neuron {example}", meaning)
    return None
