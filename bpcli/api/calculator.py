"""Expressions as Python functions: value, gradient, Jacobian and Hessian, with the same numbers as the commands.

Source: the lecture's "Multivariate Functions" and "Partial Derivatives and Gradients"; Jacobians in numerator layout.
"""

import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack, cast

import numpy as np
from numpy.typing import NDArray

from bpcli.api.arguments import Expressions, Names, as_flag, as_value, by_name, check_kink, check_names
from bpcli.api.bulk import Block, LostPoints, arrays_of, blocks_of, point_of
from bpcli.api.calculations import Calculations
from bpcli.calculus.points.variables import shape_of
from bpcli.calculus.rules.shapes import Shape, entry_names
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.screening import Screen
from bpcli.calculus.sweeps.wide_range import TOO_LARGE
from bpcli.errors import ExpressionError, KeywordError, UsageError
from bpcli.lecture.inputs import INPUTS

Floats = NDArray[np.float64]
R = TypeVar("R")


class NotFiniteWarning(RuntimeWarning):
    """A result is not finite; the text names the operation at fault. The commands exit with 4."""


class KinkWarning(RuntimeWarning):
    """A derivative was taken at a kink or a jump; the text gives the slopes of both sides."""


class LostDigitsWarning(RuntimeWarning):
    """Digits of a result are lost to rounding; the text names the entries and bounds their errors."""


Kind = Literal["value", "gradient", "jacobian", "hessian"]


def _shape(value: Any) -> tuple[int, ...]:
    """The shape of a value; () if NumPy finds none."""
    try:
        return np.shape(value)
    except ValueError:
        return ()


@contextmanager
def _hints_in_python() -> Iterator[None]:
    """Rewrite commands in the hints of errors as calls: `bpcli grad "x"` as `bpcli.grad("x")`."""
    try:
        yield
    except ExpressionError as error:
        error.hint = re.sub(r'bpcli (\w+) (".*?")', r"bpcli.\1(\2)", error.hint)
        raise


