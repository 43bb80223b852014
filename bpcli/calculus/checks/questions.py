"""A derivative that somebody was asked for, and the grade of an answer: numbers at a point, formulas everywhere."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from bpcli.calculus.checks.answer_shapes import fitted, titles_amiss
from bpcli.calculus.checks.answers import Answer, Cells, Formulas, Layout
from bpcli.calculus.checks.chain_factors import AsWritten, chain_factors
from bpcli.calculus.checks.diagnosis import TELLING, diagnosed, first_wrong, of_another_shape
from bpcli.calculus.checks.grading import (
    Array,
    AtKink,
    Compared,
    Factor,
    Grade,
    Tolerance,
    Truths,
    typed_slack,
)
from bpcli.calculus.checks.missed_terms import missed_terms
from bpcli.calculus.checks.probes import Probe, Written, probes_of
from bpcli.calculus.checks.side_changes import at_an_edge, may_change_sides
from bpcli.calculus.checks.witnesses import SPOILT, proven_jacobian
from bpcli.calculus.language.tree import Call
from bpcli.calculus.rules.functions import OPERATORS
from bpcli.calculus.rules.reductions import REDUCTIONS
from bpcli.calculus.rules.shapes import entry_names
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.instructions import Constant, Instruction, OnArrays
from bpcli.calculus.sweeps.rounding import slope_errors
from bpcli.calculus.sweeps.seeds import Point

_LOOSE = 1e-12  # relative to the largest entry: the rounding error that a formula is allowed at inputs of our choice
_ROUNDED = 4.0  # times the rounding error of a formula, to first order
_UNIT = 2.0**-52
_MOST_WORK = 40_000  # of series about other inputs that are at kinks: where more would be needed, no slope is known
_ENOUGH, _FEWEST = 512, 64  # wrong inputs, of many entries fewer
_DOTS = str.maketrans("·⋅", "**")
_NEAR_BY = 1e-3  # relative, and at least absolute: so far off it is seen whether the domain goes on
_AT_KINK = 1e-3  # relative: where the slopes on both sides differ by more, there is a kink


class Question(NamedTuple):
    """Something that has a derivative, at inputs of one's choice.

    `truth(inputs)` is the derivative, outputs × entries, NaN where there is none; `settled(inputs, truth,
    prove)` the same, if asked for with proven numbers where rounding spoils it, and marks where there is no proof;
    `context(inputs)` the values of the names that formulas may use; `factors(inputs)` those of the chain;
    `probes(written)` other inputs of the same shapes, at which an answer is tried; `variables` the names
    of the inputs that are numbers; `at_kink(inputs)` the slopes on both sides where they differ; `samples` the N of a
    mean; `at_an_edge(inputs)` whether a step is at a kink, also where the slopes are the same;
    `inside(inputs)` whether the domain goes on to both sides. It is `at` the inputs that were asked for, or of the
    function alone.
    """

    layout: Layout
    names: Sequence[str]
    truth: Callable[[Mapping[str, Any]], Array]
    settled: Callable[[Mapping[str, Any], Array, bool], tuple[Array, Truths]]
    context: Callable[[Mapping[str, Any]], dict[str, Any]]
    factors: Callable[[Mapping[str, Any]], list[Factor]]
    probes: Callable[[Written], list[Probe]]
    variables: Sequence[str]
    at_kink: Callable[[Mapping[str, Any]], AtKink | None]
    samples: int = 1
    at_an_edge: Callable[[Mapping[str, Any]], bool] = lambda inputs: False
    inside: Callable[[Mapping[str, Any]], bool] = lambda inputs: True
    at: bool = True


def graded(question: Question, answer: Answer, inputs: Mapping[str, Any], tolerance: Tolerance) -> Grade:
    """An answer at the inputs; a formula also at others. ExpressionError for a formula that has no value there."""
    question = question._replace(at=answer.at)
    with np.errstate(all="ignore"):
        if answer.numbers is not None:
            return _numbers(question, answer.numbers, inputs, tolerance)
        formulas = answer.formulas_for(question.layout, question.context(inputs))
        found = _read_so(question, formulas, inputs, tolerance)
        if found.finding == "shape" and answer.products:  # 2 x is one entry where there is room for one
            other = _read_so(question, answer.products, inputs, tolerance)
            found, formulas = (found, formulas) if other.finding == "shape" else (other, answer.products)
        entrywise = {title: [[f.translate(_DOTS) for f in row] for row in rows] for title, rows in formulas.items()}
        if not found.agree and entrywise != formulas:  # of vectors · is the dot product, and many write it for *
            other = _read_so(question, entrywise, inputs, tolerance)
            found = other if other.agree or found.finding == "shape" else found
        return found


def _read_so(
    question: Question, formulas: Mapping[str, list[list[str]]], inputs: Mapping[str, Any], tolerance: Tolerance
) -> Grade:
    found = _formulas(question, Formulas(formulas), inputs, tolerance)
    if found.finding == "shape" and question.layout.outputs == 1:
        each = Formulas(formulas, question.layout.columns)  # one number where each entry has its own
        lacking = _formulas(question, each, inputs, tolerance)
        found = lacking if lacking.finding in ("inner_derivative", "outer_derivative") else found
    return found


def grade(
    truth: Sequence[Sequence[float]], given: Sequence[Sequence[float]], names: Sequence[str], tolerance: Tolerance
) -> Grade:
    """The grade of numbers at one point, by these numbers alone; `names` row by row."""
    from bpcli.calculus.checks.answers import Cell

    matrix = np.array(truth, float)
    undecided = np.zeros(matrix.shape, bool)
    layout = Layout(len(matrix), (("", (matrix.shape[1],)),))
    own = (lambda inputs: matrix, lambda inputs, truth, prove: (truth, undecided))
    question = Question(layout, names, *own, dict, lambda inputs: [], lambda written: [], [], lambda at: None)
    cells = {"": [[Cell(float(value)) for value in row] for row in given]}
    return graded(question, Answer("", cells, None), {}, tolerance)


def _numbers(question: Question, parts: Mapping[str, Cells], inputs: Mapping[str, Any], tolerance: Tolerance) -> Grade:
    if amiss := titles_amiss(parts, question.layout):
        return Grade("shape", [], amiss)
    truth, undecided = question.settled(inputs, question.truth(inputs), True)
    cells = fitted(parts, question.layout, truth)
    if cells is None:
        return of_another_shape(truth, parts, tolerance, question.layout)
    given = _values(cells)
    typed = [[cell.typed for cell in row] for row in cells]
    slack = typed_slack(typed, given, truth)
    layout = question.layout
    one = (truth[None], given[None], slack[None], undecided[None])
    compared = Compared(*one, tolerance, question.names, layout.blocks, samples=question.samples)
    if not compared.right.all():
        if compared._replace(slack=typed_slack(typed, given, truth, 1)[None]).right.all():
            message = "right to the digits typed, but three at least are needed"
            return Grade("value", compared.entries(), message, score=compared.score)
        kink = question.at_kink(inputs)
        sides = () if kink is None else (("left", kink.left), ("right", kink.right))
        compared = compared._replace(factors=question.factors(inputs), sides=sides)
    grade = diagnosed(compared, np.ones(1, bool))
    if grade.finding in ("value", "factor"):  # of digits rounded, a factor may be −1.001
        loose = compared._replace(slack=typed_slack(typed, given, truth, TELLING)[None])
        other = diagnosed(loose, np.ones(1, bool))
        if other.finding in ("transposed", "sign", "swapped", "diagonal_only"):
            return other._replace(entries=grade.entries, score=grade.score)
    return grade


def _formulas(question: Question, formulas: Formulas, inputs: Mapping[str, Any], tolerance: Tolerance) -> Grade:
    """The grade of formulas at the inputs and at all probes at which there is a derivative."""
    loose = tolerance._replace(rtol=max(tolerance.rtol, 1e-9))
    truth = question.truth(inputs)
    parts = formulas.cells(question.context(inputs))
    if amiss := titles_amiss(parts, question.layout):
        return Grade("shape", [], amiss)
    here = fitted(parts, question.layout, truth)
    if here is None:
        return of_another_shape(truth, parts, loose, question.layout)
    typed = [[cell.typed for cell in row] for row in here]
    tried, truths, given = [Probe(dict(inputs), True)], [truth], [_values(here)]
    probes = question.probes(Written(formulas.constants(), formulas.sides, formulas.heights, formulas.divisors))
    for far in (False, True):
        for probe, true, mine in _tried(question, formulas, [probe for probe in probes if probe.far == far]):
            tried.append(probe)
            truths.append(true)
            given.append(mine)
        tried, compared = _rounding_seen(question, formulas, tried, np.stack(truths), np.stack(given), typed, loose)
        if not compared.right.all():
            compared = compared._replace(factors=_joined([question.factors(probe.inputs) for probe in tried]))
            break
    found = diagnosed(compared, np.array([probe.plain for probe in tried]))
    if found.finding != "domain":
        return found
    wrong_at = tried[first_wrong(compared)].inputs
    shown = {name: wrong_at[name] for name in question.variables if name in wrong_at}
    return found._replace(counterexample={n: v.tolist() if hasattr(v, "tolist") else v for n, v in shown.items()})


def _tried(question: Question, formulas: Formulas, probes: Sequence[Probe]) -> Iterator[tuple[Probe, Array, Array]]:
    """The inputs at which there is a derivative, with it and the formulas' values."""
    for probe in probes:
        true = question.truth(probe.inputs)
        if not np.isfinite(true).all():
            continue
        cells = fitted(formulas.cells(question.context(probe.inputs)), question.layout, true)
        mine = np.full_like(true, math.nan) if cells is None else _values(cells)
        if not np.isfinite(mine).all() and (probe.extreme or not question.inside(probe.inputs)):
            continue
        yield probe, true, mine


