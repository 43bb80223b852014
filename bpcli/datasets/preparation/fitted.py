"""From a table to features and target: columns chosen, encoded, filled and scaled; fitted once, kept in the model."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.labels import Class, encode, fit_classes
from bpcli.datasets.preparation.options import PreparationOptions
from bpcli.datasets.preparation.problems import as_yaml, first_gap, raise_problems, refuse_unusable, without_values
from bpcli.datasets.preparation.statistics import mean, mean_and_sigma, median, most_frequent
from bpcli.datasets.sparse import Numbered, SparseTable, take_features
from bpcli.datasets.table import MISSING, Table, is_number
from bpcli.errors import DataError, UsageError
from bpcli.formulas.choices import REALS, Interval, Task
from bpcli.text.natural_order import natural_key
from bpcli.text.notation import number

Array = NDArray[Any]

FILLS = {"mean": mean, "median": median, "most_frequent": most_frequent}
MISSING_STRATEGIES = ("error", "drop", *FILLS)


@dataclass(frozen=True)
class Column:
    """A source column: its categories if it is one-hot encoded, what to do with a gap and what to fill it with."""

    name: str
    categories: tuple[str, ...] | None
    missing: str
    fill: float | str | None


@dataclass(frozen=True)
class Prepared:
    """Features X (N, n), targets y (N,), which `rows` of the table they are, and what the user should know.

    y holds class numbers, or the numbers of a regression; it is empty if not asked for. `ignored` names the columns
    that were of no use.
    """

    X: Array
    y: Array
    rows: Array
    notes: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    @property
    def remarks(self) -> list[str]:
        """The notes, and one on the columns that were ignored."""
        shown = ", ".join(self.ignored[:10]) + (" …" if len(self.ignored) > 10 else "")
        return [*self.notes, f"columns that the model does not use: {shown}"] if self.ignored else self.notes


@dataclass
class Tally:
    """What there is to note about one table, or several that are parts of one."""

    rows: int = 0
    dropped: int = 0
    unseen: dict[str, set[str]] = field(default_factory=dict)

    def notes(self, table: Table) -> list[str]:
        """The notes, on the file of `table`."""
        notes = []
        for column, cells in self.unseen.items():
            shown = ", ".join(sorted(cells, key=natural_key)[:5]) + (" …" if len(cells) > 5 else "")
            notes.append(f"{table.path}: column {column}: not seen in training, so none of its categories: {shown}")
        if self.dropped:
            notes.append(f"{table.path}: {self.dropped} of {self.rows} rows have gaps and are dropped")
        return notes


@dataclass(frozen=True)
class Preparation:
    """What was learned of the training rows: apply it to any table with the same columns, in any order.

    `numbered` are the features of a sparse table, in the place of `columns`; their scales are all the same. `labels` is
    where the loss takes the numbers of a regression's target.
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

    @staticmethod
    def fit(table: Table, options: PreparationOptions, rows: Array) -> "Preparation":
        """Learn categories, fills, mean and σ, and the classes from `rows` of `table`.

        DataError that names every column that can't be used as it is, with file and line, and what would help;
        UsageError for options that do not fit the table.
        """
        if isinstance(table, SparseTable):
            return _fit_sparse(table, options, rows)
        names = _feature_columns(table, options)
        strategies = {name: _strategy(options, name) for name in names}
        drops_target = _target_strategy(options) == "drop"
        drop = _dropped(table, strategies, options.target if drops_target else None)
        refuse_unusable(table, options, strategies, drop)
        kept = rows[~drop[rows]]
        if not len(kept):
            raise DataError(f"{table.path}: data.missing: drop leaves no row to train on")
        fitted = [_fit_column(table, name, strategies[name], options, kept) for name in names]
        classes = fit_classes(table, options.target, options.task, options.loss, options.positive, kept)
        return Preparation(
            options.target,
            options.task,
            drops_target,
            tuple(column for column, _, _ in fitted),
            classes,
            tuple(m for _, means, _ in fitted for m in means) if options.standardize else None,
            tuple(s for _, _, scales in fitted for s in scales)
            if options.standardize or options.scale is not None
            else None,
            labels=options.labels,
        )

    def apply(self, table: Table, with_target: bool = True, tally: "Tally | None" = None) -> Prepared:
        """The features, and `with_target` the targets, of every row; rows with a gap go where training dropped such.

        What is to be noted goes to `tally`, where there is one that goes over several tables.

        Without the target no row may go: a gap that training had no filling for is then a DataError, as are a column
        that is not there, a cell that is not a number, a class that training has not seen: with file, line and column.
        """
        table.require([c.name for c in self.columns] + ([self.target] if with_target else []))
        if self.numbered is not None:
            return self._apply_sparse(table, self.numbered, with_target)
        drop = np.zeros(table.rows, bool)
        if with_target:
            strategies = {c.name: c.missing for c in self.columns}
            drop = _dropped(table, strategies, self.target if self.drops_target else None)
        self._refuse_unfit(table, drop)
        counted = Tally() if tally is None else tally
        X = self._features(table, counted.unseen)
        rows = np.flatnonzero(~drop)
        counted.rows, counted.dropped = counted.rows + table.rows, counted.dropped + table.rows - len(rows)
        if len(rows) < table.rows:
            X = X[rows]
        self._scale(X, table, rows)
        used = {self.target, *(c.name for c in self.columns)}
        ignored = [name for name in table.names if name not in used]
        notes = counted.notes(table) if tally is None else []
        return Prepared(X, self._targets(table, rows) if with_target else np.empty(0), rows, notes, ignored)

    def _apply_sparse(self, table: Table, features: Numbered, with_target: bool) -> Prepared:
        notes: list[str] = []
        X = take_features(table, features, notes)
        rows = np.arange(table.rows)
        if with_target and self.drops_target:
            rows = np.flatnonzero(~table.missing(self.target))
            if len(rows) < table.rows:
                X = X[rows]
                notes.append(f"{table.path}: {table.rows - len(rows)} of {table.rows} rows have gaps and are dropped")
        if self.scale is not None:
            with np.errstate(over="ignore", under="ignore"):
                X = X / self.scale[0]
            if not np.isfinite(X.data).all():
                row = int(np.searchsorted(X.indptr, np.argmin(np.isfinite(X.data)), "right")) - 1
                raise DataError(f"{table.where(int(rows[row]))}: a value is too large to be scaled as in training")
        ignored = [] if isinstance(table, SparseTable) else sorted({*table.names} - {self.target, *features})
        return Prepared(X, self._targets(table, rows) if with_target else np.empty(0), rows, notes, ignored)

    def _refuse_unfit(self, table: Table, drop: Array) -> None:
        """One DataError for all columns with a cell that the model can't take."""
        problems: list[str] = []
        gaps: list[Column] = []
        for column in self.columns:
            missing = table.missing(column.name) & ~drop
            if column.categories is None and not table.is_numeric(column.name):
                row, cell = table.first_not_numeric(column.name)
                problems.append(f"{table.where(row, column.name)}: {cell!r} is not a number, as it was in training")
            elif column.fill is None and missing.any():
                gaps.append(column)
                where = table.where(int(np.argmax(missing)), column.name)
                problems.append(f"{where}: the cell is missing, and the model was trained without a filling for it")
        fillings = {c.name: "median" if c.categories is None else "most_frequent" for c in gaps}
        raise_problems(problems, [f"train it with data.missing: {as_yaml(fillings)}"] if gaps else [])

    def _features(self, table: Table, unseen: dict[str, set[str]]) -> Array:
        X = np.zeros((table.rows, len(self.feature_names)))
        position = 0
        for column in self.columns:
            if column.categories is None:
                values = table.numeric(column.name)
                X[:, position] = values if column.fill is None else np.where(np.isnan(values), column.fill, values)
                position += 1
            else:
                codes = _category_codes(table, column, unseen)
                known = np.flatnonzero(codes >= 0)
                X[known, position + codes[known]] = 1.0
                position += len(column.categories)
        return X

    def _scale(self, X: Array, table: Table, rows: Array) -> None:
        """X := (X − mean)/scale, in place; DataError with the place of a value that is too large for it."""
        if self.scale is None:
            return
        shift = np.zeros(len(self.scale)) if self.mean is None else np.asarray(self.mean)
        scale = np.asarray(self.scale)
        largest = np.maximum(np.max(X, axis=0, initial=0.0), -np.min(X, axis=0, initial=0.0))
        # Half of each where the difference could overflow on the way: 1e308 − (−1e308) over a σ of 1e308 is 2.
        unit = np.where(np.maximum(largest, np.abs(shift)) > 2.0**1022, 0.5, 1.0)
        with np.errstate(over="ignore", under="ignore"):
            if (unit < 1).any():
                X *= unit
            if self.mean is not None:
                X -= shift * unit
            X /= scale * unit
        if not np.isfinite(X).all():
            row, feature = np.argwhere(~np.isfinite(X))[0].tolist()
            name = self.feature_names[feature]
            value = number(table.numeric(name)[rows[row]])
            raise DataError(f"{table.where(int(rows[row]), name)}: {value} is too large to be scaled as in training")

    def _targets(self, table: Table, rows: Array) -> Array:
        missing = np.zeros(table.rows, bool)
        missing[rows] = table.missing(self.target)[rows]
        if missing.any():
            raise DataError(first_gap(table, self.target, missing, "target"))
        if self.classes is not None:
            return encode(table, self.target, self.classes, rows)
        if not table.is_numeric(self.target):
            row, cell = table.first_not_numeric(self.target)
            raise DataError(f"{table.where(row, self.target)}: {cell!r} is not a number")
        values = table.numeric(self.target)[rows]
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
        """The inverse of `to_json`; KeyError or TypeError for anything else."""

        def frozen(values: Iterable[Any] | None) -> tuple[Any, ...] | None:
            return None if values is None else tuple(values)

        columns = tuple(Column(**{**column, "categories": frozen(column["categories"])}) for column in data["columns"])
        rest: dict[str, Any] = {key: frozen(data[key]) for key in ("classes", "mean", "scale")}
        numbered = data.get("numbered")  # which earlier models do not have
        if numbered is not None:
            rest["numbered"] = Numbered(numbered["first"], numbered["stop"], frozen(numbered["chosen"]))
        task = Task(data["task"])
        return Preparation(data["target"], task, data["drops_target"], columns, **rest, labels=labels)


