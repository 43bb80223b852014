"""A matrix as text: aligned columns in brackets, dots in the middle of a large one, names of its rows or columns."""

from collections.abc import Sequence
from typing import Any

from bpcli.text.notation import number
from bpcli.text.visible import visible

WIDTH = 80  # columns of text
MOST = 12  # rows or columns of a matrix that are drawn
ALL = 1 << 62
_LONGEST = 24  # signs of a name

Names = Sequence[str]


def kept(count: int, most: int) -> list[int | None]:
    """The numbers of the first and the last of `count`, `most` with the dots, None, between them."""
    if count <= most:
        return [*range(count)]
    tail = (most - 1) // 2
    return [*range(most - 1 - tail), None, *range(count - tail, count)]


def cells(matrix: Any, precision: int | None, most: int) -> list[list[str]]:
    """The rows that are shown, as text."""
    rows, columns = (kept(count, most) for count in matrix.shape)
    return [["…" if i is None or j is None else number(matrix[i, j], precision) for j in columns] for i in rows]


def matrix_lines(
    value: Any,
    samples: bool,
    precision: int | None,
    indent: int,
    most: int = MOST,
    row_names: Names = (),
    column_names: Names = (),
) -> list[str]:
    """A matrix, or the matrices of all samples below each other; at most so many rows, columns and samples."""
    if not samples:
        return [
            " " * indent + line for line in _bracketed(value, precision, most, WIDTH - indent, row_names, column_names)
        ]
    if value[0].size == 1:  # one number for each sample: all in one row
        return matrix_lines(value.reshape(1, -1), False, precision, indent, most)
    lines: list[str] = []
    for i in kept(len(value), most):
        if i is None:
            lines.append(" " * indent + "…")
            continue
        of_sample = matrix_lines(value[i], False, precision, indent + 2, most, row_names, column_names)
        lines += [" " * indent + f"sample {i + 1}:", *of_sample]
    return lines


def _bracketed(
    matrix: Any, precision: int | None, most: int, room: int, row_names: Names, column_names: Names
) -> list[str]:
    """The matrix, split where it is too wide."""
    shown = cells(matrix, precision, most)
    which = kept(matrix.shape[1], most)
    heads = ["" if j is None else _short(column_names[j]) for j in which] if column_names else [""] * len(which)
    widths = [max(map(len, column)) for column in zip(heads, *shown, strict=True)]
    names = (
        [f"  {_short(row_names[i])}" if i is not None else "" for i in kept(len(matrix), most)]
        if row_names
        else [""] * len(shown)
    )
    room -= max(map(len, names))
    lines: list[str] = []
    start = 0
    while start < len(widths):
        stop, used = start, 4
        while stop < len(widths) and (stop == start or used + widths[stop] + 2 <= room):
            used += widths[stop] + 2
            stop += 1
        if start or stop < len(widths):
            lines.append(_numbered([j for j in which[start:stop] if j is not None]))
        part = slice(start, stop)
        if column_names:
            lines.append(f"  {_row(heads[part], widths[part])}".rstrip())
        rows = [_row(row[part], widths[part]) for row in shown]
        signs = _brackets(len(rows))
        lines += [f"{left} {row} {right}{n}" for (left, right), row, n in zip(signs, rows, names, strict=True)]
        start = stop
    return lines


def _row(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.rjust(width) for text, width in zip(texts, widths, strict=True))


def _numbered(columns: Sequence[int]) -> str:
    """The line above some of the columns; between them there may be dots."""
    if not columns:
        return "columns …:"
    last = f" to {columns[-1] + 1}" if len(columns) > 1 else ""
    return f"column{'s' if last else ''} {columns[0] + 1}{last}:"


def _short(name: str) -> str:
    name = visible(name)
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _brackets(rows: int) -> list[tuple[str, str]]:
    if rows == 1:
        return [("(", ")")]
    return [("⎛", "⎞"), *[("⎜", "⎟")] * (rows - 2), ("⎝", "⎠")]
