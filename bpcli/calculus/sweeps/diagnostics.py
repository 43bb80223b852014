"""Diagnosis of a point: the operation whose value or slope is not finite, or whose slope jumps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bpcli.calculus.language.tree import Expression, children, names_in
from bpcli.calculus.rules.duals import Dual, Duals, PlainNamespace
from bpcli.calculus.sweeps.edges import Edges
from bpcli.calculus.sweeps.instructions import Instruction
from bpcli.calculus.sweeps.one_point import Sweeps, tangent_of, value_of
from bpcli.calculus.sweeps.seeds import Point, numbers
from bpcli.text.notation import number

if TYPE_CHECKING:
    from bpcli.calculus.one_sided.kink_notes import Kink


class Diagnostics:
    """Names the place in the texts of expressions at which something goes wrong, such as `log(x) at x = 0`."""

    def __init__(self, sweeps: Sweeps, edges: Edges, texts: Sequence[str]) -> None:
        self.sweeps, self.edges, self.texts = sweeps, edges, texts
        self.program = sweeps.program

    def edge_place(self, point: Point) -> str:
        """The operation whose slope jumps at the point, such as `relu(x) at x = 0`."""
        at = self.edges.at(self.sweeps.forward(point))
        return self.place(at[0], point) if at else "the point"

    def at_fault(self, point: Point, second: bool = False) -> str | None:
        """The first operation whose value is not finite, else one whose derivative is not; None if there is none."""
        return self.culprit(point) or self.slope_culprit(point, second)

    def culprit(self, point: Point) -> str | None:
        """The first operation whose value is not finite, such as `log(x) at x = 0`; None if all values are finite."""
        values = self.sweeps.forward(point)
        for slot in self.program.outputs:
            if self.sweeps.is_finite(values[slot]):
                continue
            while isinstance(step := self.program.slots[slot], Instruction):
                guilty = [a for a in self._taken(step, values) if not self.sweeps.is_finite(values[a])]
                if not guilty:
                    return self.place(slot, point)
                slot = guilty[0]
            return str(step) if isinstance(step, str) else "inf"
        return None

    def why_not_finite(self, point: Point, kinks: Sequence[Kink], second: bool = False) -> str:
        """Why a result is not finite; `kinks` are those of the result; `second`: it has second derivatives."""
        known = self.at_fault(point, second) or _not_known(kinks)
        return known or "the numbers are beyond the range of doubles on the way"

    def why_not_decided(self, point: Point, kinks: Sequence[Kink]) -> str | None:
        """Why more digits do not settle a result, as far as series or doubles tell; None if they find no reason."""
        if reason := _not_known(kinks) or self.pole(point):
            return reason
        culprit = self.culprit(point)
        return f"{culprit} has no finite value in doubles" if culprit else None

    def pole(self, point: Point) -> str | None:
        """A division by 0 on the way to a result, on whose sides are ∞ and −∞; None if there is none."""
        values = self.sweeps.forward(point)
        pending = list(self.program.outputs)
        seen = set(pending)
        while pending:
            slot = pending.pop()
            step = self.program.slots[slot]
            if not isinstance(step, Instruction):
                continue
            odd = step.row is None or step.row.power is None or step.row.power % 2
            if step.divides and odd and any((x == 0.0) is True for x in numbers(values[step.args[-1]])):
                return f"{self.place(slot, point)} divides by 0"
            matter = {*self._taken(step, values), step.args[0]}  # and the condition of a choice
            pending += matter - seen
            seen |= matter
        return None

    def underflows(self, point: Point) -> bool:
        """Whether an intermediate value underflows, or is subnormal and so has lost digits."""
        values = self.sweeps.forward(point)
        for slot, step in enumerate(self.program.slots):
            if isinstance(step, Instruction) and step.row is not None and step.row.underflows:
                out = numbers(values[slot])
                if any(0.0 < abs(v) < 2.0**-1022 for v in out):
                    return True
                if 0.0 in out and all(0.0 not in numbers(values[a]) for a in step.args):
                    return True
        return False

    def slope_culprit(self, point: Point, second: bool = False) -> str | None:
        """The operation whose derivative is not finite although its value is; None if there is none.

        With `second` also an operation whose second derivative is not finite, though its first is.
        """
        values = self.sweeps.forward(point)
        found = self._steep(point, values, self.sweeps.namespace)
        if found or not second:
            return found
        xp = Duals(self.sweeps.namespace)
        return self._steep(point, [Dual(v, self.sweeps.one, xp) for v in values], xp)

    def _steep(self, point: Point, values: list[Any], xp: PlainNamespace | Duals) -> str | None:
        """The last operation whose slope is not finite, or on duals the slope of its slope."""
        active = self.sweeps.active
        for slot in range(len(self.program.slots) - 1, -1, -1):
            step = self.program.slots[slot]
            if not isinstance(step, Instruction) or step.row is None or not active[slot] or step.row.kind == "select":
                continue
            args = [values[a] for a in step.args]
            for i, a in enumerate(step.args):
                if active[a] and not self._has_finite_slope(xp, step, i, values[slot], args):
                    return f"the {'second ' if xp.dual else ''}derivative of {self.place(slot, point)}"
        return None

    def _has_finite_slope(
        self, xp: PlainNamespace | Duals, step: Instruction, i: int, out: Any, args: list[Any]
    ) -> bool:
        assert step.row is not None
        with self.sweeps.quiet():
            slope = step.row.partial(i)(xp, out, *args)
        tangent = tangent_of(slope)
        return self.sweeps.is_finite(value_of(slope) if tangent is None else tangent)

    def _taken(self, step: Instruction, values: list[Any]) -> list[int]:
        """The operands that matter: of `where` on a number, only the branch that is taken."""
        if step.row is not None and step.row.kind == "select":
            condition = values[step.args[0]]
            if isinstance(condition, float) or condition.size == 1:
                return [step.args[1] if bool(condition != 0) else step.args[2]]
        return list(step.args)

    def place(self, slot: int, point: Point) -> str:
        """A step in the text of its expression, and the values there; slots are numbered expression by expression."""
        node = self.program.step(slot).node
        text = next(text for last, text in zip(self.program.outputs, self.texts, strict=True) if slot <= last)
        start, end = node.span
        return text[start:end] + _values_at(point, node)


def _not_known(kinks: Sequence[Kink]) -> str | None:
    """The first slope that series could not decide."""
    return next((f"{kink.slope} is not known, nor whether there is one" for kink in kinks if not kink.known), None)


def _values_at(point: Point, node: Expression) -> str:
    shown = []
    for name in names_in(node):
        value = point.get(name)
        if isinstance(value, float | int):
            shown.append(f"{name} = {number(float(value))}")
        elif value is not None and value.size <= 6:
            shown.append(f"{name} = [{', '.join(map(number, value.ravel().tolist()))}]")
    return f" at {', '.join(shown)}" if shown and children(node) else ""
