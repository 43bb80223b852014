"""The lecture's functions by name, for `bpcli jacobian NAME`: their checks, values, Jacobians, and products with them.

One row a function, whose inputs `INPUTS` lists. A row works on the arrays that its `check` returns, or on the
same in other numbers: `value` is an array or number, `jacobian` a matrix outputs × entries for each block, `vjp` v·J in
each block's shape, `jvp` J·v in the value's shape, never forming J.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import InputError, UsageError, nearest
from bpcli.formulas import losses
from bpcli.formulas import softmax as soft
from bpcli.formulas.activations import ACTIVATIONS, dsoftplus_dz, softplus
from bpcli.formulas.affine import affine_pair, affine_scaled, daffine_db, daffine_dw, daffine_dx, ddot_du, ddot_dv, dot
from bpcli.lecture.inputs import INPUTS
from bpcli.numbers import pairs
from bpcli.numbers.namespaces import array_namespace
from bpcli.text.notation import byte_size, number

Array = NDArray[Any]
Inputs = Mapping[str, Any]

MAX_BYTES = 2 << 30
"""A Jacobian larger than this is refused; the products never form it."""


class Kink(NamedTuple):
    """At."""

    at: float
    left: float
    right: float


class Corner(NamedTuple):
    """An entry of a Jacobian at a kink: the convention's slope of what has the kink, and those on both sides.

    The entry is that slope times `factor(inputs)`; `place` says where the kink is, in words.
    """

    output: int
    block: str
    entry: int
    used: Any
    left: Any
    right: Any
    factor: Callable[[Inputs], Any]
    place: str

    def slopes(self, inputs: Inputs) -> tuple[Any, Any, Any]:
        """The entry by the convention, to the left of the input, and to the right, in the numbers of the inputs."""
        factor = self.factor(inputs)
        left, right = (self.left, self.right) if factor > 0 else (self.right, self.left)
        return self.used * factor + 0.0, left * factor + 0.0, right * factor + 0.0  # −0 is 0


def smooth(inputs: Inputs) -> list[Corner]:
    """The kinks of a function that has none."""
    return []


class Named(NamedTuple):
    """A row: what it is differentiated by, a check of its inputs, and its rules over those by name."""

    blocks: tuple[str, ...]
    check: Callable[[Inputs], dict[str, Any]]
    value: Callable[[Inputs], Any]
    jacobian: Callable[[Inputs], dict[str, Any]]
    vjp: Callable[[Inputs, Any], dict[str, Any]]
    jvp: Callable[[Inputs, Any], Any]
    rows_of: str | None = None  # the input of which a matrix means one function a row
    corners: Callable[[Inputs], list[Corner]] = smooth  # the entries that are at a kink


def _refuse_large(rows: int, columns: int) -> None:
    if rows * columns * 8 > MAX_BYTES:
        raise InputError(
            f"the Jacobian would have {rows} × {columns} entries, {byte_size(rows * columns * 8)}",
            "vjp V gives V·J and jvp V gives J·V without forming it",
            names=("vjp", "jvp"),
        )


def _array(inputs: Inputs, name: str) -> Array:
    return np.atleast_1d(np.asarray(inputs[name], np.float64))


def _vector(inputs: Inputs, name: str) -> Array:
    value = _array(inputs, name)
    if value.ndim != 1:
        raise InputError(f"{name} is {kind_of(value)}; expected a vector such as 1,2,3", names=[name])
    return value


def kind_of(value: Array) -> str:
    """What an array is in words."""
    if value.ndim == 1:
        return f"a vector of {len(value)}" if len(value) > 1 else "one number"
    return f"a {' × '.join(map(str, value.shape))} matrix"


def _same_shape(a: Array, b: Array, names: tuple[str, str], hint: str = "") -> None:
    if a.shape != b.shape:
        raise InputError(
            f"the shapes do not fit: {names[0]} is {kind_of(a)}, {names[1]} is {kind_of(b)}", hint, names=names
        )


def check_names(name: str, given: Iterable[str]) -> None:
    """InputError unless these are the inputs of the function."""
    wanted = INPUTS[name]
    either = {"y", "label"} if "label" in wanted else set()  # of which `check` expects one
    if missing := [key for key in wanted if key not in given and key not in either]:
        raise InputError(f"{name} needs {', '.join(missing)}", names=missing)
    if extra := [key for key in given if key not in wanted]:
        raise InputError(f"{name} takes no {', '.join(extra)}", names=extra)


def each_set(row: Named, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One set of inputs, or one for each row of the matrix that the function is given."""
    if row.rows_of is None or np.ndim(inputs[row.rows_of]) != 2:
        return [dict(inputs)]
    matrix = np.asarray(inputs[row.rows_of])
    if matrix.shape[1] == 1:  # a column, as a file with a number a line is read
        return [{**inputs, row.rows_of: matrix[:, 0]}]
    return [{**inputs, row.rows_of: one} for one in matrix]


