"""Values and exact derivatives of expressions: gradients in reverse, Jacobians whichever way is shorter, Hessians by
forward over reverse."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from bpcli.calculus.language.tree import Expression, children
from bpcli.calculus.rules.duals import Dual, Duals, Space
from bpcli.calculus.rules.shapes import Shape, show_shape
from bpcli.calculus.sweeps.blocks import pieces
from bpcli.calculus.sweeps.program import Instruction, Program
from bpcli.errors import ExpressionError, UsageError
from bpcli.numbers.namespaces import FLOATS, arrays
from bpcli.text.notation import byte_size

if TYPE_CHECKING:
    from bpcli.calculus.one_sided.kinks import Kink

Point = Mapping[str, Any]
T = TypeVar("T")

MAX_DENSE_BYTES = 2 << 30  # of a Jacobian or Hessian written out
FEW_STEPS = 4096  # entries of the program for each input, up to which all are looked at beside a point
SWEEP_ENTRIES = 1 << 21  # of all intermediate arrays of a sweep for many rows or columns at once: 16 MB


class Calculation:
    """Expressions over variables of known shapes, ready to be evaluated and differentiated at points.

    A point maps each name to a float or an array; results are floats where no array occurs, else arrays. Methods that
    end in `_block` take and return arrays with a trailing axis of points.
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
        self.trees, self.texts = list(trees), list(texts)
        self.program = program(trees, texts, shapes)
        self.wrt = list(wrt)
        self.active = self.program.active(self.wrt)
        self.floats = self.program.scalar and base is None
        self.kink = "lecture"
        self.kinks: list[Kink] = []
        self._edgy = self.program.edgy(wrt)
        self.space = Space(base or (FLOATS if self.floats else arrays()))

    @property
    def output_shapes(self) -> list[Shape]:
        """The shape of each expression's value."""
        return [self.program.shapes[slot] for slot in self.program.outputs]

    @property
    def outputs(self) -> int:
        """The entries of all values together."""
        return sum(math.prod(shape) for shape in self.output_shapes)

    @property
    def inputs(self) -> int:
        """The entries of all variables that are differentiated by."""
        return sum(math.prod(self.program.variables[name]) for name in self.wrt)

    def require_scalar(self) -> None:
        """ExpressionError if the expression is not a single number, which gradients and Hessians need."""
        (shape,) = self.output_shapes
        if shape:
            raise ExpressionError(
                f"a gradient is of one number, and this is {show_shape(shape)}",
                self.texts[0],
                *self.trees[0].span,
                hint=f'bpcli jacobian "{self.texts[0]}" gives a row for each entry; or sum(…) makes one number of it',
            )

    # One point

    def _prepared(self, point: Point) -> Point:
        if self.floats:
            return point
        np = self.space.base
        return {name: np.asarray(value, float)[..., None] for name, value in point.items()}

    def _forward(self, point: Point) -> list[Any]:
        if self.floats:
            return self.program.forward(self.space, point)
        with self.space.base.errstate(all="ignore"):
            return self.program.forward(self.space, self._prepared(point))

    def _out(self, x: Any, shape: Shape) -> Any:
        """One point's value out of an array with a trailing axis."""
        if self.floats:
            return x
        np = self.space.base
        full = np.broadcast_to(x, (*shape, 1))
        return full[..., 0] if shape else full.item()

    def value(self, point: Point) -> list[Any]:
        """The value of each expression: a float, or an array of its shape."""
        values = self._forward(point)
        return [self._out(values[slot], self.program.shapes[slot]) for slot in self.program.outputs]

    def gradient(self, point: Point) -> tuple[Any, dict[str, Any]]:
        """The value and ∂f/∂name for each name, in the variable's shape, by one reverse sweep."""
        self.require_scalar()
        values = self._forward(point)
        (slot,) = self.program.outputs
        one = 1.0 if self.floats else self.space.base.ones(1)
        found = self._reverse(values, {slot: one})
        shapes = self.program.variables
        zero = 0.0 if self.floats else self.space.base.zeros(1)
        gradient = {n: self._out(found.get(n, zero), shapes[n]) for n in self.wrt}
        value = self._out(values[slot], ())
        if self._at_edge(values) or self._has_nan(gradient.values()):
            (row,) = self._beside(point, [value], [gradient.values()])
            gradient = {name: self._shaped(part, shapes[name]) for name, part in row.items()}
        return value, gradient

    def _reverse(self, values: list[Any], seeds: dict[int, Any]) -> dict[str, Any]:
        if self.floats:
            return self.program.reverse(self.space, values, seeds, self.active)
        with self.space.base.errstate(all="ignore"):
            return self._sweep(self.space, values, seeds)

    def _sweep(self, space: Space, values: list[Any], seeds: dict[int, Any]) -> dict[str, Any]:
        """The reverse sweep on arrays, the fast one first: most have no unused path with an infinite slope."""
        found = self.program.reverse(space, values, seeds, self.active, masked=False)
        if not self.program.picks or all(space.base.isfinite(g).all() for g in found.values()):
            return found
        return self.program.reverse(space, values, seeds, self.active, masked=True)

    def jacobian(self, point: Point) -> tuple[list[Any], dict[str, list[list[float]] | Any]]:
        """The values and, for each name, ∂outputs/∂name: outputs × entries, in one sweep of all rows or columns."""
        self._check_dense(self.outputs, self.inputs)
        values = self._forward(point)
        results = [self._out(values[slot], self.program.shapes[slot]) for slot in self.program.outputs]
        if self.floats:
            blocks: dict[str, Any] = self._float_jacobian(values)
        else:
            with self.space.base.errstate(all="ignore"):
                blocks = self._columns(values) if self.inputs < self.outputs else self._rows(values)
        if self._at_edge(values) or self._has_nan(blocks.values()):
            rows = self._beside(point, results, zip(*blocks.values(), strict=True))
            blocks = {name: self._matrix([row[name] for row in rows]) for name in self.wrt}
        return results, blocks

    def _float_jacobian(self, values: list[Any]) -> dict[str, list[list[float]]]:
        program, outputs = self.program, self.program.outputs
        if len(self.wrt) < len(outputs):
            along = {name: program.tangents(self.space, values, {name: 1.0}) for name in self.wrt}
            return {name: [[t[slot] if t[slot] is not None else 0.0] for slot in outputs] for name, t in along.items()}
        rows = [program.reverse(self.space, values, {slot: 1.0}, self.active) for slot in outputs]
        return {name: [[row.get(name, 0.0)] for row in rows] for name in self.wrt}

    def _rows(self, values: list[Any]) -> dict[str, Any]:
        """The Jacobian in reverse, a seed for each output on the trailing axis, some outputs at a time."""
        np, program = self.space.base, self.program
        result = {name: np.empty((self.outputs, math.prod(program.variables[name]))) for name in self.wrt}
        for start, stop in self._chunks(self.outputs):
            found = self._reverse(values, _unit_seeds(np, self._of_outputs(), start, stop))
            for name, matrix in result.items():
                matrix[start:stop] = _flat(np, found.get(name), program.variables[name], stop - start).T
        return result

    def _columns(self, values: list[Any]) -> dict[str, Any]:
        """The Jacobian forward, a seed for each input on the trailing axis, some inputs at a time."""
        np, program = self.space.base, self.program
        matrix = np.empty((self.outputs, self.inputs))
        for start, stop in self._chunks(self.inputs):
            tangents = program.tangents(self.space, values, _unit_seeds(np, self._of_inputs(), start, stop))
            parts = [_flat(np, tangents[slot], shape, stop - start) for slot, shape in self._of_outputs()]
            matrix[:, start:stop] = np.concatenate(parts)
        return dict(_split(matrix.T, self._of_inputs(), lambda part, shape: part.T))

    def _chunks(self, seeds: int) -> list[tuple[int, int]]:
        """From where to where the seeds of each sweep go, so that its arrays stay small beside the result."""
        step = max(1, SWEEP_ENTRIES // max(1, self.program.entries))
        return [(start, min(start + step, seeds)) for start in range(0, seeds, step)]

    def _of_outputs(self) -> list[tuple[int, Shape]]:
        return [(slot, self.program.shapes[slot]) for slot in self.program.outputs]

    def _of_inputs(self) -> list[tuple[str, Shape]]:
        return [(name, self.program.variables[name]) for name in self.wrt]

    def _check_dense(self, rows: int, columns: int, advice: str = "") -> None:
        size = rows * columns * 8
        if size > MAX_DENSE_BYTES:
            raise UsageError(
                f"the matrix would have {rows} × {columns} entries, {byte_size(size)}",
                advice or "--vjp V gives V·J and --jvp V gives J·V without forming it",
            )

    def hessian(self, point: Point) -> tuple[Any, dict[str, Any], Any]:
        """The value, the gradient, and ∂²f/∂entry∂entry over all entries of `wrt` in order: floats as lists of rows."""
        self.require_scalar()
        self._check_dense(self.inputs, self.inputs, "--wrt NAMES takes fewer variables")
        values = self._forward(point)
        (slot,) = self.program.outputs
        if self.floats:
            gradient: dict[str, Any] = {}
            rows = []
            for name in self.wrt:
                found = self._dual_reverse(values, {name: 1.0}, 1.0)
                gradient = {n: _v(found.get(n, 0.0)) for n in self.wrt}
                rows.append([_t(found.get(n)) or 0.0 for n in self.wrt])
            matrix: Any = _symmetric_rows(rows)
            return values[slot], *self._second_beside(point, values, gradient, matrix)
        np = self.space.base
        matrix = np.empty((self.inputs, self.inputs))
        with np.errstate(all="ignore"):
            for start, stop in self._chunks(self.inputs):
                seeds = _unit_seeds(np, self._of_inputs(), start, stop)
                found = self._dual_reverse(values, seeds, np.ones(1))
                parts = [_flat(np, _t(found.get(n)), shape, stop - start) for n, shape in self._of_inputs()]
                matrix[:, start:stop] = np.concatenate(parts)
            slopes = {n: np.zeros(1) if found.get(n) is None else _v(found[n])[..., :1] for n in self.wrt}
            gradient = {n: self._out(slopes[n], shape) for n, shape in self._of_inputs()}
            matrix = _symmetric(np, matrix) if np.rounds else matrix
            return self._out(values[slot], ()), *self._second_beside(point, values, gradient, matrix)

    # At an edge of a function, where a derivative is that of a side

    def _at_edge(self, values: list[Any]) -> bool:
        """Whether the slope of a step jumps at the point, or is infinite."""
        self.kinks = []
        if self.floats:
            return any(self.program.edge(self.space, values, slot) for slot in self._edgy)
        return bool(self._edge_points(self.space, values).any())

    def _edge_points(self, space: Space, values: list[Any], slots: Sequence[int] | None = None) -> Any:
        """At which points, of the trailing axis, a step (of `slots`) is at an edge."""
        found = arrays().zeros(1, bool)
        for slot in self._edgy if slots is None else slots:
            edge = self.program.edge(space, values, slot)
            found = found | (edge if isinstance(edge, bool) else edge.any(axis=tuple(range(edge.ndim - 1))))
        return found

    def _has_nan(self, blocks: Iterable[Any]) -> bool:
        if self.floats:
            return any(v != v for block in blocks for v in _numbers(block))
        return any(self.space.base.isnan(block).any() for block in blocks)

    def _beside(
        self, point: Point, values: Iterable[Any], rows: Iterable[Iterable[Any]], second: bool = False
    ) -> list[dict[str, list[Any]]]:
        """The rows of plain slopes, by name, with what both sides of the point say in their place."""
        from bpcli.calculus.one_sided.kinks import Look, resolve
        from bpcli.calculus.one_sided.series import series

        np = arrays()
        table = np.array([[v for block in row for v in _numbers(block)] for row in rows], object)[..., None]
        at = np.array([v for value in values for v in _numbers(value)], object)[:, None]
        base = FLOATS if self.space.base.rounds else self.space.base
        columns = {name: np.asarray(value, float)[..., None] for name, value in point.items()}
        with np.errstate(all="ignore"):
            look = Look(self.program, series(base), columns, self.wrt)
            self.kinks = resolve(look, table, at, self.kink, second, self._inputs_at_edges(columns, table))
        return [dict(_split(row, self._of_inputs(), lambda part, shape: part)) for row in table[..., 0].tolist()]

    def _inputs_at_edges(self, columns: Point, table: Any) -> list[int] | None:
        """The inputs that what is at an edge depends on, or whose slope is NaN; None for all where there are few.

        An input is made NaN, which shows in everything that depends on it.
        """
        np = arrays()
        if self.inputs * self.program.entries < FEW_STEPS or not self.space.base.rounds:
            return None
        space, found = Space(np), np.array([any(v != v for v in column) for column in table[..., 0].T])
        plain = self.program.forward(space, columns)
        edges = [(self.program.slots[slot], self.program.edge_entries(space, plain, slot)) for slot in self._edgy]
        for start, stop in self._chunks(self.inputs):
            seeds = _unit_seeds(np, self._of_inputs(), start, stop)
            moved = {n: np.where(seeds[n] == 1, np.nan, c) if n in seeds else c for n, c in columns.items()}
            values = self.program.forward(space, moved)
            for step, entries in edges:
                assert isinstance(step, Instruction)
                for a in step.args:
                    shown = np.isnan(values[a]) & entries
                    found[start:stop] |= shown.any(axis=tuple(range(shown.ndim - 1)))
        return np.flatnonzero(found).tolist()  # type: ignore[no-any-return]

    def _second_beside(
        self, point: Point, values: list[Any], gradient: dict[str, Any], matrix: Any
    ) -> tuple[dict[str, Any], Any]:
        """The gradient and the Hessian, with what both sides of the point say."""
        if not self._at_edge(values) and not self._has_nan([*gradient.values(), matrix]):
            return gradient, matrix
        _, gradient = self.gradient(point)
        first = self.kinks
        rows = self._beside(point, gradient.values(), ([row] for row in matrix), second=True)
        # Where a slope jumps, a second one that is the same on both sides is worth no note of its own.
        self.kinks = [*first, *(kink for kink in self.kinks if not kink.slope or kink.left != kink.right)]
        return gradient, self._matrix([[v for part in row.values() for v in part] for row in rows])

    def _shaped(self, part: list[Any], shape: Shape) -> Any:
        return self.space.base.asarray(part, float).reshape(shape) if shape else part[0]

    def _matrix(self, rows: list[list[Any]]) -> Any:
        return rows if self.floats else self.space.base.asarray(rows, float)

    def _dual_reverse(self, values: list[Any], seeds: Mapping[str, Any], one: Any) -> dict[str, Any]:
        """The reverse sweep over duals: gradients whose tangents are the Hessian along `seeds`."""
        space = Duals(self.space)
        tangents = self.program.tangents(self.space, values, seeds)
        duals = [v if t is None else Dual(v, t, space) for v, t in zip(values, tangents, strict=True)]
        (slot,) = self.program.outputs
        return self.program.reverse(space, duals, {slot: one}, self.active)

    def vjp(self, point: Point, v: Any) -> tuple[list[Any], dict[str, Any]]:
        """v·J, a row in each variable's shape, for v with an entry for each output; J is never formed."""
        values = self._forward(point)
        results = [self._out(values[slot], self.program.shapes[slot]) for slot in self.program.outputs]
        if self._at_edge(values):
            return results, self._row_times(v, *self.jacobian(point))
        seeds: dict[int, Any] = {}
        for slot, seed in _split(v, self._of_outputs(), self._seed):
            if self.floats and seed == 0:
                continue  # an output that does not count meets no infinite slope either
            seeds[slot] = seeds[slot] + seed if slot in seeds else seed
        found = self._reverse(values, seeds)
        zero = 0.0 if self.floats else self.space.base.zeros(1)
        products = {n: self._out(found.get(n, zero), self.program.variables[n]) for n in self.wrt}
        if self._has_nan(products.values()):
            return results, self._row_times(v, *self.jacobian(point))
        return results, products

    def _row_times(self, v: Any, values: list[Any], blocks: dict[str, Any]) -> dict[str, Any]:
        """v·J of a J that is there; what is multiplied by 0 adds nothing, however steep."""
        used = [(float(g), k) for k, g in enumerate(v) if g != 0]
        products = {}
        for name, shape in self._of_inputs():
            columns = range(math.prod(shape))
            products[name] = self._shaped([sum([blocks[name][k][c] * g for g, k in used], 0.0) for c in columns], shape)
        return products

    def _seed(self, part: Any, shape: Shape) -> Any:
        return float(part[0]) if self.floats else self.space.base.asarray(part, float).reshape(*shape, 1)

    def jvp(self, point: Point, v: Any) -> tuple[list[Any], list[Any]]:
        """J·v, an array in each output's shape, for v with an entry for each input; J is never formed."""
        values = self._forward(point)
        results = [self._out(values[slot], shape) for slot, shape in self._of_outputs()]
        if self._at_edge(values):
            return results, self._times_column(v, *self.jacobian(point))
        seeds = dict(_split(v, self._of_inputs(), self._seed))
        if self.floats:
            tangents = self.program.tangents(self.space, values, seeds)
        else:
            with self.space.base.errstate(all="ignore"):
                tangents = self.program.tangents(self.space, values, seeds)
        zero = 0.0 if self.floats else self.space.base.zeros(1)
        products = [self._out(zero if tangents[slot] is None else tangents[slot], s) for slot, s in self._of_outputs()]
        if self._has_nan(products):
            return results, self._times_column(v, *self.jacobian(point))
        return results, products

    def _times_column(self, v: Any, values: list[Any], blocks: dict[str, Any]) -> list[Any]:
        """J·v of a J that is there."""
        used = [(float(t), k) for k, t in enumerate(v) if t != 0]
        rows = [[x for block in row for x in block] for row in zip(*blocks.values(), strict=True)]
        entries = [sum([row[k] * t for t, k in used], 0.0) for row in rows]
        return [part for _, part in _split(entries, self._of_outputs(), self._shaped)]

    # Many points

    def value_block(self, columns: Point, table: Any = None) -> list[Any]:
        """The values at B points: arrays (*shape, B), from variables (*shape, B); they share `table` (B, outputs)."""
        np, points = arrays(), points_of(columns)
        space = Space(np)
        results = columns_of(np.empty((points, self.outputs)) if table is None else table, self.output_shapes)
        with np.errstate(all="ignore"):
            for part in pieces(points, self.program.entries):
                values = self.program.forward(space, _cut(columns, part))
                for result, slot in zip(results, self.program.outputs, strict=True):
                    result[..., part] = values[slot]
        return results

    def _beside_block(self, columns: Point, table: Any, places: Any) -> list[Kink]:
        """Put into the slopes (B, 1 + inputs) at `places` what both sides of these points say; the kinks there."""
        from bpcli.calculus.one_sided.kinks import MAX_STEPS, Look, resolve
        from bpcli.calculus.one_sided.series import series

        kinks: list[Kink] = []
        step = max(1, MAX_STEPS // (2 * max(1, self.inputs * self.program.entries)))
        for start in range(0, len(places), step):
            some = places[start : start + step]
            near = {n: c if c.shape[-1] == 1 else c[..., some] for n, c in columns.items()}
            slopes = table[some, 1:].T[None].astype(object)
            look = Look(self.program, series(FLOATS), near, self.wrt)
            found = resolve(look, slopes, table[some, 0][None].astype(object), self.kink, False)
            table[some, 1:] = slopes[0].T.astype(float)
            kinks += [kink._replace(point=int(some[kink.point])) for kink in found]
        return kinks

    def _block_at_edges(self, columns: Point, values: list[Any], table: Any, part: slice, near: Any) -> list[Kink]:
        """The kinks among the points of a piece that are at an edge, by point; their slopes are put into the table."""
        np, size = arrays(), part.stop - part.start
        steps = [(slot, self.program.slots[slot]) for slot in self._edgy]
        hard = [k for k, s in steps if not (isinstance(s, Instruction) and s.row is not None and s.row.homogeneous)]
        bad = self._edge_points(Space(np), values, hard) | ~np.isfinite(table[part]).all(axis=1)
        easy, steep = (np.flatnonzero(np.broadcast_to(near & which, size)) for which in (~bad, bad))
        kinks: list[Kink] = []
        if len(easy):
            kinks, rest = self._kinked_block(values, table, easy, part.start)
            places = np.concatenate([rest, part.start + steep])
        else:
            places = part.start + steep
        return sorted(kinks + self._beside_block(columns, table, places), key=lambda kink: kink.point)

    def _kinked_block(self, values: list[Any], table: Any, places: Any, first: int) -> tuple[list[Kink], Any]:
        """As `_beside_block`, by tangents to both sides, and the places where those are not enough.

        `values` and `places` are of a piece that begins at point `first` of the table.
        """
        from bpcli.calculus.one_sided.kinks import resolve_tangents
        from bpcli.calculus.rules.shapes import entry_names

        np, (slot,) = arrays(), self.program.outputs
        near = [v if v.shape[-1] == 1 else v[..., places] for v in values]
        sides = np.empty((2, self.inputs, len(places)))
        for i in range(self.inputs):
            for side, sign in zip(sides, (-1.0, 1.0), strict=True):
                seeds = {n: sign * seed for n, seed in _unit_seeds(np, self._of_inputs(), i, i + 1).items()}
                tangent = self.program.tangents(Space(np), near, seeds, sided=True)[slot]
                side[i] = 0.0 if tangent is None else sign * tangent
        enough = np.isfinite(sides).all(axis=(0, 1))
        some = first + places[enough]
        slopes = table[some, 1:].T
        names = [title for name, shape in self._of_inputs() for title in entry_names(name, shape)]
        kinks = resolve_tangents(names, slopes, sides[0][:, enough], sides[1][:, enough], self.kink)
        table[some, 1:] = slopes.T
        return [kink._replace(point=int(some[kink.point])) for kink in kinks], first + places[~enough]

    def gradient_block(
        self, columns: Point, table: Any = None, kinks: list[Kink] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """The value and the gradient at B points: arrays (B,) and (*shape, B); they share `table` (B, 1 + inputs).

        The kinks among the points are added to `kinks`.
        """
        self.require_scalar()
        np, points = arrays(), points_of(columns)
        space = Space(np)
        (slot,) = self.program.outputs
        shapes = dict(self._of_inputs())
        table = np.empty((points, 1 + self.inputs)) if table is None else table
        value, *slopes = columns_of(table, [(), *shapes.values()])
        gradient = dict(zip(shapes, slopes, strict=True))
        with np.errstate(all="ignore"):
            for part in pieces(points, self.program.entries):
                values = self.program.forward(space, _cut(columns, part))
                value[part] = values[slot]
                found = self._sweep(space, values, {slot: np.ones(1)})
                for name, slope in gradient.items():
                    slope[..., part] = found.get(name, 0.0)
                near = self._edge_points(space, values) | np.isnan(table[part, 1:]).any(axis=1)
                if near.any():
                    found_kinks = self._block_at_edges(columns, values, table, part, near)
                    if kinks is not None:
                        kinks += found_kinks
        return value, gradient

    # What went wrong

    def edge_place(self, point: Point) -> str:
        """The operation whose slope jumps at the point, such as `relu(x) at x = 0`."""
        values = self._forward(point)
        for slot in self._edgy:
            edge = self.program.edge(self.space, values, slot)
            if edge if isinstance(edge, bool) else edge.any():
                step = self.program.slots[slot]
                assert isinstance(step, Instruction)
                start, end = step.node.span
                return self._text_of(slot)[start:end] + self._at(point, step.node)
        return "the point"

    def culprit(self, point: Point) -> str | None:
        """The operation whose value first leaves the finite, such as `log(x) at x = 0`; None if each is finite."""
        values = self._forward(point)
        for output, text in zip(self.program.outputs, self.texts, strict=True):
            slot = output
            if self._finite(values[slot]):
                continue
            while isinstance(step := self.program.slots[slot], Instruction):
                guilty = [a for a in self._taken(step, values) if not self._finite(values[a])]
                if not guilty:
                    break
                slot = guilty[0]
            step = self.program.slots[slot]
            node = step.node if isinstance(step, Instruction) else None
            if node is None:
                return str(step) if isinstance(step, str) else "inf"
            return text[node.span[0] : node.span[1]] + self._at(point, node)
        return None

    def underflows(self, point: Point) -> bool:
        """Whether a value on the way is below the doubles, or so near that it has lost digits."""
        values = self._forward(point)
        for slot, step in enumerate(self.program.slots):
            if isinstance(step, Instruction) and step.row is not None and step.row.name in ("*", "/", "**"):
                out = _numbers(values[slot])
                if any(0.0 < abs(v) < 2.0**-1022 for v in out):
                    return True
                if 0.0 in out and all(0.0 not in _numbers(values[a]) for a in step.args):
                    return True
        return False

    def slope_culprit(self, point: Point, second: bool = False) -> str | None:
        """The operation whose derivative leaves the finite where its value does not; None if there is none.

        `second`: or whose second derivative does where its first does not.
        """
        values = self._forward(point)
        found = self._steep(point, values, self.space)
        if found or not second:
            return found
        space, one = Duals(self.space), 1.0 if self.floats else self.space.base.ones(1)
        return self._steep(point, [Dual(v, one, space) for v in values], space)

    def _steep(self, point: Point, values: list[Any], space: Any) -> str | None:
        """The last operation whose slope is not finite, or on duals the slope of its slope."""
        for number in range(len(self.program.slots) - 1, -1, -1):
            step = self.program.slots[number]
            if not isinstance(step, Instruction) or step.row is None or not self.active[number]:
                continue
            args = [values[a] for a in step.args]
            for i, a in enumerate(step.args):
                if self.active[a] and step.row.kind != "select":
                    if self.floats:
                        slope = step.row.partial(i)(space, values[number], *args)
                    else:
                        with self.space.base.errstate(all="ignore"):
                            slope = step.row.partial(i)(space, values[number], *args)
                    if not self._finite(_v(slope) if _t(slope) is None else _t(slope)):
                        start, end = step.node.span
                        order = "second " if space.dual else ""
                        what = f"the {order}derivative of {self._text_of(number)[start:end]}"
                        return what + self._at(point, step.node)
        return None

    def _text_of(self, number: int) -> str:
        """The expression to which a slot belongs: slots are numbered expression by expression."""
        return next(text for slot, text in zip(self.program.outputs, self.texts, strict=True) if number <= slot)

    def _taken(self, step: Instruction, values: list[Any]) -> list[int]:
        """The operands that matter: of a `where` on a number the branch that is taken."""
        if step.row is not None and step.row.kind == "select":
            condition = values[step.args[0]]
            if self.floats or condition.size == 1:
                return [step.args[1] if bool(condition != 0) else step.args[2]]
        return list(step.args)

    def _finite(self, x: Any) -> bool:
        if self.floats or isinstance(x, float):
            return math.isfinite(x)
        return bool(self.space.base.isfinite(x).all())

    def _at(self, point: Point, node: Expression) -> str:
        from bpcli.calculus.language.tree import names_in
        from bpcli.text.notation import number

        shown = []
        for name in names_in(node):
            value = point.get(name)
            if isinstance(value, float | int):
                shown.append(f"{name} = {number(float(value))}")
            elif value is not None and value.size <= 6:
                shown.append(f"{name} = [{', '.join(map(number, value.ravel().tolist()))}]")
        return f" at {', '.join(shown)}" if shown and children(node) else ""


def _numbers(value: Any) -> list[Any]:
    """The entries of a number, an array, or a list of rows."""
    if isinstance(value, list | tuple):
        return [v for part in value for v in _numbers(part)]
    return value.ravel().tolist() if hasattr(value, "ravel") else [value]


def _v(x: Any) -> Any:
    return x.v if isinstance(x, Dual) else x


def _t(x: Any) -> Any:
    return x.t if isinstance(x, Dual) else None


def _split(v: Any, parts: Sequence[tuple[T, Shape]], make: Callable[[Any, Shape], Any]) -> list[tuple[T, Any]]:
    """The entries of v in turn, as many to each part as its shape has."""
    result, position = [], 0
    for key, shape in parts:
        size = math.prod(shape)
        result.append((key, make(v[position : position + size], shape)))
        position += size
    return result


def _unit_seeds(np: Any, parts: Sequence[tuple[T, Shape]], start: int, stop: int) -> dict[T, Any]:
    """Unit vectors `start … stop` of all entries of the parts together, one for each place on the trailing axis."""
    seeds: dict[T, Any] = {}
    position = 0
    for key, shape in parts:
        size = math.prod(shape)
        which = np.arange(max(start, position), min(stop, position + size))
        if len(which):
            seed = np.zeros((size, stop - start))
            seed[which - position, which - start] = 1.0
            seed = seed.reshape(*shape, stop - start)
            seeds[key] = seeds[key] + seed if key in seeds else seed
        position += size
    return seeds


def _flat(np: Any, x: Any, shape: Shape, seeds: int) -> Any:
    """Adjoints or tangents of `shape` as a matrix entries × seeds; None is 0."""
    x = np.zeros(1) if x is None else x
    return np.broadcast_to(x, (*shape, seeds)).reshape(-1, seeds)


def _symmetric_rows(rows: list[list[float]]) -> list[list[float]]:
    """The mean of a matrix and its transpose, which differ by rounding alone."""
    return [
        [a if a == b else 0.5 * a + 0.5 * b for a, b in zip(row, column, strict=True)]
        for row, column in zip(rows, zip(*rows, strict=True), strict=True)
    ]


def _symmetric(np: Any, matrix: Any) -> Any:
    """The mean of a matrix and its transpose, which differ by rounding alone."""
    turned = matrix.T
    return np.where(matrix == turned, matrix, 0.5 * matrix + 0.5 * turned)


def points_of(columns: Point) -> int:
    """How many points the columns hold."""
    return max((column.shape[-1] for column in columns.values()), default=1)


def columns_of(table: Any, shapes: Sequence[Shape]) -> list[Any]:
    """The columns of a table (B, entries) in turn as arrays (*shape, B), which share its memory."""
    parts = _split(table.T, [(None, shape) for shape in shapes], lambda part, shape: part.reshape(*shape, -1))
    return [part for _, part in parts]


def _cut(columns: Point, part: slice) -> Point:
    """The points of a piece; what is one for all points stays whole."""
    return {name: c if c.shape[-1] == 1 else c[..., part] for name, c in columns.items()}
