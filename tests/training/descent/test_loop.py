"""The loop's weights, step by step, beside gradient descent by autograd, which knows none of the lecture's formulas."""

import math
import tracemalloc

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from bpcli import sums
from bpcli.datasets.row_file import RowFile
from bpcli.formulas.steps import make_step
from bpcli.training.descent import batches
from bpcli.training.descent.batches import Descent
from bpcli.training.descent.loop import DivergedError, descend_epochs
from bpcli.training.descent.state import State
from bpcli.training.descent.update_rule import update_rule_of

N, FEATURES, CLASSES = 60, 5, 4
PAIRS = [
    ("neuron", "identity", "mse"),
    ("neuron", "sigmoid", "mse"),
    ("neuron", "tanh", "mse"),
    ("neuron", "relu", "mse"),
    ("neuron", "sigmoid", "bce"),
    ("softmax", None, "cce"),
    ("softmax", None, "mse"),
]


def softmax(z):
    e = anp.exp(z - anp.max(z, axis=1, keepdims=True))
    return e / anp.sum(e, axis=1, keepdims=True)


def objective(kind, activation, loss, X, y, l2=0.0):
    """J as one would write it for autograd: from probabilities, no fused forms."""
    g = {
        "identity": lambda z: z,
        "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
        "tanh": anp.tanh,
        "relu": lambda z: anp.where(z >= 0, z, 0.0),
        None: softmax,
    }[activation]

    def J(parameters):
        w, b = parameters
        a = g(anp.dot(X, w) + b)
        if kind == "softmax":
            one_hot = np.eye(CLASSES)[y]
            terms = (one_hot - a) ** 2 if loss == "mse" else -one_hot * anp.log(a)
            data = anp.sum(terms) / len(X)
        elif loss == "mse":
            data = anp.mean((y - a) ** 2)
        else:
            data = -anp.mean(y * anp.log(a) + (1 - y) * anp.log(1 - a))
        return data + l2 / 2 * anp.sum(w**2)

    return J


def problem(kind, loss, seed=1):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, FEATURES))
    outputs = (CLASSES,) if kind == "softmax" else ()
    y = rng.integers(0, CLASSES, N) if outputs else rng.random(N).round() if loss == "bce" else rng.random(N)
    return X, y, rng.normal(size=(FEATURES, *outputs)), rng.normal(size=outputs)


def train(kind, activation, loss, X, y, w, b, **options):
    batch = min(options["batch_size"], len(X))
    step = make_step(kind, activation, loss, batch, w.shape[1:], w.dtype)
    return list(descend_epochs(Descent(X, y, step, **{"learning_rate": 0.3, "rng": None, **options}), State(w, b)))


@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize(("kind", "activation", "loss"), PAIRS)
def test_full_batch_training_follows_autograd(kind, activation, loss, l2):
    X, y, w, b = problem(kind, loss)
    theirs = (w.copy(), b.copy())
    J, reported = objective(kind, activation, loss, X, y, l2), objective(kind, activation, loss, X, y)
    gradient = grad(J)
    for _ in range(30):
        before = reported(theirs)
        (epoch,) = train(kind, activation, loss, X, y, w, b, batch_size=N, epochs=1, l2=l2)
        theirs = tuple(p - 0.3 * g for p, g in zip(theirs, gradient(theirs), strict=True))
        assert epoch.loss == pytest.approx(before, rel=1e-12)
        np.testing.assert_allclose(w, theirs[0], rtol=1e-12)
        np.testing.assert_allclose(b, theirs[1], rtol=1e-12)


