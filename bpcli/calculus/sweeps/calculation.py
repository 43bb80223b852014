"""Values and exact derivatives of expressions: gradients in reverse, Jacobians whichever way is shorter, Hessians by
forward over reverse."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from bpcli.calculus.language.tree import Expression
from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.edges import Edges
from bpcli.calculus.sweeps.one_point import ArraySweeps, FloatSweeps, Sweeps
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.seeds import Point, numbers, points_of, split
from bpcli.calculus.sweeps.signature import Signature
from bpcli.calculus.sweeps.wide_range import (
    MOST_ENTRIES,
    alike,
    as_doubles,
    finite_of,
    is_finite,
    is_ordinary,
    merged,
    settled,
)
from bpcli.numbers.namespaces import FLOATS, arrays

if TYPE_CHECKING:
    from bpcli.calculus.one_sided.kink_notes import Kink
    from bpcli.calculus.sweeps.blocks import Look
    from bpcli.calculus.sweeps.diagnostics import Diagnostics

T = TypeVar("T")


class Calculation(Signature):
    """Expressions over variables of known shapes, ready to be evaluated and differentiated at points.

    A point maps each name to a float or an array; results are floats where no array occurs, else arrays. Methods that
    end in `_block` take and return arrays with a trailing axis of points. `kink` is the convention where the slopes
    from both sides differ (`lecture`, `left`, `right`), `kinks` are those of the last result.
    """

    def __init__(
        self,
        trees: Sequence[Expression],
        texts: Sequence[str],
        shapes: Mapping[str, Shape],
        wrt: Sequence[str],
        base: Any = None,
        program: type[Program] = Program,
    ) -> None:
        super().__init__(trees, texts, wrt, program(trees, texts, shapes))
        self.sweeps = self._sweeps(base)
        self.edges = Edges(self.sweeps)
        self.kink = "lecture"
        self.kinks: list[Kink] = []
        self.needed_sides = False
        self.sides = True  # whether slopes to the sides of a kink are asked for
        self.has_sides = self.namespace.base.doubles or not self.namespace.base.rounds  # whether they are looked at
        self.left_range = self.may_have_left_range = False
        self.settled = True  # whether wide numbers gave the same with more digits

    def _sweeps(self, base: Any) -> Sweeps:
        if self.program.scalar and base is None:
            return FloatSweeps(self.program, self.wrt, PlainNamespace(FLOATS))
        return ArraySweeps(self.program, self.wrt, PlainNamespace(base or arrays()))

    @property
    def namespace(self) -> PlainNamespace:
        """The namespace of the numbers that it computes with."""
        return self.sweeps.namespace

    @property
    def diagnostics(self) -> Diagnostics:
        """Diagnosis of a point at which a result is not finite."""
        from bpcli.calculus.sweeps.diagnostics import Diagnostics

        return Diagnostics(self.sweeps, self.edges, self.texts)

    # One point

    def _in_range(
        self, compute: Callable[..., T], point: Point, *given: Any, sweeps: int = 1, slopes: bool = True
    ) -> T:
        """The result of `compute` at the point; on wide numbers where a step of its sweeps has over- or underflowed.

        `sweeps` are about as many as it takes, none of them of `slopes` for a value.
        """
        if not self.sides or not self.namespace.base.doubles:
            return compute(self, point, *given)
        self.may_have_left_range = self.left_range = False
        self.settled = True
        plain = self.by_rules(compute, point, *given)
        finite = all(map(is_finite, point.values()))
        far = self.sweeps.left_range(point, slopes) or (finite and not is_ordinary(plain))
        if far and self.program.entries * sweeps > MOST_ENTRIES:
            self.may_have_left_range = True
        elif far and finite:
            return self._on_wide(compute, point, plain, None, *given)
        elif far:
            plain = self._on_wide_where_finite(compute, point, plain, *given)
        result = compute(self, point, *given) if self.needed_sides else plain
        if finite and self.needed_sides and not self.may_have_left_range and not is_ordinary(result):
            return self._on_wide(compute, point, plain, result, *given)  # the edge may be one of rounding alone
        if self.may_have_left_range:
            self.may_have_left_range = not is_ordinary(result, nor_zero=True)
        return result

    def _on_wide(self, compute: Callable[..., T], point: Point, plain: T, result: T | None, *given: Any) -> T:
        """The result on wide numbers; `plain` is that of the rules in doubles, `result` with sides, if known."""
        needed_sides, self.left_range = self.needed_sides, True
        found, self.settled = settled(lambda: self.wide_twin.by_rules(compute, point, *given))
        on_wide: T = as_doubles(found)
        if not self.settled and alike(on_wide, plain) and not self.sweeps.left_range(point, slopes=False):
            self.left_range, self.settled = False, True  # nothing has left the range: bounds of doubles tell
        if not self.wide_twin.needed_sides:
            self.kinks, self.needed_sides = [], False
            return on_wide
        # At an edge the slopes that differ from the plain ones are those of the series about it.
        if result is None and not needed_sides:
            return self._sides_on_wide(compute, point, on_wide, *given)  # doubles have no value there
        if result is None:
            result = compute(self, point, *given)
        both: T = merged(on_wide, result, plain)
        return both

    def _sides_on_wide(self, compute: Callable[..., T], point: Point, on_wide: T, *given: Any) -> T:
        """The result on wide numbers with the slopes to the sides of an edge, and its kinks."""
        with self.wide_sides() as twin:
            found, known = settled(lambda: compute(twin, point, *given))
        if not known:
            return on_wide
        self.kinks, self.needed_sides = twin.kinks, True
        result: T = as_doubles(found)
        return result

    def _on_wide_where_finite(self, compute: Callable[..., T], point: Point, plain: T, *given: Any) -> T:
        """The result on wide numbers where it is finite, else that of doubles: of infinite inputs doubles know more."""
        needed_sides = self.needed_sides
        found, self.settled = settled(lambda: self.wide_twin.by_rules(compute, point, *given))
        self.needed_sides = needed_sides and self.wide_twin.needed_sides
        if self.wide_twin.needed_sides:
            return plain
        on_wide: T = as_doubles(found)
        self.left_range = not alike(on_wide, plain)
        both: T = finite_of(on_wide, plain)
        return both

    def by_rules(self, compute: Callable[..., T], point: Point, *given: Any) -> T:
        """The result of `compute` by the rules alone; then `needed_sides` says whether they are not enough."""
        self.needed_sides, self.sides = False, False
        self.sweeps.forget_range()
        try:
            return compute(self, point, *given)
        finally:
            self.sides = True

    @cached_property
    def wide_twin(self) -> Calculation:
        """The same on wide numbers."""
        from bpcli.numbers.wide import wides

        return Calculation(self.trees, self.texts, self.program.variables, self.wrt, wides(), type(self.program))

    @contextmanager
    def wide_sides(self) -> Iterator[Calculation]:
        """The wide twin, which looks to the sides of edges too; the slopes that it finds there are doubles."""
        twin = self.wide_twin
        twin.kink, twin.has_sides = self.kink, True
        try:
            yield twin
        finally:
            twin.has_sides = False

    def value(self, point: Point) -> list[Any]:
        """The value of each expression: a float, or an array of its shape."""
        return self._in_range(Calculation._value, point, slopes=False)

    def in_doubles(self, point: Point) -> list[Any]:
        """The same without a second look where a step leaves the range of doubles."""
        return self._value(point)

    def _value(self, point: Point) -> list[Any]:
        return self.sweeps.results(self.sweeps.forward(point))

    def gradient(self, point: Point) -> tuple[Any, dict[str, Any]]:
        """The value and ∂f/∂name for each name, in the variable's shape, by one reverse sweep."""
        return self._in_range(Calculation._gradient, point)

    def _gradient(self, point: Point) -> tuple[Any, dict[str, Any]]:
        self.require_scalar()
        sweeps = self.sweeps
        values = sweeps.forward(point)
        gradient = self._plain_gradient(values)
        (value,) = sweeps.results(values)
        if sweeps.has_nan([value]):
            return value, {name: self._no_slopes(shape) for name, shape in sweeps.inputs}
        if self._needs_sides(values, gradient.values()):
            (row,) = self._one_sided(point, [value], [gradient.values()])
            gradient = {name: sweeps.shaped(row[name], shape) for name, shape in sweeps.inputs}
        return value, gradient

    def _plain_gradient(self, values: list[Any]) -> dict[str, Any]:
        """The gradient by the rules alone."""
        sweeps, (slot,) = self.sweeps, self.program.outputs
        found = sweeps.reverse(values, {slot: sweeps.one})
        return {name: sweeps.result(found.get(name, sweeps.zero), shape) for name, shape in sweeps.inputs}

    def _no_slopes(self, shape: Shape) -> Any:
        """The slopes where there is no value: NaN."""
        return self.sweeps.result(math.nan * self.sweeps.one, shape)

    def _no_seconds(self) -> Any:
        """The same for second derivatives."""
        return self.sweeps.matrix([[math.nan] * self.inputs] * self.inputs)

    def jacobian(self, point: Point) -> tuple[list[Any], dict[str, list[list[float]] | Any]]:
        """The values and, for each name, ∂outputs/∂name: outputs × entries, in one sweep of all rows or columns."""
        return self._in_range(Calculation._jacobian, point, sweeps=min(self.inputs, self.outputs))

    def _jacobian(self, point: Point) -> tuple[list[Any], dict[str, list[list[float]] | Any]]:
        self.check_dense(self.outputs, self.inputs)
        values = self.sweeps.forward(point)
        results, blocks = self.sweeps.results(values), self.sweeps.jacobian(values)
        if self._needs_sides(values, blocks.values()):
            rows = self._one_sided(point, results, zip(*blocks.values(), strict=True))
            blocks = {name: self.sweeps.matrix([row[name] for row in rows]) for name in self.wrt}
        return results, blocks

    def hessian(self, point: Point) -> tuple[Any, dict[str, Any], Any]:
        """The value, the gradient, and ∂²f/∂entry∂entry over all entries of `wrt` in order: floats as lists of rows."""
        return self._in_range(Calculation._hessian, point, sweeps=self.inputs)

    def _hessian(self, point: Point) -> tuple[Any, dict[str, Any], Any]:
        self.require_scalar()
        self.check_dense(self.inputs, self.inputs, "wrt NAMES takes fewer variables")
        values = self.sweeps.forward(point)
        (value,) = self.sweeps.results(values)
        gradient = self._plain_gradient(values)
        matrix = self._where_slopes(gradient, self.sweeps.hessian(values))
        if self.sweeps.has_nan([value]):
            return value, {name: self._no_slopes(shape) for name, shape in self.sweeps.inputs}, self._no_seconds()
        if self._needs_sides(values, [*gradient.values(), matrix]):
            _, gradient = self.gradient(point)
            first = self.kinks
            if sum(not kink.known and kink.slope != "" for kink in first) == self.inputs:
                return value, gradient, self._no_seconds()  # of slopes that are not known nothing is
            rows = self._one_sided(point, gradient.values(), ([row] for row in matrix), second=True)
            # Where the value has a note, a second derivative that is the same on both sides needs none of its own.
            known = bool(first)
            self.kinks = [
                *first,
                *(kink for kink in self.kinks if not (known and kink.slope and kink.left == kink.right)),
            ]
            matrix = self.sweeps.matrix([[v for part in row.values() for v in part] for row in rows])
        return value, gradient, matrix

    def _where_slopes(self, gradient: dict[str, Any], matrix: Any) -> Any:
        """Second derivatives, NaN beside a slope that is NaN: what the rules give there is of nothing."""
        if not self.sweeps.has_nan(gradient.values()):
            return matrix
        slopes = [v for block in gradient.values() for v in numbers(block)]
        for k in (k for k, slope in enumerate(slopes) if slope != slope):
            for j in range(self.inputs):
                matrix[k][j] = matrix[j][k] = self._no_slopes(())
        return matrix

    def vjp(self, point: Point, v: Any) -> tuple[list[Any], dict[str, Any]]:
        """v·J, a row in each variable's shape, for v with an entry for each output; J is never formed."""
        return self._in_range(Calculation._vjp, point, v)

    def _vjp(self, point: Point, v: Any) -> tuple[list[Any], dict[str, Any]]:
        sweeps = self.sweeps
        values = sweeps.forward(point)
        if not self._at_edge(values):
            seeds: dict[int, Any] = {}
            for slot, seed in split(v, sweeps.outputs, sweeps.seed):
                seeds[slot] = seeds[slot] + seed if slot in seeds else seed
            found = sweeps.reverse(values, seeds)
            products = {name: sweeps.result(found.get(name, sweeps.zero), shape) for name, shape in sweeps.inputs}
            if not sweeps.has_nan(products.values()):
                return sweeps.results(values), products
        results, blocks = self.jacobian(point)
        used = [(float(g), k) for k, g in enumerate(v) if g != 0]  # what is multiplied by 0 adds 0, however steep
        products = {}
        for name, shape in sweeps.inputs:
            sums = [sum([blocks[name][k][c] * g for g, k in used], 0.0) for c in range(math.prod(shape))]
            products[name] = sweeps.shaped(sums, shape)
        return results, products

    def jvp(self, point: Point, v: Any) -> tuple[list[Any], list[Any]]:
        """J·v, an array in each output's shape, for v with an entry for each input; J is never formed."""
        return self._in_range(Calculation._jvp, point, v)

    def _jvp(self, point: Point, v: Any) -> tuple[list[Any], list[Any]]:
        sweeps = self.sweeps
        values = sweeps.forward(point)
        if not self._at_edge(values):
            found = sweeps.tangents(values, dict(split(v, sweeps.inputs, sweeps.seed)))
            found = [sweeps.zero if t is None else t for t in found]
            products = sweeps.results(found)
            if not sweeps.has_nan(products):
                return sweeps.results(values), products
        results, blocks = self.jacobian(point)
        used = [(float(t), k) for k, t in enumerate(v) if t != 0]
        rows = [[x for block in row for x in block] for row in zip(*blocks.values(), strict=True)]
        sums = [sum([row[k] * t for t, k in used], 0.0) for row in rows]
        return results, [part for _, part in split(sums, sweeps.outputs, sweeps.shaped)]

    def _at_edge(self, values: list[Any]) -> bool:
        """Whether the slope of a step jumps at the point, or is infinite."""
        self.kinks = []
        return bool(self.edges.at(values))

    def _needs_sides(self, values: list[Any], slopes: Iterable[Any]) -> bool:
        """Whether the slopes to the two sides may differ from the plain ones: at an edge, or where a slope is NaN."""
        return self._at_edge(values) or self.sweeps.has_nan(slopes)

    def _one_sided(
        self, point: Point, values: Iterable[Any], rows: Iterable[Iterable[Any]], second: bool = False
    ) -> list[dict[str, list[Any]]]:
        self.needed_sides = True
        if not self.sides or not self.has_sides:
            entries = ([v for block in row for v in numbers(block)] for row in rows)
            return [dict(split(row, self.sweeps.inputs, lambda part, shape: part)) for row in entries]
        if not self.namespace.base.doubles and self.namespace.base.rounds:
            values, rows = as_doubles(list(values)), as_doubles([list(row) for row in rows])
        found, self.kinks = self.edges.one_sided(point, values, rows, self.kink, second)
        return found

    # Many points

    def value_block(self, columns: Point, table: Any = None, look: Look | None = None) -> list[Any]:
        """The values at B points, see `blocks.value_block`."""
        from bpcli.calculus.sweeps.blocks import value_block

        return value_block(self.edges, columns, self._table(columns, self.outputs) if table is None else table, look)

    def gradient_block(
        self, columns: Point, table: Any = None, kinks: list[Kink] | None = None, look: Look | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """The value and the gradient at B points, see `blocks.gradient_block`."""
        from bpcli.calculus.sweeps.blocks import gradient_block

        self.require_scalar()
        table = self._table(columns, 1 + self.inputs) if table is None else table
        return gradient_block(self.edges, columns, table, self.kink, kinks, look)

    def _table(self, columns: Point, width: int) -> Any:
        return arrays().empty((points_of(columns), width))
