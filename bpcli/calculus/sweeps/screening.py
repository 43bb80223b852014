"""Finds those of many points at which rounding may have eaten digits, at little cost where there are none.

The error bounds of `rounding` take ten times as long as the sweep. They are evaluated at the first points, and then at
the one point of a piece at which a step cancels more, or a variable lies further out, than at any point before. Where
digits are lost, or nearly so, there, at all points of the piece.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.instructions import Instruction
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.rounding import LOST, MOST_WORK, slope_errors_at, units, value_errors_at
from bpcli.calculus.sweeps.seeds import numbers
from bpcli.numbers.namespaces import arrays

FIRST = 1024  # points of which each is looked at
FIRST_CALLS = 8  # the same of points that are computed one by one
FULL_LOOKS = 200_000  # points that are looked at because digits are lost near by
FURTHER = 16.0  # an extreme that is not so much further out than the last one is no reason to look again
NEARLY = 2.0**-8  # of what counts as lost: with a margin for the points between two looks

_CANCELLING = {"+", "-", "sum", "@"}
_PERIODIC = {"sin", "cos", "tan"}


class _Watched(NamedTuple):
    """A slot whose smallest, or largest, values are the most delicate ones."""

    slot: int
    largest: bool


class LostAt(NamedTuple):
    """A point, and the columns of its results that may have lost digits."""

    point: int
    columns: list[int]


class Screen:
    """What has been seen of the points of one program so far; `inputs` are the variables of its gradient."""

    def __init__(self, program: Program, inputs: Sequence[tuple[str, Shape]]) -> None:
        self.program, self.inputs = program, inputs
        self.seen: dict[_Watched, float] = {}
        self.looked = self.full_looks = 0
        self.watched: list[_Watched] = []
        for slot, step in enumerate(program.slots):
            if isinstance(step, str):
                self.watched += [_Watched(slot, False), _Watched(slot, True)]
            elif isinstance(step, Instruction) and step.name in _CANCELLING:
                self.watched.append(_Watched(slot, False))
            elif isinstance(step, Instruction) and step.name in _PERIODIC:
                self.watched.append(_Watched(step.args[0], True))
        uses = [a for step in program.slots if isinstance(step, Instruction) for a in step.args]
        self.adds_adjoints = len(set(uses)) < len(uses) or not program.scalar

    def lost(self, values: list[Any], table: NDArray[np.float64], skip: Any = False) -> list[LostAt]:
        """The points at which digits may be lost, but for those to skip; `table` has a value, and slopes behind it."""
        gradient = table.shape[1] > self._outputs()
        work = self.program.entries * (sum(math.prod(shape) for _, shape in self.inputs) if gradient else 1)
        which = self._candidates(values, table, gradient)
        if work > MOST_WORK or not len(which):
            return []
        with np.errstate(all="ignore"):
            ratios = self._ratios(values, table, which, gradient)
            if (ratios > NEARLY).any() and len(which) < len(table) and self.full_looks < FULL_LOOKS:
                self.full_looks += len(table)
                which = np.arange(len(table))
                ratios = self._ratios(values, table, which, gradient)
        found = (ratios > 1.0) & ~np.broadcast_to(skip, len(table))[which, None]
        places = np.flatnonzero(found.any(axis=1))
        return [LostAt(int(which[place]), np.flatnonzero(found[place]).tolist()) for place in places]

    def _outputs(self) -> int:
        return sum(math.prod(self.program.shapes[slot]) for slot in self.program.outputs)

    def _candidates(self, values: list[Any], table: NDArray[np.float64], gradient: bool) -> NDArray[np.intp]:
        """The first points, and each that lies further out than all before."""
        places = {
            place for watch in self.watched if (place := self._further_out(watch, values[watch.slot])) is not None
        }
        if gradient and self.adds_adjoints:
            for column in range(1, table.shape[1]):
                place = self._further_out(_Watched(-column, False), table[:, column])
                places |= set() if place is None else {place}
        first = range(min(len(table), max(0, FIRST - self.looked)))
        self.looked += len(table)
        return np.array(sorted(places.union(first)), np.intp)

    def _further_out(self, watch: _Watched, value: Any) -> int | None:
        """The place of the most delicate value, if it is more so than those before."""
        if not isinstance(value, np.ndarray) or value.shape[-1] == 1:
            return None
        low, high = float(value.min()), float(value.max())
        if watch.largest:
            size = max(-low, high)
        elif low > 0.0 or high < 0.0:
            size = max(low, -high)
        else:
            sizes = np.abs(value)
            size = float(sizes.min())
            if size == 0.0 and watch in self.seen:
                size = float(sizes.min(where=sizes > 0.0, initial=math.inf))
        if not math.isfinite(size) or not self._beyond(watch, size, self.seen.get(watch)):
            return None
        self.seen[watch] = size or math.inf
        return int(np.argmax(np.abs(value) == size) % value.shape[-1])

    def is_new(self, values: list[Any], slopes: Sequence[float]) -> bool:
        """Whether one point, the values of its slots and its slopes, is worth a look."""
        self.looked += 1
        new = self.looked <= FIRST_CALLS
        sized = [(watch, values[watch.slot]) for watch in self.watched]
        if self.adds_adjoints and slopes:
            sized.append((_Watched(-1, False), list(slopes)))
        for watch, value in sized:
            if isinstance(value, float):
                size = abs(value)
            else:
                sizes = [abs(x) for x in numbers(value) if x]
                size = (max if watch.largest else min)(sizes, default=0.0)
            if size and self._beyond(watch, size, self.seen.get(watch)):
                self.seen[watch] = size
                new = True
        return new

    @staticmethod
    def _beyond(watch: _Watched, size: float, before: float | None) -> bool:
        if before is None:
            return True
        return size > FURTHER * before if watch.largest else size * FURTHER < before

    def _ratios(
        self, values: list[Any], table: NDArray[np.float64], which: NDArray[np.intp], gradient: bool
    ) -> NDArray[np.float64]:
        """For each point and result its error bound over what counts as lost; 0 where nothing is known."""
        xp = PlainNamespace(arrays())
        some = [v[..., which] if isinstance(v, np.ndarray) and v.shape[-1] > 1 else v for v in values]
        errors: list[Any] = []
        bounds = value_errors_at(self.program, xp, some, {})
        for slot in self.program.outputs:
            shape = self.program.shapes[slot]
            errors += list(np.broadcast_to(bounds[slot], (*shape, len(which))).reshape(-1, len(which)))
        if gradient:
            outputs = [(slot, self.program.shapes[slot]) for slot in self.program.outputs]
            (row,) = slope_errors_at(self.program, xp, some, units(self.inputs, _seed), units(outputs, _seed))
            errors += [np.broadcast_to(error, len(which)) for error in row]
        entries = np.abs(table[which])
        ratios = np.stack(errors, axis=1) / (LOST * entries)
        return np.where(np.isfinite(entries) & (ratios == ratios), ratios, 0.0)


def _seed(part: list[float], shape: Shape) -> Any:
    """Entries as an array for all points."""
    return np.reshape(np.array(part), (*shape, 1))
