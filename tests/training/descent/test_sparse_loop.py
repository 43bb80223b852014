"""Steps over sparse rows are the steps over the same rows written out, with l1 and l2 made up for later."""

from itertools import cycle, product

import numpy as np
import pytest
from scipy.sparse import csr_array

from bpcli import sums
from bpcli.formulas.layers import pairs
from bpcli.formulas.optimizers import OPTIMIZERS
from bpcli.formulas.steps import make_step
from bpcli.training.descent import sparse_loop
from bpcli.training.descent.batches import Descent
from bpcli.training.descent.loop import DivergedError, descend_epochs
from bpcli.training.descent.sparse_loop import descend_sparse, sparse_slots
from bpcli.training.descent.state import Pause, State
from bpcli.training.descent.update_rule import PLAIN_DESCENT, update_rule_of

N, n, K = 230, 400, 3


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = np.where(rng.random((N, n)) < 0.01, rng.normal(size=(N, n)), 0.0)
    X[7] = 0  # a row without an entry
    X[:, 5] = 0  # a feature that never occurs
    X[:, 6] = 1
    return X


def trained(descend, X, kind, penalties, size, dtype=np.float64, shuffle=True, rule=PLAIN_DESCENT, weights=None):
    model, activation, loss = kind
    outputs = (K,) if model == "softmax" else ()
    rng = np.random.default_rng(5)
    y = rng.integers(0, K if outputs else 2, N)
    state = State(rng.normal(size=(n, *outputs)).astype(dtype), np.zeros(outputs, dtype))
    sparse_slots(state, penalties.get("l1", 0), penalties.get("l2", 0))
    rule.start(state)
    step = make_step(model, activation, loss, size, outputs, dtype)
    target = y.astype(np.intp if outputs else dtype)
    descent = Descent(
        X.astype(dtype), target, step, 0.05, batch_size=size, epochs=2,
        rng=np.random.default_rng(1) if shuffle else None, weights=weights, update_rule=rule, **penalties,
    )  # fmt: skip
    epochs = descend(descent, state)
    return [epoch.loss for epoch in epochs], state.w, state.b


PENALTIES = [{}, {"l1": 0.01}, {"l2": 0.05}, {"l1": 0.003, "l2": 0.5}, {"l2": 5.0}, {"l1": 0.1, "l2": 6.0}]


@pytest.mark.parametrize(
    ("kind", "penalties"),
    # A penalty acts on weights, whatever gave the slopes: every pair with one of them, and two pairs with all.
    [
        *zip(pairs(), cycle(PENALTIES), strict=False),
        *product([("neuron", "sigmoid", "bce"), ("softmax", None, "cce")], PENALTIES),
    ],
    ids=str,
)
def test_the_steps_are_those_over_the_rows_written_out(rows, kind, penalties):
    for size, shuffle in ((8, True), (8, False), (N, True), (1, True)):
        losses, w, b = trained(descend_epochs, rows, kind, penalties, size, shuffle=shuffle)
        found, w_, b_ = trained(descend_sparse, csr_array(rows), kind, penalties, size, shuffle=shuffle)
        assert found == pytest.approx(losses, rel=1e-11)
        assert np.abs(w_ - w).max() <= 1e-11 * max(1, np.abs(w).max())
        assert np.abs(b_ - b).max() <= 1e-11 * max(1, np.abs(b).max())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("schedule", "clip_norm"), [("inverse_time", None), ({"name": "constant", "warmup": 9}, 0.05)])
