"""Tasks of the lecture as sheets with worked solutions: text, Markdown, LaTeX, and XML that Moodle imports.

Source of the XML: Moodle's pages "Moodle XML format" and "Embedded Answers (Cloze) question type": a question of type
`cloze` whose text has a gap `{1:NUMERICAL:=VALUE:TOLERANCE}` for each entry of the answer.
"""

import math
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple

from numpy.typing import NDArray

from bpcli.lecture.chain import Chain
from bpcli.lecture.drawing import latex_lines, latex_matrix, text_lines
from bpcli.lecture.matrices import matrix_lines
from bpcli.lecture.writing import Formula
from bpcli.text.notation import number

Words = Sequence[str | Formula]
"""A sentence: words, and formulas between them."""

DIGITS = 4
"""Significant digits that an answer and its solution have at most."""

_TYPED = 3  # digits that an answer needs at least, here as in `check`


class Equation(NamedTuple):
    """A line of a solution: `left = right = value`; a value alone where there is no formula."""

    left: Formula
    right: Formula | None
    value: NDArray[Any] | None = None


class Task(NamedTuple):
    """A task: what is asked in words, what `check` needs to grade an answer, the answer, and the way to it.

    `function` are expressions or the name of a function of the lecture, `inputs` their values as they are typed, `wrt`
    what they are differentiated by; with `learning_rate` the answer is the point after one step down. `names` are those
    that a formula may use besides, each with its expression. `entries` are what the answer's entries are called, row by
    row.
    """

    number: int
    name: str
    level: int
    function: tuple[str, ...]
    inputs: dict[str, str]
    wrt: tuple[str, ...]
    learning_rate: float | None
    names: dict[str, str]
    question: Words
    entries: tuple[str, ...]
    answer: NDArray[Any]
    solution: Chain | tuple[Equation, ...]


# Text


def _said(words: Words, write: Callable[[Formula], str], say: Callable[[str], str] = str) -> str:
    return "".join(say(word) if isinstance(word, str) else write(word) for word in words)


def answer_line(task: Task) -> str:
    """The answer on one line, as `check` takes it: entries between commas, rows between semicolons."""
    return ";".join(",".join(number(v, DIGITS) for v in row) for row in task.answer.tolist())


def form(task: Task) -> str:
    """How an answer is written on one line: its entries, or the size of a matrix."""
    rows, columns = task.answer.shape
    if rows == 1:
        return ", ".join(task.entries)
    return f"{rows}×{columns}, entries between commas, rows between semicolons"


def question_text(task: Task) -> str:
    """The question in one line of text."""
    return _said(task.question, lambda formula: formula.text)


def solution_text(task: Task) -> list[str]:
    """The way to the answer, in text: a chain is drawn as `backprop` draws it."""
    if isinstance(task.solution, Chain):
        return text_lines(task.solution, DIGITS)
    lines = []
    for left, right, value in task.solution:
        one = value is not None and value.size == 1
        head = " = ".join(side.equated if one else side.text for side in (left, right) if side is not None)
        if value is not None and value.size == 1:
            head += "" if head.endswith(f"= {number(value.item(), DIGITS)}") else f" = {number(value.item(), DIGITS)}"
        lines.append(f"  {head}")
        if value is not None and value.size > 1:
            lines += matrix_lines(value, False, DIGITS, 4)
    return lines


def record(task: Task) -> dict[str, Any]:
    """A task as JSON: all that `check` needs to grade an answer, without the solution."""
    what = {"task": task.number, "name": task.name, "level": task.level, "question": question_text(task)}
    asked = {"function": task.function, "inputs": task.inputs, "wrt": task.wrt, "learning_rate": task.learning_rate}
    return {**what, **asked, "names": task.names, "entries": task.entries, "answer": task.answer}


def text_sheet(tasks: Sequence[Task]) -> str:
    """The tasks, followed by their solutions."""
    lines = []
    for task in tasks:
        lines += [f"{task.number}. {question_text(task)}", f"   Answer: {form(task)}", ""]
    for task in tasks:
        lines += [f"Solution {task.number}", *solution_text(task), f"  Answer: {answer_line(task)}", ""]
    return "\n".join(lines[:-1]) + "\n"


# LaTeX, and Markdown with LaTeX in it


def _latex(formula: Formula) -> str:
    return f"${formula.latex}$"


_PLAIN = {"_": r"\_", "&": r"\&", "%": r"\%", "#": r"\#", "·": r"$\cdot$"}


