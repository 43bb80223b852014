"""Formulas made shorter by SymPy, where the extra `symbolic` is there: built from our tree, never from text.

What SymPy has no like of (an entry of a vector, a sigmoid, a case) stands for itself. A result is taken if it is
shorter, and has the same values as ours at random points, also where those are not finite.
"""

import math
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
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
    postorder,
    replace_children,
)
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.symbolic.sums_and_products import number_tree
from bpcli.calculus.symbolic.symbols import tidied

SHORT, LONG = 24, 400
"""Lengths of a text below which nothing is to be gained, and above which it would take too long."""

SECONDS = 3.0
"""For all formulas of a result together."""

_FUNCTIONS = {
    *("sin", "cos", "tan", "exp", "log", "sqrt", "asin", "acos", "atan"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
}


class _Atoms:
    """Parts of a tree that stand for themselves, each a name of its own."""

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
        done: list[Expression] = []
        for node in postorder(tree):
            below = len(done) - len(children(node))
            operands = done[below:]
            if isinstance(node, Name):
                done.append(trees.get(node.name, node))
            else:
                done[below:] = [replace_children(node, operands) if operands else node]
        return done[0]


def simplified(tree: Expression, seconds: float = SECONDS) -> Expression:
    """A shorter tree of the same values, or the tree itself if none is found in time; ImportError without SymPy."""
    text = to_text(tree)
    if not SHORT <= len(text) <= LONG or seconds <= 0:
        return tree
    sympy: Any = import_module("sympy")

    atoms = _Atoms()
    abstract = _abstracted(tree, atoms)
    try:
        with _at_most(seconds):
            shorter = tidied(_from_sympy(sympy, sympy.simplify(_to_sympy(sympy, abstract))))
    except (TimeoutError, _UnknownError, ValueError, TypeError, ZeroDivisionError, RecursionError):
        return tree
    found = atoms.put_back(shorter)
    return found if len(to_text(found)) < len(text) and _agree(abstract, shorter) else tree


def _abstracted(tree: Expression, atoms: _Atoms) -> Expression:
    """The tree with names for the parts that SymPy does not know, the largest such parts first."""
    if isinstance(tree, Number | Name):
        return tree
    known = isinstance(tree, Negative) or (isinstance(tree, Binary) and tree.op in ("+", "-", "*", "/", "**"))
    if not known and not (isinstance(tree, Call) and tree.function in _FUNCTIONS):
        return atoms.name(tree)
    return replace_children(tree, [_abstracted(child, atoms) for child in children(tree)])


class _UnknownError(Exception):
    """Something that SymPy made and our language has not."""


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
    operations: dict[str, Callable[[Any, Any], Any]] = {
        "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
        "**": lambda a, b: a**b,
    }  # fmt: skip
    return operations[tree.op](left, right)


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
    names = sorted(
        {n.name for n in [*postorder(a), *postorder(b)] if isinstance(n, Name) and n.name not in ("pi", "e")}
    )
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


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """TimeoutError inside if it takes longer, where signals can tell."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def expired(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
