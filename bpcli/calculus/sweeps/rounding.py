"""How far values and derivatives may be off by rounding: running error bounds over the sweeps, to first order.

Each step adds the error of its own rounding: exactly known of sums and products, a few units in the last place of
other functions. An error of a step in the middle shows in the result times the slope of the result by that step, which
a reverse sweep gives; of a derivative, one over duals. Source: Higham, Accuracy and Stability of Numerical Algorithms,
2nd ed., 3.3, and Linnainmaa 1976, Taylor expansion of the accumulated rounding error.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from bpcli.calculus.rules.duals import Dual, Duals, PlainNamespace
from bpcli.calculus.rules.shapes import Shape, entry_names
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.instructions import Constant, Elementwise, Instruction, OnArrays
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.seeds import Key, Point, numbers, split
from bpcli.errors import BpcliError, MissingExtraError
from bpcli.formulas.activations import dsigmoid_dz, dtanh_dz
from bpcli.numbers.namespaces import namespace, two_product, two_sum
from bpcli.text.notation import cell

UNIT = 2.0**-53  # of the rounding of one operation, relative
FUNCTION = 4.0 * UNIT  # of a function of the table
LOST = 2.0**-20  # relative: a number that is off by more has lost digits
_NO_DOUBLE = 2.0**-500  # what cancels to less, and can't be told from 0, is 0
_DOUBT = 2.0**-30  # relative, of a value in the middle: one that may be off by more is looked at closer
_SMALLEST = 2.0**-1073  # two units in the last place of the subnormals
_BITS = (1200, 5000)
_MOST_SHOWN = 3  # entries in one note
MOST_WORK = 20_000  # entries of the program times those of the Jacobian
_MOST_SECOND_WORK = 4_000  # the same times the inputs, of a Hessian


def _of_quotient(out: Any, x: Any, y: Any) -> Any:
    product, error = two_product(out, y)
    return abs(((x - product) - error) / y) if isinstance(y, float) and y else abs(out) * UNIT


_OWN: dict[str, Callable[..., Any]] = {
    "+": lambda out, x, y: abs(two_sum(x, y)[1]),
    "-": lambda out, x, y: abs(two_sum(x, -y)[1]),
    "*": lambda out, x, y: abs(two_product(x, y)[1]),
    "**2": lambda out, x: abs(two_product(x, x)[1]),
    "/": _of_quotient,
    "minus_sigmoid": lambda out, y, z: FUNCTION * 2.0 * dsigmoid_dz(z),
    "minus_tanh": lambda out, y, z: FUNCTION * namespace(z).minimum(abs(z), dtanh_dz(z)),
    "minus_part": lambda out, y, p, rest: FUNCTION * namespace(p).minimum(p, rest),
}
"""The error of a step's own rounding, where that is known."""

_REARRANGING = {"take", "transpose", "stack", "max", "min"}
_SUMS = {"sum", "@"}


def _known(error: Any, out: Any) -> Any:
    """An error, or where it is not finite because a part overflowed, that of one rounding."""
    if isinstance(error, float):
        return error if error < math.inf else abs(out) * UNIT
    import numpy as np

    return np.where(np.isfinite(error), error, abs(out) * UNIT)


def own_errors(program: Program, xp: PlainNamespace, values: list[Any]) -> list[Any]:
    """For each step the error of its own rounding, and of a constant that of its double."""
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
            else:
                found.append(abs(out) * FUNCTION)
        elif slot.name in _REARRANGING:
            found.append(0.0 * abs(out))
        elif slot.name in _SUMS:
            sizes = [abs(values[a]) for a in slot.args]
            found.append(slot.value(xp, sizes) * UNIT)
        else:
            found.append(abs(out) * FUNCTION)
    return found