# Functions of logits, and of z entry by entry


def _of_logits(value: Any, jacobian: Any, vjp: Any, jvp: Any) -> Named:
    def dense(inputs: Inputs) -> dict[str, Any]:
        K = len(inputs["logits"])
        _refuse_large(K, K)
        return {"logits": jacobian(inputs["logits"])}

    return Named(
        ("logits",),
        lambda i: {"logits": _vector(i, "logits")},
        lambda i: value(i["logits"]),
        dense,
        lambda i, v: {"logits": vjp(v, i["logits"])},
        lambda i, v: jvp(i["logits"], v),
        "logits",
    )


def _kinks(name: str) -> tuple[Kink, ...]:
    """The kinks of a function of z."""
    return (Kink(0.0, 0.0, 1.0),) if name == "relu" else ()


def _corners_of_z(name: str, inputs: Inputs) -> list[Corner]:
    """The entries of z at a kink of the function."""
    found = []
    for kink in _kinks(name):
        for k in np.flatnonzero(inputs["z"] == kink.at).tolist():
            used = float(ACTIVATIONS[name].derivative(inputs["z"][k]))
            place = f"{name}(z) at z = {number(kink.at)}"
            found.append(Corner(k, "z", k, used, kink.left, kink.right, lambda i: 1.0, place))
    return found


def _corners_of_neuron(inputs: Inputs) -> list[Corner]:
    """All entries but those with a slope of 0, where z is at a kink of the activation."""
    z, low = affine_pair(inputs["x"], inputs["w"], inputs["b"])
    name = inputs["activation"]
    found = []
    for kink in _kinks(name):
        if (z - kink.at) + low != 0:
            continue
        used, place = float(ACTIVATIONS[name].derivative(z)), f"{name}(z) at z = {number(kink.at)}"
        for block, factors in (("x", "w"), ("w", "x")):
            for k in np.flatnonzero(inputs[factors]).tolist():
                factor = partial(_entry, name=factors, k=k)
                found.append(Corner(0, block, k, used, kink.left, kink.right, factor, place))
        found.append(Corner(0, "b", 0, used, kink.left, kink.right, lambda i: 1.0, place))
    return found


def _entry(inputs: Inputs, name: str, k: int) -> Any:
    return inputs[name][k]


def _of_z(name: str, value: Any, derivative: Any) -> Named:
    def dense(inputs: Inputs) -> dict[str, Any]:
        z = inputs["z"]
        _refuse_large(len(z), len(z))
        return {"z": array_namespace(z).diag(derivative(z))}

    return Named(
        ("z",),
        lambda i: {"z": _vector(i, "z")},
        lambda i: value(i["z"]),
        dense,
        lambda i, v: {"z": v * derivative(i["z"])},
        lambda i, v: derivative(i["z"]) * v,
        corners=lambda i: _corners_of_z(name, i),
    )


# dot, affine, neuron


def _check_dot(inputs: Inputs) -> dict[str, Any]:
    u, v = _vector(inputs, "u"), _vector(inputs, "v")
    _same_shape(u, v, ("u", "v"))
    return {"u": u, "v": v}


_DOT = Named(
    ("u", "v"),
    _check_dot,
    lambda i: dot(i["u"], i["v"]),
    lambda i: {"u": ddot_du(i["u"], i["v"]), "v": ddot_dv(i["u"], i["v"])},
    lambda i, g: {"u": g[0] * i["v"], "v": g[0] * i["u"]},
    lambda i, t: dot(array_namespace(t).concatenate([i["v"], i["u"]]), t),
)


def _check_affine(inputs: Inputs) -> dict[str, Any]:
    x, w, b = _vector(inputs, "x"), _array(inputs, "w"), _array(inputs, "b")
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


def _affine_jacobian(inputs: Inputs) -> dict[str, Any]:
    x, w = inputs["x"], inputs["w"]
    _refuse_large(w.shape[1] if w.ndim == 2 else 1, w.size)
    return {"x": daffine_dx(x, w), "w": daffine_dw(x, w), "b": daffine_db(w)}


def _affine_vjp(inputs: Inputs, g: Any) -> dict[str, Any]:
    x, w = inputs["x"], inputs["w"]
    if w.ndim == 1:
        return {"x": g[0] * w, "w": g[0] * x, "b": g}
    return {"x": dot(w, g), "w": x[:, None] * g, "b": g}


