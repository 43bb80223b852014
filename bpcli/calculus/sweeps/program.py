"""A tree made into a list of instructions with known shapes, and the sweeps over it: forward, tangent, reverse."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bpcli.calculus.language.tree import (
    Binary,
    Call,
    Compare,
    Expression,
    Index,
    Name,
    Negative,
    Number,
    Stack,
    Transpose,
    children,
    postorder,
)
from bpcli.calculus.rules.duals import Dual
from bpcli.calculus.rules.functions import (
    CONSTANTS,
    FUNCTIONS,
    OPERATORS,
    Function,
    lowered_power,
    power_constant,
    times_lowered,
)
from bpcli.calculus.rules.shapes import Shape, ShapeError, broadcast, show_shape
from bpcli.calculus.sweeps.stable_forms import recognised
from bpcli.errors import ExpressionError

MAX_ENTRIES = 100_000_000  # of all intermediate arrays together: 800 MB
MAX_WORK = 10**12  # multiplications of all matrix products together: about a minute


class Constant(float):
    """A constant's double, and as it was written: a certified evaluation reads the decimal, or π, itself."""

    __slots__ = ("written",)

    def __new__(cls, value: float, written: str) -> "Constant":
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


class Instruction:
    """One step: `row` is an elementwise Function or `op` an ArrayOp; `args` are slots, `node` is where it came from."""

    __slots__ = ("args", "extra", "node", "op", "passes", "row", "shape", "shapes")

    def __init__(
        self,
        row: Function | None,
        op: Any,
        args: tuple[int, ...],
        extra: Any,
        node: Expression,
        shapes: list[Shape],
        shape: Shape,
    ) -> None:
        self.row, self.op, self.args, self.extra = row, op, args, extra
        self.node, self.shapes, self.shape = node, shapes, shape
        # Which operands derivatives flow through.
        self.passes = [row is None or row.passes(i) for i in range(len(args))]

    @property
    def has_edge(self) -> bool:
        """Whether its slope jumps, or is infinite, somewhere."""
        return self.row.edge is not None if self.row is not None else self.op.has_edge

    def key(self) -> tuple[Any, ...]:
        """What instructions with one and the same result have in common."""
        row = self.row.name if self.row is not None else None
        return row, self.op, self.args, self.extra


