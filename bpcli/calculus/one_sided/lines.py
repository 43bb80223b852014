"""Slopes that exist at a point but not beside it, on the line along another input: they have no derivative by that one.

|x|·y² has at 0 the slope 0 by x, as y² is 0 there; where y is not 0 it has a kink, so that its slope by x is one of a
single point. All second derivatives around may have one limit all the same.
"""

import itertools
import math
from collections.abc import Container, Sequence
from typing import Any

from bpcli.calculus.one_sided.kink_notes import Kink
from bpcli.calculus.one_sided.kinks import MAX_STEPS, too_many
from bpcli.calculus.one_sided.series import FLAT, Series
from bpcli.calculus.one_sided.sides import ASIDE, LENGTHS, Neighbourhood, share
from bpcli.numbers.operators import UNKNOWN


def slopes_of_one_point(
    near: Neighbourhood, second: Any, looked: Sequence[int], noted: Container[str] = ()
) -> list[Kink]:
    """The entries of the Hessian `second`, (outputs, inputs, 1), without a derivative for that reason, as kinks.

    They are those of slopes by the inputs `looked`, on which an edge depends; not those that are `noted` already, such
    as d²/dxdy. Where it takes more than `MAX_STEPS` the rest is not looked at; for a proof four times as many are
    allowed, and more are an InputError. For a proof, what is not decided, as |x|·e^(−1/y²), that no power of the way
    tells from 0, is not known, also in `second`.
    """
    allowed = MAX_STEPS * (4 if near.exact else 1)
    near.take_terms(LENGTHS[0])
    slopes = [o for o in looked if near.gradient_at(looked)[o][0].defined]
    found: dict[str, Kink] = {}

    def add(o: int, i: int, jumps: bool, known: bool) -> None:
        name = f"d²/d{near.names[o]}d{near.names[i]}"
        if name in noted:
            return
        if not known:
            second[o, i, 0] = near.kind.not_known
        used = near.kind.reals.arithmetic.shown(second[o, i, 0]) if known else math.nan
        if not known or math.isfinite(used):
            found[name] = Kink(name, 0, used, used, used, jumps, known, beside=known)

    steps = 0
    for i, direction in itertools.product(range(len(near.entries)), (-1.0, 1.0)):
        left = [o for o in slopes if o != i]
        for length in LENGTHS:
            near.take_terms(length)
            line = _Line(near, i, direction)
            broken, left = line.look(left)
            for o in broken:
                add(o, i, line.jumps, known=True)
            steps += line.sweeps * near.program.entries
            if steps > allowed and near.exact:
                raise too_many(steps, allowed)
            if near.work.exhausted and near.exact:
                for o, k in itertools.product(slopes, range(len(near.entries))):
                    if o != k:
                        add(o, k, False, known=False)
            if steps > allowed or near.work.exhausted:
                return list(found.values())
            if not left:
                break
        for o in line.flat.intersection(left) if near.exact else ():
            add(o, i, False, known=False)
    return list(found.values())


class _Line:
    """The line on which input i moves in a direction away from the point, the others as they are."""

    def __init__(self, near: Neighbourhood, i: int, direction: float) -> None:
        self.near, self.way = near, (i, direction, 1)
        self.on_line = near.swept([self.way])
        self.sweeps, self.jumps = 1, False
        self.flat: set[int] = set()  # slopes that differ across the line by less than any power of h, or not at all

    def look(self, slopes: Sequence[int]) -> tuple[list[int], list[int]]:
        """Which of the slopes do not exist on the line, and which of the rest may with so few terms.

        `jumps` says whether the value jumps across the line.
        """
        near = self.near
        edges = {slot for slot in near.program.non_smooth(near.wrt) if near.is_at_edge(self.on_line.steps, slot)}
        reached = {name: not edges.isdisjoint(near.program.non_smooth([name])) for name in near.wrt}
        slopes = [o for o in slopes if reached[near.entries[o][0]]]
        if not slopes:
            return [], []
        together = self._differences(slopes, 1)  # all aside at once, and each alone only where that shows a difference
        broken = [o for o in slopes if any(map(_is_known, together[o])) and self._differs(o)]
        return broken, [o for o in slopes if o not in broken and any(power is UNKNOWN for power in together[o])]

    def _differs(self, o: int) -> bool:
        """Whether the value or its slope by input o differs across the line, however near to it one looks."""
        far, near = (self._differences([o], nearer)[o] for nearer in (1, 2))
        jump, kink = (_is_known(one) and one == other for one, other in zip(far, near, strict=True))
        self.jumps |= jump
        return jump or kink

    def _differences(self, slopes: Sequence[int], nearer: int) -> dict[int, tuple[Any, Any]]:
        """The powers of h in which the value leaves that on the line, and in which each slope differs across it.

        The inputs `slopes` go aside. None where there is no difference, UNKNOWN where more terms may show one.
        """
        self.sweeps += 4
        aside = [(o, share(o), nearer * ASIDE[self.near.kind.length]) for o in slopes]
        above, below = (
            self.near.swept([self.way, *((o, side * to, power) for o, to, power in aside)]) for side in (1.0, -1.0)
        )
        jumps = [side.value - self.on_line.value for side in (above, below)]
        jump = max(map(_power, jumps), key=_knowledge)
        differences = {o: above.gradient[o] - below.gradient[o] for o in slopes}
        self.flat = {o for o, slope in differences.items() if any(map(_is_flat, [*jumps, slope]))}
        return {o: (jump, _power(slope)) for o, slope in differences.items()}


def _is_flat(difference: Series) -> bool:
    return not difference.terms and FLAT // 2 <= difference.order < math.inf


def _power(difference: Series) -> Any:
    """The first power of h of the difference of two series; None if there is none, UNKNOWN if more terms may tell."""
    if difference.terms:
        return difference.terms[0][0]
    return UNKNOWN if difference.defined and difference.order != math.inf else None


def _knowledge(power: Any) -> int:
    return 2 if _is_known(power) else int(power is UNKNOWN)


def _is_known(power: Any) -> bool:
    return power is not None and power is not UNKNOWN
