"""The numbers of a long text, taken as its blocks come: memory for the numbers, and none for a text of each."""

import re
from array import array
from collections.abc import Iterable
from typing import Any

PLAIN = str.maketrans("", "", "0123456789.+-eE,; \t\r\nnaifNAIFtyTY")
"""Removes the characters of numbers, nan, infinity and separators: nothing is left of a plain vector."""

_BLOCK = 1 << 20
_ENDS = "; \t\r\n"


class _NotPlainError(Exception):
    """The text is not of numbers alone, or a number is missing."""


class _Rows:
    """The entries so far, row after row; all rows but the last are whole."""

    def __init__(self) -> None:
        self.entries = array("d")
        self.rows = self.width = 0
        self._start, self._by_commas = 0, False

    def add(self, line: str, ends: bool) -> None:
        """Entries of the last row, and whether it `ends` there; commas separate all of a row or none."""
        by_commas = "," in line
        if not line.strip():
            raise _NotPlainError
        if self._is_open:
            if by_commas and not self._by_commas:
                raise _NotPlainError
            by_commas = self._by_commas
        self._by_commas = by_commas
        self.entries.extend(map(float, line.split(",") if by_commas else line.split()))
        if ends:
            self._end(1, len(self.entries) - self._start)

    def add_rows(self, lines: list[str]) -> None:
        """Rows, of which the first may go on with the last one."""
        if self._is_open:
            self.add(lines.pop(0), ends=True)
        commas = {line.count(",") for line in lines}
        if len(commas) != 1:
            for line in lines:
                self.add(line, ends=True)
            return
        by_commas = commas != {0}
        widths = {count + 1 for count in commas} if by_commas else {len(line.split()) for line in lines}
        self.entries.extend(map(float, ",".join(lines).split(",") if by_commas else " ".join(lines).split()))
        for width in widths:
            self._end(len(lines), width)

    @property
    def _is_open(self) -> bool:
        return len(self.entries) > self._start

    def _end(self, rows: int, width: int) -> None:
        if not width or (self.rows and width != self.width):
            raise _NotPlainError
        self.rows, self.width, self._start = self.rows + rows, width, len(self.entries)


def plain_numbers(blocks: Iterable[str]) -> Any:
    """The numbers in a text, a float, (n,) or (rows, width): entries between commas or room, rows between `;` or lines.

    None where anything else stands in it; then no more blocks are taken.
    """
    import numpy as np

    found, rest, is_matrix = _Rows(), "", False
    try:
        for block in blocks:
            if block.translate(PLAIN):
                return None
            rest = f"{rest}{block}" if found.entries else f"{rest}{block}".lstrip()
            is_matrix = is_matrix or ";" in block
            rest = _take(found, rest)
        found.add_rows(_lines(rest.strip().removesuffix(";")))
    except (ValueError, _NotPlainError):
        return None
    numbers = np.frombuffer(found.entries)
    if len(numbers) == 1 and not is_matrix:
        return float(numbers[0])
    return numbers.reshape(found.rows, found.width) if is_matrix or found.rows > 1 else numbers


def _take(found: _Rows, text: str) -> str:
    """Read `text` up to the last place after which text that is still to come changes nothing; returns the rest."""
    whole = text.rstrip(_ENDS)
    after = text[len(whole) :]
    if after.count(";") > 1 or len(after) > _BLOCK:
        raise _NotPlainError
    cut = max(whole.rfind("\n"), whole.rfind(";")) + 1
    if cut:
        found.add_rows(_lines(whole[:cut]))
    # A row that is long is taken in parts.
    if len(whole) - cut > _BLOCK:
        comma = whole.rfind(",", cut)
        stop = comma if comma >= 0 else len(whole) - len(whole[cut:].split()[-1])
        found.add(whole[cut:stop], ends=False)
        cut = stop + (comma >= 0)
    return whole[cut:] + after


def _lines(text: str) -> list[str]:
    return re.sub(r"\s*;\s*", "\n", text).removesuffix("\n").split("\n")


def bracketed_numbers(text: str) -> Any:
    """The numbers in a long list `[1,2,…]`, (n,), or list of rows `[[1,2],[3,4],…]`; None for anything else."""
    inner = text.strip().replace("\n", " ")
    if not (inner.startswith("[") and inner.endswith("]")):
        return None
    inner = inner[1:-1].strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = re.sub(r"\](?:\s*,\s*|\s+)\[", ";", inner[1:-1]) + ";"
    return plain_numbers(inner[at : at + _BLOCK] for at in range(0, len(inner), _BLOCK))
