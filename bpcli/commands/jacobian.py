"""`bpcli jacobian`: of expressions, or of a function of the lecture by its name."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from shlex import quote
from typing import Any

import click

from bpcli.calculus.points.variables import Point
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.commands import option, output
from bpcli.commands.option_groups import INPUTS_HEADING, RowName, SettingsCommand, together
from bpcli.commands.printing import Printer, blocks_lines, flat, plain, value_lines
from bpcli.commands.requests import (
    FormulaOptions,
    Given,
    Request,
    calculator_options,
    direction,
    file_options,
    wants_formulas,
    wrt_titles,
)
from bpcli.commands.typed_words import is_value
from bpcli.errors import ExpressionError, UsageError, meant
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.lecture.inputs import INPUTS, settings_of

ACTIVATION = "activation"


def named_options(function: Any) -> Any:
    """The options for the inputs of the lecture's functions; `SettingsCommand` adds their settings."""
    options = []
    for name in dict.fromkeys(name for names in INPUTS.values() for name in names if name != ACTIVATION):
        users = f"For {', '.join(n for n, names in INPUTS.items() if name in names)}."
        options.append(option(INPUTS_HEADING, f"--{name}", metavar="VALUE", help=users))
    activation = option(INPUTS_HEADING, f"--{ACTIVATION}", type=RowName(lambda: ACTIVATIONS), help="For neuron.")
    return together(*options, activation)(function)


def _names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in INPUTS if name.startswith(incomplete)]


@click.command(cls=SettingsCommand)
@click.argument("expressions", metavar="EXPR…|NAME", nargs=-1, required=True, shell_complete=_names)
@calculator_options(formulas=True)
@file_options
@named_options
@option("Derivative", "--vjp", metavar="V", help="Print V·J, for V with an entry for each output, without forming J.")
@option("Derivative", "--jvp", metavar="V", help="Print J·V, for V with an entry for each input, without forming J.")
def command(
    expressions: tuple[str, ...],
    given: Given,
    printer: Printer,
    vjp: str | None,
    jvp: str | None,
    target: str | None,
    force: bool,
    options: FormulaOptions,
    **named: str | None,
) -> None:
    """The Jacobian at a point: a row for each output, a column for each input.

    A lone NAME is a function of the lecture: softmax, log_softmax, dot, affine, neuron, an activation, a loss,
    sigmoid_bce, softmax_cce; its inputs are options, below.

    Without a point, or inputs, its formula is printed.

    \b
    bpcli jacobian "x*y" "x+y"
    bpcli jacobian "x*y" "x+y" --at 1,2
    bpcli jacobian softmax
    bpcli jacobian softmax --logits 1,2,3
    bpcli jacobian neuron --x 1,2 --w 0.5,-0.3 --b 0.1 --activation sigmoid
    bpcli jacobian "x*y" "x+y" --points points.csv --format csv
    """
    if vjp is not None and jvp is not None:
        raise UsageError("--vjp and --jvp are two products; take one")
    inputs = {name: text for name, text in named.items() if text is not None}
    if len(expressions) == 1 and expressions[0] in INPUTS:
        if given.a_point or target is not None:
            raise UsageError(
                f"{expressions[0]} is a function of the lecture, given by {_options_of(expressions[0])}",
                f'for the expression write "{expressions[0]}(…)"',
            )
        if first := options._replace(latex=False, explain=False).first():
            raise UsageError(f"{first} goes with expressions, and {expressions[0]} is a name")
        _of_name(expressions[0], inputs, given.wrt, vjp, jvp, options, printer)
        return
    with lecture_meant("jacobian", expressions, inputs):
        request = Request(expressions, given, printer)
    _of_expressions(request, options, vjp, jvp, target, force, printer)


