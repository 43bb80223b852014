"""`bpcli check`: exact derivatives against difference quotients, and derivations that somebody made."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from bpcli.calculus.checks.checking import (
    Answer,
    Checked,
    Problem,
    check_calculation,
    check_function,
    evaluated,
    graded,
    problem_of,
    read_answer,
)
from bpcli.calculus.checks.grading import Grade, Tolerance, grade
from bpcli.calculus.rules.shapes import entry_names
from bpcli.commands import Command, output
from bpcli.commands.jacobian import function_of, named_options, output_names
from bpcli.commands.requests import (
    Printer,
    Request,
    flat,
    input_cells,
    input_titles,
    inputs_of,
    plain,
    point_options,
    wrt_option,
)
from bpcli.datasets.readers.value_files import read_value_file
from bpcli.datasets.sparse import dense
from bpcli.errors import BpcliError, CheckError, DataError, UsageError
from bpcli.lecture.inputs import INPUTS
from bpcli.text.notation import cell, number

MAX_ROWS = 64  # of a config's data that its check looks at
MAX_WEIGHTS = 24


@click.command(cls=Command)
@click.argument("subjects", metavar="EXPR…|NAME|CONFIG", nargs=-1, required=True)
@point_options()
@wrt_option()
@named_options
@click.option("--mine", multiple=True, metavar="VALUE", help="Your derivative: numbers, formulas, or @FILE; repeats.")
@click.option("--rtol", type=float, help="How far a number may be off, relative. [default: 1e-9]")
@click.option("--atol", type=float, default=0.0, show_default=True, help="How far it may be off besides.")
@output.format_option()
@output.precision_option()
def command(
    subjects: tuple[str, ...],
    at: tuple[str, ...],
    let: tuple[str, ...],
    declared: str | None,
    points: str | None,
    wrt: str | None,
    mine: tuple[str, ...],
    rtol: float | None,
    atol: float,
    format_: str,
    precision: int | None,
    **named: str | None,
) -> None:
    """Check a derivative against difference quotients; or a derivation of yours, with --mine, against the exact one.

    \b
    bpcli check "x**2*sin(y)" --at 1,2
    bpcli check softmax --logits 1,2,3 --mine "p*(1-p)"
    bpcli check configs/iris.yaml
    """
    for name, value in (("--rtol", rtol), ("--atol", atol)):
        if value is not None and not 0 <= value < float("inf"):
            raise UsageError(f"{name} {value:g}: expected a number of at least 0")
    if (rtol is not None or atol) and not mine:
        raise UsageError("--rtol and --atol are of --mine", "a check without it knows how far its quotients are off")
    session = _Session(Printer(format_, precision), Tolerance(1e-9 if rtol is None else rtol, atol))
    given = {name: text for name, text in named.items() if text is not None}
    subject = subjects[0]
    if len(subjects) == 1 and subject in INPUTS:
        if at or points is not None or let or declared or wrt:
            raise UsageError(f"{subject} is a function of the lecture, given by --{' --'.join(INPUTS[subject])}")
        with np.errstate(all="ignore"):
            _named(subject, given, mine, session)
    elif len(subjects) == 1 and Path(subject).suffix in (".yaml", ".yml"):
        if mine:
            raise UsageError("--mine is of expressions and of the lecture's functions, not of a config")
        _config(Path(subject), session)
    else:
        if given:
            raise UsageError(f"--{next(iter(given))} is of the lecture's functions, and {subject} is an expression")
        _expressions(Request(subjects, at, let, declared, wrt, points), mine, session)
    session.finish()


class _Session:
    """Prints what was checked, and remembers whether all of it held."""

    def __init__(self, printer: Printer, tolerance: Tolerance) -> None:
        self.printer, self.tolerance = printer, tolerance
        self.disagree = self.unsure = self.total = 0

    def show(
        self, function: Any, inputs: dict[str, Any], titles: list[str], cells: list[Any], found: list[Checked]
    ) -> None:
        """The entries of one point: exact, numeric, their difference."""
        self.total += len(found)
        self.disagree += sum(entry.agree is False for entry in found)
        self.unsure += sum(entry.agree is None for entry in found)
        printer = self.printer
        if printer.format == "json":
            agree = None if all(e.agree is None for e in found) and found else all(e.agree is not False for e in found)
            entries = [
                {"name": e.name, "exact": e.exact, "numeric": e.numeric, "error": e.error, "agree": e.agree}
                for e in found
            ]
            largest = max((e.error for e in found if e.agree is not None), default=None)
            printer.json(
                {"function": function, "inputs": inputs, "agree": agree, "max_error": largest, "entries": entries}
            )
        elif printer.format == "csv":
            header = [*titles, "entry", "exact", "numeric", "error", "agree"]
            printer.csv(header, [[*cells, e.name, e.exact, e.numeric, e.error, _verdict(e)] for e in found])
        else:
            rows = [["entry", "exact", "numeric", "difference", ""]]
            for e in found:
                shown = [number(v, printer.precision) for v in (e.exact, e.numeric)]
                rows.append([e.name, *shown, number(e.error, 2), _verdict(e)])
            printer.text(output.aligned(rows), apart=True)

    def answered(self, inputs: dict[str, Any], answer: str, found: Grade | BpcliError, brief: bool = False) -> None:
        """What there is to say of an answer; `brief`: of a right one nothing, in text."""
        self.total += 1
        printer = self.printer
        wrong = not isinstance(found, Grade) or not found.agree
        self.disagree += wrong
        if printer.format == "json":
            record: dict[str, Any] = {"answer": answer, "inputs": inputs, "agree": not wrong}
            if isinstance(found, Grade):
                entries = [
                    {"name": e.name, "exact": e.exact, "given": e.given, "error": e.error} for e in found.entries
                ]
                record |= {"max_error": found.max_error, "entries": entries, "finding": found.finding}
                record |= {"factor": found.factor} if found.factor is not None and found.finding == "factor" else {}
                record |= {"message": found.message}
            else:
                record |= {"max_error": None, "entries": [], "finding": "unreadable", "message": found.message}
            printer.json(record)
        elif printer.format == "csv":
            finding = found.finding if isinstance(found, Grade) else "unreadable"
            entries_ = found.entries if isinstance(found, Grade) and found.entries else [None]
            rows = [
                [answer, finding, *((e.name, e.exact, e.given, e.error) if e else (None, None, None, None))]
                for e in entries_
            ]
            printer.csv(["answer", "finding", "entry", "exact", "given", "error"], rows)
        elif not (brief and not wrong):
            printer.text(self._told(answer, found), apart=False)

    def _told(self, answer: str, found: Grade | BpcliError) -> list[str]:
        if not isinstance(found, Grade):
            return [f"{answer}: unreadable", *(f"  {line}" for line in str(found).splitlines())]
        if found.agree:
            return [f"{answer}: right"]
        lines = [f"{answer}: {found.message}"]
        wrong = [e for e in found.entries if not e.right][:12]
        if wrong:
            rows = [["entry", "exact", "yours"]]
            rows += [[e.name, *(number(v, self.printer.precision) for v in (e.exact, e.given))] for e in wrong]
            lines += [f"  {line}" for line in output.aligned(rows)]
        return lines

    def finish(self) -> None:
        """CheckError if something did not hold."""
        if self.unsure and not self.disagree:
            output.note(f"{self.unsure} of {self.total} entries can't be told by difference quotients")
        if self.disagree:
            raise CheckError(f"{self.disagree} of {self.total} {'is' if self.disagree == 1 else 'are'} wrong")


def _verdict(entry: Checked) -> str:
    return "agrees" if entry.agree else "WRONG" if entry.agree is False else entry.why


# Expressions


def _expressions(request: Request, mine: tuple[str, ...], session: _Session) -> None:
    answers = [_read(text) for text in mine]
    if request.points is not None and mine:
        _rows(request, answers, session)
        return
    formulas = [answer for answer in answers if isinstance(answer, Answer) and answer.formulas is not None]
    if formulas and len(formulas) == len(answers) and not request.at and request.variables.names:
        request.at = [_some_point(request.variables.names)]
        output.note(f"no point is given: the formulas are tried at {request.at[0].replace('=', ' = ')}, and at others")
    for calculation, point in request.all_points():
        outputs = output_names(request, calculation)
        if not calculation.inputs:
            raise UsageError("the expression has no variables to differentiate by")
        shown = inputs_of(request, point)
        if not mine:
            found = check_calculation(calculation, point, outputs)
            cells = input_cells(request, point)
            session.show(function_of(request), shown, input_titles(request, calculation), cells, found)
            continue
        problem = problem_of(calculation, request.variables.names, point, outputs)
        for text, answer in zip(mine, answers, strict=True):
            session.answered(shown, text, _graded(problem, answer, point, session.tolerance))


def _some_point(names: Sequence[str]) -> str:
    """Numbers between 0.3 and 0.9, where most functions have values, none of them like another."""
    return ", ".join(f"{name}={0.3 + 0.6 * ((k + 1) * 0.6180339887 % 1):.2f}" for k, name in enumerate(names))


def _read(text: str) -> Answer | BpcliError:
    try:
        return read_answer(text, read_value_file)
    except DataError:
        raise
    except BpcliError as error:
        return error


def _graded(problem: Problem, answer: Answer | BpcliError, inputs: Any, tolerance: Tolerance) -> Grade | BpcliError:
    """What there is to say of an answer; an error if it can't be read."""
    if not isinstance(answer, Answer):
        return answer
    try:
        with np.errstate(all="ignore"):
            return graded(problem, answer, inputs, tolerance)
    except UsageError as error:
        return error


