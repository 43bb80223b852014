"""Series by recurrence, against Taylor's coefficients."""

from fractions import Fraction
from math import comb, factorial

from bpcli.calculus.one_sided.expansions import SeriesKind
from bpcli.calculus.one_sided.recurrences import integral, recurrence

KIND = SeriesKind(False, 8)
H = KIND.moved(0.0, 1.0)


def coefficients(series, count):
    return [KIND.approximate(series.coefficient(k)) for k in range(count)]


def test_the_exponential_is_its_own_slope():
    found = recurrence(H, [Fraction(1)], [lambda e, a: a])
    assert coefficients(found, 6) == [float(Fraction(1, factorial(k))) for k in range(6)]


def test_a_pair_of_slopes_is_sine_and_cosine():
    found = recurrence(H, [Fraction(0), Fraction(1)], [lambda e, a: a, lambda e, a: -a])
    assert coefficients(found, 6) == [0, 1, 0, -1 / 6, 0, 1 / 120]


def test_the_powers_of_what_is_moved_are_counted_in_their_unit():
    root = KIND.root(H, 2)
    found = recurrence(root, [Fraction(1)], [lambda e, a: 3 * a - (e - a)])  # (1 + √h)³
    assert [KIND.approximate(found.coefficient(Fraction(k, 2))) for k in range(5)] == [comb(3, k) for k in range(5)]


def test_an_integral_is_taken_term_by_term():
    assert coefficients(integral(H * H + KIND.of(Fraction(2))), 4) == [0, 2, 0, 1 / 3]
