"""Tells which entries of a result have lost digits to rounding: by error bounds, which balls confirm where they can."""

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from bpcli.calculus.one_sided.kink_notes import Kink, in_words
from bpcli.calculus.rules.shapes import Shape, entry_names
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.rounding import LOST, MOST_WORK, UNIT, slope_errors, value_errors
from bpcli.calculus.sweeps.seeds import Point, numbers
from bpcli.calculus.sweeps.turning import is_turned
from bpcli.calculus.sweeps.wide_range import is_finite, settled
from bpcli.errors import BpcliError, MissingExtraError
from bpcli.text.notation import cell

_SMALLEST = 2.0**-1074  # the unit in the last place of the subnormals: what may be 0 and is no more counts as 0
_BITS = (1200, 5000)
_MOST_SHOWN = 3  # entries in one note
_MOST_SECOND_WORK = 4_000  # the same times the inputs, of a Hessian
_DOUBT = 2.0**-30  # relative, of a value in the middle: one that may be off by more is looked at closer


class Lost(NamedTuple):
    """An entry of a derivative whose digits rounding has eaten, and how far it may be off; or a kink that it hides."""

    row: int
    column: int
    error: float
    kink: Kink | None = None


def lost_in_words(
    kind: str, calculation: Calculation, point: Point, rows: Sequence[Sequence[float]], v: Sequence[float] = ()
) -> str:
    """Which entries of a result have lost digits, and how far they may be off; nothing where none has.

    `kind` is value, with one row, gradient, jacobian, hessian, or vjp or jvp, of v.
    """
    names = _names(calculation)
    if kind == "value":
        found = lost_values(calculation, point, [value for row in rows for value in row])
        rows, titles = [[v] for row in rows for v in row], [[name] for name in calculation.output_names]
    elif kind == "hessian":
        found = lost_seconds(calculation, point, rows)
        titles = [[f"d²/d{row}d{column}" for column in names] for row in names]
    elif kind in ("vjp", "jvp"):
        found = _lost_products(calculation, point, rows[0], v, kind == "jvp")
        titles = [[f"d/d{name}" for name in names] if kind == "vjp" else calculation.output_names]
    else:
        found = lost_digits(calculation, point, rows)
        titles = [[f"d/d{name}" for name in names]] * len(rows)
    if kinks := list(dict.fromkeys(lost.kink for lost in found if lost.kink)):
        return in_words("the point, but for rounding,", kinks, "")
    shown = ", ".join(
        f"{titles[lost.row][lost.column]} = {cell(rows[lost.row][lost.column], 3)} {_how_far(lost.error)}"
        for lost in found[:_MOST_SHOWN]
    )
    more = f" and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
    are_lost = "are" if any(math.isfinite(lost.error) for lost in found) else "may be"
    return f"digits {are_lost} lost to rounding, terms cancel: {shown}{more}" if found else ""


def _how_far(error: float) -> str:
    return f"± {cell(error, 1)}" if math.isfinite(error) else "(how far it is off is not known)"


def lost_digits(calculation: Calculation, point: Point, rows: Sequence[Sequence[float]]) -> list[Lost]:
    """The entries of a Jacobian that may be off by more than 2⁻²⁰ of themselves, unless balls prove them right.

    None of slopes that are a convention, at a kink, and none of calculations too large to look at each entry.
    """
    work = calculation.inputs * calculation.outputs * calculation.program.entries
    told, names = _told(calculation), _names(calculation)
    if not work or work > MOST_WORK or "" in told:
        return []
    with calculation.sweeps.quiet():
        errors = slope_errors(calculation, point)
        doubtful = _slopes_in_doubt(calculation, point)
    found = [
        Lost(row, column, error)
        for row, both in enumerate(zip(rows, errors, strict=True))
        for column, (slope, error) in enumerate(zip(*both, strict=True))
        if (doubtful or error > LOST * abs(slope)) and math.isfinite(slope) and f"d/d{names[column]}" not in told
    ]
    return _disproven(found, rows, calculation, point, lambda twin: _rows_of(twin.jacobian(point)[1], twin.outputs))


def _names(calculation: Calculation) -> list[str]:
    return [title for name, shape in calculation.sweeps.inputs for title in entry_names(name, shape)]


def _told(calculation: Calculation) -> set[str]:
    """The slopes of the kinks that have a note, which are a convention; "" among them if they were not looked at."""
    return {kink.slope for kink in calculation.kinks}


def _slopes_in_doubt(calculation: Calculation, point: Point) -> bool:
    """Whether error bounds of slopes tell nothing: a step leaves the range, is not finite, or may be turned."""
    slots = calculation.sweeps.forward(point)
    if _left_range(calculation, point) or not all(map(calculation.sweeps.is_finite, slots)):
        return True
    return is_turned(calculation.program, calculation.namespace, slots, value_errors(calculation, slots, {}))


