"""Tasks are the same for a seed; their answers are short, and agree with difference quotients."""

import numpy as np
import pytest

from bpcli.api.exercise_kinds import LEVELS, TASKS
from bpcli.api.exercises import exercise, subject_for
from bpcli.errors import UsageError
from bpcli.lecture.chain import Chain
from bpcli.lecture.exercise_sheets import answer_line, question_text


def subject(task):
    return subject_for(task.function, task.inputs, task.wrt, task.learning_rate)


def check_answer(task):
    """By difference quotients of values alone, through `check`."""
    derivative = subject_for(task.function, task.inputs, task.wrt)
    compared = derivative.check()
    assert compared.agree is not False, task
    numeric = {entry.name: entry.numeric for entry in compared.entries}
    exact = np.array([numeric[name] for name in derivative.question.names]).reshape(task.answer.shape)
    if task.learning_rate is not None:
        here = np.concatenate([np.ravel(derivative.inputs[name]) for name in task.wrt])
        exact = here - task.learning_rate * exact
    assert task.answer == pytest.approx(exact, rel=6e-4, abs=1e-9), task


def is_short(task):
    true = subject(task).question.truth(subject(task).inputs)
    return np.allclose(task.answer, true, rtol=1e-11, atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_every_task(name):
    for level in LEVELS:
        (task,) = exercise(name, seed=11, level=level)
        check_answer(task)
        assert len(task.entries) == task.answer.size
        assert all(len(f"{abs(v):g}".replace(".", "").lstrip("0")) <= 4 for v in task.answer.ravel())
        assert is_short(task) or name == "softplus_poisson"  # which has short answers for few labels


@pytest.mark.parametrize("name", ["gradient", "update", "chain", "softmax", "sigmoid_bce"])
@pytest.mark.parametrize("level", LEVELS)
def test_answers_are_true_and_short(name, level):
    for task in exercise(name, count=3, seed=5, level=level):
        check_answer(task)
        assert is_short(task)


def test_the_same_seed_gives_the_same_tasks():
    def shown(**options):
        return [(question_text(t), answer_line(t)) for t in exercise("gradient", "softmax", count=6, **options)]

    assert shown(seed=3) == shown(seed=3)
    assert shown(seed=3) != shown(seed=4)
    assert len(set(shown(seed=3))) == 6


def test_a_seed_means_the_same_in_every_version():
    (task,) = exercise("sigmoid", seed=2)
    assert (task.inputs, answer_line(task)) == ({"z": "log(9)"}, "0.09")


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (("sofmax",), {}, "no task sofmax"),
        ((), {}, "needs the names"),
        (("softmax",), {"level": 4}, "level"),
        (("softmax",), {"count": 0}, "count"),
    ],
)
def test_wrong_usage(names, options, message):
    with pytest.raises(UsageError, match=message):
        exercise(*names, **options)


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("name", ["chain", "update", "mse"])
def test_the_numbers_on_the_way_are_short_but_for_those_without_an_end(name, level):
    for task in exercise(name, count=2, seed=1, level=level):
        steps = task.solution
        shown = steps.quantities.values() if isinstance(steps, Chain) else [s for s in steps if s.value is not None]
        for value in np.concatenate([np.ravel(step.value) for step in shown]):
            digits = f"{abs(value):.12f}".strip("0").replace(".", "").lstrip("0")
            assert len(digits) <= 4 or len(digits) > 8, (task.inputs, value)
            assert value == 0 or abs(value) > 1e-12
