"""Tasks of the lecture for a class, with short numbers, each with its worked solution."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpcli.api.arguments import as_whole
from bpcli.api.calculator import value
from bpcli.api.derivative_checks import Subject, UpdateSubject, subject_of
from bpcli.api.drawn_inputs import Draw
from bpcli.api.exercise_kinds import LEVELS, TASKS, Draft
from bpcli.calculus.points.values import parse_value
from bpcli.errors import BpcliError, UsageError, meant
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.lecture.chain import Chain
from bpcli.lecture.exercise_sheets import DIGITS, SHEETS, Task
from bpcli.lecture.named_functions import NAMED
from bpcli.text.notation import number

__all__ = ["LEVELS", "SHEETS", "Task", "exercise"]

_TRIES = 250  # inputs that are drawn until the numbers come out short
_AGAIN = 4  # times that a task is drawn again if it repeats another, or its numbers are not short
_MOST, _PLACES = 1000.0, 4  # an answer is below this, with at most so many decimal places
_EXACT = 1e-12
_FINITE = 9  # a number with at most so many digits has a finite decimal; a logarithm has more


def exercise(*names: str, count: int | None = None, seed: int = 0, level: int = 1) -> list[Task]:
    """Tasks of these kinds in turn, `count` in all, by default one of each. The same seed gives the same tasks.

    `gradient`, `update`, `chain`, or the name of a function of the lecture for its Jacobian. Level 1 has few numbers, 2
    more, 3 mini-batches and whole chains. UsageError for an unknown kind or level.
    """
    known = list(TASKS)
    for name in names:
        if not isinstance(name, str) or name not in known:
            raise UsageError(f"there is no task {name}", meant(str(name), known, f"the tasks are {', '.join(known)}"))
    if not names:
        raise UsageError("an exercise needs the names of its tasks", f"they are {', '.join(known)}")
    if as_whole("level", level) not in LEVELS:
        raise UsageError(f"level: expected one of {', '.join(map(str, LEVELS))}, found {level!r}")
    if count is not None and as_whole("count", count) < 1:
        raise UsageError(f"count: expected a number of at least 1, found {count!r}")
    tasks: list[Task] = []
    for k in range(len(names) if count is None else count):
        name = names[k % len(names)]
        for again in range(_AGAIN):
            task, short = _drawn(name, k + 1, level, (seed, name, level, k, again))
            if short and all(task.inputs != other.inputs or task.function != other.function for other in tasks):
                break
        tasks.append(task)
    return tasks


class _Candidate(NamedTuple):
    draft: Draft
    subject: Subject
    answer: Any

    @property
    def is_short(self) -> bool:
        """Whether each entry has at most four digits, unrounded, and so has each finite decimal in the solution."""
        shown = _rounded(self.answer)
        short = _is_short(self.answer) & (abs(shown) < _MOST) & (np.round(shown, _PLACES) == shown)
        return bool(short.all()) and all(map(_is_short_or_infinite, self._in_solution()))

    def _in_solution(self) -> list[Any]:
        solution = self.draft.solution(self.subject)
        if isinstance(solution, Chain):
            return [quantity.value for quantity in solution.quantities.values()]
        return [equation.value for equation in solution if equation.value is not None]


def _is_short(values: Any, digits: int = DIGITS) -> Any:
    """Whether each value has at most so many digits."""
    shown = _rounded(values, digits)
    return abs(shown - values) <= _EXACT * np.maximum(abs(values), 1e-3)


def _is_short_or_infinite(values: Any) -> bool:
    """Whether each value has at most four digits or no finite decimal, and none is a rounding error in place of 0."""
    left = (values != 0) & (abs(values) < _EXACT)
    return bool(((_is_short(values) | ~_is_short(values, _FINITE)) & ~left).all())


def _drawn(name: str, place: int, level: int, seed: tuple[object, ...]) -> tuple[Task, bool]:
    """A task, and whether its numbers are short."""
    found = None
    with np.errstate(all="ignore"):
        for k in range(_TRIES):
            candidate = _candidate(name, level, Draw(*seed, k))
            if candidate is None:
                continue
            found = candidate
            if candidate.is_short:
                plain = _candidate(name, level, Draw(*seed, k, plain=True))  # no logarithm where 1 is short, too
                found = plain if plain is not None and plain.is_short else candidate
                break
        if found is None:
            raise UsageError(f"no inputs were found for a task {name}")
        draft, subject, answer = found
        solution = draft.solution(subject)
    what = (draft.function, draft.inputs, draft.wrt, draft.learning_rate, dict(draft.names))
    entries = tuple(subject.question.names)
    return Task(place, name, level, *what, draft.question, entries, _rounded(answer), solution), found.is_short


def _candidate(name: str, level: int, draw: Draw) -> _Candidate | None:
    """A task with its answer; None if there is no answer, if it is all 0, or if there are two, at a kink."""
    try:
        draft = TASKS[name](draw, level)
        subject = subject_for(draft.function, draft.inputs, draft.wrt, draft.learning_rate)
        answer = subject.question.truth(subject.inputs)
    except BpcliError:
        return None
    row = NAMED.get(draft.function[0])
    at_kink = row is not None and row.corners(dict(subject.inputs))
    return _Candidate(draft, subject, answer) if np.isfinite(answer).all() and answer.any() and not at_kink else None


def _rounded(answer: Any, digits: int = DIGITS) -> Any:
    return np.vectorize(lambda value: float(number(value, digits)) + 0.0)(answer)


def subject_for(
    function: Sequence[str],
    inputs: Mapping[str, str],
    wrt: Sequence[str],
    learning_rate: float | None = None,
    names: Mapping[str, str] | None = None,
) -> Subject:
    """The derivative, or update, that a task asks for, at inputs as text; answers may use `names` for expressions."""
    values = {key: text if text in ACTIVATIONS else parse_value(text) for key, text in inputs.items()}
    subject = subject_of(tuple(function), values, list(wrt))
    if names:
        known = {name: value(text) for name, text in names.items()}
        question = subject.question

        def context(at: Mapping[str, Any]) -> dict[str, Any]:
            found = {name: f({key: at[key] for key in f.variables}) for name, f in known.items()}
            return {**question.context(at), **found}

        subject.question = question._replace(context=context)
    return subject if learning_rate is None else UpdateSubject(subject, learning_rate)
