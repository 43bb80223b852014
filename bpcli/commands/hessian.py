"""`bpcli hessian`: the matrix of second derivatives."""

from functools import partial

import click

from bpcli.commands import Command
from bpcli.commands.printing import Printer, flat, plain, value_lines
from bpcli.commands.requests import FormulaOptions, Request, takes_expression, wants_formulas, wrt_entries


@click.command(cls=Command)
@takes_expression(formulas=True)
def command(request: Request, printer: Printer, options: FormulaOptions) -> None:
    """The Hessian of EXPR at a point: a row and a column for each entry of the variables, in order.

    Without a point, its formula is printed.

    \b
    bpcli hessian "x**2*y"
    bpcli hessian "x**2*y" --at 1,2
    """
    if wants_formulas(request, options):
        from bpcli.commands.derivative_formulas import print_formulas

        print_formulas(request, printer, "hessian", options)
        return
    for calculation, point in request.all_points():
        request.require_scalar(calculation)
        value, gradient, matrix = calculation.hessian(point)
        names, rows = wrt_entries(request, calculation), plain(matrix)
        titles = [f"d/d{name}" for name in names]
        slopes = [v for block in gradient.values() for v in flat(block)]
        blocks = {name: plain(block) for name, block in gradient.items()}
        record = {"value": value, "gradient": blocks, "variables": names, "hessian": rows}
        # A Hessian is the Jacobian of the gradient: its outputs are the ∂f/∂x, their values the gradient's.
        outputs = list(zip(titles, slopes, strict=True))
        also = {"json": [value, *slopes], "csv": slopes}
        printer.check(calculation, point, [v for row in rows for v in row], second=True, also=also)
        printer.matrix(
            request.asked(point),
            partial(dict, record),
            outputs,
            titles,
            partial(list, rows),
            partial(value_lines, rows, printer.precision),
        )
        if printer.format != "text":
            printer.lost("value", calculation, point, [[value]])
            printer.lost("gradient", calculation, point, [slopes])
        printer.lost("hessian", calculation, point, rows)
    printer.finish()
