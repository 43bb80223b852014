"""The points at which a function is evaluated for its picture: at jumps, poles, and the ends of its domain."""

import numpy as np
import pytest

from bpcli.plots.sampling import curve, default_ranges, runs_off, sensible_ranges, window, with_minimum


def test_ranges_hold_what_is_marked():
    ((low, high),) = default_ranges(np.array([[2.0], [1.0]]))
    assert low < 1 < 2 < high
    assert default_ranges(np.zeros((1, 2))) == [(-3, 3), (-3, 3)]


@pytest.mark.parametrize(
    ("value", "torn", "off"),
    [
        (lambda x: 1 / (x - 0.1234), [0.1234], True),
        (lambda x: 1 / (x - 0.1234) ** 2, [0.1234], True),
        (np.floor, [-1, 0, 1], False),
        (lambda x: np.where(x > 0, 1e-9, 0.0), [0], False),
        (lambda x: np.tanh(1e4 * x), [], False),
        (np.cbrt, [], False),
        (np.abs, [], False),
        (lambda x: np.exp(-(100 * x**2)), [], False),
        (lambda x: 1e200 * x, [], False),
    ],
)
def test_a_curve_is_interrupted_at_jumps_and_poles_and_nowhere_else(value, torn, off):
    with np.errstate(all="ignore"):
        x, y, runs = curve(value, (-1.5, 1.5))
        there = np.isfinite(y)
        np.testing.assert_array_equal(y[there], value(x[there]))
    assert np.unique(x[~there].round(9) + 0.0) == pytest.approx(torn)
    assert (np.diff(x) >= 0).all()
    assert runs == off
    low, high = window(y, runs)
    if not off:  # peaks are not cut
        assert low <= y[there].min() < y[there].max() <= high


def test_a_curve_is_drawn_up_to_the_edge_of_its_domain():
    with np.errstate(all="ignore"):
        x, y, off = curve(lambda x: np.sqrt(x - 1 / 3), (-1, 1))
    assert x[np.isfinite(y)].min() == pytest.approx(1 / 3, abs=1e-12)
    assert not off


def test_a_range_ends_where_the_function_does():
    with np.errstate(all="ignore"):
        ((low, high),) = sensible_ranges(np.log, ["x"], {}, None)
        assert -0.3 < low < 0 < 2.9 < high <= 3
        assert sensible_ranges(np.log, ["x"], {"x": (-1.0, 1.0)}, None) == [(-1, 1)]
        ((low, high),) = sensible_ranges(lambda x: np.log(x - 100), ["x"], {}, None)
        assert 0 < low <= 100 < high
        spans = sensible_ranges(lambda x, y: np.log(x) + y, ["x", "y"], {"y": (0.0, 9.0)}, np.array([[1.0, 2.0]]))
        assert -0.5 < spans[0][0] < 0.1
        assert spans[1] == (0, 9)
        assert sensible_ranges(lambda x: np.sqrt(-1 - x**2), ["x"], {}, None) == [(-3, 3)]


def test_a_pole_is_told_from_a_peak():
    X, Y = np.meshgrid(np.linspace(-1, 1, 60), np.linspace(-1, 1, 60))
    with np.errstate(all="ignore"):
        for value, off in (
            (lambda x, y: 1 / (x**2 + y**2), True),
            (lambda x, y: -1 / np.hypot(x, y - 0.1), True),
            (lambda x, y: np.exp(-50 * (x**2 + y**2)), False),
            (lambda x, y: x + y, False),
        ):
            assert runs_off(value, X, Y, value(X, Y)) == off


@pytest.mark.parametrize(
    ("function", "path", "minimum"),
    [
        (lambda x, y: x**2 + y**2, [[2, 1], [1.6, 0.8]], (0, 0)),
        (lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2, [[-1, 1], [-0.7, 0.5]], (1, 1)),
        (lambda x: x**4 - 4 * x, [[3.0], [2.5]], (1,)),
    ],
)
def test_the_minimum_of_a_descent_is_inside(function, path, minimum):
    found = with_minimum(function, np.array(path, float))
    np.testing.assert_allclose(found[-1], minimum, atol=1e-6)
    spans = sensible_ranges(function, "xy"[: len(minimum)], {}, found)
    assert all(low < v < high for (low, high), v in zip(spans, minimum, strict=True))


@pytest.mark.parametrize(
    ("function", "path"),
    [
        (lambda x, y: x + y, [[0, 0], [-1, -1]]),  # there is none
        (lambda x, y: x * y, [[1, 2], [0.5, 1.5]]),
        (lambda x: np.where(x > 0, np.log(abs(x)), np.nan), [[3.0], [2.8]]),
        (lambda x: 1 / x, [[-3.0], [-2.7]]),
        (lambda x: (x - 1) ** 2, [[1.0], [1.0]]),  # the range of a point shows it
    ],
)
def test_no_minimum_is_made_up(function, path):
    with np.errstate(all="ignore"):
        assert len(with_minimum(function, np.array(path, float))) == 2
