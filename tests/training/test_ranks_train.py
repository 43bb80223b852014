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
    columns = {name: np.where(np.abs(X[:, j]) < 2.5, X[:, j], np.nan) for j, name in enumerate("abcde")}
    columns["color"] = rng.choice(["red", "green", "blue", "grün"], len(X), p=[0.5, 0.3, 0.1999, 0.0001])
    columns |= {"w": np.arange(len(X)) % 3 + 1, "y": np.where(y, "yes", "no")}
    for part, (first, stop) in enumerate([(0, 1), (1, 300), (300, 13_000), (13_000, len(X))], 1):
        cells = [["" if v != v else str(v) for v in column[first:stop].tolist()] for column in columns.values()]
        lines = [",".join(columns), *map(",".join, zip(*cells, strict=True))]
        (folder / f"part-{part}.csv").write_text("\n".join(lines) + "\n")
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return folder
    table = pa.table({name: pa.array(column, from_pandas=True) for name, column in columns.items()})
    pq.write_table(table, folder / "groups.parquet", row_group_size=3000)
    pq.write_table(table, folder / "one-group.parquet")  # which one rank reads, and the others have no rows
    return folder


DENSE, SPARSE = "{path: rows.csv, target: y, validation: 0.1}", "{path: rows.svm}"
MIXED = (
    "{path: part-*.csv, target: y, weight: w, categorical: [color], standardize: true, validation: 0.2, test: 0.1, "
    "missing: {a: mean, b: median, c: most_frequent, d: drop, e: mean}}"
)
TRAININGS = {
    "full": (NEURON, DENSE, "learning_rate: 0.5, batch_size: full, tolerance: 0.01"),
    "batches": (SOFTMAX, DENSE, "learning_rate: 0.1, batch_size: 12288, optimizer: adam, l1: 0.001"),
    "in order": (NEURON, DENSE, "learning_rate: 0.1, batch_size: 12288, shuffle: false, clip_norm: 0.5"),
    "float32": (NEURON, DENSE, "learning_rate: 0.5, batch_size: 12288, dtype: float32, class_weight: balanced"),
    "newton": (NEURON, DENSE, "optimizer: newton"),
    "lbfgs": (SOFTMAX, DENSE, "optimizer: lbfgs, l2: 0.01"),
    "sparse": (NEURON, SPARSE, "learning_rate: 0.5, batch_size: 12288, l1: 0.001, l2: 0.001"),
    "sparse adam": (SOFTMAX, SPARSE, "learning_rate: 0.1, batch_size: full, optimizer: adam"),
    "sparse newton": (NEURON, SPARSE, "optimizer: lbfgs, l1: 0.001"),
    "parts": (NEURON, MIXED, "learning_rate: 0.5, batch_size: 12288, early_stopping: {metric: auc, patience: 2}"),
    "parts, newton": (NEURON, MIXED, "optimizer: newton, class_weight: balanced, l2: 0.001"),
    "groups": (NEURON, MIXED.replace("part-*.csv", "groups.parquet"), "learning_rate: 0.5, batch_size: full"),
    "one group": (SOFTMAX, MIXED.replace("part-*.csv", "one-group.parquet"), "learning_rate: 0.5, batch_size: 12288"),
}


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_leaves_the_same_bits_for_every_number_of_ranks(data, tmp_path, run_by, name):
    model, path, training = TRAININGS[name]
    pytest.importorskip("pyarrow" if "parquet" in path else "scipy" if "svm" in path else "numpy")
    config = tmp_path / "c.yaml"
    config.write_text(f"{model}training: {{{training}, epochs: 4}}\ndata: {path.replace('path: ', f'path: {data}/')}\n")
    found = {}
    for ranks in (2, 1, 3):
        result = run_by(ranks, ["-c", RUN, "train", config, "--output", tmp_path / f"by{ranks}", "--quiet"])
        assert result.returncode in (0, 1), result.stderr
        found[ranks] = kept(tmp_path / f"by{ranks}")
    assert found[2] == found[1]
    assert found[3] == found[1]
