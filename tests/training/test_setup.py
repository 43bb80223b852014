"""A training made from its config: its streams, its start, and columns that are not there."""

import numpy as np
import pytest

from bpcli.errors import ConfigError
from bpcli.training.setup import prepare, streams
from bpcli.training.start import start


def test_the_streams_are_independent_and_follow_the_seed(line):
    first, again, other = (streams(line({"seed": seed})) for seed in (3, 3, 4))
    drawn = [[rng.random() for rng in rngs] for rngs in (first, again, other)]
    assert drawn[0] == drawn[1]
    assert len({*drawn[0], *drawn[2]}) == 6


@pytest.mark.parametrize("init", ["zeros", "normal", "uniform"])
def test_the_start(line, init):
    made = line({"dtype": "float32"}, {"init": init})
    begin = start(made, prepare(made).model.preparation, np.random.default_rng(1))
    w, b = begin.w, begin.b
    assert (w.shape, w.dtype, b.shape, float(b)) == ((2,), np.float32, (), 0.0)
    assert (w == 0).all() == (init == "zeros")
    if init == "uniform":
        assert (abs(w) <= 2**-0.5).all()


def test_a_feature_that_is_no_column(line):
    with pytest.raises(ConfigError, match="no column z"):
        prepare(line(features=["p", "z"]))
