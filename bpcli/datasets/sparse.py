"""Sparse tables, whose rows have few entries that are not 0: a CSR matrix of SciPy's, with features x0, x1, ….

Zeros take neither memory nor time. Columns and their names are not kept one by one, so that there may be millions.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.cells import Floats
from bpcli.datasets.share import Gathering
from bpcli.datasets.table import Table, no_longer_numeric
from bpcli.errors import DataError, MissingExtraError
from bpcli.text.notation import number

Array = NDArray[Any]

LABEL = "none"
"""The name of the column of labels in a LIBSVM file, which has no names itself."""

MAX_DENSE = 1 << 27
"""A sparse matrix whose array would have more entries than this (1 GiB of doubles) is not turned into one."""

_NUMBERED = re.compile(r"x(0|[1-9][0-9]*)")


@dataclass(frozen=True)
class Numbered(Sequence[str]):
    """The names x`first` … x`stop − 1`, or only those with the numbers `chosen`, in that order."""

    first: int
    stop: int
    chosen: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return self.stop - self.first if self.chosen is None else len(self.chosen)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        numbers = range(self.first, self.stop) if self.chosen is None else self.chosen
        return [f"x{j}" for j in numbers[at]] if isinstance(at, slice) else f"x{numbers[at]}"

    def __contains__(self, name: object) -> bool:
        found = _NUMBERED.fullmatch(name) if isinstance(name, str) else None
        numbers = range(self.first, self.stop) if self.chosen is None else self.chosen
        return found is not None and int(found[1]) in numbers


@dataclass(frozen=True)
class Names(Sequence[str]):
    """The names of the features, then those of the other columns, without a list of all."""

    features: Sequence[str]
    others: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.features) + len(self.others)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[j] for j in range(*at.indices(len(self)))]
        at = range(len(self))[at]
        return self.features[at] if at < len(self.features) else self.others[at - len(self.features)]

    def __contains__(self, name: object) -> bool:
        return name in self.features or name in self.others


def csr_array(*arguments: Any, **options: Any) -> Any:
    """SciPy's `csr_array`; MissingExtraError without SciPy."""
    try:
        scipy: Any = import_module("scipy.sparse")
    except ImportError as error:
        raise MissingExtraError("sparse", "SciPy", "a LIBSVM file") from error
    return scipy.csr_array(*arguments, **options)


def is_sparse(X: Any) -> bool:
    """Whether X is a sparse matrix rather than an array."""
    return hasattr(X, "indptr")


def pieces(X: Any, rows: int) -> Iterator[Any]:
    """X in blocks of `rows` rows; a SciPy matrix, or an array with no more rows than that, in one piece."""
    if hasattr(X, "pieces"):
        yield from X.pieces(rows)
    elif is_sparse(X) or not X.ndim or len(X) <= rows:
        yield X
    else:
        yield from (X[first : first + rows] for first in range(0, len(X), rows))


def dense(X: Any) -> Array:
    """X as an array of doubles; DataError if X is sparse and the array would be too large."""
    if not is_sparse(X):
        return np.asarray(X[:] if hasattr(X, "pieces") else X, np.float64)
    if X.shape[0] * X.shape[1] > MAX_DENSE:
        rows, width = X.shape
        raise DataError(f"{rows} sparse rows of {width} features are too many numbers to be written out here")
    return np.asarray(X.toarray(), np.float64)


def matrix_of(values: Array, indices: Array, counts: Array, width: int) -> Any:
    """The CSR matrix with `counts` entries in each row, which have these `values` and column `indices`.

    Its index type is the one SciPy would choose: int32 where that is enough.
    """
    starts = np.concatenate([[0], np.cumsum(counts)])
    small = np.int32 if max(len(indices), width - 1) < 2**31 else np.int64
    return csr_array((values, indices.astype(small), starts.astype(small)), shape=(len(counts), width))


