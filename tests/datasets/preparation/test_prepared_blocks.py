"""A file in blocks is prepared as in one piece, with the same remarks."""

import numpy as np
import pytest

from bpcli.datasets.preparation.prepared_blocks import PreparedBlocks
from bpcli.datasets.readers import delimited
from bpcli.datasets.reading import Files
from bpcli.training.config.loading import config_from_mapping
from bpcli.training.setup import prepare
from tests.tables import read_table

SAVED = ["a,c,y,id\n", *(f"{k}.5,{'uv'[k % 2]},{3 * k},{k}\n" for k in range(40))]
NEW = [SAVED[0], *(f"{k}.25,{'uvw'[k % 3]},{k},{k}\n" for k in range(500)), "7.5,u,,1\n"]


@pytest.mark.parametrize("with_target", [True, False])
def test_as_in_one_piece(tmp_path, monkeypatch, with_target):
    for name, lines in (("saved.csv", SAVED), ("new.csv", NEW)):
        (tmp_path / name).write_text("".join(lines))
    config = {
        "data": {
            "path": str(tmp_path / "saved.csv"),
            "target": "y",
            "features": ["a", "c"],
            "missing": "drop",
            "categorical": ["c"],
        },
        "model": {"type": "neuron", "activation": "identity"},
        "loss": "mse",
        "training": {"learning_rate": 0.1, "epochs": 1},
        "output": str(tmp_path / "run"),
    }
    preparation = prepare(config_from_mapping(config)).model.preparation
    whole = preparation.apply(read_table(tmp_path / "new.csv"), with_target)
    monkeypatch.setattr(delimited, "_BLOCK", 1000)
    blocks = PreparedBlocks(preparation, Files((tmp_path / "new.csv",)), with_target)
    assert blocks.remarks == []
    parts = [prepared for _, prepared in blocks]
    assert len(parts) > 3
    np.testing.assert_array_equal(np.concatenate([part.X for part in parts]), whole.X)
    np.testing.assert_array_equal(np.concatenate([part.y for part in parts]), whole.y)
    assert blocks.remarks == whole.remarks
    assert any("not seen in training" in text for text in whole.remarks)
