"""The order of combinations, and the one-standard-error rule, worked by hand."""

from math import inf, nan

import pytest

from bpcli.training.selection.ranking import mean_and_std, ranked, simplest


def test_mean_and_standard_deviation():
    assert mean_and_std([1, 2, 6]) == (3, 7**0.5)
    assert mean_and_std([4]) == (4, None)
    assert mean_and_std([1, None]) == (None, None)
    assert mean_and_std([0.95] * 3) == (0.95, 0)
    assert mean_and_std([1e308, -1e308, 0]) == (0, 1e308)
    assert mean_and_std([inf, 1]) == (inf, pytest.approx(nan, nan_ok=True))


@pytest.mark.parametrize(
    ("means", "higher", "order"),
    [
        ([3, 1, 2], False, [1, 2, 0]),
        ([3, 1, 2], True, [0, 2, 1]),
        ([1, 1, 1], True, [0, 1, 2]),
        ([nan, 2, None, 1, inf], False, [3, 1, 4, 0, 2]),
    ],
)
def test_the_best_first_ties_to_the_earlier_and_nothing_last(means, higher, order):
    assert ranked(means, higher) == order


@pytest.mark.parametrize(
    ("stds", "penalties", "chosen"),
    [  # means 1, 1.4, 1.6; four folds: within std/2 of 1
        ([1, 0, 0], [(0, 0), (0, 1), (0, 2)], 1),
        ([1.3, 0, 0], [(0, 0), (0, 1), (0, 2)], 2),
        ([1.3, 0, 0], [(0, 0), (1, 0), (0, 2)], 1),
        ([1.3, 0, 0], [(0, 0), (0, 0), (0, 0)], 0),
        ([0, 9, 9], [(0, 0), (0, 1), (0, 2)], 0),
        ([None, 9, 9], [(0, 0), (0, 1), (0, 2)], 0),
    ],
)
def test_the_simplest_within_one_standard_error(stds, penalties, chosen):
    means = [1, 1.4, 1.6]
    assert simplest([0, 1, 2], means, stds, 4, penalties) == chosen


def test_where_the_best_diverged_there_is_no_error_to_be_within():
    assert simplest([1, 0], [nan, nan], [nan, nan], 3, [(1, 0), (0, 0)]) == 1


def test_a_standard_deviation_beyond_the_squares_of_doubles_is_a_double():
    mean, std = mean_and_std([1e300, 2e300, 3e300])
    assert mean == pytest.approx(2e300)
    assert std == pytest.approx(1e300)
    assert mean_and_std([1.7e308, 1.7e308, 1.7e308]) == (pytest.approx(1.7e308), 0)
