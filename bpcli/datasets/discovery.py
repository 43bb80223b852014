"""Finds the dialect of a table for `init`, which writes a config to start from.

Where training would ask (is this line a header? is 1.234 a thousand?), the likely reading is taken, and noted.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bpcli.datasets.cells import DASH, MISSING, is_number
from bpcli.datasets.dialect import AUTO, Dialect
from bpcli.datasets.formatted_numbers import UndecidedError, read_cell, style_of
from bpcli.datasets.meaning import decided_numbers, decided_words, refuse_thousands, with_numbers, with_words
from bpcli.datasets.reading import Files, read_files
from bpcli.datasets.sparse import SparseTable
from bpcli.datasets.table import Table
from bpcli.errors import DataError, OpenReadingError, several

_GAPS = {
    "missing",
    "unknown",
    "n.a.",
    "nil",
    "none",
    "null",
    "undefined",
    "(null)",
    "\\n",
    "#ref!",
    "#div/0!",
    "#value!",
}
_TOTAL = re.compile(
    r"(grand |sub|overall )?(totals?|sums?|summen?|(ins)?gesamt|somme|suma|averages?|means?|mittelwert|durchschnitt"
    r"|moyenne)\b.{0,9}",
    re.IGNORECASE,
)
_FEWEST = 8
"""With fewer rows the last may be the sum of the others by chance."""
_MOSTLY = 0.8
"""The least share of a column's non-numeric cells that have to read as formatted numbers for it to be such a column."""


def discovered(files: Files, target: str | None = None) -> tuple[Table, Dialect, list[str]]:
    """The table in the files, the dialect that a config has to give for it, and notes on anything unusual.

    Errors as `read_files`.
    """
    notes: list[str] = []
    first: DataError | None = None
    while True:
        try:
            table = read_files(files)
            break
        except OpenReadingError as error:  # may come a few times: for comments, a missing header, thousands
            way: dict[str, Any] = error.way
            if "numbers" in way:
                way = {"numbers": {**_known_numbers(files.dialect), **way["numbers"]}}
            files, first = replace(files, dialect=replace(files.dialect, **way)), first or error
            notes.append(error.note)
        except DataError as error:
            raise first or error from None
    if isinstance(table, SparseTable):
        return table, files.dialect, notes
    _refuse_second_header(table)
    _refuse_totals(table)
    over_numbers = [name for name in table.names if table.is_numeric(name)]
    named_so = [name for name in over_numbers if is_number(name)]
    decimals = [name for name in named_so if not name.isdecimal()]
    # A column may be called 1990, but hardly 18.0. Where more columns have such names, they may be wavelengths.
    if decimals and len(named_so) < 3 and 2 * len(named_so) > len(over_numbers) and files.dialect.header == AUTO:
        files = replace(files, dialect=replace(files.dialect, header="no"))
        notes.append(f"{table.path}: the first line is read as a row, as {decimals[0]} is no name (data.header: no)")
        table = read_files(files)
    dialect, notes = files.dialect, [*table.notes, *notes]
    text = [name for name in table.names if not table.is_numeric(name)]
    last = table.names[-1]
    if target is None and last in text and len({*table.text(last)} - table.words(last)) == 1:
        target = last  # with a single value beside missing cells it can only be the target, of which None is a label
    word_notes = decide_words(table, text, target)
    numbers, gaps, number_notes = _formatted_columns(table, text)
    if gaps:
        dialect = replace(dialect, missing_words=gaps)
    known = _known_numbers(dialect)
    dialect = replace(dialect, numbers=known | {name: {} for name in numbers} if known else numbers)
    decided = decided_numbers(with_words(table, dialect), dialect)
    try:
        refuse_thousands(table, replace(dialect, numbers=decided.numbers), lambda: [table])
    except OpenReadingError as error:
        dialect = replace(dialect, numbers={name: {} for name in numbers} | known | error.way["numbers"])
        decided = decided_numbers(with_words(table, dialect), dialect)
        notes.append(error.note)
    return with_numbers(table, decided), dialect, [*notes, *word_notes, *number_notes]


def decide_words(table: Table, names: Iterable[str], target: str | None) -> list[str]:
    """Decide in which of the columns NA or None is a value rather than missing; `target` may be one. Returns notes."""
    words, notes = decided_words(table, names, target)
    table.missing_words |= {name: frozenset(found) for name, found in words.items()}
    return notes


