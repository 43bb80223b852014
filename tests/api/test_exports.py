"""Exports from Python."""

import pytest

import bpcli
from bpcli.errors import DataError, UsageError


def test_the_content_of_a_run_in_a_language(tmp_path, root):
    config = {
        "model": {"type": "neuron", "activation": "sigmoid"},
        "loss": "bce",
        "training": {"learning_rate": 0.1, "epochs": 1},
        "data": {"path": str(root / "data/breast_cancer.csv"), "target": "diagnosis", "standardize": True},
    }
    bpcli.train(config, output=tmp_path / "run")
    names = {"__name__": "exported"}
    exec(bpcli.export(tmp_path / "run", "python"), names)
    assert names["test"]() == 0
    assert bpcli.export(tmp_path / "run", "sql", keep="id") == bpcli.export(tmp_path / "run", "sql", keep=["id"])
    with pytest.raises(UsageError, match="did you mean python"):
        bpcli.export(tmp_path / "run", "pyton")
    (tmp_path / "run/model.npz").write_bytes(b"no model")
    with pytest.raises(DataError, match="damaged"):
        bpcli.export(tmp_path / "run", "python")
