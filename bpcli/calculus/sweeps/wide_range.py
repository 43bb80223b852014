"""A second run on wide numbers, where a step over- or underflowed on the way to a result within the doubles."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.function_rows import FAINT
from bpcli.calculus.sweeps.instructions import Instruction, Slot
from bpcli.calculus.sweeps.program import Program
from bpcli.numbers.namespaces import arrays
from bpcli.numbers.operators import UndecidedError

T = TypeVar("T")

_SMALL, _LARGE = 2.0**-330, 2.0**330
"""Between these, 1e±100, the first and second derivatives of ordinary steps stay within the doubles."""

_TINY, _HUGE = 2.0**-511, 2.0**511
"""The same for gradients alone, at points where a step has over- or underflowed."""

_SMALLEST = 2.0**-1022  # of the doubles with all their digits

DIGITS = (50, 150, 450)
"""How many a wide number has: more where its error would show in a double."""

_ALIKE = 2.0**-40  # relative: results of doubles and of wide numbers that are one

MOST_ENTRIES = 1 << 16
"""Entries of a program times its sweeps, up to which a second run on wide numbers is worth the time: some seconds."""

TOO_LARGE = (
    "a step over- or underflowed, and the calculation is too large for numbers of a wider range: what is 0, tiny or "
    "not finite in the result may be so for this reason"
)


def leaves_range(program: Program, xp: PlainNamespace, values: list[float], slopes: bool) -> bool:
    """Whether a value is so large or small, or a 0 by underflow, that a step may have left the range of doubles.

    `slopes`: also where a slope may have that the value does not show.
    """
    for slot, value in zip(program.slots, values, strict=True):
        size = abs(value)
        if size > _LARGE or 0.0 < size < _SMALL:
            return True
        if size == 0.0 and isinstance(slot, Instruction) and _underflows(slot, values):
            return True
    return slopes and any(fades(slot, xp, values) for slot in program.slots)


def fades(slot: Slot, xp: PlainNamespace, values: list[Any]) -> Any:
    """Whether a step's slope, or its slope, may be far smaller than the value: a bool, or an array of bools."""
    if not isinstance(slot, Instruction) or slot.row is None or slot.row.fades is None:
        return False
    return slot.row.fades(xp, *[values[a] for a in slot.args]) <= FAINT


def _underflows(step: Instruction, values: list[float]) -> bool:
    """Whether a step that gives 0 may stand for something smaller than every double."""
    row = step.row
    return row is not None and (row.never_zero or (row.underflows and all(values[a] for a in step.args)))


def far_points(program: Program, values: list[Any], table: Any) -> Any:
    """The places of the points, of the trailing axis, at which a value lies far out or a result is not ordinary."""
    import numpy as np

    size = np.abs(table)
    far = ~np.isfinite(table).all(axis=1) | ((size < _SMALLEST) & (size > 0)).any(axis=1)
    finite = np.ones(1, bool)
    for slot, value in zip(program.slots, values, strict=True):
        size = np.abs(value)
        if isinstance(slot, str):
            finite = finite & np.isfinite(size).all(axis=tuple(range(size.ndim - 1)))
        outside = (size > _HUGE) | ((size < _TINY) & (size > 0))
        if isinstance(slot, Instruction) and (slot.row is None or slot.row.underflows or slot.row.never_zero):
            outside |= size == 0
        far |= outside.any(axis=tuple(range(outside.ndim - 1)))
    return np.flatnonzero(far & finite)


def is_finite(value: Any) -> bool:
    """Whether a number, or every entry of an array, is finite."""
    return all(map(math.isfinite, value.ravel().tolist())) if hasattr(value, "ravel") else math.isfinite(value)


