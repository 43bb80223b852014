"""Trees as sums of terms and as products of powers: equal terms and equal factors are collected."""

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import Binary, Call, Expression, Index, Name, Negative, Number
from bpcli.errors import UsageError
from bpcli.text.natural_order import natural_key

MAX_CHARACTERS = 4_000_000
"""The most that the formulas of a result, or a part of one, may have."""

Factors = list[tuple[Expression, Fraction]]
"""Bases with their exponents."""


def check_length(characters: int) -> None:
    """UsageError for formulas of more than `MAX_CHARACTERS`.

    Those of x^x^… grow with the fourth power of its depth.
    """
    if characters > MAX_CHARACTERS:
        what = f"the formulas would have more than {MAX_CHARACTERS:,} characters"
        raise UsageError(what, "at a point the derivative is numbers")


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


def number_tree(value: Fraction, decimals: bool = True) -> Expression:
    """A number as a tree: whole, with `decimals` as a decimal where that is short, else as a quotient."""
    if value < 0:
        return Negative(number_tree(-value, decimals))
    if value.denominator == 1:
        return literal(str(value.numerator))
    decimal = repr(float(value))
    if decimals and len(decimal) <= 8 and "e" not in decimal and Fraction(decimal) == value:
        return literal(decimal)
    return Binary("/", literal(str(value.numerator)), literal(str(value.denominator)))


def literal(text: str) -> Number:
    """The number that a text is."""
    return Number(text, float(text))


# Sums


def terms_of(tree: Expression) -> list[tuple[Fraction, Expression | None]]:
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
        coefficient, factors = factors_of(node)
        result.append((sign * coefficient, product_tree(Fraction(1), factors)))
    return result


def sum_tree(terms: Iterable[tuple[Fraction, Expression | None]]) -> Expression:
    """The tree of Σ coefficient·term, equal terms collected; what is added stands before what is subtracted."""
    collected: dict[str, tuple[Fraction, Expression | None]] = {}
    for coefficient, term in terms:
        key = "" if term is None else to_text(term)
        before = collected.get(key, (Fraction(0), term))[0]
        collected[key] = (before + coefficient, term)
    check_length(sum(map(len, collected)))
    left = [(c, t) for c, t in collected.values() if c]
    return summed([item for item in left if item[0] > 0] + [item for item in left if item[0] < 0])


def summed(terms: Iterable[tuple[Fraction, Expression | None]], decimals: bool = True) -> Expression:
    """The tree of Σ coefficient·term in this order."""
    result: Expression | None = None
    for coefficient, term in terms:
        size = coefficient if result is None else abs(coefficient)
        tree = number_tree(size, decimals) if term is None else scaled(size, term, decimals)
        result = tree if result is None else Binary("+" if coefficient > 0 else "-", result, tree)
    return number_tree(Fraction(0)) if result is None else result


# Products


def factors_of(tree: Expression) -> tuple[Fraction, Factors]:
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


def product_tree(coefficient: Fraction, factors: Factors, decimals: bool = True) -> Expression:
    """The tree of coefficient·Π base^exponent, equal bases collected; what divides stands below a line.

    A coefficient of ½ is written 0.5 with `decimals`, else as a 2 below the line.
    """
    collected: dict[str, tuple[Expression, Fraction]] = {}
    for base, exponent in factors:
        key = to_text(base)
        before = collected.get(key, (base, Fraction(0)))[1]
        collected[key] = (base, before + exponent)
    check_length(sum(map(len, collected)))
    if not coefficient:
        return number_tree(Fraction(0))
    ordered = sorted(collected.values(), key=_place)
    above = [raised(base, e, decimals) for base, e in ordered if e > 0]
    below = [raised(base, -e, decimals) for base, e in ordered if e < 0]
    size = abs(coefficient)
    top = size
    if size.denominator != 1 and (isinstance(number_tree(size), Binary) or (factors and not decimals)):
        top, bottom = Fraction(size.numerator), number_tree(Fraction(size.denominator))
        below = [bottom, *below]
    parts = ([] if top == 1 and above else [number_tree(top, decimals)]) + above
    if coefficient < 0:
        parts[0] = Negative(parts[0])
    result = multiplied(parts)
    return Binary("/", result, multiplied(below)) if below else result


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


def multiplied(parts: list[Expression]) -> Expression:
    """The product of trees, from left to right."""
    result = parts[0]
    for part in parts[1:]:
        result = Binary("*", result, part)
    return result


def raised(base: Expression, exponent: Fraction, decimals: bool = True) -> Expression:
    """A power with a number for exponent."""
    return base if exponent == 1 else Binary("**", base, number_tree(exponent, decimals))


def scaled(coefficient: Fraction, tree: Expression, decimals: bool = True) -> Expression:
    """A number times a tree; of −1 and a sum the sum of the opposites."""
    if isinstance(tree, Binary) and tree.op in "+-" and coefficient == -1:
        return sum_tree((-c, t) for c, t in terms_of(tree))
    inner, factors = factors_of(tree)
    return product_tree(coefficient * inner, factors, decimals)
