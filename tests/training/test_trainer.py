"""A training made from its config: splits, streams, the start, and what its summary says."""

import numpy as np
import pytest

from bpcli.errors import ConfigError, DataError
from bpcli.training.config.loading import config_from_mapping
from bpcli.training.trainer import MOST_EPOCHS, as_trained, most_epochs, prepare, start, streams

ROWS = 60


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """y = 2p − q + 1 to the last digit."""
    rng = np.random.default_rng(5)
    rows = rng.integers(-8, 9, (ROWS, 2))
    path = tmp_path_factory.mktemp("data") / "line.csv"
    path.write_text("p,q,y\n" + "".join(f"{p},{q},{2 * p - q + 1}\n" for p, q in rows.tolist()))
    return path


def config(table, training=None, model=None, **data):
    return config_from_mapping(
        {
            "model": {"type": "neuron", **(model or {})},
            "loss": "mse",
            "training": {"learning_rate": 0.01, "epochs": 50, "batch_size": "full", **(training or {})},
            "data": {"path": str(table), "target": "y", **data},
        },
        "line",
    )


def test_a_line_is_learned(table):
    training = prepare(config(table))
    epochs = list(training.epochs())
    assert [e["epoch"] for e in epochs] == list(range(1, 51))
    assert epochs[-1]["loss"] < epochs[0]["loss"]
    np.testing.assert_allclose(training.result.w, [2, -1], atol=0.2)
    assert training.rows_seen == 50 * ROWS


def test_one_full_step_is_that_of_the_lecture(table):
    training = prepare(config(table, {"epochs": 1}))
    list(training.epochs())
    p, q, y = np.loadtxt(table, delimiter=",", skiprows=1).T
    w = 0.01 * 2 / ROWS * np.array([y @ p, y @ q])  # from w = 0: −α·(2/N) Σ (0 − y)x
    np.testing.assert_allclose(training.result.w, w, rtol=1e-13)
    np.testing.assert_allclose(training.result.b, 0.01 * 2 * y.mean(), rtol=1e-13)


def test_each_row_is_in_one_part(table):
    parts = prepare(config(table, validation=0.25, test=0.1)).parts
    assert {name: len(part.y) for name, part in parts.items()} == {"train": 39, "validation": 15, "test": 6}
    everything = sorted(v for part in parts.values() for v in part.y.tolist())
    assert everything == sorted(np.loadtxt(table, delimiter=",", skiprows=1)[:, 2].tolist())


def test_the_streams_are_independent_and_follow_the_seed(table):
    first, again, other = (streams(config(table, {"seed": seed})) for seed in (3, 3, 4))
    drawn = [[rng.random() for rng in rngs] for rngs in (first, again, other)]
    assert drawn[0] == drawn[1]
    assert len({*drawn[0], *drawn[2]}) == 6


@pytest.mark.parametrize("init", ["zeros", "normal", "uniform"])
def test_the_start(table, init):
    made = config(table, {"dtype": "float32"}, {"init": init})
    w, b = start(made, prepare(made).model.preparation, np.random.default_rng(1))
    assert (w.shape, w.dtype, b.shape, float(b)) == ((2,), np.float32, (), 0.0)
    assert (w == 0).all() == (init == "zeros")
    if init == "uniform":
        assert (abs(w) <= 2**-0.5).all()


def test_what_can_not_be_trained_on(table):
    with pytest.raises(ConfigError, match="no column z"):
        prepare(config(table, features=["p", "z"]))
    with pytest.raises(DataError, match="too large for float32"):
        as_trained(np.array([[1e39]]), np.dtype("float32"))
    assert as_trained(np.array([[1e39]]), np.dtype("float64")).tolist() == [[1e39]]
    assert (most_epochs("auto"), most_epochs(7)) == (MOST_EPOCHS, 7)