class Function(Generic[R]):
    """A function of an expression's variables: call it as `f(1, 2)`, `f(x=1, y=2)` or `f({"x": 1, "y": 2})`.

    Each of `variables` is a number, a vector or a matrix; a function of one variable takes `f(1, 2, 3)` as a vector.
    With several variables, all numbers, `f([1, 2])` is a point too, as `scipy.optimize` gives it, and an array (B, n)
    is B points, as in `many`. The columns of a data frame, and the cells of a series, are taken by name. Raises
    UsageError for a point that does not fit, ExpressionError for an expression without such a derivative. A result
    that is not finite comes with a NotFiniteWarning, a derivative at a kink with a KinkWarning.
    """

    def __init__(
        self,
        texts: Sequence[str],
        kind: Kind,
        compute: Callable[[Calculation, dict[str, Any]], tuple[R, Sequence[float]]],
        *,
        wrt: Names | None = None,
        let: Mapping[str, Any] | None = None,
        order: Names | None = None,
        kink: str = "lecture",
        certify: bool = False,
    ) -> None:
        check_kink(kink)
        with _hints_in_python():
            given = Expressions(texts, wrt, let, order)
        self._texts, self._constants = given.texts, given.constants
        self._by_place = given.in_order
        self.variables: tuple[str, ...] = tuple(given.variables)
        self.wrt = tuple(given.wrt)
        self._kind, self._compute = kind, compute
        self._screens: dict[Calculation, Screen] = {}
        self._calculations = Calculations(given.trees, given.texts, given.wrt, kink, as_flag("certify", certify))

    def __repr__(self) -> str:
        return f"<bpcli function of {', '.join(self.variables) or 'nothing'}: {', '.join(self._texts)}>"

    def __call__(self, *values: Any, **named: Any) -> R:
        """The result at a point, or at each row of an array (B, n)."""
        array: Any = values[0] if len(values) == 1 and not named and not isinstance(values[0], Mapping) else None
        if len(self.variables) > 1 and (found := by_name(array)) is not None:
            cells, is_table = found
            return cast(R, self.many(cells)) if is_table else self(cells)
        shape = _shape(array)
        if len(shape) in (1, 2) and len(self.variables) > 1:
            if len(shape) == 2:
                self._check_order()
                return cast(R, self.many(array))
            values = tuple(array)
        point = self._point(values, named)
        try:
            calculation, (result, entries) = self._computed(point)
        except ExpressionError:
            if shape[-1:] != (1,):
                raise
            if len(shape) == 2:
                return cast(R, self.many(array))
            point = self._point(tuple(array), {})  # a number, as scipy.optimize gives it
            calculation, (result, entries) = self._computed(point)
        self._warn(calculation, point, entries)
        if not self._calculations.certify and self._is_new(calculation, point, entries):
            self._warn_of_lost_digits(calculation, point, entries)
        return result

    def _computed(self, point: dict[str, Any]) -> tuple[Calculation, tuple[R, Sequence[float]]]:
        """The calculation at a point, and its result with the entries that are checked."""
        with _hints_in_python():
            calculation = self._calculations.at(point)
            return calculation, self._compute(calculation, point)

    def prepared(self, inputs: Mapping[str, Any]) -> tuple[Calculation, dict[str, Any]]:
        """The calculation for inputs by name, and its point."""
        point = self._point((), inputs, "{}")
        return self._calculations.at(point), point

    def entries(self, *values: Any, **named: Any) -> list[str]:
        """The names of the columns at a point of this shape: `x`, `w[0]`, `w[1]`."""
        point = self._point(values, named)
        return [title for name in self.wrt for title in entry_names(name, shape_of(point[name]))]

    def many(self, points: Mapping[str, Any] | Sequence[Any] | Floats) -> Floats:
        """The results at B points: values (B, …), gradients (B, n) or Jacobians (B, m, n).

        `points` maps each name to an array (B, …); where all variables are numbers, it may be an array (B, n) with a
        column for each. Warns once where results are not finite, and once where points lie at a kink.
        """
        arrays = arrays_of(points, self.variables)
        if not arrays:
            raise UsageError("the expression has no variables, and points give values")
        size = len(next(iter(arrays.values())))
        if not size:
            return np.empty((0, *self._result_shape({name: array.shape[1:] for name, array in arrays.items()})))
        if self._kind not in ("value", "gradient") or self._calculations.certify:
            return np.array([self({name: array[i] for name, array in arrays.items()}) for i in range(size)], np.float64)
        first = {name: as_value(name, array[0]) for name, array in arrays.items()}
        calculation = self._calculations.at({**first, **self._constants})
        blocks = list(blocks_of(calculation, arrays, self._constants, self._kind == "gradient"))
        hidden = 1 if self._kind == "gradient" else 0  # the first column is the value, which is not returned
        lost = LostPoints(self.variables, hidden)
        for block in blocks:
            lost.add(block)
        lost.look()
        for block in blocks:
            rows = np.flatnonzero(~np.isfinite(block.table[:, hidden:]).all(axis=1)).tolist()
            noteworthy = [*rows[:1], *(kink.point for kink in block.kinks[:1])]
            if noteworthy:
                self(self._point_of(block, noteworthy[0]))
                break
        for at in lost.first:
            if self._warn_of_lost_digits(at.calculation_there(), at.point, at.row[hidden:], lost.count - 1):
                break
        else:
            if words := lost.unexamined():
                warnings.warn(f"{words}; certify=True proves each digit", LostDigitsWarning, stacklevel=2)
        table = np.concatenate([block.table for block in blocks])
        if self._kind == "gradient":
            return table[:, 1:]
        return table.reshape(size, *calculation.output_shapes[0])

    def _result_shape(self, shapes: Mapping[str, Shape]) -> Shape:
        """The shape of the result for variables of these shapes."""
        constants = {name: shape_of(value) for name, value in self._constants.items()}
        calculation = self._calculations.of({**shapes, **constants})
        inputs = calculation.inputs
        if self._kind == "value":
            return calculation.output_shapes[0]
        return {"gradient": (inputs,), "jacobian": (calculation.outputs, inputs), "hessian": (inputs, inputs)}[
            self._kind
        ]

    def _point_of(self, block: Block, i: int) -> dict[str, Any]:
        found = point_of(block.columns, self.variables, i)
        return {name: found[name] for name in self.variables}

    def _point(self, values: Sequence[Any], named: Mapping[str, Any], form: str = "f({})") -> dict[str, Any]:
        """The point of values in order, or by name; hints show all inputs in this form of a call."""
        names = self.variables
        if not named and len(values) == 1 and isinstance(first := values[0], Mapping):
            values, named = (), first
        if values:
            if len(names) == 1 and len(values) > 1:
                values = (list(values),)
            if named or len(values) != len(names):
                given = f"{len(values)} value{'s' * (len(values) != 1)} without a name"
                raise UsageError(f"{given}, and the variables are {', '.join(names) or 'none'}", self._example())
            self._check_order()
            named = dict(zip(names, values, strict=True))
        check_names(named, names, "the point")
        if missing := [name for name in names if name not in named]:
            raise UsageError(f"no value is given for {', '.join(missing)}", self._example(form))
        return {**{name: as_value(name, named[name]) for name in names}, **self._constants}

    def _check_order(self) -> None:
        """UsageError where the order of values without names is ambiguous."""
        if len(self.variables) > 1 and not self._by_place:
            names = ", ".join(self.variables)
            raise UsageError(
                f"which value is whose? The variables are {names}, and in the expression they have another order",
                f"{self._example()}, or order={list(self.variables)!r} after the expression",
            )

    def _example(self, form: str = "f({})") -> str:
        return form.format(", ".join(f"{name}=…" for name in self.variables))

    def _warn(self, calculation: Calculation, point: dict[str, Any], entries: Sequence[float]) -> None:
        """Warn of a kink and of results that are not finite, in the words of the commands."""
        if calculation.kinks:
            from bpcli.calculus.one_sided.kink_notes import in_words

            advice = 'kink="left" or "right" takes a side' if self._calculations.kink == "lecture" else ""
            warnings.warn(
                in_words(calculation.diagnostics.edge_place(point), calculation.kinks, advice),
                KinkWarning,
                stacklevel=3,
            )
        if calculation.may_have_left_range:
            warnings.warn(TOO_LARGE, LostDigitsWarning, stacklevel=3)
        if self._calculations.certify and any(map(math.isnan, entries)):
            why = calculation.diagnostics.why_not_decided(point, calculation.kinks)
            what = f"not decided: {why}" if why else "not decided, however many digits are used, or not a number"
            warnings.warn(f"a result is {what}", NotFiniteWarning, stacklevel=3)
        elif not all(map(math.isfinite, entries)):
            what = calculation.diagnostics.why_not_finite(point, calculation.kinks, self._kind == "hessian")
            warnings.warn(f"a result is not finite: {what}", NotFiniteWarning, stacklevel=3)

    def _is_new(self, calculation: Calculation, point: dict[str, Any], entries: Sequence[float]) -> bool:
        """Whether a step at the point may magnify rounding errors, so that it is worth a search for lost digits."""
        if calculation not in self._screens:
            self._screens[calculation] = Screen(calculation.program, calculation.sweeps.inputs)
        slopes = [] if self._kind == "value" else entries
        return self._screens[calculation].is_new(calculation.sweeps.forward(point), slopes)

    def _warn_of_lost_digits(
        self, calculation: Calculation, point: dict[str, Any], entries: Sequence[float], further: int = 0
    ) -> bool:
        """Warn of digits that are lost to rounding, in the words of the command; whether there are any."""
        from bpcli.calculus.sweeps.lost_digits import lost_in_words

        width = len(entries) if self._kind == "value" else calculation.inputs
        rows = [list(entries[start : start + width]) for start in range(0, len(entries), max(1, width))]
        words = lost_in_words(self._kind, calculation, point, rows)
        if words:
            many = f", and at about {further} more points" if further else ""
            warnings.warn(f"{words}{many}; certify=True proves each digit", LostDigitsWarning, stacklevel=3)
        return bool(words)


