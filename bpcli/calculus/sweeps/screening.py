"""Finds those of many points at which rounding may have eaten digits, at little cost where there are none.

The error bounds of `rounding` take ten times as long as the sweep. They are evaluated at the first points, and at each
point at which a step magnifies the rounding errors of its operands by more than 2¹¹: a sum that is that much smaller
than a part of it, a logarithm near 1, a sine far out or near 0, a function near the end of its domain, an adjoint that
cancels. A point that loses digits in steps that all magnify by less, four at least, is seen among the first ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.instructions import Constant, Elementwise, Instruction, OnArrays
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.rounding import LOST, MOST_WORK, any_entry, slope_errors_at, units, value_errors_at
from bpcli.calculus.sweeps.turning import turned
from bpcli.numbers.namespaces import arrays

FIRST = 1024  # points at the start, all of which get a closer look
FIRST_CALLS = 8  # the same, where points are computed one by one
NEARLY = 2.0**-8  # times what counts as lost: if one of the first points comes to it, all others get a closer look
MAGNIFIED = 2.0**-11  # times a term: a sum below this magnifies the rounding errors of its terms by 2048
NEAR_EDGE = 2.0**-40  # times an operand: so near an edge rounding may turn a step
FAR_OUT = 2.0**20  # an angle, or a logit, whose rounding errors are as large beside 1


class Kept(NamedTuple):
    """Points of a block that are worth a closer look, and the values of all slots there."""

    places: NDArray[np.intp]
    values: list[Any]


class Delicate(NamedTuple):
    """Where a step magnifies rounding errors: where `slot` is less than `share` of `part`, or of 1, off `center`.

    With `beyond`, where it is farther out than that; with `other`, where it is so near that slot; with `whole`, so near
    a whole number; with `within`, where terms cancel within the step; with `near`, where two entries are so near the
    one that it takes.
    """

    slot: int
    part: int | None = None
    share: float = MAGNIFIED
    center: float = 0.0
    beyond: float | None = None
    other: int | None = None
    whole: bool = False
    within: bool = False
    near: bool = False


def _delicate(program: Program) -> list[Delicate]:
    """Where the steps of a program magnify the rounding errors of their operands, if these have any."""
    found: list[Delicate] = []
    rounded: list[bool] = []
    for slot, step in enumerate(program.slots):
        if not isinstance(step, Instruction):
            rounded.append(isinstance(step, Constant) and not step.whole)
            continue
        of = step.row or step.op
        assert of is not None
        operands = [a for a in step.args if rounded[a]]
        rounded.append(bool(operands) or not of.exact)
        if isinstance(step, OnArrays) and step.op.adds:
            found.append(Delicate(slot, step.args[0]))  # whose own additions round
        elif step.row is not None and step.row.amplifies is not None:
            weights = [program.slots[a] for a in step.args[0::2]]  # of a sum of exponentials
            if not all(isinstance(weight, Constant) and weight > 0 for weight in weights):
                found.append(Delicate(slot, within=True))
        elif operands and not of.exact:
            found += _of_step(slot, step, operands)
        elif operands and step.has_edge:
            found += _of_edge(step) if isinstance(step, Elementwise) else [Delicate(slot, share=NEAR_EDGE, near=True)]
    return found


def _of_edge(step: Elementwise) -> list[Delicate]:
    """Where rounding may turn a comparison, a choice of the larger, or a jump at whole numbers."""
    x, *others = step.args
    if step.row.kind == "select":
        return []
    if others:
        return [Delicate(x, share=NEAR_EDGE, other=others[0])]
    return [] if any(step.passes) else [Delicate(x, share=NEAR_EDGE, whole=True)]


def _of_step(slot: int, step: Instruction, operands: list[int]) -> list[Delicate]:
    x = operands[0]
    if isinstance(step, OnArrays):
        far = [Delicate(x, beyond=FAR_OUT)] if step.op.of_logits else []
        return far if step.op.root is None else [*far, Delicate(slot)]
    assert isinstance(step, Elementwise)
    row = step.row
    if row.adds:
        return [Delicate(slot, x)]
    if row.periodic is not None:
        return [Delicate(x, beyond=FAR_OUT), Delicate(slot, x)]
    if len(step.args) > 1:  # a loss is small as the square of what is subtracted
        return [] if row.well_conditioned else [Delicate(slot, a, MAGNIFIED**2) for a in operands]
    ends = [Delicate(x, None, MAGNIFIED, end) for end in row.domain if math.isfinite(end) and end]
    return ends if row.root is None else [*ends, Delicate(slot)]


class Screen:
    """Findings about the points of a program so far; `inputs` are the variables of its gradient."""

    def __init__(self, program: Program, inputs: Sequence[tuple[str, Shape]]) -> None:
        self.program, self.inputs, self.looked = program, inputs, 0
        self.delicate = _delicate(program)
        self.everywhere = False  # whether digits are nearly lost at a point where no single step magnifies errors
        self.least = math.inf  # slope of the points that were computed one by one
        self.scales: NDArray[np.float64] | None = None

    def ratios(self, values: list[Any], table: NDArray[np.float64]) -> NDArray[np.float64]:
        """For each point and result its error bound over what counts as lost; 0 where nothing is known."""
        xp, count = PlainNamespace(arrays()), len(table)
        errors: list[Any] = []
        with np.errstate(all="ignore"):
            bounds = value_errors_at(self.program, xp, values, {})
            outputs = [(slot, self.program.shapes[slot]) for slot in self.program.outputs]
            for slot, shape in outputs:
                errors += list(np.broadcast_to(bounds[slot], (*shape, count)).reshape(-1, count))
            if table.shape[1] > len(errors):
                (row,) = slope_errors_at(self.program, xp, values, units(self.inputs, _seed), units(outputs, _seed))
                errors += [np.broadcast_to(error, count) for error in row]
            entries = np.abs(table)
            found = np.stack(errors, axis=1) / (LOST * entries)
            found = np.where(np.isfinite(entries) & (found == found), found, 0.0)
            for turns in turned(self.program, xp, values, bounds):
                found[np.broadcast_to(any_entry(np.asarray(turns)), count)] = np.inf
        return found

    def is_new(self, values: list[Any], slopes: Sequence[float]) -> bool:
        """Whether one point, the values of its slots and its slopes, is worth a look."""
        self.looked += 1
        least = min([abs(slope) for slope in slopes if slope], default=math.inf)
        closer, self.least = least * 16.0 < self.least, min(least, self.least)
        return closer or self.looked <= FIRST_CALLS or any(np.any(self.magnifies(one, values)) for one in self.delicate)

    def magnifies(self, one: Delicate, values: list[Any]) -> Any:
        """At which points a step magnifies the errors of its operands: a bool, or an array, of a bool for each."""
        value, step = values[one.slot], self.program.slots[one.slot]
        if one.beyond is not None:
            return any_entry(abs(value) > one.beyond)
        if one.within:
            assert isinstance(step, Elementwise)
            assert step.row.amplifies is not None
            amplified = step.row.amplifies(PlainNamespace(arrays()), *(values[a] for a in step.args))
            return any_entry(amplified > 1.0 / one.share)
        if one.near:
            assert isinstance(step, OnArrays)
            args = [values[a] for a in step.args]
            return any_entry(step.may_turn(PlainNamespace(arrays()), value, args, [one.share * abs(x) for x in args]))
        if one.whole:
            return any_entry(abs(value - np.rint(value)) <= one.share * abs(value))
        if one.other is not None:
            return any_entry(abs(value - values[one.other]) <= one.share * abs(value))
        if isinstance(step, OnArrays) and step.op.adds:
            part = step.value(PlainNamespace(arrays()), [abs(values[a]) for a in step.args])
        else:
            part = (one.center or 1.0) if one.part is None else values[one.part]
        return _is_less(value - one.center if one.center else value, part, one.share)

    def scale(self, slopes: NDArray[np.float64]) -> NDArray[np.float64]:
        """The largest mean size of each slope so far."""
        sizes = np.abs(slopes).mean(axis=0)
        self.scales = sizes if self.scales is None else np.fmax(self.scales, sizes)
        return self.scales


class Look:
    """Looks at the pieces of a block of points: `table` has a value, and slopes behind it, for each."""

    def __init__(self, screen: Screen, table: NDArray[np.float64]) -> None:
        self.screen, self.table = screen, table
        self.program, self.inputs = screen.program, screen.inputs
        outputs = sum(math.prod(self.program.shapes[slot]) for slot in self.program.outputs)
        self.gradient = table.shape[1] > outputs
        work = self.program.entries * (sum(math.prod(shape) for _, shape in self.inputs) if self.gradient else 1)
        self.possible = work <= MOST_WORK
        self.masks: list[Any] = []
        self.kept: list[Kept] = []
        self.doubtful: list[NDArray[np.intp]] = []

    def added(self, total: Any, part: Any) -> None:
        """See a sum of adjoints, and a part of it."""
        if self.possible:
            self.masks.append(_is_less(total, part, MAGNIFIED))

    def doubt(self, places: NDArray[np.intp]) -> None:
        """Keep the places of points of which bounds in doubles tell nothing."""
        if self.possible:
            self.doubtful.append(places)

    def __call__(self, values: list[Any], part: slice, skip: Any) -> None:
        """Keep those points of a piece that are worth a closer look, but for those to skip."""
        screen, size = self.screen, part.stop - part.start
        masks, self.masks = self.masks, []
        if not self.possible:
            return
        with np.errstate(all="ignore"):
            masks += [screen.magnifies(one, values) for one in screen.delicate]
            if self.gradient and not self.program.scalar:  # whose slopes are sums within one step, too
                slopes = self.table[part, 1:]
                masks.append((np.abs(slopes) < MAGNIFIED * screen.scale(slopes)).any(axis=1))
        some = np.zeros(size, bool)
        for mask in masks:
            some |= mask
        first = np.flatnonzero(np.arange(screen.looked, screen.looked + size) < FIRST)
        screen.looked += size
        skipped = np.broadcast_to(skip, size)
        if len(first):
            ratios = screen.ratios(at_points(values, first), self.table[part][first])
            screen.everywhere |= bool((ratios.max(axis=1) > NEARLY)[~(some | skipped)[first]].any())
            some[first] = True
        places = np.flatnonzero((some | screen.everywhere) & ~skipped)
        if len(places):
            self.kept.append(Kept(places + part.start, at_points(values, places)))


def _is_less(total: Any, part: Any, share: float) -> Any:
    """At which points a sum is smaller than this share of one of its parts: a bool, or a bool for each point."""
    if not isinstance(total, np.ndarray):
        return abs(total) < share * abs(part)
    nearest = max(total.min(), -total.max(), 0.0)
    largest = abs(part) if isinstance(part, float) else max(part.max(), -part.min())
    return False if nearest >= share * largest else any_entry(np.abs(total) < share * np.abs(part))


def at_points(values: list[Any], places: NDArray[np.intp]) -> list[Any]:
    """The values of the slots at some points."""
    return [v[..., places] if isinstance(v, np.ndarray) and v.shape[-1] > 1 else v for v in values]


def _seed(part: list[float], shape: Shape) -> Any:
    """Entries as an array for all points."""
    return np.reshape(np.array(part), (*shape, 1))
