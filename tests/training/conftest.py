"""What the tests of training share: the config of a line that is learned."""

import numpy as np
import pytest

from bpcli.training.config.loading import config_from_mapping


@pytest.fixture(scope="session")
def line(tmp_path_factory):
    """`line(training, model, **data)` is the config of 60 rows with y = 2p − q + 1 to the last digit."""
    rng = np.random.default_rng(5)
    rows = rng.integers(-8, 9, (60, 2))
    path = tmp_path_factory.mktemp("data") / "line.csv"
    path.write_text("p,q,y\n" + "".join(f"{p},{q},{2 * p - q + 1}\n" for p, q in rows.tolist()))

    def config(training=None, model=None, **data):
        return config_from_mapping(
            {
                "model": {"type": "neuron", **(model or {})},
                "loss": "mse",
                "training": {"learning_rate": 0.01, "epochs": 50, "batch_size": "full", **(training or {})},
                "data": {"path": str(path), "target": "y", **data},
            },
            "line",
        )

    return config
