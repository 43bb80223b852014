"""Expressions as functions of their variables: the names and shapes of what goes in and comes out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

from bpcli.calculus.language.tree import Call, Expression, Name, Stack
from bpcli.calculus.rules.shapes import Shape, entry_names, show_shape
from bpcli.calculus.sweeps.program import Program
from bpcli.errors import ExpressionError, InputError
from bpcli.text.notation import byte_size

MAX_DENSE_BYTES = 2 << 30  # of a Jacobian or Hessian written out


class Signature:
    """Expressions over variables of known shapes, differentiated by those in `wrt`."""

    def __init__(self, trees: Sequence[Expression], texts: Sequence[str], wrt: Sequence[str], program: Program) -> None:
        self.trees, self.texts, self.wrt, self.program = list(trees), list(texts), list(wrt), program

    @property
    def output_shapes(self) -> list[Shape]:
        """The shape of each expression's value."""
        return [self.program.shapes[slot] for slot in self.program.outputs]

    @cached_property
    def output_names(self) -> list[str]:
        """The name of each row of a Jacobian: the expression, with an index if it is a vector or a matrix."""
        names = []
        for text, tree, shape in zip(self.texts, self.trees, self.output_shapes, strict=True):
            closed = isinstance(tree, Name | Call | Stack) or not shape
            names += entry_names(text if closed else f"({text})", shape)
        return names

    @property
    def input_shapes(self) -> dict[str, Shape]:
        """The shape of each variable that is differentiated by."""
        return {name: self.program.variables[name] for name in self.wrt}

    @property
    def outputs(self) -> int:
        """The entries of all values together."""
        return sum(map(math.prod, self.output_shapes))

    @property
    def inputs(self) -> int:
        """The entries of all variables that are differentiated by."""
        return sum(map(math.prod, self.input_shapes.values()))

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

    def check_dense(self, rows: int, columns: int, advice: str = "") -> None:
        """InputError for a matrix that would take too much memory."""
        size = rows * columns * 8
        if size > MAX_DENSE_BYTES:
            raise InputError(
                f"the matrix would have {rows} × {columns} entries, {byte_size(size)}",
                advice or "vjp V gives V·J and jvp V gives J·V without forming it",
                names=["vjp", "jvp", "wrt"],
            )
