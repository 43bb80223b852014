"""A row of the table of functions: what it says of itself, and how the tables' helpers make one."""

import math

import pytest

from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.function_rows import Function, at_ties, at_zero, binary, unary, zero
from bpcli.calculus.rules.functions import FUNCTIONS, OPERATORS
from bpcli.numbers.namespaces import FLOATS

XP = PlainNamespace(FLOATS)


def test_a_function_of_one_argument():
    row = unary("square", value=lambda xp, x: x * x, derivative=lambda xp, y, x: 2.0 * x, low=-10.0, high=10.0)
    assert row.value(XP, 3.0) == 9
    assert row.partial(0)(XP, 9.0, 3.0) == 6
    assert row.passes(0)
    assert row.arity == (1, 1)


def test_a_function_of_two_arguments():
    row = binary("times", "times(x,y)", lambda xp, x, y: x * y, (lambda xp, out, x, y: y, zero))
    assert row.value(XP, 3.0, 4.0) == 12
    assert row.partial(0)(XP, 12.0, 3.0, 4.0) == 4
    assert [row.passes(i) for i in range(2)] == [True, False]
    assert row.partial(1)(XP, 12.0, 3.0, 4.0) == 0


def test_edges():
    assert [bool(at_zero(XP, x)) for x in (0.0, -0.0, 1e-300, math.nan)] == [True, True, False, False]
    assert [bool(at_ties(XP, *args)) for args in ((1.0, 1.0), (1.0, 2.0), (1.0, 2.0, 1.0))] == [True, False, True]


@pytest.mark.parametrize("table", [FUNCTIONS, OPERATORS])
def test_the_rows_of_the_tables_are_whole(table):
    for name, row in table.items():
        assert isinstance(row, Function)
        assert row.name in (name, row.name)
        if row.kind == "elementwise":
            assert row.value is not None, name
            assert all(callable(row.partial(i)) for i in range(row.arity[0])), name