def _rounding_seen(
    question: Question,
    formulas: Formulas,
    tried: list[Probe],
    truth: Array,
    given: Array,
    typed: Sequence[Sequence[str | None]],
    tolerance: Tolerance,
) -> tuple[list[Probe], Compared]:
    """Formulas compared with the derivative; a difference within the rounding of either counts as none. Of very many
    inputs at which they are wrong some are enough, and the others are left out.
    """
    slack = np.zeros_like(truth)
    if any(map(any, typed)):
        slack += [typed_slack(typed, mine, true) for mine, true in zip(given, truth, strict=True)]
    slack[1:] += _LOOSE * abs(truth[1:]).max(axis=(1, 2), initial=0.0, keepdims=True)
    undecided = ~np.isfinite(truth)  # outside of the domain, where an answer need not hold
    kept, enough = np.ones(len(tried), bool), max(_FEWEST, _ENOUGH // truth[0].size)
    for k in np.flatnonzero(~tolerance.right(truth, given, slack).all(axis=(1, 2))).tolist():
        if not enough:
            kept[k] = False
            continue
        inputs = tried[k].inputs
        if tried[k].no_value and not np.isfinite(given[k]).all():
            undecided[k] |= formulas.turned(question.context(inputs), inputs)  # rounding may have made 0 of the divisor
            enough -= not undecided[k].all()
            continue
        truth[k], eaten = question.settled(inputs, truth[k], k == 0)
        context = question.context(inputs)
        undecided[k] |= eaten | ((not k or tried[k].close) and formulas.turned(context))
        if k and np.isfinite(given[k]).all() and question.at_an_edge(inputs) and formulas.at_an_edge(context):
            undecided[k] = True  # min(relu(2*x), x) at 0 has a slope, and who halves at ties is right elsewhere
        errors = fitted(formulas.errors(context), question.layout, truth[k])
        if errors is not None:
            slack[k] += _ROUNDED * np.nan_to_num(_values(errors), posinf=0.0)
        for unit in (-_UNIT, _UNIT):  # a product of two values that have lost all digits has no error to first order
            moved = {name: v if name in inputs else v * (1.0 + unit) for name, v in context.items()}
            nearby = fitted(formulas.cells(moved), question.layout, truth[k])
            if nearby is not None:
                slack[k] = np.maximum(slack[k], _ROUNDED * np.nan_to_num(abs(_values(nearby) - given[k]), posinf=0.0))
        enough -= not (tolerance.right(truth[k], given[k], slack[k]) | undecided[k]).all()
    about = (question.names, question.layout.blocks, (), question.samples, formulas.divides(), (), question.at)
    compared = Compared(truth[kept], given[kept], slack[kept], undecided[kept], tolerance, *about)
    return [probe for probe, keep in zip(tried, kept, strict=True) if keep], compared


def _values(cells: Cells) -> Array:
    return np.array([[cell.value for cell in row] for row in cells])


def _joined(each: list[list[Factor]]) -> list[Factor]:
    """Each factor with its values at all inputs."""
    return [
        Factor(
            same[0].finding,
            same[0].text,
            np.stack([factor.values for factor in same]),
            None if same[0].without is None else np.stack([f.without for f in same if f.without is not None]),
        )
        for same in zip(*each, strict=True)
    ]


def smooth(truth: Callable[[dict[str, Any]], Array], inputs: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Whether a derivative is the same to both sides of the inputs, moved together a little.

    Two sides differ by a jump if they differ as much closer to the inputs; those of x around 0 come together.
    """

    def sides(step: float) -> tuple[Array, Array]:
        moved = {n: step * np.maximum(abs(np.asarray(inputs[n])), 1e-3) for n in names}
        left, right = (truth({**inputs, **{n: inputs[n] + s * moved[n] for n in names}}) for s in (-1.0, 1.0))
        return abs(right - left), np.maximum(abs(left), abs(right))

    (jump, size), (before, _) = sides(1e-7), sides(1e-5)
    return bool((~(jump > _AT_KINK * size + 1e-300) | (jump < before / 4)).all())


def goes_on(accepted: Callable[[dict[str, Any]], bool], inputs: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Whether inputs near by, to both sides, are accepted, so that the domain does not end here.

    Where it ends an answer without a value is not wrong: ∂bce/∂ŷ = −y/ŷ + (1 − y)/(1 − ŷ) is 0/0 at y = ŷ = 1.
    """
    rng = np.random.default_rng(0)
    sizes = {n: np.maximum(abs(np.asarray(inputs[n])), 1.0) for n in names}
    steps = {n: _NEAR_BY * size * rng.uniform(0.5, 1.0, size.shape) for n, size in sizes.items()}
    return all(accepted({**inputs, **{n: inputs[n] + sign * steps[n] for n in names}}) for sign in (-1.0, 1.0))


# Expressions


def question_of(calculation: Calculation, variables: Sequence[str], point: Point) -> Question:
    """Expressions as a question: formulas are in their variables."""
    outputs = calculation.output_names
    shapes = calculation.program.variables
    columns = [title for name in calculation.wrt for title in entry_names(name, shapes[name])]
    blocks = tuple((name, shapes[name]) for name in calculation.wrt)

    def truth(at: Mapping[str, Any]) -> Array:
        if at is not point and calculation.edges.work > _MOST_WORK:
            calculation.by_rules(Calculation.jacobian, at)
            if calculation.needed_sides:
                return np.full((calculation.outputs, len(columns)), math.nan)
        values, found = calculation.jacobian(at)
        matrix = _side_by_side(calculation, found)
        if at is not point and (calculation.kinks or not all(np.isfinite(value).all() for value in values)):
            return np.full_like(matrix, math.nan)
        return matrix

    @cache
    def written() -> Calculation:
        return Calculation(calculation.trees, calculation.texts, shapes, calculation.wrt, program=AsWritten)

    @cache
    def others() -> list[Calculation]:
        """For a derivative by one vector or matrix: the derivatives by each other variable of the same shape."""
        chosen = calculation.wrt[0]
        alike = [b for b in shapes if b != chosen and shapes[b] == shapes[chosen] != ()]
        return [Calculation(calculation.trees, calculation.texts, shapes, [b]) for b in alike if len(blocks) == 1]

    samples = _samples(calculation)

    def probes(written: Written) -> list[Probe]:
        number = np.full(1, float(samples))
        tables = (written.sides, written.heights, written.divisors)
        rows = (lambda columns, of=of: of({"N": number, **columns}) for of in tables)
        return probes_of(calculation, variables, point, Written(written.constants, *rows))

    names = [f"d/d{title}" for title in columns]
    if len(outputs) > 1:
        names = [f"d({output})/d{title}" for output in outputs for title in columns]
    return Question(
        Layout(calculation.outputs, blocks),
        names,
        truth,
        lambda at, found, prove: _settled(calculation, at, found, prove),
        lambda at: {"N": float(samples), **at},
        lambda at: [
            *chain_factors(written(), at),
            *missed_terms(written(), at),
            *_by_others(others(), calculation.wrt[0], at),
        ],
        probes,
        variables,
        lambda at: _at_kink(calculation, at),
        samples,
        lambda at: at_an_edge(calculation, at),
        lambda at: goes_on(lambda near: bool(np.isfinite(truth(near)).all()), at, list(shapes)),
    )


def _side_by_side(calculation: Calculation, blocks: Mapping[str, Any]) -> Array:
    return np.concatenate([np.asarray(blocks[name], float) for name in calculation.wrt], axis=1)


def _at_kink(calculation: Calculation, point: Mapping[str, Any]) -> AtKink | None:
    """The slopes on both sides, if the point is at a kink."""
    calculation.jacobian(point)
    kinks, sides = calculation.kinks, []
    if not kinks:
        return None
    for side in ("left", "right"):
        calculation.kink = side
        sides.append(_side_by_side(calculation, calculation.jacobian(point)[1]))
    calculation.kink = "lecture"
    return AtKink(calculation.diagnostics.edge_place(point), kinks, *sides)


def _by_others(others: Sequence[Calculation], chosen: str, at: Mapping[str, Any]) -> list[Factor]:
    """The derivatives by other variables, with which an answer may have confused this one."""
    found = [(other.wrt[0], np.asarray(other.jacobian(at)[1][other.wrt[0]], float)) for other in others]
    return [Factor("swapped", f"d/d{b}, not d/d{chosen}", np.full_like(m, math.nan), m) for b, m in found]


def _settled(calculation: Calculation, point: Mapping[str, Any], truth: Array, prove: bool) -> tuple[Array, Truths]:
    """A Jacobian, with proven numbers where rounding may have spoilt it, and marks where there is no proof: also where
    rounding may have put a step on another side of a kink, and where series do not know the slope.
    """
    unknown = np.isnan(truth) & (not all(kink.known for kink in calculation.kinks))
    if not prove and may_change_sides(calculation, point):
        return truth, np.ones(truth.shape, bool)
    doubtful = unknown | (np.array(slope_errors(calculation, point)) > SPOILT * abs(truth))
    proven = proven_jacobian(calculation, point) if prove and doubtful.any() else None
    if proven is None:
        return truth, doubtful
    known = np.isfinite(proven)
    return np.where(doubtful & known, proven, truth), doubtful & ~known


def _samples(calculation: Calculation) -> int:
    """The number of terms of the mean in an expression, mean(x) or sum(x)/n; 1 if there is none, or several."""
    slots = calculation.program.slots
    steps = [step for step in slots if isinstance(step, Instruction)]
    totals = [step for step in steps if isinstance(step, OnArrays) and step.op is REDUCTIONS["sum"]]
    sums = {1.0 * math.prod(step.shapes[0]) // math.prod(step.shape) for step in totals}
    counts = set()
    for step in steps:
        count = slots[step.args[1]] if step.row is OPERATORS["/"] else None
        if isinstance(count, Constant) and (isinstance(step.node, Call) or float(count) in sums):
            counts.add(int(count))
    return counts.pop() if len(counts) == 1 else 1
