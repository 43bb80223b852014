"""Single numbers without arrays: fractions, whose functions are exact."""

from fractions import Fraction

import pytest

from bpcli.numbers.singles import Singles

NAMESPACE = Singles(
    "fractions",
    {"square": lambda x: x * x, "divide": lambda x, y: x / y},
    lift=Fraction,
    constant=lambda c: Fraction(str(c)),
    select=lambda condition, x, y: x if condition else y,
    pi=lambda: Fraction(22, 7),
)


def test_functions_take_floats_and_numbers_of_the_kind():
    assert NAMESPACE.square(1.5) == Fraction(9, 4)
    assert NAMESPACE.divide(1.0, Fraction(3)) == Fraction(1, 3)
    assert NAMESPACE.each(lambda a, b, c: a + b * c, 1.0, 2.0, Fraction(1, 3)) == Fraction(5, 3)
    assert [NAMESPACE.where(c, 1.0, Fraction(2)) for c in (True, False)] == [1, 2]
    assert (NAMESPACE.constant(0.1), NAMESPACE.pi, NAMESPACE.ones_like(3.0)) == (Fraction(1, 10), Fraction(22, 7), 1)


def test_no_digit_is_lost():
    x, y = Fraction(1, 3), Fraction(2**60)
    assert NAMESPACE.two_sum(x, y) == (x + y, 0)
    assert NAMESPACE.two_product(x, y) == (x * y, 0)
    assert NAMESPACE.refined(x, True, lambda: y) == x
    with pytest.raises(AttributeError, match="single fractions have no sin"):
        NAMESPACE.sin(1.0)
