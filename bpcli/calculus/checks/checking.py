"""Checks of exact derivatives: against difference quotients, and of answers that somebody derived."""

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpcli.calculus.checks.differences import Estimate, complex_step, complexes, difference_quotients, kinks_nearby
from bpcli.calculus.checks.grading import Grade, Matrix, Tolerance, grade
from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tree import names_in
from bpcli.calculus.points.values import parse_value
from bpcli.calculus.rules.shapes import entry_names
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.instructions import Instruction
from bpcli.calculus.sweeps.seeds import Point
from bpcli.errors import BpcliError, ExpressionError

RTOL = 1e-7  # of exact and numeric: what a difference quotient can be trusted with
TRIED = 12  # points at which a formula is tried
_DOUBT = 1e-3  # of what is compared: neighbours that differ by more show that digits are lost
_SURE = 0.1  # of a slope: an error larger than this says nothing


class Checked(NamedTuple):
    """An entry of a derivative: exact, in numbers, their relative difference, and whether they agree.

    `agree` is None where the numbers can't tell: at a kink, or where no quotient settles; `why` says so.
    """

    name: str
    exact: float
    numeric: float
    error: float
    agree: bool | None
    why: str = ""


def compared(name: str, exact: float, quotient: Estimate, step: Estimate | None = None, kink: bool = False) -> Checked:
    """An exact slope beside its estimates, relative to the larger of the two; what the quotients can't see is open."""
    value, error = best(quotient, step, exact)
    distance = abs(exact - value)
    size = max(abs(exact), abs(value))
    relative = distance / size if size and math.isfinite(size) else distance
    if kink:
        return Checked(name, exact, value, relative, None, "at a kink")
    if not math.isfinite(exact) or not math.isfinite(value):
        return Checked(name, exact, value, relative, None, "not finite")
    noise = 10.0 * quotient.error
    if distance > RTOL * size and noise >= distance and (noise > size or error < quotient.error):
        return Checked(name, exact, value, relative, None, "too small to tell")
    if distance <= max(RTOL * size, 10.0 * error):
        return Checked(name, exact, value, relative, True)
    if distance <= 1000.0 * error and error > _SURE * RTOL * size:
        return Checked(name, exact, value, relative, None, "no quotient settles")
    return Checked(name, exact, value, relative, False)


def best(quotient: Estimate, step: Estimate | None, exact: float) -> Estimate:
    """The complex step where there is one and the quotients bear it out, or where it is what the exact slope is.

    Of the two only the quotients are spoilt by what cancels inside of the function, as in 2 + (x − 2).
    """
    if step is None:
        return quotient
    borne_out = abs(step.value - quotient.value) <= max(10.0 * quotient.error, 1e-6 * abs(step.value))
    return step if borne_out or abs(step.value - exact) <= RTOL * abs(exact) else quotient


def check_calculation(calculation: Calculation, point: Point, outputs: Sequence[str]) -> list[Checked]:
    """Every entry of the Jacobian of expressions at a point; `outputs` names the rows, if there are several."""
    _, blocks = calculation.jacobian(point)
    kinks = {kink.slope for kink in calculation.kinks}
    twin = Calculation(
        calculation.trees, calculation.texts, calculation.program.variables, calculation.wrt, complexes()
    )
    rows: dict[str, list[Checked]] = {name: [] for name in outputs}
    column = -1
    for name in calculation.wrt:
        titles = entry_names(name, calculation.program.variables[name])
        for k, title in enumerate(titles):
            move, column = _mover(point, name, k), column + 1
            at = float(np.ravel(point[name])[k])
            f = _after(move, calculation)
            quotients = difference_quotients(f, at)
            steps = complex_step(_after(move, twin), at)
            for o, output in enumerate(outputs):
                slope = f"d/d{title}" if len(outputs) == 1 else f"d({output})/d{title}"
                exact = float(np.asarray(blocks[name], float)[o][k])
                entry = compared(slope, exact, quotients[o], steps[o] if steps else None, f"d/d{title}" in kinks)
                if entry.agree is False and kinks_nearby(f, at)[o]:
                    entry = entry._replace(agree=None, why="next to a kink")
                if entry.agree is False and (why := _doubt(calculation, point, move, at, (o, column), exact)):
                    entry = entry._replace(agree=None, why=why)
                rows[output].append(entry)
    return [entry for row in rows.values() for entry in row]


