"""The compiled loop against that over arrays: the same program, run as Python, and once as numba compiles it."""

import itertools

import numpy as np
import pytest

from bpcli import sums
from bpcli.datasets.sparse import csr_array
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.layers import activation_of, loss_of, pairs
from bpcli.formulas.optimizers import OPTIMIZERS, Optimizer
from bpcli.formulas.steps import make_step
from bpcli.numbers.traced import UntraceableError
from bpcli.training.descent.batches import Descent
from bpcli.training.descent.compiled import descend_compiled, kind_of, program_text
from bpcli.training.descent.compiler import compiled_program
from bpcli.training.descent.loop import DivergedError, descend_epochs
from bpcli.training.descent.sparse_loop import descend_sparse, sparse_slots
from bpcli.training.descent.state import Pause, State
from bpcli.training.descent.update_rule import update_rule_of

N, WIDTH, CLASSES = 23, 3, 3


def as_python(text):
    """The names of a program that Python runs as it stands."""
    names = {}
    exec("_inner = _outer = lambda function: function\n" + text, names)
    return names


def started(pair, optimizer, sparse=False, options=(), dtype=np.float64, rate=0.05, epochs=1):
    """A training before its first step: (model's rows, descent, state)."""
    layer, activation, loss = pair
    rng, of = np.random.default_rng(3), loss_of(loss)
    X = rng.normal(size=(N, WIDTH)).astype(dtype)
    if sparse:
        X = csr_array(np.where(rng.random(X.shape) < 0.5, X, 0).astype(dtype))
    outputs = (CLASSES,) if layer == "softmax" else ()
    if outputs:
        y = rng.integers(0, CLASSES, N)
    else:
        y = np.array(of.encoding or (0.0, 2.0))[rng.integers(0, 2, N)].astype(dtype)
    weights = (rng.random(N) + 0.5).astype(dtype) if "weights" in options else None
    l1, l2 = 0.01 * ("l1" in options), 0.02 * ("l2" in options)
    schedule = {"name": "exponential", "warmup": 5} if "warmup" in options else "constant"
    rule = update_rule_of(optimizer, schedule, 0.1 if "clip" in options else None, epochs)
    state = State((0.3 * rng.normal(size=(WIDTH, *outputs))).astype(dtype), np.zeros(outputs, dtype))
    rule.start(state)
    if sparse:
        sparse_slots(state, l1, l2)
    step, order = make_step(layer, activation, loss, 4, outputs, np.dtype(dtype)), np.random.default_rng(1)
    descent = Descent(X, y, step, rate, 4, epochs, order, l1, l2, weights, rule)
    return (activation_of(activation), of), descent, state


def trained(start, program=None, pause=None):
    """All numbers of a training's end."""
    rows, descent, state = start
    if program is None:
        loop = descend_epochs if isinstance(descent.X, np.ndarray) else descend_sparse
        epochs = [*loop(descent, state)]
    else:
        ready = program(program_text(kind_of(*rows, descent.X, descent.update_rule)))
        epochs = [*descend_compiled(ready, descent, state, pause)]
    losses = [epoch.loss for epoch in epochs if epoch]
    return np.concatenate([losses, *(array.reshape(-1) for array in state.arrays().values())])


