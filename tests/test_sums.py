import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.sums import nodes, places, summed


def test_a_sum_goes_along_a_tree_whose_error_grows_slowly():
    parts = [np.array([0.1])] * 4096
    assert summed(parts) == pytest.approx([409.6], rel=3e-16)
    assert summed(iter(parts[:5])) == ((0.1 + 0.1) + (0.1 + 0.1)) + 0.1


@given(start=st.integers(0, 300), count=st.integers(0, 300))
def test_the_places_of_nodes_are_known_without_their_sums(start, count):
    found = nodes((np.zeros(1) for _ in range(count)), start)
    assert list(places(start, start + count)) == [(node.level, node.number) for node in found]
