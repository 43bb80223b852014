"""Whether classes are separated: whether a linear function of the features gets every row right, or none wrong.

The loss of probabilities then has no optimum: it falls as long as the weights grow (Albert & Anderson 1984, On the
existence of maximum likelihood estimates in logistic regression models). What is said here is proven: that they are, by
weights that get every row right, a column that none of them crosses, or a direction in which none gets worse; that they
are not, by a bound on how far the optimum is. Else nothing is said.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.derived_rows import chosen
from bpcli.datasets.preparation.fitted import Preparation
from bpcli.datasets.sparse import dense, is_sparse, pieces
from bpcli.errors import BpcliError
from bpcli.formulas.layers import activation_of, loss_of
from bpcli.formulas.solvers import SOLVERS
from bpcli.formulas.steps import make_step
from bpcli.sums import ROWS
from bpcli.training.descent.objective import Objective
from bpcli.training.descent.state import Pause, State
from bpcli.training.descent.to_optimum import solve_epochs, start_solver

if TYPE_CHECKING:
    from bpcli.training.inference.direction import Margins

Array = NDArray[Any]

QUICK = 1 << 28
"""Products that a training spends, at most, to find out."""

_MOST_ITERATIONS = 40
_DENSE = 1 << 24  # entries of features that are looked at in memory
_AT_A_TIME = 1 << 20  # entries of features that are looked at, as doubles
_EXTREMES = 1 << 24  # of columns and classes whose least and largest values are kept
_COLLINEAR = 1e-13  # relative to the largest: an eigenvalue below is 0 but for rounding, if features are of one size
_UNCLEAR = 1e-9  # below, it may be either
_NOT_FAR = 0.1  # a fifth of the bound that proves an optimum, to leave room for rounding


Units = tuple[Array | float, Array | float]
"""The mean and the scale with which features were prepared."""


class Separation(NamedTuple):
    """Whether classes are `separated`, None if that is not known, and the numbers of the features that do it."""

    separated: bool | None
    features: tuple[int, ...] = ()


@dataclass(frozen=True)
class Labelled:
    """Features X (N, n), an array, a sparse one or a `Matrix`, and class numbers y (N,) of K classes.

    With `outputs` () a class is told by the sign of z, with (K,) by the largest. X is (x − mean)/scale of the `units`.
    """

    X: Any
    y: Array
    K: int
    outputs: tuple[int, ...]
    units: Units | None = None

    @property
    def size(self) -> int:
        """The entries of the features."""
        return int(self.X.shape[0] * self.X.shape[1])

    def blocks(self, entries: int | None = None) -> Iterator[tuple[Any, Array]]:
        """The rows block by block, of at most so many `entries` of the features."""
        first = 0
        for x in pieces(self.X, ROWS if entries is None else max(1, min(ROWS, entries // max(1, self.X.shape[1])))):
            yield x.astype(np.float64, copy=False), self.y[first : first + x.shape[0]]
            first += x.shape[0]

    def margins(self, z: Array, y: Array) -> Array:
        """By how much z (N,) or (N, K) is in favour of the class y, (N,)."""
        if not self.outputs:
            return np.where(y == 1, z, -z)
        rows = np.arange(len(y))
        others = z.copy()
        others[rows, y] = -np.inf
        return np.asarray(z[rows, y] - others.max(axis=1))

    def all_right(self, w: Array, b: Array) -> bool:
        """Whether w and b get every row right, by more than rounding could have done."""
        steps = 4.0 * (len(w) + 2) * np.finfo(np.float64).eps
        for x, y in self.blocks(_AT_A_TIME):
            size = np.asarray(abs(x) @ abs(w) + abs(b)).reshape(len(y), -1).max(axis=1)
            if not (self.margins(np.asarray(x @ w + b), y) > steps * size).all():
                return False
        return True


def units_of(preparation: Preparation) -> Units | None:
    """The mean and the scale with which `preparation` makes features; None if they are as they stand in the data."""
    if preparation.scale is None or preparation.numbered is not None:
        return None
    return 0.0 if preparation.mean is None else np.array(preparation.mean), np.array(preparation.scale)


def separation(
    X: Any, y: Array, K: int, w: Array, b: Array, weights: Array | None, budget: int, units: Units | None = None
) -> Separation:
    """Whether the classes y (N,) are separated by the features X (N, n); w and b are the trained weights.

    Rows of weight 0 do not count. `budget`: how many products it may take. `units`: how X was prepared, if it was.
    """
    w, b = w.astype(np.float64), b.astype(np.float64)
    if weights is not None and not weights.all():
        X, y = chosen(X, weights > 0), y[weights > 0]
    rows = Labelled(X, y.astype(np.intp), K, b.shape, units)
    if not (np.isfinite(w).all() and np.isfinite(b).all()) or np.count_nonzero(np.bincount(rows.y)) < 2:
        return Separation(None)
    with np.errstate(all="ignore"):
        if alone := _alone(rows):
            return Separation(True, alone)
        if rows.all_right(w, b):
            return Separation(True, _needed(rows, w, b))
        return search(rows, w, b, budget)


def _alone(rows: Labelled) -> tuple[int, ...]:
    """The features each of which alone separates some classes from the others: no value is on the wrong side of a cut.

    That is exact: values are compared, and nothing is computed. Further rows only take cuts away: once all classes have
    been seen, and no cut is left, the rest need not be looked at.
    """
    n = rows.X.shape[1]
    if n * rows.K > _EXTREMES:
        return ()
    low, high = np.full((rows.K, n), np.inf), np.full((rows.K, n), -np.inf)
    classes = np.flatnonzero(np.bincount(rows.y))
    for number, (x, y) in enumerate(rows.blocks(_AT_A_TIME), 1):
        for k in np.flatnonzero(np.bincount(y)):
            part = x[y == k]
            least, most = part.min(axis=0), part.max(axis=0)
            if is_sparse(x):
                least, most = least.toarray().reshape(-1), most.toarray().reshape(-1)
            low[k], high[k] = np.minimum(low[k], least), np.maximum(high[k], most)
        seen = number & (number - 1) == 0 and (low[classes] <= high[classes]).all()  # looked at after 1, 2, 4, … blocks
        if seen and not _cuts(low, high).any():
            return ()
    varies = high.max(axis=0) > low.min(axis=0)
    return tuple(np.flatnonzero(_cuts(low, high) & varies).tolist())


def _cuts(low: Array, high: Array) -> Array:
    """The features (n,) in which the ranges of the classes, low to high (K, n), fall into two groups side by side."""
    order = np.lexsort((high, low), axis=0)
    low, high = np.take_along_axis(low, order, 0), np.take_along_axis(high, order, 0)
    below = np.maximum.accumulate(high, axis=0)
    return np.asarray(((below[:-1] <= low[1:]) & np.isfinite(low[1:])).any(axis=0))


def _needed(rows: Labelled, w: Array, b: Array) -> tuple[int, ...]:
    """Features by which alone weights get every row right, those of the others being 0."""
    used = np.flatnonzero(np.abs(w).reshape(len(w), -1).max(axis=1))
    if rows.size * rows.K > _DENSE:
        return tuple(used.tolist())
    X = dense(rows.X[:]).astype(np.float64, copy=False) if is_sparse(rows.X) else np.asarray(rows.X[:], np.float64)
    z, w = np.asarray(X @ w + b), w.copy()
    small = 1e-9 * float(np.abs(z).max())
    for j in used[np.argsort([np.abs(w[j]).max() * np.std(X[:, j]) for j in used])]:
        without = z - np.multiply.outer(X[:, j], w[j])
        if (shift := _shift(rows, without, small)) is not None:
            z, w[j] = without + shift, 0.0
    return tuple(np.flatnonzero(np.abs(w).reshape(len(w), -1).max(axis=1)).tolist())


def _shift(rows: Labelled, z: Array, small: float) -> Any:
    """A change of the bias of one output, 0 for several, with which z gets every row right; None if there is none."""
    if rows.outputs:
        return 0.0 if (rows.margins(z, rows.y) > small).all() else None
    low, high = z[rows.y == 0].max(), z[rows.y == 1].min()
    return -0.5 * (low + high) if high - low > small else None


def search(rows: Labelled, w: Array, b: Array, budget: int) -> Separation:
    """Minimise the logistic loss from w and b, without penalties, until it is known whether the classes are separated.

    They are if the weights on the way get every row right, or if the direction of a step shows it. They are not once it
    is proven that an optimum exists. If the `budget` of products does not suffice, it stays unknown.
    """
    from bpcli.training.inference.direction import separating

    objective = _likelihood(rows)
    newton = objective.N * objective.p**2
    by_hessian = 10 * newton <= budget
    cost = newton if by_hessian else 4 * objective.N * objective.p
    most = min(_MOST_ITERATIONS * (1 if by_hessian else 8), budget // max(1, cost))
    state, row = State(w.copy(), b.copy()), SOLVERS["newton" if by_hessian else "lbfgs"]
    start_solver(row, {key: setting.default for key, setting in row.settings.items()}, state)
    basis = _independent(rows) if by_hessian else None
    margins = None if basis is None else _margins(rows)
    try:
        for _ in solve_epochs(objective, row, state, most, 1e-12, Pause()):
            if rows.all_right(state.w, state.b):
                return Separation(True, _needed(rows, state.w, state.b))
            if basis is None:
                continue
            theta = objective.pack(state.w, state.b)
            if near_optimum(objective, theta, basis):
                return Separation(False)
            if margins is not None and (used := separating(margins, _step(rows, objective, theta, basis))):
                return Separation(True, used)
    except (BpcliError, np.linalg.LinAlgError):
        return Separation(None)
    return Separation(None)


def _margins(rows: Labelled) -> "Margins | None":
    """The margins of the rows in the units of the data, if these are few enough."""
    from bpcli.training.inference.direction import Margins

    if rows.size * rows.K > _DENSE:
        return None
    X = dense(rows.X[:]).astype(np.float64) if is_sparse(rows.X) else np.array(rows.X[:], np.float64)
    if rows.units is not None:
        X = X * rows.units[1] + rows.units[0]
    if not np.isfinite(X).all():
        return None
    if rows.units is not None:
        for column in X.T:  # what rounding added to a 0 goes, by the size of the column
            size = float(np.abs(column).max())
            column[:] = np.round(column, 14 - floor(log10(size))) if size > 0 else column
    return Margins(X, rows.y, rows.K if rows.outputs else 0)


def _step(rows: Labelled, objective: Objective, theta: Array, basis: Array) -> Array:
    """Newton's step from θ in the units of the data: (n + 1, K − 1) against the first class, or (n + 1, 1)."""
    K = objective.K
    maps = np.kron(basis, np.eye(K)[:, 1:] if K > 1 else np.eye(1))
    H, g = maps.T @ objective.hessian(theta) @ maps, maps.T @ objective(theta).gradient
    step = -(maps @ np.linalg.solve(H, g)).reshape(-1, max(1, K))[:, 1 if K > 1 else 0 :]
    if rows.units is not None:
        mean, scale = (np.broadcast_to(np.asarray(v, np.float64), len(step) - 1) for v in rows.units)
        step[:-1] /= scale[:, None]
        step[-1] -= mean @ step[:-1]
    return step


