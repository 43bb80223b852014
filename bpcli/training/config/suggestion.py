"""Drafts a config for a table: model, target, features, categories, missing cells, learning rate and epochs."""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.datasets.cells import is_number
from bpcli.datasets.preparation.labels import MAX_NUMBERS, Class, class_text, classes_of
from bpcli.datasets.preparation.options import DROP
from bpcli.datasets.preparation.statistics import mean_and_sigma, standardize
from bpcli.datasets.readers.first_row import DATE
from bpcli.datasets.sparse import LABEL, SparseTable
from bpcli.datasets.table import Table
from bpcli.errors import DataError, UsageError, several
from bpcli.formulas.choices import Task
from bpcli.formulas.layers import LAYERS, USUAL
from bpcli.text.notation import counted
from bpcli.text.yaml12 import yaml_text
from bpcli.training.config.keys import KEYS
from bpcli.training.config.template import Entry

TARGET_NAMES = (
    "target",
    "label",
    "class",
    "y",
    "outcome",
    "diagnosis",
    "species",
    "churn",
    "churned",
    "result",
    "survived",
    "quality",
)
"""A column with such a name is taken for the target; earlier names are preferred."""

POSITIVE_WORDS = frozenset(
    {"yes", "y", "true", "t", "positive", "pos", "ja", "j", "wahr", "positiv", "oui", "vrai", "positif"}
    | {"sí", "si", "sì", "sim", "da", "tak", "igen", "evet", "kyllä"}
)
"""Of two classes, the one with such a name is taken for the positive one, whatever their order."""

MAX_CATEGORIES = 20
"""A text column with more values than this, or than a quarter of its rows, is not taken for categories."""

MIN_SERIES = 10
"""At least this many numeric columns whose names differ only in a number are taken for features, not for a target."""

MIN_ROWS = 25
"""With fewer rows none are held out for validation."""

MAX_STEPS = 200_000
"""The most steps of a drafted training, so that the first one does not take too long."""

_UNNAMED = re.compile(r"Unnamed: \d+(\.\d+|_level_\d+)?|__index_level_\d+__")
# A word for ids at the end of a name: customer_id, PassengerId, but not humid.
_ID = re.compile(r"(?:^|[\W_]|(?<=[a-z])(?=[A-Z]))(?i:id|uuid|guid|key|index|idx|nr|no|num|number|row)$")


def suggest(table: Table, target: str | None, model: str | None) -> dict[str, Entry]:
    """The values of a config for `table`, each with a remark.

    `target` and `model` are guessed if not given. DataError if the target does not exist or can't be learned,
    UsageError if `model` can't predict it.
    """
    if target is not None:
        table.require([target])
    chosen, remark = (target, "") if target is not None else _guess_target(table)
    task = _choose_task(table, chosen, model)
    if isinstance(table, SparseTable):
        return _draft_sparse(table, chosen, remark, task)
    kept = ~table.missing(chosen)  # rows without a target will be dropped
    looks = {name: _look(table, name, kept) for name in table.names}
    features = {name: look for name, look in looks.items() if name != chosen and not look.useless}
    if not features:
        reasons = [f"{name} is {look.useless}" for name, look in looks.items() if name != chosen]
        raise DataError(
            f"{table.path} has no column that could be learned from beside {chosen}",
            f"left out are: {several(reasons, 5)}; to keep one, name it in data.features, data.categorical or "
            "data.numbers of a config of your own"
            if reasons
            else "it is the only column",
        )
    n = sum(1 if look.is_numeric else look.distinct for look in features.values())
    return {
        **_model(task, chosen, remark),
        **_columns(looks, features, chosen, int(table.missing(chosen).sum())),
        "data.standardize": Entry(True),
        **_training(looks[chosen].rows, n, _largest_row(table, features), task),
    }


def remarks_on(chosen: Mapping[str, Entry]) -> list[str]:
    """Notes on a suggested config: what was guessed, left out or is read specially, each with its reason."""
    told = []
    if (target := chosen["data.target"]).remark.startswith("guessed"):
        told.append(f"data.target: {target.value} ({target.remark})")
    if "data.positive" in chosen:
        told.append(f"data.positive: {yaml_text(chosen['data.positive'].value)} ({chosen['data.positive'].remark})")
    for key in ("data.exclude", "data.categorical", "data.missing"):
        if key in chosen:
            value = chosen[key].value
            parts = [
                f"{name}{f': {value[name]}' if isinstance(value, Mapping) else ''} ({why})"
                for name, why in chosen[key].remarks.items()
            ]
            told.append(f"{key}: {several(parts)}")
    return told


