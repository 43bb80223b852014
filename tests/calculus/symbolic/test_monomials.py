"""Polynomials over any parts of a formula, beside SymPy's."""

from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from bpcli.calculus.symbolic.monomials import (
    added,
    common_factor,
    common_number,
    monomial,
    power,
    product,
    quotient,
    times,
)

X, Y = ("x", ""), ("y", "")
SYMBOLS = {"x": sympy.Symbol("x"), "y": sympy.Symbol("y")}


def one(x=0, y=0):
    return monomial({X: Fraction(x), Y: Fraction(y)})


def in_sympy(polynomial):
    return sympy.Add(
        *(c * sympy.Mul(*(SYMBOLS[base] ** e for (base, _), e in m)) for m, c in polynomial.items())
    ).expand()


POLYNOMIALS = st.dictionaries(
    st.builds(one, st.integers(0, 3), st.integers(0, 3)),
    st.fractions(-5, 5, max_denominator=4).filter(bool),
    min_size=1,
    max_size=4,
)


@given(POLYNOMIALS, POLYNOMIALS)
def test_products_and_quotients_beside_sympy(a, b):
    both = product(a, b)
    assert in_sympy(both) == sympy.expand(in_sympy(a) * in_sympy(b))
    assert quotient(both, b) == a
    _, rest = sympy.div(in_sympy(a), in_sympy(b), *SYMBOLS.values())
    if rest != 0:
        assert quotient(a, b) is None


def test_exponents_are_added_whatever_they_count():
    n = Fraction(1)
    lowered = monomial({("x", "n"): n, X: -n})
    assert times(lowered, one(1)) == monomial({("x", "n"): n})
    assert times(monomial({("exp", "x"): -n}), monomial({("exp", "x"): n})) == ()
    assert power(one(2, 1), Fraction(1, 2)) == one(1, Fraction(1, 2))


@pytest.mark.parametrize(
    ("terms", "common"),
    [
        ([one(2), one(1, 1)], one(1)),
        ([one(-1), one(0)], one(-1)),
        ([one(Fraction(1, 2)), one(Fraction(-1, 2))], one(Fraction(-1, 2))),
        ([monomial({("x", "n"): Fraction(1)}), one(1)], ()),
        (
            [monomial({("x", "n"): Fraction(1), X: Fraction(-1)}), monomial({("x", "n"): Fraction(1)})],
            monomial({("x", "n"): Fraction(1), X: Fraction(-1)}),
        ),
    ],
)
def test_common_factors(terms, common):
    assert common_factor(terms) == common


def test_common_numbers_and_sums():
    assert common_number([Fraction(4, 3), Fraction(2)]) == Fraction(2, 3)
    assert added([(one(1), Fraction(1)), (one(1), Fraction(-1))]) == {}
