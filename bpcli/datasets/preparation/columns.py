"""A column as training has learned it, and the numbers of its categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.table import Table, is_number

Array = NDArray[Any]


@dataclass(frozen=True)
class Column:
    """A source column: its categories if it is one-hot encoded, what to do with a gap and what to fill it with."""

    name: str
    categories: tuple[str, ...] | None
    missing: str
    fill: float | str | None


def category_codes(table: Table, column: Column, unseen: dict[str, set[str]]) -> Array:
    """The number of each row's category, −1 where training has not seen it; `unseen` gets such categories."""
    categories = column.categories or ()
    codes: dict[str, int] = {category: code for code, category in enumerate(categories)}
    filled = codes.get(str(column.fill), -1)
    numbers, words = _by_number(categories), table.words(column.name)
    for cell in set(table.text(column.name)) - codes.keys():
        if cell in words:
            codes[cell] = filled
        else:
            codes[cell] = numbers.get(float(cell), -1) if is_number(cell) else -1
            if codes[cell] < 0:
                unseen.setdefault(column.name, set()).add(cell)
    return np.fromiter(map(codes.__getitem__, table.text(column.name)), np.intp, table.rows)


def _by_number(categories: Sequence[str]) -> dict[float, int]:
    """Codes of categories that are numbers, unless two are equal: programs write 1 as 1.0 in a column with gaps."""
    values = [float(category) if is_number(category) else None for category in categories]
    return {value: code for code, value in enumerate(values) if value is not None and values.count(value) == 1}
