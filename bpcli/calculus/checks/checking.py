"""Checks of exact derivatives against difference quotients and the complex step, as far as rounding allows."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from bpcli.calculus.checks.differences import Estimate, complex_step, complexes, difference_quotients, kinks_nearby
from bpcli.calculus.checks.witnesses import FINEST, SPOILT, STEPS, proven_jacobian, proven_quotient
from bpcli.calculus.rules.shapes import entry_names
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.lost_digits import lost_digits
from bpcli.calculus.sweeps.rounding import slope_errors
from bpcli.calculus.sweeps.seeds import Point
from bpcli.calculus.sweeps.wide_range import as_doubles

RTOL = 1e-7  # relative, of exact and numeric: the accuracy that a difference quotient can be trusted with
_ROUNDED = 4.0  # times the error that rounding makes, to first order
_BARELY = 0.1  # of a slope: a numeric value with a larger error would agree with any number
_SURE = 0.1  # of a slope: where the numeric value may be off by more, nothing is concluded


class Checked(NamedTuple):
    """An entry of a derivative: its exact and its numeric value, their relative difference, and whether they agree.

    `agree` is None where the numbers can't tell: at a kink, or where no quotient settles; `why` says so.
    """

    name: str
    exact: float
    numeric: float
    error: float
    agree: bool | None
    why: str = ""


def compared(name: str, exact: float, quotient: Estimate, step: Estimate | None = None, kink: bool = False) -> Checked:
    """An exact slope compared with its estimates, relative to the larger; open where the quotients can't tell."""
    value, error = best(quotient, step, exact)
    distance = abs(exact - value)
    size = max(abs(exact), abs(value))
    relative = distance / size if size and math.isfinite(size) else distance
    if kink:
        return Checked(name, exact, value, relative, None, "at a kink")
    if not math.isfinite(exact) or not math.isfinite(value):
        return Checked(name, exact, value, relative, None, "not finite")
    noise = 10.0 * quotient.error
    if distance > RTOL * size and noise >= distance and (noise > size or error < quotient.error):
        return Checked(name, exact, value, relative, None, "too small to tell")
    if distance <= RTOL * size or distance <= 10.0 * error <= _BARELY * size:
        return Checked(name, exact, value, relative, True)
    if distance <= 1000.0 * error and error > _SURE * RTOL * size:
        return Checked(name, exact, value, relative, None, UNSETTLED)
    return Checked(name, exact, value, relative, False)


def best(quotient: Estimate, step: Estimate | None, exact: float) -> Estimate:
    """The complex step, where the quotients agree with it or it agrees with the exact slope; else a quotient.

    Of the two only quotients lose digits by cancellation within the function, as in 2 + (x − 2).
    """
    if step is None:
        return quotient
    borne_out = abs(step.value - quotient.value) <= max(10.0 * quotient.error, 1e-6 * abs(step.value))
    return step if borne_out or abs(step.value - exact) <= RTOL * abs(exact) else quotient


def check_calculation(calculation: Calculation, point: Point, outputs: Sequence[str]) -> list[Checked]:
    """Every entry of the Jacobian of expressions at a point; `outputs` names the rows, if there are several."""
    values, blocks = calculation.jacobian(point)
    infinite = [math.isinf(value) for value in _flat(values)]
    kinks, on_wide = {kink.slope for kink in calculation.kinks}, calculation.left_range
    twin = Calculation(
        calculation.trees, calculation.texts, calculation.program.variables, calculation.wrt, complexes()
    )
    with np.errstate(all="ignore"):
        errors = slope_errors(calculation, point)
    if on_wide:  # the bounds are of doubles
        errors = [[math.inf] * calculation.inputs for _ in range(calculation.outputs)]
    exact_rows = np.concatenate([np.asarray(blocks[name], float) for name in calculation.wrt], axis=1).tolist()
    in_doubt = set()
    for lost in lost_digits(calculation, point, exact_rows):  # a bound to first order does not see them all
        in_doubt.add((lost.row, lost.column))
        errors[lost.row][lost.column] = math.inf
        kinks |= {lost.kink.slope} if lost.kink else set()
    proven = cache(lambda: proven_jacobian(calculation, point))

    def in_balls(o: int, column: int) -> float:
        return math.nan if (matrix := proven()) is None else float(matrix[o][column])

    def witness_of(o: int, column: int, entry: tuple[str, int], steps: Sequence[int]) -> float | None:
        found = proven_quotient(calculation, point, entry, o, steps)
        # Waves that are narrower than the steps look flat.
        return None if found == 0.0 and (o, column) in in_doubt and in_balls(o, column) else found

    evaluated = _quickest(calculation, point)
    rows: dict[str, list[Checked]] = {name: [] for name in outputs}
    column = -1
    for name in calculation.wrt:
        titles = entry_names(name, calculation.program.variables[name])
        for k, title in enumerate(titles):
            move, column = _mover(point, name, k), column + 1
            at = float(np.ravel(point[name])[k])
            f = _after(move, evaluated)
            quotients = cache(partial(difference_quotients, f, at))
            steps = cache(partial(complex_step, _after(move, twin.value), at))
            for o, output in enumerate(outputs):
                slope = f"d/d{title}" if len(outputs) == 1 else f"d({output})/d{title}"
                exact = float(np.asarray(blocks[name], float)[o][k])
                witness = cache(partial(witness_of, o, column, (name, k)))
                kink = f"d/d{title}" in kinks
                if on_wide and math.isfinite(exact) and not kink and witness(STEPS) is not None:
                    entry = Checked(slope, exact, math.nan, math.nan, None)  # quotients decide nothing, and take long
                    rows[output].append(_borne_out(entry, math.inf, witness, partial(in_balls, o, column)))
                    continue
                step = steps()
                beyond = infinite[o] and not math.isfinite(exact)  # quotients of infinities take long, and say nothing
                quotient = Estimate(math.nan, math.inf) if beyond else quotients()[o]
                entry = compared(slope, exact, quotient, step[o] if step else None, kink)
                if errors[o][column] <= SPOILT * abs(exact):  # else noise looks like a kink
                    entry = open_beside_kink(entry, f, at, o)
                if entry.agree is False and calculation.diagnostics.underflows(point):
                    entry = entry._replace(agree=None, why="a number underflows on the way")
                elif entry.why not in _PLACES:
                    entry = _borne_out(entry, errors[o][column], witness, partial(in_balls, o, column))
                rows[output].append(entry)
    return [entry for row in rows.values() for entry in row]


