"""Formulas of entries by index, `dp[i]/dlogits[j]  -p[i]*p[j]`, as `jacobian NAME` prints them, read as an answer."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from bpcli import csv_lines
from bpcli.calculus.rules.shapes import Shape
from bpcli.errors import UsageError

_KEY = r"[d∂](?P<output>\w+)(?:\[(?P<row>[a-z,]+)\])?/[d∂](?P<block>\w+)(?:\[(?P<column>[a-z,]+)\])?"
_LINE = re.compile(rf"\s*{_KEY}(?:\s*[:=](?!=)\s*|\s\s+)(?P<formula>\S.*)")
_CONDITION = re.compile(r"[\s,]+(?:(?:if|for|where)\s+)?[a-z]\s*(?:!=|≠|==?)\s*[a-z]\s*$")
_NAMES = re.compile(r"\s*where \w+ = .*")
_INDEX = re.compile(r"(\b[^\W\d]\w*|\))\[([a-z](?:,[a-z])*)\]")
_COMPARED = re.compile(r"(?<=\()\s*([a-z])\s*(==|!=|≠)\s*([a-z])\s*(?=[,)])")


class SheetLine(NamedTuple):
    """A formula for the entries of a block: ∂output[row]/∂block[column], where equal letters are equal indices.

    The block is "" where only one can be meant.
    """

    row: tuple[str, ...]
    block: str
    column: tuple[str, ...]
    formula: str

    @property
    def by_itself(self) -> str:
        """The formula without its indices."""
        return _INDEX.sub(r"\1", self.formula)


def read_sheet(text: str) -> list[SheetLine]:
    """The lines of a sheet in text, JSON or CSV; none of a text that is no sheet."""
    if text.startswith("{"):
        lines = _lines(_from_json(text))
    elif text.startswith("entry,formula,where"):
        lines = _lines((cells[0], cells[1]) for cells in csv_lines.reader(text.splitlines()[1:]) if len(cells) > 1)
    else:
        every = [line for line in text.splitlines() if line.strip()]
        found = [match for line in every if not _NAMES.fullmatch(line) and (match := _LINE.fullmatch(line))]
        names = len([line for line in every if _NAMES.fullmatch(line)])
        whole = len(found) + names == len(every) and (names or any(match["column"] for match in found))
        lines = [_line(match) for match in found] if whole else []
    # Of two lines that fit an entry, the one with more letters alike is meant: dp[i]/dlogits[i] before [j].
    return sorted(lines, key=lambda line: len({*line.row, *line.column}))


def _lines(pairs: Iterable[tuple[str, str]]) -> list[SheetLine]:
    found = [_LINE.fullmatch(f"{key}  {formula}") for key, formula in pairs]
    return [_line(match) for match in found if match] if all(found) else []


def _line(match: re.Match[str]) -> SheetLine:
    formula = _CONDITION.sub("", match["formula"]).strip()
    return SheetLine(_letters(match["row"]), match["block"], _letters(match["column"]), formula)


def _from_json(text: str) -> list[tuple[str, str]]:
    try:
        found: Any = json.loads(text)
    except ValueError:
        return []
    formulas = found.get("formulas", found)
    return [(str(key), str(formula)) for key, formula in formulas.items()] if isinstance(formulas, dict) else []


def _letters(index: str | None) -> tuple[str, ...]:
    return tuple(index.split(",")) if index else ()


def spelled_out(
    lines: Sequence[SheetLine], outputs: int, blocks: Sequence[tuple[str, Shape]], shapes: Mapping[str, Shape]
) -> dict[str, list[list[str]]]:
    """The formula of each entry, with numbers for indices, by the blocks; `shapes` are those of the names.

    An index that an input or a name does not have, as it is no matrix or a single number, is left out. UsageError for
    an entry without a line, or a line of another block.
    """
    if lines and not lines[0].block:
        lines = [line._replace(block=_only_vector(blocks)) for line in lines]
    if others := sorted({line.block for line in lines} - {name for name, _ in blocks}):
        raise UsageError(f"there is no d/d{others[0]} here", f"expected d/d{', d/d'.join(name for name, _ in blocks)}")
    mine = {name: [line for line in lines if line.block == name] for name, _ in blocks}
    return {name: _block(mine[name], name, outputs, shape, shapes) for name, shape in blocks}


def _only_vector(blocks: Sequence[tuple[str, Shape]]) -> str:
    if len(blocks) != 1 or len(blocks[0][1]) != 1:
        raise UsageError(
            "one formula for all entries is for the derivative by one vector", "a formula or a number for each input"
        )
    return blocks[0][0]


def _block(
    lines: Sequence[SheetLine], name: str, outputs: int, shape: Shape, shapes: Mapping[str, Shape]
) -> list[list[str]]:
    if len(lines) == 1 and len(lines[0].column) < len(shape):  # one letter for all entries of a matrix
        return [[lines[0].by_itself]]
    entries = list(product(*map(range, shape)))
    if outputs * math.prod(shape) and not lines:
        raise UsageError(f"d/d{name} is missing", "a line for each input")
    return [[_entry(lines, name, output, entry, shapes) for entry in entries] for output in range(outputs)]


def _entry(
    lines: Sequence[SheetLine], name: str, output: int, entry: tuple[int, ...], shapes: Mapping[str, Shape]
) -> str:
    for line in lines:
        padded = (*entry, *[0] * (len(line.column) - len(entry)))
        places = dict(zip(line.column, padded, strict=False))
        if len(padded) == len(line.column) and all(places.setdefault(letter, output) == output for letter in line.row):
            return with_numbers(line.formula, places, shapes)
    place = f"[{','.join(map(str, entry))}]" if entry else ""
    raise UsageError(f"there is no formula for d/d{name}{place}", "a line for each kind of entry")


def with_numbers(formula: str, places: Mapping[str, int], shapes: Mapping[str, Shape]) -> str:
    """The formula with numbers for its indices, those of names as far as their shapes have them."""

    def indexed(match: re.Match[str]) -> str:
        name, letters = match[1], _letters(match[2])
        kept = letters[: len(shapes.get(name, letters))]
        if unknown := [letter for letter in kept if letter not in places]:
            raise UsageError(f"the index {unknown[0]} of {name} is none of the entry's", "a sum is written sum(x)")
        return f"{name}[{','.join(str(places[letter]) for letter in kept)}]" if kept else name

    def compared(match: re.Match[str]) -> str:
        first, sign, second = match.groups()
        return f"{places[first]}{sign}{places[second]}" if {first, second} <= places.keys() else match[0]

    return _COMPARED.sub(compared, _INDEX.sub(indexed, formula))
