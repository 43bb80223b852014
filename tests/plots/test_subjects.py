"""The rows that judge a model in a picture."""

from types import SimpleNamespace

import numpy as np
import pytest

from bpcli.plots.subjects import Subject


@pytest.mark.parametrize(
    ("there", "judge"),
    [
        ("train", "training"),
        ("train validation", "validation"),
        ("train test", "test"),
        ("train validation test", "test"),
    ],
)
def test_test_rows_judge_before_validation_rows(there, judge):
    parts = {name: (np.full((1, 1), k), np.zeros(1)) for k, name in enumerate(there.split())}
    name, z, _ = Subject(SimpleNamespace(z=lambda X: X[:, 0]), {}, parts).scored()
    assert (name, *z) == (judge, len(parts) - 1)