def test_other_optimizers_schedules_and_weights(rows, optimizer, schedule, clip_norm):
    rule, weights = update_rule_of(optimizer, schedule, clip_norm, 3), np.random.default_rng(4).uniform(0.5, 2, N)
    for kind in (("neuron", "sigmoid", "bce"), ("softmax", None, "cce")):
        options = {"rule": rule, "weights": weights}
        losses, w, _ = trained(descend_epochs, rows, kind, {"l1": 1e-3, "l2": 0.01}, 8, **options)
        found, w_, _ = trained(descend_sparse, csr_array(rows), kind, {"l1": 1e-3, "l2": 0.01}, 8, **options)
        assert found == pytest.approx(losses, rel=1e-9)
        np.testing.assert_allclose(w_, w, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("penalties", [{}, {"l1": 0.003, "l2": 0.5}])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_stopped_after_every_step_and_gone_on_with_it_has_the_same_bits(rows, penalties, optimizer):
    X, y = csr_array(rows), np.random.default_rng(5).integers(0, 2, N).astype(float)
    rule = update_rule_of(optimizer, "exponential", None, 3)

    def fresh():
        state = State(np.ones(n), np.zeros(()))
        sparse_slots(state, penalties.get("l1", 0), penalties.get("l2", 0))
        rule.start(state)
        return state

    def run(state, pause):
        step = make_step("neuron", "sigmoid", "bce", 8, (), np.float64)
        descent = Descent(
            X, y, step, 0.2, batch_size=8, epochs=3, rng=np.random.default_rng(1), update_rule=rule, **penalties
        )
        return descend_sparse(descent, state, pause)

    whole = fresh()
    losses = [epoch.loss for epoch in run(whole, Pause())]
    stopped, found, stops = fresh(), [], 0
    while len(found) < 3:
        before = stopped
        stopped = fresh()
        stopped.take(State.of({k: a.copy() for k, a in before.arrays().items()}, before.plain()))
        epoch = next(run(stopped, Pause(0.0)))
        stops += epoch is None
        found += [] if epoch is None else [epoch.loss]
    assert stops > 3 * 25
    assert found == losses
    assert stopped.w.tobytes() == whole.w.tobytes()
    assert stopped.b.tobytes() == whole.b.tobytes()


@pytest.mark.parametrize("rule", ["sgd", "adam"])
@pytest.mark.parametrize("kind", [("neuron", "sigmoid", "bce"), ("softmax", None, "cce")], ids=str)
def test_blocks_of_a_large_batch_are_those_of_rows_written_out(rows, monkeypatch, kind, rule):
    rule = update_rule_of(rule, "constant", None, 3)
    once = trained(descend_sparse, csr_array(rows), kind, {"l1": 1e-3}, 20, rule=rule)
    lengths, summed = [], sums.summed
    monkeypatch.setattr(sums, "summed", lambda parts: lengths.append(len(parts := list(parts))) or summed(parts))
    monkeypatch.setattr(sums, "ROWS", 6)
    dense = trained(descend_epochs, rows, kind, {"l1": 1e-3}, 20, rule=rule)
    blocks = trained(descend_sparse, csr_array(rows), kind, {"l1": 1e-3}, 20, rule=rule)
    for other in (once, dense):
        assert blocks[0] == pytest.approx(other[0], rel=1e-11)
        assert np.abs(blocks[1] - other[1]).max() <= 1e-11
        assert np.abs(blocks[2] - other[2]).max() <= 1e-11
    assert set(lengths) == {4, 2}  # 20 = 6 + 6 + 6 + 2 rows, and at the end of an epoch 10 = 6 + 4


def test_windows_change_nothing(rows, monkeypatch):
    kind = ("neuron", "sigmoid", "bce")
    before = trained(descend_sparse, csr_array(rows), kind, {}, 8)
    monkeypatch.setattr(sparse_loop, "_WINDOW", 20)
    after = trained(descend_sparse, csr_array(rows), kind, {}, 8)
    assert before[0] == after[0]
    assert np.array_equal(before[1], after[1])


def test_single_precision_stays_single(rows):
    _, w, b = trained(descend_sparse, csr_array(rows), ("neuron", "sigmoid", "bce"), {"l1": 1e-3, "l2": 1e-2}, 8, "f4")
    _, w_, _ = trained(descend_epochs, rows, ("neuron", "sigmoid", "bce"), {"l1": 1e-3, "l2": 1e-2}, 8, "f4")
    assert (w.dtype, b.dtype) == (np.float32, np.float32)
    assert np.abs(w - w_).max() < 1e-5


def test_a_step_does_not_touch_what_its_rows_do_not_have(monkeypatch):
    """10⁷ features and batches of one entry: 2000 steps over all weights would take a minute."""
    width, m = 10**7, 2000
    columns = np.arange(m) * 4999
    X = csr_array((np.ones(m), columns, np.arange(m + 1)), shape=(m, width))
    state = State(np.zeros(width), np.zeros(()))
    step = make_step("neuron", "identity", "mse", 1, (), np.float64)
    touched, descend = [], sparse_loop.PostponingSweep._descend
    monkeypatch.setattr(
        sparse_loop.PostponingSweep,
        "_descend",
        lambda self, at, change: (touched.append(at.size), descend(self, at, change)),
    )
    (_,) = descend_sparse(Descent(X, np.ones(m), step, 0.01, batch_size=1, epochs=1), state)
    assert sum(touched) == m
    assert np.array_equal(np.flatnonzero(state.w), columns)


def test_divergence_is_told_with_its_step(rows):
    step = make_step("neuron", "identity", "mse", 8, (), np.float64)
    X, state = csr_array(rows * 1e150), State(np.ones(n), np.zeros(()))

    epochs = descend_sparse(Descent(X, np.zeros(N), step, 1.0, batch_size=8, epochs=1), state)
    with pytest.raises(DivergedError, match="epoch 1, step 2"):
        next(epochs)
