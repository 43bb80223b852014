"""The nodes of an expression's tree; every node knows its place in the text.

Plain classes with slots rather than dataclasses: a shell script starts this program in a loop, and building a
dataclass takes longer than evaluating the expression.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar, cast

T = TypeVar("T")
Span = tuple[int, int]
"""Where a node stands in its text: `text[start:end]`."""


class Node:
    """Base of the nodes: equality, hash and repr are those of the whole tree below; spans do not take part.

    All three use the flat list of nodes and no recursion, so that trees may be deep.
    """

    __slots__ = ("span", "written")
    __match_args__: ClassVar[tuple[str, ...]] = ()

    span: Span
    written: tuple[str, int]
    """Its text and how tightly that binds, once it has been asked for: see `to_text`."""

    def _own(self) -> list[object]:
        """The fields that are not operands."""
        return [value for value in [getattr(self, name) for name in self.__match_args__] if not _operands(value)]

    def _flat(self) -> list[tuple[object, ...]]:
        """The tree in post-order, each node with the number of its operands, which determines the tree."""
        return [(type(node), len(children(node)), *node._own()) for node in postorder(cast("Expression", self))]

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Node) and self._flat() == other._flat())

    def __hash__(self) -> int:
        return hash(tuple(self._flat()))

    def __repr__(self) -> str:
        def written(node: Node, operands: list[str]) -> str:
            return f"{type(node).__name__}({', '.join([*map(repr, node._own()), *operands])})"

        return fold(cast("Expression", self), written)


def _operands(value: object) -> bool:
    return isinstance(value, Node) or (isinstance(value, tuple) and bool(value) and isinstance(value[0], Node))


class Number(Node):
    """A literal. `text` is what was typed (a certified evaluation reads the decimal itself), `value` its double."""

    __slots__ = ("text", "value")
    __match_args__ = ("text",)

    def __init__(self, text: str, value: float, span: Span = (0, 0)) -> None:
        self.text, self.value, self.span = text, value, span


class Name(Node):
    """A variable or a constant such as `pi`: which of the two is decided when names are bound."""

    __slots__ = ("name",)
    __match_args__ = ("name",)

    def __init__(self, name: str, span: Span = (0, 0)) -> None:
        self.name, self.span = name, span


class Negative(Node):
    """−operand."""

    __slots__ = ("operand",)
    __match_args__ = ("operand",)

    def __init__(self, operand: "Expression", span: Span = (0, 0)) -> None:
        self.operand, self.span = operand, span


class Binary(Node):
    """left op right, `op` one of `+ - * / ** @ ·` (`·`: the product of numbers, the dot product of vectors)."""

    __slots__ = ("left", "op", "op_span", "right")
    __match_args__ = ("op", "left", "right")

    def __init__(
        self, op: str, left: "Expression", right: "Expression", span: Span = (0, 0), op_span: Span = (0, 0)
    ) -> None:
        self.op, self.left, self.right, self.span, self.op_span = op, left, right, span, op_span


class Compare(Node):
    """left op right, `op` one of `< <= > >= == !=`: 1 where it holds, else 0."""

    __slots__ = ("left", "op", "right")
    __match_args__ = ("op", "left", "right")

    def __init__(self, op: str, left: "Expression", right: "Expression", span: Span = (0, 0)) -> None:
        self.op, self.left, self.right, self.span = op, left, right, span


class Call(Node):
    """function(arguments…, axis=axis); `function` is a key of the table of functions, `|x|` is `abs(x)`."""

    __slots__ = ("arguments", "axis", "function", "function_span")
    __match_args__ = ("function", "arguments", "axis")

    def __init__(
        self,
        function: str,
        arguments: tuple["Expression", ...],
        axis: int | None = None,
        span: Span = (0, 0),
        function_span: Span = (0, 0),
    ) -> None:
        self.function, self.arguments, self.axis = function, arguments, axis
        self.span, self.function_span = span, function_span

    @property
    def is_choice(self) -> bool:
        """Whether it takes one of two formulas by a condition: where(condition, x, y)."""
        return self.function == "where"


class Stack(Node):
    """A literal `[…]`: its items, all of one shape, stacked along a new first axis."""

    __slots__ = ("items",)
    __match_args__ = ("items",)

    def __init__(self, items: tuple["Expression", ...], span: Span = (0, 0)) -> None:
        self.items, self.span = items, span


class Index(Node):
    """base[indices…]: each an integer, or a (start, stop) pair for a slice, either end of which may be None."""

    __slots__ = ("base", "indices")
    __match_args__ = ("base", "indices")

    def __init__(
        self, base: "Expression", indices: tuple[int | tuple[int | None, int | None], ...], span: Span = (0, 0)
    ) -> None:
        self.base, self.indices, self.span = base, indices, span


class Transpose(Node):
    """base.T"""

    __slots__ = ("base",)
    __match_args__ = ("base",)

    def __init__(self, base: "Expression", span: Span = (0, 0)) -> None:
        self.base, self.span = base, span


Expression = Number | Name | Negative | Binary | Compare | Call | Stack | Index | Transpose


def children(node: Node) -> tuple[Expression, ...]:
    """The operands of `node`, from left to right; of a leaf, none."""
    match node:
        case Binary() | Compare():
            return node.left, node.right
        case Negative():
            return (node.operand,)
        case Call():
            return node.arguments
        case Stack():
            return node.items
        case Index() | Transpose():
            return (node.base,)
    return ()


def replace_children(node: Expression, new: Sequence[Expression]) -> Expression:
    """`node` with the operands `new`, as many as `children(node)`; its place in the text stays."""
    match node:
        case Binary():
            return Binary(node.op, new[0], new[1], node.span, node.op_span)
        case Compare():
            return Compare(node.op, new[0], new[1], node.span)
        case Negative():
            return Negative(new[0], node.span)
        case Call():
            return Call(node.function, tuple(new), node.axis, node.span, node.function_span)
        case Stack():
            return Stack(tuple(new), node.span)
        case Index():
            return Index(new[0], node.indices, node.span)
        case Transpose():
            return Transpose(new[0], node.span)
    return node


def postorder(root: Expression, ends: Callable[[Expression], bool] | None = None) -> list[Expression]:
    """Every node below and including `root`, operands before what uses them, from left to right; none below one that
    `ends` the walk.

    Without recursion: `x + x + …` is a tree as deep as the sum is long. Walk trees with this, never by recursion.
    """
    nodes: list[Expression] = []
    pending = [root]
    while pending:  # a node before its operands, the last operand first: read backwards, this is the post-order
        node = pending.pop()
        nodes.append(node)
        if ends is None or not ends(node):
            pending.extend(children(node))
    nodes.reverse()
    return nodes


def distinct(root: Expression) -> list[Expression]:
    """The nodes of `postorder`, but one that several others use only once: a derivative shares most of its parts."""
    nodes: list[Expression] = []
    seen: set[int] = set()
    pending = [(root, False)]
    while pending:
        node, ready = pending.pop()
        if ready:
            nodes.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            pending.append((node, True))
            pending.extend([(child, False) for child in reversed(children(node))])
    return nodes


def fold(root: Expression, of: Callable[[Expression, list[T]], T]) -> T:
    """The result of `of(node, results of its operands)` at the root, computed from the leaves up.

    `of` is called once for a node that several others have as an operand.
    """
    nodes = distinct(root)
    left: dict[int, int] = {}  # users yet to come: results of a deep tree may be long, and are dropped
    for node in nodes:
        for child in children(node):
            left[id(child)] = left.get(id(child), 0) + 1
    done: dict[int, T] = {}

    def taken(child: Expression) -> T:
        left[id(child)] -= 1
        return done[id(child)] if left[id(child)] else done.pop(id(child))

    for node in nodes:
        done[id(node)] = of(node, [taken(child) for child in children(node)])
    return done[id(root)]


def names_in(root: Expression) -> list[str]:
    """The names that occur, in the order of their first appearance in the text."""
    return list(dict.fromkeys([node.name for node in distinct(root) if isinstance(node, Name)]))