def _doubt(
    calculation: Calculation,
    point: Point,
    move: Callable[[Any], Point],
    at: float,
    place: tuple[int, int],
    exact: float,
) -> str:
    """Why an entry of the Jacobian that no quotient confirms may be lost to rounding; "" where its rule is wrong.

    By the proven entry, of the same rules, where python-flint is there. Else forward and reverse mode, which add in
    another order, and the same at the nearest doubles tell of 1 + 1/y − 1/y at y = 1e-308.
    """
    row, column = place
    if calculation.diagnostics.underflows(point):
        return "a number underflows on the way"
    others = [_proven(calculation, point, row, column)]
    if not math.isfinite(others[0]):
        near = [move(at * (1.0 + k * 2.0**-52)) for k in (-3, -2, -1, 1, 2, 3)]
        others = [_entry_of([list(b[row]) for b in calculation.jacobian(p)[1].values()], column) for p in near]
        others.append(_entry_of(calculation.jvp(point, _unit(calculation.inputs, column))[1], row))
        reverse = calculation.vjp(point, _unit(calculation.outputs, row))[1]
        others.append(_entry_of(list(reverse.values()), column))
    spread = max(abs(other - exact) for other in others)
    return "" if spread <= _DOUBT * RTOL * abs(exact) else "the exact one cancels: --certify"


def _proven(calculation: Calculation, point: Point, row: int, column: int) -> float:
    """An entry of the Jacobian by ball arithmetic; NaN where it can't be had."""
    try:
        from bpcli.calculus.sweeps.certified import Certified

        blocks = Certified(calculation).jacobian(point)[1]
    except BpcliError:
        return math.nan
    return _entry_of([list(block[row]) for block in blocks.values()], column)


def _entry_of(values: Sequence[Any], place: int) -> float:
    return float(_flat(values)[place])


def _unit(size: int, place: int) -> Any:
    return np.eye(size)[place]


def _after(move: Callable[[Any], Point], calculation: Calculation) -> Callable[[Any], list[Any]]:
    return lambda x: _flat(calculation.value(move(x)))


def _mover(point: Point, name: str, k: int) -> Callable[[Any], Point]:
    """The point with entry k of a variable put elsewhere."""

    def move(x: Any) -> Point:
        if np.ndim(point[name]) == 0:
            return {**point, name: x}
        moved = np.array(point[name], float if isinstance(x, float) else object)
        moved.reshape(-1)[k] = x
        return {**point, name: moved}

    return move


def _flat(values: Sequence[Any]) -> list[Any]:
    return [v for value in values for v in np.ravel(np.asarray(value, object)).tolist()]


def check_function(
    value: Callable[[Mapping[str, Any]], Any], inputs: Mapping[str, Any], blocks: Mapping[str, Any], output: str
) -> list[Checked]:
    """Every entry of the Jacobian of a function of arrays by the names of `blocks`, matrices outputs × entries."""
    entries: list[Checked] = []
    for name, matrix in blocks.items():
        array = np.asarray(inputs[name], float)
        for k, title in enumerate(entry_names(name, array.shape)):

            def f(x: float, name: str = name, k: int = k, array: Any = array) -> list[float]:
                moved = array.copy()
                moved.reshape(-1)[k] = x
                with np.errstate(all="ignore"):
                    return [float(v) for v in np.ravel(value({**inputs, name: moved}))]

            for o, estimate in enumerate(difference_quotients(f, float(array.reshape(-1)[k]))):
                slope = f"d/d{title}" if len(matrix) == 1 else f"d{output}[{o}]/d{title}"
                entries.append(compared(slope, float(matrix[o][k]), estimate))
    return entries


# Answers


class Answer(NamedTuple):
    """What was given: numbers with the texts they were typed as, or formulas, row by row."""

    text: str
    numbers: Matrix | None
    typed: list[list[str | None]] | None
    formulas: list[list[str]] | None


_PLAIN = re.compile(r"[-−+]?[\d.]+(?:[eE][-−+]?\d+)?")


