"""Separated classes, against a linear program of SciPy's: a direction in which no row is wrong and some are right."""

import numpy as np
import pytest

from bpcli.training.inference import separation as module
from bpcli.training.inference.separation import QUICK, Labelled, separation


def by_linear_program(X, y, K):
    """Whether max Σ x(v_y − v_k) over |v| ≤ 1 is above 0, none of them below."""
    linprog = pytest.importorskip("scipy.optimize").linprog
    X = np.column_stack([X, np.ones(len(X))])
    rows = []
    for x, k in zip(X, y, strict=True):
        for other in range(K):
            if other != k:
                row = np.zeros((X.shape[1], K))
                row[:, k], row[:, other] = x, -x
                rows.append(row.ravel())
    A = np.array(rows)
    found = linprog(-A.sum(axis=0), A_ub=-A, b_ub=np.zeros(len(A)), bounds=(-1, 1))
    return -found.fun > 1e-7


def find(X, y, K=2, weights=None, softmax=False):
    outputs = (K,) if K > 2 or softmax else ()
    return separation(X, y, K, np.zeros((X.shape[1], *outputs)), np.zeros(outputs), weights, QUICK)


@pytest.mark.parametrize("K", [2, 3])
def test_what_is_said_is_what_a_linear_program_says(K):
    rng, said = np.random.default_rng(1), []
    for _ in range(40):
        N, n = int(rng.integers(6, 60)), int(rng.integers(1, 7))
        X = rng.normal(size=(N, n)) if rng.random() < 0.5 else rng.integers(0, 3, (N, n)).astype(float)
        slope = rng.normal(size=(n, K)) * rng.choice([0.0, 3.0])
        y = np.argmax(X @ slope + rng.gumbel(size=(N, K)), axis=1)
        if len(np.unique(y)) < K:
            continue
        found = find(X, y, K)
        if found.separated is not None:
            assert found.separated == by_linear_program(X, y, K)
            said.append(found.separated)
        if found.separated:  # by these columns alone
            assert by_linear_program(X[:, list(found.features)], y, K)
    assert {*said} == {True, False}
    assert len(said) > 25


def by_every_cut(x, y):
    """Whether at some value x, which varies, falls apart: each class on one side, and some on either."""
    classes = {*y.tolist()}
    for t in np.unique(x) if len(np.unique(x)) > 1 else ():
        below, above = ({k for k in classes if side[y == k].all()} for side in (x <= t, x >= t))
        if len(classes) > 1 and below and above and below | above == classes:
            return True
    return False


@pytest.mark.parametrize("K", [2, 3, 4])
def test_a_feature_alone_separates_where_some_cut_does(K, monkeypatch):
    """Blocks of two rows: a class may come late, and what is cut by the first rows need not be by all."""
    monkeypatch.setattr(module, "ROWS", 2)
    rng, said = np.random.default_rng(K), set()
    for _ in range(300):
        y = np.sort(rng.integers(0, K, 11)) if rng.random() < 0.5 else rng.integers(0, K, 11)
        X = rng.integers(0, 4, (11, 3)) + rng.choice([0, 2, 3]) * y[:, None] * rng.integers(0, 2, 3)
        found = module._alone(Labelled(X.astype(float), y, K, ()))
        assert found == tuple(j for j in range(3) if by_every_cut(X[:, j], y))
        said.add(len(found))
    assert {0, 1} <= said


CELLS = np.array([[0.0, 5], [0, 3], [1, 4], [1, 6], [0, 7], [0, 1], [0, 2], [0, 8]])
LABELS = np.array([0, 1, 1, 1, 0, 1, 0, 1])


def test_a_column_that_is_never_wrong_separates_in_part():
    assert find(CELLS, LABELS) == (True, (0,))
    assert find(CELLS, LABELS, softmax=True) == (True, (0,))
    assert find(CELLS[:, [1, 0]] * -3.0 + 0.1, LABELS) == (True, (1,))
    sparse = pytest.importorskip("scipy.sparse").csr_array(CELLS)
    assert find(sparse, LABELS) == (True, (0,))


def test_what_does_not_vary_or_does_not_count_separates_nothing():
    rest = np.column_stack([np.ones(8), CELLS[:, 1]])
    assert find(rest, LABELS) == (False, ())
    weights = np.where(CELLS[:, 0] == 1, 0.0, 1.0)
    assert find(CELLS, LABELS, weights=weights).separated is False
    assert find(CELLS[:2], np.array([1, 1])).separated is None


def test_features_that_depend_on_each_other_do_not_hide_the_optimum():
    rng = np.random.default_rng(3)
    kind = rng.integers(0, 3, 90)
    X = np.column_stack([np.eye(3)[kind], rng.normal(size=90)])  # the first three add up to the bias's 1
    y = (rng.random(90) < 0.5).astype(int)
    assert find(X, y).separated is False
    assert find(X, rng.integers(0, 3, 90), 3).separated is False


def test_a_summary_says_it_and_a_training_warns(bpcli, root, tmp_path):
    common = ["train", root / "configs/breast_cancer.yaml", "--quiet", "--format", "json", "--set", "training.epochs=1"]
    separated = bpcli(*common, "--output", tmp_path / "all", "--set", "training.l2=0")
    assert separated.json[-1]["separated"] is True
    assert "the classes are separated" in separated.err
    assert separated.json[-1]["separated_by"][0] in separated.err
    held = bpcli(*common, "--output", tmp_path / "held")
    assert held.json[-1]["separated"] is True
    assert "separated" not in held.err
    few = bpcli(*common, "--output", tmp_path / "few", "--set", "data.features=[mean_texture]")
    assert few.json[-1]["separated"] is False
    assert "separated_by" not in few.json[-1]
    line = bpcli("train", root / "configs/diabetes.yaml", "--quiet", "--format", "json", "--output", tmp_path / "line")
    assert "separated" not in line.json[-1]
