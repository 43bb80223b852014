"""`inspect`: the weights of the model file, and those in the units of the features."""

import numpy as np
import pytest


@pytest.fixture
def run(iris_run):
    return iris_run


def test_json_has_the_weights_of_the_file(bpcli, run):
    (found,) = bpcli("inspect", run, "--format", "json").json
    with np.load(run / "model.npz") as model:
        np.testing.assert_array_equal(found["weights"], model["w"])
        np.testing.assert_array_equal(found["bias"], model["b"])
        assert len(found["features"]) == len(model["w"])


def test_raw_weights_act_on_the_features_as_they_are(bpcli, run):
    (scaled,) = bpcli("inspect", run, "--format", "json").json
    (raw,) = bpcli("inspect", run, "--raw", "--format", "json").json
    mean, scale = (np.array(scaled["standardize"][key]) for key in ("mean", "scale"))
    x = np.array([1.0, -2.0, 0.5, 3.0])
    z = ((x - mean) / scale) @ np.array(scaled["weights"]) + scaled["bias"]
    np.testing.assert_allclose(x @ np.array(raw["weights"]) + raw["bias"], z, rtol=1e-12)


def test_text_names_every_feature(bpcli, run):
    (found,) = bpcli("inspect", run, "--format", "json").json
    text = bpcli("inspect", run).out
    assert all(name in text for name in found["features"])
    assert bpcli("inspect", run / "nothing").code == 3


def test_sorted_features_come_by_the_size_of_their_weights(bpcli, iris_run):
    (plain,) = bpcli("inspect", iris_run, "--format", "json").json
    (found,) = bpcli("inspect", iris_run, "--sort", "--format", "json").json
    sizes = [sum(map(abs, row)) for row in found["weights"]]
    assert sizes == sorted(sizes, reverse=True)
    for key in ("mean", "scale"):
        assert dict(zip(found["features"], found["standardize"][key], strict=True)) == dict(
            zip(plain["features"], plain["standardize"][key], strict=True)
        )
    assert dict(zip(found["features"], found["weights"], strict=True)) == dict(
        zip(plain["features"], plain["weights"], strict=True)
    )
    assert bpcli("inspect", iris_run, "--sort", "--stats").code == 2