@contextmanager
def lecture_meant(command: str, expressions: Sequence[str], given: Mapping[str, str]) -> Iterator[None]:
    """UsageError with the words to type, if expressions are given together with inputs of the lecture's functions."""
    first, *others = expressions
    named: UsageError | None = None
    if first in INPUTS and others:
        lacking = [name for name in INPUTS[first] if name not in given]
        inputs = [*given.items(), *zip(lacking, others, strict=False)]
        if not lacking:  # in --logits 1 2 3, the words belong to the option
            inputs[-1] = (inputs[-1][0], ",".join([inputs[-1][1], *others]))
        form = " ".join([f"--{name} {quote(value)}" for name, value in inputs])
        meaning = f"{first} is a function of the lecture, given by {_options_of(first)}"
        named = UsageError(meaning, f"bpcli {command} {first} {form}")
        if all(map(is_value, others)):
            raise named
    if given:
        names = ", ".join(f"--{name}" for name in given)
        raise named or UsageError(
            f"{names}: these are inputs of the lecture's functions, and {first} is an expression",
            meant(first, INPUTS, f"its point is given by --at; or a name: {', '.join(INPUTS)}"),
        )
    try:
        yield
    except ExpressionError as error:
        raise named or error from None


def _of_expressions(
    request: Request,
    options: FormulaOptions,
    vjp: str | None,
    jvp: str | None,
    target: str | None,
    force: bool,
    printer: Printer,
) -> None:
    """The Jacobian of expressions, or a product with it, at each point; without a point the formulas."""
    formulas = vjp is None and jvp is None and wants_formulas(request, options)
    if target is not None:
        from bpcli.commands.points_in_bulk import write_jacobian

        if vjp is not None or jvp is not None:
            product = "vjp" if jvp is None else "jvp"
            raise UsageError(
                f"--output writes whole Jacobians, and --{product} prints a product", "leave out one of them"
            )
        write_jacobian(request, printer, target, force)
        return
    if formulas:
        from bpcli.commands.derivative_formulas import print_formulas

        print_formulas(request, printer, "jacobian", options)
        return
    for calculation, point in request.all_points():
        if vjp is not None:
            _vjp(printer, request, calculation, point, vjp)
        elif jvp is not None:
            _jvp(printer, request, calculation, point, jvp)
        else:
            _jacobian(printer, request, calculation, point)
    printer.finish()


def _options_of(name: str) -> str:
    return " ".join(f"--{option}" for option in INPUTS[name])


def value_of(values: list[Any]) -> Any:
    """The value of one expression, or the list of several."""
    return plain(values[0]) if len(values) == 1 else [plain(v) for v in values]


def _jacobian(printer: Printer, request: Request, calculation: Calculation, point: Point) -> None:
    values, blocks = calculation.jacobian(point)
    matrices = {name: plain(block) for name, block in blocks.items()}
    outputs = [v for value in values for v in flat(value)]
    rows = [[v for part in parts for v in part] for parts in zip(*matrices.values(), strict=True)]
    rows = rows or [[] for _ in outputs]  # of a constant
    titles = wrt_titles(request, calculation)
    also = {"json": outputs, "csv": outputs}
    printer.check(calculation, point, [v for row in rows for v in row], also=also)
    numbers = all(not calculation.program.variables[name] for name in request.wrt)
    printer.matrix(
        request.asked(point),
        lambda: {"value": value_of(values), "jacobian": matrices},
        list(zip(calculation.output_names, outputs, strict=True)),
        titles,
        lambda: rows,
        lambda: value_lines(rows, printer.precision) if numbers else blocks_lines(matrices, printer.precision),
    )
    if printer.format != "text":
        printer.lost("value", calculation, point, [outputs])
    printer.lost("jacobian", calculation, point, rows)


def _vjp(printer: Printer, request: Request, calculation: Calculation, point: Point, text: str) -> None:
    """V·J in the shapes of the variables."""
    v = direction("--vjp", text, calculation.outputs, "output")
    values, blocks = calculation.vjp(point, v)
    entries = [x for block in blocks.values() for x in flat(block)]
    printer.check(calculation, point, entries, also={"json": [v for value in values for v in flat(value)]})
    printer.row(request.asked(point), "vjp", value_of(values), blocks, wrt_titles(request, calculation))
    printer.lost("vjp", calculation, point, [entries], v)


