"""Pictures of weights: which features are pixels, and how the images fill the figure."""

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
