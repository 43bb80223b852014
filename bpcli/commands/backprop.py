"""`bpcli backprop`: the whole chain of Jacobians of a neuron or a softmax layer, forward and back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from bpcli.api.chains import backprop, backprop_run
from bpcli.calculus.one_sided.kink_notes import in_words
from bpcli.calculus.points.values import parse_value
from bpcli.commands import OUTPUT, option, output
from bpcli.commands.option_groups import (
    FORCE,
    INPUTS_HEADING,
    PATH,
    RowName,
    SettingsCommand,
    format_option,
    precision_option,
    with_settings,
)
from bpcli.commands.printing import MAX_NOTES
from bpcli.commands.requests import number_of
from bpcli.datasets.readers.value_files import read_value_file
from bpcli.errors import MissingInputError, NotFiniteError, UsageError, meant
from bpcli.files import refuse_overwrite, write_atomically
from bpcli.formulas.activations import ACTIVATIONS, Activation
from bpcli.formulas.layers import LAYERS
from bpcli.formulas.losses import LOSSES, Loss
from bpcli.lecture.chain import Chain
from bpcli.lecture.chain_diagram import MOST as MOST_IN_A_BOX
from bpcli.lecture.chain_diagram import chain_diagram
from bpcli.lecture.drawing import DRAWINGS, shortens
from bpcli.lecture.matrices import ALL, MOST
from bpcli.paths import with_ending
from bpcli.text.diagram import dot_text
from bpcli.text.notation import json_text
from bpcli.training.checkpoint import unfinished

LEFT_OUT = "… stands for entries that are left out; --all shows them"

CHOICES: dict[str, Mapping[str, Activation | Loss]] = {"activation": ACTIVATIONS, "loss": LOSSES}
EXAMPLES = {
    False: "--x 1,2 --w 0.5,-0.3 --b 0.1 --activation sigmoid --loss bce --y 1",
    True: '--x 1,2 --w "0.1,0.2;0.3,0.4" --b 0,0 --label 1',
}
"""An example of a layer's options, by whether it has an output for each class."""


@click.command(cls=SettingsCommand)
@click.argument("subject", metavar="neuron|softmax|RUN")
@option(INPUTS_HEADING, "--x", metavar="VALUE", help="The input; rows of a matrix are a mini-batch.")
@option(
    INPUTS_HEADING,
    "--w",
    metavar="VALUE",
    help="The weights: a vector, for softmax a matrix with a column for each class.",
)
@option(INPUTS_HEADING, "--b", metavar="VALUE", help="The bias: a number, for softmax a vector.")
@option(INPUTS_HEADING, "--activation", type=RowName(lambda: ACTIVATIONS), help="For neuron. [default: identity]")
@option(INPUTS_HEADING, "--loss", type=RowName(lambda: sorted(LOSSES)), help="The loss. [default for softmax: cce]")
@option(INPUTS_HEADING, "--y", metavar="VALUE", help="The label, one for each row; for softmax one-hot.")
@option(
    INPUTS_HEADING, "--label", metavar="VALUE", help="For softmax: the true class, counted from 0, one for each row."
)
@option("Rows", "--row", "rows", metavar="ROWS", help="For RUN: rows of its data, counted from 1: 3 or 1,4 or 2:5.")
@option("Chain", "--lr", callback=number_of, metavar="A", help="Show the update with this learning rate, too.")
@option(
    "Chain",
    "--layout",
    type=click.Choice(["numerator", "denominator"]),
    default="numerator",
    show_default=True,
    help="Gradients as rows, or as columns.",
)
@option("Chain", "--all", "whole", is_flag=True, help="Show large matrices whole, without dots in the middle.")
@format_option(formats=("text", "json", "csv", "latex", "markdown"))
@precision_option()
@option(OUTPUT, "--output", "target", type=PATH, metavar="FILE.svg|png|pdf|dot", help="Draw the chain to FILE instead.")
@FORCE
def command(
    subject: str,
    rows: str | None,
    lr: float | None,
    layout: str,
    whole: bool,
    format_: str,
    precision: int | None,
    target: Path | None,
    force: bool,
    **given: str | None,
) -> None:
    """The chain of Jacobians, forward and back: each value, each local Jacobian, the products, and the update.

    \b
    bpcli backprop neuron --x 1,2 --w 3,4 --b 0 --activation tanh --loss mse --y 1
    bpcli backprop softmax --x 1,2 --w "1,2;3,4" --b 0,0 --label 1 --lr 0.1
    bpcli backprop runs/iris --row 3
    bpcli backprop neuron --x 2 --w 3 --b 1 --loss mse --y 5 --output chain.svg
    """
    if target is not None:
        source = click.get_current_context().get_parameter_source("format_")
        printed = source is click.core.ParameterSource.COMMANDLINE
        _check_target(target, force, format_ if printed else None)
    options = {name: text for name, text in given.items() if text is not None}
    if subject in LAYERS:
        if rows is not None:
            raise UsageError("--row takes rows of a run's data", "bpcli backprop RUN --row 3")
        chain = _of_values(subject, options, lr, layout)
    else:
        if options:
            raise UsageError(
                f"{', '.join(f'--{name}' for name in options)}: a run has weights and data of its own",
                "backprop neuron … or backprop softmax … takes them",
            )
        chain = _of_run(Path(subject), rows, lr, layout)
    for place, kink in chain.kinks[:MAX_NOTES]:
        if kink.left != kink.right:
            output.note(in_words(place, [kink], ""))
    if target is None:
        _print(chain, format_, precision, whole)
    else:
        _draw(chain, target, force, precision, whole)
    if bad := chain.not_finite:
        raise NotFiniteError(f"a result is not finite: {bad.symbol.text} = {bad.formula.text}")


