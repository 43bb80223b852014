"""Keys: tasks are read back from their file, and each answer gets the right finding."""

import numpy as np
import pytest

from bpcli.api.answer_keys import grade_answers, key_text, read_key
from bpcli.api.exercises import exercise
from bpcli.errors import DataError
from bpcli.lecture.exercise_sheets import answer_line
from bpcli.text.notation import number

TASKS = exercise("gradient", "softmax", "softmax_cce", "chain", "update", "neuron", level=2, seed=9)
KEY = read_key(key_text(TASKS))


def findings(lines):
    return [grade.finding for grade in grade_answers(KEY, "\n".join(lines))]


def row(values):
    return ";".join(",".join(number(v, 6) for v in line) for line in np.atleast_2d(values))


def test_the_answers_of_the_key_are_right():
    lines = [answer_line(task) for task in TASKS]
    assert findings(lines) == ["right"] * len(TASKS)
    assert [grade.score for grade in grade_answers(KEY, "\n".join(lines))] == [1] * len(TASKS)


def test_what_is_missing_is_unanswered():
    grades = grade_answers(KEY, f"\n{answer_line(TASKS[1])}\n")
    assert [grade.finding for grade in grades] == ["unreadable", "right", *["unreadable"] * 4]
    assert [grade.score for grade in grades] == [0, 1, 0, 0, 0, 0]
    assert grades[0].message == "unanswered"


def test_a_sign_is_a_sign():
    assert findings([row(-task.answer) for task in TASKS])[:4] == ["sign"] * 4


def test_formulas():
    lines = ["", "p*(1-p)", "y-p", "", "", "q+"]
    assert findings(lines) == ["unreadable", "diagonal_only", "sign", "unreadable", "unreadable", "unreadable"]


def test_an_update_that_goes_up_or_forgets_its_rate():
    task, asked = TASKS[4], KEY[4]
    here = np.concatenate([np.ravel(asked.subject.inputs[name]) for name in task.wrt])
    step = here - asked.subject.question.truth(asked.subject.inputs)[0]
    up = grade_answers(KEY, "\n" * 4 + row(here + step))[4]
    assert (up.finding, up.message) == ("sign", "this is a step up: + in place of −")
    whole = grade_answers(KEY, "\n" * 4 + row(here - step / task.learning_rate))[4]
    assert (whole.finding, whole.message) == ("factor", "this is a step without α")


@pytest.mark.parametrize(
    "content",
    ["", "x", "[1]", '{"task": 1}', '{"task": 1, "name": "x", "function": ["x+"], "inputs": {"x": "1"}, "wrt": ["x"]}'],
)
def test_what_is_no_key(content):
    with pytest.raises(DataError):
        read_key(content)


def test_too_many_lines():
    with pytest.raises(DataError, match="7 lines for 6 tasks"):
        grade_answers(KEY, "1\n" * 7)
    assert len(grade_answers(KEY, "1\n" * 6 + "\n \n")) == 6


def test_an_answer_names_no_file():
    assert findings(["@/etc/hostname"])[0] == "unreadable"


@pytest.mark.slow
def test_formulas_of_a_chain_are_in_its_names():
    pytest.importorskip("flint", reason="without proofs, that digits are lost is a warning")
    for seed in range(4):
        (task,) = exercise("chain", level=2, seed=seed)
        key = read_key(key_text([task]))
        slope = {"b": "2*(a-y)*f", "w": "2*(a-y)*f*x"}
        if "mse" not in task.function[0] or "softmax" in task.function[0]:
            continue
        shapes = {"tanh": "(1-a**2)", "sigmoid": "a*(1-a)", "relu": "(z>=0)", "identity": "1", "exp": "a"}
        name = task.names["a"].partition("(")[0]
        if name in shapes:
            line = ", ".join(slope[block].replace("f", shapes[name]) for block in task.wrt)
            assert [grade.finding for grade in grade_answers(key, line)] == ["right"], (line, task)
            lacking = ", ".join(slope[block].replace("*f", "") for block in task.wrt)
            assert (grade_answers(key, lacking)[0].finding == "right") == (name == "identity")
