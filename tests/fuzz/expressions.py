"""Looks for silent wrong digits and kinks, false certificates and "agrees", and tracebacks, in expressions at random.

`python -m tests.fuzz.expressions --seconds N --seed S --jobs J` compares value, gradient and Hessian, of some also
certificates and checks, with the balls of `jets`. Each finding is printed as a command line; exit 1 if there is any.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import math
import shlex
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from bpcli.api.arguments import Expressions, as_value
from bpcli.api.calculations import Calculations
from bpcli.calculus.sweeps import lost_digits
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.errors import BpcliError
from tests.fuzz.drawing import Drawing, Question
from tests.fuzz.jets import Truth, truth, wrong
from tests.fuzz.limits import kink, limits

BITS = 20  # that an entry without a note has to be right to
CERTIFIED_BITS = 52
CHECK_BITS = 40  # to which a true entry that is said to differ is right
MOST_SECONDS = 3.0  # of the processor's time, for one command
CERTIFIED = 8  # of so many expressions one is asked for its certificates
EVERY = 40  # and one for these as printed, and for check
A_TIME = 200  # expressions of a process, before it takes another seed

COMMANDS: dict[str, Callable[[Calculation, dict[str, Any]], Sequence[Any]]] = {
    "eval": lambda calculation, point: [calculation.value(point)],
    "grad": lambda calculation, point: calculation.gradient(point),
    "hessian": lambda calculation, point: calculation.hessian(point),
}
PARTS = {"eval": ["value"], "grad": ["value", "gradient"], "hessian": ["value", "gradient", "hessian"]}


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


@contextlib.contextmanager
def timed() -> Iterator[None]:
    """Raise HangError in what takes too much time."""
    signal.signal(signal.SIGVTALRM, _hang)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def plain(part: Any) -> Any:
    """Arrays as lists."""
    if isinstance(part, dict):
        return {key: plain(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [plain(value) for value in part]
    return part.tolist() if isinstance(part, np.ndarray) else part


def ask(command: list[str]) -> Answer:
    """Run a command in this process."""
    from bpcli.commands.running import run

    out, notes = io.StringIO(), io.StringIO()
    with timed(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(notes):
        code = run(command)
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
    """The answers to questions against what is true, and a count of what they were.

    Most are asked of the calculation itself. What differs from what is true is asked once more as a command, which also
    has notes; so are the certificates and checks of some.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def findings(
        self, questions: Sequence[Question], thorough: bool = False, certify: bool = False
    ) -> Iterator[Finding]:
        """All that is wrong with the answers to one expression at points, with `certify` with certificates too.

        `thorough`: these as they are printed, and checks.
        """
        self.counts["expressions"] += 1
        calculations = _calculations(questions[0].text)
        proving = _calculations(questions[0].text, certify=True) if certify else None
        for question in questions:
            self.counts["points"] += 1
            wrt = sorted(question.inputs)
            true = truth_of(question, wrt)
            one = true.value is None or len(true.value) == 1
            for name in COMMANDS if one else ("eval",):
                command = [name, question.text, "--at", question.at, "--format", "json"]
                if self._differs(name, question, calculations, true):
                    yield from self._printed(command, question, true)
                if not thorough and proving is None:
                    continue
                decimals = truth_of(question, wrt, decimals=True)
                if thorough or (proving and self._differs(name, question, proving, decimals, CERTIFIED_BITS)):
                    yield from self._printed([*command, "--certify"], question, decimals)
            if thorough and one:
                yield from self._checked(question, true)

    def _differs(
        self, name: str, question: Question, calculations: Calculations, true: Truth, bits: int = BITS
    ) -> bool:
        """Whether an answer has to be looked at more closely."""
        self.counts["answers"] += 1
        try:
            with timed():
                point = {key: as_value(key, value) for key, value in question.inputs.items()}
                found = COMMANDS[name](calculations.at(point), point)
        except BpcliError:
            self.counts[f"refused by {name}"] += 1
            return False
        except (Exception, HangError):
            return True
        parts = [_numbers(plain(part)) for part in found]
        self.counts.update(f"{part} compared" for part in PARTS[name] if getattr(true, part) is not None)
        if calculations.certify and not all(map(math.isfinite, itertools.chain(*parts))):
            self.counts["not certified"] += 1
            return False
        if name == "grad" and not calculations.at(point).kinks and _finite(parts[1]) and kink(question, true):
            return True
        return any(_off(numbers, getattr(true, part), bits) for numbers, part in zip(parts, PARTS[name], strict=True))

    def _asked(self, command: list[str]) -> Answer | Finding:
        self.counts["commands"] += 1
        answer = ask(command)
        if HangError.__name__ in answer.notes:
            return Finding("hang", command, f"more than {MOST_SECONDS:g} s of the processor")
        if answer.code == 70:
            return Finding("traceback", command, answer.notes.strip())
        return answer

    def _printed(self, command: list[str], question: Question, true: Truth) -> Iterator[Finding]:
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
            return
        noted = not certified and ("note:" in answer.notes or answer.code == 4)
        for part in PARTS[command[0]]:
            off = _off(_numbers(record[part]), getattr(true, part), CERTIFIED_BITS if proven else BITS)
            silent = command[0] == "grad" and "note:" not in answer.notes and answer.code == 0
            if silent and part == "gradient" and (sides := kink(question, true)):
                yield Finding("silent kink", command, f"{record[part]} where the slopes are {sides}")
                return
            if not off:
                self.counts[f"{part} right"] += 1
            elif noted:
                self.counts[f"{part} off, with a note"] += 1
            elif not proven and not _off(_numbers(record[part]), getattr(self._as_written(question), part), BITS):
                self.counts[f"{part} right with constants as written"] += 1
            else:
                kind = "false certificate" if proven else "silent wrong digits"
                yield Finding(kind, command, f"{part}: {'; '.join(off[:3])}")
                return

    @staticmethod
    def _as_written(question: Question) -> Truth:
        return truth_of(question, sorted(question.inputs), decimals=True)

    def _checked(self, question: Question, true: Truth) -> Iterator[Finding]:
        command = ["check", question.text, "--at", question.at, "--format", "json"]
        answer = self._asked(command)
        if isinstance(answer, Finding):
            yield answer
            return
        if not answer.out or true.gradient is None or "entries" not in answer.record:
            self.counts["check refused or not decided"] += 1
            return
        for place, (entry, t) in enumerate(zip(answer.record["entries"], true.gradient, strict=True)):
            exact = float("nan") if entry["exact"] is None else float(entry["exact"])
            self.counts[f"check says {entry['agree']}"] += 1
            if entry["agree"] and t is not None and wrong(exact, t, BITS):
                written = self._as_written(question).gradient
                if written and written[place] is not None and not wrong(exact, written[place], BITS):
                    self.counts["check right with constants as written"] += 1
                    continue
                yield Finding("false agrees", command, f"{entry['name']}: {exact!r} where {_shown(t)} is true")
                return
            if entry["agree"] is False and t is not None and not wrong(exact, t, CHECK_BITS):
                yield Finding("false difference", command, f"{entry['name']}: {exact!r} is true")
                return


