"""Checks of derivatives against difference quotients, and grades of derivatives that were derived by hand."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.api.answer_names import with_names
from bpcli.api.arguments import as_double, as_inputs, as_text, expression_texts, shown
from bpcli.api.calculator import Function
from bpcli.calculus.checks.answers import Answer, Layout, read_answer
from bpcli.calculus.checks.checking import Checked, check_calculation, check_function
from bpcli.calculus.checks.grading import UNREADABLE, AtKink, Factor, Grade, Tolerance
from bpcli.calculus.checks.probes import Written
from bpcli.calculus.checks.questions import Question, graded, question_of
from bpcli.calculus.points.variables import Variables
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.seeds import Point
from bpcli.datasets.readers.value_files import file_meant, read_value_file
from bpcli.errors import BpcliError, DataError, ExpressionError, UsageError
from bpcli.lecture.input_checks import check_names
from bpcli.lecture.inputs import INPUTS

__all__ = ["Checked", "Comparison", "Grade", "Subject", "Tolerance", "check", "grade"]


class Comparison(NamedTuple):
    """A derivative compared with difference quotients, with a verdict on each entry."""

    inputs: Mapping[str, Any]
    entries: list[Checked]

    @property
    def agree(self) -> bool | None:
        """True if all entries agree, False if one does not; None if some can't be decided and the others agree."""
        if any(entry.agree is False for entry in self.entries):
            return False
        return None if any(entry.agree is None for entry in self.entries) else True

    @property
    def max_error(self) -> float | None:
        """The largest relative difference of the entries that are decided."""
        return max((entry.error for entry in self.entries if entry.agree is not None), default=None)


class Subject(ABC):
    """A function at a point, whose derivative is checked: expressions, or a function of the lecture."""

    def __init__(self, inputs: Mapping[str, Any], question: Question) -> None:
        self.inputs, self.question = inputs, question

    @abstractmethod
    def check(self) -> Comparison:
        """Compare its derivative with difference quotients."""

    def grade(self, answer: Answer | BpcliError, tolerance: Tolerance) -> Grade:
        """Grade an answer; the finding is `unreadable` for one that can't be read."""
        if not isinstance(answer, Answer):
            return unreadable(answer, self)
        try:
            return graded(self.question, answer, self.inputs, tolerance)
        except UsageError as error:
            return unreadable(error, self)

    def told(self, error: BpcliError) -> BpcliError:
        """The error of an answer that can't be read, with the names that it may use."""
        return with_names(error, self._names())

    def _names(self) -> dict[str, Any]:
        """The names that an answer may use, with their values."""
        return {name: value for name, value in self.question.context(self.inputs).items() if name != "ŷ"}


class ExpressionSubject(Subject):
    """Expressions at a point."""

    def __init__(self, calculation: Calculation, variables: Sequence[str], point: Point) -> None:
        if not calculation.inputs:
            raise UsageError("the expression has no variables to differentiate by")
        super().__init__(point, question_of(calculation, variables, point))
        self.calculation = calculation

    def check(self) -> Comparison:
        """Compare their Jacobian with difference quotients and the complex step."""
        found = check_calculation(self.calculation, self.inputs, self.calculation.output_names)
        return Comparison(self.inputs, found)


class NamedSubject(Subject):
    """A function of the lecture at inputs, which its row's `check` accepts."""

    def __init__(self, name: str, inputs: Mapping[str, Any], wrt: str | Sequence[str] | None = None) -> None:
        from bpcli.lecture.named_functions import NAMED
        from bpcli.lecture.named_questions import named_question

        check_names(name, inputs)
        self.name, self.row = name, NAMED[name]
        checked = self.row.check(as_inputs(inputs))
        with np.errstate(all="ignore"):
            super().__init__(checked, named_question(name, checked, wrt))

    def check(self) -> Comparison:
        """Compare its Jacobian with difference quotients."""
        with np.errstate(all="ignore"):
            wanted = dict(self.question.layout.blocks)
            blocks = {name: m for name, m in self.row.jacobian(self.inputs).items() if name in wanted}
            kinks = {(corner.block, corner.output, corner.entry) for corner in self.row.corners(self.inputs)}
            return Comparison(self.inputs, check_function(self.row.value, self.inputs, blocks, self.name, kinks))

    def told(self, error: BpcliError) -> BpcliError:
        """The error of an answer that can't be read, with the names that it may use and the entries by index."""
        from bpcli.lecture.formula_sheet import sheet_of

        sheet = sheet_of(self.name, self.inputs.get("activation"))
        blocks = [block for block, _ in self.question.layout.blocks]
        entries = [entry.of for entry in sheet.by(blocks).entries if "[" in entry.of]
        return with_names(error, self._names(), entries, self.name)


