"""The target's labels and the classes they stand for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.table import Table
from bpcli.errors import DataError, meant
from bpcli.formulas.choices import Task
from bpcli.text.natural_order import natural_key
from bpcli.text.notation import number

Array = NDArray[Any]
Class = str | float

MAX_NUMBERS = 1000
"""A target with more different numbers than this has no classes."""


def class_text(label: Class) -> str:
    """A class as text, a number as it prints."""
    return label if isinstance(label, str) else number(label)


def fit_classes(
    table: Table, target: str, task: Task, loss: str, positive: Class | None, rows: Array
) -> tuple[Class, ...] | None:
    """The classes among `rows`, in natural order, of two the positive one last; None for a regression.

    They are numbers if every label is one (`1` is `1.0`), else text. DataError where the target does not fit the task
    of `loss`.
    """
    if task is Task.REGRESSION:
        if not table.is_numeric(target):
            row, cell = table.first_not_numeric(target)
            raise DataError(
                f"{table.where(row, target)}: {cell!r} is not a number, and loss {loss} needs a number as target",
                "for classes: model.type: softmax with loss: cce, or activation: sigmoid with loss: bce",
            )
        return None
    numeric = table.is_numeric(target)
    if numeric:
        classes: list[Class] = list(np.unique(table.numeric(target)[rows]).tolist())
    else:
        classes = sorted({*_labels(table, target, numeric, rows)}, key=_order)
    column = f"{table.path}: column {target}"
    if len(classes) == 1:
        raise DataError(f"{column}: every training row is {class_text(classes[0])}; there is nothing to learn")
    if len(classes) > max(20, len(rows) // 2) or (numeric and len(classes) > MAX_NUMBERS):
        raise DataError(
            f"{column} has {len(classes)} different {'numbers' if numeric else 'labels'} in {len(rows)} training rows",
            "to predict a number: model.type: neuron with loss: mse" if numeric else "is it the target (data.target)?",
        )
    return _binary(column, loss, classes, positive) if task is Task.TWO_CLASSES else tuple(classes)


def encode(table: Table, target: str, classes: Sequence[Class], rows: Array) -> Array:
    """The class number of each of `rows`; DataError with the place of a label that is no class."""
    if table.is_numeric(target) and not isinstance(classes[0], str):
        found_by_number = _encode_numbers(table.numeric(target)[rows], classes)
        if found_by_number is not None:
            return found_by_number
    codes = {label: code for code, label in enumerate(classes)}
    labels = _labels(table, target, not isinstance(classes[0], str), rows)
    found = [codes.get(label, -1) for label in labels]
    if -1 in found:
        at = found.index(-1)
        raise DataError(
            f"{table.where(int(rows[at]), target)}: {class_text(labels[at])!r} is no class that the training rows have",
            f"the classes are {_shown(classes)}",
        )
    return np.array(found, np.intp)


def _encode_numbers(labels: Array, classes: Sequence[Class]) -> Array | None:
    """The class number of each label, by NumPy alone; None if one is no class."""
    numbers = np.array(classes, np.float64)
    order = np.argsort(numbers)
    places = np.minimum(np.searchsorted(numbers[order], labels), len(numbers) - 1)
    found = order[places]
    return found if np.array_equal(numbers[found], labels) else None


def _order(label: Class) -> Any:
    return natural_key(label) if isinstance(label, str) else label


def _labels(table: Table, target: str, numeric: bool, rows: Array) -> list[Class]:
    if numeric and table.is_numeric(target):
        return list(table.numeric(target)[rows].tolist())
    cells = table.text(target)
    return [as_class(cells[row], numeric) for row in rows.tolist()]


def as_class(value: Class, numeric: bool) -> Class:
    """A label as the classes hold it: where they are `numeric`, a number if it is one; else its text."""
    if not numeric:
        return class_text(value)
    try:
        return float(value)
    except ValueError:
        return value


def _binary(column: str, loss: str, classes: list[Class], positive: Class | None) -> tuple[Class, ...]:
    if len(classes) != 2:
        raise DataError(
            f"{column} has {len(classes)} classes ({_shown(classes)}), and loss {loss} needs two",
            "for more: model.type: softmax with loss: cce",
        )
    if positive is None:
        return tuple(classes)
    chosen = as_class(positive, not isinstance(classes[0], str))
    if chosen not in classes:
        raise DataError(
            f"{column} has no class {class_text(positive)} that data.positive names",
            meant(class_text(positive), map(class_text, classes), f"its classes are {_shown(classes)}"),
        )
    return tuple(sorted(classes, key=lambda label: label == chosen))


def _shown(classes: Sequence[Class]) -> str:
    return ", ".join(map(class_text, classes[:10])) + (" …" if len(classes) > 10 else "")