def truth_of(question: Question, wrt: list[str], decimals: bool = False) -> Truth:
    """What is true, where the rules have no derivative as the limit from all sides."""
    text, inputs = question
    true = truth(text, inputs, wrt, decimals)
    if true.value is None or len(true.value) > 1 or (true.gradient and true.hessian):
        return true
    found = limits(text, inputs, wrt, true.value[0], decimals)
    return Truth(true.value, true.gradient or found.gradient, true.hessian or found.hessian, true.without_slope)


def _calculations(text: str, certify: bool = False) -> Calculations:
    given = Expressions([text])
    return Calculations(given.trees, given.texts, given.wrt, certify=certify)


def _off(numbers: Sequence[float], entries: Sequence[arb | None] | None, bits: int) -> list[str]:
    """Which numbers are not what is true, as far as that is known."""
    if entries is None:
        return []
    return [
        f"{x!r} where {_shown(t)} is true"
        for x, t in zip(numbers, entries, strict=True)
        if t is not None and wrong(x, t, bits)
    ]


def _finite(numbers: Sequence[float]) -> bool:
    return all(map(math.isfinite, numbers))


def explore(
    seed: int, seconds: float | None = None, expressions: int | None = None
) -> Iterator[Finding | Counter[str]]:
    """Findings as they come, and last the counts; as many seconds or expressions as are given."""
    drawing, comparison, start = Drawing(seed), Comparison(), time.monotonic()
    with np.errstate(all="ignore"):
        while (expressions is None or comparison.counts["expressions"] < expressions) and (
            seconds is None or time.monotonic() - start < seconds
        ):
            number = comparison.counts["expressions"]
            for finding in comparison.findings([drawing.question()], number % EVERY == 0, number % CERTIFIED == 1):
                comparison.counts[finding.kind] += 1
                yield finding
    yield comparison.counts


def _explored(part: tuple[int, float | None, int | None]) -> list[Finding | Counter[str]]:
    return list(explore(*part))


def _without_balls() -> None:
    """Let bpcli find lost digits as it does without python-flint."""
    lost_digits._in_balls = lambda *_: None


def explore_together(
    jobs: int, seed: int, seconds: float | None, expressions: int | None, decimals: bool = False
) -> Iterator[Finding | Counter[str]]:
    """The same by several processes, each some expressions of a seed of its own at a time; `decimals`: see `main`."""
    start = time.monotonic()

    def parts() -> Iterator[tuple[int, float | None, int | None]]:
        for number in itertools.count():
            if expressions is not None and number * A_TIME >= expressions:
                return
            if seconds is not None and time.monotonic() - start >= seconds:
                return
            yield seed * 1_000_000 + number, None, A_TIME

    counts: Counter[str] = Counter()
    with ProcessPoolExecutor(jobs, initializer=_without_balls if decimals else None) as pool:
        waiting: dict[Future[list[Finding | Counter[str]]], int] = {}
        rest = parts()
        try:
            for part in itertools.islice(rest, 2 * jobs):
                waiting[pool.submit(_explored, part)] = part[0]
            while waiting:
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    for result in future.result():
                        if isinstance(result, Counter):
                            counts += result
                            print(f"{counts['points']} points in {time.monotonic() - start:.0f} s", file=sys.stderr)
                        else:
                            yield result
                    del waiting[future]
                    for part in itertools.islice(rest, 1):
                        waiting[pool.submit(_explored, part)] = part[0]
        except BrokenProcessPool:
            yield Finding("crash", [], f"of a process, at one of the seeds {', '.join(map(str, waiting.values()))}")
    yield counts


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.expressions", description=__doc__)
    parser.add_argument("--seconds", type=float, help="stop after so long")
    parser.add_argument("--expressions", type=int, help="stop after so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--decimals", action="store_true", help="find lost digits as without python-flint")
    options = parser.parse_args(arguments)
    if options.seconds is None and options.expressions is None:
        options.seconds = 60.0
    found = 0
    for result in explore_together(options.jobs, options.seed, options.seconds, options.expressions, options.decimals):
        if isinstance(result, Finding):
            found += 1
            print(result, flush=True)
        else:
            print("\n".join(f"{count:8} {what}" for what, count in sorted(result.items())))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