def _of_values(layer: str, options: dict[str, str], alpha: float | None, layout: str) -> Chain:
    """The chain for the values of the options."""
    named = {name: options.pop(name) for name in CHOICES if name in options}
    values: dict[str, Any] = {name: parse_value(text, read_value_file) for name, text in options.items()}
    for name, rows in CHOICES.items():
        values[name] = with_settings(named.get(name), rows, values)
    if extra := [name for name in values if name not in ("x", "w", "b", "y", "label", "activation", "loss")]:
        raise UsageError(f"{', '.join(f'--{name}' for name in extra)}: neither activation nor loss has such a setting")
    try:
        return backprop(layer, **values, learning_rate=alpha, layout=layout)
    except MissingInputError as error:
        needs = ", ".join(f"--{name}" for name in error.names)
        form = f"bpcli backprop {layer} {EXAMPLES[LAYERS[layer].per_class]}"
        raise UsageError(f"backprop {layer} needs {needs}", form) from None


def _of_run(run: Path, rows: str | None, alpha: float | None, layout: str) -> Chain:
    if rows is None and not run.exists() and "/" not in str(run) and unfinished(run) is None:
        hint = meant(str(run), LAYERS, "bpcli backprop --help")
        raise UsageError(f"backprop {run}: expected {', '.join(LAYERS)}, or the folder of a run", hint)
    from bpcli.commands.activity import activity, reading_any  # a chain of given values reads no file

    with activity(reading_any):
        found = backprop_run(run, _rows(rows), learning_rate=alpha, layout=layout)
    which = f"row {found.rows[0]}" if len(found.rows) == 1 else f"rows {_listed(found.rows)}"
    output.note(f"{which} of {found.path}, prepared as in training; the features are {_listed(found.features)}")
    return found.chain


def _listed(items: Sequence[Any]) -> str:
    """The items for a note; of many the first ones and their number."""
    if len(items) <= MOST:
        return ", ".join(map(str, items))
    return f"{', '.join(map(str, items[: MOST - 1]))}, … ({len(items)} in all)"


def _rows(text: str | None) -> list[range]:
    """The rows of --row, such as 1,4 or 2:5."""
    rows = []
    for part in text.split(",") if text is not None else ():
        first, colon, last = part.strip().partition(":")
        if not first.isdecimal() or (colon and not last.isdecimal()):
            raise UsageError(f"--row {text}: {part.strip()!r} is no row", "such as 3, or 1,4, or 2:5")
        rows.append(range(int(first), int(last if colon else first) + 1))
    if text is not None and not any(rows):
        raise UsageError(f"--row {text} takes no row", "such as 3, or 1,4, or 2:5")
    return rows


def _check_target(target: Path, force: bool, format_: str | None) -> None:
    """UsageError unless the chain can be drawn to the file."""
    from bpcli.plots.style import FORMATS

    if target.suffix.lower().lstrip(".") not in (*FORMATS, "dot"):
        form = f"--output {with_ending(target, '.svg', 'chain')}"
        raise UsageError(f"--output {target}: a chain is drawn as {', '.join(FORMATS)} or dot", form)
    if format_ is not None:
        raise UsageError(f"--format {format_} prints the chain, and --output draws it", f"--format {format_} > FILE")
    if not force:
        refuse_overwrite(target)


def _draw(chain: Chain, target: Path, force: bool, precision: int | None, whole: bool) -> None:
    """Write the picture of the chain: DOT as text, else drawn by Matplotlib."""
    diagram = chain_diagram(chain, precision, ALL if whole else MOST_IN_A_BOX)
    if target.suffix.lower() == ".dot":
        write_atomically(target, lambda file: file.write(dot_text(diagram).encode()), force)
    else:
        from bpcli.plots.diagrams import draw
        from bpcli.plots.style import drawing, write_figure

        with drawing():
            for text in write_figure(draw(diagram), target, force):
                output.note(text)
    if not whole and shortens(chain, MOST_IN_A_BOX):
        output.note(LEFT_OUT)


def _print(chain: Chain, format_: str, precision: int | None, whole: bool) -> None:
    if format_ == "json":
        record = {
            name: {
                "formula": q.formula.text,
                "shape": q.shape,
                "value": q.value.tolist() if q.value.size > 1 else q.value.item(),
            }
            for name, q in chain.quantities.items()
        }
        output.emit_data(json_text(record, precision))
    elif format_ == "csv":
        output.emit_csv([["name", "sample", "row", "column", "value"]])
        for name, q in chain.quantities.items():
            entries = np.ndenumerate(q.value if q.samples else q.value[None])
            output.emit_csv(
                ((name, k + 1 if q.samples else None, i + 1, j + 1, float(v)) for (k, i, j), v in entries), precision
            )
    else:
        for line in DRAWINGS[format_](chain, precision, ALL if whole else MOST):
            output.emit(line)
        if format_ == "text" and not whole and shortens(chain):
            output.emit(f"\n{LEFT_OUT}")
