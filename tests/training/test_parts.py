"""The parts that training goes over: each row in one, as numbers of its type."""

import numpy as np
import pytest

from bpcli.errors import DataError
from bpcli.training.parts import as_trained
from bpcli.training.setup import prepare


def test_each_row_is_in_one_part(line):
    parts = prepare(line(validation=0.25, test=0.1)).parts
    assert {name: len(part.y) for name, part in parts.items()} == {"train": 39, "validation": 15, "test": 6}
    everything = sorted(v for part in parts.values() for v in part.y.tolist())
    assert everything == sorted(np.loadtxt(line().data.path, delimiter=",", skiprows=1)[:, 2].tolist())


def test_a_feature_beyond_the_range_of_its_type():
    with pytest.raises(DataError, match="too large for float32"):
        as_trained(np.array([[1e39]]), np.dtype("float32"))
    assert as_trained(np.array([[1e39]]), np.dtype("float64")).tolist() == [[1e39]]
