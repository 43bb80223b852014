"""The formulas of derivatives, which `grad`, `jacobian` and `hessian` print if no point is given."""

from collections.abc import Sequence
from typing import Any

from bpcli.api.formula import Formulas, Kind, Steps, formula, steps
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.symbolic.derivation import UnknownShapeError
from bpcli.calculus.symbolic.explanation import Step, VectorStepsError
from bpcli.commands import output
from bpcli.commands.printing import Printer, blocks_lines, value_lines
from bpcli.commands.requests import FormulaOptions, Request
from bpcli.errors import ExpressionError, UsageError, meant
from bpcli.text.notation import json_text


def given_shapes(texts: Sequence[str], names: Sequence[str]) -> dict[str, Shape]:
    """The shapes of `--shape`: `x=3`, `A=2x3`."""
    shapes: dict[str, Shape] = {}
    for text in texts:
        for part in text.split(","):
            name, equals, size = (piece.strip() for piece in part.partition("="))
            numbers = size.replace("×", "x").split("x")
            if not equals or not all(n.isdecimal() and int(n) for n in numbers) or len(numbers) > 2:
                raise UsageError(f"--shape {part}: expected NAME=N or NAME=MxN", "--shape x=3, or --shape A=2x3")
            if name not in names:
                hint = meant(name, names, f"the variables are {', '.join(names) or 'none'}")
                raise UsageError(f"--shape {part}: {name} is no variable of the expression", hint)
            shapes[name] = tuple(map(int, numbers))
    return shapes


def print_formulas(request: Request, printer: Printer, of: Kind, options: FormulaOptions) -> None:
    """Print a gradient, a Jacobian or a Hessian as formulas, or the steps that lead to them."""
    printer.refuse_without_point('--at "…"')
    if options.explain and options.simplify:
        raise UsageError("--simplify shortens formulas, and --explain shows each step as it is", "take one of them")
    given: dict[str, Any] = {
        "of": of,
        "wrt": request.wrt,
        "let": request.variables.constants,
        "order": request.declared,
        "shapes": given_shapes(options.shape, request.variables.names),
        "latex": options.latex,
    }
    try:
        if options.explain and request.wrt:
            print_steps(steps(*request.texts, **given), printer, options.latex)
        else:
            found = formula(*request.texts, **given, simplify=options.simplify)
            _print(request, printer, of, found)
        request.tell_readings()
    except UnknownShapeError as error:
        hint = f"--shape {error.name}=3 for a vector of 3, or {error.name}=2x3 for a matrix; --at for numbers"
        raise ExpressionError(error.message, error.text, error.start, error.end, hint) from None
    except VectorStepsError as error:
        message = "--explain takes expressions of numbers; here is a vector or matrix"
        raise ExpressionError(message, error.text, error.start, error.end) from None


def _print(request: Request, printer: Printer, of: Kind, found: Formulas) -> None:
    if printer.format == "json":
        record: dict[str, Any] = {"function": request.function, "variables": request.variables.names}
        if of == "hessian":
            record |= {"variables": found.entries, "hessian": found.rows}
        else:
            record[of] = found.blocks
        printer.json(record)
    elif printer.format == "csv":
        output.emit_csv([[f"d/d{entry}" for entry in found.entries], *found.rows])
    elif found.latex:
        output.emit(str(found))
    elif found.entries == request.wrt or of == "hessian":
        printer.text(value_lines(found.rows, None), apart=False)
    else:
        printer.text(blocks_lines(found.blocks, None), apart=False)


def print_steps(derivations: Sequence[Steps], printer: Printer, latex: bool) -> None:
    """Print the steps with their rules; where there are several derivations, each under a heading."""
    if printer.format == "csv":
        output.emit_csv([["function", "step", "name", "formula", "rule", "place"]])
    for k, (name, text, found) in enumerate(derivations):
        if printer.format == "json":
            for number, step in enumerate(found, 1):
                output.emit_data(json_text({"function": text, "step": number, **step._asdict()}))
        elif printer.format == "csv":
            output.emit_csv([text, number, *step] for number, step in enumerate(found, 1))
        else:
            if len(derivations) > 1:
                output.emit(f"{chr(10) if k else ''}{'% ' if latex else ''}{name} = {text}")
            if latex:
                output.emit(_aligned_latex(found))
                continue
            rows = [["step", "is", "by", "at"]]
            rows += [[step.name, step.formula, step.rule or "value", step.place] for step in found]
            for line in output.aligned(rows)[1:]:
                output.emit(line)


def _aligned_latex(found: Sequence[Step]) -> str:
    """The steps as one `aligned` block, one line for each."""
    lines = []
    for step in found:
        rule = (step.rule or "value").replace("_", r"\_")
        lines.append(rf"{step.name} &= {step.formula} && \text{{{rule}}} && {step.place}")
    return r"\begin{aligned}" + "\n" + " \\\\\n".join(lines) + "\n" + r"\end{aligned}"
