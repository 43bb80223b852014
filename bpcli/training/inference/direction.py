"""Proves quasi-complete separation: a direction of the weights along which no row gets worse and some rows get better.

Along such a direction the loss has no minimum (Albert & Anderson 1984). Newton's steps tend to one; here a direction
near a step is computed for which tied rows are tied exactly, and each row is checked in rational arithmetic.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Vector = NDArray[np.float64]

_TIED = 0.1  # a row is tied if Newton's step changes its margin by less; it changes that of others by about 1
_MOST_WEIGHTS = 64
_MOST_ENTRIES = 1 << 17  # the most entries, of different tied rows, that are computed in rational numbers
_DEPENDENT = 1e-7  # with columns of size 1, a row is linearly dependent if its residual is below this


class Margins:
    """The margins of a change D (n + 1, K) of weights and bias: the change of z of each row's class minus another's.

    X (N, n) in the units of the data, y (N,) class numbers. K = 0: two classes by the sign of z; else K classes, of
    which the first has weights 0.
    """

    def __init__(self, X: Array, y: Array, K: int) -> None:
        self.E = np.column_stack([X, np.ones(len(X))])
        if K:
            kinds = np.eye(K)[:, None, 1:] - np.eye(K)[None, :, 1:]
            own, other = np.nonzero(~np.eye(K, dtype=bool)[y])
            self.row, self.sign = own, kinds[y[own], other]
        else:
            self.row, self.sign = np.arange(len(y)), np.where(y == 1, 1.0, -1.0)[:, None]

    def __call__(self, D: Array) -> Array:
        """The margins (M,) of D."""
        return np.asarray(((self.E @ D)[self.row] * self.sign).sum(axis=1))

    def rounding(self, D: Array) -> Array:
        """A bound on the rounding errors of the margins, including those of decimals read as doubles, (M,)."""
        steps = 8.0 * (len(D) + 2) * np.finfo(np.float64).eps
        return np.asarray(((abs(self.E) @ abs(D))[self.row] * abs(self.sign)).sum(axis=1) * steps)

    def conditions(self, which: Array) -> Array:
        """The different rows c (m, p) with margin c·D, for the margins `which`."""
        c = self.E[self.row[which], :, None] * self.sign[which][:, None, :]
        return np.unique(c.reshape(len(c), self.E.shape[1] * self.sign.shape[1]), axis=0)


def separating(margins: Margins, D: Array) -> tuple[int, ...]:
    """The features of a separating direction close to Newton's step D (n + 1, K); empty if there is no proof of one.

    The features are taken as exact doubles, and if that fails, as decimals of 15 digits.
    """
    found = margins(D)
    tied = np.abs(found) < _TIED
    if D.size > _MOST_WEIGHTS or not np.isfinite(found).all() or (found <= -_TIED).any() or tied.all():
        return ()
    conditions = margins.conditions(tied)
    if conditions.size > _MOST_ENTRIES:
        return ()
    needed = _independent(conditions)
    D, unused = _without_needless(margins, D, conditions[needed], ~tied)
    for exact in (Fraction, _decimal):
        equations = [[exact(v) for v in row] for row in conditions[needed].tolist()]
        equations += [[Fraction(v) for v in row] for row in unused.tolist()]
        d = _solution(equations, D.reshape(-1).tolist())
        if _holds(margins, d, D.shape, exact):
            used = np.array([v != 0 for v in d]).reshape(D.shape)[:-1].any(axis=1)
            return tuple(np.flatnonzero(used).tolist())
    return ()


def _decimal(value: float) -> Fraction:
    return Fraction(f"{value:.15g}")


def _holds(margins: Margins, d: Sequence[Fraction], shape: tuple[int, ...], exact: Callable[[float], Fraction]) -> bool:
    """Whether no margin of d is negative, and some are positive: by doubles, or exactly if rounding leaves doubt."""
    D = np.array([float(v) for v in d]).reshape(shape)
    found = margins(D)
    unclear = np.abs(found) <= margins.rounding(D)
    if (found[~unclear] < 0).any():
        return False
    conditions = margins.conditions(unclear)
    if conditions.size > _MOST_ENTRIES:
        return False
    used = [j for j, v in enumerate(d) if v]
    least = [sum(exact(row[j]) * d[j] for j in used) for row in conditions.tolist()]
    return all(v >= 0 for v in least) and (not unclear.all() or any(v > 0 for v in least))


def _without_needless(margins: Margins, D: Array, equations: Array, strict: Array) -> tuple[Array, Array]:
    """D with as many features removed as possible while the `strict` margins stay positive, and the equations (u, p)
    that set the weights of the removed features to 0."""
    least, unused = 1e-3 * float(margins(D)[strict].min()), np.zeros((0, D.size))
    reach = np.abs(margins.E[:, :-1]).max(axis=0) * np.abs(D[:-1]).max(axis=1)
    for j in np.argsort(reach).tolist():
        is_it = np.zeros((D.shape[1], *D.shape))
        is_it[np.arange(D.shape[1]), j, np.arange(D.shape[1])] = 1.0
        more = np.vstack([unused, is_it.reshape(D.shape[1], -1)])
        both = np.vstack([equations, more])
        without = (D.reshape(-1) - np.linalg.pinv(both) @ (both @ D.reshape(-1))).reshape(D.shape)
        if float(margins(without)[strict].min()) > least and np.abs(margins(without)[~strict]).max(initial=0) < _TIED:
            D, unused = without, more
    return D, unused


def _independent(rows: Array) -> list[int]:
    """The numbers of a maximal set of linearly independent rows (m, p), by Gram-Schmidt, the longest residual first."""
    size = np.abs(rows).max(axis=0, initial=0.0)
    rest, found = rows / np.where(size > 0, size, 1.0), list[int]()
    while len(found) < min(rows.shape):
        length = np.linalg.norm(rest, axis=1)
        longest = int(np.argmax(length))
        if length[longest] < _DEPENDENT:
            break
        along = rest[longest] / length[longest]
        rest = rest - np.outer(rest @ along, along)
        rest[longest] = 0.0
        found.append(longest)
    return found


def _solution(equations: list[list[Fraction]], near: Sequence[float]) -> list[Fraction]:
    """The exact solution d of c·d = 0 for every equation c, whose free entries are those of `near`."""
    pivots: list[tuple[int, list[Fraction]]] = []
    for given in equations:
        row = given
        for at, reduced in pivots:
            if row[at]:
                row = [a - row[at] * b for a, b in zip(row, reduced, strict=True)]
        if not any(row):
            continue
        at = max(range(len(row)), key=lambda j: abs(row[j]))
        row = [a / row[at] for a in row]
        pivots = [(k, [a - r[at] * b for a, b in zip(r, row, strict=True)] if r[at] else r) for k, r in pivots]
        pivots.append((at, row))
    d = [Fraction(v) for v in near]
    bound = {at for at, _ in pivots}
    for at, row in pivots:
        d[at] = -sum((v * d[j] for j, v in enumerate(row) if v and j not in bound), Fraction(0))
    return d
