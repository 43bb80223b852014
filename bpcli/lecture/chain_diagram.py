"""The chain of Jacobians as a diagram: a box a value with ∂J/∂· below it, the local Jacobian on each edge."""

from textwrap import wrap
from typing import Any, NamedTuple

from bpcli.lecture.chain import Chain, Quantity
from bpcli.lecture.drawing import COLLAPSES, features_of
from bpcli.lecture.matrices import Names, matrix_lines
from bpcli.text.diagram import Block, Box, Diagram, Edge
from bpcli.text.notation import number

DIGITS = 4  # significant, of a number in a box
MOST = 4  # rows, columns or samples of a matrix in a box
LONGEST = 26  # characters of a formula in a line
INPUTS = ("X", "x", "w", "b")


def chain_diagram(chain: Chain, precision: int | None = None, most: int = MOST) -> Diagram:
    """The diagram of a chain; numbers have `precision` significant digits, a matrix at most so many rows, columns."""
    write = _Blocks(chain, precision or DIGITS, most)
    inputs = [name for name in INPUTS if name in chain.given]
    forward = [name for name in chain.quantities if not (name.startswith("d") or name.endswith("_new"))]
    first, output, loss = forward
    boxes = [Box(write.given(name), 0, write.below(name.lower())) for name in inputs]
    boxes += [Box(write.quantity(chain.quantities[n]), column, write.below(n)) for column, n in enumerate(forward, 1)]
    boxes.insert(-1, Box(write.given("y"), forward.index(output) + 1))
    ends = [*((name, first) for name in inputs), (first, output), (output, loss)]
    edges = [Edge(a, b, write.quantity(chain.quantities[f"d{b}_d{a.lower()}"])) for a, b in ends]
    settings = [name for name in chain.given if name not in (*INPUTS, "y")]
    caption = ", ".join(f"{name} = {number(chain.given[name].item(), write.digits)}" for name in settings)
    return Diagram(boxes, [*edges, Edge("y", loss)], caption)


class _Blocks(NamedTuple):
    """The blocks of a chain: so many digits of a number, so many rows and columns of a matrix."""

    chain: Chain
    digits: int
    most: int

    def below(self, name: str) -> list[Block]:
        """∂J/∂· of a value, and its update, if there is one."""
        if name == "J":
            return [Block("∂J/∂J", "1×1", ["= 1"])]
        collapse = self.chain.collapse[0].text if self.chain.collapse else ""
        found = self.chain.group(f"dJ_d{name}", f"{name}_new")
        return [self.quantity(q, collapse if q.name in COLLAPSES else "") for q in found]

    def quantity(self, q: Quantity, collapse: str = "") -> Block:
        """A quantity with its formula."""
        sign = ":=" if q.name.endswith("_new") else "="
        formulas = [f"{sign} {q.formula.text}", *([f"= {collapse}"] if collapse else [])]
        values = self._values(q.value, q.samples, features_of(self.chain, q.name))
        if formulas[-1:] == values:  # ∂z/∂b = 1 is its own formula
            values = []
        return Block(q.symbol.text, q.shape, [*(line for text in formulas for line in wrap(text, LONGEST)), *values])

    def given(self, name: str) -> Block:
        """A value that is given."""
        value = self.chain.given[name]
        shape = "×".join(map(str, value.shape))
        return Block(name, shape, self._values(value, False, features_of(self.chain, name)))

    def _values(self, value: Any, samples: bool, names: tuple[Names, Names]) -> list[str]:
        """The lines of a matrix; of a single number `= 0.5`."""
        if value.size == 1:
            return [f"= {number(value.item(), self.digits)}"]
        return matrix_lines(value, samples, self.digits, 0, self.most, *names)