def _rows(request: Request, answers: list[Answer | BpcliError], session: _Session) -> None:
    """One row of an answer for each of many points; or formulas, at each of them."""
    for answer in answers:
        if not isinstance(answer, Answer):
            raise answer
        number_ = 0
        for calculation, point in request.all_points():
            problem = problem_of(calculation, request.variables.names, point, output_names(request, calculation))
            truth, names = problem.truth(point), problem.names(point)
            if answer.numbers is not None:
                if number_ >= len(answer.numbers):
                    raise DataError(
                        f"--mine has {len(answer.numbers)} rows, and there are more points", "one row a point"
                    )
                row = answer.numbers[number_]
                columns = len(truth[0])
                given = [row[k : k + columns] for k in range(0, len(row), columns)] or [[]]
                typed = answer.typed[number_ : number_ + 1] if answer.typed and len(truth) == 1 else None
            else:
                given, typed = evaluated(answer.formulas or [], problem.context(point)), None
            found = grade(truth, given, names, session.tolerance, typed)
            shown = inputs_of(request, point)
            number_ += 1
            label = str(number_)
            if session.printer.format == "text":
                label = f"row {number_}, at {', '.join(f'{k} = {cell(v)}' for k, v in shown.items())}"
            session.answered(shown, label, found, brief=True)
        if answer.numbers is not None and number_ != len(answer.numbers):
            raise DataError(f"--mine has {len(answer.numbers)} rows for {number_} points", "one row a point")
        if session.printer.format == "text" and not session.disagree:
            output.emit(f"{number_} points: right")