class Program:
    """Instructions over numbered slots: constants and variables first come, then each step's result.

    `outputs` are the slots of the trees; with `recognise` composites are computed as what they are.
    `scalar` says that no array occurs, so that floats suffice.
    """

    def __init__(
        self,
        trees: Sequence[Expression],
        texts: Sequence[str],
        variables: Mapping[str, Shape],
        recognise: bool = True,
    ) -> None:
        self.variables = dict(variables)
        self.recognise = recognise
        self.slots: list[Instruction | str | Constant] = []
        self.shapes: list[Shape] = []
        self.entries = self.work = 0
        self._known: dict[Any, int] = {}
        self.outputs = [_Builder(self, text).build(tree) for tree, text in zip(trees, texts, strict=True)]
        self._drop_unused()
        self.scalar = not any([*self.shapes, *variables.values()]) and not any(
            isinstance(s, Instruction) and s.op is not None for s in self.slots
        )

    def _drop_unused(self) -> None:
        """Leave out the steps that no output needs: what recognised composites were made of."""
        needed: set[int] = set()
        stack = list(self.outputs)
        while stack:
            slot = stack.pop()
            if slot not in needed:
                needed.add(slot)
                step = self.slots[slot]
                stack.extend(step.args if isinstance(step, Instruction) else ())
        kept = sorted(needed)
        place = {slot: number for number, slot in enumerate(kept)}
        for slot in kept:
            step = self.slots[slot]
            if isinstance(step, Instruction):
                step.args = tuple([place[a] for a in step.args])
        self.slots = [self.slots[slot] for slot in kept]
        self.shapes = [self.shapes[slot] for slot in kept]
        self.outputs = [place[slot] for slot in self.outputs]

    def add(self, slot: Instruction | str | Constant, shape: Shape) -> int:
        """The number of a slot, new unless the same has been computed before."""
        key = slot.key() if isinstance(slot, Instruction) else (type(slot), getattr(slot, "written", slot))
        if key not in self._known:
            self._known[key] = len(self.slots)
            self.slots.append(slot)
            self.shapes.append(shape)
            self.entries += math.prod(shape)
        return self._known[key]

    def active(self, wrt: Sequence[str]) -> list[bool]:
        """Which slots depend on the variables `wrt`."""
        result: list[bool] = []
        for slot in self.slots:
            if isinstance(slot, Instruction):
                result.append(any(result[a] and p for a, p in zip(slot.args, slot.passes, strict=True)))
            else:
                result.append(slot in wrt)
        return result

    def edgy(self, wrt: Sequence[str]) -> list[int]:
        """The slots that depend on the variables `wrt` and have an edge somewhere, see `Function.edge`."""
        depends: list[bool] = []
        for slot in self.slots:
            depends.append(any(depends[a] for a in slot.args) if isinstance(slot, Instruction) else slot in wrt)
        return [
            n for n, slot in enumerate(self.slots) if isinstance(slot, Instruction) and depends[n] and slot.has_edge
        ]

    def edge(self, xp: Any, values: list[Any], slot: int) -> Any:
        """Where a step is at an edge: a truth, or an array of them."""
        step = self.slots[slot]
        assert isinstance(step, Instruction)
        args = [values[a] for a in step.args]
        if step.op is not None:
            return step.op.edge(xp, values[slot], args, step.shapes, step.extra)
        assert step.row is not None
        assert step.row.edge is not None
        return step.row.edge(xp, *args)

    def edge_entries(self, xp: Any, values: list[Any], slot: int) -> Any:
        """The entries of a step's operands on which it depends that the step is at an edge."""
        step, edge = self.slots[slot], self.edge(xp, values, slot)
        assert isinstance(step, Instruction)
        if step.op is None:
            return edge
        return step.op.edge_entries(xp, edge, values[slot], [values[a] for a in step.args], step.shapes, step.extra)

    @property
    def picks(self) -> bool:
        """Whether a step takes some of its operands, or of their entries, and leaves others: `where`, `max`, `x[0]`."""
        steps = [step for step in self.slots if isinstance(step, Instruction)]
        return any(s.row.picks if s.row is not None else s.op.name in ("max", "min", "take") for s in steps)

    def forward(self, xp: Any, point: Mapping[str, Any]) -> list[Any]:
        """The value of every slot, in the plain space `xp`."""
        values: list[Any] = []
        for slot in self.slots:
            if isinstance(slot, Instruction):
                args = [values[a] for a in slot.args]
                if slot.op is not None:
                    values.append(slot.op.value(xp, args, slot.shapes, slot.extra))
                else:
                    assert slot.row is not None
                    assert slot.row.value is not None
                    values.append(slot.row.value(xp, *args))
            else:
                values.append(point[slot] if isinstance(slot, str) else xp.base.constant(slot))
        return values

    def tangents(self, xp: Any, values: list[Any], seeds: Mapping[str, Any], sided: bool = False) -> list[Any]:
        """The tangent of every slot along `seeds` (by variable), None for zero: J·v, with `values` from `forward`.

        `sided`: at a kink of a function that is homogeneous there, the slope to the side that the seeds point to.
        """
        result: list[Any] = []
        for number, slot in enumerate(self.slots):
            if not isinstance(slot, Instruction):
                result.append(seeds.get(slot) if isinstance(slot, str) else None)
                continue
            parts = [result[a] if p else None for a, p in zip(slot.args, slot.passes, strict=True)]
            if all(part is None for part in parts):
                result.append(None)
                continue
            args, out = [values[a] for a in slot.args], values[number]
            if slot.op is not None:
                result.append(slot.op.jvp(xp, parts, out, args, slot.shapes, slot.extra))
            else:
                tangent = _elementwise_tangent(xp, slot, parts, out, args)
                if sided and slot.row is not None and slot.row.homogeneous:
                    tangent = _sided_tangent(xp, slot.row, parts, tangent, out, args)
                if any(shape != slot.shape for shape in slot.shapes):
                    from bpcli.calculus.rules.array_operations import full  # not for floats, which have one shape

                    tangent = full(xp, tangent, slot.shape)  # an operand without a tangent may be the wider one
                result.append(tangent)
        return result

    def reverse(
        self, xp: Any, values: list[Any], seeds: Mapping[int, Any], active: list[bool], masked: bool = True
    ) -> dict[str, Any]:
        """The adjoint of every active variable, from those of output slots: v·J. Plain numbers or duals.

        `masked`: an adjoint of 0 stays 0 where it meets an infinite slope; without, the sweep is faster.
        """
        adjoints: dict[int, Any] = dict(seeds)
        result: dict[str, Any] = {}
        for number in range(len(self.slots) - 1, -1, -1):
            g = adjoints.pop(number, None)
            if g is None or not active[number]:
                continue
            slot = self.slots[number]
            if not isinstance(slot, Instruction):
                result[str(slot)] = g
                continue
            args, out = [values[a] for a in slot.args], values[number]
            for i, a in enumerate(slot.args):
                if not active[a] or not slot.passes[i]:
                    continue
                if slot.op is not None:
                    part = slot.op.vjp(xp, g, i, out, args, slot.shapes, slot.extra)
                    if masked:
                        part = _still_zero(xp, g, part)
                else:
                    part = _elementwise_adjoint(xp, slot, g, i, out, args, masked)
                    if part is None:
                        continue
                    if slot.shapes[i] != slot.shape:
                        from bpcli.calculus.rules.array_operations import (
                            unbroadcast,  # not for floats, which have one shape
                        )

                        part = unbroadcast(xp, part, slot.shapes[i], slot.shape)
                before = adjoints.get(a)
                adjoints[a] = part if before is None else before + part
        return result


