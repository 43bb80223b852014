"""Every optimiser goes to the least of J + l1·‖w‖₁ + l2/2·‖w‖²: by hand, by scikit-learn, and by its own conditions."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from scipy.sparse import csr_array
from sklearn.linear_model import ElasticNet

from bpcli.formulas.optimizers import OPTIMIZERS
from bpcli.formulas.steps import make_step
from bpcli.training.descent.batches import Descent
from bpcli.training.descent.loop import descend_epochs
from bpcli.training.descent.sparse_loop import descend_sparse, sparse_slots
from bpcli.training.descent.state import State
from bpcli.training.descent.update_rule import update_rule_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 6))
Y = X @ [1, 0, -2, 0, 0.3, 0.01] + 0.3 * RNG.normal(size=60) + 1.5
LABELS = (Y > 1.5).astype(float)
CLASSES = np.digitize(Y, [0.5, 2.5])


def fitted(kind, X, y, optimizer, penalties, clip_norm=None, sparse=False, K=None):
    """w and b after 1000 epochs of full batches, α going to 0 as a cosine."""
    outputs = (K,) if K else ()
    state = State(np.zeros((X.shape[1], *outputs)), np.zeros(outputs))
    rule = update_rule_of(optimizer, "cosine", clip_norm, 1000)
    rule.start(state)
    step = make_step(*kind, len(X), outputs, np.dtype(float))
    if sparse:
        sparse_slots(state, penalties.get("l1", 0.0), penalties.get("l2", 0.0))
    rows = csr_array(X) if sparse else X
    descent = Descent(rows, y, step, 0.2, batch_size=len(X), epochs=1000, update_rule=rule, **penalties)
    list((descend_sparse if sparse else descend_epochs)(descent, state))
    return state.w, state.b


def without_decay(optimizer, penalties):
    """Where l2 is no part of J, none."""
    return {**penalties, "l2": 0.0} if OPTIMIZERS[optimizer].decoupled else penalties


@pytest.mark.parametrize(("sparse", "clip_norm"), [(False, 0.1), (True, None)])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_one_weight_by_hand(optimizer, sparse, clip_norm):
    """Of (w − 1)² + λ₁|w| + λ₂w²/2 the least is at (2 − λ₁)/(2 + λ₂), or 0."""
    line, ends = np.array([[-1.0], [1.0]]), np.array([-1.0, 1.0])
    for given in ({"l1": 1.0}, {"l2": 1.0}, {"l1": 0.5, "l2": 1.0}, {"l1": 2.5}):
        penalties = {"l1": 0.0, "l2": 0.0} | without_decay(optimizer, given)
        expected = max(0.0, (2 - penalties["l1"]) / (2 + penalties["l2"]))
        w, _ = fitted(("neuron", "identity", "mse"), line, ends, optimizer, penalties, clip_norm, sparse)
        assert w[0] == pytest.approx(expected, abs=1e-3)
        assert expected or w[0] == 0


@pytest.mark.parametrize(("sparse", "clip_norm"), [(False, None), (True, 0.5)])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_regression_beside_scikit_learn(optimizer, sparse, clip_norm):
    penalties = without_decay(optimizer, {"l1": 0.2, "l2": 0.1})
    w, b = fitted(("neuron", "identity", "mse"), X, Y, optimizer, penalties, clip_norm, sparse)
    both = sum(penalties.values()) / 2  # its J is half of ours
    exact = ElasticNet(alpha=both, l1_ratio=penalties["l1"] / 2 / both, tol=1e-14, max_iter=10**5).fit(X, Y)
    assert np.abs(w - exact.coef_).max() < 1e-4
    assert abs(b - exact.intercept_) < 1e-4
    assert ((w == 0) == (exact.coef_ == 0)).all()
    assert (w == 0).any()


def bce(w, b):
    z = anp.dot(X, w) + b
    return anp.mean(anp.log1p(anp.exp(-anp.abs(z))) + anp.maximum(z, 0) - LABELS * z)


def cce(w, b):
    z = anp.dot(X, w) + b
    top = anp.max(z, axis=1)
    return anp.mean(anp.log(anp.sum(anp.exp(z - top[:, None]), axis=1)) + top - z[np.arange(len(X)), CLASSES])


@pytest.mark.parametrize(
    ("J", "kind", "y", "K"),
    [(bce, ("neuron", "sigmoid", "bce"), LABELS, None), (cce, ("softmax", None, "cce"), CLASSES, 3)],
)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_classes_by_the_conditions_of_the_least(J, kind, y, K, optimizer):
    """At the least −∂J/∂w is λ₁·sign(w) where w ≠ 0, and within ±λ₁ where w = 0; ∂J/∂b is 0."""
    penalties = {"l1": 0.03} | without_decay(optimizer, {"l2": 0.02})
    w, b = fitted(kind, X, y, optimizer, penalties, K=K)
    slope = grad(J, 0)(w, b) + penalties["l2"] * w
    assert np.abs(slope + penalties["l1"] * np.sign(w))[w != 0].max() < 1e-3
    assert np.abs(slope)[w == 0].max(initial=0) < penalties["l1"] + 1e-3
    assert np.abs(grad(J, 1)(w, b)).max() < 1e-3
    assert (w == 0).any()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_constant_learning_rate_ends_at_the_optimum_or_within_what_the_page_says(optimizer):
    """J = (w − w*)ᵀH(w − w*)/2 has its least at w*; with ε ≥ α·L no adaptive step is too long for the curvature L."""
    row = OPTIMIZERS[optimizer]
    H = 2 * X.T @ X / len(X)
    best, rate = np.array([1, 0, -2, 0.3, 0.5, -1]), 0.5 if optimizer == "adagrad" else 0.02
    bounds = {None: {"rmsprop": 2 * rate, "adam": rate / 2, "adamw": rate / 2}.get(optimizer, 1e-9)}
    if "epsilon" in row.settings:
        bounds[rate * np.linalg.eigvalsh(H)[-1]] = 1e-9
    for epsilon, bound in bounds.items():
        settings = {name: setting.default for name, setting in row.settings.items()}
        settings |= {} if epsilon is None else {"epsilon": epsilon}
        w, slots = np.zeros(6), [np.zeros(6) for _ in row.slots]
        farthest = 0.0
        for t in range(1, 4001):
            row.step(w, H @ (w - best), t, rate, 0.0, settings, slots, np.empty(6))
            farthest = max(farthest, np.abs(w - best).max()) if t > 3800 else 0.0
        assert farthest < bound