def _of_constant(constant: Constant) -> float:
    """The distance of a constant's double from what is written; of π and e that of a rounding."""
    text, _, power = constant.written.lower().partition("e")
    whole, _, fraction = text.partition(".")
    if not (whole + fraction).lstrip("-").isdecimal() or not math.isfinite(constant):
        return abs(float(constant)) * UNIT if math.isfinite(constant) else 0.0
    numerator, denominator = float(constant).as_integer_ratio()
    exponent = int(power or 0) - len(fraction)
    if abs(exponent) > 400:
        return abs(float(constant)) * UNIT
    up, down = 10 ** max(exponent, 0), 10 ** max(-exponent, 0)
    return float(abs(int(whole + fraction) * up * denominator - numerator * down) / (denominator * down))


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


def _passed_on(xp: Any, step: Instruction, out: Any, args: list[Any], errors: list[Any]) -> Any:
    """The error of a step's value that comes from the errors of its operands."""
    if isinstance(step, Elementwise):
        total: Any = 0.0
        for i, error in enumerate(errors):
            slope = abs(step.row.partial(i)(xp, out, *args)) if step.passes[i] else 0.0
            part = slope * error
            total = total + xp.where(part == part, part, 0.0)
        return total
    assert isinstance(step, OnArrays)
    if step.name == "@":
        left, right = ([abs(args[0]), errors[1]], [errors[0], abs(args[1])])
        return sum(step.value(xp, pair) for pair in (left, right))
    if step.name in _SUMS or step.name in _REARRANGING:
        return step.value(xp, errors)
    return sum(error.sum() for error in errors) * (1.0 + abs(out))


def slope_errors(calculation: Calculation, point: Point) -> list[list[float]]:
    """How far each entry of the Jacobian may be off, outputs × inputs; 0 where nothing is known: after an overflow."""
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
    """The same from the values of all slots, at one point or, for each entry an array, at many."""
    own = own_errors(program, xp, values)
    along = [program.tangents(xp, values, seed) for seed in inputs]
    return [[_slope_error(program, xp, values, own, tangents, one) for tangents in along] for one in outputs]


def units(parts: Sequence[tuple[Key, Shape]], make: Callable[[list[float], Shape], Any]) -> list[dict[Key, Any]]:
    """A seed for each entry of inputs or of outputs."""
    count = sum(math.prod(shape) for _, shape in parts)
    vectors = [[float(k == j) for j in range(count)] for k in range(count)]
    each = (split(vector, parts, lambda part, shape: (any(part), make(part, shape))) for vector in vectors)
    return [{key: seed for key, (used, seed) in seeds if used} for seeds in each]


class Lost(NamedTuple):
    """An entry of a derivative whose digits rounding has eaten, and how far it may be off."""

    row: int
    column: int
    error: float


def lost_in_words(kind: str, calculation: Calculation, point: Point, rows: Sequence[Sequence[float]]) -> str:
    """Which entries of a result have lost digits, and how far they may be off; nothing where none has.

    `kind` is value, with one row, gradient, jacobian or hessian.
    """
    names = [title for name, shape in calculation.sweeps.inputs for title in entry_names(name, shape)]
    if kind == "value":
        found = lost_values(calculation, point, [value for row in rows for value in row])
        rows, titles = [[v] for row in rows for v in row], [[name] for name in calculation.output_names]
    elif kind == "hessian":
        found = lost_seconds(calculation, point, rows)
        titles = [[f"d²/d{row}d{column}" for column in names] for row in names]
    else:
        found = lost_digits(calculation, point, rows)
        titles = [[f"d/d{name}" for name in names]] * len(rows)
    shown = ", ".join(
        f"{titles[lost.row][lost.column]} = {cell(rows[lost.row][lost.column], 3)} ± {cell(lost.error, 1)}"
        for lost in found[:_MOST_SHOWN]
    )
    more = f" and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
    return f"digits are lost to rounding, terms cancel: {shown}{more}" if found else ""


