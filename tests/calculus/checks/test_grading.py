"""When a number is right, to the digits that were typed, and what a comparison says of its entries."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bpcli.calculus.checks.grading import Compared, Grade, Tolerance, half_a_digit, typed_slack


@pytest.mark.parametrize(
    ("exact", "given_", "typed", "right"),
    [
        (1 / 3, 0.333, "0.333", True),
        (1 / 3, 0.334, "0.334", False),
        (2 / 3, 0.667, "0.667", True),
        (2 / 3, 0.666, "0.666", False),
        (1 / 3, 0.33, "0.33", False),  # two digits are too few
        (1234.0, 1230.0, "1230", False),  # zeros of a whole number are not rounded
        (1.2345e-7, 1.23e-7, "1.23e-7", True),
        (-1 / 3, -0.333, "−0.333", True),
        (1.0, 1.0 + 1e-10, None, True),
        (1.0, 1.0 + 1e-8, None, False),
        (0.0, 1e-12, None, False),
        (math.nan, math.nan, None, True),
        (math.inf, math.inf, None, True),
        (math.inf, 1e308, None, False),
        (math.nan, 1.0, None, False),
    ],
)
def test_when_a_number_is_right(exact, given_, typed, right):
    assert Tolerance().holds(exact, given_, typed) is right


@given(st.floats(0.001, 1000), st.integers(3, 8))
def test_a_number_that_is_rounded_to_three_digits_or_more_is_right(x, digits):
    typed = f"{x:.{digits - 1}e}"
    assert Tolerance().holds(x, float(typed), typed)
    step = 10.0 ** (int(typed.split("e")[1]) - digits + 1)
    for other in (x + 1.01 * step, x - 1.01 * step):
        assert not Tolerance().holds(other, float(typed), typed)


def test_half_a_digit():
    assert half_a_digit("0.125") == pytest.approx(0.0005, rel=1e-6)
    assert half_a_digit("1.25e-3") == half_a_digit("125e-5") == pytest.approx(0.000005, rel=1e-6)
    assert [half_a_digit(text) for text in ("0.12", "125", "x", "", "1e999")] == [0.0] * 5


ARITHMETIC = {
    "{p}-1": lambda p, q: p - 1,
    "{p}*(1-{p})": lambda p, q: p * (1 - p),
    "{p}-{p}**2": lambda p, q: p - p**2,
    "-{p}*{q}": lambda p, q: -p * q,
    "2*{p}/3": lambda p, q: 2 * p / 3,
    "({p}-1)/10": lambda p, q: (p - 1) / 10,
    "{p}/{q}": lambda p, q: p / q,
}


@given(st.sampled_from(sorted(ARITHMETIC)), st.floats(0.1, 0.89), st.floats(0.1, 0.89), st.integers(3, 7))
def test_arithmetic_of_rounded_numbers_is_right_to_their_digits(text, p, q, digits):
    """p − 1 is right if p is, to what half a unit of each number makes of it; twice that unit is wrong."""
    of = ARITHMETIC[text]
    typed = text.format(p=f"{p:.{digits}f}", q=f"{q:.{digits}f}")
    given_ = of(round(p, digits), round(q, digits))
    assume(round(p, digits) != round(q, digits))  # what is written alike is one number
    slack, exactly = half_a_digit(typed), Tolerance(rtol=0)
    unit = 0.5 * 10.0**-digits
    most = abs(of(p + unit, q) - of(p, q)) + abs(of(p, q + unit) - of(p, q))
    assert slack == pytest.approx(most, rel=0.2, abs=0.1 * unit) or (slack == 0 and most > 0.0005 * abs(given_))
    if slack:
        assert exactly.holds(of(p, q), given_, typed) or abs(of(p, q) - given_) > slack * 0.999
        assert not exactly.holds(given_ + 1.01 * slack + 1e-15, given_, typed)
        assert slack <= 0.0051 * abs(given_)  # three digits are right at least


@pytest.mark.parametrize(
    "text", ["1/3", "0.12-1", "1-x", "0.999-1", "1/(0.123-0.122)", "0.123-0.123", "inf-0.123", "0.123/0", "[0.123,1]*2"]
)
def test_what_is_exact_or_has_too_few_digits_has_no_slack(text):
    assert half_a_digit(text) == 0


def test_zeros_that_a_printed_number_has_lost_count_as_digits():
    slack = typed_slack([["0.25", "0.3333"]], np.array([[0.25, 0.3333]]))
    assert slack[0, 0] == pytest.approx(0.00005)
    assert typed_slack([["0.25"]], np.array([[0.25]]))[0, 0] == 0
    places = typed_slack([["0.09", "0.2447", "0"]], np.array([[0.09, 0.2447, 0]]))
    assert places[0, 0] == pytest.approx(0.00005)  # 0.0900
    assert places[0, 2] == 0  # 0.0000 has no digit


@given(st.integers(1000, 10**7).map(lambda n: n + 0.37), st.integers(3, 8))
def test_a_whole_number_is_a_rounded_one_where_the_true_one_is_not_whole(x, digits):
    typed = str(int(float(f"{x:.{digits - 1}e}")))
    if float(typed) >= 10.0**digits:  # no digit behind the point is left
        slack = typed_slack([[typed]], np.array([[float(typed)]]), np.array([[x]]))[0, 0]
        few = len(typed.rstrip("0")) < 3
        assert few or abs(float(typed) - x) <= slack <= 0.51 * 10.0 ** (len(typed) - len(typed.rstrip("0")))
        assert typed_slack([[typed]], np.array([[float(typed)]]), np.array([[float(round(x))]]))[0, 0] == 0


def test_the_score_counts_entries_that_are_right_at_all_inputs():
    truth = np.array([[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]])
    given_ = np.array([[[1.0, 2.0, 9.0]], [[4.0, 0.0, 6.0]]])
    nothing_lost = np.zeros(truth.shape, bool)
    compared = Compared(truth, given_, np.zeros_like(truth), nothing_lost, Tolerance(), ["a", "b", "c"], [("x", (3,))])
    assert compared.score == pytest.approx(1 / 3)
    assert [(e.name, e.error, e.right) for e in compared.entries(1)] == [
        ("a", 0, True),
        ("b", 5, False),
        ("c", 0, True),
    ]
    assert compared._replace(undecided=~nothing_lost).score == 0  # of nothing it is known to be right
    at_one = np.array([[[False, False, False]], [[True, True, True]]])
    assert compared._replace(undecided=at_one).score == pytest.approx(2 / 3)
    assert compared.holds(given_).all()


def test_a_grade_agrees_or_not_or_is_open():
    assert [Grade(finding, [], "").agree for finding in ("right", "sign", "open")] == [True, False, None]
    assert Grade("shape", [], "").max_error is None
