"""Looks for silent wrong digits and tracebacks where an expression is asked for at many points at once.

`python -m tests.fuzz.many_points --seconds N --seed S` compares each value and slope that `grad --points` prints
without a note with the balls of `jets`. Each finding is printed with its points; exit 1 if there is any.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tests.fuzz.drawing import Drawing, Question
from tests.fuzz.expressions import BITS, HangError, ask, truth_of
from tests.fuzz.jets import wrong

POINTS = 30  # beside that of the question: more than are examined one by one


def questions(seed: int) -> Iterator[list[Question]]:
    """Expressions of numbers, each at many finite points."""
    drawing = Drawing(seed)
    while True:
        question = drawing.question()
        if any(isinstance(value, list) for value in question.inputs.values()):
            continue
        points = [question.inputs, *(drawing.point() for _ in range(POINTS))]
        finite = [p for p in points if all(isinstance(v, float) and math.isfinite(v) for v in p.values())]
        if finite:
            yield [Question(question.text, point) for point in finite]


def finding(questions: Sequence[Question], folder: Path) -> str:
    """What is wrong with the answers to one expression at many points; empty if nothing is."""
    text, names = questions[0].text, sorted(questions[0].inputs)
    rows = [",".join(repr(question.inputs[name]) for name in names) for question in questions]
    file = folder / "points.csv"
    file.write_text("\n".join([",".join(names), *rows, ""]))
    answer = ask(["grad", text, "--points", str(file), "--format", "json"])
    if answer.code == 70 and HangError.__name__ not in answer.notes:
        return f"traceback: {text} at\n{file.read_text()}{answer.notes}"
    if answer.code not in (0, 4) or "note:" in answer.notes:
        return ""
    for question, line in zip(questions, answer.out.splitlines(), strict=True):
        record, true = json.loads(line), truth_of(question, names)
        numbers = [float(record["value"]), *(float(record["gradient"][name]) for name in names)]
        entries = [*(true.value or [None]), *(true.gradient or [None] * len(names))]
        for x, t in zip(numbers, entries, strict=True):
            if t is not None and math.isfinite(x) and wrong(x, t, BITS):
                return (
                    f"silent wrong digits: {text} at {question.at}: {x!r} where {t} is true, among\n{file.read_text()}"
                )
    return ""


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.many_points", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    start, found, count = time.monotonic(), 0, 0
    with np.errstate(all="ignore"), tempfile.TemporaryDirectory() as folder:
        for several in questions(options.seed):
            if time.monotonic() - start > options.seconds:
                break
            count += 1
            if told := finding(several, Path(folder)):
                found += 1
                print(told, flush=True)
    print(f"{count:8} expressions\n{found:8} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
