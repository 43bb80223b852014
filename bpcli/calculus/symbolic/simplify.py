"""Formulas made shorter by SymPy (extra `symbolic`): built from our tree, never from text.

Parts that SymPy does not have (an entry of a vector, a sigmoid, cases) are replaced by names. A result is taken if it
is shorter, and has the same values as ours at random points, also where those are not finite.
"""

import math
import operator
import random
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from types import FrameType
from typing import Any

from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import (
    Binary,
    Call,
    Expression,
    Name,
    Negative,
    Number,
    children,
    fold,
    postorder,
    replace_children,
)
from bpcli.calculus.rules.functions import CONSTANTS
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.symbolic.sums_and_products import number_tree
from bpcli.calculus.symbolic.symbols import tidied
from bpcli.errors import MissingExtraError

MAX_LENGTH = 400
"""The longest text that is given to SymPy."""

MAX_CALLS = 3_000_000
"""Of functions within SymPy for one formula: steps, so that every machine finds the same form."""

MAX_CALLS_IN_ALL = 10 * MAX_CALLS
"""For all formulas of a derivative: those that are left then stay as they are."""

_FUNCTIONS = {
    *("sin", "cos", "tan", "exp", "log", "sqrt", "asin", "acos", "atan"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
}


class _Atoms:
    """Parts of a tree, each of which is replaced by a name of its own."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[Name, Expression]] = {}

    def name(self, tree: Expression) -> Name:
        """The name that stands for a tree."""
        text = to_text(tree)
        if text not in self.of:
            self.of[text] = (Name(f"_atom{len(self.of)}"), tree)
        return self.of[text][0]

    def put_back(self, tree: Expression) -> Expression:
        """A tree with what the names stand for."""
        trees = {name.name: whole for name, whole in self.of.values()}
        return fold(tree, lambda node, new: trees.get(getattr(node, "name", ""), replace_children(node, new)))


class Simplifier:
    """Makes the formulas of one derivative shorter, as far as the steps go that it has for all of them.

    `variables` are names that are not read as constants. MissingExtraError without SymPy.
    """

    def __init__(self, variables: Collection[str] = ()) -> None:
        try:
            self._sympy: Any = import_module("sympy")
        except ImportError:
            raise MissingExtraError("symbolic", "SymPy", "a simplified formula") from None
        self._variables = variables
        self._left = MAX_CALLS_IN_ALL
        self._found: dict[str, Expression] = {}

    def shorter(self, tree: Expression) -> Expression:
        """A shorter tree of the same values, or the tree itself if none is found within the bounds."""
        text = to_text(tree)
        if len(text) > MAX_LENGTH or self._left <= 0:
            return tree
        if text not in self._found:
            self._found[text] = self._simplified(tree, text)
        return self._found[text]

    def _simplified(self, tree: Expression, text: str) -> Expression:
        atoms, sympy, steps = _Atoms(), self._sympy, _Steps(min(MAX_CALLS, self._left))
        abstract = _abstracted(tree, atoms, self._variables)
        before = steps.left
        try:
            with steps.counted():
                shorter = tidied(_from_sympy(sympy, sympy.simplify(_to_sympy(sympy, abstract))))
        except (_TooManyCallsError, Exception):  # whatever SymPy raises on a formula that it can't treat
            return tree
        finally:
            self._left -= before - max(0, steps.left)
        found = atoms.put_back(shorter)
        return found if len(to_text(found)) < len(text) and _agree(abstract, shorter) else tree


def _abstracted(tree: Expression, atoms: _Atoms, variables: Collection[str]) -> Expression:
    """The tree with names for the parts that SymPy does not know, the largest such parts first."""
    if isinstance(tree, Number | Name):
        return (
            atoms.name(tree) if isinstance(tree, Name) and tree.name in CONSTANTS and tree.name in variables else tree
        )
    known = isinstance(tree, Negative) or (isinstance(tree, Binary) and tree.op in _OPERATIONS)
    if not known and not (isinstance(tree, Call) and tree.function in _FUNCTIONS):
        return atoms.name(tree)
    return replace_children(tree, [_abstracted(child, atoms, variables) for child in children(tree)])


class _UnknownError(Exception):
    """SymPy made something that our language does not have."""


_OPERATIONS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow,
}  # fmt: skip


def _to_sympy(sympy: Any, tree: Expression) -> Any:
    if isinstance(tree, Number):
        return sympy.Rational(tree.text)
    if isinstance(tree, Name):
        return {"pi": sympy.pi, "e": sympy.E, "inf": sympy.oo}.get(tree.name) or sympy.Symbol(tree.name, real=True)
    operands = [_to_sympy(sympy, child) for child in children(tree)]
    if isinstance(tree, Negative):
        return -operands[0]
    if isinstance(tree, Call):
        return getattr(sympy, tree.function)(*operands)
    assert isinstance(tree, Binary)
    left, right = operands
    return _OPERATIONS[tree.op](left, right)


def _from_sympy(sympy: Any, expression: Any) -> Expression:
    from fractions import Fraction

    if expression.is_Rational:
        return number_tree(Fraction(int(expression.p), int(expression.q)))
    if expression.is_Symbol:
        return Name(expression.name)
    if expression == sympy.pi or expression == sympy.E:
        return Name("pi" if expression == sympy.pi else "e")
    if expression.is_Add:
        terms = list(expression.as_ordered_terms())
        result = _from_sympy(sympy, terms[0])
        for term in terms[1:]:
            minus = term.could_extract_minus_sign()
            result = Binary("-" if minus else "+", result, _from_sympy(sympy, -term if minus else term))
        return result
    if expression.is_Mul:
        if expression.could_extract_minus_sign():
            return Negative(_from_sympy(sympy, -expression))
        top, bottom = expression.as_numer_denom()
        if bottom != 1:
            return Binary("/", _from_sympy(sympy, top), _from_sympy(sympy, bottom))
        factors = [_from_sympy(sympy, factor) for factor in expression.as_ordered_factors()]
        result = factors[0]
        for factor in factors[1:]:
            result = Binary("*", result, factor)
        return result
    if expression.is_Pow:
        base, exponent = expression.args
        if exponent == sympy.Rational(1, 2):
            return Call("sqrt", (_from_sympy(sympy, base),))
        if exponent.could_extract_minus_sign():
            return Binary("/", number_tree(Fraction(1)), _from_sympy(sympy, base**-exponent))
        return Binary("**", _from_sympy(sympy, base), _from_sympy(sympy, exponent))
    name = type(expression).__name__
    if name not in _FUNCTIONS:
        raise _UnknownError(name)
    return Call(name, tuple(_from_sympy(sympy, argument) for argument in expression.args))


def _agree(a: Expression, b: Expression) -> bool:
    """Whether two trees of numbers have the same values at random points."""
    found = {node.name for node in [*postorder(a), *postorder(b)] if isinstance(node, Name)}
    names = sorted(found - set(CONSTANTS))
    both = Calculation([a, b], [to_text(a), to_text(b)], dict.fromkeys(names, ()), names)
    rng = random.Random(0)
    for _ in range(24):
        point = {name: rng.choice([1.0, 10.0, 0.1]) * rng.uniform(-2, 2) for name in names}
        x, y = both.value(point)
        if math.isfinite(x) != math.isfinite(y):
            return False
        if math.isfinite(x) and abs(x - y) > 1e-9 * max(1.0, abs(x)):
            return False
    return True


class _TooManyCallsError(BaseException):
    """SymPy takes more steps than are allowed; no `except Exception` of its own catches it."""


class _Steps:
    """The calls of functions that are left."""

    def __init__(self, left: int) -> None:
        self.left = left

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts each call in this thread; _TooManyCallsError when none is left."""
        before = sys.getprofile(), sys.unraisablehook
        sys.unraisablehook = partial(self._again, before[1])
        sys.setprofile(self._count)
        try:
            yield
        finally:
            sys.setprofile(before[0])
            sys.unraisablehook = before[1]

    def _count(self, frame: FrameType, event: str, argument: Any) -> None:
        self.left -= 1
        if self.left < 0 and frame.f_code is not _Steps._again.__code__:
            raise _TooManyCallsError

    def _again(self, usual: Callable[[Any], object], dropped: Any) -> None:
        """Where Python drops an error, as that of an object that is deleted, it comes again with the next call."""
        if isinstance(dropped.exc_value, _TooManyCallsError):
            sys.setprofile(self._count)
        else:
            usual(dropped)
