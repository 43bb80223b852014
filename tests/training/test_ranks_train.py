"""A training by several processes leaves the same files as one process: to the bit, but for the times."""

import json

import numpy as np
import pytest

NEURON = "model: {type: neuron, activation: sigmoid}\nloss: bce\n"
SOFTMAX = "model: {type: softmax}\nloss: cce\n"
RUN = "from bpcli.__main__ import main; main()"


def kept(run):
    """Everything that a run keeps, without times and places."""
    summary = json.loads((run / "summary.json").read_text())
    for name in ("run", "seconds"):
        summary.pop(name)
    summary["files"].pop("config.yaml")
    history = [line.rpartition(",")[0] for line in (run / "history.csv").read_text().splitlines()]
    with np.load(run / "checkpoint.npz") as archive:
        state = {name: archive[name].tobytes().hex() for name in archive.files if name.startswith("state.")}
    return (run / "model.npz").read_bytes(), history, summary, state


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """20,000 rows, dense and sparse; the last block is not full."""
    folder = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 5)).round(4)
    y = np.digitize(X @ [1, -2, 0.5, 0, 1] + rng.normal(size=len(X)), [0])
    np.savetxt(folder / "rows.csv", np.c_[X, y], "%.6g", ",", header="a,b,c,d,e,y", comments="")
    lines = []
    for row, label in zip(X, y, strict=True):
        entries = [f"{j + 1 + 5 * int(9 * abs(v))}:{v:.4g}" for j, v in enumerate(row) if abs(v) > 0.8]
        lines.append(" ".join([str(label), *entries]))
    (folder / "rows.svm").write_text("\n".join(lines) + "\n")
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return folder
    columns = {name: X[:, j] for j, name in enumerate("abcde")}
    pq.write_table(pa.table(columns | {"y": y}), folder / "rows.parquet", row_group_size=3000)
    return folder


DENSE, SPARSE = "{path: rows.csv, target: y, validation: 0.1}", "{path: rows.svm}"
TRAININGS = {
    "full": (NEURON, DENSE, "learning_rate: 0.5, batch_size: full, tolerance: 0.01"),
    "batches": (SOFTMAX, DENSE, "learning_rate: 0.1, batch_size: 12288, optimizer: adam, l1: 0.001"),
    "float32": (NEURON, DENSE, "learning_rate: 0.5, batch_size: 12288, dtype: float32, class_weight: balanced"),
    "newton": (NEURON, DENSE, "optimizer: newton"),
    "lbfgs": (SOFTMAX, DENSE, "optimizer: lbfgs, l2: 0.01"),
    "sparse": (NEURON, SPARSE, "learning_rate: 0.5, batch_size: 12288, l1: 0.001, l2: 0.001"),
    "sparse adam": (SOFTMAX, SPARSE, "learning_rate: 0.1, batch_size: full, optimizer: adam"),
    "sparse newton": (NEURON, SPARSE, "optimizer: lbfgs, l1: 0.001"),
    "parquet": (NEURON, DENSE.replace("csv", "parquet"), "learning_rate: 0.5, batch_size: full"),
}


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_leaves_the_same_bits_for_every_number_of_ranks(data, tmp_path, run_by, name):
    model, path, training = TRAININGS[name]
    pytest.importorskip("pyarrow" if "parquet" in path else "scipy" if "svm" in path else "numpy")
    config = tmp_path / "c.yaml"
    config.write_text(f"{model}training: {{{training}, epochs: 4}}\ndata: {path.replace('rows', f'{data}/rows')}\n")
    found = {}
    for ranks in (2, 1, 3):
        result = run_by(ranks, ["-c", RUN, "train", config, "--output", tmp_path / f"by{ranks}", "--quiet"])
        assert result.returncode in (0, 1), result.stderr
        found[ranks] = kept(tmp_path / f"by{ranks}")
    assert found[2] == found[1]
    assert found[3] == found[1]
