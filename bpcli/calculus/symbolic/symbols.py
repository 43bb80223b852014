"""Expressions as one more kind of number: the rules run over trees, and what comes out is the derivative's formula.

A `Symbol` holds a tree. Its sums collect equal terms and its products equal factors, so that what the rules leave
behind, 1·g + 0, is tidied as it arises. Nothing is simplified that would change a value where both forms have one.
"""

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.render import to_text
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
from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.function_rows import Function
from bpcli.calculus.rules.functions import FUNCTIONS
from bpcli.calculus.symbolic.sums_and_products import (
    constant_of,
    factors_of,
    literal,
    number_tree,
    product_tree,
    scaled,
    sum_tree,
    terms_of,
)
from bpcli.numbers.operators import give_operators
from bpcli.numbers.singles import Singles

if TYPE_CHECKING:
    from bpcli.numbers.elements import Elements


class Symbol:
    """A number that is an expression."""

    __slots__ = ("tree",)

    def __init__(self, tree: Expression) -> None:
        self.tree = tree

    @property
    def namespace(self) -> Any:
        """The namespace of symbols."""
        return symbols()

    @property
    def constant(self) -> Fraction | None:
        """Its number; None if it is no constant."""
        return constant_of(self.tree)

    def __neg__(self) -> "Symbol":
        return Symbol(scaled(Fraction(-1), self.tree))

    def __and__(self, other: Any) -> "Symbol":
        return _multiply(self, lifted(other))  # of truths, which are 0 or 1

    def __or__(self, other: Any) -> "Symbol":
        return called("max", self, lifted(other))

    __rand__, __ror__ = __and__, __or__

    def __abs__(self) -> "Symbol":
        return called("abs", self)


# The operations


def _add(a: Symbol, b: Symbol) -> Symbol:
    return Symbol(sum_tree([*terms_of(a.tree), *terms_of(b.tree)]))


def _subtract(a: Symbol, b: Symbol) -> Symbol:
    return Symbol(sum_tree([*terms_of(a.tree), *((-c, t) for c, t in terms_of(b.tree))]))


def _multiply(a: Symbol, b: Symbol) -> Symbol:
    for one, other in ((a, b), (b, a)):
        if (case := _case(one.tree)) is not None:  # x·where(c, 1, 0) is where(c, x, 0): what is not taken is not there
            condition, *branches = case
            return called(
                "where",
                condition,
                *(branch if branch.constant == 0 else _multiply(other, branch) for branch in branches),
            )
    (c, left), (d, right) = factors_of(a.tree), factors_of(b.tree)
    return Symbol(product_tree(c * d, left + right))


def _case(tree: Expression) -> list[Symbol] | None:
    """The condition and the branches of a `where` that has a branch 0; None of anything else."""
    if isinstance(tree, Call) and tree.is_choice:
        symbols_ = [Symbol(argument) for argument in tree.arguments]
        return symbols_ if any(branch.constant == 0 for branch in symbols_[1:]) else None
    return None


def _divide(a: Symbol, b: Symbol) -> Symbol:
    (c, left), (d, right) = factors_of(a.tree), factors_of(b.tree)
    if not d:
        return Symbol(Binary("/", a.tree, b.tree))
    return Symbol(product_tree(c / d, left + [(base, -e) for base, e in right]))


def _power(a: Symbol, b: Symbol) -> Symbol:
    exponent = b.constant
    if exponent is not None and exponent.denominator == 1 and a.constant is None:
        if exponent == 0:
            return lifted(1.0)
        coefficient, factors = factors_of(a.tree)
        if coefficient == 1 or abs(exponent) <= 4:
            size = coefficient ** int(exponent) if coefficient else Fraction(0)
            return Symbol(product_tree(size, [(base, e * exponent) for base, e in factors]))
    if exponent == 1:
        return a
    return Symbol(Binary("**", a.tree, b.tree))


_BINARY = {"+": _add, "-": _subtract, "*": _multiply, "/": _divide, "**": _power}


