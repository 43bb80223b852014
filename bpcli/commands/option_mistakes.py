"""Mistakes with options: their names, their values, and words that an option gives."""

import re
from shlex import quote

from bpcli.commands.expression_mistakes import EXPRESSIONS, table_answer
from bpcli.commands.typed_words import Answer, Line, again, is_value
from bpcli.errors import UsageError, several

OF_CONFIGS = ("train", "cv", "sweep")


OF_MODELS = ("predict", "evaluate", "inspect", "report", "export")

_OPTIONS = {
    **dict.fromkeys(["alpha", "eta", "rate", "learning-rate", "learning_rate", "step-size"], "lr"),
    **dict.fromkeys(["epochs", "iterations", "iters", "max-iter"], "steps"),
    **dict.fromkeys(["k", "fold", "splits", "cv"], "folds"),
    **dict.fromkeys(["grid", "params", "over"], "try"),
    **dict.fromkeys(["tol", "eps"], "tolerance"),
    **dict.fromkeys(["point", "x0", "start"], "at"),
    **dict.fromkeys(["xlim", "domain", "interval"], "range"),
    **dict.fromkeys(["answer", "solution", "expected", "given"], "mine"),
    **dict.fromkeys(["workers", "threads", "n-jobs", "processes"], "jobs"),
    **dict.fromkeys(["random-state", "random-seed"], "seed"),
    **dict.fromkeys(["number", "tasks", "how-many"], "count"),
    **dict.fromkeys(["file", "table", "input", "path", "csv"], "data"),
}
"""Options as other tools call them."""


_VALUES = {"js": "javascript", "py": "python", "tex": "latex", "md": "markdown", "xml": "moodle", "txt": "text"}
"""Formats by the extensions of their files."""


_NO_VALUES = ("--vars", "--wrt", "--shape", "--mine")
"""Options of texts that are no values, and the one whose answers are graded one by one."""


_ONE_NUMBER = re.compile(
    r"(?:Invalid value for ')?-*([\w-]+)\b.*"
    r"(?:is not a valid float|(?:takes|: expected) (?:one|a) (?:number|probability))"
)
"""A message that begins with an option, here without its dashes, which takes one number; others take `1,2`."""


def named_argument(line: Line) -> Answer | None:
    """An argument that is given as an option: `--data FILE`, `--config FILE`."""
    if line.command not in (*OF_CONFIGS, *OF_MODELS):
        return None
    of_config = line.command in OF_CONFIGS
    data = line.options.get("--data")
    if of_config and data and not line.words and "--config" not in line.options:
        return table_answer(data, "not a config")
    first, last = (("--config",), ()) if of_config else (("--model", "--run"), ("--data",))
    given = [option for option in (*first, *last) if option in line.unknown and line.options[option]]
    words = [
        *(line.options[o] for o in given if o in first),
        *line.words,
        *(line.options[o] for o in given if o in last),
    ]
    meaning = f"there is no option {several(given)}: its value is an argument, without an option"
    return Answer(again(line, [word for word in words if word]), meaning) if given else None


def short_option(line: Line) -> Answer | None:
    """`-o DIR`, where no word can be an expression."""
    for k, word in enumerate(line.words if line.command not in EXPRESSIONS else ()):
        if re.fullmatch(r"-[a-z]", word):
            meaning = f"there is no option {word}: options are words with two dashes"
            begins = [option for option in line.known if option.startswith(f"-{word}")]
            if any(argument.startswith(word[1]) for argument in line.arguments):  # -c CONFIG
                return Answer(again(line, [*line.words[:k], *line.words[k + 1 :]]), meaning, 2)
            if len(begins) != 1:
                return Answer(f"the options are in bpcli {line.command} --help", meaning)
            rest = line.words[k + 1 :]
            value = {begins[0][2:]: rest.pop(0)} if line.known[begins[0]] and rest else {}
            flag = "" if value else f" {begins[0]}"
            return Answer(again(line, line.words[:k] + rest, **value) + flag, meaning)
    return None


def output_option(line: Line) -> Answer | None:
    """`--out f`, `--output f` of a command that prints only, and a picture that is named as an argument."""
    names = ("--output", "--out", "--outfile", "--outdir", "--out-dir", "--output-dir", "--save", "--dest")
    name = next((option for option in line.unknown if option in names), "")
    value = (line.options[name] or "FILE") if name else ""
    if not name and len(line.words) > 1 and line.words[-1].endswith((".png", ".svg", ".pdf", ".html", ".onnx")):
        *words, value = line.words
        line = line._replace(words=words)
        format_ = {"format": "onnx"} if value.endswith(".onnx") else {}
        if "--output" in line.known:
            return Answer(
                again(line, line.words, **format_, output=value), f"{value} is a file to write, which --output names"
            )
    if not name:
        return None
    if "--output" in line.known:
        return Answer(again(line, line.words, output=value), f"there is no option {name}, but --output")
    return Answer(f"{again(line, line.words)} > {quote(value)}")


