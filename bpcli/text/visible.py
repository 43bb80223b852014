"""Text for eyes: what can't be seen, or would steer a terminal, is shown escaped; what is long is cut."""

import re
from unicodedata import combining, east_asian_width

HIDDEN = (
    "[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)
"""Unicode's categories Cc, Cf, Cs, Zl and Zp, but for tab and newline: controls, directions, no width, half a pair.

It is compiled where it is first needed, which takes longer than most commands."""

_BLANKS = {ord("\n"): None, ord("\t"): None}

_FIRST, _LAST = 300, 100
"""Characters that are shown of a long line."""


def visible(text: str) -> str:
    r"""`text` with what is hidden as its escape: `\x1b[31m`, `\u202e`; lines and tabs stay."""
    # Long lines of numbers take no search; and where memory is short there may be none to compile it.
    if text.isascii() and (text.isprintable() or text.translate(_BLANKS).isprintable()):
        return text
    return re.sub(HIDDEN, lambda found: ascii(found[0])[1:-1], text)


def width(text: str) -> int:
    """The columns that a line of text takes on a terminal: wide letters two, accents on a letter none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def cut(text: str, most: int, mark: str = "…") -> str:
    """A line of text of at most so many columns, with a mark for what is left out of its middle."""
    if width(text) <= most:
        return text
    tail = (most - len(mark)) // 2
    head = most - len(mark) - tail
    first = next(k for k in range(len(text)) if width(text[: k + 1]) > head)
    last = next(k for k in range(len(text)) if width(text[len(text) - k - 1 :]) > tail)
    return text[:first] + mark + text[len(text) - last :]


def shortened(text: str) -> str:
    """`text` with long lines cut in their middle."""
    return "\n".join(map(_shortened, text.split("\n")))


def _shortened(line: str) -> str:
    left_out = len(line) - _FIRST - _LAST
    return line if left_out <= 50 else f"{line[:_FIRST]} … {left_out} characters … {line[-_LAST:]}"
