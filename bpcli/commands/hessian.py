"""`bpcli hessian`: the matrix of second derivatives."""

import click

from bpcli.commands import Command
from bpcli.commands.requests import (
    FormulaOptions,
    Printer,
    Request,
    asks,
    flat,
    formula_options,
    input_cells,
    input_titles,
    inputs_of,
    plain,
    value_lines,
    wants_formulas,
    wrt_titles,
)


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
        value, gradient, matrix = calculation.hessian(point)
        matrix = plain(matrix)
        slopes = [v for block in gradient.values() for v in flat(block)]
        printer.check(calculation, point, [value, *slopes, *(v for row in matrix for v in row)], second=True)
        names = wrt_titles(request, calculation)
        if printer.format == "json":
            record = {
                "function": request.texts[0],
                "inputs": inputs_of(request, point),
                "value": value,
                "gradient": {name: plain(block) for name, block in gradient.items()},
                "variables": names,
                "hessian": matrix,
            }
            printer.json(record)
        elif printer.format == "csv":
            header = [*input_titles(request, calculation), "output", "value", *(f"d/d{n}" for n in names)]
            # A Hessian is the Jacobian of the gradient: its outputs are the ∂f/∂x, their values the gradient's.
            cells = input_cells(request, point)
            rows = [[*cells, f"d/d{n}", v, *row] for n, v, row in zip(names, slopes, matrix, strict=True)]
            printer.csv(header, rows)
        else:
            printer.text(value_lines(matrix, printer.precision), apart=True)
        if printer.format != "text":
            printer.lost_values(calculation, point, [value])
            printer.lost(calculation, point, [slopes], [f"d/d{name}" for name in names])
        printer.lost_seconds(calculation, point, matrix, names)
    printer.finish()
