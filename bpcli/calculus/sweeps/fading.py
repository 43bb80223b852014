"""Which of many points need numbers of a wider range for a slope that fades: tanh'(400) is below the doubles."""

from collections.abc import Iterator
from typing import Any

from bpcli.calculus.rules.array_operations import unbroadcast
from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.function_rows import SMALLEST
from bpcli.calculus.sweeps.instructions import Elementwise
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.seeds import points_of, some_points
from bpcli.calculus.sweeps.wide_range import fades

_HALF = 537  # 2⁻¹⁰⁷⁴ is the smallest double
_MARGIN = 4.0  # bits


def faded_points(program: Program, xp: PlainNamespace, values: list[Any], active: list[bool]) -> Any:
    """The places of the points at which the gradient may have a part that is lost, as a slope is below the doubles.

    At a saturated point a slope of 0 is mostly right to the last digit: only where the slopes before and behind it
    make up for it, e³⁰⁰·tanh(400), the product is a double.
    """
    np = xp.base
    fading = [n for n, slot in enumerate(program.slots) if isinstance(slot, Elementwise) and slot.row.fades]
    steps = [n for n in fading if active[n]]
    at = np.zeros(1, bool)
    for n in steps:
        faded = np.asarray(fades(program.slots[n], xp, values))
        at = at | faded.any(axis=tuple(range(faded.ndim - 1)))
    if not at.any():
        return np.arange(0)
    columns = {str(n): np.asarray(value).reshape(np.shape(value) or (1,)) for n, value in enumerate(values)}
    places = np.flatnonzero(np.broadcast_to(at, points_of(columns)))
    near = list(some_points(columns, places).values())
    adjoints: dict[int, Any] = {}
    program.reverse(xp, near, {program.outputs[0]: np.ones(1)}, active, record=adjoints)
    seen = np.zeros(len(places), bool)
    for n in steps:
        for seeds in _lost(program, xp, near, n, adjoints[n], active) if n in adjoints else ():
            for part in program.reverse(xp, near, seeds, active).values():
                seen = seen | ~(abs(part) <= 1.0).all(axis=tuple(range(part.ndim - 1)))
    return places[seen]


def _lost(
    program: Program, xp: PlainNamespace, values: list[Any], slot: int, adjoint: Any, active: list[bool]
) -> Iterator[dict[int, Any]]:
    """For each operand of a step the part of its adjoint that is lost, or a bound of it, in smallest doubles."""
    step, np = program.slots[slot], xp.base
    assert isinstance(step, Elementwise)
    assert step.row.fades
    args = [values[a] for a in step.args]
    for i, a in enumerate(step.args):
        if active[a] and step.passes[i]:
            slope = step.row.partial(i)(xp, values[slot], *args)
            bits = xp.minimum(step.row.fades(xp, *args) + _MARGIN, -2.0 * _HALF)
            size = xp.where(slope == 0, np.exp2(bits + _HALF), slope * 2.0**_HALF)
            lost = (abs(slope) < SMALLEST) | (abs(adjoint * slope) < SMALLEST)
            part = xp.where(lost, (adjoint * 2.0**_HALF) * size, 0.0)
            yield {a: unbroadcast(xp, part, step.shapes[i], step.shape)}