def value(
    expression: str, *, let: Mapping[str, Any] | None = None, order: Names | None = None, certify: bool = False
) -> Function[float | Floats]:
    """The value of an expression as a function: a number, or an array where the expression is a vector or a matrix.

    `value("x**2+y**2")(1, 2)` is 5.0. ExpressionError if the expression can't be read.
    """

    def compute(calculation: Calculation, point: dict[str, Any]) -> tuple[float | Floats, Sequence[float]]:
        (result,) = calculation.value(point)
        return result if isinstance(result, float) else np.array(result, np.float64), _row([result]).tolist()

    return Function([expression], "value", compute, let=let, order=order, certify=certify)


class Options(TypedDict, total=False):
    """The keywords of `grad`, `jacobian` and `hessian`.

    `wrt`: the variables to differentiate by; `let`: constants by name; `order`: the order of the variables. `kink`: the
    slope at a kink, `lecture`, `left` or `right`. `certify`: each entry is proven to be the double nearest to the true
    value.
    """

    wrt: Names | None
    let: Mapping[str, Any] | None
    order: Names | None
    kink: str
    certify: bool


def _check_keywords(function: str, expressions: Sequence[str], options: Mapping[str, Any]) -> None:
    """KeywordError for a keyword that is none of `Options`, as where the point is given in the wrong place."""
    others = [name for name in options if name not in Options.__annotations__]
    if not others:
        return
    message = f"{function} has no keyword {others[0]}: they are {', '.join(Options.__annotations__)}"
    (name, *more) = expressions
    if name in INPUTS and not more:
        inputs = ", ".join(f"{each}=…" for each in INPUTS[name])
        raise KeywordError(
            f"{message}; {name} alone is a function of the lecture, by its name", f'named_jacobian("{name}", {inputs})'
        )
    raise KeywordError(f'{message}; the point goes behind it: {function}("x*y")(x=1, y=2)')