def _lost_products(
    calculation: Calculation, point: Point, entries: Sequence[float], v: Sequence[float], forward: bool
) -> list[Lost]:
    """The same for the entries of v·J, or `forward` of J·v."""
    if calculation.inputs * calculation.outputs * calculation.program.entries > MOST_WORK:
        return []
    told, names = _told(calculation), _names(calculation)
    if "" in told:
        return []
    with calculation.sweeps.quiet():
        bounds = slope_errors(calculation, point)
        slopes = _rows_of(calculation.jacobian(point)[1], calculation.outputs)
        doubtful = _slopes_in_doubt(calculation, point)
    parts = [[e + UNIT * abs(s) for e, s in zip(*both, strict=True)] for both in zip(bounds, slopes, strict=True)]
    along = parts if forward else zip(*parts, strict=True)
    errors = [sum(abs(w) * part for w, part in zip(v, line, strict=True)) for line in along]
    found = [
        Lost(0, k, error)
        for k, (entry, error) in enumerate(zip(entries, errors, strict=True))
        if (doubtful or error > LOST * abs(entry))
        and math.isfinite(entry)
        and (forward or f"d/d{names[k]}" not in told)
    ]

    def in_balls(twin: Calculation) -> list[list[Any]]:
        product = twin.jvp(point, v)[1] if forward else twin.vjp(point, v)[1].values()
        return [[x for part in product for x in numbers(part)]]

    return _disproven(found, [entries], calculation, point, in_balls, not forward)


def lost_values(calculation: Calculation, point: Point, values: Sequence[float]) -> list[Lost]:
    """The entries of the values, a row each, that may be off by more than 2⁻²⁰ of themselves, as `lost_digits`."""
    if calculation.program.entries * calculation.outputs > MOST_WORK:
        return []
    with calculation.sweeps.quiet():
        slots = calculation.sweeps.forward(point)
        far = _left_range(calculation, point, slopes=False)
        finite = all(map(calculation.sweeps.is_finite, slots))
        bounds = value_errors(calculation, slots, {}) if finite else [0.0] * len(slots)
        doubtful = far or not finite or is_turned(calculation.program, calculation.namespace, slots, bounds)
    errors = [_spread(bounds[slot], shape) for slot, shape in calculation.sweeps.outputs]
    found = [
        Lost(row, 0, error)
        for row, (value, error) in enumerate(zip(values, numbers(errors), strict=True))
        if (doubtful or error > LOST * abs(value)) and math.isfinite(value)
    ]
    rows = [[value] for value in values]
    return _disproven(found, rows, calculation, point, lambda twin: [[v] for v in numbers(twin.value(point))])


def _left_range(calculation: Calculation, point: Point, slopes: bool = True) -> bool:
    """Whether a step over- or underflows at the point: then only balls can tell, not bounds in doubles."""
    if calculation.left_range:
        return True
    calculation.sweeps.forget_range()
    calculation.sweeps.forward(point)
    return calculation.sweeps.left_range(point, slopes)


def _spread(error: Any, shape: Shape) -> list[float]:
    """An error for each entry of this shape, from one that may be the same for all."""
    each = numbers(error)
    return each if len(each) > 1 else each * math.prod(shape)


def lost_seconds(calculation: Calculation, point: Point, rows: Sequence[Sequence[float]]) -> list[Lost]:
    """The entries of a Hessian that differ by more than 2⁻²⁰ from those in ball arithmetic.

    Second derivatives have no error bound here: they are computed again, without python-flint in decimals.
    Not those that are a convention, at a kink, nor those that series have found.
    """
    work = calculation.inputs * calculation.program.entries
    told, names = _told(calculation), _names(calculation)
    if work > _MOST_SECOND_WORK or "" in told:
        return []
    at_infinity = not all(map(is_finite, point.values()))
    plain = _matrix(calculation.by_rules(Calculation.hessian, point)[2]) if calculation.needed_sides else rows

    def second(twin: Calculation) -> list[list[Any]]:
        matrix = twin.by_rules(Calculation.hessian, point)[2]
        hides = twin.needed_sides and not calculation.needed_sides
        return _matrix(twin.hessian(point)[2] if hides else matrix)

    proven, kinks = _enclosed(calculation, second)
    if hidden := [kink for kink in kinks if kink.slope not in told]:
        return [Lost(0, 0, math.inf, kink) for kink in hidden]
    found = [
        (Lost(row, column, abs(_float(ends[0]) - slope)), slope, ends)
        for row, both in enumerate(zip(rows, plain, proven, strict=True))
        for column, (slope, by_rules, ends) in enumerate(zip(*both, strict=True))
        if math.isfinite(slope)
        and slope == by_rules
        and told.isdisjoint((f"d/d{names[row]}", f"d/d{names[column]}", f"d²/d{names[row]}d{names[column]}"))
    ]
    return [
        lost for lost, slope, ends in found if not _near(slope, *ends) and not (at_infinity and _says_nothing(*ends))
    ]


