"""The header of a text table: names for unnamed columns, a title or comments above it, and a repeated header."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bpcli.datasets.cells import DASH, MISSING, is_number
from bpcli.datasets.dialect import AUTO, DELIMITERS, WHITESPACE
from bpcli.datasets.readers.delimiters import find_form, records_of
from bpcli.datasets.readers.first_row import in_order
from bpcli.errors import DataError, OpenReadingError, several

_MARKS = "#%|!;/*"
"""Characters that may begin a comment."""

_OTHERS = "~^:¦§\x01\x1f"
"""Rare delimiters, which are suggested but not detected."""

_GAP = re.compile(r"\S {2,}\S.* {2,}\S")
_GAPS = MISSING | {DASH}
_MOST_ABOVE = 20  # lines of a title

FIXED_WIDTH = "pandas.read_fwf(FILE).to_csv(…, index=False) writes columns of a fixed width as CSV"
"""The advice for columns of a fixed width, which no delimiter separates."""


def named(names: Sequence[str]) -> list[str]:
    """The names; an empty one becomes `Unnamed: j`, with its position j, as in pandas."""
    found: list[str] = []
    for j, name in enumerate(names):
        name, again = name or f"Unnamed: {j}", 0
        while names[j] == "" and (name in names or name in found):
            again += 1
            name = f"Unnamed: {j}.{again}"
        found.append(name)
    return found


def title_above(path: Path, lines: Sequence[str], usual: str) -> DataError | None:
    """The error for a title above the header, if these first lines show one, else None.

    The header is the first line that consists of names and has as many cells as each line below it.
    """
    best: tuple[int, list[str]] | None = None
    filled = [line.lstrip() for line in lines if line.strip()]
    mark = filled[0][0] if filled and filled[0][0] in _MARKS else ""
    plain = [(at, line) for at, line in enumerate(lines, 1) if not (mark and line.lstrip().startswith(mark))]
    for delimiter in dict.fromkeys([usual, *DELIMITERS]):
        rows = [(at, cells) for at, line in plain for cells in _cells(line, delimiter)]
        width = len(rows[-1][1]) if rows else 0
        if delimiter == mark and any(len(cells) == width for cells in _cells(filled[0], mark)):
            return None  # the first name is empty
        for k, (at, names) in enumerate(rows[:_MOST_ABOVE] if width > 1 and len(rows) > 3 else []):
            written = names[: len(names) - (not names[-1])]  # lines may end with a delimiter
            if len(names) == width and all(written[1:]) and not _are_cells(written):
                below = [cells for _, cells in rows[k + 1 :]]
                alike = len(below) > 1 and all(len(cells) == width for cells in below) and names not in below
                # Lines of words separated by blanks are a table only if some column is numeric.
                words = delimiter == WHITESPACE and not any(all(map(is_number, c)) for c in zip(*below, strict=False))
                if alike and not words and (best is None or at < best[0]):
                    best = at, names
                break
    if best is None or not any(line.strip() for line in lines[: best[0] - 1]):
        return None
    at, names = best
    message = f"{path}:{at}: this line looks like the header ({several(names, 6)}), below a title that is no part of it"
    if mark and all(line.lstrip().startswith(mark) for line in lines[: at - 1] if line.strip()):
        return comment(path, message, mark)
    out = f"take the lines above it out: tail -n +{at} FILE > NEW"
    return DataError(message, f"{out}; or let each begin with {_MARKS[0]}: data.comment")


def _are_cells(names: Sequence[str]) -> bool:
    """Whether there are numbers among names, but years and others in order behind a name of words."""
    numbers = [float(name) for name in names if is_number(name)]
    return bool(numbers) and (is_number(names[0]) or len(numbers) < 3 or not in_order(numbers))


def uncut(path: Path, lines: Sequence[str]) -> DataError | None:
    """The error for lines that no delimiter cuts: names behind a mark, or columns of a fixed width."""
    filled = [line for line in lines if line.strip()]
    if len(filled) < 3:
        return None
    mark = filled[0][0]
    rows = [line for line in filled if not line.startswith(mark)]
    if mark in _MARKS and rows and find_form(path, rows, True, AUTO, ",").width > 1:
        return comment(
            path,
            f"{path}:{lines.index(filled[0]) + 1}: the first line begins with {mark}, and is not like the others",
            mark,
        )
    for other in _OTHERS:
        if other in filled[0] and len({line.count(other) for line in filled}) == 1:
            mark = repr(other).replace("'", '"')
            return OpenReadingError(
                f"{path}: each line has {mark} as often as the first, and nothing else separates cells",
                f'data.delimiter: {mark} if it does, "," if there is one column',
                {"delimiter": other},
                f"{path}: read with {mark} between cells (data.delimiter)",
            )
    if all(_GAP.search(line) for line in filled):
        return DataError(f"{path} seems to have columns of a fixed width, with blanks in their cells", FIXED_WIDTH)
    return None


def _cells(line: str, delimiter: str) -> list[list[str]]:
    """The cells of a line as a list of one record, empty if all cells are empty."""
    return [cells for cells in records_of([line], True, delimiter)[0] if any(cells)]


def comment(path: Path, message: str, mark: str) -> OpenReadingError:
    """The error for lines that begin with `mark` and so may be comments."""
    note = f"{path}: lines that begin with {mark} are comments (data.comment)"
    return OpenReadingError(
        message, f'data.comment: "{mark}", if such lines are to be passed over', {"comment": mark}, note
    )


def is_mark(start: str) -> bool:
    """Whether a line that begins with `start` may be a comment."""
    return start[:1] in tuple(_MARKS)


def header_again(names: Sequence[str], columns: Sequence[Any]) -> int | None:
    """The first row that repeats the header above numbers, as in a file that was joined from several; None if none."""
    cells = [(name, column) for name, column in zip(names, columns, strict=True) if isinstance(column, list)]
    if len(cells) < len(names) or not any(_over_numbers(name, column) for name, column in cells):
        return None
    first = cells[0][1].index(names[0]) if names[0] in cells[0][1] else -1
    return first if first >= 0 and all(column[first] == name for name, column in cells) else None


def _over_numbers(name: str, cells: Sequence[str]) -> bool:
    """Whether the name of a column is one of its cells, and all others are numbers."""
    others = {*cells} - {name}
    return 0 < len(others) < len({*cells}) and not is_number(name) and all(is_number(c) or c in _GAPS for c in others)
