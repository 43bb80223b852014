"""Recognises composites that users write by hand, and computes the stable function that each of them is.

`log(1+exp(x))` is a softplus, `1/(1+exp(-x))` a sigmoid, `log(softmax(l)[i])` an entry of a log_softmax: the same
numbers, without the overflow and the cancellation of the way there. It works on a program's instructions as they are
added, so the tree, and what is shown of it, stays the user's.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from bpcli.calculus.language.tree import Expression
from bpcli.calculus.rules.functions import FUNCTIONS, OPERATORS, Function


class Builder(Protocol):
    """What the rules need of the builder of a program."""

    program: Any

    def elementwise(self, row: Function, args: Sequence[int], node: Expression) -> int:
        """The slot of an elementwise step."""

    def array(self, name: str, args: Sequence[int], extra: Any, node: Expression) -> int:
        """The slot of an array operation."""


class _Match:
    """The step that was added last, and a way to look at what its operands are."""

    def __init__(self, builder: Builder, slot: int, node: Expression) -> None:
        self.builder, self.node = builder, node
        self.slots = builder.program.slots
        self.args: tuple[int, ...] = self.slots[slot].args

    def args_of(self, slot: int, name: str) -> tuple[int, ...] | None:
        """The operands of `slot` if it is the function, operator or array operation `name`."""
        step = self.slots[slot]
        return step.args if _name(step) == name else None

    def is_one(self, slot: int) -> bool:
        """Whether the slot is the number 1."""
        step = self.slots[slot]
        return isinstance(step, float) and step == 1

    def apply(self, name: str, *args: int) -> int:
        """A new elementwise step."""
        return self.builder.elementwise(FUNCTIONS.get(name) or OPERATORS[name], args, self.node)

    def negative(self, slot: int) -> int:
        """−slot, taking a minus off where there is one."""
        inner = self.args_of(slot, "negative")
        return inner[0] if inner else self.apply("negative", slot)

    def signed(self, slot: int) -> tuple[int, int]:
        """(1, slot), or (−1, x) if the slot is −x."""
        inner = self.args_of(slot, "negative")
        return (-1, inner[0]) if inner else (1, slot)

    def opposite(self, a: int, b: int) -> bool:
        """Whether one of the slots is minus the other."""
        return self.args_of(a, "negative") == (b,) or self.args_of(b, "negative") == (a,)

    def exponents(self, slot: int) -> tuple[Any, Any] | None:
        """(u, v) if the slot is e^u + e^v, with None for the exponent 0 of a 1."""
        terms = self.args_of(slot, "+")
        if terms is None:
            return None
        first, second = (self.exponent(term) for term in terms)
        return None if first == () or second == () or (first is None and second is None) else (first, second)

    def exponent(self, slot: int) -> Any:
        """u if the slot is e^u, None if it is 1, else ()."""
        if self.is_one(slot):
            return None
        inner = self.args_of(slot, "exp")
        return inner[0] if inner else ()

    def squared(self, slot: int) -> int | None:
        """x if the slot is x² or x·x."""
        if inner := self.args_of(slot, "**2"):
            return inner[0]
        factors = self.args_of(slot, "*")
        return factors[0] if factors and factors[0] == factors[1] else None


def _name(step: Any) -> str | None:
    if isinstance(step, float | str):
        return None
    return str(step.row.name if step.row is not None else step.op.name)


def _log(match: _Match) -> int | None:
    (a,) = match.args
    if inner := match.args_of(a, "sigmoid"):  # log σ(u) = −softplus(−u)
        return match.apply("negative", match.apply("softplus", match.negative(inner[0])))
    if inner := match.args_of(a, "softmax"):
        return match.builder.array("log_softmax", inner, match.slots[a].extra, match.node)
    if (taken := match.args_of(a, "take")) and (inner := match.args_of(taken[0], "softmax")):
        whole = match.builder.array("log_softmax", inner, match.slots[taken[0]].extra, match.node)
        return match.builder.array("take", (whole,), match.slots[a].extra, match.node)
    if (summed := match.args_of(a, "sum")) and (inner := match.args_of(summed[0], "exp")):
        return match.builder.array("logsumexp", inner, match.slots[a].extra, match.node)
    if pair := match.exponents(a):  # log(e^u + e^v)
        u, v = pair
        if u is None or v is None:
            return match.apply("softplus", u if v is None else v)
        return match.apply("logaddexp", u, v)
    return None


def _log1p(match: _Match) -> int | None:
    (a,) = match.args
    if inner := match.args_of(a, "exp"):
        return match.apply("softplus", inner[0])
    if (minus := match.args_of(a, "negative")) and (inner := match.args_of(minus[0], "sigmoid")):
        return match.apply("negative", match.apply("softplus", inner[0]))
    return None


def _minus(match: _Match) -> int | None:
    a, b = match.args
    inner = match.args_of(b, "sigmoid")
    if inner and match.is_one(a):
        return match.apply("sigmoid", match.negative(inner[0]))
    return _cross_entropy(match, a, b, -1)


def _plus(match: _Match) -> int | None:
    a, b = match.args
    return _cross_entropy(match, a, b, 1)


def _cross_entropy(match: _Match, a: int, b: int, sign: int) -> int | None:
    """±[y·log σ(z) + (1 − y)·log(1 − σ(z))], whose logarithms have become softplus(−z) and softplus(z)."""
    first, second = _weighted_softplus(match, a), _weighted_softplus(match, b)
    if first is None or second is None or first[0] != sign * second[0]:
        return None
    for (_, y, u), (_, rest, z) in ((first, second), (second, first)):
        whole = match.args_of(rest, "-")
        if whole and match.is_one(whole[0]) and whole[1] == y and match.opposite(u, z):
            term = match.apply("sigmoid_bce_term", y, z)
            return term if first[0] > 0 else match.apply("negative", term)
    return None


def _weighted_softplus(match: _Match, slot: int) -> tuple[int, int, int] | None:
    """(±1, y, u) if the slot is ±y·softplus(u)."""
    sign, slot = match.signed(slot)
    factors = match.args_of(slot, "*")
    if factors is None:
        return None
    for weight, other in (factors, factors[::-1]):
        (s, weight_), (t, other_) = match.signed(weight), match.signed(other)
        if inner := match.args_of(other_, "softplus"):
            return sign * s * t, weight_, inner[0]
    return None


def _quotient(match: _Match) -> int | None:
    a, b = match.args
    if (inner := match.args_of(a, "exp")) and match.args_of(b, "sum") == (a,):
        whole = match.slots[b].extra is None and len(match.builder.program.shapes[a]) == 1
        return match.builder.array("softmax", inner, None, match.node) if whole else None
    pair = match.exponents(b)
    top = match.exponent(a)
    if pair is None or top == () or top not in pair:
        return None
    other = pair[1] if pair[0] == top else pair[0]
    if top is None:  # 1/(1 + e^v) = σ(−v)
        return match.apply("sigmoid", match.negative(other))
    return match.apply("sigmoid", top if other is None else match.apply("-", top, other))


def _sqrt(match: _Match) -> int | None:
    (a,) = match.args
    if terms := match.args_of(a, "+"):
        x, y = (match.squared(term) for term in terms)
        return None if x is None or y is None else match.apply("hypot", x, y)
    if (summed := match.args_of(a, "sum")) and (x := match.squared(summed[0])) is not None:
        return match.builder.array("norm", (x,), match.slots[a].extra, match.node)
    x = match.squared(a)
    return None if x is None else match.apply("abs", x)


def _bce_term(match: _Match) -> int | None:
    y, y_hat = match.args
    inner = match.args_of(y_hat, "sigmoid")
    return match.apply("sigmoid_bce_term", y, inner[0]) if inner else None


def _cce_term(match: _Match) -> int | None:
    y, y_hat = match.args
    inner = match.args_of(y_hat, "softmax")
    if inner is None:
        return None
    logarithm = match.builder.array("log_softmax", inner, match.slots[y_hat].extra, match.node)
    return match.apply("negative", match.apply("*", y, logarithm))


_RULES: dict[str, Callable[[_Match], int | None]] = {
    "log": _log,
    "log1p": _log1p,
    "-": _minus,
    "+": _plus,
    "/": _quotient,
    "sqrt": _sqrt,
    "bce_term": _bce_term,
    "cce_term": _cce_term,
}


def recognised(builder: Builder, slot: int, node: Expression) -> int:
    """The slot of the stable form of the step that `slot` holds, or `slot` itself."""
    step = builder.program.slots[slot]
    rule = _RULES.get(_name(step) or "")
    if rule is None or isinstance(step, str):
        return slot
    found = rule(_Match(builder, slot, node))
    if found is None or math.prod(builder.program.shapes[found]) != math.prod(builder.program.shapes[slot]):
        return slot
    return found
