"""The prepared rows of training, validation and test: features, targets and weights, in memory or in files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.dense import is_finite
from bpcli.datasets.preparation.fitted import Preparation, Tally
from bpcli.datasets.preparation.labels import class_text
from bpcli.datasets.preparation.weights import class_weights, column_weights, sample_weights
from bpcli.datasets.row_file import RowFile
from bpcli.datasets.share import Share
from bpcli.datasets.sparse import is_sparse
from bpcli.datasets.spread import gathered_rows, spread
from bpcli.datasets.stored import StoredTable
from bpcli.datasets.table import Table
from bpcli.errors import DataError
from bpcli.text.notation import number
from bpcli.training.config.loading import Config
from bpcli.training.named_data import cache_of

Array = NDArray[Any]


@dataclass(frozen=True)
class Part:
    """Prepared features (N, n) and targets (N,) of the training, validation or test rows."""

    X: Any
    """An array, a sparse matrix, a `RowFile`, or rows distributed over processes."""
    y: Array
    weights: Array | None = None
    """The weights of the training rows, (N,), of mean 1; None if the config gives none."""

    def arrays(self) -> dict[str, Array]:
        """The arrays by name; weights only if there are any."""
        return {"X": self.X, "y": self.y} | ({} if self.weights is None else {"weights": self.weights})


def prepared_parts(
    config: Config, table: Table, preparation: Preparation, rows: Mapping[str, Array], large: bool
) -> tuple[dict[str, Part], Array, list[str]]:
    """The prepared parts of a table by name, the numbers of the table's rows in the first part, and notes."""
    dtype = np.dtype(config.training.dtype)
    if isinstance(table.share, Share):
        return spread_parts(table, table.share, preparation, rows, dtype)
    if large:
        return stored_parts(table, preparation, rows, dtype, cache_of(config), config.data.weight is not None)
    prepared = dict(zip(rows, preparation.apply_parts(table, [*rows.values()], dtype=dtype), strict=True))
    parts = {name: Part(as_trained(part.X, dtype), part.y) for name, part in prepared.items()}
    first = next(iter(prepared.values()))
    return parts, first.rows, first.notes


def batch_bytes(config: Config, train: Part) -> int:
    """The bytes of the features of a batch."""
    N, width = train.X.shape
    size = config.training.batch_size
    return int((N if size == "full" else min(int(size), N)) * width * train.X.dtype.itemsize)


def stored_parts(
    table: Table, preparation: Preparation, rows: Mapping[str, Array], dtype: Any, cache: Path, keeps_rows: bool
) -> tuple[dict[str, Part], Array, list[str]]:
    """`prepared_parts` for a table that is read block by block, with the features in files.

    The row numbers are returned only if `keeps_rows`.
    """
    width, tally = len(preparation.feature_names), Tally()
    of_part = np.full(table.rows, -1, np.int8)
    for number_of_part, chosen in enumerate(rows.values()):
        of_part[chosen] = number_of_part
    matrices = [RowFile(cache, width, dtype) for _ in rows]
    targets: list[list[Array]] = [[] for _ in rows]
    first: list[Array] = []
    blocks = table.blocks() if isinstance(table, StoredTable) else iter([table])
    for block in blocks:
        prepared = preparation.apply(block, tally=tally)
        for k, matrix in enumerate(matrices):
            keep = of_part[block.first_row + prepared.rows] == k
            matrix.append(as_trained(prepared.X[keep], dtype))
            targets[k].append(prepared.y[keep])
            if k == 0 and keeps_rows:
                first.append(block.first_row + prepared.rows[keep])
    parts = {name: Part(X, np.concatenate(y)) for name, X, y in zip(rows, matrices, targets, strict=True)}
    return parts, np.concatenate(first) if first else np.empty(0, np.intp), tally.notes(table)


def spread_parts(
    table: Table, share: Share, preparation: Preparation, rows: Mapping[str, Array], dtype: Any
) -> tuple[dict[str, Part], Array, list[str]]:
    """`prepared_parts` for a share of a table: features are distributed over the processes, each has all targets."""
    tally = Tally()
    prepared = preparation.apply_parts(table, [*rows.values()], tally=tally, dtype=dtype)
    trained = [as_trained(part.X, dtype) for part in prepared]
    parts = {
        name: Part(spread(X, share), gathered_rows(part.y, share))
        for name, X, part in zip(rows, trained, prepared, strict=True)
    }
    return parts, prepared[0].rows, tally.merged(share, preparation.columns).notes(table)


def weights_of_rows(
    config: Config, preparation: Preparation, table: Table, rows: Array, y: Array, notes: list[str]
) -> Array | None:
    """The weights of the training rows, which are `rows` of the table; None if the config gives none."""
    column, by_class = config.data.weight, config.training.class_weight
    of_rows = None if column is None else column_weights(table, column, rows)
    if of_rows is not None and isinstance(table.share, Share):
        of_rows = gathered_rows(of_rows, table.share)
    if by_class is None or preparation.classes is None:
        return sample_weights(y, of_rows, None)
    by_number = class_weights(by_class, preparation.classes, y, of_rows)
    if by_class == "balanced":
        shown = [f"{class_text(c)} {number(w, 4)}" for c, w in zip(preparation.classes[:10], by_number, strict=False)]
        notes.append(f"class weights: {', '.join(shown)}{' …' if len(by_number) > 10 else ''}")
    return sample_weights(y, of_rows, by_number)


def as_trained(X: Any, dtype: np.dtype[Any]) -> Any:
    """The features converted to `dtype`; DataError if one overflows."""
    with np.errstate(over="ignore"):
        converted = X.astype(dtype) if is_sparse(X) else np.ascontiguousarray(X, dtype)
    values: Any = converted.data if is_sparse(X) else converted
    if not is_finite(values):
        raise DataError(
            f"a feature is too large for {dtype.name} numbers",
            "training.dtype: float64, or data.standardize: true",
        )
    return converted
