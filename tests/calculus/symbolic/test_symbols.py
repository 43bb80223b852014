"""Expressions as a kind of number: what the operations tidy away, and that no value changes."""

import math

import pytest
from hypothesis import given, settings
from strategies import PIECES

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.symbolic.symbols import Symbol, lifted, symbols, tidied


@given(PIECES)
@settings(max_examples=60)
def test_tidying_changes_no_value(text):
    tree = parse(text)
    tidy = tidied(tree)
    assert parse(to_text(tidy)) == tidy
    both = Calculation([tree, tidy], [text, to_text(tidy)], {"x": (), "y": ()}, ["x", "y"])
    a, b = both.value({"x": 0.7, "y": 1.3})
    assert not math.isfinite(a) or b == pytest.approx(a, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x+x", "2*x"),
        ("x*x", "x**2"),
        ("0*x+y", "y"),
        ("x-x", "0"),
        ("x/x**3", "1/x**2"),
        ("-(x-y)", "y-x"),
        ("1*x", "x"),
    ],
)
def test_equal_terms_and_factors_are_collected(text, expected):
    assert to_text(tidied(parse(text))) == expected


def test_a_symbol_is_a_number():
    x = Symbol(parse("x"))
    assert to_text((2 * x + x - 3).tree) == "3*x-3"
    assert to_text((-x / 2).tree) == "-0.5*x"
    assert to_text(lifted(math.inf).tree) == "inf"
    assert (lifted(2) < lifted(3)) is True
    assert to_text(symbols().power(x, lifted(2)).tree) == "x**2"
