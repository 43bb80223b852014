"""A second run on wide numbers, where a step over- or underflowed on the way to a result within the doubles."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.function_rows import FAINT
from bpcli.calculus.sweeps.instructions import Instruction, Slot
from bpcli.calculus.sweeps.program import Program

T = TypeVar("T")

_SMALL, _LARGE = 2.0**-330, 2.0**330
"""Between these, 1e±100, the first and second derivatives of ordinary steps stay within the doubles."""

_TINY, _HUGE = 2.0**-511, 2.0**511
"""The same for gradients alone, at points where a step has over- or underflowed."""

_SMALLEST = 2.0**-1022  # of the doubles with all their digits

DIGITS = (50, 150, 450)
"""How many a wide number has: more where digits are lost."""

_ALIKE = 2.0**-40  # relative: results of doubles and of wide numbers that are one
_NEAR = 2.0**-50  # relative: doubles that are one but for rounding

_FALLEN = (1e-300, 1e-250)
"""What a number of 50 or of 150 digits has to fall below with 450 digits to be known as their rounding error."""

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
    """The result of `compute` on wide numbers, in so many digits that more don't change it; whether some are enough."""
    found, covered, sure = _in_more_and_more_digits(compute)
    return _compared(*found, covered=covered, sure=sure) if len(found) == len(DIGITS) else (found[-1], True)


def settled_rows(compute: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any, Any]:
    """The same for the rows of a table, and whatever is computed beside it; and which rows need no more digits."""
    import numpy as np

    found, covered, sure = _in_more_and_more_digits(compute)
    table, other = found[-1]
    if len(found) < len(DIGITS):
        return table, other, np.ones(len(table), bool)
    rows = [_compared(*row, covered=covered, sure=sure) for row in zip(*(one for one, _ in found), strict=True)]
    return np.array([row for row, _ in rows]), other, np.array([sure for _, sure in rows])


def _in_more_and_more_digits(compute: Callable[[], T]) -> tuple[list[T], bool, bool]:
    """The results, up to the first that is right for certain; whether in the last one the small terms count, too; and
    whether they do in each step that is 0.
    """
    from bpcli.numbers.decimals import digits

    found = []
    for number in DIGITS:
        with digits(number) as loss:
            found.append(compute())
        if loss.leaves_enough(number):
            return [found[-1]], True, True
    covered = loss.is_covered(number)
    return found, covered, covered or not loss.vanished


def _compared(few: T, more: T, most: T, *, covered: bool, sure: bool) -> tuple[T, bool]:
    """The result of most digits, with 0 for what falls as they rise; and whether all of it is known, if it may be.

    An entry is where fewer digits gave the same; one that falls is 0 if no small terms can hide behind others.
    """
    import numpy as np

    def compare(a: Any, b: Any, c: Any) -> Any:
        nonlocal sure
        if isinstance(c, dict):
            return {key: compare(a[key], b[key], c[key]) for key in c}
        if isinstance(c, list | tuple):
            return type(c)([compare(*entries) for entries in zip(a, b, c, strict=True)])
        if hasattr(c, "ravel"):
            entries = [compare(*entries) for entries in zip(*(x.ravel().tolist() for x in (a, b, c)), strict=True)]
            return np.array(entries, c.dtype).reshape(c.shape)
        if a == b == 0 or abs(c) <= abs(a) * _FALLEN[0] or abs(c) <= abs(b) * _FALLEN[1]:
            sure &= covered
            return c * 0.0 if covered else c
        sure &= bool(b == c or (b != b and c != c) or abs(b - c) <= _NEAR * abs(c))
        return c

    return compare(few, more, most), sure


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
