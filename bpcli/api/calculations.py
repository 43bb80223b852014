"""Calculations of the same expressions, one for each set of shapes of the variables."""

from collections.abc import Mapping, Sequence
from typing import Any

from bpcli.calculus.language.tree import Expression
from bpcli.calculus.points.variables import shape_of
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.calculation import Calculation

_MOST = 64
"""Sets of shapes whose calculations are kept."""


class Calculations:
    """The calculations of `trees` by `wrt`; with `certify` results are proven, to `digits` or to the nearest double."""

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
            calculation = Calculation(self.trees, self.texts, dict(shapes), self.wrt)
            if self.certify:
                from bpcli.calculus.sweeps.certified import Certified

                calculation = Certified(calculation, self.digits)
            calculation.kink = self.kink
            self._made[key] = calculation
        return self._made[key]