def tidied(tree: Expression) -> Expression:
    """The tree with sums and products as the operations would have made them."""

    def anew(node: Expression, operands: list[Expression]) -> Expression:
        if isinstance(node, Binary) and node.op in _BINARY:
            return _BINARY[node.op](Symbol(operands[0]), Symbol(operands[1])).tree
        return scaled(Fraction(-1), operands[0]) if isinstance(node, Negative) else replace_children(node, operands)

    return fold(tree, anew)


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


_COMPARISONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
_OPERATIONS: dict[str, Callable[[Symbol, Symbol], Any]] = {
    "add": _add,
    "sub": _subtract,
    "mul": _multiply,
    "truediv": _divide,
    **{name: _comparison(op, getattr(operator, name)) for op, name in _COMPARISONS.items()},
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
        symbol = Symbol(literal(name)) if math.isfinite(float(c)) else lifted(float(c))
    return -symbol if sign else symbol


def _functions() -> dict[str, Callable[..., Any]]:
    """The functions of symbols."""
    names = [name for name, row in FUNCTIONS.items() if row.kind == "elementwise"]
    functions: dict[str, Callable[..., Any]] = {name: _function(name) for name in [*names, *_LANGUAGE]}
    return functions | {"divide": _divide, "power": _power, "scale": _multiply}


def _pi() -> Symbol:
    return Symbol(Name("pi"))


@cache
def single_symbols() -> Singles:
    """The namespace of single symbols."""
    return Singles("symbols", _functions(), lift=lifted, constant=_constant, select=_select, pi=_pi)


@cache
def symbols() -> "Elements":
    """The namespace of symbols and of arrays of them."""
    from bpcli.numbers.elements import Elements

    return Elements(
        "symbols",
        Symbol,
        _functions(),
        lift=lifted,
        constant=_constant,
        select=_select,
        is_finite=lambda x: True,
        rank=lambda x: 0.0,
        power_of_two=lambda k: lifted(2.0 ** int(k)),
        pi=_pi,
    )


def _computed(xp: PlainNamespace, node: Expression, operands: list[Any], names: Mapping[str, Any]) -> Any:
    """A node's value from those of its operands."""
    if isinstance(node, Name):
        return names.get(node.name, xp.pi)
    if isinstance(node, Negative):
        return -operands[0]
    if isinstance(node, Compare):
        return getattr(operator, _COMPARISONS[node.op])(*operands)
    if isinstance(node, Call):
        return getattr(xp, {"max": "maximum", "min": "minimum"}.get(node.function, node.function))(*operands)
    if isinstance(node, Binary):
        return _BY_OPERATOR[node.op](xp, *operands)
    assert isinstance(node, Number)
    return node.value


_BY_OPERATOR: dict[str, Callable[..., Any]] = {
    "+": lambda xp, a, b: a + b,
    "-": lambda xp, a, b: a - b,
    "*": lambda xp, a, b: a * b,
    "/": lambda xp, a, b: xp.divide(a, b),
    "**": lambda xp, a, b: xp.power(a, b),
}


class SymbolNamespace(PlainNamespace):
    """The rules over symbols: the textbook's formulas, and no conventions at single points."""

    symbolic = True

    def applied(self, row: Function, args: tuple[Any, ...]) -> Any:
        """A function of the language as its call, another row as what it is computed by."""
        if row.name in _COMPARISONS:  # a truth is a number
            return self.base.each(lifted, getattr(operator, _COMPARISONS[row.name])(*map(self.base.lifted, args)))
        if FUNCTIONS.get(row.name) is not row:
            return super().applied(row, args)
        return self.base.each(lambda *symbols: called(row.name, *symbols), *args)

    def written(self, formula: str, names: Mapping[str, Any], over: Any = None) -> Any:
        """A formula of the language with symbols for its names, or with numbers `over` symbols."""
        xp = over or self
        return fold(parse(formula), lambda node, operands: _computed(xp, node, operands, names))

    def __getattr__(self, name: str) -> Any:
        row = FUNCTIONS.get(name)
        if row is not None and row.kind == "elementwise":
            return getattr(self.base, name)
        return super().__getattr__(name)
