"""The natural order of names, in which x2 comes before x10."""

import re

_DIGITS = re.compile(r"([0-9]+)")


def natural_key(name: str) -> tuple[tuple[int, int, str, str], ...]:
    """A sort key: runs of digits compare as numbers, before text; `2, b, w, x2, x10`. No two names have the same."""
    return tuple(_part_key(part) for part in _DIGITS.split(name) if part)


def _part_key(part: str) -> tuple[int, int, str, str]:
    if not part[0].isdecimal() or not part.isascii():
        return 1, 0, part, ""
    # Compared by length, then digit by digit: int() refuses more than 4300 digits.
    digits = part.lstrip("0")
    return 0, len(digits), digits, part
