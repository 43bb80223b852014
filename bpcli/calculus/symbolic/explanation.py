"""The steps of a derivation: each value on the way, then each adjoint from the last to the first, by rule and place."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bpcli.calculus.language.latex import to_latex
from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import Expression, Name
from bpcli.calculus.points.variables import shape_of
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.instructions import Elementwise, Instruction
from bpcli.calculus.sweeps.seeds import Point
from bpcli.calculus.symbolic.derivation import Derivation, shapes_of
from bpcli.calculus.symbolic.symbols import Symbol, SymbolNamespace, lifted, single_symbols
from bpcli.calculus.symbolic.textbook import has_decimals, textbook
from bpcli.errors import ExpressionError


class VectorStepsError(ExpressionError):
    """The steps of a derivation are written for expressions of numbers alone."""

    def __init__(self, text: str) -> None:
        super().__init__("steps are of expressions of numbers; here is a vector or matrix", text, 0, len(text))


class Step(NamedTuple):
    """A step of a derivation: what it is called, its formula, the rule (none of a value), and the place in the text."""

    name: str
    formula: str
    rule: str
    place: str


def explained(
    tree: Expression,
    text: str,
    names: Sequence[str],
    constants: Point,
    wrt: Sequence[str],
    given: Mapping[str, Shape] | None = None,
    latex: bool = False,
) -> list[Step]:
    """The steps of a gradient; with `latex` their formulas are in LaTeX.

    Raises VectorStepsError where a vector or matrix occurs.
    """
    shapes = shapes_of([tree], [text], names, given or {})
    derivation = Derivation([tree], [text], shapes | {n: shape_of(v) for n, v in constants.items()}, wrt)
    if not derivation.program.scalar:
        raise VectorStepsError(text)
    steps = _Steps(derivation, text, latex, has_decimals([tree], constants))
    return [*steps.values(), *steps.adjoints()]


class _Steps:
    """The steps of a derivation, in which each slot of the program has a name."""

    def __init__(self, derivation: Derivation, text: str, latex: bool, decimals: bool) -> None:
        self.program = derivation.program
        self.active = self.program.active(derivation.wrt)
        self.namespace = SymbolNamespace(single_symbols())
        self.text, self.latex, self.decimals = text, latex, decimals
        self.variables = list(self.program.variables)
        taken = {name[:1] for name in self.variables if name[1:].isdigit()}
        letter = next((x for x in "vtuqrs" if x not in taken), "step")
        self.names: list[str] = []
        count = 0
        for slot in self.program.slots:
            count += isinstance(slot, Instruction)
            name = f"{letter}{count}" if isinstance(slot, Instruction) else slot
            self.names.append(name if isinstance(name, str) else name.written)
        self.symbols = [Symbol(parse(name)) for name in self.names]

    def values(self) -> list[Step]:
        """The value of each step, written in terms of the steps before it."""
        steps = []
        for number, slot in enumerate(self.program.slots):
            if isinstance(slot, Elementwise):
                value = self.namespace.applied(slot.row, tuple(self.symbols[a] for a in slot.args))
                name = self.shown(self.symbols[number].tree) if self.latex else self.names[number]
                steps.append(Step(name, self.formula(value), "", self.place(slot)))
        return steps

    def adjoints(self) -> list[Step]:
        """∂f/∂· of each value, from the last to the first, along every path."""
        (output,) = self.program.outputs
        steps = [Step(self.slope(output), "1", "the output", self.whole())]
        adjoints: dict[int, Any] = {output: lifted(1.0)}
        for number in range(len(self.program.slots) - 1, -1, -1):
            slot = self.program.slots[number]
            if not isinstance(slot, Elementwise) or number not in adjoints or not self.active[number]:
                continue
            args = [self.symbols[a] for a in slot.args]
            for i, a in enumerate(slot.args):
                if not self.active[a] or not slot.passes[i]:
                    continue
                slope: Any = lifted(slot.row.partial(i)(self.namespace, self.symbols[number], *args))
                part = slope if number == output else Symbol(Name(f"(df/d{self.names[number]})")) * slope
                first = a not in adjoints
                adjoints[a] = part if first else adjoints[a] + part
                rule = _rule(slot, i, self.active) + ("" if first else ", added to the other paths")
                steps.append(Step(self.slope(a), self.formula(adjoints[a]), rule, self.place(slot)))
        return steps

    def formula(self, value: Any) -> str:
        """A formula of names of steps."""
        return self.shown(textbook(lifted(value).tree, self.variables, self.decimals))

    def shown(self, tree: Expression) -> str:
        """A tree as text or LaTeX."""
        if not self.latex:
            return to_text(tree)
        return to_latex(tree, {f"(df/d{name})": self.slope(k) for k, name in enumerate(self.names)})

    def slope(self, number: int) -> str:
        """The name of the adjoint of a slot."""
        if self.latex:
            return rf"\frac{{\partial f}}{{\partial {to_latex(self.symbols[number].tree)}}}"
        return f"df/d{self.names[number]}"

    def place(self, slot: Instruction) -> str:
        """The part of the expression that a step stands for."""
        start, end = slot.node.span
        return to_latex(slot.node) if self.latex else self.text[start:end]

    def whole(self) -> str:
        """The expression."""
        return to_latex(parse(self.text)) if self.latex else self.text


_RULES = {
    "+": "sum rule",
    "-": "sum rule",
    "*": "product rule",
    "/": "quotient rule",
    "negative": "constant factor rule",
    "where": "the branch that is taken",
    "max": "the largest has the slope",
    "min": "the smallest has the slope",
}


def _rule(step: Instruction, operand: int, active: Sequence[bool]) -> str:
    """The rule by which a step is differentiated by one of its operands."""
    name = step.name
    if name.startswith("**"):
        return "exponential rule" if operand == 1 else "power rule"
    others = [active[a] for i, a in enumerate(step.args) if i != operand]
    if (name == "*" or (name == "/" and operand == 0)) and not any(others):
        return "constant factor rule"
    return _RULES.get(name, f"derivative of {name.removesuffix('_term')}")
