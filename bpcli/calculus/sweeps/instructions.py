"""The steps of a program: constants, and instructions that pass values, tangents and adjoints on."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bpcli.calculus.language.tree import Expression
from bpcli.calculus.rules.duals import Dual
from bpcli.calculus.rules.function_rows import Function, RuleNamespace
from bpcli.calculus.rules.shapes import Shape

if TYPE_CHECKING:
    from bpcli.calculus.rules.array_operations import ArrayOp, Operands


class Constant(float):
    """A constant's double, and as it was written: a certified evaluation reads the decimal, or π, itself."""

    __slots__ = ("written",)

    def __new__(cls, value: float, written: str) -> Constant:
        """The double `value`, written so."""
        self = super().__new__(cls, value)
        self.written = written
        return self

    written: str

    @property
    def whole(self) -> bool:
        """Whether it is a whole number as written, and not just by rounding."""
        digits, _, fraction = self.written.lstrip("-").partition(".")
        return len(digits) < 16 and digits.isdecimal() and not fraction.strip("0")

    @property
    def is_exponent(self) -> bool:
        """Whether its double stands for it as an exponent: beyond 2⁵³ it may be odd as written, and 1e-400 is not 0."""
        return self.whole or 0.0 < abs(self) < 2.0**53 or math.isinf(self)

    def is_number(self, number: int) -> bool:
        """Whether it is this number as written, and not just by rounding."""
        return self.whole and float(self) == number


class Instruction(ABC):
    """One step: its operands are the slots `args`, of `shapes`; `node` is the place in the tree that it came from.

    `row` is the table's row of an elementwise step, `op` the operation of a step on whole arrays; `name`, `selects` and
    `homogeneous` are theirs, and `has_edge` says whether the slope jumps, or is infinite, somewhere. `passes` says
    through which operands derivatives flow.
    """

    __slots__ = (
        *("args", "extra", "has_edge", "homogeneous", "name", "node"),
        *("op", "passes", "row", "selects", "shape", "shapes"),
    )
    row: Function | None
    op: ArrayOp | None
    has_edge: bool
    homogeneous: bool

    def __init__(
        self,
        of: Function | ArrayOp,
        args: tuple[int, ...],
        node: Expression,
        shapes: list[Shape],
        shape: Shape,
        extra: Any = None,
    ) -> None:
        self.name, self.selects = of.name, of.selects
        self.args, self.node, self.shapes, self.shape, self.extra = args, node, shapes, shape, extra
        self.passes = [True] * len(args)

    @property
    def divides(self) -> bool:
        """Whether its last operand is a divisor: of a quotient, or of a negative whole power."""
        return self.name == "/" or (self.row is not None and (self.row.power or 0) < 0)

    def key(self) -> tuple[Any, ...]:
        """A key that is equal for instructions with the same result."""
        return type(self), self.name, self.args, self.extra

    @abstractmethod
    def value(self, xp: RuleNamespace[Any], args: list[Any]) -> Any:
        """Its result."""

    @abstractmethod
    def edge(self, xp: RuleNamespace[Any], out: Any, args: list[Any]) -> Any:
        """Whether its slope jumps, or is infinite, at these operands: a bool, or an array of bools."""

    @abstractmethod
    def edge_entries(self, xp: RuleNamespace[Any], out: Any, args: list[Any]) -> Any:
        """Which entries of its operands lie at an edge."""

    @abstractmethod
    def tangent(self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], sided: bool) -> Any:
        """Σ ∂out/∂args[i]·tangents[i], where None stands for 0; not all are None."""

    @abstractmethod
    def adjoint(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], masked: bool) -> Any:
        """g·∂out/∂args[i] in the shape of the operand; None for 0."""


