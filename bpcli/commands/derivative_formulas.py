"""The formulas of derivatives, as `grad`, `jacobian` and `hessian` print them where no point is given."""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import numpy as np

from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.latex import to_latex
from bpcli.calculus.language.render import to_text
from bpcli.calculus.language.tree import Expression, names_in
from bpcli.calculus.rules.shapes import Shape
from bpcli.calculus.symbolic.derivation import Derivation, entries_of, explained, shapes_of
from bpcli.commands import output
from bpcli.commands.requests import Printer, Request, blocks_lines, value_lines
from bpcli.errors import UsageError, nearest
from bpcli.text.notation import csv_line, json_text

Write = Callable[[Expression], str]


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
                close = nearest(name, names)
                hint = f"did you mean {close}?" if close else f"the variables are {', '.join(names) or 'none'}"
                raise UsageError(f"--shape {part}: {name} is no variable of the expression", hint)
            shapes[name] = tuple(map(int, numbers))
    return shapes


def print_formulas(
    request: Request, printer: Printer, what: str, latex: bool, explain: bool, shape: Sequence[str]
) -> None:
    """Print a gradient, a Jacobian or a Hessian as formulas; `what` is the command's name."""
    if printer.certify or printer.kink != "lecture":
        option = "--certify" if printer.certify else "--kink"
        raise UsageError(f"{option} is of numbers, and no point is given", '--at "…"')
    names, constants = request.variables.names, request.variables.constants
    if explain:
        _explain(request, printer, given_shapes(shape, names), what == "hessian")
        return
    shapes = shapes_of(request.trees, request.texts, names, given_shapes(shape, names))
    shapes |= {name: np.shape(value) for name, value in constants.items()}
    one = Derivation(request.trees, request.texts, shapes, request.wrt)
    point = one.point_of(constants)
    write: Write = to_latex if latex else to_text
    if what == "jacobian":
        _, blocks = one.jacobian(point)
    elif what == "grad":
        blocks = one.gradient(point)[1]
    else:
        blocks = {"": one.hessian(point)[2]}
    shortened = _Shortened()
    shown = {name: _written(block, lambda tree: write(shortened(tree))) for name, block in blocks.items()}
    _print(request, printer, one, what, shown, latex)


def _written(block: Any, write: Write) -> Any:
    """The formulas of a block as texts, in its shape."""
    each = np.frompyfunc(lambda symbol: write(symbol.tree), 1, 1)
    with np.errstate(all="ignore"):  # a simpler form is tried out at points where neither may have a value
        values = each(np.asarray(block, object))
    return values.tolist() if isinstance(values, np.ndarray) else values


class _Shortened:
    """Formulas as SymPy has them, if it is there and finds shorter ones, in a few seconds for all of them."""

    def __init__(self) -> None:
        self.until: float | None = None

    def __call__(self, tree: Expression) -> Expression:
        from bpcli.calculus.symbolic.simplify import SECONDS, simplified

        try:
            self.until = self.until or monotonic() + SECONDS
            return simplified(tree, self.until - monotonic())
        except ImportError:
            return tree


def _print(request: Request, printer: Printer, one: Derivation, what: str, blocks: dict[str, Any], latex: bool) -> None:
    function = request.texts[0] if len(request.texts) == 1 else request.texts
    entries = entries_of(request.wrt, one.program.variables)
    if printer.format == "json":
        record: dict[str, Any] = {"function": function, "variables": request.variables.names}
        if what == "hessian":
            record |= {"variables": entries, "hessian": blocks[""]}
        else:
            record["gradient" if what == "grad" else "jacobian"] = blocks
        printer.json(record)
        return
    single = not any(one.program.variables[name] for name in request.wrt)
    if what == "grad":
        rows = [[v for block in blocks.values() for v in np.ravel(np.array(block, object)).tolist()]]
    elif what == "jacobian":
        rows = [[v for part in parts for v in part] for parts in zip(*blocks.values(), strict=True)]
    else:
        rows = blocks[""]
    if printer.format == "csv":
        output.emit(csv_line([f"d/d{entry}" for entry in entries]))
        for row in rows:
            output.emit(csv_line(row))
    elif latex:
        output.emit(_latex_matrix(rows))
    elif single or what == "hessian":
        printer.text(value_lines(rows, None), apart=False)
    else:
        printer.text(blocks_lines(blocks, None), apart=False)


def _latex_matrix(rows: Sequence[Sequence[str]]) -> str:
    if len(rows) == 1 and len(rows[0]) == 1:
        return rows[0][0]
    return r"\begin{pmatrix} " + r" \\ ".join(" & ".join(row) for row in rows) + r" \end{pmatrix}"


def _explain(request: Request, printer: Printer, shapes: dict[str, Shape], second: bool) -> None:
    """Print the steps of each expression's gradient, and for a Hessian those of each of its entries; with their rules.

    Of several a heading says whose they are.
    """
    names, constants = request.variables.names, request.variables.constants
    derived = list(zip(["f"] * len(request.texts), request.trees, request.texts, strict=True))
    if second:
        derived += _slopes(request, shapes)
    for k, (name, tree, text) in enumerate(derived):
        steps = explained(tree, text, names, constants, request.wrt, shapes)
        if printer.format == "json":
            for number, step in enumerate(steps, 1):
                output.emit(json_text({"function": text, "step": number, **step._asdict()}))
        elif printer.format == "csv":
            if not k:
                output.emit(csv_line(["function", "step", "name", "formula", "rule", "place"]))
            for number, step in enumerate(steps, 1):
                output.emit(csv_line([text, number, *step]))
        else:
            if len(derived) > 1:
                output.emit(f"{chr(10) if k else ''}{name} = {text}")
            rows = [["step", "is", "by", "at"]]
            rows += [[step.name, step.formula, step.rule or "value", step.place] for step in steps]
            for line in output.aligned(rows)[1:]:
                output.emit(line)


def _slopes(request: Request, shapes: dict[str, Shape]) -> list[tuple[str, Expression, str]]:
    """The gradient's entries that are no constants, with their names and texts: what a Hessian differentiates."""
    every = shapes_of(request.trees, request.texts, request.variables.names, shapes)
    every |= {name: np.shape(value) for name, value in request.variables.constants.items()}
    one = Derivation(request.trees, request.texts, every, request.wrt)
    blocks = one.gradient(one.point_of(request.variables.constants))[1]
    shortened = _Shortened()
    texts = {name: _written(block, lambda tree: to_text(shortened(tree))) for name, block in blocks.items()}
    parsed = [(f"df/d{name}", parse(text), text) for name, text in texts.items()]
    return [entry for entry in parsed if names_in(entry[1])]