def _elementwise_adjoint(xp: Any, slot: Instruction, g: Any, i: int, out: Any, args: list[Any], masked: bool) -> Any:
    row = slot.row
    assert row is not None
    p = row.partial(i)(xp, out, *args)
    if type(p) is float:
        if p == 1.0:
            return g
        if p == -1.0:
            return -g
    if type(p) is float and type(g) is float:
        # A path that is not taken ends here. Elsewhere 0·∞ is NaN: `derivative` looks what it comes to near the point.
        return None if row.picks and p == 0.0 else g * p
    if not masked:
        return g * p
    return xp.where(p != 0.0, xp.scale(g, p), 0.0) if row.picks else xp.scale(g, p)


def _elementwise_tangent(xp: Any, slot: Instruction, parts: list[Any], out: Any, args: list[Any]) -> Any:
    row = slot.row
    assert row is not None
    total: Any = None
    for i, part in enumerate(parts):
        if part is not None:
            p = row.partial(i)(xp, out, *args)
            if type(p) is float and type(part) is float:  # as in reverse: what is not taken ends, 0·∞ is NaN
                if row.picks and p == 0.0:
                    continue
                term = part * p
            else:
                term = xp.where(p != 0.0, xp.scale(part, p), 0.0) if row.picks else xp.scale(part, p)
            total = term if total is None else total + term
    return total


def _sided_tangent(xp: Any, row: Function, parts: list[Any], tangent: Any, out: Any, args: list[Any]) -> Any:
    """The tangent, and where the function is at its kink, its value of the tangents: of a tie those of what ties."""
    assert row.edge is not None
    assert row.value is not None
    edge = row.edge(xp, *args)
    if not edge.any():
        return tangent
    along = [0.0 if part is None else part for part in parts]
    if row.name in ("max", "min"):
        far = -math.inf if row.name == "max" else math.inf
        along = [xp.where(arg == out, part, far) for arg, part in zip(args, along, strict=True)]
    return xp.where(edge, row.value(xp, *along), tangent)


def _still_zero(xp: Any, g: Any, part: Any) -> Any:
    """An operation's v·J, and 0 where it is NaN at a point or seed at which all of v is 0: that path is not used."""
    if isinstance(part, Dual):
        v, t = (g.v, g.t) if isinstance(g, Dual) else (g, 0.0 * g)
        return Dual(_still_zero(xp, v, part.v), _still_zero(xp, abs(v) + abs(t), part.t), xp)
    bad = part != part
    if not bad.any():
        return part
    unused = (g == 0).all(axis=tuple(range(g.ndim - 1)))
    return xp.base.where(bad & unused, 0.0, part)


