"""Arrays of numbers of other kinds, here of exact fractions: NumPy's operations, three-valued truths, errors of 0."""

import operator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.numbers.elements import Elements
from bpcli.numbers.namespaces import namespace
from bpcli.numbers.operators import UNKNOWN, give_operators


class Exact:
    """A fraction, the simplest kind of number that NumPy does not know."""

    __hash__ = None

    def __init__(self, x):
        self.x = Fraction(x)

    def __neg__(self):
        return Exact(-self.x)

    def __abs__(self):
        return Exact(abs(self.x))


def lifted(x):
    return x if isinstance(x, Exact) else Exact(x)


ARITHMETIC = {n: getattr(operator, n) for n in ("add", "sub", "mul", "truediv")}
COMPARISONS = {n: getattr(operator, n) for n in ("lt", "le", "gt", "ge", "eq", "ne")}
give_operators(Exact, {n: lambda a, b, f=f: Exact(f(a.x, b.x)) for n, f in ARITHMETIC.items()}, lifted)
give_operators(Exact, {n: lambda a, b, f=f: f(a.x, b.x) for n, f in COMPARISONS.items()}, lifted)
PLAIN = Elements(
    "exact",
    Exact,
    {
        "maximum": lambda a, b: a if a.x > b.x else b,
        "minimum": lambda a, b: a if a.x < b.x else b,
        "exp": lambda a: Exact(1 + a.x),  # stands for a function
    },
    lift=lifted,
    constant=lifted,
    select=lambda c, a, b: a if c else b,
    is_finite=lambda a: True,
    rank=lambda a: a.x,
    power_of_two=lambda k: Exact(Fraction(2) ** int(k)),
    pi=lambda: Exact(Fraction(22, 7)),
)
Exact.namespace = PLAIN
QUARTERS = st.integers(-20, 20).map(lambda n: Fraction(n, 4))
MATRICES = st.lists(st.lists(QUARTERS, min_size=3, max_size=3), min_size=2, max_size=2)


def array(rows):
    return PLAIN.asarray(np.array([[Exact(x) for x in row] for row in rows], object))


def fractions(x):
    return [v.x if isinstance(v, Exact) else v for v in np.asarray(x, object).ravel()]


@pytest.mark.parametrize("name", [*ARITHMETIC, *COMPARISONS])
@given(MATRICES, MATRICES)
def test_operators_work_entry_by_entry(name, a, b):
    function = ARITHMETIC.get(name) or COMPARISONS[name]
    b = [[x or Fraction(1) for x in row] for row in b]
    expected = [function(x, y) for r, s in zip(a, b, strict=True) for x, y in zip(r, s, strict=True)]
    assert fractions(function(array(a), array(b))) == expected
    assert fractions(function(array(a), 2.0)) == [function(x, 2) for row in a for x in row]


@given(MATRICES)
def test_reductions_and_reshaping_are_numpys(a):
    x = array(a)
    assert fractions(x.max(axis=1)) == list(map(max, a))
    assert fractions(x.min(axis=0)) == [min(column) for column in zip(*a, strict=True)]
    assert fractions(x.sum(axis=1)) == list(map(sum, a))
    assert x.argmax(axis=1).tolist() == [row.index(max(row)) for row in a]
    assert fractions(PLAIN.expand_dims(x, 0).transpose(0, 2, 1)) == [
        v for column in zip(*a, strict=True) for v in column
    ]
    assert fractions(PLAIN.where(x > 0, x, 0.0)) == [max(v, 0) for row in a for v in row]


@given(MATRICES)
def test_no_digit_is_lost(a):
    x = array(a)
    assert not PLAIN.rounds
    assert fractions(PLAIN.two_sum(x, x)[1]) == fractions(PLAIN.two_product(x, x)[1]) == [0] * 6
    (m, low), k = PLAIN.exp_pair(x)
    assert fractions(PLAIN.ldexp(m, k)) == [1 + v for row in a for v in row]
    assert fractions(low) == [0] * 6
    assert PLAIN.refined(x, True, lambda: None) is x


def test_an_array_brings_its_namespace():
    assert namespace(array([[1, 2, 3], [4, 5, 6]])) is PLAIN
    assert namespace(1.0, Exact(1)) is PLAIN


def test_any_counts_what_may_hold_and_all_what_is_certain():
    truths = PLAIN.kept(np.array([UNKNOWN, False], object))
    assert truths.any()
    assert not truths.all()
    assert (~truths)[0] is UNKNOWN
    assert (~truths)[1] is True
