"""Gradient descent on an expression, step by step: x := x ∓ α(∇f)ᵀ.

Source: the lecture's "Gradients and Parameter Update".
"""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from bpcli.api.arguments import as_double, as_flag, as_mapping, as_whole
from bpcli.calculus.points.variables import Point
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.errors import InputError, NotFiniteError, UsageError, meant
from bpcli.formulas.updates import ascend as step_up
from bpcli.formulas.updates import descend as step_down
from bpcli.text.notation import number

if TYPE_CHECKING:  # kinks need NumPy, and a descent on numbers does not
    from bpcli.calculus.one_sided.kink_notes import Kink


LOOKED_AT = 256
"""Steps at the start, of each of which the value is looked at for digits that rounding has eaten."""


class DescentStep(NamedTuple):
    """One point of a descent, with the function's value and its gradient by variable.

    `lost` has words for the digits of the value, or of the way to the next point, that rounding has eaten: at the first
    such step of those that are looked at, the first few, the last, and 512, 1024 and so on.
    """

    step: int
    point: Point
    value: float
    gradient: dict[str, Any]
    kinks: "Sequence[Kink]"
    lost: str = ""


class LeftTheFiniteError(NotFiniteError):
    """The values of a descent are not finite at a step; the hint names a learning_rate that the curvature allows."""


def descend(
    expression: str,
    point: Mapping[str, Any],
    learning_rate: float,
    *,
    steps: int = 100,
    tolerance: float | None = None,
    ascend: bool = False,
    direction: Mapping[str, str] | None = None,
    let: Mapping[str, Any] | None = None,
    kink: str = "lecture",
) -> Iterator[DescentStep]:
    """The points of a descent on an expression, from step 0: `descend("x**2", {"x": 1}, 0.1, steps=3)`.

    `ascend` goes up, `direction` gives the sign for some variables, `{"x": "+"}`; a descent ends after `steps`, or
    where no |∂f/∂x| is larger than `tolerance`. Raises UsageError, ExpressionError, and LeftTheFiniteError after the
    step at which a value is not finite.
    """
    from bpcli.api.calculator import grad  # NumPy is not needed by a descent on numbers

    learning_rate, steps = as_double("learning_rate", learning_rate), as_whole("steps", steps)
    tolerance = None if tolerance is None else as_double("tolerance", tolerance)
    check_settings(learning_rate, steps, tolerance)
    function = grad(expression, let=let, kink=kink)
    if not function.variables:
        raise UsageError("the expression has no variables to descend in")
    calculation, start = function.prepared(as_mapping("point", point, '{"x": 1}'))
    directions = {} if direction is None else as_mapping("direction", direction, '{"x": "+"}')
    upward = signs(function.variables, as_flag("ascend", ascend), directions)
    return descent(calculation, start, upward, learning_rate, steps, tolerance)


def check_learning_rate(learning_rate: float, hint: str = "") -> None:
    """InputError unless the learning rate is a finite number above 0."""
    if not (isfinite(learning_rate) and learning_rate > 0):
        message = f"learning_rate {number(learning_rate)}: the learning rate is a number greater than 0"
        raise InputError(message, hint, names=["learning_rate", "ascend"])


def check_settings(learning_rate: float, steps: int, tolerance: float | None) -> None:
    """InputError unless the learning rate is above 0, and the number of steps and the tolerance are not negative."""
    check_learning_rate(learning_rate, "ascend goes upward")
    for name, value in (("steps", steps), ("tolerance", tolerance)):
        if value is not None and not value >= 0:
            raise InputError(f"{name} {number(value)}: expected a number of at least 0", names=[name])


def signs(names: Sequence[str], ascend: bool, direction: Mapping[str, str]) -> dict[str, bool]:
    """For each variable, whether its update goes upward."""
    for name, sign in direction.items():
        if sign not in ("+", "-"):
            raise InputError(f"direction {name}={sign}: expected + or -", names=["direction"])
        if name not in names:
            hint = meant(name, names, f"they are {', '.join(names)}")
            raise InputError(f"direction {name}={sign}: {name} is no variable", hint, names=["direction"])
    return {name: direction[name] == "+" if name in direction else ascend for name in names}


