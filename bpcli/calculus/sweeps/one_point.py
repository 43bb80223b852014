"""The sweeps at one point, on floats or on arrays: both offer values, rows, columns, Jacobian and Hessian."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from bpcli.calculus.rules.duals import Dual, Duals, PlainNamespace
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.seeds import Point, flat, numbers, split, symmetric, symmetric_rows, unit_seeds
from bpcli.calculus.sweeps.wide_range import leaves_range

SWEEP_ENTRIES = 1 << 21  # of all intermediate arrays of a sweep for many rows or columns at once: 16 MB

Blocks = dict[str, Any]
"""For each variable, ∂outputs/∂variable as a matrix: a list of rows, or an array."""


class Sweeps(ABC):
    """The sweeps of a program by the variables `wrt`, in the numbers of `xp`.

    `inputs` are the variables, `outputs` the slots, each with its shape.
    """

    zero: Any
    one: Any

    def __init__(self, program: Program, wrt: Sequence[str], xp: PlainNamespace) -> None:
        self.program, self.namespace, self.overflowed = program, xp, False
        self.active = program.active(wrt)
        self.inputs: list[tuple[str, Shape]] = [(name, program.variables[name]) for name in wrt]
        self.outputs: list[tuple[int, Shape]] = [(slot, program.shapes[slot]) for slot in program.outputs]

    @abstractmethod
    def forward(self, point: Point) -> list[Any]:
        """The value of every slot."""

    @abstractmethod
    def reverse(self, values: list[Any], seeds: dict[int, Any]) -> dict[str, Any]:
        """The adjoint of every variable that the outputs depend on."""

    @abstractmethod
    def tangents(self, values: list[Any], seeds: Mapping[str, Any]) -> list[Any]:
        """The tangent of every slot, None for 0."""

    @abstractmethod
    def result(self, x: Any, shape: Shape) -> Any:
        """A slot's value as it is returned: a float, or an array of its shape."""

    @abstractmethod
    def seed(self, part: Any, shape: Shape) -> Any:
        """Entries of a vector as a seed."""

    @abstractmethod
    def matrix(self, rows: list[list[Any]]) -> Any:
        """Rows as a matrix."""

    @abstractmethod
    def has_nan(self, blocks: Iterable[Any]) -> bool:
        """Whether an entry is not a number."""

    @abstractmethod
    def is_finite(self, x: Any) -> bool:
        """Whether every entry is."""

    @abstractmethod
    def left_range(self, point: Point, slopes: bool = True) -> bool:
        """Whether a step of the sweeps at the point may have left the range of doubles; of slopes, or of the value."""

    def forget_range(self) -> None:
        """Forget what has left the range so far, for `left_range` to speak of what comes."""
        self.overflowed = False

    def quiet(self) -> AbstractContextManager[object]:
        """A context without warnings of overflow and of values that are not finite."""
        return nullcontext()

    @abstractmethod
    def jacobian(self, values: list[Any]) -> Blocks:
        """∂outputs/∂name for each variable."""

    @abstractmethod
    def hessian(self, values: list[Any]) -> Any:
        """The matrix of second derivatives."""

    def results(self, values: list[Any]) -> list[Any]:
        """The value of each output."""
        return [self.result(values[slot], shape) for slot, shape in self.outputs]

    def shaped(self, part: list[Any], shape: Shape) -> Any:
        """Entries as an array of a shape, or as the number that they are."""
        return self.namespace.base.asarray(part, float).reshape(shape) if shape else part[0]

    def chunks(self, seeds: int) -> list[tuple[int, int]]:
        """Ranges of seeds, one for each sweep, so that its arrays take less memory than the result."""
        step = max(1, SWEEP_ENTRIES // max(1, self.program.entries))
        return [(start, min(start + step, seeds)) for start in range(0, seeds, step)]

    def dual_reverse(self, values: list[Any], seeds: Mapping[str, Any]) -> dict[str, Any]:
        """The reverse sweep over duals: gradients whose tangents are the Hessian along `seeds`."""
        xp = Duals(self.namespace)
        tangents = self.program.tangents(self.namespace, values, seeds)
        duals = [v if t is None else Dual(v, t, xp) for v, t in zip(values, tangents, strict=True)]
        (slot,) = self.program.outputs
        return self.program.reverse(xp, duals, {slot: self.one}, self.active)


class FloatSweeps(Sweeps):
    """The sweeps of a program of numbers alone, on Python's floats: NumPy is not imported."""

    zero: Any = 0.0
    one: Any = 1.0

    def forward(self, point: Point) -> list[Any]:
        """The value of every slot."""
        return self.program.forward(self.namespace, point)

    def reverse(self, values: list[Any], seeds: dict[int, Any]) -> dict[str, Any]:
        """The adjoints; an output whose adjoint is 0 adds 0, also through an infinite slope."""
        seeds = {slot: seed for slot, seed in seeds.items() if seed != 0}
        return self.program.reverse(self.namespace, values, seeds, self.active)

    def tangents(self, values: list[Any], seeds: Mapping[str, Any]) -> list[Any]:
        """The tangents."""
        return self.program.tangents(self.namespace, values, seeds)

    def left_range(self, point: Point, slopes: bool = True) -> bool:
        """Whether a value lies far out, or is 0 by underflow, or a slope may be."""
        return leaves_range(self.program, self.namespace, self.forward(point), slopes)

    def result(self, x: Any, shape: Shape) -> Any:
        """The float itself."""
        return x

    def seed(self, part: Any, shape: Shape) -> Any:
        """The one entry."""
        return float(part[0])

    def matrix(self, rows: list[list[Any]]) -> Any:
        """The rows themselves."""
        return rows

    def has_nan(self, blocks: Iterable[Any]) -> bool:
        """Whether an entry is not a number."""
        return any(v != v for block in blocks for v in numbers(block))

    def is_finite(self, x: Any) -> bool:
        """Whether a number is finite."""
        return math.isfinite(x)

    def jacobian(self, values: list[Any]) -> Blocks:
        """Forward or in reverse, whichever takes fewer sweeps."""
        program, slots, one, zero = self.program, self.program.outputs, self.one, self.zero
        names = [name for name, _ in self.inputs]
        if len(names) < len(slots):
            along = {name: self.tangents(values, {name: one}) for name in names}
            return {name: [[t[slot] if t[slot] is not None else zero] for slot in slots] for name, t in along.items()}
        rows = [program.reverse(self.namespace, values, {slot: one}, self.active) for slot in slots]
        return {name: [[row.get(name, zero)] for row in rows] for name in names}

    def hessian(self, values: list[Any]) -> Any:
        """A sweep over duals for each variable."""
        rows = []
        for name, _ in self.inputs:
            found = self.dual_reverse(values, {name: self.one})
            rows.append([tangent_of(found.get(n)) or self.zero for n, _ in self.inputs])
        return symmetric_rows(rows) if self.namespace.base.rounds else rows


class ArraySweeps(Sweeps):
    """The sweeps on arrays with a trailing axis: of one point, or of the seeds of many rows or columns at once."""

    def __init__(self, program: Program, wrt: Sequence[str], xp: PlainNamespace) -> None:
        super().__init__(program, wrt, xp)
        self.np = xp.base
        self.zero, self.one = self.np.zeros(1), self.np.ones(1)

    def quiet(self) -> AbstractContextManager[object]:
        """Without NumPy's warnings; that a step over- or underflowed is remembered."""
        errors = {"over": "call", "under": "call", "divide": "ignore", "invalid": "ignore"}
        quiet: AbstractContextManager[object] = self.np.errstate(**errors, call=self._remember)
        return quiet

    def _remember(self, kind: str, flag: int) -> None:
        self.overflowed = True

    def left_range(self, point: Point, slopes: bool = True) -> bool:
        """Whether a step over- or underflowed since `forget_range`; of the value alone, by a sweep of its own."""
        if slopes or not self.overflowed:
            return self.overflowed
        self.overflowed = False
        try:
            self.forward(point)
            return self.overflowed
        finally:
            self.overflowed = True

    def prepared(self, point: Point) -> Point:
        """The point with the trailing axis."""
        return {name: self.np.asarray(value, float)[..., None] for name, value in point.items()}

    def forward(self, point: Point) -> list[Any]:
        """The value of every slot."""
        with self.quiet():
            return self.program.forward(self.namespace, self.prepared(point))

    def reverse(self, values: list[Any], seeds: dict[int, Any]) -> dict[str, Any]:
        """The adjoints."""
        with self.quiet():
            return reverse_masked_if_needed(self.program, self.namespace, values, seeds, self.active)

    def tangents(self, values: list[Any], seeds: Mapping[str, Any]) -> list[Any]:
        """The tangents."""
        with self.quiet():
            return self.program.tangents(self.namespace, values, seeds)

    def result(self, x: Any, shape: Shape) -> Any:
        """One point's value out of an array with a trailing axis."""
        full = self.np.broadcast_to(x, (*shape, 1))
        return full[..., 0] if shape else full.item()

    def seed(self, part: Any, shape: Shape) -> Any:
        """The entries as an array of the shape."""
        return self.np.asarray(part, float).reshape(*shape, 1)

    def matrix(self, rows: list[list[Any]]) -> Any:
        """The rows as an array."""
        return self.np.asarray(rows, float)

    def has_nan(self, blocks: Iterable[Any]) -> bool:
        """Whether an entry is not a number."""
        return any(self.np.isnan(block).any() for block in blocks)

    def is_finite(self, x: Any) -> bool:
        """Whether every entry is."""
        return math.isfinite(x) if isinstance(x, float) else bool(self.np.isfinite(x).all())

    def jacobian(self, values: list[Any]) -> Blocks:
        """In one sweep of all rows or all columns, whichever are fewer."""
        outputs, inputs = (sum(math.prod(shape) for _, shape in parts) for parts in (self.outputs, self.inputs))
        with self.quiet():
            return self._columns(values, outputs, inputs) if inputs < outputs else self._rows(values, outputs)

    def _rows(self, values: list[Any], outputs: int) -> Blocks:
        """The Jacobian in reverse, a seed for each output on the trailing axis, some outputs at a time."""
        np = self.np
        result = {name: np.empty((outputs, math.prod(shape))) for name, shape in self.inputs}
        for start, stop in self.chunks(outputs):
            found = self.reverse(values, unit_seeds(np, self.outputs, start, stop))
            for name, shape in self.inputs:
                result[name][start:stop] = flat(np, found.get(name), shape, stop - start).T
        return result

    def _columns(self, values: list[Any], outputs: int, inputs: int) -> Blocks:
        """The Jacobian forward, a seed for each input on the trailing axis, some inputs at a time."""
        np = self.np
        matrix = np.empty((outputs, inputs))
        for start, stop in self.chunks(inputs):
            tangents = self.tangents(values, unit_seeds(np, self.inputs, start, stop))
            parts = [flat(np, tangents[slot], shape, stop - start) for slot, shape in self.outputs]
            matrix[:, start:stop] = np.concatenate(parts)
        return dict(split(matrix.T, self.inputs, lambda part, shape: part.T))

    def hessian(self, values: list[Any]) -> Any:
        """Sweeps over duals, a seed for each input on the trailing axis, some inputs at a time."""
        np, inputs = self.np, sum(math.prod(shape) for _, shape in self.inputs)
        matrix = np.empty((inputs, inputs))
        with self.quiet():
            for start, stop in self.chunks(inputs):
                found = self.dual_reverse(values, unit_seeds(np, self.inputs, start, stop))
                parts = [flat(np, tangent_of(found.get(n)), shape, stop - start) for n, shape in self.inputs]
                matrix[:, start:stop] = np.concatenate(parts)
            return symmetric(np, matrix) if np.rounds else matrix


def reverse_masked_if_needed(
    program: Program,
    xp: PlainNamespace,
    values: list[Any],
    seeds: dict[int, Any],
    active: list[bool],
    added: Callable[[Any, Any], None] | None = None,
) -> dict[str, Any]:
    """The reverse sweep on arrays; with masks only if the fast one, without them, gives something not finite."""
    found = program.reverse(xp, values, seeds, active, masked=False, added=added)
    if not program.selects or all(xp.base.isfinite(g).all() for g in found.values()):
        return found
    return program.reverse(xp, values, seeds, active, masked=True)


def value_of(x: Any) -> Any:
    """The value of a dual; any other number itself."""
    return x.v if isinstance(x, Dual) else x


def tangent_of(x: Any) -> Any:
    """The tangent of a dual, None of another number."""
    return x.t if isinstance(x, Dual) else None
