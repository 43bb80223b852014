"""Tree to text: an expression in bpcli's own syntax, with no more parentheses than it needs, and in LaTeX."""

import re

from bpcli.calculus.language.parser import BINDS, COMPARISON, MINUS, POSTFIX, POWER
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
            return f"{_within(operands[0], _ATOM)}[{','.join(map(_index, node.indices))}]", _ATOM
        case Transpose():
            return f"{_within(operands[0], _ATOM)}.T", _ATOM


def _within(operand: tuple[str, int], least: int) -> str:
    """The operand's text, in parentheses if it binds less tightly than `least`."""
    text, binds = operand
    return text if binds >= least else f"({text})"


def _after(operand: tuple[str, int], binds: int) -> str:
    """The operand behind an operator that binds so: `a-(b-c)`, and for the eye `a-(-b)`."""
    return f"({operand[0]})" if operand[0][0] == "-" else _within(operand, binds + 1)


def _index(index: int | tuple[int | None, int | None]) -> str:
    if isinstance(index, int):
        return str(index)
    start, stop = index
    return f"{'' if start is None else start}:{'' if stop is None else stop}"


# LaTeX

_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"),
    *("nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
)
_LETTERS = dict(zip("αβγδεζηθικλμνξπρστυφχψω", [*_GREEK[:15], *_GREEK[15:]], strict=True))
_NAMED = {
    "sin": r"\sin", "cos": r"\cos", "tan": r"\tan", "sinh": r"\sinh", "cosh": r"\cosh", "tanh": r"\tanh",
    "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "log": r"\log", "log2": r"\log_2",
    "log10": r"\log_{10}", "min": r"\min", "max": r"\max", "sigmoid": r"\sigma", "sum": r"\sum", "prod": r"\prod",
}  # fmt: skip
_SIGNS = {"<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "==": "=", "!=": r"\ne"}


def to_latex(root: Expression) -> str:
    """The LaTeX of a tree, for math mode with amsmath: fractions, roots, Greek letters, cases."""
    done: list[tuple[str, int]] = []
    for node in postorder(root):
        below = len(done) - len(children(node))
        done[below:] = [_latex(node, done[below:])]
    return done[0][0]


def _braced(operand: tuple[str, int], least: int) -> str:
    text, binds = operand
    return text if binds >= least else rf"\left({text}\right)"


def _latex(node: Expression, operands: list[tuple[str, int]]) -> tuple[str, int]:
    match node:
        case Number(text):
            mantissa, e, exponent = text.lower().partition("e")
            return (rf"{mantissa} \cdot 10^{{{int(exponent)}}}", BINDS["*"]) if e else (text, _ATOM)
        case Name(name):
            return _latex_name(name), _ATOM
        case Negative():
            return "-" + _braced(operands[0], BINDS["*"]), MINUS
        case Binary(op):
            return _latex_binary(op, *operands)
        case Compare(op):
            left, right = (_braced(operand, COMPARISON + 1) for operand in operands)
            return f"{left} {_SIGNS[op]} {right}", COMPARISON
        case Call(function):
            return _latex_call(function, [text for text, _ in operands])
        case Stack(items):
            matrix = bool(items) and isinstance(items[0], Stack)
            rows = [text.removeprefix(r"\begin{pmatrix} ").removesuffix(r" \end{pmatrix}") for text, _ in operands]
            turned = [row.replace(r" \\ ", " & ") for row in rows] if matrix else rows
            return r"\begin{pmatrix} " + r" \\ ".join(turned) + r" \end{pmatrix}", _ATOM
        case Index():
            return f"{_braced(operands[0], _ATOM)}_{{{', '.join(map(_index, node.indices))}}}", _ATOM
        case Transpose():
            return f"{_braced(operands[0], _ATOM)}^T", POSTFIX


def _latex_binary(op: str, left: tuple[str, int], right: tuple[str, int]) -> tuple[str, int]:
    if op == "/":
        return rf"\frac{{{left[0]}}}{{{right[0]}}}", BINDS["*"]
    if op == "**":
        return rf"{_braced(left, _ATOM)}^{{{right[0]}}}", POWER
    binds = BINDS[op]
    behind = rf"\left({right[0]}\right)" if right[0].startswith("-") else _braced(right, binds + (op == "-"))
    if op in "+-":
        return f"{_braced(left, binds)} {op} {behind}", binds
    # Numbers side by side would read as one.
    sign = r" \cdot " if op == "·" or behind[0].isdigit() else r" \, " if op == "@" else " "
    return f"{_braced(left, binds)}{sign}{behind}", binds


def _latex_call(function: str, arguments: list[str]) -> tuple[str, int]:
    match function, arguments:
        case "sqrt", [x]:
            return rf"\sqrt{{{x}}}", _ATOM
        case "cbrt", [x]:
            return rf"\sqrt[3]{{{x}}}", _ATOM
        case "abs", [x]:
            return rf"\left|{x}\right|", _ATOM
        case "norm", [x]:
            return rf"\left\|{x}\right\|", _ATOM
        case "exp", [x]:
            return f"e^{{{x}}}", POWER
        case "exp2", [x]:
            return f"2^{{{x}}}", POWER
        case "floor" | "ceil", [x]:
            return rf"\left\l{function}{x}\right\r{function}".replace(f"l{function}", f"l{function} "), _ATOM
        case "where", [condition, x, y]:
            return rf"\begin{{cases}} {x}, & {condition} \\ {y}, & \text{{else}} \end{{cases}}", _ATOM
    name = _NAMED.get(function) or rf"\operatorname{{{function}}}".replace("_", r"\_")
    return rf"{name}\left({', '.join(arguments)}\right)", _ATOM


def _latex_name(name: str) -> str:
    if name == "inf":
        return r"\infty"
    stem, digits = re.fullmatch(r"(.*?)_?(\d*)", name).groups()  # type: ignore[union-attr]
    stem = stem or name
    if stem in _GREEK or stem in _LETTERS:
        stem = rf"\{_LETTERS.get(stem, stem)}"
    elif stem == "yhat":
        stem = r"\hat{y}"
    elif len(stem) > 1:
        stem = rf"\mathrm{{{stem}}}".replace("_", r"\_")
    return f"{stem}_{{{digits}}}" if digits else stem
