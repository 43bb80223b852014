"""From a table to features and target: columns chosen, encoded, filled and scaled; fitted once, kept in the model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.table import MISSING, Table
from bpcli.errors import DataError, nearest
from bpcli.naming import natural_key
from bpcli.notation import number

Array = NDArray[Any]
Class = str | float

MISSING_STRATEGIES = ("error", "drop", "mean", "median", "most_frequent")


@dataclass(frozen=True)
class PreparationOptions:
    """What a config says of the preparation; `task` is `classes`, `binary` or `regression`."""

    target: str
    task: str
    positive: Class | None = None
    features: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    categorical: Sequence[str] = ()
    standardize: bool = False
    scale: float | None = None
    missing: str | Mapping[str, str] = "error"


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


@dataclass(frozen=True)
class Preparation:
    """What was learned of the training rows: apply it to any table with the same columns, in any order."""

    target: str
    task: str
    drops_target: bool
    columns: tuple[Column, ...]
    classes: tuple[Class, ...] | None
    mean: tuple[float, ...] | None
    scale: tuple[float, ...] | None

    @property
    def feature_names(self) -> list[str]:
        """The names of the prepared features: a column's own, or `color=red` for each of its categories."""
        names: list[str] = []
        for column in self.columns:
            names += [column.name] if column.categories is None else [f"{column.name}={c}" for c in column.categories]
        return names

    @staticmethod
    def fit(table: Table, options: PreparationOptions, rows: Array) -> "Preparation":
        """Learn categories, fills, mean and σ, and the classes from `rows` of `table`.

        DataError that names every column that can't be used as it is, with file and line, and what would help.
        """
        names = _feature_columns(table, options)
        strategies = {name: _strategy(options, name) for name in names}
        _refuse_unusable(table, options, strategies)
        gaps = _dropped(table, strategies)
        if _drops_target(options):
            gaps = gaps | table.missing(options.target)
        kept = rows[~gaps[rows]]
        if not len(kept):
            raise DataError(f"{table.path}: data.missing: drop leaves no row to train on")
        columns = tuple(_fit_column(table, name, strategies[name], options, kept) for name in names)
        bare = Preparation(options.target, options.task, _drops_target(options), columns, None, None, None)
        mean, scale = _fit_scale(bare._features(table, [])[kept], columns, options)
        return replace(bare, classes=_fit_classes(table, options, kept), mean=mean, scale=scale)

    def apply(self, table: Table, with_target: bool = True) -> Prepared:
        """The features, and `with_target` the targets, of every row; rows with a gap go where training dropped such.

        Without the target no row may go: a gap that training had no filling for is then a DataError, as are a column
        that is not there, a cell that is not a number, a class that training has not seen: with file, line and column.
        """
        table.require([c.name for c in self.columns] + ([self.target] if with_target else []))
        notes: list[str] = []
        strategies = {c.name: c.missing for c in self.columns}
        drop = np.zeros(table.rows, bool)
        if with_target:
            drop = _dropped(table, strategies)
            if self.drops_target:
                drop |= table.missing(self.target)
        X = self._features(table, notes, drop)
        rows = np.flatnonzero(~drop)
        if len(rows) < table.rows:
            X = X[rows]
            notes.append(f"{table.path}: {table.rows - len(rows)} of {table.rows} rows have gaps and are dropped")
        if self.mean is not None:
            X -= np.asarray(self.mean)
        if self.scale is not None:
            X /= np.asarray(self.scale)
        used = {self.target, *strategies}
        ignored = [name for name in table.names if name not in used]
        return Prepared(X, self._targets(table, rows) if with_target else np.empty(0), rows, notes, ignored)

    def _features(self, table: Table, notes: list[str], drop: Array | None = None) -> Array:
        X = np.empty((table.rows, len(self.feature_names)))
        position = 0
        for column in self.columns:
            if column.categories is None:
                X[:, position] = _filled(table, column, drop)
                position += 1
            else:
                width = len(column.categories)
                X[:, position : position + width] = _one_hot(table, column, notes, drop)
                position += width
        return X

    def _targets(self, table: Table, rows: Array) -> Array:
        _refuse_missing_target(table, self.target, rows)
        if self.classes is None:
            return _numbers(table, self.target)[rows]
        labels = _labels(table, self.target, isinstance(self.classes[0], float))
        codes = {label: code for code, label in enumerate(self.classes)}
        found = [codes.get(labels[row], -1) for row in rows]
        if -1 in found:
            row = int(rows[found.index(-1)])
            known = ", ".join(class_text(c) for c in self.classes[:10])
            raise DataError(
                f"{table.where(row, self.target)}: {class_text(labels[row])!r} is no class that the training rows have",
                f"the classes are {known}",
            )
        return np.array(found, np.intp)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, from which `from_json` makes an equal preparation."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Preparation":
        """The inverse of `to_json`; KeyError or TypeError for anything else."""

        def frozen(values: Iterable[Any] | None) -> tuple[Any, ...] | None:
            return None if values is None else tuple(values)

        columns = tuple(Column(**{**column, "categories": frozen(column["categories"])}) for column in data["columns"])
        rest = {key: frozen(data[key]) for key in ("classes", "mean", "scale")}
        return Preparation(data["target"], data["task"], data["drops_target"], columns, **rest)


