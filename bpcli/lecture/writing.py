"""Formulas of the tables in the lecture's notation, as text and as LaTeX: `a*(1-a)` is a(1 − a).

`render` writes any expression so that it can be parsed again, and `latex` writes any in LaTeX. Here formulas of the
tables alone are written, as a reader has them: products side by side, log ŷ without parentheses, cases with their
conditions, text and LaTeX by one recursion.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from bpcli.calculus.language.latex import SIGNS, around_latex, function_latex, to_latex
from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tree import (
    Binary,
    Call,
    Compare,
    Expression,
    Name,
    Negative,
    Number,
    fold,
    replace_children,
)


class Formula(NamedTuple):
    """A formula in text and in LaTeX."""

    text: str
    latex: str

    @property
    def equated(self) -> str:
        """The text, to stand before a further =: cases in parentheses, else only the last one would be equated."""
        outside, count = self.text, 1
        while count:  # what stands in parentheses already
            outside, count = re.subn(r"\([^()]*\)|\[[^][]*\]", "", outside)
        return f"({self.text})" if _ELSE in outside else self.text


Names = Mapping[str, Formula]

# Precedence: cases, sums, quotients on one line, functions without parentheses, products, powers, atoms.
_CASES, _SUM, _QUOTIENT, _BARE, _PRODUCT, _POWER, _ATOM = range(7)

_SIGNS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "!=": "≠"}
_OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}
_BARE_FUNCTIONS = ("log", "sin", "cos", "tan", "sinh", "cosh", "tanh")
_ELSE = ", else "
_SYMBOLS = {"sigmoid": "σ"}
_POWERS = {"2": "²", "3": "³"}


def written(formula: str | Expression, names: Names | None = None) -> Formula:
    """A formula of a table; `names` replaces its names."""
    tree = parse(formula) if isinstance(formula, str) else formula
    return Formula(*(_write(tree, names or {}, latex)[0] for latex in (False, True)))


def factor(formula: str | Expression, names: Names | None = None) -> Formula:
    """The same as a factor of a product; where(c, 1, 0) is [c]."""
    tree = parse(formula) if isinstance(formula, str) else formula
    return Formula(*(_within(tree, _QUOTIENT, names or {}, latex) for latex in (False, True)))


def within(formula: str) -> Formula:
    """The same, between brackets."""
    return Formula(*(_within(parse(formula), _CASES, {}, latex) for latex in (False, True)))


def application(name: str, formula: str) -> Formula:
    """g(z) with the symbol of g, as σ(z), if it has one, else its formula."""
    return written(f"{name}(z)" if name in _SYMBOLS or name in _BARE_FUNCTIONS else formula)


def symbol(name: str) -> Formula:
    """The default notation of a name: `delta` is δ."""
    try:
        letter = unicodedata.lookup(f"GREEK SMALL LETTER {'LAMDA' if name == 'lambda' else name.upper()}")
    except KeyError:
        letter = "ŷ" if name == "yhat" else name
    return Formula(letter, to_latex(Name(name)))


def renamed(tree: Expression, names: Mapping[str, str]) -> Expression:
    """The tree with other names, for example `a[i]` for `a`."""

    def anew(node: Expression, operands: list[Expression]) -> Expression:
        if isinstance(node, Name):
            return Name(names.get(node.name, node.name))
        return replace_children(node, operands)

    return fold(tree, anew)


# The recursion; formulas of the tables are short


def _write(node: Expression, names: Names, latex: bool) -> tuple[str, int]:
    match node:
        case Number(text):
            return text, _ATOM
        case Name(name):
            shown = names.get(name, symbol(name))[latex]
            return shown, _POWER if "^" in shown else _ATOM
        case Negative(operand):
            return _minus(latex) + _within(operand, _QUOTIENT, names, latex), _SUM
        case Binary(op, left, right):
            negative, rest = _without_minus(node)
            return _write(Negative(rest), names, latex) if negative else _binary(op, left, right, names, latex)
        case Compare(op, left, right):
            sign = (SIGNS if latex else _SIGNS)[op]
            return f"{_write(left, names, latex)[0]} {sign} {_write(right, names, latex)[0]}", _CASES
        case Call("where", (condition, value, other)):
            return _cases(condition, value, other, names, latex)
        case Call(function, arguments):
            return _call(function, arguments, names, latex)
    return to_latex(node), _ATOM


def _minus(latex: bool) -> str:
    return "-" if latex else "−"


def _within(node: Expression, least: int, names: Names, latex: bool) -> str:
    """In parentheses if its precedence is below `least`."""
    match node:
        case Call("where", (condition, Number("1"), Number("0"))):
            return f"[{_write(condition, names, latex)[0]}]"
    text, binds = _write(node, names, latex)
    return text if binds >= least else f"({text})"


def _binary(op: str, left: Expression, right: Expression, names: Names, latex: bool) -> tuple[str, int]:
    if op in "+-":
        sign = "+" if op == "+" else _minus(latex)
        first = _within(left, _SUM, names, latex)
        second = _within(right, _SUM if op == "+" else _QUOTIENT, names, latex)
        return f"{first} {sign} " + (f"({second})" if second.startswith(_minus(latex)) else second), _SUM
    if op == "/" and latex:
        numerator, denominator = (_write(part, names, latex)[0] for part in (left, right))
        return rf"\frac{{{numerator}}}{{{denominator}}}", _PRODUCT
    if op == "/":
        return f"{_within(left, _BARE, names, latex)}/{_within(right, _POWER, names, latex)}", _QUOTIENT
    if op == "**":
        base, exponent = _within(left, _ATOM, names, latex), _write(right, names, latex)[0]
        if latex:
            return f"{base}^{exponent}" if len(exponent) == 1 else f"{base}^{{{exponent}}}", _POWER
        return base + (_POWERS.get(exponent) or "^" + _within(right, _ATOM, names, latex)), _POWER
    first, second = _within(left, _PRODUCT, names, latex), _within(right, _BARE, names, latex)
    times = r"\cdot" if latex else "·"
    if second[0].isdigit():  # numbers side by side would read as one
        return f"{first} {times} {second}", _PRODUCT
    return first + ("" if second[0] in "([|" else " ") + second, _PRODUCT


def _cases(condition: Expression, value: Expression, other: Expression, names: Names, latex: bool) -> tuple[str, int]:
    def inside(branch: Expression) -> str:  # as text, cases within a case need parentheses
        return _write(branch, names, latex)[0] if latex else _within(branch, _SUM, names, latex)

    branches = [(_write(condition, names, latex)[0], inside(value))]
    last = condition
    while isinstance(other, Call) and other.is_choice:
        last, value, other = other.arguments
        branches.append((_write(last, names, latex)[0], inside(value)))
    rest = _write(other, names, latex)[0]
    if not latex:
        return ", ".join(f"{value} if {condition}" for condition, value in branches) + _ELSE + rest, _CASES
    otherwise = r"\text{else}"
    if len(branches) == 1 and isinstance(last, Compare):
        otherwise = _write(Compare(_OPPOSITE[last.op], last.left, last.right), names, latex)[0]
    lines = [*(f"{value}, & {condition}" for condition, value in branches), f"{rest}, & {otherwise}"]
    return r"\begin{cases} " + r" \\ ".join(lines) + r" \end{cases}", _ATOM


def _call(function: str, arguments: tuple[Expression, ...], names: Names, latex: bool) -> tuple[str, int]:
    match function, arguments:
        case "exp", (x,):
            text, binds = _write(x, names, latex)
            plain = latex or binds == _ATOM or (isinstance(x, Negative) and isinstance(x.operand, Name | Number))
            return f"e^{{{text}}}" if latex else f"e^{text}" if plain else f"e^({text})", _POWER
        case "abs", (x,) if not latex:
            return f"|{_write(x, names, latex)[0]}|", _ATOM
        case _, (x,) if latex and (around := around_latex(function, _write(x, names, latex)[0])):
            return around, _ATOM
    inside = ", ".join(_write(argument, names, latex)[0] for argument in arguments)
    name = function_latex(function) if latex else _SYMBOLS.get(function, function)
    if function in _BARE_FUNCTIONS:
        atom = all(isinstance(argument, Name | Number) for argument in arguments)
        return (f"{name} {inside}", _BARE) if atom else (f"{name}({inside})", _POWER)
    return f"{name}({inside})", _POWER


# Means over a batch


def signed(tree: Expression) -> tuple[bool, str, Expression]:
    """A formula as (negative, c, rest) for −c·rest or c·rest; c is "1" without a leading number."""
    negative, rest = _without_minus(tree)
    return negative, *_without_number(rest)


def _without_number(tree: Expression) -> tuple[str, Expression]:
    match tree:
        case Binary("*", Number(text), other):
            return text, other
        case Binary("*", left, right):
            c, rest = _without_number(left)
            return c, Binary("*", rest, right)
    return "1", tree


def _without_minus(tree: Expression) -> tuple[bool, Expression]:
    match tree:
        case Negative(operand):
            return True, operand
        case Binary("*" | "/", left, right):
            negative, rest = _without_minus(left)
            return negative, Binary(tree.op, rest, right)
    return False, tree


def is_linear(tree: Expression) -> bool:
    """Whether a formula of entries also holds for vectors: sums, differences and multiples of names."""
    match tree:
        case Name():
            return True
        case Negative(operand) | Binary("*", Number() | Negative(Number()), operand):
            return is_linear(operand)
        case Binary("+" | "-", left, right):
            return is_linear(left) and is_linear(right)
    return False


def mean(formula: str, names: Names, N: int, sums: Formula) -> Formula:
    """(1/N) Σ of a loss's term, where `sums` is the Σ; without 1/N for a single sample."""
    negative, c, rest = signed(parse(formula))
    found = []
    for latex in (False, True):
        text, binds = _write(rest, names, latex)
        before = " ".join(part for part in (share(c, N)[latex], sums[latex]) if part)
        text = f"[{text}]" if binds <= _SUM and (before or negative) else text
        found.append(_minus(latex) * negative + (f"{before} {text}" if sums[latex] else _times(before, text)))
    return Formula(*found)


def mean_slope(formula: str, names: Names, N: int) -> Formula:
    """1/N of a loss's slope; without 1/N for a single sample."""
    negative, c, rest = signed(parse(formula))
    found = []
    for latex in (False, True):
        before = share(c, N)[latex]
        text = _within(rest, _QUOTIENT, names, latex) if before or negative else _write(rest, names, latex)[0]
        found.append(_minus(latex) * negative + _times(before, text))
    return Formula(*found)


def share(c: str, N: int) -> Formula:
    """c/N, or c for a single sample; "" for 1."""
    if N == 1:
        return Formula(c, c) if c != "1" else Formula("", "")
    return Formula(f"({c}/N)", rf"\frac{{{c}}}{{N}}")


def _times(before: str, text: str) -> str:
    return text if not before else f"{before}{text}" if text.startswith("(") else f"{before} {text}"
