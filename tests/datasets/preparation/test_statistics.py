import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.datasets.preparation import statistics as module
from bpcli.datasets.preparation.statistics import mean, mean_and_sigma, median, moments, most_frequent

finite = st.floats(allow_nan=False, allow_infinity=False)


def exact(values):
    """Mean and variance as fractions: nothing is rounded."""
    numbers = [Fraction(v) for v in values]
    center = sum(numbers) / len(numbers)
    return center, sum((v - center) ** 2 for v in numbers) / len(numbers)


@given(st.lists(finite, min_size=1, max_size=30))
def test_mean_and_sigma_of_any_doubles(values):
    center, variance = exact(values)
    got, sigma = mean_and_sigma(np.array(values))
    largest = max(map(abs, values))
    assert abs(Fraction(got) - center) <= Fraction(2 * math.ulp(largest))
    assert math.isfinite(got)
    assert math.isfinite(sigma)
    # by squares, so that no root is rounded; what cancels in x − mean is beyond any method on doubles
    slack = Fraction(4 * math.ulp(largest))
    assert max(Fraction(0), Fraction(sigma) * Fraction(1 - 1e-14) - slack) ** 2 <= variance
    assert (Fraction(sigma) * Fraction(1 + 1e-14) + slack) ** 2 >= variance


@pytest.mark.parametrize("value", [0.1, 0.0, -1 / 3, 1e308, 5e-324, 1e15 + 0.3])
@pytest.mark.parametrize("count", [1, 7, 1000])
def test_equal_values_have_no_sigma_however_their_sum_rounds(value, count):
    assert mean_and_sigma(np.full(count, value)) == (value, 0.0)


def test_a_small_spread_on_a_large_mean_keeps_its_digits():
    rng = np.random.default_rng(0)
    values = 1e9 + rng.normal(size=1000)
    center, variance = exact(values.tolist())
    got, sigma = mean_and_sigma(values)
    assert got == pytest.approx(float(center), rel=4e-16)
    assert sigma == pytest.approx(math.sqrt(variance), rel=1e-13)


def test_a_spread_of_one_unit_in_the_last_place_keeps_its_digits_too():
    # the mean rounds to 1e15, so that deviations from it are not the deviations from the mean
    _, sigma = mean_and_sigma(np.array([1e15] * 7 + [1e15 + 0.125]))
    assert sigma == pytest.approx(0.125 * math.sqrt(7) / 8, rel=1e-15)


@pytest.mark.parametrize("size", [5e-324, 1e-300, 1.0, 1e300, 8.98e307])
def test_neither_overflow_nor_underflow(size):
    got, sigma = mean_and_sigma(np.array([-2.0, 2.0, 1.0, 1.0]) * size)
    assert got == pytest.approx(0.5 * size, rel=1e-15, abs=5e-324)
    assert sigma == pytest.approx(1.5 * size, rel=1e-15, abs=5e-324)


@pytest.mark.parametrize("size", [1.0, 1e-300, 1e300])
def test_blocks_of_many_values_have_the_mean_and_sigma_of_all(monkeypatch, size):
    values = np.random.default_rng(0).normal(1e6, 1.0, 997) * size
    monkeypatch.setattr(module, "ROWS", 10)
    got, sigma = mean_and_sigma(values)
    center, variance = exact(values.tolist())
    assert got == pytest.approx(float(center), rel=3e-16)
    assert sigma == pytest.approx(math.sqrt(variance / Fraction(size) ** 2) * size, rel=1e-13)
    assert mean_and_sigma(np.full(35, 0.1)) == (0.1, 0.0)
    both = moments(np.stack([values[i : i + 10], -2 * values[i : i + 10]]) for i in range(0, 997, 10))
    assert both[0].tolist() == [got, -2 * got]
    assert both[1].tolist() == [sigma, 2 * sigma]


@given(st.lists(st.floats(-1e307, 1e307), min_size=1, max_size=30))
def test_median_against_the_statistics_module(values):
    assert median(np.array(values)) == statistics.median(values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.7e308, 1.7e308], 1.7e308), ([-1.7e308, 1.7e308], 0), ([5e-324, 5e-324], 5e-324), ([3, 1, 2, 10], 2.5)],
)
def test_median_at_the_edges_of_the_doubles(values, expected):
    assert median(np.array(values, float)) == expected


@pytest.mark.parametrize(("values", "expected"), [([2, 1, 2, 3], 2), ([3, 1, 3, 1], 1), ([7], 7)])
def test_of_several_most_frequent_the_smallest(values, expected):
    assert most_frequent(np.array(values, float)) == expected


def test_the_mean_alone_is_the_same():
    assert mean(np.array([1.7e308, 1.7e308])) == 1.7e308
