"""The text of an answer as rows of cells under the variables: as one types it, and as bpcli and NumPy print it."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from bpcli import csv_lines
from bpcli.calculus.language.tokens import closing_bracket

Rows = list[list[str]]

_TITLE = re.compile(r"\s*[d∂]\w*\s*/\s*[d∂](\w+)\s*(?::|[=≈](?!=))(.*)")
_BESIDE = re.compile(r"[,;]\s*(?=[d∂]\w*\s*/\s*[d∂]\w+\s*(?::|[=≈](?!=)))")  # ∂J/∂x = 1, ∂J/∂y = 2
_COLUMN = re.compile(r"d/d(\w+)(?:\[[\d,]+\])?")
_OPERATORS = "+*/^·×@<>=!"
_PAIRS = {"(": ")", "[": "]"}

_NUMBER = r"[-−+]?[\d.]+(?:[eE][-−+]?\d+)?"
_AROUND = (  # patterns of what other tools print around the entries, each with its replacement
    (r"\A\$+(.*?)\$+\Z", r"\1"),  # LaTeX
    (r"\A\d+(?:×\d+|-element) [^\n]*:[ \t]*\n", ""),  # Julia
    (rf"\A(?:[ \t]*\[,\d+\])+[ \t]*\n|(?m:^)[ \t]*\[\d+,?\](?=[ \t]+{_NUMBER})", ""),  # R
    (rf"\Ac\(((?:{_NUMBER}|[\s,])+)\)\Z", r"\1"),
    (rf"\bnp\.float\d+\(({_NUMBER})\)", r"\1"),  # NumPy
    (r"\A(?:\w+\.)?(?:(?i:\w*array|tensor)|[mM]atrix)\((.*?)(?:,\s*\w+=[^\n]*)?\)\Z", r"\1"),
    (r"(?m:^)[ \t]*[⎛⎜⎝⎡⎢⎣]([^\n]*)[⎞⎟⎠⎤⎥⎦](?:[ \t]{2,}[^\n]*)?(?m:$)", r"\1"),  # bpcli's chain, SymPy
    (r",\Z", ""),
)
_MATRIX = re.compile(  # an environment of rows, between \left( and \right) or not, and `J =` before it
    r"(?:\A[^=]*=\s*)?(?:\\left\s*\\?[\[({|.]\s*)?"
    r"\\begin\{((?:\w*matrix|d?array|tabular|aligned|split|gathered|cases)\*?)\}(?:\s*\[[a-z]\])?(?:\s*\{[lcr|@{}\s]*\})?"
    r"(.*?)(?:\\\\\s*)?\\end\{\1\}(?:\s*\\right\s*\\?[\])}|.])?",
    re.DOTALL,
)
_DISPLAY = re.compile(r"\\(?:begin|end)\{(?:equation|displaymath|math|align)\*?\}|\\(?:hline|displaystyle)\b|[.,]\s*\Z")
_ROW_END = re.compile(r"\\\\(?:\s*\[[\d.]+\w+\])?")
_RESULT = re.compile(  # J = 2, f'(x) = 2x, = 2
    r"\A(?:(?:∇\s*)?[^\W\d]\w*['′]*(?:\([^()\n]*\))?)?\s*[=≈](?!=)\s*(?P<value>(?:[^=≈]|[=!<>]=)*)\Z"
)


def rows_by_title(text: str, spaces: bool = True) -> dict[str, Rows]:
    """The cells of an answer row by row, by the variable that stands above them, "" for none.

    Rows stand one below the other or between semicolons, or in brackets; a line `d/dx:` or `∂J/∂x =` begins the rows
    of x. What bpcli prints as JSON or CSV gives its derivatives. `spaces` keep the cells of a row apart if nothing
    else does; without, they may multiply.
    """
    found: dict[str, Rows] = {}
    for title, rows in _from_json(text) or _from_csv(text) or _from_lines(text, spaces):
        found.setdefault(title, []).extend(rows)
    return found


def _from_json(text: str) -> list[tuple[str, Rows]]:
    """The blocks of the objects that are printed, one after the other; none if it is no JSON of a derivative."""
    decoder, blocks = json.JSONDecoder(parse_float=str, parse_int=str), list[tuple[str, Any]]()
    while text.startswith("{"):
        try:
            found, end = decoder.raw_decode(text)
            blocks += _derivative_in(found).items()
        except (ValueError, LookupError, AttributeError):
            return []
        text = text[end:].lstrip()
    return [] if text else [(name, _nested(value)) for name, value in blocks]


def _derivative_in(found: dict[str, Any]) -> dict[str, Any]:
    """The blocks of an object: of a whole one of bpcli, of one cut out of it, or a matrix of a chain with no name."""
    if whole := found.get("jacobian") or found.get("gradient"):
        return dict(whole)
    if {"formula", "shape", "value"} == found.keys():
        return {"": found["value"]}
    if not all(isinstance(cell, str) for value in found.values() for row in _nested(value) for cell in row):
        raise LookupError
    return found


def _nested(value: Any) -> Rows:
    if not isinstance(value, list):
        return [[value]]
    return value if value and isinstance(value[0], list) else [value]


def _from_csv(text: str) -> list[tuple[str, Rows]]:
    """The columns `d/dNAME` of a table; none if it has no such columns."""
    table = [line for line in csv_lines.reader(text.splitlines()) if line]
    columns = [match[1] if (match := _COLUMN.fullmatch(title)) else "" for title in (table[0] if table else [])]
    return [
        (name, [[cell for cell, column in zip(line, columns, strict=False) if column == name] for line in table[1:]])
        for name in dict.fromkeys(filter(None, columns))
    ]


def _from_lines(text: str, spaces: bool) -> Iterator[tuple[str, Rows]]:
    title, lines = "", list[str]()
    for line in [*_BESIDE.sub("\n", text).splitlines(), None]:
        match = _TITLE.fullmatch(line) if line is not None else None
        if line is not None and match is None:
            lines.append(line)
            continue
        if title or any(map(str.strip, lines)):
            yield title, _rows("\n".join(lines), spaces)
        if match is not None:
            title, lines = match[1], [match[2]]


def _rows(text: str, spaces: bool) -> Rows:
    bare = _without_wrapping(text)
    if table := _from_markdown(bare) or _by_semicolons(bare):
        return table
    lines = list(split(bare, ";\n"))
    if len(lines) == 1 and bare[:1] == "[" and all(map(_enclosed, several := _parts(bare))):  # [1,2], [3,4]
        lines = several
    if _enclosed(bare):
        lines = list(split(bare[1:-1], ";\n"))
        parts = [part for line in lines for part in _parts(line)]
        if all(map(_enclosed, parts)):
            lines = parts
        elif len(lines) > 1 and bare[0] == "(":  # a formula, over several lines
            lines = [bare]
    rows = [[_unquoted(part.strip()) for part in split(_bare(row), ",")] for row in lines if row.strip()]
    spaces = spaces and "\\" not in text  # in LaTeX they multiply
    return [_spaced(row[0]) if len(row) == 1 and spaces else row for row in rows]


def _without_wrapping(text: str) -> str:
    """The entries in rows, without what other tools print around them and `J =` before them."""
    bare = text.strip()
    for pattern, left in _AROUND:
        bare = re.sub(pattern, left, bare, flags=re.DOTALL).strip("\n" if "^" in pattern else None)
    if _MATRIX.search(bare):
        bare = _MATRIX.sub(_as_list, _without_display(bare))
    if bare[:1] == "{" and bare[-1:] == "}" and not set(bare) & set('\\"'):  # Mathematica
        bare = bare.translate({ord("{"): "[", ord("}"): "]"})
    if result := _RESULT.fullmatch(bare):
        bare = result["value"].strip()
    return bare


def _without_display(text: str) -> str:
    """LaTeX without what sets it apart: \\[ … \\], equation."""
    bare = re.sub(r"\A\s*\\[\[(](.*)\\[\])]\s*\Z", r"\1", text, flags=re.DOTALL)
    return _DISPLAY.sub("", bare).strip()


def _as_list(match: re.Match[str]) -> str:
    """A matrix in LaTeX as a list of rows between semicolons."""
    return f"[{_ROW_END.sub(';', match[2].strip()).replace('&', ',')}]"


def _from_markdown(text: str) -> Rows:
    """The numbers of a table with bars around its cells, below its head; none of anything else."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
    heads = [k for k, row in enumerate(rows) if all(re.fullmatch(":?-+:?", cell) for cell in row)]
    rows = rows[heads[0] + 1 :] if heads else rows
    bars = all(line[0] == line[-1] == "|" and len(line) > 1 for line in lines)
    numbers = all(re.fullmatch(_NUMBER, cell) for row in rows for cell in row)
    return rows if bars and numbers and all(len(row) > 1 for row in rows) else []


