"""`bpcli descend`: the update x := x ± α(∇f)ᵀ, step by step."""

from math import isfinite
from typing import Any

import click

from bpcli.calculus.binding import Point
from bpcli.calculus.derivative import Calculation
from bpcli.commands import Command, output
from bpcli.commands.calculator import (
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
from bpcli.notation import csv_line, json_text, number


@click.command(cls=Command)
@asks(wrt=False, bulk=False)
@click.option("--lr", type=float, required=True, metavar="A", help="The learning rate α.")
@click.option("--steps", type=click.IntRange(0), default=100, show_default=True, metavar="N", help="How many steps.")
@click.option("--tolerance", type=float, metavar="T", help="Stop where no |∂f/∂x| is larger than this.")
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
        slopes = [v for block in gradient.values() for v in flat(block)]
        cells = input_cells(request, point)
        if printer.format == "json":
            shown = {name: plain(block) for name, block in gradient.items()}
            record = {"step": step, "point": inputs_of(request, point), "value": value, "gradient": shown}
            output.emit(json_text(record, printer.precision))
        elif printer.format == "csv":
            output.emit(csv_line([step, *cells, value, *slopes], printer.precision))
        else:
            output.emit(" ".join([number(v, printer.precision) for v in [*cells, value]]))
        if not all(map(isfinite, [*cells, value, *slopes])):
            raise _left(calculation, point, last, step)
        if tolerance is not None and max(map(abs, slopes), default=0.0) <= tolerance:
            return
        last = point
        point = {**point, **{name: updates[name](point[name], gradient[name], lr) for name in updates}}


def _directions(text: str | None, request: Request) -> dict[str, Any]:
    """The update of each variable that `--direction` names: `x=+` ascends, `y=-` descends."""
    result = {}
    for part in (text or "").replace(" ", "").replace("−", "-").split(","):
        if not part:
            continue
        name, equals, sign = part.partition("=")
        if not equals or sign not in ("+", "-"):
            raise UsageError(f"--direction {part}: expected NAME=+ or NAME=-", "--direction x=+,y=-")
        if name not in request.variables.names:
            close = nearest(name, request.variables.names)
            names = ", ".join(request.variables.names)
            raise UsageError(
                f"--direction {part}: {name} is no variable", f"did you mean {close}?" if close else f"they are {names}"
            )
        result[name] = ascend if sign == "+" else descend
    return result


def _left(calculation: Calculation, point: Point, last: Point | None, step: int) -> NotFiniteError:
    """The error of a descent whose values left the finite, with the step that the last curvature would have allowed."""
    culprit = calculation.culprit(point) or calculation.slope_culprit(point)
    message = f"the values left the finite at step {step}" + (f": {culprit}" if culprit else "")
    if last is None:
        return NotFiniteError(message, "begin at a point where the function and its gradient are finite")
    bound = largest_step(calculation, last)
    if bound is None:
        return NotFiniteError(message, "the Hessian at the last point bounds no step there; try a smaller --lr")
    return NotFiniteError(message, f"the Hessian at the last point allows a step below --lr {number(bound, 3)}")


def largest_step(calculation: Calculation, point: Point) -> float | None:
    """2/max|λ| of the Hessian's eigenvalues λ: beyond it, x := x − α∇f moves away on the function's quadratic model."""
    import numpy as np

    matrix = np.asarray(calculation.hessian(point)[2], float)
    if not np.isfinite(matrix).all():
        return None
    curvature = float(np.max(np.abs(np.linalg.eigvalsh((matrix + matrix.T) / 2)), initial=0.0))
    return 2.0 / curvature if curvature > 0 and isfinite(2.0 / curvature) else None
