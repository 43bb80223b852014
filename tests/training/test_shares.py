"""A training that ranks prepare together: to the bit what one process prepares, mistakes included."""

import csv
import json
from itertools import pairwise

import numpy as np
import pytest

from bpcli.api.predictions import scores, shared_scores
from bpcli.datasets.reading import read_files
from bpcli.datasets.sparse import is_sparse
from bpcli.datasets.spread import Spread, opened
from bpcli.errors import BpcliError
from bpcli.training.checkpoint import fingerprint
from bpcli.training.config.loading import load_config
from bpcli.training.setup import prepare
from tests.threads import together

RNG = np.random.default_rng(7)
N = 400
X = RNG.normal(size=(N, 3)) * [1, 100, 1e-3]
CLASS = (X[:, 0] + X[:, 1] / 100 + RNG.normal(size=N) > 0).astype(int)
CELLS = {
    "x1": [f"{x:.6g}" for x in X[:, 0]],
    "x2": ["" if k % 11 == 3 else f"{x:.4f}" for k, x in enumerate(X[:, 1])],
    "color": ["NA" if k % 37 == 5 else ["red", "green", "blue"][k % 3 if k < 390 else 0] for k in range(N)],
    "flag": ["true" if c else "False" for c in CLASS],
    "late": ["7"] * (N - 1) + ["seven"],
    "weight": [f"{abs(x) + 0.1:.3f}" for x in X[:, 2] * 1000],
    "label": [("b" if c else "a") if k % 50 else "rare" for k, c in enumerate(CLASS)],
    "y": [f"{x:.5f}" for x in X @ [1, 0.01, 100]],
}
BASE = """data: {{path: {path}, target: {target}{data}}}
model: {{type: {type}{model}}}
loss: {loss}
output: run
training: {{epochs: 2, learning_rate: 0.1{training}}}
"""
SOFTMAX = {"type": "softmax", "loss": "cce", "target": "label"}
NEURON = {"type": "neuron", "loss": "mse", "target": "y", "model": ", activation: identity"}

CASES = {
    "plain": NEURON | {"data": ", features: [x1], standardize: true"},
    "splits": SOFTMAX | {"data": ", features: [x1], validation: 0.2, test: 0.1, standardize: true"},
    "gaps": NEURON | {"data": ", features: [x1, x2], missing: median, validation: 0.25"},
    "mean": NEURON | {"data": ", features: [x1, x2], missing: mean, standardize: true"},
    "most frequent": NEURON | {"data": ", features: [x2, color], categorical: [color], missing: most_frequent"},
    "drop": SOFTMAX | {"data": ", features: [x2, color], categorical: [color], missing: drop, validation: 0.2"},
    "booleans": SOFTMAX | {"target": "flag", "data": ", features: [x1, color], categorical: [color], missing: drop"},
    "boolean feature": NEURON | {"data": ", features: [x1, flag], standardize: true"},
    "weights": SOFTMAX | {"data": ", features: [x1], weight: weight", "training": ", class_weight: balanced"},
    "late text": NEURON | {"data": ", features: [x1, late], categorical: [late]"},
    "text is no number": NEURON | {"data": ", features: [x1, late]"},
    "gap": NEURON | {"data": ", features: [x1, x2]"},
    "one class too many": SOFTMAX
    | {"type": "neuron", "loss": "bce", "model": ", activation: sigmoid", "data": ", features: [x1]"},
    "no such column": NEURON | {"data": ", features: [x9]"},
    "words": NEURON | {"data": ', features: [x1, x2], missing: median, missing_words: ["7"]'},
}


MISTAKES = {"text is no number", "gap", "one class too many", "no such column"}


