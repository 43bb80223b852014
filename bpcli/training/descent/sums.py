"""Sums over many rows, by blocks of a fixed number of rows and along a fixed tree.

The tree depends on the number of blocks alone, so that a sum has the same bits wherever its blocks are computed, and an
error that grows with log N.
"""

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

ROWS = 4096
"""Rows of a block."""


def summed(parts: Iterable[Array]) -> Array:
    """The sum of some arrays along a binary tree over their numbers: ((0 + 1) + (2 + 3)) + (4 + …)."""
    waiting: list[tuple[int, Array]] = []  # the level of a node of the tree, and its sum
    for part in parts:
        level = 0
        while waiting and waiting[-1][0] == level:
            part = waiting.pop()[1] + part
            level += 1
        waiting.append((level, part))
    _, total = waiting.pop()
    while waiting:
        total = waiting.pop()[1] + total
    return total