def lost_digits(calculation: Calculation, point: Point, rows: Sequence[Sequence[float]]) -> list[Lost]:
    """The entries of a Jacobian that may be off by more than 2⁻²⁰ of themselves, unless balls prove them right.

    None at a kink, where the slope is a convention, and none of calculations too large to look at each entry.
    """
    work = calculation.inputs * calculation.outputs * calculation.program.entries
    if calculation.kinks or work > MOST_WORK:
        return []
    with calculation.sweeps.quiet():
        errors = slope_errors(calculation, point)
        slots = calculation.sweeps.forward(point)
        doubtful = _left_range(calculation, point) or not all(map(calculation.sweeps.is_finite, slots))
        doubtful = doubtful or _turns(calculation, slots, value_errors(calculation, slots, {}))
    found = [
        Lost(row, column, error)
        for row, both in enumerate(zip(rows, errors, strict=True))
        for column, (slope, error) in enumerate(zip(*both, strict=True))
        if (doubtful or error > LOST * abs(slope)) and math.isfinite(slope)
    ]
    return _disproven(found, rows, calculation, lambda twin: _rows_of(twin.jacobian(point)[1], twin.outputs))


def lost_values(calculation: Calculation, point: Point, values: Sequence[float]) -> list[Lost]:
    """The entries of the values, a row each, that may be off by more than 2⁻²⁰ of themselves, as `lost_digits`."""
    if calculation.program.entries * calculation.outputs > MOST_WORK:
        return []
    with calculation.sweeps.quiet():
        slots = calculation.sweeps.forward(point)
        far = _left_range(calculation, point)
        finite = all(map(calculation.sweeps.is_finite, slots))
        bounds = value_errors(calculation, slots, {}) if finite else [0.0] * len(slots)
        doubtful = far or not finite or _turns(calculation, slots, bounds)
    errors = [_spread(bounds[slot], shape) for slot, shape in calculation.sweeps.outputs]
    found = [
        Lost(row, 0, error)
        for row, (value, error) in enumerate(zip(values, numbers(errors), strict=True))
        if (doubtful or error > LOST * abs(value)) and math.isfinite(value)
    ]
    rows = [[value] for value in values]
    return _disproven(found, rows, calculation, lambda twin: [[v] for v in numbers(twin.value(point))])


def _turns(calculation: Calculation, values: list[Any], bounds: list[Any]) -> bool:
    """Whether rounding may turn a step from 0 or to the other side of an edge: its slopes tell nothing of that."""
    program, xp = calculation.program, calculation.namespace
    edges = set(calculation.edges.non_smooth)
    for number, step in enumerate(program.slots):
        if not isinstance(step, Instruction) or not any(any(numbers(bounds[a])) for a in step.args):
            continue
        out, args = values[number], [values[a] for a in step.args]
        if not isinstance(step, Elementwise):
            if number in edges and any(numbers(step.edge(xp, out, args))):
                return True
            continue
        if number not in edges and all(numbers(out)):
            continue
        shifts = [xp.where(bounds[a] > 0, 2.0 * bounds[a] + abs(values[a]) * 2.0 * UNIT, 0.0) for a in step.args]
        for signs in itertools.product((1.0, -1.0), repeat=len(args)):
            moved = [a + sign * shift for a, sign, shift in zip(args, signs, shifts, strict=True)]
            if _differs(xp, step, number in edges, (out, args), (step.value(xp, moved), moved)):
                return True
    return False


def _differs(xp: Any, step: Elementwise, edge: bool, one: tuple[Any, list[Any]], other: tuple[Any, list[Any]]) -> bool:
    """Whether one of two values of a step is 0 and the other not, or it jumps between them, or its slope does."""
    jumps = not any(step.passes)
    if any((x == 0) != (y == 0) or (jumps and x != y) for x, y in zip(numbers(one[0]), numbers(other[0]), strict=True)):
        return True
    for i in range(len(one[1])) if edge else ():
        x, y = (step.row.partial(i)(xp, out, *args) for out, args in (one, other))
        if any(excess > 0 for excess in numbers(abs(x - y) - _DOUBT * abs(x))):
            return True
    return False


