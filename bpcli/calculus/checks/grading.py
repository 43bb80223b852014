"""What is right and what went wrong in a derivative that somebody derived: the true one beside it, entry by entry."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

Matrix = list[list[float]]

NICE = (2.0, 0.5, 3.0, 1 / 3, 4.0, 0.25, 10.0, 0.1)
"""Factors that are told from a single entry; another one shows only where several entries share it."""


class Entry(NamedTuple):
    """An entry of the true derivative, what was given for it, and how far apart they are."""

    name: str
    exact: float
    given: float
    error: float
    right: bool


class Grade(NamedTuple):
    """`finding` is one of right, transposed, sign, factor, swapped, inner_derivative, diagonal_only, shape, value."""

    finding: str
    entries: list[Entry]
    message: str
    factor: float | None = None

    @property
    def agree(self) -> bool:
        """Whether the answer is right."""
        return self.finding == "right"

    @property
    def max_error(self) -> float | None:
        """The largest distance of an entry, NaN left out; None if the shapes differ."""
        errors = [entry.error for entry in self.entries if entry.error == entry.error]
        return max(errors, default=None)


class Tolerance(NamedTuple):
    """When a number is right: to the digits that were typed, three at least, else to rtol·|exact| + atol."""

    rtol: float = 1e-9
    atol: float = 0.0

    def holds(self, exact: float, given: float, typed: str | None = None) -> bool:
        """Whether `given`, typed so, is right."""
        if exact == given or (exact != exact and given != given):
            return True
        distance = abs(exact - given)
        if not math.isfinite(distance):
            return False
        half = _half_a_digit(typed) if typed else None
        return distance <= max(self.rtol * abs(exact) + self.atol, half or 0.0)


_DECIMAL = re.compile(r"[-−+]?(\d*)\.?(\d*)(?:[eE]([-−+]?\d+))?")


def _half_a_digit(typed: str) -> float | None:
    """Half a unit of the last digit of a number with three significant digits or more, else None."""
    match = _DECIMAL.fullmatch(typed.strip())
    if match is None:
        return None
    whole, fraction, exponent = match.groups()
    if len((whole + fraction).lstrip("0")) < 3 or not fraction:
        return None
    # A little more, for the half that was rounded either way.
    return float(0.5000001 * 10.0 ** (int((exponent or "0").replace("−", "-")) - len(fraction)))


def grade(
    truth: Matrix,
    given: Matrix,
    names: Sequence[str],
    tolerance: Tolerance,
    typed: Sequence[Sequence[str | None]] | None = None,
    inner: Sequence[tuple[str, Sequence[float]]] = (),
    samples: int = 1,
) -> Grade:
    """Compare an answer with the true derivative, in numbers at one point; `names` row by row.

    `inner` are factors of the chain, with a number for each entry, that an answer may lack; `samples` is the N that a
    factor may be.
    """
    rows, columns = len(truth), len(truth[0])
    flat = [v for row in truth for v in row]
    same = len(given) == rows and all(len(row) == columns for row in given)
    texts = [t for row in typed for t in row] if typed and same else None
    values = [v for row in given for v in row]

    def right(t: float, g: float, k: int = -1) -> bool:
        return tolerance.holds(t, g, texts[k] if texts and k >= 0 else None)

    def matches(candidate: Sequence[float]) -> bool:
        return all(right(t, g, k) for k, (t, g) in enumerate(zip(candidate, values, strict=True)))

    turned = [[truth[i][j] for i in range(rows)] for j in range(columns)]
    if not same:
        return _of_another_shape(truth, turned, given, names, tolerance)
    entries = [
        Entry(name, t, g, abs(t - g), right(t, g, k))
        for k, (name, t, g) in enumerate(zip(names, flat, values, strict=True))
    ]
    wrong = [k for k, entry in enumerate(entries) if not entry.right]
    if not wrong:
        return Grade("right", entries, "right")
    if rows == columns and matches([v for row in turned for v in row]):
        return Grade("transposed", entries, "this is the transpose: a row is for an output, a column for an input")
    shown = _named(entries, wrong)
    if all(right(-flat[k], values[k], k) for k in wrong):
        return Grade("sign", entries, f"the sign is wrong{'' if len(wrong) == len(entries) else f' in {shown}'}")
    if (
        rows == columns
        and rows > 1
        and _is_diagonal(given)
        and all(entries[k].right for k in range(0, rows * rows, rows + 1))
    ):
        return Grade("diagonal_only", entries, "the diagonal is right, and the other entries are not 0")
    if (swap := _swapped(flat, values, wrong, right)) is not None:
        a, b = (entries[k].name for k in swap)
        return Grade("swapped", entries, f"{a} and {b} are swapped")
    for text, slopes in inner:
        if all(right(flat[k], values[k] * slopes[k]) and abs(slopes[k] - 1) > 1e-9 for k in wrong):
            message = f"the inner derivative is missing: times {text}{_where(wrong, entries)}"
            return Grade("inner_derivative", entries, message)
    factor = _factor(flat, values, wrong, tolerance)
    known = (*NICE, float(samples), 1.0 / samples)
    if factor is not None and any(abs(abs(factor) / f - 1) < 1e-6 for f in known if f != 1):
        return Grade("factor", entries, f"{_factor_text(factor)} too much{_where(wrong, entries)}", factor)
    if factor is not None and len(wrong) > 1:
        return Grade("factor", entries, f"{_factor_text(factor)} too much{_where(wrong, entries)}", factor)
    right_ones = len(entries) - len(wrong)
    share = f"; the other {right_ones} are right" if right_ones > 1 else "; the other is right" if right_ones else ""
    return Grade("value", entries, f"wrong: {shown}{share}")


def _of_another_shape(
    truth: Matrix, turned: Matrix, given: Matrix, names: Sequence[str], tolerance: Tolerance
) -> Grade:
    def equal(a: Matrix, b: Matrix) -> bool:
        return [len(r) for r in a] == [len(r) for r in b] and all(
            tolerance.holds(t, g) for r, s in zip(a, b, strict=True) for t, g in zip(r, s, strict=True)
        )

    n = len(truth)
    what = f"{_size(given)} was given for {_size(truth)}"
    if equal(turned, given):
        return Grade("transposed", [], f"this is the transpose: {what}")
    diagonal = [truth[i][i] for i in range(n)] if n == len(truth[0]) and n > 1 else []
    values = [v for row in given for v in row]
    if diagonal and len(values) == n and all(tolerance.holds(t, g) for t, g in zip(diagonal, values, strict=True)):
        if _is_diagonal(truth):
            entries = [
                Entry(names[i * n + i], t, g, abs(t - g), True)
                for i, (t, g) in enumerate(zip(diagonal, values, strict=True))
            ]
            return Grade("right", entries, "right: the diagonal, beside which all is 0")
        return Grade("diagonal_only", [], "these are the entries of the diagonal alone")
    flat = [v for row in truth for v in row]
    if len(flat) == len(values) and (len(truth) == 1 or len(given) == 1) and equal([flat], [values]):
        entries = [Entry(name, t, g, abs(t - g), True) for name, t, g in zip(names, flat, values, strict=True)]
        return Grade("right", entries, "right")
    return Grade("shape", [], f"{what}: a row for each output, a column for each input")


def _size(matrix: Matrix) -> str:
    return f"{len(matrix)}×{len(matrix[0]) if matrix else 0}"


def _is_diagonal(matrix: Matrix) -> bool:
    return all(v == 0 for i, row in enumerate(matrix) for j, v in enumerate(row) if i != j)


def _named(entries: Sequence[Entry], wrong: Sequence[int]) -> str:
    shown = ", ".join(entries[k].name for k in wrong[:5])
    return shown + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")


def _where(wrong: Sequence[int], entries: Sequence[Entry]) -> str:
    return "" if len(wrong) == len(entries) else f" in {_named(entries, wrong)}"


def _swapped(
    truth: Sequence[float], given: Sequence[float], wrong: Sequence[int], right: object
) -> tuple[int, int] | None:
    if len(wrong) != 2:
        return None
    a, b = wrong
    assert callable(right)
    return (a, b) if right(truth[a], given[b], b) and right(truth[b], given[a], a) else None


def _factor(truth: Sequence[float], given: Sequence[float], wrong: Sequence[int], tolerance: Tolerance) -> float | None:
    """c where given = c·truth in each wrong entry; None if there is no such c."""
    if any(truth[k] == 0 or not math.isfinite(given[k]) or given[k] == 0 for k in wrong):
        return None
    factor = given[wrong[0]] / truth[wrong[0]]
    loose = max(tolerance.rtol, 1e-9)
    return factor if all(abs(given[k] - factor * truth[k]) <= loose * abs(given[k]) for k in wrong) else None


def _factor_text(factor: float) -> str:
    for value, text in ((0.5, "½"), (1 / 3, "1/3"), (0.25, "¼")):
        if abs(abs(factor) / value - 1) < 1e-9:
            return f"a factor {'−' if factor < 0 else ''}{text}"
    return f"a factor {factor:.6g}"
