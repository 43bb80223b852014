"""Trees as sums of terms and products of powers."""

from fractions import Fraction

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.symbolic.sums_and_products import (
    constant_of,
    factors_of,
    number_tree,
    product_tree,
    scaled,
    sum_tree,
    terms_of,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1/3", Fraction(1, 3)), ("-0.5", Fraction(-1, 2)), ("2*3", None), ("x", None), ("1e400", None), ("1/0", None)],
)
def test_constants(text, value):
    assert constant_of(parse(text)) == value


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [("1/2", True, "0.5"), ("1/2", False, "1/2"), ("1/3", True, "1/3"), ("-2", True, "-2"), ("-1/4", False, "-(1/4)")],
)
def test_numbers(value, decimals, text):
    assert to_text(number_tree(Fraction(value), decimals)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("y-x+2*y", "3*y-x"), ("-x/y-1", "-x/y-1"), ("x-x", "0"), ("1+x+1", "2+x")],
)
def test_sums(text, expected):
    assert to_text(sum_tree(terms_of(parse(text)))) == expected


@pytest.mark.parametrize(
    ("text", "decimals", "expected"),
    [
        ("x*y*x", True, "x**2*y"),
        ("2*x/4", True, "0.5*x"),
        ("2*x/4", False, "x/2"),
        ("sin(x)*x/y**2", True, "x*sin(x)/y**2"),
        ("-x*-3", True, "3*x"),
        ("0*x", True, "0"),
    ],
)
def test_products(text, decimals, expected):
    coefficient, factors = factors_of(parse(text))
    assert to_text(product_tree(coefficient, factors, decimals)) == expected


def test_the_opposite_of_a_sum_is_the_sum_of_the_opposites():
    assert to_text(scaled(Fraction(-1), parse("x-y"))) == "y-x"
    assert to_text(scaled(Fraction(2), parse("x-y"))) == "2*(x-y)"
