"""The loop of a solver: iterations over all rows, each with a line search, until the gradient is within a tolerance."""

from collections.abc import Iterator, Mapping
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.formulas.choices import Choice, name_and_settings, settings_of
from bpcli.formulas.solvers import SOLVERS, Solver, pseudo_gradient
from bpcli.training.descent.loop import Epoch, diverged
from bpcli.training.descent.objective import Evaluation, Objective
from bpcli.training.descent.state import Pause, State

Vector = NDArray[np.float64]

ChosenSolver = tuple[Solver, Mapping[str, float]]
"""A solver with its settings."""

TOLERANCE = 1e-8
"""The default tolerance: a gradient whose largest entry is at most this counts as 0."""

# The constants of the Wolfe conditions (Nocedal & Wright 2006, 3.6 and 3.7).
_FALLS = 1e-4  # J falls by at least this part of what the gradient predicts
_FLATTENS = 0.9  # the slope along the direction shrinks at least to this part
_NOISE = 1e-14  # relative to J: differences below this may be due to rounding
_MOST_TRIALS = 60


def chosen_solver(optimizer: Choice) -> ChosenSolver | None:
    """The solver that a config's `training.optimizer` names; None if that is an optimiser for mini-batches."""
    name, given = name_and_settings(optimizer)
    row = SOLVERS.get(name)
    return None if row is None else (row, settings_of(row.settings, given))


class PausedError(Exception):
    """A signal to stop came during an iteration, which is repeated from its beginning when the training goes on."""


def start_solver(solver: Solver, settings: Mapping[str, float], state: State) -> None:
    """Make the solver's slots in `state`."""
    p = state.w.size + state.b.size
    slots = {"place": np.zeros(p), **solver.slots(p, settings)}
    state.slots |= {f"solver.{name}": array for name, array in slots.items()}


def solve_epochs(
    objective: Objective,
    solver: Solver,
    state: State,
    epochs: int,
    tolerance: float,
    pause: Pause,
) -> Iterator[Epoch | None]:
    """Train `state` in place until ‖∂J/∂(w, b)‖∞ ≤ tolerance, no step lowers J, or after `epochs` iterations.

    Yields an `Epoch` for each iteration, with the loss before its step; None if a signal interrupts an iteration.
    DivergedError if J is not finite at the start.
    """
    search = _Search(objective, solver, state)
    while state.epoch < epochs and not state.ended:
        began = perf_counter()
        try:
            loss = search.step()
        except PausedError:
            yield None
            continue
        theta = search.theta
        state.w[...], state.b[...] = objective.unpack(theta)
        state.ended = search.stuck or float(np.abs(objective.slope(theta, search.at.whole)).max()) <= tolerance
        seconds = state.epoch_seconds + perf_counter() - began
        state.epoch, state.steps, state.epoch_seconds = state.epoch + 1, state.steps + 1, 0.0
        yield Epoch(state.epoch, loss, None, seconds)


