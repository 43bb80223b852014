"""The threshold of a model: which models have one, and writing it into a model without a run folder."""

import shutil

import numpy as np
import pytest

from bpcli.api.decision import check_two_classes, save_threshold, with_threshold
from bpcli.errors import UsageError
from bpcli.training.run import load_model


@pytest.fixture(scope="module")
def cells(root, tmp_path_factory):
    from bpcli.commands.running import run as command

    folder = tmp_path_factory.mktemp("runs") / "cells"
    config = str(root / "configs/breast_cancer.yaml")
    assert command(["train", config, "--set", "training.epochs=2", "--output", str(folder), "--quiet"]) == 0
    return folder


def test_a_model_alone_is_written_in_its_place(cells, tmp_path):
    alone = tmp_path / "model.npz"
    shutil.copy(cells / "model.npz", alone)
    model = load_model(alone)
    save_threshold(alone, model, 0.25)
    assert load_model(alone).threshold == 0.25
    np.testing.assert_array_equal(load_model(alone).w, model.w)
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


def test_rows_of_one_class_choose_nothing(cells):
    model = load_model(cells)
    with pytest.raises(UsageError, match="of both classes"):
        with_threshold(model, lambda at: at.tp, np.zeros(3), np.ones(3))
    check_two_classes(with_threshold(model, 0.3, np.zeros(3), np.ones(3)))
