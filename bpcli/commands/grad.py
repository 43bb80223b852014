"""`bpcli grad`: the gradient of an expression, a row."""

from typing import Any

import click

from bpcli.commands import Command
from bpcli.commands.printing import Printer, flat
from bpcli.commands.requests import FormulaOptions, Request, file_options, takes_expression, wants_formulas, wrt_titles


@click.command(cls=Command)
@takes_expression(formulas=True)
@file_options
def command(request: Request, printer: Printer, target: str | None, force: bool, options: FormulaOptions) -> None:
    """The gradient of EXPR at a point, a row: ∂f/∂x for each variable in order.

    Without a point, its formula is printed.

    \b
    bpcli grad "x**2+y**2"
    bpcli grad "x**2+y**2" --at 1,2
    bpcli grad "bce(y, sigmoid(x@w+b))" --at "x=[1,2],w=[3,4],b=0,y=1" --wrt b,w
    bpcli grad "x**2+y**2" --points points.csv --format csv
    """
    if wants_formulas(request, options) and target is None:
        from bpcli.commands.derivative_formulas import print_formulas

        print_formulas(request, printer, "gradient", options)
        return
    if target is not None or (request.points is not None and not printer.certify):
        from bpcli.commands.points_in_bulk import run_bulk

        run_bulk(request, printer, show, True, target, force)
        return
    for calculation, point in request.all_points():
        request.require_scalar(calculation)
        value, gradient = calculation.gradient(point)
        show(printer, request, calculation, point, value, gradient)
        slopes = [v for block in gradient.values() for v in flat(block)]
        if printer.format != "text":
            printer.lost("value", calculation, point, [[value]])
        printer.lost("gradient", calculation, point, [slopes])
    printer.finish()


def show(
    printer: Printer, request: Request, calculation: Any, point: Any, value: float, gradient: dict[str, Any]
) -> None:
    """Print one gradient."""
    also = {"json": [value], "csv": [value]}
    printer.check(calculation, point, [v for block in gradient.values() for v in flat(block)], also=also)
    printer.row(request.asked(point), "gradient", value, gradient, wrt_titles(request, calculation), front=True)
