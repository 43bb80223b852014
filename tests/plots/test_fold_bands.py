"""Curves with a band over folds: mean and deviation are worked from scikit-learn's curve of each fold."""

import numpy as np
import pytest

from bpcli.plots import fold_bands
from bpcli.plots.style import drawing, new_figure

pytest.importorskip("matplotlib")
GRID = np.linspace(0, 1, 201)


@pytest.fixture(scope="module")
def folds():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(4):
        y = (rng.random(37) < 0.4).astype(int)
        p = np.clip(0.3 + 0.4 * y + 0.3 * rng.standard_normal(37), 0.01, 0.99)
        found.append((y, np.stack([1 - p, p], axis=1)))
    return found


def band(figure):
    """The edges of the band, low and high, at the places of its line."""
    axes = figure.axes[0]
    line, corners = axes.get_lines()[0], axes.collections[0].get_paths()[0].vertices
    x, y = line.get_xdata(), corners[:, 1]
    n = len(x)
    return line, y[1 : n + 1], y[n + 2 : 2 * n + 2][::-1]


def of_roc(metrics, y, p):
    false, true, _ = metrics.roc_curve(y, p, drop_intermediate=False)
    return np.interp(GRID, false, true)


def of_precision(metrics, y, p):
    precision, recall, _ = metrics.precision_recall_curve(y, p)
    return np.array([precision[:-1][recall[:-1] >= r - 1e-12][-1] for r in GRID])


@pytest.mark.parametrize(
    ("draw", "height", "area"),
    [
        (fold_bands.roc, of_roc, "roc_auc_score"),
        (fold_bands.precision_recall, of_precision, "average_precision_score"),
    ],
)
def test_mean_and_band(folds, draw, height, area):
    metrics = pytest.importorskip("sklearn.metrics")
    with drawing():
        figure = new_figure((4, 3))
        draw(figure, folds, ["no", "yes"])
    line, low, high = band(figure)
    each = np.array([height(metrics, y, p[:, 1]) for y, p in folds])
    mean, std = each.mean(axis=0), each.std(axis=0, ddof=1)
    np.testing.assert_allclose(line.get_ydata(), mean)
    np.testing.assert_allclose(low, np.maximum(mean - std, 0))
    np.testing.assert_allclose(high, np.minimum(mean + std, 1))
    areas = [getattr(metrics, area)(y, p[:, 1]) for y, p in folds]
    assert line.get_label().endswith(f"{np.mean(areas):.3g} ± {np.std(areas, ddof=1):.2g}")


def test_calibration_by_hand():
    # Of the bin [0.6, 0.667) the folds hold 2 rows, one right, and 4 rows, three right; of the first bin one row.
    folds = [
        (np.array([1, 0, 0]), np.array([0.61, 0.61, 0.01])),
        (np.array([1, 1, 1, 0]), np.array([0.65, 0.65, 0.65, 0.65])),
    ]
    with drawing():
        figure = new_figure((4, 3))
        fold_bands.calibration(figure, [(y, np.stack([1 - p, p], axis=1)) for y, p in folds], ["no", "yes"])
    points = [tuple(float(v[0]) for v in line.get_data()) for line in figure.axes[0].get_lines()[1:3]]
    np.testing.assert_allclose(points, [(0.01, 0), (0.63, 0.625)])
    corners = figure.axes[0].collections[1].get_paths()[0].vertices
    deviation = 0.25 / np.sqrt(2)
    np.testing.assert_allclose([corners[:, 1].min(), corners[:, 1].max()], [0.625 - deviation, 0.625 + deviation])
    np.testing.assert_allclose([corners[:, 0].min(), corners[:, 0].max()], [0.6, 10 / 15])


def test_folds_of_one_class_say_that_there_is_no_curve():
    with drawing():
        figure = new_figure((4, 3))
        fold_bands.roc(figure, [(np.zeros(3, int), np.full((3, 2), 0.5))] * 2, ["no", "yes"])
    assert "one class" in figure.axes[0].texts[0].get_text()


def test_classes_of_like_long_names_keep_their_own_curves():
    """By hand: class 0, of which the first fold has no row, has equal scores: 1/2. Of class 1 two of four pairs are
    equal in the first fold, 1/4, and one of three in the others, 1/6; no pair is right. Of class 2 all are."""
    names = ["other", *(f"measurements of kind {k} of the season" for k in (1, 2))]
    folds = [(np.array([1, 2, 2, 1]), np.array([[0.0, 0, 1], [0, 0, 2], [0, 1, 3], [0, 0, 0]]))]
    folds += [(np.array([1, 2, 2, 0]), np.array([[0.0, 0, 1], [0, 0, 2], [0, 1, 3], [0, 1, 0]]))] * 2
    with drawing():
        figure = new_figure((4, 3))
        fold_bands.roc(figure, folds, names)
    labels = [line.get_label() for line in figure.axes[0].get_lines()[:3]]
    assert [label.split(" AUC ")[1] for label in labels] == ["0.5 ± 0", "0.194 ± 0.048", "1 ± 0"]
    assert labels[0].startswith("other")
