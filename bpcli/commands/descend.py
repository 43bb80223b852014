"""`bpcli descend`: the update x := x ± α(∇f)ᵀ, step by step."""

from functools import partial

import click

from bpcli.api.descent import DescentStep, check_settings, descent, signs
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.commands import Command, option, output
from bpcli.commands.printing import Printer, flat, plain
from bpcli.commands.requests import Request, number_of, takes_expression, wrt_titles
from bpcli.errors import UsageError
from bpcli.text.notation import csv_line, number


@click.command(cls=Command)
@takes_expression(wrt=False, many=False, certify=False)
@option("Descent", "--lr", callback=number_of, required=True, metavar="A", help="The learning rate α.")
@option(
    "Descent", "--steps", type=click.IntRange(0), default=100, show_default=True, metavar="N", help="How many steps."
)
@option("Descent", "--tolerance", callback=number_of, metavar="T", help="Stop where no |∂f/∂x| is larger than this.")
@option("Descent", "--ascend", "upward", is_flag=True, help="x := x + α(∇f)ᵀ instead of −.")
@option("Descent", "--direction", metavar="x=+,y=-", help="The sign of the update for each variable.")
def command(
    request: Request,
    printer: Printer,
    lr: float,
    steps: int,
    tolerance: float | None,
    upward: bool,
    direction: str | None,
) -> None:
    """Gradient descent on EXPR from a point: one line for each step, with the point and then the value.

    \b
    bpcli descend "x**2+y**2" --at 1,2 --lr 0.1 --steps 3
    bpcli descend "x**2+y**2" --at 1,2 --lr 0.1 --steps 3 --direction x=+,y=-
    """
    if len(request.at) > 1:
        raise UsageError("a descent begins at one point, and --at gives several")
    check_settings(lr, steps, tolerance)
    if not request.variables.names:
        raise UsageError("the expression has no variables to descend in")
    signs_ = signs(request.variables.names, upward, _directions(direction))
    ((calculation, point),) = request.single_points()
    if printer.format == "csv":
        titles = wrt_titles(request, calculation)
        output.emit_data(csv_line(["step", *request.asked(point).titles(), "value", *titles]))
    for step in descent(calculation, point, signs_, lr, steps, tolerance):
        _show(step, request, printer, calculation)
    printer.finish()


def _show(step: DescentStep, request: Request, printer: Printer, calculation: Calculation) -> None:
    """Print one step, and a note if it lies at a kink, or has lost digits."""
    if step.kinks:
        printer.at_kink(partial(calculation.diagnostics.edge_place, step.point), step.kinks)
    if step.lost:
        output.note(f"step {step.step}: {step.lost}; eval and grad --certify prove each digit at a point")
    asked = request.asked(step.point)
    cells = asked.cells()
    if printer.format == "json":
        shown = {name: plain(block) for name, block in step.gradient.items()}
        record = {"step": step.step, "point": asked.inputs(), "value": step.value, "gradient": shown}
        printer.json(record)
    elif printer.format == "csv":
        slopes = [v for block in step.gradient.values() for v in flat(block)]
        output.emit_data(csv_line([step.step, *cells, step.value, *slopes], printer.precision))
    else:
        output.emit(" ".join([number(v, printer.precision) for v in [*cells, step.value]]))


def _directions(text: str | None) -> dict[str, str]:
    """The signs of `--direction`: `x=+` ascends, `y=-` descends."""
    result: dict[str, str] = {}
    for part in (text or "").replace(" ", "").replace("−", "-").split(","):
        if not part:
            continue
        name, equals, sign = part.partition("=")
        if not equals or sign not in ("+", "-"):
            raise UsageError(f"--direction {part}: expected NAME=+ or NAME=-", "--direction x=+,y=-")
        if name in result:
            raise UsageError(f"--direction gives {name} twice")
        result[name] = sign
    return result
