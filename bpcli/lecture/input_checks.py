"""Checks of the inputs of the lecture's functions and chains: each returns arrays, or raises an InputError."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import InputError, MissingInputError, UsageError, meant
from bpcli.formulas.activations import ACTIVATIONS, Activation
from bpcli.formulas.choices import REALS, Interval, Task
from bpcli.formulas.losses import Loss
from bpcli.lecture.inputs import INPUTS, fused_names, settings_of

Array = NDArray[Any]
Inputs = Mapping[str, Any]
R = TypeVar("R", Activation, Loss)


def array_of(inputs: Inputs, name: str) -> Array:
    """An input as an array with at least one axis."""
    return np.atleast_1d(np.asarray(inputs[name], np.float64))


def vector_of(inputs: Inputs, name: str) -> Array:
    """An input that has to be a vector."""
    value = array_of(inputs, name)
    if value.ndim != 1:
        raise InputError(f"{name} is {kind_of(value)}; expected a vector such as 1,2,3", names=[name])
    return value


def kind_of(value: Array) -> str:
    """The kind of an array in words: `a vector of 3`."""
    if value.ndim < 2:
        return f"a vector of {len(value)}" if value.size != 1 else "one number"
    return f"a {' × '.join(map(str, value.shape))} matrix"


def check_same_shape(a: Array, b: Array, names: tuple[str, str], hint: str = "") -> None:
    """InputError where two inputs have different shapes."""
    if a.shape != b.shape:
        raise InputError(
            f"the shapes do not fit: {names[0]} is {kind_of(a)}, {names[1]} is {kind_of(b)}", hint, names=names
        )


def check_names(name: str, given: Mapping[str, Any]) -> None:
    """InputError unless these are the inputs of the function."""
    wanted = INPUTS[name]
    settings = settings_of(name, given.get("activation"))
    either = {"y", "label"} if "label" in wanted else set()  # of which `check` expects one
    if missing := [key for key in wanted if key not in given and key not in either]:
        raise MissingInputError(f"{name} needs {', '.join(missing)}", names=missing)
    if extra := [key for key in given if key not in wanted and key not in settings]:
        raise InputError(f"{name} takes no {', '.join(extra)}", names=extra)


def blocks_of(name: str, blocks: Sequence[str], wrt: str | Sequence[str] | None) -> list[str]:
    """The blocks of a function that `wrt` names, a list or a text such as `x,w`; all for None; else UsageError."""
    if not isinstance(wrt, str | Sequence | None):
        raise UsageError(f"wrt: expected names of blocks, found {wrt!r}", f"its blocks are {', '.join(blocks)}")
    wanted = [part.strip() for part in wrt.split(",")] if isinstance(wrt, str) else blocks if wrt is None else wrt
    if unknown := [block for block in wanted if block not in blocks]:
        raise UsageError(f"{name} has no block {unknown[0]}", f"its blocks are {', '.join(blocks)}")
    return [block for block in blocks if block in wanted]


def with_settings(row: R, inputs: Inputs) -> R:
    """The row with those of its settings that are among the inputs."""
    return row.with_settings({key: inputs[key] for key in row.settings if key in inputs})


def check_settings(row: Activation | Loss, inputs: Inputs) -> dict[str, Any]:
    """The settings that are given, as numbers within their bounds."""
    checked = {}
    for name, setting in row.settings.items():
        if inputs.get(name) is None:
            continue
        value = np.asarray(inputs[name], float)
        if value.size != 1:
            raise InputError(f"{name} is {kind_of(value)}; expected one number", names=[name])
        if problem := setting.problem(value.item()):
            raise InputError(f"{name}: {problem}", names=[name])
        checked[name] = value.reshape(())
    return checked


def check_dot(inputs: Inputs) -> dict[str, Any]:
    """Two vectors of one length."""
    u, v = vector_of(inputs, "u"), vector_of(inputs, "v")
    check_same_shape(u, v, ("u", "v"))
    return {"u": u, "v": v}


def check_affine(inputs: Inputs) -> dict[str, Any]:
    """x (n,), w (n,) or (n, K), b () or (K,)."""
    x, w, b = vector_of(inputs, "x"), array_of(inputs, "w"), array_of(inputs, "b")
    if len(w) != len(x):
        raise InputError(
            f"the shapes do not fit: x is {kind_of(x)}, w is {kind_of(w)}",
            "w has a row for each entry of x, and a column for each output if there are several",
            names=("x", "w"),
        )
    outputs = w.shape[1] if w.ndim == 2 else 1
    if b.shape != (outputs,):
        raise InputError(f"b is {kind_of(b)}; expected {kind_of(w[0]) if w.ndim == 2 else 'one number'}", names=["b"])
    return {"x": x, "w": w, "b": b if w.ndim == 2 else b.reshape(())}


def activation_named(name: Any) -> Activation:
    """The row of an activation; InputError for an unknown name."""
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    hint = meant(str(name), ACTIVATIONS, f"they are {', '.join(ACTIVATIONS)}")
    raise InputError(f"there is no activation {name!r}", hint, names=["activation"])


def check_neuron(inputs: Inputs) -> dict[str, Any]:
    """x (n,), w (n,), b (), the name of an activation and its settings."""
    checked = check_affine(inputs)
    if checked["w"].ndim != 1:
        raise InputError(
            "w is a matrix; a neuron has one output", "affine takes a matrix with a column for each", names=["w"]
        )
    row = activation_named(inputs["activation"])
    return {**checked, "activation": row.name, **check_settings(row, inputs)}


def check_labels(row: Loss, y: Array) -> None:
    """InputError for a label that the loss does not take."""
    _check_within(row.labels, y, "y", "labels")


def _check_within(interval: Interval, values: Array, name: str, what: str, hint: str = "") -> None:
    outside = values[~interval.holds(values)]
    if outside.size and interval != REALS:
        raise InputError(f"{name} holds {what} {interval}, found {outside[0]:g}", hint, names=[name])


def check_outputs(row: Loss, yhat: Array) -> None:
    """InputError for a ŷ that is outside of the loss's domain."""
    probabilities = row.probability or row.task is Task.CLASSES
    hint = f"for z from −∞ to ∞: {' or '.join(fused_names())}" if probabilities else ""
    _check_within(row.domain, yhat, "yhat", "probabilities" if probabilities else "outputs", hint)


