"""The natural order of names, in which x2 comes before x10."""

import re

_DIGITS = re.compile(r"([0-9]+)")


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key: runs of digits compare as numbers, all else as text; `b, w, x2, x10`."""
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in _DIGITS.split(name) if part)