def _fit_sparse(table: SparseTable, options: PreparationOptions, rows: Array) -> Preparation:
    """What can be learned of a sparse table without writing out its zeros: the classes, and the features."""
    if options.standardize:
        raise UsageError(
            f"data.standardize: less its mean no 0 of {table.path} stays 0, and its zeros are never written out",
            "data.scale: NUMBER divides all features by one number; or give the data in another format",
        )
    if options.categorical:
        raise UsageError(f"data.categorical: the features of {table.path} are numbers, and sparse", "leave it out")
    of_columns = {} if isinstance(options.missing, str) else options.missing
    table.require([options.target, *(options.features or ()), *options.exclude, *of_columns])
    features = table.features
    if options.features is not None or options.exclude:
        out = {options.target, *options.exclude}
        names = features if options.features is None else options.features
        features = Numbered(features.first, features.stop, tuple(int(name[1:]) for name in names if name not in out))
    if not len(features):
        raise DataError(f"{table.path} has no feature left to learn from")
    missing, drops = table.missing(options.target), _target_strategy(options) == "drop"
    if missing.any() and not drops:
        raise DataError(first_gap(table, options.target, missing, "target"), "data.missing: drop")
    kept = rows[~missing[rows]]
    if not len(kept):
        raise DataError(f"{table.path}: data.missing: drop leaves no row to train on")
    classes = fit_classes(table, options.target, options.task, options.loss, options.positive, kept)
    scale = None if options.scale is None else (options.scale,) * len(features)
    return Preparation(options.target, options.task, drops, (), classes, None, scale, features, options.labels)


