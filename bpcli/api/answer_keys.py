"""Keys to exercises: the tasks and their answers in a file, and the grades of a class by them."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from bpcli.api.arguments import as_text
from bpcli.api.derivative_checks import Subject, unreadable
from bpcli.api.exercises import subject_for
from bpcli.calculus.checks.answers import read_answer
from bpcli.calculus.checks.grading import UNREADABLE, Grade, Tolerance
from bpcli.errors import BpcliError, DataError
from bpcli.lecture.exercise_sheets import Task, record
from bpcli.text.notation import json_text

__all__ = ["KeyTask", "grade_answers", "key_text", "read_key"]


class KeyTask(NamedTuple):
    """A task of a key: its number, its kind, and the derivative that it asks for."""

    task: int
    name: str
    subject: Subject


def key_text(tasks: Sequence[Task]) -> str:
    """The key of tasks: a JSON object a line, with the question, its function and inputs, and the answer."""
    return "".join(f"{json_text(record(task))}\n" for task in tasks)


def read_key(content: str, path: str = "the key") -> list[KeyTask]:
    """The tasks of a key file; DataError with the line that holds none."""
    found = []
    for k, line in enumerate(as_text("content", content).splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(_asked(json.loads(line)))
        except (ValueError, TypeError, LookupError, AttributeError, BpcliError) as error:
            raise DataError(f"{path}:{k} is no task of a key", "exercise writes keys") from error
    if not found:
        raise DataError(f"{path} has no task", "exercise writes keys")
    return found


def _asked(task: dict[str, Any]) -> KeyTask:
    function, inputs, wrt = map(str, task["function"]), task["inputs"], list(map(str, task["wrt"]))
    rate = task.get("learning_rate")
    texts = {str(name): str(text) for name, text in inputs.items()}
    names = {str(name): str(text) for name, text in task.get("names", {}).items()}
    subject = subject_for(tuple(function), texts, wrt, None if rate is None else float(rate), names)
    return KeyTask(int(task["task"]), str(task["name"]), subject)


def grade_answers(key: Sequence[KeyTask], content: str, tolerance: Tolerance | None = None) -> list[Grade]:
    """The grade of each task, from a line of answer for each, in the order of the tasks.

    An empty or missing line is unanswered: `unreadable` with the score 0. DataError for more lines than tasks.
    """
    lines = as_text("content", content).splitlines()
    if any(line.strip() for line in lines[len(key) :]):
        raise DataError(f"there are {len(lines)} lines for {len(key)} tasks", "one answer a line, in their order")
    lines += [""] * (len(key) - len(lines))
    return [_graded(asked, line.strip(), tolerance or Tolerance()) for asked, line in zip(key, lines, strict=False)]


def _graded(asked: KeyTask, line: str, tolerance: Tolerance) -> Grade:
    if not line:
        return Grade(UNREADABLE, [], "unanswered")
    try:
        return asked.subject.grade(read_answer(line, _no_file), tolerance)
    except BpcliError as error:
        return unreadable(error, asked.subject)


def _no_file(path: str) -> str:
    raise DataError(f"@{path}: no file can stand in an answer")
