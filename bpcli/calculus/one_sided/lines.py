"""Slopes that exist at a point but not beside it, on the line along another input: they have no derivative by that one.

|x|·y² has at 0 the slope 0 by x, as y² is 0 there; where y is not 0 it has a kink, so that its slope by x is one of a
single point. All second derivatives around may have one limit all the same.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from bpcli.calculus.one_sided.kink_notes import Kink
from bpcli.calculus.one_sided.kinks import MAX_STEPS
from bpcli.calculus.one_sided.series import Power, Series
from bpcli.calculus.one_sided.sides import ASIDE, LENGTHS, Neighbourhood, share


def slopes_of_one_point(near: Neighbourhood, second: Any, looked: Sequence[int]) -> list[Kink]:
    """The entries of the Hessian `second`, (outputs, inputs, 1), without a derivative for that reason, as kinks.

    They are those of slopes by the inputs `looked`, on which an edge depends. Where it takes more than `MAX_STEPS` the
    rest is not looked at.
    """
    near.take_terms(LENGTHS[0])
    slopes = [o for o in looked if near.gradient_at(looked)[o][0].defined]
    found: dict[str, Kink] = {}
    steps = 0
    for i in range(len(near.entries)):
        for direction in (-1.0, 1.0):
            line = _Line(near, i, direction)
            for o in line.broken([o for o in slopes if o != i]):
                used = near.kind.reals.arithmetic.shown(second[o, i, 0])
                if isfinite(used):
                    name = f"d²/d{near.names[o]}d{near.names[i]}"
                    found[name] = Kink(name, 0, used, used, used, line.jumps, beside=True)
            steps += line.sweeps * near.program.entries
            if steps > MAX_STEPS or near.work.exhausted:
                return list(found.values())
    return list(found.values())


class _Line:
    """The line on which input i moves in a direction away from the point, the others as they are."""

    def __init__(self, near: Neighbourhood, i: int, direction: float) -> None:
        self.near, self.way = near, (i, direction, 1)
        self.on_line = near.swept([self.way])
        self.sweeps, self.jumps = 1, False

    def broken(self, slopes: Sequence[int]) -> list[int]:
        """Which of the slopes do not exist on the line; `jumps` says whether the value jumps there across it."""
        near = self.near
        edges = {slot for slot in near.program.non_smooth(near.wrt) if near.is_at_edge(self.on_line.steps, slot)}
        if not edges:
            return []
        reached = {name: not edges.isdisjoint(near.program.non_smooth([name])) for name in near.wrt}
        slopes = [o for o in slopes if reached[near.entries[o][0]]]
        if len(slopes) > 1:  # all aside at once, and each alone only where that shows a difference
            slopes = [o for o, powers in self._differences(slopes, 1).items() if powers != (None, None)]
        return [o for o in slopes if self._differs(o)]

    def _differs(self, o: int) -> bool:
        """Whether the value or its slope by input o differs across the line, however near to it one looks."""
        far, near = (self._differences([o], nearer)[o] for nearer in (1, 2))
        jump, kink = (one is not None and one == other for one, other in zip(far, near, strict=True))
        self.jumps |= jump
        return jump or kink

    def _differences(self, slopes: Sequence[int], nearer: int) -> dict[int, tuple[Power | None, Power | None]]:
        """In which power of h the value leaves that on the line, and in which each slope differs between the sides.

        The inputs `slopes` go aside. None where no power is known.
        """
        self.sweeps += 4
        aside = [(o, share(o), nearer * ASIDE[self.near.kind.length]) for o in slopes]
        above, below = (
            self.near.swept([self.way, *((o, side * to, power) for o, to, power in aside)]) for side in (1.0, -1.0)
        )
        middle = self.on_line.value
        jump = next((p for p in (_power(above.value, middle), _power(below.value, middle)) if p is not None), None)
        return {o: (jump, _power(above.gradient[o], below.gradient[o])) for o in slopes}


def _power(a: Series, b: Series) -> Power | None:
    """The first power of h of the difference of two series, None if none is known."""
    difference = a - b
    return difference.terms[0][0] if difference.defined and difference.terms else None
