"""The coefficients of series: real numbers in exact form, with a numeric value only where their sign is asked for.

A coefficient is a `Fraction`, or a `Real`: a sum of fractions times products of constants such as log 2, e^0.3 or π. So
log 2 − log 2 is exactly 0. Where the form does not tell the sign, the value does: a double with an error bound, or a
ball. A sign that neither tells is open, and is never taken for 0.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from bpcli.calculus.one_sided.factors import LARGEST, factors
from bpcli.numbers.elements import UNKNOWN

MAX_BITS = 4096  # of a fraction; of a longer one only the numeric value is kept
MAX_PRODUCTS = 64  # in a sum
SHORT = 128  # bits of a fraction up to which a product costs no more than one of the shortest
MAX_ROOT = 64  # the highest root of a fraction that is kept in exact form
_SMALL, _LARGE = Fraction(1, 1 << 500), Fraction(1 << 500)
_MOST_POWERS = 4  # of e, in a product of them

Power = Fraction | int
Product = tuple[tuple["Constant", Power], ...]
"""Constants and their exponents, in the order in which they were first met; () is 1."""
Coefficient = Any
"""A Fraction or a Real."""

_EXACT: Mapping[str, Mapping[int, int]] = {
    **{name: {0: 1} for name in ("exp", "cos", "cosh")},
    **{name: {1: 0} for name in ("log", "arccos", "arccosh")},
    **{name: {0: 0} for name in ("expm1", "log1p", "sin", "tan", "arcsin", "arctan", "sinh", "tanh", "arcsinh")},
    **{name: {0: 0} for name in ("arctanh", "erf")},
}
_IN_PI: Mapping[str, Mapping[int, Fraction]] = {
    "arcsin": {1: Fraction(1, 2), -1: Fraction(-1, 2)},
    "arccos": {0: Fraction(1, 2), -1: Fraction(1)},
    "arctan": {1: Fraction(1, 4), -1: Fraction(-1, 4)},
}


class Work:
    """The work of series, in products of short fractions; beyond `allowed` their numbers are unknown."""

    __slots__ = ("allowed", "done")

    def __init__(self, allowed: float = math.inf) -> None:
        self.allowed, self.done = allowed, 0

    @property
    def exhausted(self) -> bool:
        """Whether it exceeds what is allowed."""
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

    __slots__ = ("key", "products", "reals", "value")

    def __init__(self, products: dict[Product, Fraction], reals: "Reals") -> None:
        self.products, self.reals = products, reals
        self.key = frozenset(products.items())
        self.value: Any = None  # until it is asked for

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        """Whether the forms are the same."""
        return isinstance(other, Real) and self.key == other.key

    def __add__(self, other: Coefficient) -> Coefficient:
        total = dict(self.products)
        for product, factor in _products(other).items():
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


def _products(x: Coefficient) -> dict[Product, Fraction]:
    return x.products if isinstance(x, Real) else {(): x}


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
    kept = [(constant, exponent) for constant, exponent in exponents.items() if exponent]
    return tuple(sorted(kept, key=_by_index)), rational


class Reals:
    """The real numbers that coefficients are, with values by an `arithmetic` of doubles or of balls.

    `open` says that the sign of one of them was asked for, and is not known at this precision.
    """

    def __init__(self, arithmetic: Any, work: Work) -> None:
        self.arithmetic, self.work, self.open = arithmetic, work, False
        self._constants: dict[Any, Constant] = {}
        self.pi = self._named("pi", arithmetic.pi())

    def _named(self, name: Any, value: Any, exponent: Power = 1, base: int | None = None) -> Real:
        """A power of a constant, which is the one met before if its name is the same."""
        return Real({((self._constant(name, value, base), exponent),): Fraction(1)}, self)

    def _constant(self, name: Any, value: Any, base: int | None = None) -> Constant:
        if name not in self._constants:
            self._constants[name] = Constant(len(self._constants), name, value, self.arithmetic.sign(value), base)
        return self._constants[name]

    def of(self, products: dict[Product, Fraction]) -> Coefficient:
        """A sum in its simplest form; one that has grown too long becomes a constant without a name."""
        kept = {product: factor for product, factor in products.items() if factor}
        if not kept or kept.keys() == {()}:
            return self.bounded(kept.get((), Fraction(0)))
        one = Real(kept, self)
        long = len(kept) > MAX_PRODUCTS or any(_bits(factor) > MAX_BITS for factor in kept.values())
        return self._named(object(), self.numeric(one)) if long else one

    def sum_of_products(self, pairs: Sequence[tuple[Coefficient, Coefficient]]) -> Coefficient:
        """Σ c·d of pairs (c, d); an unknown number once the work is exhausted."""
        numerator, denominator, total = 0, 1, dict[Product, Fraction]()
        for c, d in pairs:
            self.work.done += _cost(c, d)
            if self.work.exhausted:
                return self._named(object(), self.arithmetic.anything)
            if not isinstance(c, Real) and not isinstance(d, Real):
                new, below = c.numerator * d.numerator, c.denominator * d.denominator
                if below == denominator:
                    numerator += new
                else:
                    common = math.lcm(denominator, below)
                    numerator = numerator * (common // denominator) + new * (common // below)
                    denominator = common
                continue
            for one, factor in _products(c).items():
                for two, other_factor in _products(d).items():
                    product, whole = _product(one, two)
                    term = factor * other_factor
                    total[product] = total.get(product, Fraction(0)) + (term if whole == 1 else term * whole)
        rational = Fraction(numerator, denominator)
        if not total:
            return rational
        total[()] = total.get((), Fraction(0)) + rational
        return self.of(total)

    def bounded(self, x: Coefficient) -> Coefficient:
        """A coefficient; a fraction that is too long is replaced by its value."""
        return x if isinstance(x, Real) or _bits(x) <= MAX_BITS else self._named(object(), self.arithmetic.of(x))

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
        sign = self._sign(x)
        while sign is UNKNOWN and isinstance(x, Real) and (found := self._without_inverse(x)) is not None:
            x = found
            sign = self._sign(x)
        self.open |= sign is UNKNOWN
        return sign

    def _sign(self, x: Coefficient) -> Any:
        if not isinstance(x, Real):
            return (x > 0) - (x < 0)
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
            inverse = self._constant(("1/", x), self.arithmetic.power(self.numeric(x), -1))
            inverse.inverse_of = x
            return Real({((inverse, 1),): Fraction(1)}, self)
        ((product, factor),) = x.products.items()
        turned, rational = _product((), tuple((constant, -exponent) for constant, exponent in product))
        return self.of({turned: rational / factor})

    def power(self, x: Coefficient, p: Fraction) -> Coefficient:
        """x^p of an x above 0, and of an x below 0 where p is a whole number."""
        if isinstance(x, Real):
            if len(x.products) == 1 and p.denominator <= MAX_ROOT:
                ((product, factor),) = x.products.items()
                if factor > 0 and all(constant.sign == 1 for constant, _ in product):
                    raised, rational = _product((), tuple((constant, exponent * p) for constant, exponent in product))
                    return self.sum_of_products([(self.of({raised: rational}), self.power(factor, p))])
            if p.denominator == 1 and abs(p) <= MAX_ROOT:
                result, times = Fraction(1), x if p > 0 else self.inverse(x)
                for _ in range(abs(int(p))):
                    result = result * times
                return result
            return self._named(("power", x, p), self.arithmetic.power(self.numeric(x), p))
        if x == 1:
            return x
        if abs(p.numerator) * _bits(x) > MAX_BITS or p.denominator > MAX_ROOT:
            return self._named(("power", x, p), self.arithmetic.power(self.arithmetic.of(x), p))
        if p.denominator == 1:
            return self.bounded(x**p.numerator)
        whole_part, roots = Fraction(1), list[tuple[Constant, Power]]()
        for base, n in factors(x, MAX_ROOT).items():
            whole, rest = divmod(n * p, 1)
            whole_part *= Fraction(base) ** int(whole)
            if rest:
                roots.append((self._constant(("whole", base), self.arithmetic.of(Fraction(base)), base), rest))
        return self.of({tuple(sorted(roots, key=_by_index)): whole_part})

    def function(self, name: str, x: Coefficient) -> Coefficient | None:
        """f(x) of an f that is finite and smooth near x, or at the end of its domain there; None if it is not known."""
        if not isinstance(x, Real) and x in _EXACT.get(name, {}):
            return Fraction(_EXACT[name][int(x)])
        if not isinstance(x, Real) and x in _IN_PI.get(name, {}):
            return self.pi * _IN_PI[name][int(x)]
        value = self.arithmetic.function(name, self.numeric(x))
        if value is None:
            return None
        simple = self._in_simpler_ones(name, x)
        if simple is None:
            return self._named((name, x), value)
        if isinstance(simple, Real):
            simple.value = value  # with fewer roundings than the sum of its parts
        return simple

    def _in_simpler_ones(self, name: str, x: Coefficient) -> Coefficient | None:
        """f(x) as powers of e and logarithms, or of a multiple of π; None where there is nothing simpler."""
        if name == "exp":
            return self._exponential(x)
        if name == "log":
            return self._logarithm(x)
        if name == "log1p":
            return self._logarithm(x + Fraction(1))
        if name == "expm1":
            e = self._exponential(x)
            return None if e is None else e - Fraction(1)
        if name in ("sinh", "cosh", "tanh"):
            e = self._exponential(x)
            if e is None:
                return None
            other = self.inverse(e)
            if name == "tanh":
                return (e - other) * self.inverse(e + other)
            return (e + other if name == "cosh" else e - other) * Fraction(1, 2)
        if name in ("sin", "cos", "tan") and isinstance(x, Real) and len(x.products) == 1:
            ((product, factor),) = x.products.items()
            (constant, exponent), *others = product
            if constant.name == "pi" and exponent == 1 and not others and (2 * factor).denominator == 1:
                quarters = int(2 * factor) + (name == "cos")
                sine, cosine = ([0, 1, 0, -1][k % 4] for k in (quarters, quarters + 1))
                return Fraction(sine) if name != "tan" else Fraction(0) if cosine else None
        return None

    @property
    def e(self) -> Coefficient:
        """The base of the natural logarithm."""
        return self.function("exp", Fraction(1))

    def _exponential(self, x: Coefficient) -> Coefficient | None:
        """e^x as the product of e^(f·p) over the products p of x: powers of e^p, and b^f of a p = log b."""
        if len(_products(x)) > _MOST_POWERS:
            return None
        result: Coefficient = Fraction(1)
        for product, factor in _products(x).items():
            constant, exponent = product[0] if len(product) == 1 else (None, 0)
            if (
                constant is not None
                and exponent == 1
                and isinstance(constant.name, tuple)
                and constant.name[0] == "log"
            ):
                part = self.power(constant.name[1], factor)
            else:
                base = self.of({product: Fraction(1)})
                value = self.arithmetic.function("exp", self.numeric(base))
                if value is None or _bits(factor) > MAX_BITS:
                    return None
                named = self._constant(("exp", base), value)
                if factor not in named.powers:
                    direct = self.arithmetic.function("exp", self.numeric(base * factor))
                    if direct is None:
                        return None
                    named.powers[factor] = direct
                part = Real({((named, factor),): Fraction(1)}, self)
            result = result * part
        return result

    def _logarithm(self, x: Coefficient) -> Coefficient | None:
        """log x as the sum of n·log b over its powers bⁿ; None of a sum of several products."""
        if isinstance(x, Real):
            if len(x.products) > 1:
                return None
            ((product, factor),) = x.products.items()
            if factor <= 0 or any(constant.sign != 1 for constant, _ in product):
                return None
        else:
            product, factor = (), x
            if x <= 0:
                return None
        total: Coefficient = Fraction(0)
        powers = factors(factor, MAX_ROOT if _bits(factor) <= MAX_BITS // 2 else 1)
        if max(powers, default=0) > LARGEST:  # its logarithms may cancel: it stays as it is, but for a common power
            common = math.gcd(*powers.values())
            base = math.prod([Fraction(base) ** (n // common) for base, n in powers.items()], start=Fraction(1))
            total = self._log_of(base) * Fraction(common)
            powers = {}
        for whole, n in powers.items():
            total = self._log_of(Fraction(whole)) * Fraction(n) + total
        for constant, exponent in product:
            if isinstance(constant.name, tuple) and constant.name[0] == "exp":
                part = constant.name[1]
            else:
                part = self._log_of(
                    Fraction(constant.base) if constant.base else Real({((constant, 1),): Fraction(1)}, self)
                )
            total = part * Fraction(exponent) + total
        return total

    def _log_of(self, base: Coefficient) -> Real:
        value = self.arithmetic.function("log", self.numeric(base))
        return self._named(("log", base), self.arithmetic.anything if value is None else value)

    def angle(self, y: Coefficient, x: Coefficient) -> Coefficient | None:
        """atan2(y, x), on the upper side of the negative axis; None if it is not known."""
        signs = self.sign(x), self.sign(y)
        if UNKNOWN in signs or signs == (0, 0):
            return None
        if signs[0] == 0:
            return self.pi * Fraction(signs[1], 2)
        angle = self.function("arctan", y * self.inverse(x))
        return angle if angle is None or signs[0] > 0 else angle + self.pi * (1 if signs[1] >= 0 else -1)


def _cost(x: Coefficient, y: Coefficient) -> int:
    """What the product of two costs."""
    terms, bits = 1, 0
    for one in (x, y):
        if isinstance(one, Real):
            terms *= len(one.products)
            bits += max(map(_bits, one.products.values()))
        else:
            bits += _bits(one)
    return terms * (1 + bits // SHORT)


def _bits(x: Fraction) -> int:
    return x.numerator.bit_length() + x.denominator.bit_length()


def _by_index(pair: tuple[Constant, Power]) -> int:
    return pair[0].index
