"""Solvers: optimisers that take all rows at once and go to the optimum; each says in which direction to go.

An iteration goes from θ along a direction d until J has fallen enough. With l1 the gradient is the pseudo-gradient, and
the weights stay in the orthant that they begin in: an entry that would change its sign becomes 0 (Andrew & Gao 2007,
Scalable training of L1-regularized log-linear models).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.formulas.choices import Setting

Vector = NDArray[np.float64]
Slots = Mapping[str, Vector]
Settings = Mapping[str, float]


class Solver(NamedTuple):
    """A row of `SOLVERS`.

    `slots(p, settings)` are the arrays that it keeps for p weights, by name, which start at these values.
    `direction(g, free, slots, hessian)` is d (p,), downhill for the gradient g, and 0 where `free` is False;
    `hessian()` is ∂²J/∂θ² (p, p). `learn(s, y, slots)` takes note of a step s that changed the gradient by y.
    `retry(slots)` changes the slots after a direction along which J did not fall, and returns whether another one is
    worth a try. `most_weights`: the largest p.
    """

    settings: Mapping[str, Setting]
    slots: Callable[[int, Settings], dict[str, Vector]]
    direction: Callable[[Vector, NDArray[np.bool_], Slots, Callable[[], Vector]], Vector]
    learn: Callable[[Vector, Vector, Slots], None]
    retry: Callable[[Slots], bool]
    formula: str
    source: str
    most_weights: int | None = None


def pseudo_gradient(g: Vector, theta: Vector, l1: Vector) -> Vector:
    """The subgradient of J + Σ λ|θ| that is shortest, with ∂J/∂θ = g and a λ for each entry: 0 at the optimum."""
    if not l1.any():
        return g
    at_0 = g - np.clip(g, -l1, l1)
    return np.where(theta == 0, at_0, g + l1 * np.sign(theta))


def lbfgs_direction(g: Vector, free: NDArray[np.bool_], slots: Slots, hessian: Callable[[], Vector]) -> Vector:
    """D = −Hg with H from the last steps s and changes of the gradient y, beginning at γ = sᵀy/yᵀy.

    An entry that points uphill becomes 0 where some are held at 0.
    """
    steps, changes, count = slots["s"], slots["y"], int(slots["count"][0])
    kept = [k % len(steps) for k in range(max(0, count - len(steps)), count)]
    q, weights, products = g.copy(), {}, {}
    for k in reversed(kept):
        products[k] = steps[k] @ changes[k]
        weights[k] = steps[k] @ q / products[k]
        q -= weights[k] * changes[k]
    if kept:
        y = changes[kept[-1]]
        q *= products[kept[-1]] / (y @ y)
    for k in kept:
        q += steps[k] * (weights[k] - changes[k] @ q / products[k])
    return -q if free.all() else np.where(free & (q * g > 0), -q, 0.0)


def lbfgs_slots(p: int, settings: Settings) -> dict[str, Vector]:
    """The last steps, the changes of the gradient, and how many there were."""
    memory = int(settings["memory"])
    return {"s": np.zeros((memory, p)), "y": np.zeros((memory, p)), "count": np.zeros(1)}


def lbfgs_learn(s: Vector, y: Vector, slots: Slots) -> None:
    """Keep a step along which the gradient grew, in place of the oldest."""
    if s @ y <= 1e-10 * np.sqrt((s @ s) * (y @ y)):
        return
    k = int(slots["count"][0]) % len(slots["s"])
    slots["s"][k], slots["y"][k] = s, y
    slots["count"][0] += 1


def lbfgs_retry(slots: Slots) -> bool:
    """Forget all steps; False if there were none."""
    had_some = bool(slots["count"][0])
    slots["count"][0] = 0
    return had_some


_LEAST_DAMPING = 1e-13  # of a Hessian whose diagonal is 1: about its rounding error
_MOST_DAMPING = 1e8
_ROUNDING = 1e-12  # in an eigenvalue of such a Hessian


def newton_step(H: Vector, g: Vector, damping: float = _LEAST_DAMPING) -> Vector | None:
    """−(H + λ·diag H)⁻¹g; None where that matrix is not positive definite (Marquardt 1963).

    Where rows leave a direction open, as those of all categories of a column beside the bias, H and g along it are
    what rounding leaves, and their quotient would be any number: the step is 0 along it.
    """
    diagonal = np.abs(np.diagonal(H))
    root = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    A = H / root / root[:, None]
    np.fill_diagonal(A, np.where(diagonal > 0, np.diagonal(A), 1.0) + damping)
    try:
        L = np.linalg.cholesky(A)
        if np.diagonal(L).min(initial=1.0) ** 2 > 10.0 * len(A) * (damping + _ROUNDING):
            return np.asarray(-np.linalg.solve(A, g / root) / root)
        values, vectors = np.linalg.eigh(A)
    except np.linalg.LinAlgError:
        return None
    along = (g / root) @ vectors
    values[is_open := np.abs(values - damping) <= _ROUNDING] = damping
    along[is_open & (np.abs(along) <= 1e-6 * np.linalg.norm(along))] = 0.0
    return np.asarray(-(vectors @ (along / values)) / root)


def newton_direction(g: Vector, free: NDArray[np.bool_], slots: Slots, hessian: Callable[[], Vector]) -> Vector:
    """Newton's step over the free entries, with as much damping as makes it one downhill."""
    H, d = hessian()[np.ix_(free, free)], np.zeros_like(g)
    damping = max(float(slots["damping"][0]), _LEAST_DAMPING)
    while damping < _MOST_DAMPING:
        if (step := newton_step(H, g[free], damping)) is not None:
            d[free] = step
            break
        damping *= 10.0
    return d


def newton_learn(s: Vector, y: Vector, slots: Slots) -> None:
    """A step that succeeded: less damping."""
    damping = slots["damping"]
    damping[0] = damping[0] / 10.0 if damping[0] > 1e-6 else 0.0


def newton_retry(slots: Slots) -> bool:
    """More damping; False once it is so large that no step is left."""
    damping = slots["damping"]
    damping[0] = max(1e-6, 10.0 * damping[0])
    return bool(damping[0] < _MOST_DAMPING)


SOLVERS: dict[str, Solver] = {
    "lbfgs": Solver(
        {"memory": Setting(10, at_least=1, whole=True)},
        lbfgs_slots,
        lbfgs_direction,
        lbfgs_learn,
        lbfgs_retry,
        "θ := θ − tHg, H from the last steps, t by line search",
        "Liu & Nocedal 1989, On the limited memory BFGS method for large scale optimization",
    ),
    "newton": Solver(
        {},
        lambda p, settings: {"damping": np.zeros(1)},
        newton_direction,
        newton_learn,
        newton_retry,
        "θ := θ − t(∂²J/∂θ²)⁻¹g, t by line search",
        "Nocedal & Wright 2006, Numerical optimization, 3.3 and 10.3",
        2000,
    ),
}
"""The table of solvers: the config's choices, the page `optimizers` and the tests read it."""