def _draft_sparse(table: SparseTable, target: str, remark: str, task: "_Task") -> dict[str, Entry]:
    """The values of a config for a sparse table, whose features are all used unchanged."""
    squares = np.bincount(
        np.repeat(np.arange(table.rows), np.diff(table.matrix.indptr)), table.matrix.data**2, table.rows
    )
    gaps = table.missing(target)
    if not math.isfinite(mean := float(squares.mean())):
        raise DataError(f"{table.path}: the squares of its values are beyond the doubles", "scale them first")
    return {
        **_model(task, target, remark),
        **({"data.missing": Entry(DROP)} if gaps.any() else {}),
        **_training(table.rows - int(gaps.sum()), mean, float(squares.max()), task),
    }


def _model(task: "_Task", target: str, remark: str) -> dict[str, Entry]:
    """The entries for the model, the loss and the target."""
    layer, activation, loss = USUAL[task.task]
    entries = {
        "model.type": Entry(layer, task.remark),
        "loss": Entry(loss),
        "data.target": Entry(target, remark),
    }
    if activation is not None:
        entries["model.activation"] = Entry(activation)
    if task.task is Task.TWO_CLASSES:
        negative, positive = _order(task.classes)
        entries["data.positive"] = Entry(positive, f"or {yaml_text(negative)}")
    return entries


@dataclass(frozen=True)
class _Look:
    """The content of a column: `rows` cells that are not missing, `distinct` values, `gaps` missing cells, and the
    reason why it is useless as a feature, or ""."""

    is_numeric: bool
    is_boolean: bool
    rows: int
    distinct: int
    gaps: int
    useless: str


def _look(table: Table, name: str, among: Any) -> _Look:
    """The content of a column in the rows for which `among` (N,) is true."""
    filled = ~table.missing(name) & among
    rows, all_rows = int(filled.sum()), int(among.sum())
    if table.is_numeric(name):
        values = table.numeric(name)[filled]
        distinct = len(classes_of(table, name, np.flatnonzero(filled)))
        is_id = name not in table.formatted and _is_id(name, values, distinct)
        useless = _useless_constant(rows, all_rows, distinct) or ("an id" if is_id else "")
    else:
        text = table.text(name)
        cells = [text[row] for row in np.flatnonzero(filled)]
        distinct = len(set(cells))
        useless = _useless_constant(rows, all_rows, distinct) or _useless_text(cells, distinct)
    return _Look(table.is_numeric(name), table.is_boolean(name), rows, distinct, all_rows - rows, useless)


def _useless_constant(rows: int, all_rows: int, distinct: int) -> str:
    if not rows:
        return "empty"
    if distinct == 1:
        return "the same in every row" if rows == all_rows else "one value, or a gap"
    # With so few values, the training rows may have none.
    return f"empty but for {rows} rows" if all_rows >= MIN_ROWS and rows < max(5, all_rows / 20) else ""


def _is_id(name: str, values: Any, distinct: int) -> bool:
    """Whether a column only identifies the rows: many whole numbers under a name for ids, or the row numbers.

    Row numbers are counted from 0 or 1, in any order, or are in a column that pandas has called Unnamed.
    """
    if distinct <= 2 or (values != np.floor(values)).any():
        return False
    if distinct < len(values):
        return distinct > MAX_CATEGORIES and bool(_ID.search(name))
    if _ID.search(name) or _UNNAMED.fullmatch(name):
        return True
    first = values.min()
    counting = first + np.arange(len(values))
    return len(values) >= 10 and first in (0, 1) and np.array_equal(np.sort(values), counting)


