"""The options that the calculator's commands share, and the expressions and points that these give."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from math import isinf
from typing import Any, NamedTuple, TypeVar

import click

from bpcli.api.calculations import Calculations
from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tokens import normal_name
from bpcli.calculus.points.values import parse_value, with_decimal_points
from bpcli.calculus.points.variables import Called, Columns, Point, Variables, shape_of
from bpcli.calculus.rules.shapes import entry_names
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.commands import OUTPUT, option, output
from bpcli.commands.option_groups import (
    DOUBLE_DIGITS,
    FORCE,
    MOST_DIGITS,
    format_option,
    precision_option,
    together,
)
from bpcli.commands.printing import Asked, Printer, flat
from bpcli.datasets.readers.value_files import read_value_file
from bpcli.errors import ExpressionError, UsageError, several
from bpcli.formulas.choices import KINKS
from bpcli.text.notation import counted
from bpcli.text.visible import cut

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = Called("--at", "--let", "--vars", "--wrt")


# It may be given several times, so that the error says why there is one point.
AT_ONE = option("Point", "--at", multiple=True, metavar="POINT", help="1,2 or x=1,y=2 or x=[1,2,3].")
AT = option("Point", "--at", multiple=True, metavar="POINT", help="1,2 or x=1,y=2 or x=[1,2,3]; repeats.")
POINTS = option(
    "Point",
    "--points",
    type=click.Path(),
    metavar="FILE|-",
    help="Many points: CSV with a header, or .npy with a column for each variable.",
)
LET = option("Point", "--let", multiple=True, metavar="NAME=VALUE", help="A constant; repeats.")
VARS = option("Point", "--vars", "declared", metavar="NAMES", help="The order of the variables.")
WRT = option(
    "Derivative", "--wrt", metavar="NAMES", help="What to differentiate by; in the order of --vars. [default: all]"
)
KINK = option(
    "Derivative",
    "--kink",
    type=click.Choice(KINKS),
    default="lecture",
    show_default=True,
    help="The slope at a kink: relu'(0) = 1, abs'(0) = 0, ties split evenly; or that on one side.",
)
CERTIFY = option(
    "Derivative",
    "--certify",
    is_flag=True,
    help="Prove every digit, by ball arithmetic; --precision may then ask for more than 17.",
)
FORMULAS = together(
    option("Formula", "--latex", is_flag=True, help="Without a point: the formulas in LaTeX."),
    option("Formula", "--explain", is_flag=True, help="Without a point: each step, its rule and its place."),
    option(
        "Formula",
        "--simplify",
        is_flag=True,
        help="Without a point: SymPy looks for shorter formulas (extra symbolic).",
    ),
    option(
        "Formula",
        "--shape",
        multiple=True,
        metavar="NAME=N",
        help="Without a point: the shape of a variable, N or MxN; repeats.",
    ),
)


class Given(NamedTuple):
    """The points, the constants and the names that the options give, as texts."""

    at: Sequence[str] = ()
    let: Sequence[str] = ()
    declared: str | None = None
    points: str | None = None
    wrt: str | None = None

    @property
    def a_point(self) -> bool:
        """Whether an option is given that only expressions take."""
        return bool(self.at or self.let or self.declared) or self.points is not None


class FormulaOptions(NamedTuple):
    """`--latex`, `--explain`, `--simplify`, `--shape`: the options that need no point."""

    latex: bool
    explain: bool
    simplify: bool
    shape: tuple[str, ...]

    def first(self) -> str:
        """The first of them that is given, else ""."""
        names = [f"--{name}" for name, value in self._asdict().items() if value]
        return names[0] if names else ""


def calculator_options(
    wrt: bool = True, many: bool = True, certify: bool = True, kink: bool = True, formulas: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options of the calculator: the command gets a `Given`, a `Printer`, and with `formulas` `FormulaOptions`."""

    def add(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def command(*arguments: Any, format_: str, precision: int | None, **others: Any) -> None:
            given = Given(**{name: others.pop(name) for name in Given._fields if name in others})
            printer = Printer(format_, precision, others.pop("certify", False), others.pop("kink", "lecture"))
            if formulas:
                others["options"] = FormulaOptions(*(others.pop(name) for name in FormulaOptions._fields))
            function(*arguments, given=given, printer=printer, **others)

        groups = [*([AT, POINTS] if many else [AT_ONE]), LET, VARS, *[WRT] * wrt, *[KINK] * kink, *[CERTIFY] * certify]
        digits = MOST_DIGITS if certify else DOUBLE_DIGITS
        return together(*groups, *[FORMULAS] * formulas, format_option(), precision_option(digits))(command)

    return add


def file_options(function: F) -> F:
    """`--output` and `--force`, for columns in bulk."""
    help_ = "Write the columns here instead of printing them; with --points."
    output_ = option(OUTPUT, "--output", "target", type=click.Path(), metavar="FILE.npy", help=help_)
    return together(output_, FORCE)(function)


def takes_expression(**which: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`calculator_options` for a command on one EXPR, which gets a `Request` and a `Printer`."""

    def add(function: Callable[..., None]) -> Callable[..., None]:
        @calculator_options(**which)
        @wraps(function)
        def command(expression: str, given: Given, printer: Printer, **others: Any) -> None:
            function(Request([expression], given, printer), printer, **others)

        return click.argument("expression", metavar="EXPR")(command)

    return add


_NUMBER = re.compile(r"(?<![\w.])(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.])")


def tell_beyond_doubles(texts: Iterable[str]) -> None:
    """Note the numbers in some texts that are too large for doubles, and so count as infinite."""
    found = dict.fromkeys(typed for text in texts for typed in _NUMBER.findall(text) if isinf(float(typed)))
    if found:
        shown = several([cut(typed, 40) for typed in found])
        output.note(f"{shown}: too large for a double, which ends at 1.8e308, and so inf")


class Request:
    """Expressions, their variables, and the points at which they are evaluated."""

    def __init__(self, texts: Sequence[str], given: Given, printer: Printer) -> None:
        if given.at and given.points is not None:
            raise UsageError("--at and --points both give points", "take one of them")
        self.texts, self.declared = list(texts), given.declared
        self.trees = [parse(text) for text in texts]
        self.variables = Variables(self.trees, self.texts, given.declared, given.let, read_value_file, OPTIONS)
        self.wrt = self.variables.names if given.wrt is None else self.variables.select(given.wrt)
        if given.wrt is not None:
            tell_order(given.wrt, self.wrt)
        self.at, self.points = given.at, given.points
        if not printer.certify:
            tell_beyond_doubles([*texts, *given.at, *given.let])
        manner = printer.kink, printer.certify, printer.precision
        self._calculations = Calculations(self.trees, self.texts, self.wrt, *manner)

    def asked(self, point: Mapping[str, Any]) -> Asked:
        """The expressions at a point."""
        return Asked(self.function, {name: point[name] for name in self.variables.names})

    @property
    def function(self) -> str | list[str]:
        """The text of one expression, a list of several."""
        return self.texts[0] if len(self.texts) == 1 else self.texts

    def calculation(self, shapes: dict[str, tuple[int, ...]]) -> Calculation:
        """The calculation for variables of these shapes."""
        constants = {name: shape_of(value) for name, value in self.variables.constants.items()}
        return self._calculations.of({**shapes, **constants})

    def rows(self, whole: Calculation) -> list[Calculation]:
        """The calculations of the outputs of one that this has made, a row of the Jacobian each."""
        return self._calculations.rows(whole)

    def single_points(self) -> Iterator[tuple[Calculation, Point]]:
        """Each point of `--at` with its calculation, or one without variables; all are read first."""
        given = [self.variables.point(text, read_value_file) for text in self.at or (None,)]
        if self.declared is None and any("=" not in text for text in self.at):
            self.tell_readings()
        for point in given:
            whole = {**point, **self.variables.constants}
            yield self._calculations.at(whole), whole

    def require_scalar(self, calculation: Calculation) -> None:
        """ExpressionError if the expression is not one number, as `--at 1,5` makes x**2 two, where 1.5 may be meant."""
        try:
            calculation.require_scalar()
        except ExpressionError as error:
            if reading := next(filter(None, map(self._meant_by, self.at)), ""):
                error.hint = f"{reading}; {error.hint}"
            raise

    def _meant_by(self, at: str) -> str:
        """What a point may have been meant as, where vectors make the expression one; empty if nothing is known."""
        if taken := self.variables.taken(at):
            return taken
        pointed = with_decimal_points(at)
        if not pointed or len(pointed.split(",")) != len(self.variables.names):
            return ""
        try:
            self.calculation(dict.fromkeys(self.variables.names, ())).require_scalar()
        except ExpressionError:  # it is no single number either way
            return ""
        return f"--at {pointed} {'has decimal points' if ',' in pointed else 'is one number, with a decimal point'}"

    def tell_readings(self) -> None:
        """Note names such as xy or sinx, which may have been meant as a product or a call."""
        from bpcli.calculus.language.readings import readings

        for note in readings(self.trees, self.variables.names):
            output.note(note)

    def blocks(self, rows: int) -> Iterator[tuple[Calculation, dict[str, Any]] | None]:
        """The points of `--points`, `rows` at a time: variables as arrays (*shape, B), constants as (*shape, 1).

        Yields None while a pipe has no more for now.
        """
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
            yield None if block is None else (calculation, {**_arranged(block, columns), **constants})

    def all_points(self) -> Iterator[tuple[Calculation, Point]]:
        """Every point, of `--at` or of `--points`, one by one."""
        if self.points is None:
            yield from self.single_points()
            return
        from bpcli.api.bulk import point_of
        from bpcli.commands.activity import Progress, activity

        done = 0
        with activity(lambda: Progress("points", done, None, "point"), quiet=sys.stdout.isatty()):
            for part in self.blocks(1024):
                if part is None:  # the writer of the pipe may wait for these results
                    output.deliver()
                    continue
                calculation, block = part
                for i in range(max(block[name].shape[-1] for name in self.variables.names)):
                    yield calculation, point_of(block, self.variables.names, i)
                    done += 1


def _arranged(block: Any, columns: dict[str, Columns]) -> dict[str, Any]:
    """The rows of a table as one contiguous array (*shape, B) for each variable."""
    import numpy as np

    columns_first = np.ascontiguousarray(block.T)
    return {
        name: columns_first[c.positions].reshape(*c.shape, -1) if c.shape else columns_first[c.positions[0]]
        for name, c in columns.items()
    }


def tell_order(asked: str, names: Sequence[str]) -> None:
    """Note that derivatives keep the order of the variables, if `--wrt` names these in another one."""
    if (written := [normal_name(name) for name in asked.replace(",", " ").split()]) != list(names):
        given, kept = (", ".join(f"d/d{name}" for name in order) for order in (written, names))
        output.note(f"the order is {kept}, and not {given}: --wrt only picks")


def wants_formulas(request: Request, options: FormulaOptions) -> bool:
    """Whether formulas are to be printed, as no point is given; UsageError for options of formulas with a point."""
    if request.at or request.points is not None:
        if option := options.first():
            raise UsageError(f"{option} goes with formulas, and a point is given", "leave out --at and --points")
        return False
    if not request.variables.names:
        output.note("there is nothing to differentiate by: the expression has no variables")
    return bool(request.variables.names) or options.latex or options.explain or options.simplify


def wrt_entries(request: Request, calculation: Calculation) -> list[str]:
    """The names of the entries to differentiate by, in order."""
    shapes = calculation.program.variables
    return [title for name in request.wrt for title in entry_names(name, shapes[name])]


def wrt_titles(request: Request, calculation: Calculation) -> list[str]:
    """The titles of the columns of derivatives: `d/dx`."""
    return [f"d/d{name}" for name in wrt_entries(request, calculation)]


def number_of(context: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    """The number of an option, which may be a constant expression such as 1/3."""
    value = None if text is None else parse_value(text)
    if value is not None and not isinstance(value, float):
        raise UsageError(f"{parameter.opts[0]} takes one number, not {text}")
    return value


def direction(option: str, text: str, count: int, what: str) -> Any:
    """The entries of V, row by row, one for each `what`; UsageError if it has more or fewer."""
    v = flat(parse_value(text, read_value_file))
    if len(v) != count:
        raise UsageError(f"{option} has {counted(len(v), 'entry', 'entries')} for {counted(count, what)}")
    return v
