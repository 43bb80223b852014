"""The classes of a target column, and the class number of each label."""

import math
import re
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.cells import BOOLEANS, exact_number, is_number, no_number
from bpcli.datasets.dense import taken
from bpcli.datasets.meaning import refuse_other_decimal
from bpcli.datasets.share import in_all_processes, total
from bpcli.datasets.table import Table
from bpcli.errors import DataError, meant, several
from bpcli.formulas.choices import Task
from bpcli.text.natural_order import natural_key
from bpcli.text.notation import number

Array = NDArray[Any]
_INFINITE = re.compile(r"[-+]?inf(inity)?", re.IGNORECASE)

Class = str | float | int
"""The name of a class: text, or a number, which is an int if it is whole and too large for a double to be exact."""

_BLOCK = 1 << 14  # labels of a block: few enough to stay in the cache

MAX_NUMBERS = 1000
"""A numeric target with more different values than this is not a target of classes."""


def class_text(label: Class) -> str:
    """A class as text, a number as it prints."""
    return label if isinstance(label, str) else number(label)


def fit_classes(
    table: Table, target: str, task: Task, loss: str, positive: Class | None, rows: Array
) -> tuple[Class, ...] | None:
    """The classes among `rows` in natural order, the `positive` one of two last; None for a regression.

    They are numbers if every label is a number (`1` is `1.0`), else text; booleans are `false` and `true`. DataError if
    the target does not fit the task of `loss`.
    """
    if task is Task.REGRESSION:
        if not table.is_numeric(target):
            refuse_other_decimal(table, target)
            row, cell = table.first_not_numeric(target)
            raise DataError(
                f"{table.where(row, target)}: {no_number(cell)}, and loss {loss} needs a number as target",
                "for classes: model.type: softmax with loss: cce, or activation: sigmoid with loss: bce",
            )
        return None
    classes = classes_of(table, target, rows)
    numeric = not isinstance(classes[0], str)
    column = f"{table.path}: column {target}"
    if len(classes) == 1:
        raise DataError(f"{column}: every training row is {class_text(classes[0])}; there is nothing to learn")
    every = total(table.share, len(rows))
    if len(classes) > max(20, every // 2) or (numeric and len(classes) > MAX_NUMBERS):
        raise DataError(
            f"{column} has {len(classes)} different {'numbers' if numeric else 'labels'} in {every} training rows",
            "to predict a number: model.type: neuron with loss: mse" if numeric else "is it the target (data.target)?",
        )
    return _binary(column, loss, classes, positive) if task is Task.TWO_CLASSES else tuple(classes)


def classes_of(table: Table, target: str, rows: Array) -> list[Class]:
    """The different labels of `rows`, in natural order."""
    if _in_doubles(table, target):
        of_shares = table.share.gathered(_distinct(taken(table.numeric(target), rows)))
        return list(np.unique(np.concatenate(of_shares)).tolist())
    found = {*chain.from_iterable(table.share.gathered({*_labels(table, target, rows)}))}
    _refuse_infinite(table, target, found)
    return sorted(found, key=lambda label: natural_key(label) if isinstance(label, str) else label)


def _refuse_infinite(table: Table, target: str, labels: set[Class]) -> None:
    """DataError if one label is infinite and all others are numbers, as they would be taken for text."""
    infinite = [word for word in map(class_text, labels) if _INFINITE.fullmatch(word)]
    others = {*map(class_text, labels)} - {*infinite}
    if infinite and others and all(map(is_number, others)):
        where = table.where(
            next((row for row, cell in enumerate(table.text(target)) if cell == infinite[0]), 0), target
        )
        raise DataError(
            f"{where}: {infinite[0]} is not a finite number", "if it is a gap: data.missing_words and data.missing"
        )


def _distinct(values: Array) -> Array:
    """The different values in ascending order; if there are few, without sorting all values."""
    found = np.empty(0)
    for first in range(0, len(values), _BLOCK):
        block = values[first : first + _BLOCK]
        if len(found) > MAX_NUMBERS:
            return np.unique(values)
        if not len(found) or not np.array_equal(found.take(np.searchsorted(found, block), mode="clip"), block):
            found = np.unique(np.concatenate([found, block]))
    return found


def label_codes(table: Table, target: str) -> Array:
    """The index of each row's label among the sorted different labels, (N,), for a stratified split."""
    every = np.arange(table.rows)
    if _in_doubles(table, target):
        labels_of_shares = table.share.gathered(np.unique(table.numeric(target)))
        return np.searchsorted(np.unique(np.concatenate(labels_of_shares)), table.numeric(target))
    labels = _labels(table, target, every)
    labels = [math.nan if label != label else label for label in labels]
    every_label = chain.from_iterable(table.share.gathered({*labels}))
    distinct = {math.nan if label != label else label for label in every_label}
    codes = {label: code for code, label in enumerate(sorted(distinct, key=lambda x: (x != x, x)))}  # gaps last
    return np.array([codes[label] for label in labels], np.intp)


def encode(table: Table, target: str, classes: Sequence[Class], rows: Array) -> Array:
    """The class number of each of `rows`, (N,); DataError with the place of a label that is no class."""
    if _in_doubles(table, target) and all(isinstance(label, float) for label in classes):
        found_by_number = _encode_numbers(taken(table.numeric(target), rows), classes)
        if found_by_number is not None:
            return found_by_number
    if isinstance(classes[0], str):
        cells = table.text(target)
        labels: list[Class] = [cells[row] for row in rows.tolist()]
    else:
        labels = _labels(table, target, rows)
    codes = {label: code_of(label, classes) for label in {*labels}}
    found = [codes[label] for label in labels]
    if None in found:
        at = found.index(None)
        raise DataError(
            f"{table.where(int(rows[at]), target)}: the label {class_text(labels[at])!r} is none of the classes",
            f"the classes of the training rows are {_shown(classes)}",
        )
    return np.array(found, np.intp)


def _encode_numbers(labels: Array, classes: Sequence[Class]) -> Array | None:
    """The class number of each numeric label, (N,); None if one is no class."""
    numbers = np.array(classes, np.float64)
    order, found = np.argsort(numbers), np.empty(len(labels), np.intp)
    for first in range(0, len(labels), _BLOCK):
        block = labels[first : first + _BLOCK]
        codes = order[np.minimum(np.searchsorted(numbers[order], block), len(numbers) - 1)]
        if not np.array_equal(numbers[codes], block):
            return None
        found[first : first + _BLOCK] = codes
    return found


def _in_doubles(table: Table, target: str) -> bool:
    """Whether the labels are numbers that doubles represent exactly."""
    if not table.is_numeric(target) or table.is_boolean(target):
        return False
    return table.in_doubles(target)


def _labels(table: Table, target: str, rows: Array) -> list[Class]:
    """The label of each of `rows`: numbers of any length if the whole column is numeric, else text; booleans in lower
    case."""
    if table.is_numeric(target) and not table.is_boolean(target):
        numbers = table.exact(target)
        return [numbers[row] for row in rows.tolist()]
    cells = table.text(target)
    chosen = [cells[row] for row in rows.tolist()]
    if table.is_boolean(target):
        return [cell.lower() for cell in chosen]
    try:
        numbers_of_text: list[Class] | None = [exact_number(cell) for cell in chosen]  # whole numbers beyond 1.8e308
    except ValueError:
        numbers_of_text = None
    are_numbers = in_all_processes(table.share, numbers_of_text is not None)
    return [*chosen] if numbers_of_text is None or not are_numbers else numbers_of_text


def code_of(label: Class, classes: Sequence[Class]) -> int | None:
    """The number of the class that a label, or a class name in a config, stands for; None if there is none.

    The text "1" also stands for the class 1, and the number 1 for the class "1"; `True` stands for the class `true`, or
    for 1 if the classes are 0 and 1.
    """
    word = class_text(label)
    names: list[Class] = [label, word]
    if word.lower() in BOOLEANS:
        names += [word.lower(), *([BOOLEANS[word.lower()]] if {*classes} == {0, 1} else [])]
    elif is_number(word):
        names.append(exact_number(word))
    return next((classes.index(name) for name in names if name in classes), None)


def _binary(column: str, loss: str, classes: list[Class], positive: Class | None) -> tuple[Class, ...]:
    if len(classes) != 2:
        raise DataError(
            f"{column} has {len(classes)} classes ({_shown(classes)}), and loss {loss} needs two",
            "for more: model.type: softmax with loss: cce",
        )
    if positive is None:
        return tuple(classes)
    chosen = code_of(positive, classes)
    if chosen is None:
        raise DataError(
            f"{column} has no class {class_text(positive)} that data.positive names",
            meant(class_text(positive), map(class_text, classes), f"its classes are {_shown(classes)}"),
        )
    return tuple(sorted(classes, key=lambda label: label == classes[chosen]))


def _shown(classes: Sequence[Class]) -> str:
    return several(map(class_text, classes), 10)