# The lecture's functions


def _named(name: str, texts: Mapping[str, str], mine: tuple[str, ...], session: _Session) -> None:
    from bpcli.commands.named_jacobian import read_inputs
    from bpcli.lecture.named_functions import NAMED, each_set

    row = NAMED[name]
    answers = [_read(text) for text in mine]
    for inputs in each_set(row, read_inputs(name, texts)):
        checked = row.check(dict(inputs))
        shown = {key: plain(inputs[key]) for key in INPUTS[name] if key in inputs}
        if not mine:
            found = check_function(row.value, checked, row.jacobian(checked), name)
            titles = [t for key, v in shown.items() if not isinstance(v, str) for t in entry_names(key, np.shape(v))]
            cells = [
                v for value in shown.values() if not isinstance(value, str) for v in flat(np.asarray(value, float))
            ]
            session.show(name, shown, titles, cells, found)
        problem = _problem(name, row)
        for text, answer in zip(mine, answers, strict=True):
            session.answered(shown, text, _graded(problem(checked), answer, checked, session.tolerance))


def _problem(name: str, row: Any) -> Any:
    """A function of the lecture as a problem; formulas may be in its inputs and in p, a, z, y, yhat."""

    def truth(inputs: Mapping[str, Any]) -> list[list[float]]:
        blocks = row.jacobian(inputs)
        matrix: list[list[float]] = np.concatenate([np.asarray(m) for m in blocks.values()], axis=1).tolist()
        return matrix

    def names(inputs: Mapping[str, Any]) -> list[str]:
        entries = [t for block in row.blocks for t in entry_names(block, np.shape(inputs[block]))]
        outputs = len(truth(inputs))
        return [f"d/d{t}" if outputs == 1 else f"d{name}[{o}]/d{t}" for o in range(outputs) for t in entries]

    def at(checked: Mapping[str, Any]) -> Problem:
        samples = len(checked[row.blocks[0]]) if "y" in checked else 1
        if name in ("cce", "softmax_cce") and np.ndim(checked[row.blocks[0]]) == 1:
            samples = 1
        return Problem(truth, names, _context, lambda i: _inner(name, i), lambda rng: _moved(checked, rng), samples)

    return at


