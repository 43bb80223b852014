"""Expressions as one more kind of number: the rules run over trees, and what comes out is the derivative's formula.

A `Symbol` holds a tree. Its sums collect equal terms and its products equal factors, so that what the rules leave
behind, 1·g + 0, is tidied as it arises. Nothing is simplified that would change a value where both forms have one.
"""

import math
import operator
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import (
    Binary,
    Call,
    Compare,
    Expression,
    Index,
    Name,
    Negative,
    Number,
    children,
    postorder,
    replace_children,
)
from bpcli.calculus.rules.duals import Space
from bpcli.calculus.rules.functions import FUNCTIONS, Function
from bpcli.numbers.elements import Elements, give_operators
from bpcli.text.natural_order import natural_key

Factors = list[tuple[Expression, Fraction]]


class Symbol:
    """A number that is an expression."""

    __slots__ = ("tree",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tree: Expression) -> None:
        self.tree = tree

    @property
    def space(self) -> Any:
        """The namespace of symbols."""
        return symbols()

    @property
    def constant(self) -> Fraction | None:
        """The number that it is, if it is one."""
        return constant_of(self.tree)

    def __neg__(self) -> "Symbol":
        return Symbol(_scaled(Fraction(-1), self.tree))

    def __and__(self, other: Any) -> "Symbol":
        return _multiply(self, lifted(other))  # of truths, which are 0 or 1

    def __or__(self, other: Any) -> "Symbol":
        return called("max", self, lifted(other))

    __rand__, __ror__ = __and__, __or__

    def __abs__(self) -> "Symbol":
        return called("abs", self)


def constant_of(tree: Expression) -> Fraction | None:
    """The number that a tree is, exactly; None if it is none, or not finite."""
    if isinstance(tree, Number):
        return Fraction(tree.text) if math.isfinite(tree.value) else None
    if isinstance(tree, Negative):
        inner = constant_of(tree.operand)
        return None if inner is None else -inner
    if isinstance(tree, Binary) and tree.op == "/":
        top, bottom = constant_of(tree.left), constant_of(tree.right)
        return None if top is None or not bottom else top / bottom
    return None


def number_tree(value: Fraction) -> Expression:
    """A number as a tree: whole, as a decimal where that is short, else as a quotient."""
    if value < 0:
        return Negative(number_tree(-value))
    if value.denominator == 1:
        return _literal(str(value.numerator))
    decimal = repr(float(value))
    if len(decimal) <= 8 and "e" not in decimal and Fraction(decimal) == value:
        return _literal(decimal)
    return Binary("/", _literal(str(value.numerator)), _literal(str(value.denominator)))


def _literal(text: str) -> Number:
    return Number(text, float(text))


# Sums


def _terms(tree: Expression) -> list[tuple[Fraction, Expression | None]]:
    """A tree as Σ coefficient·term; the term of a constant is None."""
    pending: list[tuple[Fraction, Expression]] = [(Fraction(1), tree)]
    result: list[tuple[Fraction, Expression | None]] = []
    while pending:
        sign, node = pending.pop()
        if isinstance(node, Binary) and node.op in "+-":
            pending.append((sign if node.op == "+" else -sign, node.right))
            pending.append((sign, node.left))
            continue
        value = constant_of(node)
        if value is not None:
            result.append((sign * value, None))
            continue
        coefficient, factors = _factors(node)
        result.append((sign * coefficient, _product(Fraction(1), factors)))
    return result


def _sum(terms: Iterable[tuple[Fraction, Expression | None]]) -> Expression:
    """The tree of Σ coefficient·term, equal terms collected; what is added stands before what is subtracted."""
    collected: dict[str, tuple[Fraction, Expression | None]] = {}
    for coefficient, term in terms:
        key = "" if term is None else to_text(term)
        before = collected.get(key, (Fraction(0), term))[0]
        collected[key] = (before + coefficient, term)
    left = [(c, t) for c, t in collected.values() if c]
    ordered = [item for item in left if item[0] > 0] + [item for item in left if item[0] < 0]
    if not ordered:
        return number_tree(Fraction(0))
    result: Expression | None = None
    for coefficient, term in ordered:
        size = number_tree(abs(coefficient)) if term is None else _scaled(abs(coefficient), term)
        if result is None:
            result = size if coefficient > 0 else _negated(size)
        else:
            result = Binary("+" if coefficient > 0 else "-", result, size)
    assert result is not None
    return result


def _negated(tree: Expression) -> Expression:
    return tree.operand if isinstance(tree, Negative) else Negative(tree)


# Products


