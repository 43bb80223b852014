"""How far values and derivatives may be off by rounding: running error bounds over the sweeps, to first order.

Each step adds the error of its own rounding: exactly known of sums and products, a few units in the last place of
other functions. An error of a step in the middle shows in the result times the slope of the result by that step, which
a reverse sweep gives; of a derivative, one over duals. Source: Higham, Accuracy and Stability of Numerical Algorithms,
2nd ed., 3.3, and Linnainmaa 1976, Taylor expansion of the accumulated rounding error.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bpcli.calculus.rules.duals import Dual, Duals, PlainNamespace
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.instructions import Constant, Elementwise, Instruction, OnArrays
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.seeds import Key, Point, numbers, split
from bpcli.formulas.activations import dsigmoid_dz, dtanh_dz
from bpcli.numbers.namespaces import arrays, namespace, two_product, two_sum

UNIT = 2.0**-53  # of the rounding of one operation, relative
_LEAST = 2.0**-1074  # of an error that is no double
FUNCTION = 4.0 * UNIT  # of a function of the table
_FEW_LEAST = 4.0 * _LEAST  # of one whose value is subnormal
_TINY = 2.0**-1021  # below it a unit in the last place is that of the subnormals
LOST = 2.0**-20  # relative: a number that is off by more has lost digits
_WAVE = 0.5  # within which sin, cos and tan are near to lines
_CANCELLED = 2.0**-30  # of its parts: a tangent below this has lost most of its digits
MOST_WORK = 20_000  # entries of the program times those of the Jacobian


def _of_quotient(out: Any, x: Any, y: Any) -> Any:
    product, error = two_product(out, y)
    return abs(((x - product) - error) / y) if isinstance(y, float) and y else abs(out) * UNIT


_OWN: dict[str, Callable[..., Any]] = {
    "+": lambda out, x, y: abs(two_sum(x, y)[1]),
    "-": lambda out, x, y: abs(two_sum(x, -y)[1]),
    "*": lambda out, x, y: abs(two_product(x, y)[1]),
    "**2": lambda out, x: abs(two_product(x, x)[1]),
    "/": _of_quotient,
    "minus_sigmoid": lambda out, y, z: FUNCTION * 2.0 * dsigmoid_dz(z) + _FEW_LEAST,
    "minus_tanh": lambda out, y, z: FUNCTION * namespace(z).minimum(abs(z), dtanh_dz(z)) + _FEW_LEAST * (z != 0.0),
    "minus_part": lambda out, y, p, rest: FUNCTION * namespace(p).minimum(p, rest) + _FEW_LEAST * (p > 0.0),
}
"""The error of a step's own rounding, where that is known."""


def _known(error: Any, out: Any) -> Any:
    """An error; where it is not finite, as a part of it overflowed, the error of one rounding of `out`."""
    if isinstance(error, float):
        return error if error < math.inf else abs(out) * UNIT
    import numpy as np

    return np.where(np.isfinite(error), error, abs(out) * UNIT)


def own_errors(program: Program, xp: PlainNamespace, values: list[Any]) -> list[Any]:
    """The error that each step adds by rounding its result; of a constant, by being a double."""
    found: list[Any] = []
    for slot, out in zip(program.slots, values, strict=True):
        if isinstance(slot, Constant):
            found.append(_of_constant(slot))
        elif not isinstance(slot, Instruction):
            found.append(0.0)
        elif not isinstance(slot, OnArrays):
            args = [values[a] for a in slot.args]
            if slot.row is not None and slot.row.exact:
                found.append(0.0)
            elif own := _OWN.get(slot.name):
                found.append(_known(own(out, *args), out))
            elif slot.row is not None and slot.row.rounds is not None:
                rounds = FUNCTION * slot.row.rounds(xp, out, *args)
                found.append(xp.where(rounds == rounds, rounds, _of_function(xp, out)))  # infinite where all cancels
            else:
                found.append(_of_function(xp, out))
        elif slot.op.exact:
            found.append(0.0 * abs(out))
        elif slot.op.adds:
            sizes = [abs(values[a]) for a in slot.args]
            found.append(slot.value(xp, sizes) * UNIT)
        else:
            found.append(_of_function(xp, out))
    return found


def _of_function(xp: PlainNamespace, out: Any) -> Any:
    """The rounding error of a function's value: a few units in the last place, also of a subnormal one."""
    size = abs(out)
    return xp.where((size < _TINY) & (size > 0.0), _FEW_LEAST, size * FUNCTION)