def grad(expression: str, **options: Unpack[Options]) -> Function[Floats]:
    """The gradient of an expression as a function: a row (n,), ∂f/∂x for each entry of the variables in order.

    `grad("x**2+y**2")(1, 2)` is [2., 4.]; `Options` lists the keywords. ExpressionError if the expression can't be
    read, or is not one number; MissingExtraError where `certify` lacks python-flint.
    """

    def compute(calculation: Calculation, point: dict[str, Any]) -> tuple[Floats, Sequence[float]]:
        row = _row(calculation.gradient(point)[1].values())
        return row, row.tolist()

    _check_keywords("grad", [expression], options)
    return Function([expression], "gradient", compute, **options)


def jacobian(*expressions: str, **options: Unpack[Options]) -> Function[Floats]:
    """The Jacobian of expressions as a function: ∂f_i/∂x_j in row i and column j, (m, n).

    `jacobian("x*y", "x+y")(1, 2)` is [[2., 1.], [1., 1.]]. Keywords and errors are those of `grad`.
    """
    if not expressions:
        raise UsageError("a Jacobian is of one expression or more", 'jacobian("x*y", "x+y")')

    def compute(calculation: Calculation, point: dict[str, Any]) -> tuple[Floats, Sequence[float]]:
        parts = [np.asarray(block, np.float64) for block in calculation.jacobian(point)[1].values()]
        matrix = np.concatenate(parts, axis=1) if parts else np.empty((calculation.outputs, 0))
        return matrix, matrix.ravel().tolist()

    _check_keywords("jacobian", expressions, options)
    return Function(expressions, "jacobian", compute, **options)


def hessian(expression: str, **options: Unpack[Options]) -> Function[Floats]:
    """The Hessian of an expression as a function: ∂²f/∂x_i∂x_j in row i and column j, (n, n).

    `hessian("x**2*y")(1, 2)` is [[4., 2.], [2., 0.]]. Keywords and errors are those of `grad`.
    """

    def compute(calculation: Calculation, point: dict[str, Any]) -> tuple[Floats, Sequence[float]]:
        matrix = np.array(calculation.hessian(point)[2], np.float64).reshape(calculation.inputs, calculation.inputs)
        return matrix, matrix.ravel().tolist()

    _check_keywords("hessian", [expression], options)
    return Function([expression], "hessian", compute, **options)


def _row(blocks: Any) -> Floats:
    """The entries of numbers and arrays as one vector."""
    parts = [np.ravel(np.asarray(block, np.float64)) for block in blocks]
    return np.concatenate(parts) if parts else np.empty(0)