def open_beside_kink(entry: Checked, f: Callable[[Any], list[Any]], at: float, output: int = 0) -> Checked:
    """An entry that does not agree, as open where f has a kink at or next to the input: a quotient mixes the slopes."""
    if entry.agree is False and kinks_nearby(f, at)[output]:
        return entry._replace(agree=None, why="next to a kink")
    return entry


LOST = "the exact one cancels"
UNSETTLED = "no quotient settles"
KINKS = ("at a kink", "next to a kink")
_PLACES = (*KINKS, "not finite")  # where a number proves nothing


def _borne_out(
    entry: Checked,
    error: float,
    proven: Callable[[Sequence[int]], float | None],
    in_balls: Callable[[], float],
) -> Checked:
    """An entry that may be off by `error` through rounding, which quotients and the complex step share.

    A difference quotient of the value in ball arithmetic shares nothing with it, so that it decides; where there is
    none, and the error is more than what is compared, the entry is open. A difference has to show at the finest steps
    too: between others a function may jump, as floor does at 1e300.
    """
    doubtful = error > SPOILT * abs(entry.exact)
    if entry.agree and not doubtful and entry.exact:  # of a 0 the error may be 0 to first order alone
        return entry
    witness = proven(STEPS)
    if witness is None:
        return entry._replace(agree=None, why=LOST) if doubtful else entry
    entry = _against(entry, witness)
    if entry.agree:
        return entry
    lost = abs(entry.exact - witness) <= _ROUNDED * error or abs(in_balls() - witness) <= RTOL * abs(witness)
    if lost and not abs(in_balls() - entry.exact) <= RTOL * abs(entry.exact):
        return entry._replace(agree=None, why=LOST)
    finest = proven(FINEST)
    return entry._replace(agree=None, why=UNSETTLED) if finest is None else _against(entry, finest)


def _against(entry: Checked, witness: float) -> Checked:
    """The entry beside another numeric slope."""
    distance, size = abs(entry.exact - witness), max(abs(entry.exact), abs(witness))
    relative = 1.0 if size == math.inf else distance / size if size else distance
    return entry._replace(numeric=witness, error=relative, agree=relative <= RTOL, why="")


def _after(move: Callable[[Any], Point], evaluated: Callable[[Point], list[Any]]) -> Callable[[Any], list[Any]]:
    return lambda x: _flat(evaluated(move(x)))


def _quickest(calculation: Calculation, point: Point) -> Callable[[Point], list[Any]]:
    """The values by doubles alone where these are right at the point: numbers of a wide range take long.

    What is off as too few of their digits count is never concluded from, see `_borne_out`.
    """
    exact, plain = _flat(calculation.value(point)), _flat(calculation.in_doubles(point))
    alike = all(str(a) == str(b) or abs(a - b) <= RTOL * RTOL * abs(a) for a, b in zip(exact, plain, strict=True))
    return calculation.in_doubles if alike else lambda at: as_doubles(calculation.wide_twin.in_doubles(at))


def _mover(point: Point, name: str, k: int) -> Callable[[Any], Point]:
    """The point with another number for entry k of a variable."""

    def move(x: Any) -> Point:
        if np.ndim(point[name]) == 0:
            return {**point, name: x}
        moved = np.array(point[name], float if isinstance(x, float) else object)
        moved.reshape(-1)[k] = x
        return {**point, name: moved}

    return move


def _flat(values: Sequence[Any]) -> list[Any]:
    return [v for value in values for v in np.ravel(np.asarray(value, object)).tolist()]


def check_function(
    value: Callable[[Mapping[str, Any]], Any],
    inputs: Mapping[str, Any],
    blocks: Mapping[str, Any],
    output: str,
    kinks: Collection[tuple[str, int, int]] = (),
) -> list[Checked]:
    """Every entry of the Jacobian of a function of arrays by the names of `blocks`, matrices outputs × entries.

    `kinks` are the entries that are at one, each by its block, output and entry.
    """
    entries: list[Checked] = []
    for name, matrix in blocks.items():
        array = np.asarray(inputs[name], float)
        for k, title in enumerate(entry_names(name, array.shape)):

            def f(x: float, name: str = name, k: int = k, array: Any = array) -> list[float]:
                moved = array.copy()
                moved.reshape(-1)[k] = x
                with np.errstate(all="ignore"):
                    return [float(v) for v in np.ravel(value({**inputs, name: moved}))]

            at = float(array.reshape(-1)[k])
            for o, estimate in enumerate(difference_quotients(f, at)):
                slope = f"d/d{title}" if len(matrix) == 1 else f"d{output}[{o}]/d{title}"
                entry = compared(slope, float(matrix[o][k]), estimate, kink=(name, o, k) in kinks)
                entries.append(open_beside_kink(entry, f, at, o))
    return entries