def _affine_jvp(inputs: Inputs, t: Any) -> tuple[Any, Any]:
    """dz = (dx)ᵀw + xᵀ(dw) + db for t = (dx, dw, db), one sum, as m·2^k."""
    x, w = inputs["x"], inputs["w"]
    concatenate = array_namespace(t).concatenate
    dx, dw, db = t[: x.size], t[x.size : x.size + w.size].reshape(w.shape), t[x.size + w.size :]
    z, k = affine_scaled(concatenate([dx, x]), concatenate([w, dw]), db.reshape(w.shape[1:]))
    return z[0], k


_AFFINE = Named(
    ("x", "w", "b"),
    _check_affine,
    lambda i: affine_pair(i["x"], i["w"], i["b"])[0],
    _affine_jacobian,
    _affine_vjp,
    lambda i, t: array_namespace(t).ldexp(*_affine_jvp(i, t)),
    "x",
)


def _check_neuron(inputs: Inputs) -> dict[str, Any]:
    checked = _check_affine(inputs)
    if checked["w"].ndim != 1:
        raise InputError(
            "w is a matrix; a neuron has one output", "affine takes a matrix with a column for each", names=["w"]
        )
    activation = inputs["activation"]
    if activation not in ACTIVATIONS:
        close = nearest(str(activation), ACTIVATIONS)
        hint = f"did you mean {close}?" if close else f"they are {', '.join(ACTIVATIONS)}"
        raise InputError(f"there is no activation {activation!r}", hint, names=["activation"])
    return {**checked, "activation": activation}


def _neuron(inputs: Inputs) -> Any:
    """a = g(z + low) = g(z) + low·g'(z), with the pair z + low = xᵀw + b."""
    z, low = affine_pair(inputs["x"], inputs["w"], inputs["b"])
    row = ACTIVATIONS[inputs["activation"]]
    return row.value(z) + low * row.derivative(z)


def neuron_slope(x: Any, w: Any, b: Any, activation: str) -> tuple[Any, Any]:
    """∂a/∂z at z = xᵀw + b as (m, k) for m·2^k."""
    xp = array_namespace(x)
    z, k = affine_scaled(x, w, b)
    # Of a z that underflows the sign still counts, at a kink.
    return ACTIVATIONS[activation].slope(*pairs.ldexp(xp, z, xp.maximum(k, -400)))


def _times_slope(inputs: Inputs, *products: tuple[tuple[Any, Any], ...]) -> list[Any]:
    """(∂a/∂z)·Π m·2^k of the (m, k) of each product: a slope too small for a double may meet a large factor."""
    xp = array_namespace(inputs["x"])
    slope = neuron_slope(inputs["x"], inputs["w"], inputs["b"], inputs["activation"])
    results = []
    for factors in products:
        m, k = slope
        for m_factor, k_factor in factors:
            m, k = m * m_factor, k + k_factor
        results.append(xp.ldexp(m, k))
    return results


def _neuron_vjp(inputs: Inputs, v: Any) -> dict[str, Any]:
    g, x, w = (array_namespace(v).frexp(factor) for factor in (v, inputs["x"], inputs["w"]))
    return dict(zip(("x", "w", "b"), _times_slope(inputs, (g, w), (g, x), (g,)), strict=True))


_NEURON = Named(
    ("x", "w", "b"),
    _check_neuron,
    _neuron,
    lambda i: {name: block[None, :] for name, block in _neuron_vjp(i, array_namespace(i["x"]).ones(1)).items()},
    _neuron_vjp,
    lambda i, t: _times_slope(i, (_affine_jvp(i, t),))[0],
    "x",
    _corners_of_neuron,
)


# Losses


def _loss(value: Any, gradient: Any, block: str, check: Any) -> Named:
    """A loss of labels y and `block`; its Jacobian is a gradient, 1 × all entries."""

    def shaped(inputs: Inputs) -> Any:
        return gradient(inputs["y"], inputs[block]).reshape(inputs[block].shape)

    return Named(
        (block,),
        check,
        lambda i: value(i["y"], i[block]),
        lambda i: {block: shaped(i).reshape(1, -1)},
        lambda i, g: {block: g[0] * shaped(i)},
        lambda i, t: dot(shaped(i).reshape(-1), t),
    )


def _check_between(y: Array, name: str, what: str, hint: str = "") -> None:
    outside = y[~((y >= 0) & (y <= 1))]
    if outside.size:
        raise InputError(f"{name} holds {what} between 0 and 1, found {outside[0]:g}", hint, names=[name])