def _context(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the formulas may name: the inputs, and what the lecture calls the values in between."""
    from bpcli.formulas.activations import ACTIVATIONS, sigmoid
    from bpcli.formulas.affine import affine
    from bpcli.formulas.softmax import softmax

    values = {key: np.asarray(v, float) for key, v in inputs.items() if not isinstance(v, str)}
    if "logits" in values:
        values |= {"p": softmax(values["logits"]), "l": values["logits"], "yhat": softmax(values["logits"])}
    if "w" in values:
        values["z"] = np.asarray(affine(values["x"], values["w"], values["b"]))
    if "z" in values:
        activation = inputs.get("activation")
        values["a"] = ACTIVATIONS[activation].value(values["z"]) if activation else sigmoid(values["z"])
        values["yhat"] = values["a"]
    if "yhat" in values and "p" not in values:
        values |= {"p": values["yhat"], **({} if "a" in values else {"a": values["yhat"]})}
    return {key: float(v) if np.ndim(v) == 0 else v for key, v in values.items()}


def _inner(name: str, inputs: Mapping[str, Any]) -> list[tuple[str, list[float]]]:
    if name != "neuron":
        return []
    from bpcli.formulas.activations import ACTIVATIONS
    from bpcli.formulas.affine import affine

    slope = float(ACTIVATIONS[inputs["activation"]].derivative(affine(inputs["x"], inputs["w"], inputs["b"])))
    x, w = inputs["x"].tolist(), inputs["w"].tolist()
    count = 2 * len(x) + 1
    return [("∂a/∂z", [slope] * count), ("∂z/∂w, ∂z/∂x", [*w, *x, 1.0])]


def _moved(checked: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    """Other inputs of the same shapes: labels stay, probabilities stay probabilities."""
    moved = dict(checked)
    for key, value in checked.items():
        if isinstance(value, str) or (key == "y" and set(np.ravel(value)) <= {0.0, 1.0}):
            continue
        random_ = np.array([rng.uniform(-1, 1) for _ in range(np.size(value))]).reshape(np.shape(value))
        inside = key == "yhat" and ((value >= 0) & (value <= 1)).all()
        moved[key] = 0.5 + 0.45 * random_ if inside else value + random_
    return moved


# A config


def _config(path: Path, session: _Session) -> None:
    """The gradient of a config's model and loss on rows of its own data, at its start and at random weights."""
    from bpcli.formulas.steps import make_step
    from bpcli.training.config.loading import load_config
    from bpcli.training.trainer import prepare

    training = prepare(load_config(path))
    model, part = training.model, training.parts["train"]
    rows = min(MAX_ROWS, len(part.y))
    X, y = dense(part.X[:rows]), part.y[:rows]
    target = model.target(y, float)
    weights = None if part.weights is None else part.weights[:rows]
    step = make_step(model.type, model.activation, model.loss, rows, model.b.shape, np.dtype(float))
    n = len(model.w)
    outputs = model.b.shape
    features = model.preparation.feature_names
    classes = [str(name) for name in model.classes] if model.activation is None and model.classes else [""]
    titles = [f"w[{f}{',' + c if c else ''}]" for f in features for c in classes] + [
        f"b[{c}]" if c else "b" for c in classes
    ]
    rng = np.random.default_rng(0)
    for where, w, b in (
        ("start", model.w.astype(float), model.b.astype(float)),
        ("random weights", rng.normal(0, n**-0.5, model.w.shape), rng.normal(0, 0.5, outputs)),
    ):

        def loss(flat_: Any) -> float:
            z = X @ flat_[: model.w.size].reshape(model.w.shape) + flat_[model.w.size :].reshape(outputs)
            return step(np.ascontiguousarray(z), target, weights) / rows

        z = X @ w + b
        step(z, target, weights)
        exact = np.concatenate([(X.T @ z / rows).ravel(), np.ravel(z.sum(axis=0) / rows)])
        start = np.concatenate([w.ravel(), np.ravel(b)])
        chosen = _sampled(len(start), model.w.size)
        found = []
        with np.errstate(all="ignore"):
            for k in chosen:
                found.append(_entry(loss, start, exact, k, titles[k]))
        if len(chosen) < len(start) and where == "start":
            output.note(f"{len(chosen)} of {len(start)} weights are checked, on {rows} rows of the training data")
        session.show(str(path), {"weights": where}, ["weights"], [where], found)


def _entry(loss: Any, start: Any, exact: Any, k: int, title: str) -> Checked:
    from bpcli.calculus.checks.checking import compared
    from bpcli.calculus.checks.differences import difference_quotients

    def f(x: float) -> list[float]:
        moved = start.copy()
        moved[k] = x
        return [loss(moved)]

    return compared(f"dJ/d{title}", float(exact[k]), difference_quotients(f, float(start[k]))[0])


def _sampled(count: int, weights: int) -> list[int]:
    """The weights that are checked: all of a few, else some evenly apart, and the first biases."""
    if count <= MAX_WEIGHTS:
        return list(range(count))
    biases = list(range(weights, min(count, weights + MAX_WEIGHTS // 4)))
    return [*np.linspace(0, weights - 1, MAX_WEIGHTS - len(biases)).astype(int).tolist(), *biases]
