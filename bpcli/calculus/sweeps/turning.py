"""Whether rounding may turn a step from 0, or over an edge: of that error bounds by slopes tell nothing."""

import itertools
from collections.abc import Iterator
from typing import Any

from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.sweeps.instructions import Elementwise, Instruction, OnArrays
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.rounding import UNIT

_DOUBT = 2.0**-30  # relative: slopes that differ by more are those of different sides


def turned(program: Program, xp: PlainNamespace, values: list[Any], bounds: list[Any]) -> Iterator[Any]:
    """For each step that rounding may turn, the entries at which it may: a bool, or an array of bools.

    Values, and their error bounds, are those of all slots, also of constants: floor of a constant may be another one.
    """
    for slot, step in enumerate(program.slots):
        if not isinstance(step, Instruction) or not any(any_true(bounds[a] != 0) for a in step.args):
            continue
        out, args = values[slot], [values[a] for a in step.args]
        if isinstance(step, OnArrays):
            if step.has_edge:
                errors = [bounds[a] + 0.0 * abs(x) for a, x in zip(step.args, args, strict=True)]
                yield step.may_turn(xp, out, args, errors)
            continue
        assert isinstance(step, Elementwise)
        if step.name == "**":  # of a negative number: the exponent may be odd, or no whole number
            yield (args[0] < 0) & (bounds[step.args[1]] > 0)
        if not step.has_edge and not any_true(out == 0):
            continue
        shifts = [xp.where(bounds[a] > 0, 2.0 * bounds[a] + abs(values[a]) * 2.0 * UNIT, 0.0) for a in step.args]
        for signs in itertools.product((1.0, -1.0), repeat=len(args)):
            moved = [a + sign * shift for a, sign, shift in zip(args, signs, shifts, strict=True)]
            yield from _different(xp, step, step.has_edge, (out, args), (step.value(xp, moved), moved))
        if len(args) == 2 and not any(step.passes):  # == is true of one number alone, which no shift may meet
            meet = abs(args[0] - args[1]) <= shifts[0] + shifts[1]
            yield meet & (step.value(xp, [args[0], args[0]]) != out)


def is_turned(program: Program, xp: PlainNamespace, values: list[Any], bounds: list[Any]) -> bool:
    """Whether rounding may turn a step at all, by the same."""
    return any(map(any_true, turned(program, xp, values, bounds)))


def _different(
    xp: PlainNamespace, step: Elementwise, edge: bool, one: tuple[Any, list[Any]], other: tuple[Any, list[Any]]
) -> Iterator[Any]:
    """Where a step differs at two places: its value is 0 at one of them alone, or it jumps between them, or its slope
    does."""
    (x, at_x), (y, at_y) = one, other
    yield (x == 0) != (y == 0)
    if not any(step.passes):
        yield x != y
    for i in range(len(at_x)) if edge else ():
        slopes = [step.row.partial(i)(xp, out, *args) for out, args in ((x, at_x), (y, at_y))]
        yield abs(slopes[0] - slopes[1]) > _DOUBT * abs(slopes[0])


def any_true(found: Any) -> bool:
    """Whether a bool is true, or any of an array of bools."""
    return bool(found.any()) if hasattr(found, "any") else bool(found)
