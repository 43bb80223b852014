"""What would read as other mathematics is refused at its place; the advice itself is tested with the hints."""

import pytest

from bpcli.calculus.language.misreadings import derivative_sign
from bpcli.calculus.language.parser import parse
from bpcli.errors import ExpressionError


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("2 + d/dx x^2", "d/dx"),
        ("d (x^2) / dy", "d (x^2) / dy"),
        ("1+sin^-1(x)", "sin"),
        ("x + np.exp(x)", "np.exp"),
        ("3*ln x", "ln"),
        ("ln^2(x)", "ln"),
        ("2*w^T x", "w^T x"),
        ("f(x) = x^2", "f(x)"),
        ("y = x^2", "="),
    ],
)
def test_the_place_of_what_is_misread(text, marked):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert text[caught.value.start : caught.value.end] == marked


@pytest.mark.parametrize("text", ["x/dx2", "mod/dx", "d*x", "x.d/dx", "d/x"])
def test_what_is_no_derivative_sign(text):
    assert derivative_sign(text) is None


def test_a_quotient_that_can_be_read_is_one():
    assert parse("d/dx") == parse("d / dx")
