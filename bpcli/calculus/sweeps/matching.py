"""The step that was added last to a program, as the rules for stable forms see it and replace it.

A `Match` reads the operands of the step, as numbers, negatives, squares and sums of exponentials, and adds new steps.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from bpcli.calculus.language.tree import Expression
from bpcli.calculus.rules.function_rows import Function
from bpcli.calculus.rules.functions import FUNCTIONS, OPERATORS
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.exponential_terms import Reader, Term
from bpcli.calculus.sweeps.instructions import Constant, Instruction, Slot, Slots

FEW_ENTRIES = 16
"""Entries up to which a sum over a vector is read term by term, so that no exponent is rounded."""
_KEEP_NONZERO = ("*", "/", "negative", "sqrt", "exp")


class Builder(Protocol):
    """The methods of a program's builder that the rules call."""

    program: Slots

    def elementwise(self, row: Function, args: Sequence[int], node: Expression) -> int:
        """The slot of an elementwise step."""

    def array(self, name: str, args: Sequence[int], extra: Any, node: Expression) -> int:
        """The slot of an array operation."""


class Match:
    """The step that was added last, and questions about its operands."""

    def __init__(self, builder: Builder, step: Instruction, node: Expression) -> None:
        self.builder, self.program, self.node = builder, builder.program, node
        self.slots, self.args, self.row, self.own_extra = builder.program.slots, step.args, step.row, step.extra
        self.args_of = builder.program.args_of

    def is_number(self, slot: int, number: int) -> bool:
        """Whether the slot is this number as written, and not just by rounding."""
        step = self.slots[slot]
        return isinstance(step, Constant) and step.is_number(number)

    def name_of(self, slot: int) -> str:
        """The name of the slot's step in its table; empty for a variable or a number."""
        step = self.slots[slot]
        return step.name if isinstance(step, Instruction) else ""

    def args_below(self, slot: int) -> tuple[int, ...]:
        """The operands of the step of the slot."""
        step = self.slots[slot]
        return step.args if isinstance(step, Instruction) else ()

    def shape(self, slot: int) -> Shape:
        """The shape of the slot's value."""
        return self.program.shapes[slot]

    def is_nonzero(self, slot: int) -> bool:
        """Whether the slot is made of numbers other than 0 alone, by what does not make 0 of them."""
        return all(
            0.0 < abs(step) < math.inf if isinstance(step, Constant) else self.name_of(number) in _KEEP_NONZERO
            for number, step in self._below(slot)
        )

    def _below(self, slot: int) -> Iterator[tuple[int, Slot]]:
        """The slot and all that it is made of; without recursion, for a product is as deep as it is long."""
        pending, seen = [slot], {slot}
        while pending:
            number = pending.pop()
            step = self.slots[number]
            yield number, step
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

    def stack(self, slots: Sequence[int]) -> int:
        """Numbers as a vector."""
        return self.builder.array("stack", slots, None, self.node)

    def entry(self, slot: int, i: int) -> int:
        """Entry i of a vector, or the number itself."""
        shape = self.shape(slot)
        return self.array("take", slot, (0 if shape == (1,) else i,)) if shape else slot

    def half(self, slot: int) -> int:
        """Half of the slot, where it is twice something that itself."""
        factors = self.args_of(slot, "*") or ()
        for two, other in (factors, factors[::-1]) if factors else ():
            if self.is_number(two, 2):
                return other
        if inner := self.args_of(slot, "negative"):
            return self.negative(self.half(inner[0]))
        return self.apply("/", slot, self.constant(2))

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
        weights, divisors = (tuple(self.entry(slot, i) for slot in slots) for slots in (term.weights, term.divisors))
        return Term(term.sign, weights, divisors, tuple((self.entry(slot, i), n) for slot, n in term.exponents))

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
        for slot, count in sorted(term.exponents, key=lambda item: item[1] < 0):
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
