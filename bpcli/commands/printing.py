"""How the calculator's commands print results, as text, JSON and CSV, and notes on them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from bpcli.calculus.points.variables import Point
from bpcli.calculus.rules.shapes import entry_names
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.commands import output
from bpcli.commands.option_groups import DOUBLE_DIGITS
from bpcli.errors import NotFiniteError, UsageError
from bpcli.text.notation import cell, cells, csv_line, joined, json_text

MAX_NOTES = 3  # of one kind, printed by one call


def plain(value: Any) -> Any:
    """Arrays as nested lists of floats."""
    return value.tolist() if hasattr(value, "tolist") else value


def flat(value: Any) -> list[float]:
    """The entries of a number or an array, row by row."""
    return value.ravel().tolist() if hasattr(value, "ravel") else [value]


def value_lines(value: Any, precision: int | None) -> list[str]:
    """A number or a vector on one line, a matrix one row on each line; entries are separated by a space."""
    if precision is None and hasattr(value, "dtype") and value.dtype.char == "d" and value.ndim and value.size:
        return [joined(row, " ") for row in value.reshape(-1, value.shape[-1])]
    value = plain(value)
    if not isinstance(value, list):
        return [cell(value, precision)]
    rows = value if value and isinstance(value[0], list) else [value]
    if rows and rows[0] and isinstance(rows[0][0], list):  # more than two axes: matrices below each other
        return [line for part in rows for line in value_lines(part, precision)]
    return [" ".join(cells(row, precision)) for row in rows]


def blocks_lines(blocks: Mapping[str, Any], precision: int | None) -> list[str]:
    """A block for each variable, under `d/dNAME:` if there is more than one."""
    lines: list[str] = []
    for name, block in blocks.items():
        if len(blocks) > 1:
            lines.append(f"d/d{name}:")
        lines += value_lines(block, precision)
    return lines


class Asked(NamedTuple):
    """The function and its inputs by name; each printed result begins with them."""

    function: str | list[str]
    at: Mapping[str, Any]

    def inputs(self) -> dict[str, Any]:
        """The inputs as JSON shows them."""
        return {name: plain(value) for name, value in self.at.items()}

    def titles(self) -> list[str]:
        """The names of the entries of every input, in order."""
        return [title for name, value in self.at.items() for title in entry_names(name, getattr(value, "shape", ()))]

    def cells(self) -> list[Any]:
        """The entries of every input, in order."""
        return [v for value in self.at.values() for v in flat(value)]


class Printer:
    """Prints the results of one point after the other in a format, and counts those that are not finite."""

    def __init__(self, format_: str, precision: int | None, certify: bool = False, kink: str = "lecture") -> None:
        if precision is not None and precision > DOUBLE_DIGITS and not certify:
            raise UsageError(
                f"--precision {precision}: a double has {DOUBLE_DIGITS} significant digits",
                "--certify proves more",
            )
        self.format, self.precision, self.certify, self.kink = format_, precision, certify, kink
        self.first = True
        self.width = 0
        self.not_finite = self.undecided = self.kinks = self.lossy = 0
        self.left_range = False
        self.reason: str | None = None  # why a result is not proven
        self.decided = True  # of the point that was checked last
        self.proven = True  # each number of that point; NaN is none
        self.notes: list[str] = []

    def refuse_without_point(self, way: str) -> None:
        """UsageError for `--certify` or `--kink` where no point is given; `way` shows how to give one."""
        if self.certify or self.kink != "lecture":
            raise UsageError(f"{'--certify' if self.certify else '--kink'} needs a point, and none is given", way)

    def text(self, lines: Sequence[str], apart: bool) -> None:
        """The lines of one point; with `apart` an empty line separates it from the one before."""
        if apart and not self.first:
            output.emit("")
        self.first = False
        for line in lines:
            output.emit(line)

    def json(self, record: dict[str, Any]) -> None:
        """The record of one point; `check` has seen its results."""
        output.emit_data(json_text({**record, "certified": self.proven} if self.certify else record, self.precision))

    def result(
        self,
        asked: Asked,
        record: Callable[[], dict[str, Any]],
        table: Callable[[], tuple[Sequence[str], Sequence[Sequence[Any]]]],
        lines: Callable[[], list[str]],
        apart: bool | None = None,
    ) -> None:
        """One point: the inputs and a record in JSON, the inputs and a table in CSV, lines in text.

        With `apart` an empty line separates text from the point before; None: where there are several lines.
        """
        if self.format == "json":
            self.json({"function": asked.function, "inputs": asked.inputs(), **record()})
        elif self.format == "csv":
            titles, rows = table()
            cells = asked.cells()
            self.csv([*asked.titles(), *titles], [[*cells, *row] for row in rows])
        else:
            shown = lines()
            self.text(shown, len(shown) > 1 if apart is None else apart)

    def row(
        self, asked: Asked, key: str, value: Any, blocks: Mapping[str, Any], titles: Sequence[str], front: bool = False
    ) -> None:
        """A gradient or V·J, each block in the shape of its variable; with `front` CSV has the value in front."""
        entries = [v for block in blocks.values() for v in flat(block)]
        numbers = not any(hasattr(block, "ravel") for block in blocks.values())
        before = {"value": value} if front else {}
        self.result(
            asked,
            lambda: {"value": value, key: {name: plain(block) for name, block in blocks.items()}},
            lambda: ([*before, *titles], [[*before.values(), *entries]]),
            lambda: value_lines(entries, self.precision) if numbers else blocks_lines(blocks, self.precision),
        )

    def matrix(
        self,
        asked: Asked,
        record: Callable[[], dict[str, Any]],
        outputs: Sequence[tuple[str, Any]],
        titles: Sequence[str],
        rows: Callable[[], Sequence[Sequence[Any]]],
        lines: Callable[[], list[str]],
    ) -> None:
        """A Jacobian or a Hessian; CSV has a line for each output, with its name and value in front."""

        def table() -> tuple[list[str], list[list[Any]]]:
            cells = [[name, value, *row] for (name, value), row in zip(outputs, rows(), strict=True)]
            return ["output", "value", *titles], cells

        self.result(asked, record, table, lines, apart=True)

    def csv(self, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """The rows of one point; the first point also prints the header."""
        if self.first:
            self.width = len(header)
            output.emit_data(csv_line(header))
        self.first = False
        for row in rows:
            if len(row) != self.width:
                raise UsageError(
                    f"a row of {len(row)} cells below a header of {self.width}: in one CSV all points have one shape",
                    "--format json, or a call for each shape",
                )
            output.emit_data(csv_line(row, self.precision))

    def check(
        self,
        calculation: Calculation,
        point: Point,
        results: Sequence[float],
        second: bool = False,
        also: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        """Remember the operation to blame if a result is not finite; `second`: the results are second derivatives.

        `also` has further numbers that some formats print: only what is printed is checked.
        """
        from math import isfinite

        results = [*(also or {}).get(self.format, ()), *results]
        if calculation.may_have_left_range and not self.certify and not self.left_range:
            from bpcli.calculus.sweeps.wide_range import TOO_LARGE

            self.left_range = True
            output.note(TOO_LARGE)
        if calculation.kinks:
            self.at_kink(lambda: calculation.diagnostics.edge_place(point), calculation.kinks)
        if not self.all_decided(results):
            self.reason = self.reason or calculation.diagnostics.why_not_decided(point, calculation.kinks)
            return
        if all(map(isfinite, results)):
            return
        self.not_finite += 1
        if len(self.notes) < MAX_NOTES:
            note = calculation.diagnostics.why_not_finite(point, calculation.kinks, second)
            if note not in self.notes:
                self.notes.append(note)

    def at_kink(self, place: Callable[[], str], kinks: Sequence[Any], side_to_take: bool = True) -> None:
        """Note that a point lies at a kink, for the first `MAX_NOTES` points; `side_to_take`: there is --kink."""
        self.kinks += 1
        if self.kinks > MAX_NOTES:
            return
        from bpcli.calculus.one_sided.kink_notes import in_words

        advice = "--kink left or right takes a side" if self.kink == "lecture" and side_to_take else ""
        output.note(in_words(place(), kinks, advice))

    def lost(
        self,
        kind: str,
        calculation: Calculation,
        point: Point,
        rows: Sequence[Sequence[float]],
        v: Sequence[float] = (),
    ) -> None:
        """Note the entries of a result whose digits are lost to rounding, at the first `MAX_NOTES` points."""
        if self.certify or self.lossy >= MAX_NOTES:
            return
        from bpcli.calculus.sweeps.lost_digits import lost_in_words

        if words := lost_in_words(kind, calculation, point, rows, v):
            self.lossy += 1
            output.note(f"{words}; --certify proves each digit")

    def lost_in_bulk(self, words: str, further: int = 0) -> None:
        """Note what digits were lost, and at how many `further` points."""
        many = f", and at about {further} more points" if further else ""
        output.note(f"{words}{many}; --certify proves each digit")

    def all_decided(self, results: Sequence[float]) -> bool:
        """With --certify, whether every result is proven; else True."""
        if self.certify:
            from bpcli.calculus.sweeps.certified import Undecided

            self.decided = not any(isinstance(value, Undecided) for value in results)
            self.undecided += not self.decided
            self.proven = self.decided and not any(value != value for value in results)
        return self.decided

    def finish(self) -> None:
        """Raise NotFiniteError if some result was not finite."""
        if self.kinks > MAX_NOTES:
            output.note(f"in all, {self.kinks} points lie at a kink or a jump")
        if self.undecided:
            what = "a result is" if self.undecided == 1 else f"results of {self.undecided} points are"
            if self.reason:
                raise NotFiniteError(f"{what} not decided: {self.reason}")
            raise NotFiniteError(
                f"{what} not decided, however many digits are used: a jump lies at this very place, or the result "
                "can't be told from 0, or from halfway between two doubles",
                "without --certify doubles take one side of it",
            )
        if self.not_finite:
            what = "a result is not finite" if self.not_finite == 1 else f"{self.not_finite} results are not finite"
            raise NotFiniteError(f"{what}: {'; '.join(self.notes)}")
