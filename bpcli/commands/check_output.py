"""The output of `bpcli check`: entries beside quotients, grades of answers, marks, and the verdict on all of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bpcli.api.answer_keys import KeyTask
from bpcli.api.derivative_checks import Comparison, Grade, Subject, Tolerance
from bpcli.calculus.checks.checking import KINKS, LOST, Checked
from bpcli.calculus.checks.grading import UNREADABLE
from bpcli.commands import output
from bpcli.commands.printing import Printer, plain
from bpcli.errors import CheckError
from bpcli.text.notation import cell, number

_MOST_ENTRIES = 12  # of an answer that are shown at most


class Session:
    """Prints the checks and counts the entries that are wrong or undecided."""

    def __init__(self, printer: Printer, tolerance: Tolerance, score: bool) -> None:
        self.printer, self.tolerance, self.score = printer, tolerance, score
        self.disagree = self.unreadable = self.unsure = self.total = 0
        self.open_fails = True
        self.marks: list[list[str]] = []
        self.reasons: set[str] = set()  # for what is open

    def show(
        self, function: Any, shown: dict[str, Any], titles: list[str], cells: list[Any], found: Comparison
    ) -> None:
        """The entries of one point: exact, numeric, their difference."""
        entries, printer = found.entries, self.printer
        self.total += len(entries)
        self.disagree += sum(entry.agree is False for entry in entries)
        self.unsure += sum(entry.agree is None for entry in entries)
        self.reasons |= {entry.why for entry in entries if entry.agree is None}
        if printer.format == "json":
            record = {"function": function, "inputs": shown, "agree": found.agree, "max_error": found.max_error}
            keys = ("name", "exact", "numeric", "error", "agree")
            printer.json({**record, "entries": [{key: getattr(e, key) for key in keys} for e in entries]})
        elif printer.format == "csv":
            header = [*titles, "entry", "exact", "numeric", "error", "agree"]
            printer.csv(header, [[*cells, e.name, e.exact, e.numeric, e.error, _verdict(e)] for e in entries])
        else:
            rows = [["entry", "exact", "numeric", "difference", ""]]
            for e in entries:
                numbers = [number(v, printer.precision) for v in (e.exact, e.numeric)]
                rows.append([e.name, *numbers, number(e.error, 2), _verdict(e)])
            printer.text(output.folded(rows), apart=True)

    def note_kink(self, subject: Subject) -> None:
        """Say what is used at a kink, if the answers are graded at one."""
        kink = subject.question.at_kink(subject.inputs)
        if kink is not None:
            self.printer.at_kink(lambda: kink.place, kink.kinks, side_to_take=False)

    def answered(self, inputs: Mapping[str, Any], answer: str, found: Grade, brief: bool = False) -> None:
        """Print the grade of an answer; with `brief` text output leaves out right ones."""
        found = _with_option(found)
        self._count(found)
        printer = self.printer
        if printer.format == "json":
            printer.json(self._record(inputs, answer, found))
        elif printer.format == "csv" and self.score:
            printer.csv(["answer", "score", "finding"], [[answer, found.score, found.finding]])
        elif printer.format == "csv":
            rows = [[e.name, e.exact, e.given, e.error] for e in found.entries] or [[None] * 4]
            header = ["answer", "finding", "entry", "exact", "given", "error"]
            printer.csv(header, [[answer, found.finding, *row] for row in rows])
        elif self.score:
            self.marks.append([answer, "open" if found.score is None else number(found.score, 4), found.finding])
        elif not (brief and found.agree):
            printer.text(self._lines(answer, found), apart=False)

    def of_task(self, answer: str, asked: KeyTask, found: Grade) -> None:
        """Print the grade of the answer to one task of a key, with its score."""
        found = _with_option(found)
        self._count(found)
        if self.printer.format == "json":
            inputs = {name: plain(value) for name, value in asked.subject.inputs.items()}
            about = {"answer": answer, "task": asked.task, "name": asked.name, "score": found.score}
            self.printer.json({**about, **self._record(inputs, answer, found)})
        elif self.printer.format == "csv":
            header = ["answer", "task", "name", "score", "finding"]
            self.printer.csv(header, [[answer, asked.task, asked.name, found.score, found.finding]])
        else:
            mark = "open" if found.score is None else number(found.score, 4)
            why = "" if found.agree else found.message.splitlines()[0]
            self.marks.append([answer, f"{asked.task} {asked.name}", mark, found.finding, why])

    def _count(self, found: Grade) -> None:
        self.total += 1
        if found.finding == UNREADABLE:
            self.unreadable += 1
        else:
            self.disagree += found.agree is False
            self.unsure += found.agree is None

    def _record(self, inputs: Mapping[str, Any], answer: str, found: Grade) -> dict[str, Any]:
        entries = [{"name": e.name, "exact": e.exact, "given": e.given, "error": e.error} for e in found.entries]
        record: dict[str, Any] = {"answer": answer, "inputs": inputs, "agree": found.agree}
        record |= {"max_error": found.max_error, "entries": entries, "finding": found.finding}
        if found.factor is not None:
            record["factor"] = found.factor
        if found.counterexample is not None:
            record["input"] = found.counterexample
        if self.score:
            record["score"] = found.score
        return record | {"message": found.message}

    def _lines(self, answer: str, found: Grade) -> list[str]:
        if found.finding == UNREADABLE:
            return [
                f"{answer.strip() or repr(answer)}: unreadable",
                *(f"  {line}" for line in found.message.splitlines()),
            ]
        if found.agree:
            return [f"{answer}: right"]
        lines = [f"{answer}: {found.message}"]
        if found.counterexample:
            lines[0] += f" at {', '.join(f'{k} = {shown_value(v)}' for k, v in found.counterexample.items())}"
        wrong = [e for e in found.entries if not e.right][:_MOST_ENTRIES]
        if wrong:
            rows = [["entry", "exact", "yours"]]
            rows += [[e.name, *(number(v, self.printer.precision) for v in (e.exact, e.given))] for e in wrong]
            lines += [f"  {line}" for line in output.aligned(rows)]
        return lines

    def finish(self) -> None:
        """The table of marks, if one is asked for; CheckError if something did not hold, or is open."""
        if self.marks:
            titles = (
                ["answer", "score", "finding"]
                if len(self.marks[0]) == 3
                else ["answer", "task", "score", "finding", ""]
            )
            self.printer.text(output.folded([titles, *self.marks]), apart=False)
        counts = {"wrong": self.disagree, "unreadable": self.unreadable}
        if failed := {name: count for name, count in counts.items() if count}:
            first, *others = failed.items()
            more = [f"{count} {name}" for name, count in others]
            raise CheckError(", ".join([f"{_share(first[1], self.total)} {first[0]}", *more]))
        if self.unsure:
            at_kinks = self.reasons and self.reasons <= {*KINKS}
            why = (
                f"{min(self.reasons)}, where a quotient mixes the slopes on both sides"
                if at_kinks
                else "doubles can't tell"
            )
            message = f"{_share(self.unsure, self.total)} open: {why}"
            if self.open_fails:
                raise CheckError(message)
            output.note(message)


def _with_option(found: Grade) -> Grade:
    """A grade whose message names a file as it is given here."""
    return found._replace(message=found.message.replace("\n  write @", "\n  write --mine @"))


def _share(count: int, total: int) -> str:
    """How many of all: `1 of 3 is`, `2 of 3 are`."""
    return f"{count} of {total} {'is' if count == 1 else 'are'}"


def _verdict(entry: Checked) -> str:
    why = f"{entry.why}: grad --certify" if entry.why == LOST else entry.why
    return "agrees" if entry.agree else "WRONG" if entry.agree is False else why


def shown_value(value: Any, digits: int | None = 4) -> str:
    """An input in a message: numbers with so many digits."""
    if isinstance(value, str):
        return value
    if np.ndim(value) == 0:
        return cell(float(value), digits)
    return f"[{', '.join(shown_value(entry, digits) for entry in value)}]"
