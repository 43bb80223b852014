"""A row gets the same bits alone, in a file, through stdin, from Python, dense, sparse and in blocks."""

import io

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv, parquet

import bpcli as library
from bpcli.datasets import large
from bpcli.datasets.preparation.columns import Column
from bpcli.datasets.preparation.fitted import Preparation
from bpcli.datasets.readers import arrays, columnar, delimited
from bpcli.formulas.choices import Task
from bpcli.training.model import Model
from bpcli.training.run import save_model

ROWS = 41


def model(rng, n, K, dtype, standardize):
    """A neuron (K = 1) or a softmax layer of K classes, with random weights."""
    columns = tuple(Column(f"x{j}", None, "error", None) for j in range(1, n + 1))
    scaling = (tuple(rng.normal(size=n)), tuple(rng.uniform(0.1, 9, n))) if standardize else (None, None)
    classes = tuple(map(float, range(max(2, K))))
    task = Task.TWO_CLASSES if K == 1 else Task.CLASSES
    prepared = Preparation("y", task, False, columns, classes, *scaling)
    w = rng.normal(size=n if K == 1 else (n, K)).astype(dtype)
    kind = ("neuron", "sigmoid", "bce") if K == 1 else ("softmax", None, "cce")
    return Model(*kind, 0.5, w, rng.normal(size=w.shape[1:]).astype(dtype), prepared)


def write_svm(path, X, y):
    rows = (" ".join(f"{j}:{x!r}" for j, x in enumerate(row, 1) if x) for row in X.tolist())
    path.write_text("".join(f"{label} {row}\n" for label, row in zip(y, rows, strict=True)))


@given(
    st.integers(1, 200), st.integers(1, 12), st.sampled_from(["float64", "float32"]), st.booleans(), st.integers(0, 9)
)
@settings(max_examples=60)
@pytest.mark.slow
def test_bits_do_not_depend_on_the_rows_beside(n, K, dtype, standardize, seed):
    rng = np.random.default_rng(seed)
    predictor = library.TrainedModel(model(rng, n, K, dtype, standardize))
    X = rng.normal(size=(ROWS, n)) * 10.0 ** rng.integers(-9, 9, (ROWS, n))
    whole = predictor.probabilities(X)
    bound = n * np.finfo(dtype).eps * 4
    for first in range(ROWS):
        for count in (1, 2, 3, 17):
            part = X[first : first + count]
            assert np.array_equal(predictor.probabilities(part), whole[first : first + count])
    z, w = predictor._model.z(X), predictor._model.w.astype(np.longdouble)
    exact = X.astype(dtype).astype(np.longdouble) @ w + predictor._model.b
    if not standardize:
        assert (np.abs(z - exact) <= bound * (np.abs(X).astype(np.longdouble) @ np.abs(w) + 9)).all()


@pytest.mark.parametrize("n", [1023, 1025, 9000])
def test_long_rows_too(n):
    rng = np.random.default_rng(n)
    for K in (1, 3):
        wide = model(rng, n, K, "float64", False)
        X = rng.normal(size=(20, n))
        z = wide.z(X)
        assert all(np.array_equal(wide.z(X[k : k + 1])[0], z[k]) for k in range(20))


@pytest.mark.parametrize("K", [1, 5])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_way_in_gives_the_same_text(bpcli, tmp_path, monkeypatch, K, dtype):
    rng = np.random.default_rng(7)
    made = model(rng, 30, K, dtype, True)
    save_model(made, tmp_path / "model.npz")
    X = rng.normal(size=(ROWS, 30)) * (rng.random((ROWS, 30)) < 0.5)
    names = [f"x{j}" for j in range(1, 31)]
    lines = [",".join(names), *(",".join(map(repr, row)) for row in X.tolist())]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    np.save(tmp_path / "t.npy", X)
    write_svm(tmp_path / "t.svm", X, np.zeros(ROWS))
    parquet.write_table(csv.read_csv(tmp_path / "t.csv"), tmp_path / "t.parquet")

    def predicted(file, stdin=b""):
        return bpcli("predict", tmp_path / "model.npz", file, stdin=stdin).out

    expected = predicted(tmp_path / "t.csv")
    assert expected.count("\n") == ROWS + 1
    files = [tmp_path / f"t.{kind}" for kind in ("npy", "svm", "parquet")]
    assert {predicted(file) for file in files} == {expected}
    alone = [predicted("-", stdin=f"{lines[0]}\n{line}\n".encode()).splitlines()[1] for line in lines[1:]]
    assert alone == expected.splitlines()[1:]
    p = np.loadtxt(io.StringIO(expected), delimiter=",", skiprows=1)[:, 1:]
    assert np.array_equal(library.load(tmp_path / "model.npz").probabilities(dict(zip(names, X.T, strict=True))), p)
    monkeypatch.setattr(large, "available_memory", lambda: 0)
    for module in (delimited, arrays, columnar):
        monkeypatch.setattr(module, "_BLOCK", 1000)
    assert {predicted(file) for file in (*files, tmp_path / "t.csv")} == {expected}


def test_a_sparse_model_takes_entries_in_any_order(bpcli, tmp_path):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(ROWS, 30)) * (rng.random((ROWS, 30)) < 0.5)
    X[0, 29] = 1
    y = np.arange(ROWS) % 3
    write_svm(tmp_path / "t.svm", X, y)
    (tmp_path / "c.yaml").write_text(
        "model: {type: softmax}\nloss: cce\ntraining: {learning_rate: 0.1, epochs: 2}\n"
        f"data: {{path: t.svm, target: none}}\noutput: {tmp_path}/run\n"
    )
    bpcli("train", tmp_path / "c.yaml")
    names = [f"x{j}" for j in range(1, 31)]
    (tmp_path / "t.csv").write_text("\n".join([",".join(names), *(",".join(map(repr, r)) for r in X.tolist())]) + "\n")
    expected = bpcli("predict", tmp_path / "run", tmp_path / "t.svm").out
    assert bpcli("predict", tmp_path / "run", tmp_path / "t.csv").out == expected
    p = np.loadtxt(io.StringIO(expected), delimiter=",", skiprows=1)[:, 1:]
    backwards = scipy.sparse.csr_array(X)[:, ::-1][:, ::-1]
    loaded = library.load(tmp_path / "run")
    given_ = backwards.copy()
    assert np.array_equal(loaded.probabilities(backwards), p)
    assert np.array_equal(backwards.indices, given_.indices)
    assert all(np.array_equal(loaded.probabilities(backwards[[k]])[0], p[k]) for k in range(ROWS))
