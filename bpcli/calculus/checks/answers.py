"""Answers as they are given: numbers or formulas, read from text, and the numbers that formulas are."""

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from bpcli.calculus.checks.answer_sheets import SheetLine, read_sheet, spelled_out
from bpcli.calculus.checks.answer_text import rows_by_title
from bpcli.calculus.checks.entry_formulas import entry_formula, forms_of_matrices
from bpcli.calculus.checks.grading import Array, half_a_digit
from bpcli.calculus.checks.side_changes import (
    Columns,
    at_an_edge,
    divisors,
    heights,
    may_change_sides,
    no_rows,
    sides,
)
from bpcli.calculus.language.parser import meant_by_latex, parse
from bpcli.calculus.language.tree import Call, Expression, Number, names_in, postorder
from bpcli.calculus.points.values import parse_value, with_decimal_points
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.rounding import FUNCTION, value_errors
from bpcli.errors import ExpressionError, UsageError


class Cell(NamedTuple):
    """A number of an answer, and the text that it was typed as."""

    value: float
    typed: str | None = None


Cells = list[list[Cell]]


class Answer(NamedTuple):
    """An answer: rows of numbers or of formulas, by the variable named above them, "" for none; or lines of a sheet.

    What is both, as `δ_ij` may be the name of a variable, is a sheet where a name of its formulas has no value.
    `products` are the formulas where spaces multiply instead of keeping them apart, if they can be read so. It is
    `at` a point, or of a function without one.
    """

    text: str
    numbers: dict[str, Cells] | None
    formulas: dict[str, list[list[str]]] | None
    sheet: Sequence[SheetLine] = ()
    products: dict[str, list[list[str]]] | None = None
    at: bool = True

    def formulas_for(self, layout: "Layout", names: Mapping[str, Any]) -> dict[str, list[list[str]]]:
        """Its formulas; those of a sheet for the shapes of inputs and names, UsageError for one of another function."""
        if not self.sheet or (self.formulas and Formulas(self.formulas).names() <= names.keys()):
            return self.formulas or {}
        shapes = {name: np.shape(value) for name, value in names.items()}
        found = spelled_out(self.sheet, layout.outputs, layout.blocks, shapes)
        if not self.sheet[0].block:
            self._refuse_other_than_numbers(next(iter(found.values()))[0][0], names)
        return found

    def _refuse_other_than_numbers(self, entry: str, names: Mapping[str, Any]) -> None:
        """UsageError where the formula for one entry is a vector; ExpressionError, of what was typed, for its names."""
        try:
            numbers = Formulas({"": [[entry]]}).cells(names)[""][0]
        except ExpressionError as error:
            raise ExpressionError(error.message, self.text, 0, len(self.text), error.hint) from None
        if len(numbers) > 1:
            raise UsageError("a vector stands in a formula for one entry", "pick its entry, p[i] or p[j]")

    def everywhere(self) -> "Answer":
        """The answer with its numbers as formulas: the same wherever these are tried."""
        if self.numbers is None:
            return self
        texts = {title: [list(map(_as_formula, row)) for row in rows] for title, rows in self.numbers.items()}
        return self._replace(numbers=None, formulas=texts)


class Layout(NamedTuple):
    """The shape of a derivative: the number of outputs, and the variables with their shapes, in order."""

    outputs: int
    blocks: tuple[tuple[str, Shape], ...]

    @property
    def columns(self) -> int:
        """The entries of all variables."""
        return sum(math.prod(shape) for _, shape in self.blocks)


_PLAIN = re.compile(r"[-−+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-−+]?\d+)?")
_POWER_OF_TEN = re.compile(
    r"\s*(?:[*·×]|\\cdot|\\times)\s*10(?:\^|\*\*|(?=[⁻⁰¹²³⁴-⁹]))[({]?([-−+⁻]?[\d⁰¹²³⁴-⁹]+)[)}]?\Z"
)
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_NUMBERING = re.compile(r"^\s*(\(?(?:\d{1,3}|[a-zA-Z]|[ivx]+)\)[.:]?|(?:\d{1,3}|[a-zA-Z])[:])\s*(?=\S)")
_INDEX = re.compile(r"\[([ijk](?:,[ijk])?)\]")


