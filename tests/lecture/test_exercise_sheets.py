"""Sheets of tasks: each has the questions, the answers and the way there; Moodle's XML is what its pages describe."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from bpcli.api.exercises import exercise
from bpcli.calculus.checks.grading import half_a_digit
from bpcli.lecture.drawing import text_lines
from bpcli.lecture.exercise_sheets import DIGITS, SHEETS, answer_line, record, solution_text, tolerance

TASKS = exercise("gradient", "update", "log_softmax", "softmax_cce", "chain", "neuron", "affine", seed=4, level=3)
GAP = re.compile(r"\{1:NUMERICAL:=(-?[\d.]+):([\d.]+)\}")


def test_a_gap_for_each_entry():
    quiz = ET.fromstring(SHEETS["moodle"](TASKS).encode())
    assert quiz.tag == "quiz"
    assert [question.get("type") for question in quiz] == ["cloze"] * len(TASKS)
    for question, task in zip(quiz, TASKS, strict=True):
        assert [child.tag for child in question] == ["name", "questiontext", "generalfeedback", "penalty", "hidden"]
        assert question.find("questiontext").get("format") == "html"
        gaps = GAP.findall(question.findtext("questiontext/text"))
        assert [float(value) for value, _ in gaps] == task.answer.ravel().tolist()
        assert question.findtext("questiontext/text").count("{1:") == len(gaps) == len(task.entries)
        ET.fromstring(f"<p>{question.findtext('questiontext/text')}</p>")  # its HTML is closed
        ET.fromstring(f"<p>{question.findtext('generalfeedback/text')}</p>")
    assert SHEETS["moodle"](TASKS).startswith("<?xml ")


@pytest.mark.parametrize(("value", "off"), [(0.1875, 0.0005), (-4, 0.005), (12.5, 0.05), (0.01, 0.00005), (0, 0)])
def test_an_entry_is_right_to_three_digits(value, off):
    assert tolerance(value) == pytest.approx(off)


def test_the_tolerance_is_that_of_check():
    assert tolerance(0.123) == pytest.approx(half_a_digit("0.123"), rel=1e-6)


def test_text_has_questions_then_solutions():
    text = SHEETS["text"](TASKS)
    for task in TASKS:
        assert text.index(f"\n{task.number}. " if task.number > 1 else "1. ") < text.index(f"Solution {task.number}")
        assert f"  Answer: {answer_line(task)}" in text


def test_the_solution_of_a_chain_is_what_backprop_draws():
    (chain,) = (task for task in TASKS if task.name == "chain")
    assert solution_text(chain) == text_lines(chain.solution, DIGITS)
    blocks = [chain.solution.quantities[f"dJ_d{name}"].value.ravel() for name in chain.wrt]
    assert np.concatenate(blocks) == pytest.approx(chain.answer.ravel())


def test_latex_is_ascii_and_its_braces_and_environments_close():
    text = SHEETS["latex"](TASKS)
    assert text.isascii()
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert text.count("$") % 2 == 0
    for name in set(re.findall(r"\\begin\{(\w+)\}", text)):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}")
    assert text.count(r"\[") == text.count(r"\]")


TEX = next(filter(shutil.which, ("pdflatex", "lualatex", "tectonic")), None)


@pytest.mark.skipif(TEX is None, reason="there is no TeX")
def test_latex_compiles(tmp_path):
    (tmp_path / "sheet.tex").write_text(SHEETS["latex"](TASKS))
    options = [] if TEX == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run([TEX, *options, "sheet.tex"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_markdown_pairs_its_dollars():
    text = SHEETS["markdown"](TASKS)
    assert text.count("$$") % 2 == 0
    assert text.replace("$$", "").count("$") % 2 == 0
    assert text.count("## Task") == text.count("## Solution") == len(TASKS)


def test_a_record_has_all_that_a_check_needs():
    task = record(TASKS[0])
    assert {"task", "question", "function", "inputs", "wrt", "learning_rate", "entries", "answer"} <= task.keys()
