"""Sums over many rows: of blocks of a fixed number of rows, added pairwise in a fixed binary tree.

The tree depends only on the number of blocks, so that a sum has the same bits wherever its blocks are computed; its
rounding error grows with log N.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from numpy.typing import NDArray

Array = NDArray[Any]

ROWS = 4096
"""The number of rows of a block."""


class Node(NamedTuple):
    """A node of the tree: the sum of the 2^level blocks from block number·2^level on."""

    level: int
    number: int
    total: Array


def nodes(parts: Iterable[Array], first: int = 0) -> list[Node]:
    """The largest nodes of the tree within consecutive blocks from block `first` on, whose sums are `parts`."""
    return joined(Node(0, number, part) for number, part in enumerate(parts, first))


def joined(found: Iterable[Node]) -> list[Node]:
    """Nodes in order, with pairs that form a larger node added, repeatedly."""
    waiting: list[Node] = []
    for node in found:
        while waiting and (before := waiting[-1]).level == node.level and before.number + 1 == node.number:
            if before.number % 2:
                break
            waiting.pop()
            node = Node(node.level + 1, node.number // 2, before.total + node.total)
        waiting.append(node)
    return waiting


def places(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield (level, number) of the nodes that `nodes` returns for the blocks start … stop − 1."""
    while start < stop:
        level = (stop - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        yield level, start >> level
        start += 1 << level


def summed(parts: Iterable[Array]) -> Array:
    """The sum of arrays, added in a binary tree over their numbers: ((0 + 1) + (2 + 3)) + (4 + …)."""
    return sum_of(nodes(parts))


def sum_of(found: list[Node]) -> Array:
    """The total of the largest nodes of all blocks."""
    *before, (_, _, total) = found
    for node in reversed(before):
        total = node.total + total
    return total