def read_answer(text: str, read: Callable[[str], Any]) -> Answer:
    """The numbers or formulas of an answer; `read` gives what a file `@NAME` holds.

    ExpressionError or DataError where it is neither.
    """
    whole = text
    if text.strip().startswith("@"):
        content = read(text.strip()[1:])
        if hasattr(content, "ndim"):
            return Answer(text, {"": [[Cell(float(v)) for v in row] for row in np.atleast_2d(content)]}, None)
        whole = "".join(content)
    if sheet := read_sheet(whole.strip()):
        for line in sheet:
            parse(line.by_itself)
        return Answer(text, None, {}, sheet)
    parts = rows_by_title(whole.strip())
    if not any(row for rows in parts.values() for row in rows):
        expected = "numbers such as 2,4 or formulas such as 2*x"
        raise ExpressionError("there is no answer here", whole, 0, len(whole), expected)
    if [*parts] == [""] and (one := entry_formula(_only_cell(whole.strip()))):
        return Answer(text, None, parts if _can_be_read(parts) else {}, [one])
    numbers = {title: [[_number(part) for part in row] for row in rows] for title, rows in parts.items()}
    if all(cell for rows in numbers.values() for row in rows for cell in row):
        return Answer(text, {title: [[c for c in row if c] for row in rows] for title, rows in numbers.items()}, None)
    if "\\" in whole:
        _fail_with_latex(whole, [row for rows in parts.values() for row in rows])
    for formula in (cell for rows in parts.values() for row in rows for cell in row):
        try:
            parse(_entrywise(formula))  # what can't be read is refused, whatever the inputs
        except ExpressionError as error:
            error.hint = forms_of_matrices(error.text[error.start : error.end]) or error.hint
            if pointed := with_decimal_points(whole):
                error.hint = f"with decimal points it is {pointed}"
            elif bare := _without_numbering(whole):
                found = _NUMBERING.match(whole)
                end = found.end(1) if found else 1
                raise ExpressionError(
                    "an answer has no numbering before it",
                    whole,
                    0,
                    end,
                    f"leave it out: {bare.replace(chr(10), '; ')}",
                ) from None
            raise
    products = rows_by_title(whole.strip(), spaces=False)
    return Answer(text, None, parts, products=products if products != parts and _can_be_read(products) else None)


def _only_cell(text: str) -> str:
    """The one formula of an answer that has no other; else empty."""
    rows = rows_by_title(text, spaces=False).get("", [])
    return rows[0][0] if [len(row) for row in rows] == [1] else ""


def _can_be_read(parts: Mapping[str, list[list[str]]]) -> bool:
    try:
        for formula in (cell for rows in parts.values() for row in rows for cell in row):
            parse(_entrywise(formula))
    except ExpressionError:
        return False
    return True


def _without_numbering(text: str) -> str:
    """An answer without the `1)` or `a)` before it or its lines, if it can be read then; else empty."""
    bare = "\n".join(_NUMBERING.sub("", line) for line in text.splitlines())
    if bare == text:
        return ""
    try:
        read_answer(bare, str)
    except ExpressionError:
        return ""
    return bare


def _fail_with_latex(whole: str, rows: list[list[str]]) -> NoReturn:
    """Refuse LaTeX that is more than a matrix of numbers, with the formulas to write where they are known."""
    plain = [[meant_by_latex(cell) for cell in row] for row in rows]
    known = all(text for row in plain for text in row)
    hint = f"write {'; '.join(', '.join(row) for row in plain)}" if known else "write formulas such as a*(1-a) or 2*x"
    raise ExpressionError("an answer in LaTeX can hold numbers alone", whole, 0, len(whole), hint)


def _number(part: str) -> Cell | None:
    """A number or a constant expression; None for a formula. A stray quote before or behind it is none of its text."""
    part = part.strip().strip('"').strip()
    if '"' in part:
        return None
    typed = _POWER_OF_TEN.sub(lambda match: f"e{match[1].translate(_RAISED)}", part)
    if typed.endswith("%") and _PLAIN.fullmatch(share := typed[:-1].rstrip()):
        number, _, power = share.lower().replace("−", "-").partition("e")
        typed = f"{number}e{int(power or '0') - 2}"
    if _PLAIN.fullmatch(typed):
        return Cell(float(typed.replace("−", "-")), typed)
    plain = meant_by_latex(part) if "\\" in part else part
    try:
        value = parse_value(plain)
    except ExpressionError:
        return None
    return Cell(value, plain if _has_digits(plain) else None) if isinstance(value, float) else None


def _has_digits(text: str) -> bool:
    """Whether a text is a number, or arithmetic of rounded numbers, that counts by the digits typed."""
    return bool(_PLAIN.fullmatch(text)) or half_a_digit(text, 1) > 0.0


def _as_formula(cell: Cell) -> str:
    """The text of a number, as it was typed if it was; NaN is what no number equals."""
    return cell.typed or ("inf-inf" if cell.value != cell.value else repr(cell.value))


class _Read(NamedTuple):
    """A formula, with the names that occur in it."""

    text: str
    tree: Expression
    names: list[str]


