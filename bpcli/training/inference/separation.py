"""Decides whether classes are separated: a linear function of the features is right, or never wrong, for every row.

The loss of probabilities then has no optimum: it falls as long as the weights grow (Albert & Anderson 1984, On the
existence of maximum likelihood estimates in logistic regression models). Each answer is proven. Separated: by weights
that classify every row correctly, by a single feature, or by a direction along which no row gets worse (`direction`).
Not separated: by a bound on the distance to the optimum. Without a proof the answer is None.
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
"""The most multiplications that a training spends on this question."""

_MOST_ITERATIONS = 40
_DENSE = 1 << 24  # most entries of features that are examined in memory as a whole
_AT_A_TIME = 1 << 20  # entries of features that are examined at a time, as doubles
_EXTREMES = 1 << 24  # most pairs of feature and class whose smallest and largest values are kept
_COLLINEAR = 1e-13  # relative to the largest eigenvalue: one below is 0 up to rounding, for features of one size
_UNCLEAR = 1e-9  # relative to the largest: an eigenvalue between the two may or may not be 0
_NOT_FAR = 0.1  # a fifth of the bound that proves an optimum, as a margin for rounding


Units = tuple[Array | float, Array | float]
"""The mean and the scale with which features were prepared."""


class Separation(NamedTuple):
    """Whether classes are `separated`, None if that is unknown, and the numbers of the features that separate them."""

    separated: bool | None
    features: tuple[int, ...] = ()


@dataclass(frozen=True)
class Labelled:
    """Features X (N, n), an array, sparse or a `RowFile`, and class numbers y (N,) of K classes.

    `outputs` (): the sign of z decides between two classes; (K,): the largest z. X is (x − mean)/scale by `units`.
    """

    X: Any
    y: Array
    K: int
    outputs: tuple[int, ...]
    units: Units | None = None

    @property
    def size(self) -> int:
        """The number of entries of the features."""
        return int(self.X.shape[0] * self.X.shape[1])

    def blocks(self, entries: int | None = None) -> Iterator[tuple[Any, Array]]:
        """The rows in blocks of at most `entries` entries of the features, as (x, y)."""
        first = 0
        for x in pieces(self.X, ROWS if entries is None else max(1, min(ROWS, entries // max(1, self.X.shape[1])))):
            yield x.astype(np.float64, copy=False), self.y[first : first + x.shape[0]]
            first += x.shape[0]

    def margins(self, z: Array, y: Array) -> Array:
        """The margins (N,): z of the class y minus the largest z of another class; ±z with one output."""
        if not self.outputs:
            return np.where(y == 1, z, -z)
        rows = np.arange(len(y))
        others = z.copy()
        others[rows, y] = -np.inf
        return np.asarray(z[rows, y] - others.max(axis=1))

    def all_right(self, w: Array, b: Array) -> bool:
        """Whether w and b classify every row correctly, by more than the rounding error."""
        steps = 4.0 * (len(w) + 2) * np.finfo(np.float64).eps
        for x, y in self.blocks(_AT_A_TIME):
            size = np.asarray(abs(x) @ abs(w) + abs(b)).reshape(len(y), -1).max(axis=1)
            if not (self.margins(np.asarray(x @ w + b), y) > steps * size).all():
                return False
        return True


def units_of(preparation: Preparation) -> Units | None:
    """The mean and the scale by which `preparation` changes features; None if it does not, or they are sparse."""
    if preparation.scale is None or preparation.numbered is not None:
        return None
    return 0.0 if preparation.mean is None else np.array(preparation.mean), np.array(preparation.scale)


def separation(
    X: Any, y: Array, K: int, w: Array, b: Array, weights: Array | None, budget: int, units: Units | None = None
) -> Separation:
    """Whether the classes y (N,) are separated by the features X (N, n); w and b are the trained weights.

    Rows of weight 0 do not count. `budget`: the most multiplications. `units`: the mean and scale of X, if prepared.
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
    """The features that alone separate some classes from the others, by a cut with no value on the wrong side.

    This is exact, because values are only compared. More rows can only remove cuts: once all classes have occurred and
    no cut is left, the remaining rows are skipped.
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
    """A small set of features whose weights alone still classify every row correctly."""
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
    """A shift of the bias with which z classifies every row correctly, 0 with several outputs; None if none."""
    if rows.outputs:
        return 0.0 if (rows.margins(z, rows.y) > small).all() else None
    low, high = z[rows.y == 0].max(), z[rows.y == 1].min()
    return -0.5 * (low + high) if high - low > small else None


def search(rows: Labelled, w: Array, b: Array, budget: int) -> Separation:
    """Minimise the logistic loss from w and b, without penalties, until it is known whether the classes are separated.

    They are if the weights of an iteration classify every row correctly, or if the direction of a step proves it. They
    are not if an optimum is proven to exist. If the `budget` of multiplications is used up, the answer is None.
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
    """The margins of the rows in the units of the data; None if there are too many entries."""
    from bpcli.training.inference.direction import Margins

    if rows.size * rows.K > _DENSE:
        return None
    X = dense(rows.X[:]).astype(np.float64) if is_sparse(rows.X) else np.array(rows.X[:], np.float64)
    if rows.units is not None:
        X = X * rows.units[1] + rows.units[0]
    if not np.isfinite(X).all():
        return None
    if rows.units is not None:
        for column in X.T:  # removes rounding errors of the conversion, relative to the size of the column
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
    """The objective −Σ log p(y)/N of a sigmoid neuron, or of softmax."""
    type_, activation, loss = ("softmax", None, "cce") if rows.outputs else ("neuron", "sigmoid", "bce")
    step = make_step(type_, activation, loss, min(ROWS, len(rows.y)), rows.outputs, np.dtype(np.float64))
    y = rows.y if rows.outputs else rows.y.astype(np.float64)
    return Objective(rows.X, y, step, (activation_of(activation), loss_of(loss)), rows.outputs)


def _independent(rows: Labelled) -> Array | None:
    """A basis (n + 1, r) of the directions of (w, b) that the features and the constant 1 determine.

    None if rounding leaves it open which directions these are.
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
    """Whether −Σ log p(y) is proven to have an optimum near θ: 2Rν ≤ 1 (Bach 2010, Self-concordant analysis, 2).

    ν is Newton's decrement. R bounds the change of z of any row by a step of length 1 in the norm of the Hessian, so
    that |f'''| ≤ R·f''. With several outputs, the weights of the first are fixed.
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
