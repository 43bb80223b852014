"""Looks for silent wrong digits, false certificates, false "agrees" and tracebacks in expressions drawn at random.

`python -m tests.fuzz.expressions --seconds N --seed S` asks what eval, grad, hessian and check print, with their
notes, and compares it with the balls of `jets`. Each finding is printed as a command line; exit 1 if there is any.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shlex
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from tests.fuzz.drawing import Drawing, Question
from tests.fuzz.jets import Truth, truth, wrong

_BITS = 20  # that an entry without a note has to be right to
_CERTIFIED_BITS = 52
_MOST_SECONDS = 10.0  # of the processor's time, for one command
_EVERY = 4  # of the questions is asked for its certificate, and of check


class Finding(NamedTuple):
    """What is wrong, and the command that shows it."""

    kind: str
    command: list[str]
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {shlex.join(['bpcli', *self.command])}\n  {self.detail}"


class Answer(NamedTuple):
    """What a command printed."""

    code: int
    out: str
    notes: str

    @property
    def record(self) -> Any:
        return json.loads(self.out)


class HangError(BaseException):
    """A command that takes far too much time."""


def _hang(number: int, frame: FrameType | None) -> None:
    raise HangError


def ask(command: list[str]) -> Answer:
    """Run a command in this process."""
    from bpcli.commands import run

    out, notes = io.StringIO(), io.StringIO()
    signal.signal(signal.SIGVTALRM, _hang)
    signal.setitimer(signal.ITIMER_VIRTUAL, _MOST_SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(notes):
            code = run(command)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return Answer(code, out.getvalue(), notes.getvalue())


def _numbers(value: Any) -> list[float]:
    """The entries of what JSON holds, one behind the other."""
    if isinstance(value, dict):
        return [number for part in value.values() for number in _numbers(part)]
    if isinstance(value, list):
        return [number for part in value for number in _numbers(part)]
    return [float("nan") if value is None else float(value)]


def _shown(true: arb) -> str:
    return "0" if true.contains(0) else str(true.mid().str(17, radius=False))


class Comparison:
    """The answers to questions against what is true, and a count of what they were."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def findings(self, question: Question, thorough: bool) -> Iterator[Finding]:
        """All that is wrong with the answers to one question; `thorough`: its certificates and checks too."""
        self.counts["expressions"] += 1
        wrt = sorted(question.inputs)
        true = truth(question.text, question.inputs, wrt)
        for name in ("eval", "grad", "hessian"):
            if name != "eval" and true.value is not None and len(true.value) > 1:
                continue
            for more in ([], ["--certify"]) if thorough else ([],):
                yield from self._printed([name, question.text, "--at", question.at, "--format", "json", *more], true)
        if thorough and (true.value is None or len(true.value) == 1):
            yield from self._checked(["check", question.text, "--at", question.at, "--format", "json"], true)

    def _asked(self, command: list[str]) -> Answer | Finding:
        self.counts["answers"] += 1
        answer = ask(command)
        if HangError.__name__ in answer.notes:
            return Finding("hang", command, f"more than {_MOST_SECONDS:g} s of the processor")
        if answer.code == 70:
            return Finding("traceback", command, answer.notes.strip())
        return answer

    def _printed(self, command: list[str], true: Truth) -> Iterator[Finding]:
        answer = self._asked(command)
        if isinstance(answer, Finding):
            yield answer
            return
        if answer.code not in (0, 4) or not answer.out:
            self.counts[f"refused by {command[0]}"] += 1
            return
        record, certified = answer.record, "--certify" in command
        proven = bool(record.get("certified"))
        if certified and not proven:
            self.counts["not certified"] += 1
        noted = not certified and ("note:" in answer.notes or answer.code == 4)
        parts = {"eval": ["value"], "grad": ["value", "gradient"], "hessian": ["value", "gradient", "hessian"]}
        for part in parts[command[0]]:
            entries: list[Any] | None = getattr(true, part)
            if entries is None:
                self.counts[f"{part} not decided"] += 1
                continue
            found = _numbers(record[part])
            off = [
                f"{part}: {x!r} where {_shown(t)} is true"
                for x, t in zip(found, entries, strict=True)
                if wrong(x, t, _CERTIFIED_BITS if proven else _BITS)
            ]
            if not off:
                self.counts[f"{part} right"] += 1
            elif certified and not proven:
                self.counts[f"{part} not certified"] += 1
            elif noted:
                self.counts[f"{part} off, with a note"] += 1
            else:
                yield Finding("false certificate" if proven else "silent wrong digits", command, "; ".join(off[:3]))
                return

    def _checked(self, command: list[str], true: Truth) -> Iterator[Finding]:
        answer = self._asked(command)
        if isinstance(answer, Finding):
            yield answer
            return
        if not answer.out or true.gradient is None or "entries" not in answer.record:
            self.counts["check refused or not decided"] += 1
            return
        for entry, t in zip(answer.record["entries"], true.gradient, strict=True):
            exact = float("nan") if entry["exact"] is None else float(entry["exact"])
            self.counts[f"check says {entry['agree']}"] += 1
            if entry["agree"] and wrong(exact, t, _BITS):
                yield Finding("false agrees", command, f"{entry['name']}: {exact!r} where {_shown(t)} is true")
                return


def explore(
    seed: int, seconds: float | None = None, expressions: int | None = None
) -> Iterator[Finding | Counter[str]]:
    """Findings as they come, and last the counts; as many seconds or expressions as are given."""
    drawing, comparison, start = Drawing(seed), Comparison(), time.monotonic()
    shown = start
    with np.errstate(all="ignore"):
        while (expressions is None or comparison.counts["expressions"] < expressions) and (
            seconds is None or time.monotonic() - start < seconds
        ):
            question = drawing.question()
            for finding in comparison.findings(question, comparison.counts["expressions"] % _EVERY == 0):
                comparison.counts[finding.kind] += 1
                yield finding
            if time.monotonic() - shown > 30:
                shown = time.monotonic()
                print(f"{comparison.counts['expressions']} expressions in {shown - start:.0f} s", file=sys.stderr)
    yield comparison.counts


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.expressions", description=__doc__)
    parser.add_argument("--seconds", type=float, help="stop after so long")
    parser.add_argument("--expressions", type=int, help="stop after so many")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.seconds is None and options.expressions is None:
        options.seconds = 60.0
    found = 0
    for result in explore(options.seed, options.seconds, options.expressions):
        if isinstance(result, Finding):
            found += 1
            print(result, flush=True)
        else:
            print("\n".join(f"{count:8} {what}" for what, count in sorted(result.items())))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