def _left_range(calculation: Calculation, point: Point) -> bool:
    """Whether a step over- or underflows at the point: then only balls can tell, not bounds in doubles."""
    calculation.sweeps.forget_range()
    calculation.sweeps.forward(point)
    return calculation.sweeps.left_range(point)


def _spread(error: Any, shape: Shape) -> list[float]:
    """An error for each entry of this shape, from one that may be the same for all."""
    each = numbers(error)
    return each if len(each) > 1 else each * math.prod(shape)


def lost_seconds(calculation: Calculation, point: Point, rows: Sequence[Sequence[float]]) -> list[Lost]:
    """The entries of a Hessian that differ by more than 2⁻²⁰ from those in ball arithmetic.

    Second derivatives have no error bound here: where python-flint is installed, they are computed again in balls.
    """
    work = calculation.inputs * calculation.program.entries
    if calculation.kinks or calculation.needed_sides or work > _MOST_SECOND_WORK:
        return []
    if not _seconds_may_cancel(calculation, point, rows):
        return []
    proven = _in_balls(calculation, lambda twin: _matrix(twin.hessian(point)[2]))
    if proven is None:
        return []
    return [
        Lost(row, column, abs(_float(ends[0]) - slope))
        for row, both in enumerate(zip(rows, proven, strict=True))
        for column, (slope, ends) in enumerate(zip(*both, strict=True))
        if math.isfinite(slope) and not _near(slope, *ends)
    ]


def _seconds_may_cancel(calculation: Calculation, point: Point, rows: Sequence[Sequence[float]]) -> bool:
    """Whether the terms of a Hessian's entries may cancel: a quick look, for programs of numbers alone.

    H[i, j] = Σ (ġ·s + g·ṡ)·∂a/∂xᵢ over the slopes s of all steps by their operands a, where · is the tangent by xⱼ.
    """
    program, xp, sweeps = calculation.program, calculation.namespace, calculation.sweeps
    if not program.scalar or _left_range(calculation, point):
        return True
    values = sweeps.forward(point)
    errors = value_errors(calculation, values, {})
    unit = max([FUNCTION, *(error / abs(value) for value, error in zip(values, errors, strict=True) if value)])
    if _turns(calculation, values, errors):
        return True
    along = [program.tangents(xp, values, seed) for seed in units(sweeps.inputs, sweeps.seed)]
    duals, (slot,) = Duals(xp), program.outputs
    for column, tangents in enumerate(along):
        pairs = [v if t is None else Dual(v, t, duals) for v, t in zip(values, tangents, strict=True)]
        adjoints: dict[int, Any] = {}
        program.reverse(duals, pairs, {slot: sweeps.one}, [True] * len(program.slots), record=adjoints)
        sizes = [0.0] * len(along)
        for number, adjoint in adjoints.items():
            step = program.slots[number]
            if not isinstance(step, Elementwise):
                continue
            g, g_t = _parts(adjoint)
            for i, a in enumerate(step.args):
                if step.passes[i]:
                    slope, slope_t = _parts(step.row.partial(i)(duals, pairs[number], *(pairs[b] for b in step.args)))
                    size = abs(g_t * slope) + abs(g * slope_t)
                    sizes = [total + size * abs(other[a] or 0.0) for total, other in zip(sizes, along, strict=True)]
        if not all(unit * size <= LOST * abs(row[column]) for size, row in zip(sizes, rows, strict=True)):
            return True
    return False


def _parts(x: Any) -> tuple[float, float]:
    """A number and its tangent."""
    return (x.v, x.t) if isinstance(x, Dual) else (x, 0.0)


def _rows_of(blocks: Mapping[str, Any], outputs: int) -> list[list[Any]]:
    """The rows of a Jacobian that is given by columns of blocks."""
    return [[v for block in blocks.values() for v in numbers(block[o])] for o in range(outputs)]


