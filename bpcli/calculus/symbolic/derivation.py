"""The formulas of derivatives: the rules of the calculation over symbols."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import Call, Expression, Index, Name, Stack, children, postorder
from bpcli.calculus.rules.function_rows import RuleNamespace
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.calculus.rules.shapes import Shape, entry_names
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.instructions import Instruction
from bpcli.calculus.sweeps.one_point import ArraySweeps, FloatSweeps, Sweeps
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.seeds import Point
from bpcli.calculus.symbolic.symbols import Symbol, SymbolNamespace, lifted, single_symbols, symbols
from bpcli.errors import ExpressionError, UsageError


class UnknownShapeError(ExpressionError):
    """A formula depends on how many entries the variable `name` has."""

    def __init__(self, name: str, text: str, start: int, end: int) -> None:
        hint = f"give its shape: {name}=3 for a vector of 3, {name}=2x3 for a matrix"
        super().__init__(f"the formula depends on how many entries {name} has", text, start, end, hint)
        self.name = name


MAX_ENTRIES = 2000
"""The most formulas that a result may have."""


class SymbolicProgram(Program):
    """A program whose formulas use the functions as the user wrote them, not their stable forms."""

    infinite_slopes = False

    def __init__(self, trees: Sequence[Expression], texts: Sequence[str], variables: Mapping[str, Shape]) -> None:
        super().__init__(trees, texts, variables, recognise=False)

    def forward(self, xp: RuleNamespace[Any], point: Mapping[str, Any]) -> list[Any]:
        """The value of every slot, as a formula."""
        values: list[Any] = []
        for slot in self.slots:
            if isinstance(slot, Instruction):
                args = [values[a] for a in slot.args]
                if slot.row is not None:
                    values.append(xp.applied(slot.row, tuple(args)))
                else:
                    whole = slot.op is not None and slot.op.written_whole
                    values.append(_whole(slot, args[0]) if whole else slot.value(xp, args))
            else:
                values.append(point[slot] if isinstance(slot, str) else xp.base.constant(slot))
        return values


def _whole(step: Instruction, x: Any) -> Any:
    """A function of a whole vector or matrix, each entry as an index of its call: `softmax(x)[0]`."""
    argument = _array_tree(x[..., 0])
    call = Call(step.name, (argument,), step.extra)
    shape = step.shape
    return _array([Symbol(Index(call, place) if shape else call) for place in _places(shape)], (*shape, 1))


def _places(shape: Shape) -> Iterable[tuple[int, ...]]:
    """The indices of all entries, row by row."""
    return product(*map(range, shape))


def _array(entries: list[Symbol], shape: Shape) -> Any:
    """Symbols as an array."""
    import numpy as np

    return symbols().kept(np.array(entries, object).reshape(shape))


def _array_tree(entries: Any) -> Expression:
    """The tree of an array of symbols: a variable, if they are its entries in order, else a literal."""
    flat = [symbol.tree for symbol in entries.reshape(-1)]
    bases = {tree.base.name for tree in flat if isinstance(tree, Index) and isinstance(tree.base, Name)}
    in_order = [t.indices for t in flat if isinstance(t, Index)] == list(_places(entries.shape))
    if len(bases) == 1 and in_order:
        return Name(bases.pop())
    if entries.ndim == 1:
        return Stack(tuple(flat))
    return Stack(tuple(_array_tree(row) for row in entries))


class _SingleSweeps(FloatSweeps):
    """The sweeps over single symbols."""

    def __init__(self, program: Program, wrt: Sequence[str]) -> None:
        super().__init__(program, wrt, SymbolNamespace(single_symbols()))
        self.zero, self.one = lifted(0.0), lifted(1.0)

    def reverse(self, values: list[Any], seeds: dict[int, Any]) -> dict[str, Any]:
        """The adjoints."""
        return self.program.reverse(self.namespace, values, seeds, self.active)

    def has_nan(self, blocks: Iterable[Any]) -> bool:
        """A formula is a number where the expression has a value."""
        return False


class _SymbolSweeps(ArraySweeps):
    """The sweeps over arrays of symbols."""

    def prepared(self, point: Point) -> Point:
        """The point with the trailing axis."""
        import numpy as np

        return {name: symbols().kept(np.asarray(value, object)[..., None]) for name, value in point.items()}


class Derivation(Calculation):
    """A calculation whose results are formulas; the point is the variables themselves."""

    def __init__(
        self, trees: Sequence[Expression], texts: Sequence[str], shapes: Mapping[str, Shape], wrt: Sequence[str]
    ) -> None:
        super().__init__(trees, texts, shapes, wrt, program=SymbolicProgram)

    def _sweeps(self, base: Any) -> Sweeps:
        if self.program.scalar:
            return _SingleSweeps(self.program, self.wrt)
        return _SymbolSweeps(self.program, self.wrt, SymbolNamespace(symbols()))

    def point_of(self, constants: Point) -> dict[str, Any]:
        """The variables as symbols, an entry of a vector as its index; constants as numbers."""
        point: dict[str, Any] = {}
        for name, shape in self.program.variables.items():
            if self.program.scalar:
                point[name] = lifted(constants[name]) if name in constants else Symbol(Name(name))
            elif name in constants:
                point[name] = symbols().asarray(constants[name])
            else:
                entries = [Symbol(Index(Name(name), k) if shape else Name(name)) for k in _places(shape)]
                point[name] = _array(entries, shape)
        return point

    def _needs_sides(self, values: list[Any], slopes: Any) -> bool:
        return False

    def hessian(self, point: Point) -> tuple[Any, dict[str, Any], Any]:
        """The value, the gradient, and the Hessian; of the two forms of an entry the shorter."""
        value, gradient, matrix = super().hessian(point)
        for i in range(len(matrix)):
            for j in range(i):
                matrix[i][j] = matrix[j][i] = min(matrix[i][j], matrix[j][i], key=lambda s: len(to_text(s.tree)))
        return value, gradient, matrix

    def check_dense(self, rows: int, columns: int, advice: str = "") -> None:
        """UsageError for more formulas than are written."""
        if rows * columns > MAX_ENTRIES:
            raise UsageError(f"there would be {rows} × {columns} formulas; at most {MAX_ENTRIES} are written", advice)


def shapes_of(
    trees: Sequence[Expression], texts: Sequence[str], names: Sequence[str], given: Mapping[str, Shape]
) -> dict[str, Shape]:
    """The shapes of the variables: as given, else a vector or matrix as far as it is indexed, else a number.

    Raises ExpressionError for a variable of which a function takes a whole vector, and that may be of any length.
    """
    shapes: dict[str, Shape] = dict(given)
    for tree in trees:
        for node in postorder(tree):
            if isinstance(node, Index) and isinstance(node.base, Name) and node.base.name not in given:
                _indexed(node, shapes)
    for tree, text in zip(trees, texts, strict=True):
        for node in postorder(tree):
            if isinstance(node, Call) and _takes_whole(node):
                _refuse_open(node, text, [n for n in names if n not in shapes])
    for name, shape in shapes.items():
        if math.prod(shape) > MAX_ENTRIES:
            what = f"{name} would have {math.prod(shape)} entries; formulas are written of {MAX_ENTRIES} at most"
            raise UsageError(what, f"at a point, a value for {name}, the derivative is numbers")
    return {name: shapes.get(name, ()) for name in names}


def _takes_whole(node: Call) -> bool:
    """Whether the function depends on how many entries its argument has."""
    return FUNCTIONS[node.function].kind in ("reduction", "macro") and (
        len(node.arguments) == 1 or FUNCTIONS[node.function] is FUNCTIONS["dot"]
    )


def _indexed(node: Index, shapes: dict[str, Shape]) -> None:
    assert isinstance(node.base, Name)
    if any(not isinstance(i, int) or i < 0 for i in node.indices):
        return  # a range, or from the end: of how many
    needed = tuple(i + 1 for i in node.indices if isinstance(i, int))
    before = shapes.get(node.base.name, ())
    if not before or len(before) == len(needed):
        shapes[node.base.name] = tuple(map(max, zip(before or needed, needed, strict=True)))


def _refuse_open(node: Call, text: str, open_names: Sequence[str]) -> None:
    for name in open_names:
        if name in _open_in(node):
            raise UnknownShapeError(name, text, *node.span)


def _open_in(root: Expression) -> set[str]:
    """The names below a node that may be vectors: those in a literal or with an index are numbers."""
    found: set[str] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, Name):
            found.add(node.name)
        elif not isinstance(node, Stack | Index):
            pending.extend(children(node))
    return found


def entries_of(wrt: Sequence[str], shapes: Mapping[str, Shape]) -> list[str]:
    """The names of all entries that are differentiated by."""
    return [title for name in wrt for title in entry_names(name, shapes[name])]