def _of_constant(constant: Constant) -> float:
    """The rounding error of a constant: its double less the decimal that is written; a bound for π and e."""
    text, _, power = constant.written.lower().partition("e")
    whole, _, fraction = text.partition(".")
    if not (whole + fraction).lstrip("-").isdecimal() or not math.isfinite(constant):
        return abs(float(constant)) * UNIT if math.isfinite(constant) else 0.0
    numerator, denominator = float(constant).as_integer_ratio()
    exponent, written = int(power or 0) - len(fraction), int(whole + fraction)
    if abs(exponent) > 400:
        return abs(float(constant)) * UNIT or _LEAST * bool(written)
    up, down = 10 ** max(exponent, 0), 10 ** max(-exponent, 0)
    off = abs(written * up * denominator - numerator * down)
    return float(off / (denominator * down)) or _LEAST * bool(off)


def value_errors(calculation: Calculation, values: list[Any], given: Mapping[str, float]) -> list[Any]:
    """For each step how far its value may be off, where a variable is off by `given` of itself."""
    return value_errors_at(calculation.program, calculation.namespace, values, given)


def value_errors_at(program: Program, xp: PlainNamespace, values: list[Any], given: Mapping[str, float]) -> list[Any]:
    """The same from the values of all slots, at one point or at many."""
    found: list[Any] = []
    for slot, out, own in zip(program.slots, values, own_errors(program, xp, values), strict=True):
        if isinstance(slot, str):
            found.append(abs(out) * given.get(slot, 0.0))
        elif isinstance(slot, Instruction):
            args = [values[a] for a in slot.args]
            errors = [found[a] for a in slot.args]
            found.append(own + _passed_on(xp, slot, out, args, errors))
        else:
            found.append(own + 0.0 * abs(out))
    return found


def block_errors(program: Program, columns: Mapping[str, Any]) -> Any:
    """How far the value, a number, may be off at each of B points."""
    xp = PlainNamespace(arrays())
    with arrays().errstate(all="ignore"):
        return value_errors_at(program, xp, program.forward(xp, columns), {})[program.outputs[0]]


def _passed_on(xp: PlainNamespace, step: Instruction, out: Any, args: list[Any], errors: list[Any]) -> Any:
    """The error of a step's value that comes from the errors of its operands."""
    if isinstance(step, Elementwise):
        if step.row.periodic is not None:
            return step.row.periodic(xp, out, step.row.partial(0)(xp, out, *args), errors[0])
        total: Any = 0.0
        for i, error in enumerate(errors):
            slope = abs(step.row.partial(i)(xp, out, *args)) if step.passes[i] else 0.0
            part = slope * error
            total = total + xp.where(part == part, part, 0.0)
        for _, moved in _moved(xp, step, args, errors, kinks=True):
            change = abs(step.value(xp, moved) - out)
            total = xp.where(change > total, change, total)
        return total
    assert isinstance(step, OnArrays)
    if step.op.exact:
        return step.op.of_errors(xp, errors, step.operands)
    if step.op.adds:
        sizes = [abs(a) for a in args]
        return sum(step.value(xp, [*sizes[:i], error, *sizes[i + 1 :]]) for i, error in enumerate(errors))
    wide = sum(error.sum() for error in errors) * (1.0 + abs(out))
    by_slopes = _by_slopes(xp, step, out, args, errors)
    return xp.where(by_slopes > wide, by_slopes, wide)


def _by_slopes(xp: PlainNamespace, step: OnArrays, out: Any, args: list[Any], errors: list[Any]) -> Any:
    """Σ |slope|·error over the entries of all operands, for each entry of a step; 0 of very many."""
    found = 0.0 * abs(out)
    rows = found.reshape(-1, found.shape[-1])
    if len(rows) * sum(math.prod(shape) for shape in step.shapes) > MOST_WORK:
        return found
    for k in range(len(rows)):
        unit = 0.0 * found
        unit.reshape(rows.shape)[k] = 1.0
        for i, error in enumerate(errors):
            rows[k] += _size(step.adjoint(xp, unit, i, out, args, masked=False) * error)
    return found


