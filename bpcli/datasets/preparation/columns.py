"""A prepared column: its categories or fill value, learned from the training rows, and the codes of categories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.cells import BOOLEANS, exact_number, is_number
from bpcli.datasets.table import Table

Array = NDArray[Any]


@dataclass(frozen=True)
class Column:
    """A column of the table: its categories if it is one-hot encoded, the strategy for missing cells, and their fill.

    `boolean`: its cells were true and false in the training rows.
    """

    name: str
    categories: tuple[str, ...] | None
    missing: str
    fill: float | str | None
    boolean: bool = False


def category_codes(table: Table, column: Column, unseen: dict[str, set[str]]) -> Array:
    """The code of each row's category, (N,); −1 for one not seen in training, which is added to `unseen`."""
    categories = column.categories or ()
    codes: dict[str, int] = {category: code for code, category in enumerate(categories)}
    filled = codes.get(str(column.fill), -1)
    numbers, words = by_number(categories), table.words(column.name)
    for cell in set(table.text(column.name)) - codes.keys():
        if cell in words:
            codes[cell] = filled
        else:
            codes[cell] = _code(cell, codes, numbers)
            if codes[cell] < 0:
                unseen.setdefault(column.name, set()).add(cell)
    return np.fromiter(map(codes.__getitem__, table.text(column.name)), np.intp, table.rows)


def _code(cell: str, codes: Mapping[str, int], numbers: Mapping[int | float, int]) -> int:
    """The code of a category that is written differently (True for true or 1, 1.0 for 1); −1 if there is none."""
    truth = BOOLEANS.get(cell.lower())
    if truth is not None:
        return codes.get(cell.lower(), numbers.get(truth, -1))
    return numbers.get(exact_number(cell), -1) if is_number(cell) else -1


def by_number(categories: Sequence[str]) -> dict[int | float, int]:
    """The codes of the categories that are numbers, by number, except of equal ones such as 1 and 1.0.

    Needed because programs write 1 as 1.0 in a column with missing cells.
    """
    values = [exact_number(category) if is_number(category) else None for category in categories]
    return {value: code for code, value in enumerate(values) if value is not None and values.count(value) == 1}