class Elementwise(Instruction):
    """A step that works entry by entry: a row of the table of functions and operators."""

    __slots__ = ()
    row: Function

    def __init__(
        self, row: Function, args: tuple[int, ...], node: Expression, shapes: list[Shape], shape: Shape
    ) -> None:
        super().__init__(row, args, node, shapes, shape)
        self.row, self.op = row, None
        self.has_edge, self.homogeneous = row.edge is not None, row.homogeneous
        self.passes = [row.passes(i) for i in range(len(args))]

    def value(self, xp: RuleNamespace[Any], args: list[Any]) -> Any:
        """The row's value."""
        assert self.row.value is not None
        return self.row.value(xp, *args)

    def edge(self, xp: RuleNamespace[Any], out: Any, args: list[Any]) -> Any:
        """Where the row's slope jumps."""
        assert self.row.edge is not None
        return self.row.edge(xp, *args)

    def edge_entries(self, xp: RuleNamespace[Any], out: Any, args: list[Any]) -> Any:
        """The same as `edge`, as the step works entry by entry."""
        return self.edge(xp, out, args)

    def tangent(self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], sided: bool) -> Any:
        """The tangent; `sided`: at a kink the slope to the side that the tangents point to."""
        total: Any = None
        for i, t in enumerate(tangents):
            if t is None:
                continue
            term = self._times_slope(xp, t, self.row.partial(i)(xp, out, *args))
            if term is not None:
                total = term if total is None else total + term
        if sided and self.row.homogeneous:
            total = self._sided_tangent(xp, tangents, total, out, args)
        if any(shape != self.shape for shape in self.shapes):
            from bpcli.calculus.rules.array_operations import spread_over  # not for floats, which have one shape

            return spread_over(xp, total, self.shape)  # an operand without a tangent may be the wider one
        return total

    def _times_slope(self, xp: RuleNamespace[Any], g: Any, slope: Any) -> Any:
        """g·slope, but 0 for an operand that was not selected, even if g is ∞. Elsewhere 0·∞ is NaN, which the series
        at both sides of the point resolve."""
        if type(slope) is float and type(g) is float:
            return None if self.row.selects and slope == 0.0 else g * slope
        scaled = xp.scale(g, slope)
        return xp.where(slope != 0.0, scaled, 0.0) if self.row.selects else scaled

    def _sided_tangent(self, xp: RuleNamespace[Any], tangents: list[Any], plain: Any, out: Any, args: list[Any]) -> Any:
        """`plain`, but at a kink f(tangents), as f is homogeneous there; of an extreme only the arguments that tie."""
        edge = self.edge(xp, out, args)
        if not edge.any():
            return plain
        along = [0.0 if t is None else t for t in tangents]
        if (neutral := self.row.neutral) is not None:
            along = [xp.where(arg == out, t, neutral) for arg, t in zip(args, along, strict=True)]
        return xp.where(edge, self.value(xp, along), plain)

    def adjoint(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], masked: bool) -> Any:
        """The adjoint; a slope of 1 or −1 takes no product."""
        slope = self.row.partial(i)(xp, out, *args)
        if type(slope) is float and slope in (1.0, -1.0):
            part = g if slope == 1.0 else -g
        elif masked or (type(slope) is float and type(g) is float):
            part = self._times_slope(xp, g, slope)
        else:
            part = g * slope
        if part is not None and self.shapes[i] != self.shape:
            from bpcli.calculus.rules.array_operations import unbroadcast  # not for floats, which have one shape

            return unbroadcast(xp, part, self.shapes[i], self.shape)
        return part


