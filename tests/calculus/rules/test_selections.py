"""min, max and where: an even split of ties, and no trace of what is not selected."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.selections import SELECTIONS
from bpcli.numbers.namespaces import FLOATS, arrays

ROWS = {row.name: row for row in SELECTIONS}
FLOAT, ARRAY = PlainNamespace(FLOATS), PlainNamespace(arrays())


@pytest.mark.parametrize("name", ["min", "max"])
@given(st.lists(st.integers(-2, 2), min_size=1, max_size=5))
def test_ties_share_the_slope_evenly(name, numbers):
    args = list(map(float, numbers))
    row, expected = ROWS[name], getattr(np, name)(args)
    assert row.value(FLOAT, *args) == expected
    slopes = [row.partial(i)(FLOAT, expected, *args) for i in range(len(args))]
    assert slopes == [1.0 / args.count(expected) if v == expected else 0.0 for v in args]
    columns = [np.array([v, -1.0]) for v in args]
    out = row.value(ARRAY, *columns)
    assert [row.partial(i)(ARRAY, out, *columns)[0] for i in range(len(args))] == slopes
    assert bool(row.edge(FLOAT, *args)) == (len(set(args)) < len(args))


@pytest.mark.parametrize("other", [math.nan, math.inf, -math.inf])
def test_the_branch_that_is_not_selected_leaves_no_trace(other):
    row = ROWS["where"]
    assert row.value(FLOAT, 1.0, 2.0, other) == row.value(FLOAT, 0.0, other, 2.0) == 2.0
    assert [row.partial(i)(FLOAT, 2.0, 1.0, 2.0, other) for i in (0, 1, 2)] == [0.0, 1.0, 0.0]
    assert not row.passes(0)
    assert row.selects


@pytest.mark.parametrize("name", ["min", "max"])
def test_nan_is_no_extreme(name):
    assert math.isnan(ROWS[name].value(FLOAT, 1.0, math.nan))