def _jvp(printer: Printer, request: Request, calculation: Calculation, point: Point, text: str) -> None:
    """J·V in the shapes of the outputs."""
    v = direction("--jvp", text, calculation.inputs, "input")
    values, products = calculation.jvp(point, v)
    entries = [x for product in products for x in flat(product)]
    printer.check(calculation, point, entries, also={"json": [v for value in values for v in flat(value)]})
    printer.result(
        request.asked(point),
        lambda: {"value": value_of(values), "jvp": value_of(products)},
        lambda: (calculation.output_names, [entries]),
        lambda: value_lines(products[0] if len(products) == 1 else entries, printer.precision),
    )
    printer.lost("jvp", calculation, point, [entries], v)


def _of_name(
    name: str,
    inputs: dict[str, str],
    wrt: str | None,
    vjp: str | None,
    jvp: str | None,
    options: FormulaOptions,
    printer: Printer,
) -> None:
    """A function of the lecture: its Jacobian in numbers, or without inputs as a formula."""
    if set(inputs) <= {ACTIVATION, *settings_of(name, inputs.get(ACTIVATION))} and vjp is None and jvp is None:
        printer.refuse_without_point(f"bpcli jacobian {name} {_options_of(name).replace(' ', ' … ')} …")
        show = _explain if options.explain else _print_sheet
        show(name, inputs, wrt, options.latex, printer)
        return
    if first := options.first():
        raise UsageError(f"{first} goes with formulas, and inputs are given", f"bpcli jacobian {name} {first}")
    from bpcli.commands.named_jacobian import run_named

    run_named(name, inputs, wrt, vjp, jvp, printer)


def _settings(name: str, inputs: dict[str, str]) -> dict[str, Any]:
    """The settings among the options as numbers; UsageError for one that the function does not take."""
    from bpcli.calculus.points.values import parse_value

    known = {*settings_of(name, inputs.get(ACTIVATION)), *INPUTS[name]}
    if extra := [key for key in inputs if key not in known]:
        raise UsageError(f"{name} takes no {', '.join(f'--{key}' for key in extra)}", f"bpcli jacobian {name}")
    return {key: parse_value(text) for key, text in inputs.items() if key != ACTIVATION}


def _explain(name: str, inputs: dict[str, str], wrt: str | None, latex: bool, printer: Printer) -> None:
    """The steps to the derivative of a function of the lecture, where it is a formula of numbers."""
    from bpcli.api.formula import steps
    from bpcli.commands.derivative_formulas import print_steps
    from bpcli.lecture.formula_sheet import one_formula
    from bpcli.lecture.input_checks import blocks_of

    found = one_formula(name, inputs.get(ACTIVATION), _settings(name, inputs))
    if found is None:
        hint = f"--{ACTIVATION} NAME names its g" if ACTIVATION in INPUTS[name] else f"bpcli jacobian {name}"
        raise UsageError(f"--explain takes formulas of numbers, and {name} is none", hint)
    wanted = blocks_of(name, found.blocks, wrt)
    print_steps(steps(found.text, wrt=wanted, let=found.settings, latex=latex), printer, latex)


def _print_sheet(name: str, inputs: dict[str, str], wrt: str | None, latex: bool, printer: Printer) -> None:
    """The formulas of a function of the lecture, an entry a line."""
    from bpcli.lecture.formula_sheet import sheet_of
    from bpcli.lecture.input_checks import blocks_of
    from bpcli.text.notation import csv_line, json_text

    activation, format_ = inputs.get(ACTIVATION), printer.format
    sheet = sheet_of(name, activation, _settings(name, inputs))
    sheet = sheet.by(blocks_of(name, sheet.blocks, wrt))
    if latex:
        lines = list(sheet.latex)
    elif format_ == "json":
        lines = [json_text({"function": name, "formulas": {entry.of: entry.formula for entry in sheet.entries}})]
    elif format_ == "csv":
        lines = [csv_line(["entry", "formula", "where"]), *(csv_line(entry) for entry in sheet.entries)]
    else:
        left, middle = (max(len(entry[k]) for entry in sheet.entries) for k in (0, 1))
        lines = [f"{of:<{left}}  {formula:<{middle}}  {where}".rstrip() for of, formula, where in sheet.entries]
        more = "; --activation NAME gives its slope" if ACTIVATION in INPUTS[name] and activation is None else ""
        lines += ["", f"where {sheet.names}{more}"]
    for line in lines:
        output.emit(line)
