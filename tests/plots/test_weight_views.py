"""Pictures of weights: which features are pixels, and how the images fill the figure."""

import json
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("names", "shape"),
    [
        ([f"pixel_{i}_{j}" for i in range(8) for j in range(8)], (8, 8)),
        (["a", "b", "c", "d"], None),
        ([f"p{k}" for k in range(16)], (4, 4)),
        ([f"x{k}" for k in range(16)], None),
        ([f"x{k}" for k in range(64)], (8, 8)),
        ([f"x{k}" for k in range(63)], None),
        (["a", "b"] * 32, None),
    ],
)
def test_which_features_are_pixels(names, shape):
    from bpcli.plots.weight_views import pixels

    assert pixels(names) == shape


def test_intervals_are_those_of_the_statistics(bpcli, tmp_path):
    pytest.importorskip("matplotlib")
    from bpcli.plots.runs import draw
    from bpcli.plots.style import drawing
    from bpcli.plots.subjects import Subject
    from bpcli.training.run import load_model

    # R's figures for iris by the length of the sepal, as contrasts to setosa, ± 1.959964 standard errors.
    config = Path(__file__).parents[2] / "configs" / "iris.yaml"
    sets = (
        "training.optimizer=newton",
        "data.features=[sepal_length]",
        "data.validation=null",
        "data.standardize=false",
    )
    set_options = [word for text in sets for word in ("--set", text)]
    assert bpcli("train", config, "--quiet", "--output", tmp_path / "run", *set_options).code == 0
    found = json.loads(bpcli("inspect", tmp_path / "run", "--stats", "--format", "json").out)
    with drawing():
        subject = Subject(load_model(tmp_path / "run"), {}, {}, statistics=found)
        axes = draw(subject, ["weights"], (4, 3)).subfigs[0].axes[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([4.81569109, 6.84639860], abs=1e-6)
    ends = [line.vertices[:, 0] for lines in axes.collections for line in lines.get_paths()]
    for (low, high), w, error in zip(ends, [4.81569109, 6.84639860], [0.90683797, 1.02222266], strict=True):
        assert [low, high] == pytest.approx([w - 1.959963985 * error, w + 1.959963985 * error], abs=1e-6)
    assert "against setosa" in axes.get_xlabel()
    assert axes.get_title() == "Weights with 95 % intervals"
