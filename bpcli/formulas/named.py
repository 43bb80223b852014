"""The lecture's functions by name, for `bpcli jacobian NAME`: their inputs, values, Jacobians, and products with them.

One row a function. A function takes and returns plain arrays: `value` an array or number, `jacobian` a 2-D matrix
outputs × entries for each block, `vjp` v·J in each block's shape, `jvp` J·v in the value's shape, never forming J.
"""

from collections.abc import Callable, Mapping
from math import fsum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import UsageError
from bpcli.formulas import losses
from bpcli.formulas import softmax as soft
from bpcli.formulas.activations import ACTIVATIONS, dsoftplus_dz, softplus
from bpcli.formulas.affine import affine, daffine_db, daffine_dw, daffine_dx, ddot_du, ddot_dv, dot
from bpcli.namespaces import two_product
from bpcli.notation import byte_size

Array = NDArray[Any]
Inputs = Mapping[str, Any]

MAX_BYTES = 2 << 30
"""A Jacobian larger than this is refused; the products never form it."""


class Named(NamedTuple):
    """A row: the options it takes, those it is differentiated by, and its rules over `inputs` by name."""

    inputs: tuple[str, ...]
    blocks: tuple[str, ...]
    value: Callable[[Inputs], Any]
    jacobian: Callable[[Inputs], dict[str, Array]]
    vjp: Callable[[Inputs, Array], dict[str, Array]]
    jvp: Callable[[Inputs, Array], Any]
    check: Callable[[dict[str, Any]], dict[str, Any]]
    rows_of: str | None = None  # the input of which a matrix means one function a row


def _refuse_large(rows: int, columns: int) -> None:
    if rows * columns * 8 > MAX_BYTES:
        raise UsageError(
            f"the Jacobian would have {rows} × {columns} entries, {byte_size(rows * columns * 8)}",
            "--vjp V gives V·J and --jvp V gives J·V without forming it",
        )


def _vector(inputs: dict[str, Any], name: str) -> Array:
    value = np.atleast_1d(np.asarray(inputs[name], np.float64))
    if value.ndim != 1:
        raise UsageError(f"--{name} is a matrix, {value.shape[0]} × {value.shape[1]}; expected a vector such as 1,2,3")
    return value


def _same_length(a: Array, b: Array, names: tuple[str, str]) -> None:
    if a.shape != b.shape:
        shown = [f"--{name} has {'×'.join(map(str, x.shape))}" for name, x in zip(names, (a, b), strict=True)]
        raise UsageError(f"the shapes do not fit: {shown[0]} entries, {shown[1]}")


def _split(v: Array, like: Mapping[str, Array]) -> dict[str, Array]:
    """A vector with an entry for each input, cut into blocks of the shapes of `like`."""
    result, at = {}, 0
    for name, x in like.items():
        result[name] = v[at : at + x.size].reshape(x.shape)
        at += x.size
    return result


# Functions of logits


def _of_logits(value: Any, jacobian: Any, vjp: Any, jvp: Any) -> Named:
    def dense(inputs: Inputs) -> dict[str, Array]:
        K = len(inputs["logits"])
        _refuse_large(K, K)
        return {"logits": jacobian(inputs["logits"])}

    return Named(
        ("logits",),
        ("logits",),
        lambda i: value(i["logits"]),
        dense,
        lambda i, v: {"logits": vjp(v, i["logits"])},
        lambda i, v: jvp(i["logits"], v),
        lambda i: {"logits": _vector(i, "logits")},
        "logits",
    )


# Functions of z, entry by entry


def _of_z(value: Any, derivative: Any) -> Named:
    def dense(inputs: Inputs) -> dict[str, Array]:
        z = inputs["z"]
        _refuse_large(len(z), len(z))
        return {"z": np.diag(np.asarray(derivative(z)))}

    return Named(
        ("z",),
        ("z",),
        lambda i: value(i["z"]),
        dense,
        lambda i, v: {"z": v * derivative(i["z"])},
        lambda i, v: derivative(i["z"]) * v,
        lambda i: {"z": _vector(i, "z")},
    )


# dot, affine, neuron


def _check_dot(inputs: dict[str, Any]) -> dict[str, Any]:
    u, v = _vector(inputs, "u"), _vector(inputs, "v")
    _same_length(u, v, ("u", "v"))
    return {"u": u, "v": v}


_DOT = Named(
    ("u", "v"),
    ("u", "v"),
    lambda i: float(dot(i["u"], i["v"])),
    lambda i: {"u": ddot_du(i["u"], i["v"]), "v": ddot_dv(i["u"], i["v"])},
    lambda i, g: {"u": g[0] * i["v"], "v": g[0] * i["u"]},
    lambda i, t: float(dot(i["v"], t[: len(i["u"])]) + dot(i["u"], t[len(i["u"]) :])),
    _check_dot,
)