def _check_probabilities(y_hat: Array) -> None:
    _check_between(y_hat, "yhat", "probabilities", "for z from −∞ to ∞: sigmoid_bce or softmax_cce")


def _check_pairs(block: str, labels: bool, probabilities: bool) -> Any:
    def check(inputs: Inputs) -> dict[str, Any]:
        y, other = _array(inputs, "y"), _array(inputs, block)
        _same_shape(y, other, ("y", block))
        if labels:
            _check_between(y, "y", "labels")
        if probabilities:
            _check_probabilities(other)
        return {"y": y, block: other}

    return check


def _check_one_hot(block: str) -> Any:
    """y as one-hot rows, from y or label, for predictions in rows."""

    def check(inputs: Inputs) -> dict[str, Any]:
        other = _array(inputs, block)
        if block == "yhat":
            _check_probabilities(other)
        if (inputs.get("y") is None) == (inputs.get("label") is None):
            raise InputError("give the true class once: y one-hot, or label counted from 0", names=("y", "label"))
        if inputs.get("label") is not None:
            y = one_hot(_vector(inputs, "label"), *_rows(other).shape)
            return {"y": y.reshape(other.shape), block: other}
        y = _array(inputs, "y")
        _same_shape(y, other, ("y", block), "y is one-hot, in the shape of the other; label gives class numbers")
        _check_between(y, "y", "labels")
        sums = _rows(y).sum(axis=1)
        wrong = sums[abs(sums - 1.0) > 1e-9]
        if wrong.size:
            what = "each row is one-hot, or holds probabilities that add up to 1"
            raise InputError(f"y: {what}; found a sum of {wrong[0]:g}", names=["y"])
        return {"y": y, block: other}

    return check


def one_hot(labels: Array, samples: int, classes: int) -> Array:
    """One-hot rows (samples, classes) of class numbers; InputError for one that is no class."""
    if labels.shape != (samples,):
        expected = kind_of(np.empty(samples))
        raise InputError(f"label is {kind_of(labels)}; expected {expected}, a class number a row", names=["label"])
    for label in labels.tolist():
        if label not in range(classes):
            raise InputError(f"label {label:g}: the classes are counted from 0 to {classes - 1}", names=["label"])
    y = np.zeros((samples, classes))
    y[np.arange(samples), labels.astype(int)] = 1.0
    return y


def _rows(x: Any) -> Any:
    """A sample a row; a vector is one sample."""
    return x.reshape(-1, x.shape[-1])


NAMED: dict[str, Named] = {
    "softmax": _of_logits(soft.softmax, soft.dsoftmax_dlogits, soft.softmax_vjp, soft.softmax_jvp),
    "log_softmax": _of_logits(soft.log_softmax, soft.dlog_softmax_dlogits, soft.log_softmax_vjp, soft.log_softmax_jvp),
    **{name: _of_z(name, row.value, row.derivative) for name, row in ACTIVATIONS.items()},
    "softplus": _of_z("softplus", softplus, dsoftplus_dz),
    "dot": _DOT,
    "affine": _AFFINE,
    "neuron": _NEURON,
    "mse": _loss(losses.mse, losses.dmse_dyhat, "yhat", _check_pairs("yhat", False, False)),
    "bce": _loss(losses.bce, losses.dbce_dyhat, "yhat", _check_pairs("yhat", True, True)),
    "cce": _loss(
        lambda y, y_hat: losses.cce(_rows(y), _rows(y_hat)),
        lambda y, y_hat: losses.dcce_dyhat(_rows(y), _rows(y_hat)),
        "yhat",
        _check_one_hot("yhat"),
    ),
    "sigmoid_bce": _loss(
        losses.sigmoid_bce,
        losses.dsigmoid_bce_dz,
        "z",
        _check_pairs("z", True, False),
    ),
    "softmax_cce": _loss(
        lambda y, logits: losses.softmax_cce(_rows(y), _rows(logits)),
        lambda y, logits: losses.dsoftmax_cce_dlogits(_rows(y), _rows(logits)),
        "logits",
        _check_one_hot("logits"),
    ),
}
"""Every name that `jacobian` knows."""


def named_function(name: str) -> Named:
    """The row of a name; UsageError if there is none."""
    if name not in NAMED:
        close = nearest(name, NAMED)
        hint = f"did you mean {close}?" if close else f"they are {', '.join(NAMED)}"
        raise UsageError(f"there is no function of the lecture called {name}", hint)
    return NAMED[name]
