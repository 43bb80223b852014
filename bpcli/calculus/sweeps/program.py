"""The sweeps over a list of instructions: forward for values, tangents for J·v, in reverse for v·J."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bpcli.calculus.language.tree import Expression
from bpcli.calculus.rules.function_rows import RuleNamespace
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.builder import Builder
from bpcli.calculus.sweeps.instructions import Constant, Instruction, OnArrays, Slots


class Program(Slots):
    """The instructions of expressions over variables of known shapes.

    `outputs` are the slots of the trees; with `recognise` composites are computed by their stable functions.
    `scalar` says that no array occurs, so that floats suffice.
    """

    infinite_slopes = True
    """Whether a slope may be infinite, as a number may and a formula may not."""

    def __init__(
        self,
        trees: Sequence[Expression],
        texts: Sequence[str],
        variables: Mapping[str, Shape],
        recognise: bool = True,
    ) -> None:
        super().__init__()
        self.variables = dict(variables)
        outputs = [
            Builder(self, self.variables, text, recognise).build(tree) for tree, text in zip(trees, texts, strict=True)
        ]
        self.outputs = self.keep_only(outputs)
        self.scalar = not any([*self.shapes, *variables.values()]) and not any(
            isinstance(s, OnArrays) for s in self.slots
        )
        self.selects = any(isinstance(s, Instruction) and s.selects for s in self.slots)

    def active(self, wrt: Sequence[str]) -> list[bool]:
        """Through which slots derivatives by the variables `wrt` flow."""
        result: list[bool] = []
        for slot in self.slots:
            if isinstance(slot, Instruction):
                result.append(any(result[a] and p for a, p in zip(slot.args, slot.passes, strict=True)))
            else:
                result.append(slot in wrt)
        return result

    def non_smooth(self, wrt: Sequence[str]) -> list[int]:
        """The slots that depend on the variables `wrt` and have an edge somewhere, see `Function.edge`."""
        depends: list[bool] = []
        for slot in self.slots:
            depends.append(any(depends[a] for a in slot.args) if isinstance(slot, Instruction) else slot in wrt)
        return [
            n for n, slot in enumerate(self.slots) if isinstance(slot, Instruction) and depends[n] and slot.has_edge
        ]

    def step(self, slot: int) -> Instruction:
        """The instruction of a slot that is neither a variable nor a constant."""
        step = self.slots[slot]
        assert isinstance(step, Instruction)
        return step

    def variables_of(self, slots: Iterable[int]) -> set[str]:
        """The variables on which slots depend."""
        return {step for slot in self.needed_for(slots) if isinstance(step := self.slots[slot], str)}

    def edge(self, xp: RuleNamespace[Any], values: list[Any], slot: int) -> Any:
        """Whether a step is at an edge: a bool, or an array of bools."""
        step = self.step(slot)
        return step.edge(xp, values[slot], [values[a] for a in step.args])

    def edge_entries(self, xp: RuleNamespace[Any], values: list[Any], slot: int) -> Any:
        """Which entries of a step's operands lie at an edge."""
        step = self.step(slot)
        return step.edge_entries(xp, values[slot], [values[a] for a in step.args])

    def forward(self, xp: RuleNamespace[Any], point: Mapping[str, Any]) -> list[Any]:
        """The value of every slot, in the namespace `xp` of plain numbers."""
        values: list[Any] = []
        for slot in self.slots:
            if isinstance(slot, str):
                values.append(point[slot])
            elif isinstance(slot, Constant):
                values.append(xp.base.constant(slot))
            else:
                values.append(slot.value(xp, [values[a] for a in slot.args]))
        return values

    def tangents(
        self, xp: RuleNamespace[Any], values: list[Any], seeds: Mapping[str, Any], sided: bool = False
    ) -> list[Any]:
        """The tangent of every slot along `seeds` (by variable), None for zero: J·v, with `values` from `forward`.

        `sided`: at a kink of a function that is homogeneous there, the slope to the side that the seeds point to.
        """
        result: list[Any] = []
        for number, slot in enumerate(self.slots):
            if isinstance(slot, str | Constant):
                result.append(seeds.get(slot) if isinstance(slot, str) else None)
                continue
            parts = [result[a] if p else None for a, p in zip(slot.args, slot.passes, strict=True)]
            if all(part is None for part in parts):
                result.append(None)
            else:
                result.append(slot.tangent(xp, parts, values[number], [values[a] for a in slot.args], sided))
        return result

    def reverse(
        self,
        xp: RuleNamespace[Any],
        values: list[Any],
        seeds: Mapping[int, Any],
        active: list[bool],
        masked: bool = True,
        record: dict[int, Any] | None = None,
        added: Callable[[Any, Any], None] | None = None,
    ) -> dict[str, Any]:
        """The adjoint of every active variable, from those of output slots: v·J. Plain numbers or duals.

        `masked`: an adjoint of 0 stays 0 where it meets an infinite slope; without, the sweep is faster. The adjoint of
        every step is put into `record`; `added` is called with each sum of adjoints and its last part.
        """
        adjoints: dict[int, Any] = dict(seeds)
        masked = masked and self.infinite_slopes
        result: dict[str, Any] = {}
        for number in range(len(self.slots) - 1, -1, -1):
            g = adjoints.pop(number, None)
            if g is None or not active[number]:
                continue
            if record is not None:
                record[number] = g
            slot = self.slots[number]
            if isinstance(slot, str | Constant):
                result[str(slot)] = g
                continue
            args, out = [values[a] for a in slot.args], values[number]
            for i, a in enumerate(slot.args):
                if active[a] and slot.passes[i]:
                    part = slot.adjoint(xp, g, i, out, args, masked)
                    if part is not None:
                        before = adjoints.get(a)
                        adjoints[a] = part if before is None else before + part
                        if added is not None and before is not None:
                            added(adjoints[a], part)
        return result
