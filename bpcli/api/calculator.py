"""Expressions as Python functions: value, gradient, Jacobian and Hessian, in the numbers that the commands print."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from bpcli.api.arguments import Expressions, Names, as_value, check_names
from bpcli.calculus.points.variables import shape_of
from bpcli.calculus.rules.shapes import entry_names
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.errors import UsageError

Floats = NDArray[np.float64]
R = TypeVar("R")

KINKS = ("lecture", "left", "right")


class NotFiniteWarning(RuntimeWarning):
    """A result is not finite; the text names the operation at fault. The commands exit with 4."""


class KinkWarning(RuntimeWarning):
    """A derivative was taken at a kink or a jump; the text tells the slopes of both sides."""


class Function(Generic[R]):
    """An expression made ready; call it with a point: `f(1, 2)`, `f(x=1, y=2)` or `f({"x": 1, "y": 2})`.

    A number, a vector or a matrix for each of `variables`, in their order; a lone variable takes all of `f(1, 2, 3)` as
    a vector. UsageError for a point that does not fit, ExpressionError for an expression that has no such result. What
    is not finite is returned with a NotFiniteWarning, what lies at a kink with a KinkWarning.
    """

    def __init__(
        self,
        texts: Sequence[str],
        compute: Callable[[Calculation, dict[str, Any]], tuple[R, Sequence[float]]],
        *,
        wrt: Names | None = None,
        let: Mapping[str, Any] | None = None,
        order: Names | None = None,
        kink: str = "lecture",
        second: bool = False,
    ) -> None:
        if kink not in KINKS:
            raise UsageError(f"kink: expected one of {', '.join(KINKS)}, found {kink!r}")
        given = Expressions(texts, wrt, let, order)
        self._texts, self._trees, self._constants = given.texts, given.trees, given.constants
        self._by_place = given.in_order
        self.variables: tuple[str, ...] = tuple(given.variables)
        self.wrt = tuple(given.wrt)
        self._compute, self._kink, self._second = compute, kink, second
        self._calculations: dict[Any, Calculation] = {}

    def __repr__(self) -> str:
        return f"<bpcli function of {', '.join(self.variables) or 'nothing'}: {', '.join(self._texts)}>"

    def __call__(self, *values: Any, **named: Any) -> R:
        """The result at a point."""
        point = self._point(values, named)
        calculation = self._calculation(point)
        result, entries = self._compute(calculation, point)
        self._warn(calculation, point, entries)
        return result

    def prepared(self, inputs: Mapping[str, Any]) -> tuple[Calculation, dict[str, Any]]:
        """The calculation for inputs by name, and its point."""
        point = self._point((), inputs)
        return self._calculation(point), point

    def entries(self, *values: Any, **named: Any) -> list[str]:
        """The names of the columns at a point of this shape: `x`, `w[0]`, `w[1]`."""
        point = self._point(values, named)
        return [title for name in self.wrt for title in entry_names(name, shape_of(point[name]))]

    def _calculation(self, point: dict[str, Any]) -> Calculation:
        """The calculation for these shapes, made once for each."""
        shapes = {name: shape_of(value) for name, value in point.items()}
        key = tuple(shapes.values())
        if key not in self._calculations:
            self._calculations[key] = Calculation(self._trees, self._texts, shapes, self.wrt)
            self._calculations[key].kink = self._kink
        return self._calculations[key]

    def _point(self, values: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        names = self.variables
        if not named and len(values) == 1 and isinstance(first := values[0], Mapping):
            values, named = (), first
        if values:
            if len(names) == 1 and len(values) > 1:
                values = (list(values),)
            if named or len(values) != len(names):
                raise UsageError(
                    f"{len(values)} values without a name, and the variables are {', '.join(names) or 'none'}",
                    self._example(),
                )
            if len(names) > 1 and not self._by_place:
                raise UsageError(
                    f"which value is whose? Sorted the variables are {', '.join(names)}, and they appear otherwise",
                    self._example(),
                )
            named = dict(zip(names, values, strict=True))
        check_names(named, names, "the point")
        if missing := [name for name in names if name not in named]:
            raise UsageError(f"no value is given for {', '.join(missing)}", self._example())
        return {**{name: as_value(name, named[name]) for name in names}, **self._constants}

    def _example(self) -> str:
        return f"f({', '.join(f'{name}=…' for name in self.variables)})"

    def _warn(self, calculation: Calculation, point: dict[str, Any], entries: Sequence[float]) -> None:
        """Warn of a kink, and of what is not finite, in the words of the commands."""
        if calculation.kinks:
            from bpcli.calculus.one_sided.kinks import in_words

            advice = 'kink="left" or "right" takes a side' if self._kink == "lecture" else ""
            warnings.warn(
                in_words(calculation.diagnostics.edge_place(point), calculation.kinks, advice),
                KinkWarning,
                stacklevel=3,
            )
        if not all(map(math.isfinite, entries)):
            culprit = calculation.diagnostics.culprit(point) or calculation.diagnostics.slope_culprit(
                point, self._second
            )
            what = culprit or "the numbers are beyond the range of doubles on the way"
            warnings.warn(f"a result is not finite: {what}", NotFiniteWarning, stacklevel=3)


def value(
    expression: str, *, let: Mapping[str, Any] | None = None, order: Names | None = None
) -> Function[float | Floats]:
    """The value of an expression as a function: `value("x**2+y**2")(1, 2)` is 5.0; an array where it is a vector."""

    def compute(calculation: Calculation, point: dict[str, Any]) -> tuple[float | Floats, Sequence[float]]:
        (result,) = calculation.value(point)
        return result if isinstance(result, float) else np.array(result), _row([result]).tolist()

    return Function([expression], compute, let=let, order=order)


def grad(
    expression: str,
    *,
    wrt: Names | None = None,
    let: Mapping[str, Any] | None = None,
    order: Names | None = None,
    kink: str = "lecture",
) -> Function[Floats]:
    """The gradient of an expression as a function: a row (n,), ∂f/∂x for each entry of the variables in order.

    `grad("x**2+y**2")(1, 2)` is [2., 4.]. `wrt` names what to differentiate by, `let` gives constants, `order` declares
    the order of the variables (`--vars`), `kink` is `lecture`, `left` or `right`. ExpressionError if the expression
    can't be read, or is not one number.
    """

    def compute(calculation: Calculation, point: dict[str, Any]) -> tuple[Floats, Sequence[float]]:
        number, blocks = calculation.gradient(point)
        row = _row(blocks.values())
        return row, [number, *row.tolist()]

    return Function([expression], compute, wrt=wrt, let=let, order=order, kink=kink)


def jacobian(
    *expressions: str,
    wrt: Names | None = None,
    let: Mapping[str, Any] | None = None,
    order: Names | None = None,
    kink: str = "lecture",
) -> Function[Floats]:
    """The Jacobian of expressions as a function: a row for each output, a column for each input, (m, n).

    `jacobian("x*y", "x+y")(1, 2)` is [[2., 1.], [1., 1.]]. The keywords are those of `grad`.
    """
    if not expressions:
        raise UsageError("a Jacobian is of one expression or more", 'jacobian("x*y", "x+y")')

    def compute(calculation: Calculation, point: dict[str, Any]) -> tuple[Floats, Sequence[float]]:
        values, blocks = calculation.jacobian(point)
        parts = [np.asarray(block, np.float64) for block in blocks.values()]
        matrix = np.concatenate(parts, axis=1) if parts else np.empty((calculation.outputs, 0))
        return matrix, [*_row(values).tolist(), *matrix.ravel().tolist()]

    return Function(expressions, compute, wrt=wrt, let=let, order=order, kink=kink)


def hessian(
    expression: str,
    *,
    wrt: Names | None = None,
    let: Mapping[str, Any] | None = None,
    order: Names | None = None,
    kink: str = "lecture",
) -> Function[Floats]:
    """The Hessian of an expression as a function: a row and a column for each entry of the variables, (n, n).

    `hessian("x**2*y")(1, 2)` is [[4., 2.], [2., 0.]]. The keywords are those of `grad`.
    """

    def compute(calculation: Calculation, point: dict[str, Any]) -> tuple[Floats, Sequence[float]]:
        number, gradient, rows = calculation.hessian(point)
        row, matrix = _row(gradient.values()), np.array(rows, np.float64)
        matrix = matrix.reshape(len(row), len(row))
        return matrix, [number, *row.tolist(), *matrix.ravel().tolist()]

    return Function([expression], compute, wrt=wrt, let=let, order=order, kink=kink, second=True)


def _row(blocks: Any) -> Floats:
    """Numbers and arrays, one behind the other."""
    parts = [np.ravel(np.asarray(block, np.float64)) for block in blocks]
    return np.concatenate(parts) if parts else np.empty(0)