class SparseTable(Table):
    """A table whose feature xj is column j of `matrix` (N, n), CSR, from x0 or x1 on; it may have other columns too.

    A feature whose number is beyond those in the file is 0 in every row.
    """

    def __init__(
        self,
        path: Path,
        matrix: Any,
        first: int,
        others: dict[str, Floats],
        line_of: Callable[[int], int | None],
        cells: Callable[[str], list[str]] | None = None,
    ) -> None:
        super().__init__(path, others, matrix.shape[0], line_of, cells or self._numbers_as_text)
        self.matrix, self.own_target = matrix, LABEL
        self.features = Numbered(first, max(matrix.shape[1], first + 1))

    def _numbers_as_text(self, name: str) -> list[str]:
        return ["" if x != x else number(x) for x in self.numeric(name).tolist()]

    @property
    def names(self) -> Names:
        """The names of the features, then those of the other columns."""
        return Names(self.features, tuple(self._columns))

    def is_numeric(self, name: str) -> bool:
        """Whether the column holds numbers and missing cells only."""
        return name not in self._columns or super().is_numeric(name)

    def numeric(self, name: str) -> Floats:
        """The numbers of a column, (N,), zeros included."""
        if name in self._columns:
            return super().numeric(name)
        position = int(name[1:])
        if position >= self.matrix.shape[1]:
            return np.zeros(self.rows)
        return np.asarray(self.matrix[:, [position]].toarray()[:, 0], np.float64)

    def text(self, name: str) -> list[str]:
        """The cells of any column as text."""
        return super().text(name) if name in self._columns else self._numbers_as_text(name)

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Whether each cell of a column is missing, (N,); an entry that is not stored is 0, not missing."""
        return super().missing(name) if name in self._columns else np.zeros(self.rows, bool)

    def with_column(self, name: str, other: Table, source: str) -> Table:
        """This table with the column `source` of `other`, which has as many rows, as its column `name`."""
        joined = super().with_column(name, other, source)
        table = SparseTable(self.path, self.matrix, self.features.first, {}, self._line_of)
        table._columns, table._elsewhere = joined._columns, joined._elsewhere
        table.place = self.place
        table.missing_words, table._cells = joined.missing_words, joined._cells
        return table

    def require(self, names: Iterable[str]) -> None:
        """DataError for a name that is neither a column of the table nor that of a feature."""
        super().require(name for name in names if not _NUMBERED.fullmatch(name))

    def agree(self, share: Gathering) -> None:
        """As `Table.agree`; the features then go from the first to the last that occurs in any share."""
        super().agree(share)
        X, (firsts, widths) = (
            self.matrix,
            zip(*share.gathered((self.features.first, self.matrix.shape[1])), strict=True),
        )
        self.matrix = csr_array((X.data, X.indices, X.indptr), shape=(self.rows, max(widths)))
        self.features = Numbered(min(firsts), max(*widths, min(firsts) + 1))

    def take(self, features: Numbered) -> tuple[Any, bool]:
        """The given features of every row, CSR (N, n), and whether the file has others with an entry."""
        if features.chosen is not None:
            return _columns(self.matrix, np.array(features.chosen, np.int64)), False
        width = max(features.stop, self.matrix.shape[1])
        padded = csr_array((self.matrix.data, self.matrix.indices, self.matrix.indptr), shape=(self.rows, width))
        beyond = self.matrix.shape[1] > features.stop or self.features.first < features.first
        return padded[:, features.first : features.stop], beyond


def _columns(X: Any, chosen: Array) -> Any:
    """X[:, chosen], in memory proportional to the entries and `chosen`; SciPy's also grows with the columns of X."""
    order = np.argsort(chosen)
    places = np.searchsorted(chosen, X.indices, sorter=order).clip(max=len(chosen) - 1)
    columns = order[places]
    kept = chosen[columns] == X.indices
    starts = np.concatenate([[0], np.cumsum(kept)])[X.indptr]
    return csr_array((X.data[kept], columns[kept], starts), shape=(X.shape[0], len(chosen)))


def stacked_rows(tables: Sequence[SparseTable]) -> tuple[Any, int]:
    """The rows of several sparse tables below each other, CSR, and the number of the first feature."""
    width = max(table.matrix.shape[1] for table in tables)
    parts = [(table.matrix.data, table.matrix.indices, np.diff(table.matrix.indptr)) for table in tables]
    data, indices, counts = (np.concatenate(part) for part in zip(*parts, strict=True))
    starts = np.concatenate([[0], np.cumsum(counts)])
    return csr_array((data, indices, starts), shape=(len(counts), width)), min(t.features.first for t in tables)


def sparse_table(path: Path, X: Any, features: Numbered) -> SparseTable:
    """The table of a sparse matrix of SciPy's whose columns are the `features`; DataError if their numbers differ."""
    matrix = csr_array(X)
    if matrix.shape[1] != len(features):
        raise DataError(f"{path}: expected rows of {len(features)} features, found a matrix of shape {matrix.shape}")
    if not np.isfinite(matrix.data).all():
        raise DataError(f"{path}: a value is not a finite number")
    if not matrix.has_canonical_format:  # entries in another order would be summed in another order
        matrix = matrix.copy()
        matrix.sum_duplicates()
    numbers = np.arange(features.first, features.stop) if features.chosen is None else np.array(features.chosen)
    shape = (matrix.shape[0], int(numbers.max()) + 1)
    placed = csr_array((matrix.data, numbers[matrix.indices], matrix.indptr), shape=shape)
    return SparseTable(path, placed, features.first, {}, lambda _: None)


def take_features(table: Table, features: Numbered) -> tuple[Any, bool]:
    """The numbered features of any table, CSR (N, n), and whether it is a sparse one with other features as well."""
    if isinstance(table, SparseTable):
        return table.take(features)
    table.require(features)
    for name in features:
        if not table.is_numeric(name):
            raise DataError(no_longer_numeric(table, name))
        if table.missing(name).any():
            where = table.where(int(np.argmax(table.missing(name))), name)
            raise DataError(f"{where}: the cell is missing, and the model was trained without a filling for it")
    return csr_array(np.column_stack([table.numeric(name) for name in features])), False
