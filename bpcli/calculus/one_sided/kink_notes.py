"""A kink as it is told: its slopes on both sides, and the note on it; without NumPy, as scalar formulas start so."""

from collections.abc import Sequence
from typing import NamedTuple

from bpcli.errors import several
from bpcli.text.notation import number as written

_MOST_SLOPES = 4  # that a note names


class Kink(NamedTuple):
    """A place where the slopes from both sides differ, None where a side has none; `slope` is such as d/dx.

    Where the sides were not looked at, `slope` is empty; where they were, and did not decide, `known` is False.
    `beside`: the second derivative does not exist, as the first does so at the point but not beside it.
    """

    slope: str
    point: int
    left: float | None
    right: float | None
    used: float
    jumps: bool
    known: bool = True
    beside: bool = False


def in_words(place: str, kinks: Sequence[Kink], advice: str) -> str:
    """The note on a point at a kink; `advice` says how to take a side."""
    first = kinks[0]
    if not first.slope:
        return f"{place} may be a kink; among so many entries the sides were not looked at"
    others = dict.fromkeys(kink.slope for kink in kinks[1:] if kink.slope != first.slope)
    more = f" (and so for {several(others, _MOST_SLOPES)})" if others else ""
    if not first.known:
        return f"{place}: {first.slope} is not known, nor whether there is one{more}"
    if first.left is None and first.right is None:
        return f"{place} has no {first.slope}: there is no slope on either side{more}"
    if first.beside:
        what = "a jump" if first.jumps else "a kink"
        used = f"{first.slope} does not exist, {written(first.used)} is used"
        return f"{place} has {what} beside the point too: {used}{more}"
    left, right = ("nothing" if side is None else written(side) for side in (first.left, first.right))
    what = "has a jump" if first.jumps else "has a kink"
    choice = f"; {advice}" if advice and left != right else ""
    slopes = f"{first.slope} is {left} on the left, {right} on the right"
    return f"{place} {what}: {slopes}; {written(first.used)} is used{more}{choice}"
