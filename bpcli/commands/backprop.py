"""`bpcli backprop`: the whole chain of Jacobians of a neuron or a softmax layer, forward and back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from bpcli.calculus.points.values import parse_value
from bpcli.commands import Command, output
from bpcli.datasets.readers.value_files import read_value_file
from bpcli.datasets.sparse import dense
from bpcli.errors import DataError, NotFiniteError, UsageError, nearest
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.losses import LOSSES
from bpcli.lecture.chain import Chain, Formula, Quantity, neuron_chain, softmax_chain
from bpcli.lecture.drawing import DRAWINGS, MOST
from bpcli.lecture.named_functions import one_hot
from bpcli.text.notation import csv_line, json_text, number

Given = list[tuple[str, Any]]


@click.command(cls=Command)
@click.argument("subject", metavar="neuron|softmax|RUN")
@click.option("--x", metavar="VALUE", help="The input; rows of a matrix are a mini-batch.")
@click.option("--w", metavar="VALUE", help="The weights: a vector, of softmax a matrix with a column for each class.")
@click.option("--b", metavar="VALUE", help="The bias: a number, of softmax a vector.")
@click.option("--activation", type=click.Choice(list(ACTIVATIONS)), help="Of neuron. [default: identity]")
@click.option("--loss", type=click.Choice(sorted(LOSSES)), help="[default of softmax: cce]")
@click.option("--y", metavar="VALUE", help="The label, one for each row; of softmax one-hot.")
@click.option("--label", metavar="VALUE", help="Of softmax: the true class, counted from 0, one for each row.")
@click.option(
    "--row", "rows", metavar="ROWS", help="Of RUN: rows of its data, counted from 1, such as 3 or 1,4 or 2:5."
)
@click.option("--lr", metavar="A", help="Show the update with this learning rate, too.")
@click.option(
    "--layout",
    type=click.Choice(["numerator", "denominator"]),
    default="numerator",
    show_default=True,
    help="Gradients as rows, or as columns.",
)
@output.format_option(formats=("text", "json", "csv", "latex", "markdown"))
@output.precision_option()
def command(
    subject: str,
    rows: str | None,
    lr: str | None,
    layout: str,
    format_: str,
    precision: int | None,
    **given: str | None,
) -> None:
    """The chain of Jacobians, forward and back: each value, each local Jacobian, the products, and the update.

    \b
    bpcli backprop neuron --x 1,2 --w 0.5,-0.3 --b 0.1 --activation sigmoid --loss bce --y 1 --lr 0.1
    bpcli backprop softmax --x 1,2 --w "0.1,0.2,0.3;0.4,0.5,0.6" --b 0,0,0 --label 2
    bpcli backprop runs/iris --row 3
    """
    alpha = None if lr is None else _learning_rate(lr)
    options = {name: text for name, text in given.items() if text is not None}
    with np.errstate(all="ignore"):
        if subject in ("neuron", "softmax"):
            if rows is not None:
                raise UsageError("--row takes rows of a run's data", "bpcli backprop RUN --row 3")
            make = _neuron if subject == "neuron" else _softmax
            chain, values = make(options, alpha)
        else:
            if options:
                raise UsageError(
                    f"{', '.join(f'--{name}' for name in options)}: a run has weights and data of its own",
                    "backprop neuron … or backprop softmax … takes them",
                )
            chain, values = _of_run(Path(subject), rows, alpha)
    if layout == "denominator":
        chain = _turned(chain)
    _print(chain, values, format_, precision)
    for quantity in chain.quantities.values():
        if not np.isfinite(quantity.value).all():
            raise NotFiniteError(f"a result is not finite: {quantity.symbol.text} = {quantity.formula.text}")


# From options


def _learning_rate(text: str) -> float:
    """The α of --lr, which may be a constant expression such as 1/3."""
    alpha = parse_value(text)
    if not isinstance(alpha, float):
        raise UsageError(f"--lr takes one number, not {text}")
    if not (np.isfinite(alpha) and alpha > 0):
        raise UsageError(f"--lr {number(alpha)}: the learning rate is a number greater than 0")
    return alpha


def _value(options: dict[str, str], name: str, subject: str) -> Any:
    if name not in options:
        form = "--x 1,2 --w 0.5,-0.3 --b 0.1 --loss bce --y 1"
        if subject == "softmax":
            form = '--x 1,2 --w "0.1,0.2;0.3,0.4" --b 0,0 --label 1'
        raise UsageError(f"backprop {subject} needs --{name}", f"bpcli backprop {subject} {form}")
    return np.asarray(parse_value(options[name], read_value_file), float)


def _inputs(options: dict[str, str], subject: str) -> tuple[Any, Any, Any]:
    """X (N, n), w and b as they were given."""
    x, w, b = (_value(options, name, subject) for name in ("x", "w", "b"))
    return x.reshape(1, -1) if x.ndim < 2 else x, w, b


def _shape(value: Any) -> str:
    if value.ndim == 0:
        return "one number"
    return f"a vector of {len(value)}" if value.ndim == 1 else f"a {'×'.join(map(str, value.shape))} matrix"


def _neuron(options: dict[str, str], lr: float | None) -> tuple[Chain, Given]:
    if "label" in options:
        raise UsageError("--label is of softmax", "--y takes the label of a neuron")
    X, w, b = _inputs(options, "neuron")
    w = w.reshape(-1) if w.ndim == 0 or (w.ndim == 2 and w.shape[1] == 1) else w
    if w.shape != X.shape[1:]:
        hint = "w has an entry for each of x" if w.ndim < 2 else "a matrix w has several outputs: backprop softmax …"
        raise UsageError(f"the shapes do not fit: a row of --x is {_shape(X[0])}, --w is {_shape(w)}", hint)
    if b.size != 1:
        raise UsageError(f"--b is {_shape(b)}; expected one number")
    if "loss" not in options:
        raise UsageError("backprop neuron needs --loss", "--loss mse, or with --activation sigmoid --loss bce")
    y = _value(options, "y", "neuron").reshape(-1)
    if len(y) != len(X):
        raise UsageError(f"--y is {_shape(y)} for {len(X)} row{'s' * (len(X) > 1)} of --x", "one label for each row")
    if options["loss"] == "bce" and not ((y >= 0) & (y <= 1)).all():
        raise UsageError(f"--y {y[~((y >= 0) & (y <= 1))][0]:g}: bce takes labels between 0 and 1")
    _refuse_not_finite(x=X, w=w, b=b, y=y)
    chain = neuron_chain(X, w, float(b.ravel()[0]), y, options.get("activation", "identity"), options["loss"], lr)
    return chain, _shown(X, w[:, None], b.reshape(1, 1), y[:, None])


def _softmax(options: dict[str, str], lr: float | None) -> tuple[Chain, Given]:
    if "activation" in options:
        raise UsageError("--activation is of neuron; a softmax layer has softmax")
    X, w, b = _inputs(options, "softmax")
    w = w.reshape(1, -1) if w.ndim == 1 and X.shape[1] == 1 else w
    if w.ndim != 2 or len(w) != X.shape[1]:
        hint = f"w has a row for each of the {X.shape[1]} entries of x, and a column for each class"
        raise UsageError(f"the shapes do not fit: a row of --x is {_shape(X[0])}, --w is {_shape(w)}", hint)
    K = w.shape[1]
    if b.size != K:
        raise UsageError(f"--b is {_shape(b)}; expected a vector of {K}, an entry for each class")
    if ("y" in options) == ("label" in options):
        raise UsageError("give the true class once: --y one-hot, or --label counted from 0")
    if "label" in options:
        y = one_hot(_value(options, "label", "softmax").reshape(-1), len(X), K)
    else:
        y = _value(options, "y", "softmax")
        y = y.reshape(1, -1) if y.ndim < 2 else y
        if y.shape != (len(X), K):
            raise UsageError(f"--y is {_shape(y)}; expected a row of {K} for each of {len(X)} rows of --x")
        sums = y.sum(axis=1)
        if not ((y >= 0).all() and (abs(sums - 1.0) <= 1e-9).all()):
            raise UsageError("--y: each row is one-hot, or holds probabilities that add up to 1")
    _refuse_not_finite(x=X, w=w, b=b, y=y)
    return softmax_chain(X, w, b.reshape(-1), y, options.get("loss", "cce"), lr), _shown(X, w, b.reshape(-1, 1), y)


def _refuse_not_finite(**values: Any) -> None:
    for name, value in values.items():
        if not np.isfinite(value).all():
            raise UsageError(f"--{name} holds {value[~np.isfinite(value)].ravel()[0]:g}; expected finite numbers")


def _shown(X: Any, w: Any, b: Any, y: Any) -> Given:
    """What the chain starts from, a single x and y as columns."""
    single = len(X) == 1
    return [("x", X.T if single else X), ("w", w), ("b", b), ("y", y.T if single else y)]


# From a run


def _of_run(run: Path, rows: str | None, lr: float | None) -> tuple[Chain, Given]:
    from bpcli.training.config.loading import load_config
    from bpcli.training.run import CONFIG, load_model, model_path
    from bpcli.training.trainer import read_data

    if not run.exists() and "/" not in str(run):
        close = nearest(str(run), ("neuron", "softmax"))
        hint = f"did you mean {close}?" if close else "bpcli backprop --help"
        raise UsageError(f"backprop {run}: expected neuron, softmax, or the folder of a run", hint)
    model = load_model(run)
    path = model_path(run).parent / CONFIG
    if not path.is_file():
        raise DataError(f"{run} has no {CONFIG} beside it that says where its data is")
    config = load_config(path)
    table = read_data(config, config.data.path)
    wanted = _rows(rows, table.rows)
    prepared = model.preparation.apply(table)
    places = {row + 1: place for place, row in enumerate(prepared.rows.tolist())}
    for row in wanted:
        if row not in places:
            raise DataError(f"row {row} of {table.path} has a gap, and training drops such rows")
    at = [places[row] for row in wanted]
    X, y = dense(prepared.X[at]), prepared.y[at]
    w, b = model.w.astype(float), model.b.astype(float)
    names = _listed(model.preparation.feature_names)
    which = f"row {wanted[0]}" if len(wanted) == 1 else f"rows {_listed(wanted)}"
    output.note(f"{which} of {table.path}, prepared as in training; the features are {names}")
    if model.g is None:
        targets = one_hot(y, len(y), w.shape[1])
        return softmax_chain(X, w, b, targets, model.loss_row.name, lr), _shown(X, w, b[:, None], targets)
    y = y.astype(float)
    chain = neuron_chain(X, w, float(b), y, model.g.name, model.loss_row.name, lr)
    return chain, _shown(X, w[:, None], b.reshape(1, 1), y[:, None])


def _listed(items: Sequence[Any]) -> str:
    """The items in a note: the first, and how many there are, where they are many."""
    if len(items) <= MOST:
        return ", ".join(map(str, items))
    return f"{', '.join(map(str, items[: MOST - 1]))}, … ({len(items)} in all)"


def _rows(text: str | None, count: int) -> list[int]:
    if text is None:
        raise UsageError(
            "backprop RUN needs --row", f"--row 1, of the {count} rows of its data; 1,4 or 2:5 are a batch"
        )
    rows: list[int] = []
    for part in text.split(","):
        first, colon, last = part.strip().partition(":")
        if not first.isdecimal() or (colon and not last.isdecimal()):
            raise UsageError(f"--row {text}: {part.strip()!r} is no row", "such as 3, or 1,4, or 2:5")
        begin, end = int(first), int(last if colon else first)
        for row in (begin, end):  # before a long range is made of it
            if not 1 <= row <= count:
                raise UsageError(f"--row {row}: the data has {count} rows, counted from 1")
        rows += range(begin, end + 1)
    if not rows:
        raise UsageError(f"--row {text} takes no row", "such as 3, or 1,4, or 2:5")
    return rows


# Printing


def _turned(chain: Chain) -> Chain:
    """In denominator layout: each Jacobian transposed, and products the other way round."""

    def turned(q: Quantity) -> Quantity:
        text, latex = q.formula
        if q.name.endswith("_new"):
            return q._replace(formula=Formula(text.replace(")ᵀ", ")"), latex.replace(r"\right)^T", r"\right)")))
        if not q.name.startswith("d"):
            return q
        if " · " in text:
            text, latex = " · ".join(text.split(" · ")[::-1]), r" \cdot ".join(latex.split(r" \cdot ")[::-1])
        elif text.endswith("ᵀ"):
            text, latex = text.removesuffix("ᵀ"), latex.removesuffix("^T")
        return q.transposed()._replace(formula=Formula(text, latex))

    collapse = chain.collapse
    if collapse:
        collapse = Formula(collapse.text.removesuffix("ᵀ"), collapse.latex.removesuffix("^T"))
    mean = chain.mean and chain.mean.transposed()
    return Chain(chain.kind, {name: turned(q) for name, q in chain.quantities.items()}, collapse, mean)


def _print(chain: Chain, given: Given, format_: str, precision: int | None) -> None:
    if format_ == "json":
        record = {
            name: {
                "formula": q.formula.text,
                "shape": q.shape,
                "value": q.value.tolist() if q.value.size > 1 else q.value.item(),
            }
            for name, q in chain.quantities.items()
        }
        output.emit(json_text(record, precision))
    elif format_ == "csv":
        output.emit(csv_line(["name", "sample", "row", "column", "value"]))
        for name, q in chain.quantities.items():
            value = q.value if q.samples else q.value[None]
            for (sample, row, column), v in np.ndenumerate(value):
                output.emit(
                    csv_line([name, sample + 1 if q.samples else None, row + 1, column + 1, float(v)], precision)
                )
    else:
        for line in DRAWINGS[format_](chain, given, precision):
            output.emit(line)