def _moved(
    xp: PlainNamespace, step: Instruction, args: list[Any], errors: list[Any], kinks: bool = False
) -> Iterator[tuple[int, list[Any]]]:
    """For each operand with a large error: its place, and the operands with that error added or taken off, and with 0
    for what may be 0, where 1/x and log x are infinite.

    The slope at such an operand says little. With `kinks` also of abs and the like: the slope 0 of |x| at 0 hides that
    x may be off.
    """
    if not isinstance(step, Elementwise) or (step.row.exact and not (kinks and len(args) == 1 and step.passes[0])):
        return
    for i, (x, error) in enumerate(zip(args, errors, strict=True)):
        much = error > LOST * abs(x)
        if (len(args) == 1 or step.passes[i]) and (much if isinstance(much, bool) else much.any()):
            nearest = xp.where(error < abs(x), x, 0.0 * error)
            yield from ((i, [*args[:i], moved, *args[i + 1 :]]) for moved in (x + error, x - error, nearest))


def _bends(program: Program, xp: PlainNamespace, values: list[Any]) -> Any:
    """Whether a function is far from a line, as far as its operand may be off: a bool, or an array."""
    found: Any = False
    bounds = value_errors_at(program, xp, values, {})
    for out, step in zip(values, program.slots, strict=True):
        if not isinstance(step, Elementwise):
            continue
        args = [values[a] for a in step.args]
        if step.row.periodic is not None:
            found = found | any_entry(bounds[step.args[0]] > _WAVE)
        for i, moved in _moved(xp, step, args, [bounds[a] for a in step.args]):
            changed = step.value(xp, moved)
            slope, other = (step.row.partial(i)(xp, *at) for at in ((out, *args), (changed, *moved)))
            change, line = changed - out, slope * (moved[i] - args[i])
            bent = _differ(xp, slope, other) | (_differ(xp, change, line) & (abs(change) > LOST * abs(out)))
            found = found | any_entry(bent)
    return found


def any_entry(found: Any) -> Any:
    """At which points it is true of any entry: a bool, or an array of one for each point."""
    return found.any(axis=tuple(range(found.ndim - 1))) if hasattr(found, "ndim") and found.ndim else found


def _differ(xp: PlainNamespace, x: Any, y: Any) -> Any:
    """Whether the smaller of two numbers is less than half of the larger."""
    return abs(x - y) > 0.5 * xp.where(abs(x) > abs(y), abs(x), abs(y))


def slope_errors(calculation: Calculation, point: Point) -> list[list[float]]:
    """How far each entry of the Jacobian may be off, outputs × inputs; 0 after an overflow, where nothing is known."""
    sweeps, xp = calculation.sweeps, calculation.namespace
    values = sweeps.forward(point)
    if not all(map(sweeps.is_finite, values)):
        return [[0.0] * calculation.inputs for _ in range(calculation.outputs)]
    inputs, outputs = units(sweeps.inputs, sweeps.seed), units(sweeps.outputs, sweeps.seed)
    found = slope_errors_at(calculation.program, xp, values, inputs, outputs)
    return [[numbers(error)[0] for error in row] for row in found]


def slope_errors_at(
    program: Program,
    xp: PlainNamespace,
    values: list[Any],
    inputs: Sequence[Mapping[str, Any]],
    outputs: Sequence[Mapping[int, Any]],
) -> list[list[Any]]:
    """The same from the values of all slots, at one point or, for each entry an array, at many.

    It is ∞ where the slope changes much within the error of the operand, and so says nothing: that of σ far out.
    """
    own, unknown = own_errors(program, xp, values), xp.where(_bends(program, xp, values), math.inf, 0.0)
    along = [program.tangents(xp, values, seed) for seed in inputs]
    lost = [xp.where(_tangents_cancel(program, xp, values, tangents), math.inf, 0.0) for tangents in along]
    return [
        [unknown + lost[k] + _slope_error(program, xp, values, own, tangents, one) for k, tangents in enumerate(along)]
        for one in outputs
    ]


def _tangents_cancel(program: Program, xp: PlainNamespace, values: list[Any], tangents: list[Any]) -> Any:
    """Whether a tangent is the small difference of rounded parts: a bool, or an array.

    To first order that does not show in the slope, where the adjoint cancels as well.
    """
    found: Any = False
    rounded: list[bool] = []
    for out, step, tangent in zip(values, program.slots, tangents, strict=True):
        if tangent is None or not isinstance(step, Instruction):
            rounded.append(False)
            continue
        exact = (
            step.op.exact if isinstance(step, OnArrays) else step.row is not None and (step.row.exact or step.row.adds)
        )
        rounded.append(not exact or any(rounded[a] for a in step.args))
        if not isinstance(step, Elementwise) or not rounded[-1]:
            continue
        args = [values[a] for a in step.args]
        moving = [(i, tangents[a]) for i, a in enumerate(step.args) if step.passes[i] and tangents[a] is not None]
        if len(moving) > 1:
            size = sum(abs(step.row.partial(i)(xp, out, *args) * t) for i, t in moving)
            found = found | any_entry((abs(tangent) < _CANCELLED * size) & (size < math.inf))
    return found


