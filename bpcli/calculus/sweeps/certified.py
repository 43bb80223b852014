"""Results proven to the last digit: the same program and rules in ball arithmetic, at rising precision until each entry
is decided."""

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from bpcli.calculus.one_sided.kink_notes import Kink
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.blocks import Look
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.diagnostics import Diagnostics
from bpcli.calculus.sweeps.instructions import Elementwise, Instruction
from bpcli.calculus.sweeps.rounding import value_errors_at
from bpcli.calculus.sweeps.seeds import Point, columns_of, points_of
from bpcli.errors import NotFiniteError, UsageError
from bpcli.numbers.balls import balls
from bpcli.numbers.enclosures import BEYOND_PROOF, Ball, enclosure, precision
from bpcli.numbers.operators import UndecidedError
from bpcli.text.notation import Written, number

T = TypeVar("T")

MAX_BITS = 1 << 16
"""The highest precision that is tried; lower for a calculation of many entries."""

_FIRST_BITS = 80
_BITS_IN_ALL = 1 << 27  # of all entries together
_MAX_WORK = 1 << 16  # of series, in products of short fractions, up to which the precision is doubled
_MAX_ENTRIES = 1 << 20  # of a result, or of what it is computed from
_DIGITS_OF_DOUBLES = 15  # up to so many digits the nearest double is written, which is 0 below the range of doubles
_UNDERFLOW = Fraction(1, 1 << 1075)  # what is at most this rounds to 0


class Undecided(float):
    """NaN for a result that no precision decides, such as the value of a step function exactly at its jump."""


