"""`bpcli eval`: the value of an expression."""

from typing import Any

import click

from bpcli.calculus.rules.shapes import entry_names
from bpcli.commands import Command
from bpcli.commands.printing import Printer, flat, plain, value_lines
from bpcli.commands.requests import Request, file_options, takes_expression


@click.command(cls=Command)
@takes_expression(wrt=False, kink=False)
@file_options
def command(request: Request, printer: Printer, target: str | None, force: bool) -> None:
    """The value of EXPR at a point.

    \b
    bpcli eval "x**2+y**2" --at 1,2
    bpcli eval "softmax(l)" --at "l=[1,2,3]"
    """
    if target is not None or (request.points is not None and not printer.certify):
        from bpcli.commands.points_in_bulk import run_bulk

        run_bulk(request, printer, show, False, target, force)
        return
    for calculation, point in request.all_points():
        (value,) = calculation.value(point)
        show(printer, request, calculation, point, value)
        printer.lost("value", calculation, point, [flat(value)])
    printer.finish()


def show(printer: Printer, request: Request, calculation: Any, point: Any, value: Any) -> None:
    """Print one value."""
    printer.check(calculation, point, flat(value))
    printer.result(
        request.asked(point),
        lambda: {"value": plain(value)},
        lambda: (entry_names("value", calculation.output_shapes[0]), [flat(value)]),
        lambda: value_lines(value, printer.precision),
    )
