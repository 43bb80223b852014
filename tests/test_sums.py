import numpy as np
import pytest

from bpcli.sums import summed


def test_a_sum_goes_along_a_tree_whose_error_grows_slowly():
    parts = [np.array([0.1])] * 4096
    assert summed(parts) == pytest.approx([409.6], rel=3e-16)
    assert summed(iter(parts[:5])) == ((0.1 + 0.1) + (0.1 + 0.1)) + 0.1