class UpdateSubject(Subject):
    """The point after a step down the gradient of an expression: x := x − α(∂z/∂x)ᵀ, as a row."""

    def __init__(self, slope: Subject, alpha: float) -> None:
        question, blocks = slope.question, [name for name, _ in slope.question.layout.blocks]

        def moved(inputs: Mapping[str, Any], derivative: NDArray[Any], step: float) -> NDArray[Any]:
            here = np.concatenate([np.ravel(np.asarray(inputs[name], float)) for name in blocks])
            return here + step * derivative

        def settled(inputs: Mapping[str, Any], found: NDArray[Any], prove: bool) -> tuple[NDArray[Any], NDArray[Any]]:
            derivative, open_ = question.settled(inputs, question.truth(inputs), prove)
            return moved(inputs, derivative, -alpha), open_

        def factors(inputs: Mapping[str, Any]) -> list[Factor]:
            derivative = question.truth(inputs)
            unknown = np.full(derivative.shape, np.nan)
            uphill = Factor("sign", "a step up: + in place of −", unknown, moved(inputs, derivative, alpha))
            return [uphill, Factor("factor", "a step without α", unknown, moved(inputs, derivative, -1.0))]

        def at_kink(inputs: Mapping[str, Any]) -> AtKink | None:
            found = question.at_kink(inputs)
            return found and found._replace(
                left=moved(inputs, found.left, -alpha), right=moved(inputs, found.right, -alpha)
            )

        names = [name.removeprefix("d/d") for name in question.names]
        context = {"alpha": alpha, "lr": alpha}
        super().__init__(
            slope.inputs,
            question._replace(
                names=names,
                truth=lambda inputs: moved(inputs, question.truth(inputs), -alpha),
                settled=settled,
                context=lambda inputs: {**context, **question.context(inputs)},
                factors=factors,
                at_kink=at_kink,
            ),
        )

    def check(self) -> Comparison:
        """UsageError: an update is no derivative."""
        raise UsageError("an update has no difference quotients")


def unreadable(error: BpcliError, subject: Subject | None = None) -> Grade:
    """The grade of an answer that can't be read, to a question about a subject."""
    if isinstance(error, ExpressionError) and (file := file_meant(error.text)):
        return Grade(UNREADABLE, [], f"{file} is a file, and an answer is read from it as @{file}\n  write @{file}")
    return Grade(UNREADABLE, [], str(error if subject is None else subject.told(error)))


def read_answers(texts: Sequence[str]) -> list[Answer | BpcliError]:
    """Answers from text or `@FILE`; if there are several, one that can't be read is an error in its place."""
    found: list[Answer | BpcliError] = []
    for text in texts:
        try:
            found.append(read_answer(text, read_value_file))
        except BpcliError as error:
            if isinstance(error, DataError) and len(texts) == 1:
                raise
            found.append(error)
    return found


def part_of(answer: Answer | BpcliError, number: int, samples: int, layout: Layout) -> Answer | BpcliError:
    """The part of an answer for one sample or point: if it has the rows of all, as printed, those of that one."""
    if not isinstance(answer, Answer) or answer.numbers is None or samples == 1:
        return answer
    parts, shapes = {}, dict(layout.blocks)
    for title, rows in answer.numbers.items():
        shape = shapes.get(title) or (layout.blocks[0][1] if len(shapes) == 1 else ())
        heights = {layout.outputs, shape[0] if layout.outputs == 1 and len(shape) == 2 else layout.outputs}
        height = len(rows) // samples
        if len(rows) % samples or height not in heights:
            return answer
        parts[title] = rows[number * height : (number + 1) * height]
    return answer._replace(numbers=parts)


def formulas_alone(answers: Iterable[Answer | BpcliError]) -> bool:
    """Whether those answers that can be read are formulas."""
    return all(answer.numbers is None for answer in answers if isinstance(answer, Answer))


def without_a_point(answers: Sequence[Answer | BpcliError], subject: Subject) -> list[Answer | BpcliError]:
    """Answers for which no point is given: numbers are constants, which are tried at many points as formulas are.

    Where the derivative is the same everywhere they stay numbers, which are graded at one.
    """
    as_they_are = formulas_alone(answers) or same_everywhere(subject)
    every = [answer._replace(at=False) if isinstance(answer, Answer) else answer for answer in answers]
    return every if as_they_are else [one.everywhere() if isinstance(one, Answer) else one for one in every]


def same_everywhere(subject: Subject) -> bool:
    """Whether a derivative is the same wherever there is one: then numbers answer it without a point."""
    question = subject.question
    with np.errstate(all="ignore"):
        here = question.truth(subject.inputs)
        others = [question.truth(probe.inputs) for probe in question.probes(Written())]
    known = [there for there in others if np.isfinite(there).all()]
    return bool(known) and all(np.allclose(there, here, rtol=1e-9, atol=0.0) for there in known)


def some_point(names: Sequence[str]) -> dict[str, float]:
    """A point of different numbers between 0.3 and 0.9, where most functions have values."""
    return {name: float(f"{0.3 + 0.6 * ((k + 1) * 0.6180339887 % 1):.2f}") for k, name in enumerate(names)}