def certified(compute: Callable[[], T], digits: int | None, entries: int = 1, work: Callable[[], int] = lambda: 0) -> T:
    """The result of `compute` in balls, each Ball replaced by the double that is nearest for certain.

    The precision starts with 80 bits and doubles until each entry is decided, at most to `MAX_BITS`, or until the
    `work` of series exceeds its limit. With `digits` an entry is `Written`: its text is the true value rounded to so
    many significant digits, half to even. An entry that is not decided at the highest precision is `Undecided`. Raises
    NotFiniteError where no entry is decided.
    """
    before = work()
    most = max(_FIRST_BITS, min(MAX_BITS, _BITS_IN_ALL // max(1, entries)))
    bits = _FIRST_BITS
    while True:
        last = 2 * bits > most
        try:
            with precision(bits):
                result, missing = _replaced(compute(), digits)
            if last or not missing or work() - before > _MAX_WORK:
                break
        except UndecidedError:
            if last or work() - before > _MAX_WORK:
                raise NotFiniteError(f"{bits} bits do not decide on which side of a jump the point lies") from None
        bits *= 2
    return result


def _replaced(result: T, digits: int | None) -> tuple[T, bool]:
    """The result with floats in the place of balls, and whether one is missing."""
    missing = False

    def replace(x: Any) -> Any:
        nonlocal missing
        if isinstance(x, Ball):
            value = nearest_double(x) if digits is None else nearest_decimal(x, digits)
            missing |= value is None and x is not BEYOND_PROOF
            return Undecided(math.nan) if value is None else value
        return x

    return _each(result, replace), missing


def _each(x: Any, replace: Callable[[Any], Any]) -> Any:
    """A result with other numbers in it."""
    if isinstance(x, np.ndarray):
        values = np.empty(x.shape, object)
        values.reshape(-1)[:] = [_each(v, replace) for v in x.reshape(-1)]
        return values
    if isinstance(x, dict):
        return {name: _each(v, replace) for name, v in x.items()}
    return type(x)(_each(v, replace) for v in x) if isinstance(x, list | tuple) else replace(x)


def nearest_double(x: Ball) -> float | None:
    """The double nearest to the number, ties to even; None if the ball does not decide which."""
    low, high = map(_double, enclosure(x))
    return low + 0.0 if low == high or (low != low and high != high) else None  # −0 is 0


def _double(end: Fraction | float) -> float:
    try:
        return float(end)
    except OverflowError:
        return math.inf if end > 0 else -math.inf


def nearest_decimal(x: Ball, digits: int) -> float | None:
    """The number rounded to significant digits, half to even; None if the ball does not decide which."""
    low, high = enclosure(x)
    if isinstance(low, float) or isinstance(high, float):
        return _double(low) if _double(low) == _double(high) or low != low else None
    if digits <= _DIGITS_OF_DOUBLES and max(abs(low), abs(high)) <= _UNDERFLOW and low <= 0 <= high:
        return 0.0
    context = Context(digits, ROUND_HALF_EVEN)
    ends = {context.divide(Decimal(end.numerator), Decimal(end.denominator)) for end in (low, high)}
    if len(ends) > 1:
        return None
    return Written(_double(low), decimal_text(ends.pop(), digits))


def decimal_text(value: Decimal, digits: int) -> str:
    """A decimal of so many significant digits as `notation.number` writes a double."""
    if digits <= _DIGITS_OF_DOUBLES and math.isfinite(float(value)):
        return number(float(value))
    value = value.normalize(Context(digits))
    place = value.adjusted()
    if -4 <= place < digits:
        return f"{value:f}"
    return f"{value.scaleb(-place, Context(digits)):f}e{place}"


def _not_proven(x: Any) -> Any:
    """A result at a pole: no finite number is proven there."""
    return Undecided(math.nan) if isinstance(x, float) and math.isfinite(x) else x


class _InBalls(Calculation):
    """The calculation in ball arithmetic, at the precision of the context: every number in it is a ball."""

    def at_pole(self, point: Point) -> bool:
        """Whether a division by 0 is on the way to a result, on whose sides are ∞ and −∞; balls take that of +0."""
        try:
            with precision(_FIRST_BITS):
                return self.diagnostics.pole(point) is not None
        except UndecidedError:
            return False

    def series_work(self) -> int:
        """The work of the series about points so far."""
        return self.edges.work

    def check_dense(self, rows: int, columns: int, advice: str = "") -> None:
        """InputError for a matrix that would take too much memory."""
        entries = max(rows * columns, self.program.entries)
        if entries > _MAX_ENTRIES:
            raise UsageError(
                f"to certify {entries} entries would take minutes; {_MAX_ENTRIES} are allowed", "take doubles"
            )


class _OfProven(Diagnostics):
    """The diagnosis in doubles of a result that was proven without them."""

    def at_fault(self, point: Point, second: bool = False) -> str | None:
        """The operation to blame; also one of a 0 that doubles miss."""
        return super().at_fault(point, second) or self._lost_zero(point)

    def why_not_decided(self, point: Point, kinks: Sequence[Kink]) -> str | None:
        """Why more digits do not settle a result; also a 0 that doubles miss."""
        return super().why_not_decided(point, kinks) or self._lost_zero(point)

    def _lost_zero(self, point: Point) -> str | None:
        """The first operation without a value where an operand is 0, as one is up to rounding: 1/(0.1*3-0.3)."""
        values, xp = self.sweeps.forward(point), self.sweeps.namespace
        errors = value_errors_at(self.program, xp, values, {})
        for slot, step in enumerate(self.program.slots):
            if not isinstance(step, Elementwise):
                continue
            for k, a in enumerate(step.args):
                exact = xp.where(abs(values[a]) <= errors[a], 0.0, values[a])
                args = [exact if i == k else values[b] for i, b in enumerate(step.args)]
                if isinstance(self.program.slots[a], Instruction) and not self.sweeps.is_finite(step.value(xp, args)):
                    return f"{self.place(slot, point)}: {self.place(a, {})} is 0, which doubles miss by rounding"
        return None


class Certified(Calculation):
    """A calculation whose results are correctly rounded for certain: by ball arithmetic at rising precision.

    The variables are the doubles that were read; decimals of the text are what they say, and π and e are themselves.
    All steps are done in balls, and only the results are rounded, once.
    """

    def __init__(self, plain: Calculation, digits: int | None = None) -> None:
        super().__init__(plain.trees, plain.texts, plain.program.variables, plain.wrt, balls())
        self.plain, self.digits = plain, digits
        self._in_balls = _InBalls(plain.trees, plain.texts, plain.program.variables, plain.wrt, balls())

    def _certified(self, compute: Callable[..., T], point: Point, *args: Any) -> T:
        self._in_balls.kink = self.kink
        compute_there = functools.partial(compute, point, *args)
        result = certified(compute_there, self.digits, self.program.entries, self._in_balls.series_work)
        self.kinks = self._in_balls.kinks
        return _each(result, _not_proven) if self._in_balls.at_pole(point) else result

    def value(self, point: Point) -> list[Any]:
        """The value of each expression."""
        return self._certified(self._in_balls.value, point)

    def gradient(self, point: Point) -> tuple[Any, dict[str, Any]]:
        """The value and the gradient."""
        return self._certified(self._in_balls.gradient, point)

    def jacobian(self, point: Point) -> tuple[list[Any], dict[str, Any]]:
        """The values and the Jacobian."""
        return self._certified(self._in_balls.jacobian, point)

    def hessian(self, point: Point) -> tuple[Any, dict[str, Any], Any]:
        """The value, the gradient and the Hessian."""
        return self._certified(self._in_balls.hessian, point)

    def vjp(self, point: Point, v: Any) -> tuple[list[Any], dict[str, Any]]:
        """v·J."""
        return self._certified(self._in_balls.vjp, point, v)

    def jvp(self, point: Point, v: Any) -> tuple[list[Any], list[Any]]:
        """J·v."""
        return self._certified(self._in_balls.jvp, point, v)

    def value_block(self, columns: Point, table: Any = None, look: Look | None = None) -> list[Any]:
        """The values at B points, one by one."""
        return self._block(columns, self.output_shapes, self.value, table)

    def gradient_block(
        self, columns: Point, table: Any = None, kinks: list[Kink] | None = None, look: Look | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """The value and the gradient at B points, one by one."""
        self.require_scalar()
        names = self.input_shapes

        count = itertools.count()

        def results(point: Point) -> list[Any]:
            value, gradient = self.gradient(point)
            number = next(count)
            if kinks is not None:
                kinks.extend(kink._replace(point=number) for kink in self.kinks)
            return [value, *gradient.values()]

        value, *slopes = self._block(columns, [(), *names.values()], results, table)
        return value, dict(zip(names, slopes, strict=True))

    def _block(
        self, columns: Point, shapes: Sequence[Shape], results: Callable[[Point], list[Any]], table: Any
    ) -> list[Any]:
        points = points_of(columns)
        if table is None:
            table = np.empty((points, sum(map(math.prod, shapes))))
        for i in range(points):
            point = {name: column[..., i if column.shape[-1] > 1 else 0] for name, column in columns.items()}
            table[i] = [v for part in results(point) for v in np.ravel(part)]
        return columns_of(table, shapes)

    @property
    def diagnostics(self) -> Diagnostics:
        """The diagnosis in doubles."""
        return _OfProven(self.plain.sweeps, self.plain.edges, self.plain.texts)
