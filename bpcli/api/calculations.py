"""Calculations of the same expressions, one for each set of shapes of the variables."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from bpcli.calculus.language.tree import Expression, Index, Stack
from bpcli.calculus.points.variables import shape_of
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.calculation import Calculation

_MOST = 64
"""Sets of shapes whose calculations are kept."""


class Calculations:
    """The calculations of `trees` and their derivatives by `wrt`.

    With `certify` results are proven, to `digits` or to the nearest double.
    """

    def __init__(
        self,
        trees: Sequence[Expression],
        texts: Sequence[str],
        wrt: Sequence[str],
        kink: str = "lecture",
        certify: bool = False,
        digits: int | None = None,
    ) -> None:
        self.trees, self.texts, self.wrt, self.kink = list(trees), list(texts), list(wrt), kink
        self.certify, self.digits = certify, digits
        self._made: dict[tuple[Shape, ...], Calculation] = {}

    def at(self, point: Mapping[str, Any]) -> Calculation:
        """The calculation at a point."""
        return self.of({name: shape_of(value) for name, value in point.items()})

    def of(self, shapes: Mapping[str, Shape]) -> Calculation:
        """The calculation for these shapes of the variables and the constants."""
        key = tuple(shapes.values())
        if key not in self._made:
            if len(self._made) >= _MOST:
                del self._made[next(iter(self._made))]  # the oldest: a calculation may be large
            self._made[key] = self._new(self.trees, self.texts, shapes)
        return self._made[key]

    def rows(self, whole: Calculation) -> list[Calculation]:
        """A calculation for each row of a Jacobian: an entry of an expression, with its name."""
        shaped = zip(self.trees, self.texts, whole.output_shapes, strict=True)
        entries = [(_entry(tree, i), text) for tree, text, shape in shaped for i in product(*map(range, shape))]
        found = [self._new([tree], [text], whole.program.variables) for tree, text in entries]
        for calculation, name in zip(found, whole.output_names, strict=True):
            calculation.output_names = [name]
        return found

    def _new(self, trees: Sequence[Expression], texts: Sequence[str], shapes: Mapping[str, Shape]) -> Calculation:
        calculation = Calculation(trees, texts, dict(shapes), self.wrt)
        if self.certify:
            from bpcli.calculus.sweeps.certified import Certified

            calculation = Certified(calculation, self.digits)
        calculation.kink = self.kink
        return calculation


def _entry(tree: Expression, indices: tuple[int, ...]) -> Expression:
    """One entry of a tree's value; of a literal that entry's item alone, as the other items need no sweep."""
    while indices and isinstance(tree, Stack):
        tree, indices = tree.items[indices[0]], indices[1:]
    return Index(tree, indices, tree.span) if indices else tree
