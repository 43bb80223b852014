"""Thresholds of two classes against scikit-learn's curves and against trying every one."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.errors import UsageError
from bpcli.training.thresholds import RULES, Cost, best, threshold_rule, thresholds

PROBABILITY = st.one_of(
    st.sampled_from([0.0, 5e-324, 0.25, 0.5, np.nextafter(0.5, 1), 0.75, np.nextafter(1.0, 0), 1.0]), st.floats(0, 1)
)
ROWS = st.lists(st.tuples(PROBABILITY, st.booleans()), min_size=2, max_size=20)


def counts(rows, t):
    """TP, FP, FN, TN of the rows at a threshold, one by one."""
    said = [(p >= t, positive) for p, positive in rows]
    return [said.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))]


@given(ROWS)
def test_every_set_of_rows_that_a_threshold_can_pick_is_there_once(rows):
    p, positive = (np.array(column) for column in zip(*rows, strict=True))
    found = thresholds(p, positive)
    assert ((found.threshold > 0) & (found.threshold < 1)).all()
    assert (np.diff(found.threshold) < 0).all()
    for row in zip(found.threshold, found.tp, found.fp, found.fn, found.tn, strict=True):
        assert list(row[1:]) == counts(rows, row[0])
    possible = {tuple(p >= t) for t in (*p, *np.nextafter(p, 1), 5e-324, np.nextafter(1.0, 0)) if 0 < t < 1}
    assert {tuple(p >= t) for t in found.threshold} == possible


def exact(name, tp, fp, fn, tn):
    """The score of a rule in fractions."""
    if name == "f1":
        return Fraction(2 * tp, 2 * tp + fp + fn) if tp else Fraction(0)
    if name == "youden":
        return Fraction(tp, tp + fn) + Fraction(tn, tn + fp) - 1
    return -Fraction(5 * fn + fp)


@given(ROWS.filter(lambda rows: len({positive for _, positive in rows}) == 2), st.sampled_from([*RULES, "cost=5:1"]))
def test_the_best_is_the_best_of_all(rows, name):
    p, positive = (np.array(column) for column in zip(*rows, strict=True))
    at = best(thresholds(p, positive), threshold_rule(name))
    rule = name.partition("=")[0]
    most = max(exact(rule, *counts(rows, t)) for t in (*p, *np.nextafter(p, 1), 5e-324, 1 - 2**-53) if 0 < t < 1)
    assert float(exact(rule, *counts(rows, at))) == pytest.approx(float(most), abs=1e-15)


def test_the_curve_is_that_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    positive = rng.random(200) < 0.4
    p = np.round(np.clip(0.3 + 0.4 * positive + 0.3 * rng.standard_normal(200), 0.01, 0.99), 2)
    found = thresholds(p, positive).columns()
    false, true, _ = sklearn.roc_curve(positive, p, drop_intermediate=False)
    np.testing.assert_allclose(found["recall"], true)
    np.testing.assert_allclose(1 - found["specificity"], false)
    precision, recall, _ = sklearn.precision_recall_curve(positive, p)
    np.testing.assert_allclose(found["precision"][1:], precision[:-1][::-1])
    np.testing.assert_allclose(found["recall"][1:], recall[:-1][::-1])


def test_what_a_threshold_may_be():
    assert threshold_rule("0.3") == 0.3
    assert threshold_rule("cost=5:1") == Cost(5, 1)
    for text in (
        "0",
        "1",
        "-0.5",
        "nan",
        "F1",
        "cost",
        "cost=5",
        "cost=0:1",
        "cost=1:-2",
        "cost=1:inf",
        "cost=a:b",
        "",
    ):
        with pytest.raises(UsageError):
            threshold_rule(text)
    with pytest.raises(UsageError, match=r"did you mean youden\?"):
        threshold_rule("yuden")
