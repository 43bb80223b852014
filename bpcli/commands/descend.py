"""`bpcli descend`: the update x := x ± α(∇f)ᵀ, step by step."""

from functools import partial
from math import isfinite
from typing import Any

import click

from bpcli.calculus.points.values import parse_value
from bpcli.calculus.points.variables import Point
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.commands import Command, output
from bpcli.commands.requests import (
    Printer,
    Request,
    asks,
    flat,
    input_cells,
    input_titles,
    inputs_of,
    plain,
    wrt_titles,
)
from bpcli.errors import NotFiniteError, UsageError, nearest
from bpcli.formulas.updates import ascend, descend
from bpcli.text.notation import csv_line, number


def _number(context: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    """The number of an option, which may be a constant expression such as 1/3."""
    value = None if text is None else parse_value(text)
    if value is not None and not isinstance(value, float):
        raise UsageError(f"{parameter.opts[0]} takes one number, not {text}")
    return value


@click.command(cls=Command)
@asks(wrt=False, bulk=False, certify=False)
@click.option("--lr", callback=_number, required=True, metavar="A", help="The learning rate α.")
@click.option("--steps", type=click.IntRange(0), default=100, show_default=True, metavar="N", help="How many steps.")
@click.option("--tolerance", callback=_number, metavar="T", help="Stop where no |∂f/∂x| is larger than this.")
@click.option("--ascend", "upward", is_flag=True, help="x := x + α(∇f)ᵀ instead of −.")
@click.option("--direction", metavar="x=+,y=-", help="The sign of the update for each variable.")
def command(
    request: Request,
    printer: Printer,
    lr: float,
    steps: int,
    tolerance: float | None,
    upward: bool,
    direction: str | None,
) -> None:
    """Descend on EXPR from a point: a line a step, from step 0, the point, then the value.

    \b
    bpcli descend "x**2+y**2" --at 1,2 --lr 0.1 --steps 3
    bpcli descend "x**2+y**2" --at 1,2 --lr 0.1 --steps 3 --direction x=+,y=-
    """
    if not (isfinite(lr) and lr > 0):
        raise UsageError(f"--lr {number(lr)}: the learning rate is a number greater than 0", "--ascend goes upward")
    if tolerance is not None and not tolerance >= 0:
        raise UsageError(f"--tolerance {number(tolerance)}: expected a number of at least 0")
    if not request.variables.names:
        raise UsageError("the expression has no variables to descend in")
    if len(request.at) > 1:
        raise UsageError("a descent begins at one point, and --at gives several")
    updates = dict.fromkeys(request.variables.names, ascend if upward else descend)
    updates |= _directions(direction, request)
    ((calculation, point),) = request.single_points()
    if printer.format == "csv":
        wanted = [f"d/d{t}" for t in wrt_titles(request, calculation)]
        output.emit(csv_line(["step", *input_titles(request, calculation), "value", *wanted]))
    last: Point | None = None
    for step in range(steps + 1):
        value, gradient = calculation.gradient(point)
        if calculation.kinks:
            printer.at_kink(partial(calculation.diagnostics.edge_place, point), calculation.kinks)
        slopes = [v for block in gradient.values() for v in flat(block)]
        cells = input_cells(request, point)
        if printer.format == "json":
            shown = {name: plain(block) for name, block in gradient.items()}
            record = {"step": step, "point": inputs_of(request, point), "value": value, "gradient": shown}
            printer.json(record)
        elif printer.format == "csv":
            output.emit(csv_line([step, *cells, value, *slopes], printer.precision))
        else:
            output.emit(" ".join([number(v, printer.precision) for v in [*cells, value]]))
        if not all(map(isfinite, [*cells, value, *slopes])):
            raise left_the_finite(calculation, point, last, step, lr, updates)
        if tolerance is not None and max(map(abs, slopes), default=0.0) <= tolerance:
            break
        last = point
        point = {**point, **{name: updates[name](point[name], gradient[name], lr) for name in updates}}
    printer.finish()


def _directions(text: str | None, request: Request) -> dict[str, Any]:
    """The update of each variable that `--direction` names: `x=+` ascends, `y=-` descends."""
    result = {}
    for part in (text or "").replace(" ", "").replace("−", "-").split(","):
        if not part:
            continue
        name, equals, sign = part.partition("=")
        if not equals or sign not in ("+", "-"):
            raise UsageError(f"--direction {part}: expected NAME=+ or NAME=-", "--direction x=+,y=-")
        if name in result:
            raise UsageError(f"--direction gives {name} twice")
        if name not in request.variables.names:
            close = nearest(name, request.variables.names)
            names = ", ".join(request.variables.names)
            raise UsageError(
                f"--direction {part}: {name} is no variable", f"did you mean {close}?" if close else f"they are {names}"
            )
        result[name] = ascend if sign == "+" else descend
    return result


def left_the_finite(
    calculation: Calculation, point: Point, last: Point | None, step: int, lr: float, updates: dict[str, Any]
) -> NotFiniteError:
    """The error of a descent whose values left the finite, with the step that the last curvature would have allowed."""
    culprit = calculation.diagnostics.culprit(point) or calculation.diagnostics.slope_culprit(point)
    message = f"the values left the finite at step {step}" + (f": {culprit}" if culprit else "")
    if last is None:
        return NotFiniteError(message, "begin at a point where the function and its gradient are finite")
    bound = largest_step(calculation, last, {name: 1.0 if u is ascend else -1.0 for name, u in updates.items()})
    if bound is None:
        return NotFiniteError(
            message,
            "by the Hessian at the last point no step is small enough: along this direction the function goes on",
        )
    if lr < bound:
        return NotFiniteError(
            message,
            f"the Hessian at the last point allows a step below {number(bound, 3)}, but not where it led to; "
            f"try a smaller one than --lr {number(lr)}",
        )
    return NotFiniteError(message, f"the Hessian at the last point allows a step below --lr {number(bound, 3)}")


def largest_step(calculation: Calculation, point: Point, signs: dict[str, float]) -> float | None:
    """The α below which x := x + αS∇f stays near a point of the function's quadratic model: 2/max λ, for λ of −S·H.

    S holds the sign of each entry's update. None if a λ is not positive (that direction only grows) or not finite.
    """
    import numpy as np

    matrix = np.asarray(calculation.hessian(point)[2], float)
    sign = np.concatenate([np.full(np.size(point[name]), signs[name]) for name in calculation.wrt])
    if not np.isfinite(matrix).all():
        return None
    curvature = np.linalg.eigvals(-sign[:, None] * matrix).real
    largest = float(curvature.max(initial=0.0))
    return 2.0 / largest if largest > 0 and isfinite(2.0 / largest) else None
