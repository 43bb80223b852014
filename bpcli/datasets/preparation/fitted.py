"""The fitted preparation, which turns a table into features and targets, and is saved with the model."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.cells import no_number
from bpcli.datasets.dense import blocks_of, is_finite, rows_of_block, taken
from bpcli.datasets.preparation.columns import Column, category_codes
from bpcli.datasets.preparation.gaps import dropped
from bpcli.datasets.preparation.labels import Class, encode
from bpcli.datasets.preparation.problems import as_yaml, first_gap, raise_problems
from bpcli.datasets.preparation.statistics import standardize
from bpcli.datasets.share import Gathering
from bpcli.datasets.sparse import Numbered, SparseTable, take_features
from bpcli.datasets.table import Table, no_longer_numeric
from bpcli.errors import DataError, several
from bpcli.formulas.choices import REALS, Interval, Task
from bpcli.text.json_types import conforms
from bpcli.text.natural_order import natural_key
from bpcli.text.notation import number

Array = NDArray[Any]


@dataclass(frozen=True)
class Prepared:
    """Features X (N, n), targets y (N,), the `rows` of the table that they come from, and notes for the user.

    y holds class numbers, or the targets of a regression; it is empty if it was not asked for. `ignored` names the
    columns that were not used.
    """

    X: Array
    y: Array
    rows: Array
    notes: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    @property
    def remarks(self) -> list[str]:
        """The notes, with one on the ignored columns if there are any."""
        ignored = f"columns that the model does not use: {several(self.ignored, 10)}"
        return [*self.notes, ignored] if self.ignored else self.notes


@dataclass
class Tally:
    """The notes on a table, collected over its parts."""

    rows: int = 0
    dropped: int = 0
    unseen: dict[str, set[str]] = field(default_factory=dict)
    beyond: str = ""
    """The features that training had, as text, if a sparse table has others as well; else empty."""

    def merged(self, share: Gathering, columns: Iterable[Column]) -> "Tally":
        """The tallies of all shares of a table as one; unseen categories are in the order of `columns`."""
        tallies = share.gathered(self)
        names = [column.name for column in columns if any(column.name in tally.unseen for tally in tallies)]
        unseen = {name: set[str]().union(*(tally.unseen.get(name, ()) for tally in tallies)) for name in names}
        rows, dropped = sum(tally.rows for tally in tallies), sum(tally.dropped for tally in tallies)
        return Tally(rows, dropped, unseen, max(tally.beyond for tally in tallies))

    def notes(self, table: Table) -> list[str]:
        """The notes to print; each names the file of `table`."""
        notes = [*table.notes]
        if self.beyond:
            notes.append(f"{table.path}: features that training has not seen are ignored; it had {self.beyond}")
        for column, cells in self.unseen.items():
            shown = several(sorted(cells, key=natural_key), 5)
            notes.append(f"{table.path}: column {column}: not seen in training, so none of its categories: {shown}")
        if self.dropped:
            notes.append(f"{table.path}: {self.dropped} of {self.rows} rows have gaps and are dropped")
        return notes


@dataclass(frozen=True)
class Preparation:
    """A preparation learned from the training rows; it applies to any table with the same columns, in any order.

    Each numeric feature becomes (x − mean)/scale. `numbered` are the features of a sparse table, instead of `columns`;
    they all have the same scale. `labels` is the interval in which the loss needs the targets of a regression to be.
    """

    target: str
    task: Task
    drops_target: bool
    columns: tuple[Column, ...]
    classes: tuple[Class, ...] | None
    mean: tuple[float, ...] | None
    scale: tuple[float, ...] | None
    numbered: Numbered | None = None
    labels: Interval = REALS

    @property
    def feature_names(self) -> Sequence[str]:
        """The names of the prepared features: a column's own, or `color=red` for each of its categories."""
        if self.numbered is not None:
            return self.numbered
        names: list[str] = []
        for column in self.columns:
            names += [column.name] if column.categories is None else [f"{column.name}={c}" for c in column.categories]
        return names

    def apply(self, table: Table, with_target: bool = True, tally: "Tally | None" = None) -> Prepared:
        """The features and, `with_target`, the targets of every row; rows are dropped as in training.

        A `tally`, if given, collects the notes of several tables. Without the target no row is dropped: a missing cell
        without a fill is then a DataError with file, line and column, as are a missing column, a cell that is not a
        number, and a class not seen in training.
        """
        return self.apply_parts(table, [np.arange(table.rows)], with_target, tally)[0]

    def apply_parts(
        self,
        table: Table,
        parts: Sequence[Array],
        with_target: bool = True,
        tally: "Tally | None" = None,
        dtype: Any = np.float64,
    ) -> list[Prepared]:
        """`apply` to each of the `parts`, arrays of row numbers; the features have the type `dtype`.

        A feature too large for that type is ∞.
        """
        table.require([c.name for c in self.columns] + ([self.target] if with_target else []))
        if self.numbered is not None:
            return self._apply_sparse(table, self.numbered, with_target, parts, tally)
        drop = np.zeros(table.rows, bool)
        if with_target:
            strategies = {c.name: c.missing for c in self.columns}
            drop = dropped(table, strategies, self.target if self.drops_target else None)
        self._refuse_unfit(table, drop)
        counted = Tally() if tally is None else tally
        kept = [rows[~drop[rows]] for rows in parts] if drop.any() else parts
        counted.rows, counted.dropped = counted.rows + table.rows, counted.dropped + int(drop.sum())
        block = self._assembled(table, counted.unseen)
        features = [self._features(table, block, rows, dtype) for rows in kept]
        used = {self.target, *(c.name for c in self.columns)}
        ignored = [name for name in table.names if name not in used]
        notes = counted.notes(table) if tally is None else []
        return [
            Prepared(X, self._targets(table, rows) if with_target else np.empty(0), rows, notes, ignored)
            for X, rows in zip(features, kept, strict=True)
        ]

    def _apply_sparse(
        self, table: Table, features: Numbered, with_target: bool, parts: Sequence[Array], tally: "Tally | None"
    ) -> list[Prepared]:
        counted = Tally() if tally is None else tally
        X, others = take_features(table, features)
        if others:
            counted.beyond = f"{features[0]} … {features[len(features) - 1]}"
        rows = np.arange(table.rows)
        if with_target and self.drops_target:
            rows = np.flatnonzero(~table.missing(self.target))
            if len(rows) < table.rows:
                X = X[rows]
        counted.rows, counted.dropped = counted.rows + table.rows, counted.dropped + table.rows - len(rows)
        notes = counted.notes(table) if tally is None else []
        if self.scale is not None:
            with np.errstate(over="ignore", under="ignore"):
                X = X / self.scale[0]
            if not np.isfinite(X.data).all():
                row = int(np.searchsorted(X.indptr, np.argmin(np.isfinite(X.data)), "right")) - 1
                raise DataError(f"{table.where(int(rows[row]))}: a value is too large to be scaled as in training")
        ignored = [] if isinstance(table, SparseTable) else sorted({*table.names} - {self.target, *features})
        y = self._targets(table, rows) if with_target else np.empty(0)
        if len(parts) == 1:
            return [Prepared(X, y, rows, notes, ignored)]
        kept = [np.isin(rows, part, assume_unique=True) for part in parts]
        return [Prepared(X[keep], y[keep], rows[keep], notes, ignored) for keep in kept]

    def _refuse_unfit(self, table: Table, drop: Array) -> None:
        """One DataError for all columns with a cell that is not a number, or missing without a fill."""
        problems: list[str] = []
        gaps: list[Column] = []
        for column in self.columns:
            if table.is_whole(column.name) and column.categories is None:
                continue
            missing = table.missing(column.name) & ~drop
            if column.categories is None and not table.is_numeric(column.name):
                problems.append(no_longer_numeric(table, column.name))
            elif column.fill is None and missing.any():
                gaps.append(column)
                where = table.where(int(np.argmax(missing)), column.name)
                problems.append(f"{where}: the cell is missing, and the model was trained without a filling for it")
        fillings = {c.name: "median" if c.categories is None else "most_frequent" for c in gaps}
        raise_problems(problems, [f"train it with data.missing: {as_yaml(fillings)}"] if gaps else [])

    def _assembled(self, table: Table, unseen: dict[str, set[str]]) -> Callable[[slice | Array], Array]:
        """A function from rows to their features, not yet scaled."""
        names = [column.name for column in self.columns]
        if table.dense is not None and all(c.categories is None and table.is_whole(c.name) for c in self.columns):
            dense = table.dense
            return lambda rows: dense.rows(names, rows)
        width, made = len(self.feature_names), []
        for column in self.columns:
            if column.categories is None:
                values = table.numeric(column.name)
                filled = values if column.fill is None else np.where(np.isnan(values), column.fill, values)
                made.append((filled, 1))
            else:
                made.append((category_codes(table, column, unseen), len(column.categories)))

        def block(rows: slice | Array) -> Array:
            position = 0
            X = np.zeros((len(range(*rows.indices(table.rows)) if isinstance(rows, slice) else rows), width))
            for column, (values, features) in zip(self.columns, made, strict=True):
                if column.categories is None:
                    X[:, position] = values[rows]
                else:
                    codes = values[rows]
                    known = np.flatnonzero(codes >= 0)
                    X[known, position + codes[known]] = 1.0
                position += features
            return X

        return block

    def _features(self, table: Table, block: Callable[[slice | Array], Array], rows: Array, dtype: Any) -> Array:
        """The scaled features of the rows, computed block by block so that a block stays in the cache."""
        X = np.empty((len(rows), len(self.feature_names)), dtype)
        first = 0
        for part in blocks_of(rows, table.rows, rows_of_block(X.shape[1])):
            prepared = block(part)
            self._scale(prepared, table, rows[first : first + len(prepared)])
            with np.errstate(over="ignore"):
                X[first : first + len(prepared)] = prepared
            first += len(prepared)
        return X

    def _scale(self, X: Array, table: Table, rows: Array) -> None:
        """X := (X − mean)/scale, in place; DataError with the place of a value that overflows."""
        if self.scale is None:
            return
        center = np.zeros(len(self.scale)) if self.mean is None else np.asarray(self.mean)
        standardize(X, center, np.asarray(self.scale))
        if not is_finite(X):
            row, feature = np.argwhere(~np.isfinite(X))[0].tolist()
            name = self.feature_names[feature]
            value = number(table.numeric(name)[rows[row]])
            raise DataError(f"{table.where(int(rows[row]), name)}: {value} is too large to be scaled as in training")

    def _targets(self, table: Table, rows: Array) -> Array:
        if not table.is_whole(self.target):
            missing = np.zeros(table.rows, bool)
            missing[rows] = table.missing(self.target)[rows]
            if missing.any():
                raise DataError(first_gap(table, self.target, missing, "target"))
        if self.classes is not None:
            return encode(table, self.target, self.classes, rows)
        if not table.is_numeric(self.target):
            row, cell = table.first_not_numeric(self.target)
            raise DataError(f"{table.where(row, self.target)}: {no_number(cell)}")
        values = taken(table.numeric(self.target), rows)
        outside = np.flatnonzero(~self.labels.holds(values))
        if len(outside):
            at = outside[0]
            where = table.where(int(rows[at]), self.target)
            raise DataError(
                f"{where}: {number(values[at])} is no target for this loss, whose targets lie {self.labels}"
            )
        return values

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, from which `from_json` makes an equal preparation; the loss knows its `labels`."""
        return {key: value for key, value in asdict(self).items() if key != "labels"}

    @staticmethod
    def from_json(data: Mapping[str, Any], labels: Interval = REALS) -> "Preparation":
        """The inverse of `to_json`; KeyError, TypeError or ValueError for anything else."""

        def frozen(values: Iterable[Any] | None) -> tuple[Any, ...] | None:
            return None if values is None else tuple(values)

        columns = tuple(Column(**{**column, "categories": frozen(column["categories"])}) for column in data["columns"])
        rest: dict[str, Any] = {key: frozen(data[key]) for key in ("classes", "mean", "scale")}
        numbered = data.get("numbered")  # models of earlier versions have none
        if numbered is not None:
            rest["numbered"] = Numbered(numbered["first"], numbered["stop"], frozen(numbered["chosen"]))
        task = Task(data["task"])
        made = Preparation(data["target"], task, data["drops_target"], columns, **rest, labels=labels)
        if not conforms(made, Preparation) or not made._is_whole():
            raise ValueError("a preparation whose parts do not fit")
        return made

    def _is_whole(self) -> bool:
        """Whether the parts fit together: names are different, scales positive, and there is one for each feature."""
        n = len(self.feature_names)
        lists = [[c.name for c in self.columns], self.classes or (), *(c.categories or () for c in self.columns)]
        sizes = [len(given) for given in (self.mean, self.scale) if given is not None and self.numbered is None]
        has_classes = (len(self.classes or ()) > 1) == (self.task is not Task.REGRESSION)
        scaled = all(s > 0 for s in self.scale or ())
        return has_classes and scaled and set(sizes) <= {n} and all(len({*names}) == len(names) for names in lists)
