"""The cells of a text table: which are gaps, numbers or booleans, and their values."""

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.text.notation import Written, number

Floats = NDArray[np.float64]

MISSING = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "None", "?", "#N/A", "<NA>", "NaT"})
"""The cells that count as missing, where a table does not say otherwise."""

DASH = "-"
"""A cell that is missing in a column of numbers, but a value like any other in a column of text."""

BOOLEANS = {"false": 0.0, "true": 1.0}
"""The words for booleans, in lower case (cells may be in any case), and their numbers."""

EXACT = 2.0**53 - 1
"""The largest whole number up to which doubles represent all whole numbers exactly."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,4000}(?:\.0*)?")


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number, as `to_numbers` reads it."""
    cell = cell.strip()
    try:
        return math.isfinite(float(cell)) and "_" not in cell and cell.isascii()
    except ValueError:
        return False


def no_number(cell: str) -> str:
    """Why a cell is no number, for a message: it is not one, or beyond the doubles."""
    digits = re.search("[0-9]", cell) is not None
    try:
        beyond = digits and math.isinf(float(cell.strip()))
    except ValueError:
        beyond = False
    return f"{cell!r} is too large: the largest number is about 1.8e308" if beyond else f"{cell!r} is not a number"


def exact_number(cell: str) -> int | float:
    """The number in a cell: an int for a whole number beyond `EXACT`, else a float. ValueError if it is none."""
    cell = cell.strip()
    if _WHOLE.fullmatch(cell) and abs(whole := int(cell.partition(".")[0])) > EXACT:
        return whole
    if not is_number(cell):
        raise ValueError(cell)
    return float(cell)


def as_written(cell: str) -> int | float:
    """The number in a cell, which prints as the cell does if that is Python's way of writing it (7.0 stays 7.0)."""
    value = exact_number(cell)
    return Written(value, cell) if isinstance(value, float) and repr(value) == cell else value


def cell_value(cell: str) -> str | int | float | bool | None:
    """The value of a single cell: a number or boolean if it would be written exactly so, None if missing, else text."""
    if cell.strip() in MISSING:
        return None
    if cell in BOOLEANS:
        return cell == "true"
    value = as_written(cell) if is_number(cell) else cell
    return cell if not isinstance(value, str) and number(value) != cell.strip() else value


def to_booleans(cells: Sequence[str], missing: frozenset[str] = MISSING) -> Floats | None:
    """The cells as 1 for true, 0 for false and NaN for missing, (N,); None if any cell is something else."""
    first = next((cell for cell in cells if cell not in missing), "true")
    if first.lower() not in BOOLEANS:  # most columns of text end here
        return None
    different = {*cells}
    values = {cell: BOOLEANS[cell.lower()] for cell in different - missing if cell.lower() in BOOLEANS}
    values |= dict.fromkeys(different & missing, math.nan)
    if len(values) < len(different):
        return None
    return np.fromiter(map(values.__getitem__, cells), np.float64, len(cells))


def point_for_comma(cell: str) -> str:
    """A cell with its decimal comma replaced by a point; a point in it becomes `·`, so that it does not read as one."""
    return cell.translate({ord(","): ".", ord("."): "·"})


def to_numbers(cells: Sequence[str], gaps: frozenset[str] = MISSING | {DASH}) -> Floats | None:
    """The cells as numbers, (N,), with NaN for missing; None if any cell is neither a finite number nor missing."""
    try:
        numbers = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        try:
            # Stripped first, as NumPy's parser does: float() does not accept every kind of white space.
            values = (math.nan if cell in gaps else float(cell) for cell in map(str.strip, cells))
            numbers = np.fromiter(values, np.float64, len(cells))
        except ValueError:
            return None
    # Unlike NumPy's parser, float() also reads 1_000 and the digits of other scripts; both read 1e999 as infinite.
    together = "".join(cells)
    foreign = not together.isascii() and not all(cell.strip().isascii() for cell in cells)
    return None if "_" in together or foreign or np.isinf(numbers).any() else numbers
