"""Answers that may be open, and operators given to a class of numbers."""

import operator
from fractions import Fraction

import pytest

from bpcli.numbers.operators import UNKNOWN, UndecidedError, give_operators, negation


@pytest.mark.parametrize("known", [True, False])
def test_an_open_truth_is_decided_only_by_the_other(known):
    assert negation(UNKNOWN) is UNKNOWN
    assert (UNKNOWN & known) is (UNKNOWN if known else False)
    assert (UNKNOWN | known) is (True if known else UNKNOWN)
    with pytest.raises(UndecidedError):
        bool(UNKNOWN)


NAMES = ["add", "sub", "mul", "truediv", "lt", "le", "gt", "ge", "eq", "ne"]


@pytest.mark.parametrize("name", NAMES)
def test_a_class_gets_operators_on_either_side_of_a_float(name):
    function = getattr(operator, name)

    class Exact:
        def __init__(self, x):
            self.x = Fraction(x)

    functions = {n: getattr(operator, n) for n in NAMES}
    give_operators(Exact, {n: lambda a, b, f=f: f(a.x, b.x) for n, f in functions.items()}, Exact)
    for a, b in ((1.5, -0.25), (2.0, 2.0), (-3.0, 4.0)):
        exact = function(Fraction(a), Fraction(b))
        assert function(Exact(a), Exact(b)) == function(Exact(a), b) == function(a, Exact(b)) == exact
    with pytest.raises(TypeError):
        hash(Exact(1))
    if name not in ("eq", "ne"):
        with pytest.raises(TypeError):
            function(Exact(1), "1")