@pytest.mark.parametrize(("kind", "activation", "loss"), PAIRS)
def test_mini_batches_follow_autograd_and_the_last_is_averaged_over_its_own_size(kind, activation, loss):
    X, y, w, b = problem(kind, loss)
    theirs = (w.copy(), b.copy())
    epochs = train(kind, activation, loss, X, y, w, b, batch_size=16, epochs=2)
    for epoch in epochs:
        total = 0.0
        for start in range(0, N, 16):
            rows = slice(start, min(start + 16, N))
            J = objective(kind, activation, loss, X[rows], y[rows])
            total += J(theirs) * (rows.stop - start)
            theirs = tuple(p - 0.3 * g for p, g in zip(theirs, grad(J)(theirs), strict=True))
        assert epoch.loss == pytest.approx(total / N, rel=1e-12)
    np.testing.assert_allclose(w, theirs[0], rtol=1e-12)
    np.testing.assert_allclose(b, theirs[1], rtol=1e-12)


def test_l1_is_the_soft_threshold_of_the_step():
    X, y, w, b = problem("neuron", "mse")
    plain, bias = w.copy(), b.copy()
    train("neuron", "identity", "mse", X, y, plain, bias, batch_size=N, epochs=1)
    train("neuron", "identity", "mse", X, y, w, b, batch_size=N, epochs=1, l1=0.7)
    shrunk = [max(abs(v) - 0.3 * 0.7, 0) * (1 if v > 0 else -1) for v in plain]
    np.testing.assert_allclose(w, shrunk, rtol=1e-14)
    assert b == bias


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("model", "activation", "loss"), [("softmax", None, "cce"), ("neuron", "sigmoid", "bce")])
def test_rows_of_a_file_give_the_bits_of_rows_in_memory(monkeypatch, tmp_path, model, activation, loss, shuffle):
    """In windows of 3 batches and chunks of 2 rows, and as a whole."""
    for copied in (0, 3 * 7 * 24, 1 << 20):
        monkeypatch.setattr(batches, "_COPIED", copied)
        monkeypatch.setattr(batches, "_CHUNK", 2 * 24)
        monkeypatch.setattr(sums, "ROWS", 7 if copied else 3)
        weights = []
        for stored in (False, True):
            X, y, w, b = problem(model, loss)
            rows = X
            if stored:
                rows = RowFile(tmp_path, X.shape[1], X.dtype)
                for start in range(0, len(X), 11):
                    rows.append(X[start : start + 11])
            rng = np.random.default_rng(4) if shuffle else None
            train(model, activation, loss, rows, y, w, b, batch_size=7, epochs=3, rng=rng)
            weights.append((w.tobytes(), b.tobytes()))
        assert weights[0] == weights[1]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("kind", "activation", "loss"), [("softmax", None, "cce"), ("neuron", "sigmoid", "bce")])
def test_a_large_batch_is_summed_by_blocks_along_a_tree(monkeypatch, kind, activation, loss, dtype):
    """In blocks of 7 rows, wherever these come from: batches of 32 are ((0 + 1) + (2 + 3)) + 4."""
    monkeypatch.setattr(sums, "ROWS", 7)
    X, y, w, b = problem(kind, loss)
    X, w, b = X.astype(dtype), w.astype(dtype), b.astype(dtype)
    y = y if kind == "softmax" else y.astype(dtype)
    order = np.arange(len(X))
    np.random.default_rng(4).shuffle(order)
    expected, bias, step = w.copy(), b.copy(), make_step(kind, activation, loss, 7, b.shape, w.dtype)
    for batch in np.split(order, range(32, len(X), 32)):
        parts = []
        for rows in np.split(batch, range(7, len(batch), 7)):
            z = X[rows] @ expected + bias
            step(z, y[rows])
            parts.append(((X[rows].T @ z).astype(float), np.dot(np.ones(len(rows), dtype), z).astype(float)))
        parts += [(0.0, 0.0)] * (-len(parts) % 8)
        while len(parts) > 1:
            parts = [(one[0] + two[0], one[1] + two[1]) for one, two in zip(parts[::2], parts[1::2], strict=True)]
        expected -= (parts[0][0].astype(dtype) * np.dtype(dtype).type(1 / len(batch))) * np.dtype(dtype).type(0.1)
        bias -= (np.asarray(parts[0][1], dtype) * np.dtype(dtype).type(1 / len(batch))) * np.dtype(dtype).type(0.1)
    for cached in (1, 1 << 20):
        monkeypatch.setattr(batches, "CACHED", cached)
        found, b_ = w.copy(), b.copy()
        rng = np.random.default_rng(4)
        train(kind, activation, loss, X, y, found, b_, batch_size=32, epochs=1, rng=rng, learning_rate=0.1)
        assert found.tobytes() == expected.tobytes()
        assert b_.tobytes() == bias.tobytes()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("kind", "activation", "loss"), PAIRS)