def read_answer(text: str, read: Callable[[str], Any]) -> Answer:
    """The numbers or formulas of `--mine`; ExpressionError or DataError where it is neither."""
    whole = text
    if text.strip().startswith("@"):
        content = read(text.strip()[1:])
        if not isinstance(content, str):
            return Answer(text, np.atleast_2d(content).tolist(), None, None)
        whole = content.strip()
    rows = [[part.strip() for part in _split(row, ",")] for row in _split(whole.replace("\n", ";"), ";") if row.strip()]
    rows = [row[0].split() if len(row) == 1 and _spaced(row[0]) else row for row in rows]
    if not rows:
        raise ExpressionError(
            "there is no answer here", whole, 0, len(whole), "numbers such as 2,4 or formulas such as 2*x"
        )
    if all(_PLAIN.fullmatch(part) for row in rows for part in row):
        typed: list[list[str | None]] = [list(row) for row in rows]
        return Answer(text, [[float(part.replace("−", "-")) for part in row] for row in rows], typed, None)
    try:
        return Answer(text, np.atleast_2d(np.asarray(parse_value(whole), float)).tolist(), None, None)
    except ExpressionError:
        return Answer(text, None, None, rows)


def _spaced(text: str) -> bool:
    """Whether entries are kept apart by spaces, as they are printed: numbers, or formulas that have none inside."""
    parts = text.split()
    return len(parts) > 1 and not any(part in "+-*/^**" or part[0] in "+*/^)" or part[-1] in "+-*/^(" for part in parts)


def _split(text: str, separator: str) -> list[str]:
    """The parts between separators outside of brackets."""
    parts, depth, start = [], 0, 0
    bare = text.strip()
    if separator == ";" and bare.startswith("[[") and bare.endswith("]]"):
        return [row.strip().strip("[]") for row in re.split(r"\]\s*,\s*\[", bare[2:-2])]
    if bare.startswith("[") and bare.endswith("]") and separator == ",":
        text = bare[1:-1]
    for i, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == separator and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


def evaluated(formulas: list[list[str]], values: Mapping[str, Any]) -> Matrix:
    """Formulas as numbers, for names that have values; one that is a vector gives its entries one after the other.

    ExpressionError for one that can't be read or has a name without a value.
    """
    rows: Matrix = []
    for row in formulas:
        entries: list[float] = []
        for text in row:
            tree = parse(text)
            names = [n for n in names_in(tree) if n in values]
            shapes = {n: np.shape(values[n]) for n in names}
            one = Calculation([tree], [text], shapes, [])
            result = np.asarray(one.value({n: values[n] for n in names})[0], float)
            if result.ndim == 2 and len(formulas) == 1 and len(row) == 1:
                return [[float(v) for v in part] for part in result.tolist()]
            entries += [float(v) for v in np.ravel(result)]
        rows.append(entries)
    return rows


class Problem(NamedTuple):
    """Something that has a derivative: the true one and the names that formulas may use, at inputs of one's choice.

    `truth(inputs)` is a matrix outputs × entries, `names(inputs)` its entries' names, `context(inputs)` the values of
    the names, `inner(inputs)` factors of the chain; `elsewhere(rng)` are other inputs of the same shapes.
    """

    truth: Callable[[Any], Matrix]
    names: Callable[[Any], list[str]]
    context: Callable[[Any], dict[str, Any]]
    inner: Callable[[Any], list[tuple[str, list[float]]]]
    elsewhere: Callable[[random.Random], Any]
    samples: int = 1


def graded(problem: Problem, answer: Answer, inputs: Any, tolerance: Tolerance) -> Grade:
    """An answer at the inputs; a formula also at others, where it has to be right, or wrong in the same way."""
    truth, names = problem.truth(inputs), problem.names(inputs)
    if answer.numbers is not None:
        inner = problem.inner(inputs)
        return grade(truth, answer.numbers, names, tolerance, answer.typed, inner, problem.samples)
    assert answer.formulas is not None
    loose = tolerance._replace(rtol=max(tolerance.rtol, 1e-9))
    given = evaluated(answer.formulas, problem.context(inputs))
    here = grade(truth, given, names, loose, None, problem.inner(inputs), problem.samples)
    rng = random.Random(0)
    grades = []
    for _ in range(TRIED):
        other = problem.elsewhere(rng)
        true, mine = problem.truth(other), evaluated(answer.formulas, problem.context(other))
        if all(math.isfinite(v) for row in true for v in row):
            wide = loose._replace(atol=loose.atol + 1e-12 * max((abs(v) for row in true for v in row), default=0.0))
            grades.append(grade(true, mine, names, wide, None, problem.inner(other), problem.samples))
    findings = {g.finding for g in grades}
    if here.agree and findings - {"right"}:
        return here._replace(finding="value", message="right at this point, but not at others")
    if here.agree or not grades:
        return here
    return _common(here, grades)


