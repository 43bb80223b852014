"""The chain of Jacobians of a neuron or a softmax layer: for given numbers, or for a run and rows of its data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.api.arguments import as_inputs, as_value
from bpcli.api.descent import check_learning_rate
from bpcli.datasets.preparation.labels import class_text
from bpcli.datasets.sparse import dense
from bpcli.errors import DataError, InputError, MissingInputError, UsageError, meant
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.choices import Choice, Task, chosen
from bpcli.formulas.layers import DEFAULT_ACTIVATION, LAYERS, USUAL, pairs_in_words, refusal
from bpcli.formulas.losses import LOSSES
from bpcli.lecture.chain import Chain
from bpcli.lecture.drawing import latex_lines
from bpcli.lecture.input_checks import check_labels, check_settings, check_sums, kind_of, one_hot
from bpcli.lecture.neuron_chain import neuron_chain
from bpcli.lecture.softmax_chain import softmax_chain

Array = NDArray[Any]


def backprop(
    layer: str,
    *,
    x: Any = None,
    w: Any = None,
    b: Any = None,
    y: Any = None,
    label: Any = None,
    activation: Choice | None = None,
    loss: Choice | None = None,
    learning_rate: float | None = None,
    layout: str = "numerator",
) -> Chain:
    """The chain of Jacobians of `layer`, `neuron` or `softmax`, forward and back; rows of a matrix x are a mini-batch.

    A neuron: x (n,) or (N, n), w (n,), b a number, y a label for each row, `activation` identity unless it is named.
    Softmax: w (n, K), b (K,), and y one-hot (N, K) or `label` (N,), the true classes counted from 0; `loss` is cce
    unless it is named. An activation or a loss may be a mapping of its `name` and settings. `learning_rate` adds the
    update; `layout="denominator"` transposes every Jacobian. Raises UsageError for missing or wrong inputs.
    Source: the lecture's "Artificial Neurons and Jacobians" and "Softmax and Jacobians".
    """
    if not isinstance(layer, str) or layer not in LAYERS:
        raise UsageError(f"there is no layer {layer}", meant(layer, LAYERS, " or ".join(LAYERS)))
    numbers = {"x": x, "w": w, "b": b, "y": y, "label": label}
    given = {
        **as_inputs({name: v for name, v in numbers.items() if v is not None}),
        "activation": activation,
        "loss": loss,
    }
    make = _softmax if LAYERS[layer].per_class else _neuron
    with np.errstate(all="ignore"):
        chain = make(layer, {name: v for name, v in given.items() if v is not None}, _learning_rate(learning_rate))
        return ShownChain(*_in_layout(chain, layout))


class ShownChain(Chain):
    """A chain that a notebook shows in LaTeX."""

    def _repr_latex_(self) -> str:
        displays = "\n".join(line for line in latex_lines(self, 6) if line[0] != "%")
        return displays.replace(r"\[", "$$").replace(r"\]", "$$")


class ChainOfRun(NamedTuple):
    """The chain for rows of a run's data, with the file, the row numbers and the names of the prepared features."""

    chain: Chain
    path: str
    rows: tuple[int, ...]
    features: tuple[str, ...]

    def _repr_latex_(self) -> str:
        return ShownChain(*self.chain)._repr_latex_()


def backprop_run(
    run: str | Path, rows: Sequence[int | range], *, learning_rate: float | None = None, layout: str = "numerator"
) -> ChainOfRun:
    """The chain of a trained model on rows of its data, counted from 1 and prepared as in training.

    `rows` are numbers and ranges, such as `[3]` or `[1, range(4, 7)]`. Raises UsageError for a row number beyond the
    data, DataError for a row that training drops, and for a run or data that can't be read or have changed.
    """
    from bpcli.api.predictions import own_table
    from bpcli.training.run import check_one_run, load_model, model_path

    alpha = _learning_rate(learning_rate)
    model = load_model(Path(run))
    table = own_table(Path(run), "train it again")
    check_one_run(model_path(Path(run)).parent, model)
    wanted = _rows(rows, table.rows)
    prepared = model.preparation.apply(table)
    places = {row + 1: place for place, row in enumerate(prepared.rows.tolist())}
    for row in wanted:
        if row not in places:
            raise DataError(f"row {row} of {table.path} has a gap, and training drops such rows")
    at = [places[row] for row in wanted]
    X, y = dense(prepared.X[at]), prepared.y[at]
    w, b = model.w.astype(float), model.b.astype(float)
    with np.errstate(all="ignore"):
        if model.g is None:
            chain = softmax_chain(X, w, b, one_hot(y, len(y), w.shape[1]), model.loss_row, alpha)
        else:
            chain = neuron_chain(X, w, float(b), model.target(y, float), model.g, model.loss_row, alpha)
    features = tuple(model.preparation.feature_names)
    classes = tuple(map(class_text, model.classes or ())) if w.ndim == 2 else ()
    return ChainOfRun(
        _in_layout(chain._replace(features=features, classes=classes), layout), str(table.path), tuple(wanted), features
    )


def _in_layout(chain: Chain, layout: str) -> Chain:
    if layout not in ("numerator", "denominator"):
        raise UsageError(f"layout: expected numerator or denominator, found {layout!r}")
    return chain if layout == "numerator" else chain.in_denominator_layout()


def _rows(rows: Sequence[int | range], count: int) -> list[int]:
    """All row numbers; InputError before a long range is written out, if the data has fewer rows."""
    ranges = [row if isinstance(row, range) else range(row, row + 1) for row in rows]
    for each in ranges:
        for row in (each[0], each[-1]) if each else ():
            if not 1 <= row <= count:
                raise InputError(f"row {row}: the data has {count} rows, counted from 1", names=["row"])
    wanted = [row for each in ranges for row in each]
    if not wanted:
        hint = f"row 1, of the {count} rows of its data; 1,4 or 2:5 are a batch"
        raise InputError("the chain of a run needs row", hint, names=["row"])
    return wanted


