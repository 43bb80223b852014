"""Rows computed from other rows when they are read: a selection of them, or all of them centred and scaled.

The other rows may be in a file or spread over processes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli import sums
from bpcli.datasets.sparse import is_sparse, pieces
from bpcli.datasets.spread import in_memory

Array = NDArray[Any]


class _Derived(ABC):
    """Rows (N, n) that are computed block by block."""

    shape: tuple[int, ...]

    @abstractmethod
    def __getitem__(self, rows: slice) -> Array:
        """Consecutive rows."""

    def pieces(self, rows: int) -> Iterator[Array]:
        """All rows, in blocks of `rows`."""
        for first in range(0, self.shape[0], rows):
            yield self[first : first + rows]


class Chosen(_Derived):
    """The rows of X (N, n) with the given row numbers."""

    def __init__(self, X: Any, numbers: Array) -> None:
        self._X, self._numbers, self.shape, self.dtype = X, numbers, (len(numbers), *X.shape[1:]), X.dtype

    def __getitem__(self, rows: slice) -> Array:
        """Consecutive rows of the selection."""
        numbers = self._numbers[rows]
        out = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        self._X.take(numbers, 0, out)
        return out


class Centred(_Derived):
    """(X − mean)/size of the rows X (N, n), in float64."""

    def __init__(self, X: Any, mean: Array, size: Array) -> None:
        self._X, self._mean, self._size, self.shape = X, mean, size, X.shape

    def __getitem__(self, rows: slice) -> Array:
        """Consecutive rows."""
        x = np.asarray(self._X[rows], np.float64) - self._mean
        x /= self._size
        return x


def chosen(X: Any, keep: Array) -> Any:
    """The rows of X for which `keep` (N,) is true."""
    X = in_memory(X)
    if is_sparse(X) or isinstance(X, np.ndarray):
        return X[np.flatnonzero(keep)]
    return Chosen(X, np.flatnonzero(keep))


def mean_and_size(X: Any, weights: Array | None) -> tuple[Array, Array]:
    """The weighted mean and the standard deviation of each feature of the dense rows X (N, n), both (n,).

    mean = Σ wᵢ·xᵢ / Σ wᵢ and size = √(Σ wᵢ·(xᵢ − mean)² / Σ wᵢ); size is 1 for a feature that is constant up to
    rounding. The sums are added in the order of the tree in `sums`, so that their bits do not depend on where the rows
    are stored.
    """

    def mean_of(of: Callable[[Array], Array]) -> Array:
        parts, first = [], 0
        for x in pieces(X, sums.ROWS):
            found = of(np.asarray(x, np.float64))
            parts.append((found if weights is None else weights[first : first + len(x), None] * found).sum(axis=0))
            first += len(x)
        return np.asarray(sums.summed(parts) / (X.shape[0] if weights is None else weights.sum()))

    mean = mean_of(lambda x: x)
    size = np.sqrt(mean_of(lambda x: np.square(x - mean)))
    return mean, np.where(size > 1e-14 * np.abs(mean), size, 1.0)