def _rows_of(blocks: Mapping[str, Any], outputs: int) -> list[list[Any]]:
    """The rows of a Jacobian that is given by columns of blocks."""
    return [[v for block in blocks.values() for v in numbers(block[o])] for o in range(outputs)]


def _matrix(rows: Any) -> list[list[Any]]:
    return [numbers(row) for row in rows]


def _disproven(
    found: list[Lost],
    rows: Sequence[Sequence[float]],
    calculation: Calculation,
    point: Point,
    compute: Callable[[Calculation], list[list[Any]]],
    by_input: bool = True,
) -> list[Lost]:
    """The entries that neither balls nor wide numbers prove right, a column for each input if `by_input`."""
    if not found:
        return []
    proven, kinks = _enclosed(calculation, compute)
    told = _told(calculation)
    kinks = [kink for kink in kinks if kink.slope not in told]
    lost_for_certain, at_infinity = [], not all(map(is_finite, point.values()))
    hidden = {kink.slope: kink for kink in kinks}
    by_name = [*map(hidden.get, (f"d/d{name}" for name in _names(calculation))), None]
    of_column = by_name if by_input else [*kinks[:1], None][:1] * len(rows[0])
    for lost in found:
        entry, (low, high) = rows[lost.row][lost.column], proven[lost.row][lost.column]
        if not _near(entry, low, high) and not (at_infinity and _says_nothing(low, high)):
            off = abs(_float(low) - entry)
            lost_for_certain.append(lost._replace(error=max(lost.error, off) if lost.error < math.inf else off))
        elif kink := of_column[lost.column]:
            lost_for_certain.append(lost._replace(error=math.inf, kink=kink))
    return lost_for_certain


def _enclosed(
    calculation: Calculation, compute: Callable[[Calculation], list[list[Any]]]
) -> tuple[list[list[tuple[Any, Any]]], list[Kink]]:
    """Two numbers around each entry of a matrix: by balls, or without python-flint by the error bounds of decimals.

    And the kinks at the point.
    """
    proven = _in_balls(calculation, compute)
    if proven is not None:
        return proven
    with calculation.wide_sides() as twin:
        twin.kinks = []
        in_decimals, _ = settled(lambda: compute(twin))
    return [[_ends(number) for number in row] for row in in_decimals], twin.kinks


def _ends(number: Any) -> tuple[Any, Any]:
    """The ends of a wide number, or of a double that series have found and that is right."""
    if hasattr(number, "ends"):
        low, high = number.ends
        return low, high
    return (number, number) if number == number else (-math.inf, math.inf)


def _in_balls(
    calculation: Calculation, compute: Callable[[Calculation], list[list[Any]]]
) -> tuple[list[list[tuple[Any, Any]]], list[Kink]] | None:
    """The same by balls; None without python-flint, or where balls decide nothing."""
    try:
        from bpcli.numbers.enclosures import enclosure, precision
    except MissingExtraError:
        return None
    from bpcli.numbers.balls import balls
    from bpcli.numbers.operators import UndecidedError

    twin = Calculation(calculation.trees, calculation.texts, calculation.program.variables, calculation.wrt, balls())
    twin.kink = calculation.kink
    found = None
    for bits in _BITS:
        try:
            with precision(bits):
                found = [[enclosure(v) for v in row] for row in compute(twin)]
        except (BpcliError, UndecidedError):
            continue
        if all(_narrow(low, high) for row in found for low, high in row):
            break
    return None if found is None else (found, twin.kinks)


def _narrow(low: Any, high: Any) -> bool:
    """Whether two ends are as good as one double."""
    if isinstance(low, float) or isinstance(high, float):
        return bool(low == high)
    return bool(high - low <= max(Fraction(_DOUBT) * max(abs(low), abs(high)), Fraction(_SMALLEST)))


def _says_nothing(low: Any, high: Any) -> bool:
    """Whether a ball holds all numbers, or none: so it is at infinite inputs, of which the rules know more."""
    return bool(low != low or high - low == math.inf)


def _near(found: float, low: Any, high: Any) -> bool:
    """Whether a number agrees with all numbers between two, within 2⁻²⁰; 0 with what may be 0 and is no double."""
    if found == 0 and low <= 0 <= high:
        return bool(max(-low, high) <= _SMALLEST)
    if any(isinstance(end, float) and not math.isfinite(end) for end in (low, high)):
        return False
    exact = Fraction(found)
    most = max(Fraction(LOST) * abs(exact), Fraction(_SMALLEST))
    return all(abs(Fraction(end) - exact) <= most for end in (low, high))


def _float(end: Any) -> float:
    try:
        return float(end)
    except OverflowError:
        return math.inf
