"""`bpcli check`: exact derivatives against difference quotients, and hand-derived answers against exact ones."""

from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import click
import numpy as np

from bpcli.api.answer_keys import grade_answers, read_key
from bpcli.api.derivative_checks import (
    Comparison,
    ExpressionSubject,
    NamedSubject,
    Subject,
    Tolerance,
    formulas_alone,
    grade_points,
    part_of,
    read_answers,
    some_point,
    unreadable,
    without_a_point,
)
from bpcli.calculus.checks.answers import Answer
from bpcli.commands import option, output
from bpcli.commands.check_output import Session, shown_value
from bpcli.commands.jacobian import lecture_meant, named_options
from bpcli.commands.option_groups import PATH, SettingsCommand
from bpcli.commands.printing import Asked, Printer, plain
from bpcli.commands.requests import Given, Request, calculator_options, tell_order
from bpcli.datasets.readers.value_files import read_value_file
from bpcli.errors import BpcliError, DataError, NotFiniteError, UsageError
from bpcli.lecture.inputs import INPUTS


@click.command(cls=SettingsCommand)
@click.argument("subjects", metavar="EXPR…|NAME|CONFIG", nargs=-1)
@calculator_options(certify=False, kink=False)
@option(
    "Answer", "--mine", multiple=True, metavar="VALUE", help="Your derivative: numbers, formulas, or @FILE; repeats."
)
@option("Answer", "--key", type=PATH, metavar="FILE", help="The key of an exercise; each --mine has a line an answer.")
@option("Answer", "--score", is_flag=True, help="With --mine: the part of the entries that are right, 0 to 1.")
@option("Answer", "--rtol", type=float, help="How far a number may be off, relative. [default: 1e-9]")
@option("Answer", "--atol", type=float, default=0.0, show_default=True, help="How far a number may be off, absolute.")
@named_options
def command(
    subjects: tuple[str, ...],
    given: Given,
    printer: Printer,
    mine: tuple[str, ...],
    key: Path | None,
    score: bool,
    rtol: float | None,
    atol: float,
    **named: str | None,
) -> None:
    """Check a derivative against difference quotients; or a derivation of yours, with --mine, against the exact one.

    \b
    bpcli check "x**2*sin(y)" --at 1,2
    bpcli check softmax --logits 1,2,3 --mine "p*(1-p)"
    bpcli check configs/iris.yaml
    bpcli check --key key.jsonl --mine @ada.txt --mine @ben.txt --format csv
    """
    for name, value in (("--rtol", rtol), ("--atol", atol)):
        if value is not None and not 0 <= value < float("inf"):
            raise UsageError(f"{name} {value:g}: expected a number of at least 0")
    if (rtol is not None or atol) and not mine:
        raise UsageError(
            "--rtol and --atol go with --mine", "without it, a check estimates the error of its quotients itself"
        )
    if score and not mine:
        raise UsageError("--score goes with --mine: the part of its entries that are right")
    session = Session(printer, Tolerance(1e-9 if rtol is None else rtol, atol), score)
    inputs = {name: text for name, text in named.items() if text is not None}
    subject = subjects[0] if subjects else ""
    if key is not None:
        if subjects or inputs or given.a_point or not mine:
            raise UsageError(
                "--key FILE says what is asked, and --mine the answers", "bpcli check --key FILE --mine @answers"
            )
        _by_key(key, mine, session)
    elif not subjects:
        raise UsageError("check needs an expression, a function of the lecture, or a config", "bpcli check --help")
    elif len(subjects) == 1 and subject in INPUTS:
        if given.a_point:
            raise UsageError(f"{subject} is a function of the lecture, given by --{' --'.join(INPUTS[subject])}")
        _named(subject, inputs, given.wrt, mine, session)
    elif len(subjects) == 1 and Path(subject).suffix in (".yaml", ".yml"):
        if mine:
            raise UsageError("--mine goes with expressions and the lecture's functions, not with a config")
        _config(Path(subject), session)
    else:
        with lecture_meant("check", subjects, inputs):
            request = Request(subjects, given, printer)
        _expressions(request, mine, session)
    session.finish()


# Expressions


def _expressions(request: Request, mine: tuple[str, ...], session: Session) -> None:
    answers = read_answers(mine)
    if request.points is not None and mine:
        _rows(request, mine, answers, session)
        return
    if mine and not request.at and request.variables.names:
        point = some_point(request.variables.names)
        request.at = [", ".join(f"{name}={value}" for name, value in point.items())]
        if _all_unreadable(mine, answers, session, lambda: next(_subjects(request))):
            return
        for subject in _subjects(request):
            answers = _without_a_point(answers, subject, point)
    for k, subject in enumerate(_subjects(request)):
        asked = request.asked(subject.inputs)
        if mine:
            session.note_kink(subject)
            for text, answer in zip(mine, answers, strict=True):
                part = part_of(answer, k, len(request.at), subject.question.layout)
                session.answered(asked.inputs(), text, subject.grade(part, session.tolerance))
        else:
            session.show(asked.function, asked.inputs(), asked.titles(), asked.cells(), subject.check())


def _subjects(request: Request) -> Iterator[ExpressionSubject]:
    for calculation, point in request.all_points():
        yield ExpressionSubject(calculation, request.variables.names, point)