def _useless_text(cells: Sequence[str], distinct: int) -> str:
    if sum(bool(DATE.match(cell)) for cell in cells) > len(cells) / 2:
        return "dates or times"
    if distinct <= min(MAX_CATEGORIES, max(2, len(cells) / 4)):
        return ""
    words = [cell for cell in cells if not is_number(cell)]
    if not words:
        return "numbers, but for rows without a target"
    if len(words) < len(cells) / 2:
        return f"numbers, but for {len(words)} of {len(cells)} cells such as {yaml_text(words[0])}; mend them to use it"
    return "different in every row: an id or free text" if distinct == len(cells) else f"text of {distinct} values"


def _series(table: Table) -> dict[str, None]:
    """The numeric columns whose names differ only in a number, if there are many: pixels, sensors, points in time."""
    kinds: dict[str, dict[str, None]] = {}
    for name in table.names:
        if table.is_numeric(name):
            kinds.setdefault(re.sub(r"\d+", "#", name), {})[name] = None
    largest = max(kinds.values(), key=len, default={})
    return largest if len(largest) >= MIN_SERIES else {}


def _is_coordinate(table: Table, name: str) -> bool:
    """Whether a column is a y that follows an x, with others after it: a coordinate rather than a target."""
    at = table.names.index(name)
    pair = "".join(table.names[max(0, at - 1) : at + 1]).casefold()
    return pair == "xy" and at + 1 < len(table.names)


def guessed_target(table: Table) -> str | None:
    """The column that `suggest` takes for the target if none is given; None if there is none."""
    with suppress(DataError):
        return _guess_target(table)[0]
    return None


def _guess_target(table: Table) -> tuple[str, str]:
    if isinstance(table, SparseTable):
        return LABEL, "the labels in front of the rows"
    every = np.ones(table.rows, bool)
    by_name = {name.casefold(): name for name in reversed(table.names)}
    for name in TARGET_NAMES:
        found = by_name.get(name)
        if found and not _is_coordinate(table, found) and _look(table, found, every).distinct > 1:
            return found, "guessed by its name"
    series = _series(table)
    for name in reversed(table.names):
        if name not in series and not _look(table, name, every).useless:
            return name, "guessed: the last column that can be one"
    if series:
        raise DataError(
            f"{table.path}: no column looks like a target: {len(series)} are a series, {several(series, 3)}",
            ways={"target": "NAME says which it is", "target-path": "FILE where it has a file of its own"},
        )
    raise DataError(f"{table.path} has no column that could be predicted: each is constant, an id, dates or free text")


@dataclass(frozen=True)
class _Task:
    """The task, its classes in natural order (none for a regression), and a remark on the target's values."""

    task: Task
    classes: tuple[Class, ...]
    remark: str


