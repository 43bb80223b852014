"""A second run on wide numbers, where a step over- or underflowed on the way to a result within the doubles."""

import math
from typing import Any

from bpcli.calculus.sweeps.instructions import Instruction
from bpcli.calculus.sweeps.program import Program

_SMALL, _LARGE = 2.0**-330, 2.0**330
"""Between these, 1e±100, the first and second derivatives of ordinary steps stay within the doubles."""

_TINY, _HUGE = 2.0**-511, 2.0**511
"""The same for gradients alone, at points where a step has over- or underflowed."""

_SMALLEST = 2.0**-1022  # of the doubles with all their digits

MOST_ENTRIES = 1 << 13
"""Entries of a program times its inputs or outputs, up to which a second run on wide numbers is worth the time."""


def leaves_range(program: Program, values: list[float]) -> bool:
    """Whether a value is so large or small, or a 0 by underflow, that a step may have left the range of doubles."""
    for slot, value in zip(program.slots, values, strict=True):
        size = abs(value)
        if size > _LARGE or 0.0 < size < _SMALL:
            return True
        if size == 0.0 and isinstance(slot, Instruction) and _underflows(slot, values):
            return True
    return False


def _underflows(step: Instruction, values: list[float]) -> bool:
    """Whether a step that gives 0 may stand for something smaller than every double."""
    return step.row is not None and step.row.underflows and all(values[a] for a in step.args)


def far_points(program: Program, values: list[Any], table: Any) -> Any:
    """The places of the points, of the trailing axis, at which a value lies far out or a result is not ordinary."""
    import numpy as np

    size = np.abs(table)
    far = ~np.isfinite(table).all(axis=1) | ((size < _SMALLEST) & (size > 0)).any(axis=1)
    for slot, value in zip(program.slots, values, strict=True):
        size = np.abs(value)
        outside = (size > _HUGE) | ((size < _TINY) & (size > 0))
        if isinstance(slot, Instruction) and (slot.row is None or slot.row.underflows):
            outside |= size == 0
        far |= outside.any(axis=tuple(range(outside.ndim - 1)))
    return np.flatnonzero(far)


def is_finite(value: Any) -> bool:
    """Whether a number, or every entry of an array, is finite."""
    return all(map(math.isfinite, value.ravel().tolist())) if hasattr(value, "ravel") else math.isfinite(value)


def is_ordinary(result: Any) -> bool:
    """Whether every number of a result is finite and, if not 0, has all its digits."""
    if isinstance(result, dict):
        return all(map(is_ordinary, result.values()))
    if isinstance(result, list | tuple):
        return all(map(is_ordinary, result))
    if hasattr(result, "ravel"):
        return all(map(is_ordinary, result.ravel().tolist()))
    return math.isfinite(result) and (result == 0 or abs(result) >= _SMALLEST)


def as_doubles(result: Any) -> Any:
    """The same result with each wide number as the nearest double."""
    if isinstance(result, dict):
        return {key: as_doubles(part) for key, part in result.items()}
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result)(*map(as_doubles, result))
    if isinstance(result, list | tuple):
        return type(result)(map(as_doubles, result))
    if hasattr(result, "astype"):
        import numpy as np

        return np.asarray(result, object).astype(np.float64) if result.dtype == object else result
    return float(result) if hasattr(result, "__float__") and not isinstance(result, int) else result
