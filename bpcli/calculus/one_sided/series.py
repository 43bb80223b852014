"""Truncated power series in h → 0⁺, for one-sided slopes: one more kind of number that the rules run on.

A `Series` is Σ c·hᵖ + O(h^order), its terms by rising p. Terms beyond the order are unknown, so a series without terms
is not 0: it is O(h^order), and with an order of −∞ it may be anything. What has no value at any small h, such as √−h,
is undefined, as NaN is.

log(1/h) outgrows every constant and is outgrown by every power of 1/h. It is written as h^−ε with an ε so small that
it never adds up to the difference of two exponents; so its powers multiply and compare as all others do.
"""

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, Protocol, TypeVar

from bpcli.calculus.one_sided.coefficients import Coefficient, Reals
from bpcli.numbers.operators import UNKNOWN, negation

T = TypeVar("T")

INF = math.inf

EPSILON = Fraction(1, 2**61 - 1)  # a prime: other exponents have no such denominator
FLAT = 10**6  # e^(−1/h) is less than every power of h: it is written as O(h^FLAT)

Power = Any
"""A fraction, an int where it is whole, as that is much faster; for an order also ±∞."""


class Kind(Protocol):
    """A kind of series: the numbers of its coefficients, and how many terms to keep."""

    reals: Reals
    length: int
    zero: "Series"
    unknown: "Series"
    undefined: "Series"
    namespace: Any

    def lifted(self, x: Any) -> "Series":
        """A number as a series."""

    def select(self, condition: Any, x: "Series", y: "Series") -> "Series":
        """X where the condition holds, else y; what both share where that is open."""

    def divide(self, x: "Series", y: "Series") -> "Series":
        """x/y."""


def _operator(function: Callable[["Series", "Series"], T]) -> Callable[["Series", Any], T]:
    """An operator whose second operand may also be a number, which becomes a series."""

    def apply(x: "Series", other: Any) -> Any:
        if isinstance(other, Series):
            return function(x, other)
        return function(x, x.kind.lifted(other)) if isinstance(other, float | int) else NotImplemented

    return apply


