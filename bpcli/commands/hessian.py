"""`bpcli hessian`: the matrix of second derivatives."""

import click

from bpcli.calculus.points.variables import Point
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.commands import Command
from bpcli.commands.printing import Printer, flat, plain, value_lines
from bpcli.commands.requests import FormulaOptions, Request, asks, formula_options, wants_formulas, wrt_titles


@click.command(cls=Command)
@asks()
@formula_options
def command(request: Request, printer: Printer, options: FormulaOptions) -> None:
    """The Hessian of EXPR at a point: a row and a column for each entry of the variables, in order.

    Without a point its formula.

    \b
    bpcli hessian "x**2*y"
    bpcli hessian "x**2*y" --at 1,2
    """
    if wants_formulas(request, options):
        from bpcli.commands.derivative_formulas import print_formulas

        print_formulas(request, printer, "hessian", options)
        return
    for calculation, point in request.all_points():
        _show(printer, request, calculation, point)
    printer.finish()


def _show(printer: Printer, request: Request, calculation: Calculation, point: Point) -> None:
    value, gradient, matrix = calculation.hessian(point)
    rows = plain(matrix)
    slopes = [v for block in gradient.values() for v in flat(block)]
    printer.check(calculation, point, [value, *slopes, *(v for row in rows for v in row)], second=True)
    names = wrt_titles(request, calculation)
    blocks = {name: plain(block) for name, block in gradient.items()}
    # A Hessian is the Jacobian of the gradient: its outputs are the ∂f/∂x, their values the gradient's.
    table = [[f"d/d{n}", v, *row] for n, v, row in zip(names, slopes, rows, strict=True)]
    printer.result(
        request.asked(point),
        lambda: {"value": value, "gradient": blocks, "variables": names, "hessian": rows},
        lambda: (["output", "value", *(f"d/d{n}" for n in names)], table),
        lambda: value_lines(rows, printer.precision),
        apart=True,
    )
    if printer.format != "text":
        printer.lost_values(calculation, point, [value])
        printer.lost(calculation, point, [slopes], [f"d/d{name}" for name in names])
    printer.lost_seconds(calculation, point, rows, names)
