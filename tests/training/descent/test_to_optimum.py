"""Solvers go to the optimum: beside scikit-learn, and by the conditions that hold there and nowhere else."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import Lasso, LogisticRegression, PoissonRegressor, Ridge
from sklearn.svm import SVC

from bpcli.datasets.sparse import is_sparse
from bpcli.formulas.layers import activation_of, loss_of, pairs
from bpcli.formulas.solvers import SOLVERS
from bpcli.formulas.steps import make_step
from bpcli.training.descent.objective import Objective
from bpcli.training.descent.state import Pause, State
from bpcli.training.descent.to_optimum import PausedError, chosen_solver, solve_epochs, start_solver

both = pytest.mark.parametrize("name", SOLVERS)


def data(loss, N=120, n=4, K=3):
    """Features of very different scales and far from 0, and targets that no weights get all right."""
    rng = np.random.default_rng(5)
    Z = rng.normal(size=(N, n))
    z = Z @ rng.normal(size=n) + rng.logistic(size=N)
    X = Z * np.logspace(-2, 2, n) + np.array([5.0, -3.0, 0.0, 1000.0])[:n]
    if loss == "cce":
        return X, np.digitize(z, np.quantile(z, np.arange(1, K) / K))
    return X, (z > 0).astype(float) if loss in ("bce", "hinge") else np.exp(0.3 * z) if loss == "poisson" else z


def solve(
    name, X, y, layer, activation, loss, *, l1=0.0, l2=0.0, weights=None, K=(), epochs=500, check=None, start=None
):
    step = make_step(layer, activation, loss, len(y), K, np.dtype(float))
    pair = (activation_of(activation), loss_of(loss))
    f = Objective(X, y, step, pair, K, l1, l2, weights, check or (lambda: None))
    state = start or State(np.zeros((X.shape[1], *K)), np.zeros(K))
    row, settings = chosen_solver(name)
    if start is None:
        start_solver(row, settings, state)
    for _ in solve_epochs(f, row, state, epochs, 1e-8, Pause()):
        pass
    theta = f.pack(state.w, state.b)
    return state, float(np.abs(f.slope(theta, f(theta))).max())


@both
@pytest.mark.parametrize("sparse", [False, True])
def test_logistic_regression(name, sparse):
    X, y = data("bce")
    rows = csr_array(X) if sparse else X
    assert is_sparse(rows) == sparse
    state, slope = solve(name, rows, y, "neuron", "sigmoid", "bce", l2=0.01)
    assert slope < 1e-6
    scale = X.std(0)
    other = LogisticRegression(C=1 / (0.01 * len(y)), tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(X, y)
    assert state.w * scale == pytest.approx(other.coef_[0] * scale, rel=1e-5)
    assert state.b == pytest.approx(other.intercept_[0], rel=1e-4)


@both
def test_softmax(name):
    X, y = data("cce")
    Z = (X - X.mean(0)) / X.std(0)
    state, slope = solve(name, Z, y, "softmax", None, "cce", l2=0.01, K=(3,))
    assert slope <= 1e-8
    other = LogisticRegression(C=1 / (0.01 * len(y)), tol=1e-12, max_iter=100_000).fit(Z, y)
    assert pytest.approx(other.coef_, abs=1e-4) == state.w.T


@both
def test_ridge_and_lasso(name):
    X, y = data("mse")
    state, slope = solve(name, X, y, "neuron", "identity", "mse", l2=0.1)
    assert slope < 1e-6
    assert state.w == pytest.approx(Ridge(0.1 / 2 * len(y), tol=1e-12).fit(X, y).coef_, rel=1e-6)
    Z = (X - X.mean(0)) / X.std(0)
    state, _ = solve(name, Z, y, "neuron", "identity", "mse", l1=0.4)
    exact = Lasso(0.2, tol=1e-14, max_iter=100_000).fit(Z, y).coef_
    assert (exact == 0).any()
    assert state.w == pytest.approx(exact, abs=1e-7)
    assert ((state.w == 0) == (exact == 0)).all()


@both
def test_poisson_regression(name):
    X, y = data("poisson")
    Z = (X - X.mean(0)) / X.std(0)
    state, _ = solve(name, Z, y, "neuron", "exp", "poisson", l2=0.1)
    assert state.w == pytest.approx(PoissonRegressor(alpha=0.1, tol=1e-12, max_iter=10_000).fit(Z, y).coef_, abs=1e-6)


@both
@pytest.mark.parametrize("l1", [0.0, 0.02])
@pytest.mark.parametrize(("layer", "activation", "loss"), [pair for pair in pairs() if pair[2] != "hinge"])
def test_every_pair_ends_where_the_gradient_is_0(name, layer, activation, loss, l1):
    X, y = data("cce" if layer == "softmax" else "bce")
    weights = np.random.default_rng(0).uniform(0.5, 1.5, len(y))
    Z = (X - X.mean(0)) / X.std(0)
    K = (3,) if layer == "softmax" else ()
    state, slope = solve(name, Z, y, layer, activation, loss, l1=l1, l2=0.05, weights=weights, K=K)
    if activation in ("relu", "leaky_relu"):  # J has kinks in w, and the optimum may be one of them
        assert state.ended
    else:
        assert slope <= 1e-8


@both
def test_what_is_stopped_goes_on_with_the_same_bits(name):
    X, y = data("bce")
    whole, _ = solve(name, X, y, "neuron", "sigmoid", "bce", l2=0.01, l1=0.001)
    part, _ = solve(name, X, y, "neuron", "sigmoid", "bce", l2=0.01, l1=0.001, epochs=3)
    arrays = {key: array.copy() for key, array in part.arrays().items()}
    saved = State.of(arrays, part.plain())
    rest, _ = solve(name, X, y, "neuron", "sigmoid", "bce", l2=0.01, l1=0.001, start=saved)
    assert part.epoch == 3 < whole.epoch == rest.epoch
    assert (rest.w == whole.w).all()
    assert rest.b == whole.b


@both
def test_a_signal_within_an_iteration_leaves_the_state_as_it_was(name):
    X, y = data("bce")
    calls = iter([0] * 4 + [1] + [0] * 10_000)

    def check():
        if next(calls):
            raise PausedError

    state, _ = solve(name, X, y, "neuron", "sigmoid", "bce", l2=0.01, check=check)
    whole, _ = solve(name, X, y, "neuron", "sigmoid", "bce", l2=0.01)
    assert (state.w == whole.w).all()


@both
def test_classes_that_are_separated_end_at_the_tolerance(name):
    X = np.linspace(-1, 1, 20)[:, None]
    state, slope = solve(name, X, (X[:, 0] > 0).astype(float), "neuron", "sigmoid", "bce")
    assert slope <= 1e-8
    assert state.w[0] > 100


def test_the_search_ends_where_no_step_is_left():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = np.where(X[:, 0] + rng.normal(size=40) > 0, 1.0, -1.0)
    state, slope = solve("lbfgs", X, y, "neuron", "identity", "hinge", l2=0.3)
    assert slope > 1e-4  # at a kink, where no gradient is 0
    assert state.ended
    assert state.epoch < 400
    exact = SVC(kernel="linear", C=1 / (0.3 * len(y)), tol=1e-12).fit(X, y)
    assert state.w == pytest.approx(exact.coef_[0], abs=0.02)
