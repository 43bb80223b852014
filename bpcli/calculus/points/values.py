"""The values of options, as one types them and as bpcli prints them: numbers, vectors, matrices, and `NAME=VALUE`."""

import re
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

from bpcli.calculus.language.tokens import name_end, normal_name
from bpcli.calculus.points.long_values import PLAIN, bracketed_numbers, plain_numbers
from bpcli.errors import DataError, ExpressionError
from bpcli.memory import check_memory

Reader = Callable[[str], Any]
"""Reads the file of `@FILE`: its text in blocks, or an array."""

FORMS = "a value is 3, a vector 1,2,3, or a matrix 1,2;3,4"

_LONG = 1 << 20  # characters
_START = 1 << 12  # characters, of which a mistake is told at once
_SCANNED = 150  # bytes that a character takes where entries are expressions
_OPERATORS = frozenset("+-−*/^@×·÷")
_SIGNS = frozenset("+-−")
_NOT_FINITE = {"nan", "inf", "infinity"}


_DECIMAL_COMMA = r"((?:[^\W\d]\w*\s*=\s*)?[-+−]?\d+),(\d+)"


def with_decimal_points(text: str) -> str:
    """`1,5` as 1.5, `1,5,2,5` and `1,5; 2,5` as 1.5,2.5, with or without names; "" if not all have decimal commas."""
    if not re.fullmatch(rf"\s*{_DECIMAL_COMMA}(?:[\s,;]+{_DECIMAL_COMMA})*\s*", text):
        return ""
    return ",".join(f"{whole}.{digits}" for whole, digits in re.findall(_DECIMAL_COMMA, text))


def parse_value(text: str, read: Reader | None = None, start: int = 0, end: int | None = None) -> Any:
    """The value in `text[start:end]`: a float, or a float64 array of one or two axes.

    Entries stand between commas or spaces, rows between semicolons or lines, or in brackets: `1,2;3,4`,
    `[[1,2],[3,4]]`. A semicolon or a line break makes a matrix, also of one row (`1,2;`). An entry may be a constant
    expression; with spaces on both sides of a sign it is calculated (`1 - 2` is −1), with a space only before it, it
    begins an entry (`1 -2` are two, as bpcli prints them). `@FILE` is what `read` makes of the file. ExpressionError
    shows the place; DataError, if it is in a file, names it.
    """
    return as_value(parse_entries(text, read, start, end))


def parse_entries(text: str, read: Reader | None = None, start: int = 0, end: int | None = None) -> Any:
    """The value as `parse_value` reads it, but typed vectors and matrices as lists, without importing NumPy."""
    start, end = _trimmed(text, start, len(text) if end is None else end)
    if start == end:
        raise ExpressionError("a value is missing", text, start, end, FORMS)
    if text[start] == "@":
        return _from_file(text, read, start, end)
    rows = _plain_rows(text[start:end])
    return _scan(text, start, end) if rows is None else rows


def as_value(entries: Any) -> Any:
    """Lists as a float64 array; what is none stays as it is."""
    if not isinstance(entries, list):
        return entries
    import numpy as np

    return np.array(entries, dtype=np.float64)


def _from_file(text: str, read: Reader | None, start: int, end: int) -> Any:
    path = text[start + 1 : end]
    if read is None or not path:
        raise ExpressionError("no file can stand here" if path else "@ lacks its file", text, start, end, FORMS)
    content = read(path)
    if hasattr(content, "ndim"):
        return content if content.ndim else float(content)
    name = "standard input" if path == "-" else path
    try:
        return _from_blocks(content, name)
    except ExpressionError as error:
        line = error.text.count("\n", 0, error.start) + 1
        column = error.start - error.text.rfind("\n", 0, error.start)
        raise DataError(f"{name}:{line}:{column}: {error.message}", error.hint) from error


def _from_blocks(blocks: Iterator[str], name: str) -> Any:
    """The value in the text of a file; of a long one, what is wrong at its start is told before it is read whole."""
    read = list(islice(blocks, 2))
    if len(read) > 1:
        coming = iter(read)
        read = []
        numbers = plain_numbers(_kept(chain(coming, blocks), read))
        if numbers is not None:
            return numbers
        _check_start(read[0])
        read += chain(coming, blocks)
    text = "".join(read)
    if len(text) > _LONG:
        numbers = bracketed_numbers(text)
        if numbers is not None:
            return numbers
        check_memory(f"{name}: to read entries that are more than numbers", _SCANNED * len(text))
    return parse_entries(text)


def _kept(blocks: Iterator[str], read: list[str]) -> Iterator[str]:
    """The blocks, each of which is appended to `read`."""
    for block in blocks:
        read.append(block)
        yield block


