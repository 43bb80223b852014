"""What the calculator's commands share: their options, the points they are asked for, and how they print."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import click

from bpcli.api.calculations import Calculations
from bpcli.calculus.language.parser import parse
from bpcli.calculus.points.variables import Called, Columns, Point, Variables, shape_of
from bpcli.calculus.rules.shapes import entry_names
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.commands import output
from bpcli.datasets.readers.value_files import read_value_file
from bpcli.errors import NotFiniteError, UsageError
from bpcli.text.notation import cell, csv_line, json_text

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = Called("--at", "--let", "--vars", "--wrt")
MAX_NOTES = 3  # of places where a result is not finite


def point_options(bulk: bool = True) -> Callable[[F], F]:
    """`--at`, `--points`, `--let`, `--vars`, `--wrt`."""

    def add(function: F) -> F:
        options = [
            click.option("--at", multiple=True, metavar="POINT", help="1,2 or x=1,y=2 or x=[1,2,3]; repeats."),
            click.option("--let", multiple=True, metavar="NAME=VALUE", help="A constant; repeats."),
            click.option("--vars", "declared", metavar="NAMES", help="The order of the variables."),
        ]
        if bulk:
            help_ = "Points in bulk: CSV with a header, or .npy with a column a variable."
            options.append(click.option("--points", type=click.Path(), metavar="FILE|-", help=help_))
        for option in reversed(options):
            function = option(function)
        return function

    return add


def wrt_option() -> Callable[[F], F]:
    """`--wrt`."""
    return click.option("--wrt", metavar="NAMES", help="What to differentiate by; else every variable.")


def asks(
    wrt: bool = True, bulk: bool = True, certify: bool = True, with_kink: bool = True
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options of a command on one expression, which is called with a `Request` and a `Printer` made of them."""

    def add(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def command(
            expression: str,
            at: tuple[str, ...],
            let: tuple[str, ...],
            declared: str | None,
            format_: str,
            precision: int | None,
            points: str | None = None,
            wrt: str | None = None,
            certify: bool = False,
            kink: str = "lecture",
            **others: Any,
        ) -> None:
            printer = Printer(format_, precision, certify, kink)
            function(Request([expression], at, let, declared, wrt, points, printer), printer, **others)

        decorated = (output.certify_options if certify else output.precision_option())(command)
        decorated = output.format_option()(decorated)
        if with_kink:
            decorated = output.kink_option(decorated)
        if wrt:
            decorated = wrt_option()(decorated)
        return click.argument("expression", metavar="EXPR")(point_options(bulk)(decorated))

    return add


class FormulaOptions(NamedTuple):
    """`--latex`, `--explain`, `--simplify`, `--shape`: what goes without a point."""

    latex: bool
    explain: bool
    simplify: bool
    shape: tuple[str, ...]

    def given(self) -> str:
        """The first of them that is given, or nothing."""
        names = [f"--{name}" for name, value in self._asdict().items() if value]
        return names[0] if names else ""


def formula_options(function: Callable[..., None]) -> Callable[..., None]:
    """`--latex`, `--explain`, `--simplify`, `--shape`; the command is called with a `FormulaOptions`."""

    @wraps(function)
    def command(*given: Any, latex: bool, explain: bool, simplify: bool, shape: tuple[str, ...], **others: Any) -> None:
        function(*given, options=FormulaOptions(latex, explain, simplify, shape), **others)

    decorated: Callable[..., None] = command
    for option in (
        click.option("--shape", multiple=True, metavar="NAME=N", help="Of formulas: a vector of N, or MxN; repeats."),
        click.option("--simplify", is_flag=True, help="Let SymPy look for shorter formulas (extra symbolic)."),
        click.option("--explain", is_flag=True, help="Of formulas: each step, the rule, and where."),
        click.option("--latex", is_flag=True, help="The formulas in LaTeX, where no point is given."),
    ):
        decorated = option(decorated)
    return decorated


def file_options(function: F) -> F:
    """`--output` and `--force`, for columns in bulk."""
    function = click.option("--force", is_flag=True, help="Replace an existing FILE.")(function)
    help_ = "Write the columns here instead of printing them; with --points."
    return click.option("--output", "target", type=click.Path(), metavar="FILE.npy", help=help_)(function)


class Asked(NamedTuple):
    """A function at inputs by name, with which each result begins."""

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


class Request:
    """Expressions with their variables and where the points come from."""

    def __init__(
        self,
        texts: Sequence[str],
        at: Sequence[str],
        let: Sequence[str],
        declared: str | None,
        wrt: str | None = None,
        points: str | None = None,
        printer: "Printer | None" = None,
    ) -> None:
        if at and points is not None:
            raise UsageError("--at and --points both give points", "take one of them")
        self.texts, self.declared = list(texts), declared
        self.trees = [parse(text) for text in texts]
        self.variables = Variables(self.trees, self.texts, declared, let, read_value_file, OPTIONS)
        self.wrt = self.variables.names if wrt is None else self.variables.select(wrt)
        self.at, self.points = at, points
        manner = (printer.kink, printer.certify, printer.precision) if printer is not None else ()
        self._calculations = Calculations(self.trees, self.texts, self.wrt, *manner)

    def asked(self, point: Mapping[str, Any]) -> Asked:
        """The expressions at a point."""
        return Asked(self.function, {name: point[name] for name in self.variables.names})

    @property
    def function(self) -> str | list[str]:
        """One expression as it is, several as a list."""
        return self.texts[0] if len(self.texts) == 1 else self.texts

    def calculation(self, shapes: dict[str, tuple[int, ...]]) -> Calculation:
        """The calculation for variables of these shapes."""
        constants = {name: shape_of(value) for name, value in self.variables.constants.items()}
        return self._calculations.of({**shapes, **constants})

    def single_points(self) -> Iterator[tuple[Calculation, Point]]:
        """Each point of `--at`, or the empty point, with its calculation; all are read before the first is used."""
        given = [self.variables.point(text, read_value_file) for text in self.at or (None,)]
        for point in given:
            whole = {**point, **self.variables.constants}
            yield self._calculations.at(whole), whole

    def blocks(self, rows: int) -> Iterator[tuple[Calculation, dict[str, Any]]]:
        """The points of `--points`, `rows` at a time: variables as arrays (*shape, B), constants as (*shape, 1)."""
        from pathlib import Path

        import numpy as np

        from bpcli.datasets.readers.point_files import read_points

        assert self.points is not None
        if not self.variables.names:
            raise UsageError("the expression has no variables, and --points gives values")
        stream = sys.stdin.buffer if self.points == "-" else None
        name = "<stdin>" if stream else self.points
        points = read_points(Path(name), rows, stream)
        if points.names is None:
            columns = self.variables.columns_in_order(points.width, name)
        else:
            columns, ignored = self.variables.columns(points.names, name)
            if ignored:
                output.note(f"columns that the expression does not use: {', '.join(ignored)}")
        calculation = self.calculation({n: c.shape for n, c in columns.items()})
        constants = {n: np.asarray(v, np.float64)[..., None] for n, v in self.variables.constants.items()}
        for block in points.blocks:
            yield calculation, {**_arranged(block, columns), **constants}

    def all_points(self) -> Iterator[tuple[Calculation, Point]]:
        """Every point, one by one, wherever it comes from."""
        if self.points is None:
            yield from self.single_points()
            return
        from bpcli.api.bulk import point_of

        for calculation, block in self.blocks(1024):
            for i in range(max(block[name].shape[-1] for name in self.variables.names)):
                yield calculation, point_of(block, self.variables.names, i)


def _arranged(block: Any, columns: dict[str, Columns]) -> dict[str, Any]:
    """Rows of a table as variables (*shape, B), each contiguous."""
    import numpy as np

    columns_first = np.ascontiguousarray(block.T)
    return {
        name: columns_first[c.positions].reshape(*c.shape, -1) if c.shape else columns_first[c.positions[0]]
        for name, c in columns.items()
    }


def wants_formulas(request: Request, options: FormulaOptions) -> bool:
    """Whether no point is given, so that the derivative itself is asked for."""
    if request.at or request.points is not None:
        if option := options.given():
            raise UsageError(f"{option} is of formulas, and a point is given", "leave out --at and --points")
        return False
    return bool(request.variables.names) or options.latex or options.explain or options.simplify


# Printing


def plain(value: Any) -> Any:
    """Arrays as nested lists of floats."""
    return value.tolist() if hasattr(value, "tolist") else value


def value_lines(value: Any, precision: int | None) -> list[str]:
    """A number or a vector on one line, a matrix a row a line, entries separated by a space."""
    value = plain(value)
    if not isinstance(value, list):
        return [cell(value, precision)]
    rows = value if value and isinstance(value[0], list) else [value]
    if rows and rows[0] and isinstance(rows[0][0], list):  # more axes than two: matrices, one below the other
        return [line for part in rows for line in value_lines(part, precision)]
    return [" ".join([cell(v, precision) for v in row]) for row in rows]


def blocks_lines(blocks: dict[str, Any], precision: int | None) -> list[str]:
    """A block for each variable, under `d/dNAME:` if there is more than one."""
    lines: list[str] = []
    for name, block in blocks.items():
        if len(blocks) > 1:
            lines.append(f"d/d{name}:")
        lines += value_lines(block, precision)
    return lines


def flat(value: Any) -> list[float]:
    """The entries of a number or an array, row by row."""
    return value.ravel().tolist() if hasattr(value, "ravel") else [value]


def wrt_titles(request: Request, calculation: Calculation) -> list[str]:
    """The names of the entries that are differentiated by, in order."""
    shapes = calculation.program.variables
    return [title for name in request.wrt for title in entry_names(name, shapes[name])]


class Printer:
    """Prints results a point at a time in one of the formats, and remembers where one was not finite."""

    def __init__(self, format_: str, precision: int | None, certify: bool = False, kink: str = "lecture") -> None:
        if precision is not None and precision > output.DOUBLE_DIGITS and not certify:
            raise UsageError(
                f"--precision {precision}: a double has {output.DOUBLE_DIGITS} significant digits",
                "--certify proves more",
            )
        self.format, self.precision, self.certify, self.kink = format_, precision, certify, kink
        self.first = True
        self.width = 0
        self.not_finite = self.undecided = self.kinks = self.lossy = 0
        self.overflow: str | None = None  # the step that has no finite double, where a result is not decided
        self.decided = True  # of the point that was checked last
        self.notes: list[str] = []

    def text(self, lines: Sequence[str], apart: bool) -> None:
        """The lines of one point; `apart`: with an empty line between it and the one before."""
        if apart and not self.first:
            output.emit("")
        self.first = False
        for line in lines:
            output.emit(line)

    def json(self, record: dict[str, Any]) -> None:
        """The record of one point, whose results `check` has seen."""
        output.emit(json_text({**record, "certified": self.decided} if self.certify else record, self.precision))

    def result(
        self,
        asked: Asked,
        record: Callable[[], dict[str, Any]],
        table: Callable[[], tuple[Sequence[str], Sequence[Sequence[Any]]]],
        lines: Callable[[], list[str]],
        apart: bool | None = None,
    ) -> None:
        """One point in the format: a record, or rows under titles, each behind the inputs; or lines, `apart` as text.

        Where `apart` is None, an empty line stands before a result of several lines.
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

    def csv(self, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Rows of one point, behind the header of the first."""
        if self.first:
            self.width = len(header)
            output.emit(csv_line(header))
        self.first = False
        for row in rows:
            if len(row) != self.width:
                raise UsageError(
                    f"a row of {len(row)} cells below a header of {self.width}: in one CSV all points have one shape",
                    "--format json, or a call for each shape",
                )
            output.emit(csv_line(row, self.precision))

    def check(self, calculation: Calculation, point: Point, results: Sequence[float], second: bool = False) -> None:
        """Remember the operation at fault if one of the results is not finite; `second` derivatives among them."""
        from math import isfinite

        if calculation.kinks:
            self.at_kink(lambda: calculation.diagnostics.edge_place(point), calculation.kinks)
        if not self.all_decided(results):
            self.overflow = self.overflow or calculation.diagnostics.culprit(point)
            return
        if all(map(isfinite, results)):
            return
        self.not_finite += 1
        if len(self.notes) < MAX_NOTES:
            culprit = calculation.diagnostics.culprit(point) or calculation.diagnostics.slope_culprit(point, second)
            note = culprit or "the numbers are beyond the range of doubles on the way"
            if note not in self.notes:
                self.notes.append(note)

    def at_kink(self, place: Callable[[], str], kinks: Sequence[Any]) -> None:
        """A note on a point at a kink, of the first few such points."""
        self.kinks += 1
        if self.kinks > MAX_NOTES:
            return
        from bpcli.calculus.one_sided.kinks import in_words

        output.note(in_words(place(), kinks, "--kink left or right takes a side" if self.kink == "lecture" else ""))

    def lost(self, calculation: Calculation, point: Point, rows: Sequence[Sequence[float]], titles: list[str]) -> None:
        """A note on the entries of a Jacobian that rounding has eaten, at the first few such points."""
        from bpcli.calculus.sweeps.rounding import lost_digits

        self._lost(lambda: lost_digits(calculation, point, rows), rows, [titles] * len(rows))

    def lost_values(self, calculation: Calculation, point: Point, values: Sequence[float]) -> None:
        """The same of the values."""
        from bpcli.calculus.sweeps.rounding import lost_values

        titles = [[name] for name in calculation.output_names]
        self._lost(lambda: lost_values(calculation, point, values), [[value] for value in values], titles)

    def lost_seconds(
        self, calculation: Calculation, point: Point, rows: Sequence[Sequence[float]], names: list[str]
    ) -> None:
        """The same of a Hessian."""
        from bpcli.calculus.sweeps.rounding import lost_seconds

        titles = [[f"d²/d{row}d{column}" for column in names] for row in names]
        self._lost(lambda: lost_seconds(calculation, point, rows), rows, titles)

    def _lost(
        self, find: Callable[[], list[Any]], rows: Sequence[Sequence[float]], titles: Sequence[Sequence[str]]
    ) -> None:
        if self.certify or self.lossy >= MAX_NOTES or not (found := find()):
            return
        self.lossy += 1
        shown = ", ".join(
            f"{titles[lost.row][lost.column]} = {cell(rows[lost.row][lost.column], 3)} ± {cell(lost.error, 1)}"
            for lost in found[:MAX_NOTES]
        )
        more = f" and {len(found) - MAX_NOTES} more" if len(found) > MAX_NOTES else ""
        output.note(f"digits are lost to rounding, terms cancel: {shown}{more}; --certify proves each digit")

    def all_decided(self, results: Sequence[float]) -> bool:
        """Whether each result is proven, where that is asked for; remembered for the record."""
        if self.certify:
            from bpcli.calculus.sweeps.certified import Undecided

            self.decided = not any(isinstance(value, Undecided) for value in results)
            self.undecided += not self.decided
        return self.decided

    def finish(self) -> None:
        """Raise NotFiniteError if some result was not finite."""
        if self.kinks > MAX_NOTES:
            output.note(f"{self.kinks} points lie at a kink or a jump in all")
        if self.undecided:
            what = "a result is" if self.undecided == 1 else f"results of {self.undecided} points are"
            if self.overflow:
                raise NotFiniteError(f"{what} not decided: {self.overflow} is beyond the range of doubles")
            raise NotFiniteError(
                f"{what} not decided, however many digits are used: a jump lies at this very place, or the result "
                "can't be told from 0, or from halfway between two doubles",
                "without --certify doubles take one side of it",
            )
        if self.not_finite:
            what = "a result is not finite" if self.not_finite == 1 else f"{self.not_finite} results are not finite"
            raise NotFiniteError(f"{what}: {'; '.join(self.notes)}")


def direction(option: str, text: str, count: int, what: str) -> Any:
    """The entries of a V, row by row; UsageError if there are not `count`."""
    from bpcli.calculus.points.values import parse_value
    from bpcli.datasets.readers.value_files import read_value_file

    v = flat(parse_value(text, read_value_file))
    if len(v) != count:
        raise UsageError(f"{option} has {len(v)} entries for {count} {what}")
    return v
