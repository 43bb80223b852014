"""Markdown as a page for a terminal: headings and code in colour, paragraphs and tables fitted to a width."""

import re
import unicodedata

# Until the lines are laid out a style is one character; an ANSI code would be counted as several columns.
_HEADING, _CODE, _STRONG, _END, _SPACE = "\x01", "\x02", "\x03", "\x04", "\x05"
_SEEN_AS = str.maketrans(
    {_HEADING: "\x1b[1;4m", _CODE: "\x1b[36m", _STRONG: "\x1b[1m", _END: "\x1b[0m", _SPACE: " "},
)
_SHORT = 30  # characters of a span that stays on one line
_GAP = 2  # columns between the cells of a table


def render(text: str, width: int) -> str:
    """The page in lines of at most `width` columns, with ANSI colours; code blocks keep their lines as they are."""
    parts = re.split(r"^```[^\n]*\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    shown = []
    for number, part in enumerate(parts):
        if number % 2:
            shown.append("".join(f"  {_CODE}{line}{_END}\n" if line else "\n" for line in part.splitlines()))
        elif blocks := part.strip("\n"):
            shown += [_block(block + "\n", width) for block in re.split(r"\n{2,}", blocks)]
    return "\n".join(shown).translate(_SEEN_AS)


def _block(block: str, width: int) -> str:
    """A heading, a table, a list or a paragraph."""
    if heading := re.match(r"#+ (.*)\n", block):
        style = _HEADING if block.startswith("# ") else _STRONG
        return f"{style}{heading[1]}{_END}\n" + _block(block[heading.end() :], width)
    if block.startswith("|"):
        return "".join(line + "\n" for line in _table(block.splitlines(), width))
    items = re.split(r"^(?=- )", block, flags=re.MULTILINE)
    return "".join(_filled(item, width) for item in items if item)


def _filled(text: str, width: int) -> str:
    bullet = "  " if text.startswith("- ") else ""
    return "".join(line + "\n" for line in _wrapped(_styled(text), width, bullet))


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """The words in lines of at most `width` columns, indented after the first; a longer word has its own line."""
    lines = [""]
    for word in text.split():
        if lines[-1].strip() and _columns(lines[-1]) + 1 + _columns(word) > width:
            lines.append(indent + word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return lines


def _styled(text: str) -> str:
    """`code`, **strong** and links within a line; a short span is never broken over lines. A picture is left out."""

    def span(style: str, inner: str) -> str:
        glue = _SPACE if len(inner) <= _SHORT else f"{_END} {style}"
        return style + re.sub(r"\s+", glue, inner) + _END

    text = re.sub(r"!\[[^]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^]]+)\]\((\w+)\.md\)", lambda m: m[1] + f" (`bpcli help {m[2]}`)" * (m[1] != m[2]), text)
    text = re.sub(r"\[([^]]+)\]\(([^)]+)\)", r"\1 (\2)", text)
    text = re.sub(r"`([^`]+)`", lambda m: span(_CODE, m[1]), text)
    return re.sub(r"\*\*([^*]+)\*\*", lambda m: span(_STRONG, m[1]), text)


def _columns(text: str) -> int:
    """How many columns of the terminal the text takes."""
    return sum(not unicodedata.combining(c) for c in text if c not in (_CODE, _STRONG, _END))


def _table(lines: list[str], width: int) -> list[str]:
    """The table with aligned columns; the widest columns are wrapped until it fits."""
    rows = [[_styled(cell.strip()) for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])] for line in lines]
    del rows[1]  # the line of dashes
    rows = [[cell.replace("\\|", "|") for cell in row] for row in rows]
    by_column = list(zip(*rows, strict=True))
    widths = [max(map(_columns, column)) for column in by_column]
    least = [max(_columns(word) for cell in column for word in cell.split(" ")) for column in by_column]
    while sum(widths) + _GAP * (len(widths) - 1) > width:
        narrower = [k for k in range(len(widths)) if widths[k] > least[k]]
        if not narrower:
            break
        widths[max(narrower, key=lambda k: widths[k])] -= 1
    out = [line for row in rows for line in _row(row, widths)]
    head = len(_row(rows[0], widths))
    if any(rows[0]):
        out.insert(head, (" " * _GAP).join("─" * w for w in widths))
    else:
        del out[:head]
    return out


def _row(cells: list[str], widths: list[int]) -> list[str]:
    """The lines of one row."""
    wrapped = [_wrapped(cell, w) for cell, w in zip(cells, widths, strict=True)]
    height = max(map(len, wrapped))
    lines = []
    for k in range(height):
        parts = [cell[k] if k < len(cell) else "" for cell in wrapped]
        padded = (part + " " * (w - _columns(part)) for part, w in zip(parts, widths, strict=True))
        lines.append((" " * _GAP).join(padded).rstrip())
    return lines