def descent(
    calculation: Calculation,
    point: Point,
    upward: Mapping[str, bool],
    learning_rate: float,
    steps: int,
    tolerance: float | None,
) -> Iterator[DescentStep]:
    """The steps of `descend`, for a calculation and a start that are made already."""
    last: Point | None = None
    lost, size = "", 0.0
    for step in range(steps + 1):
        value, gradient = calculation.gradient(point)
        kinks, new = calculation.kinks, ""
        size = max([size, *(abs(v) for name in upward for v in _entries(point[name]))])
        rarely = step & (step - 1) == 0
        if not lost and (rarely or step < LOOKED_AT or step == steps):
            slopes = [v for block in gradient.values() for v in _entries(block)] if rarely else []
            lost = new = _lost(calculation, point, value, slopes, size / learning_rate)
        yield DescentStep(step, point, value, gradient, kinks, new)
        slopes = [v for block in gradient.values() for v in _entries(block)]
        if not all(map(isfinite, [*(v for name in upward for v in _entries(point[name])), value, *slopes])):
            raise left_the_finite(calculation, point, last, step, learning_rate, upward)
        if tolerance is not None and max(map(abs, slopes), default=0.0) <= tolerance:
            return
        last = point
        updates = {name: step_up if up else step_down for name, up in upward.items()}
        point = {**point, **{n: update(point[n], gradient[n], learning_rate) for n, update in updates.items()}}


def _lost(calculation: Calculation, point: Point, value: float, slopes: list[float], size: float) -> str:
    """Which digits of the value are lost to rounding; or of the slopes, if they show beside slopes of this size."""
    from bpcli.calculus.sweeps.lost_digits import lost_digits, lost_in_words
    from bpcli.calculus.sweeps.rounding import LOST

    if words := lost_in_words("value", calculation, point, [[value]]):
        return words
    found = lost_digits(calculation, point, [slopes]) if slopes else []
    shown = any(lost.kink or lost.error > LOST * size for lost in found)
    return lost_in_words("gradient", calculation, point, [slopes]) if shown else ""


def _entries(block: Any) -> list[float]:
    return block.ravel().tolist() if hasattr(block, "ravel") else [block]


def left_the_finite(
    calculation: Calculation,
    point: Point,
    last: Point | None,
    step: int,
    learning_rate: float,
    upward: Mapping[str, bool],
) -> LeftTheFiniteError:
    """The error for a value that is not finite; its hint names the learning rate that the last Hessian allows."""
    culprit = calculation.diagnostics.at_fault(point)
    message = f"the values are no longer finite at step {step}" + (f": {culprit}" if culprit else "")
    if last is None:
        return LeftTheFiniteError(message, "begin at a point where the function and its gradient are finite")
    bound = largest_step(calculation, last, {name: 1.0 if up else -1.0 for name, up in upward.items()})
    if bound is None:
        hint = "by the Hessian at the last point no step is small enough: there is no extremum in this direction"
    elif learning_rate < bound:
        hint = (
            f"the Hessian at the last point allows a step below {number(bound, 3)}, but not where it led to; "
            f"try a smaller one than learning_rate {number(learning_rate)}"
        )
    else:
        hint = f"the Hessian at the last point allows a step below learning_rate {number(bound, 3)}"
    return LeftTheFiniteError(message, hint, names=["learning_rate"])


def largest_step(calculation: Calculation, point: Point, signs: dict[str, float]) -> float | None:
    """The α below which x := x + αS∇f does not diverge for the quadratic model with Hessian H: 2/max λ of −S·H.

    S holds the sign of each entry's update. None if no λ is positive, or one is not finite.
    """
    import numpy as np

    matrix = np.asarray(calculation.hessian(point)[2], float)
    sign = np.concatenate([np.full(np.size(point[name]), signs[name]) for name in calculation.wrt])
    if not np.isfinite(matrix).all():
        return None
    curvature = np.linalg.eigvals(-sign[:, None] * matrix).real
    largest = float(curvature.max(initial=0.0))
    return 2.0 / largest if largest > 0 and isfinite(2.0 / largest) else None