def _check_affine(inputs: dict[str, Any]) -> dict[str, Any]:
    x = _vector(inputs, "x")
    w = np.asarray(inputs["w"], np.float64)
    w = np.atleast_1d(w)
    b = np.asarray(inputs["b"], np.float64)
    if len(w) != len(x):
        raise UsageError(
            f"--x has {len(x)} entries, --w has {len(w)} {'rows' if w.ndim == 2 else 'entries'}",
            "w has a row for each entry of x, and a column for each output if there are several",
        )
    b = b.reshape(()) if w.ndim == 1 and b.size == 1 else np.atleast_1d(b) if w.ndim == 2 else b
    if b.shape != w.shape[1:]:
        raise UsageError(f"--b has {b.size} entries for {w.shape[1] if w.ndim == 2 else 1} outputs")
    return {"x": x, "w": w, "b": b}


def _affine_jacobian(inputs: Inputs) -> dict[str, Array]:
    x, w = inputs["x"], inputs["w"]
    _refuse_large(w.shape[1] if w.ndim == 2 else 1, w.size)
    return {"x": daffine_dx(x, w), "w": daffine_dw(x, w), "b": daffine_db(w)}


def _affine_vjp(inputs: Inputs, g: Array) -> dict[str, Array]:
    x, w = inputs["x"], inputs["w"]
    if w.ndim == 1:
        return {"x": g[0] * w, "w": g[0] * x, "b": g}
    return {"x": w @ g, "w": np.outer(x, g), "b": g}


def _affine_jvp(inputs: Inputs, t: Array) -> Any:
    parts = _split(t, {name: inputs[name] for name in ("x", "w", "b")})
    return parts["x"] @ inputs["w"] + inputs["x"] @ parts["w"] + parts["b"]


_AFFINE = Named(
    ("x", "w", "b"),
    ("x", "w", "b"),
    lambda i: affine(i["x"], i["w"], i["b"]),
    _affine_jacobian,
    _affine_vjp,
    _affine_jvp,
    _check_affine,
    "x",
)


def _check_neuron(inputs: dict[str, Any]) -> dict[str, Any]:
    checked = _check_affine(inputs)
    if checked["w"].ndim != 1:
        raise UsageError("--w is a matrix; a neuron has one output, so w is a vector", "bpcli jacobian affine …")
    return {**checked, "activation": inputs["activation"]}


def neuron_z(x: Array, w: Array, b: float) -> tuple[float, float]:
    """z = xᵀw + b as a pair whose sum is z to twice the digits: the products and the sum are exact before rounding."""
    products, errors = two_product(x, w)
    terms = [*products.tolist(), *errors.tolist(), float(b)]
    if not np.isfinite(terms).all():  # beyond the range of the splitting
        return float(x @ w + b), 0.0
    z = fsum(terms)
    return z, fsum([*terms, -z])


def _neuron_a(inputs: Inputs) -> float:
    z, low = neuron_z(inputs["x"], inputs["w"], inputs["b"])
    row = ACTIVATIONS[inputs["activation"]]
    return float(row.value(z) + low * row.derivative(z))


def _neuron_slope(inputs: Inputs) -> float:
    """∂a/∂z at the pair z: g'(z)·(1 + low·g''(z)/g'(z)), with g''/g' = 1 − 2σ(z) of the sigmoid, −2 tanh z of tanh."""
    z, low = neuron_z(inputs["x"], inputs["w"], inputs["b"])
    name = inputs["activation"]
    bend = {"sigmoid": lambda: -ACTIVATIONS["tanh"].value(z / 2), "tanh": lambda: -2.0 * ACTIVATIONS["tanh"].value(z)}
    slope = float(ACTIVATIONS[name].derivative(z))
    return slope * (1.0 + low * bend[name]()) if name in bend else slope


def _neuron_blocks(inputs: Inputs, scale: float) -> dict[str, Array]:
    g = scale * _neuron_slope(inputs)
    return {"x": g * inputs["w"], "w": g * inputs["x"], "b": np.array([g])}


_NEURON = Named(
    ("x", "w", "b", "activation"),
    ("x", "w", "b"),
    _neuron_a,
    lambda i: {name: block[None, :] for name, block in _neuron_blocks(i, 1.0).items()},
    lambda i, g: _neuron_blocks(i, float(g[0])),
    lambda i, t: float(np.concatenate(list(_neuron_blocks(i, 1.0).values())) @ t),
    _check_neuron,
    "x",
)


# Losses


