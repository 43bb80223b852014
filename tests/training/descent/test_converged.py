"""A model that has separated its classes and trained for long still has a loss and a gradient, beside mpmath."""

import mpmath
import numpy as np
import pytest
from engines import ENGINES

mp = mpmath.MPContext()
mp.dps = 250

CONFIG = """
model: {{type: {model}{activation}}}
loss: {loss}
training: {{learning_rate: 100, epochs: 400, batch_size: full}}
data: {{path: points.csv, target: y}}
output: run
"""


@pytest.fixture(params=["neuron", "softmax"])
def trained(request, bpcli, tmp_path, monkeypatch):
    """Rows, labels, the weights, and the losses that were printed at the end and by `evaluate`."""
    monkeypatch.chdir(tmp_path)
    X = np.array([[-1.5, 0.25], [-1.0, -0.5], [1.0, 0.5], [2.0, 0.125]])
    y = np.array([0, 0, 1, 1])
    rows = "".join(f"{a},{b},{label}\n" for (a, b), label in zip(X.tolist(), y, strict=True))
    (tmp_path / "points.csv").write_text("a,b,y\n" + rows)
    neuron = request.param == "neuron"
    text = CONFIG.format(
        model=request.param, loss="bce" if neuron else "cce", activation=", activation: sigmoid" if neuron else ""
    )
    (tmp_path / "config.yaml").write_text(text)
    result = bpcli("train", "config.yaml", "--format", "json", "--quiet")
    assert result.code == 0
    loss = bpcli("evaluate", "run", "--format", "json").json[0]["loss"]
    with np.load(tmp_path / "run" / "model.npz") as model:
        return request.param, X, y, model["w"], model["b"], result.json[-1]["train"]["loss"], loss


def test_the_loss_and_the_gradient_are_right(trained):
    kind, X, y, w, b, *losses = trained
    rows = [[mp.mpf(v) for v in row] for row in X.tolist()]
    outputs = w.reshape(2, -1)
    K = outputs.shape[1]
    bias = [mp.mpf(float(v)) for v in np.ravel(b)]
    columns = [[mp.mpf(float(v)) for v in column] for column in outputs.T]
    z = [[mp.fdot(row, column) + bias[k] for k, column in enumerate(columns)] for row in rows]
    if kind == "neuron":
        z = [[mp.mpf(0), row[0]] for row in z]  # a sigmoid is a softmax over 0 and z
    assert min(abs(row[1] - row[0]) for row in z) > 40
    p = [[mp.exp(v) / mp.fsum(map(mp.exp, row)) for v in row] for row in z]
    J = -mp.fsum(mp.log(p[j][y[j]]) for j in range(4)) / 4
    assert 0 < J < mp.mpf(10) ** -17
    for loss in losses:
        assert abs(loss - J) <= mp.mpf(10) ** -12 * J  # z itself is rounded, which the exponential of 50 magnifies
    dJ_dz = [[p[j][k] - (k == y[j]) for k in range(2)][2 - K :] for j in range(4)]
    exact = [[mp.fsum(dJ_dz[j][k] * rows[j][i] for j in range(4)) for k in range(K)] for i in range(2)]

    target = y.astype(float) if kind == "neuron" else y
    activation, loss_name = ("sigmoid", "bce") if kind == "neuron" else (None, "cce")
    for take in ENGINES.values():
        batch = X @ w + b
        total = take(kind, activation, loss_name, batch, target)
        gradient = (X.T @ batch).reshape(2, -1)
        assert abs(total / 4 - J) <= mp.mpf(10) ** -12 * J
        for i in range(2):
            for k in range(K):
                assert abs(mp.mpf(float(gradient[i, k])) - exact[i][k]) <= mp.mpf(10) ** -12 * abs(exact[i][k])
                assert gradient[i, k] != 0
