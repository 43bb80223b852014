"""Numbers of an answer in the shape of the derivative, from any shape in which that is printed."""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from bpcli.calculus.checks.answers import Cell, Cells, Layout
from bpcli.calculus.checks.grading import Array
from bpcli.calculus.rules.shapes import Shape


def fitted(parts: Mapping[str, Cells], layout: Layout, truth: Array) -> Cells | None:
    """An answer as outputs × entries, from any shape in which the derivative is printed; None if it has another.

    These are: a row for each output; the shape of the variable, for the gradient of a matrix; the blocks of the
    variables one below the other, with or without their titles; all in one row; and of a diagonal matrix the diagonal.
    """
    named = dict(layout.blocks)
    if len(named) == 1 and set(parts) == set(named):
        parts = {"": parts[layout.blocks[0][0]]}  # its title adds nothing
    if list(parts) != [""]:
        if set(parts) != set(named):
            return None
        blocks = [_block(parts[name], layout.outputs, shape) for name, shape in layout.blocks]
        return None if any(block is None for block in blocks) else _side_by_side([b for b in blocks if b is not None])
    rows = parts[""]
    if len(rows) == layout.outputs and all(len(row) == layout.columns for row in rows):
        return rows
    if (stacked := _stacked(rows, layout)) is not None:
        return stacked
    flat = [cell for row in rows for cell in row]
    if layout.outputs > 1 and len(rows) == 1 and len(flat) == layout.outputs * layout.columns:
        return [flat[k : k + layout.columns] for k in range(0, len(flat), layout.columns)]
    n = layout.columns
    vector = len(rows) == 1 or all(len(row) == 1 for row in rows)
    if 1 < n == layout.outputs == len(flat) and vector and (truth == np.diag(truth.diagonal())).all():
        return [[flat[i] if i == j else Cell(0.0) for j in range(n)] for i in range(n)]
    return None


def titles_amiss(parts: Collection[str], layout: Layout) -> str:
    """The mistake in the titles of an answer, in words; empty if there are no titles, or one for each variable."""
    asked = [name for name, _ in layout.blocks]
    if list(parts) == [""] or set(parts) == set(asked):
        return ""
    given = [f"d/d{name}" if name else "entries without a title" for name in parts]
    return f"expected d/d{', d/d'.join(asked)}, found {', '.join(given)}"


def _block(rows: Cells, outputs: int, shape: Shape) -> Cells | None:
    """One variable's block as outputs × its entries, from that or, of one output, from the variable's own shape."""
    size = math.prod(shape)
    lengths = [len(row) for row in rows]
    if lengths == [size] * outputs:
        return rows
    if outputs == 1 and len(shape) == 2 and lengths == [shape[1]] * shape[0]:
        return [[cell for row in rows for cell in row]]
    return None


def _stacked(rows: Cells, layout: Layout) -> Cells | None:
    """An answer whose blocks stand one below the other; None if all variables are numbers: then it is one row."""
    if not any(shape for _, shape in layout.blocks):
        return None
    blocks: list[Cells] = []
    start = 0
    for _, shape in layout.blocks:
        heights = [layout.outputs, shape[0] if len(shape) == 2 else layout.outputs]
        found = [b for h in heights if (b := _block(rows[start : start + h], layout.outputs, shape)) is not None]
        if not found:
            return None
        start += heights[0] if len(rows[start]) == math.prod(shape) else heights[1]
        blocks.append(found[0])
    return _side_by_side(blocks) if start == len(rows) else None


def _side_by_side(blocks: Sequence[Cells]) -> Cells:
    return [[cell for block in blocks for cell in block[k]] for k in range(len(blocks[0]))]