def is_ordinary(result: Any, nor_zero: bool = False) -> bool:
    """Whether every number is finite and has all its digits, unless it is 0; with `nor_zero` also whether none is 0."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, list | tuple):
        return all(is_ordinary(part, nor_zero) for part in result)
    if hasattr(result, "ravel"):
        return is_ordinary(result.ravel().tolist(), nor_zero)
    return math.isfinite(result) and (abs(result) >= _SMALLEST or (result == 0 and not nor_zero))


def alike(a: Any, b: Any) -> bool:
    """Whether two results are one but for rounding."""
    if isinstance(a, dict):
        return all(alike(a[key], b[key]) for key in a)
    a, b = (part.tolist() if hasattr(part, "tolist") else part for part in (a, b))
    if isinstance(a, list | tuple):
        return all(alike(*parts) for parts in zip(a, b, strict=True))
    return bool(a == b or (math.isfinite(a) and abs(a - b) <= _ALIKE * abs(a)))


def merged(on_wide: Any, result: Any, plain: Any) -> Any:
    """The result on wide numbers, but `result` where it is not the plain one of doubles, or wide numbers give NaN."""
    if isinstance(result, dict):
        return {key: merged(on_wide[key], result[key], plain[key]) for key in result}
    if isinstance(result, list | tuple):
        return type(result)([merged(*parts) for parts in zip(on_wide, result, plain, strict=True)])
    same = (result == plain) | ((result != result) & (plain != plain))
    if hasattr(result, "ravel"):
        import numpy as np

        return np.where(same & (on_wide == on_wide), on_wide, result)
    return on_wide if same and on_wide == on_wide else result


def finite_of(on_wide: Any, plain: Any) -> Any:
    """The result on wide numbers where it is finite, else that of doubles."""
    if isinstance(plain, dict):
        return {key: finite_of(on_wide[key], plain[key]) for key in plain}
    if isinstance(plain, list | tuple):
        return type(plain)([finite_of(*parts) for parts in zip(on_wide, plain, strict=True)])
    if hasattr(plain, "ravel"):
        import numpy as np

        return np.where(np.isfinite(on_wide), on_wide, plain)
    return on_wide if math.isfinite(on_wide) else plain


def settled(compute: Callable[[], T]) -> tuple[T, bool]:
    """The result of `compute` on wide numbers, in so many digits that their errors don't show in doubles.

    And whether some are enough. Where a comparison stays open, each number may be off by any amount.
    """
    from bpcli.numbers.decimals import digits
    from bpcli.numbers.wide import in_doubt

    found = None
    for number in DIGITS:
        try:
            with digits(number):
                found = compute()
        except UndecidedError:
            continue
        if is_known(found):
            return found, True
    if found is not None:
        return found, False
    with digits(DIGITS[-1], open_comparisons=False):
        return _each(in_doubt, compute()), False


def settled_rows(compute: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any, Any]:
    """The same for the rows of a table: in doubles, which of them are known, and whatever is computed beside it."""
    (table, other), _ = settled(compute)
    return as_doubles(table), arrays().asarray([is_known(row) for row in table], bool), other


def is_known(result: Any) -> bool:
    """Whether the error of no wide number would show in a double."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, list | tuple):
        return all(map(is_known, result))
    if hasattr(result, "ravel"):
        return is_known(result.ravel().tolist())
    return bool(getattr(result, "is_known", True))


def as_doubles(result: Any) -> Any:
    """The same result with each wide number as the nearest double."""
    return _each(float, result)


def _each(function: Callable[[Any], Any], result: Any) -> Any:
    """The same result with a function of each wide number."""
    if isinstance(result, dict):
        return {key: _each(function, part) for key, part in result.items()}
    if isinstance(result, list | tuple):
        return type(result)([_each(function, part) for part in result])
    if hasattr(result, "astype"):
        import numpy as np

        if result.dtype != object:
            return result
        found = [function(number) for number in result.ravel().tolist()]
        return np.array(found, float if function is float else object).reshape(result.shape)
    return function(result) if hasattr(result, "is_known") else result