def _loss(value: Any, gradient: Any, block: str, check: Any, inputs: tuple[str, ...]) -> Named:
    """A loss of labels y and `block`; its Jacobian is a gradient, 1 × all entries."""
    return Named(
        inputs,
        (block,),
        lambda i: float(value(i)),
        lambda i: {block: np.asarray(gradient(i)).reshape(1, -1)},
        lambda i, g: {block: g[0] * gradient(i)},
        lambda i, t: float(np.sum(np.asarray(gradient(i)).ravel() * t)),
        check,
    )


def _check_labels(y: Array) -> None:
    if not ((y >= 0) & (y <= 1)).all():
        raise UsageError("--y holds labels between 0 and 1")


def _check_pairs(block: str, labels: bool, probabilities: bool) -> Any:
    def check(inputs: dict[str, Any]) -> dict[str, Any]:
        y, other = (np.atleast_1d(np.asarray(inputs[name], np.float64)) for name in ("y", block))
        _same_length(y, other, ("y", block))
        if labels:
            _check_labels(y)
        if probabilities:
            _check_probabilities(other)
        return {"y": y, block: other}

    return check


def _check_probabilities(y_hat: Array) -> None:
    if not ((y_hat >= 0) & (y_hat <= 1)).all():
        raise UsageError("--yhat holds probabilities between 0 and 1", "for z from −∞ to ∞: sigmoid_bce or softmax_cce")


def _check_one_hot(block: str) -> Any:
    """y as one-hot rows, from --y or --label, for predictions in rows."""

    def check(inputs: dict[str, Any]) -> dict[str, Any]:
        rows = np.atleast_2d(np.asarray(inputs[block], np.float64))
        if block == "yhat":
            _check_probabilities(rows)
        if (inputs.get("y") is None) == (inputs.get("label") is None):
            raise UsageError("give the true class once: --y one-hot, or --label counted from 0")
        if inputs.get("label") is not None:
            y = one_hot(np.asarray(inputs["label"], np.float64).ravel(), *rows.shape)
        else:
            y = np.atleast_2d(np.asarray(inputs["y"], np.float64))
            _same_length(y, rows, ("y", block))
            _check_labels(y)
            if not np.allclose(y.sum(axis=1), 1.0, rtol=0, atol=1e-9):
                raise UsageError("--y: each row is one-hot, or holds probabilities that add up to 1")
        return {"y": y, block: rows}

    return check


def one_hot(labels: Array, samples: int, classes: int) -> Array:
    """One-hot rows (samples, classes) of class numbers; UsageError for one that is no class."""
    if labels.shape != (samples,):
        raise UsageError(f"--label has {labels.size} entries for {samples} rows")
    for label in labels.tolist():
        if label not in range(classes):
            raise UsageError(f"--label {label:g}: the classes are counted from 0 to {classes - 1}")
    return np.asarray(np.eye(classes)[labels.astype(int)])


NAMED: dict[str, Named] = {
    "softmax": _of_logits(soft.softmax, soft.dsoftmax_dlogits, soft.softmax_vjp, soft.softmax_jvp),
    "log_softmax": _of_logits(soft.log_softmax, soft.dlog_softmax_dlogits, soft.log_softmax_vjp, soft.log_softmax_jvp),
    **{name: _of_z(row.value, row.derivative) for name, row in ACTIVATIONS.items()},
    "softplus": _of_z(softplus, dsoftplus_dz),
    "dot": _DOT,
    "affine": _AFFINE,
    "neuron": _NEURON,
    "mse": _loss(
        lambda i: losses.mse(i["y"], i["yhat"]),
        lambda i: losses.dmse_dy_hat(i["y"], i["yhat"]),
        "yhat",
        _check_pairs("yhat", False, False),
        ("y", "yhat"),
    ),
    "bce": _loss(
        lambda i: losses.bce(i["y"], i["yhat"]),
        lambda i: losses.dbce_dy_hat(i["y"], i["yhat"]),
        "yhat",
        _check_pairs("yhat", True, True),
        ("y", "yhat"),
    ),
    "cce": _loss(
        lambda i: losses.cce(i["y"], i["yhat"]),
        lambda i: losses.dcce_dy_hat(i["y"], i["yhat"]),
        "yhat",
        _check_one_hot("yhat"),
        ("yhat", "y", "label"),
    ),
    "sigmoid_bce": _loss(
        lambda i: losses.sigmoid_bce(i["z"], i["y"]),
        lambda i: losses.dsigmoid_bce_dz(i["z"], i["y"]),
        "z",
        _check_pairs("z", True, False),
        ("z", "y"),
    ),
    "softmax_cce": _loss(
        lambda i: losses.softmax_cce(i["logits"], i["y"]),
        lambda i: losses.dsoftmax_cce_dlogits(i["logits"], i["y"]),
        "logits",
        _check_one_hot("logits"),
        ("logits", "y", "label"),
    ),
}
"""Every name that `jacobian` knows."""

NAMES = tuple(NAMED)
