import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.text.natural_order import natural_key


@pytest.mark.parametrize(
    "names",
    [
        ["b", "w", "x2", "x10"],
        ["b2", "b10"],
        ["1", "2", "10", "a"],
        ["x", "x1", "x1a", "x1b2", "x1b10"],
        ["x01", "x1", "x2"],
        ["x²", "x³"],  # no digits to compare
        ["x" + "9" * 5000, "x1" + "0" * 5000],  # more digits than int() takes
    ],
)
def test_runs_of_digits_compare_as_numbers(names):
    assert sorted(set(names), key=natural_key) == names


names = st.text(st.sampled_from("ab_01290²٣"), max_size=6)


@given(names, names)
def test_the_order_is_of_all_names_and_tells_them_apart(one, other):
    assert (natural_key(one) == natural_key(other)) == (one == other)
    assert natural_key(one) <= natural_key(other) or natural_key(other) <= natural_key(one)


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_numbers_are_in_their_own_order(one, other):
    assert (natural_key(f"x{one}") < natural_key(f"x{other}")) == (one < other)
