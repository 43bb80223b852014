"""The coefficients of series: real numbers in exact form, with a numeric value only where their sign is asked for.

A coefficient is a `Fraction`, or a `Real`: a sum of fractions times products of constants such as log 2, e^0.3 or π. So
log 2 − log 2 is exactly 0. Where the form does not tell the sign, the value does: a double with an error bound, or a
ball. A sign that neither tells is open, and is never taken for 0.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from bpcli.numbers.elements import UNKNOWN

MAX_BITS = 4096  # of a fraction; of a longer one only the numeric value is kept
MAX_PRODUCTS = 64  # in a sum
SHORT = 128  # bits of a fraction up to which a product costs no more than one of the shortest
MAX_ROOT = 64  # the highest root of a fraction, or of e, that is kept in exact form

Product = tuple[tuple["Constant", int], ...]
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
    """A real number with a name, not 0 unless its `sign` is open; `root` is (n, b) of the n-th root of a fraction b."""

    __slots__ = ("index", "name", "powers", "root", "sign", "value")

    def __init__(self, index: int, name: Any, value: Any, sign: Any, root: tuple[int, Fraction] | None) -> None:
        self.index, self.name, self.value, self.sign, self.root = index, name, value, sign, root
        self.powers: dict[int, Any] = {1: value}

    def power(self, exponent: int, arithmetic: Any) -> Any:
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
    """The product of two, and the fraction that whole powers of roots come to."""
    if not one and not any(constant.root for constant, _ in two):
        return two, Fraction(1)
    if not two and not any(constant.root for constant, _ in one):
        return one, Fraction(1)
    exponents, rational = dict(one), Fraction(1)
    for constant, exponent in two:
        exponents[constant] = exponents.get(constant, 0) + exponent
        if constant.root is not None:
            n, base = constant.root
            whole, exponents[constant] = divmod(exponents[constant], n)
            rational *= base**whole
    kept = [(constant, exponent) for constant, exponent in exponents.items() if exponent]
    return tuple(sorted(kept, key=lambda pair: pair[0].index)), rational


class Reals:
    """The real numbers that coefficients are, with values by an `arithmetic` of doubles or of balls.

    `open` says that the sign of one of them was asked for, and is not known at this precision.
    """

    def __init__(self, arithmetic: Any, work: Work) -> None:
        self.arithmetic, self.work, self.open = arithmetic, work, False
        self._constants: dict[Any, Constant] = {}
        self.pi = self._named("pi", arithmetic.pi())

    def _named(self, name: Any, value: Any, root: tuple[int, Fraction] | None = None, exponent: int = 1) -> Real:
        """A power of a constant, which is the one met before if its name is the same."""
        if name not in self._constants:
            self._constants[name] = Constant(len(self._constants), name, value, self.arithmetic.sign(value), root)
        return Real({((self._constants[name], exponent),): Fraction(1)}, self)

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
        if not isinstance(x, Real):
            return (x > 0) - (x < 0)
        if len(x.products) == 1:
            ((product, factor),) = x.products.items()
            signs = [constant.sign if exponent % 2 or constant.sign is UNKNOWN else 1 for constant, exponent in product]
            sign = math.prod(signs) * (1 if factor > 0 else -1) if UNKNOWN not in signs else UNKNOWN
        else:
            sign = self.arithmetic.sign(self.numeric(x))
        self.open |= sign is UNKNOWN
        return sign

    def inverse(self, x: Coefficient) -> Coefficient:
        """1/x of an x that is not 0."""
        if not isinstance(x, Real):
            return 1 / x
        if len(x.products) > 1:
            return self._named(("1/", x), self.arithmetic.power(self.numeric(x), -1))
        ((product, factor),) = x.products.items()
        turned, rational = _product((), tuple((constant, -exponent) for constant, exponent in product))
        return self.of({turned: rational / factor})

    def power(self, x: Coefficient, p: Fraction) -> Coefficient:
        """x^p of an x above 0, and of an x below 0 where p is a whole number."""
        if isinstance(x, Real):
            if p.denominator == 1 and abs(p) <= MAX_ROOT:
                result, factor = Fraction(1), x if p > 0 else self.inverse(x)
                for _ in range(abs(int(p))):
                    result = result * factor
                return result
            return self._named(("power", x, p), self.arithmetic.power(self.numeric(x), p))
        if x == 1:
            return x
        if abs(p.numerator) * _bits(x) > MAX_BITS or p.denominator > MAX_ROOT:
            return self._named(("power", x, p), self.arithmetic.power(self.arithmetic.of(x), p))
        n = p.denominator
        root = _root(x, n) if x > 0 else x
        if root is not None:
            return self.bounded(root**p.numerator)
        base = Fraction(x.numerator * x.denominator ** (n - 1))  # the root of which is a whole number's, divided
        value = self.arithmetic.power(self.arithmetic.of(base), Fraction(1, n))
        whole, exponent = divmod(p.numerator, n)
        root = self._named(("root", base, n), value, (n, base), exponent)
        return root * (x**whole / Fraction(x.denominator) ** exponent)

    def function(self, name: str, x: Coefficient) -> Coefficient | None:
        """f(x) of an f that is finite and smooth near x, or at the end of its domain there; None if it is not known."""
        if isinstance(x, Real):
            simple = self._of_known(name, x)
        elif x in _EXACT.get(name, {}):
            simple = Fraction(_EXACT[name][int(x)])
        elif x in _IN_PI.get(name, {}):
            simple = self.pi * _IN_PI[name][int(x)]
        elif name == "exp" and max(abs(x.numerator), x.denominator) <= MAX_ROOT:
            simple = self._power_of_e(Fraction(1, x.denominator), x.numerator)
        else:
            simple = self._logarithm(x) if name == "log" else None
        if simple is not None:
            return simple
        value = self.arithmetic.function(name, self.numeric(x))
        return None if value is None else self._named((name, x), value)

    @property
    def e(self) -> Real:
        """The base of the natural logarithm."""
        return self._power_of_e(Fraction(1), 1)

    def _power_of_e(self, root: Fraction, exponent: int) -> Real:
        """A power of e^root."""
        value = self.arithmetic.function("exp", self.arithmetic.of(root))
        return self._named(("exp", root), value, None, exponent)

    def _of_known(self, name: str, x: Real) -> Coefficient | None:
        """f(x) in exact form, of a multiple of π, a logarithm, or a power of e; None if there is none."""
        if len(x.products) > 1:
            return None
        ((product, factor),) = x.products.items()
        ((constant, exponent), *others) = product
        known, of = constant.name if isinstance(constant.name, tuple) and len(constant.name) == 2 else ("", Fraction(0))
        if exponent == 1 and not others:
            if constant.name == "pi" and name in ("sin", "cos", "tan") and (2 * factor).denominator == 1:
                quarters = int(2 * factor) + (name == "cos")
                sine, cosine = ([0, 1, 0, -1][k % 4] for k in (quarters, quarters + 1))
                return Fraction(sine) if name != "tan" else Fraction(0) if cosine else None
            if name == "exp" and known == "log" and isinstance(of, Fraction):
                return self.power(of, factor)
        if name == "log" and known == "exp" and not others and factor > 0:
            rest = self._logarithm(factor)
            return None if rest is None else of * exponent + rest
        return None

    def _logarithm(self, x: Fraction) -> Coefficient | None:
        """log x, as n·log b of the least b of which x is the n-th power."""
        if x == 1:
            return Fraction(0)
        n, base = 1, x
        for k in range(2, MAX_ROOT if _bits(x) <= 2 * MAX_ROOT else 2):
            if (root := _root(x, k)) is not None:
                n, base = k, root
        if base < 1:
            n, base = -n, 1 / base
        value = self.arithmetic.function("log", self.arithmetic.of(base))
        return None if value is None else self._named(("log", base), value) * Fraction(n)

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


def _root(x: Fraction, n: int) -> Fraction | None:
    """The n-th root of a positive fraction, if it is a fraction."""
    parts = []
    for whole in (x.numerator, x.denominator):
        root = _whole_root(whole, n)
        if root**n != whole:
            return None
        parts.append(root)
    return Fraction(*parts)


def _whole_root(x: int, n: int) -> int:
    """The largest whole number whose n-th power is at most x."""
    if n == 2:
        return math.isqrt(x)
    root = 1 << -(-x.bit_length() // n)
    while (closer := ((n - 1) * root + x // root ** (n - 1)) // n) < root:
        root = closer
    return root