def write(folder, files, newline="\n"):
    """The table in so many files; the data.path of them."""
    edges = [N * k // files for k in range(files + 1)]
    for k, (first, stop) in enumerate(pairwise(edges)):
        with (folder / f"part-{k}.csv").open("w", newline="") as file:
            writer = csv.writer(file, lineterminator=newline)
            writer.writerow(CELLS)
            writer.writerows(list(zip(*CELLS.values(), strict=True))[first:stop])
    return "part-*.csv" if files > 1 else "part-0.csv"


def rows_of(X):
    """The bytes of all rows."""
    X = X[:]
    return [X.shape, *(a.tobytes() for a in ((X.data, X.indices, X.indptr) if is_sparse(X) else (np.asarray(X),)))]


def prepared(path, ranks=None):
    """What there is to know of a prepared training, or the error."""
    try:
        training = prepare(load_config(path)) if ranks is None else prepare(load_config(path), ranks=ranks)
    except BpcliError as error:
        return str(error)
    for part in training.parts.values():
        opened(part.X)
    parts = {
        name: [*rows_of(part.X), *(None if a is None else np.asarray(a[:]).tobytes() for a in (part.y, part.weights))]
        for name, part in training.parts.items()
    }
    arrays = {name: part.arrays() for name, part in training.parts.items()}
    learned = json.dumps(training.model.preparation.to_json())
    spread = all(isinstance(part.X, Spread) for part in training.parts.values())
    z = training.model.z(training.parts["train"].X).tobytes()
    mark = fingerprint(arrays, training.model.preparation)
    return spread, (parts, learned, training.notes, mark, training.model.dialect, z)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("files", [1, 3])
@pytest.mark.parametrize("size", [2, 5])
def test_a_share_of_text(tmp_path, monkeypatch, name, files, size):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bpcli.datasets.spread.ROWS", 32)
    monkeypatch.setattr("bpcli.training.checkpoint._ROWS", 32)
    monkeypatch.setattr("bpcli.datasets.preparation.statistics.ROWS", 64)
    config = tmp_path / "config.yaml"
    config.write_text(
        BASE.format(**{"data": "", "model": "", "training": ""} | CASES[name] | {"path": write(tmp_path, files)})
    )
    alone = prepared(config)
    assert isinstance(alone, str) == (name in MISTAKES)
    of_ranks = together(size, lambda ranks: prepared(config, ranks))
    if isinstance(alone, str):
        assert of_ranks == [alone] * size
        return
    assert alone[0] is False
    for found in of_ranks:
        assert found[1] == alone[1]
        assert found[0]  # not read as a whole by each


SPARSE = {
    "classes": NEURON | {"type": "softmax", "loss": "cce", "model": "", "target": "none", "data": ", validation: 0.2"},
    "regression": NEURON | {"target": "x3", "data": ", features: [x7, x2, x40], scale: 3"},
    "weights": NEURON | {"target": "none", "data": ", weight: x2, exclude: [x1], validation: v.svm"},
    "float32": NEURON | {"target": "none", "training": ", dtype: float32", "data": ", test: 0.3"},
    "gap": NEURON | {"target": "none", "gap": True},
    "dropped": NEURON | {"target": "none", "gap": True, "data": ", missing: drop"},
    "no number": NEURON | {"target": "none", "line": "1 3:four"},
    "all in one row": NEURON | {"target": "none", "line": "2 0:1 50:1"},
}


@pytest.mark.parametrize("name", SPARSE)
@pytest.mark.parametrize("files", [1, 3])
@pytest.mark.parametrize("size", [2, 5])
def test_a_share_of_sparse_rows(tmp_path, monkeypatch, name, files, size):
    pytest.importorskip("scipy")
    monkeypatch.chdir(tmp_path)
    for module in ("datasets.spread.ROWS", "training.checkpoint._ROWS"):
        monkeypatch.setattr(f"bpcli.{module}", 16)
    case = {"data": "", "model": "", "training": ""} | SPARSE[name]
    lines = ["# a comment", ""]
    for k in range(101):
        entries = [f"{j}:{1 + abs(X[k, j % 3]):.4g}" for j in range(1, 30) if (k * j) % 7 == 1 or j == 2]
        lines.append(" ".join([str(k % 3), *entries, f"{20 + k}:0.5" if k % 10 == 0 else ""]))
    lines[60] = case.get("line", lines[60])
    lines[80] = lines[80].partition(" ")[2] if case.get("gap") else lines[80]
    edges = [len(lines) * k // files for k in range(files + 1)]
    for k, (first, stop) in enumerate(pairwise(edges)):
        (tmp_path / f"part-{k}.svm").write_text("\n".join(lines[first:stop]))
    (tmp_path / "v.svm").write_text("1 2:3\n0 2:1 4:1\n")
    config = tmp_path / "config.yaml"
    config.write_text(BASE.format(**case | {"path": "part-*.svm" if files > 1 else "part-0.svm"}))
    alone = prepared(config)
    assert isinstance(alone, str) == (name in {"gap", "no number"})
    of_ranks = together(size, lambda ranks: prepared(config, ranks))
    assert of_ranks == ([alone] * size if isinstance(alone, str) else [(True, alone[1])] * size)


def test_sparse_rows_are_scored_together(tmp_path):
    pytest.importorskip("scipy")
    train, other = tmp_path / "train.svm", tmp_path / "other.svm"
    train.write_text("".join(f"{k % 2} {1 + k % 3}:{k}\n" for k in range(9)))
    other.write_text("1 1:2 3:1\n0 2:1\n1 2:2 9:1\n0 1:4\n")  # of which only one share has a new feature
    settings = NEURON | {"data": "", "training": "", "path": train, "target": "none"}
    (tmp_path / "config.yaml").write_text(BASE.format(**settings))
    model = prepare(load_config(tmp_path / "config.yaml")).model
    files, alone = model.files(other), scores(model, other)

    def work(ranks):
        found = shared_scores(model, files, lambda share: read_files(files, share=share), ranks)
        return found.z.tobytes(), found.y.tobytes(), found.remarks

    assert len(alone.remarks) == 1
    assert together(3, work) == [(alone.z.tobytes(), alone.y.tobytes(), alone.remarks)] * 3


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("x,y\n1,2\n3,4\n5,6\n", "rows.csv is another one"),
        ("x,y\n1,2\n3,5\n", "rows.csv is another one"),
        (None, "rank 1 has no rows.csv"),
    ],
)
def test_files_that_differ_are_told(tmp_path, monkeypatch, other, said):
    monkeypatch.chdir(tmp_path)
    configs = []
    for rank in range(2):
        folder = tmp_path / str(rank)
        folder.mkdir()
        if not rank or other is not None:
            (folder / "rows.csv").write_text(other if rank else "x,y\n1,2\n3,4\n")
        configs.append(folder / "config.yaml")
        settings = NEURON | {"data": "", "training": "", "path": folder / "rows.csv"}
        configs[-1].write_text(BASE.format(**settings))
    found = together(2, lambda ranks: prepared(configs[ranks.rank], ranks))
    assert found == [f"rank 1 does not find the files that rank 0 does: {said}"] * 2
