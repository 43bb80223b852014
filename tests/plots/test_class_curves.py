"""Pictures of probabilities: the curves are scikit-learn's, the intervals Wilson's."""

import numpy as np
import pytest

from bpcli.plots import class_curves
from bpcli.plots.style import drawing, new_figure
from bpcli.training.thresholds import Thresholds

NAMES = ["no", "yes"]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    y = (rng.random(120) < 0.4).astype(int)
    p = np.round(np.clip(0.3 + 0.4 * y + 0.3 * rng.standard_normal(120), 0.01, 0.99), 2)
    return y, np.stack([1 - p, p], axis=1)


def test_curves_are_those_of_scikit_learn(rows):
    sklearn = pytest.importorskip("sklearn.metrics")
    y, p = rows
    at = Thresholds(np.array([0.5]), *(np.array([k]) for k in (30, 10, 18, 62)))
    with drawing():
        figure = new_figure((4, 3))
        class_curves.roc(figure, y, p, NAMES, at)
        curve, mark, _ = figure.axes[0].get_lines()
        other = new_figure((4, 3))
        class_curves.precision_recall(other, y, p, NAMES, at)
        steps = other.axes[0].get_lines()[0]
    false, true, _ = sklearn.roc_curve(y, p[:, 1], drop_intermediate=False)
    np.testing.assert_allclose(curve.get_xydata(), np.stack([false, true], axis=1))
    assert curve.get_label() == f"yes: AUC {sklearn.roc_auc_score(y, p[:, 1]):.4g}"
    np.testing.assert_allclose(mark.get_xydata(), [[10 / 72, 30 / 48]])
    precision, recall, _ = sklearn.precision_recall_curve(y, p[:, 1])
    np.testing.assert_allclose(steps.get_xydata()[1:], np.stack([recall, precision], axis=1)[:-1][::-1])


@pytest.mark.parametrize("draw", [class_curves.roc, class_curves.precision_recall])
@pytest.mark.parametrize("k", [0, 1])
def test_rows_of_one_class_have_no_curve_and_no_threshold(rows, draw, k):
    y, p = rows
    at = Thresholds(np.array([0.5]), *(np.array([n]) for n in [(0, 40, 0, 80), (90, 0, 30, 0)][k]))
    with drawing():
        figure = new_figure((4, 3))
        draw(figure, np.full_like(y, k), p, NAMES, at)
        (axes,) = figure.axes
    assert "one class" in axes.texts[0].get_text()
    assert not axes.get_legend_handles_labels()[1]


def test_calibration_by_hand():
    y = np.array([1] * 8 + [0] * 2 + [0] * 5)
    p = np.array([0.83] * 10 + [0.0] * 5)
    with drawing():
        figure = new_figure((4, 3))
        assert class_curves.calibration(figure, y, np.stack([1 - p, p], axis=1), NAMES) == "0.02"  # 10/15·0.03
    upper, lower = figure.axes
    points = next(line for line in upper.get_lines() if "rows" in line.get_label())
    np.testing.assert_allclose(points.get_xydata(), [[0, 0], [0.83, 0.8]], atol=1e-15)
    assert [bar.get_height() for bar in lower.patches if bar.get_height()] == [5, 10]
    # Wilson's interval of 8 of 10: 0.490 to 0.943; of 0 of 5: 0 to 0.434 (Newcombe 1998).
    intervals = [segment[:, 1] for segment in upper.collections[0].get_segments()]
    np.testing.assert_allclose(intervals, [[0, 0.4345], [0.4902, 0.9433]], atol=1e-4)