def _factors(tree: Expression) -> tuple[Fraction, Factors]:
    """A tree as coefficient·Π base^exponent with whole exponents."""
    coefficient = Fraction(1)
    factors: Factors = []
    pending: list[tuple[Expression, int]] = [(tree, 1)]
    while pending:
        node, sign = pending.pop()
        value = constant_of(node)
        if value is not None and (value or sign > 0):
            coefficient = coefficient * value if sign > 0 else coefficient / value
        elif isinstance(node, Negative):
            coefficient = -coefficient
            pending.append((node.operand, sign))
        elif isinstance(node, Binary) and node.op in ("*", "·", "/"):
            pending.append((node.right, -sign if node.op == "/" else sign))
            pending.append((node.left, sign))
        elif isinstance(node, Binary) and node.op == "**":
            exponent = constant_of(node.right)
            if exponent is not None and exponent.denominator == 1:
                factors.append((node.left, exponent * sign))
            else:
                factors.append((node, Fraction(sign)))
        else:
            factors.append((node, Fraction(sign)))
    return coefficient, factors


def _product(coefficient: Fraction, factors: Factors) -> Expression:
    """The tree of coefficient·Π base^exponent, equal bases collected; what divides stands below a line."""
    collected: dict[str, tuple[Expression, Fraction]] = {}
    for base, exponent in factors:
        key = to_text(base)
        before = collected.get(key, (base, Fraction(0)))[1]
        collected[key] = (base, before + exponent)
    if not coefficient:
        return number_tree(Fraction(0))
    ordered = sorted(collected.values(), key=_place)
    above = [_raised(base, e) for base, e in ordered if e > 0]
    below = [_raised(base, -e) for base, e in ordered if e < 0]
    size = abs(coefficient)
    top = size
    if size.denominator != 1 and isinstance(number_tree(size), Binary):
        top, bottom = Fraction(size.numerator), number_tree(Fraction(size.denominator))
        below = [bottom, *below]
    parts = ([] if top == 1 and above else [number_tree(top)]) + above
    if coefficient < 0:
        parts[0] = Negative(parts[0])
    result = _multiplied(parts)
    return Binary("/", result, _multiplied(below)) if below else result


def _place(factor: tuple[Expression, Fraction]) -> tuple[int, Any]:
    """Where a factor stands in a product: names, then powers of other things, functions, sums."""
    base = factor[0]
    if isinstance(base, Name | Index):
        rank = 0
    elif isinstance(base, Call):
        rank = 2
    else:
        rank = 3 if isinstance(base, Binary) and base.op in "+-" else 1
    return rank, natural_key(to_text(base))


def _multiplied(parts: list[Expression]) -> Expression:
    result = parts[0]
    for part in parts[1:]:
        result = Binary("*", result, part)
    return result


def _raised(base: Expression, exponent: Fraction) -> Expression:
    return base if exponent == 1 else Binary("**", base, number_tree(exponent))


def _scaled(coefficient: Fraction, tree: Expression) -> Expression:
    if isinstance(tree, Binary) and tree.op in "+-" and coefficient == -1:
        return _sum((-c, t) for c, t in _terms(tree))
    inner, factors = _factors(tree)
    return _product(coefficient * inner, factors)


# The operations


def _add(a: Symbol, b: Symbol) -> Symbol:
    return Symbol(_sum([*_terms(a.tree), *_terms(b.tree)]))


def _subtract(a: Symbol, b: Symbol) -> Symbol:
    return Symbol(_sum([*_terms(a.tree), *((-c, t) for c, t in _terms(b.tree))]))


def _multiply(a: Symbol, b: Symbol) -> Symbol:
    for one, other in ((a, b), (b, a)):
        if (case := _case(one.tree)) is not None:  # x·where(c, 1, 0) is where(c, x, 0): what is not taken is not there
            condition, *branches = case
            return called(
                "where",
                condition,
                *(branch if branch.constant == 0 else _multiply(other, branch) for branch in branches),
            )
    (c, left), (d, right) = _factors(a.tree), _factors(b.tree)
    return Symbol(_product(c * d, left + right))


def _case(tree: Expression) -> list[Symbol] | None:
    """Condition and branches of a `where` of which one branch is 0."""
    if isinstance(tree, Call) and tree.function == "where":
        symbols_ = [Symbol(argument) for argument in tree.arguments]
        return symbols_ if any(branch.constant == 0 for branch in symbols_[1:]) else None
    return None


def _divide(a: Symbol, b: Symbol) -> Symbol:
    (c, left), (d, right) = _factors(a.tree), _factors(b.tree)
    if not d:
        return Symbol(Binary("/", a.tree, b.tree))
    return Symbol(_product(c / d, left + [(base, -e) for base, e in right]))


def _power(a: Symbol, b: Symbol) -> Symbol:
    exponent = b.constant
    if exponent is not None and exponent.denominator == 1 and a.constant is None:
        if exponent == 0:
            return lifted(1.0)
        coefficient, factors = _factors(a.tree)
        if coefficient == 1 or abs(exponent) <= 4:
            size = coefficient ** int(exponent) if coefficient else Fraction(0)
            return Symbol(_product(size, [(base, e * exponent) for base, e in factors]))
    if exponent == 1:
        return a
    return Symbol(Binary("**", a.tree, b.tree))