def _by_semicolons(text: str) -> Rows:
    """The cells of a CSV with semicolons: several to a line, of lines alike; none of a matrix whose rows they end."""
    lines = [line for line in text.splitlines() if line.strip()]
    rows = [[_unquoted(cell.strip()) for cell in split(line.strip().removesuffix(";"), ";")] for line in lines]
    alike = len(rows) > 1 and len(rows[0]) > 1 and len({*map(len, rows)}) == 1
    lone = all(cell and len([*split(cell, ",")]) == len(_spaced(cell)) == 1 for row in rows for cell in row)
    return rows if alike and lone and all(line.count("(") == line.count(")") for line in lines) else []


def _parts(line: str) -> list[str]:
    """The texts between commas; a last comma adds none."""
    return [part.strip() for part in split(line, ",") if part.strip()]


def _unquoted(part: str) -> str:
    return part[1:-1] if len(part) > 1 and part[0] == part[-1] and part[0] in "\"'" else part


def _bare(row: str) -> str:
    """A row without the brackets about it; parentheses stay, but about several cells."""
    row = row.strip()
    several = _enclosed(row) and (row[0] == "[" or len(list(split(row[1:-1], ","))) > 1)
    return row[1:-1] if several else row


def _enclosed(text: str) -> bool:
    """Whether one pair of brackets goes around all of it."""
    if text[:1] not in _PAIRS or text[-1:] != _PAIRS[text[0]] or len(text) < 2:
        return False
    return closing_bracket(text, 0) == len(text) - 1


def _spaced(text: str) -> list[str]:
    """The entries that are kept apart by spaces, as they are printed: numbers, or formulas that have none inside."""
    parts = [part for part in split(" ".join(text.split()), " ") if part]
    open_ = any(part[0] in _OPERATORS + ")" or part[-1] in _OPERATORS + "-−(" for part in parts)
    return [text] if open_ else parts


def split(text: str, separators: str) -> Iterable[str]:
    """The parts between separators outside of brackets."""
    depth, start = 0, 0
    for place, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character in separators and depth == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]
