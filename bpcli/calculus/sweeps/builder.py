"""Turns a tree into instructions with known shapes; errors show the place in the text."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bpcli.calculus.language import tree as nodes
from bpcli.calculus.rules.arithmetic import power_row
from bpcli.calculus.rules.function_rows import Function
from bpcli.calculus.rules.functions import CONSTANTS, FUNCTIONS, OPERATORS, term_of
from bpcli.calculus.rules.shapes import Shape, ShapeError, broadcast, show_shape
from bpcli.calculus.sweeps.instructions import Constant, Elementwise, Instruction, OnArrays, Slots
from bpcli.calculus.sweeps.stable_forms import recognised
from bpcli.errors import ExpressionError
from bpcli.formulas.choices import Task
from bpcli.formulas.losses import LOSSES
from bpcli.text.notation import number

MAX_ENTRIES = 100_000_000  # of all intermediate arrays together: 800 MB
MAX_WORK = 10**12  # multiplications of all matrix products together: about a minute


class Builder:
    """Adds the instructions of one tree, whose text is `text`, to `program`.

    With `recognise` composites such as log(1+exp(x)) are computed by their stable functions.
    """

    def __init__(self, program: Slots, variables: Mapping[str, Shape], text: str, recognise: bool) -> None:
        self.program, self.variables, self.text, self.recognise = program, variables, text, recognise

    def build(self, tree: nodes.Expression) -> int:
        """The slot of the tree's value."""
        slots: dict[int, int] = {}
        for node in nodes.postorder(tree):
            slots[id(node)] = self._node(node, [slots[id(child)] for child in nodes.children(node)])
        return slots[id(tree)]

    def _node(self, node: nodes.Expression, args: list[int]) -> int:
        program = self.program
        if isinstance(node, nodes.Number):
            return program.add(Constant(node.value, node.text), ())
        if isinstance(node, nodes.Name):
            if node.name in self.variables:
                return program.add(node.name, self.variables[node.name])
            if node.name in CONSTANTS:
                return program.add(Constant(CONSTANTS[node.name], node.name), ())
            raise ExpressionError(f"{node.name} has no value", self.text, *node.span)
        if isinstance(node, nodes.Negative):
            constant = program.slots[args[0]]
            if isinstance(constant, Constant):
                written = constant.written
                written = written[1:] if written.startswith("-") else f"-{written}"
                return program.add(Constant(-constant, written), ())
            return self.elementwise(OPERATORS["negative"], args, node)
        if isinstance(node, nodes.Binary):
            return self._binary(node, args)
        if isinstance(node, nodes.Compare):
            return self.elementwise(OPERATORS[node.op], args, node)
        if isinstance(node, nodes.Stack):
            return self.array("stack", args, None, node)
        if isinstance(node, nodes.Index):
            return self.array("take", args, node.indices, node)
        if isinstance(node, nodes.Transpose):
            return self.array("transpose", args, None, node) if program.shapes[args[0]] else args[0]
        return self._call(node, args)

    def _binary(self, node: nodes.Binary, args: list[int]) -> int:
        program = self.program
        if node.op == "@":
            return self.array("@", args, None, node)
        if node.op == "·":
            a, b = (program.shapes[slot] for slot in args)
            if a and b:
                return self._dot(args, node)
            return self.elementwise(OPERATORS["*"], args, node)
        if node.op == "**":
            exponent = program.slots[args[1]]
            if isinstance(exponent, Constant) and exponent.is_exponent:
                return self.elementwise(power_row(exponent, exponent.written, exponent.whole), args[:1], node)
        return self.elementwise(OPERATORS[node.op], args, node)

    def _call(self, node: nodes.Call, args: list[int]) -> int:
        row = FUNCTIONS[node.function]
        if row.kind == "macro":
            return self._macro(node, args)
        if row.kind == "select" and self._varies(args[0]):
            # The branches change where the condition is 0: the comparison has its edge there.
            zero = self.program.add(Constant(0.0, "0"), ())
            args = [self.elementwise(OPERATORS["!="], [args[0], zero], node), *args[1:]]
        if row.kind != "reduction" or len(args) > 1:
            return self.elementwise(row, args, node)
        return self._reduction(node.function, args, node.axis, node)

    def _varies(self, slot: int) -> bool:
        """Whether derivatives flow through a slot: not through comparisons, signs, or what is made of them alone."""
        stack = [slot]
        while stack:
            step = self.program.slots[stack.pop()]
            if isinstance(step, str):
                return True
            if isinstance(step, Instruction):
                stack.extend(a for a, passes in zip(step.args, step.passes, strict=True) if passes)
        return False

    def _reduction(self, name: str, args: list[int], axis: int | None, node: nodes.Expression) -> int:
        from bpcli.calculus.rules.reductions import REDUCTIONS

        shape, op = self.program.shapes[args[0]], REDUCTIONS.get(name)
        if not shape and axis is None and not (op and op.of_rows):
            # Of a single number: its sum, mean, product, maximum is itself, its norm |x|, its logsumexp log e^x = x.
            return self.elementwise(FUNCTIONS[op.of_number], args, node) if op and op.of_number else args[0]
        if op is not None:
            return self.array(name, args, axis, node)
        # The mean has no operation of its own.
        total = self.array("sum", args, axis, node)
        count = math.prod(shape) // math.prod(self.program.shapes[total])
        return self._divided(total, count, node)

    def _divided(self, slot: int, count: int, node: nodes.Expression) -> int:
        """A sum divided by a number of terms."""
        return self.elementwise(OPERATORS["/"], [slot, self.program.add(Constant(count, str(count)), ())], node)

    def _macro(self, node: nodes.Call, args: list[int]) -> int:
        if node.function in LOSSES:
            return self._loss(node, args)
        return {"dot": self._dot, "clip": self._clip}[node.function](args, node)

    def _clip(self, args: list[int], node: nodes.Expression) -> int:
        raised = self.elementwise(FUNCTIONS["max"], [args[0], args[1]], node)
        return self.elementwise(FUNCTIONS["min"], [raised, args[2]], node)

    def _loss(self, node: nodes.Call, args: list[int]) -> int:
        y, yhat, *settings = (self.program.shapes[slot] for slot in args)
        if any(settings):
            raise self._error(node, f"the settings of {node.function} are numbers, not {show_shape(max(settings))}")
        if y != yhat:
            message = f"{node.function} compares labels and predictions of one shape"
            raise self._error(node, f"{message}, not {show_shape(y)} and {show_shape(yhat)}")
        terms = self.elementwise(term_of(node.function), args, node)
        total = self._reduction("sum", [terms], None, node)
        # A vector is N samples, but one for a loss of several classes; a matrix has a sample a row.
        samples = y[0] if len(y) > (LOSSES[node.function].task is Task.CLASSES) else 1
        if samples == 1:
            return total
        return self._divided(total, samples, node)

    def _dot(self, args: list[int], node: nodes.Expression) -> int:
        u, v = (self.program.shapes[slot] for slot in args)
        if u != v or len(u) > 1:
            hint = "for matrices write @" if len(u) > 1 or len(v) > 1 else ""
            raise self._error(
                node, f"the dot product takes two vectors of one length, not {show_shape(u)} and {show_shape(v)}", hint
            )
        product = self.elementwise(OPERATORS["*"], args, node)
        return self._reduction("sum", [product], None, node)

    def elementwise(self, row: Function, args: Sequence[int], node: nodes.Expression) -> int:
        """The slot of a row's value; ExpressionError if the shapes of the operands do not fit."""
        given = len(args) - row.arity[0]  # settings that are not given are constants, read as they are written
        args = [*args, *(self.program.add(Constant(v, number(v)), ()) for v in row.defaults[given:])]
        shapes = [self.program.shapes[a] for a in args]
        shape: Shape = shapes[0]
        for i, other in enumerate(shapes[1:], 1):
            spread = broadcast(shape, other)
            if spread is None:
                raise self._mismatch(node, i, shape, other)
            shape = spread
        slot = self._add(Elementwise(row, tuple(args), node, shapes, shape))
        return recognised(self, slot, node) if self.recognise else slot

    def _add(self, instruction: Instruction) -> int:
        """A new instruction, unless the whole would become too much."""
        program, node = self.program, instruction.node
        slot = program.add(instruction, instruction.shape)
        if program.entries > MAX_ENTRIES:
            message = (
                f"up to here {program.entries} numbers would be needed at a time; at most {MAX_ENTRIES} are allowed"
            )
            raise self._error(node, message)
        if isinstance(instruction, OnArrays):
            program.work += instruction.op.work(instruction.operands)
        if program.work > MAX_WORK:
            message = f"up to here {program.work} multiplications would be needed; at most {MAX_WORK} are allowed"
            raise self._error(node, message)
        return slot

    def _mismatch(self, node: nodes.Expression, i: int, shape: Shape, other: Shape) -> ExpressionError:
        """The error of operands i − 1 and i, whose shapes do not fit."""
        operands = nodes.children(node)
        message, hint = f"the shapes do not fit: {show_shape(shape)} and {show_shape(other)}", ""
        if len(operands) > i:
            a, b = (self.text[n.span[0] : n.span[1]] for n in (operands[i - 1], operands[i]))
            message = f"the shapes do not fit: {a} is {show_shape(shape)}, {b} is {show_shape(other)}"
            turned = [(a, shape[::-1], other), (b, shape, other[::-1])]
            fitting = [text for text, left, right in turned if broadcast(left, right) is not None]
            hint = f"{fitting[0]} transposed fits: .T" if fitting else ""
        return self._error(node, message, hint)

    def array(self, name: str, args: Sequence[int], extra: Any, node: nodes.Expression) -> int:
        """The slot of an array operation's value; ExpressionError if the shapes of the operands do not fit."""
        from bpcli.calculus.rules.array_operations import Operands
        from bpcli.calculus.rules.indexing import STRUCTURE
        from bpcli.calculus.rules.reductions import REDUCTIONS

        op = REDUCTIONS.get(name) or STRUCTURE[name]
        operands = Operands([self.program.shapes[a] for a in args], extra)
        try:
            shape = op.shape(operands)
        except ShapeError as error:
            raise self._error(node, error.message, error.hint) from None
        slot = self._add(OnArrays(op, tuple(args), node, operands, shape))
        return recognised(self, slot, node) if self.recognise else slot

    def _error(self, node: nodes.Expression, message: str, hint: str = "") -> ExpressionError:
        return ExpressionError(message, self.text, *node.span, hint)