class Formulas:
    """The formulas of an answer as numbers, for names that have values; each is read once for all inputs.

    A single number stands for `columns` entries, if that is given.
    """

    def __init__(self, formulas: Mapping[str, list[list[str]]], columns: int = 1) -> None:
        self._columns = columns
        self._read = {
            title: [[_Read(text, tree := parse(text), names_in(tree)) for text in map(_entrywise, row)] for row in rows]
            for title, rows in formulas.items()
        }
        self._made: dict[Any, Calculation] = {}

    def cells(self, values: Mapping[str, Any]) -> dict[str, Cells]:
        """The numbers for these values; a formula that is a vector gives its entries one after the other.

        ExpressionError for one that has a name without a value.
        """
        return {title: self._evaluated(rows, values, _value) for title, rows in self._read.items()}

    def names(self) -> set[str]:
        """The names that occur in them."""
        return {name for read in self._every() for name in read.names}

    def divides(self) -> bool:
        """Whether they speak of N, the number of samples, or take a mean."""
        nodes = (node for read in self._every() for node in postorder(read.tree))
        means = (isinstance(node, Call) and node.function == "mean" for node in nodes)
        return "N" in self.names() or any(means)

    def constants(self) -> set[float]:
        """The sizes of the numbers written in them."""
        every = (node for read in self._every() for node in postorder(read.tree))
        return {abs(float(node.value)) for node in every if isinstance(node, Number)}

    def sides(self, columns: Columns) -> Array:
        """On which sides of their kinks and jumps the formulas are, at many points: sides × points.

        Not of formulas with other names, such as the output a of a neuron that is asked for by its inputs.
        """
        return self._rows(sides, columns)

    def heights(self, columns: Columns) -> Array:
        """The numbers on which their sides depend, heights × points."""
        return self._rows(heights, columns)

    def divisors(self, columns: Columns) -> Array:
        """What they divide by, divisors × points."""
        return self._rows(divisors, columns)

    def _rows(self, of: Callable[[Program, Columns], Array], columns: Columns) -> Array:
        shapes = {name: np.shape(column)[:-1] for name, column in columns.items()}
        every = self._all(shapes, missing=False)
        found = [of(made.program, {n: columns[n] for n in made.program.variables}) for made in every]
        points = max((part.shape[1] for part in found), default=1)
        return np.concatenate([np.broadcast_to(part, (len(part), points)) for part in found] or [no_rows(columns)])

    def turned(self, values: Mapping[str, Any], exact: Collection[str] = ()) -> bool:
        """Whether rounding may have put a step of the formulas on another side of a kink or jump, or from 0, where the
        values of the names are rounded but for those that are `exact`."""
        shapes = {name: np.shape(value) for name, value in values.items()}
        each = ((made, {n: values[n] for n in made.program.variables}) for made in self._all(shapes))
        return any(may_change_sides(made, at, FUNCTION, exact) for made, at in each)

    def at_an_edge(self, values: Mapping[str, Any]) -> bool:
        """Whether a step of the formulas lies at a kink or a jump, where what it is worth is a convention."""
        shapes = {name: np.shape(value) for name, value in values.items()}
        return any(at_an_edge(made, {n: values[n] for n in made.program.variables}) for made in self._all(shapes))

    def errors(self, values: Mapping[str, Any]) -> dict[str, Cells]:
        """How far these numbers may be off by rounding, in their shape."""
        return {title: self._evaluated(rows, values, _error) for title, rows in self._read.items()}

    def _evaluated(
        self,
        rows: list[list["_Read"]],
        values: Mapping[str, Any],
        compute: Callable[[Calculation, Mapping[str, Any]], Any],
    ) -> Cells:
        found: Cells = []
        for row in rows:
            entries: list[Cell] = []
            for read in row:
                names = [n for n in read.names if n in values]
                shapes = {n: np.shape(values[n]) for n in names}
                result = compute(self._made_for(read, shapes), {n: values[n] for n in names})
                if np.ndim(result) == 2 and len(rows) == len(row) == 1:
                    return [[Cell(v) for v in part] for part in np.asarray(result, float).tolist()]
                typed = read.text if compute is _value and _has_digits(read.text) else None
                entries += [Cell(float(v), typed) for v in np.ravel(result)]
            found.append(entries)
        return [found[0] * self._columns] if [len(row) for row in found] == [1] else found

    def _every(self) -> Iterator["_Read"]:
        return (read for rows in self._read.values() for row in rows for read in row)

    def _made_for(self, read: "_Read", shapes: Mapping[str, Shape]) -> Calculation:
        """A formula for variables of these shapes."""
        key = (read.text, tuple(shapes.items()))
        if key not in self._made:
            self._made[key] = Calculation([read.tree], [read.text], shapes, [])
        return self._made[key]

    def _all(self, shapes: Mapping[str, Shape], missing: bool = True) -> Iterator[Calculation]:
        """All formulas for names of these shapes; those with other names too, unless `missing` is False."""
        for read in self._every():
            if missing or shapes.keys() >= set(read.names):
                yield self._made_for(read, {n: shapes[n] for n in read.names if n in shapes})


def _value(formula: Calculation, values: Mapping[str, Any]) -> Any:
    return formula.value(values)[0]


def _error(formula: Calculation, values: Mapping[str, Any]) -> Any:
    """How far the value of a formula may be off by rounding, where what is given is off by a unit itself."""
    every = formula.sweeps.forward(values)
    errors = value_errors(formula, every, dict.fromkeys(values, FUNCTION))
    return formula.sweeps.results(errors)[0]


def _entrywise(formula: str) -> str:
    """A formula of entries of one index, `a[i]*(1-a[i])` or `p[i,k]-y[i,k]`, as one of whole arrays."""
    return _INDEX.sub("", formula) if len(set(_INDEX.findall(formula))) == 1 else formula
