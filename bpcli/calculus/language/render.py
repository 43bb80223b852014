"""Tree to text: an expression in bpcli's own syntax, with no more parentheses than it needs."""

from bpcli.calculus.language import tree as nodes
from bpcli.calculus.language.tokens import BINDS, COMPARISON, MINUS, POSTFIX, POWER

_ATOM = POSTFIX + 1


def to_text(root: nodes.Expression) -> str:
    """The text of a tree, without spaces: `2*x+1`, `-x**2`, `sum(A,axis=0)`; `parse(to_text(tree)) == tree`.

    A tree keeps its text: in a formula that is being derived the same trees come again in larger and larger ones.
    """
    if not hasattr(root, "written"):
        done: list[tuple[str, int]] = []
        for node in nodes.postorder(root, _is_written):
            if _is_written(node):
                done.append(node.written)
            else:
                below = len(done) - len(nodes.children(node))
                done[below:] = [_written(node, done[below:])]
        root.written = done[0]
    return root.written[0]


def _is_written(node: nodes.Expression) -> bool:
    return hasattr(node, "written")


def _written(node: nodes.Expression, operands: list[tuple[str, int]]) -> tuple[str, int]:
    """The text of a node, and how tightly it binds, from those of its operands."""
    match node:
        case nodes.Number(text):
            return text, POSTFIX  # as a base in parentheses: 5.T is 5.·T
        case nodes.Name(name):
            return name, _ATOM
        case nodes.Negative():
            return "-" + _within(operands[0], MINUS), MINUS
        case nodes.Binary(op):
            binds = BINDS[op]
            left, right = operands
            if op == "**":  # right-associative, and a minus may follow it
                return f"{_within(left, POWER + 1)}**{_within(right, MINUS)}", binds
            return f"{_within(left, binds)}{op}{_after(right, binds)}", binds
        case nodes.Compare(op):
            left, right = operands
            return f"{_within(left, COMPARISON + 1)}{op}{_within(right, COMPARISON + 1)}", COMPARISON
        case nodes.Call(function):
            axis = [] if node.axis is None else [f"axis={node.axis}"]
            return f"{function}({','.join([text for text, _ in operands] + axis)})", _ATOM
        case nodes.Stack():
            return f"[{','.join([text for text, _ in operands])}]", _ATOM
        case nodes.Index():
            return f"{_within(operands[0], _ATOM)}[{','.join(map(index_text, node.indices))}]", _ATOM
        case nodes.Transpose():
            return f"{_within(operands[0], _ATOM)}.T", _ATOM


def _within(operand: tuple[str, int], least: int) -> str:
    """The operand's text, in parentheses if it binds less tightly than `least`."""
    text, binds = operand
    return text if binds >= least else f"({text})"


def _after(operand: tuple[str, int], binds: int) -> str:
    """The right operand of an operator, in parentheses where it needs them, `a-(b-c)`, or reads better, `a-(-b)`."""
    return f"({operand[0]})" if operand[0][0] == "-" else _within(operand, binds + 1)


def index_text(index: int | tuple[int | None, int | None]) -> str:
    """An index or a range as it is typed."""
    if isinstance(index, int):
        return str(index)
    start, stop = index
    return f"{'' if start is None else start}:{'' if stop is None else stop}"