def _feature_columns(table: Table, options: PreparationOptions) -> list[str]:
    """The columns to learn from; DataError or UsageError for options that do not fit the table or each other."""
    of_columns = {} if isinstance(options.missing, str) else options.missing
    table.require([options.target, *(options.features or ()), *options.exclude, *options.categorical, *of_columns])
    out = {options.target, *options.exclude}
    chosen = [name for name in (table.names if options.features is None else options.features) if name not in out]
    if not chosen:
        raise DataError(f"{table.path} has no column left to learn from beside the target {options.target}")
    problems = []
    for name, strategy in of_columns.items():
        if name == options.target:
            if strategy in FILLS:
                problems.append(f"data.missing: {name} is the target, which is never filled: drop or error")
        elif name not in chosen:
            problems.append(f"data.missing: {name} is not among the features")
        elif name in options.categorical and strategy in ("mean", "median"):
            problems.append(f"data.missing: {name} is categorical and has no {strategy}: most_frequent, drop or error")
    if problems:
        raise UsageError("\n  ".join(problems))
    return chosen


def _strategy(options: PreparationOptions, name: str) -> str:
    strategy = options.missing if isinstance(options.missing, str) else options.missing.get(name, "error")
    # Text has no mean: where one strategy is for all columns, its categories take the nearest thing to it.
    return "most_frequent" if name in options.categorical and strategy in FILLS else strategy


