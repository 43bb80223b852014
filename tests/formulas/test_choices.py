"""What the rows of the tables share: settings and their bounds, intervals, and choices of a row."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Interval, Setting, chosen, given_settings, name_and_settings, settings_of, smooth

INF = math.inf


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        (Setting(1.0), -1e300, ""),
        (Setting(1.0, above=0.0), 1e-300, ""),
        (Setting(1.0, above=0.0), 0.0, "expected a number greater than 0, found 0"),
        (Setting(1.0, at_least=0.0), 0.0, ""),
        (Setting(1.0, at_least=0.0), -0.5, "expected a number of at least 0, found -0.5"),
        (Setting(0.9, at_least=0.0, below=1.0), 1.0, "expected a number less than 1, found 1"),
        (Setting(1.0, above=0.0), INF, "expected a finite number, found inf"),
        (Setting(1.0), math.nan, "expected a finite number, found nan"),
    ],
)
def test_what_is_wrong_with_a_setting(setting, value, problem):
    assert setting.problem(value) == problem


def test_settings_that_are_not_given_have_their_defaults():
    settings = {"delta": Setting(1.0, above=0.0), "other": Setting(0.25)}
    assert settings_of(settings, {"delta": 3}) == {"delta": 3.0, "other": 0.25}
    assert {name: s.default for name, s in given_settings(settings, {"other": 2.0}).items()} == {
        "delta": 1.0,
        "other": 2.0,
    }


@pytest.mark.parametrize(
    ("interval", "words", "inside", "outside"),
    [
        (Interval(), "anywhere", [-1e308, 0.0, 1e308], []),
        (Interval(0.0, 1.0), "between 0 and 1", [0.0, 0.5, 1.0], [-1e-300, 1.0000001]),
        (Interval(0.0, open_low=True), "above 0", [5e-324, 3.0], [0.0, -1.0]),
        (Interval(0.0), "at 0 or above", [0.0, 3.0], [-5e-324]),
        (Interval(high=2.0, open_high=True), "below 2", [1.9, -INF], [2.0, 3.0]),
        (Interval(high=2.0), "at 2 or below", [2.0], [2.1]),
    ],
)
def test_an_interval(interval, words, inside, outside):
    assert str(interval) == words
    assert all(interval.holds(x) for x in inside)
    assert not any(interval.holds(x) for x in outside)
    assert not interval.holds(math.nan)


ENDS = st.sampled_from([-INF, -1.0, 0.0, 1.0, 2.0])
INTERVALS = st.builds(Interval, ENDS, ENDS.map(lambda x: -x), st.booleans(), st.booleans())
PLACES = [-3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0]  # every end, and a number between any two


@given(INTERVALS, INTERVALS)
def test_an_interval_within_another_has_no_number_outside_of_it(a, b):
    if a.within(b):
        assert all(b.holds(x) for x in PLACES if a.holds(x))
    elif a.low < a.high:
        assert not all(b.holds(x) for x in [*PLACES, *_near(a)] if a.holds(x))


def _near(interval):
    """Numbers close to both ends, and far out."""
    return [-1e300, 1e300, *(math.nextafter(end, way) for end in interval[:2] for way in (-INF, INF))]


def test_a_choice_is_a_name_or_a_mapping():
    assert name_and_settings("relu") == ("relu", {})
    choice = {"name": "elu", "alpha": 2.0}
    assert name_and_settings(choice) == ("elu", {"alpha": 2.0})
    assert choice == {"name": "elu", "alpha": 2.0}  # it is left as it was
    assert chosen(ACTIVATIONS, choice).value(-1.0) == pytest.approx(2 * math.expm1(-1.0), rel=1e-15)
    assert chosen(ACTIVATIONS, "tanh") is ACTIVATIONS["tanh"]
    with pytest.raises(KeyError):
        chosen(ACTIVATIONS, "step")
    assert smooth(1, 2) == ()