def _common(here: Grade, grades: list[Grade]) -> Grade:
    """What a formula's mistakes at many points have in common."""
    wrong = [g for g in grades if not g.agree]
    findings = {g.finding for g in wrong}
    factors = [g.factor for g in wrong if g.factor is not None]
    constant = len(factors) == len(wrong) and len(factors) > 1 and max(factors) - min(factors) <= 1e-6 * abs(factors[0])
    if findings == {"factor"} and constant:
        return wrong[0]._replace(entries=here.entries)
    for finding in ("sign", "transposed", "swapped", "diagonal_only", "shape", "inner_derivative"):
        if findings == {finding}:
            return wrong[0]._replace(entries=here.entries)
    if here.entries and len(wrong) > 1 and "value" in findings | {here.finding}:
        ratios = [_ratio(g) for g in wrong]
        if all(r is not None and abs(r - ratios[0]) <= 1e-6 * abs(r) for r in ratios if ratios[0] is not None):
            factor = ratios[0]
            if factor is not None:
                return here._replace(finding="factor", factor=factor, message=f"a factor {factor:.6g} too much")
    return (
        here
        if here.finding == "value"
        else here._replace(finding="value", message="wrong, and not by a constant factor", factor=None)
    )


def _ratio(g: Grade) -> float | None:
    """given/exact of the wrong entries, if it is one number."""
    found = {entry.given / entry.exact for entry in g.entries if not entry.right and entry.exact}
    return found.pop() if len(found) == 1 else None


def problem_of(calculation: Calculation, variables: Sequence[str], point: Point, outputs: Sequence[str]) -> Problem:
    """Expressions as a problem: formulas are in their variables."""
    shapes = calculation.program.variables
    columns = [title for name in calculation.wrt for title in entry_names(name, shapes[name])]

    def truth(at: Point) -> Matrix:
        _, blocks = calculation.jacobian(at)
        parts = [np.asarray(blocks[name], float) for name in calculation.wrt]
        return [[float(v) for part in parts for v in part[o]] for o in range(len(parts[0]))]

    def names(at: Point) -> list[str]:
        if len(outputs) == 1:
            return [f"d/d{title}" for title in columns]
        return [f"d({output})/d{title}" for output in outputs for title in columns]

    def elsewhere(rng: random.Random) -> Point:
        other = dict(point)
        for name in variables:
            value = np.asarray(point[name], float)
            moved = value * np.array([rng.uniform(0.5, 1.5) for _ in range(value.size)]).reshape(value.shape)
            moved = moved + np.where(moved == 0, rng.uniform(0.1, 0.9), 0.0)
            other[name] = moved if value.ndim else float(moved)
        return other

    return Problem(truth, names, dict, lambda at: _inner(calculation, at), elsewhere)


_LINEAR = {"+", "-", "*", "/", "negative"}


def _inner(calculation: Calculation, point: Point) -> list[tuple[str, list[float]]]:
    """The slopes of what stands inside of a function, in scalar expressions: factors that may have been forgotten."""
    program = calculation.program
    if not program.scalar:
        return []
    space = calculation.space
    values = program.forward(space, point)
    steps = [step for step in program.slots if isinstance(step, Instruction)]
    inside = {a for step in steps if step.row is not None and step.row.name not in _LINEAR for a in step.args}
    found = []
    for slot in sorted(inside):
        step = program.slots[slot]
        if not isinstance(step, Instruction):
            continue
        start, end = step.node.span
        tangents = [program.tangents(space, values, {name: 1.0})[slot] for name in calculation.wrt]
        slopes = [0.0 if t is None else float(t) for t in tangents]
        text = calculation.texts[0][start:end]
        found.append((f"the derivative of {text}", slopes * len(program.outputs)))
    return found
