"""Derivatives that break a rule at one step: a factor of the chain forgotten in one term, a product's term left out."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpcli.calculus.checks.chain_factors import step_as_written
from bpcli.calculus.checks.grading import Factor
from bpcli.calculus.rules.functions import OPERATORS
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.instructions import Elementwise, Instruction
from bpcli.calculus.sweeps.seeds import Point

_MOST = 24  # steps and slips of an expression
_LINEAR = [OPERATORS[name] for name in ("+", "-", "negative", "*", "/")]


class Slip(NamedTuple):
    """A rule broken at a step: the finding, in words what is wrong, and the step's tangent by it from its operands'."""

    finding: str
    text: str
    step: int
    tangent: Callable[[list[Any]], Any]


def missed_terms(calculation: Calculation, point: Point) -> list[Factor]:
    """The derivatives with each of these slips; of numbers alone, and of short expressions."""
    program = calculation.program
    if not program.scalar or len(program.slots) > _MOST:
        return []
    values, found = calculation.sweeps.forward(point), list[Factor]()
    for slip in list(_slips(calculation, values))[:_MOST]:
        columns = [_along(calculation, values, name, slip) for name in calculation.wrt]
        matrix = np.array([[float(column[slot] or 0.0) for column in columns] for slot in program.outputs])
        found.append(Factor(slip.finding, slip.text, np.full_like(matrix, math.nan), matrix))
    return found


def _along(calculation: Calculation, values: Sequence[Any], name: str, slip: Slip) -> list[Any]:
    """The tangent of every slot by a variable, with the slip."""
    program, result = calculation.program, list[Any]()
    for number, slot in enumerate(program.slots):
        if not isinstance(slot, Instruction):
            result.append(1.0 if slot == name else None)
            continue
        parts = [result[a] if p else None for a, p in zip(slot.args, slot.passes, strict=True)]
        if all(part is None for part in parts):
            result.append(None)
        elif number == slip.step:
            result.append(slip.tangent(parts))
        else:
            args = [values[a] for a in slot.args]
            result.append(slot.tangent(calculation.namespace, parts, values[number], args, False))
    return result


def _slips(calculation: Calculation, values: Sequence[Any]) -> Iterator[Slip]:
    program, xp = calculation.program, calculation.namespace
    active = calculation.sweeps.active
    for number, step in enumerate(program.slots):
        if not isinstance(step, Elementwise) or not active[number]:
            continue
        args, out = [values[a] for a in step.args], values[number]

        def tangent(parts: list[Any], step: Elementwise = step, out: Any = out, args: list[Any] = args) -> Any:
            return None if all(part is None for part in parts) else step.tangent(xp, parts, out, args, False)

        names = [
            step_as_written(calculation, s) if isinstance(s := program.slots[a], Instruction) else s for a in step.args
        ]
        moving = [active[a] and passes for a, passes in zip(step.args, step.passes, strict=True)]
        if step.row not in _LINEAR and not step.selects:  # what where and max choose is no inner function
            for i, a in enumerate(step.args):
                if moving[i] and isinstance(program.slots[a], Instruction):
                    yield Slip("inner_derivative", f"the derivative of {names[i]}", number, _without(tangent, i, 1.0))
        if step.name.startswith("**") and len(args) == 1:  # of a constant exponent
            text = f"the exponent of the derivative of {step_as_written(calculation, step)} is one less"
            yield Slip("value", text, number, _times(tangent, args[0]))
        if step.row in (OPERATORS["*"], OPERATORS["/"], OPERATORS["**"]) and all(moving):
            yield from _of_two(step, number, step_as_written(calculation, step), names, tangent, args)


def _of_two(
    step: Elementwise,
    number: int,
    text: str,
    names: Sequence[Any],
    tangent: Callable[[list[Any]], Any],
    args: Sequence[Any],
) -> Iterator[Slip]:
    """The slips at a product, a quotient or a power of two things that depend on the variables."""
    quotient, power = step.row is OPERATORS["/"], step.row is OPERATORS["**"]
    rule = f"the derivative of {text}" if power else f"the {'quotient' if quotient else 'product'} rule for {text}"
    for i in (1, 0):
        yield Slip("value", f"{rule} has another term, with the derivative of {names[i]}", number, _without(tangent, i))
    if power:
        return
    one = "divided by" if quotient else "times"
    yield Slip("value", f"{rule} is not the one derivative {one} the other", number, _one_by_other(quotient))
    sign = "minus" if quotient else "plus"
    for i in (1, 0):
        wrong = f"{rule} has a {sign} before the derivative of {names[i]}"
        yield Slip("value", wrong, number, _negated(tangent, i))
        if quotient:
            break
    if quotient:
        yield Slip("value", f"{rule} has the denominator squared", number, _times(tangent, args[1]))


def _times(tangent: Callable[[list[Any]], Any], factor: Any) -> Callable[[list[Any]], Any]:
    def multiplied(parts: list[Any]) -> Any:
        found = tangent(parts)
        return None if found is None else factor * found

    return multiplied


def _negated(tangent: Callable[[list[Any]], Any], i: int) -> Callable[[list[Any]], Any]:
    return lambda parts: tangent([-p if k == i and p is not None else p for k, p in enumerate(parts)])


def _without(tangent: Callable[[list[Any]], Any], i: int, instead: float | None = None) -> Callable[[list[Any]], Any]:
    """The tangent with another one of operand `i`, where that has one."""
    return lambda parts: tangent([instead if k == i and p is not None else p for k, p in enumerate(parts)])


def _one_by_other(quotient: bool) -> Callable[[list[Any]], Any]:
    def tangent(parts: list[Any]) -> Any:
        a, b = (0.0 if part is None else float(part) for part in parts)
        with np.errstate(all="ignore"):
            return float(np.divide(a, b)) if quotient else a * b

    return tangent
