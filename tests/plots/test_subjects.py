"""What pictures are drawn from: the rows that judge a model."""

import numpy as np
import pytest

from bpcli.plots.subjects import Subject


@pytest.mark.parametrize(
    ("there", "judge"),
    [("train", "train"), ("train validation", "validation"), ("train test", "test"), ("train validation test", "test")],
)
def test_test_rows_judge_before_validation_rows(there, judge):
    parts = {name: (np.full((1, 1), k), np.zeros(1)) for k, name in enumerate(there.split())}
    name, X, _ = Subject(None, {}, parts).judged()
    assert (name, X[0, 0]) == (judge, there.split().index(judge))