class Series:
    """Σ c·hᵖ + O(h^order) with c ≠ 0, for h > 0; an `order` of ∞ says that the terms are all there is."""

    __slots__ = ("defined", "kind", "order", "terms")

    def __init__(
        self, terms: Iterable[tuple[Power, Coefficient]], order: Power, kind: Kind, defined: bool = True
    ) -> None:
        """`terms` are in order of their powers, no two of which are equal."""
        kept: list[tuple[Power, Coefficient]] = []
        kind.reals.work.done += 1
        for power, c in terms:
            if power >= order:
                break
            c = kind.reals.bounded(c)
            sign = kind.reals.sign(c)
            if sign is UNKNOWN or (sign and len(kept) == kind.length):
                order = power
                break
            if sign:
                kept.append((power, c))
        self.terms, self.order, self.kind, self.defined = tuple(kept), order, kind, defined

    @property
    def namespace(self) -> Any:
        """The namespace of such numbers."""
        return self.kind.namespace

    @property
    def first(self) -> Power:
        """The power of the first term, or from which nothing is known."""
        return self.terms[0][0] if self.terms else self.order

    @property
    def sign(self) -> Any:
        """The sign of the first term, 0 of an exact 0; UNKNOWN where no term is known."""
        if self.terms:
            return self.kind.reals.sign(self.terms[0][1])
        return 0 if self.is_zero() else UNKNOWN

    def is_zero(self) -> bool:
        """Whether it is exactly 0."""
        return not self.terms and self.order == INF

    def coefficient(self, power: Power) -> Coefficient:
        """The coefficient of a power below the order."""
        return next((c for p, c in self.terms if p == power), Fraction(0))

    def truncated(self, order: Power) -> "Series":
        """The terms below an order."""
        return Series(self.terms, min(order, self.order), self.kind) if self.defined else self

    def shifted(self, power: Power, factor: Coefficient = Fraction(1)) -> "Series":
        """Times factor·h^power, with a factor that is not 0."""
        terms = [(p + power, c * factor) for p, c in self.terms]
        return Series(terms, sum_of(self.order, power), self.kind, self.defined)

    def __neg__(self) -> "Series":
        return self.shifted(0, Fraction(-1))

    def __abs__(self) -> "Series":
        return self.kind.select(self < 0, -self, self)

    def plus(self, other: "Series") -> "Series":
        """The sum, known as far as both are."""
        if not self.defined or not other.defined:
            return self.kind.undefined
        sums = dict(self.terms)
        for p, c in other.terms:
            sums[p] = sums[p] + c if p in sums else c
        return Series(sorted(sums.items(), key=_by_power), min(self.order, other.order), self.kind)

    def times(self, other: "Series") -> "Series":
        """The product: the unknown terms of one begin at its order plus the first power of the other."""
        if not self.defined or not other.defined:
            return self.kind.undefined
        if -INF in (self.order, other.order):  # 0 times an unknown number may be anything, as that may be ∞
            return self.kind.unknown
        if self.is_zero() or other.is_zero():
            return self.kind.zero
        if self.kind.reals.work.exhausted:
            return self.kind.unknown
        order = min(sum_of(self.order, other.first), sum_of(other.order, self.first))
        unit = math.lcm(*(p.denominator for p, _ in self.terms + other.terms))
        end = order if order == INF else order * unit
        counted = [(int(q * unit), d) for q, d in other.terms]
        products: dict[int, list[tuple[Coefficient, Coefficient]]] = {}
        for p, c in self.terms:
            first = int(p * unit)
            for q, d in counted:
                if first + q >= end:
                    break
                products.setdefault(first + q, []).append((c, d))
        total = self.kind.reals.sum_of_products
        powers = ((quotient(power, unit), total(products[power])) for power in sorted(products))
        product = Series(powers, order, self.kind)
        return self.kind.unknown if self.kind.reals.work.exhausted else product

    def less(self, other: "Series") -> Any:
        """Whether it is smaller for all small h: True, False or UNKNOWN."""
        if self is other or not self.defined or not other.defined:
            return False
        return _truth((self - other).sign, lambda sign: sign < 0)

    def equal(self, other: "Series") -> Any:
        """Whether it is the same for all small h."""
        if not self.defined or not other.defined:
            return False
        if self is other and self.order > -INF:  # else it may be undefined
            return True
        return _truth((self - other).sign, lambda sign: sign == 0)

    def at_most(self, other: "Series") -> Any:
        """Whether it is smaller or the same for all small h."""
        if not self.defined or not other.defined:
            return False
        return self.equal(other) if self is other else negation(other.less(self))

    __add__ = __radd__ = _operator(plus)
    __mul__ = __rmul__ = _operator(times)
    __sub__ = _operator(lambda x, y: x.plus(-y))
    __rsub__ = _operator(lambda x, y: y.plus(-x))
    __truediv__ = _operator(lambda x, y: x.kind.divide(x, y))
    __rtruediv__ = _operator(lambda x, y: x.kind.divide(y, x))
    __lt__ = _operator(less)
    __le__ = _operator(at_most)
    __gt__ = _operator(lambda x, y: y.less(x))
    __ge__ = _operator(lambda x, y: y.at_most(x))
    __eq__ = _operator(equal)
    __ne__ = _operator(lambda x, y: negation(x.equal(y)))


def whole(p: Power) -> Power:
    """The power, as an int if it is whole."""
    return p.numerator if p.denominator == 1 else p


def quotient(p: int, unit: int) -> Power:
    """The power p/unit."""
    return p if unit == 1 else whole(Fraction(p, unit))


def sum_of(x: Power, y: Power) -> Power:
    """x + y; fractions may be too large to be added to ∞ as doubles."""
    return next((one for one in (x, y) if one in (INF, -INF)), None) or x + y


def _by_power(term: tuple[Power, Coefficient]) -> Power:
    return term[0]


def _truth(sign: Any, answer: Callable[[int], bool]) -> Any:
    return UNKNOWN if sign is UNKNOWN else answer(sign)