def _all_unreadable(
    mine: tuple[str, ...], answers: list[Answer | BpcliError], session: Session, about: Callable[[], Subject]
) -> bool:
    """Whether no answer can be read; they are told, as what else is missing does not matter."""
    if any(isinstance(answer, Answer) for answer in answers):
        return False
    try:
        subject = about()
    except BpcliError:
        subject = None
    for text, answer in zip(mine, answers, strict=True):
        if not isinstance(answer, Answer):
            session.answered({}, text, unreadable(answer, subject))
    return bool(answers)


def _without_a_point(
    answers: list[Answer | BpcliError], subject: Subject, point: Mapping[str, Any]
) -> list[Answer | BpcliError]:
    """The answers as they are graded where no point is given; a note says where."""
    found = without_a_point(answers, subject)
    what = "the formulas are" if formulas_alone(answers) else "numbers are taken as constants, and the answers"
    if formulas_alone(found):
        where = ", ".join(f"{name} = {shown_value(value)}" for name, value in point.items())
        output.note(f"no point is given: {what} tried at {where}, and at others")
    return found


def _rows(request: Request, mine: tuple[str, ...], answers: list[Answer | BpcliError], session: Session) -> None:
    """Grade answers at many points: a row of numbers for each point, or formulas."""
    for text, answer in zip(mine, answers, strict=True):
        if not isinstance(answer, Answer):
            session.answered({}, text, unreadable(answer))
            continue
        before, count = session.disagree + session.unsure, 0
        for subject, found in grade_points(_subjects(request), answer, session.tolerance):
            count += 1
            session.note_kink(subject)
            shown = request.asked(subject.inputs).inputs()
            label = str(count)
            if session.printer.format == "text" and not session.score:
                label = f"row {count}, at {', '.join(f'{k} = {shown_value(v, None)}' for k, v in shown.items())}"
            session.answered(shown, label, found, brief=True)
        if session.printer.format == "text" and not session.score and session.disagree + session.unsure == before:
            output.emit(f"{count} points: right")


# The lecture's functions


def _named(name: str, texts: Mapping[str, str], wrt: str | None, mine: tuple[str, ...], session: Session) -> None:
    from bpcli.commands.named_jacobian import read_inputs
    from bpcli.lecture.named_functions import NAMED, each_set
    from bpcli.lecture.named_questions import some_inputs

    answers = read_answers(mine)
    some, given = some_inputs(name) if mine else {}, None
    if some and not some.keys() & texts.keys():

        def somewhere() -> dict[str, Any]:
            return {**read_inputs(name, {**dict.fromkeys(some, "0"), **texts}, "check"), **some}

        if _all_unreadable(mine, answers, session, lambda: NamedSubject(name, somewhere(), wrt)):
            return
        given = somewhere()
        answers = _without_a_point(answers, NamedSubject(name, given, wrt), given)
    if given is None:
        given = read_inputs(name, texts, "check")
    samples = each_set(NAMED[name], given)
    for k, inputs in enumerate(samples):
        subject: Subject = NamedSubject(name, inputs, wrt)
        shown = {key: plain(inputs[key]) for key in INPUTS[name] if key in inputs}
        if mine:
            session.note_kink(subject)
        if mine and wrt is not None and not k:
            tell_order(wrt, [block for block, _ in subject.question.layout.blocks])
        for text, answer in zip(mine, answers, strict=True):
            part = part_of(answer, k, len(samples), subject.question.layout)
            session.answered(shown, text, subject.grade(part, session.tolerance))
        if not mine:
            numbers = Asked(name, {key: np.asarray(v, float) for key, v in shown.items() if not isinstance(v, str)})
            session.show(name, shown, numbers.titles(), numbers.cells(), subject.check())


# A key


def _by_key(path: Path, mine: tuple[str, ...], session: Session) -> None:
    """The grades of a class: of each answer, a file or a text, a line a task."""
    key = read_key(_text_of(path), str(path))
    for text in mine:
        try:
            grades = grade_answers(key, _text_of(text[1:]) if text.startswith("@") else text, session.tolerance)
        except BpcliError as error:
            if len(mine) == 1:
                raise
            grades = [unreadable(error)] * len(key)
        for asked, found in zip(key, grades, strict=True):
            session.of_task(text, asked, found)


def _text_of(path: str | Path) -> str:
    content = read_value_file(str(path))
    if isinstance(content, np.ndarray):
        raise DataError(f"{path} holds an array", "text, one answer a line")
    return "".join(content)


# A config


def _config(path: Path, session: Session) -> None:
    from bpcli.api.config_check import check_config

    lost = ""
    session.open_fails = False  # a slope near 0 is below what quotients of a loss can see
    for found in check_config(path):
        if len(found.entries) < found.total and found.where == "start":
            chosen = f"{len(found.entries)} of {found.total} weights are checked"
            output.note(f"{chosen}, on {found.rows} rows of the training data")
        shown = {"weights": found.where}
        session.show(str(path), shown, ["weights"], [found.where], Comparison(shown, found.entries))
        lost = lost or next((entry.name for entry in found.entries if not isfinite(entry.exact)), "")
    if lost:
        raise NotFiniteError(f"{lost} is not finite", "data.standardize: true brings features to one scale")