def units(parts: Sequence[tuple[Key, Shape]], make: Callable[[list[float], Shape], Any]) -> list[dict[Key, Any]]:
    """A seed for each entry of inputs or of outputs."""
    count = sum(math.prod(shape) for _, shape in parts)
    vectors = [[float(k == j) for j in range(count)] for k in range(count)]
    each = (split(vector, parts, lambda part, shape: (any(part), make(part, shape))) for vector in vectors)
    return [{key: seed for key, (used, seed) in seeds if used} for seeds in each]


def _slope_error(
    program: Program,
    xp: PlainNamespace,
    values: list[Any],
    own: list[Any],
    tangents: list[Any],
    one: Mapping[int, Any],
) -> Any:
    """The error of Σ tangent·slope·adjoint over all steps: of values, slopes and products, and of adding adjoints."""
    duals = Duals(xp)
    pairs = [v if t is None else Dual(v, t, duals) for v, t in zip(values, tangents, strict=True)]
    adjoints: dict[int, Any] = {}
    rounded = [not isinstance(slot, Constant) or bool(e) for slot, e in zip(program.slots, own, strict=True)]
    program.reverse(duals, pairs, one, rounded, record=adjoints)
    total, sums = 0.0, dict[int, Any]()
    for number, adjoint in adjoints.items():
        if isinstance(adjoint, Dual):
            total = total + _size(adjoint.t * own[number])
        step = program.slots[number]
        if not isinstance(step, Instruction):
            continue
        g = adjoint.v if isinstance(adjoint, Dual) else adjoint
        args = [values[a] for a in step.args]
        for i, a in enumerate(step.args):
            if tangents[a] is not None and step.passes[i]:
                total = total + _of_product(xp, step, i, g, values[number], args, tangents[a])
                part = step.adjoint(xp, g, i, values[number], args, True)
                if part is not None:
                    total = total + _size(_added(sums, a, part) * tangents[a])
    return total


def _added(sums: dict[int, Any], slot: int, part: Any) -> Any:
    """The rounding error of adding a part to the adjoint of a slot: 5e-50 is lost in 5e-50 + 1."""
    if slot not in sums:
        sums[slot] = part
        return 0.0
    sums[slot], error = two_sum(sums[slot], part)
    return error


def _of_product(xp: PlainNamespace, step: Instruction, i: int, g: Any, out: Any, args: list[Any], tangent: Any) -> Any:
    """The rounding error of adjoint · slope, for one operand of a step, carried on to the result."""
    if isinstance(step, OnArrays):
        if step.op.exact or (step.op.adds and len(step.args) == 1):
            return 0.0
        if step.op.adds:  # a product of matrices: terms of either sign are added
            sizes = step.adjoint(xp, abs(g), i, out, [abs(a) for a in args], masked=False)
            return _size(sizes * tangent) * FUNCTION
        part = step.adjoint(xp, g, i, out, args, masked=False)
        if step.op.subtracts:
            return (_size(g * tangent) + _size((g - part) * tangent)) * FUNCTION
        return _size(part * tangent) * FUNCTION
    assert isinstance(step, Elementwise)
    slope = step.row.partial(i)(xp, out, *args)
    product, error = two_product(g, slope)
    added: Any = 0.0
    if step.shapes[i] != step.shape:  # the adjoint of what was spread is a sum, which rounds
        from bpcli.calculus.rules.array_operations import unbroadcast  # not for floats, which have one shape

        added = _size(unbroadcast(xp, abs(product), step.shapes[i], step.shape) * tangent) * UNIT
    if step.row.exact or step.row.adds:
        return added
    of_slope = 0.0 if step.row.exact_slope else abs(product) * FUNCTION
    if step.row.amplifies is not None:
        amplified = of_slope * step.row.amplifies(xp, *args)
        of_slope = xp.where(amplified == amplified, amplified, of_slope)
    return added + _size((_known(abs(error), product) + of_slope) * tangent)


def _size(x: Any) -> Any:
    """The sum of all entries of a point, without signs; 0 of what is not a number."""
    if isinstance(x, float):
        return abs(x) if x == x else 0.0
    total = abs(x).reshape(-1, x.shape[-1]).sum(axis=0)
    total[total != total] = 0.0
    return total
