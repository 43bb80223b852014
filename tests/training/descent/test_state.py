"""A state goes to arrays and plain JSON and back, and takes only what fits it."""

import json

import numpy as np
import pytest

from bpcli.training.descent.state import Pause, State


def state():
    slots = {"w.velocity": np.full((2, 3), 0.1), "taken": np.array([1, 2])}
    records = [{"epoch": 1, "loss": 0.5}]
    return State(np.arange(6.0).reshape(2, 3), np.ones(3), slots, epoch=1, batch=4, loss=0.25, records=records)


def test_arrays_and_plain_values_are_all_of_it():
    plain = json.loads(json.dumps(state().plain()))
    again = State.of(state().arrays(), plain)
    assert again.plain() == state().plain()
    for name, array in state().arrays().items():
        assert np.array_equal(again.arrays()[name], array)
        assert again.arrays()[name].dtype == array.dtype


def test_one_is_taken_over_in_the_arrays_that_are_there():
    here = State(np.zeros((2, 3)), np.zeros(3), {"w.velocity": np.zeros((2, 3)), "taken": np.zeros(2, np.int64)})
    w = here.w
    here.take(state())
    assert here.w is w
    assert np.array_equal(w, state().w)
    assert here.plain() == state().plain()


@pytest.mark.parametrize(
    "other",
    [
        State(np.zeros((2, 3)), np.zeros(3)),
        State(np.zeros((3, 2)), np.zeros(3), state().slots),
        State(np.zeros((2, 3), np.float32), np.zeros(3), state().slots),
    ],
)
def test_what_does_not_fit_is_refused(other):
    with pytest.raises(ValueError, match="another shape"):
        state().take(other)


def test_a_pause_is_never_unless_it_is_asked_for():
    assert Pause().at == float("inf")