def _feature_columns(table: Table, options: PreparationOptions) -> list[str]:
    table.require([options.target, *(options.features or ()), *options.exclude, *options.categorical])
    names = list(options.features) if options.features is not None else table.names
    out = {options.target, *options.exclude}
    chosen = [name for name in names if name not in out]
    if not chosen:
        raise DataError(f"{table.path} has no column left to learn from beside the target {options.target}")
    return chosen


def _strategy(options: PreparationOptions, name: str) -> str:
    strategy = options.missing if isinstance(options.missing, str) else options.missing.get(name, "error")
    # Text has no mean: where one strategy is for all columns, its categories take the nearest thing to it.
    return "most_frequent" if name in options.categorical and strategy in ("mean", "median") else strategy


def _drops_target(options: PreparationOptions) -> bool:
    if isinstance(options.missing, str):
        return options.missing == "drop"
    return options.missing.get(options.target) == "drop"


def _dropped(table: Table, strategies: Mapping[str, str]) -> Array:
    """Where a column that is to drop its gaps has one, (N,)."""
    gaps = np.zeros(table.rows, bool)
    for name, strategy in strategies.items():
        if strategy == "drop":
            gaps |= table.missing(name)
    return gaps


def _refuse_unusable(table: Table, options: PreparationOptions, strategies: Mapping[str, str]) -> None:
    """One DataError for all columns that can't be used as they are."""
    problems: list[str] = []
    exclude: list[str] = []
    categorical: list[str] = []
    gaps: list[str] = []
    for name, strategy in strategies.items():
        missing = table.missing(name)
        if name not in options.categorical and not table.is_numeric(name):
            row, cell = table.first_not_numeric(name)
            values = {v for v in table.text(name) if v not in MISSING}
            few = len(values) <= max(2, min(20, table.rows // 5))
            (categorical if few else exclude).append(name)
            what = f"{len(values)} different values in {table.rows} rows"
            problems.append(f"{table.where(row, name)}: {cell!r} is not a number ({what})")
        elif missing.all():
            exclude.append(name)
            problems.append(f"{table.path}: column {name}: every cell is missing")
        elif strategy == "error" and missing.any():
            gaps.append(name)
            row = int(np.argmax(missing))
            problems.append(f"{table.where(row, name)}: the cell is missing ({missing.sum()} of {table.rows} are)")
    if problems:
        hints = [
            f"data.{key}: [{', '.join(names)}]"
            for key, names in (("categorical", categorical), ("exclude", exclude))
            if names
        ]
        if gaps:
            hints.append("data.missing: median  (or mean, most_frequent, drop)")
        raise DataError("\n  ".join(problems), "\n  ".join(["to mend it, in the config:", *hints]))


def _fit_column(table: Table, name: str, strategy: str, options: PreparationOptions, rows: Array) -> Column:
    if name in options.categorical:
        cells = table.text(name)
        counts: dict[str, int] = {}
        for row in rows:
            if cells[row] not in MISSING:
                counts[cells[row]] = counts.get(cells[row], 0) + 1
        categories = tuple(sorted(counts, key=natural_key))
        fill = max(categories, key=lambda c: counts[c], default=None) if strategy == "most_frequent" else None
        return Column(name, categories, strategy, fill)
    values = table.numeric(name)[rows]
    values = values[~np.isnan(values)]
    if not len(values):
        raise DataError(f"{table.path}: column {name} has no number in the training rows", f"data.exclude: [{name}]")
    return Column(name, None, strategy, _FILLS[strategy](values) if strategy in _FILLS else None)


def _most_frequent(values: Array) -> float:
    distinct, counts = np.unique(values, return_counts=True)
    return float(distinct[np.argmax(counts)])  # of several the smallest


_FILLS = {
    "mean": lambda values: float(_mean(values)),
    "median": lambda values: float(np.median(values)),
    "most_frequent": _most_frequent,
}


def _filled(table: Table, column: Column, drop: Array | None) -> Array:
    """The numbers of a column with its gaps filled; a gap that can't be filled and is not dropped is a DataError."""
    values = _numbers(table, column.name)
    gaps = np.isnan(values)
    if gaps.any():
        _refuse_gaps(table, column, gaps, drop)
        if column.fill is not None:
            values = np.where(gaps, column.fill, values)
    return values


def _one_hot(table: Table, column: Column, notes: list[str], drop: Array | None) -> Array:
    categories = column.categories or ()
    cells = table.text(column.name)
    gaps = np.fromiter((cell in MISSING for cell in cells), bool, len(cells))
    _refuse_gaps(table, column, gaps, drop)
    codes = {category: code for code, category in enumerate(categories)}
    of_gap = codes.get(str(column.fill), -1)
    found = np.array([of_gap if gap else codes.get(cell, -1) for cell, gap in zip(cells, gaps, strict=True)], np.intp)
    unseen = sorted({cells[row] for row in np.flatnonzero((found < 0) & ~gaps)}, key=natural_key)
    if unseen:
        shown = ", ".join(unseen[:5]) + (" …" if len(unseen) > 5 else "")
        notes.append(f"{table.path}: column {column.name}: not seen in training, so none of its categories: {shown}")
    encoded = np.zeros((len(cells), len(categories)))
    known = np.flatnonzero(found >= 0)
    encoded[known, found[known]] = 1.0
    return encoded


def _refuse_gaps(table: Table, column: Column, gaps: Array, drop: Array | None) -> None:
    """DataError for a gap that the column has nothing to fill with, unless its row is dropped (`drop` None: may be)."""
    if column.fill is None and drop is not None and (gaps & ~drop).any():
        row = int(np.argmax(gaps & ~drop))
        raise DataError(
            f"{table.where(row, column.name)}: the cell is missing, and the model was trained without a filling for it",
            f"train it with data.missing: {{{column.name}: {'most_frequent' if column.categories else 'median'}}}",
        )


def _numbers(table: Table, name: str) -> Array:
    if not table.is_numeric(name):
        row, cell = table.first_not_numeric(name)
        raise DataError(f"{table.where(row, name)}: {cell!r} is not a number")
    return table.numeric(name)


def _mean(values: Array) -> Any:
    """The mean of each column, with the rounding error of a first pass taken out and without overflow."""
    size = np.max(np.abs(values), axis=0, initial=0.0)
    size = np.where(size > 0, size, 1.0)
    first = np.mean(values / size, axis=0)
    return (first + np.mean(values / size - first, axis=0)) * size


def _fit_scale(
    X: Array, columns: Sequence[Column], options: PreparationOptions
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Mean and divisor of each feature; the 0 and 1 of one-hot features stay as they are."""
    encoded = np.concatenate(
        [[c.categories is not None] * (1 if c.categories is None else len(c.categories)) for c in columns]
    )
    if options.scale is not None:
        return None, tuple(np.where(encoded, 1.0, options.scale).tolist())
    if not options.standardize:
        return None, None
    constant = np.ptp(X, axis=0) == 0  # by its values: the σ of a rounded mean is not quite 0
    mean = np.where(constant, X[0], _mean(X))
    size = np.max(np.abs(X - mean), axis=0)
    size = np.where(size > 0, size, 1.0)
    sigma = np.sqrt(np.mean(((X - mean) / size) ** 2, axis=0)) * size
    scale = np.where(constant | encoded | (sigma == 0), 1.0, sigma)
    return tuple(np.where(encoded, 0.0, mean).tolist()), tuple(scale.tolist())


def _fit_classes(table: Table, options: PreparationOptions, rows: Array) -> tuple[Class, ...] | None:
    target = options.target
    _refuse_missing_target(table, target, rows)
    if options.task == "regression":
        if not table.is_numeric(target):
            row, cell = table.first_not_numeric(target)
            raise DataError(
                f"{table.where(row, target)}: {cell!r} is not a number, and loss mse needs a number as target",
                "for classes: model.type: softmax with loss: cce, or activation: sigmoid with loss: bce",
            )
        return None
    labels = _labels(table, target, table.is_numeric(target))
    chosen = {labels[row] for row in rows}
    classes = sorted(chosen, key=lambda c: (c, ()) if isinstance(c, float) else (0.0, natural_key(c)))
    if len(classes) == 1:
        raise DataError(
            f"{table.path}: column {target}: every training row is {class_text(classes[0])}; there is nothing to learn"
        )
    if options.task == "binary":
        return _binary(table, options, classes)
    if table.is_numeric(target) and len(classes) > max(20, len(rows) // 2):
        raise DataError(
            f"{table.path}: column {target} has {len(classes)} different numbers in {len(rows)} training rows",
            "to predict a number: model.type: neuron with loss: mse",
        )
    return tuple(classes)


def _binary(table: Table, options: PreparationOptions, classes: list[Class]) -> tuple[Class, ...]:
    if len(classes) != 2:
        shown = ", ".join(class_text(c) for c in classes[:6]) + (" …" if len(classes) > 6 else "")
        raise DataError(
            f"{table.path}: column {options.target} has {len(classes)} classes ({shown}), and loss bce needs two",
            "for more: model.type: softmax with loss: cce",
        )
    if options.positive is None:
        return tuple(classes)
    positive = _as_class(options.positive, isinstance(classes[0], float))
    if positive not in classes:
        close = nearest(str(options.positive), map(class_text, classes))
        raise DataError(
            f"{table.path}: column {options.target} has no class {options.positive} that data.positive names",
            f"did you mean {close}?"
            if close
            else f"its classes are {class_text(classes[0])} and {class_text(classes[1])}",
        )
    return tuple(sorted(classes, key=lambda c: c == positive))


def _as_class(value: Class, numeric: bool) -> Class:
    if not numeric:
        return str(value)
    try:
        return float(value)
    except ValueError:
        return value


def _labels(table: Table, target: str, numeric: bool) -> list[Class]:
    """The label of each row: numbers if the classes are numbers (`1` is `1.0`), else text."""
    if numeric and table.is_numeric(target):
        return list(table.numeric(target).tolist())
    return [_as_class(cell, numeric) for cell in table.text(target)]


def _refuse_missing_target(table: Table, target: str, rows: Array) -> None:
    missing = table.missing(target)[rows]
    if missing.any():
        row = int(rows[np.argmax(missing)])
        raise DataError(
            f"{table.where(row, target)}: the target is missing ({missing.sum()} of {len(rows)} are)",
            f"data.missing: {{{target}: drop}}, or drop for rows with any gap",
        )


def class_text(label: Class) -> str:
    """A class as text, a number as it prints."""
    return label if isinstance(label, str) else number(label)
