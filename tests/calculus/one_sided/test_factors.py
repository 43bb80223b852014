"""Fractions as products of powers, beside SymPy's factors."""

import math
from fractions import Fraction

import sympy
from hypothesis import given
from hypothesis import strategies as st

from bpcli.calculus.one_sided.factors import factors, whole_root


@given(st.fractions(Fraction(1, 10**6), 10**6), st.integers(1, 5))
def test_the_product_is_the_fraction(x, power):
    found = factors(x**power, 64)
    assert math.prod([Fraction(base) ** n for base, n in found.items()], start=Fraction(1)) == x**power
    small = {prime: n for prime, n in sympy.factorrat(sympy.Rational(x.numerator, x.denominator)).items() if prime < 64}
    assert {base: n for base, n in found.items() if base < 64} == {int(p): n * power for p, n in small.items()}
    assert all(n % power == 0 for n in found.values())


@given(st.integers(1, 10**40), st.integers(1, 9))
def test_whole_roots(x, n):
    assert whole_root(x, n) ** n <= x < (whole_root(x, n) + 1) ** n