class _Coordinates:
    """Coordinates (v, c) for a solver: v = w·s with s² = σ² + l2, and c = b + μᵀw.

    μ and σ are mean and standard deviation of each feature: J is better conditioned when features have different
    scales. The penalty l1·|w| is (l1/s)·|v|.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective, K = objective, objective.K
        mean, sigma = objective.moments()
        scale = np.sqrt(np.repeat(sigma, K) ** 2 + objective.l2[:-K])
        self._mean, self._scale = mean[:, None], scale.reshape(-1, K)
        self.l1 = objective.l1 / np.append(scale, np.ones(K))

    def of(self, theta: Vector) -> Vector:
        """(v, c) from (w, b)."""
        w, b = self._split(theta)
        return np.concatenate([(w * self._scale).reshape(-1), b + (w * self._mean).sum(axis=0)])

    def theta(self, phi: Vector) -> Vector:
        """(w, b) from (v, c)."""
        v, c = self._split(phi)
        w = v / self._scale
        return np.concatenate([w.reshape(-1), c - (w * self._mean).sum(axis=0)])

    def evaluate(self, phi: Vector) -> "_Place":
        """The objective at (v, c)."""
        at = self._objective(self.theta(phi))
        return _Place(at, self._by_coordinates(at.gradient[:, None])[:, 0])

    def hessian(self, phi: Vector) -> Vector:
        """The Hessian by (v, c), (p, p)."""
        return self._by_coordinates(self._by_coordinates(self._objective.hessian(self.theta(phi))).T)

    def slope(self, phi: Vector, at: "_Place") -> Vector:
        """The gradient by (v, c) including l1, as the shortest subgradient."""
        return pseudo_gradient(at.gradient, phi, self.l1)

    def _by_coordinates(self, slopes: Vector) -> Vector:
        """Derivatives by (w, b), (p, m), converted to derivatives by (v, c)."""
        by_entry = slopes.reshape(-1, self._objective.K, slopes.shape[1])
        of_w, of_b = by_entry[:-1], by_entry[-1:]
        by_v = (of_w - self._mean[:, None] * of_b) / self._scale[:, :, None]
        return np.concatenate([by_v, of_b]).reshape(slopes.shape)

    def _split(self, theta: Vector) -> tuple[Vector, Vector]:
        K = self._objective.K
        return theta[:-K].reshape(-1, K), theta[-K:]


class _Place(NamedTuple):
    """The objective at a point (`whole`), and its gradient by (v, c)."""

    whole: Evaluation
    gradient: Vector


class _Search:
    """The steps of a solver: `phi` is the current point (v, c), `at` the objective there; `stuck`: no step lowers J."""

    def __init__(self, objective: Objective, solver: Solver, state: State) -> None:
        self._solver, self._state, self._space = solver, state, _Coordinates(objective)
        names = {name: name.removeprefix("solver.") for name in state.slots if name.startswith("solver.")}
        self._slots = {short: state.slots[name] for name, short in names.items()}
        self.phi = self._slots.pop("place")
        if not state.epoch:
            self.phi[:] = self._space.of(objective.pack(state.w, state.b))
        self._known: _Place | None = None
        self.stuck = False

    @property
    def at(self) -> _Place:
        """The objective at `phi`."""
        if self._known is None:
            self._known = self._space.evaluate(self.phi)
        return self._known

    @property
    def theta(self) -> Vector:
        """(w, b) at `phi`."""
        return self._space.theta(self.phi)

    def step(self) -> float:
        """Take one step; returns the mean loss before it."""
        at, phi = self.at, self.phi
        if not (np.isfinite(at.whole.value) and np.isfinite(at.gradient).all()):
            raise diverged(self._state.epoch + 1, 1, f"the loss is {at.whole.value}", None)
        g = self._space.slope(phi, at)
        held = (phi == 0) & (g == 0) & (self._space.l1 > 0)
        while True:
            d = self._solver.direction(g, ~held, self._slots, lambda: self._space.hessian(phi))
            if (found := self._along(d, g)) is not None:
                break
            if not self._solver.retry(self._slots):
                self.stuck = True
                return at.whole.loss
        place, new = found
        self._solver.learn(place - phi, new.gradient - at.gradient, self._slots)
        self.phi[:], self._known = place, new
        return at.whole.loss

    def _along(self, d: Vector, g: Vector) -> tuple[Vector, _Place] | None:
        """Line search: the first point along d that satisfies the Wolfe conditions, or None.

        Close to the optimum, where differences of J are rounding errors, the gradient decides (Hager & Zhang 2005,
        4.1).
        """
        space, phi, at = self._space, self.phi, self.at
        slope = float(g @ d)
        if not (slope < 0 and np.isfinite(d).all()):
            return None
        has_l1 = space.l1 > 0
        bends = bool(has_l1.any())
        side = np.sign(np.where(phi == 0, -g, phi))
        low, high, t, found = 0.0, np.inf, 1.0, None
        for _ in range(_MOST_TRIALS):
            trial = phi + t * d
            if bends:
                trial = np.where(has_l1 & (np.sign(trial) != side), 0.0, trial)
            if np.array_equal(trial, phi):
                return found  # the step is lost by rounding
            new = space.evaluate(trial)
            change = new.whole.value - at.whole.value
            falls = change <= _FALLS * float(g @ (trial - phi))
            if not falls and change <= _NOISE * abs(at.whole.value):
                falls = float(np.abs(space.slope(trial, new)).max()) < float(np.abs(g).max())
            if falls and np.isfinite(new.gradient).all():
                found = trial, new
                if bends or float(new.gradient @ d) >= _FLATTENS * slope:
                    return found
                low = t
            else:
                high = t
            t = 2.0 * t if high == np.inf else 0.5 * (low + high)
        return found
