"""Tree to text: an expression in bpcli's own syntax, with no more parentheses than it needs."""

from bpcli.calculus.language.tokens import BINDS, COMPARISON, MINUS, POSTFIX, POWER
from bpcli.calculus.language.tree import (
    Binary,
    Call,
    Compare,
    Expression,
    Index,
    Name,
    Negative,
    Number,
    Stack,
    Transpose,
    children,
    postorder,
)

_ATOM = POSTFIX + 1


def to_text(root: Expression) -> str:
    """The text of a tree, without spaces: `2*x+1`, `-x**2`, `sum(A,axis=0)`; `parse(to_text(tree)) == tree`."""
    done: list[tuple[str, int]] = []  # of each operand that is still to be used: its text, and how tightly it binds
    for node in postorder(root):
        below = len(done) - len(children(node))
        done[below:] = [_written(node, done[below:])]
    return done[0][0]


def _written(node: Expression, operands: list[tuple[str, int]]) -> tuple[str, int]:
    match node:
        case Number(text):
            return text, POSTFIX  # as a base in parentheses: 5.T is 5.·T
        case Name(name):
            return name, _ATOM
        case Negative():
            return "-" + _within(operands[0], MINUS), MINUS
        case Binary(op):
            binds = BINDS[op]
            left, right = operands
            if op == "**":  # right-associative, and a minus may follow it
                return f"{_within(left, POWER + 1)}**{_within(right, MINUS)}", binds
            return f"{_within(left, binds)}{op}{_after(right, binds)}", binds
        case Compare(op):
            left, right = operands
            return f"{_within(left, COMPARISON + 1)}{op}{_within(right, COMPARISON + 1)}", COMPARISON
        case Call(function):
            axis = [] if node.axis is None else [f"axis={node.axis}"]
            return f"{function}({','.join([text for text, _ in operands] + axis)})", _ATOM
        case Stack():
            return f"[{','.join([text for text, _ in operands])}]", _ATOM
        case Index():
            return f"{_within(operands[0], _ATOM)}[{','.join(map(index_text, node.indices))}]", _ATOM
        case Transpose():
            return f"{_within(operands[0], _ATOM)}.T", _ATOM


def _within(operand: tuple[str, int], least: int) -> str:
    """The operand's text, in parentheses if it binds less tightly than `least`."""
    text, binds = operand
    return text if binds >= least else f"({text})"


def _after(operand: tuple[str, int], binds: int) -> str:
    """The operand behind an operator that binds so: `a-(b-c)`, and for the eye `a-(-b)`."""
    return f"({operand[0]})" if operand[0][0] == "-" else _within(operand, binds + 1)


def index_text(index: int | tuple[int | None, int | None]) -> str:
    """An index or a range as it is typed."""
    if isinstance(index, int):
        return str(index)
    start, stop = index
    return f"{'' if start is None else start}:{'' if stop is None else stop}"
