"""Fractions as products of powers of primes, so that log 6 is log 2 + log 3, and √6 is √2·√3."""

import math
from fractions import Fraction

LARGEST = 64
"""The largest prime that is looked for: a larger one stays in what is left."""

_PRIMES = [n for n in range(2, LARGEST) if all(n % k for k in range(2, n))]


def factors(x: Fraction, most: int) -> dict[int, int]:
    """Whole numbers above 1 and their exponents, whose product is x > 0.

    They are small primes, and what is left of numerator and denominator: as the power of a root of up to `most`.
    """
    found: dict[int, int] = {}
    for whole, sign in ((x.numerator, 1), (x.denominator, -1)):
        for prime in _PRIMES:
            if prime == 2:
                count = (whole & -whole).bit_length() - 1
                whole >>= count
            else:
                count = 0
                while whole % prime == 0:
                    whole, count = whole // prime, count + 1
            if count:
                found[prime] = found.get(prime, 0) + sign * count
        if whole > 1:
            base, n = _least_root(whole, most)
            found[base] = found.get(base, 0) + sign * n
    return found


def _least_root(whole: int, most: int) -> tuple[int, int]:
    """(b, n) with bⁿ the whole number and n as large as can be."""
    for n in range(min(most, whole.bit_length()), 1, -1):
        root = whole_root(whole, n)
        if root**n == whole:
            return root, n
    return whole, 1


def whole_root(x: int, n: int) -> int:
    """The largest whole number whose n-th power is at most x > 0."""
    if n == 2:
        return math.isqrt(x)
    root = 1 << -(-x.bit_length() // n)
    while (closer := ((n - 1) * root + x // root ** (n - 1)) // n) < root:
        root = closer
    return root
