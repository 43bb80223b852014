"""Decides whether the first line of a text table is a header, or a row like those below it."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from bpcli.datasets.cells import DASH, MISSING, is_number, point_for_comma, to_booleans
from bpcli.datasets.formatted_numbers import read_cell

_SOME = 200  # cells of a column of text that are examined
_GAPS = MISSING | {DASH}

DATE = re.compile(
    r"\d{4}([-/.])\d{1,2}(\1\d{1,2})?(\D|$)|\d{1,2}([-/.])\d{1,2}\4\d{2,4}(\D|$)|\d{1,2}:\d{2}(\D|$)"
    r"|(\d{1,2}\.? )?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,? \d",
    re.IGNORECASE,
)
"""The beginning of a date, or of a time."""


class Sign(NamedTuple):
    """The evidence of a column on whether the name above it is a name or a cell.

    `is_text`: the column does not hold numbers, booleans, dates or formatted numbers. `could_be`: the name could be a
    cell, because it is of the column's kind, is missing, or occurs in the column. `of_kind`: the name is a boolean, a
    date or a formatted number above others of its kind.
    """

    is_text: bool
    could_be: bool
    of_kind: bool = False

    def merged(self, other: "Sign") -> "Sign":
        """The evidence of these rows and more rows of the column."""
        return Sign(self.is_text or other.is_text, self.could_be or other.could_be, self.of_kind)


def sign_of(name: str, column: Any, decimal: str) -> Sign:
    """The evidence of the cells of a column, numbers or text, on its name."""
    is_gap = name in _GAPS
    if not isinstance(column, list):
        return Sign(False, is_gap or _is_number(name, decimal))
    some = [cell for cell in column[:_SOME] if cell not in _GAPS]
    if not some or not _are_of_kind(some):
        return Sign(True, is_gap or name in column)
    like_others = not is_gap and _are_of_kind([name, *some])
    return Sign(False, is_gap or like_others or name in column, like_others and not _is_number(name, decimal))


def _is_number(name: str, decimal: str) -> bool:
    return is_number(point_for_comma(name) if decimal == "," else name)


def _are_of_kind(cells: Sequence[str]) -> bool:
    """Whether cells are all booleans, all dates, or all formatted numbers."""
    if to_booleans(cells) is not None or all(map(DATE.match, cells)):
        return True
    return any(all(read_cell(cell, mark) for cell in cells) for mark in ".,")


def looks_like_row(names: Sequence[str], columns: Sequence[Any], decimal: str) -> bool:
    """`are_row` for whole columns; columns of text are examined only if every name over numbers could be a cell."""
    cells = list(zip(names, columns, strict=True))
    if not all(isinstance(column, list) or sign_of(name, column, decimal).could_be for name, column in cells):
        return False
    return are_row(names, [sign_of(name, column, decimal) for name, column in cells], decimal)


def are_row(names: Sequence[str], signs: Sequence[Sign], decimal: str) -> bool:
    """Whether names (an empty one where there is none) look like a row of the columns below them.

    They do not if all are missing words, if they are 0, 1, 2, … or 1, 2, 3, … over columns without text, or if a name
    stands over cells of another kind. Otherwise they do if each could be a cell. As a text may occur only once in its
    column, such as a person's name, it is enough that

    - one name is a boolean, a date or a formatted number, as the cells of its column are,
    - beside columns of numbers, one text also occurs in its column; without them, more than half do,
    - or the names over numbers can't be names: two are equal, one is a missing word, or there are decimals that are
      not in order (wavelengths are).
    """
    if _GAPS.issuperset(names) or (are_counted(names) and not any(sign.is_text for sign in signs)):
        return False
    known = list(zip(names, signs, strict=True))
    if not all(sign.could_be or sign.is_text for sign in signs):
        return False
    if all(sign.could_be for sign in signs) or any(sign.of_kind for sign in signs):
        return True
    stand = sum(sign.is_text and sign.could_be and name not in _GAPS for name, sign in known)
    # The first name may be empty: that of the column of row names.
    over_numbers = [name for j, (name, sign) in enumerate(known) if (name or j) and not sign.is_text]
    if not over_numbers:
        return 2 * stand > len(names)
    return stand > 0 or _are_no_names(over_numbers, decimal)


def are_counted(names: Sequence[str]) -> bool:
    """Whether names only count, 0, 1, 2, … or 1, 2, 3, …, as programs write for lack of names; the first may be ""."""
    counted = list(names[names[:1] == [""] :])
    return any(counted == [str(first + j) for j in range(len(counted))] for first in (0, 1))


def in_order(numbers: Sequence[float]) -> bool:
    """Whether each number is larger than the one before, or each smaller."""
    return list(numbers) in (sorted({*numbers}), sorted({*numbers}, reverse=True))


def _are_no_names(cells: Sequence[str], decimal: str) -> bool:
    """Whether cells, numbers or missing words, can't be names of columns."""
    if len({*cells}) < len(cells) or not _GAPS.isdisjoint(cells):
        return True
    numbers = [float(point_for_comma(cell) if decimal == "," else cell) for cell in cells if _is_number(cell, decimal)]
    return not in_order(numbers) and not all(map(str.isdecimal, cells))