def _check_start(text: str) -> None:
    """ExpressionError if the first lines of a long text, or the first entries of its first line, are no value."""
    start = text[:_START]
    stop = max(map(start.rfind, "\n;")) if "\n" in start or ";" in start else max(map(start.rfind, ", "))
    if start.strip()[:1] != "[" and stop > 0 and start[:stop].strip():
        parse_entries(start[:stop])


def _plain_rows(text: str) -> Any:
    """The value of a text of numbers alone: quick, as there may be a million; None if it needs `_scan`."""
    if text.translate(PLAIN):
        return None
    try:
        rows = [
            list(map(float, line.split(",") if "," in line else line.split()))
            for part in text.removesuffix(";").split(";")
            for line in part.strip().split("\n")
        ]
    except ValueError:
        return None
    width = len(rows[0])
    if not width or any(len(row) != width for row in rows):
        return None
    if ";" in text or len(rows) > 1:
        return rows
    return rows[0] if width > 1 else rows[0][0]


def _scan(text: str, start: int, end: int) -> Any:
    """A number, a list of numbers, or a list of rows, whatever the form."""
    stop = end - 1 if text[end - 1] == ";" else end
    rows = _pieces(text, start, stop, lines=True)
    if stop == end and len(rows) == 1:
        if len(rows[0]) == 1:
            piece = rows[0][0]
            return _list(text, *piece) if _is_list(text, *piece) else _number(text, *piece)
        if all(_is_list(text, *piece) for piece in rows[0]):
            hint = f"write [{text[start:end]}]"
            raise ExpressionError("a matrix's rows stand in brackets of their own", text, start, end, hint)
        return [_number(text, *piece) for piece in rows[0]]
    _check_even(text, rows)
    return [[_number(text, *piece) for piece in row] for row in rows]


def _list(text: str, start: int, end: int) -> list[Any]:
    """The literal `[…]`, of numbers or of rows."""
    (pieces,) = _pieces(text, start + 1, end - 1, lines=False)
    nested = [_is_list(text, *piece) for piece in pieces]
    if not any(nested):
        return [_number(text, *piece) for piece in pieces]
    if not all(nested):
        odd = pieces[nested.index(False)]
        raise ExpressionError("a list holds numbers or rows, not both", text, *odd, hint="a matrix is [[1,2],[3,4]]")
    rows = [_pieces(text, a + 1, b - 1, lines=False)[0] for a, b in pieces]
    _check_even(text, rows)
    return [[_number(text, *piece) for piece in row] for row in rows]


def _check_even(text: str, rows: list[list[tuple[int, int]]]) -> None:
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            message = f"row {number} has {len(row)} entries, and row 1 has {len(rows[0])}"
            raise ExpressionError(message.replace(" 1 entries", " 1 entry"), text, row[0][0], row[-1][1])


def _is_list(text: str, start: int, end: int) -> bool:
    """Whether a bracket opens at the start and closes at the end, and not before: `[1,2]`, not `[1,2]·[3,4]`."""
    if text[start] != "[":
        return False
    depth = 0
    for place in range(start, end):
        depth += (text[place] == "[") - (text[place] == "]")
        if depth == 0:
            return place == end - 1
    return False


def _pieces(text: str, start: int, end: int, lines: bool) -> list[list[tuple[int, int]]]:
    """The places of the entries, row by row; with `lines` a line is a row, else a line break is a space."""
    rows: list[list[tuple[int, int]]] = [[]]
    begin = start
    for left, right, separator in [*_separators(text, start, end, lines), (end, end, "")]:
        piece = _trimmed(text, begin, left)
        if piece[0] >= piece[1]:
            no_row = not rows[-1] and (separator == ";" or (len(rows) > 1 and not separator))
            raise ExpressionError("a row is empty" if no_row else "an entry is missing", text, left, right)
        rows[-1].append(piece)
        begin = right
        if separator == ";":
            if not lines:
                hint = "write 1,2;3,4 or [[1,2],[3,4]]"
                raise ExpressionError("no semicolon stands in brackets", text, left, right, hint)
            rows.append([])
    return rows


def _separators(text: str, start: int, end: int, lines: bool) -> Iterator[tuple[int, int, str]]:
    """Where entries end, outside of brackets: (from, to, `,` or `;`)."""
    depth, place = 0, start
    while place < end:
        character, next_place = text[place], place + 1
        depth += (character in "([") - (character in ")]")
        if depth <= 0 and character in ",;":
            yield place, next_place, character
        elif character.isspace():
            while next_place < end and text[next_place].isspace():
                next_place += 1
            if depth <= 0 and start < place and next_place < end:
                for separator in _separators_of_spaces(text, place, next_place, lines):
                    yield place, next_place, separator
        place = next_place