def _matrix(rows: Any) -> list[list[Any]]:
    return [numbers(row) for row in rows]


def _disproven(
    found: list[Lost],
    rows: Sequence[Sequence[float]],
    calculation: Calculation,
    compute: Callable[[Calculation], list[list[Any]]],
) -> list[Lost]:
    """The entries that balls do not prove right; without python-flint those that have a bound."""
    proven = _in_balls(calculation, compute) if found else None
    if proven is None:
        return [lost for lost in found if lost.error > LOST * abs(rows[lost.row][lost.column])]
    lost_for_certain = []
    for lost in found:
        entry, (low, high) = rows[lost.row][lost.column], proven[lost.row][lost.column]
        if not _near(entry, low, high):
            off = abs(_float(low) - entry)
            lost_for_certain.append(lost._replace(error=max(lost.error, off) if lost.error < math.inf else off))
    return lost_for_certain


def _in_balls(
    calculation: Calculation, compute: Callable[[Calculation], list[list[Any]]]
) -> list[list[tuple[Any, Any]]] | None:
    """Two numbers around each entry of a matrix; None without python-flint, or where balls decide nothing."""
    try:
        from bpcli.numbers.balls import balls
        from bpcli.numbers.elements import UndecidedError
        from bpcli.numbers.enclosures import enclosure, precision
    except MissingExtraError:
        return None
    twin = Calculation(calculation.trees, calculation.texts, calculation.program.variables, calculation.wrt, balls())
    found = None
    for bits in _BITS:
        try:
            with precision(bits):
                found = [[enclosure(v) for v in row] for row in compute(twin)]
        except (BpcliError, UndecidedError):
            continue
        if all(_narrow(low, high) for row in found for low, high in row):
            break
    return found


def _narrow(low: Any, high: Any) -> bool:
    """Whether two ends are as good as one double."""
    if isinstance(low, float) or isinstance(high, float):
        return bool(low == high)
    return bool(high - low <= max(Fraction(_DOUBT) * max(abs(low), abs(high)), Fraction(_SMALLEST)))


def _near(found: float, low: Any, high: Any) -> bool:
    """Whether a number is within 2⁻²⁰ of all numbers between two; or is 0, and they can't be told from 0."""
    if found == 0 and low <= 0 <= high:
        return bool(max(-low, high) <= _NO_DOUBLE)
    return all(abs(end - found) <= max(LOST * abs(found), _SMALLEST) for end in map(_float, (low, high)))


def _float(end: Any) -> float:
    try:
        return float(end)
    except OverflowError:
        return math.inf


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
    program.reverse(duals, pairs, one, [True] * len(program.slots), record=adjoints)
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


def _of_product(xp: Any, step: Instruction, i: int, g: Any, out: Any, args: list[Any], tangent: Any) -> Any:
    """The error of adjoint · slope in one operand of a step, as it shows in the result."""
    if isinstance(step, OnArrays):
        if step.name in _REARRANGING or step.name == "sum":
            return 0.0
        part = step.adjoint(xp, g, i, out, args, masked=False)
        if step.name == "log_softmax":  # g − p Σ g, which may cancel
            return (_size(g * tangent) + _size((g - part) * tangent)) * FUNCTION
        return _size(part * tangent) * FUNCTION
    assert isinstance(step, Elementwise)
    if step.row.exact or step.name in ("+", "-"):
        return 0.0
    slope = step.row.partial(i)(xp, out, *args)
    product, error = two_product(g, slope)
    of_slope = 0.0 if step.name in ("*", "**2") else abs(product) * FUNCTION
    return _size((_known(abs(error), product) + of_slope) * tangent)


def _size(x: Any) -> Any:
    """The sum of all entries of a point, without signs; 0 of what is not a number."""
    if isinstance(x, float):
        return abs(x) if x == x else 0.0
    total = abs(x).reshape(-1, x.shape[-1]).sum(axis=0)
    total[total != total] = 0.0
    return total