def _known_numbers(dialect: Dialect) -> dict[str, Mapping[str, str]]:
    """The columns of formatted numbers whose decimal mark or unit is already decided."""
    return dict(dialect.numbers) if isinstance(dialect.numbers, Mapping) else {}


def _refuse_second_header(table: Table) -> None:
    """DataError if the first row has words in two or more columns that are numbers otherwise."""
    words = []
    for name in table.names if table.rows > 2 else ():
        if not table.is_numeric(name):
            first, *below = table.text(name)
            gaps = table.number_gaps(name)
            if first not in gaps and not table.reads(first) and all(c in gaps or table.reads(c) for c in below):
                words.append(first)
    if len(words) > 1:
        raise DataError(
            f"{table.where(0)}: the first row looks like names or units over numbers ({several(words, 6)})",
            _without(table, 0, "take it out, or what stands above it"),
        )


def _refuse_totals(table: Table) -> None:
    """DataError if the last row holds totals: one of its cells says so, or is the sum of the cells above it."""
    row = table.rows - 1
    found = [name for name in table.names if table.rows > 2 and _is_total(table, name)]
    if found:
        column = f"{found[0]}: {table.text(found[0])[row]}"
        raise DataError(
            f"{table.where(row)}: the last row looks like totals or means of the others ({column})",
            _without(table, row, "take it out"),
        )


def _is_total(table: Table, name: str) -> bool:
    """Whether the last cell of a column, and no other, is a word for a total, or the sum of all others."""
    if not table.is_numeric(name):
        cells = table.text(name)
        return bool(_TOTAL.fullmatch(cells[-1])) and cells.count(cells[-1]) == 1
    values = table.numeric(name)
    others, last = values[:-1][~np.isnan(values[:-1])], values[-1]
    larger = np.count_nonzero(others) >= _FEWEST - 1 and abs(last) > np.abs(others).max()
    return bool(larger) and math.isclose(math.fsum(others), last, rel_tol=1e-12)


def _without(table: Table, row: int, what: str) -> str:
    """The advice to take a row out, with the command to type if the line of the row is known."""
    line = table.where(row).rpartition(":")[2]
    return f"{what}: sed {line}d FILE > NEW" if line.isdecimal() else what


def _is_gap(word: str) -> bool:
    """Whether a word in a column of numbers means missing: `.`, `--`, `*`, `missing`, or Stata's `.a` to `.z`."""
    return word.casefold() in _GAPS or not any(map(str.isalnum, word)) or bool(re.fullmatch(r"\.[a-z]", word))


def _formatted_columns(table: Table, names: list[str]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]], list[str]]:
    """The columns of formatted numbers, the missing words of columns whose other cells do not read, and notes."""
    numbers: list[str] = []
    gaps: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    for name in names:
        cells = [cell for cell in table.text(name) if cell not in table.words(name) and cell != DASH]
        words = [cell for cell in cells if not table.reads(cell)]
        read = {cell: None for cell in cells if any(read_cell(cell, mark) for mark in ".,")}
        odd = [cell for cell in words if cell not in read]
        column = f"{table.path}: column {name}"
        marks = {*words}
        if words and len(words) < len(cells) and all(map(_is_gap, marks)):
            gaps[name] = tuple(sorted({*({*table.text(name)} & (MISSING | {DASH})), *marks}))
            shown = ", ".join(map(repr, sorted(marks)))
            notes.append(f"{column}: {shown} counts as a gap among numbers (data.missing_words)")
            continue
        if len(odd) > (1 - _MOSTLY) * len(words) or not words:
            continue
        try:
            style_of(read, ())
        except UndecidedError as error:
            way = (
                f'data.numbers: {{{name}: {{decimal: "."}}}} or "," says which' if error.both else "mend them to use it"
            )
            notes.append(f"{column}: {error}; {way}")
            continue
        numbers.append(name)
        if odd:
            gaps[name] = tuple(sorted({*({*table.text(name)} & (MISSING | {DASH})), *odd}))
            shown = ", ".join(map(repr, dict.fromkeys(odd[:3])))
            notes.append(
                f"{column}: {len(odd)} of {len(cells)} cells do not read as numbers: {shown}; they count as gaps"
            )
        example = next(cell for cell in words if cell in read)
        notes.append(f"{column}: numbers such as {example} (data.numbers)")
    return tuple(numbers), gaps, notes