class OnArrays(Instruction):
    """A step on whole vectors and matrices: a sum, a product of matrices, a choice of entries."""

    __slots__ = ("operands",)
    op: ArrayOp

    def __init__(self, op: ArrayOp, args: tuple[int, ...], node: Expression, operands: Operands, shape: Shape) -> None:
        super().__init__(op, args, node, operands.shapes, shape, operands.extra)
        self.row, self.op, self.operands = None, op, operands
        self.has_edge, self.homogeneous = op.has_edge, False

    def value(self, xp: RuleNamespace[Any], args: list[Any]) -> Any:
        """The operation's value."""
        return self.op.value(xp, args, self.operands)

    def edge(self, xp: RuleNamespace[Any], out: Any, args: list[Any]) -> Any:
        """Where the operation's slope jumps."""
        return self.op.edge(xp, out, args, self.operands)

    def may_turn(self, xp: RuleNamespace[Any], out: Any, args: list[Any], errors: list[Any]) -> Any:
        """Where the operation's slope may jump within the errors of its operands."""
        return self.op.may_turn(xp, out, args, errors, self.operands)

    def edge_entries(self, xp: RuleNamespace[Any], out: Any, args: list[Any]) -> Any:
        """The entries of the operand that put it at an edge."""
        return self.op.edge_entries(xp, self.edge(xp, out, args), out, args, self.operands)

    def tangent(self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], sided: bool) -> Any:
        """J·t."""
        return self.op.jvp(xp, tangents, out, args, self.operands)

    def adjoint(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], masked: bool) -> Any:
        """g·J."""
        part = self.op.vjp(xp, g, i, out, args, self.operands)
        return _still_zero(xp, g, part) if masked else part


def _still_zero(xp: RuleNamespace[Any], g: Any, part: Any) -> Any:
    """An operation's g·J, with 0 in the place of NaN at points or seeds where all of g is 0: the path is not used."""
    if isinstance(part, Dual):
        v, t = (g.v, g.t) if isinstance(g, Dual) else (g, 0.0 * g)
        return Dual(_still_zero(xp, v, part.v), _still_zero(xp, abs(v) + abs(t), part.t), part.namespace)
    bad = part != part
    if not bad.any():
        return part
    unused = (g == 0).all(axis=tuple(range(g.ndim - 1)))
    return xp.base.where(bad & unused, 0.0, part)


Slot = Instruction | str | Constant
"""The content of a slot: a step, the name of a variable, or a constant."""


class Slots:
    """Numbered slots with their shapes: constants and variables come first, then each step's result.

    `entries` counts the numbers of all slots together, `work` the multiplications of matrix products.
    """

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.shapes: list[Shape] = []
        self.entries = self.work = 0
        self._known: dict[Any, int] = {}

    def add(self, slot: Slot, shape: Shape) -> int:
        """The number of a slot, new unless the same has been computed before."""
        key = slot.key() if isinstance(slot, Instruction) else (type(slot), getattr(slot, "written", slot))
        if key not in self._known:
            self._known[key] = len(self.slots)
            self.slots.append(slot)
            self.shapes.append(shape)
            self.entries += math.prod(shape)
        return self._known[key]

    def args_of(self, slot: int, name: str) -> tuple[int, ...] | None:
        """The operands of a slot if it is the function, operator or array operation `name`."""
        step = self.slots[slot]
        return step.args if isinstance(step, Instruction) and step.name == name else None

    def needed_for(self, outputs: Iterable[int]) -> set[int]:
        """The slots that outputs are computed from, and these themselves."""
        needed: set[int] = set()
        stack = list(outputs)
        while stack:
            slot = stack.pop()
            if slot not in needed:
                needed.add(slot)
                step = self.slots[slot]
                stack.extend(step.args if isinstance(step, Instruction) else ())
        return needed

    def keep_only(self, outputs: Sequence[int]) -> list[int]:
        """Drop the steps that no output needs, such as parts of recognised composites; the outputs' new slots.

        `entries` stays: it bounds the work of building.
        """
        kept = sorted(self.needed_for(outputs))
        place = {slot: number for number, slot in enumerate(kept)}
        for slot in kept:
            step = self.slots[slot]
            if isinstance(step, Instruction):
                step.args = tuple([place[a] for a in step.args])
        self.slots = [self.slots[slot] for slot in kept]
        self.shapes = [self.shapes[slot] for slot in kept]
        return [place[slot] for slot in outputs]