def grade_points(subjects: Iterable[Subject], answer: Answer, tolerance: Tolerance) -> Iterator[tuple[Subject, Grade]]:
    """Grade an answer at many points: formulas at each of them, or a row of numbers for each.

    DataError if the numbers of rows and points differ.
    """
    left, count = dict(answer.numbers or {}), 0
    size = max(map(len, left.values()), default=0)
    for subject in subjects:
        one = answer
        if answer.numbers is not None:
            if not all(left.values()):
                raise DataError(f"the answer has {size} rows, and there are more points", "one row a point")
            heights = {title: _rows_of_one(rows[0], title, subject.question.layout) for title, rows in left.items()}
            one = Answer(answer.text, {title: rows[: heights[title]] for title, rows in left.items()}, None)
            left = {title: rows[heights[title] :] for title, rows in left.items()}
        count += 1
        subject.question = subject.question._replace(probes=lambda written: [])
        yield subject, subject.grade(one, tolerance)
    if any(left.values()):
        raise DataError(f"the answer has {size} rows for {count} points", "one row a point")


def _rows_of_one(first: Sequence[Any], title: str, layout: Layout) -> int:
    """The rows of one point of an answer to many, by its first row: of all entries, of an output, of a matrix."""
    (_, alone), *others = layout.blocks
    shape = dict(layout.blocks).get(title, (layout.columns,) if others else alone)
    if len(first) == math.prod(shape):
        return layout.outputs
    return shape[0] if layout.outputs == 1 and len(shape) == 2 and len(first) == shape[1] else 1


# From Python


def check(
    *expressions: str,
    at: Mapping[str, Any] | None = None,
    wrt: str | Sequence[str] | None = None,
    order: str | Sequence[str] | None = None,
    **inputs: Any,
) -> Comparison:
    """Compare the derivative of expressions, or of a function of the lecture by name, with difference quotients.

    `check("x**2*sin(y)", x=1, y=2)`, `check("softmax", logits=[1, 2, 3])`; `at` takes inputs by name too. UsageError
    or ExpressionError for inputs or expressions that can't be read.
    """
    return subject_of(tuple(expression_texts(expressions)), _given(at, inputs), wrt, order).check()


def grade(
    *expressions: str,
    mine: str,
    at: Mapping[str, Any] | None = None,
    wrt: str | Sequence[str] | None = None,
    order: str | Sequence[str] | None = None,
    rtol: float = 1e-9,
    atol: float = 0.0,
    **inputs: Any,
) -> Grade:
    """Grade `mine`, a derivative of expressions or of a function of the lecture, and find its mistake.

    `mine` holds numbers, formulas, or `@FILE`: `grade("sin(3*x)", mine="cos(3*x)").finding` is `inner_derivative`.
    Formulas need no inputs. UsageError or ExpressionError for expressions or inputs that can't be read.
    """
    as_text("mine", mine, "for example mine='2*x, 2*y'")
    for name, limit in (("rtol", rtol), ("atol", atol)):
        if not 0.0 <= as_double(name, limit) < math.inf:
            raise UsageError(f"{name}: expected a number of at least 0, found {shown(limit)}")
    expressions = tuple(expression_texts(expressions))
    (answer,) = read_answers([mine])
    given, some = _given(at, inputs), _somewhere(expressions)
    if some.keys() & given.keys():
        return subject_of(expressions, given, wrt, order).grade(answer, Tolerance(rtol, atol))
    subject = subject_of(expressions, {**some, **given}, wrt, order)
    (constant,) = without_a_point([answer], subject)
    return subject.grade(constant, Tolerance(rtol, atol))


def _given(at: Mapping[str, Any] | None, inputs: Mapping[str, Any]) -> dict[str, Any]:
    if at is not None and not isinstance(at, Mapping):
        raise UsageError(f"at: expected a mapping of names to values, found {shown(at)}")
    return {**(at or {}), **inputs}


def _somewhere(expressions: Sequence[str]) -> dict[str, Any]:
    if len(expressions) == 1 and expressions[0] in INPUTS:
        from bpcli.lecture.named_questions import some_inputs

        return some_inputs(expressions[0])
    from bpcli.calculus.language.parser import parse

    return dict(some_point(Variables([parse(text) for text in expressions], list(expressions)).names))


def subject_of(
    expressions: Sequence[str],
    inputs: Mapping[str, Any],
    wrt: str | Sequence[str] | None,
    order: str | Sequence[str] | None = None,
) -> Subject:
    """Expressions, or a function of the lecture by name, at inputs. UsageError or ExpressionError for others."""
    if len(expressions) == 1 and expressions[0] in INPUTS:
        return NamedSubject(expressions[0], inputs, wrt)
    if not expressions:
        raise UsageError("a check is of one expression or more", 'check("x**2", x=3)')
    function: Function[Any] = Function(expressions, "jacobian", lambda c, p: (None, []), wrt=wrt, order=order)
    calculation, point = function.prepared(inputs)
    return ExpressionSubject(calculation, function.variables, point)
