"""The chain of Jacobians as a diagram: a box a value with ∂J/∂· below it, the local Jacobian on each edge."""

from textwrap import wrap
from typing import Any

import numpy as np

from bpcli.lecture.chain import Chain, Quantity
from bpcli.lecture.drawing import COLLAPSES, matrix_lines, shortens
from bpcli.text.diagram import Block, Box, Diagram, Edge
from bpcli.text.notation import number

DIGITS = 4  # significant, of a number in a box
MOST = 4  # rows, columns or samples of a matrix in a box
LONGEST = 26  # characters of a formula in a line
INPUTS = ("X", "x", "w", "b")


def is_shortened(chain: Chain) -> bool:
    """Whether a matrix is too large to stand whole in the diagram."""
    return shortens(chain, MOST)


def chain_diagram(chain: Chain, precision: int | None = None) -> Diagram:
    """The diagram of a chain; numbers have `precision` significant digits."""
    digits = precision or DIGITS
    inputs = [name for name in INPUTS if name in chain.given]
    forward = [name for name in chain.quantities if not (name.startswith("d") or name.endswith("_new"))]
    first, output, loss = forward
    boxes = [Box(_block(name, chain.given[name], digits), 0, _below(chain, name.lower(), digits)) for name in inputs]
    for column, name in enumerate(forward, 1):
        boxes.append(Box(_quantity(chain.quantities[name], digits), column, _below(chain, name, digits)))
    boxes.insert(-1, Box(_block("y", chain.given["y"], digits), forward.index(output) + 1))
    ends = [*((name, first) for name in inputs), (first, output), (output, loss)]
    edges = [Edge(a, b, _quantity(chain.quantities[f"d{b}_d{a.lower()}"], digits)) for a, b in ends]
    settings = [name for name in chain.given if name not in (*INPUTS, "y")]
    caption = ", ".join(f"{name} = {number(chain.given[name].item(), digits)}" for name in settings)
    return Diagram(boxes, [*edges, Edge("y", loss)], caption)


def _below(chain: Chain, name: str, digits: int) -> list[Block]:
    """∂J/∂· of a value, and its update, if there is one."""
    if name == "J":
        return [_block("∂J/∂J", np.ones((1, 1)), digits)]
    return [
        _quantity(q, digits, chain.collapse[0].text if chain.collapse and q.name in COLLAPSES else "")
        for q in chain.group(f"dJ_d{name}", f"{name}_new")
    ]


def _quantity(q: Quantity, digits: int, collapse: str = "") -> Block:
    sign = ":=" if q.name.endswith("_new") else "="
    formulas = [f"{sign} {q.formula.text}", *([f"= {collapse}"] if collapse else [])]
    values = _value_lines(q.value, digits, q.samples)
    if formulas[-1:] == values:  # ∂z/∂b = 1 is its own formula
        values = []
    return Block(q.symbol.text, q.shape, [*(line for text in formulas for line in wrap(text, LONGEST)), *values])


def _block(name: str, value: Any, digits: int) -> Block:
    return Block(name, "×".join(map(str, value.shape)), _value_lines(value, digits))


def _value_lines(value: Any, digits: int, samples: bool = False) -> list[str]:
    """The lines of a matrix; of a single number `= 0.5`."""
    return matrix_lines(value, samples, digits, 0, MOST) if value.size > 1 else [f"= {number(value.item(), digits)}"]