def other_name(line: Line) -> Answer | None:
    """An option as another tool calls it, and the number of folds alone."""
    for option in line.unknown:
        known = _OPTIONS.get(option[2:], "")
        if option == "--n":
            known = "count" if line.command == "exercise" else "steps"
        value = line.options[option]
        if value is not None and known == "range":
            value = value.strip("[]() ").replace(",", ":").replace(" ", "")
        if f"--{known}" in line.known and value is not None:
            return Answer(again(line, line.words, **{known: value}), f"there is no option {option}, but --{known}")
        word = _VALUES.get(option[2:], option[2:])
        if choosing := sorted(line.choices.get(word, []), key=len):  # --json, and a word after it is an argument
            instead = again(line, [*line.words, *([value] if value else [])], **{choosing[0][2:]: word})
            return Answer(instead, f"there is no option {option}; {word} is a value of {choosing[0]}")
    if line.command == "cv" and len(line.words) == 2 and line.words[1].isdigit():
        number = line.words[1]
        return Answer(again(line, line.words[:1], folds=number), f"{number} is a number of folds, which --folds gives")
    return None


def decimal_comma(line: Line) -> Answer | None:
    """`--lr 0,25`, where the message is that the option takes one number."""
    told = _ONE_NUMBER.match(line.message)
    value = line.options.get(f"--{told[1]}") if told else None
    if not told or not value or not re.fullmatch(r"[-+]?\d+,\d+(?:e[-+]?\d+)?", value, re.IGNORECASE):
        return None
    meaning = f"--{told[1]} takes one number, not {value}: decimals follow a point"
    return Answer(again(line, line.words, **{told[1]: value.replace(",", ".")}), meaning)


def file_as_value(line: Line) -> Answer | None:
    """`--logits logits.npy`, `--let k=k.txt`: a file as a value, which begins with `@`."""
    from bpcli.datasets.readers.value_files import file_meant

    for k, (option, value) in enumerate(line.given):
        parts = re.split(r"((?:\A|[,;\s])\s*\w+\s*=\s*)", value or "") if not file_meant(value or "") else [value or ""]
        files = [name for part in parts if (name := file_meant(part.rstrip(" ,;"))) and not is_value(name)]
        if option in _NO_VALUES or option not in line.typed or not files:
            continue
        corrected = "".join(f"@{part.lstrip()}" if part.rstrip(" ,;").strip() in files else part for part in parts)
        first, last = line.given[:k], line.given[k + 1 :]
        instead = again(line._replace(given=[*first, (option, corrected), *last]), line.words)
        if option == "--at" and parts == files and "--points" in line.known:
            instead += f"; or for a point a row {again(line._replace(given=first + last), line.words, points=files[0])}"
        return Answer(instead, f"{files[0]} is a file, and a value is read from it as @{files[0]}")
    return None


def rule_of_threshold(line: Line) -> Answer | None:
    """A rule, such as `f1`, where `predict` takes a probability."""
    from bpcli.datasets.cells import is_number
    from bpcli.training.thresholds import threshold_rule

    wanted = line.options.get("--threshold")
    if not wanted or is_number(wanted):
        return None
    try:
        threshold_rule(wanted)
        rule = wanted
    except UsageError:
        rule = "f1"
    run = quote(line.words[0]) if line.words else "RUN"
    return Answer(
        f"bpcli evaluate {run} --threshold {quote(rule)} --set-threshold",
        f"--threshold {wanted}: predict takes a probability between 0 and 1, and evaluate chooses one and keeps it",
    )


def lacking_option(line: Line) -> Answer | None:
    """An option without its value, one that is missing, and a format that is given by a file extension."""
    if line.command == "export" and "issing option" in line.message:
        last = _VALUES.get(line.words[-1], line.words[-1]) if line.words else ""
        if last in line.choices:
            return Answer(again(line, line.words[:-1], format=last), f"{last} is a format, which --format gives")
        return Answer(f"for example {again(line, line.words, format='json')}", "bpcli export needs --format")
    wanted = line.options.get("--format") or ""
    if wanted in _VALUES and f"'{_VALUES[wanted]}'" in line.message:
        return Answer(again(line, line.words, format=_VALUES[wanted]))
    examples = {"--at": "--at 1,2", "--mine": '--mine "2*x"', "--lr": "--lr 0.1", "--logits": "--logits 1,2,3"}
    found = re.search(r"(?i:option '(--[\w-]+)' requires an argument|missing option '(--[\w-]+)')", line.message)
    example = examples.get(found[1] or found[2], "") if found else ""
    return Answer(f"for example {example}") if example else None


def no_number(line: Line) -> Answer | None:
    """`--steps 0.5`, in plainer words than click's."""
    found = re.search(r"'(--[\w-]+)': ('.*') is not a valid (integer|float)", line.message)
    if found is None:
        return None
    kind = "a whole number" if found[3] == "integer" else "a number"
    return Answer(f"see: bpcli {line.command} --help", f"{found[1]}: expected {kind}, found {found[2]}")
