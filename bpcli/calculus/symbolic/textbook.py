"""Formulas as a textbook prints them: one fraction where that is shorter, common factors taken out, powers merged.

The formula is written anew and the shorter of the two texts is kept. Both have the same value wherever the function
itself has one: what is cancelled is a factor that the rules of derivatives brought in, or one by which the function
divides. The work is bounded by the number of steps, not by a clock.
"""

from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from typing import Any

from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import (
    Binary,
    Call,
    Expression,
    Name,
    Negative,
    Number,
    fold,
    postorder,
    replace_children,
)
from bpcli.calculus.sweeps.seeds import numbers
from bpcli.calculus.symbolic.sums_and_products import (
    constant_of,
    factors_of,
    number_tree,
    product_tree,
    scaled,
    sum_tree,
    terms_of,
)
from bpcli.calculus.symbolic.term_writer import TermWriter, TooLongError

MAX_LENGTH = 1000
"""The longest formula, in characters, that is written anew."""


def textbook(tree: Expression, variables: Collection[str] = (), decimals: bool = False) -> Expression:
    """The formula as a textbook prints it: its own text or a shorter one of the same values.

    `variables` are names that are not read as constants: `e` among them is a variable. With `decimals` a half is
    written 0.5, else as a fraction.
    """
    tree = _one_case(tree if decimals else _with_fractions(tree))
    if isinstance(tree, Call) and tree.is_choice:
        condition, *branches = tree.arguments
        return Call("where", (condition, *(textbook(branch, variables, decimals) for branch in branches)))
    text = to_text(tree)
    if len(text) > MAX_LENGTH or any(isinstance(node, Name) and node.name == "inf" for node in postorder(tree)):
        return tree
    forms = [tree]
    for tangents in (False, True) if "tan(" in text else (False,):
        writer = TermWriter(variables, decimals, tangents)
        try:
            term = writer.term(tree)
            forms += [writer.tree(term), writer.tree(writer.one_denominator(term)), _by_denominator(tree, writer)]
        except TooLongError:
            continue
    forms += [scaled(Fraction(-1), form.operand) for form in forms if isinstance(form, Negative)]
    return min(forms, key=_length)


def _one_case(tree: Expression) -> Expression:
    """A sum of cases with the same condition as one case distinction: where(c,a,b)+where(c,d,e) is where(c,a+d,b+e)."""
    if not (isinstance(tree, Binary) and tree.op in "+-"):
        return tree
    terms = [(c, t) for c, t in terms_of(tree) if isinstance(t, Call) and t.is_choice]
    conditions = {to_text(term.arguments[0]): term.arguments[0] for _, term in terms}
    if len(conditions) != 1 or len(terms) < len(terms_of(tree)):
        return tree
    parts = [[(c * d, t) for c, term in terms for d, t in terms_of(term.arguments[i])] for i in (1, 2)]
    return Call("where", (*conditions.values(), *(sum_tree(part) for part in parts)))


def has_decimals(trees: Iterable[Expression], constants: Mapping[str, Any]) -> bool:
    """Whether some number, or the value of a constant, is no whole one as it was given: so formulas have decimals."""
    texts = (node.text for tree in trees for node in postorder(tree) if isinstance(node, Number))
    if not all(text.isdecimal() for text in texts):
        return True
    return not all(float(entry).is_integer() for value in constants.values() for entry in numbers(value))


def _by_denominator(tree: Expression, writer: "TermWriter") -> Expression:
    """The tree with those terms of a sum brought together that divide by the same, and no others."""
    groups: dict[frozenset[str], list[tuple[Fraction, Expression | None]]] = {}
    for coefficient, term in terms_of(tree):
        factors = [] if term is None else factors_of(term)[1]
        below = frozenset(to_text(base) for base, exponent in factors if exponent < 0)
        groups.setdefault(below, []).append((coefficient, term))
    if len(groups) < 2:
        return tree
    parts = [writer.tree(writer.term(sum_tree(group))) for group in groups.values()]
    return sum_tree(term for part in parts for term in terms_of(part))


def _length(tree: Expression) -> int:
    """The length of the text; a power below the line counts as shorter than one with a minus."""
    text = to_text(tree)
    return len(text) + 4 * text.count("**-(") + 2 * text.count("**-")


def _with_fractions(tree: Expression) -> Expression:
    """The tree with x/2 for 0.5*x."""

    def anew(node: Expression, operands: list[Expression]) -> Expression:
        node = replace_children(node, operands)
        if isinstance(node, Number) and "." in node.text:
            return number_tree(Fraction(node.text), decimals=False)
        if isinstance(node, Binary) and node.op in ("*", "/") and constant_of(node) is None:
            coefficient, factors = factors_of(node)
            if coefficient.denominator != 1:
                return product_tree(coefficient, factors, decimals=False)
        return node

    return fold(tree, anew)