def _plain(word: str) -> str:
    """Words in LaTeX."""
    return "".join(_PLAIN.get(character, character) for character in word)


def _escaped(word: str) -> str:
    """Words in Markdown."""
    return word.replace("_", r"\_").replace("*", r"\*")


def _equation(equation: Equation) -> str:
    parts = [formula.latex for formula in equation[:2] if formula is not None]
    return " = ".join([*parts, *([latex_matrix(equation.value, DIGITS)] if equation.value is not None else [])])


def _displays(task: Task) -> list[str]:
    r"""The way to the answer as displays between \[ and \]."""
    if isinstance(task.solution, Chain):
        return [line for line in latex_lines(task.solution, DIGITS) if not line.startswith("%")]
    return [line for equation in task.solution for line in (r"\[", _equation(equation), r"\]")]


def _answer(task: Task) -> str:
    return latex_matrix(task.answer, DIGITS)


def markdown_sheet(tasks: Sequence[Task]) -> str:
    """The tasks, each under a heading, followed by their solutions."""
    lines = []
    for task in tasks:
        lines += [f"## Task {task.number}", "", _said(task.question, _latex, _escaped), ""]
    for task in tasks:
        dollars = ("$$" if line in (r"\[", r"\]") else line for line in _displays(task))
        lines += [f"## Solution {task.number}", "", *dollars, "", f"Answer: ${_answer(task)}$", ""]
    return "\n".join(lines)


_HEAD = [r"\documentclass{article}", r"\usepackage{amsmath,amssymb}", r"\begin{document}"]


def latex_sheet(tasks: Sequence[Task]) -> str:
    """A document that compiles: the tasks, and on another page their solutions."""
    lines = [*_HEAD, r"\section*{Tasks}", r"\begin{enumerate}"]
    for task in tasks:
        lines.append(rf"\item {_said(task.question, _latex, _plain)}")
    lines += [r"\end{enumerate}", r"\newpage", r"\section*{Solutions}", r"\begin{enumerate}"]
    for task in tasks:
        lines += [r"\item \leavevmode", *_displays(task), rf"Answer: ${_answer(task)}$"]
    return "\n".join([*lines, r"\end{enumerate}", r"\end{document}"]) + "\n"


# Moodle


def tolerance(value: float) -> float:
    """How far an entry may be off: half a unit of its third digit; 0 for 0."""
    return 0.5 * 10.0 ** (math.floor(math.log10(abs(value))) - _TYPED + 1) if value else 0.0


def _html(formula: Formula) -> str:
    return escape(rf"\({formula.latex}\)")


def _gap(value: float) -> str:
    shown = number(value, DIGITS)
    off = f"{tolerance(float(shown)):.9f}".rstrip("0").rstrip(".")
    return f"{{1:NUMERICAL:={shown}:{off}}}"


def _gaps(task: Task) -> str:
    """A table with a gap for each entry."""
    columns = task.answer.shape[1]
    names = iter(task.entries)
    rows = []
    for row in task.answer.reshape(-1, columns).tolist():
        cells = "".join(f"<td>{escape(next(names))} = {_gap(value)}</td>" for value in row)
        rows.append(f"<tr>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>"


def moodle_sheet(tasks: Sequence[Task]) -> str:
    """A quiz of Cloze questions, with the solution as their general feedback."""
    quiz = ET.Element("quiz")
    for task in tasks:
        question = ET.SubElement(quiz, "question", type="cloze")
        _text(ET.SubElement(question, "name"), f"{task.number}. {task.name}, level {task.level}")
        asked = f"<p>{_said(task.question, _html, escape)}</p>{_gaps(task)}"
        _text(ET.SubElement(question, "questiontext", format="html"), asked)
        feedback = "".join(f"{escape(line)}\n" for line in _displays(task))
        _text(ET.SubElement(question, "generalfeedback", format="html"), feedback)
        ET.SubElement(question, "penalty").text = "0.3333333"
        ET.SubElement(question, "hidden").text = "0"
    ET.indent(quiz)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(quiz, encoding="unicode") + "\n"


def _text(parent: ET.Element, content: str) -> None:
    ET.SubElement(parent, "text").text = content


SHEETS: dict[str, Callable[[Sequence[Task]], str]] = {
    "text": text_sheet,
    "markdown": markdown_sheet,
    "latex": latex_sheet,
    "moodle": moodle_sheet,
}
"""The ways in which tasks are written, by the name of the format."""