def _likelihood(rows: Labelled) -> Objective:
    """−Σ log p(y)/N of a sigmoid neuron, or of softmax."""
    type_, activation, loss = ("softmax", None, "cce") if rows.outputs else ("neuron", "sigmoid", "bce")
    step = make_step(type_, activation, loss, min(ROWS, len(rows.y)), rows.outputs, np.dtype(np.float64))
    y = rows.y if rows.outputs else rows.y.astype(np.float64)
    return Objective(rows.X, y, step, (activation_of(activation), loss_of(loss)), rows.outputs)


def _independent(rows: Labelled) -> Array | None:
    """A basis (n + 1, r) of the directions of (w, b) that the features and a constant 1 determine; None if rounding
    leaves that open.
    """
    n = rows.X.shape[1]
    gram = np.zeros((n + 1, n + 1))
    for x, _ in rows.blocks():
        x = np.column_stack([dense(x), np.ones(x.shape[0])])
        gram += x.T @ x
    size = np.sqrt(np.where(np.diag(gram) > 0, np.diag(gram), 1.0))
    values, vectors = np.linalg.eigh(gram / size / size[:, None])
    if ((values > _COLLINEAR * values[-1]) & (values < _UNCLEAR * values[-1])).any():
        return None
    return np.asarray(vectors[:, values > _COLLINEAR * values[-1]] / size[:, None])