def check_pairs(row: Loss, block: str, inputs: Inputs) -> dict[str, Any]:
    """A label for each output."""
    y, other = array_of(inputs, "y"), array_of(inputs, block)
    check_same_shape(y, other, ("y", block))
    check_labels(row, y)
    if block == "yhat":
        check_outputs(row, other)
    return {"y": y, block: other}


def check_one_hot(row: Loss, block: str, inputs: Inputs) -> dict[str, Any]:
    """y as one-hot rows, from y or label, in the shape of the predictions."""
    other = array_of(inputs, block)
    if block == "yhat":
        check_outputs(row, other)
    if (inputs.get("y") is None) == (inputs.get("label") is None):
        raise InputError("give the true class once: y one-hot, or label counted from 0", names=("y", "label"))
    if inputs.get("label") is not None:
        y = one_hot(vector_of(inputs, "label"), *as_rows(other).shape)
        return {"y": y.reshape(other.shape), block: other}
    y = array_of(inputs, "y")
    check_same_shape(y, other, ("y", block), "y is one-hot, in the shape of the other; label gives class numbers")
    check_labels(row, y)
    check_sums(as_rows(y))
    return {"y": y, block: other}


def check_sums(y: Array) -> None:
    """InputError unless each row adds up to 1."""
    sums = y.sum(axis=1)
    wrong = sums[~(abs(sums - 1.0) <= 1e-9)]
    if wrong.size:
        what = "each row is one-hot, or holds probabilities that add up to 1"
        raise InputError(f"y: {what}; found a sum of {wrong[0]:g}", names=["y"])


def one_hot(labels: Array, samples: int, classes: int) -> Array:
    """Class numbers as one-hot rows (samples, classes); InputError for a number that is no class."""
    if labels.shape != (samples,):
        expected = kind_of(np.empty(samples))
        raise InputError(f"label is {kind_of(labels)}; expected {expected}, a class number a row", names=["label"])
    for label in labels.tolist():
        if label not in range(classes):
            raise InputError(f"label {label:g}: the classes are counted from 0 to {classes - 1}", names=["label"])
    y = np.zeros((samples, classes))
    y[np.arange(samples), labels.astype(int)] = 1.0
    return y


def as_rows(x: Any) -> Any:
    """A matrix with one row for each sample; a vector is one sample."""
    return x.reshape(-1, x.shape[-1])
