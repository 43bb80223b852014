"""Models side by side: each has the very bits that it has alone, for all that the tables have."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.formulas.choices import settings_of
from bpcli.formulas.layers import pairs
from bpcli.formulas.optimizers import OPTIMIZERS
from bpcli.formulas.steps import make_step
from bpcli.training.descent import side_by_side
from bpcli.training.descent.batches import Descent
from bpcli.training.descent.loop import DivergedError, descend_epochs
from bpcli.training.descent.side_by_side import Stack, can_be_stacked, is_entrywise, likeness
from bpcli.training.descent.state import Pause, State
from bpcli.training.descent.update_rule import update_rule_of

CLASSES, RATES = 3, (0.001, 0.003, 0.006)
OPTIONS = [
    {},
    {"l2": 0.1, "weighted": True},
    {"l1": 0.02, "schedule": {"name": "cosine", "warmup": 4}},
    {"l1": 0.02, "l2": 0.1, "clip_norm": 0.2, "shuffled": False},
]


def descents(pair, optimizer="sgd", sets=2, rows=19, features=5, batch=8, classes=CLASSES, rates=RATES, **options):
    """F lists of C descents on random rows; the numbers of each model are its own."""
    row, rng = OPTIMIZERS[optimizer], np.random.default_rng(3)
    found = []
    for f in range(sets):
        X = rng.normal(size=(rows, features))
        y = rng.integers(0, classes if pair[0] == "softmax" else 2, rows)
        weights = rng.uniform(0.5, 1.5, rows) if options.get("weighted") else None
        of_rows = []
        for c, rate in enumerate(rates):
            factor = 1.0 - c / 8
            chosen = {"name": optimizer, **{name: s.default * factor for name, s in row.settings.items()}}
            rule = update_rule_of(chosen, options.get("schedule", "constant"), options.get("clip_norm"), 2)
            outputs = (classes,) if pair[0] == "softmax" else ()
            of_rows.append(
                Descent(
                    X,
                    y if outputs else y.astype(float),
                    make_step(*pair, batch, outputs, np.dtype(float)),
                    rate,
                    batch,
                    2,
                    np.random.default_rng(f) if options.get("shuffled", True) else None,
                    options.get("l1", 0.0) * factor,
                    options.get("l2", 0.0) * factor,
                    weights,
                    rule,
                )
            )
        found.append(of_rows)
    return found


def states(found, pair, classes=CLASSES):
    rng = np.random.default_rng(4)
    outputs = (classes,) if pair[0] == "softmax" else ()
    made = [
        [State(rng.normal(0, 0.3, (d.X.shape[1], *outputs)), np.array(rng.normal(0, 0.3, outputs))) for d in some]
        for some in found
    ]
    for some, those in zip(found, made, strict=True):
        for descent, state in zip(some, those, strict=True):
            descent.update_rule.start(state)
    return made


def bits(state):
    return {name: array.tobytes() for name, array in state.arrays().items()}, state.epoch, state.steps, state.generator


def alone(found, begun):
    for some, those in zip(found, begun, strict=True):
        for descent, state in zip(some, those, strict=True):
            list(descend_epochs(descent, state))
    return [bits(state) for those in begun for state in those]


def stacked(make, pair, begun, pause=None, classes=CLASSES):
    found = make()
    step = make_step(
        *pair, found[0][0].size, begun[0][0].w.shape[1:], np.dtype(float), sum(len(some) for some in found)
    )
    stack = Stack(found, begun, step)
    for at_end in stack.epochs(pause or Pause()):
        if not at_end:
            stack.give()
            return stacked(make, pair, begun, pause)  # as after a kill: all that is left are the states
    stack.give()
    return [bits(state) for those in begun for state in those]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("pair", pairs(), ids=lambda pair: "-".join(filter(None, pair)))
def test_each_has_the_bits_that_it_has_alone(pair, optimizer):
    for options in OPTIONS:
        make = partial(descents, pair, optimizer, **options)
        found = make()
        assert all(can_be_stacked(d) for some in found for d in some)
        assert len({likeness(d) for some in found for d in some}) == 1
        assert stacked(make, pair, states(found, pair)) == alone(found, states(found, pair)), options


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_whatever_the_shapes_are(data):
    pair = data.draw(
        st.sampled_from([("neuron", "sigmoid", "bce"), ("softmax", None, "cce"), ("softmax", None, "mse")])
    )
    shape = {
        "sets": data.draw(st.integers(1, 3)),
        "rows": data.draw(st.integers(1, 300)),
        "features": data.draw(st.integers(1, 70)),
        "batch": data.draw(st.integers(1, 130)),
        "classes": data.draw(st.integers(2, 11)),
        "rates": RATES[: data.draw(st.integers(1, 3))],
    }
    make = partial(descents, pair, "adam", **shape)
    one, other = (states(make(), pair, shape["classes"]) for _ in range(2))
    assert stacked(make, pair, one) == alone(make(), other)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_from_where_it_was_stopped_it_goes_on_to_the_same_bits(monkeypatch, optimizer):
    monkeypatch.setattr(side_by_side, "CACHED", 500)  # several windows of rows
    pair = ("softmax", None, "cce")
    make = partial(descents, pair, optimizer, weighted=True)
    assert stacked(make, pair, states(make(), pair), Pause(0.0)) == alone(make(), states(make(), pair))


def test_one_that_diverges_disturbs_no_other():
    pair = ("neuron", "identity", "mse")

    def make():
        return [[replace(d, epochs=40) for d in some] for some in descents(pair, rates=(0.01, 1e6, 0.02))]

    found, begun = make(), states(make(), pair)
    stack = Stack(found, begun, make_step(*pair, 8, (), np.dtype(float), 6))
    assert all(stack.epochs(Pause()))
    stack.give()
    assert stack.running() == [(f, c) for f in range(2) for c in (0, 2)]
    for f, some in enumerate(make()):
        for c, (descent, state) in enumerate(zip(some, states(make(), pair)[f], strict=True)):
            if c == 1:
                with pytest.raises(DivergedError):
                    list(descend_epochs(descent, state))
            else:
                list(descend_epochs(descent, state))
                assert bits(state) == bits(begun[f][c])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimiser_steps_entry_by_entry(name):
    row = OPTIMIZERS[name]
    assert is_entrywise(row.step, len(row.slots), (*settings_of(row.settings, {}).items(),))


@pytest.mark.parametrize("of_all", [np.linalg.norm, lambda g: max(1.0, np.max(np.abs(g))), np.mean])
def test_a_step_by_a_number_of_all_entries_is_not_entrywise(of_all):
    def step(p, g, t, learning_rate, l1, settings, slots, scratch):
        np.subtract(p, learning_rate * g / of_all(g), p)

    assert not is_entrywise(step, 0, ())