_BINARY = {"+": _add, "-": _subtract, "*": _multiply, "/": _divide, "**": _power}


def tidied(tree: Expression) -> Expression:
    """The tree with sums and products as the operations would have made them."""
    done: list[Expression] = []
    for node in postorder(tree):
        below = len(done) - len(children(node))
        operands = done[below:]
        if isinstance(node, Binary) and node.op in _BINARY:
            new = _BINARY[node.op](Symbol(operands[0]), Symbol(operands[1])).tree
        elif isinstance(node, Negative):
            new = _scaled(Fraction(-1), operands[0])
        else:
            new = replace_children(node, operands) if operands else node
        done[below:] = [new]
    return done[0]


def _select(condition: Any, a: Symbol, b: Symbol) -> Symbol:
    if not isinstance(condition, Symbol):
        return a if condition else b
    if to_text(a.tree) == to_text(b.tree):
        return a
    return called("where", condition, a, b)


def called(function: str, *args: Symbol) -> Symbol:
    """A function of the language of symbols."""
    return Symbol(Call(function, tuple(arg.tree for arg in args)))


_LANGUAGE = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh"}
_LANGUAGE |= {"arctanh": "atanh", "arctan2": "atan2", "maximum": "max", "minimum": "min"}


def _function(name: str) -> Callable[..., Symbol]:
    return lambda *args: called(_LANGUAGE.get(name, name), *args)


def _comparison(op: str, answer: Callable[[Fraction, Fraction], bool]) -> Callable[[Symbol, Symbol], Any]:
    def compare(a: Symbol, b: Symbol) -> Any:
        x, y = a.constant, b.constant
        if x is not None and y is not None:
            return answer(x, y)
        if op == "!=" and y == 0 and isinstance(a.tree, Compare):
            return a
        return Symbol(Compare(op, a.tree, b.tree))

    return compare


_OPERATIONS: dict[str, Callable[[Symbol, Symbol], Any]] = {
    "add": _add,
    "sub": _subtract,
    "mul": _multiply,
    "truediv": _divide,
    "lt": _comparison("<", lambda x, y: x < y),
    "le": _comparison("<=", lambda x, y: x <= y),
    "gt": _comparison(">", lambda x, y: x > y),
    "ge": _comparison(">=", lambda x, y: x >= y),
    "eq": _comparison("==", lambda x, y: x == y),
    "ne": _comparison("!=", lambda x, y: x != y),
}


def lifted(x: Any) -> Symbol:
    """Any number as a symbol."""
    if isinstance(x, Symbol):
        return x
    value = float(x)
    if not math.isfinite(value):
        return Symbol(Name("inf") if value > 0 else Negative(Name("inf")))
    text = repr(value).removesuffix(".0")
    return Symbol(number_tree(Fraction(text)))


give_operators(Symbol, _OPERATIONS, lifted)


def _constant(c: Any) -> Symbol:
    """A constant of the text as it was written."""
    text = str(getattr(c, "written", c))
    sign, name = text.startswith("-"), text.lstrip("-")
    if name in ("pi", "e", "inf"):
        symbol = Symbol(Name(name))
    else:
        symbol = Symbol(_literal(name)) if math.isfinite(float(c)) else lifted(float(c))
    return -symbol if sign else symbol


@cache
def symbols() -> Elements:
    """The namespace of symbols."""
    names = [name for name, row in FUNCTIONS.items() if row.kind == "elementwise"]
    functions: dict[str, Callable[..., Any]] = {name: _function(name) for name in [*names, *_LANGUAGE]}
    functions |= {"divide": _divide, "power": _power, "scale": _multiply}
    return Elements(
        "symbols",
        Symbol,
        functions,
        lift=lifted,
        constant=_constant,
        select=_select,
        is_finite=lambda x: True,
        rank=lambda x: 0.0,
        power_of_two=lambda k: lifted(2.0 ** int(k)),
        pi=lambda: Symbol(Name("pi")),
    )


_COMPARISONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}


class SymbolSpace(Space):
    """The rules over symbols: the textbook's formulas, and no conventions at single points."""

    symbolic = True

    def applied(self, row: Function, args: tuple[Any, ...]) -> Any:
        """A function of the language as its call, another row as what it is computed by."""
        if row.name in _COMPARISONS:  # a truth is a number
            answers = getattr(operator, _COMPARISONS[row.name])(*map(self.base.lifted, args))
            return self.base.kept(np.frompyfunc(lifted, 1, 1)(answers))
        if FUNCTIONS.get(row.name) is not row:
            return super().applied(row, args)
        each = np.frompyfunc(lambda *symbols: called(row.name, *symbols), len(args), 1)
        return self.base.kept(each(*map(self.base.lifted, args)))

    def __getattr__(self, name: str) -> Any:
        row = FUNCTIONS.get(name)
        if row is not None and row.kind == "elementwise":
            return getattr(self.base, name)
        return super().__getattr__(name)