class _Builder:
    """Adds the instructions of one tree to a program."""

    def __init__(self, program: Program, text: str) -> None:
        self.program, self.text = program, text

    def build(self, tree: Expression) -> int:
        slots: dict[int, int] = {}
        for node in postorder(tree):
            slots[id(node)] = self.node(node, [slots[id(child)] for child in children(node)])
        return slots[id(tree)]

    def node(self, node: Expression, args: list[int]) -> int:
        program = self.program
        if isinstance(node, Number):
            return program.add(Constant(node.value, node.text), ())
        if isinstance(node, Name):
            if node.name in program.variables:
                return program.add(node.name, program.variables[node.name])
            if node.name in CONSTANTS:
                return program.add(Constant(CONSTANTS[node.name], node.name), ())
            raise ExpressionError(f"{node.name} has no value", self.text, *node.span)
        if isinstance(node, Negative):
            constant = program.slots[args[0]]
            if isinstance(constant, Constant):
                written = constant.written
                written = written[1:] if written.startswith("-") else f"-{written}"
                return program.add(Constant(-constant, written), ())
            return self.elementwise(OPERATORS["negative"], args, node)
        if isinstance(node, Binary):
            return self.binary(node, args)
        if isinstance(node, Compare):
            return self.elementwise(OPERATORS[node.op], args, node)
        if isinstance(node, Stack):
            return self.array("stack", args, None, node)
        if isinstance(node, Index):
            return self.array("take", args, node.indices, node)
        if isinstance(node, Transpose):
            return self.array("transpose", args, None, node) if program.shapes[args[0]] else args[0]
        return self.call(node, args)

    def binary(self, node: Binary, args: list[int]) -> int:
        program = self.program
        if node.op == "@":
            return self.array("@", args, None, node)
        if node.op == "·":
            a, b = (program.shapes[slot] for slot in args)
            if a and b:
                return self.dot(args, node)
            return self.elementwise(OPERATORS["*"], args, node)
        if node.op == "**":
            exponent = program.slots[args[1]]
            if isinstance(exponent, Constant):
                return self.elementwise(_power_row(exponent), args[:1], node)
        return self.elementwise(OPERATORS[node.op], args, node)

    def call(self, node: Call, args: list[int]) -> int:
        row = FUNCTIONS[node.function]
        if row.kind == "macro":
            return self.macro(node, args)
        if row.kind != "reduction" or len(args) > 1:
            return self.elementwise(row, args, node)
        return self.reduction(node.function, args, node.axis, node)

    def reduction(self, name: str, args: list[int], axis: int | None, node: Expression) -> int:
        shape = self.program.shapes[args[0]]
        if not shape and axis is None and name not in ("softmax", "log_softmax"):
            # Of a single number: its sum, mean, product, maximum is itself, its norm |x|, its logsumexp log e^x = x.
            return self.elementwise(FUNCTIONS["abs"], args, node) if name == "norm" else args[0]
        if name != "mean":
            return self.array(name, args, axis, node)
        total = self.array("sum", args, axis, node)
        count = math.prod(shape) // math.prod(self.program.shapes[total])
        return self.divided(total, count, node)

    def divided(self, slot: int, count: int, node: Expression) -> int:
        """A sum divided by a number of terms."""
        return self.elementwise(OPERATORS["/"], [slot, self.program.add(Constant(count, str(count)), ())], node)

    def macro(self, node: Call, args: list[int]) -> int:
        if node.function == "dot":
            return self.dot(args, node)
        if node.function == "clip":
            raised = self.elementwise(FUNCTIONS["max"], [args[0], args[1]], node)
            return self.elementwise(FUNCTIONS["min"], [raised, args[2]], node)
        y, y_hat = (self.program.shapes[slot] for slot in args)
        if y != y_hat:
            message = f"{node.function} compares labels and predictions of one shape"
            raise self.error(node, f"{message}, not {show_shape(y)} and {show_shape(y_hat)}")
        terms = self.elementwise(OPERATORS[f"{node.function}_term"], args, node)
        total = self.reduction("sum", [terms], None, node)
        # A vector is N samples for mse and bce and one for cce; a matrix has a sample a row.
        samples = y[0] if len(y) > (1 if node.function == "cce" else 0) else 1
        if samples == 1:
            return total
        return self.divided(total, samples, node)

    def dot(self, args: list[int], node: Expression) -> int:
        u, v = (self.program.shapes[slot] for slot in args)
        if u != v or len(u) > 1:
            hint = "for matrices write @" if len(u) > 1 or len(v) > 1 else ""
            raise self.error(
                node, f"the dot product takes two vectors of one length, not {show_shape(u)} and {show_shape(v)}", hint
            )
        product = self.elementwise(OPERATORS["*"], args, node)
        return self.reduction("sum", [product], None, node)

    def elementwise(self, row: Function, args: Sequence[int], node: Expression) -> int:
        shapes = [self.program.shapes[a] for a in args]
        shape: Shape = shapes[0]
        for i, other in enumerate(shapes[1:], 1):
            spread = broadcast(shape, other)
            if spread is None:
                raise self.mismatch(node, i, shape, other)
            shape = spread
        slot = self.add(Instruction(row, None, tuple(args), None, node, shapes, shape))
        return recognised(self, slot, node) if self.program.recognise else slot

    def add(self, instruction: Instruction) -> int:
        """A new instruction, unless the whole would become too much."""
        program, node = self.program, instruction.node
        slot = program.add(instruction, instruction.shape)
        if program.entries > MAX_ENTRIES:
            message = (
                f"up to here {program.entries} numbers would be needed at a time; at most {MAX_ENTRIES} are allowed"
            )
            raise self.error(node, message)
        if instruction.op is not None:
            program.work += instruction.op.work(instruction.shapes)
        if program.work > MAX_WORK:
            message = f"up to here {program.work} multiplications would be needed; at most {MAX_WORK} are allowed"
            raise self.error(node, message)
        return slot

    def mismatch(self, node: Expression, i: int, shape: Shape, other: Shape) -> ExpressionError:
        """The error of operands i − 1 and i, whose shapes do not fit."""
        operands = children(node)
        message, hint = f"the shapes do not fit: {show_shape(shape)} and {show_shape(other)}", ""
        if len(operands) > i:
            a, b = (self.text[n.span[0] : n.span[1]] for n in (operands[i - 1], operands[i]))
            message = f"the shapes do not fit: {a} is {show_shape(shape)}, {b} is {show_shape(other)}"
            turned = [(a, shape[::-1], other), (b, shape, other[::-1])]
            fitting = [text for text, left, right in turned if broadcast(left, right) is not None]
            hint = f"{fitting[0]} transposed fits: .T" if fitting else ""
        return self.error(node, message, hint)

    def array(self, name: str, args: Sequence[int], extra: Any, node: Expression) -> int:
        from bpcli.calculus.rules.indexing import STRUCTURE
        from bpcli.calculus.rules.reductions import REDUCTIONS

        op = REDUCTIONS.get(name) or STRUCTURE[name]
        shapes = [self.program.shapes[a] for a in args]
        try:
            shape = op.shape(shapes, extra)
        except ShapeError as error:
            raise self.error(node, error.message, error.hint) from None
        return self.add(Instruction(None, op, tuple(args), extra, node, shapes, shape))

    def error(self, node: Expression, message: str, hint: str = "") -> ExpressionError:
        return ExpressionError(message, self.text, *node.span, hint)


def _power_row(c: Constant) -> Function:
    """x**c for a number c, whose slope needs no logarithm of x."""

    def value(xp: Any, x: Any) -> Any:
        return power_constant(xp, x, c) if c.whole else xp.power(x, xp.constant(c))

    def slope(xp: Any, out: Any, x: Any) -> Any:
        exponent = xp.constant(c)
        if not c.whole:
            return times_lowered(xp, lowered_power(xp, x, exponent), x, exponent)
        if c in (0.0, 1.0):
            return float(c)
        if c in (2.0, 3.0, 4.0):
            slope = c * x
            for _ in range(int(c) - 2):
                slope = slope * x
            return slope
        return times_lowered(xp, power_constant(xp, x, c - 1.0), x, exponent)

    def edge(xp: Any, x: Any) -> Any:
        return x == 0

    smooth = c.whole and c >= 0
    return Function(f"**{c.written}", (1, 1), "x**c", value, (slope,), edge=None if smooth else edge)