def _target_strategy(options: PreparationOptions) -> str:
    return options.missing if isinstance(options.missing, str) else options.missing.get(options.target, "error")


def _dropped(table: Table, strategies: Mapping[str, str], target: str | None) -> Array:
    """Where a column that is to drop its gaps, or the target if given, has one, (N,)."""
    gaps = np.zeros(table.rows, bool) if target is None else table.missing(target)
    for name, strategy in strategies.items():
        if strategy == "drop":
            gaps = gaps | table.missing(name)
    return gaps


def _fit_column(
    table: Table, name: str, strategy: str, options: PreparationOptions, rows: Array
) -> tuple[Column, Sequence[float], Sequence[float]]:
    """A column as `rows` have it, with the mean and the divisor of each of its features."""
    if name in options.categorical:
        cells = table.text(name)
        counts = Counter(cell for cell in map(cells.__getitem__, rows.tolist()) if cell not in MISSING)
        if not counts:
            raise without_values(table, name, options)
        categories = tuple(sorted(counts, key=natural_key))
        fill = max(categories, key=counts.__getitem__) if strategy in FILLS else None
        # The 0 and 1 of a category stay as they are.
        return Column(name, categories, strategy, fill), [0.0] * len(categories), [1.0] * len(categories)
    values = table.numeric(name)[rows]
    gaps = np.isnan(values)
    if gaps.all():
        raise without_values(table, name, options)
    filling = FILLS[strategy](values[~gaps]) if strategy in FILLS else None
    column = Column(name, None, strategy, filling)
    if not options.standardize:
        return column, [0.0], [1.0 if options.scale is None else options.scale]
    if gaps.any():
        values = values[~gaps] if filling is None else np.where(gaps, filling, values)
    center, sigma = mean_and_sigma(values)
    return column, [center], [sigma or 1.0]


def _category_codes(table: Table, column: Column, unseen: dict[str, set[str]]) -> Array:
    """The number of each row's category, −1 where training has not seen it; `unseen` gets such categories."""
    categories = column.categories or ()
    codes: dict[str, int] = {category: code for code, category in enumerate(categories)}
    filled = codes.get(str(column.fill), -1)
    numbers = _by_number(categories)
    for cell in set(table.text(column.name)) - codes.keys():
        if cell in MISSING:
            codes[cell] = filled
        else:
            codes[cell] = numbers.get(float(cell), -1) if is_number(cell) else -1
            if codes[cell] < 0:
                unseen.setdefault(column.name, set()).add(cell)
    return np.fromiter(map(codes.__getitem__, table.text(column.name)), np.intp, table.rows)


def _by_number(categories: Sequence[str]) -> dict[float, int]:
    """Codes of the categories that are numbers, if no other is the same one: 1 becomes 1.0 where a table has gaps."""
    values = [float(category) if is_number(category) else None for category in categories]
    return {value: code for code, value in enumerate(values) if value is not None and values.count(value) == 1}
