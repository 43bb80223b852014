"""Polynomials whose variables are any parts of a formula: names, calls, powers with symbols in the exponent.

A monomial is a vector of exponents. √u is u^(1/2), and an exponent such as 2·n − 1 takes a place for n and one for
its constant, so that xⁿ⁻¹·x = xⁿ and e⁻ˣ·eˣ = 1 are additions of vectors like x²·x = x³.
"""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from math import gcd, lcm

Place = tuple[str, str]
"""The text of a base, and of a symbol in its exponent: empty for the exponent's constant."""

Monomial = tuple[tuple[Place, Fraction], ...]
"""Exponents that are not 0, in the order of their places."""

Polynomial = dict[Monomial, Fraction]
"""Coefficients that are not 0."""

ONE: Monomial = ()


def monomial(exponents: Mapping[Place, Fraction]) -> Monomial:
    """The monomial of exponents, those that are 0 left out."""
    return tuple(sorted((place, exponent) for place, exponent in exponents.items() if exponent))


def times(a: Monomial, b: Monomial, sign: int = 1) -> Monomial:
    """a·b, or with sign −1 a/b."""
    if not a and sign == 1:
        return b
    exponents = dict(a)
    for place, exponent in b:
        exponents[place] = exponents.get(place, Fraction(0)) + sign * exponent
    return monomial(exponents)


def power(a: Monomial, exponent: Fraction) -> Monomial:
    """a^exponent."""
    return monomial({place: e * exponent for place, e in a})


def added(terms: Iterable[tuple[Monomial, Fraction]]) -> Polynomial:
    """The sum of terms, equal monomials collected."""
    result: Polynomial = {}
    for one, coefficient in terms:
        result[one] = result.get(one, Fraction(0)) + coefficient
    return {one: coefficient for one, coefficient in result.items() if coefficient}


def product(a: Polynomial, b: Polynomial) -> Polynomial:
    """a·b."""
    return added((times(m, n), c * d) for m, c in a.items() for n, d in b.items())


def common_factor(terms: Iterable[Monomial]) -> Monomial:
    """The largest monomial that divides all: of each base the least exponent, which may be negative.

    Exponents of one base with different symbols, as in xⁿ and x, have no least one: then the base is left out.
    """
    split = [_by_base(term) for term in terms]
    result: dict[Place, Fraction] = {}
    for base in sorted({base for term in split for base in term}):
        exponents = [term.get(base, {}) for term in split]
        symbols = [{what: e for what, e in exponent.items() if what} for exponent in exponents]
        if all(symbol == symbols[0] for symbol in symbols):
            result |= {(base, what): e for what, e in symbols[0].items()}
            result[base, ""] = min(exponent.get("", Fraction(0)) for exponent in exponents)
    return monomial(result)


def _by_base(one: Monomial) -> dict[str, dict[str, Fraction]]:
    result: dict[str, dict[str, Fraction]] = {}
    for (base, what), exponent in one:
        result.setdefault(base, {})[what] = exponent
    return result


def bases(one: Monomial) -> Iterator[tuple[str, dict[str, Fraction]]]:
    """Each base of a monomial with its exponent: a number for each symbol in it."""
    yield from _by_base(one).items()


def common_number(coefficients: Iterable[Fraction]) -> Fraction:
    """The largest number that divides all coefficients to whole ones."""
    numbers = list(coefficients)
    return Fraction(gcd(*(abs(c.numerator) for c in numbers)), lcm(*(c.denominator for c in numbers)))


MAX_DIVISION_STEPS = 40


def quotient(a: Polynomial, b: Polynomial) -> Polynomial | None:
    """a/b if b divides a, else None: long division by the leading monomials in lexical order."""
    order = sorted({place for one in [*a, *b] for place, _ in one})

    def lead(p: Polynomial) -> Monomial:
        return max(p, key=lambda one: [dict(one).get(place, Fraction(0)) for place in order])

    rest, result, first = dict(a), Polynomial(), lead(b)
    for _ in range(MAX_DIVISION_STEPS):
        if not rest:
            return result
        top = lead(rest)
        step, coefficient = times(top, first, -1), rest[top] / b[first]
        if any(exponent < 0 for (_, what), exponent in step if not what):
            return None
        result[step] = coefficient
        rest = added([*rest.items(), *((times(step, one), -coefficient * c) for one, c in b.items())])
    return None