def _choose_task(table: Table, target: str, model: str | None) -> _Task:
    """The task that the target's values and `model` allow."""
    per_class = model is not None and LAYERS[model].per_class
    values = _distinct(table, target)
    numeric = table.is_numeric(target) and not table.is_boolean(target)
    column = f"{table.path}: column {target}"
    rows = table.rows - int(table.missing(target).sum())
    if len(values) < 2:
        raise DataError(f"{column} has {'no value' if not values else 'one value only'}, so there is nothing to learn")
    few = len(values) == 2 or len(values) <= min(MAX_CATEGORIES, rows / 5)
    whole = numeric and all(float(value).is_integer() for value in values)
    if numeric and not (whole and few):
        if per_class:
            raise UsageError(
                f"{column} holds numbers, and no few whole ones that could be classes", ways={"model": "neuron"}
            )
        return _Task(Task.REGRESSION, (), f"{yaml_text(target)} is a number")
    if len(values) > max(MAX_CATEGORIES, rows // 2):
        raise DataError(f"{column} holds {len(values)} different texts in {rows} rows: no classes, and no numbers")
    if len(values) == 2 and not per_class:
        return _Task(Task.TWO_CLASSES, values, f"{yaml_text(target)} has two classes")
    if model is not None and not per_class:
        if not numeric:
            raise UsageError(
                f"{column} has {len(values)} classes, and a neuron tells two apart", ways={"model": "softmax"}
            )
        return _Task(Task.REGRESSION, (), f"{yaml_text(target)} is a number")
    remark = f"{yaml_text(target)} has {len(values)} classes"
    return _Task(Task.CLASSES, values, remark + ("; as a number: type: neuron, loss: mse" if numeric else ""))


def _distinct(table: Table, target: str) -> tuple[Class, ...]:
    """The different values of the target in natural order; of numbers at most one more than could be classes."""
    rows = np.flatnonzero(~table.missing(target))
    values = classes_of(table, target, rows) if len(rows) else []
    return tuple(values[: MAX_NUMBERS + 1] if table.is_numeric(target) else values)


def _order(classes: Sequence[Class]) -> Sequence[Class]:
    """Two classes with the positive one last: the one with a positive word, else the later one."""
    return sorted(classes, key=lambda label: class_text(label).casefold() in POSITIVE_WORDS)


def _columns(
    looks: Mapping[str, _Look], features: Mapping[str, _Look], target: str, target_gaps: int
) -> dict[str, Entry]:
    """The entries for the columns to leave out, the categories, and the missing cells."""
    entries = {}
    exclude = {name: look.useless for name, look in looks.items() if name != target and look.useless}
    if exclude:
        entries["data.exclude"] = Entry(tuple(exclude), "", exclude)
    categorical = {name: f"{look.distinct} values" for name, look in features.items() if not look.is_numeric}
    if categorical:
        entries["data.categorical"] = Entry(tuple(categorical), "", categorical)
    gaps = {
        name: "median" if look.is_numeric and not look.is_boolean else "most_frequent"
        for name, look in features.items()
        if look.gaps
    }
    remarks = {name: counted(features[name].gaps, "gap") for name in gaps}
    if target_gaps:
        gaps[target], remarks[target] = DROP, counted(target_gaps, "gap")
    if gaps:
        entries["data.missing"] = Entry(gaps, "", remarks)
    return entries


def _training(rows: int, n: float, largest: float, task: _Task) -> dict[str, Entry]:
    """The entries for learning rate, epochs and validation; ‖x‖² of the rows is n on average and `largest` at most."""
    size = int(KEYS["training.batch_size"].default)
    epochs = int(KEYS["training.epochs"].default)
    steps = -(-rows // size)
    rate = _learning_rate(task.task, n, largest / size, min(epochs * steps, MAX_STEPS))
    # Enough steps to come near the optimum, but few enough that a first training on a large table takes no minutes.
    needed = (25 if task.task is Task.REGRESSION else 100) / rate
    if epochs * steps < needed:
        epochs = min(2000, 100 * math.ceil(needed / steps / 100))
    elif epochs * steps > MAX_STEPS:
        epochs = max(10, MAX_STEPS // steps)
    entries = {"training.learning_rate": Entry(rate), "training.epochs": Entry(epochs)}
    if rows < max(MIN_ROWS, 2.5 * len(task.classes)):
        return entries | {"data.validation": Entry(None, "too few rows to hold some out")}
    return entries | {"data.validation": Entry(0.2)}


def _learning_rate(task: Task, n: float, largest: float, steps: int) -> float:
    """A learning rate of one significant digit, well below the bound 2/λ of stable descent on standardised features.

    λ, the largest curvature of a batch, is at most c times the mean of ‖x‖² + 1 over the batch, which is about n + 1
    plus the share `largest` of the largest row. c is 2 for mse and 1/4 for bce, whose slopes are bounded as well. With
    many `steps` the rate is lower, as it then ends nearer to the optimum.
    """
    if task is Task.REGRESSION:
        return _rounded_down(min(0.01, 0.5 / (n + 1 + largest)))
    return _rounded_down(min(0.1, 8 / (n + 1), max(0.01, 200 / steps)))


def _rounded_down(x: float) -> float:
    unit = 10.0 ** math.floor(math.log10(x))
    return float(f"{math.floor(x / unit * (1 + 1e-12)) * unit:.0e}")


def _largest_row(table: Table, features: Mapping[str, _Look]) -> float:
    """The largest ‖x‖² of a row after its numeric features are standardised."""
    total = np.zeros(table.rows)
    for name, look in features.items():
        if look.is_numeric:
            values = table.numeric(name).copy()
            gaps = np.isnan(values)
            center, sigma = mean_and_sigma(values[~gaps])
            standardize(values, center, sigma or 1.0)
            total += np.where(gaps, 0.0, values) ** 2
    return float(total.max())
