"""Numeric values of coefficients, for the signs that their exact form does not tell: doubles or decimals with an error
bound, or balls."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.numbers.namespaces import FLOATS
from bpcli.numbers.operators import UNKNOWN

ROWS = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
}  # fmt: skip
"""The rows of the table of functions whose names differ from those of the namespaces."""

Bounded = tuple[float, float]
"""A double, and a bound of its distance from the true number, ∞ if there is none."""
_ULP = 2.0**-52
_LOST = 2.0**-20  # of a number: what is off by more has lost digits
_SMALLEST = 2.0**-1073
_NOTHING = Fraction(1, 1 << 1075)  # what is at most this rounds to 0
_SHOWN_BITS = 40  # that a ball is known to, to stand in a note as a double


class Doubles:
    """Values as doubles with an error bound: a few units for each step, and the errors passed on from those before.

    `cost` is that of a step, in products of short fractions.
    """

    unknown = beyond_proof = math.nan
    anything = 0.0, math.inf
    cost = 1

    def pi(self) -> Bounded:
        """π."""
        return math.pi, _ULP

    def of(self, x: Fraction) -> Bounded:
        """A fraction."""
        try:
            value = float(x)
        except OverflowError:
            return math.inf if x > 0 else -math.inf, math.inf
        exact = x.denominator & (x.denominator - 1) == 0 and x.numerator.bit_length() <= 53
        return value, 0.0 if exact and value == x else abs(value) * _ULP + 5e-324

    def plus(self, x: Bounded, y: Bounded) -> Bounded:
        """The sum."""
        total = x[0] + y[0]
        return total, x[1] + y[1] + abs(total) * _ULP

    def times(self, x: Bounded, y: Bounded) -> Bounded:
        """The product."""
        product = x[0] * y[0]
        error = abs(x[0]) * y[1] + abs(y[0]) * x[1] + x[1] * y[1]
        return product, error + abs(product) * _ULP + 5e-324

    def power(self, x: Bounded, p: Fraction | int) -> Bounded:
        """The power: an error of x counts p-fold."""
        exponent = self.of(Fraction(p))[0]
        value = FLOATS.power(x[0], exponent)
        if not math.isfinite(value) or not x[0] or not x[1] < abs(x[0]) / 2:
            return value, math.inf
        spread = abs(exponent) * (2.0 * x[1] / abs(x[0]) + _ULP * abs(math.log(abs(x[0]))))
        return value, abs(value) * (spread if spread < 0.1 else math.inf) + 4.0 * abs(value) * _ULP + 5e-324

    def function(self, name: str, x: Bounded) -> Bounded | None:
        """The function: an error of x counts as often as the slope says."""
        row, xp = FUNCTIONS[ROWS.get(name, name)], PlainNamespace(FLOATS)
        assert row.value is not None
        value = row.value(xp, x[0])
        slope = row.partial(0)(xp, value, x[0])
        error = 2.0 * abs(slope) * x[1] + 4.0 * abs(value) * _ULP + 5e-324
        return (value, error) if math.isfinite(value) and math.isfinite(error) else None

    def sign(self, x: Bounded) -> Any:
        """The sign, where the error leaves no doubt."""
        return UNKNOWN if not abs(x[0]) > 2.0 * x[1] else 1 if x[0] > 0 else -1

    def result(self, x: Bounded) -> float:
        """The number to show; NaN where rounding may have left no digits."""
        return x[0] if x[1] <= abs(x[0]) * _LOST + _SMALLEST else math.nan

    def shown(self, x: float) -> float:
        """A result as a double."""
        return x

    def approximate(self, x: Bounded) -> float:
        """A double near it."""
        return x[0]

    def is_finite(self, x: Any) -> bool:
        """Whether a result is finite."""
        return math.isfinite(x)


class Decimals:
    """Values as decimals with an error bound, at points where doubles over- or underflow."""

    unknown = beyond_proof = math.nan
    cost = 2

    def __init__(self) -> None:
        from bpcli.numbers import wide

        self._space, self._number = wide.wides(), wide.Wide
        self.anything = wide.in_doubt(wide.wide(0.0))

    def pi(self) -> Any:
        """π."""
        return self._space.pi

    def of(self, x: Fraction) -> Any:
        """A fraction."""
        whole = (self._number(Decimal(part)) for part in (x.numerator, x.denominator))
        return self._space.functions["divide"](*whole)

    def ends(self, x: Any) -> tuple[Fraction | float, Fraction | float]:
        """Two numbers between which it lies."""
        low, high = x.ends
        return low, high

    def plus(self, x: Any, y: Any) -> Any:
        """The sum."""
        return x + y

    def times(self, x: Any, y: Any) -> Any:
        """The product."""
        return x * y

    def power(self, x: Any, p: Fraction | int) -> Any:
        """The power."""
        return self._space.functions["power"](x, self.of(Fraction(p)))

    def function(self, name: str, x: Any) -> Any:
        """The function; None where there is no finite number."""
        found = self._space.functions[name](x)
        return found if found.x.is_finite() and found.error.is_finite() else None

    def sign(self, x: Any) -> Any:
        """The sign, where the error leaves no doubt."""
        return UNKNOWN if x.x.is_nan() or x.x.copy_abs() <= x.error else 1 if x.x > 0 else -1

    def result(self, x: Any) -> float:
        """The number to show; NaN where rounding may have left no digits."""
        return float(x) if x.is_known else math.nan

    def shown(self, x: float) -> float:
        """A result as a double."""
        return x

    def approximate(self, x: Any) -> float:
        """A double near it."""
        return float(x.x)

    def is_finite(self, x: Any) -> bool:
        """Whether a result is finite."""
        return math.isfinite(x)


class Balls:
    """Values as balls, at the precision of the context."""

    def __init__(self) -> None:
        from bpcli.numbers import balls, enclosures

        self._space, self.of, self._power = balls.balls(), enclosures.rational, balls.power
        self._accuracy, self._enclosure, self._as_arb = enclosures.accuracy, enclosures.enclosure, enclosures.as_arb
        self.unknown, self.beyond_proof = enclosures.ANYTHING, enclosures.BEYOND_PROOF
        self.anything = enclosures.ANYTHING
        self.cost = 2 + enclosures.bits() // 512

    def pi(self) -> Any:
        """π."""
        return self._space.pi

    def ends(self, x: Any) -> tuple[Fraction | float, Fraction | float]:
        """Two numbers between which it lies."""
        low, high = self._enclosure(x)
        return low, high

    def plus(self, x: Any, y: Any) -> Any:
        """The sum."""
        return x + y

    def times(self, x: Any, y: Any) -> Any:
        """The product."""
        return x * y

    def power(self, x: Any, p: Fraction | int) -> Any:
        """The power."""
        return self._power(x, self.of(Fraction(p)))

    def function(self, name: str, x: Any) -> Any:
        """The function."""
        return self._space.functions[name](x)

    def sign(self, x: Any) -> Any:
        """The sign, where the ball leaves no doubt."""
        zero = self.of(Fraction(0))
        return 1 if (x > zero) is True else -1 if (x < zero) is True else UNKNOWN

    def result(self, x: Any) -> Any:
        """The number to show: the ball itself."""
        return x

    def shown(self, x: Any) -> float:
        """A result as a double, NaN where it is not known well."""
        if isinstance(x, float):
            return x
        if all(-_NOTHING <= end <= _NOTHING for end in self._enclosure(x)):
            return 0.0
        return self.approximate(x) if self._accuracy(x) >= _SHOWN_BITS else math.nan

    def approximate(self, x: Any) -> float:
        """A double near it."""
        return float(self._as_arb(x).mid())

    def is_finite(self, x: Any) -> bool:
        """Whether a result is finite, as far as is known."""
        return bool(self._space.isfinite(x))
