"""The factors of a chain of functions, any of which an answer may lack."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bpcli.calculus.checks.grading import Array, Factor
from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import Expression
from bpcli.calculus.rules.functions import OPERATORS
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.instructions import Elementwise, Instruction
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.seeds import Point

_MOST_ENTRIES = 16  # of a variable, by each of which the steps of a chain are differentiated
_SUMS = [OPERATORS[name] for name in ("+", "-", "negative")]
_LINEAR = [*_SUMS, OPERATORS["*"], OPERATORS["/"]]


class AsWritten(Program):
    """A program without recognised forms, in which each function that was written is a step."""

    def __init__(self, trees: Sequence[Expression], texts: Sequence[str], variables: Mapping[str, Shape]) -> None:
        super().__init__(trees, texts, variables, recognise=False)


def chain_factors(calculation: Calculation, point: Point) -> list[Factor]:
    """The factors of a chain of functions that may have been forgotten: the slope of the inner function, or of the
    outer.

    Slopes of arrays are those entry by entry; a step that mixes the entries has none.
    """
    program, xp = calculation.program, calculation.namespace
    values = calculation.sweeps.forward(point)
    curved = [
        (number, step)
        for number, step in enumerate(program.slots)
        if isinstance(step, Elementwise) and step.row not in _LINEAR
    ]
    along = {
        name: program.tangents(xp, values, {name: xp.base.ones_like(values[program.slots.index(name)])})
        for name in calculation.wrt
        if name in program.slots
    }
    shapes, found = program.variables, []
    by_entry = {
        name: [program.tangents(xp, values, {name: unit.reshape(place.shape)}) for unit in np.eye(place.size)]
        for name in along
        if 1 < (place := np.asarray(values[program.slots.index(name)])).size <= _MOST_ENTRIES
    }
    for slot in _inside(program, {a for _, step in curved for a in step.args}):
        step = program.slots[slot]
        if isinstance(step, Instruction):
            mixes = np.size(values[slot]) == 1  # a number of many entries has a slope by each of them
            slopes = [
                np.array([0.0 if one[slot] is None else np.asarray(one[slot], float).item() for one in by_entry[n]])
                if mixes and n in by_entry
                else _entries_of(along[n][slot] if n in along else None, shapes[n])
                for n in calculation.wrt
            ]
            text = f"the derivative of {step_as_written(calculation, step)}"
            found.append(_spread(calculation, "inner_derivative", text, slopes))
    for number, step in curved:
        args = [values[a] for a in step.args]
        for i, a in enumerate(step.args):
            if calculation.sweeps.active[a] and step.passes[i]:
                slope = step.row.partial(i)(xp, values[number], *args)
                slopes = [_entries_of(slope, shapes[name]) for name in calculation.wrt]
                text = f"the derivative of {step_as_written(calculation, step)} by what is inside"
                found.append(_spread(calculation, "outer_derivative", text, slopes))
    return found


def _inside(program: Program, slots: set[int]) -> list[int]:
    """The slots of the functions' arguments, and after them the terms of those that are sums."""
    found, waiting = list[int](), sorted(slots)
    while waiting:
        found += waiting
        steps = [step for slot in waiting if isinstance(step := program.slots[slot], Instruction)]
        terms = {a for step in steps if step.row in _SUMS for a in step.args}
        waiting = sorted(terms.difference(found))
    return found


def step_as_written(calculation: Calculation, step: Instruction) -> str:
    """A step as it stands in the expression; of several expressions as bpcli writes it."""
    start, end = step.node.span
    return calculation.texts[0][start:end] if len(calculation.texts) == 1 else to_text(step.node)


def _entries_of(slope: Any, shape: tuple[int, ...]) -> Array:
    """A slope for each entry of a variable; NaN where it has another shape."""
    size = math.prod(shape)
    flat = np.ravel(np.asarray(0.0 if slope is None else slope, float))
    return np.full(size, flat[0]) if flat.size == 1 else flat if flat.size == size else np.full(size, math.nan)


def _spread(calculation: Calculation, finding: str, text: str, slopes: Sequence[Array]) -> Factor:
    row = np.concatenate(slopes)
    return Factor(finding, text, np.tile(row, (calculation.outputs, 1)))