def near_optimum(objective: Objective, theta: Array, basis: Array) -> bool:
    """Whether −Σ log p(y) is proven to have an optimum, near θ: 2Rν ≤ 1 (Bach 2010, Self-concordant analysis, 2).

    ν is Newton's decrement, and R bounds how far a step of length 1, measured by the Hessian, moves z of any row: there
    |f'''| ≤ R·f''. Several outputs are taken against the first.
    """
    K = objective.K
    maps = np.kron(basis, np.eye(K)[:, 1:] if K > 1 else np.eye(1))
    H = objective.N * (maps.T @ objective.hessian(theta) @ maps)
    g = objective.N * (maps.T @ objective(theta).gradient)
    if not np.isfinite(H).all():
        return False
    try:
        half = np.linalg.cholesky(H)
        inverse = np.linalg.inv(half)
    except np.linalg.LinAlgError:
        return False
    decrement = float(np.linalg.norm(inverse @ g))
    outputs, farthest = max(1, K - 1), 0.0
    by_output = [inverse[:, k::outputs] for k in range(outputs)]
    for x in objective.features():
        t = np.column_stack([dense(x), np.ones(x.shape[0])]) @ basis
        reach = sum(((t @ part.T) ** 2).sum(axis=1) for part in by_output)
        farthest = max(farthest, float(np.max(reach)))
    return bool(decrement * np.sqrt(farthest * (2.0 if K > 1 else 1.0)) <= _NOT_FAR)
