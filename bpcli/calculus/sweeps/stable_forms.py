"""Recognises composites that users write by hand, and computes the stable function that each of them is.

`log(1+exp(x))` is a softplus, `1/(1+exp(-x))` a sigmoid, `log(softmax(l)[i])` an entry of a log_softmax: the same
numbers, without the overflow and the cancellation of the way there. It works on a program's instructions as they are
added, so the tree, and what is shown of it, stays the user's.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from bpcli.calculus.language.tree import Expression
from bpcli.calculus.rules.exponential_sums import log_of_share, log_of_sum, share
from bpcli.calculus.rules.function_rows import Function
from bpcli.calculus.rules.functions import FUNCTIONS, OPERATORS
from bpcli.calculus.sweeps.exponential_terms import Reader, Term
from bpcli.calculus.sweeps.instructions import Constant, Instruction, Slot, Slots

FEW_ENTRIES = 16
"""Entries up to which a sum over a vector is read term by term, so that no exponent is rounded."""


class Builder(Protocol):
    """What the rules need of the builder of a program."""

    program: Slots

    def elementwise(self, row: Function, args: Sequence[int], node: Expression) -> int:
        """The slot of an elementwise step."""

    def array(self, name: str, args: Sequence[int], extra: Any, node: Expression) -> int:
        """The slot of an array operation."""


class _Match:
    """The step that was added last, and a way to look at what its operands are."""

    def __init__(self, builder: Builder, slot: int, step: Instruction, node: Expression) -> None:
        self.builder, self.program, self.node = builder, builder.program, node
        self.slots, self.args = builder.program.slots, step.args
        self.args_of = builder.program.args_of

    def is_one(self, slot: int) -> bool:
        """Whether the slot is the number 1."""
        step = self.slots[slot]
        return isinstance(step, Constant) and step.is_one

    def is_constant(self, slot: int) -> bool:
        """Whether the slot depends on no variable."""
        return all(not isinstance(step, str) for step in self._below(slot))

    def is_positive(self, slot: int) -> bool:
        """Whether the slot is a number above 0, made of such."""
        return all(
            step.name in ("+", "*", "/") if isinstance(step, Instruction) else isinstance(step, Constant) and step > 0.0
            for step in self._below(slot)
        )

    def _below(self, slot: int) -> Iterator[Slot]:
        """The slot and all that it is made of; without recursion, for a sum is as deep as it is long."""
        pending, seen = [slot], {slot}
        while pending:
            step = self.slots[pending.pop()]
            yield step
            if isinstance(step, Instruction):
                pending += [a for a in step.args if a not in seen]
                seen.update(step.args)

    def extra(self, slot: int) -> Any:
        """The axis or the indices of an array operation."""
        step = self.slots[slot]
        return step.extra if isinstance(step, Instruction) else None

    def constant(self, value: int) -> int:
        """The slot of a whole number."""
        return self.program.add(Constant(value, str(value)), ())

    def apply(self, name: str, *args: int) -> int:
        """A new elementwise step."""
        return self.builder.elementwise(FUNCTIONS.get(name) or OPERATORS[name], args, self.node)

    def array(self, name: str, slot: int, extra: Any) -> int:
        """A new step on a whole array."""
        return self.builder.array(name, (slot,), extra, self.node)

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

    def squared(self, slot: int) -> int | None:
        """x if the slot is x² or x·x."""
        if inner := self.args_of(slot, "**2"):
            return inner[0]
        factors = self.args_of(slot, "*")
        return factors[0] if factors and factors[0] == factors[1] else None

    # Sums of exponentials

    def terms(self, slot: int) -> list[Term] | None:
        """The slot as a sum of terms ±w·eˣ, None if none has an exponent."""
        terms = Reader(self.program, self._over_entries).terms(slot)
        found = [] if terms is None else self.collected(terms)
        return found if any(term.exponents for term in found) else None

    def collected(self, terms: list[Term]) -> list[Term]:
        """The terms with like ones added up: what they have in common cancels exactly."""
        groups: dict[tuple[tuple[int, int], ...], list[Term]] = {}
        for term in terms:
            group = groups.setdefault(term.exponents, [])
            if term.negative() in group:
                group.remove(term.negative())
            else:
                group.append(term)
        found = []
        for exponents, group in groups.items():
            if len(group) > 1:
                total = self.weight(group[0])
                for term in group[1:]:
                    total = self.apply("+", total, self.weight(term))
                found.append(Term(1, (total,), exponents=exponents))
            else:
                found += group
        return found

    def _over_entries(self, slot: int, term: Term) -> list[Term] | None:
        """Σ term over a vector, entry by entry; over a long one, or a matrix, w·e^logsumexp(x) for a number w."""
        shapes = self.program.shapes
        if not term.exponents:
            return None
        summed = self.slots[slot]
        assert isinstance(summed, Instruction)
        (shape,) = summed.shapes
        if len(shape) == 1 and shape[0] <= FEW_ENTRIES:
            return [self._entry_of(term, i) for i in range(shape[0])]
        x = self.exponent(term)
        if shapes[x] != shape or any(shapes[w] for w in term.weights + term.divisors):
            return None
        return [term._replace(exponents=((self.array("logsumexp", x, summed.extra), 1),))]

    def _entry_of(self, term: Term, i: int) -> Term:
        def entry(slot: int) -> int:
            shape = self.program.shapes[slot]
            return self.array("take", slot, (0 if shape == (1,) else i,)) if shape else slot

        weights, divisors = (tuple(map(entry, slots)) for slots in (term.weights, term.divisors))
        return Term(term.sign, weights, divisors, tuple((entry(slot), n) for slot, n in term.exponents))

    def weight(self, term: Term) -> int:
        """The slot of ±Π weights/Π divisors."""
        if not term.weights and not term.divisors:
            return self.constant(term.sign)
        slot = self._product(term.weights)
        if term.divisors:
            slot = self.apply("/", slot, self._product(term.divisors))
        return slot if term.sign > 0 else self.negative(slot)

    def _product(self, slots: Sequence[int]) -> int:
        if not slots:
            return self.constant(1)
        product = slots[0]
        for slot in slots[1:]:
            product = self.apply("*", product, slot)
        return product

    def exponent(self, term: Term) -> int:
        """The slot of the exponent; 0 where there is none."""
        total: int | None = None
        for slot, count in term.exponents:
            multiple = slot if abs(count) == 1 else self.apply("*", self.constant(abs(count)), slot)
            if total is None:
                total = multiple if count > 0 else self.negative(multiple)
            else:
                total = self.apply("+" if count > 0 else "-", total, multiple)
        return self.constant(0) if total is None else total

    def of_terms(self, row: Function, terms: Sequence[Term]) -> int:
        """A row of `exponential_sums`."""
        args = [slot for term in terms for slot in (self.weight(term), self.exponent(term))]
        return self.builder.elementwise(row, args, self.node)


def _log(match: _Match) -> int | None:
    (a,) = match.args
    if inner := match.args_of(a, "sigmoid"):  # log σ(u) = −softplus(−u)
        return match.apply("negative", match.apply("softplus", match.negative(inner[0])))
    if inner := match.args_of(a, "softmax"):
        return match.array("log_softmax", inner[0], match.extra(a))
    if (taken := match.args_of(a, "take")) and (inner := match.args_of(taken[0], "softmax")):
        return match.array("take", match.array("log_softmax", inner[0], match.extra(taken[0])), match.extra(a))
    if (summed := match.args_of(a, "sum")) and (inner := match.args_of(summed[0], "exp")):
        return match.array("logsumexp", inner[0], match.extra(a))
    if (found := _log_of_share(match, a)) is not None:
        return found
    terms = match.terms(a)
    return None if terms is None else _log_of_terms(match, terms)


def _log_of_share(match: _Match, slot: int) -> int | None:
    """log p of a share, or log c + log p for a number c > 0."""
    step = match.slots[slot]
    factors = match.args_of(slot, "*") or ()
    for c, p in (factors, factors[::-1]) if factors else ():
        if match.is_positive(c) and (found := _log_of_share(match, p)) is not None:
            return match.apply("+", match.apply("log", c), found)
    if not isinstance(step, Instruction) or not step.name.startswith("share of "):
        return None
    row = log_of_share(int(step.name.removeprefix("share of ")), len(step.args) // 2)
    return match.builder.elementwise(row, step.args, match.node)


def _log_of_terms(match: _Match, terms: list[Term]) -> int:
    first = terms[0]
    if len(terms) == 1 and first.sign > 0:  # log(w·e^u) = u + log w
        exponent, alone = match.exponent(first), not (first.weights or first.divisors)
        return exponent if alone else match.apply("+", exponent, match.apply("log", match.weight(first)))
    if len(terms) == 2 and Term(1) in terms:
        other = terms[1 - terms.index(Term(1))]
        if other == Term(1, exponents=other.exponents):  # log(1 + e^u)
            return match.apply("softplus", match.exponent(other))
    return match.of_terms(log_of_sum(len(terms)), terms)


def _log1p(match: _Match) -> int | None:
    (a,) = match.args
    if (minus := match.args_of(a, "negative")) and (inner := match.args_of(minus[0], "sigmoid")):
        return match.apply("negative", match.apply("softplus", inner[0]))
    terms = match.terms(a)
    return None if terms is None else _log_of_terms(match, match.collected([Term(1), *terms]))


def _log_by(base: int) -> Callable[[_Match], int | None]:
    def rule(match: _Match) -> int | None:
        found = _log(match)
        return None if found is None else match.apply("/", found, match.apply("log", match.constant(base)))

    return rule


def _power(match: _Match) -> int | None:
    base, exponent = match.args
    step = match.slots[base]
    return match.apply("exp", exponent) if isinstance(step, Constant) and step.written == "e" else None


def _minus(match: _Match) -> int | None:
    a, b = match.args
    if match.is_one(a):
        if inner := match.args_of(b, "sigmoid"):
            return match.apply("sigmoid", match.negative(inner[0]))
        if (x := match.squared(b)) is not None and (inner := match.args_of(x, "tanh")):
            return match.apply("sech_squared", inner[0])
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
    if (found := _softmax(match, a, b)) is not None:
        return found
    below = match.terms(b)
    if below is None or len(below) < 2:
        return None
    above = match.terms(a) or [Term(1) if match.is_one(a) else Term(1, (a,))]
    if len(above) == 1:
        return _multiple_of_share(match, above[0], below)
    rest = list(below)
    for term in above:
        if term not in rest:
            return None
        rest.remove(term)
    return match.of_terms(share(len(above), len(below)), [*above, *rest]) if rest else None


def _multiple_of_share(match: _Match, above: Term, below: list[Term]) -> int | None:
    """w·eˣ/(v·eˣ + …) = (w/v)·share."""
    same = next((term for term in below if term.exponents == above.exponents), None)
    factor = None if same is None else above.over(same)
    if same is None or factor is None or not all(map(match.is_constant, factor.divisors)):
        return None  # of (1/a)·share the slopes by a would cancel
    rest = list(below)
    rest.remove(same)
    if [same, *rest] == [Term(1), Term(1, exponents=rest[0].exponents)]:  # 1/(1 + e^v) = σ(−v)
        found = match.apply("sigmoid", match.negative(match.exponent(rest[0])))
    elif len(rest) == 1 and rest[0] == Term(1) and same == Term(1, exponents=same.exponents):
        found = match.apply("sigmoid", match.exponent(same))
    else:
        found = match.of_terms(share(1, len(below)), [same, *rest])
    if above == same:
        return found
    return match.apply("*", match.weight(factor), found)


def _softmax(match: _Match, a: int, b: int) -> int | None:
    """exp(l)/sum(exp(l)), or an entry of it."""
    summed = match.args_of(b, "sum")
    logits = match.args_of(summed[0], "exp") if summed else None
    top = match.args_of(a, "exp")
    if logits is None or top is None:
        return None
    axis, dimensions = match.extra(b), len(match.program.shapes[logits[0]])
    if dimensions > 1 and axis != 0:
        return None
    whole = None if dimensions == 1 else axis
    if top == logits:
        return match.array("softmax", logits[0], whole)
    if dimensions == 1 and match.args_of(top[0], "take") == logits:
        return match.array("take", match.array("softmax", logits[0], whole), match.extra(top[0]))
    return None


def _sqrt(match: _Match) -> int | None:
    (a,) = match.args
    if terms := match.args_of(a, "+"):
        x, y = (match.squared(term) for term in terms)
        return None if x is None or y is None else match.apply("hypot", x, y)
    if (summed := match.args_of(a, "sum")) and (x := match.squared(summed[0])) is not None:
        return match.array("norm", x, match.extra(a))
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
    logarithm = match.array("log_softmax", inner[0], match.extra(y_hat))
    return match.apply("log_cce_term", y, logarithm)


_RULES: dict[str, Callable[[_Match], int | None]] = {
    "log": _log,
    "log1p": _log1p,
    "log2": _log_by(2),
    "log10": _log_by(10),
    "**": _power,
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
    rule = _RULES.get(step.name) if isinstance(step, Instruction) else None
    if rule is None or not isinstance(step, Instruction):
        return slot
    found = rule(_Match(builder, slot, step, node))
    if found is None or math.prod(builder.program.shapes[found]) != math.prod(builder.program.shapes[slot]):
        return slot
    return found
