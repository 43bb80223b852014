"""Detects the delimiter between the cells of a text table from its first lines."""

import csv
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from bpcli import csv_lines
from bpcli.datasets.cells import is_number
from bpcli.datasets.dialect import AUTO, DELIMITERS, WHITESPACE
from bpcli.datasets.readers.text_file import blanks_as_tabs
from bpcli.errors import DataError

_MOST = 200  # records that are examined
_FEW = 10  # lines that are examined if only the usual delimiter occurs
_QUOTED = re.compile(r'(?:(?<=[,;\t| \r\n])|^)"(?:[^"]++|"")*+"', re.MULTILINE)
_WITH_COMMA = re.compile(r"[-+]?[0-9. ]*[0-9]?,[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_GROUPED = re.compile(r"[-+]?[0-9]{1,3}(?: [0-9]{3})+(?:[.,][0-9]+)?")


class Form(NamedTuple):
    """How lines are split into cells: the delimiter, the number of columns, and whether lines end with a delimiter.

    `row_names`: the header has no name for the first column, as R writes it.
    """

    delimiter: str
    width: int = 0
    trailing: bool = False
    row_names: bool = False


class _Fit:
    """How well a delimiter fits: its form, and the share of the rows that have as many cells as the first."""

    def __init__(self, lines: Sequence[str], whole: bool, delimiter: str) -> None:
        self._records, sound = records_of(lines, whole, delimiter)
        rows = self._records[1:]
        self.form = form = _form(delimiter, self._records[0], rows) if self._records else Form(delimiter)
        fitting = sum(len(row) == form.width + form.trailing and not (form.trailing and row[-1]) for row in rows)
        self.share = (fitting + 1 + sound) / (len(rows) + 2)

    @property
    def clean(self) -> bool:
        """Whether no other delimiter would split a cell."""
        return all(_is_clean(cell, self.form.delimiter) for record in self._records for cell in record)

    @property
    def has_numbers(self) -> bool:
        """Whether at least one column is numeric."""
        columns = zip(*self._records[1:], strict=False)
        return any(all(map(_could_be_number, column)) for column in columns)


def find_form(path: Path, lines: Sequence[str], whole: bool, delimiter: str, usual: str) -> Form:
    """The form of the table that begins with these lines, or, if they are the `whole` table, consists of them.

    `auto` looks for the delimiter that splits every row into as many cells as the first, two or more, none of which
    another delimiter would split; if there is none, it takes `usual`. DataError with both readings if two fit.
    """
    if delimiter != AUTO:
        return _Fit(lines, whole, delimiter).form
    text = "".join(lines)
    masked = _QUOTED.sub(_masked, text).splitlines(keepends=True) if '"' in text else lines
    first = next((line for line in masked if line.strip("\r\n")), "")
    there = [one for one in DELIMITERS if one in first] + [WHITESPACE] * (len(first.split()) > 1)
    if there in ([], [usual]):
        return _Fit(masked[:_FEW], False, usual).form
    fits = [_Fit(masked, whole, found) for found in dict.fromkeys([usual, *there])]
    wide = [fit for fit in fits if fit.form.width > 1 and (fit.form.delimiter != WHITESPACE or fit.has_numbers)]
    full = [fit for fit in wide if fit.share == 1]
    full = [fit for fit in full if not fit.form.row_names] or full
    for tabs in [fit for fit in full if fit.form.delimiter == "\t"]:
        # Blanks would split the same cells as tabs do, or split cells of several words.
        full = [
            f for f in full if f.form.delimiter != WHITESPACE or not (tabs.clean or f.form.width == tabs.form.width)
        ]
    found = [fit for fit in full if fit.clean] if len(full) > 1 else full
    if len(found) == 1 or (found and found[0] is fits[0]):
        return found[0].form
    if len(full) > 1 and usual == "\t" and full[0] is fits[0]:
        return full[0].form  # the extension says tabs, which cells do not have, while commas may be part of a text
    if len(full) > 1:
        both = [fit.form.delimiter for fit in full[:2]]
        shown = [f"{delimiter_in_words(one)}: {_first_row(masked, one)}" for one in both]
        raise DataError(
            f"{path}: the cells could be separated by {', or by '.join(shown)}",
            " or ".join(f"data.delimiter: {_quoted(one)}" for one in both),
        )
    mostly = [fit for fit in wide if fit.share > 0.5]
    return max(mostly, key=lambda fit: fit.share).form if mostly else fits[0].form


def delimiter_in_words(delimiter: str) -> str:
    """The name of a delimiter in messages."""
    return DELIMITERS.get(delimiter, repr(delimiter))


def _masked(found: re.Match[str]) -> str:
    """A quoted cell with its text replaced if that has characters that could be taken for delimiters."""
    return '"q"' if any(c in found[0] for c in ",;\t| \r\n") else found[0]


def records_of(lines: Sequence[str], whole: bool, delimiter: str) -> tuple[list[list[str]], bool]:
    """The records of the lines up to a misplaced quote, and whether there was no such quote."""
    blanks = delimiter == WHITESPACE
    reader = csv_lines.reader(
        map(blanks_as_tabs, lines) if blanks else lines,
        delimiter="\t" if blanks else delimiter,
        strict=True,
        skipinitialspace=True,
    )
    records: list[list[str]] = []
    try:
        for record in islice(filter(None, reader), _MOST):
            records.append([cell.strip() for cell in record])
    except csv.Error as error:
        return records, not whole and "end of data" in str(error)  # a quoted cell that goes on after these lines
    return records, True


def _form(delimiter: str, first: Sequence[str], rows: Sequence[Sequence[str]]) -> Form:
    """The form of a table with this first row, which may be a header, and these other rows."""
    named = len(first) - (len(first) > 1 and not first[-1])
    if rows and named > 1 and len(rows[0]) == named + 1 and not rows[0][-1]:
        return Form(delimiter, named, True)
    if named > 1 and len(rows) > 1 and all(len(row) == len(first) + 1 for row in rows) and _name_rows(rows):
        return Form(delimiter, len(first) + 1, row_names=True)
    # If only the first row ends with a delimiter, the last column has no name.
    return Form(delimiter, named if rows and len(rows[0]) == named else len(first))


def _name_rows(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first cells are names of rows: all different, text or ascending integers, with numbers after them."""
    names = [row[0] for row in rows]
    counted = [int(name) for name in names if name.isdecimal() and len(name) < 19]
    if len({*names}) < len(names) or not any(map(is_number, rows[0][1:])):
        return False
    return not any(map(is_number, names)) or (len(counted) == len(names) and counted == sorted(counted))


def _could_be_number(cell: str) -> bool:
    return not cell or is_number(cell) or bool(_WITH_COMMA.fullmatch(cell))


def _is_clean(cell: str, delimiter: str) -> bool:
    """Whether no other delimiter would split the cell."""
    if any(c in cell and c != delimiter for c in ";\t|"):
        return False
    if delimiter != "," and "," in cell and not _WITH_COMMA.fullmatch(cell):
        return False
    words = cell.split()
    return len(words) < 2 or not all(map(is_number, words)) or bool(_GROUPED.fullmatch(cell))


def _first_row(lines: Sequence[str], delimiter: str) -> str:
    return "[" + "] [".join(records_of(lines[:2], True, delimiter)[0][-1][:4]) + "]"


def _quoted(delimiter: str) -> str:
    return delimiter if delimiter.isalpha() else f'"{delimiter}"'.replace("\t", "\\t")