# Inputs


Given = Mapping[str, Any]


def _learning_rate(alpha: Any) -> float | None:
    if alpha is None:
        return None
    rate = as_value("learning_rate", alpha)
    if np.size(rate) != 1:
        raise UsageError(f"the learning rate is {kind_of(np.asarray(rate))}; expected one number")
    check_learning_rate(float(np.ravel(rate)[0]))
    return float(np.ravel(rate)[0])


def _array(layer: str, given: Given, name: str) -> Array:
    if name not in given:
        raise MissingInputError(f"backprop {layer} needs {name}", names=[name])
    return np.asarray(given[name], float)


def _inputs(layer: str, given: Given) -> tuple[Array, Array, Array]:
    """X (N, n), w and b as they were given."""
    x, w, b = (_array(layer, given, name) for name in ("x", "w", "b"))
    return x.reshape(1, -1) if x.ndim < 2 else x, w, b


def _check_pair(layer: str, activation: Choice | None, loss: Choice) -> None:
    """InputError unless the activation and the loss exist, have such settings and go together."""
    for choice, rows, what in ((activation, ACTIVATIONS, "activation"), (loss, LOSSES, "loss")):
        if choice is None:
            continue
        name = str(choice.get("name") if isinstance(choice, Mapping) else choice)
        if name not in rows:
            hint = meant(name, rows, f"they are {', '.join(rows)}")
            raise InputError(f"{what} {name}: there is none of that name", hint, names=[what])
        check_settings(rows[name], {} if isinstance(choice, str) else choice)
    if reason := refusal(layer, activation, loss):
        what = f"activation {activation} with loss {loss}" if activation is not None else f"{layer} with loss {loss}"
        hint = f"what goes together: {pairs_in_words()}"
        raise InputError(f"{what}: there is no such {layer}; {reason}", hint, names=["activation", "loss"])


def _neuron(layer: str, given: Given, alpha: float | None) -> Chain:
    if "label" in given:
        raise InputError("label goes with softmax", "y takes the label of a neuron", names=["label", "y"])
    X, w, b = _inputs(layer, given)
    w = w.reshape(-1) if w.ndim == 0 or (w.ndim == 2 and w.shape[1] == 1) else w
    if w.shape != X.shape[1:]:
        hint = "w has an entry for each of x" if w.ndim < 2 else "softmax takes a matrix w, of several outputs"
        raise InputError(
            f"the shapes do not fit: a row of x is {kind_of(X[0])}, w is {kind_of(w)}", hint, names=["x", "w"]
        )
    if b.size != 1:
        raise InputError(f"b is {kind_of(b)}; expected one number", names=["b"])
    if "loss" not in given:
        raise MissingInputError(f"backprop {layer} needs loss", names=["loss"])
    activation, loss = given.get("activation", DEFAULT_ACTIVATION), given["loss"]
    _check_pair(layer, activation, loss)
    y = _array(layer, given, "y").reshape(-1)
    if len(y) != len(X):
        raise InputError(
            f"y is {kind_of(y)} for {len(X)} row{'s' * (len(X) > 1)} of x", "one label for each row", names=["y", "x"]
        )
    row = chosen(LOSSES, loss)
    check_labels(row, y)
    _refuse_not_finite(x=X, w=w, b=b, y=y)
    return neuron_chain(X, w, float(b.ravel()[0]), y, chosen(ACTIVATIONS, activation), row, alpha)


def _softmax(layer: str, given: Given, alpha: float | None) -> Chain:
    if "activation" in given:
        raise InputError("activation goes with neuron; a softmax layer has softmax", names=["activation"])
    X, w, b = _inputs(layer, given)
    w = w.reshape(1, -1) if w.ndim == 1 and X.shape[1] == 1 else w
    if w.ndim != 2 or len(w) != X.shape[1]:
        hint = f"w has a row for each of the {X.shape[1]} entries of x, and a column for each class"
        raise InputError(
            f"the shapes do not fit: a row of x is {kind_of(X[0])}, w is {kind_of(w)}", hint, names=["x", "w"]
        )
    K = w.shape[1]
    if b.size != K:
        raise InputError(f"b is {kind_of(b)}; expected a vector of {K}, an entry for each class", names=["b"])
    loss = given.get("loss", USUAL[Task.CLASSES][2])
    _check_pair(layer, None, loss)
    if ("y" in given) == ("label" in given):
        raise InputError("give the true class once: y one-hot, or label counted from 0", names=["y", "label"])
    if "label" in given:
        y = one_hot(_array(layer, given, "label").reshape(-1), len(X), K)
    else:
        y = np.asarray(given["y"], float)
        y = y.reshape(1, -1) if y.ndim < 2 else y
        if y.shape != (len(X), K):
            raise InputError(
                f"y is {kind_of(y)}; expected a row of {K} for each of {len(X)} rows of x", names=["y", "x"]
            )
        if not (y >= 0).all():
            raise InputError("y: each row is one-hot, or holds probabilities that add up to 1", names=["y"])
        check_sums(y)
    _refuse_not_finite(x=X, w=w, b=b, y=y)
    return softmax_chain(X, w, b.reshape(-1), y, chosen(LOSSES, loss), alpha)


def _refuse_not_finite(**values: Array) -> None:
    for name, value in values.items():
        if not np.isfinite(value).all():
            found = value[~np.isfinite(value)].ravel()[0]
            raise InputError(f"{name} holds {found:g}; expected finite numbers", names=[name])
