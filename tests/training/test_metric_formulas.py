"""Metrics against their definitions, counted pair by pair in exact fractions, and values worked by hand."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bpcli.training import metric_formulas

scored = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1, max_size=25)


def columns(rows):
    return np.array([p for p, _ in rows]), np.array([float(s) for _, s in rows])


@given(scored)
def test_auc_is_the_share_of_pairs_in_order(rows):
    pairs = [
        Fraction(1) if sp > sn else Fraction(1, 2) if sp == sn else Fraction(0)
        for p, sp in rows
        if p
        for n, sn in rows
        if not n
    ]
    got = metric_formulas.auc(*metric_formulas.ranked(*columns(rows)))
    assert got is None if not pairs else got == pytest.approx(float(sum(pairs) / len(pairs)), rel=1e-15)


@given(scored)
def test_average_precision_is_the_sum_over_thresholds(rows):
    positives = sum(p for p, _ in rows)
    total, recall = Fraction(0), Fraction(0)
    for threshold in sorted({s for _, s in rows}, reverse=True):
        chosen = [p for p, s in rows if s >= threshold]
        if positives:
            now = Fraction(sum(chosen), positives)
            total += (now - recall) * Fraction(sum(chosen), len(chosen))
            recall = now
    got = metric_formulas.average_precision(*metric_formulas.ranked(*columns(rows)))
    assert got is None if not positives else got == pytest.approx(float(total), rel=1e-14)


def test_confusion_and_per_class_by_hand():
    # true a a a b b c, said a a b b c b
    table = metric_formulas.confusion(np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 2, 1]), 3)
    assert table.tolist() == [[2, 1, 0], [0, 1, 1], [0, 1, 0]]
    by_class = metric_formulas.per_class(table)
    assert by_class["precision"] == pytest.approx([1, 1 / 3, 0])
    assert by_class["recall"] == pytest.approx([2 / 3, 1 / 2, 0])
    assert by_class["f1"] == pytest.approx([4 / 5, 2 / 5, 0])
    assert by_class["support"].tolist() == [3, 2, 1]


def test_a_class_never_seen_nor_predicted_counts_zero():
    by_class = metric_formulas.per_class(np.array([[1, 0], [0, 0]]))
    assert [by_class[key][1] for key in ("precision", "recall", "f1", "support")] == [0, 0, 0, 0]


CLASSED = st.integers(2, 4).flatmap(
    lambda K: st.lists(st.tuples(st.integers(0, K - 1), st.integers(0, K - 1)), min_size=1, max_size=30).map(
        lambda rows: (K, rows)
    )
)


@given(CLASSED)
def test_balanced_accuracy_and_mcc_by_their_definitions(drawn):
    K, rows = drawn
    y, said = (np.array(column) for column in zip(*rows, strict=True))
    table = metric_formulas.confusion(y, said, K)
    recalls = [Fraction(sum(t == s == k for t, s in rows), sum(t == k for t, _ in rows)) for k in set(y.tolist())]
    assert metric_formulas.balanced_accuracy(table) == pytest.approx(float(sum(recalls) / len(recalls)))
    # The correlation of the one-hot columns, summed over the classes (Gorodkin 2004).
    X, Y = np.eye(K)[said], np.eye(K)[y]
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    spread = np.sqrt((X * X).sum() * (Y * Y).sum())
    if len(set(y.tolist())) == 1:
        assert metric_formulas.mcc(table) is None
    else:
        assert metric_formulas.mcc(table) == pytest.approx((X * Y).sum() / spread if spread > 1e-12 else 0, abs=1e-12)


@given(st.integers(2, 4), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_brier_and_ece_by_their_definitions(K, N, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, K, N)
    p = rng.dirichlet(np.full(K, 0.5), N)
    p[rng.random(N) < 0.2] = np.eye(K)[0]  # certain
    squares = [sum((p[n, k] - (y[n] == k)) ** 2 for k in range(K)) for n in range(N)]
    assert metric_formulas.brier(y, p) == pytest.approx(sum(squares) / N / (2 if K == 2 else 1))
    said = [row[1] if K == 2 else max(row) for row in p]
    right = [y[n] == (1 if K == 2 else int(np.argmax(p[n]))) for n in range(N)]
    error = 0.0
    for k in range(15):
        rows = [n for n in range(N) if k / 15 < said[n] <= (k + 1) / 15 or (k == said[n] == 0)]
        error += abs(sum(said[n] for n in rows) - sum(right[n] for n in rows)) / N
    assert metric_formulas.ece(y, p) == pytest.approx(error, abs=1e-12)


@given(st.integers(2, 4), st.integers(1, 40), st.integers(1, 7), st.integers(0, 2**32 - 1))
def test_metrics_have_the_same_bits_in_blocks_of_any_size(K, N, size, seed):
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, K, N), rng.dirichlet(np.full(K, 0.5), N)
    scores = rng.integers(-3, 3, N).astype(np.float64)  # many are equal
    ranked = metric_formulas.ranked(y == 0, scores)
    areas = metric_formulas.average_precision(*ranked), metric_formulas.auc(*ranked)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(metric_formulas, "_BLOCK", size)
        assert areas == (metric_formulas.average_precision(*ranked), metric_formulas.auc(*ranked))
        blocks = ((y[start : start + size], p[start : start + size]) for start in range(0, N, size))
        both = metric_formulas.brier(y, p), metric_formulas.ece(y, p)
        assert metric_formulas.brier_and_ece(blocks, N) == both
    which, said, right = metric_formulas.confidences(y, p, 15)  # a sum in the order of the rows, whatever the blocks
    sums = [sum((part[row] for row in range(N) if which[row] == k), 0.0) for part in (said, right) for k in range(15)]
    found = metric_formulas.calibration_sums(np.zeros((3, 15)), y, p)
    assert found[1:].ravel().tolist() == sums


def test_metrics_of_classes_beside_scikit_learn():
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    for K in (2, 3):
        y, p = rng.integers(0, K, 99), rng.dirichlet(np.ones(K), 99)
        table = metric_formulas.confusion(y, p.argmax(axis=1), K)
        assert metric_formulas.mcc(table) == pytest.approx(sklearn.matthews_corrcoef(y, p.argmax(axis=1)), rel=1e-12)
        expected = sklearn.balanced_accuracy_score(y, p.argmax(axis=1))
        assert metric_formulas.balanced_accuracy(table) == pytest.approx(expected, rel=1e-12)
    y, p = rng.integers(0, 2, 99), rng.dirichlet(np.ones(2), 99)
    assert metric_formulas.brier(y, p) == pytest.approx(sklearn.brier_score_loss(y, p[:, 1]), rel=1e-12)


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=4))
@example([3, 7])
@example([10, 10])
@example([8, 12])
def test_mcc_of_right_predictions_is_one(sizes):
    assert metric_formulas.mcc(np.diag(sizes)) == 1