def _separators_of_spaces(text: str, start: int, end: int, lines: bool) -> str:
    """The separators that the spaces `text[start:end]` stand for: one, none, or two for an empty line."""
    before, after = text[start - 1], text[end]
    if lines and "\n" in text[start:end]:
        return "" if ";" in (before, after) else ";" * min(2, text.count("\n", start, end))
    if before in ",;" or after in ",;" or before in _OPERATORS:
        return ""
    if after in _SIGNS:
        return "," if not text[end + 1 : end + 2].isspace() else ""
    return "" if after in _OPERATORS else ","


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _number(text: str, start: int, end: int) -> float:
    """One entry: a number, `nan`, or a constant expression."""
    piece = text[start:end].strip('"')  # JSON's "NaN" stands in quotes
    if piece.lstrip("+-").lower() in _NOT_FINITE or not piece.translate(PLAIN):
        try:
            return float(piece)
        except ValueError:
            pass
    try:
        return _constant(text[start:end])
    except ExpressionError as error:
        raise ExpressionError(error.message, text, start + error.start, start + error.end, error.hint) from error


def _constant(text: str) -> float:
    """The value of an expression without variables."""
    from bpcli.calculus.language.parser import parse
    from bpcli.calculus.language.tree import Name, postorder
    from bpcli.calculus.rules.functions import CONSTANTS
    from bpcli.calculus.sweeps.calculation import Calculation

    tree = parse(text)
    for node in postorder(tree):
        if isinstance(node, Name) and node.name not in CONSTANTS:
            hint = f"{FORMS}; an entry may use {', '.join(CONSTANTS)} and functions"
            raise ExpressionError(
                f"a value has no variables, and {node.name} is none of its constants", text, *node.span, hint=hint
            )
    (value,) = Calculation([tree], [text], {}, []).value({})
    if not isinstance(value, float):
        raise ExpressionError("an entry is a single number", text, *tree.span, hint=FORMS)
    return value


class Assignment:
    """NAME=VALUE in a text: the name in its one form, its place, and the place of its value."""

    __slots__ = ("end", "name", "start", "value_end", "value_start")

    def __init__(self, name: str, start: int, end: int, value_start: int, value_end: int) -> None:
        self.name, self.start, self.end = name, start, end
        self.value_start, self.value_end = value_start, value_end


def assignments(text: str) -> list[Assignment]:
    """The `NAME=VALUE` of `x=1,y=2` or `A=1,2;3,4 b=0.5`, between commas, semicolons or spaces; none in `1,2`.

    ExpressionError if something stands before the first name, or an entry is given (`x[0]=1`).
    """
    names = list(_assigned_names(text))
    start, _ = _trimmed(text, 0, len(text))
    if not names or text[start] == "@":
        return []
    if names[0][1] != start:
        raise ExpressionError("a value without a name before one with", text, start, names[0][1], "name all, or none")
    stops = [name[1] for name in names[1:]] + [len(text)]
    found = []
    for (name, begin, end, value_start), stop in zip(names, stops, strict=True):
        left, right = _trimmed(text, value_start, stop)
        if left < right and stop < len(text) and text[right - 1] in ",;":
            left, right = _trimmed(text, left, right - 1)
        if left >= right:
            raise ExpressionError(f"{name} has no value", text, begin, value_start, FORMS)
        found.append(Assignment(name, begin, end, left, right))
    return found


def _assigned_names(text: str) -> Iterator[tuple[str, int, int, int]]:
    """Of each NAME= outside of brackets: the name in its one form, where it starts and ends, and where its value
    starts."""
    depth, place = 0, 0
    while place < len(text):
        character = text[place]
        depth += (character in "([") - (character in ")]")
        end = name_end(text, place) if depth <= 0 and (character.isalpha() or character == "_") else place
        if end > place and (place == 0 or text[place - 1].isspace() or text[place - 1] in ",;"):
            name, stop = normal_name(text[place:end]), end
            if text[end : end + 1] == "[" and "]" in text[end:]:
                stop = text.index("]", end) + 1
            equals, _ = _trimmed(text, stop, len(text))
            if name and text[equals : equals + 1] == "=" and text[equals + 1 : equals + 2] != "=":
                if stop > end:
                    hint = f"give all of it: {name}=[1,2,3]"
                    raise ExpressionError(f"an entry of {name} can't be given alone", text, place, stop, hint)
                yield name, place, end, equals + 1
        place = max(end, place + 1)