def test_the_same_seed_gives_the_same_bits(kind, activation, loss, dtype):
    weights = []
    for _ in range(2):
        X, y, w, b = problem(kind, loss)
        X, w, b = X.astype(dtype), w.astype(dtype), b.astype(dtype)
        y = y if kind == "softmax" else y.astype(dtype)
        train(kind, activation, loss, X, y, w, b, batch_size=7, epochs=3, rng=np.random.default_rng(4))
        assert w.dtype == b.dtype == dtype
        weights.append((w.tobytes(), b.tobytes()))
    assert weights[0] == weights[1]


@pytest.mark.parametrize(("kind", "activation", "loss"), PAIRS)
def test_single_precision_is_near_double(kind, activation, loss):
    X, y, w, b = problem(kind, loss)
    single = [v.astype(np.float32) for v in (X, w, b)]
    train(kind, activation, loss, X, y, w, b, batch_size=16, epochs=3)
    target = y if kind == "softmax" else y.astype(np.float32)
    train(kind, activation, loss, single[0], target, single[1], single[2], batch_size=16, epochs=3)
    np.testing.assert_allclose(single[1], w, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("copied", [0, 1 << 26])
def test_the_inner_step_creates_no_arrays(monkeypatch, copied):
    """The peak of traced memory during an epoch does not see a single batch-sized temporary."""
    monkeypatch.setattr(batches, "_COPIED", copied)
    N, batch = 60000, 20000
    X, y = np.random.default_rng(0).normal(size=(N, 20)), np.random.default_rng(1).integers(0, 10, N)
    w, b = np.zeros((20, 10)), np.zeros(10)
    step = make_step("softmax", None, "cce", batch, (10,), w.dtype)
    options = {"learning_rate": 0.1, "batch_size": batch, "epochs": 3, "rng": np.random.default_rng(0)}
    epochs = descend_epochs(Descent(X, y, step, **options), State(w, b))
    next(epochs)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    next(epochs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # One column of a batch is 160 000 bytes; NumPy's own iterators buffer 65 536.
    assert peak - before < 100_000


def test_divergence_is_reported_at_its_step():
    X, y, w, b = problem("neuron", "mse")
    with pytest.raises(
        DivergedError, match=r"diverged in epoch \d+, step 1: the loss is (inf|nan)(.|\n)*learning_rate"
    ):
        train("neuron", "identity", "mse", X, y, w, b, batch_size=N, epochs=5000, learning_rate=1e3)


@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_the_loss_of_many_steps_does_not_drift(clip_norm):
    N = 30_000
    X, y = np.zeros((N, 1)), np.full(N, 0.1)
    step = make_step("neuron", "identity", "mse", 1, (), np.dtype(float))
    rule = update_rule_of("sgd", "constant", clip_norm, 1)
    keywords = {"learning_rate": 1e-300, "batch_size": 1, "epochs": 1, "update_rule": rule}
    (epoch,) = descend_epochs(Descent(X, y, step, **keywords), State(np.zeros(1), np.zeros(())))
    true = math.fsum([0.1 * 0.1] * N) / N
    assert abs(epoch.loss - true) <= 2 * math.ulp(true)  # added up plainly it is off by 2,458
