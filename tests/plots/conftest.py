"""A run to draw pictures of."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A neuron with a threshold of its own, over a scaled number, a column of categories, and names with a dollar."""
    from bpcli.commands.running import run as command

    folder = tmp_path_factory.mktemp("mixed")
    rng = np.random.default_rng(0)
    rows = ["cost_$,größe,color,label"]
    for _ in range(80):
        a, b, color = rng.normal(100, 20), rng.normal(), rng.choice(["red", "green", "blue"], p=[0.6, 0.3, 0.1])
        rows.append(f"{a},{b},{color},{'b$x$' if a / 20 + b > 5 else 'a'}")
    (folder / "d.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "c.yaml").write_text(
        "model: {type: neuron, activation: sigmoid, threshold: 0.3}\nloss: bce\n"
        "training: {epochs: 20, learning_rate: 0.5}\n"
        "data: {path: d.csv, target: label, categorical: [color], standardize: true}\n"
    )
    assert command(["train", str(folder / "c.yaml"), "--output", str(folder / "run"), "--quiet"]) == 0
    return folder / "run"
