"""Reads a step as a sum of terms ±w·eˣ, through sums, products, quotients and powers in any order and nesting."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from bpcli.calculus.sweeps.instructions import Constant, Elementwise, Instruction, Slots

MAX_TERMS = 64
"""Terms up to which a sum is read; a longer one is worth a vector."""
MAX_DEPTH = 24
"""Nested sums and products up to which a sum is read."""


class Term(NamedTuple):
    """±Π weights/Π divisors·e^(Σ count·slot): an exponent is a slot and its factor; without one it is e⁰."""

    sign: int
    weights: tuple[int, ...] = ()
    divisors: tuple[int, ...] = ()
    exponents: tuple[tuple[int, int], ...] = ()

    def times(self, other: "Term") -> "Term":
        """The product of two terms."""
        count = Counter(dict(self.exponents))
        count.update(dict(other.exponents))
        exponents = tuple(sorted((slot, n) for slot, n in count.items() if n))
        weights, divisors = sorted(self.weights + other.weights), sorted(self.divisors + other.divisors)
        return Term(self.sign * other.sign, tuple(weights), tuple(divisors), exponents)

    def over(self, other: "Term") -> "Term":
        """The quotient of two terms of one exponent, without the weights and divisors that both have."""
        above = Counter(self.weights + other.divisors)
        below = Counter(self.divisors + other.weights)
        weights, divisors = sorted((above - below).elements()), sorted((below - above).elements())
        return Term(self.sign * other.sign, tuple(weights), tuple(divisors))

    def inverse(self) -> "Term":
        """1/term."""
        return Term(self.sign, self.divisors, self.weights, tuple((slot, -n) for slot, n in self.exponents))

    def negative(self) -> "Term":
        """−term."""
        return self._replace(sign=-self.sign)


def without_common_factor(terms: list[Term]) -> list[Term]:
    """The terms divided by the exponentials that all of them have: by e^−m where a maximum m has been subtracted."""
    counts = [dict(term.exponents) for term in terms]
    common = [item for item in terms[0].exponents if all(count.get(item[0]) == item[1] for count in counts)]
    factor = Term(1, exponents=tuple(common)).inverse()
    return [term.times(factor) for term in terms] if common else terms


class Reader:
    """Reads slots of a program as sums of terms; `over_entries` gives the terms of Σ t, a sum over the entries of a
    vector."""

    def __init__(self, program: Slots, over_entries: Callable[[int, Term], list[Term] | None]) -> None:
        self.program, self.over_entries = program, over_entries

    def terms(self, slot: int) -> list[Term] | None:
        """The terms of a slot, at least one of which has an exponent; None if there is none, or too many."""
        found = self._expanded(slot, MAX_DEPTH)
        return found if len(found) <= MAX_TERMS and any(term.exponents for term in found) else None

    def _expanded(self, slot: int, depth: int) -> list[Term]:
        """The terms; a slot without an exponential, or beyond the bounds, is a weight."""
        step = self.program.slots[slot]
        if isinstance(step, Constant) and step.is_number(1):
            return [Term(1)]
        found = self._of_step(slot, step, depth) if isinstance(step, Instruction) and depth else None
        if found is None or len(found) > MAX_TERMS or not any(term.exponents for term in found):
            return [Term(1, (slot,))]
        return found

    def _of_step(self, slot: int, step: Instruction, depth: int) -> list[Term] | None:
        if isinstance(step, Elementwise) and step.row.power is not None:
            return self._power(self._expanded(step.args[0], depth - 1), step.row.power)
        read = _READ.get(step.name)
        return None if read is None else read(self, slot, step.args, depth)

    def _of_exponential(self, slot: int, args: tuple[int, ...], depth: int) -> list[Term]:
        (sign, inner) = self._signed(args[0])
        x, *shift = self.program.args_of(inner, "-") or (inner,)
        return [Term(1, exponents=((x, sign),)).times(Term(1, exponents=tuple((m, -sign) for m in shift)))]

    def _of_entries(self, slot: int, args: tuple[int, ...], depth: int) -> list[Term] | None:
        parts = [self.over_entries(slot, term) for term in self._expanded(args[0], depth - 1)]
        return None if None in parts else [term for part in parts if part is not None for term in part]

    def _of_negative(self, slot: int, args: tuple[int, ...], depth: int) -> list[Term]:
        return [term.negative() for term in self._expanded(args[0], depth - 1)]

    def _of_product(self, slot: int, args: tuple[int, ...], depth: int) -> list[Term] | None:
        left, right = (self._expanded(a, depth - 1) for a in args)
        return [a.times(b) for a in left for b in right] if len(left) * len(right) <= MAX_TERMS else None

    def _of_quotient(self, slot: int, args: tuple[int, ...], depth: int) -> list[Term] | None:
        above, below = (self._expanded(a, depth - 1) for a in args)
        return [term.times(below[0].inverse()) for term in above] if len(below) == 1 else None

    def _of_sum(self, slot: int, args: tuple[int, ...], depth: int) -> list[Term] | None:
        """The terms of a sum; its own sums are read in a loop, for `a + b + …` is as deep as it is long."""
        found: list[Term] = []
        pending = [(1, slot)]
        while pending and len(found) + len(pending) <= MAX_TERMS:
            sign, number = pending.pop()
            plus, minus = self.program.args_of(number, "+"), self.program.args_of(number, "-")
            if operands := plus or minus:
                pending += [(sign if plus else -sign, operands[1]), (sign, operands[0])]
            else:
                terms = self._expanded(number, depth - 1)
                found += terms if sign > 0 else [term.negative() for term in terms]
        return None if pending else found

    def _power(self, terms: list[Term], n: int) -> list[Term] | None:
        if len(terms) != 1 or not 1 <= n <= 100:
            return None
        (term,) = terms
        exponents = tuple((slot, n * count) for slot, count in term.exponents)
        return [Term(term.sign if n % 2 else 1, term.weights * n, term.divisors * n, exponents)]

    def _signed(self, slot: int) -> tuple[int, int]:
        inner = self.program.args_of(slot, "negative")
        return (-1, inner[0]) if inner else (1, slot)


_READ: dict[str, Callable[[Reader, int, tuple[int, ...], int], list[Term] | None]] = {
    "exp": Reader._of_exponential,
    "sum": Reader._of_entries,
    "negative": Reader._of_negative,
    "+": Reader._of_sum,
    "-": Reader._of_sum,
    "*": Reader._of_product,
    "/": Reader._of_quotient,
}
"""How the steps are read of which sums of exponentials are made."""