OPTIONS = [("l1", "l2", "weights"), (), ("clip", "warmup", "l1"), ("clip", "l2", "weights"), ("l1",), ("l2",)]


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_every_pair_and_every_optimiser_takes_the_steps_of_the_other_loop(sparse):
    options = itertools.cycle(OPTIONS)
    for pair, optimizer in itertools.product(pairs(), OPTIMIZERS):
        chosen = next(options)
        expected = trained(started(pair, optimizer, sparse, chosen))
        found = trained(started(pair, optimizer, sparse, chosen), as_python)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15, err_msg=f"{pair} {optimizer} {chosen}")


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_settings_and_float32(sparse):
    pair = ("neuron", {"name": "elu", "alpha": 0.5}, {"name": "huber", "delta": 0.3})
    optimizer = {"name": "momentum", "momentum": 0.5}
    assert trained(started(pair, optimizer, sparse), as_python) == pytest.approx(
        trained(started(pair, optimizer, sparse)), rel=1e-12
    )
    narrow = [started(pair, optimizer, sparse, dtype=np.float32) for _ in range(2)]
    assert trained(narrow[0], as_python) == pytest.approx(trained(narrow[1]), rel=2e-5, abs=1e-6)
    assert narrow[0][2].w.dtype == np.float32


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("blocks", range(1, 9))
def test_a_batch_of_several_blocks_is_summed_along_the_tree(blocks, sparse, monkeypatch):
    """The bias after one step of mse from 0, with α = m/2, is the sum of the targets: by `summed` of each block's."""
    monkeypatch.setattr(sums, "ROWS", 2)
    y = np.random.default_rng(blocks).normal(size=2 * blocks - 1) * 10.0 ** np.arange(2 * blocks - 1)
    X = np.zeros((len(y), 1))
    rule = update_rule_of("sgd", "constant", None, 1)
    step = make_step("neuron", "identity", "mse", 2, (), np.dtype(float))
    descent = Descent(csr_array(X) if sparse else X, y, step, 0.5 * len(y), len(y), 1)
    state = State(np.zeros(1), np.zeros(()))
    rule.start(state)
    program = as_python(program_text(kind_of(activation_of("identity"), loss_of("mse"), descent.X, rule)))
    (epoch,) = descend_compiled(program, descent, state)
    of_blocks = [y[first : first + 2] for first in range(0, len(y), 2)]
    total = sums.summed(np.array([[(part**2).sum(), (-2 * part).sum()]]) for part in of_blocks)[0]
    m = len(y)
    assert epoch.loss == total[0] / m
    assert state.b == (-0.5 * total[1] if sparse else -0.5 * m * (total[1] / m))


def test_l2_that_takes_all_of_a_weight_is_not_postponed():
    pair = ("neuron", "identity", "mse")
    both = [started(pair, "sgd", True, ("l2", "l1"), rate=60.0, epochs=1) for _ in range(2)]
    assert trained(both[0], as_python) == pytest.approx(trained(both[1]), rel=1e-11)


def test_a_converged_softmax_still_learns():
    """p − 1 of the true class, below the digits of p: the gradient of mse by exact numbers is 2p₂(p₂ + p₂) of K = 2."""
    program = as_python(
        program_text(kind_of(None, loss_of("mse"), np.zeros((1, 1)), update_rule_of("sgd", "constant", None, 1)))
    )
    z = np.array([45.0, 0.0, 0.0, 0.0])
    program["output"](np.array([0]), 0, z)
    p = np.exp(-45.0)
    assert z[:2] == pytest.approx([-4 * p * p, 4 * p * p], rel=1e-13)


def test_a_training_that_diverges_says_where():
    pair = ("neuron", "identity", "mse")
    messages = []
    for program in (None, as_python):
        with pytest.raises(DivergedError) as error:
            trained(started(pair, "sgd", rate=1e200), program)
        messages.append(error.value.message)
    assert messages[0] == messages[1]


def test_an_optimiser_that_is_no_function_of_entries_is_refused():
    def normed(p, g, t, learning_rate, l1, settings, slots, scratch):
        np.subtract(p, learning_rate * g / np.linalg.norm(g), p)

    row = Optimizer({}, (), normed, "", "")
    rule = update_rule_of("sgd", "constant", None, 1)
    kind = kind_of(ACTIVATIONS["identity"], loss_of("mse"), np.zeros((1, 1)), rule)
    with pytest.raises(UntraceableError):
        program_text(kind._replace(optimizer=row))


@pytest.mark.slow
def test_numba_compiles_it_once_and_goes_on_to_the_last_bit(tmp_path, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    start = ("neuron", "sigmoid", "bce"), "adam", False, ("l1", "l2", "weights", "clip", "warmup")
    whole = trained(started(*start), compiled_program)
    assert whole == pytest.approx(trained(started(*start)), rel=1e-12)
    rows, descent, state = started(*start)
    program = compiled_program(program_text(kind_of(*rows, descent.X, descent.update_rule)))
    assert next(descend_compiled(program, descent, state, Pause(0.0))) is None  # after one batch
    assert state.batch == 1
    later = State.of(state.arrays(), state.plain())
    trained((rows, descent, later), compiled_program)
    assert np.array_equal(
        np.concatenate([a.reshape(-1) for a in later.arrays().values()]), whole[1:]
    )  # without the loss
    assert program["run"].stats.cache_hits
