"""The text of an answer as rows of cells under the variables: as one types it, and as bpcli and NumPy print it."""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

Rows = list[list[str]]

_TITLE = re.compile(r"\s*[d∂]\w*\s*/\s*[d∂](\w+)\s*(?::|=(?!=))(.*)")
_COLUMN = re.compile(r"d/d(\w+)(?:\[[\d,]+\])?")
_ARRAY = re.compile(r"(?:\w+\.)?(?:array|tensor|matrix|Matrix)\((.*?)(?:,\s*dtype=[\w.]+)?\)", re.DOTALL)
_OPERATORS = "+*/^·@<>=!"
_PAIRS = {"(": ")", "[": "]"}


def rows_by_title(text: str) -> dict[str, Rows]:
    """The cells of an answer row by row, by the variable that stands above them, "" for none.

    Rows stand one below the other or between semicolons, or in brackets; a line `d/dx:` or `∂J/∂x =` begins the rows
    of x. What bpcli prints as JSON or CSV gives its derivatives.
    """
    found: dict[str, Rows] = {}
    for title, rows in _from_json(text) or _from_csv(text) or _from_lines(text):
        found.setdefault(title, []).extend(rows)
    return found


def _from_json(text: str) -> list[tuple[str, Rows]]:
    """The blocks of the objects that are printed, one a line; none if it is no JSON of a derivative."""
    if not text.startswith("{"):
        return []
    try:
        objects = [json.loads(line, parse_float=str, parse_int=str) for line in text.splitlines() if line.strip()]
        blocks = [item for found in objects for item in (found.get("jacobian") or found["gradient"]).items()]
    except (ValueError, LookupError, AttributeError):
        return []
    return [(name, _nested(value)) for name, value in blocks]


def _nested(value: Any) -> Rows:
    if not isinstance(value, list):
        return [[value]]
    return value if value and isinstance(value[0], list) else [value]


def _from_csv(text: str) -> list[tuple[str, Rows]]:
    """The columns `d/dNAME` of a table; none if it has no such columns."""
    table = [line for line in csv.reader(text.splitlines()) if line]
    columns = [match[1] if (match := _COLUMN.fullmatch(title)) else "" for title in (table[0] if table else [])]
    return [
        (name, [[cell for cell, column in zip(line, columns, strict=False) if column == name] for line in table[1:]])
        for name in dict.fromkeys(filter(None, columns))
    ]


def _from_lines(text: str) -> Iterator[tuple[str, Rows]]:
    title, lines = "", list[str]()
    for line in [*text.splitlines(), None]:
        match = _TITLE.fullmatch(line) if line is not None else None
        if line is not None and match is None:
            lines.append(line)
            continue
        if title or any(map(str.strip, lines)):
            yield title, _rows("\n".join(lines))
        if match is not None:
            title, lines = match[1], [match[2]]


def _rows(text: str) -> Rows:
    bare = text.strip()
    if match := _ARRAY.fullmatch(bare):
        bare = match[1].strip()
    lines = list(split(bare, ";\n"))
    if _enclosed(bare):
        lines = list(split(bare[1:-1], ";\n"))
        parts = [part.strip() for line in lines for part in split(line, ",") if part.strip()]
        if all(map(_enclosed, parts)):
            lines = parts
        elif len(lines) > 1 and bare[0] == "(":  # a formula, over several lines
            lines = [bare]
    rows = [[part.strip() for part in split(_bare(row), ",")] for row in lines if row.strip()]
    return [_spaced(row[0]) if len(row) == 1 else row for row in rows]


def _bare(row: str) -> str:
    """A row without the brackets about it; parentheses stay, but about several cells."""
    row = row.strip()
    several = _enclosed(row) and (row[0] == "[" or len(list(split(row[1:-1], ","))) > 1)
    return row[1:-1] if several else row


def _enclosed(text: str) -> bool:
    """Whether one pair of brackets goes around all of it."""
    if text[:1] not in _PAIRS or text[-1:] != _PAIRS[text[0]] or len(text) < 2:
        return False
    depth = 0
    for place, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if depth == 0:
            return place == len(text) - 1
    return False


def _spaced(text: str) -> list[str]:
    """The entries that are kept apart by spaces, as they are printed: numbers, or formulas that have none inside."""
    parts = [part for part in split(" ".join(text.split()), " ") if part]
    open_ = any(part[0] in _OPERATORS + ")" or part[-1] in _OPERATORS + "-−(" for part in parts)
    return [text] if open_ else parts


def split(text: str, separators: str) -> Iterable[str]:
    """The parts between separators outside of brackets."""
    depth, start = 0, 0
    for place, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character in separators and depth == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]
