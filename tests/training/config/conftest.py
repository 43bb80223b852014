"""What the tests of configs share: a file that is written and read."""

import pytest

from bpcli.training.config.loading import load_config


@pytest.fixture
def load(tmp_path):
    def load(text, *settings, name="c.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_config(path, settings, "--set")

    return load
