"""The coefficients of series: real numbers in exact form, with a numeric value only where their sign is asked for.

A coefficient is a `Fraction`, or a `Real`: a sum of fractions times products of constants such as log 2, e^0.3 or π. So
log 2 − log 2 is exactly 0. Where the form does not tell the sign, the value does: a double with an error bound, or a
ball. A sign that neither tells is open, and is never taken for 0.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from bpcli.calculus.one_sided.factors import factors
from bpcli.numbers.operators import UNKNOWN

MAX_BITS = 4096  # of a fraction; of a longer one only the numeric value is kept
MAX_PRODUCTS = 64  # in a sum
SHORT = 128  # bits of a fraction up to which a product costs no more than one of the shortest
MAX_ROOT = 64  # the highest root of a fraction that is kept in exact form
_SMALL, _LARGE = Fraction(1, 1 << 500), Fraction(1 << 500)

Power = Fraction | int
Product = tuple[tuple["Constant", Power], ...]
"""Constants and their exponents, in the order in which they were first met; () is 1."""
Coefficient = Any
"""A Fraction or a Real."""


class Work:
    """The work of series, in products of short fractions; beyond `allowed` their numbers are unknown."""

    __slots__ = ("allowed", "done")

    def __init__(self, allowed: float = math.inf) -> None:
        self.allowed, self.done = allowed, 0

    @property
    def exhausted(self) -> bool:
        """Whether more work has been done than is allowed."""
        return self.done > self.allowed


class Constant:
    """A real number with a name, not 0 unless its `sign` is open.

    A `base` is the whole number that it is itself, of which only powers below 1 are written; `inverse_of` the sum that
    it is 1 over.
    """

    __slots__ = ("base", "index", "inverse_of", "name", "powers", "sign", "value")

    def __init__(self, index: int, name: Any, value: Any, sign: Any, base: int | None) -> None:
        self.index, self.name, self.value, self.sign, self.base = index, name, value, sign, base
        self.inverse_of: Coefficient = None
        self.powers: dict[Power, Any] = {1: value}

    def power(self, exponent: Power, arithmetic: Any) -> Any:
        """The value of a power."""
        if exponent not in self.powers:
            self.powers[exponent] = arithmetic.power(self.value, exponent)
        return self.powers[exponent]


class Real:
    """Σ fraction·Π constant^exponent, of at least one constant."""

    __slots__ = ("products", "reals", "sign", "value")

    def __init__(self, products: dict[Product, Fraction], reals: "Reals") -> None:
        self.products, self.reals = products, reals
        self.value: Any = None  # until it is asked for
        self.sign: Any = UNKNOWN  # until it is found, and kept, for later the work may be exhausted

    def __hash__(self) -> int:
        return hash(frozenset(self.products.items()))

    def __eq__(self, other: object) -> bool:
        """Whether the forms are the same."""
        return isinstance(other, Real) and self.products == other.products

    def __add__(self, other: Coefficient) -> Coefficient:
        total = dict(self.products)
        for product, factor in products_of(other).items():
            total[product] = total.get(product, Fraction(0)) + factor
        return self.reals.of(total)

    def __mul__(self, other: Coefficient) -> Coefficient:
        return self.reals.sum_of_products([(self, other)])

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Coefficient:
        return self * Fraction(-1)

    def __sub__(self, other: Coefficient) -> Coefficient:
        return self + -other

    def __rsub__(self, other: Coefficient) -> Coefficient:
        return -self + other


def products_of(x: Coefficient) -> dict[Product, Fraction]:
    """The products of a sum, and the fraction before each."""
    return x.products if isinstance(x, Real) else {(): x}


@lru_cache(4096)
def _product(one: Product, two: Product) -> tuple[Product, Fraction]:
    """The product of two, and the fraction that whole powers of whole numbers come to."""
    if not one and not any(constant.base for constant, _ in two):
        return two, Fraction(1)
    if not two and not any(constant.base for constant, _ in one):
        return one, Fraction(1)
    exponents, rational = dict(one), Fraction(1)
    for constant, exponent in two:
        exponents[constant] = exponents.get(constant, 0) + exponent
        if constant.base is not None:
            whole, exponents[constant] = divmod(exponents[constant], 1)
            rational *= Fraction(constant.base) ** int(whole)
    kept = [(constant, _short(exponent)) for constant, exponent in exponents.items() if exponent]
    return tuple(sorted(kept, key=_by_index)), rational


def _short(exponent: Power) -> Power:
    """The exponent, as an int if it is whole: as a key that is much faster."""
    return exponent.numerator if exponent.denominator == 1 else exponent


class Reals:
    """The real numbers that coefficients are, with values by an `arithmetic` of doubles or of balls.

    `open`: a sign was asked for that is not known at this precision.
    """

    def __init__(self, arithmetic: Any, work: Work) -> None:
        self.arithmetic, self.work, self.open = arithmetic, work, False
        self._constants: dict[Any, Constant] = {}
        self.pi = self.named("pi", arithmetic.pi())

    def named(self, name: Any, value: Any) -> Real:
        """The number that a constant is."""
        return Real({((self.constant(name, value), 1),): Fraction(1)}, self)

    def constant(self, name: Any, value: Any, base: int | None = None) -> Constant:
        """The constant of this name: the one that was met before, or a new one."""
        if name not in self._constants:
            self._constants[name] = Constant(len(self._constants), name, value, self.arithmetic.sign(value), base)
        return self._constants[name]

    def of(self, products: dict[Product, Fraction]) -> Coefficient:
        """A sum in its simplest form; one that has grown too long becomes a constant without a name."""
        kept = {product: factor for product, factor in products.items() if factor}
        if not kept or kept.keys() == {()}:
            return self.bounded(kept.get((), Fraction(0)))
        one = Real(kept, self)
        long = len(kept) > MAX_PRODUCTS or any(bits_of(factor) > MAX_BITS for factor in kept.values())
        return self.named(object(), self.numeric(one)) if long else one

    def sum_of_products(self, pairs: Sequence[tuple[Coefficient, Coefficient]]) -> Coefficient:
        """Σ c·d of pairs (c, d); an unknown number once the work is exhausted."""
        numerator, denominator, total = 0, 1, dict[Product, Fraction]()
        for c, d in pairs:
            self.work.done += _cost(c, d)
            if self.work.exhausted:
                return self.named(object(), self.arithmetic.anything)
            if not isinstance(c, Real) and not isinstance(d, Real):
                new, below = c.numerator * d.numerator, c.denominator * d.denominator
                if below == denominator:
                    numerator += new
                else:
                    common = math.lcm(denominator, below)
                    numerator = numerator * (common // denominator) + new * (common // below)
                    denominator = common
                continue
            for one, factor in products_of(c).items():
                for two, other_factor in products_of(d).items():
                    product, whole = _product(one, two)
                    term = factor * other_factor
                    term = term if whole == 1 else term * whole
                    before = total.setdefault(product, term)
                    if before is not term:
                        total[product] = before + term
        rational = Fraction(numerator, denominator)
        if not total:
            return rational
        total[()] = total.get((), Fraction(0)) + rational
        return self.of(total)

    def bounded(self, x: Coefficient) -> Coefficient:
        """A coefficient; a fraction that is too long is replaced by its value."""
        return x if isinstance(x, Real) or bits_of(x) <= MAX_BITS else self.named(object(), self.arithmetic.of(x))

    def numeric(self, x: Coefficient) -> Any:
        """The value, as the arithmetic has it."""
        if not isinstance(x, Real):
            return self.arithmetic.of(x)
        if x.value is None:
            total = self.arithmetic.of(Fraction(0))
            for product, factor in x.products.items():
                self.work.done += (1 + len(product)) * self.arithmetic.cost
                term = self.arithmetic.of(factor)
                for constant, exponent in product:
                    term = self.arithmetic.times(term, constant.power(exponent, self.arithmetic))
                total = self.arithmetic.plus(total, term)
            x.value = total
        return x.value

    def sign(self, x: Coefficient) -> Any:
        """1, 0 or −1, or UNKNOWN."""
        if isinstance(x, Real) and x.sign is not UNKNOWN:
            return x.sign
        sign, alike = self._sign(x), x
        while sign is UNKNOWN and isinstance(alike, Real) and (found := self._without_inverse(alike)) is not None:
            sign, alike = self._sign(found), found
        if isinstance(x, Real):
            x.sign = sign
        self.open |= sign is UNKNOWN
        return sign

    def _sign(self, x: Coefficient) -> Any:
        if not isinstance(x, Real):
            return (x.numerator > 0) - (x.numerator < 0)
        if len(x.products) > 1:
            sign = self.arithmetic.sign(self.numeric(x))
            size = max(map(abs, x.products.values()))
            if sign is UNKNOWN and not _SMALL < size < _LARGE:  # doubles may have under- or overflowed
                scaled = Real({product: factor / size for product, factor in x.products.items()}, self)
                sign = self.arithmetic.sign(self.numeric(scaled))
            return sign
        ((product, factor),) = x.products.items()
        signs = [constant.sign if exponent % 2 or constant.sign is UNKNOWN else 1 for constant, exponent in product]
        return math.prod(signs) * (1 if factor > 0 else -1) if UNKNOWN not in signs else UNKNOWN

    def _without_inverse(self, x: Real) -> Coefficient | None:
        """A number of the same sign: times so high a power of a sum that it is 1 over nowhere; None if it is nowhere.

        So 1/(1 + t) − 1 has the sign of −t, however small that is.
        """
        inverses = (
            c for product in x.products for c, _ in product if c.inverse_of is not None and c.sign is not UNKNOWN
        )
        inverse = next(inverses, None)
        if inverse is None:
            return None
        parts = [(dict(product), factor) for product, factor in x.products.items()]
        highest = max([int(exponents.get(inverse, 0)) for exponents, _ in parts])
        pairs = []
        for exponents, factor in parts:
            exponent = highest - int(exponents.pop(inverse, 0))
            rest = self.of({tuple(exponents.items()): factor})
            pairs.append((rest, self.power(inverse.inverse_of, Fraction(exponent))))
        total = self.sum_of_products(pairs)
        return -total if inverse.sign < 0 and highest % 2 else total

    def inverse(self, x: Coefficient) -> Coefficient:
        """1/x of an x that is not 0."""
        if not isinstance(x, Real):
            return 1 / x
        if len(x.products) > 1:
            inverse = self.constant(("1/", x), self.arithmetic.power(self.numeric(x), -1))
            inverse.inverse_of = x
            return Real({((inverse, 1),): Fraction(1)}, self)
        ((product, factor),) = x.products.items()
        turned, rational = _product((), tuple((constant, -exponent) for constant, exponent in product))
        return self.of({turned: rational / factor})

    def power(self, x: Coefficient, p: Power) -> Coefficient:
        """x^p of an x above 0, and of an x below 0 where p is a whole number."""
        if isinstance(x, Real):
            if len(x.products) == 1 and p.denominator <= MAX_ROOT:
                ((product, factor),) = x.products.items()
                lengths = [
                    abs(Fraction(exponent) * p) * (constant.base or 0).bit_length() for constant, exponent in product
                ]
                if factor > 0 and sum(lengths) <= MAX_BITS and all(constant.sign == 1 for constant, _ in product):
                    raised, rational = _product((), tuple((constant, exponent * p) for constant, exponent in product))
                    return self.sum_of_products([(self.of({raised: rational}), self.power(factor, p))])
            if p.denominator == 1 and abs(p.numerator) <= MAX_ROOT:
                result, times = Fraction(1), x if p > 0 else self.inverse(x)
                for _ in range(abs(p.numerator)):
                    result = result * times
                return result
            return self.named(("power", x, p), self.arithmetic.power(self.numeric(x), p))
        if x == 1:
            return x
        if abs(p.numerator) * bits_of(x) > MAX_BITS or p.denominator > MAX_ROOT:
            return self.named(("power", x, p), self.arithmetic.power(self.arithmetic.of(x), p))
        if p.denominator == 1:
            return self.bounded(x**p.numerator)
        whole_part, roots = Fraction(1), list[tuple[Constant, Power]]()
        for base, n in factors(x, MAX_ROOT).items():
            whole, rest = divmod(n * p, 1)
            whole_part *= Fraction(base) ** int(whole)
            if rest:
                roots.append((self.constant(("whole", base), self.arithmetic.of(Fraction(base)), base), rest))
        return self.of({tuple(sorted(roots, key=_by_index)): whole_part})


def _cost(x: Coefficient, y: Coefficient) -> int:
    """The cost of a product of two, in products of short fractions."""
    terms, bits = 1, 0
    for one in (x, y):
        if isinstance(one, Real):
            terms *= len(one.products)
            bits += max(map(bits_of, one.products.values()))
        else:
            bits += bits_of(one)
    return terms * (1 + bits // SHORT)


def bits_of(x: Fraction) -> int:
    """The length of a fraction."""
    return x.numerator.bit_length() + x.denominator.bit_length()


def _by_index(pair: tuple[Constant, Power]) -> int:
    return pair[0].index
