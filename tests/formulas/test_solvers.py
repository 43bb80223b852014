"""Directions of the solvers, on quadratics whose optimum is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.formulas.choices import settings_of
from bpcli.formulas.solvers import SOLVERS, newton_step, pseudo_gradient


def quadratic(seed, p):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(p, p)) + 3 * np.eye(p)
    return root @ root.T, rng.normal(size=p)


@given(st.integers(0, 1000), st.integers(1, 8))
def test_a_newton_step_goes_to_the_optimum_of_a_quadratic(seed, p):
    H, g = quadratic(seed, p)
    step = newton_step(H, g, 1e-9)
    damped = H + 1e-9 * np.diag(np.diagonal(H))  # of the residual, since the inverse is known to few digits
    assert np.allclose(damped @ step, -g, rtol=0, atol=1e-13 * np.linalg.norm(H) * np.linalg.norm(step))


def test_a_newton_step_of_features_of_any_scale_and_of_none():
    H, g = np.diag([1e12, 1e-12, 0.0]), np.array([1e6, 1e-6, 0.0])
    assert newton_step(H, g) == pytest.approx([-1e-6, -1e6, 0.0])


@given(st.integers(0, 1000), st.integers(2, 6))
def test_no_newton_step_along_a_direction_that_the_rows_leave_open(seed, K):
    rng = np.random.default_rng(seed)
    categories = np.concatenate([np.arange(K), rng.integers(0, K, 50)])
    X = np.column_stack([np.eye(K)[categories], np.ones(len(categories))])  # the columns of K categories add up to 1
    H, g = X.T @ (X * rng.uniform(0.1, 1, len(X))[:, None]), X.T @ rng.normal(size=len(X))
    step = newton_step(H, g)
    assert H @ step == pytest.approx(-g, rel=0, abs=1e-10)
    assert np.diagonal(H) * step @ [*np.ones(K), -1] == pytest.approx(0, abs=1e-10)


def test_no_newton_step_where_the_matrix_is_indefinite():
    assert newton_step(np.array([[1.0, 2.0], [2.0, 1.0]]), np.ones(2)) is None


@pytest.mark.parametrize("name", SOLVERS)
@given(seed=st.integers(0, 1000), p=st.integers(1, 8))
def test_every_direction_leads_down_and_stays_off_what_is_held(name, seed, p):
    row = SOLVERS[name]
    H, g = quadratic(seed, p)
    slots = row.slots(p, settings_of(row.settings, {}))
    rng = np.random.default_rng(seed)
    for _ in range(3):
        s = rng.normal(size=p)
        row.learn(s, H @ s, slots)
    free = rng.random(p) < 0.7
    g = np.where(free, g, 0.0)
    d = row.direction(g, free, slots, lambda: H)
    assert g @ d < 0 or not g.any()
    assert not d[~free].any()


@pytest.mark.parametrize("name", SOLVERS)
def test_an_indefinite_hessian_still_gives_a_direction_downhill(name):
    row, g = SOLVERS[name], np.array([1.0, -2.0])
    slots = row.slots(2, settings_of(row.settings, {}))
    d = row.direction(g, np.ones(2, bool), slots, lambda: np.array([[1.0, 2.0], [2.0, 1.0]]))
    assert g @ d < 0


def test_lbfgs_with_all_steps_of_a_quadratic_is_newton():
    H, g = quadratic(7, 4)
    row = SOLVERS["lbfgs"]
    slots = row.slots(4, {"memory": 4})
    for s in np.linalg.eigh(H)[1].T:  # conjugate steps
        row.learn(s, H @ s, slots)
    assert row.direction(g, np.ones(4, bool), slots, lambda: H) == pytest.approx(-np.linalg.solve(H, g))


@pytest.mark.parametrize(
    ("theta", "g", "expected"),
    [(2.0, 0.5, 1.5), (-2.0, 0.5, -0.5), (0.0, 0.5, 0.0), (0.0, 1.5, 0.5), (0.0, -3.0, -2.0)],
)
def test_the_pseudo_gradient_is_the_shortest_subgradient(theta, g, expected):
    assert pseudo_gradient(np.array([g]), np.array([theta]), np.array([1.0])) == pytest.approx([expected])
